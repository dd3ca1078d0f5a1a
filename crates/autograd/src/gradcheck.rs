//! Gradients against finite differences, to any order.
//!
//! A function f of some tensors is reduced to a scalar s = ⟨c, f(x)⟩ with fixed
//! random weights c, so that one gradient speaks for the whole Jacobian. The
//! tape's gradient of s is compared, element by element, with the central
//! difference (s(x + h) − s(x − h)) / 2h. For the second order the same is done
//! to t = Σ ⟨vᵢ, ∂s/∂xᵢ⟩ with other random weights, whose differences are taken
//! of the tape's own first gradients; and so on.
//!
//! In f64 with h = 1e-6 the difference is good to about nine digits for a
//! function whose values and third derivatives are of the order of 1. Kinks
//! must lie further than h from the inputs.
//!
//! **Cost.** Two evaluations of f for each element of each input, and order.

use tensor::random::Generator;
use tensor::{Error, Result, Tensor};

use crate::backward::grad_or_none;
use crate::tape::Tape;
use crate::var::Var;

/// Checks a function's gradients to first and second order with the usual
/// tolerances; [`Gradcheck`] has the options.
///
/// ```
/// use tensor::Tensor;
/// use wengert_autograd::gradcheck;
///
/// let (a, b) = (Tensor::from([[1.0, -2.0]]), Tensor::from([[0.5], [3.0]]));
/// gradcheck(|x| x[0].mul(&x[1])?.mul(&x[0]), &[a, b])?;
/// # Ok::<(), tensor::Error>(())
/// ```
///
/// # Errors
/// [`Error::Value`] that says which element of which input disagrees, and by how much;
/// what the function itself returns.
pub fn gradcheck(
    f: impl Fn(&[Var<f64>]) -> Result<Var<f64>>,
    inputs: &[Tensor<f64>],
) -> Result<()> {
    Gradcheck::default().check(f, inputs)
}

/// The options of a gradient check.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gradcheck {
    /// The highest order that is checked; all lower ones are, too.
    pub order: usize,
    /// The step h of the central difference.
    pub step: f64,
    /// The absolute tolerance.
    pub atol: f64,
    /// The tolerance relative to the difference quotient.
    pub rtol: f64,
    /// The seed of the random weights.
    pub seed: u64,
}

impl Default for Gradcheck {
    /// Second order, h = 1e-6, tolerances 1e-6 absolute and 1e-5 relative.
    fn default() -> Self {
        Self {
            order: 2,
            step: 1e-6,
            atol: 1e-6,
            rtol: 1e-5,
            seed: 0,
        }
    }
}

type Function<'f> = dyn Fn(&[Var<f64>]) -> Result<Var<f64>> + 'f;

impl Gradcheck {
    /// Checks the gradients of `f` at the given inputs. Inputs that are to be
    /// held fixed are captured by the closure.
    ///
    /// # Errors
    /// [`Error::Value`] that says which element of which input disagrees, and
    /// by how much; what the function itself returns.
    pub fn check(
        &self,
        f: impl Fn(&[Var<f64>]) -> Result<Var<f64>>,
        inputs: &[Tensor<f64>],
    ) -> Result<()> {
        if !(self.step > 0.0 && self.step.is_finite()) {
            return Err(Error::value(
                "gradcheck",
                format!("the step must be positive, got {}", self.step),
            ));
        }
        if self.order == 0 {
            return Err(Error::value(
                "gradcheck",
                "the order must be positive, got 0: nothing would be checked",
            ));
        }
        for (name, tolerance) in [("atol", self.atol), ("rtol", self.rtol)] {
            if !(tolerance >= 0.0 && tolerance.is_finite()) {
                return Err(Error::value(
                    "gradcheck",
                    format!("{name} must be finite and not negative, got {tolerance}"),
                ));
            }
        }
        for order in 1..=self.order {
            self.check_order(&f, inputs, order)?;
        }
        Ok(())
    }

