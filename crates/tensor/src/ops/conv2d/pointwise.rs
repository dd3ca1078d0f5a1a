//! Convolution with a kernel of one tap and no padding, and its input gradient:
//! matrix products.
//!
//! ```text
//! y[n, o, p] = b[o] + Σ_c w[o, c] · x[n, c, p · s]
//! x[n, c, p] = Σ_o w[o, c] · g[n, o, p]                    (at stride 1)
//! ```
//!
//! Both operands lie as the kernel ([`Pointwise`]) reads them, but for a panel
//! of pixels that it copies for itself.
//!
//! **Cost.** The multiply-adds; every pixel is read once and written once.
//!
//! The unit of work is an image, or a run of its pixels if there are few images.

use super::Epilogue;
use super::direct::part;
use super::geometry::Conv2dGeometry;
use crate::element::Float;
use crate::simd::conv_pointwise::{PackPointwise, Pointwise, panel_len};
use crate::simd::gemm::Block;
use crate::simd::{self, InstructionSet};
use crate::{par, scratch};

/// Images (and groups) that are pieces enough by themselves.
const MANY: usize = 4;
/// Pixels of a run of an image's: whole vectors, and whole panels of the longest.
const RUN: usize = 48;

/// y = b + x ⋆ w.
pub(super) fn forward<T: Float>(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
) {
    let ([ins, outs], [in_plane, out_plane]) = (geometry.group_channels(), geometry.planes());
    let [down, across] = geometry.window.stride;
    let (width, step) = if [down, across] == [1, 1] {
        // The rows are one.
        (out_plane, [in_plane, 1])
    } else {
        (geometry.output[1], [down * geometry.input[1], across])
    };
    let product = Product {
        set,
        geometry,
        channels: [ins, outs],
        strides: [ins, 1],
        planes: [in_plane, out_plane],
        width,
        step,
    };
    product.run(x, w, epilogue, y);
}

/// x = the adjoint applied to g, at stride 1.
pub(super) fn input<T: Float>(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    g: &[T],
    w: &[T],
    x: &mut [T],
) {
    let ([ins, outs], [in_plane, out_plane]) = (geometry.group_channels(), geometry.planes());
    let product = Product {
        set,
        geometry,
        channels: [outs, ins],
        strides: [1, ins],
        planes: [out_plane, in_plane],
        width: in_plane,
        step: [in_plane, 1],
    };
    let epilogue = Epilogue {
        bias: None,
        relu: false,
    };
    product.run(g, w, epilogue, x);
}

/// The products of all images with the weights of their groups.
struct Product<'a> {
    set: InstructionSet,
    geometry: &'a Conv2dGeometry,
    /// Channels of a group: those summed over and those found.
    channels: [usize; 2],
    /// From the weight of one found channel to the next, and of one that is
    /// summed over.
    strides: [usize; 2],
    /// Pixels of a channel: of the source and of the result.
    planes: [usize; 2],
    /// Pixels of the result in a row.
    width: usize,
    /// In the source, from row to row and from pixel to pixel.
    step: [usize; 2],
}

impl Product<'_> {
    fn run<T: Float>(&self, source: &[T], w: &[T], epilogue: Epilogue<'_, T>, result: &mut [T]) {
        let groups = self.geometry.groups;
        let ([ins, outs], [from, to]) = (self.channels, self.planes);
        let weights = ins * outs;
        let cost = self.geometry.cost();
        scratch::with(groups * weights, |packed| {
            for (group, packed) in packed.chunks_exact_mut(weights.max(1)).enumerate() {
                let pack = PackPointwise {
                    w: part(w, group, weights),
                    sizes: [outs, ins],
                    strides: self.strides,
                    packed,
                };
                simd::run(self.set, pack);
            }
            let packed = &*packed;
            let run = |image: usize, first: usize, y: Block<'_, T>| {
                let group = image % groups;
                scratch::with(panel_len(ins), |panel| {
                    let kernel = Pointwise {
                        x: part(source, image, ins * from),
                        plane: from,
                        channels: ins,
                        first,
                        width: self.width,
                        step: self.step,
                        w: part(packed, group, weights),
                        bias: epilogue.bias.map(|bias| part(bias, group, outs)),
                        relu: epilogue.relu,
                        y,
                        panel,
                    };
                    simd::run(self.set, kernel);
                });
            };
            let images = self.geometry.images() * groups;
            let runs = MANY.div_ceil(images.max(1)).min(to.div_ceil(RUN));
            if runs == 1 {
                par::for_each_piece(result, outs * to, cost, |image, y| {
                    run(image, 0, Block::new(y, [outs, to]));
                });
                return;
            }
            let mut pieces = Vec::with_capacity(images * runs);
            for (image, y) in result.chunks_exact_mut(outs * to).enumerate() {
                let (mut rest, mut first) = (Block::new(y, [outs, to]), 0);
                for i in 1..=runs {
                    let end = (to.div_ceil(RUN) * i / runs * RUN).min(to);
                    let (piece, others) = rest.split_columns(end - first);
                    pieces.push((image, first, piece));
                    (rest, first) = (others, end);
                }
            }
            par::for_each_item(pieces, cost, |(image, first, y)| run(image, first, y));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Conv2dKernel, Conv2dOptions, oracle};

    fn check(input: [usize; 4], [outs, groups]: [usize; 2], stride: [usize; 2]) {
        let options = Conv2dOptions::default().stride(stride).groups(groups);
        let weight = [outs, input[1] / groups, 1, 1];
        oracle::check_forward(Conv2dKernel::Pointwise, input, weight, &options);
        if stride == [1, 1] {
            oracle::check_input(Conv2dKernel::Pointwise, input, weight, &options);
        }
    }

    #[test]
    fn every_width() {
        for width in 1..=40 {
            check([1, 3, 3, width], [9, 1], [1, 1]);
            check([5, 2, 1, width], [3, 1], [1, 1]);
            for stride in [[2, 2], [3, 1], [1, 3], [2, 1]] {
                check([1, 2, 5, width], [4, 1], stride);
            }
        }
    }

    #[test]
    fn every_number_of_pixels() {
        for pixels in 41..=200 {
            check([1, 2, 1, pixels], [2, 1], [1, 1]);
        }
    }

    #[test]
    fn every_number_of_channels() {
        for outs in 1..=40 {
            check([1, 3, 4, 13], [outs, 1], [1, 1]);
            check([2, outs, 4, 5], [7, 1], [1, 1]);
            check([2, 4, 6, 9], [2 * outs, 2], [2, 2]);
        }
    }

    #[test]
    fn no_images() {
        check([0, 3, 4, 13], [5, 1], [1, 1]);
    }
}
