//! Losses of the difference between a prediction and its target. In all of them the
//! two broadcast, and the target may want a gradient.

use autograd::Var;
use tensor::{Float, Reduction, Result};

use crate::layers::without_parameters;

/// (prediction − target)², averaged, summed, or as it is: `torch.nn.MSELoss`.
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::MseLoss;
///
/// let prediction = Tape::new().leaf(Tensor::from([1.0, 2.0]));
/// let target = prediction.constant(Tensor::from([1.0, 4.0]));
/// assert_eq!(MseLoss::new().forward(&prediction, &target)?.item()?, 2.0);
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
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn forward<T: Float>(&self, prediction: &Var<T>, target: &Var<T>) -> Result<Var<T>> {
        prediction.mse_loss(target, self.reduction)
    }
}

/// |prediction − target|, averaged, summed, or as it is: `torch.nn.L1Loss`.
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::L1Loss;
///
/// let prediction = Tape::new().leaf(Tensor::from([1.0, 2.0]));
/// let target = prediction.constant(Tensor::from([1.0, 4.0]));
/// assert_eq!(L1Loss::new().forward(&prediction, &target)?.item()?, 1.0);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct L1Loss {
    /// How the elements' losses become one.
    pub reduction: Reduction,
}

impl L1Loss {
    /// The mean.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The loss of a prediction.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn forward<T: Float>(&self, prediction: &Var<T>, target: &Var<T>) -> Result<Var<T>> {
        prediction.l1_loss(target, self.reduction)
    }
}

/// |prediction − target| with its corner rounded off within `beta`:
/// `torch.nn.SmoothL1Loss`.
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::SmoothL1Loss;
///
/// let prediction = Tape::new().leaf(Tensor::from([1.0, 2.0]));
/// let target = prediction.constant(Tensor::from([1.0, 4.0]));
/// let wide = SmoothL1Loss { beta: 2.0, ..SmoothL1Loss::new() };
/// assert_eq!(wide.forward(&prediction, &target)?.item()?, 0.5);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SmoothL1Loss {
    /// How the elements' losses become one.
    pub reduction: Reduction,
    /// Where the square goes over into the line: 1 unless chosen otherwise.
    pub beta: f64,
}

impl Default for SmoothL1Loss {
    fn default() -> Self {
        Self {
            reduction: Reduction::Mean,
            beta: 1.0,
        }
    }
}

impl SmoothL1Loss {
    /// The mean, with a `beta` of 1.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The loss of a prediction.
    ///
    /// # Errors
    /// Unless `beta` ≥ 0, and if the shapes do not broadcast; as [`Var::record`].
    pub fn forward<T: Float>(&self, prediction: &Var<T>, target: &Var<T>) -> Result<Var<T>> {
        prediction.smooth_l1_loss(target, self.reduction, self.beta)
    }
}

/// (prediction − target)² / 2 within `delta`, and the line that goes on from there:
/// `torch.nn.HuberLoss`.
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::HuberLoss;
///
/// let prediction = Tape::new().leaf(Tensor::from([1.0, 2.0]));
/// let target = prediction.constant(Tensor::from([1.0, 4.0]));
/// let wide = HuberLoss { delta: 2.0, ..HuberLoss::new() };
/// assert_eq!(wide.forward(&prediction, &target)?.item()?, 1.0);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HuberLoss {
    /// How the elements' losses become one.
    pub reduction: Reduction,
    /// Where the square goes over into the line: 1 unless chosen otherwise.
    pub delta: f64,
}

impl Default for HuberLoss {
    fn default() -> Self {
        Self {
            reduction: Reduction::Mean,
            delta: 1.0,
        }
    }
}

impl HuberLoss {
    /// The mean, with a `delta` of 1.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The loss of a prediction.
    ///
    /// # Errors
    /// Unless `delta` > 0, and if the shapes do not broadcast; as [`Var::record`].
    pub fn forward<T: Float>(&self, prediction: &Var<T>, target: &Var<T>) -> Result<Var<T>> {
        prediction.huber_loss(target, self.reduction, self.delta)
    }
}

without_parameters!(MseLoss, L1Loss, SmoothL1Loss, HuberLoss);
