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

use tensor::{Error, Float, Result, SgdOptions, Tensor};

use super::groups::{Memory, Rule, optimizer};

optimizer! {
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
    Sgd = "sgd", SgdOptions, SgdOptions::default();

    /// The options of [`Sgd`]; what is not set is PyTorch's default.
    SgdBuilder {
        /// What share of the velocity is kept from step to step; 0 for none.
        momentum: f64,
        /// What share of the gradient is kept from entering the velocity.
        dampening: f64,
        /// The L2 penalty, added to the gradient before it enters the velocity.
        weight_decay: f64,
        /// Whether a step looks ahead along the velocity. Needs momentum, and no
        /// dampening.
        nesterov: bool,
        /// Whether to ascend.
        maximize: bool,
    }
}

impl Rule for SgdOptions {
    const SLOTS: &'static [&'static str] = &["momentum_buffer"];

    fn check<T: Float>(&self, op: &'static str) -> Result<()> {
        self.check::<T>(op)?;
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            return Err(Error::value(
                op,
                format!(
                    "Nesterov needs momentum and no dampening, got momentum {} and dampening {}",
                    self.momentum, self.dampening
                ),
            ));
        }
        Ok(())
    }

    fn lr(&self) -> f64 {
        self.lr
    }

    fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
    }

    fn momentum(&self) -> Option<f64> {
        Some(self.momentum)
    }

    fn set_momentum(&mut self, momentum: f64) {
        self.momentum = momentum;
    }

    /// Momentum may have come after the last step.
    fn needs(&self, _: &str) -> bool {
        false
    }

    fn step<T: Float>(
        &self,
        p: &mut Tensor<T>,
        g: &Tensor<T>,
        memory: &mut Memory<T>,
    ) -> Result<()> {
        if self.momentum == 0.0 {
            return p.sgd_step(g, self);
        }
        let [velocity, ..] = &mut memory.slots;
        if let Some(velocity) = velocity {
            return p.sgd_momentum_step(velocity, g, self);
        }
        let undampened = Self {
            dampening: 0.0,
            ..*self
        };
        p.sgd_momentum_step(velocity.insert(p.zeros_like()), g, &undampened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Optimizer, Rates};
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
        let bad = |builder: SgdBuilder| {
            let told = format!("{builder:?}");
            assert!(builder.build::<f32>().is_err(), "{told}");
        };
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
