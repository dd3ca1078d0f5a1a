//! Convolution with a kernel of one tap and no padding: a matrix product of
//! weights (O × C) and pixels (C × P), in which the pixels lie as they must.
//!
//! ```text
//! for each panel of at most 3 vectors of pixels
//!     panel[c][pixel] = x[c, pixel]                        (a few kilobytes; a stride is gone in it)
//!     for each block of 8 output channels
//!         acc[8][3] = 0                                    (registers)
//!         for c in 0..C
//!             acc[o][v] += w[c][o] · panel[c][v]           (8 broadcasts, 3 loads, 24 multiply-adds)
//!         y[o, pixels of v] = relu(acc[o][v] + b[o])
//! ```
//!
//! **Memory.** With one tap there is little arithmetic for each pixel: 64
//! channels to 64 take some 70 µs for an image of 32 × 32, in which half a
//! megabyte is read and written. So every pixel is read once, and what the next
//! panel is made of is asked for while this one is computed, as are the places
//! of the output. The panel is copied because the same pixels of all
//! channels, read where they lie, may all compete for the same lines of the
//! first cache: they are a plane apart, which is often a power of two.
//!
//! **The tile.** 8 × 3 accumulators of 32 registers; with 16 registers it is
//! 4 × 3.

use super::Kernel;
use super::gemm::Block;
use super::prefetch;
use super::vector::{Lanes, Vector};

/// The most vectors of a panel.
const VECTORS: usize = 3;
/// The most lanes of a vector of any instruction set.
const LANES: usize = 16;

/// Arguments of the kernel: one image (or group), or some of its pixels.
pub(crate) struct Pointwise<'a, T> {
    /// C planes, `plane` apart.
    pub(crate) x: &'a [T],
    pub(crate) plane: usize,
    pub(crate) channels: usize,
    /// The first of the output's pixels that are to be found.
    pub(crate) first: usize,
    /// How many of them are a row.
    pub(crate) width: usize,
    /// In x, from one such row to the next, and from one pixel to the next.
    pub(crate) step: [usize; 2],
    /// The weights as [`PackPointwise`] lays them out.
    pub(crate) w: &'a [T],
    /// One number for each output channel, or none.
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) relu: bool,
    /// Output channels × pixels.
    pub(crate) y: Block<'a, T>,
    /// Scratch memory of [`panel_len`] elements.
    pub(crate) panel: &'a mut [T],
}

/// Elements of scratch memory for a panel: two vectors more than it has, one to
/// align it and one that may be overwritten behind it.
pub(crate) const fn panel_len(channels: usize) -> usize {
    (channels * VECTORS + 2) * LANES
}

/// The size of the next block when so many output channels are left.
const fn block(left: usize, registers: usize) -> usize {
    match left {
        8.. if registers >= 32 => 8,
        4.. => 4,
        2.. => 2,
        _ => left,
    }
}

/// Lays the weights of a group out as the kernel reads them: block after block
/// of output channels, in each of them [c][channel of the block].
pub(crate) struct PackPointwise<'a, T> {
    pub(crate) w: &'a [T],
    /// Output channels, input channels.
    pub(crate) sizes: [usize; 2],
    /// In w, from one of either to the next.
    pub(crate) strides: [usize; 2],
    /// As many elements as weights.
    pub(crate) packed: &'a mut [T],
}

impl<T: Lanes> Kernel<T> for PackPointwise<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let ([outs, ins], [down, right]) = (self.sizes, self.strides);
        let mut packed = self.packed;
        let mut first = 0;
        while first < outs {
            let size = block(outs - first, V::REGISTERS);
            let (here, rest) = packed.split_at_mut(size * ins);
            for (c, to) in here.chunks_exact_mut(size).enumerate() {
                let from = self.w[first * down + c * right..].iter().step_by(down);
                to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
            }
            (packed, first) = (rest, first + size);
        }
    }
}

