//! Parts of a tensor, and margins around it.

use wengert::{Element, Float, PadMode, Slice};

use super::layout::listed;
use crate::reference::call::{Adapter, Call, Outputs, Stop, Value, one};
use crate::reference::ops::any;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![("Pad", pad), ("Slice", slice)]
}

/// A step backwards is a step forwards in the mirror image.
fn slice<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let (starts, ends) = (listed(c, "starts")?, listed(c, "ends")?);
    let (starts, ends) = (starts.unwrap_or_default(), ends.unwrap_or_default());
    let axes = listed(c, "axes")?.unwrap_or_else(|| (0..starts.len() as isize).collect());
    let steps = listed(c, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    any!(c.value("data")?, x => {
        let mut slices = vec![Slice::from(..); x.ndim()];
        let mut mirrored = Vec::new();
        for (((&axis, &start), &end), &step) in axes.iter().zip(&starts).zip(&ends).zip(&steps) {
            let at = wengert::shape::axis("Slice", axis, x.ndim())?;
            let size = x.shape()[at] as isize;
            let from_start = |i: isize| if i < 0 { i.saturating_add(size) } else { i };
            if step > 0 {
                slices[at] = Slice::from(start..end).step(step as usize);
                continue;
            }
            // Position i is size − 1 − i from the other end.
            let start = from_start(start).clamp(-1, size - 1);
            let end = from_start(end).clamp(-1, size - 1);
            mirrored.push(at as isize);
            slices[at] = Slice::from(size - 1 - start..size - 1 - end).step(step.unsigned_abs());
        }
        x.flip(mirrored)?.slice(slices)
    })
}

/// The first half of the numbers stands before the axes, the second after.
fn pad<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let pads = listed(c, "pads")?.unwrap_or_default();
    let ndim = c.value("data")?.tensor().shape().len();
    let (before, after) = pads.split_at(pads.len() / 2);
    let axes = listed(c, "axes")?.unwrap_or_else(|| (0..ndim as isize).collect());
    let mut amounts = vec![(0, 0); ndim];
    for ((&axis, &before), &after) in axes.iter().zip(before).zip(after) {
        // The library takes pairs from the last axis on.
        let at = wengert::shape::axis("Pad", axis, ndim)?;
        amounts[ndim - 1 - at] = (before, after);
    }
    let number = c.named(&["constant_value", "value"]);
    let given = c.get(number).is_some();
    match c.value("data")? {
        Value::Int(x) => {
            let value = if given { c.ints(number)?.item()? } else { 0 };
            one(x.pad(&amounts, mode(c, value)?)?)
        }
        _ => {
            let value = if given {
                c.var_or_scalar(number)?.item()?
            } else {
                T::ZERO
            };
            one(c.var("data")?.pad(&amounts, mode(c, value)?)?)
        }
    }
}

fn mode<T: Float, E: Element>(c: &Call<T>, value: E) -> Result<PadMode<E>, Stop> {
    match c.text("mode", "constant")? {
        "constant" => Ok(PadMode::Constant(value)),
        "reflect" => Ok(PadMode::Reflect),
        "edge" => Ok(PadMode::Replicate),
        "wrap" => Ok(PadMode::Circular),
        other => Err(Stop::unsupported(format!("pad in mode `{other}`"))),
    }
}
