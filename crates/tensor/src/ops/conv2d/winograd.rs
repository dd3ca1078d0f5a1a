//! Convolution of 3 × 3 taps with 36 multiplications for sixteen pixels instead
//! of 144: Winograd's minimal filtering F(4 × 4, 3 × 3), after Lavin and Gray,
//! "Fast Algorithms for Convolutional Neural Networks" (2015).
//!
//! The formulas and the loops are in [`simd::winograd`](crate::simd). Here the
//! weights are transformed, once a call, and the images are shared out.
//!
//! The input gradient is the same convolution of the output's gradient, with
//! every kernel turned by 180 degrees, input and output channels exchanged, and
//! a padding of 2 − p.
//!
//! **Cost.** A quarter of the multiply-adds, plus transforms: some four hundred
//! instructions for a vector of tiles of one channel, input or output, against
//! 36 for every pair of an input and an output channel. And all weights are
//! transformed in every call, which is most of the time if there is one small
//! image.
//!
//! **Error.** The transforms weigh and add neighbours, which cancels digits, so
//! the points that they interpolate at matter: with ±¾ and ±1½ the rounding error
//! is two to three times that of the definition, where the usual ±1 and ±2 make it
//! four to ten times. Smaller tiles, F(2 × 2, 3 × 3), have two thirds of the
//! definition's error, and take half as long again.

use super::Epilogue;
use super::direct::part;
use super::geometry::Conv2dGeometry;
use crate::element::Float;
use crate::simd::{self, FILTERS, Filters, InstructionSet, PLACES, Plan, Winograd};
use crate::{par, scratch};

#[cfg(test)]
mod tests;

/// Elements of a transformed block of the input, which should stay in the
/// cache of a core with the weights.
const BLOCK: usize = 96 << 10;
/// Tiles of a block: three vectors, and as many as are worth it.
const TILES: [usize; 2] = [48, 192];
/// The fewest pieces of work that a layer is cut into, if that is possible.
const PIECES: usize = 8;
/// The fewest output channels of a piece: each one transforms its input.
const LEAST_OUTS: usize = 32;

/// y = b + x ⋆ w.
pub(super) fn forward<T: Float>(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
) {
    let [ins, outs] = geometry.group_channels();
    let layer = Layer {
        images: geometry.images(),
        groups: geometry.groups,
        channels: [ins, outs],
        source: geometry.input,
        target: geometry.output,
        before: geometry.window.padding_before.map(|before| before as isize),
        turned: false,
    };
    layer.run(set, geometry.cost(), x, w, epilogue, y);
}

/// x = the adjoint applied to g.
pub(super) fn input<T: Float>(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    g: &[T],
    w: &[T],
    x: &mut [T],
) {
    let [ins, outs] = geometry.group_channels();
    let layer = Layer {
        images: geometry.images(),
        groups: geometry.groups,
        channels: [outs, ins],
        source: geometry.output,
        target: geometry.input,
        before: geometry
            .window
            .padding_before
            .map(|before| 2 - before as isize),
        turned: true,
    };
    let plain = Epilogue {
        bias: None,
        relu: false,
    };
    layer.run(set, geometry.cost(), g, w, plain, x);
}

/// A convolution of 3 × 3 taps, whichever of the two it is.
struct Layer {
    images: usize,
    groups: usize,
    /// Channels of a group that are read, and that are written.
    channels: [usize; 2],
    source: [usize; 2],
    target: [usize; 2],
    /// Zeros before the image; rows and columns that are skipped if negative.
    before: [isize; 2],
    /// Whether kernels are turned by 180 degrees.
    turned: bool,
}

impl Layer {
    /// The target is the source convolved with w, or with the adjoint's w.
    fn run<T: Float>(
        &self,
        set: InstructionSet,
        cost: usize,
        x: &[T],
        w: &[T],
        epilogue: Epilogue<'_, T>,
        y: &mut [T],
    ) {
        let [ins, outs] = self.channels;
        let [source_len, target_plane] = [
            ins * self.source.iter().product::<usize>(),
            self.target.iter().product::<usize>(),
        ];
        let (images, parts) = self.pieces();
        let plan = self.plan(images, outs / parts);
        let blocks = outs.div_ceil(FILTERS);
        let group_len = plan.filters_len(outs);
        scratch::with(self.groups * group_len, |filters| {
            let block_len = plan.filters_len(FILTERS);
            let work = filters.len().saturating_mul(8);
            par::for_each_piece(filters, block_len, work, |i, filters| {
                let (group, first) = (i / blocks, i % blocks * FILTERS);
                let count = FILTERS.min(outs - first);
                let w = part(w, group, outs * ins * 9);
                // From an output channel and from an input channel to the next.
                let steps = if self.turned {
                    [9, outs * 9]
                } else {
                    [ins * 9, 9]
                };
                let kernel = Filters {
                    plan: &plan,
                    weights: &w[first * steps[0]..],
                    steps,
                    count,
                    turned: self.turned,
                    filters,
                };
                simd::run(set, kernel);
            });
            let filters = &*filters;
            let piece_len = images * (outs / parts) * target_plane;
            par::for_each_piece(y, piece_len, cost, |i, y| {
                // Several images, or part of the channels of a group of one.
                let (first, o) = (i / parts * images, i % parts * (outs / parts));
                let images = y.len() / ((outs / parts) * target_plane);
                let group = first % self.groups;
                let bias = epilogue.bias.map(|bias| &bias[group * outs + o..]);
                let filters = &part(filters, group, group_len)[plan.filters_len(o)..];
                scratch::with(plan.scratch_len(), |scratch| {
                    let kernel = Winograd {
                        plan: &plan,
                        source: &x[first * source_len..][..images * source_len],
                        filters,
                        bias,
                        relu: epilogue.relu,
                        scratch,
                        target: y,
                        images,
                    };
                    simd::run(set, kernel);
                });
            });
        });
    }

    /// How many images make a piece, and into how many parts the channels of
    /// an image are cut. At most one of the two is more than 1.
    fn pieces(&self) -> (usize, usize) {
        let planes = self.images * self.groups;
        let outs = self.channels[1];
        let mut parts = 1;
        while planes * parts < PIECES
            && outs.is_multiple_of(2 * parts * FILTERS)
            && outs / (2 * parts) >= LEAST_OUTS
        {
            parts *= 2;
        }
        let mut images = 1;
        if self.groups == 1 {
            // Images too small for a block of their own share one.
            let tiles: usize = self.target.map(|size| size.div_ceil(4)).iter().product();
            while images * tiles < TILES[0] && planes >= 2 * images * PIECES {
                images *= 2;
            }
        }
        (images, parts)
    }

    fn plan(&self, images: usize, outs: usize) -> Plan {
        let [ins, _] = self.channels;
        let [tiles_h, tiles_w] = self.target.map(|size| size.div_ceil(4));
        let tiles = images * tiles_h * tiles_w;
        let most = (BLOCK / (PLACES * ins))
            .next_multiple_of(TILES[0])
            .clamp(TILES[0], TILES[1]);
        // Blocks of one size.
        let block = tiles
            .div_ceil(tiles.div_ceil(most).max(1))
            .next_multiple_of(16);
        Plan {
            channels: [ins, outs],
            source: self.source,
            target: self.target,
            before: self.before,
            block: block.max(16),
        }
    }
}
