//! Windows: as columns, along an axis, and what is looked up by position.

use wengert::{Float, InterpolateOptions, UnfoldOptions};

use super::any;
use super::reduce::own;
use crate::reference::call::{Adapter, Call, Stop, Value, one};
use crate::reference::value::Arg;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("cumsum", |c| {
            let axis = c.axis("dim")?;
            match c.value("input")? {
                Value::Var(x) => own(c, T::NAME, x.cumsum(axis)?),
                Value::Int(x) => own(c, "i64", x.cumsum(axis)?),
                Value::Bool(x) => own(c, "i64", x.cast::<i64>().cumsum(axis)?),
            }
        }),
        ("nn.functional.fold", |c| {
            let size = c.pair("output_size")?;
            one(c.var("input")?.fold(size, &slide(c)?)?)
        }),
        ("nn.functional.interpolate", |c| {
            one(c.var("input")?.interpolate(&nearest(c)?)?)
        }),
        ("nn.functional.unfold", |c| {
            one(c.var("input")?.unfold(&slide(c)?)?)
        }),
        ("nn.functional.upsample_nearest", |c| {
            one(c.var("input")?.interpolate(&nearest(c)?)?)
        }),
        ("tril", |c| {
            let diagonal = c.axis_or("diagonal", 0)?;
            any!(c.value("input")?, x => x.tril(diagonal))
        }),
        ("triu", |c| {
            let diagonal = c.axis_or("diagonal", 0)?;
            any!(c.value("input")?, x => x.triu(diagonal))
        }),
        ("unfold", |c| {
            let axis = c.axis(either(c, "dimension", "dim"))?;
            let (size, step) = (c.size("size")?, c.size("step")?);
            any!(c.value("input")?, x => x.unfold_axis(axis, size, step))
        }),
    ]
}

/// The name that an argument was given under.
fn either<T: Float>(c: &Call<T>, name: &'static str, other: &'static str) -> &'static str {
    if c.get(name).is_some() { name } else { other }
}

/// How a window slides.
pub(crate) fn slide<T: Float>(c: &Call<T>) -> Result<UnfoldOptions, Stop> {
    Ok(UnfoldOptions::new(c.pair("kernel_size")?)
        .stride(c.pair_or("stride", [1, 1])?)
        .padding(c.pair_or("padding", [0, 0])?)
        .dilation(c.pair_or("dilation", [1, 1])?))
}

/// A size or a factor, for the nearest element.
pub(crate) fn nearest<T: Float>(c: &Call<T>) -> Result<InterpolateOptions, Stop> {
    c.only("mode", &Arg::Text("nearest".into()))?;
    // They mean something in other modes only.
    c.only("align_corners", &Arg::Bool(false))?;
    c.only("antialias", &Arg::Bool(false))?;
    let options = match (c.get("size"), c.get("scale_factor")) {
        (Some(_), None) => InterpolateOptions::size(c.sizes("size")?),
        (None, Some(_)) => InterpolateOptions::scale_factor(c.numbers("scale_factor")?),
        _ => return Err(Stop::unsupported("takes either a size or a factor")),
    };
    Ok(options.recompute_scale_factor(c.flag("recompute_scale_factor", false)?))
}
