//! Pooling to a size that is given, whatever the input's.
//!
//! Along an axis of n elements, window i of m is
//!
//! ```text
//! ⌊i · n / m⌋ .. ⌈(i + 1) · n / m⌉
//! ```
//!
//! so that the windows cover the axis, differ in length by at most one, and
//! overlap by at most one element; with m > n they repeat. Where m divides n they
//! are those of an ordinary pooling, side by side.
//!
//! The adjoint of the means spreads each one's gradient evenly over its window;
//! the maxima come with indices, which say the rest (see `max_pool2d`).
//!
//! **Cost.** One addition or comparison for each element of each window; the mean
//! of whole planes, what most networks end with, by vectors.

use std::ops::Range;

use super::fold::Fold;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::loops::CHECKED;
use crate::tensor::Tensor;
use crate::window::{Padding, Window2d};
use crate::{par, simd};

/// The size of the result of an adaptive pooling, height first. `None` keeps the
/// input's.
///
/// ```
/// use wengert_tensor::AdaptiveSize;
///
/// assert_eq!(AdaptiveSize::from(7), AdaptiveSize([Some(7), Some(7)]));
/// assert_eq!(AdaptiveSize::from((None, 1)), AdaptiveSize([None, Some(1)]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptiveSize(pub [Option<usize>; 2]);

impl From<usize> for AdaptiveSize {
    fn from(both: usize) -> Self {
        Self([Some(both); 2])
    }
}

impl<H: Into<Option<usize>>, W: Into<Option<usize>>> From<(H, W)> for AdaptiveSize {
    fn from((height, width): (H, W)) -> Self {
        Self([height.into(), width.into()])
    }
}

impl<N: Into<Option<usize>>> From<[N; 2]> for AdaptiveSize {
    fn from(pair: [N; 2]) -> Self {
        Self(pair.map(Into::into))
    }
}

/// A checked adaptive pooling.
#[derive(Clone, Debug)]
struct Geometry {
    output_shape: Vec<usize>,
    input: [usize; 2],
    output: [usize; 2],
}

impl Geometry {
    /// The pooling of an input of this shape, whose planes have elements.
    fn new(op: &'static str, shape: &[usize], size: AdaptiveSize) -> Result<Self> {
        let (batch, channels, input) = match *shape {
            [c, h, w] => (None, c, [h, w]),
            [n, c, h, w] => (Some(n), c, [h, w]),
            _ => {
                return Err(Error::shape(
                    op,
                    format!("the input must have axes [N, C, H, W] or [C, H, W], got {shape:?}"),
                ));
            }
        };
        if input.contains(&0) {
            return Err(Error::shape(
                op,
                format!("the planes must not be empty, got {shape:?}"),
            ));
        }
        let output = [0, 1].map(|axis| size.0[axis].unwrap_or(input[axis]));
        let plane = [channels, output[0], output[1]];
        Ok(Self {
            output_shape: batch.into_iter().chain(plane).collect(),
            input,
            output,
        })
    }

    /// What window `i` of an axis covers.
    fn window(&self, axis: usize, i: usize) -> Range<usize> {
        let (from, to) = (self.input[axis] as u128, self.output[axis] as u128);
        let i = i as u128;
        // Neither bound is beyond the axis.
        (i * from / to) as usize..((i + 1) * from).div_ceil(to) as usize
    }

    /// Elements of an input plane and of an output plane.
    fn planes(&self) -> [usize; 2] {
        [self.input, self.output].map(|[height, width]| height * width)
    }

    /// The work for so many planes, as [`par`] estimates it.
    fn cost(&self, planes: usize) -> usize {
        let taps = |axis: usize| self.input[axis].max(self.output[axis]) + self.output[axis];
        planes.saturating_mul(taps(0)).saturating_mul(taps(1))
    }

