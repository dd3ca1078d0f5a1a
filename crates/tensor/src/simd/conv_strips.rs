//! Convolution with vectors over pixels, for several rows of the output at once.
//!
//! ```text
//! for each output channel o
//!     for each tile of RB rows and VW vectors of columns of the output
//!         acc[RB][VW] = 0                                  (registers)
//!         for c in 0..C, for each column j of the kernel
//!             weights[KH] = w[o, c, ·, j]                  (KH broadcasts)
//!             for each row r of the image that the tile sees, KH + RB − 1 at most
//!                 pixels[VW] = x[c, r, columns of the tile + j]
//!                                                          (VW loads, lanes outside of the image masked)
//!                 acc[p] += weights[r − p] · pixels        (VW multiply-adds for each of up to KH rows p)
//!         y[o, p, columns] = relu(acc[p] + b[o])
//! ```
//!
//! **Few output channels.** What is loaded is used for another row of the output
//! rather than for another channel, of which there may be but one: the gradient
//! of a grey image, a depthwise layer. KH · RB · VW multiply-adds are fed by
//! KH + (KH + RB − 1) · VW loads, most of which cross a line of the cache.
//!
//! **No copy.** An image is read where it lies. Rows above and below it are not
//! multiplied with anything, and the masks of a column j serve all rows of a tile.

use super::Kernel;
use super::vector::{Lanes, Vector};

/// The weights of one group, wherever they lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights<'a, T> {
    pub(crate) all: &'a [T],
    /// The place of the one at (0, 0, 0, 0).
    pub(crate) first: usize,
    /// From one output channel, input channel, row and column to the next.
    pub(crate) steps: [isize; 4],
}

impl<T> Weights<'_, T> {
    /// The place of a weight.
    fn at(&self, place: [usize; 4]) -> usize {
        let steps = place.iter().zip(self.steps);
        steps.fold(self.first, |at, (&i, step)| {
            at.wrapping_add_signed(i.cast_signed().wrapping_mul(step))
        })
    }

    /// Whether all weights of these sizes are there: those of the corners are.
    fn holds(&self, sizes: [usize; 4]) -> bool {
        (0..16).all(|corner| {
            let place = |axis: usize| (sizes[axis] - 1) * (corner >> axis & 1);
            self.at([0, 1, 2, 3].map(place)) < self.all.len()
        })
    }
}

/// Arguments of the kernel: one image (or group), all of its output channels.
#[derive(Debug)]
pub(crate) struct ConvStrips<'a, T> {
    /// Planes of the image, one after the other.
    pub(crate) x: &'a [T],
    pub(crate) channels: usize,
    pub(crate) input: [usize; 2],
    pub(crate) weights: Weights<'a, T>,
    /// Rows and columns of the kernel: 3 or 5 rows.
    pub(crate) kernel: [usize; 2],
    /// Zeros above and to the left of the image.
    pub(crate) before: [usize; 2],
    /// One number for each output channel, or none.
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) relu: bool,
    /// Planes of `output` pixels, one after the other.
    pub(crate) y: &'a mut [T],
    pub(crate) output: [usize; 2],
}

/// Of these heights of a tile the one that covers the rows in the least time: a
/// row costs one, and what comes with a tile one more.
fn tile(heights: &[usize], rows: usize) -> usize {
    let time = |&height: &usize| rows.div_ceil(height) * (height + 1);
    heights.iter().copied().min_by_key(time).unwrap_or(4)
}

impl<T: Lanes> Kernel<T> for ConvStrips<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(mut self) {
        let [in_plane, out_plane] = [self.input, self.output].map(|[a, b]| a * b);
        if out_plane == 0 || self.y.is_empty() {
            return;
        }
        let outs = self.y.len() / out_plane;
        // What the pointers below rely on.
        assert!(self.channels > 0 && self.x.len() >= self.channels * in_plane);
        let [rows, columns] = self.kernel;
        assert!(self.weights.holds([outs, self.channels, rows, columns]));
        let heights: &[usize] = if V::REGISTERS >= 32 { &[8, 7, 4] } else { &[4] };
        let height = tile(heights, self.output[0]);
        for o in 0..outs {
            // SAFETY: the sizes were checked above.
            unsafe {
                match (rows, height, V::REGISTERS >= 32) {
                    (3, 8, true) => self.plane::<V, 3, 8>(o),
                    (3, 7, true) => self.plane::<V, 3, 7>(o),
                    (3, ..) => self.plane::<V, 3, 4>(o),
                    (5, 8, true) => self.plane::<V, 5, 8>(o),
                    (5, 7, true) => self.plane::<V, 5, 7>(o),
                    (5, ..) => self.plane::<V, 5, 4>(o),
                    _ => unreachable!("kernels have 3 or 5 rows"),
                }
            }
        }
    }
}

