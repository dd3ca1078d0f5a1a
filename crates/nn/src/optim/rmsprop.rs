//! RMSProp, with PyTorch's formulas (`torch.optim.RMSprop`).
//!
//! ```text
//! g ← g + weight_decay · p
//! s ← α · s + (1 − α) · g²
//! m ← α · m + (1 − α) · g                      (if centred)
//! d ← √(centred ? s − m² : s) + eps
//! b ← momentum · b + g / d
//! p ← p − lr · (momentum > 0 ? b : g / d)
//! ```
//!
//! **Cost.** One sweep over parameter, gradient, mean square and, with the
//! options that want them, mean and velocity.

use tensor::{Float, Result, RmsPropOptions, Tensor};

use super::groups::{Memory, Rule, optimizer, zeros};

optimizer! {
    /// RMSProp (Hinton, 2012): each component is divided by the root of the mean
    /// of its squares.
    ///
    /// ```
    /// use autograd::{Parameter, Tape};
    /// use tensor::Tensor;
    /// use wengert_nn::{Optimizer, RmsProp};
    ///
    /// let mut w: Parameter = Parameter::new(Tensor::from([1.0, -2.0]));
    /// let mut rmsprop = RmsProp::builder(0.02).alpha(0.9).centered(true).build()?;
    /// for _ in 0..100 {
    ///     let grads = Tape::new().parameter(&w).square()?.sum()?.backward()?;
    ///     rmsprop.step(&mut w, &grads)?;
    /// }
    /// assert!(w.value().iter().all(|x| x.abs() < 0.1));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    RmsProp = "rmsprop", RmsPropOptions, RmsPropOptions::default();

    /// The options of [`RmsProp`]; what is not set is PyTorch's default.
    RmsPropBuilder {
        /// What share of the mean square is kept from step to step: 0.99.
        alpha: f64,
        /// What keeps the divisor from 0: 1e-8, added to the root.
        eps: f64,
        /// The L2 penalty, added to the gradient first.
        weight_decay: f64,
        /// What share of the velocity is kept from step to step; 0 for none.
        momentum: f64,
        /// Whether the variance, not the mean square, is divided by.
        centered: bool,
        /// Whether to ascend.
        maximize: bool,
    }
}

impl Rule for RmsPropOptions {
    const SLOTS: &'static [&'static str] = &["square_avg", "grad_avg", "momentum_buffer"];

    fn check<T: Float>(&self, op: &'static str) -> Result<()> {
        self.check::<T>(op)
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
    fn needs(&self, slot: &str) -> bool {
        slot == "square_avg" || slot == "grad_avg" && self.centered
    }

    fn step<T: Float>(
        &self,
        p: &mut Tensor<T>,
        g: &Tensor<T>,
        memory: &mut Memory<T>,
    ) -> Result<()> {
        let [square, mean, velocity] = &mut memory.slots;
        let mean = self.centered.then(|| zeros(mean, p));
        let velocity = (self.momentum > 0.0).then(|| zeros(velocity, p));
        p.rmsprop_step(zeros(square, p), [mean, velocity], g, self)
    }
}