    /// Calls `f` for every window of a plane, with its place in the output.
    fn for_each_window(&self, mut f: impl FnMut(usize, Range<usize>, Range<usize>)) {
        let [rows, columns] = self.output;
        for row in 0..rows {
            let down = self.window(0, row);
            for column in 0..columns {
                f(row * columns + column, down.clone(), self.window(1, column));
            }
        }
    }
}

/// The window of an ordinary pooling that does the same, if there is one.
///
/// # Errors
/// Those of [`Tensor::adaptive_max_pool2d`].
#[doc(hidden)]
pub fn adaptive_window(
    op: &'static str,
    shape: &[usize],
    size: impl Into<AdaptiveSize>,
) -> Result<Option<Window2d>> {
    let Geometry { input, output, .. } = Geometry::new(op, shape, size.into())?;
    if (0..2).any(|axis| output[axis] == 0 || input[axis] % output[axis] != 0) {
        return Ok(None);
    }
    let kernel = [0, 1].map(|axis| input[axis] / output[axis]);
    Window2d::new(op, kernel, kernel, Padding::default(), 1).map(Some)
}

impl<T: Float> Tensor<T> {
    /// The mean of each of so many windows of the planes of `[N, C, H, W]` or
    /// `[C, H, W]`: `torch.nn.functional.adaptive_avg_pool2d`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::<f32>::from([[[1.0, 2.0, 3.0, 6.0], [1.0, 2.0, 3.0, 6.0]]]);
    /// assert_eq!(x.adaptive_avg_pool2d(1)?.to_vec(), [3.0]);
    /// // Windows of two that share an element.
    /// assert_eq!(x.adaptive_avg_pool2d((1, 3))?.to_vec(), [1.5, 2.5, 4.5]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of axes or empty planes;
    /// [`Error::TooLarge`].
    pub fn adaptive_avg_pool2d(&self, size: impl Into<AdaptiveSize>) -> Result<Self> {
        const OP: &str = "adaptive_avg_pool2d";
        let geometry = Geometry::new(OP, self.shape(), size.into())?;
        let mut output = Self::arbitrary(OP, &geometry.output_shape)?;
        let ([in_plane, out_plane], [_, width]) = (geometry.planes(), geometry.input);
        let x = self.as_slice();
        let cost = geometry.cost(x.len() / in_plane);
        par::for_each_piece(output.as_mut_slice(), out_plane, cost, |i, y| {
            let x = &x[i * in_plane..(i + 1) * in_plane];
            geometry.for_each_window(|at, rows, columns| {
                let count = T::of((rows.len() * columns.len()) as f64);
                let sum = if columns.len() == width {
                    T::fold(CHECKED, Fold::Sum, &x[rows.start * width..rows.end * width])
                } else {
                    let row = |row: usize| &x[row * width..][columns.clone()];
                    rows.flat_map(row).fold(T::ZERO, |sum, &x| sum + x)
                };
                y[at] = sum / count;
            });
        });
        Ok(output)
    }

    /// The gradient of an adaptive average pooling with respect to its input of
    /// `input_shape`, for `self` the gradient with respect to its output: each
    /// element spread evenly over its window. The adjoint of
    /// [`adaptive_avg_pool2d`](Self::adaptive_avg_pool2d).
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let grad = Tensor::<f32>::from([[[2.0, 4.0, 6.0]]]);
    /// let x = grad.adaptive_avg_pool2d_input([1, 1, 4])?;
    /// assert_eq!(x.to_vec(), [1.0, 3.0, 5.0, 3.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`adaptive_avg_pool2d`](Self::adaptive_avg_pool2d) of a tensor of that
    /// shape, and [`Error::Shape`] if `self` is no such pooling's result.
    pub fn adaptive_avg_pool2d_input(&self, input_shape: impl AsRef<[usize]>) -> Result<Self> {
        const OP: &str = "adaptive_avg_pool2d_input";
        let input_shape = input_shape.as_ref();
        let size = match *self.shape() {
            [.., height, width] => AdaptiveSize::from([height, width]),
            _ => AdaptiveSize([None; 2]),
        };
        let geometry = Geometry::new(OP, input_shape, size)?;
        if geometry.output_shape != self.shape() {
            return Err(Error::shape(
                OP,
                format!(
                    "no pooling of an input {input_shape:?} has a gradient {:?}",
                    self.shape()
                ),
            ));
        }
        let mut output = Self::filled(OP, input_shape, T::ZERO)?;
        let ([in_plane, out_plane], [_, width]) = (geometry.planes(), geometry.input);
        let g = self.as_slice();
        let cost = geometry.cost(output.len() / in_plane);
        par::for_each_piece(output.as_mut_slice(), in_plane, cost, |i, x| {
            let g = &g[i * out_plane..(i + 1) * out_plane];
            geometry.for_each_window(|at, rows, columns| {
                let share = g[at] / T::of((rows.len() * columns.len()) as f64);
                for row in rows {
                    let row = &mut x[row * width..][columns.clone()];
                    simd::wide(|| row.iter_mut().for_each(|x| *x += share));
                }
            });
        });
        Ok(output)
    }

