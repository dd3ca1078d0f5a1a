//! The triangles of a matrix. What was cut off gets no gradient, and the rest all
//! of it: the gradient is the same triangle of the gradient.

use tensor::{Float, Result};

use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// Each matrix (the last two axes) on and below a diagonal, and zeros above
    /// it: [`Tensor::tril`](tensor::Tensor::tril).
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let grads = x.tril(0)?.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([[1.0, 0.0], [1.0, 1.0]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// For fewer than two axes; as [`Var::record`].
    pub fn tril(&self, diagonal: isize) -> Result<Self> {
        let value = self.value().tril(diagonal)?;
        Self::record("tril", value, [(self, pull(move |g| g.tril(diagonal)))])
    }

    /// Each matrix (the last two axes) on and above a diagonal, and zeros below
    /// it: [`Tensor::triu`](tensor::Tensor::triu).
    ///
    /// # Errors
    /// For fewer than two axes; as [`Var::record`].
    pub fn triu(&self, diagonal: isize) -> Result<Self> {
        let value = self.value().triu(diagonal)?;
        Self::record("triu", value, [(self, pull(move |g| g.triu(diagonal)))])
    }
}

#[cfg(test)]
mod tests {
    use crate::Tape;
    use crate::ops::testing::{check_linear, random};

    #[test]
    fn both_are_linear_and_their_own_adjoints() {
        for shape in [&[3, 4][..], &[2, 3, 2], &[0, 2]] {
            for diagonal in [-1, 0, 2, isize::MIN, isize::MAX] {
                check_linear(&random(shape), |x| x.tril(diagonal));
                check_linear(&random(shape), |x| x.triu(diagonal));
            }
        }
    }

    #[test]
    fn a_vector_is_an_error() {
        let x = Tape::new().leaf(random(&[3]));
        assert!(x.tril(0).is_err() && x.triu(0).is_err());
    }
}
