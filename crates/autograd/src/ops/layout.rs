//! Where elements lie: shapes, the order of axes, repeating and reversing.
//!
//! All of these move elements and change none, so every adjoint moves them
//! back: a reshape to the old shape, the inverse permutation, the same flip. A
//! value that was repeated gets the sum of its copies' gradients.
//!
//! | | adjoint |
//! |---|---|
//! | `reshape`, `flatten`, `squeeze`, `unsqueeze` | `reshape` to the shape before |
//! | `permute` | `permute` by the inverse order |
//! | `transpose`, `t`, `flip` | the same again |
//! | `expand` | `sum_to` the shape before |
//!
//! **Cost.** What the tensor operation costs, each way; nothing is saved but
//! shapes and axes.

use tensor::shape::{Axes, Sizes, axis, wrap_axis};
use tensor::{Float, Result, Tensor};

use crate::record::{OpInfo, pull};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The same elements under another shape, of which one size may be −1.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([1.0, 2.0, 3.0, 4.0]));
    /// let grads = x.reshape([2, -1])?.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([1.0; 4])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::reshape`] and [`Var::record`].
    pub fn reshape(&self, shape: impl AsRef<[isize]>) -> Result<Self> {
        self.reshaped("reshape", self.value().reshape(shape)?)
    }

    /// [`reshape`](Self::reshape) under PyTorch's other name for it.
    ///
    /// # Errors
    /// As [`Tensor::view`] and [`Var::record`].
    pub fn view(&self, shape: impl AsRef<[isize]>) -> Result<Self> {
        self.reshape(shape)
    }

    /// [`reshape`](Self::reshape) to a shape whose sizes are all known.
    ///
    /// # Errors
    /// As [`Tensor::reshape_to`] and [`Var::record`].
    pub fn reshape_to(&self, shape: impl AsRef<[usize]>) -> Result<Self> {
        self.reshaped("reshape", self.value().reshape_to(shape)?)
    }

    /// The axes `start` to `end`, both included, as one.
    ///
    /// # Errors
    /// As [`Tensor::flatten`] and [`Var::record`].
    pub fn flatten(&self, start: isize, end: isize) -> Result<Self> {
        self.reshaped("flatten", self.value().flatten(start, end)?)
    }

    /// The variable without those of the named axes whose size is 1.
    ///
    /// # Errors
    /// As [`Tensor::squeeze`] and [`Var::record`].
    pub fn squeeze(&self, axes: impl Axes) -> Result<Self> {
        self.reshaped("squeeze", self.value().squeeze(axes)?)
    }

    /// The variable without all axes of size 1.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn squeeze_all(&self) -> Result<Self> {
        self.reshaped("squeeze", self.value().squeeze_all())
    }

    /// A new axis of size 1, which will be the one of that number.
    ///
    /// # Errors
    /// As [`Tensor::unsqueeze`] and [`Var::record`].
    pub fn unsqueeze(&self, axis: isize) -> Result<Self> {
        self.reshaped("unsqueeze", self.value().unsqueeze(axis)?)
    }

    fn reshaped(&self, op: &'static str, value: Tensor<T>) -> Result<Self> {
        let own = self.shape().to_vec();
        Self::record(op, value, [(self, pull(move |g| g.reshape_to(&own)))])
    }

    /// The axes in another order: axis `i` of the result is axis `order[i]`.
    ///
    /// # Errors
    /// As [`Tensor::permute`] and [`Var::record`].
    pub fn permute(&self, order: impl Axes) -> Result<Self> {
        const OP: &str = "permute";
        let order = order.to_axes();
        let value = self.value().permute(&order)?;
        let mut inverse = vec![0; order.len()];
        let mut plane_stays = true;
        for (to, &from) in order.iter().enumerate() {
            let from = axis(OP, from, self.ndim())?;
            inverse[from] = to as isize;
            plane_stays &= from == to || !in_plane(from, self.ndim());
        }
        Self::record(
            moving(OP, !plane_stays),
            value,
            [(self, pull(move |g| g.permute(&inverse)))],
        )
    }

    /// The variable with two axes exchanged.
    ///
    /// # Errors
    /// As [`Tensor::transpose`] and [`Var::record`].
    pub fn transpose(&self, a: isize, b: isize) -> Result<Self> {
        const OP: &str = "transpose";
        let value = self.value().transpose(a, b)?;
        let [first, second] = [
            wrap_axis(OP, a, self.ndim())?,
            wrap_axis(OP, b, self.ndim())?,
        ];
        let within = in_plane(first.max(second), self.ndim()) && first != second;
        Self::record(
            moving(OP, within),
            value,
            [(self, pull(move |g| g.transpose(a, b)))],
        )
    }

    /// The transposed matrix; a variable of fewer than two axes as it is.
    ///
    /// # Errors
    /// As [`Tensor::t`] and [`Var::record`].
    pub fn t(&self) -> Result<Self> {
        Self::record(
            moving("t", self.ndim() == 2),
            self.value().t()?,
            [(self, pull(Self::t))],
        )
    }

    /// The variable repeated along its axes of size 1, and along new leading
    /// axes; −1 keeps a size. Its adjoint is [`sum_to`](Var::sum_to).
    ///
    /// # Errors
    /// As [`Tensor::expand`] and [`Var::record`].
    pub fn expand(&self, shape: impl Sizes) -> Result<Self> {
        let value = self.value().expand(shape)?;
        let own = self.shape().to_vec();
        Self::record("expand", value, [(self, pull(move |g| g.sum_to(&own)))])
    }

    /// The elements in reverse order along the named axes.
    ///
    /// # Errors
    /// As [`Tensor::flip`] and [`Var::record`].
    pub fn flip(&self, axes: impl Axes) -> Result<Self> {
        const OP: &str = "flip";
        let axes = axes.to_axes();
        let value = self.value().flip(&axes)?;
        let mut within = false;
        for &a in &axes {
            within |= in_plane(wrap_axis(OP, a, self.ndim())?, self.ndim());
        }
        Self::record(
            moving(OP, within),
            value,
            [(self, pull(move |g| g.flip(&axes)))],
        )
    }
}

