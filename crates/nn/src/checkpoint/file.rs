//! The safetensors format: a state dict as bytes.
//!
//! ```text
//! 8 bytes         the length N of the header, little-endian
//! N bytes         JSON: {"conv1.weight": {"dtype": "F32", "shape": [6, 1, 5, 5],
//!                        "data_offsets": [0, 600]}, …, "__metadata__": {"note": "text"}}
//! all the rest    the tensors, little-endian, in row-major order, without gaps
//! ```
//!
//! The crate `safetensors` parses the header and checks that the tensors, in
//! the order of their offsets, fill the rest of the file without gap or
//! overlap, and each its own shape. It does not notice a name that comes twice
//! (the later one would win), trusts the sum of the last offset and the
//! header's length to fit an integer, and lets a header begin with blanks, which
//! the format does not; so all that is looked at here, before. Writing is here
//! too, because the crate's writer puts metadata in an order that changes from
//! run to run, and the same state should be the same bytes.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fmt, fs, io};

use safetensors::tensor::{Dtype, SafeTensors, TensorInfo};
use serde::Deserialize;
use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use tensor::{Element, Error, Result, Tensor};

use super::half::{bf16_to_f32, f16_to_f32};
use super::{StateDict, StateTensor, atomic};

/// The length of the header's length.
const PREFIX: usize = 8;
/// The name that is no tensor's.
const METADATA: &str = "__metadata__";

impl StateDict {
    /// Reads a safetensors file, as PyTorch users do by
    /// `safetensors.torch.load_file`.
    ///
    /// | in the file | becomes |
    /// |---|---|
    /// | `F32`, `F64`, `I64`, `BOOL` | the same |
    /// | `F16`, `BF16` | `f32`, exactly |
    /// | `I8`, `I16`, `I32`, `U8`, `U16`, `U32` | `i64`, exactly |
    /// | all else | an error that names it |
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::Format`] if it is not
    /// what it should be, or holds elements of a type that tensors do not have.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let what = path.display().to_string();
        match read_file(path) {
            Ok(bytes) => read(&what, &bytes),
            Err(cause) => Err(Error::Io { path: what, cause }),
        }
    }

    /// Reads the bytes of a safetensors file: see [`load`](Self::load).
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_nn::StateDict;
    ///
    /// let mut state = StateDict::new();
    /// state.insert("weight", &Tensor::from([1.0f32, 2.0]));
    /// state.metadata.insert("note".into(), "a small one".into());
    /// assert_eq!(StateDict::from_bytes(&state.to_bytes()?)?, state);
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Format`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        read("safetensors data", bytes)
    }

    /// Writes a safetensors file, metadata included: the old file, if there is
    /// one, is there whole until the new one is, whatever happens in between.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Value`] for a tensor named `__metadata__`, which
    /// the format keeps for itself.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        atomic::write(path.as_ref(), &self.to_bytes()?)
    }

    /// The bytes of a safetensors file. The same state dict is the same bytes.
    ///
    /// # Errors
    /// [`Error::Value`] for a tensor named `__metadata__`.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        if self.get(METADATA).is_some() {
            return Err(Error::value(
                "state_dict",
                format!("no tensor can have the name `{METADATA}`"),
            ));
        }
        // The wider elements first, so that all lie at multiples of their size.
        let mut tensors: Vec<_> = self.iter().collect();
        tensors.sort_by_key(|(name, tensor)| (std::cmp::Reverse(dtype(tensor)), *name));
        let mut header = serde_json::Map::new();
        if !self.metadata.is_empty() {
            header.insert(METADATA.into(), json(&self.metadata)?);
        }
        let mut data = Vec::new();
        for (name, tensor) in tensors {
            let start = data.len();
            match tensor {
                StateTensor::F32(x) => encode(&mut data, x, f32::to_le_bytes),
                StateTensor::F64(x) => encode(&mut data, x, f64::to_le_bytes),
                StateTensor::I64(x) => encode(&mut data, x, i64::to_le_bytes),
                StateTensor::Bool(x) => encode(&mut data, x, |x| [u8::from(x)]),
            }
            let info = TensorInfo {
                dtype: dtype(tensor),
                shape: tensor.shape().to_vec(),
                data_offsets: (start, data.len()),
            };
            header.insert(name.to_owned(), json(&info)?);
        }
        let mut header = json(&header)?.to_string().into_bytes();
        header.resize(header.len().next_multiple_of(PREFIX), b' ');
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.append(&mut header);
        bytes.append(&mut data);
        Ok(bytes)
    }
}

fn dtype(tensor: &StateTensor) -> Dtype {
    match tensor {
        StateTensor::F32(_) => Dtype::F32,
        StateTensor::F64(_) => Dtype::F64,
        StateTensor::I64(_) => Dtype::I64,
        StateTensor::Bool(_) => Dtype::BOOL,
    }
}

fn json(value: &impl serde::Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::format("safetensors header", error.to_string()))
}

fn encode<T: Element, const N: usize>(
    data: &mut Vec<u8>,
    tensor: &Tensor<T>,
    bytes: impl Fn(T) -> [u8; N],
) {
    data.reserve(N * tensor.len());
    tensor.iter().for_each(|&x| data.extend(bytes(x)));
}

// ---------------------------------------------------------------- reading

/// The bytes of a file that has an end: no device, no pipe.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "no regular file",
        ));
    }
    fs::read(path)
}

