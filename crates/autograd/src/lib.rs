//! Who came from whom: gradients of any order, by a tape.
//!
//! A [`Tape`] is the context of one step: it lists the operations in the order
//! in which they ran. A [`Var`] is a value on a tape. An operation computes its
//! value with `wengert-tensor` and records one rule for each input, and
//! [`Var::backward`] plays the list backwards. There are no loops over elements
//! in this crate.
//!
//! | to | use |
//! |---|---|
//! | train | [`Tape::new`], [`Tape::parameter`], [`Var::backward`], [`Gradients`] |
//! | evaluate | [`Tape::inference`] |
//! | differentiate a gradient again | [`grad`] |
//! | write an operation of your own | [`Var::record`], [`pull`], [`pull_owned`], [`gradcheck()`] |
//! | find where NaN comes from | [`Tape::detect_anomaly`] |
//! | see what happened | `println!("{tape}")`, [`Tape::to_dot`] |
//!
//! Every operation that records returns a [`Result`](tensor::Result), the
//! operators too. Rules are written in variables' own operations, so a gradient
//! is itself differentiable.
//!
//! ```
//! use tensor::Tensor;
//! use wengert_autograd::{Tape, grad};
//!
//! // The gradient of a network's output with respect to its input, and how
//! // the length of that gradient depends on the weight: a gradient penalty.
//! let tape = Tape::new();
//! let weight = tape.leaf(Tensor::from([[0.5, -1.0]]));
//! let x = tape.leaf(Tensor::from([[1.0, 2.0]]));
//! let output = x.mul(&weight)?.tanh()?.sum()?;
//! let slope = &grad(&output, &[&x])?[0];
//! let penalty = slope.square()?.sum()?;
//! println!("{tape}");
//! let grads = penalty.backward()?;
//! assert_eq!(grads.get(&weight).map(Tensor::shape), Some(&[1, 2][..]));
//! # Ok::<(), tensor::Error>(())
//! ```

mod backward;
pub mod gradcheck;
mod gradients;
mod ops;
mod parameter;
mod record;
mod spare;
mod tape;
mod var;

pub use backward::{grad, grad_or_none};
pub use gradcheck::{Gradcheck, gradcheck};
pub use gradients::{ClipNorm, GradientKey, Gradients};
pub use parameter::{Parameter, ParameterId};
pub use record::{OpInfo, Rule, pull, pull_owned};
pub use tape::{Entry, Tape};
pub use var::{Saved, Var};
