//! The operators `+ - * /` and unary `-`, by value and by reference.
//!
//! All of them record, so all of them are fallible, those with a number
//! included: `((&a + &b)? * 2.0)?`.

use tensor::{Float, Result, Tensor};

use crate::var::Var;

/// One operator in all its forms. (The traits are named by path: imported,
/// `add(self)` would hide `add(&self)`.)
macro_rules! operators {
    ($($trait:ident, $method:ident, |$x:ident, $s:ident| $scalar:expr;)+) => {$(
        impl<T: Float> std::ops::$trait<&Var<T>> for &Var<T> {
            type Output = Result<Var<T>>;
            fn $method(self, rhs: &Var<T>) -> Self::Output {
                Var::$method(self, rhs)
            }
        }
        impl<T: Float> std::ops::$trait<Var<T>> for &Var<T> {
            type Output = Result<Var<T>>;
            fn $method(self, rhs: Var<T>) -> Self::Output {
                Var::$method(self, &rhs)
            }
        }
        impl<T: Float> std::ops::$trait<&Var<T>> for Var<T> {
            type Output = Result<Var<T>>;
            fn $method(self, rhs: &Var<T>) -> Self::Output {
                Var::$method(&self, rhs)
            }
        }
        impl<T: Float> std::ops::$trait<Var<T>> for Var<T> {
            type Output = Result<Var<T>>;
            fn $method(self, rhs: Var<T>) -> Self::Output {
                Var::$method(&self, &rhs)
            }
        }
        impl<T: Float> std::ops::$trait<T> for &Var<T> {
            type Output = Result<Var<T>>;
            fn $method(self, $s: T) -> Self::Output {
                let $x = self;
                $scalar
            }
        }
        impl<T: Float> std::ops::$trait<T> for Var<T> {
            type Output = Result<Var<T>>;
            fn $method(self, $s: T) -> Self::Output {
                let $x = &self;
                $scalar
            }
        }
        // A number on the left is a constant without axes. (Rust wants these
        // type by type.)
        number_on_the_left!(f32, $trait, $method);
        number_on_the_left!(f64, $trait, $method);
    )+};
}
macro_rules! number_on_the_left {
    ($t:ty, $trait:ident, $method:ident) => {
        impl std::ops::$trait<&Var<$t>> for $t {
            type Output = Result<Var<$t>>;
            fn $method(self, rhs: &Var<$t>) -> Self::Output {
                Var::$method(&rhs.constant(Tensor::scalar(self)), rhs)
            }
        }
        impl std::ops::$trait<Var<$t>> for $t {
            type Output = Result<Var<$t>>;
            fn $method(self, rhs: Var<$t>) -> Self::Output {
                Var::$method(&rhs.constant(Tensor::scalar(self)), &rhs)
            }
        }
    };
}
operators! {
    Add, add, |x, s| x.add_scalar(s);
    Sub, sub, |x, s| x.add_scalar(-s);
    Mul, mul, |x, s| x.mul_scalar(s);
    Div, div, |x, s| x.div_scalar(s);
}

impl<T: Float> std::ops::Neg for &Var<T> {
    type Output = Result<Var<T>>;
    fn neg(self) -> Self::Output {
        Var::neg(self)
    }
}

impl<T: Float> std::ops::Neg for Var<T> {
    type Output = Result<Self>;
    fn neg(self) -> Self::Output {
        Self::neg(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::Tape;

    #[test]
    fn operators_compose() -> Result<()> {
        let tape = Tape::new();
        let (a, b) = (
            tape.leaf(Tensor::from([2.0f32, 4.0])),
            tape.constant(Tensor::scalar(1.0)),
        );
        let y = ((&a + &b)? * 2.0)?;
        assert_eq!(y.value().to_vec(), [6.0, 10.0]);
        assert_eq!((1.0 - (&y / 2.0)?)?.value().to_vec(), [-2.0, -4.0]);
        assert_eq!((8.0 / &a)?.value().to_vec(), [4.0, 2.0]);
        assert_eq!((-(y.clone() - 1.0)?)?.value().to_vec(), [-5.0, -9.0]);
        let loss = (8.0 / (&a * a.clone())?)?.sum()?;
        // −16 / a³
        assert_eq!(loss.backward()?.get(&a), Some(&Tensor::from([-2.0, -0.25])));
        Ok(())
    }
}
