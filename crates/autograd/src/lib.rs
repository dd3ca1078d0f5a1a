//! Who came from whom: tape-based reverse-mode differentiation.

mod backward;
pub mod gradcheck;
mod gradients;
mod ops;
mod parameter;
mod record;
mod tape;
mod var;

pub use backward::{grad, grad_or_none};
pub use gradcheck::{Gradcheck, gradcheck};
pub use gradients::{GradientKey, Gradients};
pub use parameter::{Parameter, ParameterId};
pub use record::{OpInfo, Rule, pull};
pub use tape::{Entry, Tape};
pub use var::{Saved, Var};
