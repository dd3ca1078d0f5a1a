//! A case that loads a file into a model.
//!
//! The model is an `architecture` of the file's head or the shape table
//! `model`, and is loaded strictly. An error may arise when the file is read or
//! when the model is loaded; either way the model must be as it was.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value as Json;
use wengert::{
    Element, Float, LoadReport, Module, Parameter, Slot, SlotMut, StateDict, StateTensor, Tape,
    Tensor, Visit, Visitor, VisitorMut,
};

use super::Registry;
use super::call::Stop;
use super::compare::{Tolerance, compare};
use super::report::catch_panic;
use super::source::{Case, entries, field};
use super::train::{Net, build};
use super::value::{AnyTensor, Tensors, read_tensors};

/// What logits are compared at where the case does not say.
const LOGITS: Tolerance = Tolerance {
    rtol: 1e-5,
    atol: 1e-5,
};

/// Runs the case.
///
/// # Errors
/// Unless the file loads, or is refused, as the case expects.
pub(crate) fn run<T: Float>(registry: &Registry<T>, case: &Case<'_>) -> Result<(), Stop> {
    let path = case.file.folder.join(case.text("file").unwrap_or_default());
    let mut model = Model::build(registry, case)?;
    if case.has("truncate") || case.has("xor") {
        let bytes = fs::read(&path).map_err(|error| Stop::failed(error.to_string()))?;
        return if case.has("truncate") {
            truncated(case, &mut model, &bytes)
        } else {
            flipped(case, &mut model, &bytes)
        };
    }
    let state = StateDict::load(&path);
    if case.text("strict_load") == Some("error") {
        let state = state?;
        if let Some(values) = values(case)? {
            same(&state, &values)?;
        }
        return match model.load(&state) {
            Err(Stop::Refused(_)) => Ok(()),
            Err(other) => Err(other),
            Ok(_) => Err(Stop::failed("strict loading succeeds")),
        };
    }
    let loaded = state
        .map_err(Stop::from)
        .and_then(|state| model.load(&state));
    match (case.text("expect").unwrap_or_default(), loaded) {
        ("value" | "loads", loaded) => {
            loaded?;
            check(case, &model)
        }
        ("error" | "error_or_cast" | "either" | "no_panic", Err(Stop::Refused(_))) => Ok(()),
        (_, Err(other)) => Err(other),
        ("error", Ok(_)) => Err(Stop::failed("the file loads")),
        ("error_or_cast" | "either" | "no_panic", Ok(_)) => check(case, &model),
        (other, _) => Err(Stop::failed(format!("cannot expect `{other}`"))),
    }
}

/// Every proper prefix of the file must be refused.
fn truncated<T: Float>(case: &Case<'_>, model: &mut Model<T>, bytes: &[u8]) -> Result<(), Stop> {
    let expects = case.text("expect").unwrap_or_default();
    for n in 0..bytes.len() {
        let loaded = catch_panic(|| model.load(&StateDict::from_bytes(&bytes[..n])?));
        match loaded {
            Ok(Err(Stop::Refused(_))) => {}
            Ok(Err(other)) => return Err(other),
            Ok(Ok(_)) if expects == "no_panic" => {}
            Ok(Ok(_)) => return Err(Stop::failed(format!("the first {n} bytes load"))),
            Err(panic) => {
                return Err(Stop::failed(format!(
                    "panicked on the first {n} bytes: {panic}"
                )));
            }
        }
    }
    Ok(())
}

