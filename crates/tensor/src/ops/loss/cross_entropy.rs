//! Cross-entropy: how surprised a classifier is by the truth.
//!
//! For one line of scores x over the classes and the true class y, the loss is
//! −log softmax(x)ᵧ. Taken apart, softmax rounds to 0 and its logarithm to −∞
//! long before the loss is large; fused, it is
//!
//! ```text
//! loss = log Σ exp(x − max) − (xᵧ − max)
//! ∂loss/∂x = softmax(x) − onehot(y)
//! ```
//!
//! which is finite for any finite scores. The gradient needs only the scores
//! again, so nothing is kept between the two but what the caller has anyway.
//!
//! Against a distribution q the loss is −Σ q · log softmax(x). Smoothed labels are
//! such a distribution, and so are weights of the classes, which multiply it.
//!
//! **Cost.** Against class indices, one exponential a score, in the loss and in the
//! gradient, and one pass over memory (`softmax/lines.rs`). Against a distribution, a
//! log-softmax and two passes more.

use super::labels::{Layout, check_weight, class_axis, position_weights};
use super::{ClassTarget, NllLossOptions, Reduction};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::loops::CHECKED;
use crate::tensor::Tensor;

/// What [`Tensor::cross_entropy`] can be told. A [`Reduction`] alone will do:
///
/// ```
/// use wengert_tensor::{CrossEntropyOptions, Reduction, Tensor};
///
/// let sum: CrossEntropyOptions = Reduction::Sum.into();
/// let smooth = CrossEntropyOptions::from(Reduction::Sum)
///     .label_smoothing(0.1)
///     .weight(Tensor::from([1.0, 2.0]))
///     .ignore_index(255);
/// assert_ne!(sum, smooth);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CrossEntropyOptions<T: Float = f32> {
    /// How the losses become one.
    pub reduction: Reduction,
    /// A factor for each class: 1 if there is none.
    pub weight: Option<Tensor<T>>,
    /// The label of positions that do not count: no loss, no gradient, no part
    /// in the mean. [`IGNORE_INDEX`](Self::IGNORE_INDEX) unless chosen otherwise.
    pub ignore_index: i64,
    /// The share of each target that is spread evenly over all classes: 0 unless
    /// chosen otherwise.
    pub label_smoothing: f64,
}

impl<T: Float> CrossEntropyOptions<T> {
    /// What PyTorch ignores unless told otherwise.
    pub const IGNORE_INDEX: i64 = -100;

    /// A factor for each class. Against class indices, the mean is divided by the
    /// factors of the positions that count.
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

    /// So much of each target, from 0 to 1, is spread evenly over all classes.
    #[must_use]
    pub fn label_smoothing(mut self, share: f64) -> Self {
        self.label_smoothing = share;
        self
    }

    /// The same for [`Tensor::nll_loss`], which does not smooth.
    #[must_use]
    pub fn without_smoothing(&self) -> NllLossOptions<T> {
        let options = NllLossOptions::from(self.reduction).ignore_index(self.ignore_index);
        match &self.weight {
            None => options,
            Some(weight) => options.weight(weight.clone()),
        }
    }

    /// The distribution that these labels stand for, in the shape of the logits:
    /// smoothed, multiplied by the weights, and zero where a label is ignored. The
    /// cross-entropy is −Σ distribution · log softmax(logits).
    ///
    /// ```
    /// use wengert_tensor::{CrossEntropyOptions, Tensor};
    ///
    /// let options = CrossEntropyOptions::default().label_smoothing(0.5);
    /// let q = options.distribution(&Tensor::zeros([2, 2])?, &Tensor::from([1, -100]))?;
    /// assert_eq!(q, Tensor::from([[0.25, 0.75], [0.0, 0.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::cross_entropy`].
    pub fn distribution(&self, logits: &Tensor<T>, labels: &Tensor<i64>) -> Result<Tensor<T>> {
        let Layout { classes, inner, .. } = self.checked(OP, logits, labels)?;
        let mut q = Tensor::arbitrary(OP, logits.shape())?;
        if q.is_empty() {
            return Ok(q);
        }
        let (sure, spread) = (T::of(1.0 - self.label_smoothing), self.spread(classes));
        let weights = self.weight.as_ref().map(Tensor::as_slice);
        let blocks = q.as_mut_slice().chunks_mut(classes * inner);
        for (block, labels) in blocks.zip(labels.as_slice().chunks(inner)) {
            for (class, row) in block.chunks_mut(inner).enumerate() {
                let weight = weights.map_or(T::ONE, |weights| weights[class]);
                let (hit, missed) = ((sure + spread) * weight, spread * weight);
                for (q, &label) in row.iter_mut().zip(labels) {
                    *q = match label {
                        _ if label == self.ignore_index => T::ZERO,
                        _ if label == class as i64 => hit,
                        _ => missed,
                    };
                }
            }
        }
        Ok(q)
    }

