//! Element by element, with broadcasting.
//!
//! | | value y | gradient of `a` | gradient of `b` |
//! |---|---|---|---|
//! | `add` | a + b | g | g |
//! | `sub` | a − b | g | −g |
//! | `mul` | a · b | g · b | g · a |
//! | `div` | a / b | g / b | −g · y / b |
//! | `pow` | aᵇ | g · b · aᵇ⁻¹ | g · y · log a |
//! | `maximum` | max(a, b) | g where a > b | g where b > a |
//! | `minimum` | min(a, b) | g where a < b | g where b < a |
//!
//! At a tie, `maximum` and `minimum` give half of g to each side. Where a power
//! is constant its gradient is 0, whatever the formula makes of it: at a = 0 to
//! `a` for b = 0, and to `b` for b ≥ 0.
//!
//! Rules ignore broadcasting: the sweep sums a gradient back to its input's
//! shape.

use tensor::{Float, Result, Tensor};

use crate::record::{pull, pull_owned};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// `self + rhs`, broadcast. Also the operator `+`.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn add(&self, rhs: &Self) -> Result<Self> {
        let value = self.value().add(rhs.value())?;
        if !self.tape().is_recording() {
            return Self::unrecorded("add", value, [self, rhs]);
        }
        let pass = || pull_owned(Ok);
        let inputs = [(self, self.wanted(pass)), (rhs, rhs.wanted(pass))];
        Self::record_wanted("add".into(), value, inputs)
    }

    /// `self − rhs`, broadcast. Also the operator `-`.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn sub(&self, rhs: &Self) -> Result<Self> {
        let value = self.value().sub(rhs.value())?;
        if !self.tape().is_recording() {
            return Self::unrecorded("sub", value, [self, rhs]);
        }
        let to_a = self.wanted(|| pull_owned(Ok));
        let to_b = rhs.wanted(|| pull(Self::neg));
        Self::record_wanted("sub".into(), value, [(self, to_a), (rhs, to_b)])
    }

    /// `self · rhs`, element by element, broadcast. Also the operator `*`.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn mul(&self, rhs: &Self) -> Result<Self> {
        let value = self.value().mul(rhs.value())?;
        if !self.tape().is_recording() {
            return Self::unrecorded("mul", value, [self, rhs]);
        }
        let times = |other: &Self| {
            let other = other.save();
            pull(move |g: &Self| g.mul(&other.on(g)))
        };
        let to_a = self.wanted(|| times(rhs));
        let to_b = rhs.wanted(|| times(self));
        Self::record_wanted("mul".into(), value, [(self, to_a), (rhs, to_b)])
    }

    /// `self / rhs`, element by element, broadcast. Also the operator `/`.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn div(&self, rhs: &Self) -> Result<Self> {
        let value = self.value().div(rhs.value())?;
        let (b, y) = (rhs.save(), self.tape().save_output(&value));
        let to_a = {
            let b = b.clone();
            pull(move |g: &Self| g.div(&b.on(g)))
        };
        let to_b = pull(move |g: &Self| g.mul(&y.on(g))?.div(&b.on(g))?.neg());
        Self::record("div", value, [(self, to_a), (rhs, to_b)])
    }

    /// `self` to the power of `exponent`, element by element, broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn pow(&self, exponent: &Self) -> Result<Self> {
        let value = self.value().pow(exponent.value())?;
        let (a, b) = (self.save(), exponent.save());
        let to_a = pull(move |g: &Self| {
            let (a, b) = (a.on(g), b.on(g));
            // At b = 0 the factor b makes the gradient 0, unless aᵇ⁻¹ is not
            // finite: there b − 1 is replaced by 0.
            let base = a.value();
            let broken = base.eq_scalar(T::ZERO).or(&base.ne(base)?)?;
            let flat = broken.and(&b.value().eq_scalar(T::ZERO))?;
            let lower = b.add_scalar(-T::ONE)?.masked_fill(&flat, T::ZERO)?;
            g.mul(&b)?.mul(&a.pow(&lower)?)
        });
        let (a, y) = (self.save(), self.tape().save_output(&value));
        let b = exponent.value().clone();
        let to_b = pull(move |g: &Self| {
            // Where aᵇ is 0 for every b nearby, log a is replaced by 0.
            let flat = a.value().eq_scalar(T::ZERO).and(&b.ge_scalar(T::ZERO))?;
            let log = a.on(g).masked_fill(&flat, T::ONE)?.log()?;
            g.mul(&y.on(g))?.mul(&log)
        });
        Self::record("pow", value, [(self, to_a), (exponent, to_b)])
    }

    /// The larger of the two, broadcast; at a tie each gets half of the
    /// gradient. NaN in either is NaN.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn maximum(&self, rhs: &Self) -> Result<Self> {
        let value = self.value().maximum(rhs.value())?;
        let (a, b) = (self.value().clone(), rhs.value().clone());
        let to_a = pull(move |g: &Self| g.unless(&a.lt(&b)?, &a.eq_to(&b)?));
        let (a, b) = (self.value().clone(), rhs.value().clone());
        let to_b = pull(move |g: &Self| g.unless(&a.gt(&b)?, &a.eq_to(&b)?));
        Self::record("maximum", value, [(self, to_a), (rhs, to_b)])
    }

    /// The smaller of the two, broadcast; at a tie each gets half of the
    /// gradient. NaN in either is NaN.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn minimum(&self, rhs: &Self) -> Result<Self> {
        let value = self.value().minimum(rhs.value())?;
        let (a, b) = (self.value().clone(), rhs.value().clone());
        let to_a = pull(move |g: &Self| g.unless(&a.gt(&b)?, &a.eq_to(&b)?));
        let (a, b) = (self.value().clone(), rhs.value().clone());
        let to_b = pull(move |g: &Self| g.unless(&a.lt(&b)?, &a.eq_to(&b)?));
        Self::record("minimum", value, [(self, to_a), (rhs, to_b)])
    }

    /// A gradient: 0 where its side lost, half where it tied.
    fn unless(&self, lost: &Tensor<bool>, tied: &Tensor<bool>) -> Result<Self> {
        let share = tied.map(|tied| if tied { T::of(0.5) } else { T::ONE });
        self.mul(&self.constant(share))?.masked_fill(lost, T::ZERO)
    }

    /// `self + rhs` for one number. Also the operator `+`.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn add_scalar(&self, rhs: T) -> Result<Self> {
        let pass = pull_owned(Ok);
        Self::record("add_scalar", self.value().add_scalar(rhs), [(self, pass)])
    }

    /// `self · rhs` for one number. Also the operator `*`.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn mul_scalar(&self, rhs: T) -> Result<Self> {
        let value = self.value().mul_scalar(rhs);
        if !self.tape().is_recording() {
            return Self::unrecorded("mul_scalar", value, [self, self]);
        }
        let rule = pull(move |g: &Self| g.mul_scalar(rhs));
        Self::record("mul_scalar", value, [(self, rule)])
    }

    /// `self / rhs` for one number. Also the operator `/`.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn div_scalar(&self, rhs: T) -> Result<Self> {
        let rule = pull(move |g: &Self| g.div_scalar(rhs));
        Self::record("div_scalar", self.value() / rhs, [(self, rule)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradcheck::gradcheck;
    use crate::ops::testing::{gradcheck_broadcast, spaced, torch};
    use crate::tape::Tape;

    const NAN: f64 = f64::NAN;
    const INF: f64 = f64::INFINITY;

    /// a = [[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]]; b = [0.5, 2.0, 3.0]
    fn operands() -> [Tensor<f64>; 2] {
        [
            Tensor::from([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]]),
            Tensor::from([0.5, 2.0, 3.0]),
        ]
    }

    #[test]
    fn values_and_gradients_of_torch() {
        // show(torch.sub, a, b)
        torch(
            |x| x[0].sub(&x[1]),
            operands(),
            [[0.5, -4.0, 0.0], [0.0, 2.0, -4.0]],
            [Tensor::from([[1.0; 3]; 2]), Tensor::from([-2.0; 3])],
        );
        // show(torch.div, a, b)
        torch(
            |x| x[0].div(&x[1]),
            operands(),
            [[2.0, -1.0, 1.0], [1.0, 2.0, -1.0 / 3.0]],
            [
                Tensor::from([[2.0, 0.5, 1.0 / 3.0]; 2]),
                Tensor::from([-6.0, -0.5, -0.222_222_222_222_222_2]),
            ],
        );
        // show(torch.pow, [[1.0, 2.0, 3.0], [0.5, 4.0, 0.1]], b)
        torch(
            |x| x[0].pow(&x[1]),
            [
                Tensor::from([[1.0, 2.0, 3.0], [0.5, 4.0, 0.1]]),
                operands()[1].clone(),
            ],
            [[1.0, 4.0, 27.0], [0.5f64.sqrt(), 16.0, 0.001]],
            [
                Tensor::from([[0.5, 4.0, 27.0], [0.5f64.sqrt(), 8.0, 0.03]]),
                Tensor::from([
                    -0.490_129_071_734_273_6,
                    24.953_298_500_158_03,
                    29.660_229_208_945_97,
                ]),
            ],
        );
    }

    #[test]
    fn ties_and_nan_of_torch() {
        // show(torch.maximum, a, b), show(torch.minimum, a, b)
        torch(
            |x| x[0].maximum(&x[1]),
            operands(),
            [[1.0, 2.0, 3.0], [0.5, 4.0, 3.0]],
            [
                Tensor::from([[1.0, 0.0, 0.5], [0.5, 1.0, 0.0]]),
                Tensor::from([0.5, 1.0, 1.5]),
            ],
        );
        torch(
            |x| x[0].minimum(&x[1]),
            operands(),
            [[0.5, -2.0, 3.0], [0.5, 2.0, -1.0]],
            [
                Tensor::from([[0.0, 1.0, 0.5], [0.5, 0.0, 1.0]]),
                Tensor::from([1.5, 1.0, 0.5]),
            ],
        );
        // show(torch.maximum, [nan, 1.0, nan], [1.0, nan, nan]), and minimum
        let x = || [[NAN, 1.0, NAN], [1.0, NAN, NAN]].map(Tensor::from);
        let ones = || [[1.0; 3], [1.0; 3]].map(Tensor::from);
        torch(|x| x[0].maximum(&x[1]), x(), [NAN; 3], ones());
        torch(|x| x[0].minimum(&x[1]), x(), [NAN; 3], ones());
    }

    #[test]
    fn powers_of_zero_of_torch() {
        // show(torch.pow, [0., 0., 0., -2., -2., nan], [0., 2., -1., 3., 0., 0.])
        torch(
            |x| x[0].pow(&x[1]),
            [
                Tensor::from([0.0, 0.0, 0.0, -2.0, -2.0, NAN]),
                Tensor::from([0.0, 2.0, -1.0, 3.0, 0.0, 0.0]),
            ],
            [1.0, 0.0, INF, -8.0, 1.0, 1.0],
            [
                Tensor::from([0.0, 0.0, -INF, 12.0, 0.0, 0.0]),
                Tensor::from([0.0, 0.0, -INF, NAN, NAN, NAN]),
            ],
        );
    }

    #[test]
    fn agree_with_difference_quotients() {
        gradcheck_broadcast(Var::add, |x| x);
        gradcheck_broadcast(Var::sub, |x| x);
        gradcheck_broadcast(Var::mul, |x| x);
        gradcheck_broadcast(Var::div, |x| x);
        gradcheck_broadcast(Var::pow, |x| x);
        // Set apart by 0.02, so that no difference quotient crosses a tie.
        gradcheck_broadcast(Var::maximum, |x| x + 0.02);
        gradcheck_broadcast(Var::minimum, |x| x + 0.02);
        gradcheck_broadcast(|x, y| x.mul(y)?.mul_scalar(3.0)?.add_scalar(1.0), |x| x);
        gradcheck_broadcast(|x, y| x.square()?.div_scalar(3.0)?.sub(y), |x| x);
    }

    #[test]
    fn an_exponent_of_zero_has_exact_higher_derivatives() {
        // d²/da db aᵇ at b = 0 is 1/a; at a = 0 all stay finite.
        let inputs = [spaced(&[2, 1]), Tensor::zeros([3]).unwrap()];
        gradcheck(|x| x[0].pow(&x[1]), &inputs).unwrap();
        let tape = Tape::new();
        let a = tape.leaf(Tensor::from([0.0, 2.0]));
        let b = tape.leaf(Tensor::from([0.0, 0.0]));
        let y = a.pow(&b).unwrap().sum().unwrap();
        let first = crate::grad(&y, &[&a, &b]).unwrap();
        let sum = first[0].add(&first[1]).unwrap().sum().unwrap();
        let second = crate::grad(&sum, &[&a, &b]).unwrap();
        assert!(
            second
                .iter()
                .all(|h| h.value().iter().all(|h: &f64| h.is_finite()))
        );
        assert_eq!(second[0].value().get([1]), Some(0.5));
    }

    #[test]
    fn shapes_that_do_not_broadcast_are_errors() {
        let tape = Tape::new();
        let (a, b) = (
            tape.leaf(Tensor::from([1.0; 2])),
            tape.leaf(Tensor::from([1.0; 3])),
        );
        for f in [
            Var::add,
            Var::sub,
            Var::mul,
            Var::div,
            Var::pow,
            Var::maximum,
            Var::minimum,
        ] {
            assert!(
                f(&a, &b)
                    .unwrap_err()
                    .to_string()
                    .contains("do not broadcast")
            );
        }
    }
}
