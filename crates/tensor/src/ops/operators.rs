//! The operators `+ - * /` and unary `-`, by value and by reference.
//!
//! Tensor with tensor is fallible, since shapes may not broadcast: `(&a + &b)?`.
//! Tensor with number, on either side, is not: `1.0 - &a * 2.0`.

use crate::element::{Float, Number};
use crate::error::Result;
use crate::tensor::Tensor;

/// One operator in all its forms. (The traits are named by path: imported,
/// `add(self)` would hide `add(&self)`.)
macro_rules! operators {
    ($trait:ident, $method:ident, $bound:ident, |$x:ident, $s:ident| $scalar:expr) => {
        impl<T: $bound> std::ops::$trait<&Tensor<T>> for &Tensor<T> {
            type Output = Result<Tensor<T>>;
            fn $method(self, rhs: &Tensor<T>) -> Self::Output {
                Tensor::$method(self, rhs)
            }
        }
        impl<T: $bound> std::ops::$trait<Tensor<T>> for &Tensor<T> {
            type Output = Result<Tensor<T>>;
            fn $method(self, rhs: Tensor<T>) -> Self::Output {
                Tensor::$method(self, &rhs)
            }
        }
        impl<T: $bound> std::ops::$trait<&Tensor<T>> for Tensor<T> {
            type Output = Result<Tensor<T>>;
            fn $method(self, rhs: &Tensor<T>) -> Self::Output {
                Tensor::$method(&self, rhs)
            }
        }
        impl<T: $bound> std::ops::$trait<Tensor<T>> for Tensor<T> {
            type Output = Result<Tensor<T>>;
            fn $method(self, rhs: Tensor<T>) -> Self::Output {
                Tensor::$method(&self, &rhs)
            }
        }
        impl<T: $bound> std::ops::$trait<T> for &Tensor<T> {
            type Output = Tensor<T>;
            fn $method(self, $s: T) -> Self::Output {
                self.map(|$x| $scalar)
            }
        }
        impl<T: $bound> std::ops::$trait<T> for Tensor<T> {
            type Output = Tensor<T>;
            fn $method(self, $s: T) -> Self::Output {
                self.map(|$x| $scalar)
            }
        }
    };
}
operators!(Add, add, Number, |x, s| x.plus(s));
operators!(Sub, sub, Number, |x, s| x.minus(s));
operators!(Mul, mul, Number, |x, s| x.times(s));
operators!(Div, div, Float, |x, s| x / s);

/// A number on the left. Rust wants these type by type.
macro_rules! number_on_the_left {
    ($($t:ty: $trait:ident, $method:ident, |$s:ident, $x:ident| $value:expr;)+) => {$(
        impl std::ops::$trait<&Tensor<$t>> for $t {
            type Output = Tensor<$t>;
            fn $method(self, rhs: &Tensor<$t>) -> Self::Output {
                let $s = self;
                rhs.map(|$x| $value)
            }
        }
        impl std::ops::$trait<Tensor<$t>> for $t {
            type Output = Tensor<$t>;
            fn $method(self, rhs: Tensor<$t>) -> Self::Output {
                self.$method(&rhs)
            }
        }
    )+};
}
number_on_the_left! {
    f32: Add, add, |s, x| s + x;
    f32: Sub, sub, |s, x| s - x;
    f32: Mul, mul, |s, x| s * x;
    f32: Div, div, |s, x| s / x;
    f64: Add, add, |s, x| s + x;
    f64: Sub, sub, |s, x| s - x;
    f64: Mul, mul, |s, x| s * x;
    f64: Div, div, |s, x| s / x;
    i64: Add, add, |s, x| s.plus(x);
    i64: Sub, sub, |s, x| s.minus(x);
    i64: Mul, mul, |s, x| s.times(x);
}

impl<T: Number> std::ops::Neg for &Tensor<T> {
    type Output = Tensor<T>;
    fn neg(self) -> Self::Output {
        Tensor::neg(self)
    }
}

impl<T: Number> std::ops::Neg for Tensor<T> {
    type Output = Self;
    fn neg(self) -> Self::Output {
        Self::neg(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_compose() {
        let a: Tensor = Tensor::from([1.0, 2.0]);
        let b: Tensor = Tensor::from([[3.0], [4.0]]);
        assert_eq!(
            ((&a + &b).unwrap() * 2.0 - 1.0).to_vec(),
            [7.0, 9.0, 9.0, 11.0]
        );
        assert_eq!((-&a / 2.0).to_vec(), [-0.5, -1.0]);
        assert_eq!((1.0 - &a).to_vec(), [0.0, -1.0]);
        assert_eq!((2.0 / (1.0 + 2.0 * a.clone())).to_vec(), [2.0 / 3.0, 0.4]);
        let i = Tensor::from([i64::MAX, 1]);
        assert_eq!((1 + &i).to_vec(), [i64::MIN, 2]);
        assert_eq!((0 - i).to_vec(), [-i64::MAX, -1]);
        let error = (&a * Tensor::from([1.0, 2.0, 3.0])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "mul: shapes [2] and [3] do not broadcast"
        );
    }
}
