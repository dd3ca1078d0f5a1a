//! Convolution with vectors over pixels.
//!
//! ```text
//! for each block of CB output channels                     (weights stay in the L1 cache)
//!     for each tile of VW vectors of pixels
//!         acc[CB][VW] = 0                                  (registers)
//!         for c in 0..C, for each tap t
//!             acc[o][v] += w[o, c, t] · x[c, at[v] + t]    (CB broadcasts, VW loads, CB·VW multiply-adds)
//!         y[o, pixels of v] = relu(acc[o][v] + b[o])
//! ```
//!
//! **Flat.** An image with its padding lies in memory row after row, `pitch`
//! apart, so a tap is a distance: the output at flat position f is a sum over
//! x[f + distance], whatever row f is in. A vector may begin in one row and end
//! in the next. What lies between two rows of the output (pitch − W positions)
//! is computed and not stored; where that costs more than ending each row with
//! a partial vector, vectors begin with the rows instead.
//!
//! **The tile.** A multiply-add needs its two factors: CB · VW of them are fed
//! by CB + VW loads. 8 × 2 is bound by arithmetic and needs 16 + 2 + 1 of 32
//! registers; with 16 registers it is 4 × 2.

use super::Kernel;
use super::vector::{Lanes, Vector};

/// Arguments of the kernel: one image (or group), all of its output channels.
pub(crate) struct ConvRows<'a, T> {
    /// C planes, `plane` apart.
    pub(crate) x: &'a [T],
    pub(crate) plane: usize,
    pub(crate) channels: usize,
    /// From one row of the image to the next.
    pub(crate) pitch: usize,
    /// Distance of each tap from the first pixel of its window.
    pub(crate) taps: &'a [usize],
    /// The weights in blocks of output channels, as [`Pack`] lays them out.
    pub(crate) w: &'a [T],
    /// One number for each output channel, or none.
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) relu: bool,
    /// Planes of `output` pixels, one after the other.
    pub(crate) y: &'a mut [T],
    pub(crate) output: [usize; 2],
}

/// The size of the next block when `left` output channels are left. Blocks of
/// 3, 5 and 7 channels are those of one more, whose weights are zero.
const fn block(left: usize, registers: usize) -> usize {
    match left {
        0 => 0,
        1 => 1,
        2 => 2,
        _ if registers < 32 => 4,
        3 | 4 => 4,
        5 | 6 => 6,
        _ => 8,
    }
}

/// Blocks of `channels` output channels: the first one and the size of each.
fn blocks(channels: usize, registers: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let size = block(channels - next.min(channels), registers);
        let first = next;
        next += size;
        (size > 0).then_some((first, size))
    })
}

/// Lays weights out as the kernel reads them: block after block, in each of
/// them [c][tap][channel of the block].
pub(crate) struct Pack<'a, T, F> {
    /// Output channels, input channels, taps.
    pub(crate) sizes: [usize; 3],
    /// The weight of an output channel, an input channel and a tap.
    pub(crate) weight: F,
    /// Room for it: [`packed_len`] elements.
    pub(crate) packed: &'a mut [T],
}

/// Elements of packed weights, at most.
pub(crate) const fn packed_len([outs, ins, taps]: [usize; 3]) -> usize {
    (outs + 3) * ins * taps
}

impl<T: Lanes, F: Fn(usize, usize, usize) -> T> Kernel<T> for Pack<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let [outs, ins, taps] = self.sizes;
        let mut packed = self.packed.iter_mut();
        for (first, size) in blocks(outs, V::REGISTERS) {
            for c in 0..ins {
                for tap in 0..taps {
                    for (o, packed) in (first..first + size).zip(&mut packed) {
                        *packed = if o < outs {
                            (self.weight)(o, c, tap)
                        } else {
                            T::ZERO
                        };
                    }
                }
            }
        }
    }
}

