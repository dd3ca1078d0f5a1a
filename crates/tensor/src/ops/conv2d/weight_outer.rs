//! The weight gradient as a sum of outer products.
//!
//! ```text
//! w[o, c, i, j] = Σ_n Σ_{p, q} g[n, o, p, q] · x[n, c, p·s + i·d − before, q·s + j·d − before]
//! ```
//!
//! The kernel ([`OuterProducts`]) adds up an image for a block of output
//! channels. It reads the image with its padding, so that is copied, with zeros
//! around it. For a kernel of one tap without padding the image is read where it
//! is: there copies took a sixth of the time. For the same reason a block is
//! twice as large then, and the image is read half as often.
//!
//! **Pieces.** A block of output channels is independent of the others. Where
//! there are fewer blocks than [`PIECES`], the images are divided into runs,
//! each with sums of its own, which are then added in order. A single image is
//! divided by its input channels.
//!
//! **Cost.** The multiply-adds, those with padding included; a copy of the
//! image, unless the kernel has one tap, and a transposition of the gradient for
//! each piece.

use super::geometry::Conv2dGeometry;
use crate::element::{Element, Float};
use crate::simd::conv_weight_outer::{OuterProducts, PANEL, ROOM};
use crate::simd::{self, InstructionSet};
use crate::{par, scratch};

/// Pieces that large work is cut into, at least where it can be.
const PIECES: usize = 4;
/// Work that is worth a piece, as [`par`] counts it.
const PIECE: usize = par::multiply_adds(1 << 18);
/// Input weights transposed at a time, at the end.
const STRIP: usize = 64;

/// w = Σ_n g[n] ⊗ windows(x[n]).
pub(super) fn weight<T: Float>(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    x: &[T],
    g: &[T],
    w: &mut [T],
) {
    let plan = Plan::of(geometry);
    scratch::with(plan.runs * plan.len(), |sums| {
        par::for_each_piece(sums, plan.part_len, geometry.cost(), |piece, sums| {
            plan.sum(set, geometry, x, g, piece, sums);
        });
        let (first, others) = sums.split_at_mut(plan.len());
        for run in others.chunks_exact(plan.len()) {
            simd::wide(|| {
                first
                    .iter_mut()
                    .zip(run)
                    .for_each(|(sum, &run)| *sum += run);
            });
        }
        plan.unpack(first, w);
    });
}

/// How the work is cut: a function of the geometry.
struct Plan {
    /// Output channels, input channels and weights of an output channel, of a
    /// group.
    outs: usize,
    ins: usize,
    weights: usize,
    /// Output channels of a block, and the blocks of a group.
    block: usize,
    blocks: usize,
    groups: usize,
    /// Runs of images.
    runs: usize,
    run: usize,
    /// Parts of a group's input channels.
    parts: usize,
    part: usize,
    /// Sums of a part of a block.
    part_len: usize,
    /// Whether the image is read where it is.
    in_place: bool,
    /// What is read of a plane, from one row to the next, from one plane to the
    /// next.
    extents: [usize; 2],
    pitch: usize,
    plane: usize,
}

impl Plan {
    fn of(geometry: &Conv2dGeometry) -> Self {
        let ([ins, outs], groups) = (geometry.group_channels(), geometry.groups);
        let (images, taps) = (geometry.images(), geometry.taps());
        let wanted = (geometry.cost() / PIECE).clamp(1, PIECES);
        let in_place = geometry.is_pointwise();
        let panels = if in_place && outs > PANEL { 2 } else { 1 };
        let block = panels * PANEL;
        let blocks = outs.div_ceil(block);
        let runs = wanted.div_ceil(groups * blocks).clamp(1, images.max(1));
        let run = images.div_ceil(runs);
        let parts = wanted.div_ceil(groups * blocks * runs).clamp(1, ins);
        let part = ins.div_ceil(parts);
        let extents = geometry.seen();
        let [pitch, plane] = if in_place {
            [geometry.input[1], geometry.planes()[0]]
        } else {
            // An odd number of cache lines.
            let lines = (extents[0] * extents[1]).div_ceil(16) / 2 * 2 + 1;
            [extents[1], lines * 16]
        };
        Self {
            outs,
            ins,
            weights: ins * taps,
            block,
            blocks,
            groups,
            runs,
            run,
            parts: ins.div_ceil(part),
            part,
            part_len: part * taps * block,
            in_place,
            extents,
            pitch,
            plane,
        }
    }

    /// Sums of a run.
    fn len(&self) -> usize {
        self.groups * self.blocks * self.parts * self.part_len
    }

