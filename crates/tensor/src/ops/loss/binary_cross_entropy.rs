//! Binary cross-entropy: each element is a question of its own with the answer yes
//! (1) or no (0), or something between.
//!
//! Of probabilities x it is −t log x − (1 − t) log(1 − x), the logarithms kept above
//! −100, so that a probability of exactly 0 or 1 has a finite loss. Of logits it is
//!
//! ```text
//! (1 − t) · x − log sigmoid(x),  log sigmoid(x) = min(x, 0) − log(1 + exp(−|x|))
//! ```
//!
//! in which nothing overflows: at x = ±800 too the loss is a number like 800.
//!
//! **Cost.** Two logarithms an element. Of logits, a few passes by vectors.

use super::Reduction;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::elementwise::zip;
use crate::shape::broadcast;
use crate::tensor::Tensor;

/// What [`Tensor::binary_cross_entropy`] can be told. A [`Reduction`] alone will do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BinaryCrossEntropyOptions<T: Float = f32> {
    /// How the losses become one.
    pub reduction: Reduction,
    /// A factor for each element, broadcast: 1 if there is none.
    pub weight: Option<Tensor<T>>,
}

impl<T: Float> BinaryCrossEntropyOptions<T> {
    /// A factor for each element, broadcast. It does not change what the mean is
    /// divided by.
    #[must_use]
    pub fn weight(mut self, weight: Tensor<T>) -> Self {
        self.weight = Some(weight);
        self
    }
}

impl<T: Float> From<Reduction> for BinaryCrossEntropyOptions<T> {
    fn from(reduction: Reduction) -> Self {
        Self {
            reduction,
            weight: None,
        }
    }
}

impl<T: Float> Default for BinaryCrossEntropyOptions<T> {
    fn default() -> Self {
        Reduction::default().into()
    }
}

/// What [`Tensor::binary_cross_entropy_with_logits`] can be told. A [`Reduction`]
/// alone will do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BinaryCrossEntropyWithLogitsOptions<T: Float = f32> {
    /// How the losses become one.
    pub reduction: Reduction,
    /// A factor for each element, broadcast: 1 if there is none.
    pub weight: Option<Tensor<T>>,
    /// A factor for each element's share of yes, broadcast: 1 if there is none.
    pub pos_weight: Option<Tensor<T>>,
}

impl<T: Float> BinaryCrossEntropyWithLogitsOptions<T> {
    /// A factor for each element, broadcast. It does not change what the mean is
    /// divided by.
    #[must_use]
    pub fn weight(mut self, weight: Tensor<T>) -> Self {
        self.weight = Some(weight);
        self
    }

    /// A factor for each element's share of yes, broadcast: how many times a yes
    /// that was missed is worse than a no. For classes `[N, C]`, one number each.
    #[must_use]
    pub fn pos_weight(mut self, pos_weight: Tensor<T>) -> Self {
        self.pos_weight = Some(pos_weight);
        self
    }
}

impl<T: Float> From<Reduction> for BinaryCrossEntropyWithLogitsOptions<T> {
    fn from(reduction: Reduction) -> Self {
        Self {
            reduction,
            weight: None,
            pos_weight: None,
        }
    }
}

impl<T: Float> Default for BinaryCrossEntropyWithLogitsOptions<T> {
    fn default() -> Self {
        Reduction::default().into()
    }
}

impl<T: Float> Tensor<T> {
    /// −w · (t log x + (1 − t) log(1 − x)) of probabilities x, reduced:
    /// `torch.nn.functional.binary_cross_entropy`. The logarithms are kept above
    /// −100. The target has the shape of the input, a weight broadcasts to it.
    ///
    /// ```
    /// use wengert_tensor::{Reduction, Tensor};
    ///
    /// let x: Tensor = Tensor::from([0.5, 0.0]);
    /// let losses = x.binary_cross_entropy(&Tensor::from([1.0, 1.0]), Reduction::None)?;
    /// assert_eq!(losses.to_vec(), [2f32.ln(), 100.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if target or weight do not fit, [`Error::Value`] for an
    /// input or target outside of 0 to 1.
    pub fn binary_cross_entropy(
        &self,
        target: &Self,
        options: impl Into<BinaryCrossEntropyOptions<T>>,
    ) -> Result<Self> {
        const OP: &str = "binary_cross_entropy";
        let options = options.into();
        same_shape(OP, self, target)?;
        probabilities(OP, "input", self)?;
        probabilities(OP, "target", target)?;
        let floor = T::of(-100.0);
        let losses = zip(OP, self, target, |x, t| {
            (t - T::ONE) * (-x).ln_1p().max(floor) - t * x.ln().max(floor)
        })?;
        let losses = weighted(OP, losses, options.weight.as_ref())?;
        Ok(options.reduction.of(losses))
    }

