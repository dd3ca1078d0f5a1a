//! The window that convolution and pooling slide over a plane.
//!
//! Both axes obey the same four numbers: `kernel` taps, `dilation` apart; a
//! `stride` between one window and the next; `padding` before and after the
//! plane. With e = dilation · (kernel − 1) + 1, the window's extent,
//!
//! ```text
//! output = ⌊(before + input + after − e) / stride⌋ + 1
//! source(o, t) = o · stride + t · dilation − before
//! ```
//!
//! where `source` is the input index that tap `t` of window `o` reads, and an
//! index outside of the input reads padding. The floor means that up to
//! `stride − 1` rows at the end may be seen by no window: see
//! [`Window2d::dropped`].
//!
//! All arithmetic on a caller's numbers happens here and is checked. Kernels
//! then only ask [`Window2d::reach`]: for a tap, which windows find it inside
//! the input? With that range a loop over a row needs no test in its body.

use std::ops::Range;

use crate::error::{Error, Result};

/// A number for each of the two spatial axes, height first.
///
/// Whatever takes a pair takes one number for both axes too:
///
/// ```
/// use wengert_tensor::Pair;
///
/// assert_eq!(Pair::from(3), Pair([3, 3]));
/// assert_eq!(Pair::from((3, 5)), Pair([3, 5]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair(pub [usize; 2]);

impl From<usize> for Pair {
    fn from(both: usize) -> Self {
        Self([both, both])
    }
}

impl From<(usize, usize)> for Pair {
    fn from((height, width): (usize, usize)) -> Self {
        Self([height, width])
    }
}

impl From<[usize; 2]> for Pair {
    fn from(pair: [usize; 2]) -> Self {
        Self(pair)
    }
}

/// How many zeros are put around a plane before the window slides over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// So many rows and columns before and after the plane.
    Explicit {
        /// Rows above, columns to the left.
        before: [usize; 2],
        /// Rows below, columns to the right.
        after: [usize; 2],
    },
    /// As many as keep the plane's size, for stride 1. An odd total puts the
    /// extra row below and the extra column to the right.
    Same,
}

impl Default for Padding {
    /// None.
    fn default() -> Self {
        Self::from(0)
    }
}

impl<P: Into<Pair>> From<P> for Padding {
    /// The same number on both sides of an axis.
    fn from(both_sides: P) -> Self {
        let Pair(padding) = both_sides.into();
        Self::Explicit {
            before: padding,
            after: padding,
        }
    }
}

/// A checked window: no stride, dilation or kernel of 0, padding resolved, no
/// extent that overflows.
///
/// ```
/// use wengert_tensor::{Padding, Window2d};
///
/// let window = Window2d::new("conv2d", 3, 2, Padding::from((0, 1)), 1)?;
/// assert_eq!(window.output_size("conv2d", [6, 5])?, [2, 3]);
/// assert_eq!(window.dropped([6, 5]), [1, 0]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window2d {
    /// Taps along each axis.
    pub kernel: [usize; 2],
    /// From one window to the next.
    pub stride: [usize; 2],
    /// Rows above, columns to the left.
    pub padding_before: [usize; 2],
    /// Rows below, columns to the right.
    pub padding_after: [usize; 2],
    /// From one tap to the next.
    pub dilation: [usize; 2],
}

