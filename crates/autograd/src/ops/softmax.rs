//! From scores to probabilities.
//!
//! | | value y | gradient |
//! |---|---|---|
//! | `softmax` | exp x / Σ exp x | y · (g − Σ g·y) |
//! | `softmin` | softmax of −x | |
//! | `log_softmax` | x − log Σ exp x | g − exp(y) · Σ g |
//! | `logsumexp` | log Σ exp x | g · exp(x − y) |
//!
//! Sums run along the axis of the operation. The first two save their result
//! and nothing else.

use tensor::shape::{self, Axes};
use tensor::{Float, Result};

use super::layout::{in_plane, moving};
use super::reduce::kept;
use crate::record::{OpInfo, pull};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// exp(x) / Σ exp(x), the sum along `axis`: positive numbers that sum to 1.
    ///
    /// # Errors
    /// If the axis is out of range; as [`Var::record`].
    pub fn softmax(&self, axis: isize) -> Result<Self> {
        let value = self.value().softmax(axis)?;
        let y = self.tape().save_output(&value);
        let rule = pull(move |g: &Self| {
            let y = y.on(g);
            let mean = total(&g.mul(&y)?, axis)?;
            y.mul(&g.sub(&mean)?)
        });
        Self::record(along("softmax", axis, self.ndim())?, value, [(self, rule)])
    }

    /// [`softmax`](Self::softmax) of −x: the smallest gets most.
    ///
    /// # Errors
    /// If the axis is out of range; as [`Var::record`].
    pub fn softmin(&self, axis: isize) -> Result<Self> {
        along("softmin", axis, self.ndim())?;
        self.neg()?.softmax(axis)
    }

    /// x − log Σ exp(x), the sum along `axis`: the logarithm of
    /// [`softmax`](Self::softmax), finite where that would round to 0.
    ///
    /// # Errors
    /// If the axis is out of range; as [`Var::record`].
    pub fn log_softmax(&self, axis: isize) -> Result<Self> {
        let value = self.value().log_softmax(axis)?;
        let y = self.tape().save_output(&value);
        let rule = pull(move |g: &Self| g.sub(&y.on(g).exp()?.mul(&total(g, axis)?)?));
        Self::record(
            along("log_softmax", axis, self.ndim())?,
            value,
            [(self, rule)],
        )
    }

    /// log Σ exp(x) over these axes, over all if none is named: a smooth
    /// maximum, whose gradient is the softmax.
    ///
    /// # Errors
    /// For an axis out of range or named twice; as [`Var::record`].
    pub fn logsumexp(&self, axes: impl Axes, keepdim: bool) -> Result<Self> {
        let axes = axes.to_axes();
        let value = self.value().logsumexp(&axes, keepdim)?;
        let kept = kept("logsumexp", self.shape(), &axes)?;
        let (x, y) = (self.save(), self.tape().save_output(&value));
        let rule = pull(move |g: &Self| {
            let slope = x.on(g).sub(&y.on(g).reshape_to(&kept)?)?.exp()?;
            g.reshape_to(&kept)?.mul(&slope)
        });
        Self::record("logsumexp", value, [(self, rule)])
    }
}

/// What an operation along `axis` says of itself.
fn along(op: &'static str, axis: isize, ndim: usize) -> Result<OpInfo> {
    // A number without axes is a line of one score.
    let ndim = ndim.max(1);
    Ok(moving(op, in_plane(shape::axis(op, axis, ndim)?, ndim)))
}

/// The sum of each line, of one score if there are no axes.
fn total<T: Float>(x: &Var<T>, axis: isize) -> Result<Var<T>> {
    if x.ndim() == 0 {
        return Ok(x.clone());
    }
    x.sum_axes(axis, true)
}

#[cfg(test)]
mod tests {
    use crate::gradcheck::{Gradcheck, gradcheck};
    use crate::ops::testing::{spaced, torch};
    use tensor::Tensor;

    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;

    /// m = [[1.0, 2.0, 4.0], [0.0, -1.0, 0.5]]
    fn matrix() -> [Tensor<f64>; 1] {
        [Tensor::from([[1.0, 2.0, 4.0], [0.0, -1.0, 0.5]])]
    }