    fn check_order(&self, f: &Function<'_>, inputs: &[Tensor<f64>], order: usize) -> Result<()> {
        let tape = Tape::new();
        let leaves: Vec<_> = inputs
            .iter()
            .map(|input| tape.leaf(input.clone()))
            .collect();
        let derivative = self.derivative(f, &leaves, order - 1)?;
        let gradients = gradients_or_zeros(&derivative, &leaves)?;
        for (which, (input, gradient)) in inputs.iter().zip(&gradients).enumerate() {
            for at in 0..input.len() {
                let shifted = |by: f64| {
                    let mut input = input.clone();
                    input.as_mut_slice()[at] += by;
                    let tape = Tape::new();
                    let leaves: Vec<_> = (0..inputs.len())
                        .map(|i| {
                            tape.leaf(if i == which {
                                input.clone()
                            } else {
                                inputs[i].clone()
                            })
                        })
                        .collect();
                    self.derivative(f, &leaves, order - 1)?.item()
                };
                let numeric = (shifted(self.step)? - shifted(-self.step)?) / (2.0 * self.step);
                let ours = gradient.value().as_slice()[at];
                // Against an infinite quotient any tolerance would be infinite
                // too; NaN on one side alone disagrees.
                let near = (ours - numeric).abs() <= self.atol + self.rtol * numeric.abs();
                let agrees = if numeric.is_finite() {
                    near
                } else {
                    ours == numeric || ours.is_nan() && numeric.is_nan()
                };
                if !agrees {
                    return Err(Error::value(
                        "gradcheck",
                        format!(
                            "order {order}, input {which} {:?}, element {at}: the tape says {ours}, the difference quotient {numeric}",
                            input.shape()
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// The scalar whose gradient is the derivative of the next order.
    fn derivative(&self, f: &Function<'_>, leaves: &[Var<f64>], order: usize) -> Result<Var<f64>> {
        let mut rng = Generator::new(self.seed);
        let mut weighted = |x: &Var<f64>| {
            let weights = Tensor::uniform(x.shape(), 0.5, 1.5, &mut rng)?;
            x.mul(&x.constant(weights))?.sum()
        };
        let mut scalar = weighted(&f(leaves)?)?;
        for _ in 0..order {
            let mut sum = scalar.constant(Tensor::scalar(0.0));
            for gradient in gradients_or_zeros(&scalar, leaves)? {
                sum = sum.add(&weighted(&gradient)?)?;
            }
            scalar = sum;
        }
        Ok(scalar)
    }
}

fn gradients_or_zeros(output: &Var<f64>, leaves: &[Var<f64>]) -> Result<Vec<Var<f64>>> {
    let gradients = grad_or_none(output, &leaves.iter().collect::<Vec<_>>())?;
    let or_zeros = |(gradient, leaf): (Option<Var<f64>>, &Var<f64>)| {
        gradient.unwrap_or_else(|| leaf.constant(leaf.value().zeros_like()))
    };
    Ok(gradients.into_iter().zip(leaves).map(or_zeros).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::pull;

    fn wrong(x: &Var<f64>) -> Result<Var<f64>> {
        let saved = x.save();
        let value = x.value().map(|x| x * x);
        // 2x + 1e-3 is not the derivative of x².
        let rule = pull(move |g: &Var<f64>| {
            let slope = saved
                .on(g)
                .mul_scalar(2.0)?
                .add(&g.constant(Tensor::scalar(1e-3)))?;
            g.mul(&slope)
        });
        Var::record("wrong", value, [(x, rule)])
    }

    #[test]
    fn a_wrong_gradient_is_found_and_named() {
        let error = gradcheck(|x| wrong(&x[0]), &[Tensor::from([1.0, 2.0])]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("order 1, input 0 [2], element 0"),
            "{error}"
        );
    }

    #[test]
    fn a_wrong_second_derivative_is_found() {
        // The first derivative of x³ is right in value, but detached from x.
        let f = |x: &[Var<f64>]| {
            let square = x[0].value().map(|x| 3.0 * x * x);
            let value = x[0].value().map(|x| x * x * x);
            Var::record(
                "cube",
                value,
                [(
                    &x[0],
                    pull(move |g: &Var<f64>| g.mul(&g.constant(square.clone()))),
                )],
            )
        };
        let inputs = [Tensor::from([1.5])];
        Gradcheck {
            order: 1,
            ..Gradcheck::default()
        }
        .check(f, &inputs)
        .unwrap();
        let error = gradcheck(f, &inputs).unwrap_err();
        assert!(error.to_string().contains("order 2"), "{error}");
    }

    #[test]
    fn third_order_and_linear_functions_pass() {
        let check = Gradcheck {
            order: 3,
            ..Gradcheck::default()
        };
        check
            .check(
                |x| x[0].mul(&x[0])?.mul(&x[0]),
                &[Tensor::from([0.7, -1.2])],
            )
            .unwrap();
        check
            .check(|x| x[0].mul_scalar(3.0), &[Tensor::from([0.7, -1.2])])
            .unwrap();
        // A function of nothing has the gradient zero.
        check
            .check(
                |x| Ok(x[0].constant(Tensor::from([5.0]))),
                &[Tensor::from([0.7])],
            )
            .unwrap();
    }

    #[test]
    fn an_infinite_quotient_agrees_with_nothing_finite() {
        let jump = |x: &[Var<f64>]| {
            let value = x[0]
                .value()
                .map(|x| if x > 1.0 { f64::INFINITY } else { 0.0 });
            Var::record(
                "jump",
                value,
                [(&x[0], pull(|g: &Var<f64>| g.mul_scalar(3.0)))],
            )
        };
        assert!(gradcheck(jump, &[Tensor::from([1.0])]).is_err());
        let lenient = Gradcheck {
            atol: f64::INFINITY,
            ..Gradcheck::default()
        };
        assert!(
            lenient
                .check(|x| wrong(&x[0]), &[Tensor::from([1.0])])
                .is_err()
        );
    }
}
