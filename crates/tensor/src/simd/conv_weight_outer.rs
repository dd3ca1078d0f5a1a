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
//! **The tile.** 12 × 2 accumulators leave 8 of 32 registers for the factors;
//! with 16 registers it is 4 × 2, for the compiler fetches all R factors before
//! it multiplies. A panel of at most one vector has tiles twice as long.
//!
//! **Rounding.** A sum runs over one run of pixels; runs are then added. Long
//! sums of f32 lose what this keeps.

use super::Kernel;
use super::vector::{Lanes, Vector};

/// The most output channels of a call: a multiple of every panel.
pub(crate) const BLOCK: usize = 32;
/// Pixels of a run.
const RUN: usize = 192;
/// Elements of the room for a transposed run.
pub(crate) const ROOM: usize = RUN * BLOCK;

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
    /// At most [`BLOCK`] planes of output pixels.
    pub(crate) g: &'a [T],
    pub(crate) output: [usize; 2],
    /// [`BLOCK`] sums for each weight [c, i, j] of an output channel, added to.
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
    fn of([height, width]: [usize; 2]) -> impl Iterator<Item = Self> {
        let pieces = width.div_ceil(RUN);
        let across = width.div_ceil(pieces.max(1)).max(1);
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

impl<T: Lanes> OuterProducts<'_, T> {
    /// Where a weight of an output channel begins to read.
    #[inline(always)]
    fn place(&self, k: usize) -> usize {
        let [height, width] = self.kernel;
        let (c, i, j) = (k / (height * width), k / width % height, k % width);
        c * self.plane + i * self.tap_step[0] + j * self.tap_step[1]
    }
}

impl<T: Lanes> Kernel<T> for OuterProducts<'_, T> {
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
        assert!(V::LANES <= 16 && BLOCK.is_multiple_of(2 * V::LANES));
        assert!(outs <= BLOCK && self.g.len() == outs * pixels);
        assert!(self.sums.len() >= weights * BLOCK && self.room.len() >= ROOM);
        let last_pixel = (height - 1) * self.pixel_step[0] + (width - 1) * self.pixel_step[1];
        assert!(self.x.len() > self.place(weights - 1) + last_pixel);

        for run in Run::of(self.output) {
            let from = run.top * width + run.first;
            let count = run.height * run.width;
            for first in (0..outs).step_by(2 * V::LANES) {
                let planes = outs - first;
                // SAFETY: the run lies within the planes from `first` on, and
                // has at most RUN pixels of at most BLOCK channels.
                unsafe {
                    let g = self.g.as_ptr().add(first * pixels + from);
                    let room = self.room.as_mut_ptr();
                    if planes > V::LANES {
                        transpose::<T, V>(g, pixels, V::LANES, count, room, 2 * V::LANES);
                        let (g, room) = (g.add(V::LANES * pixels), room.add(V::LANES));
                        let planes = (planes - V::LANES).min(V::LANES);
                        transpose::<T, V>(g, pixels, planes, count, room, 2 * V::LANES);
                    } else {
                        transpose::<T, V>(g, pixels, planes, count, room, V::LANES);
                    }
                }
                // SAFETY: x, sums and room hold what was asserted above.
                unsafe {
                    let sums = self.sums.as_mut_ptr().add(first);
                    let job = Job {
                        kernel: &self,
                        run,
                        gt: self.room.as_ptr(),
                        sums,
                        weights,
                    };
                    if planes > V::LANES {
                        job.double::<V>();
                    } else {
                        job.single::<V>();
                    }
                }
            }
        }
    }
}

/// Writes `to[pixel · step + o] = from[o · plane + pixel]` for a vector of o,
/// zero for those from `planes` on.
///
/// A square of vectors is transposed by perfect shuffles: number its elements
/// row by row, in binary. To interleave each row of the upper half with its
/// partner in the lower half rotates every number by one bit. As many such
/// rounds as a row's number has bits exchange row and column.
///
/// # Safety
/// `pixels` elements can be read from each of the planes, and all can be written.
#[inline(always)]
unsafe fn transpose<T: Lanes, V: Vector<T>>(
    from: *const T,
    plane: usize,
    planes: usize,
    pixels: usize,
    to: *mut T,
    step: usize,
) {
    let mut first = 0;
    while first < pixels {
        let count = V::LANES.min(pixels - first);
        let mut rows = [V::zero(); 16];
        unroll!(i < V::LANES, {
            if i < planes {
                // SAFETY: within plane i.
                rows[i] = unsafe { V::load_first(from.add(i * plane + first), count) };
            }
        });
        unroll!(round < V::LANES.ilog2(), 4, {
            let _ = round;
            let before = rows;
            unroll!(i < V::LANES / 2, 8, {
                (rows[2 * i], rows[2 * i + 1]) = before[i].interleave(before[i + V::LANES / 2]);
            });
        });
        unroll!(i < V::LANES, {
            if i < count {
                // SAFETY: a pixel of the run.
                unsafe { rows[i].store(to.add((first + i) * step)) };
            }
        });
        first += V::LANES;
    }
}

/// A panel and a run of pixels.
struct Job<'a, 'b, T> {
    kernel: &'a OuterProducts<'b, T>,
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
            let size = sizes.into_iter().rev().find(|&size| size >= left).unwrap_or(sizes[0]);
            match size {
                // SAFETY: the caller's promise.
                $($size => unsafe { $self.tile::<$v, $vectors, $size>(first) },)*
                _ => unreachable!("one of the sizes"),
            }
            first += size;
        }
    }};
}

impl<T: Lanes> Job<'_, '_, T> {
    /// All weights of a panel of two vectors.
    ///
    /// # Safety
    /// x, gt and sums hold what the kernel asserts.
    #[inline(always)]
    unsafe fn double<V: Vector<T>>(&self) {
        if V::REGISTERS >= 32 {
            tiles!(self, V, 2, 12 9 6 4 2);
        } else {
            tiles!(self, V, 2, 4 2);
        }
    }

    /// All weights of a panel of one vector.
    ///
    /// # Safety
    /// x, gt and sums hold what the kernel asserts.
    #[inline(always)]
    unsafe fn single<V: Vector<T>>(&self) {
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
    unsafe fn tile<V: Vector<T>, const OV: usize, const R: usize>(&self, first: usize) {
        let kernel = self.kernel;
        let count = R.min(self.weights - first);
        let mut places = [0; R];
        for (r, place) in places.iter_mut().enumerate() {
            *place = kernel.place(first + r.min(count - 1));
        }
        let mut acc = [[V::zero(); OV]; R];
        let mut gt = self.gt;
        let [down, across] = kernel.pixel_step;
        for p in self.run.top..self.run.top + self.run.height {
            // SAFETY: a pixel of the output and a weight, as asserted.
            let mut x = unsafe { kernel.x.as_ptr().add(p * down + self.run.first * across) };
            for _ in 0..self.run.width {
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
        unroll!(r < R, {
            if r < count {
                unroll!(v < OV, 4, {
                    // SAFETY: BLOCK sums for each weight, the panel among them.
                    unsafe {
                        let sums = self.sums.add((first + r) * BLOCK + v * V::LANES);
                        acc[r][v].add(V::load(sums)).store(sums);
                    }
                });
            }
        });
    }
}
