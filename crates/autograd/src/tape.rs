//! The tape: one step's context.
//!
//! A [`Tape`] is a Wengert list (R. E. Wengert, "A simple automatic derivative
//! evaluation program", 1964): the operations of one computation in the order
//! in which they ran, each with a rule for every input that wants a gradient.
//! Since an operation can only use what was computed before it, the order of
//! creation is a topological order, and walking the list backwards visits every
//! result before its inputs: no graph search, no recursion.
//!
//! The tape also carries what a forward pass must know and what nothing global
//! should decide: whether operations record, whether layers behave as in
//! training, and the random numbers of dropout. Recording and mode are
//! independent:
//!
//! | | records | layers behave as in |
//! |---|---|---|
//! | [`Tape::new()`] | yes | training |
//! | [`Tape::new().eval()`](Tape::eval) | yes | inference |
//! | [`Tape::inference()`] | no | inference |
//!
//! **Cost.** A recorded operation is one entry of the list and one closure for
//! each input that wants a gradient. A handle on a tape is a counted pointer;
//! tapes are cheap to make, so each step gets its own and dropping it frees all
//! that it saved.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::Rng;
use tensor::random::Generator;
use tensor::{Error, Float, Result, Tensor};

use crate::parameter::{Parameter, ParameterId};
use crate::record::{Edge, Edges, Node, OpInfo, Place, Sizes};
use crate::spare;
use crate::var::{Saved, Var, check_finite};

/// The record of one computation, and its context.
///
/// ```
/// use tensor::Tensor;
/// use wengert_autograd::Tape;
///
/// let tape = Tape::new();
/// let x = tape.leaf(Tensor::from([1.0, 2.0, 3.0]));
/// let loss = x.mul(&x)?.sum()?;
/// println!("{tape}"); // %0 = leaf() [3], %1 = mul(%0, %0) [3], %2 = sum(%1) []
/// let grads = loss.backward()?;
/// assert_eq!(grads.get(&x), Some(&Tensor::from([2.0, 4.0, 6.0])));
/// # Ok::<(), tensor::Error>(())
/// ```
pub struct Tape<T: Float = f32> {
    inner: Rc<Inner<T>>,
}

struct Inner<T: Float> {
    /// Tells variables of different tapes apart without keeping a tape alive.
    id: u64,
    settings: Settings,
    consumed: Cell<bool>,
    nodes: RefCell<Vec<Node<T>>>,
    /// The leaf of each parameter that was asked for, with the value that it
    /// had then: a later write to the parameter does not reach this tape.
    parameters: RefCell<BTreeMap<ParameterId, Var0<T>>>,
    generator: RefCell<Option<Generator>>,
}

/// What is decided before anything is recorded.
#[derive(Clone, Copy)]
struct Settings {
    recording: bool,
    training: bool,
    anomaly: bool,
    tracks_frozen: bool,
}

/// A variable without its handle on the tape (which would be a cycle).
type Var0<T> = (Tensor<T>, Place);

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

// ---------------------------------------------------------------- making

impl<T: Float> Tape<T> {
    /// A tape that records, in training mode.
    #[must_use]
    pub fn new() -> Self {
        Self::with(true, true)
    }

    /// A tape that records nothing, in inference mode.
    #[must_use]
    pub fn inference() -> Self {
        Self::with(false, false)
    }

    fn with(recording: bool, training: bool) -> Self {
        Self::of(Settings {
            recording,
            training,
            anomaly: false,
            tracks_frozen: false,
        })
    }

    fn of(settings: Settings) -> Self {
        Self {
            inner: Rc::new(Inner {
                id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
                settings,
                consumed: Cell::new(false),
                nodes: RefCell::new(if settings.recording {
                    spare::take()
                } else {
                    Vec::new()
                }),
                parameters: RefCell::default(),
                generator: RefCell::default(),
            }),
        }
    }

    /// Changes a tape that nothing else holds. Where something does, a variable
    /// or another handle, its tape stays as it is, and the change is that of an
    /// empty tape with the same settings: no one switches another's mode.
    fn change(mut self, change: impl FnOnce(&mut Inner<T>)) -> Self {
        if Rc::get_mut(&mut self.inner).is_none() {
            self = Self::of(self.inner.settings);
        }
        if let Some(inner) = Rc::get_mut(&mut self.inner) {
            change(inner);
        }
        self
    }

