//! One element in, one element out.
//!
//! | | value y | gradient | at the kink |
//! |---|---|---|---|
//! | `neg` | −x | −g | |
//! | `abs` | \|x\| | g · sign x | 0 at 0 |
//! | `square` | x² | g · 2x | |
//! | `relu` | max(x, 0) | g where y > 0, else 0 | 0 at 0 |
//! | `clamp`, `clamp_min`, `clamp_max` | min(max(x, a), b) | g where a < x < b, else 0 | 0 at the limits |
//! | `exp` | eˣ | g · y | |
//! | `log` | log x | g / x | |
//! | `sqrt` | √x | g / 2y | ∞ at 0 |
//! | `powf`, `powi` | xᵖ | g · p · xᵖ⁻¹ | 0 for p = 0 |
//! | `sigmoid` | 1 / (1 + e⁻ˣ) | g · y · (1 − y) | |
//! | `tanh` | tanh x | g · (1 − y²) | |
//!
//! Where a rule speaks of the result y, that is what is saved: the next
//! operation mostly holds it anyway.

use tensor::{Float, Result, Tensor};

use crate::record::{pull, pull_owned};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// −x. Also the operator `-`.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn neg(&self) -> Result<Self> {
        Self::record("neg", self.value().neg(), [(self, pull(Self::neg))])
    }

    /// |x|. The gradient at 0 is 0.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn abs(&self) -> Result<Self> {
        let x = self.value().clone();
        let rule = pull(move |g: &Self| g.mul(&g.constant(x.sign())));
        Self::record("abs", self.value().abs(), [(self, rule)])
    }

    /// x².
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn square(&self) -> Result<Self> {
        let x = self.save();
        let rule = pull(move |g: &Self| g.mul(&x.on(g).mul_scalar(T::of(2.0))?));
        Self::record("square", self.value().square(), [(self, rule)])
    }

    /// max(x, 0): the rectified linear unit. The gradient at 0 is 0.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([-1.0, 0.0, 2.0]));
    /// let grads = x.relu()?.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([0.0, 0.0, 1.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn relu(&self) -> Result<Self> {
        let value = self.value().relu();
        rectified(self, value)
    }

    /// x, but no less than `min` and no more than `max`; `max` everywhere if
    /// the limits are the wrong way round. The gradient is 0 at and beyond the
    /// limits, as in PyTorch since 2.15 (before, it was 1 at them).
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn clamp(&self, min: T, max: T) -> Result<Self> {
        let x = self.value().clone();
        let rule = pull(move |g: &Self| {
            let inside = x.gt_scalar(min).and(&x.lt_scalar(max))?;
            g.masked_fill(&inside.not(), T::ZERO)
        });
        Self::record("clamp", self.value().clamp(min, max), [(self, rule)])
    }

    /// x, but no less than `min`. The gradient is 0 at and below the limit.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn clamp_min(&self, min: T) -> Result<Self> {
        let x = self.value().clone();
        let rule = pull(move |g: &Self| g.masked_fill(&x.gt_scalar(min).not(), T::ZERO));
        Self::record("clamp_min", self.value().clamp_min(min), [(self, rule)])
    }

    /// x, but no more than `max`. The gradient is 0 at and above the limit.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn clamp_max(&self, max: T) -> Result<Self> {
        let x = self.value().clone();
        let rule = pull(move |g: &Self| g.masked_fill(&x.lt_scalar(max).not(), T::ZERO));
        Self::record("clamp_max", self.value().clamp_max(max), [(self, rule)])
    }

    /// eˣ.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn exp(&self) -> Result<Self> {
        let value = self.value().exp();
        let y = self.tape().save_output(&value);
        Self::record("exp", value, [(self, pull(move |g| g.mul(&y.on(g))))])
    }

    /// The natural logarithm.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn log(&self) -> Result<Self> {
        let x = self.save();
        let rule = pull(move |g: &Self| g.div(&x.on(g)));
        Self::record("log", self.value().log(), [(self, rule)])
    }

    /// √x. The gradient at 0 is infinite.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn sqrt(&self) -> Result<Self> {
        let value = self.value().sqrt();
        let y = self.tape().save_output(&value);
        let rule = pull(move |g: &Self| g.div(&y.on(g).mul_scalar(T::of(2.0))?));
        Self::record("sqrt", value, [(self, rule)])
    }

    /// xᵖ for one real exponent. For p = 0 the gradient is 0 everywhere.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn powf(&self, exponent: T) -> Result<Self> {
        let x = self.save();
        let rule = pull(move |g: &Self| {
            if exponent == T::ZERO {
                return Ok(g.constant(g.value().zeros_like()));
            }
            let slope = x.on(g).powf(exponent - T::ONE)?.mul_scalar(exponent)?;
            g.mul(&slope)
        });
        Self::record("powf", self.value().powf(exponent), [(self, rule)])
    }

    /// xⁿ for one whole exponent, by repeated multiplication. For n = 0 the
    /// gradient is 0 everywhere.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn powi(&self, exponent: i32) -> Result<Self> {
        let x = self.save();
        let rule = pull(move |g: &Self| {
            if exponent == 0 {
                return Ok(g.constant(g.value().zeros_like()));
            }
            let lower = x.on(g).powi(exponent.saturating_sub(1))?;
            g.mul(&lower.mul_scalar(T::of_int(exponent.into()))?)
        });
        Self::record("powi", self.value().powi(exponent), [(self, rule)])
    }

    /// 1 / (1 + e⁻ˣ): the logistic function.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn sigmoid(&self) -> Result<Self> {
        let value = self.value().sigmoid();
        let y = self.tape().save_output(&value);
        let rule = pull(move |g: &Self| {
            let y = y.on(g);
            g.mul(&y)?.mul(&y.neg()?.add_scalar(T::ONE)?)
        });
        Self::record("sigmoid", value, [(self, rule)])
    }

    /// The hyperbolic tangent.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn tanh(&self) -> Result<Self> {
        let value = self.value().tanh();
        let y = self.tape().save_output(&value);
        let rule = pull(move |g: &Self| {
            let slope = y.on(g).square()?.neg()?.add_scalar(T::ONE)?;
            g.mul(&slope)
        });
        Self::record("tanh", value, [(self, rule)])
    }
}

