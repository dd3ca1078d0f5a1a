//! The windows of an image as columns, and its adjoint.
//!
//! ```text
//! unfold: column[(c, i, j), (p, q)] = x[c, p·s + i·d − padding, q·s + j·d − padding]
//! fold:   x[c, …] = the sum of all places of the columns that read it
//! ```
//!
//! These are `im2col` and `col2im`: with a window in each column, a convolution
//! is a matrix product. (The convolutions here do without.) Padding reads as 0.
//!
//! **Cost.** One element moved for each tap of each window, a row of windows at a
//! time: the columns hold an image as many times as a window has taps.

use crate::element::{Element, Number};
use crate::error::{Error, Result};
use crate::par;
use crate::shape::numel;
use crate::tensor::Tensor;
use crate::window::{Padding, Pair, Window2d};

/// How the window of [`Tensor::unfold`] and [`Tensor::fold`] slides.
///
/// ```
/// use wengert_tensor::UnfoldOptions;
///
/// let options = UnfoldOptions::new(3).stride(2).padding((0, 1));
/// assert_eq!((options.stride, options.padding), ([2, 2], [0, 1]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnfoldOptions {
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// From one window to the next; 1 unless told otherwise.
    pub stride: [usize; 2],
    /// Rows and columns of zeros on either side.
    pub padding: [usize; 2],
    /// From one element of a window to the next.
    pub dilation: [usize; 2],
}

impl UnfoldOptions {
    /// Windows of this size, one beside the other.
    #[must_use]
    pub fn new(kernel: impl Into<Pair>) -> Self {
        let Pair(kernel) = kernel.into();
        Self {
            kernel,
            stride: [1, 1],
            padding: [0, 0],
            dilation: [1, 1],
        }
    }

    /// Sets the stride.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        Pair(self.stride) = stride.into();
        self
    }

    /// Sets the padding.
    #[must_use]
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        Pair(self.padding) = padding.into();
        self
    }

    /// Sets the dilation.
    #[must_use]
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        Pair(self.dilation) = dilation.into();
        self
    }
}

/// A checked unfolding.
struct Geometry {
    /// The number of images, or `None` for one without a batch axis.
    batch: Option<usize>,
    channels: usize,
    window: Window2d,
    /// Height and width of an image, and how many windows it has.
    input: [usize; 2],
    output: [usize; 2],
}

impl Geometry {
    fn new(
        op: &'static str,
        (batch, channels, input): (Option<usize>, usize, [usize; 2]),
        options: &UnfoldOptions,
    ) -> Result<Self> {
        let UnfoldOptions {
            kernel,
            stride,
            padding,
            dilation,
        } = *options;
        let window = Window2d::new(op, kernel, stride, Padding::from(padding), dilation)?;
        let geometry = Self {
            batch,
            channels,
            window,
            input,
            output: window.output_size(op, input)?,
        };
        // Everything is counted in both forms.
        let (taps, windows) = (geometry.taps(), geometry.output);
        let columns = taps.map(|taps| [channels, taps, windows[0], windows[1]]);
        numel::<f64>(op, &columns.unwrap_or([usize::MAX; 4]))?;
        Ok(geometry)
    }

    fn taps(&self) -> Option<usize> {
        self.window.kernel[0].checked_mul(self.window.kernel[1])
    }

    fn shape(&self, one: &[usize]) -> Vec<usize> {
        self.batch.into_iter().chain(one.iter().copied()).collect()
    }

    fn images(&self) -> Vec<usize> {
        self.shape(&[self.channels, self.input[0], self.input[1]])
    }

    fn columns(&self) -> Vec<usize> {
        let [rows, columns] = self.output;
        let taps = self.taps().unwrap_or(usize::MAX);
        self.shape(&[self.channels * taps, rows * columns])
    }

    /// Elements of a plane of an image and of its columns.
    fn planes(&self) -> [usize; 2] {
        let windows = self.output[0] * self.output[1];
        [
            self.input[0] * self.input[1],
            self.taps().unwrap_or(usize::MAX) * windows,
        ]
    }

    /// Calls `f` with every tap and row of windows that finds it in the image:
    /// the places in the columns, and what the first of them reads.
    fn for_each_line(&self, mut f: impl FnMut(std::ops::Range<usize>, usize)) {
        let windows = self.output[0] * self.output[1];
        let rows = 0..self.output[0];
        self.window
            .for_each_line(self.input, self.output, rows, |tap, line, from| {
                let start = tap * windows;
                f(start + line.start..start + line.end, from);
            });
    }
}

