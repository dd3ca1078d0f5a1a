//! Schedules made of schedules: one after the other, and all at once.

use tensor::{Error, Result};

use super::{Clock, Scheduler};
use crate::{Rates, SchedulerState};

/// One schedule after the other: `SequentialLR`. Each starts, at its milestone,
/// from the rates that the whole started from, and counts from there.
///
/// Warm-up and then decay, for one:
///
/// ```
/// use wengert_nn::{ExponentialLr, LinearLr, Rates, Scheduler, SequentialLr, Sgd};
///
/// let warm_up = LinearLr::new(0.5, 1.0, 2)?;
/// let mut schedule = SequentialLr::new(warm_up).then(2, ExponentialLr::new(0.5)?)?;
/// let mut sgd = Sgd::<f32>::new(1.0)?;
/// schedule.start(&mut sgd)?;
/// let mut rates = vec![sgd.lr()];
/// for _ in 0..4 {
///     schedule.step(&mut sgd)?;
///     rates.push(sgd.lr());
/// }
/// assert_eq!(rates, [0.5, 0.75, 1.0, 0.5, 0.25]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Debug)]
pub struct SequentialLr {
    schedulers: Vec<Box<dyn Scheduler>>,
    /// The step at which each after the first starts.
    milestones: Vec<u64>,
    clock: Clock,
}

impl SequentialLr {
    const OP: &'static str = "sequential_lr";

    /// The schedule that comes first.
    pub fn new(first: impl Scheduler + 'static) -> Self {
        Self {
            schedulers: vec![Box::new(first)],
            milestones: Vec::new(),
            clock: Clock::default(),
        }
    }

    /// The schedule that follows, from a step on.
    ///
    /// # Errors
    /// [`Error::Value`] unless the step is later than that of the schedule before.
    pub fn then(mut self, milestone: u64, next: impl Scheduler + 'static) -> Result<Self> {
        let before = self.milestones.last().copied().unwrap_or_default();
        if milestone <= before {
            let message = format!("a milestone must be later than {before}, got {milestone}");
            return Err(Error::value(Self::OP, message));
        }
        self.milestones.push(milestone);
        self.schedulers.push(Box::new(next));
        Ok(self)
    }
}

impl Scheduler for SequentialLr {
    fn start_from(&mut self, base: &[f64], optimizer: &mut dyn Rates) -> Result<()> {
        self.schedulers[0].start_from(base, optimizer)?;
        self.clock.start(base, optimizer, |at| at.lr)
    }

    fn step(&mut self, optimizer: &mut dyn Rates) -> Result<()> {
        let step = self.clock.next(Self::OP, optimizer)?;
        let current = self.milestones.iter().filter(|&&from| from <= step).count();
        let scheduler = &mut self.schedulers[current];
        if current > 0 && self.milestones[current - 1] == step {
            let before = optimizer.lrs();
            optimizer.set_lrs(self.clock.base())?;
            if let Err(error) = scheduler.start_from(self.clock.base(), optimizer) {
                optimizer.set_lrs(&before)?;
                return Err(error);
            }
        } else {
            scheduler.step(optimizer)?;
        }
        self.clock.step(Self::OP, optimizer, |at| at.lr)
    }

    fn observe(&mut self, metric: f64) {
        self.schedulers.iter_mut().for_each(|s| s.observe(metric));
    }

    fn state(&self) -> SchedulerState {
        let kind = kind(Self::OP, &self.schedulers);
        with_parts(self.clock.state(&kind), &self.schedulers)
    }

    fn load_state(&mut self, state: &SchedulerState) -> Result<()> {
        let kind = kind(Self::OP, &self.schedulers);
        let clock = Clock::of(Self::OP, &kind, &own(state), &[])?;
        load_parts(Self::OP, &mut self.schedulers, state)?;
        self.clock = clock;
        Ok(())
    }
}

