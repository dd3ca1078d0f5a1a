//! The matrix product of one piece of the result, on one thread.
//!
//! ```text
//! out[i, j] = start + Σ_l a[i, l] · b[l, j]        i < m, j < n, l < k
//!
//! for depths of at most DEPTH               l       so that a panel of b stays in the near cache
//!   for panels of at most 3 vectors         j       b's panel, packed if it must be
//!     for tiles of at most 8 rows           i       8 × 3 vectors of sums in registers
//!       for l in the depth                          3 loads of b, 8 broadcasts of a, 24 multiply-adds
//! ```
//!
//! Of b, three vectors of neighbouring columns are read at a time, so its rows
//! must be contiguous: a transposed b is packed, panel after panel, into a few
//! kilobytes of scratch memory ([`pack`]). Of a, single numbers are read, and
//! it may lie in any way.
//!
//! Packing costs what some eight rows of the product cost. With fewer rows of
//! a, a transposed b is read as it lies, by [`dots`]: vectors run along l, and
//! the lanes of the sums are added up at the end. A single row on a b that is
//! not transposed is a sum of b's rows, and a product with one inner element
//! (the outer product of two vectors) is such rows, too ([`Product::row`]).

mod block;
mod dots;
mod pack;

pub(crate) use block::{Block, Matrix};
pub(crate) use dots::Dot;
pub(super) use pack::columns;

use super::{Kernel, Vector};
use crate::element::Float;

/// The most inner elements that a panel of b holds: with three vectors of
/// `f32` in a row, 48 KiB.
const DEPTH: usize = 256;
/// The most vectors side by side in a tile.
const VECTORS: usize = 3;
/// The most lanes of a vector of any instruction set.
const LANES: usize = 16;
/// What [`Product::panel`] holds at most, and some elements to align it.
pub(crate) const PANEL: usize = DEPTH * VECTORS * LANES + LANES;
/// Up to so many rows of a, a transposed b is not packed.
const FEW_ROWS: usize = 8;
/// Up to so many rows of a, a panel of b is read where it lies if it can be.
const SOME_ROWS: usize = 128;

/// What the sums begin with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start<'a, T> {
    /// Nothing: whatever the result holds is overwritten.
    Zero,
    /// What the result holds.
    Out,
    /// A number for each column.
    Bias(&'a [T]),
}

/// A product, or a block of one.
pub(crate) struct Product<'a, T> {
    /// m × k.
    pub(crate) a: Matrix<'a, T>,
    /// k × n.
    pub(crate) b: Matrix<'a, T>,
    pub(crate) start: Start<'a, T>,
    /// Whether negative results become zero.
    pub(crate) relu: bool,
    /// m × n.
    pub(crate) out: Block<'a, T>,
    /// Scratch memory of [`PANEL`] elements.
    pub(crate) panel: &'a mut [T],
}

impl<T: Float> Kernel<T> for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(mut self) {
        let ([m, n], k) = (self.out.shape(), self.a.shape()[1]);
        assert!(self.a.shape() == [m, k] && self.b.shape() == [k, n]);
        if let Start::Bias(bias) = self.start {
            assert!(bias.len() == n);
        }
        if m == 0 || n == 0 {
            return;
        }
        if k > 1 && m <= FEW_ROWS && self.a.strides()[1] == 1 && self.b.strides()[0] == 1 {
            return dots::run::<T, V>(&mut self);
        }
        if (m == 1 || k == 1) && self.b.strides()[1] == 1 {
            // With one inner element, too: a row at a time, memory is written in order.
            for i in 0..m {
                self.row::<V>(i);
            }
            return;
        }
        self.panels::<V>();
    }
}

