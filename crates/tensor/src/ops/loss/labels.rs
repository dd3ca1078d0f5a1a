//! What a classifier is trained towards: class indices, or a distribution.

use crate::element::Float;
use crate::error::{Error, Result};
use crate::shape::strides;
use crate::tensor::Tensor;

/// The target of a classifier: the index of the true class, or a probability for
/// each class. Made `From` a reference to either; `P` is what holds the
/// probabilities, [`Tensor`] or a variable.
///
/// ```
/// use wengert_tensor::{Reduction, Tensor};
///
/// let scores: Tensor = Tensor::from([[0.0, 0.0]]);
/// let hard = scores.cross_entropy(&Tensor::from([1]), Reduction::Sum)?;
/// let soft = scores.cross_entropy(&Tensor::from([[0.5, 0.5]]), Reduction::Sum)?;
/// assert_eq!(hard, soft);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug)]
pub enum ClassTarget<'t, P> {
    /// The index of a class at each position.
    Indices(&'t Tensor<i64>),
    /// A distribution over the classes at each position, in the shape of the
    /// scores.
    Probabilities(&'t P),
}

impl<P> Clone for ClassTarget<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for ClassTarget<'_, P> {}

impl<'t, P> From<&'t Tensor<i64>> for ClassTarget<'t, P> {
    fn from(labels: &'t Tensor<i64>) -> Self {
        Self::Indices(labels)
    }
}

impl<'t, T: Float> From<&'t Tensor<T>> for ClassTarget<'t, Tensor<T>> {
    fn from(probabilities: &'t Tensor<T>) -> Self {
        Self::Probabilities(probabilities)
    }
}

/// Scores and labels that fit each other: blocks of `classes` × `inner`.
pub(super) struct Layout {
    pub(super) classes: usize,
    /// Positions that share a block: 1, or the pixels of an image.
    pub(super) inner: usize,
    /// Positions that are not ignored.
    pub(super) counted: usize,
}

impl Layout {
    pub(super) fn new<T: Float>(
        op: &'static str,
        scores: &Tensor<T>,
        labels: &Tensor<i64>,
        ignore_index: i64,
    ) -> Result<Self> {
        let classes = scores.shape()[class_axis(op, scores)?];
        let expected = match scores.shape() {
            [batch, _, rest @ ..] => [&[*batch], rest].concat(),
            _ => vec![],
        };
        let shapes = || format!("(logits {:?}, labels {:?})", scores.shape(), labels.shape());
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

/// The axis of the classes: the second, or the only one.
pub(super) fn class_axis<T: Float>(op: &'static str, scores: &Tensor<T>) -> Result<usize> {
    match scores.ndim() {
        0 => Err(Error::shape(
            op,
            "logits need an axis of classes (shape [])",
        )),
        ndim => Ok(1.min(ndim - 1)),
    }
}

/// # Errors
/// Unless there is one weight for each class.
pub(super) fn check_weight<T: Float>(
    op: &'static str,
    weight: &Tensor<T>,
    classes: usize,
) -> Result<()> {
    if weight.shape() == [classes] {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!(
            "the weight needs one number for each of {classes} classes, got shape {:?}",
            weight.shape()
        ),
    ))
}

/// How much each position counts: the weight of its class, and nothing where it is
/// ignored. For labels and a weight that were checked.
pub(super) fn position_weights<T: Float>(
    labels: &Tensor<i64>,
    weight: Option<&Tensor<T>>,
    ignore_index: i64,
) -> Result<Tensor<T>> {
    let mut weights = Tensor::arbitrary_as("nll_loss", labels)?;
    for (to, &label) in weights.as_mut_slice().iter_mut().zip(labels.iter()) {
        *to = match weight {
            _ if label == ignore_index => T::ZERO,
            None => T::ONE,
            Some(weight) => weight.as_slice()[label as usize],
        };
    }
    Ok(weights)
}
