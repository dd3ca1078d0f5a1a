//! The weight gradient as inner products of planes.
//!
//! ```text
//! w[o, c, i, j] = Σ_n ⟨g[n, o], x[n, c] shifted by the tap⟩
//! ```
//!
//! The kernel ([`InnerProducts`]) adds up an image for all weights of a group.
//! It reads the image with its padding from scratch memory
//! ([`padded`](super::padded)) and the gradient where it is. The sums are
//! vectors that stay in scratch memory from image to image; their lanes are
//! added once, at the end.
//!
//! **Pieces.** Groups are independent. Where there are fewer than [`PIECES`],
//! the images are divided into runs, each with sums of its own, which are then
//! added in order. A single image is divided by its output channels.
//!
//! **Cost.** The multiply-adds, those with padding included; a copy of the image.

use super::geometry::Conv2dGeometry;
use super::padded::{Correlation, Layout};
use crate::element::Float;
use crate::simd::conv_weight_inner::{InnerProducts, SUM};
use crate::simd::{self, InstructionSet};
use crate::{par, scratch};

/// Pieces that large work is cut into, at least where it can be.
const PIECES: usize = 4;
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
    let plan = Plan::of(set, geometry);
    let piece = |i: usize, sums: &mut [T]| plan.sum(x, g, i, sums);
    if plan.runs == 1 {
        par::for_each_piece(w, plan.len(), geometry.cost(), piece);
        return;
    }
    scratch::with(plan.runs * w.len(), |sums| {
        par::for_each_piece(sums, plan.len(), geometry.cost(), piece);
        let (first, others) = sums.split_at(w.len());
        w.copy_from_slice(first);
        for run in others.chunks_exact(w.len()) {
            simd::wide(|| w.iter_mut().zip(run).for_each(|(w, &sum)| *w += sum));
        }
    });
}

/// How the work is cut: a function of the geometry.
struct Plan<'a> {
    set: InstructionSet,
    geometry: &'a Conv2dGeometry,
    correlation: Correlation,
    layout: Layout,
    /// Runs of images.
    runs: usize,
    run: usize,
    /// Output channels of a piece, blocks of them in a group.
    block: usize,
    blocks: usize,
}

impl<'a> Plan<'a> {
    fn of(set: InstructionSet, geometry: &'a Conv2dGeometry) -> Self {
        let ([_, outs], images) = (geometry.group_channels(), geometry.images());
        let wanted = (geometry.cost() / PIECE).clamp(1, PIECES);
        let runs = wanted.div_ceil(geometry.groups).clamp(1, images.max(1));
        let run = images.div_ceil(runs).max(1);
        let wanted = wanted.div_ceil(geometry.groups * runs).min(outs);
        // Blocks of one length.
        let blocks = (1..=wanted)
            .rev()
            .find(|&blocks| outs.is_multiple_of(blocks));
        let blocks = blocks.unwrap_or(1);
        let correlation = Correlation::of(geometry);
        Self {
            set,
            geometry,
            layout: correlation.layout(),
            correlation,
            runs,
            run,
            block: outs / blocks,
            blocks,
        }
    }

    /// Weights of a piece.
    fn len(&self) -> usize {
        self.block * self.geometry.group_channels()[0] * self.geometry.taps()
    }

    /// The weights of one piece: a run of images and a block of output channels.
    fn sum<T: Float>(&self, x: &[T], g: &[T], piece: usize, w: &mut [T]) {
        let geometry = self.geometry;
        let (group, block) = (piece / self.blocks, piece % self.blocks);
        let (run, group) = (group / geometry.groups, group % geometry.groups);
        let ([ins, outs], [in_plane, out_plane]) = (geometry.group_channels(), geometry.planes());
        let padded = if self.layout.in_place {
            0
        } else {
            self.layout.len(ins)
        };
        scratch::with(w.len() * SUM + padded, |buffer| {
            let (sums, padded) = buffer.split_at_mut(w.len() * SUM);
            sums.fill(T::ZERO);
            for image in run * self.run..((run + 1) * self.run).min(geometry.images()) {
                let first = image * geometry.in_channels + group * ins;
                let x = &x[first * in_plane..(first + ins) * in_plane];
                let first = image * geometry.out_channels + group * outs + block * self.block;
                let g = &g[first * out_plane..(first + self.block) * out_plane];
                let x = if self.layout.in_place {
                    x
                } else {
                    self.layout.fill(&self.correlation, x, padded);
                    &*padded
                };
                let kernel = InnerProducts {
                    x,
                    plane: self.layout.plane,
                    pitch: self.layout.pitch,
                    channels: ins,
                    taps: &self.layout.taps,
                    g,
                    output: geometry.output,
                    sums,
                };
                simd::run(self.set, kernel);
            }
            let sums = sums.chunks_exact(SUM);
            simd::wide(|| w.iter_mut().zip(sums).for_each(|(w, sum)| *w = total(sum)));
        });
    }
}

/// The sum of the lanes of a weight, halves added to halves.
#[inline]
pub(super) fn total<T: Float>(sum: &[T]) -> T {
    let mut lanes = [T::ZERO; SUM];
    lanes.copy_from_slice(sum);
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::super::weight_oracle::{check, each_remainder, each_width};
    use super::*;

    #[test]
    fn every_width_and_remainder_agrees_with_the_definition() {
        for case in each_width().chain(each_remainder()) {
            check(
                &case,
                |set, x, g, w| weight(set, &case, x, g, w),
                |set, x, g, w| weight(set, &case, x, g, w),
            );
        }
    }
}
