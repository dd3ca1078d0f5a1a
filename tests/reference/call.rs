//! A call on its way to an adapter, and what the adapter says.
//!
//! An adapter asks a [`Call`] for its arguments in the types that the library
//! takes. What a type cannot say (a negative stride, a kernel of three sizes, a
//! number for an integer) ends the case as unsupported, and so does an argument
//! that nobody asked for, unless it has its default: see [`Call::check_used`].

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use wengert::{Element, Error, Float, Tape, Tensor, Var};

use super::value::{AnyTensor, Arg};

/// Why a call yielded nothing.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The library returned an error.
    Refused(Error),
    /// No public call can express it.
    Unsupported(String),
    /// The answer is wrong, or the case is malformed.
    Failed(String),
}

impl Stop {
    /// A [`Stop::Unsupported`].
    pub(crate) fn unsupported(why: impl Into<String>) -> Self {
        Self::Unsupported(why.into())
    }

    /// A [`Stop::Failed`].
    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self::Failed(why.into())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// What runs an operation: a line or two for each, in [`super::ops`].
pub(crate) type Adapter<T> = fn(&Call<T>) -> Result<Outputs<T>, Stop>;

/// A tensor that goes into or comes out of a call.
#[derive(Clone, Debug)]
pub(crate) enum Value<T: Float> {
    /// Of the case's type, on the tape.
    Var(Var<T>),
    /// Of integers.
    Int(Tensor<i64>),
    /// Of truth values.
    Bool(Tensor<bool>),
}

impl<T: Float> Value<T> {
    /// The tensor alone.
    #[must_use]
    pub(crate) fn tensor(&self) -> AnyTensor {
        match self {
            Self::Var(x) => x.value().into(),
            Self::Int(x) => AnyTensor::I64(x.clone()),
            Self::Bool(x) => AnyTensor::Bool(x.clone()),
        }
    }
}

impl<T: Float> From<Var<T>> for Value<T> {
    fn from(x: Var<T>) -> Self {
        Self::Var(x)
    }
}

impl<T: Float> From<Tensor<i64>> for Value<T> {
    fn from(x: Tensor<i64>) -> Self {
        Self::Int(x)
    }
}

impl<T: Float> From<Tensor<bool>> for Value<T> {
    fn from(x: Tensor<bool>) -> Self {
        Self::Bool(x)
    }
}

/// The results of a call, in order.
pub(crate) type Outputs<T> = Vec<Value<T>>;

/// The only output of most calls.
///
/// # Errors
/// None; the type is what an adapter returns.
pub(crate) fn one<T: Float>(output: impl Into<Value<T>>) -> Result<Outputs<T>, Stop> {
    Ok(vec![output.into()])
}

/// A tensor or a number.
#[derive(Clone, Debug)]
pub(crate) enum Operand<T: Float> {
    /// A tensor.
    Var(Var<T>),
    /// A number, and whether it was written as an integer.
    Number(f64, bool),
}

/// A call: its arguments, and the tape that it is made on.
pub(crate) struct Call<T: Float> {
    /// The tape.
    pub(crate) tape: Tape<T>,
    args: BTreeMap<String, Arg<T>>,
    defaults: BTreeMap<String, Arg<T>>,
    /// The arguments to differentiate; a list's are `tensors.0`, …
    roles: BTreeSet<String>,
    vars: RefCell<BTreeMap<String, Var<T>>>,
    used: RefCell<BTreeSet<String>>,
    mutated: RefCell<BTreeMap<String, AnyTensor>>,
}

impl<T: Float> Call<T> {
    /// A call. Its arguments named by `roles` become leaves.
    #[must_use]
    pub(crate) fn new(
        tape: Tape<T>,
        args: BTreeMap<String, Arg<T>>,
        defaults: BTreeMap<String, Arg<T>>,
        roles: BTreeSet<String>,
    ) -> Self {
        Self {
            tape,
            args,
            defaults,
            roles,
            vars: RefCell::default(),
            used: RefCell::default(),
            mutated: RefCell::default(),
        }
    }

    /// Whether every argument was asked for, or has its default or is `null`.
    ///
    /// # Errors
    /// [`Stop::Unsupported`] with the name of one that was not.
    pub(crate) fn check_used(&self) -> Result<(), Stop> {
        let used = self.used.borrow();
        let ignored = self.args.iter().find(|(name, value)| {
            let idle = matches!(value, Arg::Null)
                || self
                    .defaults
                    .get(*name)
                    .is_some_and(|default| default.same_plain(value));
            !idle && !used.contains(*name)
        });
        match ignored {
            None => Ok(()),
            Some((name, value)) => Err(Stop::unsupported(format!(
                "nothing takes the argument `{name}` ({})",
                value.describe()
            ))),
        }
    }

    /// Tells what has become of an argument that the call changes in place.
    pub(crate) fn mutate(&self, name: &str, value: &Tensor<T>) {
        let mut mutated = self.mutated.borrow_mut();
        mutated.insert(name.to_owned(), value.into());
    }

