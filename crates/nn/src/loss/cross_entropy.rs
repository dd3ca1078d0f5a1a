//! The cross-entropy of logits against classes.

use autograd::Var;
use tensor::{ClassTarget, CrossEntropyOptions, Float, Result};

use super::weights;

/// −log softmax(logits) at the label, averaged, summed, or as it is:
/// `torch.nn.CrossEntropyLoss`. The target is class indices or class
/// probabilities; options are weights of the classes (the buffer `weight`), a label
/// that does not count, and label smoothing.
///
/// ```
/// use autograd::Tape;
/// use tensor::{CrossEntropyOptions, Tensor};
/// use wengert_nn::CrossEntropyLoss;
///
/// let logits = Tape::new().leaf(Tensor::from([[0.0, 0.0], [0.0, 0.0]]));
/// let loss = CrossEntropyLoss::default().forward(&logits, &Tensor::from([0, 1]))?;
/// assert_eq!(loss.item()?, std::f64::consts::LN_2);
///
/// let options = CrossEntropyOptions::default().label_smoothing(0.1);
/// let smooth = CrossEntropyLoss::new(options.weight(Tensor::from([1.0, 3.0])));
/// let loss = smooth.forward(&logits, &Tensor::from([0, 1]))?;
/// assert_eq!(loss.item()?, std::f64::consts::LN_2);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CrossEntropyLoss<T: Float = f32> {
    /// How the samples' losses become one, how much each class counts, and more.
    pub options: CrossEntropyOptions<T>,
}

impl<T: Float> CrossEntropyLoss<T> {
    /// The mean, or what the options say: a
    /// [`Reduction`](tensor::Reduction) is enough.
    #[must_use]
    pub fn new(options: impl Into<CrossEntropyOptions<T>>) -> Self {
        Self {
            options: options.into(),
        }
    }

    /// The loss of logits `[N, classes]` (or `[N, classes, H, W]`, or
    /// `[classes]`) against labels `[N]` (or `[N, H, W]`, or without axes), or
    /// against a variable of probabilities in the shape of the logits.
    ///
    /// # Errors
    /// If the shapes do not match, a label is no class, or an option does not fit;
    /// as [`Var::record`].
    pub fn forward<'t>(
        &self,
        logits: &Var<T>,
        target: impl Into<ClassTarget<'t, Var<T>>>,
    ) -> Result<Var<T>> {
        logits.cross_entropy(target, self.options.clone())
    }
}

weights!(CrossEntropyLoss { weight });
