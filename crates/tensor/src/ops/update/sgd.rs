//! Stochastic gradient descent.

use super::sweep::sweep;
use super::{check_rate, same_shape};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::loops::CHECKED;
use crate::tensor::Tensor;

/// The numbers of stochastic gradient descent, as `torch.optim.SGD` names them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdOptions {
    /// The learning rate.
    pub lr: f64,
    /// What share of the velocity is kept.
    pub momentum: f64,
    /// What share of the gradient is kept from entering the velocity.
    pub dampening: f64,
    /// The L2 penalty that is added to the gradient.
    pub weight_decay: f64,
    /// Whether the step looks ahead along the velocity.
    pub nesterov: bool,
    /// Whether to ascend.
    pub maximize: bool,
}

impl Default for SgdOptions {
    /// PyTorch's.
    fn default() -> Self {
        Self {
            lr: 1e-3,
            momentum: 0.0,
            dampening: 0.0,
            weight_decay: 0.0,
            nesterov: false,
            maximize: false,
        }
    }
}

impl SgdOptions {
    /// Refuses numbers with which nothing of type `T` can descend, for the
    /// operation `op`.
    ///
    /// # Errors
    /// [`Error::Value`] for a rate that is negative or not finite.
    pub fn check<T: Float>(&self, op: &'static str) -> Result<()> {
        check_rate::<T>(op, "the learning rate", self.lr)?;
        check_rate::<T>(op, "momentum", self.momentum)?;
        check_rate::<T>(op, "weight decay", self.weight_decay)?;
        if T::of(self.dampening).is_finite() {
            return Ok(());
        }
        let message = format!("dampening must be finite, got {}", self.dampening);
        Err(Error::value(op, message))
    }
}

impl<T: Float> Tensor<T> {
    /// One SGD step without momentum, in one sweep: `p −= lr · (g + decay · p)`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ, [`Error::Value`] for a rate that is
    /// negative or not finite.
    pub fn sgd_step(&mut self, gradient: &Self, options: &SgdOptions) -> Result<()> {
        const OP: &str = "sgd_step";
        options.check::<T>(OP)?;
        same_shape(OP, self, gradient)?;
        T::sgd_sweep(
            CHECKED,
            options,
            self.as_mut_slice(),
            None,
            gradient.as_slice(),
        );
        Ok(())
    }

    /// One SGD step with momentum, in one sweep over parameter, gradient and
    /// velocity:
    ///
    /// ```text
    /// g ← g + decay · p
    /// v ← momentum · v + (1 − dampening) · g
    /// p ← p − lr · (nesterov ? g + momentum · v : v)
    /// ```
    ///
    /// # Errors
    /// As [`sgd_step`](Self::sgd_step).
    pub fn sgd_momentum_step(
        &mut self,
        velocity: &mut Self,
        gradient: &Self,
        options: &SgdOptions,
    ) -> Result<()> {
        const OP: &str = "sgd_momentum_step";
        options.check::<T>(OP)?;
        same_shape(OP, self, gradient)?;
        same_shape(OP, velocity, gradient)?;
        let velocity = Some(velocity.as_mut_slice());
        let p = self.as_mut_slice();
        T::sgd_sweep(CHECKED, options, p, velocity, gradient.as_slice());
        Ok(())
    }
}

/// The loop of both.
pub(crate) fn sgd_loops<T: Float>(
    options: &SgdOptions,
    p: &mut [T],
    velocity: Option<&mut [T]>,
    g: &[T],
) {
    let [lr, decay, momentum, fresh] = [
        options.lr,
        options.weight_decay,
        options.momentum,
        1.0 - options.dampening,
    ]
    .map(T::of);
    let (decays, nesterov, maximize) = (decay != T::ZERO, options.nesterov, options.maximize);
    let slope = move |p: T, g: T| {
        let g = if maximize { -g } else { g };
        if decays { g + decay * p } else { g }
    };
    match velocity {
        None => sweep([p], g, 0, |[p], g| [p - lr * slope(p, g)]),
        Some(v) => sweep([p, v], g, 1, |[p, v], g| {
            let g = slope(p, g);
            let v = momentum * v + fresh * g;
            let way = if nesterov { g + momentum * v } else { v };
            [p - lr * way, v]
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_nesterov_steps_by_hand() {
        let step = SgdOptions {
            lr: 0.5,
            momentum: 0.5,
            weight_decay: 1.0,
            nesterov: true,
            ..SgdOptions::default()
        };
        let mut p = Tensor::from([4.0]);
        let mut v = Tensor::from([0.0]);
        let g = Tensor::from([2.0]);
        // g' = 2 + 4 = 6, v = 6, p = 4 − 0.5 · (6 + 3) = −0.5
        p.sgd_momentum_step(&mut v, &g, &step).unwrap();
        assert_eq!((p.to_vec(), v.to_vec()), (vec![-0.5], vec![6.0]));
        // g' = 2 − 0.5 = 1.5, v = 3 + 1.5 = 4.5, p = −0.5 − 0.5 · (1.5 + 2.25)
        p.sgd_momentum_step(&mut v, &g, &step).unwrap();
        assert_eq!((p.to_vec(), v.to_vec()), (vec![-2.375], vec![4.5]));
    }
}
