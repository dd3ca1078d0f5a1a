//! What the kernels of a convolution and of its input gradient are tested with:
//! the definition in f64, against which every instruction set computes in f32 and
//! in f64, into memory that holds NaN.

use super::{Conv2dGeometry, Conv2dKernel, Conv2dOptions, Epilogue};
use super::{direct, forward_by, input_by};
use crate::element::Float;
use crate::random::Generator;
use crate::simd::InstructionSet;
use crate::tensor::Tensor;

/// Compares both of a kernel's loops with the definition.
pub(super) fn check(
    kernel: Conv2dKernel,
    input: [usize; 4],
    weight: [usize; 4],
    options: &Conv2dOptions,
) {
    check_forward(kernel, input, weight, options);
    check_input(kernel, input, weight, options);
}

/// Compares the output, with a bias and a rectifier and without.
pub(super) fn check_forward(
    kernel: Conv2dKernel,
    input: [usize; 4],
    weight: [usize; 4],
    options: &Conv2dOptions,
) {
    let geometry = Conv2dGeometry::new(&input, &weight, options).unwrap();
    let single = draw([&input, &weight, &weight[..1]]);
    let exact = single.each_ref().map(Tensor::cast::<f64>);
    for extras in [true, false] {
        let mut y = vec![0.0; geometry.output_shape().iter().product()];
        let [x, w, b] = exact.each_ref().map(Tensor::as_slice);
        direct::forward(&geometry, x, w, epilogue(b, extras), &mut y);
        let run = |set| format!("{kernel:?} by {set}, output of {geometry:?}");
        for set in InstructionSet::available() {
            let [x, w, b] = exact.each_ref().map(Tensor::as_slice);
            compare(&run(set), &y, 1e-12, |found| {
                forward_by(kernel, set, &geometry, x, w, epilogue(b, extras), found);
            });
            let [x, w, b] = single.each_ref().map(Tensor::as_slice);
            compare(&run(set), &y, 1e-4, |found| {
                forward_by(kernel, set, &geometry, x, w, epilogue(b, extras), found);
            });
        }
    }
}

/// Compares the input gradient.
pub(super) fn check_input(
    kernel: Conv2dKernel,
    input: [usize; 4],
    weight: [usize; 4],
    options: &Conv2dOptions,
) {
    let geometry = Conv2dGeometry::new(&input, &weight, options).unwrap();
    let single = draw([&geometry.output_shape(), &weight]);
    let exact = single.each_ref().map(Tensor::cast::<f64>);
    let mut x = vec![0.0; input.iter().product()];
    let [g, w] = exact.each_ref().map(Tensor::as_slice);
    direct::input(&geometry, g, w, &mut x);
    for set in InstructionSet::available() {
        let run = format!("{kernel:?} by {set}, input of {geometry:?}");
        compare(&run, &x, 1e-12, |found| {
            input_by(kernel, set, &geometry, g, w, found);
        });
        let [g, w] = single.each_ref().map(Tensor::as_slice);
        compare(&run, &x, 1e-4, |found| {
            input_by(kernel, set, &geometry, g, w, found);
        });
    }
}

/// Numbers that both types hold.
fn draw<const N: usize>(shapes: [&[usize]; N]) -> [Tensor<f32>; N] {
    let mut generator = Generator::new(1);
    shapes.map(|shape| Tensor::randn(shape, &mut generator).unwrap())
}

fn epilogue<T>(bias: &[T], extras: bool) -> Epilogue<'_, T> {
    Epilogue {
        bias: extras.then_some(bias),
        relu: extras,
    }
}

fn compare<T: Float>(run: &str, expected: &[f64], tolerance: f64, loops: impl FnOnce(&mut [T])) {
    let mut found = vec![T::nan(); expected.len()];
    loops(&mut found);
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found.as_f64() - expected).abs();
        assert!(error <= tolerance, "{run}, {i}: {found:?} {expected}");
    }
}
