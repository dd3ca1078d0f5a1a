//! Cross-entropy: how surprised a classifier is by the true labels.
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
//! **Cost.** One exponential a score, in the loss and in the gradient, and one pass
//! over memory (`softmax/lines.rs`).
//!
//! (The squared error needs no loops of its own: it is made of others.)

use super::fold::Fold;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::loops::CHECKED;
use crate::shape::strides;
use crate::tensor::Tensor;

/// How the losses of a batch become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean: NaN for an empty batch.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// Not at all: one loss for each position.
    None,
}

/// What [`Tensor::cross_entropy`] can be told. A [`Reduction`] alone will do:
///
/// ```
/// use wengert_tensor::{CrossEntropyOptions, Reduction};
///
/// let sum: CrossEntropyOptions = Reduction::Sum.into();
/// let sum_but_255 = CrossEntropyOptions::from(Reduction::Sum).ignore_index(255);
/// assert_ne!(sum, sum_but_255);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrossEntropyOptions {
    /// How the losses become one.
    pub reduction: Reduction,
    /// The label of positions that do not count: no loss, no gradient, no part
    /// in the mean. [`IGNORE_INDEX`](Self::IGNORE_INDEX) unless chosen otherwise.
    pub ignore_index: i64,
}

impl CrossEntropyOptions {
    /// What PyTorch ignores unless told otherwise.
    pub const IGNORE_INDEX: i64 = -100;

    /// Positions with this label do not count.
    #[must_use]
    pub fn ignore_index(self, ignore_index: i64) -> Self {
        Self {
            ignore_index,
            ..self
        }
    }
}

impl From<Reduction> for CrossEntropyOptions {
    fn from(reduction: Reduction) -> Self {
        Self {
            reduction,
            ignore_index: Self::IGNORE_INDEX,
        }
    }
}

impl Default for CrossEntropyOptions {
    fn default() -> Self {
        Reduction::default().into()
    }
}

/// Scores and labels that fit each other: `blocks` of `classes` × `inner`.
struct Layout {
    classes: usize,
    /// Positions that share a block: 1, or the pixels of an image.
    inner: usize,
    /// Positions that are not ignored.
    counted: usize,
}

impl Layout {
    fn new<T: Float>(
        op: &'static str,
        logits: &Tensor<T>,
        labels: &Tensor<i64>,
        ignore_index: i64,
    ) -> Result<Self> {
        let (classes, expected) = match logits.shape() {
            [] => {
                return Err(Error::shape(
                    op,
                    "logits need an axis of classes (shape [])",
                ));
            }
            [classes] => (*classes, vec![]),
            [batch, classes, rest @ ..] => (*classes, [&[*batch], rest].concat()),
        };
        let shapes = || format!("(logits {:?}, labels {:?})", logits.shape(), labels.shape());
        if labels.shape() != expected {
            return Err(Error::shape(
                op,
                format!("labels must have shape {expected:?} {}", shapes()),
            ));
        }
        let mut counted = 0;
        for (at, &label) in labels.iter().enumerate() {
            if label == ignore_index {
                continue;
            }
            if usize::try_from(label).map_or(true, |label| label >= classes) {
                let index: Vec<usize> = strides(&expected)
                    .iter()
                    .zip(&expected)
                    .map(|(stride, size)| at / stride % size)
                    .collect();
                return Err(Error::value(
                    op,
                    format!(
                        "label {label} at {index:?} is out of range for {classes} classes {}",
                        shapes()
                    ),
                ));
            }
            counted += 1;
        }
        Ok(Self {
            classes,
            inner: expected.iter().skip(1).product(),
            counted,
        })
    }
}

