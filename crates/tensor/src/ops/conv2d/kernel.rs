//! Which loops compute a convolution.
//!
//! No one loop nest is best for all layers: a first layer of one channel, a
//! middle layer of a hundred and a depthwise layer put the work in different
//! places. [`Conv2dGeometry::forward_kernel`],
//! [`input_kernel`](Conv2dGeometry::input_kernel) and
//! [`weight_kernel`](Conv2dGeometry::weight_kernel) say which one runs, each a
//! function of the geometry alone: never of the number of threads, which would
//! change the order of sums and so the bits.

use super::geometry::Conv2dGeometry;
use crate::simd::conv_depthwise;

/// The loops that compute a convolution or one of its adjoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conv2dKernel {
    /// The definition, with the loop over a row of the image innermost: for
    /// small images and few channels, where nothing pays that needs preparing,
    /// and for windows that lie far apart.
    Definition,
    /// Vectors over the pixels of the output, for a block of output channels at
    /// a time, from an image with its padding in scratch memory.
    Rows,
    /// The matrix product that a kernel of one tap is, for a panel of pixels at a
    /// time, which is read once for all output channels: nothing is padded.
    Pointwise,
    /// Vectors over the output channels of a pixel, for a tile of pixels at a
    /// time, from such an image too: for planes whose rows do not fill vectors.
    Channels,
    /// Vectors over the pixels of a row of the image itself, each loaded for all
    /// the rows of the result that it counts in: for kernels of 3, 5 or 7 rows at
    /// strides of 1 or 2, where a group has few channels of the result. The
    /// input gradient, at a stride of 1, likewise.
    Depthwise,
    /// Winograd's tiles (Lavin and Gray, 2015): sixteen pixels from 36
    /// multiplications instead of 144, for a kernel of 3 × 3 taps at stride 1
    /// with many channels. Never for the weight's gradient.
    ///
    /// A tile of 4 × 4 pixels is computed from sums of all 6 × 6 that it reads.
    /// So rounding errors are relative to the largest of those, and not to what a
    /// pixel's own window holds. Of dense normal numbers they are two to three
    /// times those of sums in a row (tests hold them below four), of rectified
    /// and of lognormal ones up to five times (held to that, too). A pixel that is
    /// far larger than its neighbours takes digits from them, a sum of zeros need
    /// not be exactly zero, and pixels that are nearly as large as numbers get may
    /// overflow. Where the definition has a NaN, this has one too, and so may its
    /// neighbours in the tile; an infinite pixel may make NaN of what would be
    /// infinite, or would not depend on it.
    Winograd,
    /// The input gradient as a matrix product, whose columns are added up: where
    /// the input has many more pixels than the output, as for a large kernel on
    /// a small plane without padding.
    Columns,
    /// The weight gradient with vectors over output channels: every pixel
    /// contributes the outer product of its gradients and of its window.
    OuterProducts,
    /// The weight gradient with vectors over the pixels of a row: every weight
    /// is the inner product of a plane of gradients and a shifted plane of the
    /// image. For few output channels and wide planes.
    InnerProducts,
    /// The same for one plane of gradients and one of the image at a time, where
    /// it lies: a row of gradients stays in a register while the rows of the
    /// image pass that it meets. For kernels of 3, 5 or 7 rows at strides of 1
    /// or 2.
    PlanePairs,
}

/// Multiply-adds of an image below which nothing pays that needs preparing.
const TINY: u64 = 1 << 12;
/// Strides up to which a padded image is never parted into too many planes.
const FAR: usize = 4;
/// Multiply-adds below which a weight's gradient is summed at once.
const FEW: u64 = 1 << 9;

/// Speed of [`PlanePairs`](Conv2dKernel::PlanePairs), as a share of that of
/// [`OuterProducts`](Conv2dKernel::OuterProducts), if both have no empty lanes.
const PAIRS: f64 = 0.9;
/// The same of [`InnerProducts`](Conv2dKernel::InnerProducts).
const INNER: f64 = 0.6;

