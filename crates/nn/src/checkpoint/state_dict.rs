//! Tensors by name: the state of a model as plain data.

use std::any::Any;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use tensor::{Element, Error, Float, Result, Tensor};

use crate::module::{Slot, Visit, Visitor};

/// Tensors under dotted names, and notes: PyTorch's `state_dict`.
///
/// ```
/// use tensor::{Tensor, random::Generator};
/// use wengert_nn::{Linear, StateDict, Visit};
///
/// let mut linear: Linear = Linear::builder(3, 2).build(&mut Generator::new(0))?;
/// let mut state = linear.state_dict()?;
/// assert_eq!(state.names().collect::<Vec<_>>(), ["bias", "weight"]);
///
/// state.insert("bias", &Tensor::from([0.5, -0.5]));
/// linear.load_state_dict(&state, true)?;
/// assert_eq!(state.get("bias").map(|bias| bias.cast::<f32>()), Some(Tensor::from([0.5, -0.5])));
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict {
    tensors: BTreeMap<String, StateTensor>,
    /// What a file says besides: text by name, kept from reading to writing.
    pub metadata: BTreeMap<String, String>,
}

/// A tensor of any element type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StateTensor {
    /// Of `f32`.
    F32(Tensor<f32>),
    /// Of `f64`.
    F64(Tensor<f64>),
    /// Of `i64`: counters.
    I64(Tensor<i64>),
    /// Of `bool`: masks.
    Bool(Tensor<bool>),
}

impl StateTensor {
    /// The size of each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::F32(x) => x.shape(),
            Self::F64(x) => x.shape(),
            Self::I64(x) => x.shape(),
            Self::Bool(x) => x.shape(),
        }
    }

    /// The name of its element type: `"f32"`, `"f64"`, `"i64"` or `"bool"`.
    #[must_use]
    pub fn dtype(&self) -> &'static str {
        match self {
            Self::F32(_) => f32::NAME,
            Self::F64(_) => f64::NAME,
            Self::I64(_) => i64::NAME,
            Self::Bool(_) => bool::NAME,
        }
    }

    /// The same numbers as `T`: shared if that is their type, else each
    /// converted to the nearest `T` as Rust's `as` does.
    #[must_use]
    pub fn cast<T: Element>(&self) -> Tensor<T> {
        match self {
            Self::F32(x) => shared_or_cast(x),
            Self::F64(x) => shared_or_cast(x),
            Self::I64(x) => shared_or_cast(x),
            Self::Bool(x) => shared_or_cast(x),
        }
    }
}

impl<T: Element> From<&Tensor<T>> for StateTensor {
    /// Shares the memory of the tensor, until one of both is written to.
    fn from(tensor: &Tensor<T>) -> Self {
        match T::NAME {
            f32::NAME => Self::F32(shared_or_cast(tensor)),
            f64::NAME => Self::F64(shared_or_cast(tensor)),
            i64::NAME => Self::I64(shared_or_cast(tensor)),
            // No fifth type can be: the trait is sealed.
            _ => Self::Bool(shared_or_cast(tensor)),
        }
    }
}

fn shared_or_cast<A: Element, B: Element>(tensor: &Tensor<A>) -> Tensor<B> {
    match (tensor as &dyn Any).downcast_ref::<Tensor<B>>() {
        Some(same) => same.clone(),
        None => tensor.cast(),
    }
}

impl StateDict {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the model shows of itself: [`Visit::state_dict`].
    pub(crate) fn of<T: Float>(model: &(impl Visit<T> + ?Sized)) -> Result<Self> {
        let mut visitor = Visitor::default();
        model.visit(&mut visitor);
        let mut state = Self::default();
        for (name, slot) in visitor.into_slots() {
            let tensor = match &slot {
                Slot::Parameter(parameter) => StateTensor::from(parameter.value()),
                Slot::Buffer(buffer) => StateTensor::from(buffer),
                Slot::Counter(counter) => StateTensor::from(counter),
            };
            match state.tensors.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(tensor);
                }
                Entry::Occupied(entry) => return Err(twice("state_dict", entry.key())),
            }
        }
        Ok(state)
    }

    /// The tensor of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&StateTensor> {
        self.tensors.get(name)
    }

    /// Puts a tensor under a name, and returns what was there.
    pub fn insert<T: Element>(
        &mut self,
        name: impl Into<String>,
        tensor: &Tensor<T>,
    ) -> Option<StateTensor> {
        self.insert_any(name, tensor.into())
    }

    /// The same for a tensor of any type.
    pub fn insert_any(
        &mut self,
        name: impl Into<String>,
        tensor: StateTensor,
    ) -> Option<StateTensor> {
        self.tensors.insert(name.into(), tensor)
    }

    /// Takes the tensor of this name out.
    pub fn remove(&mut self, name: &str) -> Option<StateTensor> {
        self.tensors.remove(name)
    }

    /// The names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Names and tensors, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &StateTensor)> {
        self.tensors.iter().map(|(name, x)| (name.as_str(), x))
    }

    /// The number of tensors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }
}

/// The refusal of a model that shows two tensors under one name.
pub(crate) fn twice(op: &'static str, name: &str) -> Error {
    Error::value(
        op,
        format!("the model shows two parameters or buffers under the name `{name}`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_keep_their_type_and_memory() {
        let x: Tensor<f64> = Tensor::from([1.5, -2.0]);
        let mut state = StateDict::new();
        assert!(state.is_empty() && state.insert("x", &x).is_none());
        state.insert("n", &Tensor::scalar(7i64));
        state.insert("m", &Tensor::from([true, false]));
        let found = |name: &str| state.get(name).unwrap();
        assert!(found("x").cast::<f64>().shares_storage(&x));
        assert_eq!(found("x").cast::<i64>(), Tensor::from([1, -2]));
        assert_eq!(found("m").cast::<f32>(), Tensor::from([1.0, 0.0]));
        let types = state.iter().map(|(name, x)| (name, x.dtype(), x.shape()));
        assert_eq!(
            types.collect::<Vec<_>>(),
            [
                ("m", "bool", &[2][..]),
                ("n", "i64", &[]),
                ("x", "f64", &[2])
            ]
        );
        assert_eq!(state.remove("n"), Some(StateTensor::I64(Tensor::scalar(7))));
        assert_eq!(state.len(), 2);
    }
}
