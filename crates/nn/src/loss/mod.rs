//! Losses and what else is measured against targets. The computation is an
//! operation on [`Var`](autograd::Var); a struct here holds its options. Weights are
//! buffers, under PyTorch's names.

mod binary_cross_entropy;
mod cross_entropy;
mod distance;
mod kl_div;
mod metrics;
mod nll;

pub use binary_cross_entropy::{BceLoss, BceWithLogitsLoss};
pub use cross_entropy::CrossEntropyLoss;
pub use distance::{HuberLoss, L1Loss, MseLoss, SmoothL1Loss};
pub use kl_div::KlDivLoss;
pub use metrics::{accuracy, confusion_matrix};
pub use nll::NllLoss;

/// Implements [`Visit`](crate::Visit) for a loss from the list of its options that
/// are weights, each of which may be missing.
macro_rules! weights {
    ($loss:ident { $($name:ident),+ }) => {
        impl<T: tensor::Float> $crate::Visit<T> for $loss<T> {
            fn visit<'a>(&'a self, visitor: &mut $crate::Visitor<'a, T>) {
                $(if let Some(weight) = &self.options.$name {
                    visitor.named_slot(stringify!($name), $crate::Slot::Buffer(weight.clone()));
                })+
            }
            fn visit_mut<'a>(&'a mut self, visitor: &mut $crate::VisitorMut<'a, T>) {
                $(if let Some(weight) = &mut self.options.$name {
                    visitor.named_slot(stringify!($name), $crate::SlotMut::Buffer(weight));
                })+
            }
        }
    };
}
use weights;
