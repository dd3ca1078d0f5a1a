//! Rates that fall along a cosine (Loshchilov and Hutter, 2017).

use std::f64::consts::PI;

use tensor::Result;

use super::{Clock, Scheduler, check_rate, check_steps};
use crate::{Rates, SchedulerState};

/// Along half a cosine, in `t_max` steps down to `eta_min`; further on up again,
/// and so on: `CosineAnnealingLR`.
///
/// ```text
/// η ← eta_min + (η − eta_min) · (1 + cos(π · t / t_max)) / (1 + cos(π · (t − 1) / t_max))
/// ```
///
/// which, if nobody else changes the rate, is
/// eta_min + (base − eta_min) · (1 + cos(π · t / t_max)) / 2.
///
/// ```
/// use wengert_nn::{CosineAnnealingLr, Rates, Scheduler, Sgd};
///
/// let (mut sgd, mut schedule) = (Sgd::<f32>::new(1.0)?, CosineAnnealingLr::new(2, 0.5)?);
/// schedule.start(&mut sgd)?;
/// for expected in [0.75, 0.5, 0.75, 1.0] {
///     schedule.step(&mut sgd)?;
///     assert!((sgd.lr() - expected).abs() < 1e-12);
/// }
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CosineAnnealingLr {
    t_max: u64,
    eta_min: f64,
    clock: Clock,
}

impl CosineAnnealingLr {
    const OP: &'static str = "cosine_annealing_lr";

    /// The schedule. PyTorch's `eta_min` is 0.
    ///
    /// # Errors
    /// [`Error::Value`](tensor::Error::Value) for no steps, and an `eta_min` that
    /// is negative or not finite.
    pub fn new(t_max: u64, eta_min: f64) -> Result<Self> {
        check_steps(Self::OP, "t_max", t_max)?;
        check_rate(Self::OP, "eta_min", eta_min)?;
        Ok(Self {
            t_max,
            eta_min,
            clock: Clock::default(),
        })
    }
}

impl Scheduler for CosineAnnealingLr {
    fn start_from(&mut self, base: &[f64], optimizer: &mut dyn Rates) -> Result<()> {
        self.clock.start(base, optimizer, |at| at.lr)
    }

    fn step(&mut self, optimizer: &mut dyn Rates) -> Result<()> {
        let (t_max, least) = (self.t_max, self.eta_min);
        let height = |step: u64| 1.0 + (PI * step as f64 / t_max as f64).cos();
        self.clock.step(Self::OP, optimizer, |at| {
            let before = at.step - 1;
            // From the lowest points, whose height is 0, there is no factor up.
            if before >= t_max && (before - t_max) % t_max.saturating_mul(2) == 0 {
                let rise = 1.0 - (PI / t_max as f64).cos();
                return at.lr + (at.base - least) * rise / 2.0;
            }
            height(at.step) / height(before) * (at.lr - least) + least
        })
    }

    fn state(&self) -> SchedulerState {
        self.clock.state(Self::OP)
    }

    fn load_state(&mut self, state: &SchedulerState) -> Result<()> {
        self.clock.load_state(Self::OP, state)
    }
}

/// Along half a cosine down to `eta_min` in `t_0` steps, then at once back to the
/// start, and down again in `t_mult` times as many: `CosineAnnealingWarmRestarts`.
///
/// ```
/// use wengert_nn::{CosineAnnealingWarmRestarts, Rates, Scheduler, Sgd};
///
/// let mut sgd = Sgd::<f32>::new(1.0)?;
/// let mut schedule = CosineAnnealingWarmRestarts::new(2, 2, 0.0)?;
/// schedule.start(&mut sgd)?;
/// for expected in [0.5, 1.0, 0.5 + 0.125f64.sqrt(), 0.5, 0.5 - 0.125f64.sqrt(), 1.0] {
///     schedule.step(&mut sgd)?;
///     assert!((sgd.lr() - expected).abs() < 1e-12);
/// }
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CosineAnnealingWarmRestarts {
    t_0: u64,
    t_mult: u64,
    eta_min: f64,
    clock: Clock,
}

impl CosineAnnealingWarmRestarts {
    const OP: &'static str = "cosine_annealing_warm_restarts";

    /// The schedule. PyTorch's `t_mult` is 1, its `eta_min` 0.
    ///
    /// # Errors
    /// [`Error::Value`](tensor::Error::Value) for a `t_0` or `t_mult` of 0, and
    /// an `eta_min` that is negative or not finite.
    pub fn new(t_0: u64, t_mult: u64, eta_min: f64) -> Result<Self> {
        check_steps(Self::OP, "t_0", t_0)?;
        check_steps(Self::OP, "t_mult", t_mult)?;
        check_rate(Self::OP, "eta_min", eta_min)?;
        Ok(Self {
            t_0,
            t_mult,
            eta_min,
            clock: Clock::default(),
        })
    }

    /// The steps since the last restart, and those from it to the next.
    fn position(&self, step: u64) -> (u64, u64) {
        if self.t_mult == 1 {
            return (step % self.t_0, self.t_0);
        }
        let (mut since, mut length) = (step, self.t_0);
        while since >= length {
            since -= length;
            length = length.saturating_mul(self.t_mult);
        }
        (since, length)
    }

    /// The rate at a step.
    fn rate(&self, step: u64, base: f64) -> f64 {
        let (since, length) = self.position(step);
        let height = 1.0 + (PI * since as f64 / length as f64).cos();
        self.eta_min + (base - self.eta_min) * height / 2.0
    }
}

impl Scheduler for CosineAnnealingWarmRestarts {
    fn start_from(&mut self, base: &[f64], optimizer: &mut dyn Rates) -> Result<()> {
        let mut clock = Clock::default();
        clock.start(base, optimizer, |at| self.rate(at.step, at.base))?;
        self.clock = clock;
        Ok(())
    }

    fn step(&mut self, optimizer: &mut dyn Rates) -> Result<()> {
        let mut clock = self.clock.clone();
        clock.step(Self::OP, optimizer, |at| self.rate(at.step, at.base))?;
        self.clock = clock;
        Ok(())
    }

    fn state(&self) -> SchedulerState {
        self.clock.state(Self::OP)
    }

    fn load_state(&mut self, state: &SchedulerState) -> Result<()> {
        self.clock.load_state(Self::OP, state)
    }
}