impl<T: Lanes> Kernel<T> for Pointwise<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(mut self) {
        let [outs, pixels] = self.y.shape();
        if outs == 0 || pixels == 0 {
            return;
        }
        // What the pointers below rely on.
        let channels = self.channels;
        let last = self.place(self.first + pixels - 1);
        assert!(channels == 0 || self.x.len() > (channels - 1) * self.plane + last);
        assert!(self.w.len() >= outs * channels && self.panel.len() >= panel_len(channels));
        assert!(self.bias.is_none_or(|bias| bias.len() >= outs));

        let skip = self.panel.as_ptr().align_offset(64).min(LANES);
        let panel = self.panel[skip..].as_mut_ptr();
        let vectors = pixels.div_ceil(V::LANES);
        let count = vectors.div_ceil(VECTORS);
        for p in 0..count {
            // Panels as wide as each other, or nearly.
            let [from, to] = [p, p + 1].map(|p| vectors * p / count);
            let (first, end) = (from * V::LANES, (to * V::LANES).min(pixels));
            let next = self.place(self.first + end.min(pixels - 1));
            // SAFETY: pixels `first..end` of the piece are in x and in y, as
            // asserted, and the panel has room for them.
            unsafe {
                self.pack::<V>([first, end - first], panel, (to - from) * V::LANES);
                let job = Job {
                    channels,
                    w: self.w.as_ptr(),
                    bias: self.bias,
                    relu: self.relu,
                    panel,
                    y: self.y.at(0, first),
                    stride: self.y.stride(),
                    outs,
                    columns: end - first,
                    next: self.x.as_ptr().wrapping_add(next),
                    plane: self.plane,
                };
                match to - from {
                    3 => job.run::<V, 3>(),
                    2 => job.run::<V, 2>(),
                    _ => job.run::<V, 1>(),
                }
            }
        }
    }
}

impl<T: Lanes> Pointwise<'_, T> {
    /// Where a pixel of the output reads in a plane of x.
    #[inline(always)]
    fn place(&self, pixel: usize) -> usize {
        pixel / self.width * self.step[0] + pixel % self.width * self.step[1]
    }

    /// Copies `count` pixels of every channel to rows of `width`.
    ///
    /// # Safety
    /// Those pixels are there, and room for the rows and a vector more.
    #[inline(always)]
    unsafe fn pack<V: Vector<T>>(&self, [first, count]: [usize; 2], panel: *mut T, width: usize) {
        let first = self.first + first;
        for c in 0..self.channels {
            let x = self.x.as_ptr().wrapping_add(c * self.plane);
            let (mut done, mut column) = (0, first % self.width);
            let mut row = x.wrapping_add(first / self.width * self.step[0]);
            while done < count {
                let run = (self.width - column).min(count - done);
                let from = row.wrapping_add(column * self.step[1]);
                // SAFETY: the caller's promise, for the pixels of one row.
                unsafe {
                    let to = panel.add(c * width + done);
                    copy::<T, V>(from, self.step[1], run, to);
                }
                (done, column) = (done + run, 0);
                row = row.wrapping_add(self.step[0]);
            }
        }
    }
}

/// Copies `count` elements, `step` apart, and writes up to a vector more.
///
/// # Safety
/// They can be read, and all of that be written.
#[inline(always)]
unsafe fn copy<T: Lanes, V: Vector<T>>(from: *const T, step: usize, count: usize, to: *mut T) {
    let mut i = 0;
    // SAFETY: the caller's promise; no element behind the last one is read.
    unsafe {
        match step {
            1 => {
                while i + V::LANES <= count {
                    V::load(from.add(i)).store(to.add(i));
                    i += V::LANES;
                }
                if i < count {
                    V::load_first(from.add(i), count - i).store(to.add(i));
                }
            }
            2 => {
                while i < count {
                    let from = from.add(2 * i);
                    let left = 2 * (count - i) - 1;
                    let (a, b) = if left >= 2 * V::LANES {
                        (V::load(from), V::load(from.add(V::LANES)))
                    } else {
                        let behind = left.saturating_sub(V::LANES);
                        let b = V::load_first(from.wrapping_add(V::LANES), behind);
                        (V::load_first(from, left), b)
                    };
                    a.deinterleave(b).0.store(to.add(i));
                    i += V::LANES;
                }
            }
            _ => {
                while i < count {
                    to.add(i).write(from.add(i * step).read());
                    i += 1;
                }
            }
        }
    }
}

