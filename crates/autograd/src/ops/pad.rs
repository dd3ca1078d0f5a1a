//! A margin of one value around a variable.
//!
//! The adjoint of padding is padding with the amounts negated: the margin's
//! gradient is cut off, and what was cropped gets zeros.
//!
//! **Cost.** One pass each way; nothing is saved but the amounts.

use tensor::{Float, Result};

use crate::ops::layout::moving;
use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The variable with `value` added before and after, axis by axis from the
    /// **last** one; a negative amount crops.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([1.0, 2.0, 3.0]));
    /// let y = x.pad(&[(1, -1)], 9.0)?;
    /// assert_eq!(y.value(), &Tensor::from([9.0, 1.0, 2.0]));
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([1.0, 1.0, 0.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::pad`](tensor::Tensor::pad) and [`Var::record`].
    pub fn pad(&self, amounts: &[(isize, isize)], value: T) -> Result<Self> {
        let padded = self.value().pad(amounts, value)?;
        let negated: Vec<_> = amounts.iter().map(|&(a, b)| (-a, -b)).collect();
        // An image that moves within its frame.
        let shifts =
            padded.shape() == self.shape() && amounts.iter().take(2).any(|pair| pair.0 != 0);
        Self::record(
            moving("pad", shifts),
            padded,
            [(self, pull(move |g| g.pad(&negated, T::ZERO)))],
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::gradcheck::gradcheck;
    use crate::ops::testing::{check_linear, gradient, random};
    use crate::tape::Tape;
    use tensor::Tensor;

    #[test]
    fn padding_with_zeros_is_linear_and_adjoint_to_its_rule() {
        let x = &random(&[2, 3]);
        check_linear(x, |x| x.pad(&[(1, 2)], 0.0));
        check_linear(x, |x| x.pad(&[(-1, 2), (3, -1)], 0.0));
        check_linear(x, |x| x.pad(&[(-3, 0)], 0.0));
        check_linear(x, |x| x.pad(&[], 0.0));
        gradcheck(
            |x| x[0].pad(&[(1, -1)], 2.5)?.mul(&x[0]),
            std::slice::from_ref(x),
        )
        .unwrap();
    }

    #[test]
    fn gradients_as_pytorch() {
        // x = torch.ones(2, 2, requires_grad=True)
        // y = torch.nn.functional.pad(x, (1, -1, -1, 2), value=5.)
        // (y * torch.arange(6.).reshape(3, 2)).sum().backward(); y, x.grad
        let x = Tensor::ones([2, 2]).unwrap();
        let weights = Tensor::arange(0.0, 6.0, 1.0).unwrap();
        let weights = weights.reshape([3, 2]).unwrap();
        let grad = gradient(&x, &weights, |x| x.pad(&[(1, -1), (-1, 2)], 5.0));
        assert_eq!(grad, Tensor::from([[0.0, 0.0], [1.0, 0.0]]));
        let y = x.pad(&[(1, -1), (-1, 2)], 5.0).unwrap();
        assert_eq!(y, Tensor::from([[5.0, 1.0], [5.0, 5.0], [5.0, 5.0]]));
    }

    #[test]
    fn bad_amounts_are_errors() {
        let x = Tape::new().leaf(random(&[2]));
        assert!(x.pad(&[(0, -3)], 0.0).is_err());
        assert!(x.pad(&[(isize::MIN, 0)], 0.0).is_err());
        assert!(x.pad(&[(0, 0), (0, 0)], 0.0).is_err());
    }
}