/// Records `value` as max(x, 0). Its rule speaks of the result alone, so that
/// an operation which rectifies what it stores need not keep what it had before.
pub(super) fn rectified<T: Float>(x: &Var<T>, value: Tensor<T>) -> Result<Var<T>> {
    let y = value.clone();
    let rule = pull_owned(move |g| relu_backward(&y, g));
    Var::record("relu", value, [(x, rule)])
}

/// g where the output y of a rectifier is positive: linear in g, and its own
/// adjoint. In the place of g where nothing records and no one shares it.
fn relu_backward<T: Float>(y: &Tensor<T>, g: Var<T>) -> Result<Var<T>> {
    if !g.tape().is_recording() {
        let tape = g.tape().clone();
        let mut value = g.into_value();
        value.relu_backward_assign(y)?;
        tape.check_result("relu_backward", &value)?;
        return Ok(tape.constant(value));
    }
    let value = y.relu_backward(g.value())?;
    let y = y.clone();
    let rule = pull_owned(move |g| relu_backward(&y, g));
    Var::record("relu_backward", value, [(&g, rule)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backward::grad;
    use crate::gradcheck::{Gradcheck, gradcheck};
    use crate::ops::testing::{same, torch};
    use crate::tape::Tape;

    const NAN: f64 = f64::NAN;
    const INF: f64 = f64::INFINITY;

    fn points() -> [Tensor<f64>; 1] {
        [Tensor::from([-1.5, 0.0, 0.5, 2.0])]
    }

    #[test]
    fn values_and_gradients_of_torch() {
        // x = [-1.5, 0.0, 0.5, 2.0]; show(torch.square, x)
        torch(
            |x| x[0].square(),
            points(),
            [2.25, 0.0, 0.25, 4.0],
            [Tensor::from([-3.0, 0.0, 1.0, 4.0])],
        );
        // show(torch.exp, x)
        let exp = [
            0.223_130_160_148_429_82,
            1.0,
            1.648_721_270_700_128_2,
            7.389_056_098_930_65,
        ];
        torch(|x| x[0].exp(), points(), exp, [Tensor::from(exp)]);
        // show(torch.sigmoid, x)
        torch(
            |x| x[0].sigmoid(),
            points(),
            [
                0.182_425_523_806_356_35,
                0.5,
                0.622_459_331_201_854_6,
                0.880_797_077_977_882_3,
            ],
            [Tensor::from([
                0.149_146_452_070_332_86,
                0.25,
                0.235_003_712_201_594_5,
                0.104_993_585_403_506_62,
            ])],
        );
        // show(torch.tanh, x)
        torch(
            |x| x[0].tanh(),
            points(),
            [
                -0.905_148_253_644_866_4,
                0.0,
                0.462_117_157_260_009_74,
                0.964_027_580_075_816_9,
            ],
            [Tensor::from([
                0.180_706_638_923_648_6,
                1.0,
                0.786_447_732_965_927_4,
                0.070_650_824_853_164_43,
            ])],
        );
    }

    #[test]
    fn powers_roots_and_logarithms_of_torch() {
        // show(lambda x: x**3, [-1.5, 0.0, 0.5, 2.0]), and x**-2
        let cube = [-3.375, 0.0, 0.125, 8.0];
        let slope = [Tensor::from([6.75, 0.0, 0.75, 12.0])];
        torch(|x| x[0].powi(3), points(), cube, slope.clone());
        torch(|x| x[0].powf(3.0), points(), cube, slope);
        let inverse = [0.444_444_444_444_444_4, INF, 4.0, 0.25];
        let slope = [Tensor::from([0.592_592_592_592_592_6, -INF, -16.0, -0.25])];
        torch(|x| x[0].powi(-2), points(), inverse, slope.clone());
        torch(|x| x[0].powf(-2.0), points(), inverse, slope);
        // show(lambda x: x**0, [0.0, -2.0, nan]), and x**1
        let x = [Tensor::from([0.0, -2.0, NAN])];
        let zeros = [Tensor::from([0.0; 3])];
        torch(|x| x[0].powi(0), x.clone(), [1.0; 3], zeros.clone());
        torch(|x| x[0].powf(0.0), x.clone(), [1.0; 3], zeros);
        let ones = [Tensor::from([1.0; 3])];
        torch(|x| x[0].powf(1.0), x, [0.0, -2.0, NAN], ones);
        // show(torch.sqrt, [0.0, -1.0, 4.0])
        torch(
            |x| x[0].sqrt(),
            [Tensor::from([0.0, -1.0, 4.0])],
            [0.0, NAN, 2.0],
            [Tensor::from([INF, NAN, 0.25])],
        );
        // show(torch.log, [0.0, -1.0, 4.0])
        torch(
            |x| x[0].log(),
            [Tensor::from([0.0, -1.0, 4.0])],
            [-INF, NAN, 1.386_294_361_119_890_6],
            [Tensor::from([INF, -1.0, 0.25])],
        );
    }

    #[test]
    fn kinks_of_torch() {
        let x = || [Tensor::from([-1.0, 0.0, 0.5, 1.0, 2.0, NAN])];
        // x = [-1.0, 0.0, 0.5, 1.0, 2.0, nan]; show(torch.relu, x)
        torch(
            |x| x[0].relu(),
            x(),
            [0.0, 0.0, 0.5, 1.0, 2.0, NAN],
            [Tensor::from([0.0, 0.0, 1.0, 1.0, 1.0, 1.0])],
        );
        // show(torch.abs, x)
        torch(
            |x| x[0].abs(),
            x(),
            [1.0, 0.0, 0.5, 1.0, 2.0, NAN],
            [Tensor::from([-1.0, 0.0, 1.0, 1.0, 1.0, 0.0])],
        );
        // show(lambda x: x.clamp(min=0), [-1.0, 0.0, inf, nan]), and x.clamp(max=0)
        // of [1.0, 0.0, -inf, nan]
        torch(
            |x| x[0].clamp_min(0.0),
            [Tensor::from([-1.0, 0.0, INF, NAN])],
            [0.0, 0.0, INF, NAN],
            [Tensor::from([0.0, 0.0, 1.0, 0.0])],
        );
        torch(
            |x| x[0].clamp_max(0.0),
            [Tensor::from([1.0, 0.0, -INF, NAN])],
            [0.0, 0.0, -INF, NAN],
            [Tensor::from([0.0, 0.0, 1.0, 0.0])],
        );
        // show(lambda x: x.clamp(0, 1), x), and x.clamp(1, 0)
        torch(
            |x| x[0].clamp(0.0, 1.0),
            x(),
            [0.0, 0.0, 0.5, 1.0, 1.0, NAN],
            [Tensor::from([0.0, 0.0, 1.0, 0.0, 0.0, 0.0])],
        );
        torch(
            |x| x[0].clamp(1.0, 0.0),
            x(),
            [0.0, 0.0, 0.0, 0.0, 0.0, NAN],
            [Tensor::from([0.0; 6])],
        );
    }

    #[test]
    fn saturated_slopes_are_zero_and_not_nan() {
        let far = || [Tensor::from([-800.0, 800.0])];
        let flat = || [Tensor::from([0.0, 0.0])];
        torch(|x| x[0].sigmoid(), far(), [0.0, 1.0], flat());
        torch(|x| x[0].tanh(), far(), [-1.0, 1.0], flat());
    }

    #[test]
    fn agree_with_difference_quotients() {
        let signed = || Tensor::from([[-1.5, -0.3], [0.4, 1.7]]);
        let positive = Tensor::from([[0.4], [0.7], [1.9]]);
        let check = |f: fn(&Var<f64>) -> Result<Var<f64>>, x: &Tensor<f64>| {
            gradcheck(|x| f(&x[0]), std::slice::from_ref(x)).unwrap();
        };
        for f in [
            Var::neg,
            Var::abs,
            Var::square,
            Var::relu,
            Var::exp,
            Var::sigmoid,
            Var::tanh,
            |x: &Var<f64>| x.clamp(-0.5, 0.5),
            |x: &Var<f64>| x.powi(3),
            |x: &Var<f64>| x.powi(-1),
            |x: &Var<f64>| x.powf(2.0),
            |x: &Var<f64>| x.powi(0),
        ] {
            check(f, &signed());
            check(f, &Tensor::scalar(0.8));
            check(f, &Tensor::zeros([2, 0]).unwrap());
        }
        for f in [Var::log, Var::sqrt, |x: &Var<f64>| x.powf(-1.5)] {
            check(f, &positive);
        }
        let third = Gradcheck {
            order: 3,
            ..Gradcheck::default()
        };
        for f in [Var::sigmoid, Var::tanh, Var::exp] {
            third.check(|x| f(&x[0]), &[signed()]).unwrap();
        }
    }

    #[test]
    fn higher_derivatives_of_low_powers_vanish_cleanly() {
        // x² at 0: 2 and then 0, with no 0 · ∞ on the way.
        let x = Tape::new().leaf(Tensor::from([0.0, 3.0]));
        let mut y = x.powf(2.0).unwrap();
        for want in [[0.0, 6.0], [2.0, 2.0], [0.0, 0.0]] {
            y = grad(&y.sum().unwrap(), &[&x]).unwrap().remove(0);
            same(y.value(), &Tensor::from(want));
        }
    }
}
