//! Optimisers: how parameters follow their gradients.
//!
//! | PyTorch | here | |
//! |---|---|---|
//! | `SGD` | [`Sgd`] | momentum, dampening, Nesterov |
//! | `Adam`, `AdamW` | [`Adam`], [`AdamW`] | AMSGrad, decay in the gradient or beside it |
//! | `RMSprop` | [`RmsProp`] | centred, momentum |
//! | `Adagrad` | [`Adagrad`] | |
//! | `lr_scheduler.…` | [`Scheduler`] | how their rates change from step to step |
//!
//! Formulas, their order and the defaults are PyTorch's. Each has its options in
//! a builder; parameters that want others than the rest are put into
//! [groups](SgdBuilder::group), by name. What an optimiser remembers it keeps
//! under the parameters' dotted names, so that a [state](OptimizerState) can be
//! saved and taken up by another one.
//!
//! **Cost.** A step is one sweep over each parameter, its gradient and what is
//! remembered of it, in place.
//!
//! # An optimiser of one's own
//!
//! Nothing but [`Optimizer`], and [`Rates`] for schedules, which need not know
//! the element type.
//!
//! ```
//! use autograd::{Gradients, Parameter, Tape};
//! use tensor::{Result, Tensor};
//! use wengert_nn::{Optimizer, OptimizerState, Rates, Visit};
//!
//! /// Steps of one size, down the sign of the gradient.
//! #[derive(Debug)]
//! struct SignSgd {
//!     lr: f64,
//! }
//!
//! impl Rates for SignSgd {
//!     fn lrs(&self) -> Vec<f64> {
//!         vec![self.lr]
//!     }
//!     fn set_lrs(&mut self, lrs: &[f64]) -> Result<()> {
//!         self.lr = lrs[0];
//!         Ok(())
//!     }
//! }
//!
//! impl Optimizer for SignSgd {
//!     fn step(&mut self, model: &mut dyn Visit, gradients: &Gradients) -> Result<()> {
//!         for (_, parameter) in model.named_parameters_mut() {
//!             if let Some(gradient) = gradients.get(parameter) {
//!                 let way = gradient.sign();
//!                 parameter.value_mut().add_scaled(-self.lr as f32, &way)?;
//!             }
//!         }
//!         Ok(())
//!     }
//!     fn state(&self) -> OptimizerState {
//!         let mut state = OptimizerState::new("sign_sgd");
//!         state.numbers.insert("lr".into(), self.lr);
//!         state
//!     }
//!     fn load_state(&mut self, state: &OptimizerState) -> Result<()> {
//!         state.check_kind("sign_sgd", "sign_sgd")?;
//!         self.lr = state.number("sign_sgd", "lr")?;
//!         Ok(())
//!     }
//! }
//!
//! let mut w = Parameter::new(Tensor::from([1.0, -2.0]));
//! let grads = Tape::new().parameter(&w).square()?.sum()?.backward()?;
//! SignSgd { lr: 0.5 }.step(&mut w, &grads)?;
//! assert_eq!(w.value().to_vec(), [0.5, -1.5]);
//! # Ok::<(), tensor::Error>(())
//! ```

mod adagrad;
mod adam;
mod groups;
mod rmsprop;
mod schedule;
mod sgd;
mod state;

pub use adagrad::{Adagrad, AdagradBuilder};
pub use adam::{Adam, AdamBuilder, AdamW, AdamWBuilder};
pub use rmsprop::{RmsProp, RmsPropBuilder};
pub use schedule::*;
pub use sgd::{Sgd, SgdBuilder};
pub use state::{OptimizerState, SchedulerState};

use autograd::Gradients;
use tensor::{Error, Float, Result};

use crate::module::Visit;

/// Something that moves a model's parameters by their gradients.
pub trait Optimizer<T: Float = f32>: Rates {
    /// One step: every parameter that is not frozen moves by its gradient.
    ///
    /// # Errors
    /// [`Error::MissingGradient`] with the name of a parameter that the loss
    /// does not depend on; no parameter has moved then.
    fn step(&mut self, model: &mut dyn Visit<T>, gradients: &Gradients<T>) -> Result<()>;

    /// What it carries from step to step, to save.
    fn state(&self) -> OptimizerState<T>;

    /// Goes on from a state that [`state`](Self::state) gave.
    ///
    /// # Errors
    /// [`Error::Value`] for the state of another optimiser; nothing has changed
    /// then.
    fn load_state(&mut self, state: &OptimizerState<T>) -> Result<()>;
}

/// What a [`Scheduler`] sees of an optimiser: the rates of its groups of
/// parameters. The first is that of all parameters that are in no other.
pub trait Rates {
    /// The learning rate of each group.
    fn lrs(&self) -> Vec<f64>;

    /// Sets the learning rate of each group.
    ///
    /// # Errors
    /// [`Error::Value`] unless there is one for each group, finite and not
    /// negative; nothing has changed then.
    fn set_lrs(&mut self, lrs: &[f64]) -> Result<()>;

    /// The momentum of each group, of Adam β₁; none if it has no such thing.
    fn momenta(&self) -> Option<Vec<f64>> {
        None
    }

    /// Sets the momentum of each group, of Adam β₁.
    ///
    /// # Errors
    /// [`Error::Value`] if it has no such thing, or as
    /// [`set_lrs`](Self::set_lrs).
    fn set_momenta(&mut self, momenta: &[f64]) -> Result<()> {
        let _ = momenta;
        Err(Error::value("set_momenta", "the optimiser has no momentum"))
    }

    /// The learning rate, of the first group if there are several.
    fn lr(&self) -> f64 {
        self.lrs().first().copied().unwrap_or(f64::NAN)
    }

    /// Sets the learning rate of all groups.
    ///
    /// # Errors
    /// As [`set_lrs`](Self::set_lrs).
    fn set_lr(&mut self, lr: f64) -> Result<()> {
        self.set_lrs(&vec![lr; self.lrs().len()])
    }
}

/// Refuses a model in which a parameter that should move has no gradient, or
/// one of another shape: checked for all before any moves.
fn check_gradients<T: Float>(
    op: &'static str,
    model: &dyn Visit<T>,
    gradients: &Gradients<T>,
    allow_missing: bool,
) -> Result<()> {
    for (name, parameter) in model.named_parameters() {
        if parameter.is_frozen() {
            continue;
        }
        match gradients.get(parameter) {
            None if allow_missing => {}
            None => {
                return Err(Error::MissingGradient {
                    op,
                    name: format!("parameter `{name}`"),
                });
            }
            Some(gradient) if gradient.shape() != parameter.shape() => {
                return Err(Error::shape(
                    op,
                    format!(
                        "parameter `{name}` has shape {:?}, its gradient {:?}",
                        parameter.shape(),
                        gradient.shape()
                    ),
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
