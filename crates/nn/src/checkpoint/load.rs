//! From a state dict into a model: everything, or nothing and the reasons.
//!
//! PyTorch's rules (`Module.load_state_dict`):
//!
//! - Strictly, every parameter and buffer must be there and nothing else.
//!   Otherwise, names that only one side knows are left alone and reported.
//! - A shape that differs is an error in both cases, with as many elements or
//!   not.
//! - Numbers of another type are converted, as `copy_` does: an `f64` file into
//!   an `f32` model is rounded to the nearest, integers become floats, and what
//!   goes into a counter is truncated.
//! - A missing `num_batches_tracked` is no complaint, since files of old do not
//!   have it: the counter stays as it is.
//!
//! All is decided before anything is written.

use std::collections::BTreeMap;
use std::fmt;

use autograd::Parameter;
use tensor::{Error, Float, Result, Tensor};

use super::state_dict::{StateDict, StateTensor, twice};
use crate::module::{SlotMut, Visit, VisitorMut};

/// What did and did not fit when a state dict was held against a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadReport {
    /// The names that both have, with the same shape.
    pub matched: Vec<String>,
    /// What the model has and the state dict has not.
    pub missing: Vec<String>,
    /// What the state dict has and the model has not.
    pub unexpected: Vec<String>,
    /// What both have, with different shapes.
    pub mismatched: Vec<Mismatch>,
}

/// A tensor of another shape than the model's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// Its dotted name.
    pub name: String,
    /// The shape in the model.
    pub expected: Vec<usize>,
    /// The shape in the state dict.
    pub found: Vec<usize>,
}

impl LoadReport {
    /// Whether both have the same names with the same shapes.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.mismatched.is_empty()
    }
}

impl fmt::Display for LoadReport {
    /// Each name that did not fit: `missing: a, b; unexpected: c; …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |names: &[String]| -> Vec<String> {
            names.iter().map(|name| format!("`{name}`")).collect()
        };
        let shapes = self.mismatched.iter().map(|m| {
            let (name, found, expected) = (&m.name, &m.found, &m.expected);
            format!("`{name}` is {found:?} where the model has {expected:?}")
        });
        let parts = [
            ("missing", names(&self.missing)),
            ("unexpected", names(&self.unexpected)),
            ("of another shape", shapes.collect()),
        ];
        let mut parts = parts
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .peekable();
        if parts.peek().is_none() {
            return write!(f, "all {} tensors match", self.matched.len());
        }
        for (i, (what, names)) in parts.enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{what}: {}", names.join(", "))?;
        }
        Ok(())
    }
}