/// A panel, for all output channels.
#[derive(Clone, Copy)]
struct Job<'a, T> {
    channels: usize,
    w: *const T,
    bias: Option<&'a [T]>,
    relu: bool,
    panel: *const T,
    y: *mut T,
    /// From one output channel to the next.
    stride: usize,
    outs: usize,
    columns: usize,
    /// Where the next panel begins in the first plane.
    next: *const T,
    plane: usize,
}

impl<T: Lanes> Job<'_, T> {
    /// All blocks of output channels.
    ///
    /// # Safety
    /// There are the weights, the panel of N vectors and room for the columns,
    /// which fill all vectors but the last.
    #[inline(always)]
    unsafe fn run<V: Vector<T>, const N: usize>(self) {
        let (mut first, mut turn) = (0, 0);
        while first < self.outs {
            let size = block(self.outs - first, V::REGISTERS);
            let ahead = if turn < N {
                (self.next.wrapping_add(turn * V::LANES), self.plane)
            } else {
                (self.panel, 0)
            };
            // SAFETY: the caller's promise.
            unsafe {
                match size {
                    8 => self.tile::<V, 8, N>(first, ahead),
                    4 => self.tile::<V, 4, N>(first, ahead),
                    2 => self.tile::<V, 2, N>(first, ahead),
                    _ => self.tile::<V, 1, N>(first, ahead),
                }
            }
            (first, turn) = (first + size, turn + 1);
        }
    }

    /// R output channels from `first` on. With every input channel, one line of
    /// the next panel is prefetched, from `ahead.0` on, `ahead.1` apart.
    ///
    /// # Safety
    /// As [`run`](Self::run).
    #[inline(always)]
    unsafe fn tile<V: Vector<T>, const R: usize, const N: usize>(
        self,
        first: usize,
        ahead: (*const T, usize),
    ) {
        let y = self.y.wrapping_add(first * self.stride);
        unroll!(o < R, 8, {
            unroll!(v < N, 4, {
                prefetch(y.wrapping_add(o * self.stride + v * V::LANES));
            });
        });
        let mut acc = [[V::zero(); N]; R];
        let mut w = self.w.wrapping_add(first * self.channels);
        let mut panel = self.panel;
        let (mut ahead, by) = ahead;
        for _ in 0..self.channels {
            prefetch(ahead);
            ahead = ahead.wrapping_add(by);
            let mut pixels = [V::zero(); N];
            // SAFETY: a row of the panel, and of the block's weights.
            unsafe {
                unroll!(v < N, 4, {
                    pixels[v] = V::load(panel.add(v * V::LANES));
                });
                unroll!(o < R, 8, {
                    let weight = V::splat(w.add(o).read());
                    unroll!(v < N, 4, {
                        acc[o][v] = pixels[v].mul_add(weight, acc[o][v]);
                    });
                });
            }
            panel = panel.wrapping_add(N * V::LANES);
            w = w.wrapping_add(R);
        }
        let rest = self.columns - (N - 1) * V::LANES;
        unroll!(o < R, 8, {
            let bias = self.bias.map_or(T::ZERO, |bias| bias[first + o]);
            let bias = V::splat(bias);
            unroll!(v < N, 4, {
                let sum = acc[o][v].add(bias);
                let sum = if self.relu { sum.relu() } else { sum };
                // SAFETY: the columns of this output channel.
                unsafe {
                    let to = y.add(o * self.stride + v * V::LANES);
                    if v + 1 < N || rest == V::LANES {
                        sum.store(to);
                    } else {
                        sum.store_first(to, rest);
                    }
                }
            });
        });
    }
}
