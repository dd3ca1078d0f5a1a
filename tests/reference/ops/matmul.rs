//! Products of matrices.

use wengert::{Float, Var};

use crate::reference::call::{Adapter, Call, Outputs, Stop, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("bmm", |c| ranked(c, 3)),
        ("matmul", |c| {
            one(c.var("input")?.matmul(&c.var("other")?)?)
        }),
        ("mm", |c| ranked(c, 2)),
        ("nn.functional.linear", |c| {
            let bias = c.var_or_none("bias")?;
            one(c.var("input")?.linear(&c.var("weight")?, bias.as_ref())?)
        }),
    ]
}

/// The library has one product for all ranks; that of `ndim` axes refuses
/// others, which `matmul` has no way to say.
fn ranked<T: Float>(c: &Call<T>, ndim: usize) -> Result<Outputs<T>, Stop> {
    let (a, b): (Var<T>, Var<T>) = (c.var("input")?, c.var("mat2")?);
    let batched = ndim == 3 && a.shape().first() != b.shape().first();
    if a.ndim() != ndim || b.ndim() != ndim || batched {
        return Err(Stop::unsupported("`matmul` takes any rank, and broadcasts"));
    }
    one(a.matmul(&b)?)
}
