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
            let labels = c.ints(c.named(&["input", "tensor"]))?;
            let classes = match c.int_or_none("num_classes")? {
                // As many as the largest label needs.
                None | Some(-1) => {
                    let last = labels.amax()?.item()?;
                    usize::try_from(last.saturating_add(1)).unwrap_or(0)
                }
                Some(_) => c.size("num_classes")?,
            };
            one(labels.one_hot::<i64>(classes)?)
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
