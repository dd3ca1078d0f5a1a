//! One element in, one element out.
//!
//! Each function here is a formula applied to every element: no shapes to fit,
//! nothing that can fail, so the result is a plain tensor. The formulas are
//! written so that they survive the ends of the number line: a sigmoid at
//! ±800 is 0 or 1 and not NaN, and a NaN that goes in comes out, because a
//! framework that swallows NaN hides the step at which training went wrong.
//!
//! **Cost.** One pass over the operand and one over the result. What is made of
//! eˣ is vectorised (see `exponential.rs`); logarithms and powers are the standard
//! library's, some ten nanoseconds each.

use super::elementwise::{larger, map, smaller, zip};
use crate::element::{Float, Number};
use crate::error::Result;
use crate::loops::{CHECKED, Checked};
use crate::tensor::Tensor;

impl<T: Number> Tensor<T> {
    /// −x. Also the operator `-`.
    #[must_use]
    pub fn neg(&self) -> Self {
        map(self, T::negated)
    }

    /// |x|.
    #[must_use]
    pub fn abs(&self) -> Self {
        map(self, T::magnitude)
    }

    /// −1, 0 or 1: the side of zero that x is on. NaN is on neither: 0.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor = Tensor::from([-3.0, 0.0, 0.5, f32::NAN]);
    /// assert_eq!(x.sign().to_vec(), [-1.0, 0.0, 1.0, 0.0]);
    /// ```
    #[must_use]
    pub fn sign(&self) -> Self {
        map(self, |x| {
            if x > T::ZERO {
                T::ONE
            } else if x < T::ZERO {
                T::ONE.negated()
            } else {
                T::ZERO
            }
        })
    }

    /// x².
    #[must_use]
    pub fn square(&self) -> Self {
        map(self, |x| x.times(x))
    }

    /// max(x, 0): the rectified linear unit. NaN stays NaN.
    #[must_use]
    pub fn relu(&self) -> Self {
        map(self, rectified)
    }

    /// The gradient of [`relu`](Self::relu) with respect to its input, for
    /// `self` its output: `grad` where the output is positive or NaN, 0
    /// elsewhere. PyTorch's `threshold_backward`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let y = Tensor::from([-1.0, 0.0, 2.0]).relu();
    /// let grad = y.relu_backward(&Tensor::from([10.0, 20.0, 30.0]))?;
    /// assert_eq!(grad.to_vec(), [0.0, 0.0, 30.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn relu_backward(&self, grad: &Self) -> Result<Self> {
        let chosen = |y, g| if y <= T::ZERO { T::ZERO } else { g };
        zip("relu_backward", self, grad, chosen)
    }

    /// x, but no less than `min` and no more than `max`; `max` everywhere if
    /// the limits are the wrong way round. NaN, in x or as a limit, stays NaN.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor = Tensor::from([-3.0, 0.5, 7.0]);
    /// assert_eq!(x.clamp(0.0, 1.0).to_vec(), [0.0, 0.5, 1.0]);
    /// ```
    #[must_use]
    pub fn clamp(&self, min: T, max: T) -> Self {
        map(self, |x| smaller(larger(x, min), max))
    }

    /// x, but no less than `min`: [`clamp`](Self::clamp) without an upper limit.
    #[must_use]
    pub fn clamp_min(&self, min: T) -> Self {
        map(self, |x| larger(x, min))
    }

    /// x, but no more than `max`: [`clamp`](Self::clamp) without a lower limit.
    #[must_use]
    pub fn clamp_max(&self, max: T) -> Self {
        map(self, |x| smaller(x, max))
    }
}

impl<T: Float> Tensor<T> {
    /// eˣ.
    #[must_use]
    pub fn exp(&self) -> Self {
        each(self, T::exp_each)
    }

    /// The natural logarithm: −∞ at 0, NaN below.
    #[must_use]
    pub fn log(&self) -> Self {
        map(self, T::ln)
    }

    /// √x: NaN below 0.
    #[must_use]
    pub fn sqrt(&self) -> Self {
        map(self, T::sqrt)
    }

    /// xᵖ for one real exponent. 0⁰ is 1; a negative x has a power only if p is
    /// a whole number, and is NaN otherwise.
    #[must_use]
    pub fn powf(&self, exponent: T) -> Self {
        map(self, |x| x.powf(exponent))
    }

    /// xⁿ for one whole exponent, by repeated multiplication.
    #[must_use]
    pub fn powi(&self, exponent: i32) -> Self {
        map(self, |x| x.powi(exponent))
    }

