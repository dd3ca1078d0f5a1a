//! Functions of each element.

use wengert::{Float, Var};

use crate::reference::call::{Adapter, Call, Operand, Outputs, Stop, Value, one};
use crate::reference::value::Arg;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("abs", |c| match c.value("input")? {
            Value::Int(x) => one(x.abs()),
            _ => one(c.var("input")?.abs()?),
        }),
        ("clamp", clamp),
        ("clamp_max", clamp),
        ("clamp_min", clamp),
        ("exp", |c| one(c.var("input")?.exp()?)),
        ("log", |c| one(c.var("input")?.log()?)),
        ("neg", |c| match c.value("input")? {
            Value::Int(x) => one(x.neg()),
            _ => one(c.var("input")?.neg()?),
        }),
        ("nn.functional.relu", relu),
        ("nn.functional.sigmoid", |c| {
            one(c.var("input")?.sigmoid()?)
        }),
        ("nn.functional.tanh", |c| one(c.var("input")?.tanh()?)),
        ("pow", pow),
        ("relu", relu),
        ("sigmoid", |c| one(c.var("input")?.sigmoid()?)),
        ("sqrt", |c| one(c.var("input")?.sqrt()?)),
        ("square", |c| match c.value("input")? {
            Value::Int(x) => one(x.square()),
            _ => one(c.var("input")?.square()?),
        }),
        ("tanh", |c| one(c.var("input")?.tanh()?)),
    ]
}

fn relu<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    // What is written over afterwards makes no difference to the result.
    c.flag("inplace", false)?;
    match c.value("input")? {
        Value::Int(x) => one(x.relu()),
        _ => one(c.var("input")?.relu()?),
    }
}

fn clamp<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    if let Value::Int(mut x) = c.value("input")? {
        let is_tensor = |name| matches!(c.get(name), Some(Arg::Tensor(_)));
        if is_tensor("min") || is_tensor("max") {
            if is_tensor("min") {
                x = x.maximum(&c.ints("min")?)?;
            } else if let Some(min) = c.int_or_none("min")? {
                x = x.clamp_min(min);
            }
            if is_tensor("max") {
                x = x.minimum(&c.ints("max")?)?;
            } else if let Some(max) = c.int_or_none("max")? {
                x = x.clamp_max(max);
            }
            return one(x);
        }
        return one(match (c.int_or_none("min")?, c.int_or_none("max")?) {
            (Some(min), Some(max)) => x.clamp(min, max),
            (Some(min), None) => x.clamp_min(min),
            (None, Some(max)) => x.clamp_max(max),
            (None, None) => return Err(Stop::unsupported("clamp without a limit")),
        });
    }
    let x = c.var("input")?;
    let is_tensor = |name| matches!(c.get(name), Some(Arg::Tensor(_) | Arg::Var(_)));
    match (is_tensor("min"), is_tensor("max")) {
        (true, _) if c.get("max").is_none() => return one(x.maximum(&c.var("min")?)?),
        (_, true) if c.get("min").is_none() => return one(x.minimum(&c.var("max")?)?),
        (true, _) | (_, true) => {
            let (min, max) = (c.var_or_scalar("min")?, c.var_or_scalar("max")?);
            return one(x.clamp_between(&min, &max)?);
        }
        _ => {}
    }
    let limit = |name| Ok::<_, Stop>(c.number_or_none(name)?.map(T::of));
    one(match (limit("min")?, limit("max")?) {
        (Some(min), Some(max)) => x.clamp(min, max)?,
        (Some(min), None) => x.clamp_min(min)?,
        (None, Some(max)) => x.clamp_max(max)?,
        (None, None) => return Err(Stop::unsupported("clamp without a limit")),
    })
}

/// `powi` for an integer, `powf` for a number, `pow` for a tensor.
fn pow<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let exponent = c.operand("exponent")?;
    if let Operand::Var(exponent) = exponent {
        return one(c.var_or_scalar("input")?.pow(&exponent)?);
    }
    let x: Var<T> = c.var("input")?;
    match exponent {
        Operand::Var(exponent) => one(x.pow(&exponent)?),
        Operand::Number(n, true) => match i32::try_from(n as i64) {
            Ok(n) => one(x.powi(n)?),
            Err(_) => one(x.powf(T::of(n))?),
        },
        Operand::Number(p, false) => one(x.powf(T::of(p))?),
    }
}