/// Numbers in the longest vector.
const LANES: usize = 16;

/// Channels below which Winograd's transforms cost more than they save.
const WINOGRAD_CHANNELS: usize = 16;
/// Pixels of a plane below which too much of Winograd's tiles hangs over the edge.
const WINOGRAD_PIXELS: usize = 36;

/// Channels of a result, in a group, up to which its rows share what is loaded,
/// and not its channels.
const DEPTHWISE_CHANNELS: usize = 4;

/// Output channels below which it takes longer to add columns than to find them.
const COLUMN_CHANNELS: usize = 8;
/// Pixels of the output below which the matrix product has too few columns.
const COLUMN_PIXELS: usize = 48;

/// The share of lanes in use, if so many numbers lie in a row.
fn fullness(count: usize) -> f64 {
    count as f64 / (count.div_ceil(LANES) as f64 * LANES as f64)
}

impl Conv2dGeometry {
    /// Which loops compute the output.
    ///
    /// ```
    /// use wengert_tensor::{Conv2dGeometry, Conv2dKernel, Conv2dOptions};
    ///
    /// let pointwise = Conv2dGeometry::new(&[8, 32, 16, 16], &[64, 32, 1, 1], &Conv2dOptions::default())?;
    /// assert_eq!(pointwise.forward_kernel(), Conv2dKernel::Pointwise);
    /// assert_eq!(pointwise.weight_kernel(), Conv2dKernel::OuterProducts);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[must_use]
    pub fn forward_kernel(&self) -> Conv2dKernel {
        if self.is_tiny() || self.is_far() || self.is_sparse() {
            Conv2dKernel::Definition
        } else if self.suits_winograd() {
            Conv2dKernel::Winograd
        } else if self.suits_depthwise(1) {
            Conv2dKernel::Depthwise
        } else {
            self.fuller_vectors(self.group_channels()[1], self.output)
        }
    }

    /// Which loops compute the gradient with respect to the input.
    #[must_use]
    pub fn input_kernel(&self) -> Conv2dKernel {
        use Conv2dKernel::{Channels, Columns, Depthwise, Pointwise, Rows};
        let window = &self.window;
        // The adjoint is a convolution whose padding is what is left of the kernel.
        let reaches = |axis: usize| window.padding_before[axis] < window.kernel[axis];
        let turns = window.stride == [1, 1] && reaches(0) && reaches(1);
        match self.forward_kernel() {
            Rows | Channels | Depthwise if self.suits_columns() => Columns,
            Rows | Channels | Depthwise if turns && self.suits_depthwise(0) => Depthwise,
            Rows | Channels | Depthwise | Pointwise => {
                let [down, across] = self.window.stride;
                let phase = [self.input[0].div_ceil(down), self.input[1].div_ceil(across)];
                match self.fuller_vectors(self.group_channels()[0], phase) {
                    // Which has no phases.
                    Pointwise if phase != self.input => Rows,
                    kernel => kernel,
                }
            }
            other => other,
        }
    }

    /// Which loops compute the gradient with respect to the weight: those with
    /// vectors over output channels, unless vectors over the pixels of a row leave
    /// so many lanes fewer empty that it makes up for what they cost.
    #[must_use]
    pub fn weight_kernel(&self) -> Conv2dKernel {
        let [_, outs] = self.group_channels();
        let better = |speed: f64| speed * fullness(self.output[1]) > fullness(outs);
        if self.multiply_adds() <= FEW || self.is_sparse() {
            Conv2dKernel::Definition
        } else if better(PAIRS) && self.has_taps_in_registers() {
            Conv2dKernel::PlanePairs
        } else if better(INNER) && !self.is_far() {
            Conv2dKernel::InnerProducts
        } else {
            Conv2dKernel::OuterProducts
        }
    }

    /// Whether a window is one pixel of the image, and none is padding.
    pub(super) fn is_pointwise(&self) -> bool {
        let window = &self.window;
        let inside = |axis: usize| self.seen()[axis] <= self.input[axis];
        let plain = window.kernel == [1, 1] && window.padding_before == [0, 0];
        plain && inside(0) && inside(1)
    }