fn read(what: &str, bytes: &[u8]) -> Result<StateDict> {
    let malformed = |message: String| Error::format(what, message);
    check(bytes).map_err(malformed)?;
    let (header, found) =
        SafeTensors::read_metadata(bytes).map_err(|error| malformed(error.to_string()))?;
    let data = bytes.get(PREFIX + header..).unwrap_or_default();

    let mut state = StateDict::new();
    for (name, info) in found.tensors() {
        let (start, end) = info.data_offsets;
        let data = data.get(start..end).unwrap_or_default();
        let tensor = decode_any(&info.shape, info.dtype, data)
            .map_err(|error| malformed(format!("tensor `{name}`: {error}")))?;
        state.insert_any(name, tensor);
    }
    if let Some(metadata) = found.metadata() {
        let entries = metadata.iter().map(|(k, v)| (k.clone(), v.clone()));
        state.metadata = entries.collect();
    }
    Ok(state)
}

fn decode_any(shape: &[usize], dtype: Dtype, data: &[u8]) -> Result<StateTensor> {
    Ok(match dtype {
        Dtype::F32 => StateTensor::F32(decode(shape, data, f32::from_le_bytes)?),
        Dtype::F64 => StateTensor::F64(decode(shape, data, f64::from_le_bytes)?),
        Dtype::F16 => StateTensor::F32(decode(shape, data, |b| f16_to_f32(u16::from_le_bytes(b)))?),
        Dtype::BF16 => {
            StateTensor::F32(decode(shape, data, |b| bf16_to_f32(u16::from_le_bytes(b)))?)
        }
        Dtype::I64 => StateTensor::I64(decode(shape, data, i64::from_le_bytes)?),
        Dtype::I32 => StateTensor::I64(decode(shape, data, |b| i32::from_le_bytes(b).into())?),
        Dtype::I16 => StateTensor::I64(decode(shape, data, |b| i16::from_le_bytes(b).into())?),
        Dtype::I8 => StateTensor::I64(decode(shape, data, |b| i8::from_le_bytes(b).into())?),
        Dtype::U32 => StateTensor::I64(decode(shape, data, |b| u32::from_le_bytes(b).into())?),
        Dtype::U16 => StateTensor::I64(decode(shape, data, |b| u16::from_le_bytes(b).into())?),
        Dtype::U8 => StateTensor::I64(decode(shape, data, |[b]: [u8; 1]| b.into())?),
        Dtype::BOOL => StateTensor::Bool(decode(shape, data, |[b]: [u8; 1]| b != 0)?),
        other => {
            return Err(Error::format(
                format!("element type {other}"),
                "only F16, BF16, F32, F64, BOOL and integers up to I64 can be read",
            ));
        }
    })
}

/// The tensor of a shape whose size is known to be that of the data.
fn decode<T: Element, const N: usize>(
    shape: &[usize],
    data: &[u8],
    value: impl Fn([u8; N]) -> T,
) -> Result<Tensor<T>> {
    let mut tensor = Tensor::zeros(shape)?;
    let (chunks, _) = data.as_chunks::<N>();
    for (element, &bytes) in tensor.as_mut_slice().iter_mut().zip(chunks) {
        *element = value(bytes);
    }
    Ok(tensor)
}

// ---------------------------------------------------------------- checking

/// What the crate does not check.
fn check(bytes: &[u8]) -> Result<(), String> {
    let Some((prefix, rest)) = bytes.split_first_chunk::<PREFIX>() else {
        let len = bytes.len();
        return Err(format!(
            "truncated: {len} bytes, where the header's length takes 8"
        ));
    };
    let length = u64::from_le_bytes(*prefix);
    let header = usize::try_from(length).ok().and_then(|n| rest.get(..n));
    let Some(header) = header else {
        let len = rest.len();
        return Err(format!(
            "truncated: a header of {length} bytes, of which there are {len}"
        ));
    };
    if header.first() != Some(&b'{') {
        return Err("the header does not begin with `{`".into());
    }
    let mut json = serde_json::Deserializer::from_slice(header);
    let names = Names {
        data: rest.len() - header.len(),
    };
    de::Deserializer::deserialize_map(&mut json, names)
        .map_err(|error| format!("the header is malformed: {error}"))
}

/// Sees that no name comes twice, and that no tensor ends past the data.
struct Names {
    data: usize,
}

/// Where a tensor lies.
#[derive(Deserialize)]
struct Place {
    data_offsets: (u64, u64),
}

impl<'de> Visitor<'de> for Names {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                map.next_value::<Option<Notes>>()?;
            } else {
                let Place { data_offsets } = map.next_value()?;
                if data_offsets.1 > self.data as u64 {
                    let (end, data) = (data_offsets.1, self.data);
                    return Err(de::Error::custom(format!(
                        "tensor `{name}` ends at byte {end} of {data}"
                    )));
                }
            }
            once::<A>(&mut names, name)?;
        }
        Ok(())
    }
}

fn once<'de, A: MapAccess<'de>>(
    names: &mut BTreeSet<String>,
    name: String,
) -> Result<(), A::Error> {
    if names.contains(&name) {
        return Err(de::Error::custom(format!("the name `{name}` comes twice")));
    }
    names.insert(name);
    Ok(())
}

/// Metadata in which no name comes twice.
struct Notes;

impl<'de> Deserialize<'de> for Notes {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for Notes {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of text by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            map.next_value::<IgnoredAny>()?;
            once::<A>(&mut names, name)?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