impl<T: Float> Product<'_, T> {
    /// The general case: see the head of this file.
    #[inline(always)]
    fn panels<V: Vector<T>>(&mut self) {
        let ([m, n], k) = (self.out.shape(), self.a.shape()[1]);
        let [a_row, a_step] = self.a.strides();
        let [b_step, b_column] = self.b.strides();
        let aligned = self.panel.as_ptr().align_offset(64).min(LANES);
        let panel = &mut self.panel[aligned..];
        let vectors = n.div_ceil(V::LANES);
        let count = vectors.div_ceil(VECTORS);
        let mut done = 0;
        loop {
            // The depths left, as deep as each other, or nearly.
            let depths = (k - done).div_ceil(DEPTH).max(1);
            let depth = (k - done).div_ceil(depths);
            let last = done + depth == k;
            for p in 0..count {
                // Panels as wide as each other, or nearly.
                let [from, to] = [p, p + 1].map(|p| vectors * p / count);
                let (first, width) = (from * V::LANES, (to - from) * V::LANES);
                let columns = width.min(n - first);
                let whole = columns == width;
                let b = self.b.at(done, first);
                let (b, b_step) = if b_column == 1 && whole && m <= SOME_ROWS {
                    (b, b_step)
                } else {
                    assert!(panel.len() >= depth * width);
                    let to = panel.as_mut_ptr();
                    // SAFETY: `b` holds depth × columns elements from here on,
                    // the panel depth × width.
                    unsafe {
                        if b_column == 1 {
                            pack::rows::<T, V>(b, b_step, [depth, columns], to, width);
                        } else {
                            pack::columns::<T, V>(b, b_column, [depth, columns], to, width);
                        }
                    }
                    (panel.as_ptr(), width)
                };
                let start = match self.start {
                    _ if done > 0 => First::Out,
                    Start::Zero => First::Zero,
                    Start::Out => First::Out,
                    Start::Bias(bias) => First::Row(bias[first..].as_ptr()),
                };
                let mut i = 0;
                while i < m {
                    let tile = Tile {
                        depth,
                        a: self.a.at(i, done),
                        a_row,
                        a_step,
                        b,
                        b_step,
                        start,
                        relu: self.relu && last,
                        out: self.out.at(i, first),
                        stride: self.out.stride(),
                        columns,
                    };
                    // SAFETY: the tile's rows and columns are there, in a, b and out.
                    i += unsafe { tile.run::<V>(m - i, to - from) };
                }
            }
            done += depth;
            if last {
                return;
            }
        }
    }

    /// One row of the result: the rows of b, each times a number of a, are
    /// summed in eight vectors, then in the next eight.
    #[inline(always)]
    fn row<V: Vector<T>>(&mut self, i: usize) {
        let (n, k) = (self.out.shape()[1], self.a.shape()[1]);
        let mut first = 0;
        while first < n {
            let left = n - first;
            let out = self.out.at(i, first);
            let a = self.a.at(i, 0);
            let b = self.b.at(0, first);
            let [a_step, b_step] = [self.a.strides()[1], self.b.strides()[0]];
            let count = |v: usize| left.saturating_sub(v * V::LANES);
            // SAFETY: `left` elements of the row lie at `out`, in the bias and
            // in every row of b from here on, and no lane beyond is touched.
            unsafe {
                let mut sums = [V::zero(); 8];
                let from = match self.start {
                    Start::Zero => None,
                    Start::Out => Some(out.cast_const()),
                    Start::Bias(bias) => Some(bias[first..].as_ptr()),
                };
                if let Some(from) = from {
                    unroll!(v < 8, 8, {
                        sums[v] = V::load_first(from.wrapping_add(v * V::LANES), count(v));
                    });
                }
                if left >= 8 * V::LANES {
                    for l in 0..k {
                        let x = V::splat(*a.add(l * a_step));
                        let b = b.add(l * b_step);
                        unroll!(v < 8, 8, {
                            sums[v] = x.mul_add(V::load(b.add(v * V::LANES)), sums[v]);
                        });
                    }
                } else {
                    for l in 0..k {
                        let x = V::splat(*a.add(l * a_step));
                        let b = b.add(l * b_step);
                        unroll!(v < 8, 8, {
                            let b = V::load_first(b.wrapping_add(v * V::LANES), count(v));
                            sums[v] = x.mul_add(b, sums[v]);
                        });
                    }
                }
                unroll!(v < 8, 8, {
                    let sum = if self.relu { sums[v].relu() } else { sums[v] };
                    sum.store_first(out.wrapping_add(v * V::LANES), count(v));
                });
            }
            first += 8 * V::LANES;
        }
    }
}

/// What the sums of a tile begin with.
#[derive(Clone, Copy)]
enum First<T> {
    Zero,
    Out,
    /// The same row of numbers for every row.
    Row(*const T),
}

