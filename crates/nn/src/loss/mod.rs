//! Losses and what else is measured against targets. The computation is an
//! operation on [`Var`](autograd::Var); a struct here holds its options.

mod cross_entropy;
mod metrics;
mod mse;

pub use cross_entropy::CrossEntropyLoss;
pub use metrics::{accuracy, confusion_matrix};
pub use mse::MseLoss;
