//! What the tests of the operations share.

use tensor::random::Generator;
use tensor::{Result, Tensor};

use crate::backward::grad;
use crate::gradcheck::gradcheck;
use crate::tape::Tape;
use crate::var::Var;

/// Numbers that repeat from run to run.
pub(crate) fn random(shape: &[usize]) -> Tensor<f64> {
    Tensor::randn(shape, &mut Generator::new(7)).unwrap()
}

/// The gradient of ⟨weights, f(x)⟩ with respect to x.
pub(crate) fn gradient(
    x: &Tensor<f64>,
    weights: &Tensor<f64>,
    f: impl Fn(&Var<f64>) -> Result<Var<f64>>,
) -> Tensor<f64> {
    let x = Tape::new().leaf(x.clone());
    let y = f(&x).unwrap();
    assert_eq!(y.shape(), weights.shape());
    let sum = y.mul(&y.constant(weights.clone())).unwrap().sum().unwrap();
    grad(&sum, &[&x]).unwrap()[0].value().clone()
}

/// Checks a function's gradients to second order, squared: of a function that
/// is linear in each input the second derivative alone would not notice wrong
/// rules of its rules.
pub(crate) fn check_squared(f: impl Fn(&[Var<f64>]) -> Result<Var<f64>>, inputs: &[Tensor<f64>]) {
    let squared = |x: &[Var<f64>]| {
        let y = f(x)?;
        y.mul(&y)
    };
    gradcheck(squared, inputs).unwrap();
}

/// Checks a linear function A by ⟨Ax, y⟩ = ⟨x, Aᵀy⟩, and numerically.
pub(crate) fn check_linear(x: &Tensor<f64>, f: impl Fn(&Var<f64>) -> Result<Var<f64>>) {
    check_squared(|x| f(&x[0]), std::slice::from_ref(x));

    let value = f(&Tape::inference().constant(x.clone())).unwrap();
    let y = Tensor::randn(value.shape(), &mut Generator::new(8)).unwrap();
    let adjoint = gradient(x, &y, f);
    let dot = |a: &Tensor<f64>, b: &Tensor<f64>| a.mul(b).unwrap().sum();
    let (left, right) = (dot(value.value(), &y), dot(x, &adjoint));
    assert!(left.all_close(&right, 1e-12, 1e-12), "{left} {right}");
}
