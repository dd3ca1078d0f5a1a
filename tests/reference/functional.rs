//! A case that calls one operation.

use std::collections::{BTreeMap, BTreeSet};

use wengert::random::Generator;
use wengert::{Float, Tape, Tensor, Var, grad_or_none};

use super::Registry;
use super::call::{Call, Outputs, Stop, Value};
use super::compare::{Tolerance, compare};
use super::source::{Case, entries, field};
use super::value::{AnyTensor, Arg};

/// Runs the case.
///
/// # Errors
/// Unless the call did what the case expects.
pub(crate) fn run<T: Float>(registry: &Registry<T>, case: &Case<'_>) -> Result<(), Stop> {
    let adapter = registry.op(case.op())?;
    let roles = entries(case.field("grads")).map(|(role, _)| role.clone());
    let (args, defaults) = (case.args(case.field("args"))?, case.defaults()?);
    // What PyTorch passes as an argument is the mode of the tape.
    let tape = match args.get("training").or_else(|| defaults.get("training")) {
        Some(Arg::Bool(false)) => Tape::new().eval(),
        // Dropout that is refused is so before it draws.
        _ => Tape::new().with_rng(&mut Generator::new(0)),
    };
    let call = Call::new(tape, args, defaults, roles.collect::<BTreeSet<_>>());
    let result = adapter(&call);
    if let Err(stop @ Stop::Unsupported(_)) = result {
        return Err(stop);
    }
    call.check_used()?;
    if case.expects_error() {
        return expect_refusal(case, result);
    }

    let outputs = result?;
    let tolerance = case.tolerance()?;
    check_outputs(case, &outputs, tolerance)?;
    for (name, want) in case.tensors(case.field("mutated"))? {
        let got = call.mutated(&name);
        let got = got.ok_or_else(|| Stop::failed(format!("`{name}` does not change")))?;
        compare(&format!("{name} afterwards"), &got, &want, tolerance).map_err(Stop::Failed)?;
    }
    check_gradients(case, &outputs, &|role| call.leaf(role), tolerance)
}

/// What an error case demands: an error, and no panic.
///
/// # Errors
/// If the call succeeded; not where either answer will do.
pub(crate) fn expect_refusal<V>(case: &Case<'_>, result: Result<V, Stop>) -> Result<(), Stop> {
    match result {
        Err(Stop::Refused(_)) => Ok(()),
        Err(other) => Err(other),
        Ok(_) if case.is_lenient() => Ok(()),
        Ok(_) => {
            let message = field(case.field("error"), "message");
            Err(Stop::failed(format!(
                "succeeds where PyTorch says {message}"
            )))
        }
    }
}

/// Compares the outputs, in order.
///
/// # Errors
/// What differs.
pub(crate) fn check_outputs<T: Float>(
    case: &Case<'_>,
    outputs: &Outputs<T>,
    tolerance: Tolerance,
) -> Result<(), Stop> {
    let expected = case
        .field("outputs")
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if outputs.len() != expected.len() {
        return Err(Stop::failed(format!(
            "yields {} outputs, expected {}",
            outputs.len(),
            expected.len()
        )));
    }
    for (i, (got, want)) in outputs.iter().zip(expected).enumerate() {
        let want = case.tensor(want)?;
        compare(&format!("output {i}"), &got.tensor(), &want, tolerance).map_err(Stop::Failed)?;
    }
    Ok(())
}

/// Compares the gradients of Σᵢ ⟨cotangentᵢ, outputᵢ⟩ to the roles that the
/// case asks for, then the second order: first as [`grad_or_none`] yields them,
/// recorded, then as [`Var::backward`] does.
///
/// # Errors
/// What differs.
pub(crate) fn check_gradients<T: Float>(
    case: &Case<'_>,
    outputs: &Outputs<T>,
    leaf: &dyn Fn(&str) -> Option<Var<T>>,
    tolerance: Tolerance,
) -> Result<(), Stop> {
    let mut leaves = BTreeMap::new();
    for (role, _) in entries(case.field("grads")) {
        let var = leaf(role).ok_or_else(|| Stop::failed(format!("no argument is `{role}`")))?;
        leaves.insert(role.as_str(), var);
    }
    if leaves.is_empty() {
        return Ok(());
    }
    let want = case.tensors(case.field("grads"))?;
    let Some(total) = total(case, outputs)? else {
        // No output has a gradient, and so no input.
        return check_group("gradient", &leaves, &BTreeMap::new(), &want, tolerance);
    };
    let got = named_gradients(&total, &leaves)?;
    let tensors = |vars: &BTreeMap<String, Var<T>>| {
        let pairs = vars
            .iter()
            .map(|(role, var)| (role.clone(), var.value().clone()));
        pairs.collect::<BTreeMap<_, _>>()
    };
    check_group("gradient", &leaves, &tensors(&got), &want, tolerance)?;
    check_second_order(case, &leaves, &got, tolerance)?;

    if total.is_tracked() {
        let swept = total.backward()?;
        let found = leaves
            .iter()
            .filter_map(|(role, leaf)| Some(((*role).to_owned(), swept.get(leaf)?.clone())));
        check_group(
            "gradient (backward)",
            &leaves,
            &found.collect(),
            &want,
            tolerance,
        )?;
    }
    Ok(())
}

