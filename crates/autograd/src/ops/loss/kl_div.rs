//! The Kullback–Leibler divergence.
//!
//! | target | value | gradient of the input | gradient of the target |
//! |---|---|---|---|
//! | t | t (log t − x) | −g · t | g · (log t + 1 − x) |
//! | log t, called u | eᵘ (u − x) | −g · eᵘ | g · eᵘ (u − x + 1) |
//!
//! The derivative of t log t has no limit at 0, and the gradient of a target of 0 is
//! NaN, as PyTorch's is.

use tensor::{Float, KlDivOptions, Reduction, Result, shape};

use super::share;
use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// t · (log t − x) for logarithms x and probabilities t, reduced:
    /// `torch.nn.functional.kl_div`. The two broadcast. A [`Reduction`] will do for
    /// options; the divergence itself is that of
    /// [`KlDivOptions::batch_mean`].
    ///
    /// ```
    /// use tensor::{KlDivOptions, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from([[0.0, 0.0]]));
    /// let target = tape.constant(Tensor::from([[1.0, 0.0]]));
    /// let loss = x.log_softmax(1)?.kl_div(&target, KlDivOptions::batch_mean())?;
    /// assert_eq!(loss.item()?, 2f64.ln());
    /// assert_eq!(loss.backward()?.get(&x), Some(&Tensor::from([[-0.5, 0.5]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn kl_div(&self, target: &Self, options: impl Into<KlDivOptions>) -> Result<Self> {
        const OP: &str = "kl_div";
        let options = options.into();
        let value = self.value().kl_div(target.value(), options)?;
        let pairs = shape::broadcast(OP, self.shape(), target.shape())?;
        let (reduction, count) = match self.shape() {
            [batch, ..] if options.batch_mean => (Reduction::Mean, *batch),
            _ => (options.reduction, pairs.iter().product()),
        };
        let (x, t) = (self.save(), target.save());
        let to_x = {
            let t = t.clone();
            pull(move |g: &Self| {
                let t = t.on(g);
                let t = if options.log_target { t.exp()? } else { t };
                t.mul(&share(g, reduction, count)?)?.neg()?.expand(&pairs)
            })
        };
        let to_target = pull(move |g: &Self| {
            let (x, t) = (x.on(g), t.on(g));
            let slope = if options.log_target {
                t.sub(&x)?.add_scalar(T::ONE)?.mul(&t.exp()?)?
            } else {
                let nothing = t.value().eq_scalar(T::ZERO);
                let log = t.log()?.masked_fill(&nothing, T::ZERO)?;
                log.add(&t.div(&t)?)?.sub(&x)?
            };
            slope.mul(&share(g, reduction, count)?)
        });
        Self::record(OP, value, [(self, to_x), (target, to_target)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{gradcheck_broadcast, torch};
    use tensor::Tensor;

    #[test]
    fn divergences_of_torch() {
        let inputs = || {
            [
                Tensor::from([[-1.0, -2.0], [-0.5, -3.0]]),
                Tensor::from([0.25, 0.75]),
            ]
        };
        // show(lambda x, t: F.kl_div(x, t, reduction='batchmean'), [[-1., -2.], [-.5, -3.]], [.25, .75])
        torch(
            |x| x[0].kl_div(&x[1], KlDivOptions::batch_mean()),
            inputs(),
            1.500_164_855_381_191_5,
            [
                Tensor::from([[-0.125, -0.375], [-0.125, -0.375]]),
                Tensor::from([0.363_705_638_880_109_4, 3.212_317_927_548_219]),
            ],
        );
        // … with log_target=True
        let row = [-0.642_012_708_343_870_7, -1.058_500_008_306_337_4];
        torch(
            |x| x[0].kl_div(&x[1], KlDivOptions::batch_mean().log_target(true)),
            inputs(),
            8.164_275_470_678_934,
            [
                Tensor::from([row, row]),
                Tensor::from([2.568_050_833_375_483, 8.997_250_070_603_869]),
            ],
        );
        // show(lambda x, t: F.kl_div(x, t, reduction='sum'), [-.5], [0.])
        torch(
            |x| x[0].kl_div(&x[1], Reduction::Sum),
            [Tensor::from([-0.5]), Tensor::from([0.0])],
            0.0,
            [Tensor::from([0.0]), Tensor::from([f64::NAN])],
        );
    }

    #[test]
    fn agree_with_difference_quotients() {
        for options in [
            KlDivOptions::batch_mean(),
            Reduction::Mean.into(),
            Reduction::Sum.into(),
            Reduction::None.into(),
        ] {
            for log_target in [false, true] {
                let options = options.log_target(log_target);
                gradcheck_broadcast(|x, t| x.kl_div(t, options)?.square(), |x| x);
            }
        }
    }
}
