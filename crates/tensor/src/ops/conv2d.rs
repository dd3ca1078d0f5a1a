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
//! [`Conv2dKernel`] says which loops run; the loops themselves are in files of
//! their own, and have nothing left to check.
//!
//! **Cost.** [`Conv2dGeometry::multiply_adds`] for each of the three.

mod columns;
mod depthwise;
mod direct;
mod geometry;
mod kernel;
#[cfg(test)]
mod oracle;
mod padded;
mod pointwise;
mod rows;
#[cfg(test)]
mod tests;
mod weight_inner;
#[cfg(test)]
mod weight_oracle;
mod weight_outer;
mod weight_pairs;
mod winograd;

pub use geometry::{Conv2dGeometry, Conv2dOptions};
pub use kernel::Conv2dKernel;

use rows::Vectors;

use super::unary::rectified;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::loops::CHECKED;
use crate::simd::InstructionSet;
use crate::tensor::Tensor;

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
        forward("conv2d", self, weight, bias, false, options)
    }

    /// max(0, y) for y the [`conv2d`](Self::conv2d) of the same arguments,
    /// rectified as it is stored: there is no tensor in between. NaN stays NaN.
    ///
    /// ```
    /// use wengert_tensor::{Conv2dOptions, Tensor};
    ///
    /// let image = Tensor::<f32>::from([[[0.0, 3.0, 1.0]]]);
    /// let edges = Tensor::from([[[[1.0, -1.0]]]]);
    /// let y = image.conv2d_relu(&edges, None, &Conv2dOptions::default())?;
    /// assert_eq!(y, Tensor::from([[[0.0, 2.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`conv2d`](Self::conv2d).
    pub fn conv2d_relu(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        options: &Conv2dOptions,
    ) -> Result<Self> {
        forward("conv2d_relu", self, weight, bias, true, options)
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
        let mut output = Self::arbitrary(OP, weight_shape)?;
        let (x, g, w) = (self.as_slice(), grad.as_slice(), output.as_mut_slice());
        T::conv2d_weight(CHECKED, &geometry, x, g, w);
        Ok(output)
    }
}

/// What becomes of the sums of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a, T> {
    /// A number for each output channel, added to it.
    pub(crate) bias: Option<&'a [T]>,
    /// Whether negative results become zero.
    pub(crate) relu: bool,
}

impl<T: Float> Epilogue<'_, T> {
    /// The bias of an output channel, 0 if there is none.
    fn bias(&self, channel: usize) -> T {
        self.bias.map_or(T::ZERO, |bias| bias[channel])
    }

    /// Rectifies sums that have their bias, if that is wanted.
    fn rectify(&self, sums: &mut [T]) {
        if self.relu {
            sums.iter_mut().for_each(|y| *y = rectified(*y));
        }
    }
}

fn forward<T: Float>(
    op: &'static str,
    input: &Tensor<T>,
    weight: &Tensor<T>,
    bias: Option<&Tensor<T>>,
    relu: bool,
    options: &Conv2dOptions,
) -> Result<Tensor<T>> {
    let geometry = Conv2dGeometry::checked(op, input.shape(), weight.shape(), options)?;
    if let Some(bias) = bias {
        let channels = geometry.out_channels;
        check_bias(op, bias.shape(), channels, input.shape(), weight.shape())?;
    }
    let mut output = Tensor::arbitrary(op, &geometry.output_shape())?;
    let (x, w, y) = (input.as_slice(), weight.as_slice(), output.as_mut_slice());
    let bias = bias.map(Tensor::as_slice);
    T::conv2d_forward(CHECKED, &geometry, x, w, Epilogue { bias, relu }, y);
    Ok(output)
}

/// The input gradient of a checked convolution.
pub(super) fn input_gradient<T: Float>(
    op: &'static str,
    geometry: &Conv2dGeometry,
    grad: &Tensor<T>,
    weight: &Tensor<T>,
) -> Result<Tensor<T>> {
    let mut output = Tensor::arbitrary(op, &geometry.input_shape())?;
    let (g, w, x) = (grad.as_slice(), weight.as_slice(), output.as_mut_slice());
    T::conv2d_input(CHECKED, geometry, g, w, x);
    Ok(output)
}

// ---------------------------------------------------------------- the loops

/// y = b + x ⋆ w, rectified if the epilogue says so. Every element of y is
/// written, whatever it was.
pub(crate) fn forward_loops<T: Float>(
    geometry: &Conv2dGeometry,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
) {
    let (kernel, set) = (geometry.forward_kernel(), InstructionSet::best());
    forward_by(kernel, set, geometry, x, w, epilogue, y);
}

/// The same by this kernel, which must suit the geometry.
fn forward_by<T: Float>(
    kernel: Conv2dKernel,
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
) {
    match kernel {
        Conv2dKernel::Definition => direct::forward(geometry, x, w, epilogue, y),
        Conv2dKernel::Depthwise => depthwise::forward(set, geometry, x, w, epilogue, y),
        Conv2dKernel::Winograd => winograd::forward(set, geometry, x, w, epilogue, y),
        Conv2dKernel::Pointwise => pointwise::forward(set, geometry, x, w, epilogue, y),
        Conv2dKernel::Channels => {
            rows::forward(set, Vectors::Channels, geometry, x, w, epilogue, y);
        }
        _ => rows::forward(set, Vectors::Pixels, geometry, x, w, epilogue, y),
    }
}

/// x = the adjoint of x ↦ x ⋆ w applied to g. Every element of x is written.
pub(crate) fn input_loops<T: Float>(geometry: &Conv2dGeometry, g: &[T], w: &[T], x: &mut [T]) {
    let (kernel, set) = (geometry.input_kernel(), InstructionSet::best());
    input_by(kernel, set, geometry, g, w, x);
}

/// The same by this kernel, which must suit the geometry.
fn input_by<T: Float>(
    kernel: Conv2dKernel,
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    g: &[T],
    w: &[T],
    x: &mut [T],
) {
    match kernel {
        Conv2dKernel::Definition => direct::input(geometry, g, w, x),
        Conv2dKernel::Depthwise => depthwise::input(set, geometry, g, w, x),
        Conv2dKernel::Winograd => winograd::input(set, geometry, g, w, x),
        Conv2dKernel::Columns => columns::input(set, geometry, g, w, x),
        Conv2dKernel::Pointwise => pointwise::input(set, geometry, g, w, x),
        Conv2dKernel::Channels => rows::input(set, Vectors::Channels, geometry, g, w, x),
        _ => rows::input(set, Vectors::Pixels, geometry, g, w, x),
    }
}

/// w = the adjoint of w ↦ x ⋆ w applied to g. Every element of w is written.
pub(crate) fn weight_loops<T: Float>(geometry: &Conv2dGeometry, x: &[T], g: &[T], w: &mut [T]) {
    let set = InstructionSet::best();
    match geometry.weight_kernel() {
        Conv2dKernel::PlanePairs => weight_pairs::weight(set, geometry, x, g, w),
        Conv2dKernel::InnerProducts => weight_inner::weight(set, geometry, x, g, w),
        Conv2dKernel::OuterProducts => weight_outer::weight(set, geometry, x, g, w),
        _ => direct::weight(geometry, x, g, w),
    }
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
