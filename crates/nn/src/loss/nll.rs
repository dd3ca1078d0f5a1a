//! The negative log-likelihood of what log-softmax made.

use autograd::Var;
use tensor::{Float, NllLossOptions, Result, Tensor};

use super::weights;

/// −x at the label, averaged, summed, or as it is, for logarithms of probabilities
/// x: `torch.nn.NLLLoss`. Options are weights of the classes (the buffer `weight`)
/// and a label that does not count.
///
/// ```
/// use autograd::Tape;
/// use tensor::{NllLossOptions, Tensor};
/// use wengert_nn::NllLoss;
///
/// let x = Tape::new().leaf(Tensor::from([[-1.0, -2.0], [-3.0, -4.0]]));
/// let options = NllLossOptions::default().weight(Tensor::from([1.0, 3.0]));
/// let loss = NllLoss::new(options).forward(&x, &Tensor::from([0, 1]))?;
/// assert_eq!(loss.item()?, (1.0 * 1.0 + 3.0 * 4.0) / (1.0 + 3.0));
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct NllLoss<T: Float = f32> {
    /// How the samples' losses become one, how much each class counts, and which
    /// label is passed over.
    pub options: NllLossOptions<T>,
}

impl<T: Float> NllLoss<T> {
    /// The mean, or what the options say: a
    /// [`Reduction`](tensor::Reduction) is enough.
    #[must_use]
    pub fn new(options: impl Into<NllLossOptions<T>>) -> Self {
        Self {
            options: options.into(),
        }
    }

    /// The loss of log-probabilities `[N, classes]` (or `[N, classes, H, W]`, or
    /// `[classes]`) against labels `[N]` (or `[N, H, W]`, or without axes).
    ///
    /// # Errors
    /// If the shapes do not match or a label is no class; as [`Var::record`].
    pub fn forward(&self, input: &Var<T>, labels: &Tensor<i64>) -> Result<Var<T>> {
        input.nll_loss(labels, self.options.clone())
    }
}

weights!(NllLoss { weight });