/// Where a value will go, and the value.
enum Write<'a, T: Float> {
    Parameter(&'a mut Parameter<T>, Tensor<T>),
    Buffer(&'a mut Tensor<T>, Tensor<T>),
    Counter(&'a mut Tensor<i64>, Tensor<i64>),
}

/// [`Visit::load_state_dict`].
pub(crate) fn load<T: Float>(
    model: &mut (impl Visit<T> + ?Sized),
    state: &StateDict,
    strict: bool,
) -> Result<LoadReport> {
    const OP: &str = "load_state_dict";
    let mut visitor = VisitorMut::default();
    model.visit_mut(&mut visitor);
    let mut report = LoadReport::default();
    let mut rest: BTreeMap<&str, &StateTensor> = state.iter().collect();
    let mut writes = Vec::new();
    for (name, slot) in visitor.into_slots() {
        let shape = match &slot {
            SlotMut::Parameter(parameter) => parameter.shape().to_vec(),
            SlotMut::Buffer(buffer) => buffer.shape().to_vec(),
            SlotMut::Counter(counter) => counter.shape().to_vec(),
        };
        let Some(value) = rest.remove(name.as_str()) else {
            if state.get(&name).is_some() {
                return Err(twice(OP, &name));
            }
            let last = name.rsplit('.').next();
            if !(matches!(slot, SlotMut::Counter(_)) && last == Some("num_batches_tracked")) {
                report.missing.push(name);
            }
            continue;
        };
        if value.shape() != shape {
            report.mismatched.push(Mismatch {
                name,
                expected: shape,
                found: value.shape().to_vec(),
            });
            continue;
        }
        report.matched.push(name);
        writes.push(match slot {
            SlotMut::Parameter(parameter) => Write::Parameter(parameter, value.cast()),
            SlotMut::Buffer(buffer) => Write::Buffer(buffer, value.cast()),
            SlotMut::Counter(counter) => Write::Counter(counter, value.cast()),
        });
    }
    report.unexpected = rest.into_keys().map(str::to_owned).collect();
    if !report.mismatched.is_empty() || strict && !report.is_exact() {
        return Err(Error::value(OP, report.to_string()));
    }
    for write in writes {
        match write {
            // The shapes agree: this is the last error that could have been.
            Write::Parameter(parameter, value) => *parameter.value_mut() = value,
            Write::Buffer(buffer, value) => *buffer = value,
            Write::Counter(counter, value) => *counter = value,
        }
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Slot, Visitor, visit};

    #[derive(Clone, Debug)]
    struct Buffer(Tensor);
    #[derive(Clone, Debug)]
    struct Counter(Tensor<i64>);

    impl Visit for Buffer {
        fn visit<'a>(&'a self, visitor: &mut Visitor<'a, f32>) {
            visitor.slot(Slot::Buffer(self.0.clone()));
        }
        fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, f32>) {
            visitor.slot(SlotMut::Buffer(&mut self.0));
        }
    }

    impl Visit for Counter {
        fn visit<'a>(&'a self, visitor: &mut Visitor<'a, f32>) {
            visitor.slot(Slot::Counter(self.0.clone()));
        }
        fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, f32>) {
            visitor.slot(SlotMut::Counter(&mut self.0));
        }
    }

    /// As batch norm shows itself.
    #[derive(Clone, Debug)]
    struct Norm {
        weight: Parameter,
        running_mean: Buffer,
        num_batches_tracked: Counter,
    }
    visit!(Norm {
        weight,
        running_mean,
        num_batches_tracked
    });

    fn norm() -> Norm {
        Norm {
            weight: Parameter::new(Tensor::from([1.0, 2.0])),
            running_mean: Buffer(Tensor::from([3.0, 4.0])),
            num_batches_tracked: Counter(Tensor::scalar(5)),
        }
    }

    #[test]
    fn parameters_buffers_and_counters_go_there_and_back() {
        let state = norm().state_dict().unwrap();
        let names = ["num_batches_tracked", "running_mean", "weight"];
        assert_eq!(state.names().collect::<Vec<_>>(), names);
        let mut other = norm();
        other.weight.value_mut().as_mut_slice().fill(0.0);
        other.running_mean.0 = Tensor::from([0.0, 0.0]);
        other.num_batches_tracked.0 = Tensor::scalar(0);
        let id = other.weight.id();
        other.weight.set_frozen(true);
        let report = other.load_state_dict(&state, true).unwrap();
        assert!(report.is_exact());
        assert_eq!(report.to_string(), "all 3 tensors match");
        assert_eq!(other.state_dict().unwrap(), state);
        // It is the same parameter as before: its value alone is another.
        assert!(other.weight.id() == id && other.weight.is_frozen());
    }

    #[test]
    fn everything_that_does_not_fit_is_told_at_once_and_nothing_changes() {
        let mut model = vec![norm(), norm()];
        let before = model.state_dict().unwrap();
        let mut state = before.clone();
        state.insert("0.weight", &Tensor::from([[9.0, 9.0]])); // as many elements
        state.insert("0.running_mean", &Tensor::from([9.0, 9.0]));
        state.remove("1.weight");
        state.remove("1.running_mean");
        state.insert("head.bias", &Tensor::scalar(1.0));
        let error = model.load_state_dict(&state, true).unwrap_err();
        let told = "load_state_dict: missing: `1.weight`, `1.running_mean`; \
                    unexpected: `head.bias`; \
                    of another shape: `0.weight` is [1, 2] where the model has [2]";
        assert_eq!(error.to_string(), told);
        // A shape that differs is an error either way.
        assert!(model.load_state_dict(&state, false).is_err());
        assert_eq!(model.state_dict().unwrap(), before);

        state.insert("0.weight", &Tensor::from([9.0, 8.0]));
        assert!(model.load_state_dict(&state, true).is_err());
        assert_eq!(model.state_dict().unwrap(), before);
        let report = model.load_state_dict(&state, false).unwrap();
        assert_eq!(report.missing, ["1.weight", "1.running_mean"]);
        assert_eq!(report.unexpected, ["head.bias"]);
        assert_eq!(report.matched.len(), 4);
        assert_eq!(model[0].weight.value().to_vec(), [9.0, 8.0]);
        assert_eq!(model[1].weight.value().to_vec(), [1.0, 2.0]);
    }

    #[test]
    fn numbers_of_another_type_are_converted_as_copy_does() {
        let mut model = norm();
        let mut state = StateDict::new();
        state.insert("weight", &Tensor::from([0.1f64, 1e300]));
        state.insert("running_mean", &Tensor::from([7i64, -1]));
        state.insert("num_batches_tracked", &Tensor::scalar(3.9f64));
        model.load_state_dict(&state, true).unwrap();
        assert_eq!(model.weight.value().to_vec(), [0.1f32, f32::INFINITY]);
        assert_eq!(model.running_mean.0.to_vec(), [7.0, -1.0]);
        assert_eq!(model.num_batches_tracked.0.to_vec(), [3]);
    }

    #[test]
    fn a_counter_that_old_files_lack_stays() {
        let mut model = norm();
        let mut state = model.state_dict().unwrap();
        state.remove("num_batches_tracked");
        assert!(model.load_state_dict(&state, true).unwrap().is_exact());
        assert_eq!(model.num_batches_tracked.0.to_vec(), [5]);
    }

    #[test]
    fn a_name_that_is_shown_twice_is_refused() {
        struct Twice(Parameter, Parameter);
        impl Visit for Twice {
            fn visit<'a>(&'a self, visitor: &mut Visitor<'a, f32>) {
                visitor.field("w", &self.0);
                visitor.field("w", &self.1);
            }
            fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, f32>) {
                visitor.field("w", &mut self.0);
                visitor.field("w", &mut self.1);
            }
        }
        let parameter = || Parameter::new(Tensor::scalar(0.0));
        let mut model = Twice(parameter(), parameter());
        assert!(model.state_dict().unwrap_err().to_string().contains("`w`"));
        let mut state = StateDict::new();
        state.insert("w", &Tensor::scalar(1.0f32));
        assert!(model.load_state_dict(&state, true).is_err());
        assert_eq!(model.0.value().to_vec(), [0.0]);
    }
}
