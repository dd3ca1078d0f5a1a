//! What all pooling shares: its options, and the checked shape that follows.
//!
//! Pooling slides a window over every plane by itself and makes one number of
//! what it sees: the largest (`max_pool2d`) or the mean (`avg_pool2d`).
//! Padding is not zero here but nothing: it never wins a maximum, and whether
//! it counts in a mean is a choice.
//!
//! With `ceil_mode` a last window that only partly fits is kept, if it starts
//! inside the input or the padding before it.

use crate::error::{Error, Result};
use crate::simd::pool::{Pairs, Threes};
use crate::window::{Padding, Pair, Window2d};

/// Elements of the input that a piece of work has at least, where planes are
/// small.
const PIECE: usize = 1 << 13;

/// How `max_pool2d` slides.
///
/// ```
/// use wengert_tensor::MaxPool2dOptions;
///
/// let options = MaxPool2dOptions::new(3).stride(2).padding(1);
/// assert_eq!(options.geometry(&[8, 6, 28, 28])?.output_shape(), [8, 6, 14, 14]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MaxPool2dOptions {
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// From one window to the next; the kernel unless told otherwise.
    pub stride: [usize; 2],
    /// Rows and columns of −∞ on either side, at most half the kernel.
    pub padding: [usize; 2],
    /// From one tap of the window to the next.
    pub dilation: [usize; 2],
    /// Whether a last window that only partly fits is kept.
    pub ceil_mode: bool,
}

impl MaxPool2dOptions {
    /// Windows of this size, side by side.
    #[must_use]
    pub fn new(kernel: impl Into<Pair>) -> Self {
        let Pair(kernel) = kernel.into();
        Self {
            kernel,
            stride: kernel,
            padding: [0, 0],
            dilation: [1, 1],
            ceil_mode: false,
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

    /// Sets whether a last window that only partly fits is kept.
    #[must_use]
    pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.ceil_mode = ceil_mode;
        self
    }

    /// The pooling of an input `[N, C, H, W]` or `[C, H, W]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of axes, no channels, empty planes,
    /// a window larger than the padded plane or one that sees padding alone;
    /// [`Error::Value`] for a kernel, stride or dilation of 0, padding over half
    /// the kernel, and sizes that overflow.
    pub fn geometry(&self, input: &[usize]) -> Result<Pool2dGeometry> {
        const OP: &str = "max_pool2d";
        let window = checked_window(OP, self.kernel, self.stride, self.padding, self.dilation)?;
        let geometry = Pool2dGeometry::checked(OP, input, window, self.ceil_mode)?;
        // Taps farther apart than the plane is wide can straddle it. With that
        // and half a kernel of padding, either the kernel has two taps or there
        // is one window: only the first can be blind.
        for axis in 0..2 {
            if !geometry.sees_input(axis, 0) {
                return Err(Error::shape(
                    OP,
                    format!(
                        "the first window along {} sees padding alone (input {input:?}, \
                         kernel {:?}, padding {:?}, dilation {:?})",
                        ["the height", "the width"][axis],
                        self.kernel,
                        self.padding,
                        self.dilation
                    ),
                ));
            }
        }
        Ok(geometry)
    }
}

/// How `avg_pool2d` slides, and what it divides by.
///
/// ```
/// use wengert_tensor::AvgPool2dOptions;
///
/// let options = AvgPool2dOptions::new(3).stride(2).padding(1).count_include_pad(false);
/// assert_eq!(options.geometry(&[6, 27, 28])?.output_shape(), [6, 14, 14]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AvgPool2dOptions {
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// From one window to the next; the kernel unless told otherwise.
    pub stride: [usize; 2],
    /// Rows and columns on either side that add nothing, at most half the
    /// kernel.
    pub padding: [usize; 2],
    /// Whether a last window that only partly fits is kept.
    pub ceil_mode: bool,
    /// Whether padding counts in the divisor; it does unless told otherwise.
    /// What a last window of `ceil_mode` has beyond the padding never counts.
    pub count_include_pad: bool,
    /// What to divide by instead; not 0, but possibly negative.
    pub divisor_override: Option<i64>,
}

