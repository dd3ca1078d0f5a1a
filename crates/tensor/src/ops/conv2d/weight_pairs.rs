//! The weight gradient in pairs of planes, one of the gradient and one of the
//! image: for few output channels.
//!
//! ```text
//! w[o, c, i, j] = Σ_n ⟨g[n, o], x[n, c] shifted by the tap⟩
//! ```
//!
//! The kernel ([`PlanePairs`]) reads the images where they are. The sums are
//! vectors that stay in scratch memory from image to image; their lanes are
//! added once, at the end.
//!
//! **Pieces.** Channels of the output are independent. Where there are fewer
//! than [`PIECES`], the images are divided into runs, each with sums of its own,
//! which are then added in order.

use super::direct::part;
use super::geometry::Conv2dGeometry;
use super::weight_inner::total;
use crate::element::Float;
use crate::simd::conv_weight_inner::SUM;
use crate::simd::conv_weight_pairs::PlanePairs;
use crate::simd::{self, InstructionSet};
use crate::{par, scratch};

/// Pieces that large work is cut into.
const PIECES: usize = 8;
/// Work that is worth a piece, as [`par`] counts it.
const PIECE: usize = par::multiply_adds(1 << 18);

/// w = Σ_n ⟨g[n], windows(x[n])⟩.
pub(super) fn weight<T: Float>(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    x: &[T],
    g: &[T],
    w: &mut [T],
) {
    let [ins, _] = geometry.group_channels();
    let channel = ins * geometry.taps();
    let (images, outs) = (geometry.images(), geometry.out_channels);
    let wanted = (geometry.cost() / PIECE).clamp(1, PIECES);
    let block = outs.div_ceil(wanted);
    let runs = wanted.div_ceil(outs).min(images).max(1);
    let run = images.div_ceil(runs);
    // Of the runs there are more than one only if blocks are single channels.
    let blocks = outs.div_ceil(block);
    let piece = |i: usize, w: &mut [T]| {
        let first = i % blocks * block;
        let images = i / blocks * run..((i / blocks + 1) * run).min(images);
        sum(set, geometry, [x, g], images, first, w);
    };
    if runs == 1 {
        par::for_each_piece(w, block * channel, geometry.cost(), piece);
        return;
    }
    scratch::with(runs * w.len(), |sums| {
        par::for_each_piece(sums, channel, geometry.cost(), piece);
        let (first, others) = sums.split_at(w.len());
        w.copy_from_slice(first);
        for run in others.chunks_exact(w.len().max(1)) {
            simd::wide(|| w.iter_mut().zip(run).for_each(|(w, &sum)| *w += sum));
        }
    });
}

/// The weights of some output channels, the first of which is `first`, over a
/// run of images.
fn sum<T: Float>(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    [x, g]: [&[T]; 2],
    images: std::ops::Range<usize>,
    first: usize,
    w: &mut [T],
) {
    let channels = geometry.group_channels();
    let [in_plane, out_plane] = geometry.planes();
    let window = &geometry.window;
    let block = w.len() / (channels[0] * geometry.taps()).max(1);
    scratch::with(w.len() * SUM, |sums| {
        sums.fill(T::ZERO);
        for image in images {
            let g = part(g, image, geometry.out_channels * out_plane);
            let kernel = PlanePairs {
                x: part(x, image, geometry.in_channels * in_plane),
                input: geometry.input,
                g: &g[first * out_plane..(first + block) * out_plane],
                output: geometry.output,
                first,
                channels,
                kernel: window.kernel,
                stride: window.stride,
                before: window.padding_before,
                sums: &mut *sums,
            };
            simd::run(set, kernel);
        }
        let sums = sums.chunks_exact(SUM);
        simd::wide(|| w.iter_mut().zip(sums).for_each(|(w, sum)| *w = total(sum)));
    });
}

#[cfg(test)]
mod tests {
    use super::super::weight_oracle::{check, each_plane};
    use super::*;

    #[test]
    fn every_width_height_and_stride_agrees_with_the_definition() {
        for case in each_plane() {
            check(
                &case,
                |set, x, g, w| weight(set, &case, x, g, w),
                |set, x, g, w| weight(set, &case, x, g, w),
            );
        }
    }
}
