//! Optimisers: how parameters follow their gradients.

mod sgd;

pub use sgd::{Sgd, SgdBuilder};

use autograd::Gradients;
use tensor::{Error, Float, Result};

use crate::module::Visit;

/// Something that moves a model's parameters by their gradients.
pub trait Optimizer<T: Float = f32> {
    /// One step: every parameter that is not frozen moves by its gradient.
    ///
    /// # Errors
    /// [`Error::MissingGradient`] with the name of a parameter that the loss
    /// does not depend on; no parameter has moved then.
    fn step(&mut self, model: &mut dyn Visit<T>, gradients: &Gradients<T>) -> Result<()>;

    /// The learning rate.
    fn lr(&self) -> f64;

    /// Sets the learning rate.
    ///
    /// # Errors
    /// [`Error::Value`] unless it is finite and not negative.
    fn set_lr(&mut self, lr: f64) -> Result<()>;
}

/// Refuses a hyper-parameter that is negative, NaN, or infinite as a `T`.
pub(crate) fn check_rate<T: Float>(op: &'static str, name: &str, value: f64) -> Result<f64> {
    if T::of(value).is_finite() && value >= 0.0 {
        return Ok(value);
    }
    Err(Error::value(
        op,
        format!(
            "{name} must be finite as {} and not negative, got {value}",
            T::NAME
        ),
    ))
}

/// Refuses a model in which a parameter that should move has no gradient, or
/// one of another shape: checked for all before any moves.
pub(crate) fn check_gradients<T: Float>(
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
