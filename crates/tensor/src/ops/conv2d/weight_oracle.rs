//! What the weight gradient's kernels are tested with: its definition in f64,
//! and geometries that reach every remainder.

use super::{Conv2dGeometry, Conv2dOptions};
use crate::element::Float;
use crate::random::Generator;
use crate::simd::InstructionSet;
use crate::tensor::Tensor;
use crate::window::Padding;

/// The seven loops: the sum for each weight, and the sum of magnitudes, which
/// roundings are measured by.
fn definition(geometry: &Conv2dGeometry, x: &[f64], g: &[f64]) -> Vec<[f64; 2]> {
    let [outs, ins, kh, kw] = geometry.weight_shape();
    let ([height, width], [out_h, out_w]) = (geometry.input, geometry.output);
    let window = &geometry.window;
    let at = |axis: usize, out: usize, tap: usize, size: usize| {
        let padded = out * window.stride[axis] + tap * window.dilation[axis];
        let at = padded.checked_sub(window.padding_before[axis]);
        at.filter(|&at| at < size)
    };
    let mut w = Vec::new();
    for o in 0..outs {
        let first = o / (outs / geometry.groups) * ins;
        for (c, i, j) in (0..ins * kh * kw).map(|k| (k / (kh * kw), k / kw % kh, k % kw)) {
            let mut sum = [0.0; 2];
            for n in 0..geometry.images() {
                let x = &x[(n * geometry.in_channels + first + c) * height * width..];
                let g = &g[(n * outs + o) * out_h * out_w..];
                for (p, row) in (0..out_h).filter_map(|p| Some((p, at(0, p, i, height)?))) {
                    for (q, column) in (0..out_w).filter_map(|q| Some((q, at(1, q, j, width)?))) {
                        let product = x[row * width + column] * g[p * out_w + q];
                        sum = [sum[0] + product, sum[1] + product.abs()];
                    }
                }
            }
            w.push(sum);
        }
    }
    w
}

/// Compares both types' kernels with the definition, for every instruction set:
/// within a few roundings of the sum of magnitudes.
pub(super) fn check(
    geometry: &Conv2dGeometry,
    single: impl Fn(InstructionSet, &[f32], &[f32], &mut [f32]),
    double: impl Fn(InstructionSet, &[f64], &[f64], &mut [f64]),
) {
    let mut generator = Generator::new(11);
    let mut draw = |shape: Vec<usize>| Tensor::<f64>::randn(shape, &mut generator).unwrap();
    // Numbers that both types hold.
    let [x, g] =
        [geometry.input_shape(), geometry.output_shape()].map(|shape| draw(shape).cast::<f32>());
    let wide = [x.cast::<f64>(), g.cast::<f64>()];
    let expected = definition(geometry, wide[0].as_slice(), wide[1].as_slice());
    for set in InstructionSet::available() {
        compare(geometry, set, &expected, [&x, &g], &single);
        compare(geometry, set, &expected, wide.each_ref(), &double);
    }
}

fn compare<T: Float>(
    geometry: &Conv2dGeometry,
    set: InstructionSet,
    expected: &[[f64; 2]],
    [x, g]: [&Tensor<T>; 2],
    weight: &impl Fn(InstructionSet, &[T], &[T], &mut [T]),
) {
    // Whatever the output held before is gone.
    let mut w = vec![T::of(f64::NAN); expected.len()];
    weight(set, x.as_slice(), g.as_slice(), &mut w);
    let epsilon = num_traits::Float::epsilon();
    let epsilon: T = epsilon;
    for (k, (w, [sum, magnitude])) in w.iter().zip(expected).enumerate() {
        let error = (w.as_f64() - sum).abs();
        assert!(
            error <= 8.0 * epsilon.as_f64() * magnitude,
            "weight {k}: {w:?}, not {sum}, by {set} for {geometry:?}"
        );
    }
}

fn geometry(input: [usize; 4], weight: [usize; 4], options: &Conv2dOptions) -> Conv2dGeometry {
    Conv2dGeometry::new(&input, &weight, options).unwrap()
}

/// Every width from 1 to 40, and some that are much wider.
pub(super) fn each_width() -> impl Iterator<Item = Conv2dGeometry> {
    (1..=40).chain([191, 192, 193, 400]).flat_map(|width| {
        let plain = Conv2dOptions::default();
        [
            geometry([2, 2, 5, width], [3, 2, 3, 3], &plain.padding(1)),
            geometry([1, 1, 3, width + 4], [17, 1, 1, 5], &plain),
            geometry([1, 3, 7, width], [5, 3, 3, 1], &plain.stride(2)),
            // One tap, read where it is.
            geometry([2, 9, 3, width], [33, 9, 1, 1], &plain),
            geometry([2, 2, 5, width], [3, 2, 1, 1], &plain.stride((3, 2))),
        ]
    })
}

