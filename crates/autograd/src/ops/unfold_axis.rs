//! The windows along an axis. An element that several windows hold gets the sum
//! of their gradients.
//!
//! | | value | gradient of the input |
//! |---|---|---|
//! | `unfold_axis(x)` | the windows | `fold_axis(g)` |
//! | `fold_axis(y)` | the windows added up where they were read | `unfold_axis(g)` |

use tensor::{Float, Result};

use crate::record::{OpInfo, pull};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The windows of `size` elements along an axis, each `step` further than the
    /// one before, the places in a window as a new last axis:
    /// [`Tensor::unfold_axis`](tensor::Tensor::unfold_axis), PyTorch's
    /// `Tensor.unfold`.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([1.0, 2.0, 3.0]));
    /// let y = x.unfold_axis(0, 2, 1)?;
    /// assert_eq!(y.value(), &Tensor::from([[1.0, 2.0], [2.0, 3.0]]));
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([1.0, 2.0, 1.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::unfold_axis`](tensor::Tensor::unfold_axis) and
    /// [`Var::record`].
    pub fn unfold_axis(&self, axis: isize, size: usize, step: usize) -> Result<Self> {
        let value = self.value().unfold_axis(axis, size, step)?;
        let shape = self.shape().to_vec();
        let rule = pull(move |g: &Self| g.fold_axis(&shape, axis, step));
        let op = OpInfo::from("unfold_axis").spanning_plane();
        Self::record(op, value, [(self, rule)])
    }

    /// Windows added up where [`unfold_axis`](Self::unfold_axis) of a variable of
    /// `input_shape` would have read them:
    /// [`Tensor::fold_axis`](tensor::Tensor::fold_axis).
    ///
    /// # Errors
    /// As [`Tensor::fold_axis`](tensor::Tensor::fold_axis) and [`Var::record`].
    pub fn fold_axis(
        &self,
        input_shape: impl AsRef<[usize]>,
        axis: isize,
        step: usize,
    ) -> Result<Self> {
        let value = self.value().fold_axis(input_shape, axis, step)?;
        let size = self.shape().last().copied().unwrap_or(0);
        let rule = pull(move |v: &Self| v.unfold_axis(axis, size, step));
        let op = OpInfo::from("fold_axis").spanning_plane();
        Self::record(op, value, [(self, rule)])
    }
}

#[cfg(test)]
mod tests {
    use crate::Tape;
    use crate::ops::testing::{check_linear, random};

    #[test]
    fn both_are_linear_and_adjoint_to_their_rules() {
        for (shape, axis, size, step) in [
            (&[5][..], 0, 3, 1),
            (&[2, 5], -1, 2, 2),
            (&[4, 2, 1], 0, 2, 1),
            (&[3, 4], 0, 1, 2),
            (&[3], 0, 0, 1),
            (&[], 0, 1, 1),
        ] {
            let x = random(shape);
            let windows = x.unfold_axis(axis, size, step).unwrap();
            check_linear(&x, |x| x.unfold_axis(axis, size, step));
            check_linear(&windows, |y| y.fold_axis(shape, axis, step));
        }
    }

    #[test]
    fn refusals_are_those_of_the_tensor() {
        let x = Tape::new().leaf(random(&[2, 3]));
        assert!(x.unfold_axis(0, 3, 1).is_err() && x.unfold_axis(0, 1, 0).is_err());
        assert!(x.fold_axis([2], 0, 1).is_err());
    }
}
