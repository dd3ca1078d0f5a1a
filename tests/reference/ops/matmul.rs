//! Products of matrices.

use wengert::Float;

use crate::reference::call::{Adapter, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("bmm", |c| one(c.var("input")?.bmm(&c.var("mat2")?)?)),
        ("matmul", |c| {
            one(c.var("input")?.matmul(&c.var("other")?)?)
        }),
        ("mm", |c| one(c.var("input")?.mm(&c.var("mat2")?)?)),
        ("nn.functional.linear", |c| {
            let bias = c.var_or_none("bias")?;
            one(c.var("input")?.linear(&c.var("weight")?, bias.as_ref())?)
        }),
    ]
}
