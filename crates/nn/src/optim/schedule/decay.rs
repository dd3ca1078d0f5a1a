//! Rates that fall by factors, and rates that go from one share to another.

use std::collections::BTreeMap;

use tensor::{Error, Result};

use super::{Clock, Scheduler, check_rate, check_share, check_steps};
use crate::{Rates, SchedulerState};

/// The rate times γ every `step_size` steps: `StepLR`.
///
/// ```
/// use wengert_nn::{Rates, Scheduler, Sgd, StepLr};
///
/// let (mut sgd, mut schedule) = (Sgd::<f32>::new(0.5)?, StepLr::new(2, 0.5)?);
/// schedule.start(&mut sgd)?;
/// let mut rates = vec![sgd.lr()];
/// for _ in 0..4 {
///     schedule.step(&mut sgd)?;
///     rates.push(sgd.lr());
/// }
/// assert_eq!(rates, [0.5, 0.5, 0.25, 0.25, 0.125]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StepLr {
    step_size: u64,
    gamma: f64,
    clock: Clock,
}

impl StepLr {
    const OP: &'static str = "step_lr";

    /// The schedule. PyTorch's γ is 0.1.
    ///
    /// # Errors
    /// [`Error::Value`] for steps of 0, and a γ that is negative or not finite.
    pub fn new(step_size: u64, gamma: f64) -> Result<Self> {
        check_steps(Self::OP, "the step size", step_size)?;
        check_rate(Self::OP, "gamma", gamma)?;
        Ok(Self {
            step_size,
            gamma,
            clock: Clock::default(),
        })
    }
}

impl Scheduler for StepLr {
    fn start_from(&mut self, base: &[f64], optimizer: &mut dyn Rates) -> Result<()> {
        self.clock.start(base, optimizer, |at| at.lr)
    }

    fn step(&mut self, optimizer: &mut dyn Rates) -> Result<()> {
        let (size, gamma) = (self.step_size, self.gamma);
        self.clock.step(Self::OP, optimizer, |at| {
            let falls = at.step.is_multiple_of(size);
            if falls { at.lr * gamma } else { at.lr }
        })
    }

    fn state(&self) -> SchedulerState {
        self.clock.state(Self::OP)
    }

    fn load_state(&mut self, state: &SchedulerState) -> Result<()> {
        self.clock.load_state(Self::OP, state)
    }
}

/// The rate times γ at each milestone, as often as it is named: `MultiStepLR`.
///
/// ```
/// use wengert_nn::{MultiStepLr, Rates, Scheduler, Sgd};
///
/// let (mut sgd, mut schedule) = (Sgd::<f32>::new(0.5)?, MultiStepLr::new([1, 3], 0.5)?);
/// schedule.start(&mut sgd)?;
/// let mut rates = vec![sgd.lr()];
/// for _ in 0..4 {
///     schedule.step(&mut sgd)?;
///     rates.push(sgd.lr());
/// }
/// assert_eq!(rates, [0.5, 0.25, 0.25, 0.125, 0.125]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MultiStepLr {
    /// How often each is named.
    milestones: BTreeMap<u64, u32>,
    gamma: f64,
    clock: Clock,
}

impl MultiStepLr {
    const OP: &'static str = "multi_step_lr";

    /// The schedule. PyTorch's γ is 0.1.
    ///
    /// # Errors
    /// [`Error::Value`] for a γ that is negative or not finite.
    pub fn new(milestones: impl IntoIterator<Item = u64>, gamma: f64) -> Result<Self> {
        check_rate(Self::OP, "gamma", gamma)?;
        let mut counts = BTreeMap::new();
        for milestone in milestones {
            *counts.entry(milestone).or_default() += 1;
        }
        Ok(Self {
            milestones: counts,
            gamma,
            clock: Clock::default(),
        })
    }

    /// The factor at a step.
    fn factor(&self, step: u64) -> f64 {
        let times = self.milestones.get(&step).copied().unwrap_or_default();
        self.gamma.powf(f64::from(times))
    }
}

impl Scheduler for MultiStepLr {
    fn start_from(&mut self, base: &[f64], optimizer: &mut dyn Rates) -> Result<()> {
        let factor = self.factor(0);
        self.clock.start(base, optimizer, |at| at.lr * factor)
    }

    fn step(&mut self, optimizer: &mut dyn Rates) -> Result<()> {
        let factor = self.factor(self.clock.next(Self::OP, optimizer)?);
        self.clock.step(Self::OP, optimizer, |at| at.lr * factor)
    }

