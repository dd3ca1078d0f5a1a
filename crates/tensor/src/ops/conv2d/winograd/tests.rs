//! Winograd's convolution against the definition.

use super::*;
use crate::ops::conv2d::{Conv2dOptions, direct, rows};
use crate::par::with_threads;
use crate::random::Generator;
use crate::tensor::Tensor;

/// Input, weight, bias and gradient, normal numbers.
fn draw(geometry: &Conv2dGeometry, seed: u64) -> [Vec<f64>; 4] {
    let mut generator = Generator::new(seed);
    let shapes = [
        geometry.input_shape(),
        geometry.weight_shape().to_vec(),
        vec![geometry.out_channels],
        geometry.output_shape(),
    ];
    shapes.map(|shape| Tensor::randn(shape, &mut generator).unwrap().to_vec())
}

fn cast<T: Float>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&x| T::of(x)).collect()
}

/// Output and input gradient.
fn winograd<T: Float>(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    [x, w, b, g]: [&[f64]; 4],
    relu: bool,
) -> [Vec<f64>; 2] {
    let (x, w, b, g) = (cast::<T>(x), cast::<T>(w), cast::<T>(b), cast::<T>(g));
    // What was there must not matter.
    let nan = T::of(f64::NAN);
    let (mut y, mut dx) = (vec![nan; g.len()], vec![nan; x.len()]);
    let bias = Some(&b[..]);
    forward(set, geometry, &x, &w, Epilogue { bias, relu }, &mut y);
    input(set, geometry, &g, &w, &mut dx);
    [y, dx].map(|values| values.iter().map(|x| x.as_f64()).collect())
}

fn definition<T: Float>(
    geometry: &Conv2dGeometry,
    [x, w, b, g]: [&[f64]; 4],
    relu: bool,
) -> [Vec<f64>; 2] {
    let (x, w, b, g) = (cast::<T>(x), cast::<T>(w), cast::<T>(b), cast::<T>(g));
    let (mut y, mut dx) = (vec![T::ZERO; g.len()], vec![T::ZERO; x.len()]);
    let bias = Some(&b[..]);
    direct::forward(geometry, &x, &w, Epilogue { bias, relu }, &mut y);
    direct::input(geometry, &g, &w, &mut dx);
    [y, dx].map(|values| values.iter().map(|x| x.as_f64()).collect())
}

/// By the kernel that would run otherwise, in f32.
fn by_rows(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    [x, w, b, g]: [&[f64]; 4],
) -> [Vec<f64>; 2] {
    let (x, w, b, g) = (cast::<f32>(x), cast(w), cast(b), cast(g));
    let (mut y, mut dx) = (vec![0.0; g.len()], vec![0.0; x.len()]);
    let epilogue = Epilogue {
        bias: Some(&b[..]),
        relu: false,
    };
    rows::forward(
        set,
        rows::Vectors::Pixels,
        geometry,
        &x,
        &w,
        epilogue,
        &mut y,
    );
    rows::input(set, rows::Vectors::Pixels, geometry, &g, &w, &mut dx);
    [y, dx].map(|values| values.into_iter().map(f64::from).collect())
}

fn check(input: &[usize], weight: [usize; 4], options: Conv2dOptions) {
    let geometry = Conv2dGeometry::new(input, &weight, &options).unwrap();
    let tensors = draw(&geometry, 3);
    let tensors = tensors.each_ref().map(Vec::as_slice);
    let relu = input[input.len() - 1].is_multiple_of(2);
    let expected = definition::<f64>(&geometry, tensors, relu);
    for set in InstructionSet::available() {
        let single = winograd::<f32>(set, &geometry, tensors, relu);
        let double = winograd::<f64>(set, &geometry, tensors, relu);
        for (found, tolerance) in [(single, 3e-4), (double, 1e-12)] {
            for (which, (found, expected)) in found.iter().zip(&expected).enumerate() {
                for (i, (x, y)) in found.iter().zip(expected).enumerate() {
                    assert!(
                        (x - y).abs() <= tolerance,
                        "{which} at {i} of {input:?} {weight:?} {options:?} {set}: {x} {y}"
                    );
                }
            }
        }
    }
}

fn plain() -> Conv2dOptions {
    Conv2dOptions::default()
}

#[test]
fn every_width_and_height() {
    for size in 1..=40 {
        for (short, padding) in [(3 + size % 5, 0), (1 + size % 7, 1), (1 + size % 3, 2)] {
            if size + 2 * padding >= 3 {
                let (channels, padding) = ([3, 2, 3, 3], plain().padding(padding));
                check(&[1, 2, short, size], channels, padding);
                check(&[2, 2, size, short], channels, padding);
            }
        }
    }
}

#[test]
fn every_remainder_of_channels() {
    for outs in 1..=17 {
        check(&[2, 3, 6, 9], [outs, 3, 3, 3], plain().padding(1));
    }
    for ins in 1..=9 {
        check(&[1, ins, 5, 8], [9, ins, 3, 3], plain());
    }
}

#[test]
fn padding_of_any_size_on_any_side() {
    use crate::window::Padding;
    for sides in 0..256usize {
        let side = |i: u32| sides / 4usize.pow(i) % 4;
        let (before, after) = ([side(0), side(1)], [side(2), side(3)]);
        let options = plain().padding(Padding::Explicit { before, after });
        if 4 + before[0] + after[0] >= 3 && 5 + before[1] + after[1] >= 3 {
            check(&[1, 1, 4, 5], [1, 1, 3, 3], options);
        }
    }
}

