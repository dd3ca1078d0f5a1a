//! The input gradient as a matrix product whose columns are added up.
//!
//! ```text
//! columns[c, i, j][p, q] = Σ_o w[o, c, i, j] · g[n, o, p, q]
//! x[n, c, p + i·d − before, q + j·d − before] += columns[c, i, j][p, q]
//! ```
//!
//! As a convolution of g with the kernel turned round, the input gradient has a
//! sum for each pixel of the input, most of whose taps may lie outside of g: a
//! plane of 14 × 14 that a kernel of 5 × 5 left 10 × 10 of is found by twice the
//! multiplications that it takes. Here is one for each multiply-add of the
//! definition, and then one addition for each of a column's numbers
//! ([`FoldColumns`]).
//!
//! **Cost.** The multiply-adds; the columns of an image, written and read once:
//! for few output channels that is what takes the time.
//!
//! **Side by side.** A plane of 100 pixels leaves 12 of 112 lanes empty, four of
//! them none. So the product is one of a few images together, if there are many.
//!
//! The unit of work is that product, or one group of an image.

use super::direct::part;
use super::geometry::Conv2dGeometry;
use crate::element::Float;
use crate::gemm::{Operand, gemm};
use crate::simd::conv_columns::FoldColumns;
use crate::simd::{self, InstructionSet};
use crate::{par, scratch};

/// The most images side by side.
const TOGETHER: usize = 4;
/// The most numbers that their columns are, which must stay in the far cache.
const COLUMNS: usize = 1 << 16;
/// Pieces of work that there should be.
const MANY: usize = 8;
/// Numbers in the longest vector.
const LANES: usize = 16;

/// How many images side by side leave the fewest lanes empty.
fn together(geometry: &Conv2dGeometry) -> usize {
    let ([ins, _], [_, out_plane]) = (geometry.group_channels(), geometry.planes());
    let room = COLUMNS / (ins * geometry.taps() * out_plane).max(1);
    let most = TOGETHER.min(geometry.images() / MANY).min(room);
    if geometry.groups > 1 || most < 2 {
        return 1;
    }
    // Lanes for each image, times a number that all counts divide.
    let lanes = |count: &usize| (count * out_plane).next_multiple_of(LANES) * 12 / count;
    (1..=most).min_by_key(lanes).unwrap_or(1)
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
    let (window, weights) = (&geometry.window, ins * geometry.taps());
    debug_assert_eq!(window.stride, [1, 1]);
    let (image, together) = (ins * in_plane, together(geometry));
    par::for_each_piece(x, together * image, geometry.cost(), |i, x| {
        // The last piece may have fewer images.
        let count = x.len() / image;
        let first = i * together * outs * out_plane;
        let g = &g[first..first + count * outs * out_plane];
        let w = Operand::Transposed(part(w, i % geometry.groups, outs * weights));
        let plane = count * out_plane;
        scratch::with(weights * plane, |columns| {
            if count == 1 {
                gemm([weights, plane, outs], w, Operand::Plain(g), columns, false);
            } else {
                scratch::with(outs * plane, |side_by_side| {
                    for (i, to) in side_by_side.chunks_exact_mut(out_plane).enumerate() {
                        let (o, image) = (i / count, i % count);
                        to.copy_from_slice(part(g, image * outs + o, out_plane));
                    }
                    let g = Operand::Plain(side_by_side);
                    gemm([weights, plane, outs], w, g, columns, false);
                });
            }
            for (i, x) in x.chunks_exact_mut(image).enumerate() {
                let fold = FoldColumns {
                    columns: &columns[i * out_plane..],
                    plane,
                    output: geometry.output,
                    kernel: window.kernel,
                    dilation: window.dilation,
                    before: window.padding_before,
                    x,
                    input: geometry.input,
                };
                simd::run(set, fold);
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::super::{Conv2dKernel, Conv2dOptions, oracle};
    use super::*;

    fn check(input: [usize; 4], weight: [usize; 4], options: &Conv2dOptions) {
        oracle::check_input(Conv2dKernel::Columns, input, weight, options);
    }

    #[test]
    fn every_width_and_number_of_channels() {
        let plain = Conv2dOptions::default();
        for size in 1..=40 {
            check([1, 2, 5, size + 4], [3, 2, 3, 5], &plain);
            check([2, 1, 3, size], [2, 1, 2, 3], &plain.padding(1));
            check([1, size, 6, 7], [4, size, 3, 2], &plain.padding((0, 1)));
            check([1, 3, 5, 6], [size, 3, 2, 2], &plain);
        }
    }

    #[test]
    fn dilations_groups_and_wide_padding() {
        let plain = Conv2dOptions::default();
        for (input, weight, options) in [
            ([2, 4, 9, 11], [6, 2, 3, 3], plain.groups(2)),
            (
                [1, 2, 12, 23],
                [3, 2, 3, 2],
                plain.dilation((2, 3)).padding(3),
            ),
            ([1, 1, 3, 4], [2, 1, 2, 2], plain.padding((4, 5))),
            ([1, 2, 7, 5], [2, 2, 7, 5], plain),
            ([0, 2, 9, 9], [5, 2, 3, 3], plain),
            // Images side by side: four and one or three left, two and one left.
            ([33, 2, 6, 8], [3, 2, 3, 4], plain),
            ([35, 2, 6, 8], [3, 2, 3, 4], plain),
            ([17, 1, 8, 6], [3, 1, 3, 4], plain),
        ] {
            check(input, weight, &options);
        }
        let geometry = Conv2dGeometry::new(&[33, 2, 6, 8], &[3, 2, 3, 4], &plain).unwrap();
        assert_eq!(together(&geometry), 4);
    }
}