    /// The slope of [`binary_cross_entropy`](Self::binary_cross_entropy) in its
    /// input, element by element: (x − t) / (x (1 − x)), whose denominator is kept
    /// at 10⁻¹² and above (PyTorch's, which is the `f32` next to that in `f64` too).
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not broadcast.
    pub fn binary_cross_entropy_slope(&self, target: &Self) -> Result<Self> {
        let least = T::of(f64::from(1e-12f32));
        zip("binary_cross_entropy_slope", self, target, |x, t| {
            (x - t) / (x * (T::ONE - x)).max(least)
        })
    }

    /// [`binary_cross_entropy`](Self::binary_cross_entropy) of sigmoid(x), without
    /// ever computing that, reduced:
    /// `torch.nn.functional.binary_cross_entropy_with_logits`. The target has the
    /// shape of the input, weights broadcast to it.
    ///
    /// ```
    /// use wengert_tensor::{Reduction, Tensor};
    ///
    /// let x: Tensor = Tensor::from([0.0, -800.0]);
    /// let ones = Tensor::ones([2])?;
    /// let losses = x.binary_cross_entropy_with_logits(&ones, Reduction::None)?;
    /// assert_eq!(losses.to_vec(), [2f32.ln(), 800.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if target or weights do not fit.
    pub fn binary_cross_entropy_with_logits(
        &self,
        target: &Self,
        options: impl Into<BinaryCrossEntropyWithLogitsOptions<T>>,
    ) -> Result<Self> {
        const OP: &str = "binary_cross_entropy_with_logits";
        let options = options.into();
        same_shape(OP, self, target)?;
        let logarithm = match &options.pos_weight {
            None => self.logsigmoid(),
            Some(pos_weight) => {
                fits(OP, "pos_weight", pos_weight, self)?;
                // How much it counts: 1 for no, the weight for yes.
                let share = zip(OP, target, pos_weight, |t, p| (p - T::ONE) * t + T::ONE)?;
                self.logsigmoid().mul(&share)?
            }
        };
        let straight = zip(OP, self, target, |x, t| (T::ONE - t) * x)?;
        let losses = straight.sub(&logarithm)?;
        let losses = weighted(OP, losses, options.weight.as_ref())?;
        Ok(options.reduction.of(losses))
    }
}

fn same_shape<T: Float>(op: &'static str, x: &Tensor<T>, target: &Tensor<T>) -> Result<()> {
    if x.shape() == target.shape() {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!(
            "the target must have the shape of the input (input {:?}, target {:?})",
            x.shape(),
            target.shape()
        ),
    ))
}

/// # Errors
/// Unless the weight broadcasts to the shape of the input as it is.
fn fits<T: Float>(op: &'static str, what: &str, weight: &Tensor<T>, x: &Tensor<T>) -> Result<()> {
    if broadcast(op, x.shape(), weight.shape()).is_ok_and(|joint| joint == x.shape()) {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!(
            "the {what} {:?} does not broadcast to the input {:?}",
            weight.shape(),
            x.shape()
        ),
    ))
}

fn weighted<T: Float>(
    op: &'static str,
    losses: Tensor<T>,
    weight: Option<&Tensor<T>>,
) -> Result<Tensor<T>> {
    let Some(weight) = weight else {
        return Ok(losses);
    };
    fits(op, "weight", weight, &losses)?;
    losses.mul(weight)
}

