//! Losses: how far a prediction is from what it should have been.
//!
//! | | the loss of one element or position | file |
//! |---|---|---|
//! | `mse_loss` | (x − t)² | `distance.rs` |
//! | `l1_loss` | \|x − t\| | |
//! | `smooth_l1_loss`, `huber_loss` | a square that goes over into a line | |
//! | `cross_entropy` | −log softmax(x) at the true class | `cross_entropy.rs` |
//! | `nll_loss` | −x at the true class | `nll_loss.rs` |
//! | `kl_div` | t (log t − x) | `kl_div.rs` |
//! | `binary_cross_entropy` | −t log x − (1 − t) log(1 − x) | `binary_cross_entropy.rs` |
//!
//! Each exists with the three [`Reduction`]s. What else PyTorch can be told with
//! keywords is in a struct of options, of which every one is made `From` a plain
//! reduction.

mod binary_cross_entropy;
mod cross_entropy;
mod distance;
mod kl_div;
mod labels;
mod nll_loss;

use crate::element::Float;
use crate::tensor::Tensor;

pub use binary_cross_entropy::{BinaryCrossEntropyOptions, BinaryCrossEntropyWithLogitsOptions};
pub use cross_entropy::CrossEntropyOptions;
pub use kl_div::KlDivOptions;
pub use labels::ClassTarget;
pub use nll_loss::NllLossOptions;

/// How the losses of a batch become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean: NaN for an empty batch.
    #[default]
    Mean,
    /// Their sum.
    Sum,
    /// Not at all: one loss for each position.
    None,
}

impl Reduction {
    /// What these losses become.
    fn of<T: Float>(self, losses: Tensor<T>) -> Tensor<T> {
        match self {
            Self::Mean => losses.mean(),
            Self::Sum => losses.sum(),
            Self::None => losses,
        }
    }
}
