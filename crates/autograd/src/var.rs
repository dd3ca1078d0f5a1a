//! Variables: values that know where they came from.
//!
//! A [`Var`] is a value, the index of its entry on a tape (none for a
//! constant), and a handle on that tape. Cloning one is cheap. An operation
//! computes its value with `tensor` and hands it to [`Var::record`] together
//! with one rule for each input; that is all there is to an operation, a user's
//! own included.

use std::fmt;

use tensor::{Error, Float, Result, Tensor};

use crate::record::{Edge, Edges, Node, OpInfo, Place, Rule, Sizes};
use crate::tape::Tape;

/// A value on a tape.
#[derive(Clone)]
pub struct Var<T: Float = f32> {
    value: Tensor<T>,
    place: Option<Place>,
    tape: Tape<T>,
}

impl<T: Float> Var<T> {
    pub(crate) fn new(value: Tensor<T>, place: Option<Place>, tape: Tape<T>) -> Self {
        Self { value, place, tape }
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &Tensor<T> {
        &self.value
    }

    /// The value, out of the variable.
    #[must_use]
    pub fn into_value(self) -> Tensor<T> {
        self.value
    }

    /// The size of each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.value.shape()
    }

    /// The number of axes.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.value.ndim()
    }

    /// The value of a variable of one element, such as a loss.
    ///
    /// # Errors
    /// [`Error::NotScalar`] if there is not exactly one element.
    pub fn item(&self) -> Result<T> {
        self.value.item()
    }

    /// The tape.
    #[must_use]
    pub fn tape(&self) -> &Tape<T> {
        &self.tape
    }

    /// Whether gradients flow through this variable: false for constants, and
    /// for all that was computed from constants alone.
    #[must_use]
    pub fn is_tracked(&self) -> bool {
        self.place.is_some()
    }

    /// The same value as a constant: no gradient flows back through it.
    #[must_use]
    pub fn detach(&self) -> Self {
        self.tape.constant(self.value.clone())
    }

    /// A constant on the same tape.
    #[must_use]
    pub fn constant(&self, value: Tensor<T>) -> Self {
        self.tape.constant(value)
    }

    /// The form in which a rule may keep this variable.
    #[must_use]
    pub fn save(&self) -> Saved<T> {
        Saved::new(self.value.clone(), self.place, self.tape.id())
    }

    pub(crate) fn index(&self) -> Option<usize> {
        self.place.map(Place::index)
    }

    /// The result of an operation, with one rule for each input: how the
    /// gradient of the result becomes that of the input.
    ///
    /// A rule may return a gradient of a shape that its input was broadcast to:
    /// the sweep sums it back. It captures no [`Var`], but the [`Saved`] form of
    /// what it needs ([`save`](Self::save),
    /// [`Tape::save_output`]), and puts that [`on`](Saved::on) the tape of the
    /// gradient.
    ///
    /// ```
    /// use tensor::{Result, Tensor};
    /// use wengert_autograd::{Tape, Var, grad, pull};
    ///
    /// /// x³, with 3x² for its derivative.
    /// fn cube(x: &Var<f64>) -> Result<Var<f64>> {
    ///     let value = x.value().map(|x| x * x * x);
    ///     let saved = x.save();
    ///     Var::record("cube", value, [(x, pull(move |g| {
    ///         let x = saved.on(g);
    ///         g.mul(&x.mul(&x)?.mul_scalar(3.0)?)
    ///     }))])
    /// }
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::scalar(2.0));
    /// let first = &grad(&cube(&x)?, &[&x])?[0];
    /// let second = &grad(first, &[&x])?[0];
    /// assert_eq!((first.item()?, second.item()?), (12.0, 12.0));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::MixedTapes`] if the inputs are not of one tape,
    /// [`Error::Consumed`] if that was swept, [`Error::Anomaly`] if it
    /// [watches](Tape::detect_anomaly) and the value is not finite,
    /// [`Error::Value`] without any input.
    pub fn record<'v>(
        op: impl Into<OpInfo>,
        value: Tensor<T>,
        inputs: impl IntoIterator<Item = (&'v Self, Rule<T>)>,
    ) -> Result<Self> {
        let inputs = inputs.into_iter().map(|(var, rule)| (var, Some(rule)));
        Self::record_wanted(op.into(), value, inputs)
    }

    /// As [`record`](Self::record), with rules [`wanted`](Self::wanted) only.
    pub(crate) fn record_wanted<'v>(
        op: OpInfo,
        value: Tensor<T>,
        inputs: impl IntoIterator<Item = (&'v Self, Option<Rule<T>>)>,
    ) -> Result<Self> {
        let mut tape: Option<&Tape<T>> = None;
        let mut edges = Edges::new();
        let mut tracked = false;
        for (var, rule) in inputs {
            if !tape.get_or_insert(&var.tape).is_same(&var.tape) {
                return Err(Error::MixedTapes { op: op.name });
            }
            tracked |= var.is_tracked();
            edges.push(Edge {
                input: var.place,
                rule: rule.filter(|_| var.is_tracked()),
            });
        }
        let Some(tape) = tape else {
            return Err(Error::value(
                op.name,
                "an operation needs at least one input",
            ));
        };
        tape.check_result(op.name, &value)?;
        let place = (tracked && tape.is_recording()).then(|| {
            tape.push(Node {
                op,
                shape: Sizes::from_slice(value.shape()),
                edges,
                is_leaf: false,
                parameter: None,
            })
        });
        Ok(Self::new(value, place, tape.clone()))
    }

    /// A rule, made only if a gradient is wanted for this variable: for what
    /// runs so often, or saves so much, that a rule for a constant costs.
    pub(crate) fn wanted(&self, rule: impl FnOnce() -> Rule<T>) -> Option<Rule<T>> {
        self.is_tracked().then(rule)
    }

    /// As [`record`](Self::record) on a tape that does not: the operations that
    /// a backward pass consists of ask first, and make no rules then.
    pub(crate) fn unrecorded(
        op: &'static str,
        value: Tensor<T>,
        inputs: [&Self; 2],
    ) -> Result<Self> {
        let [tape, other] = inputs.map(Self::tape);
        if !tape.is_same(other) {
            return Err(Error::MixedTapes { op });
        }
        tape.check_result(op, &value)?;
        Ok(tape.constant(value))
    }
}

