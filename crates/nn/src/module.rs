//! Modules: what has a forward pass and named parameters.
//!
//! A model is plain data. [`Visit`] walks its parameters and buffers under
//! dotted names, the names of PyTorch's `state_dict`; [`Module`] adds the
//! forward pass. There is no base class and no registration: a struct lists its
//! fields once, in [`module!`](crate::module), and that list is what optimisers,
//! summaries and checkpoints see.
//!
//! ```
//! use autograd::{Tape, Var};
//! use tensor::{Result, Tensor, random::Generator};
//! use wengert_nn::{Conv2d, Linear, Module, Visit, module};
//!
//! #[derive(Clone)]
//! struct Tiny {
//!     conv: Conv2d,
//!     head: Linear,
//! }
//!
//! module!(Tiny { conv, head });
//!
//! impl Module for Tiny {
//!     fn forward(&self, x: &Var) -> Result<Var> {
//!         let x = self.conv.forward(x)?.relu()?;
//!         self.head.forward(&x.flatten(1, -1)?)
//!     }
//! }
//!
//! let rng = &mut Generator::new(0);
//! let model = Tiny {
//!     conv: Conv2d::builder(1, 4, 3).build(rng)?,
//!     head: Linear::builder(4 * 6 * 6, 10).build(rng)?,
//! };
//! let names: Vec<String> = model.named_parameters().into_iter().map(|(name, _)| name).collect();
//! assert_eq!(names, ["conv.weight", "conv.bias", "head.weight", "head.bias"]);
//! let y = model.forward(&Tape::inference().constant(Tensor::zeros([2, 1, 8, 8])?))?;
//! assert_eq!(y.shape(), [2, 10]);
//! println!("{model}");
//! # Ok::<(), tensor::Error>(())
//! ```

use std::fmt::{self, Display, Write as _};

use autograd::{Parameter, Var};
use tensor::{Float, Result, Tensor};

use crate::checkpoint::{self, LoadReport, StateDict};

/// Something with a forward pass: a layer, a stack of layers, a model.
///
/// [`forward`](Self::forward) asks the input's tape what it needs to know: whether to
/// behave as in training ([`Tape::is_training`](autograd::Tape::is_training)),
/// and for random numbers.
///
/// A module clones, also behind a `Box` (derive [`Clone`]), and prints itself
/// (the [`module!`](crate::module) macro, or [`Display`]).
pub trait Module<T: Float = f32>: Visit<T> + CloneModule<T> + Display + Send + Sync {
    /// The output for an input.
    ///
    /// # Errors
    /// Of the operations that the module consists of; a container adds the name
    /// of the layer that did not fit.
    fn forward(&self, input: &Var<T>) -> Result<Var<T>>;
}

/// What lets a boxed module clone. Whatever is `Clone` has it.
pub trait CloneModule<T: Float> {
    /// The clone, boxed. Its parameters have identities of their own.
    fn clone_module(&self) -> Box<dyn Module<T>>;
}

impl<T: Float, M: Module<T> + Clone + 'static> CloneModule<T> for M {
    fn clone_module(&self) -> Box<dyn Module<T>> {
        Box::new(self.clone())
    }
}

impl<T: Float> Clone for Box<dyn Module<T>> {
    fn clone(&self) -> Self {
        (**self).clone_module()
    }
}