impl AvgPool2dOptions {
    /// Windows of this size, side by side.
    #[must_use]
    pub fn new(kernel: impl Into<Pair>) -> Self {
        let Pair(kernel) = kernel.into();
        Self {
            kernel,
            stride: kernel,
            padding: [0, 0],
            ceil_mode: false,
            count_include_pad: true,
            divisor_override: None,
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

    /// Sets whether a last window that only partly fits is kept.
    #[must_use]
    pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.ceil_mode = ceil_mode;
        self
    }

    /// Sets whether padding counts in the divisor.
    #[must_use]
    pub fn count_include_pad(mut self, count: bool) -> Self {
        self.count_include_pad = count;
        self
    }

    /// Sets what to divide by instead of the number of elements.
    #[must_use]
    pub fn divisor_override(mut self, divisor: i64) -> Self {
        self.divisor_override = Some(divisor);
        self
    }

    /// The pooling of an input `[N, C, H, W]` or `[C, H, W]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of axes, no channels, empty planes
    /// or a window larger than the padded plane; [`Error::Value`] for a kernel,
    /// stride or divisor of 0, padding over half the kernel, and sizes that
    /// overflow.
    pub fn geometry(&self, input: &[usize]) -> Result<Pool2dGeometry> {
        self.checked("avg_pool2d", input)
    }

    /// As [`geometry`](Self::geometry), in the name of `op`.
    pub(super) fn checked(&self, op: &'static str, input: &[usize]) -> Result<Pool2dGeometry> {
        if self.divisor_override == Some(0) {
            return Err(Error::value(op, "divisor_override must not be 0"));
        }
        let window = checked_window(op, self.kernel, self.stride, self.padding, [1, 1])?;
        Pool2dGeometry::checked(op, input, window, self.ceil_mode)
    }
}

fn checked_window(
    op: &'static str,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
) -> Result<Window2d> {
    let window = Window2d::new(op, kernel, stride, Padding::from(padding), dilation)?;
    if padding[0] > kernel[0] / 2 || padding[1] > kernel[1] / 2 {
        return Err(Error::value(
            op,
            format!("padding must be at most half the kernel {kernel:?}, got {padding:?}"),
        ));
    }
    Ok(window)
}

/// A checked pooling: what follows from the options and an input's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pool2dGeometry {
    /// The number of images, or `None` for one image without a batch axis.
    pub batch: Option<usize>,
    /// The number of channels.
    pub channels: usize,
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the output.
    pub output: [usize; 2],
    /// What slides from one to the other.
    pub window: Window2d,
}

impl Pool2dGeometry {
    fn checked(
        op: &'static str,
        shape: &[usize],
        window: Window2d,
        ceil_mode: bool,
    ) -> Result<Self> {
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
        if channels == 0 || input.contains(&0) {
            return Err(Error::shape(
                op,
                format!("only the batch may be empty, got {shape:?}"),
            ));
        }
        let output = if ceil_mode {
            window.output_size_ceil(op, input)?
        } else {
            window.output_size(op, input)?
        };
        Ok(Self {
            batch,
            channels,
            input,
            output,
            window,
        })
    }

    /// The shape of the input.
    #[must_use]
    pub fn input_shape(&self) -> Vec<usize> {
        self.shape(self.input)
    }

    /// The shape of the output.
    #[must_use]
    pub fn output_shape(&self) -> Vec<usize> {
        self.shape(self.output)
    }

    fn shape(&self, [height, width]: [usize; 2]) -> Vec<usize> {
        let plane = [self.channels, height, width];
        self.batch.into_iter().chain(plane).collect()
    }