    /// The same tape in inference mode: dropout passes values through, batch
    /// norm uses its running statistics. What is recorded does not change.
    ///
    /// This and the other settings are for a tape that is being made. Called on
    /// a tape that a variable or another handle holds too, they return a new,
    /// empty one, and leave the tape that is in use alone.
    #[must_use]
    pub fn eval(self) -> Self {
        self.change(|inner| inner.settings.training = false)
    }

    /// The same tape with a random generator, seeded by one draw from `rng`:
    /// what dropout draws from.
    #[must_use]
    pub fn with_rng<R: Rng + ?Sized>(self, rng: &mut R) -> Self {
        let generator = Generator::from_rng(rng);
        self.change(|inner| inner.generator = RefCell::new(Some(generator)))
    }

    /// The same tape, watching for anomalies: the first operation, forward or
    /// backward, whose result holds NaN or infinity is an
    /// [`Error::Anomaly`] that names it.
    #[must_use]
    pub fn detect_anomaly(self) -> Self {
        self.change(|inner| inner.settings.anomaly = true)
    }

    /// The same tape, recording frozen parameters too, as if they were not: for
    /// listing a model, not for training it.
    #[must_use]
    pub fn track_frozen(self) -> Self {
        self.change(|inner| inner.settings.tracks_frozen = true)
    }

    /// A tape of this one's mode that records nothing: where `backward`
    /// computes.
    pub(crate) fn scratch(&self) -> Self {
        Self::of(Settings {
            recording: false,
            ..self.inner.settings
        })
    }
}

// ---------------------------------------------------------------- variables

impl<T: Float> Tape<T> {
    /// A value that no gradient is wanted for: images, targets, numbers.
    #[must_use]
    pub fn constant(&self, value: Tensor<T>) -> Var<T> {
        Var::new(value, None, self.clone())
    }

    /// A value that a gradient is wanted for.
    #[must_use]
    pub fn leaf(&self, value: Tensor<T>) -> Var<T> {
        if !self.is_live() {
            return self.constant(value);
        }
        let place = self.push_leaf(&value, None);
        Var::new(value, Some(place), self.clone())
    }

    /// The leaf of a parameter: one, however often it is asked for. A frozen
    /// parameter is a constant.
    #[must_use]
    pub fn parameter(&self, parameter: &Parameter<T>) -> Var<T> {
        let frozen = parameter.is_frozen() && !self.inner.settings.tracks_frozen;
        if !self.is_live() || frozen {
            return self.constant(parameter.value().clone());
        }
        let mut parameters = self.inner.parameters.borrow_mut();
        let (value, place) = parameters.entry(parameter.id()).or_insert_with(|| {
            let value = parameter.value().clone();
            let place = self.push_leaf(&value, Some(parameter.id()));
            (value, place)
        });
        Var::new(value.clone(), Some(*place), self.clone())
    }

    fn push_leaf(&self, value: &Tensor<T>, parameter: Option<ParameterId>) -> Place {
        let op = OpInfo::from(if parameter.is_some() {
            "parameter"
        } else {
            "leaf"
        });
        self.push(Node {
            op,
            shape: Sizes::from_slice(value.shape()),
            edges: Edges::new(),
            is_leaf: true,
            parameter,
        })
    }

    /// The [`Saved`] form of the result that the next
    /// [`record`](Var::record) on this tape will hold: for rules that speak of
    /// their operation's own output, as those of `exp` and `tanh` do.
    #[must_use]
    pub fn save_output(&self, value: &Tensor<T>) -> Saved<T> {
        let place = self.is_live().then(|| Place::new(self.len()));
        Saved::new(value.clone(), place, self.id())
    }
}

// ---------------------------------------------------------------- asking

