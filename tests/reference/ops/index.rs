//! Elements chosen by a tensor of indices.

use wengert::Float;

use super::any;
use crate::reference::call::{Adapter, Value, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("gather", |c| {
            let (axis, index) = (c.axis("dim")?, c.ints("index")?);
            any!(c.value("input")?, x => x.gather(axis, &index))
        }),
        ("index_add", |c| {
            let (axis, index) = (c.axis("dim")?, c.ints("index")?);
            one(c.var("input")?.index_add(axis, &index, &c.var("source")?)?)
        }),
        ("index_select", |c| {
            let (axis, index) = (c.axis("dim")?, c.ints("index")?);
            any!(c.value("input")?, x => x.index_select(axis, &index))
        }),
        ("nn.functional.one_hot", |c| {
            let name = if c.get("tensor").is_some() {
                "tensor"
            } else {
                "input"
            };
            one(c.ints(name)?.one_hot::<i64>(c.size("num_classes")?)?)
        }),
        ("scatter_add", |c| {
            let (axis, index) = (c.axis("dim")?, c.ints("index")?);
            match (c.value("input")?, c.value("src")?) {
                (Value::Int(x), Value::Int(src)) => one(x.scatter_add(axis, &index, &src)?),
                _ => one(c.var("input")?.scatter_add(axis, &index, &c.var("src")?)?),
            }
        }),
    ]
}
