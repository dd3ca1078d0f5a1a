//! Division that rounds to whole numbers: PyTorch's `div` with a
//! `rounding_mode`.
//!
//! Floats are divided in `f64`, so that an `f32` quotient just below a whole
//! number is not rounded up to it first.
//!
//! **Cost.** One pass; a remainder for every element.

use super::elementwise::zip;
use crate::element::{Kind, Number};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Which whole number a quotient becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// The next one below: −7 / 2 is −4. Python's `//`.
    Floor,
    /// The next one toward zero: −7 / 2 is −3. Rust's `/` of integers.
    Trunc,
}

impl<T: Number> Tensor<T> {
    /// `self / rhs`, rounded to whole numbers, element by element, broadcast.
    ///
    /// ```
    /// use wengert_tensor::{Rounding, Tensor};
    ///
    /// let (a, b) = (Tensor::from([-7, 7]), Tensor::scalar(2));
    /// assert_eq!(a.div_rounded(&b, Rounding::Floor)?, Tensor::from([-4, 3]));
    /// assert_eq!(a.div_rounded(&b, Rounding::Trunc)?, Tensor::from([-3, 3]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not broadcast, [`Error::Value`] for an
    /// integer divided by zero. (Of floats that is infinite or NaN.)
    pub fn div_rounded(&self, rhs: &Self, rounding: Rounding) -> Result<Self> {
        const OP: &str = "div_rounded";
        if T::KIND == Kind::Float {
            return zip(OP, self, rhs, move |a, b| {
                T::of(of_floats(a.as_f64(), b.as_f64(), rounding))
            });
        }
        if rhs.iter().any(|&b| b == T::ZERO) {
            let message = format!("an integer divided by zero (shape {:?})", rhs.shape());
            return Err(Error::value(OP, message));
        }
        zip(OP, self, rhs, move |a, b| {
            T::of_int(of_integers(a.as_i64(), b.as_i64(), rounding))
        })
    }
}

fn of_integers(a: i64, b: i64, rounding: Rounding) -> i64 {
    let quotient = a.wrapping_div(b);
    let below = a.wrapping_rem(b) != 0 && (a < 0) != (b < 0);
    quotient - i64::from(below && rounding == Rounding::Floor)
}

/// The floor is taken by the remainder, which is exact where the quotient is
/// rounded.
fn of_floats(a: f64, b: f64, rounding: Rounding) -> f64 {
    if rounding == Rounding::Trunc || b == 0.0 {
        let quotient = a / b;
        return if b == 0.0 { quotient } else { quotient.trunc() };
    }
    let remainder = a % b;
    let mut quotient = (a - remainder) / b;
    if remainder != 0.0 && (b < 0.0) != (remainder < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return 0f64.copysign(a / b);
    }
    // A whole number but for rounding.
    quotient.round()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_as_pytorch() {
        let a = Tensor::from([7, -7, 7, -7, 6, 0, i64::MIN]);
        let b = Tensor::from([2, 2, -2, -2, -3, 5, -1]);
        // torch.div(a, b, rounding_mode="floor"), and "trunc"
        let floor = a.div_rounded(&b, Rounding::Floor).unwrap();
        assert_eq!(floor.to_vec(), [3, -4, -4, 3, -2, 0, i64::MIN]);
        let trunc = a.div_rounded(&b, Rounding::Trunc).unwrap();
        assert_eq!(trunc.to_vec(), [3, -3, -3, 3, -2, 0, i64::MIN]);
        let zero = a.div_rounded(&Tensor::scalar(0), Rounding::Floor);
        assert!(matches!(zero, Err(Error::Value { .. })));
        assert!(
            a.div_rounded(&Tensor::from([1, 2]), Rounding::Floor)
                .is_err()
        );
    }

    #[test]
    fn floats_as_pytorch() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        let a = Tensor::from([-7.0, 7.0, inf, 5.0, 0.0, 1.0, -1.0, nan, 1.0]);
        let b = Tensor::from([2.0, -2.0, 3.0, inf, 0.0, 0.0, 0.0, 1.0, 0.1]);
        let floor = a.div_rounded(&b, Rounding::Floor).unwrap().to_vec();
        let trunc = a.div_rounded(&b, Rounding::Trunc).unwrap().to_vec();
        let expected = [-4.0, -4.0, nan, 0.0, nan, inf, -inf, nan, 9.0];
        let same = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
        assert!(
            floor.iter().zip(expected).all(|(&a, b)| same(a, b)),
            "{floor:?}"
        );
        let expected = [-3.0, -3.0, inf, 0.0, nan, inf, -inf, nan, 10.0];
        assert!(
            trunc.iter().zip(expected).all(|(&a, b)| same(a, b)),
            "{trunc:?}"
        );
    }
}
