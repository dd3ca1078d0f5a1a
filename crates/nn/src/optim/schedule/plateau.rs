//! Rates that fall when it no longer gets better.

use tensor::{Error, Result};

use super::{Clock, PerGroup, Scheduler, check_rate};
use crate::{Rates, SchedulerState};

const OP: &str = "reduce_lr_on_plateau";

/// The rate times `factor` when a measure, told by
/// [`observe`](Scheduler::observe), has not improved for more than `patience`
/// steps: `ReduceLROnPlateau`, whose `step(metric)` is `observe(metric)` and
/// `step`.
///
/// ```
/// use wengert_nn::{Rates, ReduceLrOnPlateau, Scheduler, Sgd};
///
/// let mut sgd = Sgd::<f32>::new(0.5)?;
/// let mut schedule = ReduceLrOnPlateau::builder().factor(0.5).patience(1).build()?;
/// schedule.start(&mut sgd)?;
/// for (loss, rate) in [(1.0, 0.5), (0.9, 0.5), (0.9, 0.5), (0.95, 0.25), (0.8, 0.25)] {
///     schedule.observe(loss);
///     schedule.step(&mut sgd)?;
///     assert_eq!(sgd.lr(), rate);
/// }
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReduceLrOnPlateau {
    options: ReduceLrOnPlateauBuilder,
    clock: Clock,
    best: f64,
    bad_steps: u64,
    cooldown_left: u64,
    /// What was observed since the last step.
    metric: Option<f64>,
}

/// Which way a measure improves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlateauMode {
    /// Less is better: a loss.
    #[default]
    Min,
    /// More is better: an accuracy.
    Max,
}

/// What a measure must be better by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThresholdMode {
    /// A share of the best one.
    #[default]
    Rel,
    /// A difference.
    Abs,
}

/// The options of [`ReduceLrOnPlateau`]; what is not set is PyTorch's default.
#[derive(Clone, Debug)]
#[must_use]
pub struct ReduceLrOnPlateauBuilder {
    mode: PlateauMode,
    factor: f64,
    patience: u64,
    threshold: f64,
    threshold_mode: ThresholdMode,
    cooldown: u64,
    min_lr: PerGroup,
    eps: f64,
}

impl ReduceLrOnPlateau {
    /// The schedule with PyTorch's defaults: a tenth, after more than ten steps
    /// without a loss that is less by 0.01 %.
    pub fn builder() -> ReduceLrOnPlateauBuilder {
        ReduceLrOnPlateauBuilder {
            mode: PlateauMode::Min,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            threshold_mode: ThresholdMode::Rel,
            cooldown: 0,
            min_lr: PerGroup::from(0.0),
            eps: 1e-8,
        }
    }

    /// The best measure so far.
    #[must_use]
    pub fn best(&self) -> f64 {
        self.best
    }
}

impl ReduceLrOnPlateauBuilder {
    /// Which way the measure improves.
    pub fn mode(mut self, mode: PlateauMode) -> Self {
        self.mode = mode;
        self
    }

    /// What the rate is multiplied by.
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// How many steps without improvement are put up with.
    pub fn patience(mut self, patience: u64) -> Self {
        self.patience = patience;
        self
    }

    /// By how much a measure must be better than the best.
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    /// Whether the threshold is a share of the best measure or a difference.
    pub fn threshold_mode(mut self, mode: ThresholdMode) -> Self {
        self.threshold_mode = mode;
        self
    }

    /// For how many steps after a reduction no step is counted as bad.
    pub fn cooldown(mut self, cooldown: u64) -> Self {
        self.cooldown = cooldown;
        self
    }

    /// What the rate does not fall below: one number, or one for each group.
    pub fn min_lr(mut self, min_lr: impl Into<PerGroup>) -> Self {
        self.min_lr = min_lr.into();
        self
    }

