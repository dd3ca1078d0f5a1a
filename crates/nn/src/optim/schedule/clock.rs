//! What nearly every schedule remembers: how many steps it has made, and the
//! rates that it is about.

use tensor::{Error, Result};

use crate::{Rates, SchedulerState};

/// Counts the steps of a schedule, and sets the rates for each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clock {
    /// None before the start.
    step: Option<u64>,
    base: Vec<f64>,
}

/// A group of parameters, at a step of a schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// The step that the rate is for: 0 for the first.
    pub step: u64,
    /// The group.
    pub group: usize,
    /// The rate that the schedule is about.
    pub base: f64,
    /// The rate of the step before.
    pub lr: f64,
}

impl Clock {
    /// Sets the rates of the first step, step 0, and starts to count.
    ///
    /// # Errors
    /// Of [`Rates::set_lrs`].
    pub fn start(
        &mut self,
        base: &[f64],
        optimizer: &mut dyn Rates,
        rate: impl Fn(Moment) -> f64,
    ) -> Result<()> {
        let lrs = rates(0, base, optimizer, rate);
        optimizer.set_lrs(&lrs)?;
        (self.step, self.base) = (Some(0), base.to_vec());
        Ok(())
    }

    /// Counts a step and sets the rates of the next, for the operation `op`.
    ///
    /// # Errors
    /// As [`next`](Self::next), and of [`Rates::set_lrs`].
    pub fn step(
        &mut self,
        op: &'static str,
        optimizer: &mut dyn Rates,
        rate: impl Fn(Moment) -> f64,
    ) -> Result<()> {
        let step = self.next(op, optimizer)?;
        let lrs = rates(step, &self.base, optimizer, rate);
        optimizer.set_lrs(&lrs)?;
        self.step = Some(step);
        Ok(())
    }

    /// The number of the next step, for the operation `op`.
    ///
    /// # Errors
    /// [`Error::Value`] before the start, and for an optimiser with another number
    /// of groups than at the start.
    pub fn next(&self, op: &'static str, optimizer: &dyn Rates) -> Result<u64> {
        let Some(step) = self.step else {
            let message = "the schedule was not started: `start` sets the rates of the first step";
            return Err(Error::value(op, message));
        };
        let (now, before) = (optimizer.lrs().len(), self.base.len());
        if now != before {
            return Err(Error::value(
                op,
                format!(
                    "the optimiser has {now} groups of parameters, at the start it had {before}"
                ),
            ));
        }
        Ok(step.saturating_add(1))
    }

    /// The rates that the schedule is about.
    #[must_use]
    pub fn base(&self) -> &[f64] {
        &self.base
    }

    /// What to save, under the name of the schedule.
    #[must_use]
    pub fn state(&self, kind: &str) -> SchedulerState {
        let mut state = SchedulerState::new(kind);
        if let Some(step) = self.step {
            state.counters.insert("step".into(), step);
        }
        for (group, &base) in self.base.iter().enumerate() {
            state.numbers.insert(format!("base_lr.{group}"), base);
        }
        state
    }

    /// Goes on from what was saved under the name of the schedule.
    ///
    /// # Errors
    /// [`Error::Value`] for the state of another schedule, or one that holds more.
    pub fn load_state(&mut self, kind: &'static str, state: &SchedulerState) -> Result<()> {
        *self = Self::of(kind, kind, state, &[])?;
        Ok(())
    }

    /// The clock of a state, which has these entries besides.
    pub(super) fn of(
        op: &'static str,
        kind: &str,
        state: &SchedulerState,
        besides: &[&str],
    ) -> Result<Self> {
        state.check_kind(op, kind)?;
        let step = state.counters.get("step").copied();
        let names = |group: usize| format!("base_lr.{group}");
        let groups = (0..).take_while(|&group| state.numbers.contains_key(&names(group)));
        let base: Vec<f64> = groups.map(|group| state.numbers[&names(group)]).collect();
        let known = |name: &&String| {
            name.as_str() == "step" && step.is_some()
                || besides.contains(&name.as_str())
                || (0..base.len()).any(|group| **name == names(group))
        };
        let mut entries = state.counters.keys().chain(state.numbers.keys());
        if let Some(name) = entries.find(|name| !known(name)) {
            let message = format!("the state has `{name}`, which it has no use for");
            return Err(Error::value(op, message));
        }
        if step.is_some() == base.is_empty() {
            let message = "the state has a step without rates, or rates without a step";
            return Err(Error::value(op, message));
        }
        Ok(Self { step, base })
    }
}

/// The rates of a step.
fn rates(step: u64, base: &[f64], optimizer: &dyn Rates, rate: impl Fn(Moment) -> f64) -> Vec<f64> {
    let lrs = optimizer.lrs();
    let groups = base.iter().zip(&lrs).enumerate();
    let moments = groups.map(|(group, (&base, &lr))| Moment {
        step,
        group,
        base,
        lr,
    });
    moments.map(rate).collect()
}
