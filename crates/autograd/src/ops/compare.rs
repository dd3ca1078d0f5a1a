//! Choices made by masks. A mask is a plain tensor: a comparison is constant
//! but for its jumps, so no gradient flows through it.
//!
//! | | value | gradient |
//! |---|---|---|
//! | `where_` | a where c, else b | to `a`: g where c, else 0; to `b`: 0 where c, else g |
//! | `masked_fill` | v where m, else x | 0 where m, else g |
//!
//! The zeros are zeros, not products with 0: a branch that was not taken gets
//! no gradient, though it be NaN.

use tensor::{Float, Result, Tensor};

use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// `a` where the mask holds, `b` elsewhere, all three broadcast.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::{Tape, Var};
    ///
    /// // The root, but linear where it would be steep.
    /// let x = Tape::new().leaf(Tensor::from([0.0, 4.0]));
    /// let y = Var::where_(&x.value().ge_scalar(1.0), &x.sqrt()?, &x)?;
    /// assert_eq!(y.value(), &Tensor::from([0.0, 2.0]));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn where_(mask: &Tensor<bool>, a: &Self, b: &Self) -> Result<Self> {
        let value = mask.where_(a.value(), b.value())?;
        let (chosen, other) = (mask.clone(), mask.clone());
        let to_a = pull(move |g: &Self| g.masked_fill(&chosen.not(), T::ZERO));
        let to_b = pull(move |g: &Self| g.masked_fill(&other, T::ZERO));
        Self::record("where_", value, [(a, to_a), (b, to_b)])
    }

    /// `value` where the mask holds, the variable elsewhere, broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn masked_fill(&self, mask: &Tensor<bool>, value: T) -> Result<Self> {
        let filled = self.value().masked_fill(mask, value)?;
        let mask = mask.clone();
        let rule = pull(move |g: &Self| g.masked_fill(&mask, T::ZERO));
        Self::record("masked_fill", filled, [(self, rule)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradcheck::gradcheck;
    use crate::ops::testing::{gradcheck_broadcast, torch};

    #[test]
    fn the_branch_not_taken_gets_no_nan() {
        // show(lambda x, y: torch.where(x > 0, y.log(), x), [0., 2.], [nan, 2.])
        torch(
            |x| Var::where_(&x[0].value().gt_scalar(0.0), &x[1].add_scalar(1.0)?, &x[0]),
            [Tensor::from([0.0, 2.0]), Tensor::from([f64::NAN, 2.0])],
            [0.0, 3.0],
            [Tensor::from([1.0, 0.0]), Tensor::from([0.0, 1.0])],
        );
        torch(
            |x| {
                x[0].masked_fill(&x[0].value().ne(x[0].value())?, 7.0)?
                    .square()
            },
            [Tensor::from([f64::NAN, 2.0])],
            [49.0, 4.0],
            [Tensor::from([0.0, 4.0])],
        );
    }

    #[test]
    fn agree_with_difference_quotients() {
        let mask = Tensor::from([[true], [false]]);
        gradcheck_broadcast(
            |a, b| Var::where_(&mask, &a.mul(b)?, &b.square()?)?.mul(a),
            |x| x,
        );
        let x = Tensor::from([[1.0, 2.0, 3.0]]);
        gradcheck(
            |x| x[0].masked_fill(&mask, 2.0)?.square(),
            std::slice::from_ref(&x),
        )
        .unwrap();
        gradcheck(
            |x| Var::where_(&mask, &x[0], &x[0].square()?)?.square(),
            &[x],
        )
        .unwrap();
    }

    #[test]
    fn shapes_that_do_not_broadcast_are_errors() {
        let x = crate::Tape::new().leaf(Tensor::from([1.0, 2.0]));
        let mask = Tensor::from([true; 3]);
        assert!(x.masked_fill(&mask, 0.0).is_err());
        assert!(Var::where_(&mask, &x, &x).is_err());
    }
}
