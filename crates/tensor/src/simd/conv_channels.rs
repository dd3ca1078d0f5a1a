//! Convolution with vectors over output channels.
//!
//! ```text
//! for each block of OV vectors of output channels
//!     for each tile of PB pixels of the output, row after row
//!         acc[OV][PB] = 0                                  (registers)
//!         for c in 0..C, for each tap t
//!             acc[v][k] += w[v, c, t] · x[c, at[k] + t]    (OV loads, PB broadcasts, OV·PB multiply-adds)
//!         acc[v][k] = relu(acc[v][k] + b[v])
//!         y[o, pixels of the tile] = accᵀ                  (squares turned over in registers)
//! ```
//!
//! **Any plane.** The pixels of a tile are single numbers, each with a place of
//! its own, so a tile goes from one row of the output to the next as if there
//! were none: a plane of 7 × 7 is 49 pixels, and narrow ones cost no more than
//! wide ones. What is wasted is lanes, where the channels do not fill a vector.
//!
//! **The tile.** A pixel that is broadcast is used for OV multiply-adds. One
//! load for each of them is what the processor can do at best, so OV is 2 where
//! there are channels enough. The compiler broadcasts all pixels first: 2 × 10
//! wants 20 + 2 + 10 of 32 registers, 2 × 4 has 8 + 2 + 4 of 16. The size of the tiles is chosen so that few pixels are left over.

mod transpose;

use self::transpose::{MOST_LANES, transpose};
use super::Kernel;
use super::conv_rows::{ConvRows, Pack};
use super::vector::{Lanes, Vector};

/// The kernel: its arguments are those of [`ConvRows`], with the weights as
/// [`PackChannels`] lays them out.
pub(crate) struct ConvChannels<'a, T>(pub(crate) ConvRows<'a, T>);

/// Lays weights out as the kernel reads them: block after block, in each of
/// them [c][tap][channel of the block], zero for channels that are not there.
pub(crate) struct PackChannels<'a, T, F>(pub(crate) Pack<'a, T, F>);

/// Elements of packed weights, at most.
pub(crate) const fn packed_len([outs, ins, taps]: [usize; 3]) -> usize {
    outs.next_multiple_of(MOST_LANES) * ins * taps
}

/// Blocks of output channels: the first of each and how many vectors it has.
fn blocks(outs: usize, lanes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..outs)
        .step_by(2 * lanes)
        .map(move |first| (first, if outs - first > lanes { 2 } else { 1 }))
}

impl<T: Lanes, F: Fn(usize, usize, usize) -> T> Kernel<T> for PackChannels<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Pack {
            sizes: [outs, ins, taps],
            weight,
            packed,
        } = self.0;
        let mut packed = packed.iter_mut();
        for (first, vectors) in blocks(outs, V::LANES) {
            for c in 0..ins {
                for tap in 0..taps {
                    for (o, packed) in (first..first + vectors * V::LANES).zip(&mut packed) {
                        *packed = if o < outs { weight(o, c, tap) } else { T::ZERO };
                    }
                }
            }
        }
    }
}

/// Sizes of a tile, in pixels, for so many vectors of channels.
const fn tiles(vectors: usize, registers: usize) -> &'static [usize] {
    match (vectors, registers >= 32) {
        (2, true) => &[10, 8, 4, 2],
        (2, false) => &[4, 2],
        (_, true) => &[28, 24, 20, 16, 12, 8, 4],
        (_, false) => &[8, 4, 2],
    }
}

/// Of these sizes of a tile the one that covers the pixels in the least time: a
/// pixel costs one, and what surrounds a tile's pixels another two.
fn tile(sizes: &[usize], pixels: usize) -> usize {
    let time = |&size: &usize| pixels.div_ceil(size) * (size + 2);
    sizes.iter().copied().min_by_key(time).unwrap_or(1)
}

impl<T: Lanes> Kernel<T> for ConvChannels<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let kernel = self.0;
        let y = kernel.y.as_mut_ptr();
        let [height, width] = kernel.output;
        let (channels, taps) = (kernel.channels, kernel.taps.len());
        let pixels = height * width;
        if pixels == 0 {
            return;
        }
        let outs = kernel.y.len() / pixels;
        // What the pointers below rely on.
        let last_pixel = (height - 1) * kernel.pitch + width - 1;
        let last = last_pixel + kernel.taps.iter().copied().max().unwrap_or(0);
        assert!(channels > 0 && kernel.x.len() > (channels - 1) * kernel.plane + last);
        assert!(kernel.w.len() >= outs.next_multiple_of(V::LANES) * channels * taps);
        assert!(kernel.bias.is_none_or(|bias| bias.len() >= outs));

        let mut w = kernel.w.as_ptr();
        for (first, vectors) in blocks(outs, V::LANES) {
            let block = Block {
                kernel: &kernel,
                w,
                y,
                first,
                outs: outs - first,
                pixels,
            };
            let size = tile(tiles(vectors, V::REGISTERS), pixels);
            // SAFETY: the sizes were checked above.
            unsafe {
                match (vectors, size, V::REGISTERS >= 32) {
                    (2, 10, true) => block.run::<V, 2, 10>(),
                    (2, 8, true) => block.run::<V, 2, 8>(),
                    (2, 4, _) => block.run::<V, 2, 4>(),
                    (2, _, _) => block.run::<V, 2, 2>(),
                    (_, 28, true) => block.run::<V, 1, 28>(),
                    (_, 24, true) => block.run::<V, 1, 24>(),
                    (_, 20, true) => block.run::<V, 1, 20>(),
                    (_, 16, true) => block.run::<V, 1, 16>(),
                    (_, 12, true) => block.run::<V, 1, 12>(),
                    (_, 8, _) => block.run::<V, 1, 8>(),
                    (_, 4, _) => block.run::<V, 1, 4>(),
                    (_, _, _) => block.run::<V, 1, 2>(),
                }
                w = w.add(vectors * V::LANES * channels * taps);
            }
        }
    }
}

