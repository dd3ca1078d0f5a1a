//! The weight gradient of a convolution with vectors over output channels.
//!
//! ```text
//! for each run of output pixels (p, q)                     (some 200: their part of g stays in the L1 cache)
//!     for each panel of OV vectors of output channels
//!         gt[p, q][o] = g[o][p, q]                         (transposed in registers, block by block)
//!         for each tile of R weights k = (c, i, j)
//!             acc[R][OV] = 0                               (registers)
//!             for each pixel of the run
//!                 acc[k][o] += x[c, p·s + i·d, q·s + j·d] · gt[p, q][o]
//!                                                          (R broadcasts, OV loads, R·OV multiply-adds)
//!             sums[k][o] += acc[k][o]
//! ```
//!
//! Each pixel contributes the outer product of its gradients and of its window.
//! A vector holds output channels of one pixel, so it is full whatever the
//! width of the image, no lanes are left to be summed, and a stride is only a
//! step between two broadcasts.
//!
//! **The next run.** While a run is multiplied, the lines of the next one are
//! asked for, some at each pixel ([`Ahead`]): a processor does not foresee that
//! dozens of short streams, a plane apart, go on where they broke off.
//!
//! **The tile.** 12 × 2 accumulators leave 8 of 32 registers for the factors;
//! with 16 registers it is 4 × 2, for the compiler fetches all R factors before
//! it multiplies. A panel of at most one vector has tiles twice as long. Where
//! planes are read as the caller has them, a tile has no more than 8 rows
//! ([`OuterProducts::in_place`]).
//!
//! **Rounding.** A sum runs over one run of pixels; runs are then added. Long
//! sums of f32 lose what this keeps.

use super::gemm::columns;
use super::vector::Vector;
use super::{Kernel, prefetch};
use crate::element::Float;

/// Output channels of the largest panel.
pub(crate) const PANEL: usize = 32;
/// Pixels of a run.
const RUN: usize = 192;
/// Elements of the room for a transposed run.
pub(crate) const ROOM: usize = RUN * PANEL;

/// Arguments of the kernel: one image.
#[derive(Debug)]
pub(crate) struct OuterProducts<'a, T> {
    /// Planes of the padded image, `plane` apart.
    pub(crate) x: &'a [T],
    pub(crate) plane: usize,
    /// How many there are.
    pub(crate) channels: usize,
    /// Taps of the kernel along both axes.
    pub(crate) kernel: [usize; 2],
    /// From one tap to the next, in x, along both axes.
    pub(crate) tap_step: [usize; 2],
    /// From one output pixel to the next, in x, along both axes.
    pub(crate) pixel_step: [usize; 2],
    /// Whether x are planes of an array, which may lie a power of two apart: then
    /// the same pixel of all of them competes for the eight lines that the cache
    /// has for such addresses, and a tile has at most so many weights. And then
    /// x is fetched ahead of time, as g is.
    pub(crate) in_place: bool,
    /// At most `block` planes of output pixels.
    pub(crate) g: &'a [T],
    pub(crate) output: [usize; 2],
    /// From x and from g to those of the next image.
    pub(crate) next: [usize; 2],
    /// Sums of a weight: a multiple of [`PANEL`].
    pub(crate) block: usize,
    /// So many sums for each weight [c, i, j] of an output channel, added to.
    pub(crate) sums: &'a mut [T],
    /// [`ROOM`] elements, best at an address that is a multiple of 64.
    pub(crate) room: &'a mut [T],
}

/// Output pixels `first..first + width` of the rows `top..top + height`.
#[derive(Clone, Copy)]
struct Run {
    top: usize,
    height: usize,
    first: usize,
    width: usize,
}

impl Run {
    /// Runs that follow each other in a plane of output pixels: some whole
    /// rows, or a part of one.
    fn of([height, width]: [usize; 2]) -> impl Iterator<Item = Self> + Clone {
        let pieces = width.div_ceil(RUN);
        let across = match width.div_ceil(pieces.max(1)).max(1) {
            // Whole vectors, as far as there are.
            part if pieces > 1 => part.next_multiple_of(16),
            row => row,
        };
        let most = (RUN / across).max(1);
        let down = height.div_ceil(height.div_ceil(most).max(1)).max(1);
        (0..height).step_by(down).flat_map(move |top| {
            (0..width).step_by(across).map(move |first| Self {
                top,
                height: down.min(height - top),
                first,
                width: across.min(width - first),
            })
        })
    }
}

/// The part of x and g that the next run will read: a stretch of each plane.
struct Ahead<T> {
    /// Of x and of g: where the stretch of the first plane begins, how long a
    /// stretch is, from one to the next, and how many there are.
    from: [*const T; 2],
    len: [usize; 2],
    plane: [usize; 2],
    count: [usize; 2],
    /// The stretch that is being fetched: whose, and the number of its plane.
    of: usize,
    index: usize,
    /// Where it goes on, and how much is left.
    at: *const T,
    left: usize,
    /// How much is fetched at a time.
    step: usize,
}

