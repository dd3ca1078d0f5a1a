//! What the tape keeps of an operation: its name, the shape of its result, and
//! a rule for each input.

use std::num::NonZeroUsize;
use std::rc::Rc;

use smallvec::SmallVec;
use tensor::{Float, Lookup, Result, Window2d};

use crate::parameter::ParameterId;
use crate::var::Var;

/// How the gradient of an operation's result becomes that of one input.
///
/// A rule speaks in [`Var`] operations, so that a gradient is itself
/// differentiable. It is counted, so that the sweep can take it out of the list
/// before it runs (rules record, and nothing may be borrowed then). And it is
/// `Send + Sync` although no thread shares it: a [`Var`] is neither, so a rule
/// that captured one, a cycle that would never be freed, does not compile.
///
/// ```compile_fail
/// use tensor::Tensor;
/// use wengert_autograd::{Tape, Var, pull};
///
/// let x: Var<f32> = Tape::new().leaf(Tensor::from([1.0]));
/// let y = x.clone();
/// let rule = pull(move |g: &Var<f32>| g.mul(&y)); // `y` is a `Var`: use `y.save()`
/// ```
pub type Rule<T> = Rc<dyn Fn(Var<T>) -> Result<Var<T>> + Send + Sync>;

/// A [`Rule`] from a closure: it pulls a gradient back from an operation's
/// result to one input.
pub fn pull<T: Float>(rule: impl Fn(&Var<T>) -> Result<Var<T>> + Send + Sync + 'static) -> Rule<T> {
    Rc::new(move |gradient| rule(&gradient))
}

/// A [`Rule`] from a closure that is given the gradient to keep. For the last
/// input of an operation nobody else holds it, so that a rule may write its
/// result where the gradient was.
///
/// ```
/// use tensor::Tensor;
/// use wengert_autograd::{Tape, Var, pull_owned};
///
/// let tape = Tape::new();
/// let x = tape.leaf(Tensor::from([1.0, 2.0]));
/// // The identity, whose gradient passes as it is.
/// let y = Var::record("identity", x.value().clone(), [(&x, pull_owned(Ok))])?;
/// assert_eq!(y.sum()?.backward()?.get(&x), Some(&Tensor::from([1.0, 1.0])));
/// # Ok::<(), tensor::Error>(())
/// ```
pub fn pull_owned<T: Float>(
    rule: impl Fn(Var<T>) -> Result<Var<T>> + Send + Sync + 'static,
) -> Rule<T> {
    Rc::new(rule)
}

/// What an operation says of itself. A name is enough: `"relu".into()`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OpInfo {
    /// The name of the operation.
    pub name: &'static str,
    /// The multiplications with addition of the forward computation, for
    /// operations that consist of them.
    pub multiply_adds: u64,
    /// The window that the operation slides over the last two axes of its first
    /// input: what a receptive field is computed from.
    pub window: Option<Window2d>,
    /// Where the operation looks the elements of its result up, if that is what it
    /// does along the last two axes.
    #[doc(hidden)]
    pub lookup: Option<Lookup>,
    /// Whether each element of the result may depend on all of the last two
    /// axes although their sizes stay: matrix products, sums along a row.
    pub spans_plane: bool,
}

impl OpInfo {
    /// The same with the window that it slides.
    #[must_use]
    pub fn with_window(mut self, window: Window2d) -> Self {
        self.window = Some(window);
        self
    }

    /// The same with the positions where it looks elements up.
    #[must_use]
    pub(crate) fn with_lookup(mut self, lookup: &Lookup) -> Self {
        self.lookup = Some(lookup.clone());
        self
    }

    /// The same, each element of the result depending on all of a plane.
    #[must_use]
    pub fn spanning_plane(mut self) -> Self {
        self.spans_plane = true;
        self
    }

    /// The same with its number of multiply-adds.
    #[must_use]
    pub fn with_multiply_adds(mut self, count: u64) -> Self {
        self.multiply_adds = count;
        self
    }
}

impl From<&'static str> for OpInfo {
    fn from(name: &'static str) -> Self {
        Self {
            name,
            multiply_adds: 0,
            window: None,
            lookup: None,
            spans_plane: false,
        }
    }
}

/// One entry of the list.
pub(crate) struct Node<T: Float> {
    pub(crate) op: OpInfo,
    pub(crate) shape: Sizes,
    pub(crate) edges: Edges<T>,
    pub(crate) is_leaf: bool,
    pub(crate) parameter: Option<ParameterId>,
}

/// Where an entry is in the list. "Nowhere", which a constant's is, takes no
/// more room: variables are moved about more than anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(NonZeroUsize);

impl Place {
    pub(crate) fn new(index: usize) -> Self {
        // No list is so long that this saturates.
        Self(NonZeroUsize::MIN.saturating_add(index))
    }

    pub(crate) fn index(self) -> usize {
        self.0.get() - 1
    }
}

/// The shape of a result: without memory of its own for images and less.
pub(crate) type Sizes = SmallVec<[usize; 4]>;

/// The inputs of an entry: without memory of their own for the usual one or two.
pub(crate) type Edges<T> = SmallVec<[Edge<T>; 2]>;

/// One input of an entry. A constant has no entry, and no rule: what the rule
/// had saved is freed at once.
#[derive(Clone)]
pub(crate) struct Edge<T: Float> {
    pub(crate) input: Option<Place>,
    pub(crate) rule: Option<Rule<T>>,
}

impl<T: Float> Edge<T> {
    /// Which entry the input is.
    pub(crate) fn index(&self) -> Option<usize> {
        self.input.map(Place::index)
    }
}