impl<T: Float> Tensor<T> {
    /// −log softmax(scores) at the true label, for scores `[batch, classes]`
    /// and labels `[batch]`; for scores `[batch, classes, d₁, …]` and labels
    /// `[batch, d₁, …]`; or for one line `[classes]` and a label without axes.
    /// [`Reduction::None`] gives a loss for each label.
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
    /// [`Error::Shape`] if the labels do not fit the scores, [`Error::Value`]
    /// for a label that is no class and is not to be ignored.
    pub fn cross_entropy(
        &self,
        labels: &Tensor<i64>,
        options: impl Into<CrossEntropyOptions>,
    ) -> Result<Self> {
        const OP: &str = "cross_entropy";
        let options = options.into();
        let Layout {
            classes,
            inner,
            counted,
        } = Layout::new(OP, self, labels, options.ignore_index)?;
        let (x, y) = (self.as_slice(), labels.as_slice());
        let mut losses = Self::arbitrary(OP, labels.shape())?;
        if self.is_empty() {
            // No classes, and no label that counts.
            losses.fill(T::ZERO);
        } else {
            let (lines, ignore) = ([classes, inner], options.ignore_index);
            T::cross_entropy_lines(CHECKED, lines, ignore, x, y, losses.as_mut_slice());
        }
        let sum = || Fold::Sum.all(losses.as_slice());
        Ok(match options.reduction {
            Reduction::Mean => Self::scalar(sum() / T::of(counted as f64)),
            Reduction::Sum => Self::scalar(sum()),
            Reduction::None => losses,
        })
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
mod tests {
    use super::*;
    use crate::random::Generator;
    use proptest::prelude::*;

    /// The loss and its gradient by their definitions, class axis last.
    fn naive(x: &Tensor<f64>, label: usize) -> (f64, Vec<f64>) {
        let p = x.softmax(-1).unwrap().to_vec();
        let loss = -p[label].ln();
        let one = |c| if c == label { 1.0 } else { 0.0 };
        (
            loss,
            p.iter().enumerate().map(|(c, p)| p - one(c)).collect(),
        )
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition_at_every_position(
            batch in 0usize..4,
            classes in 1usize..5,
            rest in prop::collection::vec(0usize..4, 0..3),
            seed: u64,
        ) {
            let g = &mut Generator::new(seed);
            let x = Tensor::<f64>::randn([&[batch, classes], &rest[..]].concat(), g).unwrap();
            let shape = [&[batch], &rest[..]].concat();
            // One in five is ignored.
            let labels = Tensor::<f64>::rand(&shape, g).unwrap().map(|u| match u {
                u if u < 0.2 => -100,
                u => (u * 1e6) as i64 % classes as i64,
            });
            let grad = Tensor::<f64>::randn(&shape, g).unwrap();
            let losses = x.cross_entropy(&labels, Reduction::None).unwrap();
            let dx = x.cross_entropy_grad(&labels, &grad, -100).unwrap();
            prop_assert_eq!(losses.shape(), &shape[..]);
            prop_assert_eq!(dx.shape(), x.shape());
            Tensor::from_fn(&shape, |at| {
                let line = |t: &Tensor<f64>| {
                    (0..classes)
                        .map(|c| t.get([&[at[0], c], &at[1..]].concat()).unwrap())
                        .collect::<Vec<_>>()
                };
                let label = labels.get(at).unwrap();
                let (loss, d) = if label == -100 {
                    (0.0, vec![0.0; classes])
                } else {
                    naive(&Tensor::from(line(&x)), label as usize)
                };
                assert!((losses.get(at).unwrap() - loss).abs() < 1e-12);
                for (got, want) in line(&dx).iter().zip(d) {
                    assert!((got - want * grad.get(at).unwrap()).abs() < 1e-12);
                }
                0.0
            })
            .unwrap();
            // Sum and mean follow from the single losses.
            let counted = labels.ne_scalar(-100).cast::<f64>().sum();
            let sum = x.cross_entropy(&labels, Reduction::Sum).unwrap();
            prop_assert!(sum.all_close(&losses.sum(), 1e-12, 1e-12));
            let mean = x.cross_entropy(&labels, Reduction::Mean).unwrap();
            if counted.item().unwrap() == 0.0 {
                prop_assert!(mean.item().unwrap().is_nan());
            } else {
                prop_assert!(mean.all_close(&sum.div(&counted).unwrap(), 1e-12, 1e-12));
            }
        }
    }

    // import torch; F = torch.nn.functional
    // x = torch.tensor([[1., 2., 3.], [0., -1., 4.]], dtype=torch.float64, requires_grad=True)
    // y = torch.tensor([0, 2])
    // F.cross_entropy(x, y), F.cross_entropy(x, y, reduction='sum')
    // torch.autograd.grad(F.cross_entropy(x, y), x)
    #[test]
    fn numbers_of_torch() {
        let x = Tensor::from([[1.0, 2.0, 3.0], [0.0, -1.0, 4.0]]);
        let y = Tensor::from([0, 2]);
        let mean = x.cross_entropy(&y, Reduction::Mean).unwrap();
        assert!(mean.all_close(&Tensor::scalar(MEAN), 1e-14, 0.0));
        let sum = x.cross_entropy(&y, Reduction::Sum).unwrap();
        assert!(sum.all_close(&Tensor::scalar(2.0 * MEAN), 1e-14, 0.0));
        let dx = x.cross_entropy_grad(&y, &Tensor::from([0.5, 0.5]), -100);
        assert!(dx.unwrap().all_close(&Tensor::from(GRAD), 1e-13, 0.0));
    }
    const MEAN: f64 = 1.2161754272916017;
    const GRAD: [[f64; 3]; 2] = [
        [-0.4549847134148098, 0.12236423552739882, 0.3326204778874109],
        [
            0.008933990935152254,
            0.0032866315926545426,
            -0.012220622527806757,
        ],
    ];

    #[test]
    fn far_scores_have_finite_losses() {
        let x = Tensor::from([[1000.0, -1000.0], [f64::NEG_INFINITY, 0.0]]);
        let loss = |y: [i64; 2]| x.cross_entropy(&Tensor::from(y), Reduction::None).unwrap();
        assert_eq!(loss([0, 1]).to_vec(), [0.0, 0.0]);
        assert_eq!(loss([1, 0]).to_vec(), [2000.0, f64::INFINITY]);
        let ones = Tensor::from([1.0; 2]);
        let dx = x.cross_entropy_grad(&Tensor::from([1, 0]), &ones, -100);
        assert_eq!(dx.unwrap().to_vec(), [1.0, -1.0, -1.0, 1.0]);
        let hopeless = Tensor::from([[f64::NEG_INFINITY; 2]]);
        let loss = hopeless.cross_entropy(&Tensor::from([0]), Reduction::Mean);
        assert!(loss.unwrap().item().unwrap().is_nan());
    }

    #[test]
    fn what_is_ignored_does_not_count() {
        let x = Tensor::from([[f64::NAN, 0.0], [0.0, 0.0]]);
        let (y, ones) = (Tensor::from([-100, 1]), Tensor::from([1.0, 1.0]));
        let mean = x.cross_entropy(&y, Reduction::Mean).unwrap();
        assert_eq!(mean.item().unwrap(), 2f64.ln());
        let dx = x.cross_entropy_grad(&y, &ones, -100).unwrap();
        assert_eq!(dx.to_vec(), [0.0, 0.0, 0.5, -0.5]);
        // Nothing counts: no mean, but a gradient, which is 0 (even of a mean's ∞).
        let only = CrossEntropyOptions::default().ignore_index(1);
        let y = Tensor::from([1, 1]);
        assert!(x.cross_entropy(&y, only).unwrap().item().unwrap().is_nan());
        let dx = x.cross_entropy_grad(&y, &(ones / 0.0), 1).unwrap();
        assert_eq!(dx.to_vec(), [0.0; 4]);
    }

    #[test]
    fn one_line_and_none() {
        let x = Tensor::from([1.0, 1.0]);
        let one = x
            .cross_entropy(&Tensor::scalar(1), Reduction::None)
            .unwrap();
        assert_eq!((one.ndim(), one.item().unwrap()), (0, 2f64.ln()));
        let none = Tensor::<f64>::zeros([0, 3]).unwrap();
        let labels = Tensor::zeros([0]).unwrap();
        let loss = |r: Reduction| none.cross_entropy(&labels, r).unwrap();
        assert!(loss(Reduction::Mean).item().unwrap().is_nan());
        assert_eq!(loss(Reduction::Sum).item().unwrap(), 0.0);
        assert_eq!(loss(Reduction::None).shape(), [0]);
        let dx = none.cross_entropy_grad(&labels, &Tensor::from([0.0; 0]), -100);
        assert_eq!(dx.unwrap().shape(), [0, 3]);
    }

    #[test]
    fn errors_name_what_was_wrong() {
        let x = Tensor::<f64>::zeros([2, 10, 3]).unwrap();
        let mut y = Tensor::<i64>::zeros([2, 3]).unwrap();
        let message = |x: &Tensor<f64>, y: &Tensor<i64>| {
            x.cross_entropy(y, Reduction::Mean).unwrap_err().to_string()
        };
        y.set([1, 2], 10).unwrap();
        assert_eq!(
            message(&x, &y),
            "cross_entropy: label 10 at [1, 2] is out of range for 10 classes \
             (logits [2, 10, 3], labels [2, 3])"
        );
        y.set([1, 2], -1).unwrap();
        assert!(message(&x, &y).contains("label -1 at [1, 2]"));
        assert_eq!(
            message(&x, &Tensor::from([1, 2])),
            "cross_entropy: labels must have shape [2, 3] (logits [2, 10, 3], labels [2])"
        );
        assert!(message(&Tensor::scalar(1.0), &Tensor::scalar(0)).contains("axis of classes"));
        let no_classes = Tensor::<f64>::zeros([2, 0]).unwrap();
        assert!(message(&no_classes, &Tensor::from([0, 0])).contains("0 classes"));
        y.set([1, 2], 0).unwrap();
        assert!(
            x.cross_entropy_grad(&y, &Tensor::from([1.0]), -100)
                .is_err()
        );
    }
}
