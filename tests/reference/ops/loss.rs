//! Losses.

use wengert::{CrossEntropyOptions, Float, Reduction};

use crate::reference::call::{Adapter, Call, Stop, one};
use crate::reference::value::Arg;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("nn.functional.cross_entropy", |c| {
            let options = cross_entropy(c)?;
            one(c.var("input")?.cross_entropy(&c.ints("target")?, options)?)
        }),
        ("nn.functional.mse_loss", |c| {
            let reduction = reduction(c)?;
            one(c.var("input")?.mse_loss(&c.var("target")?, reduction)?)
        }),
    ]
}

/// `mean`, `sum` or `none`.
pub(crate) fn reduction<T: Float>(c: &Call<T>) -> Result<Reduction, Stop> {
    match c.text("reduction", "mean")? {
        "mean" => Ok(Reduction::Mean),
        "sum" => Ok(Reduction::Sum),
        "none" => Ok(Reduction::None),
        other => Err(Stop::unsupported(format!("a reduction `{other}`"))),
    }
}

/// The options of cross-entropy.
pub(crate) fn cross_entropy<T: Float>(c: &Call<T>) -> Result<CrossEntropyOptions, Stop> {
    c.only("label_smoothing", &Arg::Float(0.0))?;
    let options = CrossEntropyOptions::from(reduction(c)?);
    Ok(match c.int_or_none("ignore_index")? {
        None => options,
        Some(ignored) => options.ignore_index(ignored),
    })
}