impl Window2d {
    /// A window for the operation `op`, whose name opens the error message.
    ///
    /// # Errors
    /// [`Error::Value`] if a kernel, stride or dilation is 0, if the padding is
    /// `Same` and a stride is not 1, or if the window would be larger than the
    /// address space.
    pub fn new(
        op: &'static str,
        kernel: impl Into<Pair>,
        stride: impl Into<Pair>,
        padding: Padding,
        dilation: impl Into<Pair>,
    ) -> Result<Self> {
        let (Pair(kernel), Pair(stride), Pair(dilation)) =
            (kernel.into(), stride.into(), dilation.into());
        for (name, value) in [
            ("kernel size", kernel),
            ("stride", stride),
            ("dilation", dilation),
        ] {
            if value.contains(&0) {
                return Err(Error::value(
                    op,
                    format!("{name} must be positive, got {value:?}"),
                ));
            }
        }
        let mut window = Self {
            kernel,
            stride,
            padding_before: [0; 2],
            padding_after: [0; 2],
            dilation,
        };
        for axis in 0..2 {
            if extent(kernel[axis], dilation[axis]).is_none() {
                return Err(Error::value(
                    op,
                    format!(
                        "a kernel of {kernel:?} with dilation {dilation:?} spans more than an \
                         address space"
                    ),
                ));
            }
        }
        match padding {
            Padding::Explicit { before, after } => {
                window.padding_before = before;
                window.padding_after = after;
            }
            Padding::Same => {
                if stride != [1, 1] {
                    return Err(Error::value(
                        op,
                        format!("padding `Same` needs stride 1, got {stride:?}"),
                    ));
                }
                let total = window.extent().map(|extent| extent - 1);
                window.padding_before = total.map(|total| total / 2);
                window.padding_after = total.map(|total| total - total / 2);
            }
        }
        Ok(window)
    }

    /// From the first tap to the last, both included: dilation · (kernel − 1) + 1.
    #[must_use]
    pub fn extent(&self) -> [usize; 2] {
        [0, 1].map(|axis| {
            extent(self.kernel[axis], self.dilation[axis]).unwrap_or(isize::MAX.unsigned_abs())
        })
    }

    /// The number of windows along each axis of a plane of this size.
    ///
    /// # Errors
    /// [`Error::Shape`] if the window is larger than the padded plane,
    /// [`Error::Value`] if the padded plane is larger than the address space.
    pub fn output_size(&self, op: &'static str, input: [usize; 2]) -> Result<[usize; 2]> {
        let padded = self.padded(op, input)?;
        let extent = self.extent();
        if extent[0] > padded[0] || extent[1] > padded[1] {
            let with = if self.dilation == [1, 1] {
                String::new()
            } else {
                format!(" with dilation {:?} spans {extent:?} and", self.dilation)
            };
            return Err(Error::shape(
                op,
                format!(
                    "kernel {:?}{with} is larger than the padded input {padded:?} \
                     (input {input:?}, padding {:?} before and {:?} after)",
                    self.kernel, self.padding_before, self.padding_after
                ),
            ));
        }
        Ok([0, 1].map(|axis| (padded[axis] - extent[axis]) / self.stride[axis] + 1))
    }

    /// As [`output_size`](Self::output_size), but a last window that only
    /// partly fits counts too, provided that it starts inside the input or the
    /// padding before it: the `ceil_mode` of pooling.
    ///
    /// # Errors
    /// As [`output_size`](Self::output_size), if not even a partial window fits.
    pub fn output_size_ceil(&self, op: &'static str, input: [usize; 2]) -> Result<[usize; 2]> {
        let padded = self.padded(op, input)?;
        let extent = self.extent();
        let size = [0, 1].map(|axis| {
            let stride = self.stride[axis];
            let start_limit = input[axis] + self.padding_before[axis];
            // ⌈(padded − extent) / stride⌉ + 1, without leaving the natural
            // numbers: what is missing to a full window is less than a stride.
            let windows = match padded[axis].checked_sub(extent[axis]) {
                Some(room) => room.div_ceil(stride) + 1,
                None => usize::from(extent[axis] - padded[axis] < stride),
            };
            let starts_outside = |&last: &usize| last * stride >= start_limit;
            match windows.checked_sub(1).filter(starts_outside) {
                Some(last) => last,
                None => windows,
            }
        });
        if size.contains(&0) {
            return self.output_size(op, input);
        }
        Ok(size)
    }

    /// How many rows and columns at the end of the padded plane no window sees.
    /// A plane too small for any window is dropped whole.
    #[must_use]
    pub fn dropped(&self, input: [usize; 2]) -> [usize; 2] {
        let extent = self.extent();
        [0, 1].map(|axis| {
            let padded = input[axis]
                .saturating_add(self.padding_before[axis])
                .saturating_add(self.padding_after[axis]);
            padded
                .checked_sub(extent[axis])
                .map_or(padded, |room| room % self.stride[axis].max(1))
        })
    }

