//! What a tensor can hold.
//!
//! Four types and no more: `f32` and `f64` for values, `i64` for labels,
//! indices and counters, `bool` for masks. The traits are sealed, so that the
//! loops may rely on what they say, and nested by what an operation needs:
//! [`Element`] to be moved about, compared and printed, [`Number`] to be added
//! and multiplied, [`Float`] for everything that calculus touches.

use std::fmt::Debug;

use crate::loops::{Folds, Loops};
use crate::random::Sample;
use crate::simd::{Lanes, fold::Trees};
use crate::storage::Pooled;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for i64 {}
    impl Sealed for bool {}
}

/// The families of element types, for code that prints or converts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `f32` and `f64`.
    Float,
    /// `i64`.
    Int,
    /// `bool`.
    Bool,
}

/// A type that a [`Tensor`](crate::Tensor) can hold: `f32`, `f64`, `i64` or `bool`.
pub trait Element:
    sealed::Sealed + Pooled + Copy + Send + Sync + PartialEq + PartialOrd + Debug + Default + 'static
{
    /// The Rust name of the type.
    const NAME: &'static str;
    /// The family it belongs to.
    const KIND: Kind;
    /// Zero, or `false`.
    const ZERO: Self;
    /// One, or `true`.
    const ONE: Self;

    /// The value as a float: exact but for `i64` beyond 2⁵³.
    fn as_f64(self) -> f64;
    /// The value as an integer: floats are truncated toward zero, and clamped
    /// to the range of `i64`; NaN is 0.
    fn as_i64(self) -> i64;
    /// The nearest value of this type; for `bool`, whether `x` is not zero.
    fn of(x: f64) -> Self;
    /// The nearest value of this type; for `bool`, whether `x` is not zero.
    fn of_int(x: i64) -> Self;
    /// Whether the value is NaN.
    #[inline]
    fn is_nan_value(self) -> bool {
        false
    }
    /// Converts between element types as Rust's `as` does.
    #[inline]
    fn cast<U: Element>(self) -> U {
        // Through i64 where that is exact, so that large integers keep every digit.
        if Self::KIND == Kind::Float && U::KIND != Kind::Int {
            U::of(self.as_f64())
        } else {
            U::of_int(self.as_i64())
        }
    }
}

/// An element with arithmetic: `f32`, `f64` or `i64`.
///
/// Integers wrap on overflow, as PyTorch's do, and never panic.
pub trait Number: Element + Folds + Trees {
    /// `self + rhs`.
    fn plus(self, rhs: Self) -> Self;
    /// `self − rhs`.
    fn minus(self, rhs: Self) -> Self;
    /// `self · rhs`.
    fn times(self, rhs: Self) -> Self;
    /// `−self`.
    fn negated(self) -> Self;
    /// `|self|`.
    fn magnitude(self) -> Self;
}

/// An element of calculus: `f32` or `f64`.
pub trait Float:
    Number
    + Lanes
    + Loops
    + Sample
    + num_traits::Float
    + num_traits::NumAssign
    + num_traits::FloatConst
    + ndarray::LinalgScalar
    + std::iter::Sum
{
}

macro_rules! float {
    ($t:ty) => {
        impl Element for $t {
            const NAME: &'static str = stringify!($t);
            const KIND: Kind = Kind::Float;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            #[inline]
            fn as_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline]
            fn as_i64(self) -> i64 {
                self as i64
            }
            #[inline]
            fn of(x: f64) -> Self {
                x as $t
            }
            #[inline]
            fn of_int(x: i64) -> Self {
                x as $t
            }
            #[inline]
            fn is_nan_value(self) -> bool {
                self.is_nan()
            }
        }
        impl Number for $t {
            #[inline]
            fn plus(self, rhs: Self) -> Self {
                self + rhs
            }
            #[inline]
            fn minus(self, rhs: Self) -> Self {
                self - rhs
            }
            #[inline]
            fn times(self, rhs: Self) -> Self {
                self * rhs
            }
            #[inline]
            fn negated(self) -> Self {
                -self
            }
            #[inline]
            fn magnitude(self) -> Self {
                self.abs()
            }
        }
        impl Float for $t {}
    };
}
float!(f32);
float!(f64);

impl Element for i64 {
    const NAME: &'static str = "i64";
    const KIND: Kind = Kind::Int;
    const ZERO: Self = 0;
    const ONE: Self = 1;
    #[inline]
    fn as_f64(self) -> f64 {
        self as f64
    }
    #[inline]
    fn as_i64(self) -> i64 {
        self
    }
    #[inline]
    fn of(x: f64) -> Self {
        x as Self
    }
    #[inline]
    fn of_int(x: i64) -> Self {
        x
    }
}

impl Number for i64 {
    #[inline]
    fn plus(self, rhs: Self) -> Self {
        self.wrapping_add(rhs)
    }
    #[inline]
    fn minus(self, rhs: Self) -> Self {
        self.wrapping_sub(rhs)
    }
    #[inline]
    fn times(self, rhs: Self) -> Self {
        self.wrapping_mul(rhs)
    }
    #[inline]
    fn negated(self) -> Self {
        self.wrapping_neg()
    }
    #[inline]
    fn magnitude(self) -> Self {
        self.wrapping_abs()
    }
}

impl Element for bool {
    const NAME: &'static str = "bool";
    const KIND: Kind = Kind::Bool;
    const ZERO: Self = false;
    const ONE: Self = true;
    #[inline]
    fn as_f64(self) -> f64 {
        f64::from(u8::from(self))
    }
    #[inline]
    fn as_i64(self) -> i64 {
        i64::from(self)
    }
    #[inline]
    fn of(x: f64) -> Self {
        x != 0.0
    }
    #[inline]
    fn of_int(x: i64) -> Self {
        x != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_follow_rusts_as() {
        assert_eq!(Element::cast::<i64>(-1.9f32), -1);
        assert_eq!(Element::cast::<i64>(f64::NAN), 0);
        assert_eq!(Element::cast::<i64>(1e300f64), i64::MAX);
        assert_eq!(Element::cast::<i64>(i64::MAX - 1), i64::MAX - 1);
        assert!(Element::cast::<bool>(0.5f32));
        assert!(!Element::cast::<bool>(-0.0f64));
        assert!(Element::cast::<bool>(f64::NAN));
        assert_eq!(Element::cast::<f32>(true), 1.0);
    }

    #[test]
    fn integers_wrap() {
        assert_eq!(i64::MAX.plus(1), i64::MIN);
        assert_eq!(i64::MIN.negated(), i64::MIN);
        assert_eq!(i64::MIN.magnitude(), i64::MIN);
    }
}
