//! Activations: what a network does between its linear layers.
//!
//! `relu`, `sigmoid` and `tanh` are among the functions of `unary.rs`; the others
//! are here, with a function `…_backward` each, the gradient of a sum of results
//! with respect to the input. Names, defaults and what happens at a kink, at
//! infinity and to NaN are PyTorch's.
//!
//! | file | functions | made of |
//! |---|---|---|
//! | `straight.rs` | relu6, hardtanh, leaky_relu, prelu, hardsigmoid, hardswish, softsign | comparisons and products |
//! | `smooth.rs` | elu, selu, celu, gelu, silu, mish, softplus, logsigmoid, erf | exponentials (`curve.rs`) |
//!
//! **A gradient is given to keep.** A `…_backward` takes the gradient by value and
//! writes over it where no one shares it, so a step needs no memory for it. Its
//! shape is the input's.
//!
//! **Cost.** One pass over memory each; the smooth ones take an exponential or two
//! an element, by vectors.

mod curve;
mod smooth;
mod straight;

use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

use super::elementwise::update;
pub(crate) use curve::Curve;
pub(crate) use curve::{slope_loops, value_loops};
pub use smooth::{Approximate, SELU};

/// A gradient at `x` of its shape, each element by `f`.
fn changed<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    mut grad: Tensor<T>,
    f: impl Fn(&mut T, T) + Sync,
) -> Result<Tensor<T>> {
    same_shape(op, x, &grad)?;
    update(grad.as_mut_slice(), x.as_slice(), f);
    Ok(grad)
}

fn same_shape<T: Float>(op: &'static str, x: &Tensor<T>, grad: &Tensor<T>) -> Result<()> {
    if x.has_shape_of(grad) {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!(
            "the gradient has shape {:?}, the input {:?}",
            grad.shape(),
            x.shape()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    /// Each as its definition has it, by the standard library, in `f64`.
    type Formula = (Curve<f64>, fn(f64) -> f64);

    const FORMULAS: [Formula; 6] = [
        (
            Curve::Elu {
                alpha: 0.7,
                scale: 1.5,
                input_scale: 2.0,
            },
            |x| 1.5 * if x > 0.0 { x } else { 0.7 * (2.0 * x).exp_m1() },
        ),
        (Curve::GeluTanh, |x| {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }),
        (Curve::Silu, |x| x / (1.0 + (-x).exp())),
        (Curve::Mish, |x| x * x.exp().ln_1p().tanh()),
        (
            Curve::Softplus {
                beta: 2.0,
                threshold: 3.0,
            },
            |x| {
                if x > 1.5 {
                    x
                } else {
                    (2.0 * x).exp().ln_1p() / 2.0
                }
            },
        ),
        (Curve::LogSigmoid, |x| -(-x).exp().ln_1p()),
    ];

    #[test]
    fn curves_are_their_definitions_and_slopes_their_differences() {
        let x = Tensor::<f64>::uniform([4099], -6.0, 6.0, &mut Generator::new(5)).unwrap();
        let of = |curve, x: &Tensor<f64>| {
            let mut out = x.clone();
            value_loops(curve, x.as_slice(), out.as_mut_slice());
            out
        };
        let all = FORMULAS.iter().map(|(curve, _)| *curve);
        for curve in all.chain([Curve::Gelu, Curve::Erf]) {
            if let Some((_, formula)) = FORMULAS.iter().find(|(other, _)| *other == curve) {
                assert!(
                    of(curve, &x).all_close(&x.map(formula), 1e-13, 1e-15),
                    "{curve:?}"
                );
            }
            let mut slope = x.ones_like();
            slope_loops(curve, x.as_slice(), slope.as_mut_slice());
            let step = 1e-6;
            let (up, down) = (of(curve, &(&x + step)), of(curve, &(&x - step)));
            let quotient = up.sub(&down).unwrap() / (2.0 * step);
            // At a kink the quotient is between.
            let off = quotient.sub(&slope).unwrap().abs();
            let wrong = off.iter().filter(|&&off| off > 1e-8).count();
            assert!(wrong < 5, "{curve:?}: {wrong} slopes");
        }
    }

    #[test]
    fn a_gradient_is_written_over_when_unique() {
        let x = Tensor::from([-1.0, 0.5, f64::NAN]);
        let g = Tensor::from([1.0, 2.0, 3.0]);
        let (held, at) = (g.clone(), g.as_slice().as_ptr());
        let shared = x.hardtanh_backward(g, 0.0, 1.0).unwrap();
        assert_eq!(held.to_vec(), [1.0, 2.0, 3.0]);
        assert_eq!(shared.to_vec(), [0.0, 2.0, 3.0]);
        let unique = x.relu6_backward(held).unwrap();
        assert_eq!(unique.as_slice().as_ptr(), at);
        assert_eq!(unique, shared);
    }
}
