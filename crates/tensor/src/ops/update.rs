//! Writing in place: what accumulates gradients and moves parameters.
//!
//! Each is one sweep over memory, and touches no fresh memory if nothing else
//! shares the tensor that it writes to. The steps of optimisers are in a file
//! each.

pub(crate) mod adagrad;
pub(crate) mod adam;
pub(crate) mod rmsprop;
pub(crate) mod sgd;
mod sweep;

use super::elementwise::{larger, smaller, update};
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

    /// Every element times `factor`, in place.
    pub fn mul_scalar_assign(&mut self, factor: T) {
        sweep::each(self.as_mut_slice(), |x| x.times(factor));
    }

    /// [`clamp`](Self::clamp), in place.
    pub fn clamp_assign(&mut self, min: T, max: T) {
        sweep::each(self.as_mut_slice(), |x| smaller(larger(x, min), max));
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

/// Refuses a number that is negative, or not finite as a `T`.
fn check_rate<T: Float>(op: &'static str, name: &str, value: f64) -> Result<()> {
    if T::of(value).is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::value(
        op,
        format!(
            "{name} must be finite as {} and not negative, got {value}",
            T::NAME
        ),
    ))
}

/// Refuses a step before the first: corrections for a short past divide by 0.
fn check_step(op: &'static str, step: u64) -> Result<()> {
    if step > 0 {
        return Ok(());
    }
    Err(Error::value(op, "steps count from 1, got step 0"))
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
    fn scaled_and_clamped_in_place() {
        for len in [0, 1, 5, 100, 10_000] {
            let x = Tensor::from_fn([len], |i| i[0] as f64 - 50.0).unwrap();
            let mut y = x.clone();
            y.mul_scalar_assign(-2.0);
            assert_eq!(y, &x * -2.0);
            y.clamp_assign(-7.0, 9.0);
            assert_eq!(y, (&x * -2.0).clamp(-7.0, 9.0));
        }
        let mut x = Tensor::from([f64::NAN, f64::INFINITY]);
        x.clamp_assign(-1.0, 1.0);
        assert!(x.get([0]).unwrap().is_nan() && x.get([1]) == Some(1.0));
    }
}
