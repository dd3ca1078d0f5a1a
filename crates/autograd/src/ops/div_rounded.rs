//! Division that rounds to whole numbers.
//!
//! A staircase: its derivative is 0 wherever there is one, and so is its
//! gradient everywhere, as PyTorch's is.

use tensor::{Float, Result, Rounding};

use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// `self / rhs`, rounded to whole numbers, element by element, broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn div_rounded(&self, rhs: &Self, rounding: Rounding) -> Result<Self> {
        let value = self.value().div_rounded(rhs.value(), rounding)?;
        let flat = || pull(|g: &Self| Ok(g.constant(g.value().zeros_like())));
        Self::record("div_rounded", value, [(self, flat()), (rhs, flat())])
    }
}

#[cfg(test)]
mod tests {
    use crate::tape::Tape;
    use tensor::{Rounding, Tensor};

    #[test]
    fn a_staircase_is_flat() {
        let tape = Tape::new();
        let a = tape.leaf(Tensor::from([[7.0, -7.0]]));
        let b = tape.leaf(Tensor::from([[2.0], [3.0]]));
        let y = a.div_rounded(&b, Rounding::Floor).unwrap();
        assert_eq!(y.value(), &Tensor::from([[3.0, -4.0], [2.0, -3.0]]));
        let grads = y.sum().unwrap().backward().unwrap();
        assert_eq!(grads.get(&a), Some(&Tensor::from([[0.0, 0.0]])));
        assert_eq!(grads.get(&b), Some(&Tensor::from([[0.0], [0.0]])));
        assert!(b.div_rounded(&b, Rounding::Trunc).is_err(), "was swept");
    }
}