    /// The input index that tap `tap` of window `window` reads along an axis
    /// (0 for height, 1 for width), or `None` if that is padding.
    #[must_use]
    pub fn source(&self, axis: usize, window: usize, tap: usize, input: usize) -> Option<usize> {
        let start = window.checked_mul(*self.stride.get(axis)?)?;
        let offset = tap.checked_mul(*self.dilation.get(axis)?)?;
        start
            .checked_add(offset)?
            .checked_sub(*self.padding_before.get(axis)?)
            .filter(|&index| index < input)
    }

    /// The input indices that window `window` reads along an axis, in order:
    /// those of [`source`](Self::source) for all taps.
    pub fn sources(
        &self,
        axis: usize,
        window: usize,
        input: usize,
    ) -> impl Iterator<Item = usize> + use<> {
        let field = |pair: [usize; 2]| pair.get(axis).copied();
        let first = || {
            let start = window.checked_mul(field(self.stride)?)?;
            let before = field(self.padding_before)?;
            let skipped = before
                .saturating_sub(start)
                .div_ceil(field(self.dilation)?.max(1));
            let taps = field(self.kernel)?.checked_sub(skipped)?;
            Some((taps, self.source(axis, window, skipped, input)?))
        };
        let (taps, first) = first().unwrap_or((0, input));
        let step = field(self.dilation).unwrap_or(1).max(1);
        (first..input).step_by(step).take(taps)
    }

    /// The windows, of `output` along an axis, whose tap `tap` reads inside an
    /// input of size `input`, and the index that the first of them reads. The
    /// next window reads a stride further.
    pub(crate) fn reach(
        &self,
        axis: usize,
        tap: usize,
        input: usize,
        output: usize,
    ) -> (Range<usize>, usize) {
        let (stride, before) = (self.stride[axis], self.padding_before[axis]);
        let offset = tap * self.dilation[axis];
        let first = before.saturating_sub(offset).div_ceil(stride);
        let end = (before + input).saturating_sub(offset).div_ceil(stride);
        let end = end.min(output);
        if first >= end {
            return (0..0, 0);
        }
        (first..end, first * stride + offset - before)
    }

    /// The taps, along an axis, that some window finds inside the input. The
    /// others are skipped, not tried: windows may lie far outside of a plane,
    /// and far apart.
    fn taps(&self, axis: usize, input: usize, output: usize) -> impl Iterator<Item = usize> {
        let (stride, before) = (self.stride[axis], self.padding_before[axis]);
        let (kernel, dilation) = (self.kernel[axis], self.dilation[axis]);
        let next = move |mut tap: usize| {
            while tap < kernel {
                let offset = tap * dilation;
                let first = before.saturating_sub(offset).div_ceil(stride);
                if first < output && first * stride + offset < before + input {
                    return Some(tap);
                }
                // That window and all after it read beyond the input, the one
                // before it short of the input: with which tap does it arrive?
                let short = first.min(output).checked_sub(1)?;
                tap = (before - short * stride).div_ceil(dilation);
            }
            None
        };
        std::iter::successors(next(0), move |&tap| next(tap + 1))
    }

    /// Calls `f(tap, outputs, first)` for every tap (in row-major order) and
    /// every row of `rows` in which it reads input: `outputs` are the windows of
    /// that row, as a range of the output plane, that find the tap inside the
    /// input, and `first` is the element of the input plane that the first of
    /// them reads. [`zip_line`](Self::zip_line) pairs them up.
    ///
    /// This is the loop nest of every direct kernel: what is inside `f` is one
    /// straight run over two rows. Taps that no window finds inside the input
    /// are not visited, so that a kernel far larger than it costs nothing.
    pub(crate) fn for_each_line(
        &self,
        input: [usize; 2],
        output: [usize; 2],
        rows: Range<usize>,
        mut f: impl FnMut(usize, Range<usize>, usize),
    ) {
        for i in self.taps(0, input[0], output[0]) {
            let (reached, top) = self.reach(0, i, input[0], output[0]);
            let reached_rows = reached.start.max(rows.start)..reached.end.min(rows.end);
            for j in self.taps(1, input[1], output[1]) {
                let (columns, left) = self.reach(1, j, input[1], output[1]);
                for o in reached_rows.clone() {
                    let source = top + (o - reached.start) * self.stride[0];
                    let start = o * output[1];
                    // Wraps only for pooling windows larger than memory, whose
                    // taps have no weights to be told apart by.
                    f(
                        i.wrapping_mul(self.kernel[1]).wrapping_add(j),
                        start + columns.start..start + columns.end,
                        source * input[1] + left,
                    );
                }
            }
        }
    }

