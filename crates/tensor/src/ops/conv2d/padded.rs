//! An image with its padding, as kernels read it.
//!
//! A kernel that asks of every pixel whether it lies in the image spends more
//! on the question than on the answer. So an image is copied, a few channels or
//! all of them, into scratch memory with zeros around it. For a stride of s the
//! copy parts the rows into s · s planes of every s-th pixel (its phases), so
//! that in each of them neighbouring windows are neighbours again:
//!
//! ```text
//! stride 2:   a b a b a b        a a a   b b b
//!             c d c d c d   ->   a a a   b b b   c c c   d d d
//!             a b a b a b        (a tap reads one of the four planes)
//! ```
//!
//! **Flat.** Rows lie `pitch` apart, and a tap is a distance from the first
//! pixel of its window. A row that ends in padding runs into the padding that
//! the next row begins with, so one gap serves both.
//!
//! **Cost.** One pass over the image for each call of the convolution.

use super::geometry::Conv2dGeometry;

/// A sum over taps at every output pixel: what a convolution, and the input
/// gradient of one, are to the kernels.
#[derive(Debug)]
pub(super) struct Correlation {
    /// Height and width of the image.
    pub(super) input: [usize; 2],
    /// Height and width of the output.
    pub(super) output: [usize; 2],
    /// From one window to the next.
    pub(super) stride: [usize; 2],
    /// Zeros above and to the left of the image.
    pub(super) before: [usize; 2],
    /// Row and column of each tap in its window.
    pub(super) taps: Vec<[usize; 2]>,
}

/// Elements of a line of the cache, or more of them.
const LINE: usize = 16;
/// The longest vector.
const BEYOND: usize = 16;

/// How a channel of a [`Correlation`]'s image lies in scratch memory.
#[derive(Debug)]
pub(super) struct Layout {
    /// From one row of a phase to the next.
    pub(super) pitch: usize,
    /// Rows of a phase.
    rows: usize,
    /// From one channel to the next: all phases.
    pub(super) plane: usize,
    /// Distance of each tap from the first pixel of its window.
    pub(super) taps: Vec<usize>,
    /// Whether the image is read where it is.
    pub(super) in_place: bool,
}

impl Correlation {
    /// The one that a convolution is.
    pub(super) fn of(geometry: &Conv2dGeometry) -> Self {
        let window = &geometry.window;
        let taps = |axis: usize| (0..window.kernel[axis]).map(move |i| i * window.dilation[axis]);
        Self {
            input: geometry.input,
            output: geometry.output,
            stride: window.stride,
            before: window.padding_before,
            taps: taps(0).flat_map(|i| taps(1).map(move |j| [i, j])).collect(),
        }
    }

    /// The layout of the padded image.
    pub(super) fn layout(&self) -> Layout {
        // Along each axis: pixels of a phase that are wanted, pixels that the
        // image fills, and zeros before them, in the phase that has the least.
        let along = |axis: usize| {
            let stride = self.stride[axis];
            let last = self.taps.iter().map(|tap| tap[axis] / stride).max();
            let wanted = last.unwrap_or(0) + self.output[axis];
            let filled = (self.input[axis] + self.before[axis]).div_ceil(stride);
            (wanted, filled, self.before[axis] / stride)
        };
        let ((rows, filled_rows, _), (wanted, filled, zeros)) = (along(0), along(1));
        let rows = rows.max(filled_rows);
        let pitch = wanted.saturating_sub(zeros).max(filled).max(self.output[1]);
        let phase = rows * pitch;
        let taps = self.taps.iter().map(|tap| {
            let [[a, row], [b, column]] =
                [0, 1].map(|axis| [tap[axis] % self.stride[axis], tap[axis] / self.stride[axis]]);
            (a * self.stride[1] + b) * phase + row * pitch + column
        });
        let taps: Vec<usize> = taps.collect();
        // An odd number of cache lines: planes a power of two apart would
        // compete for the same few lines of the cache.
        let plane = phase * self.stride[0] * self.stride[1];
        let plane = (plane.div_ceil(LINE) | 1) * LINE;
        let [height, width] = self.input;
        // The last window ends within the plane, and no gap is read from.
        let in_place = self.stride == [1, 1]
            && self.before == [0, 0]
            && wanted <= width
            && rows <= height
            && !(height * width).is_multiple_of(2 * LINE)
            && (self.output[0].max(1) - 1) * pitch + self.output[1] >= BEYOND;
        Layout {
            pitch,
            rows,
            plane: if in_place { height * width } else { plane },
            taps,
            in_place,
        }
    }
}

impl Layout {
    /// Scratch elements for `channels` channels, of which the last one is
    /// followed by a row's padding and a vector.
    pub(super) fn len(&self, channels: usize) -> usize {
        channels * self.plane + self.pitch + BEYOND
    }

    /// Copies channels of an image, one after the other in `image`.
    pub(super) fn fill<T: crate::element::Element>(
        &self,
        correlation: &Correlation,
        image: &[T],
        padded: &mut [T],
    ) {
        let [height, width] = correlation.input;
        let ([down, across], [top, left]) = (correlation.stride, correlation.before);
        let planes = image.chunks_exact((height * width).max(1));
        let channels = planes.len();
        for (plane, padded) in planes.zip(padded.chunks_exact_mut(self.plane)) {
            // All of it at once: padding comes in pieces too short to be filled
            // one by one, and the plane stays in the near cache for its pixels.
            padded.fill(T::ZERO);
            let phases = padded.chunks_exact_mut(self.rows * self.pitch);
            for (phase, padded) in phases.take(down * across).enumerate() {
                let (a, b) = (phase / across, phase % across);
                // The first column of the image in this phase, and its place.
                let column = (b + across - left % across) % across;
                let place = (column + left) / across;
                let count = width.saturating_sub(column).div_ceil(across);
                for (row, line) in padded.chunks_exact_mut(self.pitch).enumerate() {
                    let source = (row * down + a).wrapping_sub(top);
                    if source >= height || count == 0 {
                        continue;
                    }
                    let pixels = &plane[source * width + column..(source + 1) * width];
                    let line = &mut line[place..place + count];
                    if across == 1 {
                        line.copy_from_slice(pixels);
                    } else {
                        let pixels = pixels.iter().step_by(across);
                        line.iter_mut()
                            .zip(pixels)
                            .for_each(|(to, &from)| *to = from);
                    }
                }
            }
        }
        padded[channels * self.plane..].fill(T::ZERO);
    }
}
