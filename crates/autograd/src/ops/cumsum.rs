//! Running sums. An element takes part in all sums from its own on, so its
//! gradient is the running sum of theirs from the other end.
//!
//! **Cost.** One pass each way; nothing is saved but the axis.

use tensor::shape::axis;
use tensor::{Float, Result, Tensor};

use super::layout::{in_plane, moving};
use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The sum of each element and all before it along an axis:
    /// [`Tensor::cumsum`](tensor::Tensor::cumsum).
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([1.0, 2.0, 3.0]));
    /// let y = x.cumsum(0)?;
    /// assert_eq!(y.value(), &Tensor::from([1.0, 3.0, 6.0]));
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([3.0, 2.0, 1.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the axis is out of range; as [`Var::record`].
    pub fn cumsum(&self, axis: isize) -> Result<Self> {
        let value = self.value().cumsum(axis)?;
        self.running_sums("cumsum", value, axis, Self::cumsum_backwards)
    }

    /// The sum of each element and all after it along an axis: the adjoint of
    /// [`cumsum`](Self::cumsum).
    ///
    /// # Errors
    /// As [`cumsum`](Self::cumsum).
    pub fn cumsum_backwards(&self, axis: isize) -> Result<Self> {
        let value = self.value().cumsum_backwards(axis)?;
        self.running_sums("cumsum_backwards", value, axis, Self::cumsum)
    }

    fn running_sums(
        &self,
        op: &'static str,
        value: Tensor<T>,
        along: isize,
        adjoint: fn(&Self, isize) -> Result<Self>,
    ) -> Result<Self> {
        let ndim = self.ndim().max(1);
        let info = moving(op, in_plane(axis(op, along, ndim)?, ndim));
        let rule = pull(move |g| adjoint(g, along));
        Self::record(info, value, [(self, rule)])
    }
}

#[cfg(test)]
mod tests {
    use crate::Tape;
    use crate::ops::testing::{check_linear, random};

    #[test]
    fn both_are_linear_and_adjoint_to_their_rules() {
        for shape in [&[3][..], &[2, 3], &[2, 1, 4], &[2, 0], &[]] {
            let x = random(shape);
            for axis in [0, -1] {
                check_linear(&x, |x| x.cumsum(axis));
                check_linear(&x, |x| x.cumsum_backwards(axis));
            }
        }
    }

    #[test]
    fn wrong_axes_are_errors() {
        let x = Tape::new().leaf(random(&[2, 3]));
        assert!(x.cumsum(2).is_err() && x.cumsum_backwards(-3).is_err());
    }
}
