//! The parameters and buffers of a module, read and written by name.

use std::collections::BTreeMap;

use wengert::{Float, Slot, SlotMut, Tensor, Var, Visit, Visitor, VisitorMut};

use super::call::Stop;
use super::value::AnyTensor;

/// Writes every value to the parameter or buffer of its name.
///
/// # Errors
/// If there is none, if the types differ, or if the library refuses a shape.
pub(crate) fn load<T: Float>(
    module: &mut dyn Visit<T>,
    values: &BTreeMap<String, AnyTensor>,
) -> Result<(), Stop> {
    let mut visitor = VisitorMut::default();
    module.visit_mut(&mut visitor);
    let mut slots: BTreeMap<String, SlotMut<'_, T>> = visitor.into_slots().into_iter().collect();
    for (name, value) in values {
        let wrong = |what: &str| Stop::failed(format!("the module has no {what} `{name}`"));
        match slots.remove(name) {
            Some(SlotMut::Parameter(parameter)) => {
                parameter.set(value.float().ok_or_else(|| wrong(T::NAME))?)?;
            }
            Some(SlotMut::Buffer(buffer)) => {
                *buffer = value.float().ok_or_else(|| wrong(T::NAME))?;
            }
            Some(SlotMut::Counter(counter)) => match value {
                AnyTensor::I64(count) => *counter = count.clone(),
                _ => return Err(wrong("i64")),
            },
            _ => return Err(wrong("parameter or buffer")),
        }
    }
    match slots.into_keys().next() {
        None => Ok(()),
        Some(name) => Err(Stop::failed(format!(
            "the case does not say what `{name}` is"
        ))),
    }
}

/// Every parameter and buffer by name.
#[must_use]
pub(crate) fn read<T: Float>(module: &dyn Visit<T>) -> BTreeMap<String, AnyTensor> {
    let mut visitor = Visitor::default();
    module.visit(&mut visitor);
    let tensors = visitor.into_slots().into_iter().filter_map(|(name, slot)| {
        let tensor = match slot {
            Slot::Parameter(parameter) => AnyTensor::from(parameter.value()),
            Slot::Buffer(buffer) => AnyTensor::from(&buffer as &Tensor<T>),
            Slot::Counter(counter) => AnyTensor::I64(counter),
            _ => return None,
        };
        Some((name, tensor))
    });
    tensors.collect()
}

/// The leaf of a parameter on the tape of `on`, by the parameter's name.
#[must_use]
pub(crate) fn leaf<T: Float>(
    module: &dyn Visit<T>,
    name: &str,
    on: &wengert::Tape<T>,
) -> Option<Var<T>> {
    let parameters = module.named_parameters().into_iter();
    let mut named = parameters.filter(|(found, _)| found == name);
    named.next().map(|(_, parameter)| on.parameter(parameter))
}