/// # Errors
/// Unless every element is from 0 to 1. (NaN is not.)
fn probabilities<T: Float>(op: &'static str, what: &str, x: &Tensor<T>) -> Result<()> {
    let outside = |x: &T| !(T::ZERO..=T::ONE).contains(x);
    match x.iter().position(outside) {
        None => Ok(()),
        Some(at) => Err(Error::value(
            op,
            format!(
                "the {what} must lie in [0, 1], got {:?} at element {at} (shape {:?})",
                x.as_slice()[at],
                x.shape()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    #[test]
    fn certain_answers_have_finite_losses() {
        let x = Tensor::from([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        let t = Tensor::from([0.0, 1.0, 0.5, 0.0, 1.0, 0.5]);
        let losses = x.binary_cross_entropy(&t, Reduction::None).unwrap();
        assert_eq!(losses.to_vec(), [0.0, 100.0, 50.0, 100.0, 0.0, 50.0]);
        let slope = x.binary_cross_entropy_slope(&t).unwrap();
        let most = 1.0 / f64::from(1e-12f32);
        let half = most / 2.0;
        assert_eq!(slope.to_vec(), [0.0, -most, -half, most, 0.0, half]);
    }

    // x = [0., 800., -800., 800., -800., inf, -inf, nan], t = [.5, 0., 0., 1., 1., 0., 0., 0.]
    // F.binary_cross_entropy_with_logits(x, t, reduction='none', pos_weight=torch.tensor(3.))
    #[test]
    fn far_logits_of_torch() {
        let x = Tensor::from([0.0, 800.0, -800.0, 800.0, -800.0, INF, -INF, f64::NAN]);
        let t = Tensor::from([0.5, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
        let log2 = 2f64.ln();
        for (options, half, missed) in [
            (Reduction::None.into(), log2, 800.0),
            (
                BinaryCrossEntropyWithLogitsOptions::from(Reduction::None)
                    .pos_weight(Tensor::scalar(3.0)),
                2.0 * log2,
                2400.0,
            ),
        ] {
            let losses = x.binary_cross_entropy_with_logits(&t, options).unwrap();
            let losses = losses.to_vec();
            assert_eq!(losses[..6], [half, 800.0, 0.0, 0.0, missed, INF]);
            assert!(losses[6].is_nan() && losses[7].is_nan());
        }
    }

    #[test]
    fn both_forms_agree_and_weights_multiply() {
        let x = Tensor::from([[1.0, -1.0], [0.5, 2.0]]);
        let t = Tensor::from([[0.5, 0.0], [0.1, 1.0]]);
        let weight = Tensor::from([[2.0], [1.0]]);
        let options = BinaryCrossEntropyOptions::default().weight(weight.clone());
        let of_logits = BinaryCrossEntropyWithLogitsOptions::default().weight(weight);
        let a = x.sigmoid().binary_cross_entropy(&t, options).unwrap();
        let b = x.binary_cross_entropy_with_logits(&t, of_logits.clone());
        assert!(a.all_close(&b.unwrap(), 1e-14, 0.0));
        // …, pos_weight=torch.tensor([3., .5]), weight=torch.tensor([[2.], [1.]])
        let both = of_logits.pos_weight(Tensor::from([3.0, 0.5]));
        let loss = x.binary_cross_entropy_with_logits(&t, both).unwrap();
        let loss: f64 = loss.item().unwrap();
        assert!((loss - 0.990_481_627_911_737_8).abs() < 1e-15);
    }

    #[test]
    fn errors_name_what_was_wrong() {
        let x = Tensor::from([0.5, 0.5]);
        let says = |result: Result<Tensor<f64>>, words: &str| {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        };
        let mean = Reduction::Mean;
        let one = Tensor::from([0.5]);
        says(x.binary_cross_entropy(&one, mean), "input [2], target [1]");
        says(
            x.binary_cross_entropy_with_logits(&one, mean),
            "input [2], target [1]",
        );
        for wrong in [-0.1, 1.5, f64::NAN] {
            let wrong = Tensor::from([0.5, wrong]);
            says(
                x.binary_cross_entropy(&wrong, mean),
                "the target must lie in [0, 1], got",
            );
            says(
                wrong.binary_cross_entropy(&x, mean),
                "at element 1 (shape [2])",
            );
        }
        let wide = Tensor::<f64>::ones([3, 2]).unwrap();
        let options = BinaryCrossEntropyOptions::default().weight(wide.clone());
        says(
            x.binary_cross_entropy(&x, options),
            "the weight [3, 2] does not broadcast to",
        );
        let options = BinaryCrossEntropyWithLogitsOptions::default().pos_weight(wide);
        says(
            x.binary_cross_entropy_with_logits(&x, options),
            "the pos_weight [3, 2]",
        );
    }
}
