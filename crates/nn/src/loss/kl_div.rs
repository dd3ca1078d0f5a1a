//! The Kullback–Leibler divergence.

use autograd::Var;
use tensor::{Float, KlDivOptions, Result};

use crate::layers::without_parameters;

/// t · (log t − x) for logarithms x of probabilities: `torch.nn.KLDivLoss`. The
/// divergence itself is the loss with [`KlDivOptions::batch_mean`]; the default, as
/// PyTorch's, is the mean over all elements.
///
/// ```
/// use autograd::Tape;
/// use tensor::{KlDivOptions, Tensor};
/// use wengert_nn::KlDivLoss;
///
/// let x = Tape::new().leaf(Tensor::from([[0.0, 0.0]])).log_softmax(1)?;
/// let target = x.constant(Tensor::from([[1.0, 0.0]]));
/// let loss = KlDivLoss::new(KlDivOptions::batch_mean()).forward(&x, &target)?;
/// assert_eq!(loss.item()?, 2f64.ln());
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct KlDivLoss {
    /// How the terms become one, and whether the target is a logarithm too.
    pub options: KlDivOptions,
}

impl KlDivLoss {
    /// What the options say: a [`Reduction`](tensor::Reduction) is enough.
    #[must_use]
    pub fn new(options: impl Into<KlDivOptions>) -> Self {
        Self {
            options: options.into(),
        }
    }

    /// The loss of log-probabilities.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn forward<T: Float>(&self, input: &Var<T>, target: &Var<T>) -> Result<Var<T>> {
        input.kl_div(target, self.options)
    }
}

without_parameters!(KlDivLoss);
