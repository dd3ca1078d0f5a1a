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
        ("softmax", softmax),
    ]
}

fn softmax<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    one(c.var("input")?.softmax(c.axis("dim")?)?)
}

fn log_softmax<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    one(c.var("input")?.log_softmax(c.axis("dim")?)?)
}