/// # Errors
/// [`Error::Anomaly`] if the value holds NaN or infinity.
pub(crate) fn check_finite<T: Float>(value: &Tensor<T>, op: impl FnOnce() -> String) -> Result<()> {
    match value.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => Err(Error::Anomaly {
            op: op(),
            found: format!("{} at element {at}", value.as_slice()[at].as_f64()),
            shape: value.shape().to_vec(),
        }),
    }
}

impl<T: Float> fmt::Debug for Var<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.map(Place::index) {
            Some(index) => write!(f, "Var(%{index}, {:?})", self.value),
            None => write!(f, "Var(const, {:?})", self.value),
        }
    }
}

/// A variable as a rule keeps it: value and index, but no handle on the tape,
/// which would be a cycle and never freed.
#[derive(Clone)]
pub struct Saved<T: Float = f32> {
    value: Tensor<T>,
    place: Option<Place>,
    tape: u64,
}

impl<T: Float> Saved<T> {
    pub(crate) fn new(value: Tensor<T>, place: Option<Place>, tape: u64) -> Self {
        Self { value, place, tape }
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &Tensor<T> {
        &self.value
    }

    /// The variable on the tape of a gradient: still itself where that tape
    /// records ([`grad`](crate::grad)), a constant where it does not
    /// ([`backward`](Var::backward)).
    #[must_use]
    pub fn on(&self, gradient: &Var<T>) -> Var<T> {
        let tape = &gradient.tape;
        let place = self.place.filter(|_| tape.id() == self.tape);
        Var::new(self.value.clone(), place, tape.clone())
    }
}

impl<T: Float> fmt::Debug for Saved<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.map(Place::index) {
            Some(index) => write!(f, "Saved(%{index}, {:?})", self.value),
            None => write!(f, "Saved(const, {:?})", self.value),
        }
    }
}