/// A tile of the result, with what is summed into it.
#[derive(Clone, Copy)]
struct Tile<T> {
    depth: usize,
    a: *const T,
    a_row: usize,
    a_step: usize,
    b: *const T,
    b_step: usize,
    start: First<T>,
    relu: bool,
    out: *mut T,
    stride: usize,
    columns: usize,
}

impl<T: Float> Tile<T> {
    /// Computes the first rows, as many of these as fit into registers, and
    /// returns how many they were.
    ///
    /// # Safety
    /// From the pointers on there are so many `rows`, `depth` inner elements,
    /// whole vectors of b, and `columns`, which fill all of these vectors but
    /// the last, in the rest.
    #[inline(always)]
    unsafe fn run<V: Vector<T>>(self, rows: usize, vectors: usize) -> usize {
        let rows = match rows {
            8.. if V::REGISTERS >= 32 => 8,
            4.. => 4,
            2.. => 2,
            _ => 1,
        };
        // SAFETY: the caller's promise.
        unsafe {
            match (rows, vectors) {
                (8, 3) => self.sum::<V, 8, 3>(),
                (8, 2) => self.sum::<V, 8, 2>(),
                (8, _) => self.sum::<V, 8, 1>(),
                (4, 3) => self.sum::<V, 4, 3>(),
                (4, 2) => self.sum::<V, 4, 2>(),
                (4, _) => self.sum::<V, 4, 1>(),
                (2, 3) => self.sum::<V, 2, 3>(),
                (2, 2) => self.sum::<V, 2, 2>(),
                (2, _) => self.sum::<V, 2, 1>(),
                (_, 3) => self.sum::<V, 1, 3>(),
                (_, 2) => self.sum::<V, 1, 2>(),
                _ => self.sum::<V, 1, 1>(),
            }
        }
        rows
    }

    /// # Safety
    /// As for [`run`](Self::run), with R rows and N vectors.
    #[inline(always)]
    unsafe fn sum<V: Vector<T>, const R: usize, const N: usize>(self) {
        let rest = self.columns - (N - 1) * V::LANES;
        let whole = rest == V::LANES;
        let mut sums = [[V::zero(); N]; R];
        // SAFETY: the caller's promise; of the last vector, `rest` lanes are
        // touched in the result and in the start's row.
        unsafe {
            match self.start {
                First::Zero => {}
                First::Row(row) => {
                    let mut start = [V::zero(); N];
                    unroll!(v < N, 4, {
                        let count = if v + 1 < N { V::LANES } else { rest };
                        start[v] = V::load_first(row.add(v * V::LANES), count);
                    });
                    unroll!(i < R, 8, {
                        sums[i] = start;
                    });
                }
                First::Out => {
                    unroll!(i < R, 8, {
                        unroll!(v < N, 4, {
                            let from = self.out.add(i * self.stride + v * V::LANES);
                            sums[i][v] = if v + 1 < N || whole {
                                V::load(from)
                            } else {
                                V::load_first(from, rest)
                            };
                        });
                    });
                }
            }
            let (mut a, mut b) = (self.a, self.b);
            for _ in 0..self.depth {
                let mut columns = [V::zero(); N];
                unroll!(v < N, 4, {
                    columns[v] = V::load(b.add(v * V::LANES));
                });
                unroll!(i < R, 8, {
                    let x = V::splat(*a.add(i * self.a_row));
                    unroll!(v < N, 4, {
                        sums[i][v] = x.mul_add(columns[v], sums[i][v]);
                    });
                });
                a = a.wrapping_add(self.a_step);
                b = b.wrapping_add(self.b_step);
            }
            if self.relu {
                unroll!(i < R, 8, {
                    unroll!(v < N, 4, {
                        sums[i][v] = sums[i][v].relu();
                    });
                });
            }
            unroll!(i < R, 8, {
                unroll!(v < N, 4, {
                    let to = self.out.add(i * self.stride + v * V::LANES);
                    if v + 1 < N || whole {
                        sums[i][v].store(to);
                    } else {
                        sums[i][v].store_first(to, rest);
                    }
                });
            });
        }
    }
}