impl<T: Float> Tape<T> {
    /// Whether operations record themselves.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.inner.settings.recording
    }

    /// Whether layers behave as in training.
    #[must_use]
    pub fn is_training(&self) -> bool {
        self.inner.settings.training
    }

    /// Whether results are checked for NaN and infinity.
    #[must_use]
    pub fn detects_anomaly(&self) -> bool {
        self.inner.settings.anomaly
    }

    /// Whether a `backward` has swept this tape.
    #[must_use]
    pub fn is_consumed(&self) -> bool {
        self.inner.consumed.get()
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.nodes.borrow().len()
    }

    /// Whether nothing is recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether two handles are of one tape.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }

    /// Draws from the tape's generator.
    ///
    /// ```
    /// use tensor::{Tensor, random::Generator};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::<f32>::new();
    /// assert!(tape.draw("dropout", |rng| Tensor::<f32>::rand([2], rng)).is_err());
    ///
    /// let tape = Tape::<f32>::new().with_rng(&mut Generator::new(7));
    /// let mask = tape.draw("dropout", |rng| Tensor::<f32>::rand([2], rng))?;
    /// assert_eq!(mask.shape(), [2]);
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`], in the name of `op`, if the tape was given no
    /// generator (a fixed seed in its place would repeat one mask in silence),
    /// or if `draw` asks the tape for another draw; what `draw` itself returns.
    pub fn draw<R>(
        &self,
        op: &'static str,
        draw: impl FnOnce(&mut Generator) -> Result<R>,
    ) -> Result<R> {
        let Ok(mut generator) = self.inner.generator.try_borrow_mut() else {
            return Err(Error::value(
                op,
                "the tape's random generator is in use by another draw; take what you need from that",
            ));
        };
        match generator.as_mut() {
            Some(generator) => draw(generator),
            None => Err(Error::value(
                op,
                "the tape has no random generator; make it with Tape::new().with_rng(&mut rng)",
            )),
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.inner.id
    }

    /// Whether a new entry would be kept.
    pub(crate) fn is_live(&self) -> bool {
        self.is_recording() && !self.is_consumed()
    }

    /// # Errors
    /// [`Error::Consumed`] once a `backward` has swept this tape.
    pub(crate) fn check_live(&self, op: &'static str) -> Result<()> {
        if self.is_consumed() {
            return Err(Error::Consumed { op });
        }
        Ok(())
    }

    /// What every operation asks before its result is a variable.
    ///
    /// # Errors
    /// As [`check_live`](Self::check_live); [`Error::Anomaly`] if this tape
    /// watches and the value is not finite.
    pub(crate) fn check_result(&self, op: &'static str, value: &Tensor<T>) -> Result<()> {
        self.check_live(op)?;
        if self.detects_anomaly() {
            check_finite(value, || op.to_owned())?;
        }
        Ok(())
    }
}

// ---------------------------------------------------------------- the list

impl<T: Float> Tape<T> {
    pub(crate) fn push(&self, node: Node<T>) -> Place {
        let mut nodes = self.inner.nodes.borrow_mut();
        nodes.push(node);
        Place::new(nodes.len() - 1)
    }

    /// Takes the list and the hold on parameters out of the tape, for good.
    pub(crate) fn consume(&self) -> Vec<Node<T>> {
        self.inner.consumed.set(true);
        self.inner.parameters.borrow_mut().clear();
        self.inner.nodes.take()
    }

    /// Reads one entry. The borrow lasts for the call only: rules may record.
    pub(crate) fn with_node<R>(&self, index: usize, read: impl FnOnce(&Node<T>) -> R) -> Option<R> {
        self.inner.nodes.borrow().get(index).map(read)
    }

    /// The list, for whoever draws or counts: names, shapes, inputs.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let nodes = self.inner.nodes.borrow();
        nodes
            .iter()
            .map(|node| Entry {
                op: node.op.clone(),
                shape: node.shape.to_vec(),
                inputs: node.edges.iter().map(Edge::index).collect(),
                parameter: node.parameter,
            })
            .collect()
    }

    /// The graph in the language of Graphviz: `dot -Tsvg` draws it.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from([1.0, 2.0]));
    /// let _y = x.mul(&x)?.sum()?;
    /// assert!(tape.to_dot().contains("%1 = mul"));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut dot =
            String::from("digraph tape {\n  node [shape=box, fontname=\"sans-serif\"];\n");
        for (index, entry) in self.entries().iter().enumerate() {
            let style = match (entry.parameter, entry.inputs.is_empty()) {
                (Some(_), _) => ", style=filled, fillcolor=\"#fde0b5\"",
                (None, true) => ", style=filled, fillcolor=\"#d5e5f7\"",
                (None, false) => "",
            };
            // Writing to a `String` cannot fail.
            let _ = writeln!(
                dot,
                "  n{index} [label=\"%{index} = {}\\n{:?}\"{style}];",
                entry.op.name, entry.shape
            );
            for input in entry.inputs.iter().flatten() {
                let _ = writeln!(dot, "  n{input} -> n{index};");
            }
        }
        dot.push_str("}\n");
        dot
    }
}

/// One line of a tape, as data.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The operation and what it says of itself.
    pub op: OpInfo,
    /// The shape of its result.
    pub shape: Vec<usize>,
    /// The entries of its inputs, `None` for constants.
    pub inputs: Vec<Option<usize>>,
    /// The parameter whose leaf it is.
    pub parameter: Option<ParameterId>,
}

impl<T: Float> fmt::Display for Tape<T> {
    /// The Wengert list, one line an entry: `%3 = conv2d(%1, %2) [32, 6, 28, 28]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.entries().iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "%{index} = {}(", entry.op.name)?;
            for (i, input) in entry.inputs.iter().enumerate() {
                let comma = if i > 0 { ", " } else { "" };
                match input {
                    Some(input) => write!(f, "{comma}%{input}")?,
                    None => write!(f, "{comma}const")?,
                }
            }
            write!(f, ") {:?}", entry.shape)?;
        }
        Ok(())
    }
}

