//! Writing in place: what accumulates gradients and moves parameters.
//!
//! Each is one sweep over memory, and touches no fresh memory if nothing else
//! shares the tensor that it writes to.

use super::elementwise::{update, update_both};
use crate::element::{Float, Number};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Refuses operands of another shape: a write in place does not broadcast.
fn same_shape<T: Number>(op: &'static str, target: &Tensor<T>, other: &Tensor<T>) -> Result<()> {
    if target.shape() == other.shape() {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!(
            "shapes differ: {:?} is to be updated by {:?}",
            target.shape(),
            other.shape()
        ),
    ))
}

impl<T: Number> Tensor<T> {
    /// `self += rhs`, in place, shapes equal.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn add_assign(&mut self, rhs: &Self) -> Result<()> {
        same_shape("add_assign", self, rhs)?;
        update(self.as_mut_slice(), rhs.as_slice(), |x, y| *x = x.plus(y));
        Ok(())
    }

    /// [`relu_backward`](Self::relu_backward) in the place of the gradient, for
    /// a rectifier's output of its shape: what a sweep calls that needs the
    /// gradient no more.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let y = Tensor::from([-1.0, 0.0, 2.0]).relu();
    /// let mut grad = Tensor::from([10.0, 20.0, 30.0]);
    /// grad.relu_backward_assign(&y)?;
    /// assert_eq!(grad.to_vec(), [0.0, 0.0, 30.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn relu_backward_assign(&mut self, output: &Self) -> Result<()> {
        same_shape("relu_backward_assign", self, output)?;
        if self.is_shared() {
            *self = output.relu_backward(self)?;
            return Ok(());
        }
        let clear = |g: &mut T, y| *g = if y <= T::ZERO { T::ZERO } else { *g };
        update(self.as_mut_slice(), output.as_slice(), clear);
        Ok(())
    }

    /// `self += factor · rhs`, in place, shapes equal: what a hand-written
    /// gradient step is made of.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let mut weight = Tensor::from([1.0, 2.0]);
    /// weight.add_scaled(-0.5, &Tensor::from([2.0, 4.0]))?;
    /// assert_eq!(weight.to_vec(), [0.0, 0.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn add_scaled(&mut self, factor: T, rhs: &Self) -> Result<()> {
        same_shape("add_scaled", self, rhs)?;
        let add = |x: &mut T, y: T| *x = x.plus(factor.times(y));
        update(self.as_mut_slice(), rhs.as_slice(), add);
        Ok(())
    }

    /// `f` of every element, in place.
    pub fn map_in_place(&mut self, f: impl Fn(T) -> T) {
        for x in self.as_mut_slice() {
            *x = f(*x);
        }
    }

    /// Every element set to `value`, in place.
    pub fn fill(&mut self, value: T) {
        self.as_mut_slice().fill(value);
    }
}

/// The numbers of one step of stochastic gradient descent, as
/// `torch.optim.SGD` names them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
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
}

impl SgdStep {
    /// Refuses numbers that are no rates, for the operation `op`.
    fn check(&self, op: &'static str) -> Result<()> {
        for (name, rate) in [
            ("the learning rate", self.lr),
            ("momentum", self.momentum),
            ("weight decay", self.weight_decay),
        ] {
            if !(rate.is_finite() && rate >= 0.0) {
                return Err(Error::value(
                    op,
                    format!("{name} must be finite and not negative, got {rate}"),
                ));
            }
        }
        if !self.dampening.is_finite() {
            return Err(Error::value(
                op,
                format!("dampening must be finite, got {}", self.dampening),
            ));
        }
        Ok(())
    }
}

impl<T: Float> Tensor<T> {
    /// One SGD step without momentum, in one sweep: `p −= lr · (g + decay · p)`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ, [`Error::Value`] for a rate that is
    /// negative or not finite.
    pub fn sgd_step(&mut self, gradient: &Self, step: &SgdStep) -> Result<()> {
        step.check("sgd_step")?;
        same_shape("sgd_step", self, gradient)?;
        let (lr, decay) = (T::of(step.lr), T::of(step.weight_decay));
        let decays = step.weight_decay != 0.0;
        let (p, g) = (self.as_mut_slice(), gradient.as_slice());
        update(p, g, |p, g| {
            *p -= lr * if decays { g + decay * *p } else { g }
        });
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
        step: &SgdStep,
    ) -> Result<()> {
        step.check("sgd_momentum_step")?;
        same_shape("sgd_momentum_step", self, gradient)?;
        same_shape("sgd_momentum_step", velocity, gradient)?;
        let [lr, decay, momentum, fresh] = [
            step.lr,
            step.weight_decay,
            step.momentum,
            1.0 - step.dampening,
        ]
        .map(T::of);
        let (decays, nesterov) = (step.weight_decay != 0.0, step.nesterov);
        let targets = [self.as_mut_slice(), velocity.as_mut_slice()];
        update_both(targets, gradient.as_slice(), |p, v, g| {
            let g = if decays { g + decay * *p } else { g };
            *v = momentum * *v + fresh * g;
            *p -= lr * if nesterov { g + momentum * *v } else { *v };
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accumulation_is_in_place_when_unique() {
        let mut a = Tensor::from([1.0, 2.0]);
        let at = a.as_slice().as_ptr();
        a.add_assign(&Tensor::from([10.0, 20.0])).unwrap();
        assert_eq!(a.to_vec(), [11.0, 22.0]);
        assert_eq!(a.as_slice().as_ptr(), at);
        assert!(a.add_assign(&Tensor::from([1.0])).is_err());
    }

    #[test]
    fn a_gradient_passes_a_rectifier_in_place_when_unique() {
        let y = Tensor::from([0.0, 3.0, f64::NAN]);
        let mut g = Tensor::from([1.0, 2.0, 3.0]);
        let at = g.as_slice().as_ptr();
        g.relu_backward_assign(&y).unwrap();
        assert_eq!(g.as_slice().as_ptr(), at);
        let held = g.clone();
        g.relu_backward_assign(&Tensor::from([1.0, 0.0, 0.0]))
            .unwrap();
        assert_eq!(held.to_vec(), [0.0, 2.0, 3.0]);
        assert_eq!(g.to_vec(), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_shared_value_is_left_alone() {
        let mut a = Tensor::from([1.0, 2.0]);
        let held = a.clone();
        a.fill(0.0);
        assert_eq!(held.to_vec(), [1.0, 2.0]);
    }

    #[test]
    fn two_nesterov_steps_by_hand() {
        let step = SgdStep {
            lr: 0.5,
            momentum: 0.5,
            dampening: 0.0,
            weight_decay: 1.0,
            nesterov: true,
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