impl<T: Lanes> ConvStrips<'_, T> {
    /// The plane of an output channel. Tiles that would reach over its edge end
    /// there, and compute some pixels once more, if it is not smaller than they.
    ///
    /// # Safety
    /// The sizes are those that [`run`](Self::run) checks, and KH the kernel's.
    #[inline(always)]
    unsafe fn plane<V: Vector<T>, const KH: usize, const RB: usize>(&mut self, o: usize) {
        let [height, width] = self.output;
        let (mut row, last) = (0, width.saturating_sub(V::LANES));
        while row < height {
            let top = row.min(height.saturating_sub(RB));
            let mut column = 0;
            while column < width {
                // SAFETY: the caller's promise; rows and columns of the plane.
                unsafe {
                    if width - column > V::LANES {
                        let second = (column + V::LANES).min(last);
                        self.tile::<V, KH, RB, 2>(o, top, [column, second]);
                        column += 2 * V::LANES;
                    } else {
                        self.tile::<V, KH, RB, 1>(o, top, [column.min(last)]);
                        column += V::LANES;
                    }
                }
            }
            row += RB;
        }
    }

    /// The rows from `top` on, and the vectors of columns at `at`.
    ///
    /// # Safety
    /// As [`plane`](Self::plane); `at` are columns of the output.
    #[inline(always)]
    unsafe fn tile<V: Vector<T>, const KH: usize, const RB: usize, const VW: usize>(
        &mut self,
        o: usize,
        top: usize,
        at: [usize; VW],
    ) {
        let ([height, width], [above, left]) = (self.input, self.before);
        let weights = self.weights;
        let [step_o, step_c, step_i, step_j] = weights.steps;
        let w = weights.all.as_ptr().wrapping_add(weights.first);
        let w = w.wrapping_offset(o.cast_signed() * step_o);
        let mut acc = [[V::zero(); VW]; RB];
        let first = top.wrapping_sub(above);
        for c in 0..self.channels {
            let x = self.x.as_ptr().wrapping_add(c * height * width);
            let w = w.wrapping_offset(c.cast_signed() * step_c);
            for j in 0..self.kernel[1] {
                let w = w.wrapping_offset(j.cast_signed() * step_j);
                let mut taps = [V::zero(); KH];
                unroll!(i < KH, 8, {
                    // SAFETY: a weight of this kernel.
                    taps[i] =
                        V::splat(unsafe { w.wrapping_offset(i.cast_signed() * step_i).read() });
                });
                // Lane l is the column l + shown − left of the image.
                let mut masks = [V::between(0, 0); VW];
                unroll!(v < VW, 4, {
                    let shown = at[v] + j;
                    let end = (width + left).saturating_sub(shown).min(V::LANES);
                    masks[v] = V::between(left.saturating_sub(shown).min(end), end);
                });
                let x = x.wrapping_add(j).wrapping_sub(left);
                unroll!(t < RB + KH - 1, 16, {
                    let row = first.wrapping_add(t);
                    if row < height {
                        let x = x.wrapping_add(row * width);
                        let mut pixels = [V::zero(); VW];
                        unroll!(v < VW, 4, {
                            let from = x.wrapping_add(at[v]);
                            // SAFETY: these lanes are pixels of the row.
                            pixels[v] = unsafe { V::load_masked(from, masks[v]) };
                        });
                        unroll!(i < KH, 8, {
                            let p = t.wrapping_sub(i);
                            if p < RB {
                                unroll!(v < VW, 4, {
                                    acc[p][v] = pixels[v].mul_add(taps[i], acc[p][v]);
                                });
                            }
                        });
                    }
                });
            }
        }
        let [height, width] = self.output;
        let bias = V::splat(self.bias.map_or(T::ZERO, |bias| bias[o]));
        let y = self.y.as_mut_ptr().wrapping_add((o * height + top) * width);
        unroll!(p < RB, 8, {
            if top + p < height {
                unroll!(v < VW, 4, {
                    let sum = acc[p][v].add(bias);
                    let sum = if self.relu { sum.relu() } else { sum };
                    let to = y.wrapping_add(p * width + at[v]);
                    // SAFETY: pixels of row p of the tile.
                    unsafe {
                        if width >= V::LANES {
                            sum.store(to);
                        } else {
                            sum.store_first(to, width);
                        }
                    }
                });
            }
        });
    }
}
