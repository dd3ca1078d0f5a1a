//! Against difference quotients, and at the ends.

mod against_torch;

use tensor::{Approximate, Result, Tensor};

use crate::backward::grad;
use crate::gradcheck::{Gradcheck, gradcheck};
use crate::ops::testing::{same, spaced, torch};
use crate::tape::Tape;
use crate::var::Var;

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

type Activation = fn(&Var<f64>) -> Result<Var<f64>>;

/// Those without a kink, and with one at 0 at most.
const SMOOTH: [(&str, Activation); 12] = [
    ("gelu", |x| x.gelu(Approximate::None)),
    ("gelu tanh", |x| x.gelu(Approximate::Tanh)),
    ("silu", Var::silu),
    ("mish", Var::mish),
    ("softplus", |x| x.softplus(1.0, 20.0)),
    ("softplus sharp", |x| x.softplus(3.0, 4.0)),
    ("logsigmoid", Var::logsigmoid),
    ("erf", Var::erf),
    ("elu", |x| x.elu(0.7)),
    ("selu", Var::selu),
    ("celu", |x| x.celu(-1.5)),
    ("softsign", Var::softsign),
];

/// Those of straight lines.
const STRAIGHT: [(&str, Activation); 5] = [
    ("relu6", Var::relu6),
    ("hardtanh", |x| x.hardtanh(-0.5, 0.9)),
    ("leaky_relu", |x| x.leaky_relu(0.3)),
    ("hardsigmoid", Var::hardsigmoid),
    ("hardswish", Var::hardswish),
];

/// No product of 0 and infinity anywhere, to second order.
#[test]
fn far_from_zero_values_and_gradients_are_finite() {
    for (name, f) in SMOOTH.into_iter().chain(STRAIGHT) {
        let x = Tape::new().leaf(Tensor::from([-800.0, -90.0, 90.0, 800.0]));
        let y = f(&x).unwrap();
        let first = grad(&y.sum().unwrap(), &[&x]).unwrap().remove(0);
        let second = first.square().unwrap().sum().unwrap();
        // Straight lines that are flat here have no second order.
        let second = crate::grad_or_none(&second, &[&x]).unwrap().remove(0);
        // celu with a negative alpha grows like an exponential.
        let steep = name == "celu";
        for x in [Some(y), Some(first), second].into_iter().flatten() {
            assert!(
                steep || x.value().iter().all(|x: &f64| x.is_finite()),
                "{name}: {x:?}"
            );
        }
    }
}

#[test]
fn softplus_is_straight_beyond_its_threshold_and_not_at_it() {
    // show(lambda x: F.softplus(x, 2.0, 1.0), [0.25, 0.5, 0.75])
    torch(
        |x| x[0].softplus(2.0, 1.0),
        [Tensor::from([0.25, 0.5, 0.75])],
        [0.487_038_492_090_053_34, 0.656_630_843_759_111_4, 0.75],
        [Tensor::from([
            0.622_459_331_201_854_6,
            0.731_058_578_630_004_9,
            1.0,
        ])],
    );
    let x = Tape::new().leaf(Tensor::from([0.25, 0.5, 0.75]));
    let y = x.softplus(2.0, 1.0).unwrap().sum().unwrap();
    let slope = grad(&y, &[&x]).unwrap()[0].sum().unwrap();
    let bend = grad(&slope, &[&x]).unwrap().remove(0);
    same(
        bend.value(),
        &Tensor::from([0.470_007_424_403_189, 0.0, 0.0]),
    );
}

#[test]
fn agree_with_difference_quotients() {
    let signed = || Tensor::from([[-1.7, -0.3], [0.4, 1.2]]);
    let third = Gradcheck {
        order: 3,
        ..Gradcheck::default()
    };
    for (name, f) in SMOOTH {
        for x in [
            signed(),
            Tensor::scalar(0.8),
            Tensor::zeros([2, 0]).unwrap(),
        ] {
            let checked = gradcheck(|x| f(&x[0]), &[x]);
            assert!(checked.is_ok(), "{name}: {checked:?}");
        }
        let checked = third.check(|x| f(&x[0]), &[signed()]);
        assert!(checked.is_ok(), "{name}: {checked:?}");
    }
    for (name, f) in STRAIGHT {
        for x in [
            signed(),
            Tensor::from([-4.0, 2.5, 5.0, 7.0]),
            Tensor::scalar(0.8),
            Tensor::zeros([2, 0]).unwrap(),
        ] {
            let checked = gradcheck(|x| f(&x[0])?.square(), &[x]);
            assert!(checked.is_ok(), "{name}: {checked:?}");
        }
    }
}

