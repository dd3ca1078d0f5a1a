//! The softmax family.

use wengert::Float;

use crate::reference::call::{Adapter, Call, Outputs, Stop, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("log_softmax", log_softmax),
        ("logsumexp", |c| {
            let axes = c.axes("dim")?;
            one(c.var("input")?.logsumexp(axes, c.flag("keepdim", false)?)?)
        }),
        ("nn.functional.log_softmax", log_softmax),
        ("nn.functional.softmax", softmax),
        ("nn.functional.softmin", |c| {
            c.own_dtype(T::NAME)?;
            one(c.var("input")?.softmin(axis(c)?)?)
        }),
        ("softmax", softmax),
    ]
}

fn softmax<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    c.own_dtype(T::NAME)?;
    one(c.var("input")?.softmax(axis(c)?)?)
}

fn log_softmax<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    c.own_dtype(T::NAME)?;
    one(c.var("input")?.log_softmax(axis(c)?)?)
}

fn axis<T: Float>(c: &Call<T>) -> Result<isize, Stop> {
    let ndim = c.var("input")?.ndim();
    Ok(c.axis_or_none("dim")?.unwrap_or(implied_axis(ndim)))
}

/// The axis that PyTorch takes, with a warning, where none is named.
pub(crate) fn implied_axis(ndim: usize) -> isize {
    isize::from(!matches!(ndim, 0 | 1 | 3))
}