impl<T> Ahead<T> {
    /// Goes on to the next stretch; behind the last one, to the first.
    #[inline(always)]
    fn turn(&mut self) {
        self.index += 1;
        if self.index >= self.count[self.of] {
            (self.of, self.index) = (1 - self.of, 0);
            if self.count[self.of] == 0 {
                self.of = 1 - self.of;
            }
        }
        let of = self.of;
        self.at = self.from[of].wrapping_add(self.index * self.plane[of]);
        self.left = self.len[of];
    }
}

impl<T: Float> OuterProducts<'_, T> {
    /// What is read for a run, of this image or of the one that lies so far from
    /// it, to be fetched while `times` pixels are multiplied.
    fn ahead(&self, run: Run, [x, g]: [usize; 2], times: usize) -> Ahead<T> {
        let width = self.output[1];
        let [down, across] = self.pixel_step;
        let last = (run.top + run.height - 1, run.first + run.width - 1);
        let [x_first, g_first] = [
            run.top * down + run.first * across,
            run.top * width + run.first,
        ];
        let len = [
            last.0 * down + last.1 * across + 1 - x_first,
            last.0 * width + last.1 + 1 - g_first,
        ];
        let pixels = self.output[0] * width;
        let count = [
            if self.in_place { self.channels } else { 0 },
            self.g.len() / pixels,
        ];
        let line = 64 / size_of::<T>();
        let all = len[0] * count[0] + len[1] * count[1];
        let mut ahead = Ahead {
            from: [
                self.x.as_ptr().wrapping_add(x + x_first),
                self.g.as_ptr().wrapping_add(g + g_first),
            ],
            len,
            plane: [self.plane, pixels],
            count,
            of: 1,
            index: count[1],
            at: self.x.as_ptr(),
            left: 0,
            step: all.div_ceil(times.max(1)).min(line),
        };
        ahead.turn();
        ahead
    }

    /// Weights of the largest tile of a panel of one or two vectors.
    #[inline(always)]
    fn rows<V: Vector<T>>(&self, vectors: usize) -> usize {
        let sums = if V::REGISTERS >= 32 { 24 } else { 8 };
        let most = if self.in_place { 8 } else { sums };
        most.min(sums / vectors)
    }

    /// Where a weight of an output channel begins to read.
    #[inline(always)]
    fn place(&self, k: usize) -> usize {
        let [height, width] = self.kernel;
        let (c, i, j) = (k / (height * width), k / width % height, k % width);
        c * self.plane + i * self.tap_step[0] + j * self.tap_step[1]
    }
}

impl<T: Float> Kernel<T> for OuterProducts<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let [height, width] = self.output;
        let pixels = height * width;
        let weights = self.channels * self.kernel[0] * self.kernel[1];
        if pixels == 0 || weights == 0 {
            return;
        }
        let outs = self.g.len() / pixels;
        // What the pointers below rely on.
        assert!(V::LANES <= 16 && PANEL.is_multiple_of(2 * V::LANES));
        assert!(self.block.is_multiple_of(PANEL) && self.room.len() >= ROOM);
        assert!(outs <= self.block && self.g.len() == outs * pixels);
        assert!(self.sums.len() >= weights * self.block);
        let last_pixel = (height - 1) * self.pixel_step[0] + (width - 1) * self.pixel_step[1];
        assert!(self.x.len() > self.place(weights - 1) + last_pixel);

        let runs = Run::of(self.output);
        // The runs, and what will be read after each.
        let nexts = runs.clone().map(|run| (run, [0, 0])).skip(1);
        let nexts = nexts.chain(runs.clone().map(|run| (run, self.next)).take(1));
        for (run, (next, image)) in runs.zip(nexts) {
            let from = run.top * width + run.first;
            let count = run.height * run.width;
            let panels = outs.div_ceil(2 * V::LANES);
            let tiles = weights.div_ceil(self.rows::<V>(2)) * panels;
            let mut ahead = self.ahead(next, image, tiles * count);
            for first in (0..outs).step_by(2 * V::LANES) {
                let planes = outs - first;
                let vectors = if planes > V::LANES { 2 } else { 1 };
                let panel = vectors * V::LANES;
                // SAFETY: the run lies within the planes from `first` on, and
                // has at most RUN pixels; the room holds those of a panel.
                unsafe {
                    let g = self.g.as_ptr().add(first * pixels + from);
                    let room = self.room.as_mut_ptr();
                    columns::<T, V>(g, pixels, [count, planes.min(panel)], room, panel);
                }
                // SAFETY: x, sums and room hold what was asserted above.
                unsafe {
                    let sums = self.sums.as_mut_ptr().add(first);
                    let mut job = Job {
                        kernel: &self,
                        ahead: &mut ahead,
                        run,
                        gt: self.room.as_ptr(),
                        sums,
                        weights,
                    };
                    if vectors == 2 {
                        job.double::<V>();
                    } else {
                        job.single::<V>();
                    }
                }
            }
        }
    }
}

