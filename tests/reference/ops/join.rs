//! Several tensors into one, and one into several.

use wengert::{Float, Tensor, Var};

use crate::reference::call::{Adapter, Value, one};
use crate::reference::value::Arg;

/// A call that cuts a tensor of whichever type into pieces.
macro_rules! pieces {
    ($c:expr, $x:ident => $call:expr) => {
        match $c.value($c.named(&["input", "tensor"]))? {
            Value::Var($x) => Ok($call?.into_iter().map(Value::Var).collect()),
            Value::Int($x) => Ok($call?.into_iter().map(Value::Int).collect()),
            Value::Bool($x) => Ok($call?.into_iter().map(Value::Bool).collect()),
        }
    };
}

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("cat", |c| {
            let axis = c.axis_or("dim", 0)?;
            match (c.int_list("tensors"), c.mask_list("tensors")) {
                (Some(tensors), _) => one(Tensor::cat(&references(&tensors), axis)?),
                (_, Some(tensors)) => one(Tensor::cat(&references(&tensors), axis)?),
                _ => one(Var::cat(&references(&c.vars("tensors")?), axis)?),
            }
        }),
        ("chunk", |c| {
            let (n, axis) = (c.size("chunks")?, c.axis_or("dim", 0)?);
            pieces!(c, x => x.chunk(n, axis))
        }),
        ("split", |c| {
            let name = c.named(&["split_size", "split_sizes", "split_size_or_sections"]);
            let axis = c.axis_or("dim", 0)?;
            if let Some(Arg::List(_)) = c.get(name) {
                let sizes = c.sizes(name)?;
                return pieces!(c, x => x.split_with_sizes(&sizes, axis));
            }
            let size = c.size(name)?;
            pieces!(c, x => x.split(size, axis))
        }),
        ("split_with_sizes", |c| {
            let (sizes, axis) = (c.sizes("split_sizes")?, c.axis_or("dim", 0)?);
            pieces!(c, x => x.split_with_sizes(&sizes, axis))
        }),
        ("stack", |c| {
            let axis = c.axis_or("dim", 0)?;
            match (c.int_list("tensors"), c.mask_list("tensors")) {
                (Some(tensors), _) => one(Tensor::stack(&references(&tensors), axis)?),
                (_, Some(tensors)) => one(Tensor::stack(&references(&tensors), axis)?),
                _ => one(Var::stack(&references(&c.vars("tensors")?), axis)?),
            }
        }),
    ]
}

fn references<V>(owned: &[V]) -> Vec<&V> {
    owned.iter().collect()
}
