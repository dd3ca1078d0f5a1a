//! Element by element, with NumPy's broadcasting.
//!
//! Two operands broadcast when, aligned at their last axes, every pair of
//! sizes is equal or has a 1 in it. Nothing is materialised for that: a
//! repeated axis is walked with stride 0, and neighbouring axes are merged
//! first, so that the innermost loop is as long as it can be.
//!
//! **Cost.** One pass over the operands and one over the result.

use crate::element::{Element, Float, Number};
use crate::error::Result;
use crate::shape::{allocate, broadcast, broadcast_strides, for_each_row, nest};
use crate::tensor::Tensor;

/// `f(a, b)` over the shape that both broadcast to.
pub(crate) fn zip<A: Element, B: Element, U: Element>(
    op: &'static str,
    a: &Tensor<A>,
    b: &Tensor<B>,
    f: impl Fn(A, B) -> U,
) -> Result<Tensor<U>> {
    if a.shape() == b.shape() {
        let data = a.iter().zip(b.iter()).map(|(&x, &y)| f(x, y)).collect();
        return Ok(Tensor::from_parts(a.shape(), data));
    }
    let shape = broadcast(op, a.shape(), b.shape())?;
    let mut data = allocate(op, &shape)?;
    let strides = [a.shape(), b.shape()].map(|own| broadcast_strides(own, &shape));
    let loops = nest(&shape, strides);
    if let Some((&(len, [step_a, step_b]), outer)) = loops.split_last() {
        let (a, b) = (a.as_slice(), b.as_slice());
        for_each_row(outer, |[i, j]| match (step_a, step_b) {
            (0, _) if len > 0 => {
                let x = a[i];
                data.extend(b[j..].iter().take(len).map(|&y| f(x, y)));
            }
            (_, 0) if len > 0 => {
                let y = b[j];
                data.extend(a[i..].iter().take(len).map(|&x| f(x, y)));
            }
            _ => data.extend(a[i..].iter().zip(&b[j..]).take(len).map(|(&x, &y)| f(x, y))),
        });
    }
    Ok(Tensor::from_parts(shape, data))
}

impl<T: Number> Tensor<T> {
    /// `self + rhs`, broadcast. Also the operator `+`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn add(&self, rhs: &Self) -> Result<Self> {
        zip("add", self, rhs, T::plus)
    }

    /// `self − rhs`, broadcast. Also the operator `-`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn sub(&self, rhs: &Self) -> Result<Self> {
        zip("sub", self, rhs, T::minus)
    }

    /// `self · rhs`, element by element, broadcast. Also the operator `*`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn mul(&self, rhs: &Self) -> Result<Self> {
        zip("mul", self, rhs, T::times)
    }

    /// `self + rhs` for one number. Also the operator `+`.
    #[must_use]
    pub fn add_scalar(&self, rhs: T) -> Self {
        self.map(|x| x.plus(rhs))
    }

    /// `self · rhs` for one number. Also the operator `*`.
    #[must_use]
    pub fn mul_scalar(&self, rhs: T) -> Self {
        self.map(|x| x.times(rhs))
    }

    /// The larger of the two, broadcast. NaN in either is NaN.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn maximum(&self, rhs: &Self) -> Result<Self> {
        zip("maximum", self, rhs, larger)
    }

    /// The smaller of the two, broadcast. NaN in either is NaN.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn minimum(&self, rhs: &Self) -> Result<Self> {
        zip("minimum", self, rhs, smaller)
    }
}

/// The larger of two; NaN, if there is one, counts as larger than everything.
/// (IEEE's `max`, and Rust's, would drop the NaN.)
#[inline]
pub(crate) fn larger<T: Number>(a: T, b: T) -> T {
    if a > b || a.is_nan_value() { a } else { b }
}

/// The smaller of two; NaN, if there is one, counts as smaller than everything.
#[inline]
pub(crate) fn smaller<T: Number>(a: T, b: T) -> T {
    if a < b || a.is_nan_value() { a } else { b }
}