    /// Calls `f` for every window of a line and the input that it reads, which
    /// are a stride apart: `inputs` starts at the first of them.
    #[inline]
    pub(crate) fn zip_line<O, I>(
        &self,
        outputs: impl IntoIterator<Item = O>,
        inputs: impl IntoIterator<Item = I>,
        mut f: impl FnMut(O, I),
    ) {
        let pairs = outputs.into_iter();
        match self.stride[1] {
            1 => pairs.zip(inputs).for_each(|(o, i)| f(o, i)),
            step => pairs
                .zip(inputs.into_iter().step_by(step))
                .for_each(|(o, i)| f(o, i)),
        }
    }

    /// The size of the padded plane, if it and one more window after it can be
    /// counted.
    fn padded(&self, op: &'static str, input: [usize; 2]) -> Result<[usize; 2]> {
        if self.stride.contains(&0) {
            // The fields are public: what `new` refused can come back.
            return Err(Error::value(
                op,
                format!("stride must be positive, got {:?}", self.stride),
            ));
        }
        let extent = self.extent();
        let mut padded = [0; 2];
        for axis in 0..2 {
            let size = input[axis]
                .checked_add(self.padding_before[axis])
                .and_then(|size| size.checked_add(self.padding_after[axis]));
            let end = size.and_then(|size| size.checked_add(extent[axis]));
            match (size, end) {
                (Some(size), Some(end)) if isize::try_from(end).is_ok() => padded[axis] = size,
                _ => {
                    return Err(Error::value(
                        op,
                        format!(
                            "padding {:?} before and {:?} after makes the input {input:?} larger \
                             than an address space",
                            self.padding_before, self.padding_after
                        ),
                    ));
                }
            }
        }
        Ok(padded)
    }
}