impl<T: Lanes> ConvRows<'_, T> {
    /// Flat positions of the output, what lies between its rows included.
    fn flat(&self) -> usize {
        let [height, width] = self.output;
        (height - 1) * self.pitch + width
    }

    /// Elements that a plane of x must have behind its beginning.
    pub(crate) fn reach(&self, lanes: usize) -> usize {
        let last = self.taps.iter().copied().max().unwrap_or(0);
        last + self.flat().max(lanes)
    }
}

impl<T: Lanes> Kernel<T> for ConvRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let y = self.y.as_mut_ptr();
        let [height, width] = self.output;
        let (channels, taps) = (self.channels, self.taps.len());
        if height * width == 0 {
            return;
        }
        let out_plane = height * width;
        let outs = self.y.len() / out_plane;
        let sizes = [outs, channels, taps];
        // What the pointers below rely on.
        assert!(channels > 0 && self.pitch >= width);
        assert!(self.x.len() >= (channels - 1) * self.plane + self.reach(V::LANES));
        assert!(self.w.len() >= packed_len(sizes));
        assert!(self.bias.is_none_or(|bias| bias.len() >= outs));

        let places = Places::new::<T, V>(&self);
        let mut w = self.w.as_ptr();
        for (first, size) in blocks(outs, V::REGISTERS) {
            let job = Job {
                kernel: &self,
                w,
                y,
                first,
                outs: size.min(outs - first),
                places,
            };
            // SAFETY: the sizes were checked above.
            unsafe {
                match (size, V::REGISTERS >= 32) {
                    (8, _) => job.run::<V, 8, 2>(),
                    (6, _) => job.run::<V, 6, 4>(),
                    (4, true) => job.run::<V, 4, 4>(),
                    (4, false) => job.run::<V, 4, 2>(),
                    (2, true) => job.run::<V, 2, 8>(),
                    (2, false) => job.run::<V, 2, 4>(),
                    (_, true) => job.run::<V, 1, 8>(),
                    (_, false) => job.run::<V, 1, 6>(),
                }
                w = w.add(size * channels * taps);
            }
        }
    }
}

/// Where a vector of the output begins.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    column: usize,
    /// Its flat position.
    at: usize,
}

/// The places of an output plane's vectors, one after the other; and after the
/// last one, that again.
#[derive(Clone, Copy)]
struct Places {
    next: Place,
    left: usize,
    /// Whether each row begins with a vector of its own.
    by_rows: bool,
    width: usize,
    pitch: usize,
    lanes: usize,
    /// The last place where a vector may begin, in a row and in the plane:
    /// beyond it, it begins there, and some pixels are computed twice.
    last_column: usize,
    last: Place,
}

impl Places {
    #[inline(always)]
    fn new<T: Lanes, V: Vector<T>>(kernel: &ConvRows<'_, T>) -> Self {
        let [height, width] = kernel.output;
        let flat = kernel.flat();
        let along = flat.div_ceil(V::LANES);
        let in_rows = height * width.div_ceil(V::LANES);
        // A vector that spans two rows is stored in two parts, which is worth
        // some pixels that are computed twice.
        let by_rows = in_rows <= along + along / 16;
        let at = flat.saturating_sub(V::LANES);
        Self {
            next: Place {
                row: 0,
                column: 0,
                at: 0,
            },
            left: if by_rows { in_rows } else { along },
            by_rows,
            width,
            pitch: kernel.pitch,
            lanes: V::LANES,
            last_column: width.saturating_sub(V::LANES),
            last: Place {
                row: at / kernel.pitch,
                column: at % kernel.pitch,
                at,
            },
        }
    }

