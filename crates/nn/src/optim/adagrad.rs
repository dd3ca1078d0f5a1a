//! Adagrad, with PyTorch's formulas (`torch.optim.Adagrad`).
//!
//! ```text
//! g ← g + weight_decay · p
//! s ← s + g²                                  (from initial_accumulator_value)
//! p ← p − lr / (1 + (t − 1) · lr_decay) · g / (√s + eps)
//! ```
//!
//! **Cost.** One sweep over parameter, gradient and sum of squares.

use tensor::{AdagradOptions, Float, Result, Tensor};

use super::groups::{Memory, Rule, optimizer};

optimizer! {
    /// Adagrad (Duchi, Hazan and Singer, 2011): each component is divided by the
    /// root of the sum of its squares.
    ///
    /// ```
    /// use autograd::{Parameter, Tape};
    /// use tensor::Tensor;
    /// use wengert_nn::{Adagrad, Optimizer};
    ///
    /// let mut w: Parameter = Parameter::new(Tensor::from([1.0, -2.0]));
    /// let mut adagrad = Adagrad::new(0.5)?;
    /// for _ in 0..100 {
    ///     let grads = Tape::new().parameter(&w).square()?.sum()?.backward()?;
    ///     adagrad.step(&mut w, &grads)?;
    /// }
    /// assert!(w.value().iter().all(|x| x.abs() < 0.05));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    Adagrad = "adagrad", AdagradOptions, AdagradOptions::default();

    /// The options of [`Adagrad`]; what is not set is PyTorch's default.
    AdagradBuilder {
        /// By how much the rate's divisor grows with each step.
        lr_decay: f64,
        /// The L2 penalty, added to the gradient first.
        weight_decay: f64,
        /// What the sum of squares starts from.
        initial_accumulator_value: f64,
        /// What keeps the divisor from 0: 1e-10, added to the root.
        eps: f64,
        /// Whether to ascend.
        maximize: bool,
    }
}

impl Rule for AdagradOptions {
    const SLOTS: &'static [&'static str] = &["sum"];

    fn check<T: Float>(&self, op: &'static str) -> Result<()> {
        self.check::<T>(op)
    }

    fn lr(&self) -> f64 {
        self.lr
    }

    fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
    }

    fn needs(&self, _: &str) -> bool {
        true
    }

    fn step<T: Float>(
        &self,
        p: &mut Tensor<T>,
        g: &Tensor<T>,
        memory: &mut Memory<T>,
    ) -> Result<()> {
        let [sum, ..] = &mut memory.slots;
        let initial = T::of(self.initial_accumulator_value);
        let sum = sum.get_or_insert_with(|| {
            let mut sum = p.zeros_like();
            sum.fill(initial);
            sum
        });
        p.adagrad_step(sum, g, memory.step, self)
    }
}
