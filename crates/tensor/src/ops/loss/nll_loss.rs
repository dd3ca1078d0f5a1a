//! The negative log-likelihood: what is left of cross-entropy when a softmax has
//! already been taken.
//!
//! **Cost.** One element read for each position, however many classes there are.

use super::Reduction;
use super::labels::{Layout, check_weight, position_weights};
use crate::element::Float;
use crate::error::Result;
use crate::tensor::Tensor;

/// What [`Tensor::nll_loss`] can be told. A [`Reduction`] alone will do.
///
/// ```
/// use wengert_tensor::{NllLossOptions, Reduction, Tensor};
///
/// let x = Tensor::from([[-1.0, -2.0], [-3.0, -4.0]]);
/// let options = NllLossOptions::from(Reduction::Mean).weight(Tensor::from([1.0, 3.0]));
/// let loss = x.nll_loss(&Tensor::from([0, 1]), options)?;
/// assert_eq!(loss.item()?, (1.0 * 1.0 + 3.0 * 4.0) / (1.0 + 3.0));
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NllLossOptions<T: Float = f32> {
    /// How the losses become one.
    pub reduction: Reduction,
    /// A factor for each class: 1 if there is none.
    pub weight: Option<Tensor<T>>,
    /// The label of positions that do not count: no loss, no gradient, no part
    /// in the mean. [`IGNORE_INDEX`](Self::IGNORE_INDEX) unless chosen otherwise.
    pub ignore_index: i64,
}

impl<T: Float> NllLossOptions<T> {
    /// What PyTorch ignores unless told otherwise.
    pub const IGNORE_INDEX: i64 = -100;

    /// A factor for each class. The mean is divided by the factors of the
    /// positions that count.
    #[must_use]
    pub fn weight(mut self, weight: Tensor<T>) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Positions with this label do not count.
    #[must_use]
    pub fn ignore_index(mut self, ignore_index: i64) -> Self {
        self.ignore_index = ignore_index;
        self
    }

    /// How much each position of these labels counts: the weight of its class, 1
    /// without weights, 0 where it is ignored. The mean divides by their sum.
    ///
    /// # Errors
    /// As [`Tensor::nll_loss`].
    pub fn position_weights(&self, input: &Tensor<T>, labels: &Tensor<i64>) -> Result<Tensor<T>> {
        self.checked("nll_loss", input, labels)?;
        position_weights(labels, self.weight.as_ref(), self.ignore_index)
    }

    fn checked(&self, op: &'static str, input: &Tensor<T>, labels: &Tensor<i64>) -> Result<Layout> {
        let layout = Layout::new(op, input, labels, self.ignore_index)?;
        if let Some(weight) = &self.weight {
            check_weight(op, weight, layout.classes)?;
        }
        Ok(layout)
    }
}

impl<T: Float> From<Reduction> for NllLossOptions<T> {
    fn from(reduction: Reduction) -> Self {
        Self {
            reduction,
            weight: None,
            ignore_index: Self::IGNORE_INDEX,
        }
    }
}

impl<T: Float> Default for NllLossOptions<T> {
    fn default() -> Self {
        Reduction::default().into()
    }
}

impl<T: Float> Tensor<T> {
    /// −w·x at the true class: `torch.nn.functional.nll_loss`, for logarithms of
    /// probabilities `[batch, classes, d₁, …]` and labels `[batch, d₁, …]`, or
    /// for one line `[classes]` and a label without axes. The mean divides by
    /// the sum of the weights w of the positions that count.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the labels do not fit the input
    /// or the weights the classes, [`Error::Value`](crate::Error::Value) for a
    /// label that is no class and is not to be ignored.
    pub fn nll_loss(
        &self,
        labels: &Tensor<i64>,
        options: impl Into<NllLossOptions<T>>,
    ) -> Result<Self> {
        const OP: &str = "nll_loss";
        let options = options.into();
        let Layout { classes, inner, .. } = options.checked(OP, self, labels)?;
        let weights = position_weights(labels, options.weight.as_ref(), options.ignore_index)?;
        let mut losses = weights.clone();
        let x = self.as_slice();
        let positions = losses.as_mut_slice().iter_mut().zip(labels.iter());
        for (at, (loss, &label)) in positions.enumerate() {
            // An ignored position counts for nothing, though its numbers be NaN.
            if label != options.ignore_index {
                let (block, inside) = (at / inner, at % inner);
                *loss = -*loss * x[(block * classes + label as usize) * inner + inside];
            }
        }
        Ok(match options.reduction {
            Reduction::Mean => losses.sum().div(&weights.sum())?,
            other => other.of(losses),
        })
    }
}
