//! A margin around a variable: of one value, or of its own elements.
//!
//! The adjoint of padding with a value is padding with the amounts negated: the
//! margin's gradient is cut off, and what was cropped gets zeros. In the other
//! modes an element gets the sum of its copies' gradients: see `lookup.rs`.
//!
//! **Cost.** One pass each way; nothing is saved but amounts or positions.

use tensor::{Float, Lookup, PadMode, Padding, Result, Window2d};

use super::lookup::look_up;
use crate::record::{OpInfo, pull};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The variable with a margin before and after, axis by axis from the
    /// **last** one; a negative amount crops:
    /// [`Tensor::pad`](tensor::Tensor::pad).
    ///
    /// ```
    /// use tensor::{PadMode, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from([[1.0, 2.0, 3.0]]));
    /// let y = x.pad(&[(1, -1)], 9.0)?;
    /// assert_eq!(y.value(), &Tensor::from([[9.0, 1.0, 2.0]]));
    /// let z = x.pad(&[(1, 0)], PadMode::Reflect)?;
    /// assert_eq!(z.value(), &Tensor::from([[2.0, 1.0, 2.0, 3.0]]));
    /// let grads = z.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([[1.0, 2.0, 1.0]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::pad`](tensor::Tensor::pad) and [`Var::record`].
    pub fn pad(&self, amounts: &[(isize, isize)], mode: impl Into<PadMode<T>>) -> Result<Self> {
        let mode = mode.into();
        let PadMode::Constant(value) = mode else {
            let lookup = Lookup::pad::<T>(self.shape(), amounts, mode)?;
            return look_up(OpInfo::from("pad").with_lookup(&lookup), self, &lookup);
        };
        let padded = self.value().pad(amounts, value)?;
        let negated: Vec<_> = amounts.iter().map(|&(a, b)| (-a, -b)).collect();
        let rule = pull(move |g: &Self| g.pad(&negated, T::ZERO));
        Self::record(margin(amounts)?, padded, [(self, rule)])
    }
}

/// What padding with a value says of itself: in the plane it is a window of one
/// element, unless it crops.
fn margin(amounts: &[(isize, isize)]) -> Result<OpInfo> {
    const OP: &str = "pad";
    let amount = |axis: usize| amounts.get(axis).copied().unwrap_or((0, 0));
    let sides = [amount(1), amount(0)];
    let op = OpInfo::from(OP);
    if sides.iter().any(|&(before, after)| before < 0 || after < 0) {
        return Ok(op.spanning_plane());
    }
    let padding = Padding::Explicit {
        before: sides.map(|(before, _)| before.unsigned_abs()),
        after: sides.map(|(_, after)| after.unsigned_abs()),
    };
    Ok(op.with_window(Window2d::new(OP, 1, 1, padding, 1)?))
}

#[cfg(test)]
mod tests {
    use crate::gradcheck::gradcheck;
    use crate::ops::testing::{check_linear, gradient, random};
    use crate::tape::Tape;
    use tensor::{PadMode, Tensor};

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
    fn padding_with_own_elements_is_linear_and_adjoint_to_its_rule() {
        for (shape, amounts) in [
            (&[2, 4][..], &[(1, 2)][..]),
            (&[2, 4], &[(2, -1)]),
            (&[1, 3, 4], &[(-1, 2), (2, 1)]),
            (&[1, 2, 3, 2], &[(1, 1), (0, 2)]),
            (&[1, 2, 3, 2], &[(1, 0), (0, 1), (1, 1)]),
            (&[0, 1, 3, 3], &[(1, 1), (1, 1)]),
        ] {
            for mode in [PadMode::Reflect, PadMode::Replicate, PadMode::Circular] {
                check_linear(&random(shape), |x| x.pad(amounts, mode));
            }
        }
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
        assert!(x.pad(&[(1, 1)], PadMode::Reflect).is_err());
    }
}
