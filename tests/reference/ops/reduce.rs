//! Sums, means, extrema and norms over some axes or all.

use wengert::{Float, Var};

use crate::reference::call::{Adapter, Call, Outputs, Stop, Value, one};
use crate::reference::value::Arg;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("amax", |c| {
            let (axes, keepdim) = axes(c)?;
            match (c.value("input")?, axes) {
                (Value::Int(x), axes) => one(x.amax_axes(axes.unwrap_or_default(), keepdim)?),
                (_, None) if !keepdim => one(c.var("input")?.amax()?),
                (_, axes) => one(c
                    .var("input")?
                    .amax_axes(axes.unwrap_or_default(), keepdim)?),
            }
        }),
        ("amin", |c| {
            let (axes, keepdim) = axes(c)?;
            match (c.value("input")?, axes) {
                (Value::Int(x), axes) => one(x.amin_axes(axes.unwrap_or_default(), keepdim)?),
                (_, None) if !keepdim => one(c.var("input")?.amin()?),
                (_, axes) => one(c
                    .var("input")?
                    .amin_axes(axes.unwrap_or_default(), keepdim)?),
            }
        }),
        ("argmax", |c| {
            let keepdim = c.flag("keepdim", false)?;
            match c.axis_or_none("dim")? {
                Some(axis) => match c.value("input")? {
                    Value::Int(x) => one(x.argmax_axis(axis, keepdim)?),
                    _ => one(c.var("input")?.value().argmax_axis(axis, keepdim)?),
                },
                None => {
                    let x = c.var("input")?;
                    let at = x.value().argmax()?;
                    one(if keepdim {
                        at.reshape(vec![1; x.ndim()])?
                    } else {
                        at
                    })
                }
            }
        }),
        ("argmin", |c| {
            let keepdim = c.flag("keepdim", false)?;
            match c.axis_or_none("dim")? {
                Some(axis) => match c.value("input")? {
                    Value::Int(x) => one(x.argmin_axis(axis, keepdim)?),
                    _ => one(c.var("input")?.value().argmin_axis(axis, keepdim)?),
                },
                None => {
                    let x = c.var("input")?;
                    let at = x.value().argmin()?;
                    one(if keepdim {
                        at.reshape(vec![1; x.ndim()])?
                    } else {
                        at
                    })
                }
            }
        }),
        ("linalg.vector_norm", |c| {
            let order = c.number("ord", 2.0)?;
            let input = if c.get("x").is_some() { "x" } else { "input" };
            norm(c, input, order)
        }),
        ("mean", |c| match axes(c)? {
            (None, false) => one(c.var("input")?.mean()?),
            (axes, keepdim) => one(c
                .var("input")?
                .mean_axes(axes.unwrap_or_default(), keepdim)?),
        }),
        ("norm", |c| {
            let order = match c.get("p") {
                Some(Arg::Text(text)) if text == "fro" => 2.0,
                Some(Arg::Text(text)) if text == "inf" => f64::INFINITY,
                _ => c.number("p", 2.0)?,
            };
            norm(c, "input", order)
        }),
        ("std", |c| {
            spread(c, Var::std, |x, axes, correction, keepdim| {
                x.std_axes(axes, correction, keepdim)
            })
        }),
        ("sum", |c| match (c.value("input")?, axes(c)?) {
            (Value::Int(x), (axes, keepdim)) => one(x.sum_axes(axes.unwrap_or_default(), keepdim)?),
            (_, (None, false)) => one(c.var("input")?.sum()?),
            (_, (axes, keepdim)) => one(c
                .var("input")?
                .sum_axes(axes.unwrap_or_default(), keepdim)?),
        }),
        ("var", |c| {
            spread(c, Var::var, |x, axes, correction, keepdim| {
                x.var_axes(axes, correction, keepdim)
            })
        }),
    ]
}

/// `dim` and `keepdim`.
fn axes<T: Float>(c: &Call<T>) -> Result<(Option<Vec<isize>>, bool), Stop> {
    Ok((c.axes_or_none("dim")?, c.flag("keepdim", false)?))
}

/// A variance or deviation, with `correction` or with the older `unbiased`.
fn spread<T: Float>(
    c: &Call<T>,
    of_all: impl Fn(&Var<T>) -> wengert::Result<Var<T>>,
    along: impl Fn(&Var<T>, Vec<isize>, f64, bool) -> wengert::Result<Var<T>>,
) -> Result<Outputs<T>, Stop> {
    let unbiased = if c.flag("unbiased", true)? { 1.0 } else { 0.0 };
    let correction = c.number("correction", unbiased)?;
    let x = c.var("input")?;
    match axes(c)? {
        (None, false) if correction == 1.0 => one(of_all(&x)?),
        (axes, keepdim) => one(along(&x, axes.unwrap_or_default(), correction, keepdim)?),
    }
}

fn norm<T: Float>(c: &Call<T>, input: &str, order: f64) -> Result<Outputs<T>, Stop> {
    match axes(c)? {
        (None, false) => one(c.var(input)?.norm(order)?),
        (axes, keepdim) => {
            one(c
                .var(input)?
                .norm_axes(order, axes.unwrap_or_default(), keepdim)?)
        }
    }
}
