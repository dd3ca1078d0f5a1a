//! The cross-entropy of logits against classes.

use autograd::Var;
use tensor::{Float, Reduction, Result, Tensor};

/// −log softmax(logits) at the label, averaged, summed, or as it is:
/// `torch.nn.CrossEntropyLoss` with class indices.
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::CrossEntropyLoss;
///
/// let logits = Tape::new().leaf(Tensor::from([[0.0, 0.0], [0.0, 0.0]]));
/// let loss = CrossEntropyLoss::new().forward(&logits, &Tensor::from([0, 1]))?;
/// assert_eq!(loss.item()?, std::f64::consts::LN_2);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CrossEntropyLoss {
    /// How the samples' losses become one.
    pub reduction: Reduction,
}

impl CrossEntropyLoss {
    /// The mean.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The loss of logits `[N, classes]` against labels `[N]`.
    ///
    /// # Errors
    /// If the shapes do not match or a label is no class; as [`Var::record`].
    pub fn forward<T: Float>(&self, logits: &Var<T>, labels: &Tensor<i64>) -> Result<Var<T>> {
        logits.cross_entropy_with(labels, self.reduction)
    }
}
