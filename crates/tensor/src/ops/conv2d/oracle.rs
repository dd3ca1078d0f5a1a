//! What the kernels of a convolution and of its input gradient are tested with:
//! the definition in f64.

use std::fmt::Debug;

use super::{Conv2dGeometry, Conv2dOptions, Epilogue, direct};
use crate::element::Float;
use crate::random::Generator;
use crate::simd::InstructionSet;
use crate::tensor::Tensor;

/// One kernel's loops, either of which it may lack: then it says false.
pub(super) trait Loops: Copy + Debug {
    fn forward<T: Float>(
        self,
        set: InstructionSet,
        geometry: &Conv2dGeometry,
        x: &[T],
        w: &[T],
        epilogue: Epilogue<'_, T>,
        y: &mut [T],
    ) -> bool;

    fn input<T: Float>(
        self,
        set: InstructionSet,
        geometry: &Conv2dGeometry,
        g: &[T],
        w: &[T],
        x: &mut [T],
    ) -> bool;
}

/// Compares a kernel with the definition, in f32 and f64 on every instruction
/// set, into memory that holds NaN.
pub(super) fn check(
    loops: impl Loops,
    input: [usize; 4],
    weight: [usize; 4],
    options: &Conv2dOptions,
) {
    let geometry = Conv2dGeometry::new(&input, &weight, options).unwrap();
    let mut generator = Generator::new(1);
    let mut draw = |shape: &[usize]| Tensor::<f64>::randn(shape, &mut generator).unwrap();
    let (x, w, b) = (draw(&input), draw(&weight), draw(&weight[..1]));
    let g = draw(&geometry.output_shape());
    // Numbers that both types hold.
    let single = [x, w, b, g].map(|t| t.cast::<f32>());
    let exact = single.each_ref().map(Tensor::cast::<f64>);
    let [x, w, b, g] = exact.each_ref().map(Tensor::as_slice);
    let ys = epilogues(b).map(|epilogue| {
        let mut y = vec![0.0; g.len()];
        direct::forward(&geometry, x, w, epilogue, &mut y);
        y
    });
    let mut dx = vec![0.0; x.len()];
    direct::input(&geometry, g, w, &mut dx);
    compare(loops, &geometry, exact.each_ref(), (&ys, &dx), 1e-12);
    compare(loops, &geometry, single.each_ref(), (&ys, &dx), 1e-4);
}

/// With all that there is, and with nothing.
fn epilogues<T>(bias: &[T]) -> [Epilogue<'_, T>; 2] {
    [(Some(bias), true), (None, false)].map(|(bias, relu)| Epilogue { bias, relu })
}

fn compare<T: Float>(
    loops: impl Loops,
    geometry: &Conv2dGeometry,
    tensors: [&Tensor<T>; 4],
    (ys, dx): (&[Vec<f64>; 2], &[f64]),
    tolerance: f64,
) {
    let [x, w, b, g] = tensors.map(Tensor::as_slice);
    for set in InstructionSet::available() {
        let close = |found: &[T], expected: &[f64], name: &str| {
            for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
                let error = (found.as_f64() - expected).abs();
                assert!(
                    error <= tolerance,
                    "{name}[{i}] {set} {loops:?} {geometry:?}: {found:?} {expected}"
                );
            }
        };
        let mut forward = false;
        for (epilogue, y) in epilogues(b).into_iter().zip(ys) {
            let mut found = vec![T::nan(); y.len()];
            forward = loops.forward(set, geometry, x, w, epilogue, &mut found);
            if forward {
                close(&found, y, "output");
            }
        }
        let mut found = vec![T::nan(); dx.len()];
        let input = loops.input(set, geometry, g, w, &mut found);
        if input {
            close(&found, dx, "input");
        }
        assert!(forward || input, "{loops:?} has no loops for {geometry:?}");
    }
}
