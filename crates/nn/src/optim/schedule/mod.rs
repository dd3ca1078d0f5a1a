//! Schedules: how learning rates change from step to step.
//!
//! | PyTorch | here | the rate |
//! |---|---|---|
//! | `StepLR`, `MultiStepLR` | [`StepLr`], [`MultiStepLr`] | falls by a factor at regular steps, at the steps named |
//! | `ExponentialLR` | [`ExponentialLr`] | falls by a factor at every step |
//! | `LinearLR` | [`LinearLr`] | goes from one share of it to another: warm-up |
//! | `CosineAnnealingLR` | [`CosineAnnealingLr`] | falls along half a cosine, and rises again |
//! | `CosineAnnealingWarmRestarts` | [`CosineAnnealingWarmRestarts`] | falls so, and jumps back |
//! | `OneCycleLR` | [`OneCycleLr`] | rises and falls once, momentum the other way |
//! | `ReduceLROnPlateau` | [`ReduceLrOnPlateau`] | falls when a measure no longer improves |
//! | `SequentialLR` | [`SequentialLr`] | by one schedule after the other |
//! | `ChainedScheduler` | [`ChainedScheduler`] | by several at once |
//!
//! A schedule is told to [`start`](Scheduler::start) before the first step of
//! training, and to [`step`](Scheduler::step) after each; or each epoch, or
//! whatever is to be counted. It holds no optimiser: it is handed one. The rates
//! live in the optimiser, and most schedules are a factor from one rate to the
//! next, as PyTorch's are, so that a rate that was set by hand in between counts.
//!
//! ```
//! use autograd::{Parameter, Tape};
//! use tensor::Tensor;
//! use wengert_nn::{CosineAnnealingLr, LinearLr, Optimizer, Rates, Scheduler, SequentialLr, Sgd};
//!
//! // Five steps of warm-up, then down along a cosine.
//! let mut schedule = SequentialLr::new(LinearLr::new(0.1, 1.0, 5)?)
//!     .then(5, CosineAnnealingLr::new(95, 0.0)?)?;
//!
//! let mut w: Parameter = Parameter::new(Tensor::from([1.0, -2.0]));
//! let mut sgd = Sgd::new(0.5)?;
//! schedule.start(&mut sgd)?;
//! assert_eq!(sgd.lr(), 0.05);
//! for step in 0..100 {
//!     let grads = Tape::new().parameter(&w).square()?.sum()?.backward()?;
//!     sgd.step(&mut w, &grads)?;
//!     schedule.step(&mut sgd)?;
//! }
//! assert!(sgd.lr().abs() < 1e-9);
//! # Ok::<(), tensor::Error>(())
//! ```
//!
//! # A schedule of one's own
//!
//! A [`Clock`] counts the steps and remembers the rates at the start.
//!
//! ```
//! use tensor::Result;
//! use wengert_nn::{Clock, Rates, Scheduler, SchedulerState, Sgd};
//!
//! /// The rate divided by the root of the step.
//! #[derive(Debug, Default)]
//! struct InverseRoot {
//!     clock: Clock,
//! }
//!
//! impl Scheduler for InverseRoot {
//!     fn start_from(&mut self, base: &[f64], optimizer: &mut dyn Rates) -> Result<()> {
//!         self.clock.start(base, optimizer, |at| at.lr)
//!     }
//!     fn step(&mut self, optimizer: &mut dyn Rates) -> Result<()> {
//!         self.clock.step("inverse_root", optimizer, |at| at.base / (at.step as f64 + 1.0).sqrt())
//!     }
//!     fn state(&self) -> SchedulerState {
//!         self.clock.state("inverse_root")
//!     }
//!     fn load_state(&mut self, state: &SchedulerState) -> Result<()> {
//!         self.clock.load_state("inverse_root", state)
//!     }
//! }
//!
//! let (mut sgd, mut schedule) = (Sgd::<f32>::new(0.5)?, InverseRoot::default());
//! schedule.start(&mut sgd)?;
//! for _ in 0..3 {
//!     schedule.step(&mut sgd)?;
//! }
//! assert_eq!(sgd.lr(), 0.25);
//! # Ok::<(), tensor::Error>(())
//! ```

mod chain;
mod clock;
mod cosine;
mod decay;
mod one_cycle;
mod plateau;

pub use chain::{ChainedScheduler, SequentialLr};
pub use clock::{Clock, Moment};
pub use cosine::{CosineAnnealingLr, CosineAnnealingWarmRestarts};
pub use decay::{ExponentialLr, LinearLr, MultiStepLr, StepLr};
pub use one_cycle::{Anneal, OneCycleLr, OneCycleLrBuilder};
pub use plateau::{PlateauMode, ReduceLrOnPlateau, ReduceLrOnPlateauBuilder, ThresholdMode};