/// Something with named parameters and buffers.
pub trait Visit<T: Float = f32> {
    /// Shows every parameter and buffer to the visitor, in a fixed order.
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, T>);

    /// The same, to write to.
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, T>);

    /// Parameters with their dotted names.
    fn named_parameters(&self) -> Vec<(String, &Parameter<T>)> {
        let mut visitor = Visitor::default();
        self.visit(&mut visitor);
        let parameters = visitor
            .found
            .into_iter()
            .filter_map(|(name, slot)| match slot {
                Slot::Parameter(parameter) => Some((name, parameter)),
                Slot::Buffer(_) | Slot::Counter(_) => None,
            });
        parameters.collect()
    }

    /// Parameters with their dotted names, to write to.
    fn named_parameters_mut(&mut self) -> Vec<(String, &mut Parameter<T>)> {
        let mut visitor = VisitorMut::default();
        self.visit_mut(&mut visitor);
        let parameters = visitor
            .found
            .into_iter()
            .filter_map(|(name, slot)| match slot {
                SlotMut::Parameter(parameter) => Some((name, parameter)),
                SlotMut::Buffer(_) | SlotMut::Counter(_) => None,
            });
        parameters.collect()
    }

    /// Parameters and buffers by name, as PyTorch's `state_dict()`. They share
    /// the model's memory until one of both is written to.
    ///
    /// # Errors
    /// [`Error::Value`](tensor::Error::Value) if the model shows two of them
    /// under one name.
    fn state_dict(&self) -> Result<StateDict> {
        StateDict::of(self)
    }

    /// Puts every tensor of the state dict into the parameter or buffer of its
    /// name, as PyTorch's `load_state_dict(state, strict)`. Numbers of another
    /// type are converted. Parameters keep their identity, and stay frozen if
    /// they were.
    ///
    /// If `strict`, both sides must have the same names; otherwise the report
    /// says which names only one of them has.
    ///
    /// # Errors
    /// [`Error::Value`](tensor::Error::Value) with every name that is missing,
    /// unexpected or of another shape; nothing has changed then.
    fn load_state_dict(&mut self, state: &StateDict, strict: bool) -> Result<LoadReport> {
        checkpoint::load(self, state, strict)
    }

    /// The number of trainable numbers: the elements of all parameters that are
    /// not frozen.
    fn parameter_count(&self) -> usize {
        let parameters = self.named_parameters();
        let trained = parameters.iter().filter(|(_, p)| !p.is_frozen());
        trained.map(|(_, p)| p.value().len()).sum()
    }

    /// Freezes every parameter, or thaws it: frozen ones are constants to tapes
    /// and left alone by optimisers.
    fn set_frozen(&mut self, frozen: bool) {
        for (_, parameter) in self.named_parameters_mut() {
            parameter.set_frozen(frozen);
        }
    }
}

/// What a [`Visitor`] is shown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Slot<'a, T: Float> {
    /// What training changes.
    Parameter(&'a Parameter<T>),
    /// What belongs to the state but is no parameter: running statistics.
    Buffer(Tensor<T>),
    /// A count that belongs to the state.
    Counter(Tensor<i64>),
}

/// What a [`VisitorMut`] is shown.
#[derive(Debug)]
#[non_exhaustive]
pub enum SlotMut<'a, T: Float> {
    /// What training changes.
    Parameter(&'a mut Parameter<T>),
    /// What belongs to the state but is no parameter: running statistics.
    Buffer(&'a mut Tensor<T>),
    /// A count that belongs to the state.
    Counter(&'a mut Tensor<i64>),
}

macro_rules! visitor {
    ($(#[$doc:meta])* $visitor:ident, $slot:ident, $method:ident, $($ref:tt)+) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $visitor<'a, T: Float> {
            path: String,
            found: Vec<(String, $slot<'a, T>)>,
        }

        impl<T: Float> Default for $visitor<'_, T> {
            fn default() -> Self {
                Self { path: String::new(), found: Vec::new() }
            }
        }

        impl<'a, T: Float> $visitor<'a, T> {
            /// Shows a field: all that it holds, its names under this name.
            pub fn field<V: Visit<T> + ?Sized>(&mut self, name: &str, field: $($ref)+ V) {
                let outer = self.path.len();
                if outer > 0 {
                    self.path.push('.');
                }
                self.path.push_str(name);
                field.$method(self);
                self.path.truncate(outer);
            }

            /// Shows a parameter or buffer, under the name of the field that it is.
            pub fn slot(&mut self, slot: $slot<'a, T>) {
                self.found.push((self.path.clone(), slot));
            }

            /// Shows a parameter or buffer under a name: what is no field of its own.
            pub fn named_slot(&mut self, name: &str, slot: $slot<'a, T>) {
                let outer = self.path.len();
                if outer > 0 {
                    self.path.push('.');
                }
                self.path.push_str(name);
                self.slot(slot);
                self.path.truncate(outer);
            }

            /// What was shown, in order, with dotted names.
            #[must_use]
            pub fn into_slots(self) -> Vec<(String, $slot<'a, T>)> {
                self.found
            }
        }
    };
}
visitor! {
    /// Collects what a module shows of itself.
    Visitor, Slot, visit, &'a
}
visitor! {
    /// Collects what a module shows of itself, to write to.
    VisitorMut, SlotMut, visit_mut, &'a mut
}

impl<T: Float> Visit<T> for Parameter<T> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, T>) {
        visitor.slot(Slot::Parameter(self));
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, T>) {
        visitor.slot(SlotMut::Parameter(self));
    }
}

