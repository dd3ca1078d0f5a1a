//! Convolution with few results: one channel, or a few, from each group.
//!
//! ```text
//! for each plane of the result, its channel o
//!     for each tile of ROWS rows p, a vector of their pixels q each
//!         acc[ROWS] = 0                                    (registers)
//!         for each channel c of the group, for each column of taps j
//!             w[KH] = w[o, c, .., j]                       (broadcast)
//!             for each row r of x that the tile sees
//!                 x = x[c, r, q·s + j − before]            (a load; zero beside the image)
//!                 for each tap i and row p that meet in r  (at stride 1, as many as KH)
//!                     acc[p] += w[i] · x
//!         y[o, p, q] = relu(acc[p] + b[o])
//! ```
//!
//! Where a channel of the result is all that is made of a channel of the image,
//! a weight and a pixel must both be fetched for a product, and a processor
//! fetches no more than it multiplies. But a row of pixels that is loaded once
//! serves all the rows of the result whose windows it is in: KH of them.
//!
//! **Where it is.** The image is read where it is: a copy with its padding would
//! take as long as the products. Lanes beside the image are masked, and rows
//! above and below it are read from a row of zeros.

use super::Kernel;
use super::vector::{Lanes, Vector};

/// Rows of a tile: with seven rows of taps, seven weights, eight sums and a
/// vector of pixels are sixteen registers.
const ROWS: usize = 8;

/// Whether there is a kernel for so many rows of taps and such a stride.
pub(crate) const fn suits([height, _]: [usize; 2], stride: [usize; 2]) -> bool {
    matches!(height, 3 | 5 | 7) && matches!(stride, [1, 1] | [2, 2])
}

/// Which sums there are, in all planes of the result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planes<'a, T> {
    /// The images, [N, groups · channels, height, width].
    pub(crate) x: &'a [T],
    pub(crate) input: [usize; 2],
    /// Channels of a group: those summed over and those found.
    pub(crate) channels: [usize; 2],
    pub(crate) groups: usize,
    /// The weights, [groups · found, summed, kernel].
    pub(crate) w: &'a [T],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// Zeros above and to the left of an image.
    pub(crate) before: [usize; 2],
    /// One number for each channel found, or none.
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) relu: bool,
    /// Height and width of the result.
    pub(crate) output: [usize; 2],
}

/// Arguments of the kernel: some planes of the result, one after the other.
#[derive(Debug)]
pub(crate) struct Depthwise<'a, T> {
    pub(crate) all: Planes<'a, T>,
    /// A row of zeros, as long as one of x.
    pub(crate) zeros: &'a [T],
    pub(crate) y: &'a mut [T],
    /// Which of all planes is the first of y.
    pub(crate) first: usize,
}

impl<T: Lanes> Kernel<T> for Depthwise<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        match (self.all.kernel[0], self.all.stride[0]) {
            (3, 1) => self.planes::<V, 3, 1>(),
            (5, 1) => self.planes::<V, 5, 1>(),
            (7, 1) => self.planes::<V, 7, 1>(),
            (3, 2) => self.planes::<V, 3, 2>(),
            (5, 2) => self.planes::<V, 5, 2>(),
            (7, 2) => self.planes::<V, 7, 2>(),
            _ => unreachable!("suits() is false"),
        }
    }
}