    /// The sums of one piece: those over a run of images, for a block of
    /// output channels and a part of the input channels.
    fn sum<T: Float>(
        &self,
        set: InstructionSet,
        geometry: &Conv2dGeometry,
        x: &[T],
        g: &[T],
        piece: usize,
        sums: &mut [T],
    ) {
        sums.fill(T::ZERO);
        let (block, part) = (piece / self.parts, piece % self.parts);
        let (group, block) = (block / self.blocks, block % self.blocks);
        let (run, group) = (group / self.groups, group % self.groups);
        let outs = block * self.block..((block + 1) * self.block).min(self.outs);
        let ins = part * self.part..((part + 1) * self.part).min(self.ins);
        let ([in_plane, out_plane], window) = (geometry.planes(), &geometry.window);
        let output = if self.in_place && window.stride == [1, 1] {
            // The rows are one.
            [1, out_plane]
        } else {
            geometry.output
        };
        let len = if self.in_place {
            0
        } else {
            ins.len() * self.plane
        };
        scratch::with(len + 2 * ALIGNMENT + ROOM, |buffer| {
            let (padded, room) = aligned(buffer).split_at_mut(len);
            let room = aligned(room);
            for image in run * self.run..((run + 1) * self.run).min(geometry.images()) {
                let first = image * geometry.in_channels + group * self.ins;
                let planes = first + ins.start..first + ins.end;
                let x = &x[planes.start * in_plane..planes.end * in_plane];
                let x = if self.in_place {
                    x
                } else {
                    self.pad(geometry, x, padded);
                    &*padded
                };
                let first = image * geometry.out_channels + group * self.outs;
                let planes = first + outs.start..first + outs.end;
                let g = &g[planes.start * out_plane..planes.end * out_plane];
                let kernel = OuterProducts {
                    x,
                    plane: self.plane,
                    channels: ins.len(),
                    kernel: window.kernel,
                    tap_step: [window.dilation[0] * self.pitch, window.dilation[1]],
                    // (Of a single row there is no next one, however far.)
                    pixel_step: [window.stride[0].wrapping_mul(self.pitch), window.stride[1]],
                    in_place: self.in_place,
                    g,
                    output,
                    next: [
                        geometry.in_channels * in_plane,
                        geometry.out_channels * out_plane,
                    ],
                    block: self.block,
                    sums,
                    room,
                };
                simd::run(set, kernel);
            }
        });
    }

    /// Copies planes of an image to what its windows see of it, zero outside.
    fn pad<T: Float>(&self, geometry: &Conv2dGeometry, image: &[T], padded: &mut [T]) {
        let [height, width] = geometry.input;
        let [rows, columns] = self.extents;
        let [top, left] = geometry.window.padding_before;
        let (left, end) = (left.min(columns), (left + width).min(columns));
        let planes = image.chunks_exact((height * width).max(1));
        for (plane, padded) in planes.zip(padded.chunks_exact_mut(self.plane)) {
            let lines = padded[..rows * columns].chunks_exact_mut(columns);
            for (row, line) in lines.enumerate() {
                match row.checked_sub(top).filter(|&row| row < height) {
                    Some(row) => {
                        line[..left].fill(T::ZERO);
                        line[left..end].copy_from_slice(&plane[row * width..][..end - left]);
                        line[end..].fill(T::ZERO);
                    }
                    None => line.fill(T::ZERO),
                }
            }
        }
    }

    /// w[o, k] = sums[block of o][k][o], a strip of weights at a time.
    fn unpack<T: Float>(&self, sums: &[T], w: &mut [T]) {
        let groups = w.chunks_mut((self.outs * self.weights).max(1));
        for (group, w) in groups.enumerate() {
            for (block, w) in w.chunks_mut(self.block * self.weights).enumerate() {
                let len = self.parts * self.part_len;
                let sums = &sums[(group * self.blocks + block) * len..][..len];
                for first in (0..self.weights).step_by(STRIP) {
                    let strip = first..(first + STRIP).min(self.weights);
                    let sums = &sums[first * self.block..];
                    for (o, w) in w.chunks_exact_mut(self.weights).enumerate() {
                        let column = sums.iter().skip(o).step_by(self.block);
                        w[strip.clone()]
                            .iter_mut()
                            .zip(column)
                            .for_each(|(w, &sum)| *w = sum);
                    }
                }
            }
        }
    }
}

/// A cache line, and the longest vector: elements of 4 bytes.
const ALIGNMENT: usize = 16;

/// The buffer from its first cache line on: at most [`ALIGNMENT`] elements less.
fn aligned<T: Element>(buffer: &mut [T]) -> &mut [T] {
    let skip = buffer.as_ptr().align_offset(64).min(ALIGNMENT);
    &mut buffer[skip..]
}

#[cfg(test)]
mod tests {
    use super::super::weight_oracle::{check, each_remainder, each_width};
    use super::*;

    #[test]
    fn every_width_and_remainder_agrees_with_the_definition() {
        for case in each_width().chain(each_remainder()) {
            assert!(!case.is_sparse(), "{case:?}");
            check(
                &case,
                |set, x, g, w| weight(set, &case, x, g, w),
                |set, x, g, w| {
                    weight(set, &case, x, g, w);
                },
            );
        }
    }

    #[test]
    fn an_image_that_is_nearly_all_padding_is_left_to_others() {
        use super::super::Conv2dOptions;
        let options = Conv2dOptions::default().padding(1000).stride(1000);
        let geometry = Conv2dGeometry::new(&[1, 8, 3, 3], &[16, 8, 3, 3], &options).unwrap();
        assert!(geometry.is_sparse());
    }
}
