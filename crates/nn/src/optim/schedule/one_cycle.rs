//! One cycle: up and down once, fast (Smith and Topin, 2018).

use std::f64::consts::PI;

use tensor::{Error, Result};

use super::{Clock, PerGroup, Scheduler, check_share, check_steps};
use crate::{Rates, SchedulerState};

/// The rate rises from `max_lr / div_factor` to `max_lr` and falls to
/// `max_lr / div_factor / final_div_factor`, and momentum (of Adam β₁) goes the
/// other way, from `max_momentum` to `base_momentum` and back: `OneCycleLR`.
///
/// What the optimiser's rates and momenta were before does not matter.
///
/// ```
/// use wengert_nn::{Adam, OneCycleLr, Rates, Scheduler};
///
/// let mut adam = Adam::<f32>::new(1e-3)?;
/// let mut schedule = OneCycleLr::builder(0.5, 10).div_factor(5.0).build()?;
/// schedule.start(&mut adam)?;
/// assert!((adam.lr() - 0.1).abs() < 1e-12);
/// for _ in 0..2 {
///     schedule.step(&mut adam)?;
/// }
/// assert_eq!((adam.lr(), adam.momenta()), (0.5, Some(vec![0.85])));
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OneCycleLr {
    options: OneCycleLrBuilder,
    clock: Clock,
}

/// How a rate goes from one value to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anneal {
    /// Along half a cosine.
    #[default]
    Cos,
    /// Along a line.
    Linear,
}

impl Anneal {
    /// Where one is after a share of the way.
    fn between(self, start: f64, end: f64, share: f64) -> f64 {
        match self {
            Self::Cos => end + (start - end) / 2.0 * ((PI * share).cos() + 1.0),
            Self::Linear => (end - start) * share + start,
        }
    }
}

/// The options of [`OneCycleLr`]; what is not set is PyTorch's default.
#[derive(Clone, Debug)]
#[must_use]
pub struct OneCycleLrBuilder {
    max_lr: PerGroup,
    total_steps: u64,
    pct_start: f64,
    anneal: Anneal,
    cycle_momentum: bool,
    base_momentum: PerGroup,
    max_momentum: PerGroup,
    div_factor: f64,
    final_div_factor: f64,
    three_phase: bool,
}

const OP: &str = "one_cycle_lr";

impl OneCycleLr {
    /// A cycle of so many steps, up to `max_lr`: one number, or one for each group
    /// of parameters.
    pub fn builder(max_lr: impl Into<PerGroup>, total_steps: u64) -> OneCycleLrBuilder {
        OneCycleLrBuilder {
            max_lr: max_lr.into(),
            total_steps,
            pct_start: 0.3,
            anneal: Anneal::Cos,
            cycle_momentum: true,
            base_momentum: PerGroup::from(0.85),
            max_momentum: PerGroup::from(0.95),
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }
}

impl OneCycleLrBuilder {
    /// In what share of the steps the rate rises.
    pub fn pct_start(mut self, share: f64) -> Self {
        self.pct_start = share;
        self
    }

    /// Along what it rises and falls.
    pub fn anneal_strategy(mut self, anneal: Anneal) -> Self {
        self.anneal = anneal;
        self
    }

    /// Whether momentum goes down and up while the rate goes up and down.
    pub fn cycle_momentum(mut self, cycle: bool) -> Self {
        self.cycle_momentum = cycle;
        self
    }

    /// The momentum at the peak: one number, or one for each group.
    pub fn base_momentum(mut self, momentum: impl Into<PerGroup>) -> Self {
        self.base_momentum = momentum.into();
        self
    }

    /// The momentum at both ends: one number, or one for each group.
    pub fn max_momentum(mut self, momentum: impl Into<PerGroup>) -> Self {
        self.max_momentum = momentum.into();
        self
    }

    /// By what the largest rate is divided at the start.
    pub fn div_factor(mut self, factor: f64) -> Self {
        self.div_factor = factor;
        self
    }

    /// By what the rate of the start is divided at the end.
    pub fn final_div_factor(mut self, factor: f64) -> Self {
        self.final_div_factor = factor;
        self
    }

    /// Whether the rate falls as long as it rose, to where it began, and only in
    /// a third phase to its end.
    pub fn three_phase(mut self, three: bool) -> Self {
        self.three_phase = three;
        self
    }

