//! The cross-entropy of logits against classes.

use autograd::Var;
use tensor::{CrossEntropyOptions, Float, Result, Tensor};

/// −log softmax(logits) at the label, averaged, summed, or as it is:
/// `torch.nn.CrossEntropyLoss` with class indices.
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::CrossEntropyLoss;
///
/// let logits = Tape::new().leaf(Tensor::from([[0.0, 0.0], [0.0, 0.0]]));
/// let loss = CrossEntropyLoss::default().forward(&logits, &Tensor::from([0, 1]))?;
/// assert_eq!(loss.item()?, std::f64::consts::LN_2);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct CrossEntropyLoss {
    /// How the samples' losses become one, and which label is passed over.
    pub options: CrossEntropyOptions,
}

impl CrossEntropyLoss {
    /// The mean, or what the options say: a
    /// [`Reduction`](tensor::Reduction) is enough.
    #[must_use]
    pub fn new(options: impl Into<CrossEntropyOptions>) -> Self {
        Self {
            options: options.into(),
        }
    }

    /// The loss of logits `[N, classes]` (or `[N, classes, H, W]`) against
    /// labels `[N]` (or `[N, H, W]`).
    ///
    /// # Errors
    /// If the shapes do not match or a label is no class; as [`Var::record`].
    pub fn forward<T: Float>(&self, logits: &Var<T>, labels: &Tensor<i64>) -> Result<Var<T>> {
        logits.cross_entropy(labels, self.options)
    }
}