    /// Whether a padded image would be parted into too many planes: more than the
    /// windows see. One that is cut into patches is parted into as many planes as
    /// a patch has pixels.
    fn is_far(&self) -> bool {
        let (stride, extent) = (self.window.stride, self.window.extent());
        (0..2).any(|axis| stride[axis] > FAR.max(extent[axis]))
    }

    /// Whether an image with its padding, as the kernels copy it, would be much
    /// larger than what it is made of, as it is for strides, dilations and
    /// paddings far beyond the kernel's size.
    pub(super) fn is_sparse(&self) -> bool {
        let ([in_plane, out_plane], [rows, columns]) = (self.planes(), self.seen());
        let least = in_plane.saturating_add(out_plane).saturating_add(64);
        rows.saturating_mul(columns) / 4 > least
    }

    /// Whether an image is so small that nothing pays that needs preparing.
    fn is_tiny(&self) -> bool {
        let image = Self {
            batch: None,
            ..*self
        };
        image.multiply_adds() <= TINY
    }

    /// Whether pixels or channels leave fewer lanes of a vector empty, of results
    /// with so many channels and such planes. Rows are laid end to end, with
    /// the padding between them, or begin a vector each. Judged for the longest
    /// vectors, of [`LANES`].
    fn fuller_vectors(&self, channels: usize, [height, width]: [usize; 2]) -> Conv2dKernel {
        let window = &self.window;
        let between = (window.extent()[1] - 1).div_ceil(window.stride[1]);
        // As floats: whoever asks may have a plane that no memory holds.
        let [height, width, between] = [height, width, between].map(|size| size as f64);
        let lanes = LANES as f64;
        let end_to_end = (height * (width + between) - between) / lanes;
        let row_by_row = height * (width / lanes).ceil();
        let of_pixels = end_to_end.ceil().min(row_by_row) * lanes / (height * width);
        // Those over channels number pixels with 32 bits.
        let numbered = u32::try_from(self.planes()[0].max(self.planes()[1])).is_ok();
        if numbered && 1.0 / fullness(channels) < of_pixels {
            Conv2dKernel::Channels
        } else if self.is_pointwise() {
            Conv2dKernel::Pointwise
        } else {
            Conv2dKernel::Rows
        }
    }

    /// Whether the output has so few of the input's pixels that sums for all of
    /// those would be padding for a third, and both channels and pixels enough
    /// for a matrix product.
    fn suits_columns(&self) -> bool {
        let ([_, outs], [in_plane, out_plane]) = (self.group_channels(), self.planes());
        self.window.stride == [1, 1]
            && in_plane / 3 > out_plane / 2
            && outs >= COLUMN_CHANNELS
            && out_plane >= COLUMN_PIXELS
    }

    /// Whether there are loops of which each holds a column of so many taps in
    /// registers.
    fn has_taps_in_registers(&self) -> bool {
        let window = &self.window;
        window.dilation == [1, 1] && conv_depthwise::suits(window.kernel, window.stride)
    }

    /// Whether a group has so few channels to find, the input's (0) or the
    /// output's (1), that other loops fetch as much as they multiply.
    fn suits_depthwise(&self, found: usize) -> bool {
        self.has_taps_in_registers() && self.group_channels()[found] <= DEPTHWISE_CHANNELS
    }

    /// Whether there are channels enough, on either side, to pay for the
    /// transforms, and pixels enough to fill tiles.
    fn suits_winograd(&self) -> bool {
        let window = &self.window;
        let plain = window.stride == [1, 1] && window.dilation == [1, 1];
        let [ins, outs] = self.group_channels();
        let pixels = self.planes();
        window.kernel == [3, 3]
            && plain
            && ins.min(outs) >= WINOGRAD_CHANNELS
            && pixels[0].min(pixels[1]) >= WINOGRAD_PIXELS
    }
}
