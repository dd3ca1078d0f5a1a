//! The mean squared error.

use autograd::Var;
use tensor::{Float, Reduction, Result, Tensor};

/// (prediction − target)², averaged, summed, or as it is: `torch.nn.MSELoss`.
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::MseLoss;
///
/// let prediction = Tape::new().leaf(Tensor::from([1.0, 2.0]));
/// let loss = MseLoss::new().forward(&prediction, &Tensor::from([1.0, 4.0]))?;
/// assert_eq!(loss.item()?, 2.0);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MseLoss {
    /// How the elements' losses become one.
    pub reduction: Reduction,
}

impl MseLoss {
    /// The mean.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The loss of a prediction.
    ///
    /// # Errors
    /// If the shapes do not match; as [`Var::record`].
    pub fn forward<T: Float>(&self, prediction: &Var<T>, target: &Tensor<T>) -> Result<Var<T>> {
        prediction.mse_loss(&prediction.constant(target.clone()), self.reduction)
    }
}
