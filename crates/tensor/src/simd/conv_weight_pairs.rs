//! The weight gradient of a convolution in pairs of planes, one of an image and
//! one of a gradient.
//!
//! ```text
//! for each channel o of the gradient, each channel c of its group
//!     for each JB columns of taps j
//!         acc[KH][JB] = 0                                       (registers)
//!         for each vector q of a row, for each row r of x
//!             gs[KH] = g[o, r + before − i, q]                  (one load: the others were there a row before)
//!             xs[JB] = x[c, r, q + j − before]                  (loads; zero beside the image)
//!             acc[i][j] += gs[i] · xs[j]                        (KH·JB multiply-adds)
//!         sums[o, c, i, j] += acc[i][j]                         (a vector each: lanes are summed at the end)
//! ```
//!
//! With one channel on either side there are only the taps to share a load
//! among: a row of gradients meets KH rows of the image, and so it stays in a
//! register while they pass. At a stride of 2 rows of the image go by in pairs,
//! and all is loaded where it is used.
//!
//! Rows and columns beside the image have no part in the sums: rows are left
//! out, lanes are masked.

use super::Kernel;
use super::conv_depthwise::{every, spans};
use super::conv_weight_inner::SUM;
use super::vector::{Lanes, Vector};

/// Arguments of the kernel: one image, some channels of the gradient.
#[derive(Debug)]
pub(crate) struct PlanePairs<'a, T> {
    /// All channels of the image.
    pub(crate) x: &'a [T],
    pub(crate) input: [usize; 2],
    /// Planes of the gradient, and which of all channels is the first of them.
    pub(crate) g: &'a [T],
    pub(crate) output: [usize; 2],
    pub(crate) first: usize,
    /// Channels of a group of the image and of the gradient.
    pub(crate) channels: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// Zeros above and to the left of an image.
    pub(crate) before: [usize; 2],
    /// [`SUM`] elements for each weight [o, c, i, j], of which every vector
    /// uses as many as it has lanes, added to.
    pub(crate) sums: &'a mut [T],
}

impl<T: Lanes> Kernel<T> for PlanePairs<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        match (self.kernel[0], self.stride[0]) {
            (3, 1) => self.pairs::<V, 3, 3, 1>(),
            (5, 1) => self.pairs::<V, 5, 2, 1>(),
            (7, 1) => self.pairs::<V, 7, 1, 1>(),
            (3, 2) => self.pairs::<V, 3, 3, 2>(),
            (5, 2) => self.pairs::<V, 5, 2, 2>(),
            (7, 2) => self.pairs::<V, 7, 1, 2>(),
            _ => unreachable!("conv_depthwise::suits() is false"),
        }
    }
}

impl<T: Lanes> PlanePairs<'_, T> {
    /// All pairs, with KH rows of taps at a stride of S, JB columns at a time.
    #[inline(always)]
    fn pairs<V: Vector<T>, const KH: usize, const JB: usize, const S: usize>(mut self) {
        let [in_plane, out_plane] = [self.input, self.output].map(|[h, w]| h * w);
        let ([ins, outs], across) = (self.channels, self.kernel[1]);
        let sums = std::mem::take(&mut self.sums);
        assert!(self.kernel[0] == KH && V::LANES <= SUM);
        let pairs = sums.chunks_exact_mut((KH * across * SUM).max(1));
        for (pair, sums) in pairs.enumerate() {
            let (o, c) = (pair / ins.max(1), pair % ins.max(1));
            // What the pointers below rely on.
            let x = &self.x[((self.first + o) / outs * ins + c) * in_plane..][..in_plane];
            let g = &self.g[o * out_plane..][..out_plane];
            let mut j = 0;
            while j < across {
                let sums = &mut sums[j * SUM..];
                // SAFETY: planes of x and g; j + JB <= across, or j < across.
                unsafe {
                    if across - j >= JB {
                        self.columns::<V, KH, JB, S>(x.as_ptr(), g.as_ptr(), j, sums);
                        j += JB;
                    } else {
                        self.columns::<V, KH, 1, S>(x.as_ptr(), g.as_ptr(), j, sums);
                        j += 1;
                    }
                }
            }
        }
    }

    /// JB columns of taps of one pair, from j on, whose sums begin there.
    ///
    /// # Safety
    /// x and g are planes, and there are so many columns of taps.
    #[inline(always)]
    unsafe fn columns<V: Vector<T>, const KH: usize, const JB: usize, const S: usize>(
        &self,
        x: *const T,
        g: *const T,
        j: usize,
        sums: &mut [T],
    ) {
        let ([height, width], [top, left]) = (self.input, self.before);
        let [out_h, out_w] = self.output;
        let mut acc = [[V::zero(); JB]; KH];
        for q in (0..out_w).step_by(V::LANES) {
            let count = V::LANES.min(out_w - q);
            let g = g.wrapping_add(q);
            let mut bounds = [spans::<T, V>(0, 0); JB];
            unroll!(b < JB, 4, {
                // The numbers from lane 0 on that are inside the row and meet a gradient.
                let first = q * S + j + b;
                let end = (width + left)
                    .saturating_sub(first)
                    .min((count - 1) * S + 1);
                bounds[b] = spans::<T, V>(left.saturating_sub(first).min(end), end);
            });
            let x = x.wrapping_add(q * S + j).wrapping_sub(left);
            // Rows of x that meet a gradient with each of their taps.
            let all = match S {
                1 => (KH - 1).saturating_sub(top)..out_h.saturating_sub(top).min(height),
                _ => 0..0,
            };
            let all = all.start.min(all.end)..all.end;
            let mut gs = [V::zero(); KH];
            for r in 0..height {
                let shown = r + top;
                let x = x.wrapping_add(r * width);
                let mut xs = [V::zero(); JB];
                unroll!(b < JB, 4, {
                    // SAFETY: pixels of row r.
                    xs[b] = unsafe { every::<T, V, S>(x.wrapping_add(b), bounds[b]) };
                });
                if all.contains(&r) {
                    if r == all.start {
                        unroll!(i < KH, 8, {
                            if i > 0 {
                                let row = g.wrapping_add((shown - i) * out_w);
                                // SAFETY: pixels of that row.
                                gs[i - 1] = unsafe { V::load_first(row, count) };
                            }
                        });
                    }
                    unroll!(i < KH, 8, {
                        if i + 1 < KH {
                            gs[KH - 1 - i] = gs[KH - 2 - i];
                        }
                    });
                    // SAFETY: pixels of that row.
                    gs[0] = unsafe { V::load_first(g.wrapping_add(shown * out_w), count) };
                    unroll!(i < KH, 8, {
                        unroll!(b < JB, 4, {
                            acc[i][b] = xs[b].mul_add(gs[i], acc[i][b]);
                        });
                    });
                    continue;
                }
                unroll!(i < KH, 8, {
                    let p = shown.wrapping_sub(i);
                    if shown >= i && p.is_multiple_of(S) && p / S < out_h {
                        let row = g.wrapping_add(p / S * out_w);
                        // SAFETY: pixels of that row.
                        let g = unsafe { V::load_first(row, count) };
                        unroll!(b < JB, 4, {
                            acc[i][b] = xs[b].mul_add(g, acc[i][b]);
                        });
                    }
                });
            }
        }
        let across = self.kernel[1];
        unroll!(i < KH, 8, {
            unroll!(b < JB, 4, {
                let sum = sums[(i * across + b) * SUM..][..SUM].as_mut_ptr();
                // SAFETY: SUM elements, which are a vector or more.
                unsafe { acc[i][b].add(V::load(sum)).store(sum) };
            });
        });
    }
}
