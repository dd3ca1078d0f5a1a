//! A case: a name, and a closure that makes its inputs and measures it.
//!
//! The closure runs only if the case is wanted, so that a filter saves the
//! making of inputs too.

use anyhow::Result;
use wengert_benches::{Budget, Timing, Unit};

/// Makes the inputs of a case, and measures it.
type Measure = Box<dyn FnOnce(&Context) -> Result<Timing>>;

/// One thing that is measured.
pub(crate) struct Case {
    /// Parts from the general to the special: `W3/L7/forward`.
    pub(crate) name: String,
    /// How much is done in a run, 0 where that is not counted.
    pub(crate) work: f64,
    /// What is measured; time, nearly always.
    pub(crate) unit: Unit,
    pub(crate) measure: Measure,
}

/// What every case of a process has in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) threads: usize,
    pub(crate) budget: Budget,
    pub(crate) smoke: bool,
}

impl Context {
    /// The batch size to use where `n` is meant.
    pub(crate) fn batch(&self, n: usize) -> usize {
        if self.smoke { 1 } else { n }
    }
}

impl Case {
    /// A case that is measured by running something over and over: `start`
    /// makes the inputs, and what it returns is run.
    pub(crate) fn new<R>(
        name: String,
        work: f64,
        start: impl FnOnce() -> Result<R> + 'static,
    ) -> Self
    where
        R: FnMut() -> Result<()>,
    {
        Self {
            name,
            work,
            unit: Unit::Ns,
            measure: Box::new(|context| {
                let run = start()?;
                context.budget.median(run)
            }),
        }
    }
}