/// Every number of channels up to a tile and more, and every way to slide.
pub(super) fn each_remainder() -> impl Iterator<Item = Conv2dGeometry> {
    let plain = Conv2dOptions::default();
    let outs = (1..=70).map(move |outs| geometry([1, 2, 4, 5], [outs, 2, 3, 1], &plain));
    let taps = (1..=70).map(move |outs| geometry([1, 2, 4, 5], [outs, 2, 1, 1], &plain));
    let ins = (1..=30).flat_map(move |ins| {
        [7, 20].map(|outs| geometry([2, ins, 4, 5], [outs, ins, 1, 1], &plain))
    });
    let uneven = Padding::Explicit {
        before: [2, 0],
        after: [1, 3],
    };
    let others = [
        geometry([0, 3, 6, 6], [4, 3, 3, 3], &plain),
        geometry(
            [3, 4, 9, 11],
            [12, 2, 3, 2],
            &plain.groups(2).padding(uneven),
        ),
        geometry([2, 6, 9, 11], [9, 2, 3, 3], &plain.groups(3).stride((1, 2))),
        geometry(
            [2, 3, 13, 12],
            [10, 3, 3, 3],
            &plain.dilation((2, 3)).padding(2),
        ),
        geometry(
            [2, 3, 8, 9],
            [20, 3, 5, 5],
            &plain.stride((3, 2)).padding(4),
        ),
        geometry([1, 2, 1, 1], [33, 2, 2, 2], &plain.padding(3)),
        geometry([2, 2, 3, 3], [8, 2, 2, 2], &plain.padding(3)),
        geometry([3, 6, 7, 9], [80, 3, 1, 1], &plain.groups(2).stride(2)),
        geometry([2, 3, 5, 6], [4, 3, 1, 1], &plain.padding(1)),
        // Images, blocks and channels in pieces.
        geometry([5, 8, 16, 16], [33, 8, 3, 3], &plain.padding(1)),
        geometry([7, 6, 14, 14], [16, 6, 5, 5], &plain),
        geometry([1, 24, 16, 16], [16, 24, 3, 3], &plain.padding(1)),
        geometry([6, 20, 16, 32], [130, 20, 1, 1], &plain),
        geometry([1, 30, 32, 32], [65, 30, 1, 1], &plain),
    ];
    outs.chain(taps).chain(ins).chain(others)
}

/// Kernels of 3, 5 and 7 rows at strides of 1 and 2 on planes of every width and
/// height up to 40 and 20, with few channels in a group.
pub(super) fn each_plane() -> impl Iterator<Item = Conv2dGeometry> {
    let plain = Conv2dOptions::default();
    let kinds = [3, 5, 7]
        .into_iter()
        .flat_map(|size| [1, 2].map(|stride| (size, stride)));
    let widths = kinds.clone().flat_map(move |(size, stride)| {
        let options = plain.padding((size / 2, 1)).stride(stride);
        (1..=40).map(move |width| geometry([2, 2, 6, width], [4, 1, size, 3], &options.groups(2)))
    });
    let heights = kinds.flat_map(move |(size, stride)| {
        let options = plain.padding(size / 2).stride(stride);
        (1..=20).map(move |height| geometry([1, 2, height, 5], [1, 2, size, size], &options))
    });
    let uneven = Padding::Explicit {
        before: [2, 0],
        after: [1, 3],
    };
    let others = [
        geometry([0, 3, 6, 6], [3, 1, 3, 3], &plain.groups(3)),
        geometry(
            [3, 4, 9, 11],
            [4, 1, 3, 4],
            &plain.groups(4).padding(uneven),
        ),
        geometry([1, 1, 3, 4], [2, 1, 3, 2], &plain.padding((9, 40))),
        geometry(
            [1, 1, 3, 4],
            [2, 1, 3, 2],
            &plain.padding((9, 40)).stride(2),
        ),
        // Runs of images, blocks of channels, the last one shorter.
        geometry([11, 3, 64, 40], [3, 1, 3, 3], &plain.groups(3).padding(1)),
        geometry([5, 30, 33, 32], [30, 1, 5, 5], &plain.groups(30).padding(2)),
    ];
    widths.chain(heights).chain(others)
}