/// Whether an axis is one of the last two, which hold an image.
pub(crate) fn in_plane(axis: usize, ndim: usize) -> bool {
    axis + 2 >= ndim
}

/// An operation that moves elements, perhaps within an image: then a receptive
/// field cannot be followed through it.
pub(crate) fn moving(op: &'static str, within_plane: bool) -> OpInfo {
    let info = OpInfo::from(op);
    if within_plane {
        info.spanning_plane()
    } else {
        info
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{check_linear, gradient, random};
    use crate::tape::Tape;

    #[test]
    fn all_are_linear_and_adjoint_to_their_rules() {
        let x = &random(&[2, 1, 3]);
        check_linear(x, |x| x.reshape([3, -1]));
        check_linear(x, |x| x.reshape_to([6]));
        check_linear(x, |x| x.flatten(0, -2));
        check_linear(x, |x| x.squeeze(1));
        check_linear(x, |x| x.squeeze(0));
        check_linear(x, Var::squeeze_all);
        check_linear(x, |x| x.unsqueeze(-1));
        check_linear(x, |x| x.permute([2, 0, -2]));
        check_linear(x, |x| x.permute([1, 2, 0]));
        check_linear(x, |x| x.transpose(0, -1));
        check_linear(x, |x| x.expand([4, 2, 5, 3]));
        check_linear(x, |x| x.flip([0, -1]));
        check_linear(x, |x| x.flip([]));
        check_linear(&random(&[2, 3]), Var::t);
        check_linear(&random(&[3]), Var::t);
        check_linear(&random(&[]), |x| x.flatten(0, -1));
        check_linear(&random(&[]), |x| x.expand([2, 3]));
        check_linear(&random(&[0, 3]), |x| x.permute([1, 0]));
        check_linear(&random(&[3, 1]), |x| x.expand([2, -1, 4]));
        check_linear(&random(&[]), |x| x.flip(0)?.transpose(0, -1)?.squeeze(0));
        check_linear(x, |x| x.view([-1, 2]));
    }

    #[test]
    fn gradients_as_pytorch() {
        // x = torch.arange(6.).reshape(1, 2, 3).requires_grad_()
        // y = x.permute(2, 0, 1).flip(0).expand(3, 2, 2)
        // (y * torch.arange(12.).reshape(3, 2, 2)).sum().backward(); x.grad
        let x = Tensor::<f64>::arange(0.0, 6.0, 1.0).unwrap();
        let x = x.reshape([1, 2, 3]).unwrap();
        let weights = Tensor::arange(0.0, 12.0, 1.0).unwrap();
        let weights = weights.reshape([3, 2, 2]).unwrap();
        let grad = gradient(&x, &weights, |x| {
            x.permute([2, 0, 1])?.flip(0)?.expand([3, 2, 2])
        });
        assert_eq!(grad, Tensor::from([[[18.0, 10.0, 2.0], [20.0, 12.0, 4.0]]]));
    }

    #[test]
    fn what_moves_within_an_image_says_so() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::<f32>::zeros([2, 3, 4, 4]).unwrap());
        let spans = |_: Var<f32>| tape.entries().last().map(|entry| entry.op.spans_plane);
        assert_eq!(spans(x.transpose(2, 3).unwrap()), Some(true));
        assert_eq!(spans(x.transpose(0, 1).unwrap()), Some(false));
        assert_eq!(spans(x.permute([1, 0, 2, 3]).unwrap()), Some(false));
        assert_eq!(spans(x.permute([0, 1, 3, 2]).unwrap()), Some(true));
        assert_eq!(spans(x.flip(1).unwrap()), Some(false));
        assert_eq!(spans(x.flip([1, -1]).unwrap()), Some(true));
    }

    #[test]
    fn bad_axes_are_errors() {
        let x = Tape::new().leaf(Tensor::from([[1.0, 2.0]]));
        assert!(x.reshape([3]).is_err());
        assert!(x.permute([0]).is_err());
        assert!(x.transpose(0, 2).is_err());
        assert!(x.flip([0, 0]).is_err());
        assert!(x.expand([2, 3]).is_err());
        assert!(x.unsqueeze(-4).is_err());
    }
}
