//! Convolution, and its two adjoints.
//!
//! What deep learning calls convolution is cross-correlation over channels:
//!
//! ```text
//! y[n, o, p, q] = b[o] + Σ_{c, i, j} w[o, c, i, j] · x[n, c, p·s + i·d − before, q·s + j·d − before]
//! ```
//!
//! Contracted with a gradient g in the shape of y, this is a form in three
//! tensors, linear in each: s(x, w, g) = Σ g · (x ⋆ w). Its derivatives with
//! respect to g, x and w are the three functions here: [`Tensor::conv2d`],
//! [`Tensor::conv2d_input`] and [`Tensor::conv2d_weight`]. The derivative of
//! any of them is one of the other two, so differentiation never leaves the
//! family.
//!
//! [`Algorithm::of`] says which loops run; the loops themselves are in
//! `direct` and `unrolled`, and have nothing left to check.
//!
//! **Cost.** [`Conv2dGeometry::multiply_adds`] for each of the three.

mod direct;
mod geometry;
#[cfg(test)]
mod tests;
mod unrolled;

pub use geometry::{Conv2dGeometry, Conv2dOptions};

use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Which loops compute a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// The definition, with the loop over a row of the image innermost.
    Direct,
    /// A matrix product with the image itself: a kernel of one tap at stride 1.
    Pointwise,
    /// A matrix product with the windows of so many output rows at a time,
    /// unrolled into columns.
    Unrolled {
        /// Output rows of a tile.
        rows: usize,
    },
}

impl Algorithm {
    /// Multiply-adds of an image below which nothing pays that needs preparing.
    const TINY: u64 = 1 << 12;
    /// Output channels of a group below which unrolling a window costs more
    /// than it saves: every column is written once and read so many times.
    const FEW_CHANNELS: usize = 4;
    /// Elements of unrolled windows that stay in the cache of one core.
    const TILE: usize = 1 << 18;
    /// Elements of unrolled windows beyond which memory is not worth it.
    const TILE_LIMIT: usize = 1 << 22;

    /// The choice, a function of the geometry alone: never of the number of
    /// threads, which would change the order of sums and so the bits.
    pub(crate) fn of(geometry: &Conv2dGeometry) -> Self {
        let window = &geometry.window;
        let [ins, outs] = geometry.group_channels();
        let image = Conv2dGeometry {
            batch: None,
            ..*geometry
        };
        let unpadded = window.padding_before == [0, 0] && window.padding_after == [0, 0];
        let column_row = (ins * geometry.taps()).saturating_mul(geometry.output[1]);
        if image.multiply_adds() <= Self::TINY || outs < Self::FEW_CHANNELS {
            Self::Direct
        } else if window.kernel == [1, 1] && window.stride == [1, 1] && unpadded {
            Self::Pointwise
        } else if column_row > Self::TILE_LIMIT {
            Self::Direct
        } else {
            // As many rows as the cache holds, then evened out.
            let fit = (Self::TILE / column_row.max(1)).max(1);
            let tiles = geometry.output[0].div_ceil(fit);
            Self::Unrolled {
                rows: geometry.output[0].div_ceil(tiles),
            }
        }
    }
}

impl<T: Float> Tensor<T> {
    /// The convolution (cross-correlation, as everywhere in deep learning) of
    /// images `[N, C, H, W]`, or one image `[C, H, W]`, with a weight
    /// `[out, C / groups, kh, kw]`, plus a bias `[out]`.
    ///
    /// ```
    /// use wengert_tensor::{Conv2dOptions, Tensor};
    ///
    /// let image = Tensor::<f32>::from([[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]]);
    /// let weight = Tensor::from([[[[0.0, 1.0], [2.0, 3.0]]]]);
    /// let y = image.conv2d(&weight, None, &Conv2dOptions::default())?;
    /// assert_eq!(y, Tensor::from([[[19.0, 25.0], [37.0, 43.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Conv2dGeometry::new`]; [`Error::Shape`] if the bias does not
    /// have one element for each output channel; [`Error::TooLarge`].
    pub fn conv2d(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        options: &Conv2dOptions,
    ) -> Result<Self> {
        const OP: &str = "conv2d";
        let geometry = Conv2dGeometry::checked(OP, self.shape(), weight.shape(), options)?;
        if let Some(bias) = bias {
            let channels = geometry.out_channels;
            check_bias(OP, bias.shape(), channels, self.shape(), weight.shape())?;
        }
        let mut output = Self::filled(OP, &geometry.output_shape(), T::ZERO)?;
        let (x, w, y) = (self.as_slice(), weight.as_slice(), output.as_mut_slice());
        let bias = bias.map(Self::as_slice);
        match Algorithm::of(&geometry) {
            Algorithm::Direct => direct::forward(&geometry, x, w, bias, y),
            Algorithm::Pointwise => unrolled::forward_pointwise(&geometry, x, w, bias, y),
            Algorithm::Unrolled { rows } => unrolled::forward(&geometry, rows, x, w, bias, y),
        }
        Ok(output)
    }

