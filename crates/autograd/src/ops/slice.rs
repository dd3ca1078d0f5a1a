//! Parts of a variable.
//!
//! Reading a part and writing it into zeros are each other's adjoints:
//! [`slice`](Var::slice) and [`unslice`](Var::unslice), of which `narrow` and
//! `select` are the cases that restrict one axis.
//!
//! **Cost.** A gradient has the size of the whole, however small the part.

use tensor::shape::axis;
use tensor::{Float, Result, Slice, Slices, Tensor};

use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// A part of the variable: a slice for each of the leading axes.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let grads = x.slice((.., 1))?.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([[0.0, 1.0], [0.0, 1.0]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::slice`] and [`Var::record`].
    pub fn slice(&self, slices: impl Slices) -> Result<Self> {
        let slices = slices.to_slices();
        self.sliced("slice", self.value().slice(&slices)?, slices)
    }

    /// The `len` positions of an axis from `start` on, which counts from the
    /// end when negative.
    ///
    /// # Errors
    /// As [`Tensor::narrow`] and [`Var::record`].
    pub fn narrow(&self, axis: isize, start: isize, len: usize) -> Result<Self> {
        const OP: &str = "narrow";
        let value = self.value().narrow(axis, start, len)?;
        let at = self::axis(OP, axis, self.ndim())?;
        let size = self.shape()[at] as isize;
        let first = if start < 0 { start + size } else { start };
        let mut slices = vec![Slice::from(..); at];
        slices.push(Slice::from(first..first + len as isize));
        self.sliced(OP, value, slices)
    }

    /// One position of an axis, negative ones counted from the end, without
    /// that axis.
    ///
    /// # Errors
    /// As [`Tensor::select`] and [`Var::record`].
    pub fn select(&self, axis: isize, index: isize) -> Result<Self> {
        const OP: &str = "select";
        let value = self.value().select(axis, index)?;
        let mut slices = vec![Slice::from(..); self::axis(OP, axis, self.ndim())?];
        slices.push(Slice::Index(index));
        self.sliced(OP, value, slices)
    }

    fn sliced(&self, op: &'static str, value: Tensor<T>, slices: Vec<Slice>) -> Result<Self> {
        let whole = self.shape().to_vec();
        Self::record(
            op,
            value,
            [(self, pull(move |g| g.unslice(&whole, &slices)))],
        )
    }

    /// Zeros of the given shape, with this variable written to a part of them.
    ///
    /// # Errors
    /// As [`Tensor::unslice`] and [`Var::record`].
    pub fn unslice(&self, shape: impl AsRef<[usize]>, slices: impl Slices) -> Result<Self> {
        let slices = slices.to_slices();
        let value = self.value().unslice(shape, &slices)?;
        Self::record("unslice", value, [(self, pull(move |g| g.slice(&slices)))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{check_linear, gradient, random};
    use crate::tape::Tape;

    #[test]
    fn all_are_linear_and_adjoint_to_their_rules() {
        let x = &random(&[3, 2, 4]);
        check_linear(x, |x| x.slice((1.., .., Slice::from(..).step(3))));
        check_linear(x, |x| x.slice((-1, .., 1..3)));
        check_linear(x, |x| x.slice((5..,)));
        check_linear(x, |x| x.narrow(-1, -3, 2));
        check_linear(x, |x| x.narrow(0, 1, 2));
        check_linear(x, |x| x.select(1, -1));
        check_linear(x, |x| x.unslice([3, 2, 9, 4], (.., .., 8)));
        // Parts that overlap add up.
        check_linear(x, |x| x.narrow(0, 0, 2)?.add(&x.narrow(0, 1, 2)?));
    }

    #[test]
    fn gradients_as_pytorch() {
        // x = torch.arange(10.).requires_grad_()
        // (x[-8:8:3] * torch.tensor([1., 2.])).sum().backward(); x.grad
        let x = Tensor::arange(0.0, 10.0, 1.0).unwrap();
        let grad = gradient(&x, &Tensor::from([1.0, 2.0]), |x| {
            x.slice((Slice::from(-8..8).step(3),))
        });
        let mut expected = [0.0; 10];
        (expected[2], expected[5]) = (1.0, 2.0);
        assert_eq!(grad, Tensor::from(expected));
    }

    #[test]
    fn bad_slices_are_errors() {
        let x = Tape::new().leaf(random(&[2, 3]));
        assert!(x.slice((2,)).is_err());
        assert!(x.narrow(0, 1, 2).is_err());
        assert!(x.select(2, 0).is_err());
        assert!(x.unslice([2, 3], (.., 1..)).is_err());
    }
}