/// dilation · (kernel − 1) + 1, if it is at most `isize::MAX`.
fn extent(kernel: usize, dilation: usize) -> Option<usize> {
    let extent = kernel
        .checked_sub(1)?
        .checked_mul(dilation)?
        .checked_add(1)?;
    isize::try_from(extent).is_ok().then_some(extent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(kernel: usize, stride: usize, padding: [usize; 2], dilation: usize) -> Window2d {
        let padding = Padding::Explicit {
            before: [padding[0]; 2],
            after: [padding[1]; 2],
        };
        Window2d::new("test", kernel, stride, padding, dilation).unwrap()
    }

    proptest! {
        /// Windows are placed one after the other while they fit.
        #[test]
        fn sizes_and_ranges_agree_with_placing_windows(
            kernel in 1usize..5,
            stride in 1usize..5,
            padding in prop::array::uniform2(0usize..4),
            dilation in 1usize..4,
            input in 0usize..12,
        ) {
            let window = window(kernel, stride, padding, dilation);
            let padded = input + padding[0] + padding[1];
            let extent = dilation * (kernel - 1) + 1;
            let starts = (0..padded).step_by(stride);
            let full = starts.clone().filter(|start| start + extent <= padded).count();
            let output = window.output_size("test", [input; 2]);
            prop_assert_eq!(output.is_ok(), full > 0);
            if full > 0 {
                prop_assert_eq!(output.unwrap(), [full; 2]);
                let seen = (full - 1) * stride + extent;
                prop_assert_eq!(window.dropped([input; 2]), [padded - seen; 2]);
                for o in 0..full {
                    let taps = (0..kernel).filter_map(|tap| window.source(0, o, tap, input));
                    let sources = window.sources(0, o, input);
                    prop_assert_eq!(sources.collect::<Vec<_>>(), taps.collect::<Vec<_>>());
                }
                for tap in 0..kernel {
                    let (range, first) = window.reach(0, tap, input, full);
                    for o in 0..full {
                        let source = (o * stride + tap * dilation) as isize - padding[0] as isize;
                        let inside = (0..input as isize).contains(&source);
                        prop_assert_eq!(range.contains(&o), inside);
                        let expected = inside.then_some(source as usize);
                        prop_assert_eq!(window.source(0, o, tap, input), expected);
                        if o == range.start && inside {
                            prop_assert_eq!(first, source as usize);
                        }
                    }
                }
            }
        }

        /// PyTorch's `pooling_output_shape`, in signed arithmetic.
        #[test]
        fn ceil_mode_agrees_with_the_formula(
            kernel in 1usize..6,
            stride in 1usize..6,
            padding in 0usize..4,
            dilation in 1usize..4,
            input in 1usize..12,
        ) {
            let window = window(kernel, stride, [padding; 2], dilation);
            let [k, s, p, d, n] = [kernel, stride, padding, dilation, input].map(|x| x as isize);
            let mut size = (n + 2 * p - d * (k - 1) - 1 + s - 1).div_euclid(s) + 1;
            if (size - 1) * s >= n + p {
                size -= 1;
            }
            match window.output_size_ceil("test", [input; 2]) {
                Ok(found) => prop_assert_eq!(found.map(|x| x as isize), [size; 2]),
                Err(_) => prop_assert!(size <= 0),
            }
        }
    }

    #[test]
    fn same_puts_the_odd_one_after() {
        let window = Window2d::new("test", (2, 4), 1, Padding::Same, (1, 3)).unwrap();
        assert_eq!(window.padding_before, [0, 4]);
        assert_eq!(window.padding_after, [1, 5]);
        assert_eq!(window.output_size("test", [8, 7]).unwrap(), [8, 7]);
        assert!(Window2d::new("test", 3, (1, 2), Padding::Same, 1).is_err());
    }

    #[test]
    fn refusals_name_the_value() {
        let message = |result: Result<Window2d>| result.unwrap_err().to_string();
        assert_eq!(
            message(Window2d::new("conv2d", 3, (1, 0), Padding::default(), 1)),
            "conv2d: stride must be positive, got [1, 0]"
        );
        assert!(Window2d::new("conv2d", 0, 1, Padding::default(), 1).is_err());
        assert!(Window2d::new("conv2d", 1, 1, Padding::default(), 0).is_err());
        let error = window(3, 1, [0, 1], 2).output_size("conv2d", [3, 4]);
        assert_eq!(
            error.unwrap_err().to_string(),
            "conv2d: kernel [3, 3] with dilation [2, 2] spans [5, 5] and is larger than the padded \
             input [4, 5] (input [3, 4], padding [0, 0] before and [1, 1] after)"
        );
    }

    #[test]
    fn absurd_numbers_are_errors_or_exact() {
        let max = usize::MAX;
        assert!(Window2d::new("test", max, 1, Padding::Same, 1).is_err());
        assert!(Window2d::new("test", 3, 1, Padding::default(), max).is_err());
        assert!(Window2d::new("test", max, 1, Padding::default(), max).is_err());
        let far = Window2d::new("test", 1, max, Padding::default(), max).unwrap();
        assert_eq!(far.output_size("test", [5, 7]).unwrap(), [1, 1]);
        assert_eq!(far.output_size_ceil("test", [5, 7]).unwrap(), [1, 1]);
        assert_eq!(far.dropped([5, 7]), [4, 6]);
        assert_eq!(far.reach(0, 0, 5, 1), (0..1, 0));
        let wide = window(1, 1, [max / 2, max / 2], 1);
        assert!(wide.output_size("test", [5, 5]).is_err());
        assert!(wide.output_size_ceil("test", [5, 5]).is_err());
        let partial = window(5, max, [0, 0], 1);
        assert_eq!(partial.output_size_ceil("test", [2, 2]).unwrap(), [1, 1]);
    }
}
