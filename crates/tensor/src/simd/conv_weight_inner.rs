//! The weight gradient of a convolution with vectors over the pixels of a row.
//!
//! ```text
//! for each tile of A output channels o
//!     for each tile of B weights k = (c, i, j)
//!         acc[A][B] = 0                                         (registers)
//!         for each vector (p, q) of the rows of output pixels   (a row's last one may be a part)
//!             acc[o][k] += g[o][p, q] · x[c, p·s + i·d, q·s + j·d]
//!                                                               (A + B loads, A·B multiply-adds)
//!         sums[o][k] += acc[o][k]                               (a vector each: lanes are summed at the end)
//! ```
//!
//! Each weight is the inner product of a plane of gradients and a shifted plane
//! of the image. Both are read where they are: nothing is transposed, which for
//! few output channels or few weights would cost as much as the products.
//!
//! **The tile.** A processor loads one vector of 512 bits for each multiplication
//! of such vectors, and half as many where they cross a line of the cache, as
//! shifted rows do. So a tile must have at least twice as many accumulators as
//! loads: 6 × 4 of 32 registers, for ten. With 16 registers it is 2 × 4: those
//! are of 256 bits, and more of them lie within a line.

use super::Kernel;
use super::vector::{Lanes, Vector};

/// Elements of a sum: as many as the longest vector has.
pub(crate) const SUM: usize = 16;

/// Arguments of the kernel: one image.
#[derive(Debug)]
pub(crate) struct InnerProducts<'a, T> {
    /// Planes of the padded image, `plane` apart, and their rows.
    pub(crate) x: &'a [T],
    pub(crate) plane: usize,
    pub(crate) pitch: usize,
    /// How many there are.
    pub(crate) channels: usize,
    /// Distances of the taps.
    pub(crate) taps: &'a [usize],
    /// Planes of output pixels.
    pub(crate) g: &'a [T],
    pub(crate) output: [usize; 2],
    /// [`SUM`] elements for each weight [o, c, i, j], of which every vector
    /// uses as many as it has lanes, added to.
    pub(crate) sums: &'a mut [T],
}

/// The largest of the sizes, which fall to 1, that is not more than what is left.
#[inline(always)]
fn fitting<const N: usize>(sizes: [usize; N], left: usize) -> usize {
    sizes.into_iter().find(|&size| size <= left).unwrap_or(1)
}

/// Calls `tile::<V, A, B>(o, k)` for the A and B that were chosen.
macro_rules! tile {
    ($self:ident, $v:ty, $o:expr, $k:expr, $a:ident, $b:ident, $($rows:literal)*, $columns:tt) => {
        match $a {
            $($rows => tile!(@ $self, $v, $o, $k, $rows, $b, $columns),)*
            _ => unreachable!("one of the sizes"),
        }
    };
    (@ $self:ident, $v:ty, $o:expr, $k:expr, $a:literal, $b:ident, [$($columns:literal)*]) => {
        match $b {
            // SAFETY: what `run` asserted.
            $($columns => unsafe { $self.tile::<$v, $a, $columns>($o, $k) },)*
            _ => unreachable!("one of the sizes"),
        }
    };
}

impl<T: Lanes> Kernel<T> for InnerProducts<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(mut self) {
        let [height, width] = self.output;
        let pixels = height * width;
        let weights = self.channels * self.taps.len();
        if pixels == 0 || weights == 0 {
            return;
        }
        let outs = self.g.len() / pixels;
        // What the pointers below rely on.
        let furthest = self.taps.iter().max().map_or(0, |&tap| tap);
        let first = (self.channels - 1) * self.plane + furthest;
        assert!(first + (height - 1) * self.pitch + width <= self.x.len());
        assert!(self.pitch >= width);
        assert!(self.sums.len() >= outs * weights * SUM && V::LANES <= SUM);
        let mut o = 0;
        while o < outs {
            let wide = V::REGISTERS >= 32;
            let a = if wide {
                // As even as can be: 8 are 4 and 4, not 6 and 2.
                let left = outs - o;
                left.div_ceil(left.div_ceil(6))
            } else {
                (outs - o).min(2)
            };
            let mut k = 0;
            while k < weights {
                let b = fitting([4, 2, 1], weights - k);
                if wide {
                    tile!(self, V, o, k, a, b, 6 5 4 3 2 1, [4 2 1]);
                } else {
                    tile!(self, V, o, k, a, b, 2 1, [4 2 1]);
                }
                k += b;
            }
            o += a;
        }
    }
}

impl<T: Lanes> InnerProducts<'_, T> {
    /// Sums for A output channels from o on and B weights from k on.
    ///
    /// # Safety
    /// x, g and sums hold what `run` asserts; there are so many channels and
    /// weights.
    #[inline(always)]
    unsafe fn tile<V: Vector<T>, const A: usize, const B: usize>(&mut self, o: usize, k: usize) {
        let [height, width] = self.output;
        let (pixels, taps) = (height * width, self.taps.len());
        let weights = self.channels * taps;
        let mut x = [self.x.as_ptr(); B];
        for (b, x) in x.iter_mut().enumerate() {
            let (c, tap) = ((k + b) / taps, (k + b) % taps);
            *x = x.wrapping_add(c * self.plane + self.taps[tap]);
        }
        let mut g = self.g.as_ptr().wrapping_add(o * pixels);
        let mut acc = [[V::zero(); B]; A];
        // One loop over the vectors of all rows, the rest of a row a vector like
        // the others: of two loops, or two places that add to the accumulators,
        // the compiler chooses registers for each, and moves them to and fro.
        let (gap, steps) = (self.pitch - width, height * width.div_ceil(V::LANES));
        let (mut at, mut left) = (0, width);
        for _ in 0..steps {
            let count = V::LANES.min(left);
            let mut xs = [V::zero(); B];
            unroll!(b < B, 4, {
                // SAFETY: within a row of a plane that `run` asserted. What x
                // has behind the row does not count, and may be infinite.
                xs[b] = unsafe { V::load_first(x[b].add(at), count) };
            });
            unroll!(a < A, 8, {
                // SAFETY: as above.
                let g = unsafe { V::load_first(g.add(a * pixels), count) };
                unroll!(b < B, 4, {
                    acc[a][b] = xs[b].mul_add(g, acc[a][b]);
                });
            });
            g = g.wrapping_add(count);
            left -= count;
            at += count + if left == 0 { gap } else { 0 };
            left = if left == 0 { width } else { left };
        }
        let sums = self.sums.as_mut_ptr().wrapping_add((o * weights + k) * SUM);
        unroll!(a < A, 8, {
            unroll!(b < B, 4, {
                // SAFETY: SUM elements for each weight, this one's among them.
                unsafe {
                    let sum = sums.add((a * weights + b) * SUM);
                    acc[a][b].add(V::load(sum)).store(sum);
                }
            });
        });
    }
}