    /// 1 / (1 + e⁻ˣ): the logistic function, from 0 at −∞ to 1 at ∞.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor = Tensor::from([-800.0, 0.0, 800.0]);
    /// assert_eq!(x.sigmoid().to_vec(), [0.0, 0.5, 1.0]);
    /// ```
    #[must_use]
    pub fn sigmoid(&self) -> Self {
        each(self, T::sigmoid_each)
    }

    /// The hyperbolic tangent, from −1 at −∞ to 1 at ∞.
    #[must_use]
    pub fn tanh(&self) -> Self {
        each(self, T::tanh_each)
    }
}

/// A loop of the table over all elements.
fn each<T: Float>(x: &Tensor<T>, sweep: fn(Checked, &[T], &mut [T])) -> Tensor<T> {
    let mut out = Tensor::arbitrary_like(x);
    sweep(CHECKED, x.as_slice(), out.as_mut_slice());
    out
}

/// max(x, 0), and NaN where x is NaN.
#[inline]
pub(crate) fn rectified<T: Number>(x: T) -> T {
    if x <= T::ZERO { T::ZERO } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f64 = f64::NAN;
    const INF: f64 = f64::INFINITY;

    /// Equal, NaN to NaN included.
    fn same(got: &Tensor<f64>, want: &[f64]) {
        let got = got.to_vec();
        assert_eq!(got.len(), want.len());
        for (a, b) in got.iter().zip(want) {
            assert!(
                a == b || a.is_nan() && b.is_nan(),
                "{got:?} is not {want:?}"
            );
        }
    }

    #[test]
    fn nan_goes_through() {
        let x = Tensor::from([NAN, -2.0, 0.0, 3.0]);
        same(&x.relu(), &[NAN, 0.0, 0.0, 3.0]);
        same(&x.clamp(-1.0, 1.0), &[NAN, -1.0, 0.0, 1.0]);
        same(&x.clamp(1.0, -1.0), &[NAN, -1.0, -1.0, -1.0]);
        same(&x.clamp_min(0.0), &x.clamp(0.0, f64::INFINITY).to_vec());
        same(&x.clamp_max(0.0), &x.clamp(f64::NEG_INFINITY, 0.0).to_vec());
        same(&x.clamp(NAN, 1.0), &[NAN; 4]);
        same(&x.clamp(0.0, NAN), &[NAN; 4]);
        same(&x.sign(), &[0.0, -1.0, 0.0, 1.0]);
        same(&x.abs(), &[NAN, 2.0, 0.0, 3.0]);
        same(&x.sqrt(), &[NAN, NAN, 0.0, 3f64.sqrt()]);
        same(&x.log(), &[NAN, NAN, -INF, 3f64.ln()]);
    }

    #[test]
    fn saturation_is_exact() {
        let far = Tensor::from([-INF, -800.0, 800.0, INF]);
        same(&far.sigmoid(), &[0.0, 0.0, 1.0, 1.0]);
        same(&far.tanh(), &[-1.0, -1.0, 1.0, 1.0]);
        let far: Tensor = Tensor::from([-800.0, -80.0, 800.0]);
        let got = far.sigmoid().to_vec();
        assert_eq!((got[0], got[2]), (0.0, 1.0));
        // The tail keeps its relative precision: e⁻⁸⁰.
        assert!((got[1] / 1.804_851_4e-35 - 1.0).abs() < 1e-5);
    }

    #[test]
    fn powers() {
        let x = Tensor::from([-2.0, 0.0, 2.0]);
        same(&x.powf(0.0), &[1.0; 3]);
        same(&x.powf(3.0), &[-8.0, 0.0, 8.0]);
        same(&x.powf(0.5), &[NAN, 0.0, 2f64.sqrt()]);
        same(&x.powi(-2), &[0.25, INF, 0.25]);
        same(&x.powi(0), &[1.0; 3]);
        same(&Tensor::from([1.0]).powi(i32::MIN), &[1.0]);
    }

    #[test]
    fn integers_too() {
        let x = Tensor::from([-3i64, 0, i64::MIN, 4]);
        assert_eq!(x.relu().to_vec(), [0, 0, 0, 4]);
        assert_eq!(x.sign().to_vec(), [-1, 0, -1, 1]);
        assert_eq!(x.abs().to_vec(), [3, 0, i64::MIN, 4]);
        assert_eq!(x.clamp(-1, 2).to_vec(), [-1, 0, -1, 2]);
        assert_eq!(Tensor::from([1i64 << 32]).square().to_vec(), [0]);
    }

    #[test]
    fn shapes_are_kept() {
        for shape in [vec![], vec![0], vec![2, 0, 3], vec![2, 1, 3]] {
            let x = Tensor::<f32>::zeros(&shape).unwrap();
            assert_eq!(x.exp().shape(), shape);
            assert_eq!(x.exp(), x.ones_like());
        }
    }
}