    #[test]
    fn values_and_gradients_of_torch() {
        // show(lambda x: x.softmax(1)**2, m)
        torch(
            |x| x[0].softmax(1)?.square(),
            matrix(),
            [
                [
                    0.001_764_845_656_588_603,
                    0.013_040_543_562_487_291,
                    0.711_989_553_938_434_1,
                ],
                [
                    0.109_891_560_762_253_38,
                    0.014_872_205_501_072_993,
                    0.298_716_232_721_036_4,
                ],
            ],
            [Tensor::from([
                [
                    -0.057_535_715_942_726_33,
                    -0.139_911_899_766_199_2,
                    0.197_447_615_708_925_55,
                ],
                [
                    -0.060_983_237_322_916_41,
                    -0.073_543_760_190_384_68,
                    0.134_526_997_513_301_1,
                ],
            ])],
        );
        // show(lambda x: x.log_softmax(0)**2, m)
        torch(
            |x| x[0].log_softmax(0)?.square(),
            matrix(),
            [
                [
                    0.098_132_884_866_764_7,
                    0.002_360_730_732_950_406,
                    0.000_885_087_387_395_880_8,
                ],
                [
                    1.724_656_259_903_203_1,
                    9.293_884_840_175_403,
                    12.459_138_015_295_74,
                ],
            ],
            [Tensor::from([
                [
                    1.751_644_358_288_798_8,
                    5.803_402_273_787_003,
                    6.850_827_016_784_32,
                ],
                [
                    -1.751_644_358_288_799,
                    -5.803_402_273_787_003,
                    -6.850_827_016_784_321,
                ],
            ])],
        );
        // show(lambda x: x.logsumexp(1), m)
        torch(
            |x| x[0].logsumexp(1, false),
            matrix(),
            [4.169_846_019_556_286, 1.104_130_605_336_728_4],
            [Tensor::from([
                [
                    0.042_010_066_134_066_035,
                    0.114_195_199_384_594_42,
                    0.843_794_734_481_339_1,
                ],
                [
                    0.331_498_960_424_091_5,
                    0.121_951_652_309_728_85,
                    0.546_549_387_266_179_6,
                ],
            ])],
        );
    }

    #[test]
    fn infinite_scores_of_torch() {
        // show(lambda x: x.softmax(0), [-inf, -inf])
        let hopeless = || [Tensor::from([-INF, -INF])];
        let nan = || [Tensor::from([NAN, NAN])];
        torch(|x| x[0].softmax(0), hopeless(), [NAN, NAN], nan());
        // show(lambda x: x.logsumexp(0), [-inf, -inf])
        torch(|x| x[0].logsumexp(0, false), hopeless(), -INF, nan());
        // show(lambda x: x.softmax(0), [-inf, 0.])
        torch(
            |x| x[0].softmax(0),
            [Tensor::from([-INF, 0.0])],
            [0.0, 1.0],
            [Tensor::from([0.0, 0.0])],
        );
        // show(lambda x: x.logsumexp(0, True), [1000., -1000.])
        torch(
            |x| x[0].logsumexp(0, true),
            [Tensor::from([1000.0, -1000.0])],
            [1000.0],
            [Tensor::from([1.0, 0.0])],
        );
    }

    #[test]
    fn agree_with_difference_quotients() {
        for shape in [&[2, 3][..], &[3, 1, 2], &[1, 4], &[0, 2]] {
            let x = [spaced(shape)];
            for axis in [0, -1] {
                gradcheck(|x| x[0].softmax(axis), &x).unwrap();
                gradcheck(|x| x[0].softmin(axis), &x).unwrap();
                gradcheck(|x| x[0].log_softmax(axis), &x).unwrap();
                gradcheck(|x| x[0].logsumexp(axis, true), &x).unwrap();
                gradcheck(|x| x[0].logsumexp(axis, false)?.square(), &x).unwrap();
            }
        }
        let x = [spaced(&[2, 3])];
        gradcheck(|x| x[0].logsumexp([], false), &x).unwrap();
        let third = Gradcheck {
            order: 3,
            ..Gradcheck::default()
        };
        third.check(|x| x[0].softmax(1), &x).unwrap();
        third.check(|x| x[0].log_softmax(1), &x).unwrap();
        third.check(|x| x[0].logsumexp(1, false), &x).unwrap();
    }

    #[test]
    fn a_number_is_a_line_of_one_score() {
        let x = || [Tensor::scalar(3.0)];
        for axis in [0, -1] {
            let flat = || [Tensor::scalar(0.0)];
            torch(|x| x[0].softmax(axis), x(), 1.0, flat());
            torch(|x| x[0].softmin(axis), x(), 1.0, flat());
            torch(|x| x[0].log_softmax(axis), x(), 0.0, flat());
            gradcheck(|x| x[0].softmax(axis)?.mul(&x[0]), &x()).unwrap();
        }
    }

    #[test]
    fn wrong_axes_are_errors() {
        let x = crate::Tape::new().leaf(spaced(&[2, 3]));
        assert!(x.softmax(2).is_err() && x.log_softmax(-3).is_err());
        assert!(x.softmin(2).is_err() && x.sum().unwrap().softmax(1).is_err());
        assert!(x.logsumexp([0, -2], false).is_err());
    }
}