    /// Rows and columns at the end of the padded input that no window sees.
    /// Their gradient is zero.
    #[must_use]
    pub fn dropped(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            let window = &self.window;
            let last = self.output[axis].saturating_sub(1);
            let seen = last
                .saturating_mul(window.stride[axis])
                .saturating_add(window.extent()[axis]);
            self.input[axis]
                .saturating_add(window.padding_before[axis])
                .saturating_add(window.padding_after[axis])
                .saturating_sub(seen)
        })
    }

    /// Whether any tap of window `o` along an axis lies in the input.
    fn sees_input(&self, axis: usize, o: usize) -> bool {
        let (before, dilation) = (self.window.padding_before[axis], self.window.dilation[axis]);
        let start = o * self.window.stride[axis];
        let tap = before.saturating_sub(start).div_ceil(dilation);
        tap < self.window.kernel[axis] && start + tap * dilation < before + self.input[axis]
    }

    /// Elements of an input plane and of an output plane.
    pub(super) fn planes(&self) -> [usize; 2] {
        [self.input, self.output].map(|[height, width]| height * width)
    }

    /// Calls `f` for every tap and row of an output plane; see
    /// [`Window2d::for_each_line`].
    pub(super) fn for_each_line(&self, mut f: impl FnMut(std::ops::Range<usize>, usize)) {
        let rows = 0..self.output[0];
        self.window
            .for_each_line(self.input, self.output, rows, |_, line, from| f(line, from));
    }

    /// How many planes make up a piece of work: the more the smaller they are,
    /// and at most 32 pieces.
    pub(super) fn planes_at_once(&self) -> usize {
        let planes = self.batch.unwrap_or(1).saturating_mul(self.channels);
        let [in_plane, _] = self.planes();
        planes.div_ceil(32).max(PIECE / in_plane).max(1)
    }

    /// The windows of 2 × 2, side by side, that have a kernel of their own.
    pub(super) fn pairs(&self) -> Option<Pairs> {
        let window = &self.window;
        let plain = [window.kernel, window.stride] == [[2, 2]; 2]
            && window.dilation == [1, 1]
            && window.padding_before == [0, 0]
            && self.output == self.input.map(|size| size / 2);
        plain.then_some(Pairs { input: self.input })
    }

    /// The windows of 3 × 3, one or two apart, that have a kernel of their own.
    pub(super) fn threes(&self) -> Option<Threes> {
        let window = &self.window;
        let plain = window.kernel == [3, 3]
            && matches!(window.stride, [1, 1] | [2, 2])
            && window.dilation == [1, 1];
        plain.then_some(Threes {
            stride: window.stride[0],
            input: self.input,
            output: self.output,
            before: window.padding_before,
        })
    }

    /// The work, as [`par`](crate::par) estimates it.
    pub(super) fn cost(&self) -> usize {
        let taps = self.window.kernel[0].saturating_mul(self.window.kernel[1]);
        self.output_shape()
            .into_iter()
            .fold(taps, usize::saturating_mul)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_value() {
        let refusal = |options: MaxPool2dOptions, shape: &[usize]| {
            options.geometry(shape).unwrap_err().to_string()
        };
        let plain = MaxPool2dOptions::new(2);
        assert_eq!(
            refusal(plain.padding((1, 2)), &[1, 4, 4]),
            "max_pool2d: padding must be at most half the kernel [2, 2], got [1, 2]"
        );
        assert_eq!(
            refusal(plain, &[2, 0, 4, 4]),
            "max_pool2d: only the batch may be empty, got [2, 0, 4, 4]"
        );
        // F.max_pool2d(torch.ones(1, 1, 1), 2, 1, 1, 3, True) is −∞ in PyTorch,
        // with an index outside of the plane.
        assert_eq!(
            refusal(
                plain.stride(2).padding(1).dilation(3).ceil_mode(true),
                &[1, 1, 1]
            ),
            "max_pool2d: the first window along the height sees padding alone \
             (input [1, 1, 1], kernel [2, 2], padding [1, 1], dilation [3, 3])"
        );
        for shape in [
            &[4, 4][..],
            &[1, 1, 1, 4, 4],
            &[2, 2, 0, 4],
            &[0, 2, 4, 0],
            &[0, 4, 4],
            &[0, 2, 1, 4],
        ] {
            refusal(plain, shape);
        }
        refusal(MaxPool2dOptions::new(0), &[1, 4, 4]);
        refusal(plain.stride((1, 0)), &[1, 4, 4]);
        refusal(plain.dilation(0), &[1, 4, 4]);
        let averages = AvgPool2dOptions::new(2).divisor_override(0);
        assert!(averages.geometry(&[1, 4, 4]).is_err());
    }

    #[test]
    fn only_the_first_window_can_be_blind() {
        let axes = |last: usize| 1..=last;
        for (kernel, stride) in axes(6).flat_map(|k| axes(6).map(move |s| (k, s))) {
            for (dilation, size) in axes(6).flat_map(|d| axes(6).map(move |n| (d, n))) {
                for (padding, ceil_mode) in (0..=kernel / 2).flat_map(|p| [(p, false), (p, true)]) {
                    let pair = |x| [x, x];
                    let window = checked_window(
                        "",
                        pair(kernel),
                        pair(stride),
                        pair(padding),
                        pair(dilation),
                    );
                    let shape = [1, size, size];
                    if let Ok(pool) =
                        Pool2dGeometry::checked("", &shape, window.unwrap(), ceil_mode)
                    {
                        assert!(
                            (1..pool.output[0]).all(|o| pool.sees_input(0, o)),
                            "{pool:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn no_images_are_legal() {
        let geometry = MaxPool2dOptions::new(2).geometry(&[0, 2, 4, 4]).unwrap();
        assert_eq!(geometry.output_shape(), [0, 2, 2, 2]);
    }

    #[test]
    fn dropped_rows_are_counted() {
        let pool = MaxPool2dOptions::new(2);
        assert_eq!(pool.geometry(&[1, 5, 4]).unwrap().dropped(), [1, 0]);
        let ceil = pool.ceil_mode(true);
        assert_eq!(ceil.geometry(&[1, 5, 4]).unwrap().dropped(), [0, 0]);
    }

    #[test]
    fn absurd_windows_are_checked_in_no_time() {
        let huge = isize::MAX.unsigned_abs() / 4;
        let pool = MaxPool2dOptions::new(huge).padding(huge / 2).stride(1);
        assert!(pool.geometry(&[1, 3, 3]).is_ok());
        assert!(pool.dilation(usize::MAX).geometry(&[1, 3, 3]).is_err());
        let ceil = MaxPool2dOptions::new(huge)
            .stride(usize::MAX)
            .ceil_mode(true);
        assert_eq!(ceil.geometry(&[1, 3, 3]).unwrap().output, [1, 1]);
    }
}
