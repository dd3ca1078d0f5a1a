//! What is measured but not trained on.

use tensor::shape::numel;
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
/// [`Error::Shape`] unless logits are `[N, classes]` and labels `[N]`,
/// [`Error::Value`] if a label is no class. (For N = 0 the share is NaN.)
pub fn accuracy<T: Float>(logits: &Tensor<T>, labels: &Tensor<i64>) -> Result<f64> {
    let predicted = predictions("accuracy", logits, labels)?;
    predicted.eq_to(labels)?.cast::<f64>().mean().item()
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
/// [`Error::Value`] if a label is no class, [`Error::TooLarge`].
pub fn confusion_matrix<T: Float>(logits: &Tensor<T>, labels: &Tensor<i64>) -> Result<Tensor<i64>> {
    const OP: &str = "confusion_matrix";
    let predicted = predictions(OP, logits, labels)?;
    let classes = logits.shape().get(1).copied().unwrap_or_default();
    numel::<f64>(OP, &[classes, classes])?;
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
    let (&[rows, classes], &[count]) = (logits.shape(), labels.shape()) else {
        return Err(misfit(op, logits, labels));
    };
    if rows != count {
        return Err(misfit(op, logits, labels));
    }
    let is_class = |label: i64| usize::try_from(label).is_ok_and(|label| label < classes);
    if let Some((i, label)) = labels.iter().enumerate().find(|&(_, &l)| !is_class(l)) {
        return Err(Error::value(
            op,
            format!("label {label} at [{i}] is out of range for {classes} classes"),
        ));
    }
    if rows == 0 {
        return Ok(labels.clone());
    }
    logits.argmax_axis(1, false)
}

fn misfit<T: Float>(op: &'static str, logits: &Tensor<T>, labels: &Tensor<i64>) -> Error {
    Error::shape(
        op,
        format!(
            "needs logits [N, classes] and labels [N], got {:?} and {:?}",
            logits.shape(),
            labels.shape()
        ),
    )
}