/// A panel and a run of pixels.
struct Job<'a, 'b, T> {
    kernel: &'a OuterProducts<'b, T>,
    ahead: &'a mut Ahead<T>,
    run: Run,
    /// The panel's gradients, transposed.
    gt: *const T,
    /// The panel's sums.
    sums: *mut T,
    weights: usize,
}

/// Calls `tile::<…, R>(first)` for tiles of the sizes given, the largest first.
/// The last one may be larger than what is left.
macro_rules! tiles {
    ($self:ident, $v:ty, $vectors:literal, $($size:literal)*) => {{
        let mut first = 0;
        while first < $self.weights {
            let left = $self.weights - first;
            let sizes = [$($size),*];
            let most = $self.kernel.rows::<$v>($vectors);
            let size = sizes.into_iter().rev().find(|&size| size >= left.min(most));
            let size = size.unwrap_or(sizes[0]);
            match size {
                // SAFETY: the caller's promise.
                $($size => unsafe { $self.tile::<$v, $vectors, $size>(first) },)*
                _ => unreachable!("one of the sizes"),
            }
            first += size;
        }
    }};
}

impl<T: Float> Job<'_, '_, T> {
    /// All weights of a panel of two vectors.
    ///
    /// # Safety
    /// x, gt and sums hold what the kernel asserts.
    #[inline(always)]
    unsafe fn double<V: Vector<T>>(&mut self) {
        if V::REGISTERS >= 32 {
            tiles!(self, V, 2, 12 9 8 6 4 2);
        } else {
            tiles!(self, V, 2, 4 2);
        }
    }

    /// All weights of a panel of one vector.
    ///
    /// # Safety
    /// x, gt and sums hold what the kernel asserts.
    #[inline(always)]
    unsafe fn single<V: Vector<T>>(&mut self) {
        if V::REGISTERS >= 32 {
            tiles!(self, V, 1, 24 16 8 4);
        } else {
            tiles!(self, V, 1, 8 4);
        }
    }

    /// R weights, or as many as are left.
    ///
    /// # Safety
    /// x, gt and sums hold what the kernel asserts.
    #[inline(always)]
    unsafe fn tile<V: Vector<T>, const OV: usize, const R: usize>(&mut self, first: usize) {
        let kernel = self.kernel;
        let count = R.min(self.weights - first);
        let mut places = [0; R];
        for (r, place) in places.iter_mut().enumerate() {
            *place = kernel.place(first + r.min(count - 1));
        }
        // Else the compiler adds up each place anew for every pixel.
        let places = std::hint::black_box(places);
        let mut acc = [[V::zero(); OV]; R];
        let mut gt = self.gt;
        let [down, across] = kernel.pixel_step;
        let (mut at, mut left, step) = (self.ahead.at, self.ahead.left, self.ahead.step);
        for p in self.run.top..self.run.top + self.run.height {
            // SAFETY: a pixel of the output and a weight, as asserted.
            let mut x = unsafe { kernel.x.as_ptr().add(p * down + self.run.first * across) };
            for _ in 0..self.run.width {
                prefetch(at);
                at = at.wrapping_add(step);
                left = left.saturating_sub(step);
                if left == 0 {
                    self.ahead.turn();
                    (at, left) = (self.ahead.at, self.ahead.left);
                }
                let mut g = [V::zero(); OV];
                unroll!(v < OV, 4, {
                    // SAFETY: a pixel of the run.
                    g[v] = unsafe { V::load(gt.add(v * V::LANES)) };
                });
                unroll!(r < R, {
                    // SAFETY: as above.
                    let x = V::splat(unsafe { *x.add(places[r]) });
                    unroll!(v < OV, 4, {
                        acc[r][v] = x.mul_add(g[v], acc[r][v]);
                    });
                });
                gt = gt.wrapping_add(OV * V::LANES);
                x = x.wrapping_add(across);
            }
        }
        (self.ahead.at, self.ahead.left) = (at, left);
        unroll!(r < R, {
            if r < count {
                unroll!(v < OV, 4, {
                    // SAFETY: `block` sums for each weight, the panel among them.
                    unsafe {
                        let sums = self.sums.add((first + r) * kernel.block + v * V::LANES);
                        acc[r][v].add(V::load(sums)).store(sums);
                    }
                });
            }
        });
    }
}