/// A block of output channels.
struct Block<'a, 'b, T> {
    kernel: &'a ConvRows<'b, T>,
    w: *const T,
    y: *mut T,
    first: usize,
    /// Output channels from `first` on.
    outs: usize,
    /// Pixels of an output plane.
    pixels: usize,
}

impl<T: Lanes> Block<'_, '_, T> {
    /// All tiles of the block. The last one overlaps the one before it, if the
    /// plane is not smaller than a tile.
    ///
    /// # Safety
    /// The sizes are those that [`ConvChannels::run`] checks.
    #[inline(always)]
    unsafe fn run<V: Vector<T>, const OV: usize, const PB: usize>(&self) {
        let mut i = 0;
        while i < self.pixels {
            // SAFETY: the caller's promise.
            unsafe { self.tile::<V, OV, PB>(i.min(self.pixels.saturating_sub(PB))) };
            i += PB;
        }
    }

    /// The pixels `i..i + PB`.
    ///
    /// # Safety
    /// As [`run`](Self::run).
    #[inline(always)]
    unsafe fn tile<V: Vector<T>, const OV: usize, const PB: usize>(&self, i: usize) {
        let kernel = self.kernel;
        let width = kernel.output[1];
        // Where each pixel's window begins. Beyond the plane: the last pixel's.
        let mut at = [0; PB];
        let (mut row, mut column) = (i as u32 / width as u32, i as u32 % width as u32);
        for (k, at) in at.iter_mut().enumerate() {
            *at = row as usize * kernel.pitch + column as usize;
            if i + k + 1 < self.pixels {
                column += 1;
                if column as usize == width {
                    (row, column) = (row + 1, 0);
                }
            }
        }
        // One number each, not a sum that is made again for every tap.
        let at = std::hint::black_box(at);
        let mut acc = [[V::zero(); PB]; OV];
        let mut w = self.w;
        let mut x = kernel.x.as_ptr();
        for _ in 0..kernel.channels {
            for &tap in kernel.taps {
                // SAFETY: at[k] + tap lies in the plane, as the kernel checked;
                // w runs through channels · taps · OV packed vectors.
                unsafe {
                    let from = x.add(tap);
                    let mut weights = [V::zero(); OV];
                    unroll!(v < OV, 4, {
                        weights[v] = V::load(w.add(v * V::LANES));
                    });
                    unroll!(k < PB, {
                        let pixel = V::splat(from.add(at[k]).read());
                        unroll!(v < OV, 4, {
                            acc[v][k] = weights[v].mul_add(pixel, acc[v][k]);
                        });
                    });
                    w = w.add(OV * V::LANES);
                }
            }
            x = x.wrapping_add(kernel.plane);
        }
        unroll!(v < OV, 4, {
            let skipped = v * V::LANES;
            let outs = (self.outs - skipped.min(self.outs)).min(V::LANES);
            if let Some(bias) = kernel.bias {
                // SAFETY: there are `outs` more biases.
                let bias = unsafe {
                    V::load_first(bias.as_ptr().wrapping_add(self.first + skipped), outs)
                };
                unroll!(k < PB, {
                    acc[v][k] = acc[v][k].add(bias);
                });
            }
            if kernel.relu {
                unroll!(k < PB, {
                    acc[v][k] = acc[v][k].relu();
                });
            }
            let y = self
                .y
                .wrapping_add((self.first + skipped) * self.pixels + i);
            unroll!(chunk < PB.div_ceil(V::LANES), 4, {
                let mut square = [V::zero(); MOST_LANES];
                unroll!(k < V::LANES, {
                    if chunk * V::LANES + k < PB {
                        square[k] = acc[v][chunk * V::LANES + k];
                    }
                });
                transpose(&mut square);
                let done = chunk * V::LANES;
                let left = PB.min(self.pixels).saturating_sub(done);
                unroll!(o < V::LANES, {
                    if o < outs {
                        let to = y.wrapping_add(o * self.pixels + done);
                        // SAFETY: `left` pixels of channel `o` follow.
                        unsafe {
                            if left >= V::LANES {
                                square[o].store(to);
                            } else {
                                square[o].store_first(to, left);
                            }
                        }
                    }
                });
            });
        });
    }
}