    #[inline(always)]
    fn next(&mut self) -> Place {
        let mut place = self.next;
        if place.at > self.last.at || self.left == 0 {
            self.left = self.left.saturating_sub(1);
            return self.last;
        }
        self.left -= 1;
        self.next.column += self.lanes;
        if self.by_rows {
            if self.next.column >= self.width {
                self.next.column = 0;
                self.next.row += 1;
            }
            let back = place.column - place.column.min(self.last_column);
            place.column -= back;
            place.at -= back;
        } else {
            while self.next.column >= self.pitch {
                self.next.column -= self.pitch;
                self.next.row += 1;
            }
        }
        self.next.at = self.next.row * self.pitch + self.next.column;
        place
    }
}

/// A block of output channels.
struct Job<'a, 'b, T> {
    kernel: &'a ConvRows<'b, T>,
    w: *const T,
    y: *mut T,
    first: usize,
    outs: usize,
    places: Places,
}

impl<T: Lanes> Job<'_, '_, T> {
    /// All tiles of the block.
    ///
    /// # Safety
    /// The sizes are those that [`ConvRows::run`] checks.
    #[inline(always)]
    unsafe fn run<V: Vector<T>, const CB: usize, const VW: usize>(&self) {
        let mut places = self.places;
        while places.left >= VW {
            let mut tile = [places.last; VW];
            unroll!(v < VW, 8, {
                tile[v] = places.next();
            });
            // SAFETY: the caller's promise.
            unsafe { self.tile::<V, CB, VW>(tile) };
        }
        while places.left > 0 {
            // SAFETY: the caller's promise.
            unsafe { self.tile::<V, CB, 1>([places.next()]) };
        }
    }

    /// One tile.
    ///
    /// # Safety
    /// As [`run`](Self::run).
    #[inline(always)]
    unsafe fn tile<V: Vector<T>, const CB: usize, const VW: usize>(&self, at: [Place; VW]) {
        let kernel = self.kernel;
        let mut acc = [[V::zero(); VW]; CB];
        let mut w = self.w;
        let mut x = kernel.x.as_ptr();
        for _ in 0..kernel.channels {
            for &tap in kernel.taps {
                // SAFETY: at + tap + LANES <= reach, which every plane has;
                // w runs through channels · taps · CB packed weights.
                unsafe {
                    let from = x.add(tap);
                    let mut pixels = [V::zero(); VW];
                    unroll!(v < VW, 8, {
                        pixels[v] = V::load(from.add(at[v].at));
                    });
                    unroll!(o < CB, 8, {
                        let weight = V::splat(w.add(o).read());
                        unroll!(v < VW, 8, {
                            acc[o][v] = pixels[v].mul_add(weight, acc[o][v]);
                        });
                    });
                    w = w.add(CB);
                }
            }
            x = x.wrapping_add(kernel.plane);
        }
        let [height, width] = kernel.output;
        unroll!(o < CB, 8, {
            if o < self.outs {
                let bias = kernel.bias.map_or(T::ZERO, |bias| bias[self.first + o]);
                let bias = V::splat(bias);
                unroll!(v < VW, 8, {
                    let sum = acc[o][v].add(bias);
                    acc[o][v] = if kernel.relu { sum.relu() } else { sum };
                });
            }
        });
        // SAFETY: o < outs, and the stores below stay within height and width.
        let y = unsafe { self.y.add(self.first * height * width) };
        unroll!(v < VW, 8, {
            let mut lane = 0;
            let Place {
                mut row,
                mut column,
                ..
            } = at[v];
            while lane < V::LANES && row < height {
                if column < width {
                    let end = V::LANES.min(lane + width - column);
                    let to = y.wrapping_add(row * width + column).wrapping_sub(lane);
                    unroll!(o < CB, 8, {
                        if o < self.outs {
                            let to = to.wrapping_add(o * height * width);
                            // SAFETY: lanes `lane..end` are pixels of this row.
                            unsafe {
                                if end - lane == V::LANES {
                                    acc[o][v].store(to);
                                } else {
                                    acc[o][v].store_range(to, lane, end);
                                }
                            }
                        }
                    });
                }
                lane += kernel.pitch - column;
                (row, column) = (row + 1, 0);
            }
        });
    }
}