    /// The gradient of a convolution with respect to its input, for `self` the
    /// gradient with respect to its output: the adjoint of
    /// `x ↦ x.conv2d(weight)` for inputs of `input_shape`. Rows and columns
    /// that no window saw get zero.
    ///
    /// ```
    /// use wengert_tensor::{Conv2dOptions, Tensor};
    ///
    /// let weight = Tensor::<f32>::from([[[[1.0, 2.0]]]]);
    /// let grad = Tensor::from([[[1.0, 10.0]]]);
    /// let x = grad.conv2d_input(&weight, [1, 1, 3], &Conv2dOptions::default())?;
    /// assert_eq!(x, Tensor::from([[[1.0, 12.0, 20.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Conv2dGeometry::new`] for the input and the weight, and
    /// [`Error::Shape`] if `self` does not have the output's shape.
    pub fn conv2d_input(
        &self,
        weight: &Self,
        input_shape: impl AsRef<[usize]>,
        options: &Conv2dOptions,
    ) -> Result<Self> {
        const OP: &str = "conv2d_input";
        let input_shape = input_shape.as_ref();
        let geometry = Conv2dGeometry::checked(OP, input_shape, weight.shape(), options)?;
        check_gradient(OP, self.shape(), &geometry)?;
        input_gradient(OP, &geometry, self, weight)
    }

    /// The gradient of a convolution of `self` with respect to its weight, for
    /// `grad` the gradient with respect to its output: the adjoint of
    /// `w ↦ self.conv2d(w)` for weights of `weight_shape`.
    ///
    /// ```
    /// use wengert_tensor::{Conv2dOptions, Tensor};
    ///
    /// let x = Tensor::<f32>::from([[[1.0, 2.0, 3.0]]]);
    /// let grad = Tensor::from([[[1.0, 10.0]]]);
    /// let w = x.conv2d_weight(&grad, [1, 1, 1, 2], &Conv2dOptions::default())?;
    /// assert_eq!(w, Tensor::from([[[[21.0, 32.0]]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Conv2dGeometry::new`] for the input and the weight, and
    /// [`Error::Shape`] if `grad` does not have the output's shape.
    pub fn conv2d_weight(
        &self,
        grad: &Self,
        weight_shape: impl AsRef<[usize]>,
        options: &Conv2dOptions,
    ) -> Result<Self> {
        const OP: &str = "conv2d_weight";
        let weight_shape = weight_shape.as_ref();
        let geometry = Conv2dGeometry::checked(OP, self.shape(), weight_shape, options)?;
        check_gradient(OP, grad.shape(), &geometry)?;
        let mut output = Self::filled(OP, weight_shape, T::ZERO)?;
        let (x, g, w) = (self.as_slice(), grad.as_slice(), output.as_mut_slice());
        match Algorithm::of(&geometry) {
            Algorithm::Direct => direct::weight(&geometry, x, g, w),
            Algorithm::Pointwise => unrolled::weight_pointwise(&geometry, x, g, w),
            Algorithm::Unrolled { rows } => unrolled::weight(&geometry, rows, x, g, w),
        }
        Ok(output)
    }
}

/// The input gradient of a checked convolution.
pub(super) fn input_gradient<T: Float>(
    op: &'static str,
    geometry: &Conv2dGeometry,
    grad: &Tensor<T>,
    weight: &Tensor<T>,
) -> Result<Tensor<T>> {
    let mut output = Tensor::filled(op, &geometry.input_shape(), T::ZERO)?;
    let (g, w, x) = (grad.as_slice(), weight.as_slice(), output.as_mut_slice());
    match Algorithm::of(geometry) {
        Algorithm::Direct => direct::input(geometry, g, w, x),
        Algorithm::Pointwise => unrolled::input_pointwise(geometry, g, w, x),
        Algorithm::Unrolled { rows } => unrolled::input(geometry, rows, g, w, x),
    }
    Ok(output)
}

/// A bias has one number for each output channel.
pub(super) fn check_bias(
    op: &'static str,
    bias: &[usize],
    channels: usize,
    input: &[usize],
    weight: &[usize],
) -> Result<()> {
    if bias == [channels] {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!(
            "the bias must have shape [{channels}], got {bias:?} \
             (input {input:?}, weight {weight:?})"
        ),
    ))
}

fn check_gradient(op: &'static str, grad: &[usize], geometry: &Conv2dGeometry) -> Result<()> {
    let expected = geometry.output_shape();
    if grad == expected {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!(
            "the gradient must have the output's shape {expected:?}, got {grad:?} \
             (input {:?}, weight {:?})",
            geometry.input_shape(),
            geometry.weight_shape()
        ),
    ))
}