#[test]
fn learned_slopes_agree_with_difference_quotients() {
    let signed = |shape: &[usize]| &spaced(shape) - 1.03;
    for (shape, weight) in [
        (&[2, 3, 2][..], &[3][..]),
        (&[2, 3], &[3]),
        (&[2, 3], &[1]),
        (&[2, 3], &[]),
        (&[5], &[1]),
        (&[], &[]),
        (&[0, 3], &[3]),
        (&[2, 0], &[0]),
    ] {
        let inputs = [signed(shape), spaced(weight)];
        gradcheck(|x| x[0].prelu(&x[1]), &inputs).unwrap();
        gradcheck(|x| x[0].prelu(&x[1])?.square(), &inputs).unwrap();
    }
    // x = [[-4., 4.], [0., nan]]; show(F.prelu, x, [0.25, 0.5])
    torch(
        |x| x[0].prelu(&x[1]),
        [
            Tensor::from([[-4.0, 4.0], [0.0, NAN]]),
            Tensor::from([0.25, 0.5]),
        ],
        [[-1.0, 4.0], [0.0, NAN]],
        [
            Tensor::from([[0.25, 1.0], [0.25, 0.5]]),
            Tensor::from([-4.0, NAN]),
        ],
    );
}

/// In the slope a kink is of one side, in its derivative straight: PyTorch's.
#[test]
fn the_second_order_at_a_kink_is_zero() {
    let tape = Tape::new();
    let (x, w) = (
        tape.leaf(Tensor::from([0.0])),
        tape.leaf(Tensor::from([0.5])),
    );
    for f in [
        |x: &Var<f64>| x.elu(0.7),
        Var::selu,
        |x: &Var<f64>| x.celu(0.7),
    ] {
        let slope = grad(&f(&x).unwrap().sum().unwrap(), &[&x]).unwrap();
        let bend = grad(&slope[0].sum().unwrap(), &[&x]).unwrap();
        assert_eq!(bend[0].value().to_vec(), [0.0]);
    }
    let y = x.prelu(&w).unwrap().sum().unwrap();
    let slopes = grad(&y, &[&x, &w]).unwrap();
    assert_eq!(slopes[0].value().to_vec(), [0.5]);
    for slope in slopes {
        let mixed = crate::grad_or_none(&slope.sum().unwrap(), &[&x, &w]).unwrap();
        assert!(mixed.iter().flatten().all(|m| m.value().to_vec() == [0.0]));
    }
}

/// The gradient is written where it was, unless someone else has it.
#[test]
fn a_gradient_is_written_over_only_where_it_is_not_shared() {
    let x = Tape::new().leaf(Tensor::from([-1.0, 0.5]));
    let twice = x.silu().unwrap().add(&x.relu6().unwrap()).unwrap();
    let grads = twice.sum().unwrap().backward().unwrap();
    // Both branches were given the same gradient.
    let silu = |x: f64| {
        let s = 1.0 / (1.0 + (-x).exp());
        s * (1.0 + x * (1.0 - s))
    };
    same(
        grads.get(&x).unwrap(),
        &Tensor::from([silu(-1.0), silu(0.5) + 1.0]),
    );
}

#[test]
fn what_cannot_be_is_refused() {
    let tape = Tape::new();
    let x = tape.leaf(spaced(&[2, 3]));
    assert!(x.celu(0.0).is_err());
    assert!(x.hardtanh(1.0, -1.0).is_err());
    for weight in [&[2][..], &[1, 1], &[3, 1], &[0]] {
        assert!(x.prelu(&tape.leaf(spaced(weight))).is_err(), "{weight:?}");
    }
    let line = tape.leaf(spaced(&[3]));
    assert!(line.prelu(&line).is_err());
    assert!(tape.leaf(Tensor::scalar(1.0)).prelu(&line).is_err());
    // Of another tape.
    assert!(x.prelu(&Tape::new().leaf(Tensor::scalar(1.0))).is_err());
}