#[test]
fn blocks_pieces_and_groups() {
    let same = plain().padding(1);
    // Blocks that end within a row, in the middle of an image.
    check(&[2, 64, 37, 25], [8, 64, 3, 3], same);
    check(&[1, 2, 5, 900], [3, 2, 3, 3], same);
    // Images that share a block, and a last piece with fewer of them.
    check(&[37, 2, 4, 3], [3, 2, 3, 3], same);
    check(&[35, 3, 5, 6], [8, 3, 3, 3], same);
    // Channels of an image in parts.
    check(&[1, 2, 8, 9], [64, 2, 3, 3], same);
    check(&[1, 4, 8, 9], [128, 2, 3, 3], same.groups(2));
    check(&[5, 6, 6, 7], [12, 2, 3, 3], same.groups(3));
    check(&[4, 7, 7], [5, 4, 3, 3], same);
    check(&[0, 4, 7, 7], [5, 4, 3, 3], same);
}

/// The largest error of output and input gradient, and its root mean square, as
/// multiples of those of sums in a row: the largest of these on any instruction
/// set. `shape` makes of normal numbers what is convolved.
fn worst_ratio(ins: usize, outs: usize, size: usize, shape: impl Fn(f64) -> f64) -> f64 {
    let options = plain().padding(1);
    let geometry =
        Conv2dGeometry::new(&[1, ins, size, size], &[outs, ins, 3, 3], &options).unwrap();
    let [x, w, b, g] = draw(&geometry, ins as u64);
    let [x, g] = [x, g].map(|values| values.into_iter().map(&shape).collect::<Vec<_>>());
    // What f32 holds, so that the oracle sees the same numbers.
    let tensors = [x, w, b, g].map(|values| {
        let values = values.iter().map(|&x| f64::from(x as f32));
        values.collect::<Vec<_>>()
    });
    let tensors = tensors.each_ref().map(Vec::as_slice);
    let oracle = definition::<f64>(&geometry, tensors, false);
    let mut worst = 0.0f64;
    for set in InstructionSet::available() {
        let found = winograd::<f32>(set, &geometry, tensors, false);
        let direct = by_rows(set, &geometry, tensors);
        for i in 0..2 {
            let errors = |values: &[f64]| {
                let errors = values.iter().zip(&oracle[i]).map(|(x, y)| (x - y).abs());
                let most = errors.clone().fold(0.0, f64::max);
                let squares: f64 = errors.map(|error| error * error).sum();
                [most, (squares / oracle[i].len() as f64).sqrt()]
            };
            let (by, in_a_row) = (errors(&found[i]), errors(&direct[i]));
            worst = worst.max(by[0] / in_a_row[0]).max(by[1] / in_a_row[1]);
        }
    }
    worst
}

const SIZES: [[usize; 3]; 5] = [
    [16, 32, 28],
    [32, 32, 16],
    [64, 64, 16],
    [128, 128, 8],
    [256, 64, 9],
];

#[test]
fn errors_are_below_four_times_those_of_sums_in_a_row() {
    for [ins, outs, size] in SIZES {
        let ratio = worst_ratio(ins, outs, size, |x| x);
        assert!(ratio < 4.0, "{ins} to {outs} channels: {ratio}");
    }
}

/// Sums of numbers of one sign, or of sizes far apart, err less in a row.
#[test]
fn errors_of_skewed_numbers_are_below_five_times() {
    let rectified = |x: f64| x.max(0.0);
    let lognormal = |x: f64| (2.0 * x).exp();
    for [ins, outs, size] in SIZES {
        let ratios = [
            worst_ratio(ins, outs, size, rectified),
            worst_ratio(ins, outs, size, lognormal),
        ];
        println!("{ins} to {outs} channels: {ratios:?}");
        assert!(ratios.iter().all(|&ratio| ratio < 5.0), "{ratios:?}");
    }
}

#[test]
fn nan_stays_within_the_tiles_that_read_it_and_hides_nowhere() {
    let options = plain().padding(1);
    let geometry = Conv2dGeometry::new(&[1, 2, 12, 14], &[3, 2, 3, 3], &options).unwrap();
    for special in [f64::NAN, f64::INFINITY] {
        for at in [0, 5 * 14 + 6, 12 * 14 + 3, 2 * 12 * 14 - 1] {
            let [mut x, w, b, g] = draw(&geometry, 1);
            x[at] = special;
            let tensors = [&x[..], &w, &b, &g];
            let expected = &definition::<f64>(&geometry, tensors, true)[0];
            let (row, column) = (at / 14 % 12, at % 14);
            for set in InstructionSet::available() {
                let found = &winograd::<f32>(set, &geometry, tensors, true)[0];
                for (i, (x, y)) in found.iter().zip(expected).enumerate() {
                    let (p, q) = (i / 14 % 12 / 4 * 4, i % 14 / 4 * 4);
                    // The tile reads rows p − 1 to p + 4.
                    let reads =
                        (p..p + 6).contains(&(row + 1)) && (q..q + 6).contains(&(column + 1));
                    if y.is_nan() || y.is_infinite() {
                        assert!(x.is_nan() || x == y, "{set} {i}: {x} {y}");
                    } else if !reads {
                        assert!((x - y).abs() < 1e-4, "{set} {i}: {x} {y}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    for (input, weight) in [
        ([37, 16, 4, 4], [16, 16, 3, 3]),
        ([3, 16, 21, 30], [64, 16, 3, 3]),
        ([1, 32, 14, 14], [128, 32, 3, 3]),
    ] {
        let geometry = Conv2dGeometry::new(&input, &weight, &plain().padding(1)).unwrap();
        let tensors = draw(&geometry, 9);
        let run = |threads| {
            let tensors = tensors.each_ref().map(Vec::as_slice);
            let set = InstructionSet::best();
            with_threads(threads, || winograd::<f32>(set, &geometry, tensors, false)).unwrap()
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(7));
    }
}
