//! What the tests of the operations share.

use tensor::random::Generator;
use tensor::{Result, Tensor};

use crate::backward::{grad, grad_or_none};
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

/// Compares a function's value and the gradients of its sum with literals that
/// PyTorch printed, 0 standing for an input that is not reached. In the
/// comments beside the literals, `show` is
///
/// ```python
/// def show(f, *xs):
///     xs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in xs]
///     y = f(*xs)
///     print(y, torch.autograd.grad(y.sum(), xs))
/// ```
pub(crate) fn torch<const N: usize>(
    f: impl Fn(&[Var<f64>]) -> Result<Var<f64>>,
    inputs: [Tensor<f64>; N],
    value: impl Into<Tensor<f64>>,
    gradients: [Tensor<f64>; N],
) {
    let tape = Tape::new();
    let leaves = inputs.map(|x| tape.leaf(x));
    let y = f(&leaves).unwrap();
    same(y.value(), &value.into());
    let sum = y.sum().unwrap();
    // Once on a tape that records, once by the sweep that frees.
    let recorded = grad_or_none(&sum, &leaves.each_ref()).unwrap();
    for (got, want) in recorded.iter().zip(&gradients) {
        match got {
            Some(got) => same(got.value(), want),
            None => same(&want.zeros_like(), want),
        }
    }
    let swept = sum.backward().unwrap();
    for (leaf, want) in leaves.iter().zip(gradients) {
        if let Some(got) = swept.get(leaf) {
            same(got, &want);
        }
    }
}

/// Equal to 14 digits, NaN to NaN and infinity to infinity.
pub(crate) fn same(got: &Tensor<f64>, want: &Tensor<f64>) {
    assert_eq!(got.shape(), want.shape());
    for (a, b) in got.iter().zip(want) {
        let close = (a - b).abs() <= 1e-14 * b.abs().max(1.0);
        assert!(
            close || a == b || a.is_nan() && b.is_nan(),
            "{:?} is not {:?}",
            got.to_vec(),
            want.to_vec()
        );
    }
}

/// Random numbers from 0.5 to 1.5, all different: away from every kink at 0,
/// and from each other.
pub(crate) fn spaced(shape: &[usize]) -> Tensor<f64> {
    let len: usize = shape.iter().product();
    let order = Generator::new(len as u64).permutation(len).unwrap();
    let spread = |i: usize| 0.5 + (i as f64 + 0.5) / len as f64;
    Tensor::from_vec(shape, order.into_iter().map(spread).collect()).unwrap()
}

/// Numeric checks to second order at shapes that broadcast in every way.
pub(crate) fn gradcheck_broadcast(
    f: impl Fn(&Var<f64>, &Var<f64>) -> Result<Var<f64>>,
    place: impl Fn(Tensor<f64>) -> Tensor<f64>,
) {
    for (a, b) in [
        (&[2, 3][..], &[2, 3][..]),
        (&[2, 3], &[3]),
        (&[2, 1], &[1, 3]),
        (&[1], &[2, 2]),
        (&[], &[2, 1]),
    ] {
        let inputs = [spaced(a), place(spaced(b))];
        gradcheck(|x| f(&x[0], &x[1]), &inputs).unwrap();
        gradcheck(|x| f(&x[1], &x[0]), &inputs).unwrap();
    }
}
