//! Putting variables together, and taking one apart.
//!
//! | | gradient of a part |
//! |---|---|
//! | `cat` | its run of the gradient: `narrow` |
//! | `stack` | its position of the gradient: `select` |
//! | `split`, `chunk` | as of [`narrow`](Var::narrow): zeros around it |
//!
//! **Cost.** `cat` and `stack` copy each way. Each piece of a `split` brings a
//! gradient of the full size, so n pieces are n passes: for many small pieces
//! rather reshape.

use tensor::shape::axis;
use tensor::{Float, Result, Tensor};

use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The variables one after the other along an axis.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::{Tape, Var};
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from([1.0, 2.0]));
    /// let y = Var::cat(&[&x, &x.mul(&x)?], 0)?;
    /// assert_eq!(y.value(), &Tensor::from([1.0, 2.0, 1.0, 4.0]));
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([3.0, 5.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::cat`] and [`Var::record`].
    pub fn cat(parts: &[&Self], axis: isize) -> Result<Self> {
        const OP: &str = "cat";
        let values: Vec<&Tensor<T>> = parts.iter().map(|part| part.value()).collect();
        let value = Tensor::cat(&values, axis)?;
        let mut start = 0;
        let mut inputs = Vec::with_capacity(parts.len());
        for &part in parts {
            if part.shape() == [0] {
                // One that was skipped: an empty gradient for an empty part.
                inputs.push((part, pull(|g| Ok(g.constant(Tensor::zeros([0])?)))));
                continue;
            }
            let len = part.shape()[self::axis(OP, axis, part.ndim())?];
            let first = start;
            start += len as isize;
            inputs.push((part, pull(move |g| g.narrow(axis, first, len))));
        }
        Self::record(OP, value, inputs)
    }

    /// Variables of one shape along a new axis.
    ///
    /// # Errors
    /// As [`Tensor::stack`] and [`Var::record`].
    pub fn stack(parts: &[&Self], axis: isize) -> Result<Self> {
        let values: Vec<&Tensor<T>> = parts.iter().map(|part| part.value()).collect();
        let value = Tensor::stack(&values, axis)?;
        let inputs = parts
            .iter()
            .enumerate()
            .map(|(i, &part)| (part, pull(move |g| g.select(axis, i as isize))));
        Self::record("stack", value, inputs)
    }

    /// The variable cut along an axis into pieces of this size; the last one
    /// may be smaller.
    ///
    /// # Errors
    /// As [`Tensor::split`] and [`Var::record`].
    pub fn split(&self, size: usize, axis: isize) -> Result<Vec<Self>> {
        self.pieces(axis, &self.value().split(size, axis)?)
    }

    /// The variable cut along an axis into pieces of these sizes.
    ///
    /// # Errors
    /// As [`Tensor::split_with_sizes`] and [`Var::record`].
    pub fn split_with_sizes(&self, sizes: &[usize], axis: isize) -> Result<Vec<Self>> {
        self.pieces(axis, &self.value().split_with_sizes(sizes, axis)?)
    }

    /// The variable cut along an axis into up to `n` pieces of one size; the
    /// last one may be smaller.
    ///
    /// # Errors
    /// As [`Tensor::chunk`] and [`Var::record`].
    pub fn chunk(&self, n: usize, axis: isize) -> Result<Vec<Self>> {
        self.pieces(axis, &self.value().chunk(n, axis)?)
    }

    /// The runs of an axis that these are, one after the other.
    fn pieces(&self, axis: isize, values: &[Tensor<T>]) -> Result<Vec<Self>> {
        let at = self::axis("split", axis, self.ndim())?;
        let mut start = 0;
        values
            .iter()
            .map(|value| {
                let len = value.shape()[at];
                let piece = self.narrow(axis, start, len);
                start += len as isize;
                piece
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradcheck::gradcheck;
    use crate::ops::testing::{check_linear, gradient, random};
    use crate::tape::Tape;

    #[test]
    fn all_are_linear_and_adjoint_to_their_rules() {
        let x = &random(&[2, 5]);
        for axis in [0, -1] {
            check_linear(x, |x| Var::cat(&[x, &x.mul_scalar(2.0)?, x], axis));
            check_linear(x, |x| Var::stack(&[x, &x.mul_scalar(2.0)?], axis));
        }
        check_linear(x, |x| {
            let pieces = x.split(2, 1)?;
            Var::cat(&[&pieces[2], &pieces[0], &pieces[0]], 1)
        });
        check_linear(x, |x| {
            let pieces = x.chunk(2, -2)?;
            Var::stack(&[&pieces[1], &pieces[0]], 0)
        });
        let parts = [random(&[2, 1]), random(&[2, 3])];
        let joined = |x: &[Var<f64>]| Var::cat(&[&x[0], &x[1]], 1)?.mul(&x[0]);
        gradcheck(joined, &parts).unwrap();
    }

    #[test]
    fn gradients_as_pytorch() {
        // x = torch.arange(4.).requires_grad_(); a, b = x.split(3)
        // y = torch.stack([torch.cat([b, a]), x], 1)
        // (y * torch.arange(8.).reshape(4, 2)).sum().backward(); x.grad
        let x = Tensor::<f64>::arange(0.0, 4.0, 1.0).unwrap();
        let weights = Tensor::arange(0.0, 8.0, 1.0).unwrap();
        let weights = weights.reshape([4, 2]).unwrap();
        let grad = gradient(&x, &weights, |x| {
            let pieces = x.split(3, 0)?;
            Var::stack(&[&Var::cat(&[&pieces[1], &pieces[0]], 0)?, x], 1)
        });
        assert_eq!(grad, Tensor::from([3.0, 7.0, 11.0, 7.0]));
    }

    #[test]
    fn a_skipped_part_has_an_empty_gradient() {
        let tape = Tape::new();
        let none = tape.leaf(Tensor::<f64>::zeros([0]).unwrap());
        let x = tape.leaf(Tensor::from([[1.0, 2.0]]));
        let joined = Var::cat(&[&none, &x, &none, &x], -1).unwrap();
        assert_eq!(joined.shape(), [1, 4]);
        let grads = joined.sum().unwrap().backward().unwrap();
        assert_eq!(grads.get(&x), Some(&Tensor::from([[2.0, 2.0]])));
        assert_eq!(grads.get(&none).map(Tensor::shape), Some(&[0][..]));
    }

    #[test]
    fn bad_lists_are_errors() {
        let tape = Tape::new();
        let (a, b) = (tape.leaf(random(&[2, 3])), tape.leaf(random(&[3, 2])));
        assert!(Var::<f64>::cat(&[], 0).is_err());
        assert!(Var::<f64>::stack(&[], 0).is_err());
        assert!(Var::cat(&[&a, &b], 0).is_err());
        assert!(Var::stack(&[&a, &b], 0).is_err());
        assert!(a.split(0, 0).is_err());
        assert!(a.chunk(0, 0).is_err());
    }
}
