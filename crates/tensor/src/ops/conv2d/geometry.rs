//! The shape of a convolution: what the caller says, and what follows.
//!
//! [`Conv2dOptions`] is what a caller says. [`Conv2dGeometry`] is what follows
//! from it and two shapes, with every size checked: after it exists, no kernel
//! has anything left to refuse. The forward convolution and its two adjoints
//! speak of one geometry, whichever of the three tensors they are to find.

use crate::error::{Error, Result};
use crate::par;
use crate::window::{Padding, Pair, Window2d};

/// How a convolution slides: stride 1, no padding, dilation 1 and one group
/// unless told otherwise.
///
/// ```
/// use wengert_tensor::{Conv2dOptions, Padding};
///
/// let options = Conv2dOptions::default().stride(2).padding((1, 2));
/// assert_eq!(options.stride, [2, 2]);
/// let same = Conv2dOptions::default().padding(Padding::Same).dilation(2);
/// assert_eq!(same.padding, Padding::Same);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conv2dOptions {
    /// From one window to the next.
    pub stride: [usize; 2],
    /// Zeros around the image.
    pub padding: Padding,
    /// From one tap of the kernel to the next.
    pub dilation: [usize; 2],
    /// Into how many groups the channels are divided: group g of the output
    /// sees group g of the input alone.
    pub groups: usize,
}

impl Default for Conv2dOptions {
    fn default() -> Self {
        Self {
            stride: [1, 1],
            padding: Padding::default(),
            dilation: [1, 1],
            groups: 1,
        }
    }
}

impl Conv2dOptions {
    /// Sets the stride.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        Pair(self.stride) = stride.into();
        self
    }

    /// Sets the padding: a number, a pair, or [`Padding::Same`].
    #[must_use]
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Sets the dilation.
    #[must_use]
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        Pair(self.dilation) = dilation.into();
        self
    }

    /// Sets the number of groups.
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }
}

/// A checked convolution.
///
/// ```
/// use wengert_tensor::{Conv2dGeometry, Conv2dOptions};
///
/// let options = Conv2dOptions::default().stride(2);
/// let geometry = Conv2dGeometry::new(&[8, 3, 6, 5], &[16, 3, 3, 3], &options)?;
/// assert_eq!(geometry.output_shape(), [8, 16, 2, 2]);
/// assert_eq!(geometry.dropped(), [1, 0]);
/// assert_eq!(geometry.multiply_adds(), 8 * 16 * 2 * 2 * 3 * 3 * 3);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conv2dGeometry {
    /// The number of images, or `None` for one image without a batch axis.
    pub batch: Option<usize>,
    /// The number of groups.
    pub groups: usize,
    /// Channels of the input, all groups together.
    pub in_channels: usize,
    /// Channels of the output, all groups together.
    pub out_channels: usize,
    /// Height and width of the input.
    pub input: [usize; 2],
    /// Height and width of the output.
    pub output: [usize; 2],
    /// What slides from one to the other.
    pub window: Window2d,
}

impl Conv2dGeometry {
    /// The convolution of an input `[N, C, H, W]`, or `[C, H, W]`, with a
    /// weight `[out, C / groups, kh, kw]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for a wrong number of axes, channels that do not fit the
    /// weight or the groups, an output or an image without elements, a kernel
    /// larger than the padded image; [`Error::Value`] for a stride, dilation,
    /// number of groups or kernel size of 0, `Same` with another stride than 1,
    /// and sizes that overflow.
    pub fn new(input: &[usize], weight: &[usize], options: &Conv2dOptions) -> Result<Self> {
        Self::checked("conv2d", input, weight, options)
    }

    /// As [`new`](Self::new), in the name of `op`.
    pub(crate) fn checked(
        op: &'static str,
        input: &[usize],
        weight: &[usize],
        options: &Conv2dOptions,
    ) -> Result<Self> {
        let refuse = |what: String| {
            Err(Error::shape(
                op,
                format!("{what} (input {input:?}, weight {weight:?})"),
            ))
        };
        let (batch, in_channels, size) = match *input {
            [c, h, w] => (None, c, [h, w]),
            [n, c, h, w] => (Some(n), c, [h, w]),
            _ => {
                return refuse(format!(
                    "the input must have axes [N, C, H, W] or [C, H, W], got {}",
                    input.len()
                ));
            }
        };
        let &[out_channels, per_group, kernel_h, kernel_w] = weight else {
            return refuse(format!(
                "the weight must have axes [out, in / groups, kh, kw], got {}",
                weight.len()
            ));
        };
        let groups = options.groups;
        if groups == 0 {
            return Err(Error::value(op, "groups must be positive, got 0"));
        }
        if out_channels == 0 {
            return refuse("the weight makes no output channels".to_owned());
        }
        if !out_channels.is_multiple_of(groups) {
            return refuse(format!(
                "{out_channels} output channels do not divide into {groups} groups"
            ));
        }
        let expected = per_group.checked_mul(groups);
        if expected != Some(in_channels) {
            let of_groups = if groups == 1 {
                String::new()
            } else {
                format!(" in each of {groups} groups")
            };
            return refuse(format!(
                "input has {in_channels} channels, weight expects {per_group}{of_groups}"
            ));
        }
        if size.contains(&0) && batch != Some(0) {
            return refuse("the images are empty".to_owned());
        }
        let window = Window2d::new(
            op,
            [kernel_h, kernel_w],
            options.stride,
            options.padding,
            options.dilation,
        )?;
        Ok(Self {
            batch,
            groups,
            in_channels,
            out_channels,
            input: size,
            output: window.output_size(op, size)?,
            window,
        })
    }