    /// What an argument is after the call, if that changed it.
    #[must_use]
    pub(crate) fn mutated(&self, name: &str) -> Option<AnyTensor> {
        self.mutated.borrow().get(name).cloned()
    }

    /// The leaf of a role, if the adapter asked for it.
    #[must_use]
    pub(crate) fn leaf(&self, role: &str) -> Option<Var<T>> {
        self.vars.borrow().get(role).cloned()
    }
}

// ---------------------------------------------------------------- tensors

impl<T: Float> Call<T> {
    /// An argument as given, or else its default; none if that is `null`.
    pub(crate) fn get(&self, name: &str) -> Option<&Arg<T>> {
        self.used.borrow_mut().insert(name.to_owned());
        let found = self.args.get(name).or_else(|| self.defaults.get(name));
        found.filter(|arg| !matches!(arg, Arg::Null))
    }

    /// Whether an argument is `null`, and not left out.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        matches!(self.args.get(name), Some(Arg::Null))
    }

    pub(super) fn require(&self, name: &str) -> Result<&Arg<T>, Stop> {
        let found = self.get(name);
        found.ok_or_else(|| Stop::unsupported(format!("needs the argument `{name}`")))
    }

    pub(super) fn refuse<R>(&self, name: &str, found: &Arg<T>, needs: &str) -> Result<R, Stop> {
        Err(Stop::unsupported(format!(
            "`{name}` is {}, the call takes {needs}",
            found.describe()
        )))
    }

    fn value_of(&self, role: &str, arg: &Arg<T>) -> Result<Value<T>, Stop> {
        Ok(match arg {
            Arg::Var(x) => x.clone().into(),
            Arg::Tensor(AnyTensor::I64(x)) => x.clone().into(),
            Arg::Tensor(AnyTensor::Bool(x)) => x.clone().into(),
            Arg::Tensor(tensor) => match tensor.float::<T>() {
                None => return self.refuse(role, arg, T::NAME),
                Some(tensor) => {
                    let mut vars = self.vars.borrow_mut();
                    let var = vars.entry(role.to_owned()).or_insert_with(|| {
                        if self.roles.contains(role) {
                            self.tape.leaf(tensor)
                        } else {
                            self.tape.constant(tensor)
                        }
                    });
                    var.clone().into()
                }
            },
            _ => return self.refuse(role, arg, "a tensor"),
        })
    }

