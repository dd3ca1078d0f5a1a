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
//! 36 for every pair of an input and an output channel.
//!
//! **Error.** The transforms weigh and add neighbours, which cancels digits, so
//! the points that they interpolate at matter: with ±¾ and ±1½ the rounding error
//! is twice that of the definition, where the usual ±1 and ±2 make it four to
//! ten times. Smaller tiles, F(2 × 2, 3 × 3), have two thirds of the definition's
//! error, and take half as long again.

use super::Epilogue;
use super::direct::part;
use super::geometry::Conv2dGeometry;
use crate::element::Float;
use crate::simd::{self, FILTERS, InstructionSet, PLACES, POINTS, Plan, WIDE, Winograd};
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
    let kernel = |group, o, c| part(w, (group * outs + o) * ins + c, 9);
    layer.run(set, geometry.cost(), x, kernel, epilogue, y);
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
    let kernel = |group, c, o| part(w, (group * outs + o) * ins + c, 9);
    let plain = Epilogue {
        bias: None,
        relu: false,
    };
    layer.run(set, geometry.cost(), g, kernel, plain, x);
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
    /// `kernel(group, o, c)` has nine taps.
    fn run<'a, T: Float>(
        &self,
        set: InstructionSet,
        cost: usize,
        x: &[T],
        kernel: impl Fn(usize, usize, usize) -> &'a [T] + Send + Sync,
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
                let kernel = |o: usize, c| kernel(group, first + o, c);
                simd::wide(|| transform(&plan, filters, count, self.turned, kernel));
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

/// G w Gᵀ of `count` output channels, at most eight, and all input channels.
#[inline(always)]
fn transform<'a, T: Float>(
    plan: &Plan,
    filters: &mut [T],
    count: usize,
    turned: bool,
    kernel: impl Fn(usize, usize) -> &'a [T],
) {
    let [a, b] = POINTS.map(|point| point * point);
    let at_zero = T::of(1.0 / (a * b));
    let at_points = [0.5 / (a * (a - b)), 0.5 / (b * (b - a))].map(T::of);
    let (points, squares) = (POINTS.map(T::of), [a, b].map(T::of));
    // G: from three numbers six.
    let to_points = |[first, middle, last]: [[T; FILTERS]; 3]| {
        let mut out = [[T::ZERO; FILTERS]; WIDE];
        for o in 0..FILTERS {
            out[0][o] = at_zero * first[o];
            for i in 0..2 {
                let outer = first[o] + squares[i] * last[o];
                let inner = points[i] * middle[o];
                out[2 * i + 1][o] = at_points[i] * (outer + inner);
                out[2 * i + 2][o] = at_points[i] * (outer - inner);
            }
            out[5][o] = last[o];
        }
        out
    };
    for c in 0..plan.channels[0] {
        let mut taps = [[T::ZERO; FILTERS]; 9];
        for o in 0..count {
            for (tap, &weight) in taps.iter_mut().zip(kernel(o, c)) {
                tap[o] = weight;
            }
        }
        if turned {
            taps.reverse();
        }
        let columns = [0, 1, 2].map(|j| to_points([taps[j], taps[3 + j], taps[6 + j]]));
        for i in 0..WIDE {
            let row = to_points(columns.map(|column| column[i]));
            for (j, place) in row.iter().enumerate() {
                let at = (WIDE * i + j) * plan.filters_step() + c * FILTERS;
                filters[at..][..FILTERS].copy_from_slice(place);
            }
        }
    }
}
