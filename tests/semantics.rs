//! What first implementations get wrong: PyTorch's semantics where they surprise,
//! one test for each point. (`tests/fixtures` holds the same and more as data.)

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use wengert::prelude::*;

/// Padding is −∞ and never 0; of equal elements the first one wins, of several NaN
/// the last.
#[test]
fn max_pooling_pads_with_minus_infinity_and_breaks_ties_by_position() {
    let pool = |x: [f64; 4]| {
        let x: Tensor<f64> = Tensor::from(x).reshape([1, 1, 2, 2]).unwrap();
        let options = MaxPool2dOptions::new(2).stride(2);
        let (y, at) = x.max_pool2d_with_indices(&options).unwrap();
        (y.as_slice()[0], at.as_slice()[0])
    };
    assert_eq!(pool([1.0; 4]), (1.0, 0));
    let (y, at) = pool([f64::NAN, 2.0, f64::NAN, 3.0]);
    assert!(y.is_nan());
    assert_eq!(at, 2);

    let x: Tensor<f64> = Tensor::full([1, 1, 2, 2], -5.0).unwrap();
    let padded = MaxPool2dOptions::new(2).stride(2).padding(1);
    let y = x.max_pool2d(&padded).unwrap();
    assert_eq!(y.as_slice(), [-5.0; 4]);

    // argmax takes the first of ties and the first of NaN.
    let x: Tensor<f64> = Tensor::from([1.0, f64::NAN, f64::NAN, 2.0]);
    assert_eq!(x.argmax().unwrap().item().unwrap(), 1);
}
