//! Stochastic gradient descent, with PyTorch's formulas (`torch.optim.SGD`).
//!
//! ```text
//! g ← g + weight_decay · p
//! v ← momentum · v + (1 − dampening) · g        (the first v is g itself)
//! p ← p − lr · (nesterov ? g + momentum · v : v)
//! ```
//!
//! **Cost.** One sweep over parameter, gradient and velocity; one velocity a
//! parameter, none without momentum.

use std::collections::BTreeMap;

use autograd::Gradients;
use tensor::{Error, Float, Result, SgdStep, Tensor};

use super::{Optimizer, check_gradients, check_rate};
use crate::module::Visit;

/// Stochastic gradient descent.
///
/// ```
/// use autograd::{Parameter, Tape};
/// use tensor::Tensor;
/// use wengert_nn::{Optimizer, Sgd};
///
/// let mut w: Parameter = Parameter::new(Tensor::from([1.0, -2.0]));
/// let mut sgd = Sgd::builder(0.1).momentum(0.9).build()?;
/// for _ in 0..100 {
///     let tape = Tape::new();
///     let v = tape.parameter(&w);
///     let grads = v.mul(&v)?.sum()?.backward()?;
///     drop(v);
///     sgd.step(&mut w, &grads)?;
/// }
/// assert!(w.value().iter().all(|x| x.abs() < 0.05));
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sgd<T: Float = f32> {
    step: SgdStep,
    allow_missing: bool,
    /// By the parameter's dotted name, as a checkpoint holds them.
    velocities: BTreeMap<String, Tensor<T>>,
}

/// The options of [`Sgd`]; what is not set is PyTorch's default.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct SgdBuilder {
    step: SgdStep,
    allow_missing: bool,
}

impl<T: Float> Sgd<T> {
    /// Plain descent: no momentum, no decay.
    ///
    /// # Errors
    /// [`Error::Value`] unless the rate is finite and not negative.
    pub fn new(lr: f64) -> Result<Self> {
        Sgd::builder(lr).build()
    }

    /// The velocities of the parameters that have moved, by dotted name.
    #[must_use]
    pub fn velocities(&self) -> &BTreeMap<String, Tensor<T>> {
        &self.velocities
    }
}

impl Sgd {
    /// Descent with options, for any element type: that is decided by
    /// [`build`](SgdBuilder::build).
    pub fn builder(lr: f64) -> SgdBuilder {
        SgdBuilder {
            step: SgdStep {
                lr,
                momentum: 0.0,
                dampening: 0.0,
                weight_decay: 0.0,
                nesterov: false,
            },
            allow_missing: false,
        }
    }
}

impl SgdBuilder {
    /// What share of the velocity is kept from step to step; 0 for none.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.step.momentum = momentum;
        self
    }

    /// What share of the gradient is kept from entering the velocity.
    pub fn dampening(mut self, dampening: f64) -> Self {
        self.step.dampening = dampening;
        self
    }

    /// The L2 penalty, added to the gradient before it enters the velocity.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.step.weight_decay = weight_decay;
        self
    }

    /// Whether a step looks ahead along the velocity.
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.step.nesterov = nesterov;
        self
    }

    /// Whether a parameter without a gradient stays where it is instead of
    /// being an error.
    pub fn allow_missing(mut self, allow: bool) -> Self {
        self.allow_missing = allow;
        self
    }

    /// The optimiser.
    ///
    /// # Errors
    /// [`Error::Value`] for a negative, infinite or NaN option, and for Nesterov
    /// without momentum or with dampening, as PyTorch.
    pub fn build<T: Float>(self) -> Result<Sgd<T>> {
        const OP: &str = "sgd";
        let step = self.step;
        check_rate::<T>(OP, "the learning rate", step.lr)?;
        check_rate::<T>(OP, "momentum", step.momentum)?;
        check_rate::<T>(OP, "weight decay", step.weight_decay)?;
        if !step.dampening.is_finite() {
            return Err(Error::value(
                OP,
                format!("dampening must be finite, got {}", step.dampening),
            ));
        }
        if step.nesterov && (step.momentum == 0.0 || step.dampening != 0.0) {
            return Err(Error::value(
                OP,
                format!(
                    "Nesterov needs momentum and no dampening, got momentum {} and dampening {}",
                    step.momentum, step.dampening
                ),
            ));
        }
        Ok(Sgd {
            step,
            allow_missing: self.allow_missing,
            velocities: BTreeMap::new(),
        })
    }
}

