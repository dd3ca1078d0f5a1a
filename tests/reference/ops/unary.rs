//! Functions of each element.

use wengert::{Float, Var};

use crate::reference::call::{Adapter, Call, Operand, Outputs, Stop, Value, one};

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
        ("square", |c| one(c.var("input")?.square()?)),
        ("tanh", |c| one(c.var("input")?.tanh()?)),
    ]
}

fn relu<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    // What is written over afterwards makes no difference to the result.
    c.flag("inplace", false)?;
    one(c.var("input")?.relu()?)
}

fn clamp<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    if let Value::Int(x) = c.value("input")? {
        return one(match (c.int_or_none("min")?, c.int_or_none("max")?) {
            (Some(min), Some(max)) => x.clamp(min, max),
            (Some(min), None) => x.clamp_min(min),
            (None, Some(max)) => x.clamp_max(max),
            (None, None) => return Err(Stop::unsupported("clamp without a limit")),
        });
    }
    let x = c.var("input")?;
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
    let x: Var<T> = c.var_or_scalar("input")?;
    match c.operand("exponent")? {
        Operand::Var(exponent) => one(x.pow(&exponent)?),
        Operand::Number(n, true) => match i32::try_from(n as i64) {
            Ok(n) => one(x.powi(n)?),
            Err(_) => one(x.powf(T::of(n))?),
        },
        Operand::Number(p, false) => one(x.powf(T::of(p))?),
    }
}