impl<T: Lanes> Depthwise<'_, T> {
    /// All planes, with KH rows of taps at a stride of S.
    #[inline(always)]
    fn planes<V: Vector<T>, const KH: usize, const S: usize>(mut self) {
        let all = self.all;
        let [height, width] = all.output;
        let ([summed, found], in_plane) = (all.channels, all.input[0] * all.input[1]);
        let taps = all.kernel[0] * all.kernel[1];
        let y = std::mem::take(&mut self.y);
        for (plane, y) in y.chunks_exact_mut((height * width).max(1)).enumerate() {
            let plane = self.first + plane;
            let (image, o) = (plane / (all.groups * found), plane % (all.groups * found));
            // What the pointers below rely on.
            let group = (image * all.groups + o / found) * summed * in_plane;
            let x = all.x[group..group + summed * in_plane].as_ptr();
            let w = all.w[o * summed * taps..(o + 1) * summed * taps].as_ptr();
            assert!(all.kernel[0] == KH && self.zeros.len() >= all.input[1]);
            let bias = V::splat(all.bias.map_or(T::ZERO, |bias| bias[o]));
            for p in (0..height).step_by(ROWS) {
                for q in (0..width).step_by(V::LANES) {
                    let to = y[p * width + q..].as_mut_ptr();
                    // SAFETY: a group's planes, a channel's weights, and rows of y
                    // from (p, q) on.
                    unsafe { self.tile::<V, KH, S>(x, w, bias, to, [p, q]) };
                }
            }
        }
    }

    /// The rows of a tile that there are.
    ///
    /// # Safety
    /// x has the planes of a group and w the weights of a channel; y is where
    /// (p, q) lies in a plane of the result.
    #[inline(always)]
    unsafe fn tile<V: Vector<T>, const KH: usize, const S: usize>(
        &self,
        x: *const T,
        mut w: *const T,
        bias: V,
        y: *mut T,
        [p, q]: [usize; 2],
    ) {
        let all = &self.all;
        let ([height, width], [top, left]) = (all.input, all.before);
        let across = all.kernel[1];
        let mut acc = [V::zero(); ROWS];
        let first = (p * S).wrapping_sub(top);
        for c in 0..all.channels[0] {
            let plane = x.wrapping_add(c * height * width);
            // Where lane 0 of the first tap's pixels is, in the first row, or before
            // what there is of it.
            let at = plane.wrapping_add(first.wrapping_mul(width));
            let shown = q * S;
            for j in 0..across {
                let mut weights = [V::zero(); KH];
                unroll!(i < KH, 8, {
                    // SAFETY: a tap.
                    weights[i] = V::splat(unsafe { w.add(i * across + j).read() });
                });
                // The lanes whose pixels are inside the row.
                let start = left.saturating_sub(shown + j);
                let end = (width + left).saturating_sub(shown + j);
                let spans = spans::<T, V>(start, end);
                let mut at = at.wrapping_add(shown + j).wrapping_sub(left);
                let zeros = self.zeros.as_ptr().wrapping_add(shown + j);
                let zeros = zeros.wrapping_sub(left);
                unroll!(r < (ROWS - 1) * S + KH, {
                    let inside = first.wrapping_add(r) < height;
                    let row = if inside { at } else { zeros };
                    at = at.wrapping_add(width);
                    // SAFETY: pixels of a row of x, or zeros.
                    let pixels = unsafe { every::<T, V, S>(row, spans) };
                    unroll!(i < KH, 8, {
                        if r >= i && (r - i).is_multiple_of(S) && (r - i) / S < ROWS {
                            let o = (r - i) / S;
                            acc[o] = pixels.mul_add(weights[i], acc[o]);
                        }
                    });
                });
            }
            w = w.wrapping_add(KH * across);
        }
        let [height, width] = all.output;
        let count = width - q;
        unroll!(o < ROWS, 8, {
            if p + o < height {
                let sum = acc[o].add(bias);
                let sum = if all.relu { sum.relu() } else { sum };
                let to = y.wrapping_add(o * width);
                // SAFETY: pixels of row p + o of the result.
                unsafe {
                    if count >= V::LANES {
                        sum.store(to);
                    } else {
                        sum.store_first(to, count);
                    }
                }
            }
        });
    }
}

/// The lanes of two vectors, one after the other, that are `start..end` of them.
#[inline(always)]
pub(super) fn spans<T: Lanes, V: Vector<T>>(start: usize, end: usize) -> [V::Span; 2] {
    [0, V::LANES].map(|before| V::between(start.saturating_sub(before), end.saturating_sub(before)))
}

/// Every S-th of the numbers from `from` on, with zeros for those that are not in
/// the spans.
///
/// # Safety
/// Those in the spans can be read.
#[inline(always)]
pub(super) unsafe fn every<T: Lanes, V: Vector<T>, const S: usize>(
    from: *const T,
    [near, far]: [V::Span; 2],
) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let near = V::load_masked(from, near);
        if S == 1 {
            return near;
        }
        let far = V::load_masked(from.wrapping_add(V::LANES), far);
        near.deinterleave(far).0
    }
}