    /// The schedule.
    ///
    /// # Errors
    /// [`Error::Value`] for no steps, a share that is not in `[0, 1]`, a factor
    /// that is not positive, a rate or momentum that is negative or not finite,
    /// and a rise that would take no time.
    pub fn build(self) -> Result<OneCycleLr> {
        check_steps(OP, "the number of steps", self.total_steps)?;
        check_share(OP, "pct_start", self.pct_start)?;
        for (name, factor) in [
            ("div_factor", self.div_factor),
            ("final_div_factor", self.final_div_factor),
        ] {
            if !(factor.is_finite() && factor > 0.0) {
                let message = format!("{name} must be finite and positive, got {factor}");
                return Err(Error::value(OP, message));
            }
        }
        self.max_lr.check(OP, "max_lr")?;
        self.base_momentum.check(OP, "base_momentum")?;
        self.max_momentum.check(OP, "max_momentum")?;
        if self.peak() == 0.0 {
            return Err(Error::value(
                OP,
                format!(
                    "the rate would rise within one step: {} of {} steps",
                    self.pct_start, self.total_steps
                ),
            ));
        }
        Ok(OneCycleLr {
            options: self,
            clock: Clock::default(),
        })
    }

    /// The step with the largest rate. It need not be a whole number.
    fn peak(&self) -> f64 {
        self.pct_start * self.total_steps as f64 - 1.0
    }

    /// Where the cycle is at a step: from which point, to which, and the share of
    /// the way.
    fn place(&self, step: u64) -> (Point, Point, f64) {
        let (step, last) = (step as f64, self.total_steps as f64 - 1.0);
        let peak = self.peak();
        let share = |start: f64, end: f64| (step - start) / (end - start);
        if step <= peak {
            return (Point::Start, Point::Peak, share(0.0, peak));
        }
        if !self.three_phase {
            return (Point::Peak, Point::End, share(peak, last));
        }
        let down = 2.0 * self.pct_start * self.total_steps as f64 - 2.0;
        if step <= down {
            (Point::Peak, Point::Start, share(peak, down))
        } else {
            (Point::Start, Point::End, share(down, last))
        }
    }

    /// The rate at a point of the cycle.
    fn lr(&self, point: Point, max_lr: f64) -> f64 {
        let start = max_lr / self.div_factor;
        match point {
            Point::Start => start,
            Point::Peak => max_lr,
            Point::End => start / self.final_div_factor,
        }
    }

    /// Sets rates and momenta of a step.
    fn set(
        &self,
        clock: &mut Clock,
        step: u64,
        base: &[f64],
        optimizer: &mut dyn Rates,
    ) -> Result<()> {
        let groups = optimizer.lrs().len();
        let max_lrs = self.max_lr.of(OP, "max_lr", groups)?;
        let (from, to, share) = self.place(step);
        let between = |from, to| self.anneal.between(from, to, share);
        let before = optimizer.momenta();
        if self.cycle_momentum {
            if before.is_none() {
                let message = "the optimiser has no momentum to cycle: `cycle_momentum(false)`";
                return Err(Error::value(OP, message));
            }
            let high = self.max_momentum.of(OP, "max_momentum", groups)?;
            let low = self.base_momentum.of(OP, "base_momentum", groups)?;
            let momentum = |point: Point, group: usize| match point {
                Point::Peak => low[group],
                Point::Start | Point::End => high[group],
            };
            let momenta = (0..groups).map(|i| between(momentum(from, i), momentum(to, i)));
            optimizer.set_momenta(&momenta.collect::<Vec<_>>())?;
        }
        // Past the end a line may lead below 0.
        let lr = |group: usize| {
            let max_lr = max_lrs[group];
            between(self.lr(from, max_lr), self.lr(to, max_lr)).max(0.0)
        };
        let set = if step == 0 {
            clock.start(base, optimizer, |at| lr(at.group))
        } else {
            clock.step(OP, optimizer, |at| lr(at.group))
        };
        if let (Err(_), Some(before)) = (&set, before) {
            optimizer.set_momenta(&before)?;
        }
        set
    }
}

/// A turning point of the cycle.
#[derive(Clone, Copy)]
enum Point {
    Start,
    Peak,
    End,
}

impl Scheduler for OneCycleLr {
    fn start_from(&mut self, base: &[f64], optimizer: &mut dyn Rates) -> Result<()> {
        self.options.set(&mut self.clock, 0, base, optimizer)
    }

    fn step(&mut self, optimizer: &mut dyn Rates) -> Result<()> {
        let (step, total) = (self.clock.next(OP, optimizer)?, self.options.total_steps);
        if step > total {
            let message = format!("the cycle has {total} steps, this would be step {step}");
            return Err(Error::value(OP, message));
        }
        self.options.set(&mut self.clock, step, &[], optimizer)
    }

    fn state(&self) -> SchedulerState {
        self.clock.state(OP)
    }

    fn load_state(&mut self, state: &SchedulerState) -> Result<()> {
        self.clock.load_state(OP, state)
    }
}