impl<T: Float> fmt::Debug for Tape<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape")
            .field("entries", &self.len())
            .field("recording", &self.is_recording())
            .field("training", &self.is_training())
            .field("consumed", &self.is_consumed())
            .finish_non_exhaustive()
    }
}

impl<T: Float> Clone for Tape<T> {
    /// Another handle on the same tape.
    fn clone(&self) -> Self {
        Self {
            inner: Rc::clone(&self.inner),
        }
    }
}

impl<T: Float> Default for Tape<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_prints_one_line_an_entry() {
        let tape = Tape::new();
        let w = Parameter::new(Tensor::from([2.0, 3.0]));
        let x = tape.constant(Tensor::from([1.0, 1.0]));
        let _loss = tape.parameter(&w).mul(&x).unwrap().sum().unwrap();
        let list = "%0 = parameter() [2]\n%1 = mul(%0, const) [2]\n%2 = sum(%1) []";
        assert_eq!(tape.to_string(), list);
        let dot = tape.to_dot();
        assert!(dot.starts_with("digraph") && dot.contains("n0 -> n1") && dot.ends_with("}\n"));
    }

    #[test]
    fn a_parameter_is_one_leaf_and_a_clone_another() {
        let tape = Tape::new();
        let w = Parameter::new(Tensor::from([2.0]));
        let (a, b) = (tape.parameter(&w), tape.parameter(&w));
        let _c = tape.parameter(&w.clone());
        assert_eq!(tape.len(), 2);
        let grads = a.mul(&b).unwrap().sum().unwrap().backward().unwrap();
        assert_eq!(grads.get(&w), Some(&Tensor::from([4.0])));
        assert_eq!(grads.get(&a), Some(&Tensor::from([4.0])));
    }

    #[test]
    fn frozen_parameters_are_constants_unless_tracked() {
        let mut w = Parameter::new(Tensor::from([2.0f32]));
        w.set_frozen(true);
        assert!(!Tape::new().parameter(&w).is_tracked());
        assert!(Tape::new().track_frozen().parameter(&w).is_tracked());
    }

    #[test]
    fn constants_and_inference_record_nothing() {
        let tape = Tape::new();
        let x = tape.constant(Tensor::from([2.0]));
        assert!(!x.mul(&x).unwrap().is_tracked());
        assert!(tape.is_empty());
        let tape = Tape::inference();
        let x = tape.leaf(Tensor::from([2.0]));
        assert!(!x.mul(&x).unwrap().is_tracked());
        assert!(tape.is_empty() && !tape.is_training());
        assert!(Tape::<f32>::new().eval().is_recording());
    }

    #[test]
    fn an_unswept_tape_is_freed_when_its_last_handle_goes() {
        let value = Tensor::from([1.0, 2.0]);
        let x = Tape::new().leaf(value.clone());
        let y = x.mul(&x).unwrap();
        drop(x);
        drop(y);
        // The rules of `mul` had saved the value: were they alive, this write
        // would have to copy.
        let mut value = value;
        let at = value.as_slice().as_ptr();
        value.fill(0.0);
        assert_eq!(value.as_slice().as_ptr(), at);
    }

    #[test]
    fn no_one_switches_the_mode_of_a_tape_in_use() {
        let tape = Tape::<f32>::new();
        let x = tape.leaf(Tensor::from([1.0]));
        let other = x.tape().clone().eval();
        assert!(tape.is_training() && !other.is_training());
        assert!(!other.is_same(&tape) && other.is_empty());
        let tape = Tape::<f32>::new().detect_anomaly().eval();
        assert!(tape.detects_anomaly() && !tape.is_training() && tape.is_recording());
    }
}