/// No byte, changed alone, may lead to a panic.
fn flipped<T: Float>(case: &Case<'_>, model: &mut Model<T>, bytes: &[u8]) -> Result<(), Stop> {
    for flip in case.field("xor").as_array().into_iter().flatten() {
        let number = |i: usize| Some(usize::try_from(flip.get(i)?.as_u64()?).ok());
        let malformed = || Stop::failed(format!("no [position, byte]: {flip}"));
        let (at, mask) = number(0)
            .flatten()
            .zip(number(1).flatten())
            .ok_or_else(malformed)?;
        let mut changed = bytes.to_vec();
        *changed.get_mut(at).ok_or_else(malformed)? ^= mask as u8;
        let loaded = catch_panic(|| model.load(&StateDict::from_bytes(&changed)?));
        match loaded {
            Ok(Ok(_) | Err(Stop::Refused(_))) => {}
            Ok(Err(other)) => return Err(other),
            Err(panic) => {
                return Err(Stop::failed(format!(
                    "panicked with {flip} flipped: {panic}"
                )));
            }
        }
    }
    Ok(())
}

// ---------------------------------------------------------------- the model

/// What the file is loaded into.
enum Model<T: Float> {
    Net(Net<T>),
    Table(Table<T>),
}

impl<T: Float> Model<T> {
    fn build(registry: &Registry<T>, case: &Case<'_>) -> Result<Self, Stop> {
        let architecture = case.field("architecture");
        if architecture.is_null() {
            return Ok(Self::Table(Table::build(case)?));
        }
        let layers = match architecture.as_str() {
            Some(name) => field(case.head("architectures"), name),
            None => architecture,
        };
        if !layers.is_array() {
            return Err(Stop::failed(format!("no architecture {architecture}")));
        }
        Ok(Self::Net(build(registry, case, layers)?.0))
    }

    fn visit_mut(&mut self) -> &mut dyn Visit<T> {
        match self {
            Self::Net(net) => net,
            Self::Table(table) => table,
        }
    }

    fn state(&self) -> Result<StateDict, Stop> {
        Ok(match self {
            Self::Net(net) => net.state_dict()?,
            Self::Table(table) => table.state_dict()?,
        })
    }

    /// Loads strictly; a refusal must leave everything as it was.
    fn load(&mut self, state: &StateDict) -> Result<LoadReport, Stop> {
        let before = self.state()?;
        let report = self.visit_mut().load_state_dict(state, true);
        if report.is_err() {
            same(&self.state()?, &before)?;
        }
        Ok(report?)
    }
}

/// A model of nothing but names and shapes.
struct Table<T: Float> {
    parameters: BTreeMap<String, Parameter<T>>,
    counters: BTreeMap<String, Counter>,
}

struct Counter(Tensor<i64>);

impl<T: Float> Table<T> {
    fn build(case: &Case<'_>) -> Result<Self, Stop> {
        let values = values(case)?.unwrap_or_default();
        let mut table = Self {
            parameters: BTreeMap::new(),
            counters: BTreeMap::new(),
        };
        for (name, shape) in entries(case.field("model")) {
            let sizes = shape.as_array().into_iter().flatten();
            let sizes = sizes.map(|size| usize::try_from(size.as_u64()?).ok());
            let shape: Option<Vec<usize>> = sizes.collect();
            let shape = shape.ok_or_else(|| Stop::failed(format!("`{name}` has no shape")))?;
            let counts = match values.get(name) {
                Some(value) => value.dtype() == i64::NAME,
                None => name.ends_with("num_batches_tracked"),
            };
            if counts {
                let counter = Counter(Tensor::zeros(shape)?);
                table.counters.insert(name.clone(), counter);
            } else {
                let parameter = Parameter::new(Tensor::zeros(shape)?);
                table.parameters.insert(name.clone(), parameter);
            }
        }
        Ok(table)
    }
}

impl<T: Float> Visit<T> for Counter {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, T>) {
        visitor.slot(Slot::Counter(self.0.clone()));
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, T>) {
        visitor.slot(SlotMut::Counter(&mut self.0));
    }
}