impl<T: Float> Sgd<T> {
    /// Refuses a model that is not the one whose velocities these are.
    fn check_velocities(&self, model: &dyn Visit<T>) -> Result<()> {
        for (name, parameter) in model.named_parameters() {
            match self.velocities.get(&name) {
                Some(velocity) if velocity.shape() != parameter.shape() => {
                    return Err(Error::shape(
                        "sgd",
                        format!(
                            "parameter `{name}` has shape {:?}, its velocity {:?}",
                            parameter.shape(),
                            velocity.shape()
                        ),
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl<T: Float> Optimizer<T> for Sgd<T> {
    fn step(&mut self, model: &mut dyn Visit<T>, gradients: &Gradients<T>) -> Result<()> {
        check_gradients("sgd", model, gradients, self.allow_missing)?;
        self.check_velocities(model)?;
        for (name, parameter) in model.named_parameters_mut() {
            if parameter.is_frozen() {
                continue;
            }
            let Some(gradient) = gradients.get(&parameter.id()) else {
                continue;
            };
            let value = parameter.value_mut();
            if self.step.momentum == 0.0 {
                value.sgd_step(gradient, &self.step)?;
            } else if let Some(velocity) = self.velocities.get_mut(&name) {
                value.sgd_momentum_step(velocity, gradient, &self.step)?;
            } else {
                let mut velocity = value.zeros_like();
                let undampened = SgdStep {
                    dampening: 0.0,
                    ..self.step
                };
                value.sgd_momentum_step(&mut velocity, gradient, &undampened)?;
                self.velocities.insert(name, velocity);
            }
        }
        Ok(())
    }

    fn lr(&self) -> f64 {
        self.step.lr
    }

    fn set_lr(&mut self, lr: f64) -> Result<()> {
        self.step.lr = check_rate::<T>("sgd", "the learning rate", lr)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::{Parameter, Tape, Var};

    /// The value of a parameter after some steps on the loss Σ c · p.
    fn run(builder: SgdBuilder, steps: usize) -> Vec<f64> {
        let mut p = Parameter::new(Tensor::from([1.0, -2.0]));
        let mut sgd = builder.build::<f64>().unwrap();
        for step in 0..steps {
            let tape = Tape::new();
            let c = tape.constant(Tensor::from([0.5 + step as f64, -1.0]));
            let grads = tape
                .parameter(&p)
                .mul(&c)
                .unwrap()
                .sum()
                .unwrap()
                .backward()
                .unwrap();
            sgd.step(&mut p, &grads).unwrap();
        }
        p.value().to_vec()
    }

    // Each literal is what this printed, `options` as the test's builder says:
    //     p = torch.tensor([1., -2.], dtype=torch.float64, requires_grad=True)
    //     o = torch.optim.SGD([p], lr=0.1, **options)
    //     for i in range(3):
    //         o.zero_grad(); (p * torch.tensor([0.5 + i, -1.0])).sum().backward(); o.step()
    //     print(p.tolist())
    fn assert_run(builder: SgdBuilder, expected: [f64; 2]) {
        let got = run(builder, 3);
        assert!(
            got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14),
            "{got:?} against {expected:?}"
        );
    }

    #[test]
    fn options_follow_pytorch() {
        let sgd = || Sgd::builder(0.1);
        assert_run(sgd(), [0.5499999999999999, -1.6999999999999997]);
        assert_run(sgd().momentum(0.9), [0.3295, -1.439]);
        assert_run(sgd().momentum(0.9).dampening(0.5), [0.597, -1.584]);
        assert_run(
            sgd().momentum(0.9).weight_decay(0.1).nesterov(true),
            [-0.12202635400000003, -1.050727292],
        );
        assert_run(sgd().weight_decay(0.1), [0.522794, -1.6435879999999998]);
    }

    #[test]
    fn a_missing_gradient_is_named_and_nothing_moves() {
        let mut model = vec![
            Parameter::new(Tensor::from([1.0])),
            Parameter::new(Tensor::from([2.0])),
        ];
        let loss = |model: &[Parameter<f64>]| {
            let v: Var<f64> = Tape::new().parameter(&model[0]);
            v.mul(&v).unwrap().sum().unwrap()
        };
        let grads = loss(&model).backward().unwrap();
        let mut sgd = Sgd::new(0.1).unwrap();
        let error = sgd.step(&mut model, &grads).unwrap_err();
        assert_eq!(
            error.to_string(),
            "sgd: no gradient for parameter `1`: the loss does not depend on it"
        );
        assert_eq!(model[0].value().to_vec(), [1.0]);

        model[1].set_frozen(true);
        sgd.step(&mut model, &grads).unwrap();
        assert_eq!(model[0].value().to_vec(), [0.8]);
        model[1].set_frozen(false);
        let mut lenient = Sgd::builder(0.1)
            .allow_missing(true)
            .build::<f64>()
            .unwrap();
        lenient.step(&mut model, &grads).unwrap();
        assert_eq!(model[1].value().to_vec(), [2.0]);
    }

    #[test]
    fn bad_options_are_errors() {
        let bad = |builder: SgdBuilder| assert!(builder.build::<f32>().is_err(), "{builder:?}");
        bad(Sgd::builder(-0.1));
        bad(Sgd::builder(f64::NAN));
        bad(Sgd::builder(f64::INFINITY));
        bad(Sgd::builder(1e300)); // infinite as f32
        bad(Sgd::builder(0.1).momentum(-1.0));
        bad(Sgd::builder(0.1).weight_decay(f64::NAN));
        bad(Sgd::builder(0.1).nesterov(true));
        bad(Sgd::builder(0.1)
            .momentum(0.9)
            .dampening(0.1)
            .nesterov(true));
        assert!(Sgd::<f32>::new(0.1).unwrap().set_lr(f64::NAN).is_err());
    }
}
