//! What optimisers and schedules remember, as plain values to save and restore.
//!
//! Training that goes on from a checkpoint must go on as if it had never
//! stopped. So whatever an optimiser or a schedule carries from step to step
//! comes out as a map from names to values, and goes back in; what was decided
//! when it was built (ε, whether Nesterov) is not in it and is built again.
//!
//! | entry | example | |
//! |---|---|---|
//! | tensor of a parameter | `conv1.weight.exp_avg` | the parameter's dotted name, PyTorch's name of the tensor |
//! | counter of a parameter | `conv1.weight.step` | how often it has moved |
//! | number of a group | `group0.lr`, `group0.momentum` | what a schedule changes |
//! | of a schedule | `step`, `base_lr.0` | in a chain under the position: `1.step` |
//!
//! A `load_state` that refuses a state has changed nothing.

use std::collections::BTreeMap;

use tensor::{Error, Float, Result, Tensor};

/// All that an optimiser carries from step to step.
///
/// ```
/// use autograd::{Parameter, Tape};
/// use tensor::Tensor;
/// use wengert_nn::{Optimizer, Sgd};
///
/// let step = |w: &mut Parameter, sgd: &mut Sgd| {
///     let grads = Tape::new().parameter(w).square()?.sum()?.backward()?;
///     sgd.step(w, &grads)
/// };
/// let new = || Sgd::builder(0.1).momentum(0.9).build::<f32>();
/// let (mut w, mut sgd) = (Parameter::new(Tensor::from([1.0, -2.0])), new()?);
/// step(&mut w, &mut sgd)?;
///
/// // Another optimiser that goes on from here takes the same steps.
/// let (mut other, mut restored) = (w.clone(), new()?);
/// restored.load_state(&sgd.state())?;
/// step(&mut w, &mut sgd)?;
/// step(&mut other, &mut restored)?;
/// assert_eq!(w.value(), other.value());
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerState<T: Float = f32> {
    /// Whose state it is: `adam`.
    pub kind: String,
    /// What is remembered of parameters: `conv1.weight.exp_avg`.
    pub tensors: BTreeMap<String, Tensor<T>>,
    /// Counts: `conv1.weight.step`.
    pub counters: BTreeMap<String, u64>,
    /// Rates as they are now: `group0.lr`.
    pub numbers: BTreeMap<String, f64>,
}

/// All that a schedule carries from step to step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchedulerState {
    /// Whose state it is: `step_lr`.
    pub kind: String,
    /// Counts: `step`.
    pub counters: BTreeMap<String, u64>,
    /// Rates and the like: `base_lr.0`.
    pub numbers: BTreeMap<String, f64>,
}

impl<T: Float> OptimizerState<T> {
    /// The state of an optimiser that remembers nothing yet.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            tensors: BTreeMap::new(),
            counters: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    /// Refuses the state of another kind of optimiser, for the operation `op`.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check_kind(&self, op: &'static str, kind: &str) -> Result<()> {
        check_kind(op, &self.kind, kind)
    }

    /// A number, for the operation `op`.
    ///
    /// # Errors
    /// [`Error::Value`] if there is none of this name.
    pub fn number(&self, op: &'static str, name: &str) -> Result<f64> {
        entry(op, &self.numbers, name)
    }
}

impl SchedulerState {
    /// The state of a schedule that remembers nothing yet.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            ..Self::default()
        }
    }

    /// Refuses the state of another kind of schedule, for the operation `op`.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check_kind(&self, op: &'static str, kind: &str) -> Result<()> {
        check_kind(op, &self.kind, kind)
    }

    /// A count, for the operation `op`.
    ///
    /// # Errors
    /// [`Error::Value`] if there is none of this name.
    pub fn counter(&self, op: &'static str, name: &str) -> Result<u64> {
        entry(op, &self.counters, name)
    }

    /// A number, for the operation `op`.
    ///
    /// # Errors
    /// [`Error::Value`] if there is none of this name.
    pub fn number(&self, op: &'static str, name: &str) -> Result<f64> {
        entry(op, &self.numbers, name)
    }

    /// Takes in the state of a part of this schedule, its names under `prefix`
    /// and a dot.
    pub(crate) fn include(&mut self, prefix: &str, part: Self) {
        let under = |name: String| format!("{prefix}.{name}");
        let counters = part.counters.into_iter();
        self.counters.extend(counters.map(|(k, v)| (under(k), v)));
        let numbers = part.numbers.into_iter();
        self.numbers.extend(numbers.map(|(k, v)| (under(k), v)));
    }

    /// The state of the part whose names are under `prefix` and a dot.
    pub(crate) fn part(&self, kind: &str, prefix: &str) -> Self {
        let own = |name: &str| Some(name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned());
        let counters = self.counters.iter();
        let numbers = self.numbers.iter();
        Self {
            kind: kind.to_owned(),
            counters: counters.filter_map(|(k, &v)| Some((own(k)?, v))).collect(),
            numbers: numbers.filter_map(|(k, &v)| Some((own(k)?, v))).collect(),
        }
    }
}

fn check_kind(op: &'static str, found: &str, wanted: &str) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    let message = format!("the state is that of `{found}`, not of `{wanted}`");
    Err(Error::value(op, message))
}

fn entry<V: Copy>(op: &'static str, entries: &BTreeMap<String, V>, name: &str) -> Result<V> {
    let found = entries.get(name).copied();
    found.ok_or_else(|| Error::value(op, format!("the state has no `{name}`")))
}