    /// The shape of the input, `[N, C, H, W]` or `[C, H, W]`.
    #[must_use]
    pub fn input_shape(&self) -> Vec<usize> {
        self.image_shape(self.in_channels, self.input)
    }

    /// The shape of the weight, `[out, in / groups, kh, kw]`.
    #[must_use]
    pub fn weight_shape(&self) -> [usize; 4] {
        let [kernel_h, kernel_w] = self.window.kernel;
        let per_group = self.in_channels / self.groups.max(1);
        [self.out_channels, per_group, kernel_h, kernel_w]
    }

    /// The shape of the output, `[N, out, H, W]` or `[out, H, W]`.
    #[must_use]
    pub fn output_shape(&self) -> Vec<usize> {
        self.image_shape(self.out_channels, self.output)
    }

    fn image_shape(&self, channels: usize, [height, width]: [usize; 2]) -> Vec<usize> {
        let shape = [channels, height, width];
        self.batch.into_iter().chain(shape).collect()
    }

    /// Rows and columns at the end of the padded input that no window sees.
    /// Their gradient is zero.
    #[must_use]
    pub fn dropped(&self) -> [usize; 2] {
        self.window.dropped(self.input)
    }

    /// The multiply-adds of the definition, those with padding included; the
    /// adjoints have as many.
    #[must_use]
    pub fn multiply_adds(&self) -> u64 {
        let [_, per_group, kernel_h, kernel_w] = self.weight_shape();
        self.output_shape()
            .into_iter()
            .chain([per_group, kernel_h, kernel_w])
            .fold(1, |product, size| product.saturating_mul(size as u64))
    }

    /// The number of images.
    pub(crate) fn images(&self) -> usize {
        self.batch.unwrap_or(1)
    }

    /// Input channels and output channels of one group.
    pub(crate) fn group_channels(&self) -> [usize; 2] {
        [self.in_channels, self.out_channels].map(|channels| channels / self.groups)
    }

    /// Taps of the kernel in one channel.
    pub(crate) fn taps(&self) -> usize {
        self.window.kernel[0].saturating_mul(self.window.kernel[1])
    }

    /// Elements of one channel of the input and of the output: as many as there
    /// can be, if no memory holds it.
    pub(crate) fn planes(&self) -> [usize; 2] {
        [self.input, self.output].map(|[height, width]| height.saturating_mul(width))
    }

    /// Height and width of what all windows of an image see together, padding
    /// included.
    pub(crate) fn seen(&self) -> [usize; 2] {
        let extent = self.window.extent();
        [0, 1].map(|axis| {
            let last = self.output[axis].max(1) - 1;
            last.saturating_mul(self.window.stride[axis])
                .saturating_add(extent[axis])
        })
    }

    /// The work of a vector kernel, as [`par`] estimates it.
    pub(crate) fn cost(&self) -> usize {
        par::multiply_adds(usize::try_from(self.multiply_adds()).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(input: &[usize], weight: &[usize], options: Conv2dOptions) -> String {
        let geometry = Conv2dGeometry::new(input, weight, &options);
        geometry.unwrap_err().to_string()
    }

    #[test]
    fn refusals_name_what_does_not_fit() {
        let plain = Conv2dOptions::default();
        assert_eq!(
            refusal(&[8, 3, 32, 32], &[16, 4, 3, 3], plain),
            "conv2d: input has 3 channels, weight expects 4 \
             (input [8, 3, 32, 32], weight [16, 4, 3, 3])"
        );
        assert_eq!(
            refusal(&[1, 4, 4, 4], &[3, 2, 3, 3], plain.groups(2)),
            "conv2d: 3 output channels do not divide into 2 groups \
             (input [1, 4, 4, 4], weight [3, 2, 3, 3])"
        );
        assert_eq!(
            refusal(&[1, 4, 4, 4], &[4, 4, 3, 3], plain.groups(0)),
            "conv2d: groups must be positive, got 0"
        );
        for (input, weight) in [
            (&[4, 4][..], &[1, 1, 1, 1][..]),
            (&[1, 1, 1, 4, 4], &[1, 1, 1, 1]),
            (&[1, 1, 4, 4], &[1, 1, 1]),
            (&[1, 1, 4, 4], &[0, 1, 1, 1]),
            (&[1, 1, 4, 4], &[1, 1, 0, 1]),
            (&[1, 1, 4, 4], &[1, 1, 5, 1]),
            (&[1, 1, 0, 4], &[1, 1, 1, 1]),
        ] {
            refusal(input, weight, plain);
        }
        // A plane of padding alone is refused too, as PyTorch does.
        refusal(&[1, 1, 0, 4], &[1, 1, 1, 1], plain.padding(1));
        refusal(&[1, 1, 4, 4], &[1, 1, 1, 1], plain.padding(usize::MAX));
        refusal(
            &[1, usize::MAX, 4, 4],
            &[2, usize::MAX / 2 + 1, 1, 1],
            plain.groups(2),
        );
    }

    #[test]
    fn no_images_are_legal() {
        let options = Conv2dOptions::default();
        let geometry = Conv2dGeometry::new(&[0, 3, 4, 4], &[2, 3, 3, 3], &options).unwrap();
        assert_eq!(geometry.output_shape(), [0, 2, 2, 2]);
        assert_eq!(geometry.multiply_adds(), 0);
    }

    #[test]
    fn same_keeps_the_size() {
        let options = Conv2dOptions::default().padding(Padding::Same).dilation(2);
        let geometry = Conv2dGeometry::new(&[1, 8, 8], &[1, 1, 3, 3], &options).unwrap();
        assert_eq!(geometry.output_shape(), [1, 8, 8]);
    }
}