    /// What of the smoothed share each class gets.
    fn spread(&self, classes: usize) -> T {
        T::of(self.label_smoothing / classes as f64)
    }

    fn check_smoothing(&self, op: &'static str) -> Result<()> {
        if (0.0..=1.0).contains(&self.label_smoothing) {
            return Ok(());
        }
        Err(Error::value(
            op,
            format!(
                "label_smoothing must lie in [0, 1], got {}",
                self.label_smoothing
            ),
        ))
    }

    fn checked(
        &self,
        op: &'static str,
        logits: &Tensor<T>,
        labels: &Tensor<i64>,
    ) -> Result<Layout> {
        self.check_smoothing(op)?;
        let layout = Layout::new(op, logits, labels, self.ignore_index)?;
        if let Some(weight) = &self.weight {
            check_weight(op, weight, layout.classes)?;
        }
        Ok(layout)
    }

    /// # Errors
    /// Unless `target` holds a probability for each of the logits.
    fn check_probabilities(&self, logits: &Tensor<T>, target: &Tensor<T>) -> Result<()> {
        self.check_smoothing(OP)?;
        let classes = logits.shape()[class_axis(OP, logits)?];
        if target.shape() != logits.shape() {
            return Err(Error::shape(
                OP,
                format!(
                    "class probabilities must have the shape of the logits (logits {:?}, target {:?})",
                    logits.shape(),
                    target.shape()
                ),
            ));
        }
        if self.ignore_index >= 0 {
            return Err(Error::value(
                OP,
                format!(
                    "ignore_index {} is of no use for class probabilities",
                    self.ignore_index
                ),
            ));
        }
        self.weight
            .as_ref()
            .map_or(Ok(()), |weight| check_weight(OP, weight, classes))
    }
}

impl<T: Float> From<Reduction> for CrossEntropyOptions<T> {
    fn from(reduction: Reduction) -> Self {
        Self {
            reduction,
            weight: None,
            ignore_index: Self::IGNORE_INDEX,
            label_smoothing: 0.0,
        }
    }
}

impl<T: Float> Default for CrossEntropyOptions<T> {
    fn default() -> Self {
        Reduction::default().into()
    }
}

const OP: &str = "cross_entropy";

