//! Margins.

use wengert::{Element, Float, PadMode, Tensor};

use crate::reference::call::{Adapter, Call, Outputs, Stop, Value, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![("nn.functional.pad", pad)]
}

fn pad<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let flat = c.axes("pad")?;
    let (pairs, []) = flat.as_chunks::<2>() else {
        return Err(Stop::unsupported(format!("pad takes pairs, got {flat:?}")));
    };
    let pairs: Vec<(isize, isize)> = pairs.iter().map(|&[a, b]| (a, b)).collect();
    let integers = |x: Tensor<i64>| -> Result<_, Stop> { Ok(x.pad(&pairs, mode::<T, _>(c)?)?) };
    match c.value("input")? {
        Value::Var(x) => one(x.pad(&pairs, mode(c)?)?),
        Value::Int(x) => one(integers(x)?),
        Value::Bool(x) => one(x.pad(&pairs, mode::<T, bool>(c)?)?),
    }
}

/// The mode, of which only a constant one has a value.
fn mode<T: Float, E: Element>(c: &Call<T>) -> Result<PadMode<E>, Stop> {
    let value = c.number("value", 0.0)?;
    let own = match c.text("mode", "constant")? {
        "constant" => return Ok(PadMode::Constant(E::of(value))),
        "reflect" => PadMode::Reflect,
        "replicate" => PadMode::Replicate,
        "circular" => PadMode::Circular,
        other => return Err(Stop::unsupported(format!("a mode `{other}`"))),
    };
    if value != 0.0 {
        return Err(Stop::unsupported("only a constant margin has a value"));
    }
    Ok(own)
}