impl<T: Float, V: Visit<T>> Visit<T> for Option<V> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, T>) {
        if let Some(some) = self {
            some.visit(visitor);
        }
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, T>) {
        if let Some(some) = self {
            some.visit_mut(visitor);
        }
    }
}

/// Named by position: `layers.0`, `layers.1`, …
impl<T: Float, V: Visit<T>> Visit<T> for Vec<V> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, T>) {
        for (i, item) in self.iter().enumerate() {
            visitor.field(&i.to_string(), item);
        }
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, T>) {
        for (i, item) in self.iter_mut().enumerate() {
            visitor.field(&i.to_string(), item);
        }
    }
}

impl<T: Float, V: Visit<T> + ?Sized> Visit<T> for Box<V> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, T>) {
        (**self).visit(visitor);
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, T>) {
        (**self).visit_mut(visitor);
    }
}

/// Implements [`Visit`] for a struct from the list of its fields that hold
/// parameters, buffers or modules: `visit!(Linear<T> { weight, bias })`, or
/// without `<T>` for a struct of `f32`.
///
/// For layers, which print themselves; [`module!`](crate::module) is for what
/// is made of layers.
#[macro_export]
macro_rules! visit {
    ($name:ident<$t:ident> { $($field:ident),* $(,)? }) => {
        impl<$t: $crate::Float> $crate::Visit<$t> for $name<$t> {
            $crate::visit!(@methods $t { $($field),* });
        }
    };
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::Visit<f32> for $name {
            $crate::visit!(@methods f32 { $($field),* });
        }
    };
    (@methods $t:ty { $($field:ident),* }) => {
        fn visit<'a>(&'a self, visitor: &mut $crate::Visitor<'a, $t>) {
            let _ = &visitor;
            $(visitor.field(stringify!($field), &self.$field);)*
        }
        fn visit_mut<'a>(&'a mut self, visitor: &mut $crate::VisitorMut<'a, $t>) {
            let _ = &visitor;
            $(visitor.field(stringify!($field), &mut self.$field);)*
        }
    };
}

/// Implements [`Visit`] and [`Display`] for a struct made of layers, from the
/// list of its fields: `module!(Lenet { conv1, conv2, head })`, or
/// `module!(Block<T> { conv, skip })` for one that is generic over its element
/// type. The order is that of names, summaries and checkpoints.
#[macro_export]
macro_rules! module {
    ($name:ident $(<$t:ident>)? { $($field:ident),* $(,)? }) => {
        $crate::visit!($name $(<$t>)? { $($field),* });

        impl $(<$t: $crate::Float>)? ::std::fmt::Display for $name $(<$t>)? {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::write_tree(f, stringify!($name), &[
                    $((stringify!($field), &self.$field as &dyn ::std::fmt::Display)),*
                ])
            }
        }
    };
}

/// Prints a module and its children as PyTorch does, one child a line,
/// indented. What [`module!`](crate::module) uses.
///
/// # Errors
/// Of the formatter.
pub fn write_tree(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    children: &[(&str, &dyn Display)],
) -> fmt::Result {
    if children.is_empty() {
        return write!(f, "{name}()");
    }
    writeln!(f, "{name}(")?;
    for (child_name, child) in children {
        let mut text = String::new();
        write!(text, "{child}")?;
        writeln!(f, "  ({child_name}): {}", text.replace('\n', "\n  "))?;
    }
    write!(f, ")")
}