use std::fmt;

use tensor::{Error, Result};

use super::{Rates, SchedulerState};

/// How the rates of an optimiser change from step to step.
pub trait Scheduler: fmt::Debug + Send + Sync {
    /// Sets the rates for the first step, and starts to count. The optimiser's
    /// rates are those that the schedule is about.
    ///
    /// # Errors
    /// As [`start_from`](Self::start_from).
    fn start(&mut self, optimizer: &mut dyn Rates) -> Result<()> {
        self.start_from(&optimizer.lrs(), optimizer)
    }

    /// As [`start`](Self::start) for rates that the schedule is about, one for
    /// each group: the optimiser's may be others already, where schedules are
    /// chained.
    ///
    /// # Errors
    /// [`Error::Value`] for an optimiser that has not what the schedule changes,
    /// or not as many groups as it is meant for.
    fn start_from(&mut self, base: &[f64], optimizer: &mut dyn Rates) -> Result<()>;

    /// Sets the rates for the next step: to be called after each step of the
    /// optimiser.
    ///
    /// # Errors
    /// [`Error::Value`] for a schedule that was not started, for an optimiser
    /// with another number of groups, and past the end of a schedule that has
    /// one. Nothing has changed then.
    fn step(&mut self, optimizer: &mut dyn Rates) -> Result<()>;

    /// Tells the schedule how well it goes, for those that want to know:
    /// [`ReduceLrOnPlateau`].
    fn observe(&mut self, metric: f64) {
        let _ = metric;
    }

    /// What it carries from step to step, to save.
    fn state(&self) -> SchedulerState;

    /// Goes on from a state that [`state`](Self::state) gave. A schedule that is
    /// restored so must not be started, and the optimiser's rates are restored
    /// with the optimiser.
    ///
    /// # Errors
    /// [`Error::Value`] for the state of another schedule; nothing has changed
    /// then.
    fn load_state(&mut self, state: &SchedulerState) -> Result<()>;
}

impl<S: Scheduler + ?Sized> Scheduler for Box<S> {
    fn start_from(&mut self, base: &[f64], optimizer: &mut dyn Rates) -> Result<()> {
        (**self).start_from(base, optimizer)
    }
    fn step(&mut self, optimizer: &mut dyn Rates) -> Result<()> {
        (**self).step(optimizer)
    }
    fn observe(&mut self, metric: f64) {
        (**self).observe(metric);
    }
    fn state(&self) -> SchedulerState {
        (**self).state()
    }
    fn load_state(&mut self, state: &SchedulerState) -> Result<()> {
        (**self).load_state(state)
    }
}

/// A number for all groups of parameters, or one for each: `0.1`, `[0.1, 0.01]`.
#[derive(Clone, Debug, PartialEq)]
pub struct PerGroup(Vec<f64>);

impl From<f64> for PerGroup {
    fn from(all: f64) -> Self {
        Self(vec![all])
    }
}

impl<const N: usize> From<[f64; N]> for PerGroup {
    fn from(each: [f64; N]) -> Self {
        Self(each.into())
    }
}

impl From<Vec<f64>> for PerGroup {
    fn from(each: Vec<f64>) -> Self {
        Self(each)
    }
}

impl PerGroup {
    /// The numbers of so many groups.
    fn of(&self, op: &'static str, what: &str, groups: usize) -> Result<Vec<f64>> {
        match self.0.as_slice() {
            &[all] => Ok(vec![all; groups]),
            each if each.len() == groups => Ok(each.to_vec()),
            each => {
                let count = each.len();
                let message = format!(
                    "{groups} groups of parameters need one or as many {what}, got {count}"
                );
                Err(Error::value(op, message))
            }
        }
    }

    /// Refuses a number that is negative or not finite.
    fn check(&self, op: &'static str, what: &str) -> Result<()> {
        self.0.iter().try_for_each(|&x| check_rate(op, what, x))
    }
}

/// Refuses a number that is negative or not finite.
fn check_rate(op: &'static str, name: &str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    let message = format!("{name} must be finite and not negative, got {value}");
    Err(Error::value(op, message))
}

/// Refuses a number of steps that is 0.
fn check_steps(op: &'static str, name: &str, steps: u64) -> Result<()> {
    if steps > 0 {
        return Ok(());
    }
    Err(Error::value(op, format!("{name} must be positive, got 0")))
}

/// Refuses a number outside of `[0, 1]`.
fn check_share(op: &'static str, name: &str, value: f64) -> Result<()> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    let message = format!("{name} must lie in [0, 1], got {value}");
    Err(Error::value(op, message))
}

#[cfg(test)]
mod tests;