impl<T: Float> Tensor<T> {
    /// `self / rhs`, element by element, broadcast. Also the operator `/`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn div(&self, rhs: &Self) -> Result<Self> {
        zip("div", self, rhs, |x, y| x / y)
    }

    /// `self` to the power of `exponent`, element by element, broadcast. 0⁰ is
    /// 1; a negative base has a power only if the exponent is a whole number,
    /// and is NaN otherwise.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn pow(&self, exponent: &Self) -> Result<Self> {
        zip("pow", self, exponent, T::powf)
    }
}

/// The operators: tensor with tensor is fallible, tensor with number is not.
/// (The traits are named by path: imported, `add(self)` would hide `add(&self)`.)
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
    use proptest::prelude::*;

    /// Broadcasting as the definition says it, one index at a time.
    fn naive(a: &Tensor<f64>, b: &Tensor<f64>, f: impl Fn(f64, f64) -> f64) -> Tensor<f64> {
        let shape = broadcast("naive", a.shape(), b.shape()).unwrap();
        let pick = |t: &Tensor<f64>, index: &[usize]| {
            let own = &index[index.len() - t.ndim()..];
            let own: Vec<usize> = own
                .iter()
                .zip(t.shape())
                .map(|(&i, &n)| if n == 1 { 0 } else { i })
                .collect();
            t.get(&own).unwrap()
        };
        Tensor::from_fn(&shape, |index| f(pick(a, index), pick(b, index))).unwrap()
    }

    proptest! {
        #[test]
        fn broadcasting_agrees_with_the_definition(
            shape in prop::collection::vec(0usize..4, 0..5),
            ones in prop::collection::vec(any::<(bool, bool)>(), 5),
            cut in 0usize..5,
        ) {
            let reduced = |which: fn(&(bool, bool)) -> bool| -> Vec<usize> {
                shape.iter().zip(&ones).map(|(&n, o)| if which(o) { 1 } else { n }).collect()
            };
            let (sa, sb) = (reduced(|o| o.0), reduced(|o| o.1));
            let sb = &sb[cut.min(sb.len())..];
            let fill = |s: &[usize]| {
                let mut k = 0.0;
                Tensor::from_fn(s, |_| { k += 1.0; k }).unwrap()
            };
            let (a, b) = (fill(&sa), fill(sb));
            prop_assert_eq!(a.sub(&b).unwrap(), naive(&a, &b, |x, y| x - y));
            prop_assert_eq!(b.div(&a).unwrap(), naive(&b, &a, |x, y| x / y));
        }
    }

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

    #[test]
    fn extremes_propagate_nan_from_either_side() {
        let a = Tensor::from([1.0, f64::NAN, 2.0, f64::NAN]);
        let b = Tensor::from([3.0, 0.0, f64::NAN, f64::NAN]);
        for (x, y) in [(&a, &b), (&b, &a)] {
            let (max, min) = (x.maximum(y).unwrap(), x.minimum(y).unwrap());
            assert_eq!((max.get([0]), min.get([0])), (Some(3.0), Some(1.0)));
            assert!(max.iter().chain(&min).filter(|v| v.is_nan()).count() == 6);
        }
        let i = Tensor::from([[i64::MIN], [5]]);
        let j = Tensor::from([-1i64, 7]);
        assert_eq!(i.maximum(&j).unwrap().to_vec(), [-1, 7, 5, 7]);
        assert_eq!(i.minimum(&j).unwrap().to_vec(), [i64::MIN, i64::MIN, -1, 5]);
    }

    #[test]
    fn powers_of_zero_and_of_negatives() {
        let base = Tensor::from([0.0, 0.0, 0.0, -2.0, -2.0]);
        let exponent = Tensor::from([0.0, 2.0, -1.0, 3.0, 2.5]);
        let got = base.pow(&exponent).unwrap().to_vec();
        assert_eq!(got[..4], [1.0, 0.0, f64::INFINITY, -8.0]);
        assert!(got[4].is_nan());
    }
}