/// Several schedules at once, each on the rate that the one before has made of
/// it: `ChainedScheduler`.
///
/// ```
/// use wengert_nn::{ChainedScheduler, ExponentialLr, LinearLr, Rates, Scheduler, Sgd};
///
/// let warm_up = LinearLr::new(0.5, 1.0, 2)?;
/// let mut schedule = ChainedScheduler::new(warm_up).and(ExponentialLr::new(0.5)?);
/// let mut sgd = Sgd::<f32>::new(1.0)?;
/// schedule.start(&mut sgd)?;
/// let mut rates = vec![sgd.lr()];
/// for _ in 0..3 {
///     schedule.step(&mut sgd)?;
///     rates.push(sgd.lr());
/// }
/// assert_eq!(rates, [0.5, 0.375, 0.25, 0.125]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Debug)]
pub struct ChainedScheduler {
    schedulers: Vec<Box<dyn Scheduler>>,
}

impl ChainedScheduler {
    const OP: &'static str = "chained_scheduler";

    /// The first schedule.
    pub fn new(first: impl Scheduler + 'static) -> Self {
        Self {
            schedulers: vec![Box::new(first)],
        }
    }

    /// Another one on top.
    #[must_use]
    pub fn and(mut self, next: impl Scheduler + 'static) -> Self {
        self.schedulers.push(Box::new(next));
        self
    }
}

impl Scheduler for ChainedScheduler {
    fn start_from(&mut self, base: &[f64], optimizer: &mut dyn Rates) -> Result<()> {
        let mut schedulers = self.schedulers.iter_mut();
        schedulers.try_for_each(|s| s.start_from(base, optimizer))
    }

    fn step(&mut self, optimizer: &mut dyn Rates) -> Result<()> {
        let mut schedulers = self.schedulers.iter_mut();
        schedulers.try_for_each(|s| s.step(optimizer))
    }

    fn observe(&mut self, metric: f64) {
        self.schedulers.iter_mut().for_each(|s| s.observe(metric));
    }

    fn state(&self) -> SchedulerState {
        let kind = kind(Self::OP, &self.schedulers);
        with_parts(SchedulerState::new(&kind), &self.schedulers)
    }

    fn load_state(&mut self, state: &SchedulerState) -> Result<()> {
        state.check_kind(Self::OP, &kind(Self::OP, &self.schedulers))?;
        let own = own(state);
        if let Some(name) = own.counters.keys().chain(own.numbers.keys()).next() {
            return Err(unknown(Self::OP, name));
        }
        load_parts(Self::OP, &mut self.schedulers, state)
    }
}

// ---------------------------------------------------------------- state

/// The kind of a schedule that is made of others: it names them.
fn kind(op: &str, parts: &[Box<dyn Scheduler>]) -> String {
    let kinds: Vec<_> = parts.iter().map(|part| part.state().kind).collect();
    format!("{op}({})", kinds.join(", "))
}

fn with_parts(mut state: SchedulerState, parts: &[Box<dyn Scheduler>]) -> SchedulerState {
    for (i, part) in parts.iter().enumerate() {
        state.include(&i.to_string(), part.state());
    }
    state
}

/// What of a state is not of its parts.
fn own(state: &SchedulerState) -> SchedulerState {
    let mut own = state.clone();
    let is_own = |name: &String| !name.starts_with(|c: char| c.is_ascii_digit());
    own.counters.retain(|name, _| is_own(name));
    own.numbers.retain(|name, _| is_own(name));
    own
}

fn unknown(op: &'static str, name: &str) -> Error {
    Error::value(
        op,
        format!("the state has `{name}`, which it has no use for"),
    )
}

/// Restores all parts, or none.
fn load_parts(
    op: &'static str,
    parts: &mut [Box<dyn Scheduler>],
    state: &SchedulerState,
) -> Result<()> {
    let mut entries = state.counters.keys().chain(state.numbers.keys());
    let of_none = |name: &&String| {
        let part = name.split_once('.').and_then(|(part, _)| part.parse().ok());
        part.is_some_and(|part: usize| part >= parts.len())
    };
    if let Some(name) = entries.find(of_none) {
        return Err(unknown(op, name));
    }
    let before: Vec<_> = parts.iter().map(super::Scheduler::state).collect();
    for i in 0..parts.len() {
        let part = state.part(&before[i].kind, &i.to_string());
        if let Err(error) = parts[i].load_state(&part) {
            for (part, before) in parts.iter_mut().zip(&before).take(i) {
                part.load_state(before)?;
            }
            return Err(error);
        }
    }
    Ok(())
}
