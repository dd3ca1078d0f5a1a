//! Adagrad (Duchi, Hazan and Singer, 2011).

use super::sweep::sweep;
use super::{check_rate, check_step, same_shape};
use crate::element::Float;
use crate::error::Result;
use crate::loops::CHECKED;
use crate::tensor::Tensor;

/// The numbers of Adagrad, as `torch.optim.Adagrad` names them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdagradOptions {
    /// The learning rate.
    pub lr: f64,
    /// By how much the rate's divisor grows with each step.
    pub lr_decay: f64,
    /// The L2 penalty that is added to the gradient.
    pub weight_decay: f64,
    /// What the sum of squares starts from.
    pub initial_accumulator_value: f64,
    /// What keeps the divisor from 0.
    pub eps: f64,
    /// Whether to ascend.
    pub maximize: bool,
}

impl Default for AdagradOptions {
    /// PyTorch's.
    fn default() -> Self {
        Self {
            lr: 1e-2,
            lr_decay: 0.0,
            weight_decay: 0.0,
            initial_accumulator_value: 0.0,
            eps: 1e-10,
            maximize: false,
        }
    }
}

impl AdagradOptions {
    /// Refuses numbers with which nothing of type `T` can descend, for the
    /// operation `op`.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) for a number that is negative or not
    /// finite.
    pub fn check<T: Float>(&self, op: &'static str) -> Result<()> {
        check_rate::<T>(op, "the learning rate", self.lr)?;
        check_rate::<T>(op, "lr decay", self.lr_decay)?;
        check_rate::<T>(op, "weight decay", self.weight_decay)?;
        let initial = self.initial_accumulator_value;
        check_rate::<T>(op, "the initial accumulator value", initial)?;
        check_rate::<T>(op, "eps", self.eps)
    }
}

impl<T: Float> Tensor<T> {
    /// One step of Adagrad, the `step`-th of this parameter, in one sweep over
    /// parameter, gradient and sum of squares:
    ///
    /// ```text
    /// g ← g + decay · p
    /// s ← s + g²
    /// p ← p − lr / (1 + (t − 1) · lr_decay) · g / (√s + eps)
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes differ;
    /// [`Error::Value`](crate::Error::Value) as [`AdagradOptions::check`], or if
    /// `step` is 0.
    pub fn adagrad_step(
        &mut self,
        s: &mut Self,
        gradient: &Self,
        step: u64,
        options: &AdagradOptions,
    ) -> Result<()> {
        const OP: &str = "adagrad_step";
        options.check::<T>(OP)?;
        check_step(OP, step)?;
        same_shape(OP, self, gradient)?;
        same_shape(OP, s, gradient)?;
        let targets = [self.as_mut_slice(), s.as_mut_slice()];
        T::adagrad_sweep(CHECKED, options, step, targets, gradient.as_slice());
        Ok(())
    }
}

/// The loop.
pub(crate) fn adagrad_loops<T: Float>(
    options: &AdagradOptions,
    step: u64,
    targets: [&mut [T]; 2],
    g: &[T],
) {
    /// A place of Adagrad, beside the sweep: a root and a quotient.
    const COST: usize = 6;
    let pace = options.lr / (1.0 + (step - 1) as f64 * options.lr_decay);
    let [pace, decay, eps] = [pace, options.weight_decay, options.eps].map(T::of);
    let (decays, maximize) = (options.weight_decay != 0.0, options.maximize);
    sweep(targets, g, COST, |[p, s], g| {
        let g = if maximize { -g } else { g };
        let g = if decays { g + decay * p } else { g };
        let s = s + g * g;
        [p - pace * g / (s.sqrt() + eps), s]
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_by_hand() {
        let options = AdagradOptions {
            lr: 1.0,
            lr_decay: 1.0,
            weight_decay: 0.5,
            eps: 0.0,
            ..AdagradOptions::default()
        };
        let (mut p, mut s) = (Tensor::from([2.0]), Tensor::from([0.0]));
        // g = 2 + 1 = 3, s = 9, p = 2 − 3/3.
        p.adagrad_step(&mut s, &Tensor::from([2.0]), 1, &options)
            .unwrap();
        assert_eq!((p.to_vec(), s.to_vec()), (vec![1.0], vec![9.0]));
        // g = 3.5 + 0.5 = 4, s = 25, p = 1 − ½ · 4/5.
        p.adagrad_step(&mut s, &Tensor::from([3.5]), 2, &options)
            .unwrap();
        assert_eq!((p.to_vec(), s.to_vec()), (vec![0.6], vec![25.0]));
        assert!(
            p.adagrad_step(&mut s, &Tensor::from([1.0]), 0, &options)
                .is_err()
        );
    }
}
