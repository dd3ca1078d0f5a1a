//! A case that comes from ONNX: run as the steps that say the same in PyTorch's
//! operations, each a call of its own; or, where it has none, by an adapter of
//! ONNX's operator, in files by kind as those of [`super::ops`].

mod activation;
mod conv;
mod elementwise;
mod index;
mod layout;
mod matmul;
mod norm;
mod pool;
mod reduce;
mod slice;
mod softmax;

use std::collections::BTreeMap;

use serde_json::Value as Json;
use wengert::{Float, Tape};

use super::Registry;
use super::call::{Adapter, Call, Outputs, Stop, Value};
use super::compare::compare;
use super::functional::{check_outputs, expect_refusal};
use super::source::{Case, entries};
use super::value::{AnyTensor, Arg};

/// Runs the case.
///
/// # Errors
/// Unless the steps yield what the case expects.
pub(crate) fn run<T: Float>(registry: &Registry<T>, case: &Case<'_>) -> Result<(), Stop> {
    let Some(steps) = case.field("torch_steps").as_array() else {
        return run_directly(registry, case);
    };
    let tape = Tape::new().eval();
    let args = case.args(case.field("args"))?;
    let mut results: Vec<Outputs<T>> = Vec::new();
    for step in steps {
        match run_step(registry, case, step, &tape, &args, &results) {
            Ok(outputs) => results.push(outputs),
            Err(stop) if case.expects_error() => return expect_refusal::<()>(case, Err(stop)),
            Err(stop) => return Err(stop),
        }
    }
    if case.expects_error() {
        return expect_refusal(case, Ok(()));
    }

    let (tolerance, expected) = (case.tolerance()?, case.field("outputs").as_array());
    let mut compared = 0;
    for (number, step) in entries(case.field("torch_outputs")) {
        let at = number.parse().ok().and_then(|i: usize| expected?.get(i));
        let got = step.as_u64().and_then(|i| results.get(i as usize)?.first());
        let (Some(want), Some(got)) = (at, got) else {
            return Err(Stop::failed(format!(
                "no output {number}, or no step {step}"
            )));
        };
        let (want, what) = (case.tensor(want)?, format!("output {number}"));
        compare(&what, &got.tensor(), &want, tolerance).map_err(Stop::Failed)?;
        compared += 1;
    }
    if compared == 0 {
        return Err(Stop::failed("the case compares no output"));
    }
    Ok(())
}

/// All adapters by the name of their operator.
#[must_use]
pub(crate) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    [
        activation::adapters(),
        conv::adapters(),
        elementwise::adapters(),
        index::adapters(),
        layout::adapters(),
        matmul::adapters(),
        norm::adapters(),
        pool::adapters(),
        reduce::adapters(),
        slice::adapters(),
        softmax::adapters(),
    ]
    .concat()
}

/// A call with the operator's inputs and attributes, and the argument `opset`.
/// An adapter may yield more outputs than the case lists: the rest is optional
/// in ONNX.
fn run_directly<T: Float>(registry: &Registry<T>, case: &Case<'_>) -> Result<(), Stop> {
    let name = case.op().trim_start_matches("onnx.");
    let adapter = registry.operator(name)?;
    let mut args = case.args(case.field("args"))?;
    args.extend(case.args(case.field("attrs"))?);
    let opset = Arg::Int(case.field("opset").as_i64().unwrap_or(i64::MAX));
    let defaults = BTreeMap::from([("opset".to_owned(), opset)]);
    let call = Call::new(Tape::new().eval(), args, defaults, [].into());
    let result = adapter(&call);
    if let Err(stop @ Stop::Unsupported(_)) = result {
        return Err(stop);
    }
    call.check_used()?;
    if case.expects_error() {
        return expect_refusal(case, result);
    }
    let mut outputs = result?;
    outputs.truncate(case.field("outputs").as_array().map_or(0, Vec::len));
    check_outputs(case, &outputs, case.tolerance()?)
}

fn run_step<T: Float>(
    registry: &Registry<T>,
    case: &Case<'_>,
    step: &Json,
    tape: &Tape<T>,
    args: &BTreeMap<String, Arg<T>>,
    results: &[Outputs<T>],
) -> Result<Outputs<T>, Stop> {
    let name = step.get("op").and_then(Json::as_str).unwrap_or_default();
    let adapter = registry.op(name)?;
    let named = entries(step.get("args").unwrap_or(&Json::Null));
    let resolved =
        named.map(|(name, value)| Ok((name.clone(), resolve(case, value, args, results)?)));
    let call = Call::new(
        tape.clone(),
        resolved.collect::<Result<_, Stop>>()?,
        BTreeMap::new(),
        [].into(),
    );
    let outputs = adapter(&call);
    if !matches!(outputs, Err(Stop::Unsupported(_))) {
        call.check_used()?;
    }
    outputs
}

/// An argument of a step: an input, the result of another step, or a value.
fn resolve<T: Float>(
    case: &Case<'_>,
    value: &Json,
    args: &BTreeMap<String, Arg<T>>,
    results: &[Outputs<T>],
) -> Result<Arg<T>, Stop> {
    if let Json::Array(items) = value {
        let items = items.iter().map(|item| resolve(case, item, args, results));
        return Ok(Arg::List(items.collect::<Result<_, _>>()?));
    }
    if let Some(name) = value.get("arg").and_then(Json::as_str) {
        let found = args.get(name).cloned();
        return found.ok_or_else(|| Stop::failed(format!("no input `{name}`")));
    }
    if let Some(step) = value.get("step").and_then(Json::as_u64) {
        return match results
            .get(step as usize)
            .and_then(|outputs| outputs.first())
        {
            Some(Value::Var(x)) => Ok(Arg::Var(x.clone())),
            Some(Value::Int(x)) => Ok(Arg::Tensor(AnyTensor::I64(x.clone()))),
            Some(Value::Bool(x)) => Ok(Arg::Tensor(AnyTensor::Bool(x.clone()))),
            None => Err(Stop::failed(format!("no step {step}"))),
        };
    }
    case.arg(value)
}
