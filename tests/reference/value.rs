//! What a case is made of: tensors of four types, and arguments.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use wengert::{Element, Float, Tensor, Var};

/// A tensor of whichever type the file holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AnyTensor {
    /// `f64`
    F64(Tensor<f64>),
    /// `f32`
    F32(Tensor<f32>),
    /// `i64`
    I64(Tensor<i64>),
    /// `bool`
    Bool(Tensor<bool>),
}

impl AnyTensor {
    /// The name of its element type.
    #[must_use]
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::F64(_) => f64::NAME,
            Self::F32(_) => f32::NAME,
            Self::I64(_) => i64::NAME,
            Self::Bool(_) => bool::NAME,
        }
    }

    /// The size of each axis.
    #[must_use]
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::F64(x) => x.shape(),
            Self::F32(x) => x.shape(),
            Self::I64(x) => x.shape(),
            Self::Bool(x) => x.shape(),
        }
    }

    /// The same as a float tensor, if it is one of that very type.
    #[must_use]
    pub(crate) fn float<T: Float>(&self) -> Option<Tensor<T>> {
        match self {
            Self::F64(x) if T::NAME == f64::NAME => Some(x.cast()),
            Self::F32(x) if T::NAME == f32::NAME => Some(x.cast()),
            _ => None,
        }
    }
}

impl<T: Float> From<&Tensor<T>> for AnyTensor {
    fn from(tensor: &Tensor<T>) -> Self {
        if T::NAME == f64::NAME {
            Self::F64(tensor.cast())
        } else {
            Self::F32(tensor.cast())
        }
    }
}

/// The tensors of a file, by name.
pub(crate) type Tensors = BTreeMap<String, AnyTensor>;

/// Reads a safetensors file.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read_tensors(path: &Path) -> Result<Tensors, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let file =
        SafeTensors::deserialize(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut tensors = Tensors::new();
    for (name, view) in file.tensors() {
        let (shape, data) = (view.shape(), view.data());
        let tensor = match view.dtype() {
            Dtype::F64 => decode(shape, data, f64::from_le_bytes).map(AnyTensor::F64),
            Dtype::F32 => decode(shape, data, f32::from_le_bytes).map(AnyTensor::F32),
            Dtype::I64 => decode(shape, data, i64::from_le_bytes).map(AnyTensor::I64),
            Dtype::BOOL => decode(shape, data, |[byte]: [u8; 1]| byte != 0).map(AnyTensor::Bool),
            other => Err(format!("{name} is {other:?}, which no case may hold")),
        };
        tensors.insert(name.clone(), tensor?);
    }
    Ok(tensors)
}

fn decode<E: Element, const N: usize>(
    shape: &[usize],
    data: &[u8],
    read: impl Fn([u8; N]) -> E,
) -> Result<Tensor<E>, String> {
    let chunks = data
        .chunks_exact(N)
        .filter_map(|chunk| chunk.try_into().ok());
    Tensor::from_vec(shape, chunks.map(read).collect()).map_err(|error| error.to_string())
}

/// One argument.
#[derive(Clone, Debug)]
pub(crate) enum Arg<T: Float> {
    /// Python's `None`.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string.
    Text(String),
    /// A tensor.
    Tensor(AnyTensor),
    /// The result of an earlier step.
    Var(Var<T>),
    /// A list or tuple.
    List(Vec<Self>),
    /// `start:stop:step` within an index.
    Slice([Option<i64>; 3]),
    /// `...` within an index.
    Ellipsis,
}

impl<T: Float> Arg<T> {
    /// Reads an argument, its tensors from `tensors`.
    ///
    /// # Errors
    /// If the case is malformed.
    pub(crate) fn read(value: &Value, tensors: &Tensors) -> Result<Self, String> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::String(text) => Self::Text(text.clone()),
            Value::Number(number) => match number.as_i64() {
                Some(int) => Self::Int(int),
                None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::Array(items) => Self::List(
                items
                    .iter()
                    .map(|item| Self::read(item, tensors))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(fields) => {
                let malformed = || format!("malformed value {value}");
                if let Some(name) = fields.get("tensor").and_then(Value::as_str) {
                    let tensor = tensors.get(name);
                    Self::Tensor(tensor.ok_or_else(|| format!("no tensor `{name}`"))?.clone())
                } else if let Some(text) = fields.get("float").and_then(Value::as_str) {
                    Self::Float(text.parse().map_err(|_| malformed())?)
                } else if let Some(Value::Array(parts)) = fields.get("slice") {
                    let mut slice = [None; 3];
                    for (slot, part) in slice.iter_mut().zip(parts) {
                        *slot = part.as_i64();
                    }
                    Self::Slice(slice)
                } else if fields.contains_key("ellipsis") {
                    Self::Ellipsis
                } else {
                    return Err(malformed());
                }
            }
        })
    }

    /// Whether both say the same, as plain values.
    #[must_use]
    pub(crate) fn same_plain(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Int(a), Self::Float(b)) | (Self::Float(b), Self::Int(a)) => *a as f64 == *b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_plain(b))
            }
            _ => false,
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Tensor(tensor) => format!("a tensor of {}", tensor.type_name()),
            Self::Var(_) => format!("a tensor of {}", T::NAME),
            other => format!("{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_told_apart() {
        let read = |value| Arg::<f64>::read(&value, &Tensors::new());
        assert!(matches!(read(json!(2)), Ok(Arg::Int(2))));
        assert!(matches!(read(json!(2.0)), Ok(Arg::Float(2.0))));
        assert!(matches!(
            read(json!({"float": "-inf"})),
            Ok(Arg::Float(f64::NEG_INFINITY))
        ));
        assert!(matches!(read(json!({"float": "nan"})), Ok(Arg::Float(x)) if x.is_nan()));
        assert!(matches!(
            read(json!({"slice": [1, null, -2]})),
            Ok(Arg::Slice([Some(1), None, Some(-2)]))
        ));
        assert!(matches!(read(json!({"ellipsis": true})), Ok(Arg::Ellipsis)));
        assert!(read(json!({"tensor": "c000.input"})).is_err());
        assert!(read(json!({"what": 1})).is_err());
    }
}