impl<T: Float> Tensor<T> {
    /// −log softmax(scores) at the true label, for scores `[batch, classes]`
    /// and labels `[batch]`; for scores `[batch, classes, d₁, …]` and labels
    /// `[batch, d₁, …]`; or for one line `[classes]` and a label without axes.
    /// [`Reduction::None`] gives a loss for each label.
    ///
    /// The target may also be class probabilities in the shape of the scores: then
    /// the loss is −Σ target · log softmax(scores) over the classes. The mean is
    /// taken over positions, whatever their weights.
    ///
    /// ```
    /// use wengert_tensor::{Reduction, Tensor};
    ///
    /// let scores: Tensor = Tensor::from([[0.0, 0.0], [1000.0, 0.0]]);
    /// let losses = scores.cross_entropy(&Tensor::from([1, 0]), Reduction::None)?;
    /// assert_eq!(losses.to_vec(), [2f32.ln(), 0.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the target does not fit the scores or the weights the
    /// classes, [`Error::Value`] for a label that is no class and is not to be
    /// ignored, for a smoothing outside of 0 to 1, and for class probabilities with
    /// an `ignore_index` of 0 or more.
    pub fn cross_entropy<'t>(
        &self,
        target: impl Into<ClassTarget<'t, Self>>,
        options: impl Into<CrossEntropyOptions<T>>,
    ) -> Result<Self> {
        let options = options.into();
        match target.into() {
            ClassTarget::Indices(labels) => self.against_labels(labels, &options),
            ClassTarget::Probabilities(target) => {
                options.check_probabilities(self, target)?;
                let axis = class_axis(OP, self)?;
                let classes = self.shape()[axis];
                let mut q = target.clone();
                if options.label_smoothing > 0.0 {
                    let sure = T::of(1.0 - options.label_smoothing);
                    q = q.mul_scalar(sure).add_scalar(options.spread(classes));
                }
                if let Some(weight) = &options.weight {
                    let mut along = vec![1; self.ndim()];
                    along[axis] = classes;
                    q = q.mul(&weight.with_shape(&along))?;
                }
                let losses = self.against(&q, axis)?;
                let positions = self.len().checked_div(classes).unwrap_or(0);
                Ok(match options.reduction {
                    Reduction::Mean => losses.sum() / T::of(positions as f64),
                    other => other.of(losses),
                })
            }
        }
    }

    /// The loss against class indices: by the fused loops, unless smoothed.
    fn against_labels(
        &self,
        labels: &Tensor<i64>,
        options: &CrossEntropyOptions<T>,
    ) -> Result<Self> {
        let layout = options.checked(OP, self, labels)?;
        let ignore = options.ignore_index;
        let weights = options.weight.as_ref();
        let weights = weights.map(|weight| position_weights(labels, Some(weight), ignore));
        let weights = weights.transpose()?;
        let losses = if options.label_smoothing > 0.0 {
            let q = options.distribution(self, labels)?;
            let losses = self.against(&q, class_axis(OP, self)?)?;
            losses.masked_fill(&labels.eq_scalar(ignore), T::ZERO)?
        } else {
            let mut losses = Self::arbitrary(OP, labels.shape())?;
            if self.is_empty() {
                // No classes, and no label that counts.
                losses.fill(T::ZERO);
            } else {
                let lines = [layout.classes, layout.inner];
                let (x, y) = (self.as_slice(), labels.as_slice());
                T::cross_entropy_lines(CHECKED, lines, ignore, x, y, losses.as_mut_slice());
            }
            match &weights {
                None => losses,
                Some(weights) => losses.mul(weights)?,
            }
        };
        Ok(match (options.reduction, weights) {
            (Reduction::Mean, None) => losses.sum() / T::of(layout.counted as f64),
            (Reduction::Mean, Some(weights)) => losses.sum().div(&weights.sum())?,
            (other, _) => other.of(losses),
        })
    }

    /// −Σ q · log softmax(scores) over the classes.
    fn against(&self, q: &Self, axis: usize) -> Result<Self> {
        let log = self.log_softmax(axis as isize)?;
        Ok(log.mul(q)?.sum_axes(axis as isize, false)?.neg())
    }

    /// The gradient of [`cross_entropy`](Self::cross_entropy) with respect to
    /// the scores: softmax(scores) − onehot(label) at every position that
    /// counts, times `grad`, the gradient of the loss at that position.
    ///
    /// # Errors
    /// As [`cross_entropy`](Self::cross_entropy), and [`Error::Shape`] if `grad`
    /// has not the shape of the labels.
    pub fn cross_entropy_grad(
        &self,
        labels: &Tensor<i64>,
        grad: &Self,
        ignore_index: i64,
    ) -> Result<Self> {
        const OP: &str = "cross_entropy_grad";
        let Layout { classes, inner, .. } = Layout::new(OP, self, labels, ignore_index)?;
        if grad.shape() != labels.shape() {
            return Err(Error::shape(
                OP,
                format!(
                    "the gradient must have the shape of the labels {:?}, got {:?}",
                    labels.shape(),
                    grad.shape()
                ),
            ));
        }
        let (x, y, g) = (self.as_slice(), labels.as_slice(), grad.as_slice());
        let mut result = Self::arbitrary(OP, self.shape())?;
        if !result.is_empty() {
            let (lines, out) = ([classes, inner], result.as_mut_slice());
            T::cross_entropy_grad_lines(CHECKED, lines, ignore_index, x, y, g, out);
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests;