    /// The maximum of each of so many windows of the planes of `[N, C, H, W]` or
    /// `[C, H, W]`: `torch.nn.functional.adaptive_max_pool2d`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of axes, images without channels, or
    /// empty planes; [`Error::TooLarge`].
    pub fn adaptive_max_pool2d(&self, size: impl Into<AdaptiveSize>) -> Result<Self> {
        Ok(self.adaptive_max_pool2d_with_indices(size)?.0)
    }

    /// As [`adaptive_max_pool2d`](Self::adaptive_max_pool2d), and for each maximum
    /// its index in its plane of H · W elements: of equal elements the first, of
    /// several NaN, which beat all numbers, the last.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::<f32>::from([[[5.0, 5.0, 1.0], [0.0, 5.0, 2.0]]]);
    /// let (y, indices) = x.adaptive_max_pool2d_with_indices((1, 2))?;
    /// assert_eq!(y.to_vec(), [5.0, 5.0]);
    /// assert_eq!(indices.to_vec(), [0, 1]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`adaptive_max_pool2d`](Self::adaptive_max_pool2d).
    pub fn adaptive_max_pool2d_with_indices(
        &self,
        size: impl Into<AdaptiveSize>,
    ) -> Result<(Self, Tensor<i64>)> {
        const OP: &str = "adaptive_max_pool2d";
        let geometry = Geometry::new(OP, self.shape(), size.into())?;
        // The first axis may be empty, whether it is the batch or the channels: as
        // in PyTorch.
        if self.shape()[1..].contains(&0) {
            return Err(Error::shape(
                OP,
                format!("only the first axis may be empty, got {:?}", self.shape()),
            ));
        }
        let mut output = Self::arbitrary(OP, &geometry.output_shape)?;
        let mut indices = Tensor::arbitrary(OP, &geometry.output_shape)?;
        let ([in_plane, out_plane], [_, width]) = (geometry.planes(), geometry.input);
        let x = self.as_slice();
        let cost = geometry.cost(x.len() / in_plane);
        if out_plane == 0 {
            return Ok((output, indices));
        }
        let planes = x
            .chunks_exact(in_plane)
            .zip(output.as_mut_slice().chunks_exact_mut(out_plane))
            .zip(indices.as_mut_slice().chunks_exact_mut(out_plane));
        par::for_each_item(planes, cost, |((x, y), indices)| {
            geometry.for_each_window(|at, rows, columns| {
                let first = rows.start * width + columns.start;
                let mut best = (x[first], first);
                for row in rows {
                    let start = row * width + columns.start;
                    for (i, &x) in x[start..][..columns.len()].iter().enumerate() {
                        if x > best.0 || x.is_nan() {
                            best = (x, start + i);
                        }
                    }
                }
                (y[at], indices[at]) = (best.0, best.1 as i64);
            });
        });
        Ok((output, indices))
    }
}

#[cfg(test)]
mod tests;
