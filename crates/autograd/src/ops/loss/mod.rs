//! Losses: how far a prediction is from what it should have been.
//!
//! | | gradient of the prediction, before the reduction | file |
//! |---|---|---|
//! | `mse_loss` | 2d, d = x − t | `distance.rs` |
//! | `l1_loss` | sign d | |
//! | `smooth_l1_loss` | d, kept within ±β, over β | |
//! | `huber_loss` | d, kept within ±δ | |
//! | `cross_entropy` | softmax(x) − onehot(y) | `cross_entropy.rs` |
//! | `nll_loss` | −onehot(y) | `nll_loss.rs` |
//! | `kl_div` | −t | `kl_div.rs` |
//! | `binary_cross_entropy` | (x − t) / (x (1 − x)) | `binary_cross_entropy.rs` |
//! | `binary_cross_entropy_with_logits` | sigmoid(x) − t | |
//!
//! Each is one entry of the tape: what the formula has in between is neither
//! recorded nor kept. Gradients flow to the target too.

mod binary_cross_entropy;
mod cross_entropy;
mod distance;
mod kl_div;
mod nll_loss;

use tensor::{Float, Reduction, Result};

use crate::var::Var;

/// The gradient of each of `count` losses, from that of what they became: a number
/// that broadcasts, or one for each.
fn share<T: Float>(g: &Var<T>, reduction: Reduction, count: usize) -> Result<Var<T>> {
    match reduction {
        Reduction::Mean => g.div_scalar(T::of(count as f64)),
        Reduction::Sum | Reduction::None => Ok(g.clone()),
    }
}
