//! The kernels against the loops without vectors.

use super::*;
use crate::ops::max_pool2d::by_lines_with_indices;
use crate::{Float, MaxPool2dOptions, Tensor};

/// Every set of instructions against the loops without vectors, with ties,
/// infinities and NaN in plenty.
fn agrees<T: Float>(shape: &[usize], options: &MaxPool2dOptions) {
    agrees_with::<T>(shape, options, f64::NAN);
    agrees_with::<T>(shape, options, 1.5);
}

fn agrees_with<T: Float>(shape: &[usize], options: &MaxPool2dOptions, special: f64) {
    let odd = [0.0, 1.0, 2.0, -1.0, f64::NEG_INFINITY, special, 2.0, 1.0];
    let len: usize = shape.iter().product();
    let x: Vec<T> = (0..len).map(|i| T::of(odd[(i * i / 7 + i) % 8])).collect();
    agrees_on(shape, options, &x);
}

fn agrees_on<T: Float>(shape: &[usize], options: &MaxPool2dOptions, x: &[T]) {
    let geometry = options.geometry(shape).unwrap();
    let len = x.len();
    let out: usize = geometry.output_shape().iter().product();
    let (mut want, mut indices) = (vec![T::ZERO; out], vec![0; out]);
    by_lines_with_indices(&geometry, x, &mut want, &mut indices);
    let g: Vec<T> = (0..out).map(|i| T::of((i % 9) as f64 - 4.0)).collect();
    let g = Tensor::from_vec(geometry.output_shape(), g).unwrap();
    let indices = Tensor::from_vec(geometry.output_shape(), indices).unwrap();
    let back = g.max_pool2d_scatter(&indices, shape).unwrap();
    let same = |a: &[T], b: &[T], what: &str| {
        for (i, (a, b)) in a.iter().zip(b).enumerate() {
            let equal = a == b || (a.is_nan() && b.is_nan());
            assert!(
                equal,
                "{what} {i}: {a:?}, not {b:?} ({shape:?}, {options:?})"
            );
        }
    };
    for set in InstructionSet::available() {
        let mut y = vec![T::of(7.0); out];
        assert!(forward_with(set, &geometry, x, &mut y, &mut []));
        same(&y, &want, "maximum");
        let (mut y, mut at) = (vec![T::of(7.0); out], vec![77; out]);
        assert!(forward_with(set, &geometry, x, &mut y, &mut at));
        same(&y, &want, "maximum");
        let [_, out_plane] = geometry.planes();
        for (at, indices) in at
            .chunks(out_plane)
            .zip(indices.as_slice().chunks(out_plane))
        {
            for_each_place(&geometry, at, |o, index| {
                assert_eq!(index as i64, indices[o], "{o} of {shape:?}, {options:?}");
            });
        }
        let mut dx = vec![T::of(7.0); len];
        scatter_with(set, &geometry, g.as_slice(), &at, &mut dx);
        same(&dx, back.as_slice(), "gradient");
    }
}

#[test]
fn every_width_and_window_on_every_instruction_set() {
    let pool = |size: usize| MaxPool2dOptions::new(size);
    let uneven = |height, width| MaxPool2dOptions::new((height, width));
    let options = [
        pool(2),
        pool(2).ceil_mode(true),
        pool(2).stride(1),
        pool(2).stride(2).padding(1),
        pool(3).stride(2).padding(1),
        pool(3).stride(2).padding(1).ceil_mode(true),
        pool(3).stride(2),
        pool(3).stride(2).ceil_mode(true),
        pool(3).stride(2).padding((0, 1)),
        pool(3).stride(2).padding((1, 0)),
        pool(3).stride(1).padding(1),
        pool(3).stride(1),
        pool(3).stride(1).padding((1, 0)),
        pool(3).stride(1).padding((0, 1)),
        pool(4).stride(1).padding(1),
        pool(4).stride(2).padding(1),
        pool(3).stride(2).dilation(2).padding(1),
        pool(6).stride(2).padding(3),
        pool(5).stride(1).padding(2).dilation(3),
        uneven(1, 3).stride((2, 3)).padding((0, 1)),
        uneven(3, 2).stride((1, 4)).dilation((1, 3)).padding(1),
    ];
    for width in 1..=70 {
        for (n, options) in options.iter().enumerate() {
            let shape = [2, 1 + (width + n) % 3, 3 + (width + n) % 5, width];
            if options.geometry(&shape).is_ok() {
                agrees::<f32>(&shape, options);
                agrees::<f64>(&shape, options);
            }
        }
    }
}

#[test]
fn a_lone_nan_wins_its_windows() {
    let shape = [1, 6, 37];
    let pool = |stride: usize| MaxPool2dOptions::new(3).stride(stride);
    let options = [1, 2].map(|stride| [pool(stride), pool(stride).padding(1)]);
    let options = options.concat();
    for (at, options) in (0..6 * 37).flat_map(|at| options.iter().map(move |o| (at, o))) {
        let mut x: Vec<f32> = (0..6 * 37).map(|i| (i * 7 % 5) as f32).collect();
        x[at] = f32::NAN;
        agrees_on(&shape, options, &x);
    }
}

#[test]
fn a_window_of_more_than_a_byte_is_left_to_others() {
    let geometry = |kernel: (usize, usize)| {
        let options = MaxPool2dOptions::new(kernel).stride(1);
        options.geometry(&[1, 20, 20]).unwrap()
    };
    assert!(Sorted::new(&geometry((16, 16))).is_some());
    assert!(Sorted::new(&geometry((16, 17))).is_none());
    agrees::<f32>(&[1, 20, 20], &MaxPool2dOptions::new(16).stride(1));
}
