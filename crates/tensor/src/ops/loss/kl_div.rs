//! The Kullback–Leibler divergence of a distribution from another one, of which the
//! logarithm is given.
//!
//! **Cost.** One logarithm (or exponential) an element of the target.

use super::Reduction;
use crate::element::Float;
use crate::error::Result;
use crate::ops::elementwise::zip;
use crate::tensor::Tensor;

/// What [`Tensor::kl_div`] can be told. A [`Reduction`] alone will do.
///
/// ```
/// use wengert_tensor::{KlDivOptions, Reduction};
///
/// let options = KlDivOptions::batch_mean().log_target(true);
/// assert_ne!(options, Reduction::Mean.into());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KlDivOptions {
    /// How the terms become one.
    pub reduction: Reduction,
    /// Whether their sum is divided by the size of the first axis of the input.
    pub batch_mean: bool,
    /// Whether the target is given as its logarithm too.
    pub log_target: bool,
}

impl KlDivOptions {
    /// The divergence itself, a mean over the batch: the sum of all terms over the
    /// size of the first axis. ([`Reduction::Mean`] is divided by the number of all
    /// elements.)
    #[must_use]
    pub fn batch_mean() -> Self {
        Self {
            reduction: Reduction::Sum,
            batch_mean: true,
            log_target: false,
        }
    }

    /// Whether the target is given as its logarithm too.
    #[must_use]
    pub fn log_target(mut self, log_target: bool) -> Self {
        self.log_target = log_target;
        self
    }
}

impl From<Reduction> for KlDivOptions {
    fn from(reduction: Reduction) -> Self {
        Self {
            reduction,
            ..Self::default()
        }
    }
}

impl<T: Float> Tensor<T> {
    /// t · (log t − x) for logarithms x and probabilities t, reduced:
    /// `torch.nn.functional.kl_div`. The two broadcast. A probability of 0 adds
    /// nothing, unless x is infinite there.
    ///
    /// ```
    /// use wengert_tensor::{KlDivOptions, Tensor};
    ///
    /// let fair = Tensor::from([[0.5, 0.5]]);
    /// let certain = Tensor::from([[1.0, 0.0]]);
    /// let divergence = fair.log().kl_div(&certain, KlDivOptions::batch_mean())?;
    /// assert_eq!(divergence.item()?, 2f64.ln());
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn kl_div(&self, target: &Self, options: impl Into<KlDivOptions>) -> Result<Self> {
        const OP: &str = "kl_div";
        let options = options.into();
        let terms = if options.log_target {
            zip(OP, self, target, |x, t| t.exp() * (t - x))?
        } else {
            zip(OP, self, target, |x, t| {
                let t_log_t = if t == T::ZERO { t } else { t * t.ln() };
                t_log_t - t * x
            })?
        };
        let reduced = options.reduction.of(terms);
        Ok(match self.shape() {
            [batch, ..] if options.batch_mean => reduced / T::of(*batch as f64),
            _ => reduced,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // x = torch.tensor([[-1., -2.], [-.5, -3.]]); t = torch.tensor([.25, .75])
    // F.kl_div(x, t, reduction='batchmean'), …, log_target=True
    #[test]
    fn numbers_of_torch() {
        let x: Tensor<f64> = Tensor::from([[-1.0, -2.0], [-0.5, -3.0]]);
        let t = Tensor::from([0.25, 0.75]);
        let of = |options: KlDivOptions| x.kl_div(&t, options).unwrap().item().unwrap();
        let batch = KlDivOptions::batch_mean();
        assert!((of(batch) - 1.500_164_855_381_191_5).abs() < 1e-14);
        assert!((of(batch.log_target(true)) - 8.164_275_470_678_934).abs() < 1e-14);
        assert!((of(Reduction::Mean.into()) - 0.5 * of(batch)).abs() < 1e-14);
        assert_eq!(of(Reduction::Sum.into()), 2.0 * of(batch));
    }

    #[test]
    fn nothing_and_what_is_impossible() {
        let inf = f64::INFINITY;
        let x = Tensor::from([-0.5, -inf, -inf, -1.0]);
        let t = Tensor::from([0.0, 0.5, 0.0, -0.5]);
        let terms = x.kl_div(&t, Reduction::None).unwrap().to_vec();
        assert_eq!(terms[..2], [0.0, inf]);
        assert!(terms[2].is_nan() && terms[3].is_nan());
        let single = Tensor::scalar(-1.0f64);
        let batch = KlDivOptions::batch_mean();
        let (one, half) = (Tensor::scalar(1.0), Tensor::from([0.5; 3]));
        assert_eq!(single.kl_div(&one, batch).unwrap().item().unwrap(), 1.0);
        assert!(x.kl_div(&half, batch).is_err());
        let none = Tensor::<f64>::zeros([0, 2]).unwrap();
        assert!(none.kl_div(&none, batch).unwrap().item().unwrap().is_nan());
    }
}