impl<T: Element> Tensor<T> {
    /// The windows of images `[N, C, H, W]`, or of one image `[C, H, W]`, as
    /// columns `[N, C · kh · kw, L]`, or `[C · kh · kw, L]`, where L is the number
    /// of windows: `torch.nn.functional.unfold`. (For the windows along one axis
    /// see [`unfold_axis`](Self::unfold_axis).)
    ///
    /// ```
    /// use wengert_tensor::{Tensor, UnfoldOptions};
    ///
    /// let x = Tensor::from([[[1, 2, 3], [4, 5, 6]]]);
    /// let columns = x.unfold(&UnfoldOptions::new(2))?;
    /// assert_eq!(columns, Tensor::from([[1, 2], [2, 3], [4, 5], [5, 6]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of axes, no channels, empty planes or
    /// a window larger than the padded plane; [`Error::Value`] for a kernel,
    /// stride or dilation of 0; [`Error::TooLarge`].
    pub fn unfold(&self, options: &UnfoldOptions) -> Result<Self> {
        const OP: &str = "unfold";
        let image = match *self.shape() {
            [c, h, w] => (None, c, [h, w]),
            [n, c, h, w] => (Some(n), c, [h, w]),
            ref shape => {
                return Err(Error::shape(
                    OP,
                    format!("the input must have axes [N, C, H, W] or [C, H, W], got {shape:?}"),
                ));
            }
        };
        if image.1 == 0 || image.2.contains(&0) {
            return Err(Error::shape(
                OP,
                format!("only the batch may be empty, got {:?}", self.shape()),
            ));
        }
        let geometry = Geometry::new(OP, image, options)?;
        let mut columns = Self::arbitrary(OP, &geometry.columns())?;
        let [in_plane, out_plane] = geometry.planes();
        let (x, cost) = (self.as_slice(), columns.len());
        par::for_each_piece(columns.as_mut_slice(), out_plane, cost, |i, columns| {
            columns.fill(T::ZERO);
            let x = &x[i * in_plane..(i + 1) * in_plane];
            geometry.for_each_line(|line, from| {
                let line = &mut columns[line];
                if geometry.window.stride[1] == 1 {
                    line.copy_from_slice(&x[from..][..line.len()]);
                } else {
                    geometry.window.zip_line(line, &x[from..], |to, &x| *to = x);
                }
            });
        });
        Ok(columns)
    }
}

impl<T: Number> Tensor<T> {
    /// Columns `[N, C · kh · kw, L]`, or `[C · kh · kw, L]`, added up where
    /// [`unfold`](Self::unfold) of an image of this size would have read them:
    /// its adjoint, and `torch.nn.functional.fold`.
    ///
    /// ```
    /// use wengert_tensor::{Tensor, UnfoldOptions};
    ///
    /// let columns = Tensor::from([[1, 2], [10, 20]]);
    /// let x = columns.fold((1, 3), &UnfoldOptions::new((1, 2)))?;
    /// assert_eq!(x, Tensor::from([[[1, 12, 20]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of axes, rows that are no multiple of
    /// kh · kw, or columns that are not as many as an image of this size has
    /// windows; [`Error::Value`] for a kernel, stride or dilation of 0;
    /// [`Error::TooLarge`].
    pub fn fold(&self, size: impl Into<Pair>, options: &UnfoldOptions) -> Result<Self> {
        const OP: &str = "fold";
        let Pair(size) = size.into();
        let refuse = |why: &str| {
            Err(Error::shape(
                OP,
                format!(
                    "{why} (columns {:?}, image {size:?}, kernel {:?})",
                    self.shape(),
                    options.kernel
                ),
            ))
        };
        let (batch, rows) = match *self.shape() {
            [rows, _] => (None, rows),
            [n, rows, _] => (Some(n), rows),
            _ => {
                return refuse(
                    "the columns must have axes [N, C · kh · kw, L] or [C · kh · kw, L]",
                );
            }
        };
        let taps = options.kernel[0].saturating_mul(options.kernel[1]);
        if taps != 0 && (rows == 0 || !rows.is_multiple_of(taps)) {
            return refuse("the rows must be a multiple of the kernel's elements");
        }
        if size.contains(&0) {
            return refuse("the image must not be empty");
        }
        let channels = rows.checked_div(taps).unwrap_or(1);
        let geometry = Geometry::new(OP, (batch, channels, size), options)?;
        if geometry.columns() != self.shape() {
            let [down, across] = geometry.output;
            return refuse(&format!(
                "an image of this size has {down} · {across} windows"
            ));
        }
        let mut images = Self::filled(OP, &geometry.images(), T::ZERO)?;
        let [in_plane, out_plane] = geometry.planes();
        let columns = self.as_slice();
        par::for_each_piece(images.as_mut_slice(), in_plane, columns.len(), |i, x| {
            let columns = &columns[i * out_plane..(i + 1) * out_plane];
            geometry.for_each_line(|line, from| {
                let (line, x) = (&columns[line], &mut x[from..]);
                geometry.window.zip_line(line, x, |&g, x| *x = x.plus(g));
            });
        });
        Ok(images)
    }
}

#[cfg(test)]
mod tests;
