//! Adam, AMSGrad and AdamW, with PyTorch's formulas (`torch.optim.Adam` and
//! `AdamW`).
//!
//! ```text
//! g ← g + weight_decay · p                 (Adam; AdamW: p ← p − lr · weight_decay · p)
//! m ← β₁ · m + (1 − β₁) · g
//! v ← β₂ · v + (1 − β₂) · g²
//! p ← p − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + eps)
//! ```
//!
//! With `amsgrad` the largest v so far is in the place of v; the largest of what
//! is not corrected, as in PyTorch. t counts the steps of each parameter by
//! itself.
//!
//! A parameter whose gradient is pure rounding (a bias before batch norm) moves
//! like any other: m and √v are both of that size, and their quotient is not
//! small.
//!
//! **Cost.** One sweep over parameter, gradient and two moments, three with
//! `amsgrad`.

use tensor::{AdamOptions, Float, Result, Tensor};

use super::groups::{Memory, Rule, optimizer, zeros};

optimizer! {
    /// Adam (Kingma and Ba, 2015).
    ///
    /// ```
    /// use autograd::{Parameter, Tape};
    /// use tensor::Tensor;
    /// use wengert_nn::{Adam, Optimizer};
    ///
    /// let mut w: Parameter = Parameter::new(Tensor::from([1.0, -2.0]));
    /// let mut adam = Adam::builder(0.1).betas((0.8, 0.99)).build()?;
    /// for _ in 0..100 {
    ///     let grads = Tape::new().parameter(&w).square()?.sum()?.backward()?;
    ///     adam.step(&mut w, &grads)?;
    /// }
    /// assert!(w.value().iter().all(|x| x.abs() < 0.05));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    Adam = "adam", AdamOptions, AdamOptions::default();

    /// The options of [`Adam`]; what is not set is PyTorch's default.
    AdamBuilder {
        /// What share of each moment is kept from step to step: (0.9, 0.999).
        betas: (f64, f64),
        /// What keeps the divisor from 0: 1e-8, added to the root.
        eps: f64,
        /// The L2 penalty, added to the gradient before it enters the moments.
        weight_decay: f64,
        /// Whether the largest second moment so far is divided by (Reddi et al.,
        /// 2018).
        amsgrad: bool,
        /// Whether to ascend.
        maximize: bool,
        /// Whether the decay passes the moments by, as in [`AdamW`].
        decoupled_weight_decay: bool,
    }
}

optimizer! {
    /// Adam with a weight decay that does not go through the moments (Loshchilov
    /// and Hutter, 2019): of 0.01, unless it is set.
    ///
    /// ```
    /// use autograd::{Parameter, Tape};
    /// use tensor::Tensor;
    /// use wengert_nn::{AdamW, Optimizer};
    ///
    /// let mut w: Parameter = Parameter::new(Tensor::from([1.0, -2.0]));
    /// let mut adam = AdamW::builder(0.1).weight_decay(0.5).build()?;
    /// let grads = Tape::new().parameter(&w).mul_scalar(0.0)?.sum()?.backward()?;
    /// adam.step(&mut w, &grads)?;
    /// assert_eq!(w.value().to_vec(), [0.95, -1.9]);
    /// # Ok::<(), tensor::Error>(())
    /// ```
    AdamW = "adamw", AdamOptions, AdamOptions {
        weight_decay: 1e-2,
        decoupled_weight_decay: true,
        ..AdamOptions::default()
    };

    /// The options of [`AdamW`]; what is not set is PyTorch's default.
    AdamWBuilder {
        /// What share of each moment is kept from step to step: (0.9, 0.999).
        betas: (f64, f64),
        /// What keeps the divisor from 0: 1e-8, added to the root.
        eps: f64,
        /// By what share of the learning rate parameters shrink at each step.
        weight_decay: f64,
        /// Whether the largest second moment so far is divided by (Reddi et al.,
        /// 2018).
        amsgrad: bool,
        /// Whether to ascend.
        maximize: bool,
    }
}

impl Rule for AdamOptions {
    const SLOTS: &'static [&'static str] = &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"];

    fn check<T: Float>(&self, op: &'static str) -> Result<()> {
        self.check::<T>(op)
    }

    fn lr(&self) -> f64 {
        self.lr
    }

    fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
    }

    /// β₁.
    fn momentum(&self) -> Option<f64> {
        Some(self.betas.0)
    }

    fn set_momentum(&mut self, momentum: f64) {
        self.betas.0 = momentum;
    }

    fn needs(&self, slot: &str) -> bool {
        slot != "max_exp_avg_sq" || self.amsgrad
    }

    fn step<T: Float>(
        &self,
        p: &mut Tensor<T>,
        g: &Tensor<T>,
        memory: &mut Memory<T>,
    ) -> Result<()> {
        let [m, v, largest] = &mut memory.slots;
        let largest = self.amsgrad.then(|| zeros(largest, p));
        let moments = [zeros(m, p), zeros(v, p)];
        p.adam_step(moments, largest, g, memory.step, self)
    }
}