    fn state(&self) -> SchedulerState {
        self.clock.state(Self::OP)
    }

    fn load_state(&mut self, state: &SchedulerState) -> Result<()> {
        self.clock.load_state(Self::OP, state)
    }
}

/// The rate times γ at every step: `ExponentialLR`.
///
/// ```
/// use wengert_nn::{ExponentialLr, Rates, Scheduler, Sgd};
///
/// let (mut sgd, mut schedule) = (Sgd::<f32>::new(0.5)?, ExponentialLr::new(0.5)?);
/// schedule.start(&mut sgd)?;
/// schedule.step(&mut sgd)?;
/// schedule.step(&mut sgd)?;
/// assert_eq!(sgd.lr(), 0.125);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ExponentialLr {
    gamma: f64,
    clock: Clock,
}

impl ExponentialLr {
    const OP: &'static str = "exponential_lr";

    /// The schedule.
    ///
    /// # Errors
    /// [`Error::Value`] for a γ that is negative or not finite.
    pub fn new(gamma: f64) -> Result<Self> {
        check_rate(Self::OP, "gamma", gamma)?;
        Ok(Self {
            gamma,
            clock: Clock::default(),
        })
    }
}

impl Scheduler for ExponentialLr {
    fn start_from(&mut self, base: &[f64], optimizer: &mut dyn Rates) -> Result<()> {
        self.clock.start(base, optimizer, |at| at.lr)
    }

    fn step(&mut self, optimizer: &mut dyn Rates) -> Result<()> {
        let gamma = self.gamma;
        self.clock.step(Self::OP, optimizer, |at| at.lr * gamma)
    }

    fn state(&self) -> SchedulerState {
        self.clock.state(Self::OP)
    }

    fn load_state(&mut self, state: &SchedulerState) -> Result<()> {
        self.clock.load_state(Self::OP, state)
    }
}

/// From one share of the rate to another, in so many equal steps: `LinearLR`.
/// The way to warm up.
///
/// ```
/// use wengert_nn::{LinearLr, Rates, Scheduler, Sgd};
///
/// let (mut sgd, mut schedule) = (Sgd::<f32>::new(1.0)?, LinearLr::new(0.25, 1.0, 3)?);
/// schedule.start(&mut sgd)?;
/// let mut rates = vec![sgd.lr()];
/// for _ in 0..4 {
///     schedule.step(&mut sgd)?;
///     rates.push(sgd.lr());
/// }
/// assert_eq!(rates, [0.25, 0.5, 0.75, 1.0, 1.0]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LinearLr {
    start_factor: f64,
    end_factor: f64,
    total_iters: u64,
    clock: Clock,
}

impl LinearLr {
    const OP: &'static str = "linear_lr";

    /// The schedule. PyTorch's is from ⅓ to 1 in 5 steps.
    ///
    /// # Errors
    /// [`Error::Value`] unless 0 < start ≤ 1 and 0 ≤ end ≤ 1.
    pub fn new(start_factor: f64, end_factor: f64, total_iters: u64) -> Result<Self> {
        if !(start_factor > 0.0 && start_factor <= 1.0) {
            let message = format!("the start factor must lie in (0, 1], got {start_factor}");
            return Err(Error::value(Self::OP, message));
        }
        check_share(Self::OP, "the end factor", end_factor)?;
        Ok(Self {
            start_factor,
            end_factor,
            total_iters,
            clock: Clock::default(),
        })
    }
}

impl Scheduler for LinearLr {
    fn start_from(&mut self, base: &[f64], optimizer: &mut dyn Rates) -> Result<()> {
        let factor = self.start_factor;
        self.clock.start(base, optimizer, |at| at.lr * factor)
    }

    fn step(&mut self, optimizer: &mut dyn Rates) -> Result<()> {
        let (start, way) = (self.start_factor, self.end_factor - self.start_factor);
        let total = self.total_iters;
        self.clock.step(Self::OP, optimizer, |at| {
            if at.step > total {
                return at.lr;
            }
            let before = total as f64 * start + (at.step - 1) as f64 * way;
            at.lr * (1.0 + way / before)
        })
    }

    fn state(&self) -> SchedulerState {
        self.clock.state(Self::OP)
    }

    fn load_state(&mut self, state: &SchedulerState) -> Result<()> {
        self.clock.load_state(Self::OP, state)
    }
}
