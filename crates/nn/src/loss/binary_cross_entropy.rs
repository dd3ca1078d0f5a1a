//! Binary cross-entropy: each element is a question of its own.

use autograd::Var;
use tensor::{BinaryCrossEntropyOptions, BinaryCrossEntropyWithLogitsOptions, Float, Result};

use super::weights;

/// −t log x − (1 − t) log(1 − x) of probabilities x: `torch.nn.BCELoss`. A weight of
/// the elements is the buffer `weight`.
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::BceLoss;
///
/// let x = Tape::new().leaf(Tensor::from([0.5, 0.5]));
/// let target = x.constant(Tensor::from([1.0, 0.0]));
/// assert_eq!(BceLoss::default().forward(&x, &target)?.item()?, 2f64.ln());
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct BceLoss<T: Float = f32> {
    /// How the elements' losses become one, and how much each counts.
    pub options: BinaryCrossEntropyOptions<T>,
}

impl<T: Float> BceLoss<T> {
    /// The mean, or what the options say: a
    /// [`Reduction`](tensor::Reduction) is enough.
    #[must_use]
    pub fn new(options: impl Into<BinaryCrossEntropyOptions<T>>) -> Self {
        Self {
            options: options.into(),
        }
    }

    /// The loss of probabilities.
    ///
    /// # Errors
    /// If the shapes differ, if the weight does not fit, for an input or target
    /// outside of 0 to 1; as [`Var::record`].
    pub fn forward(&self, input: &Var<T>, target: &Var<T>) -> Result<Var<T>> {
        input.binary_cross_entropy(target, self.options.clone())
    }
}

weights!(BceLoss { weight });

/// [`BceLoss`] of sigmoid(x), for any x, however large:
/// `torch.nn.BCEWithLogitsLoss`. A weight of the elements is the buffer `weight`, one
/// of the positive answers the buffer `pos_weight`.
///
/// ```
/// use autograd::Tape;
/// use tensor::{BinaryCrossEntropyWithLogitsOptions, Tensor};
/// use wengert_nn::BceWithLogitsLoss;
///
/// let x = Tape::new().leaf(Tensor::from([0.0, -800.0]));
/// let target = x.constant(Tensor::from([0.0, 1.0]));
/// let options = BinaryCrossEntropyWithLogitsOptions::default();
/// let loss = BceWithLogitsLoss::new(options.pos_weight(Tensor::from([3.0])));
/// assert_eq!(loss.forward(&x, &target)?.item()?, (2f64.ln() + 2400.0) / 2.0);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct BceWithLogitsLoss<T: Float = f32> {
    /// How the elements' losses become one, and how much each counts.
    pub options: BinaryCrossEntropyWithLogitsOptions<T>,
}

impl<T: Float> BceWithLogitsLoss<T> {
    /// The mean, or what the options say: a
    /// [`Reduction`](tensor::Reduction) is enough.
    #[must_use]
    pub fn new(options: impl Into<BinaryCrossEntropyWithLogitsOptions<T>>) -> Self {
        Self {
            options: options.into(),
        }
    }

    /// The loss of logits.
    ///
    /// # Errors
    /// If the shapes differ or a weight does not fit; as [`Var::record`].
    pub fn forward(&self, input: &Var<T>, target: &Var<T>) -> Result<Var<T>> {
        input.binary_cross_entropy_with_logits(target, self.options.clone())
    }
}

weights!(BceWithLogitsLoss { weight, pos_weight });
