//! Sums, means, extrema and norms over some axes or all.

use wengert::{Float, Tensor, Var};

use crate::reference::call::{Adapter, Call, Outputs, Stop, Value, one};
use crate::reference::value::Arg;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("amax", |c| {
            let (axes, keepdim) = axes(c)?;
            let named = axes.clone().unwrap_or_default();
            match c.value("input")? {
                Value::Int(x) => one(x.amax_axes(named, keepdim)?),
                // false < true
                Value::Bool(x) => one(truth(&x.cast::<i64>().amax_axes(named, keepdim)?)),
                Value::Var(x) if axes.is_none() && !keepdim => one(x.amax()?),
                Value::Var(x) => one(x.amax_axes(named, keepdim)?),
            }
        }),
        ("amin", |c| {
            let (axes, keepdim) = axes(c)?;
            let named = axes.clone().unwrap_or_default();
            match c.value("input")? {
                Value::Int(x) => one(x.amin_axes(named, keepdim)?),
                Value::Bool(x) => one(truth(&x.cast::<i64>().amin_axes(named, keepdim)?)),
                Value::Var(x) if axes.is_none() && !keepdim => one(x.amin()?),
                Value::Var(x) => one(x.amin_axes(named, keepdim)?),
            }
        }),
        ("argmax", |c| {
            let keepdim = c.flag("keepdim", false)?;
            match (c.axis_or_none("dim")?, c.value("input")?) {
                (Some(axis), Value::Int(x)) => one(x.argmax_axis(axis, keepdim)?),
                (Some(axis), _) => one(c.var("input")?.value().argmax_axis(axis, keepdim)?),
                (None, Value::Int(x)) => one(kept(&x.argmax()?, x.ndim(), keepdim)?),
                (None, _) => {
                    let x = c.var("input")?;
                    one(kept(&x.value().argmax()?, x.ndim(), keepdim)?)
                }
            }
        }),
        ("argmin", |c| {
            let keepdim = c.flag("keepdim", false)?;
            match (c.axis_or_none("dim")?, c.value("input")?) {
                (Some(axis), Value::Int(x)) => one(x.argmin_axis(axis, keepdim)?),
                (Some(axis), _) => one(c.var("input")?.value().argmin_axis(axis, keepdim)?),
                (None, Value::Int(x)) => one(kept(&x.argmin()?, x.ndim(), keepdim)?),
                (None, _) => {
                    let x = c.var("input")?;
                    one(kept(&x.value().argmin()?, x.ndim(), keepdim)?)
                }
            }
        }),
        ("linalg.vector_norm", |c| {
            let order = c.number("ord", 2.0)?;
            c.own_dtype(T::NAME)?;
            let x = c.var(c.named(&["input", "x"]))?;
            match axes(c)? {
                (None, false) => one(x.vector_norm(order)?),
                (axes, keepdim) => {
                    one(x.vector_norm_axes(order, axes.unwrap_or_default(), keepdim)?)
                }
            }
        }),
        ("mean", |c| {
            c.own_dtype(T::NAME)?;
            let x = c.var("input")?;
            match axes(c)? {
                (None, false) => one(x.mean()?),
                (axes, keepdim) => one(x.mean_axes(axes.unwrap_or_default(), keepdim)?),
            }
        }),
        ("norm", |c| {
            let order = match c.get("p") {
                None => 2.0,
                Some(Arg::Text(text)) if text == "fro" => 2.0,
                Some(Arg::Text(text)) if text == "inf" => f64::INFINITY,
                Some(Arg::Text(text)) if text == "-inf" => f64::NEG_INFINITY,
                _ => c.number("p", 2.0)?,
            };
            c.own_dtype(T::NAME)?;
            let x = c.var("input")?;
            match axes(c)? {
                (None, false) => one(x.norm(order)?),
                (axes, keepdim) => one(x.norm_axes(order, axes.unwrap_or_default(), keepdim)?),
            }
        }),
        ("std", |c| {
            spread(c, Var::std, |x, axes, correction, keepdim| {
                x.std_axes(axes, correction, keepdim)
            })
        }),
        ("sum", |c| {
            let (axes, keepdim) = axes(c)?;
            let named = axes.clone().unwrap_or_default();
            match c.value("input")? {
                Value::Int(x) => own(c, "i64", x.sum_axes(named, keepdim)?),
                Value::Bool(x) => own(c, "i64", x.cast::<i64>().sum_axes(named, keepdim)?),
                Value::Var(x) if axes.is_none() && !keepdim => own(c, T::NAME, x.sum()?),
                Value::Var(x) => own(c, T::NAME, x.sum_axes(named, keepdim)?),
            }
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

/// A result of type `name`, which is all that `dtype` may ask for.
pub(super) fn own<T: Float>(
    c: &Call<T>,
    name: &str,
    result: impl Into<Value<T>>,
) -> Result<Outputs<T>, Stop> {
    c.own_dtype(name)?;
    one(result)
}

fn truth(x: &Tensor<i64>) -> Tensor<bool> {
    x.cast()
}

/// A place among all elements, with axes of size 1 if they are to stay.
fn kept(at: &Tensor<i64>, ndim: usize, keepdim: bool) -> wengert::Result<Tensor<i64>> {
    at.reshape(vec![1; if keepdim { ndim } else { 0 }])
}

/// A variance or deviation, with `correction` or with the older `unbiased`.
fn spread<T: Float>(
    c: &Call<T>,
    of_all: impl Fn(&Var<T>) -> wengert::Result<Var<T>>,
    along: impl Fn(&Var<T>, Vec<isize>, f64, bool) -> wengert::Result<Var<T>>,
) -> Result<Outputs<T>, Stop> {
    let x = c.var("input")?;
    // The default of one must not hide what was given for the other.
    let correction = if c.is_given("unbiased") {
        f64::from(u8::from(c.flag("unbiased", true)?))
    } else {
        c.number("correction", 1.0)?
    };
    match axes(c)? {
        (None, false) if correction == 1.0 => one(of_all(&x)?),
        (axes, keepdim) => one(along(&x, axes.unwrap_or_default(), correction, keepdim)?),
    }
}
