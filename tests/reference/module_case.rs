//! A case that builds a module and calls it.

use std::collections::BTreeMap;

use wengert::{Float, Tape};

use super::Registry;
use super::call::{Call, Stop};
use super::compare::compare;
use super::functional::{check_gradients, check_outputs, expect_refusal};
use super::layers::Built;
use super::source::{Case, entries, field};
use super::state;

/// Runs the case.
///
/// # Errors
/// Unless the module did what the case expects.
pub(crate) fn run<T: Float>(registry: &Registry<T>, case: &Case<'_>) -> Result<(), Stop> {
    let build = registry.layer(case.op())?;
    let training = case.field("training").as_bool().unwrap_or(true);
    let tape = if training {
        Tape::new()
    } else {
        Tape::new().eval()
    };

    let ctor = Call::new(
        tape.clone(),
        case.args(case.field("ctor"))?,
        case.defaults()?,
        [].into(),
    );
    let built = build(&ctor);
    if !matches!(built, Err(Stop::Unsupported(_))) {
        ctor.check_used()?;
    }
    if case.expects_error() {
        return refused(case, built, &tape);
    }

    let mut built = built?;
    load(case, &mut built)?;
    let inputs = inputs(case, &tape)?;
    let outputs = built.forward(&inputs)?;
    inputs.check_used()?;
    let tolerance = case.tolerance()?;
    check_outputs(case, &outputs, tolerance)?;
    let state = state::read(built.visit());
    for (name, want) in case.tensors(case.field("state_after"))? {
        let got = state
            .get(&name)
            .ok_or_else(|| Stop::failed(format!("no buffer `{name}`")))?;
        compare(&format!("{name} afterwards"), got, &want, tolerance).map_err(Stop::Failed)?;
    }
    let leaf = |role: &str| match role.strip_prefix("param:") {
        Some(name) => state::leaf(built.visit(), name, &tape),
        None => inputs.leaf(role),
    };
    check_gradients(case, &outputs, &leaf, tolerance)
}

/// The error may come when the module is built or, where it can be called,
/// when it is called: PyTorch's phase is its own business.
fn refused<T: Float>(
    case: &Case<'_>,
    built: Result<Built<T>, Stop>,
    tape: &Tape<T>,
) -> Result<(), Stop> {
    let inputs = inputs(case, tape)?;
    let callable = case
        .field("inputs")
        .as_array()
        .is_some_and(|inputs| !inputs.is_empty());
    let mut built = match built {
        Ok(built) if callable => built,
        other => return expect_refusal(case, other),
    };
    if field(case.field("error"), "phase").as_str() != Some("construct") {
        load(case, &mut built)?;
    }
    expect_refusal(case, built.forward(&inputs))
}

fn load<T: Float>(case: &Case<'_>, built: &mut Built<T>) -> Result<(), Stop> {
    state::load(built.visit_mut(), &case.tensors(case.field("state"))?)
}

/// The inputs as a call with the arguments `input0`, `input1`, …, leaves where
/// the case wants their gradient.
fn inputs<T: Float>(case: &Case<'_>, tape: &Tape<T>) -> Result<Call<T>, Stop> {
    let values = case.field("inputs").as_array().into_iter().flatten();
    let named = values
        .enumerate()
        .map(|(i, value)| Ok((format!("input{i}"), case.arg(value)?)));
    let roles = entries(case.field("grads")).map(|(role, _)| role.clone());
    Ok(Call::new(
        tape.clone(),
        named.collect::<Result<BTreeMap<_, _>, Stop>>()?,
        BTreeMap::new(),
        roles.collect(),
    ))
}