/// Σᵢ ⟨cotangentᵢ, outputᵢ⟩; none if there is no cotangent.
fn total<T: Float>(case: &Case<'_>, outputs: &Outputs<T>) -> Result<Option<Var<T>>, Stop> {
    let cotangents = case.field("cotangents").as_array();
    let mut total = None;
    for (output, cotangent) in outputs.iter().zip(cotangents.into_iter().flatten()) {
        if cotangent.is_null() {
            continue;
        }
        let Value::Var(output) = output else {
            return Err(Stop::failed(
                "an output with a cotangent is not on the tape",
            ));
        };
        let cotangent = output.constant(floats(&case.arg(cotangent)?)?);
        let term = output.mul(&cotangent)?.sum()?;
        total = Some(match total {
            None => term,
            Some(total) => term.add(&total)?,
        });
    }
    Ok(total)
}

fn floats<T: Float>(arg: &Arg<T>) -> Result<Tensor<T>, Stop> {
    let tensor = match arg {
        Arg::Tensor(tensor) => tensor.float(),
        _ => None,
    };
    tensor.ok_or_else(|| Stop::failed(format!("a cotangent is {}", arg.describe())))
}

fn named_gradients<T: Float>(
    total: &Var<T>,
    leaves: &BTreeMap<&str, Var<T>>,
) -> Result<BTreeMap<String, Var<T>>, Stop> {
    let inputs: Vec<&Var<T>> = leaves.values().collect();
    let found = leaves.keys().zip(grad_or_none(total, &inputs)?);
    let found = found.filter_map(|(role, gradient)| Some(((*role).to_owned(), gradient?)));
    Ok(found.collect())
}

fn check_second_order<T: Float>(
    case: &Case<'_>,
    leaves: &BTreeMap<&str, Var<T>>,
    gradients: &BTreeMap<String, Var<T>>,
    tolerance: Tolerance,
) -> Result<(), Stop> {
    let second = case.field("second_order");
    let mut total: Option<Var<T>> = None;
    for (role, v) in entries(field(second, "v")) {
        let Some(gradient) = gradients.get(role) else {
            continue; // it is zero, as was checked
        };
        let v = gradient.constant(floats(&case.arg(v)?)?);
        let term = gradient.mul(&v)?.sum()?;
        total = Some(match total {
            None => term,
            Some(total) => term.add(&total)?,
        });
    }
    let Some(total) = total else { return Ok(()) };
    let found = named_gradients(&total, leaves)?;
    let got = found
        .into_iter()
        .map(|(role, var)| (role, var.into_value()));
    let want = case.tensors(field(second, "grads"))?;
    check_group(
        "second-order gradient",
        leaves,
        &got.collect(),
        &want,
        tolerance,
    )
}

/// Compares a gradient for each role; one that is not expected must be zero.
fn check_group<T: Float>(
    what: &str,
    leaves: &BTreeMap<&str, Var<T>>,
    got: &BTreeMap<String, Tensor<T>>,
    want: &BTreeMap<String, AnyTensor>,
    tolerance: Tolerance,
) -> Result<(), Stop> {
    for (role, leaf) in leaves {
        let zero = leaf.value().zeros_like();
        let got = AnyTensor::from(got.get(*role).unwrap_or(&zero));
        let zero = AnyTensor::from(&zero);
        let want = want.get(*role).unwrap_or(&zero);
        compare(&format!("{what} of {role}"), &got, want, tolerance).map_err(Stop::Failed)?;
    }
    Ok(())
}