impl<T: Float> Visit<T> for Table<T> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, T>) {
        for (name, parameter) in &self.parameters {
            visitor.field(name, parameter);
        }
        for (name, counter) in &self.counters {
            visitor.field(name, counter);
        }
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, T>) {
        for (name, parameter) in &mut self.parameters {
            visitor.field(name, parameter);
        }
        for (name, counter) in &mut self.counters {
            visitor.field(name, counter);
        }
    }
}

// ---------------------------------------------------------------- comparing

/// What the model must hold and answer.
fn check<T: Float>(case: &Case<'_>, model: &Model<T>) -> Result<(), Stop> {
    if let Some(values) = values(case)? {
        same(&model.state()?, &values)?;
    }
    let (io, Model::Net(net)) = (io(case)?, model) else {
        return Ok(());
    };
    let Some((input, logits)) = io else {
        return Ok(());
    };
    let wrong = || Stop::failed(format!("the input is {}", input.type_name()));
    let input = Tape::inference().constant(input.float::<T>().ok_or_else(wrong)?);
    let got = AnyTensor::from(net.forward(&input)?.value());
    let tolerance = case.tolerance().unwrap_or(LOGITS);
    compare("logits", &got, &logits, tolerance).map_err(Stop::Failed)
}

/// The tensors of the file `values`, if the case has one.
fn values(case: &Case<'_>) -> Result<Option<StateDict>, Stop> {
    let Some(name) = case.text("values") else {
        return Ok(None);
    };
    let values = StateDict::load(case.file.folder.join(name));
    Ok(Some(
        values.map_err(|error| Stop::failed(error.to_string()))?,
    ))
}

/// Input and logits: of a file that `io` names, or of the case's own tensors.
fn io(case: &Case<'_>) -> Result<Option<(AnyTensor, AnyTensor)>, Stop> {
    let io = case.field("io");
    let file = io.as_str().or_else(|| field(io, "file").as_str());
    let tensors = match file {
        Some(name) => read_tensors(&case.file.folder.join(name)).map_err(Stop::Failed)?,
        None if io.is_null() && !case.has("logits") => return Ok(None),
        None => Tensors::new(),
    };
    let find = |name: &str| {
        let places = [field(io, name), case.field(name)];
        let named = places.into_iter().find(|place| !place.is_null());
        let found = match named {
            Some(Json::String(name)) => tensors.get(name).cloned(),
            Some(value) => Some(case.tensor(value)?),
            None => tensors.get(name).cloned(),
        };
        found.ok_or_else(|| Stop::failed(format!("the case has no `{name}`")))
    };
    Ok(Some((find("input")?, find("logits")?)))
}

/// Equal names, shapes and bits; a number of another type than the wanted one
/// must be the same number.
fn same(got: &StateDict, want: &StateDict) -> Result<(), Stop> {
    let names = |state: &StateDict| state.names().map(str::to_owned).collect::<Vec<_>>();
    if names(got) != names(want) {
        let (got, want) = (names(got), names(want));
        return Err(Stop::failed(format!("holds {got:?}, expected {want:?}")));
    }
    for ((name, got), (_, want)) in got.iter().zip(want.iter()) {
        if got.shape() != want.shape() {
            let (got, want) = (got.shape(), want.shape());
            return Err(Stop::failed(format!(
                "`{name}` has shape {got:?}, expected {want:?}"
            )));
        }
        if bits(got, got.dtype() == want.dtype()) != bits(want, got.dtype() == want.dtype()) {
            return Err(Stop::failed(format!(
                "`{name}` is {got:?}, expected {want:?}"
            )));
        }
    }
    Ok(())
}

/// The bits of a tensor, or if not `exact` those of its numbers as `f64`.
fn bits(tensor: &StateTensor, exact: bool) -> Vec<u64> {
    match tensor {
        StateTensor::F32(x) if exact => x.iter().map(|x| x.to_bits().into()).collect(),
        StateTensor::I64(x) if exact => x.iter().map(|&x| x as u64).collect(),
        other => other.cast::<f64>().iter().map(|x| x.to_bits()).collect(),
    }
}
