//! Indexing with several tensors of indices at once, as `x[rows, columns]`: a
//! permutation, a selection and two reshapes, whose rules are all that is needed.
//! An element that is read twice gets both gradients.

use tensor::{Float, IndexPlan, Result, Tensor};

use crate::var::Var;

impl<T: Float> Var<T> {
    /// The elements whose positions along the leading axes these tensors list
    /// together, `None` for an axis that is taken whole.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let (rows, columns) = (Tensor::from([1, 0, 1]), Tensor::from([0, 1, 0]));
    /// let y = x.index_by(&[Some(&rows), Some(&columns)])?;
    /// assert_eq!(y.value(), &Tensor::from([3.0, 2.0, 3.0]));
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([[0.0, 1.0], [2.0, 0.0]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::index_by`] and [`Var::record`].
    pub fn index_by(&self, indices: &[Option<&Tensor<i64>>]) -> Result<Self> {
        let Some(plan) = IndexPlan::new(self.shape(), indices)? else {
            return Ok(self.clone());
        };
        self.permute(&plan.order)?
            .reshape_to(&plan.merged)?
            .index_select(plan.axis, &plan.positions)?
            .reshape_to(&plan.shape)
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::testing::{check_linear, random};
    use crate::tape::Tape;
    use tensor::Tensor;

    #[test]
    fn is_linear_and_adjoint_to_its_rules() {
        let (i, j) = (Tensor::from([[0], [-1]]), Tensor::from([2, 0, 2]));
        let x = &random(&[2, 3, 3]);
        check_linear(x, |x| x.index_by(&[Some(&i), Some(&j)]));
        check_linear(x, |x| x.index_by(&[Some(&i), None, Some(&j)]));
        check_linear(x, |x| x.index_by(&[None, Some(&j)]));
        check_linear(x, |x| x.index_by(&[]));
    }

    #[test]
    fn bad_indices_are_errors() {
        let x = Tape::new().leaf(random(&[2, 3]));
        assert!(x.index_by(&[Some(&Tensor::from([2]))]).is_err());
        assert!(x.index_by(&[None, None, None]).is_err());
    }
}