    /// By how much the rate must fall, or it stays.
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// The schedule.
    ///
    /// # Errors
    /// [`Error::Value`] unless 0 ≤ factor < 1 and the other numbers are finite and
    /// not negative.
    pub fn build(self) -> Result<ReduceLrOnPlateau> {
        if !(0.0..1.0).contains(&self.factor) {
            let message = format!("the factor must lie in [0, 1), got {}", self.factor);
            return Err(Error::value(OP, message));
        }
        check_rate(OP, "the threshold", self.threshold)?;
        check_rate(OP, "eps", self.eps)?;
        self.min_lr.check(OP, "min_lr")?;
        Ok(ReduceLrOnPlateau {
            best: self.worst(),
            options: self,
            clock: Clock::default(),
            bad_steps: 0,
            cooldown_left: 0,
            metric: None,
        })
    }

    /// What every measure is better than.
    fn worst(&self) -> f64 {
        match self.mode {
            PlateauMode::Min => f64::INFINITY,
            PlateauMode::Max => f64::NEG_INFINITY,
        }
    }

    fn is_better(&self, metric: f64, best: f64) -> bool {
        match (self.mode, self.threshold_mode) {
            (PlateauMode::Min, ThresholdMode::Rel) => metric < best * (1.0 - self.threshold),
            (PlateauMode::Min, ThresholdMode::Abs) => metric < best - self.threshold,
            (PlateauMode::Max, ThresholdMode::Rel) => metric > best * (self.threshold + 1.0),
            (PlateauMode::Max, ThresholdMode::Abs) => metric > best + self.threshold,
        }
    }
}

impl Scheduler for ReduceLrOnPlateau {
    fn start_from(&mut self, base: &[f64], optimizer: &mut dyn Rates) -> Result<()> {
        self.options.min_lr.of(OP, "min_lr", base.len())?;
        self.clock.start(base, optimizer, |at| at.lr)?;
        self.best = self.options.worst();
        (self.bad_steps, self.cooldown_left, self.metric) = (0, 0, None);
        Ok(())
    }

    fn step(&mut self, optimizer: &mut dyn Rates) -> Result<()> {
        self.clock.next(OP, optimizer)?;
        let Some(metric) = self.metric else {
            let message = "nothing was observed since the last step: `observe` the loss first";
            return Err(Error::value(OP, message));
        };
        let options = &self.options;
        let (mut best, mut bad, mut cooldown) = (self.best, self.bad_steps, self.cooldown_left);
        if options.is_better(metric, best) {
            (best, bad) = (metric, 0);
        } else {
            bad += 1;
        }
        if cooldown > 0 {
            (cooldown, bad) = (cooldown - 1, 0);
        }
        let reduces = bad > options.patience;
        if reduces {
            (cooldown, bad) = (options.cooldown, 0);
        }
        let least = options.min_lr.of(OP, "min_lr", self.clock.base().len())?;
        self.clock.step(OP, optimizer, |at| {
            let lr = (at.lr * options.factor).max(least[at.group]);
            if reduces && at.lr - lr > options.eps {
                lr
            } else {
                at.lr
            }
        })?;
        (self.best, self.bad_steps, self.cooldown_left) = (best, bad, cooldown);
        self.metric = None;
        Ok(())
    }

    fn observe(&mut self, metric: f64) {
        self.metric = Some(metric);
    }

    fn state(&self) -> SchedulerState {
        let mut state = self.clock.state(OP);
        state
            .counters
            .insert("num_bad_epochs".into(), self.bad_steps);
        state
            .counters
            .insert("cooldown_counter".into(), self.cooldown_left);
        state.numbers.insert("best".into(), self.best);
        if let Some(metric) = self.metric {
            state.numbers.insert("metric".into(), metric);
        }
        state
    }

    fn load_state(&mut self, state: &SchedulerState) -> Result<()> {
        let besides = ["num_bad_epochs", "cooldown_counter", "best", "metric"];
        let clock = Clock::of(OP, OP, state, &besides)?;
        let bad_steps = state.counter(OP, "num_bad_epochs")?;
        let cooldown_left = state.counter(OP, "cooldown_counter")?;
        let best = state.number(OP, "best")?;
        (self.clock, self.best) = (clock, best);
        (self.bad_steps, self.cooldown_left) = (bad_steps, cooldown_left);
        self.metric = state.numbers.get("metric").copied();
        Ok(())
    }
}
