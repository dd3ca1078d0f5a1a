//! What is measured but not trained on.

use tensor::{Error, Float, Result, Tensor};

/// The share of rows whose largest logit stands at the label.
///
/// ```
/// use tensor::Tensor;
/// use wengert_nn::accuracy;
///
/// let logits: Tensor = Tensor::from([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]]);
/// assert_eq!(accuracy(&logits, &Tensor::from([0, 1, 1]))?, 2.0 / 3.0);
/// # Ok::<(), tensor::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] unless logits are `[N, classes]` and labels `[N]`; NaN for
/// N = 0.
pub fn accuracy<T: Float>(logits: &Tensor<T>, labels: &Tensor<i64>) -> Result<f64> {
    let predicted = predictions("accuracy", logits, labels)?;
    Ok(predicted.eq_to(labels)?.cast::<f64>().mean().item()?)
}

/// How often each class (row) was taken for each class (column): an
/// `[classes, classes]` tensor of counts.
///
/// ```
/// use tensor::Tensor;
/// use wengert_nn::confusion_matrix;
///
/// let logits: Tensor = Tensor::from([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]]);
/// let counts = confusion_matrix(&logits, &Tensor::from([0, 1, 1]))?;
/// assert_eq!(counts, Tensor::from([[1, 0], [1, 1]]));
/// # Ok::<(), tensor::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] unless logits are `[N, classes]` and labels `[N]`,
/// [`Error::Value`] if a label is no class.
pub fn confusion_matrix<T: Float>(logits: &Tensor<T>, labels: &Tensor<i64>) -> Result<Tensor<i64>> {
    let predicted = predictions("confusion_matrix", logits, labels)?;
    let classes = logits.shape().get(1).copied().unwrap_or_default();
    // Counts are an outer product of one-hot rows, summed: one matrix product.
    let actual = labels.one_hot::<f64>(classes)?;
    let predicted = predicted.one_hot::<f64>(classes)?;
    Ok(actual.matmul_with(&predicted, true, false)?.cast())
}

fn predictions<T: Float>(
    op: &'static str,
    logits: &Tensor<T>,
    labels: &Tensor<i64>,
) -> Result<Tensor<i64>> {
    if logits.ndim() != 2 || labels.ndim() != 1 || logits.shape()[0] != labels.len() {
        return Err(Error::shape(
            op,
            format!(
                "needs logits [N, classes] and labels [N], got {:?} and {:?}",
                logits.shape(),
                labels.shape()
            ),
        ));
    }
    logits.argmax_axis(1, false)
}