    /// Whichever of these names an argument has: PyTorch's functions and methods
    /// name some in different ways. The first, if none has it.
    pub(crate) fn named<'n>(&self, names: &[&'n str]) -> &'n str {
        let there = |name: &&&str| self.args.contains_key(**name);
        names
            .iter()
            .find(there)
            .or(names.first())
            .copied()
            .unwrap_or_default()
    }

    /// Whether the case passes this argument, and not as `null`.
    pub(crate) fn is_given(&self, name: &str) -> bool {
        let found = self.args.get(name);
        found.is_some_and(|arg| !matches!(arg, Arg::Null))
    }

    /// Marks `dtype`, which may name the type that the result has anyway.
    ///
    /// # Errors
    /// [`Stop::Unsupported`] if it names another: no operation mixes types.
    pub(crate) fn own_dtype(&self, own: &str) -> Result<(), Stop> {
        match self.get("dtype") {
            Some(Arg::Text(name)) => {
                let name = name.rsplit('.').next().unwrap_or_default();
                let rust = match name {
                    "float64" | "double" => "f64",
                    "float32" | "float" => "f32",
                    "int64" | "long" => "i64",
                    other => other,
                };
                if rust == own {
                    return Ok(());
                }
                Err(Stop::unsupported(format!(
                    "a result of type {rust} from {own}"
                )))
            }
            None => Ok(()),
            Some(other) => self.refuse("dtype", other, own),
        }
    }

    /// A tensor of any type.
    pub(crate) fn value(&self, name: &str) -> Result<Value<T>, Stop> {
        self.value_of(name, self.require(name)?)
    }

    /// A tensor of the case's type.
    pub(crate) fn var(&self, name: &str) -> Result<Var<T>, Stop> {
        match self.value(name)? {
            Value::Var(x) => Ok(x),
            _ => self.refuse(name, self.require(name)?, T::NAME),
        }
    }

    /// A tensor of the case's type, or none.
    pub(crate) fn var_or_none(&self, name: &str) -> Result<Option<Var<T>>, Stop> {
        match self.get(name) {
            None => Ok(None),
            Some(_) => self.var(name).map(Some),
        }
    }

    /// A tensor of integers.
    pub(crate) fn ints(&self, name: &str) -> Result<Tensor<i64>, Stop> {
        match self.value(name)? {
            Value::Int(x) => Ok(x),
            _ => self.refuse(name, self.require(name)?, "integers"),
        }
    }

    /// A tensor of truth values.
    pub(crate) fn mask(&self, name: &str) -> Result<Tensor<bool>, Stop> {
        match self.value(name)? {
            Value::Bool(x) => Ok(x),
            _ => self.refuse(name, self.require(name)?, "truth values"),
        }
    }

    /// A list of tensors of the case's type.
    pub(crate) fn vars(&self, name: &str) -> Result<Vec<Var<T>>, Stop> {
        let found = self.require(name)?;
        let Arg::List(items) = found else {
            return self.refuse(name, found, "a list of tensors");
        };
        let each = items.iter().enumerate().map(|(i, item)| {
            match self.value_of(&format!("{name}.{i}"), item)? {
                Value::Var(x) => Ok(x),
                _ => self.refuse(name, item, T::NAME),
            }
        });
        each.collect()
    }

    /// A list of tensors of integers, if it is one.
    pub(crate) fn int_list(&self, name: &str) -> Option<Vec<Tensor<i64>>> {
        self.list_of(name, |tensor| match tensor {
            AnyTensor::I64(x) => Some(x.clone()),
            _ => None,
        })
    }

    /// A list of tensors of truth values, if it is one.
    pub(crate) fn mask_list(&self, name: &str) -> Option<Vec<Tensor<bool>>> {
        self.list_of(name, |tensor| match tensor {
            AnyTensor::Bool(x) => Some(x.clone()),
            _ => None,
        })
    }

    fn list_of<E: Element>(
        &self,
        name: &str,
        read: impl Fn(&AnyTensor) -> Option<Tensor<E>>,
    ) -> Option<Vec<Tensor<E>>> {
        let Some(Arg::List(items)) = self.get(name) else {
            return None;
        };
        let tensors = items.iter().map(|item| match item {
            Arg::Tensor(tensor) => read(tensor),
            _ => None,
        });
        let tensors = tensors.collect::<Option<Vec<_>>>();
        tensors.filter(|tensors| !tensors.is_empty())
    }

    /// The names of the arguments of a list that has none of its own: `x.0`,
    /// `x.1`, …, in order.
    pub(crate) fn numbered(&self) -> Vec<String> {
        let number = |name: &String| name.rsplit_once('.')?.1.parse::<usize>().ok();
        let mut names: Vec<_> = self
            .args
            .keys()
            .filter_map(|n| Some((number(n)?, n)))
            .collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name.clone()).collect()
    }

    /// A tensor of the case's type, or a number.
    pub(crate) fn operand(&self, name: &str) -> Result<Operand<T>, Stop> {
        match self.require(name)? {
            Arg::Int(x) => Ok(Operand::Number(*x as f64, true)),
            Arg::Float(x) => Ok(Operand::Number(*x, false)),
            _ => self.var(name).map(Operand::Var),
        }
    }

    /// A tensor of the case's type; a number as a tensor without axes.
    pub(crate) fn var_or_scalar(&self, name: &str) -> Result<Var<T>, Stop> {
        Ok(match self.operand(name)? {
            Operand::Var(x) => x,
            Operand::Number(x, _) => self.tape.constant(Tensor::scalar(T::of(x))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(args: &[(&str, Arg<f64>)]) -> Call<f64> {
        let args = args
            .iter()
            .map(|(name, arg)| ((*name).to_owned(), arg.clone()));
        let defaults = BTreeMap::from([("stride".to_owned(), Arg::Int(1))]);
        Call::new(
            Tape::new(),
            args.collect(),
            defaults,
            BTreeSet::from(["input".to_owned()]),
        )
    }

    #[test]
    fn what_a_type_cannot_say_is_unsupported() {
        let call = call(&[
            (
                "kernel",
                Arg::List(vec![Arg::Int(1), Arg::Int(2), Arg::Int(3)]),
            ),
            ("padding", Arg::Int(-1)),
            ("groups", Arg::Float(2.0)),
        ]);
        assert!(matches!(call.pair("kernel"), Err(Stop::Unsupported(_))));
        assert!(matches!(call.pair("padding"), Err(Stop::Unsupported(_))));
        assert!(matches!(call.size("groups"), Err(Stop::Unsupported(_))));
        assert!(matches!(call.pair("stride"), Ok([1, 1])));
    }

    #[test]
    fn an_argument_that_nobody_asked_for_is_unsupported() {
        let idle = call(&[("stride", Arg::Float(1.0)), ("out", Arg::Null)]);
        assert!(idle.check_used().is_ok());
        let call = call(&[("dtype", Arg::Text("f16".into()))]);
        assert!(matches!(call.check_used(), Err(Stop::Unsupported(_))));
        let _ = call.get("dtype");
        assert!(call.check_used().is_ok());
    }

    #[test]
    fn roles_are_leaves_and_the_same_each_time() {
        let tensor = Arg::Tensor(AnyTensor::F64(Tensor::scalar(2.0)));
        let call = call(&[("input", tensor.clone()), ("other", tensor)]);
        let x = call.var("input").unwrap();
        assert!(x.is_tracked() && !call.var("other").unwrap().is_tracked());
        let y = x.mul(&call.var("input").unwrap()).unwrap();
        let gradients = y.backward().unwrap();
        assert_eq!(
            gradients.get(&call.leaf("input").unwrap()),
            Some(&Tensor::scalar(4.0))
        );
    }
}
