//! Several tensors into one, and one into several.

use wengert::{Float, Tensor, Var};

use crate::reference::call::{Adapter, Call, Outputs, Stop, Value, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("cat", |c| {
            let axis = c.axis_or("dim", 0)?;
            match c.int_list("tensors") {
                Some(tensors) => one(Tensor::cat(&references(&tensors), axis)?),
                None => one(Var::cat(&references(&c.vars("tensors")?), axis)?),
            }
        }),
        ("chunk", |c| {
            let (n, axis) = (c.size("chunks")?, c.axis_or("dim", 0)?);
            outputs(c, |x| x.chunk(n, axis), |x| x.chunk(n, axis))
        }),
        ("split", |c| {
            let name = if c.get("split_size").is_some() {
                "split_size"
            } else {
                "split_size_or_sections"
            };
            let (size, axis) = (c.size(name)?, c.axis_or("dim", 0)?);
            outputs(c, |x| x.split(size, axis), |x| x.split(size, axis))
        }),
        ("stack", |c| {
            let axis = c.axis_or("dim", 0)?;
            match c.int_list("tensors") {
                Some(tensors) => one(Tensor::stack(&references(&tensors), axis)?),
                None => one(Var::stack(&references(&c.vars("tensors")?), axis)?),
            }
        }),
    ]
}

fn references<V>(owned: &[V]) -> Vec<&V> {
    owned.iter().collect()
}

fn outputs<T: Float>(
    c: &Call<T>,
    of_var: impl Fn(&Var<T>) -> wengert::Result<Vec<Var<T>>>,
    of_ints: impl Fn(&Tensor<i64>) -> wengert::Result<Vec<Tensor<i64>>>,
) -> Result<Outputs<T>, Stop> {
    match c.value("input")? {
        Value::Int(x) => Ok(of_ints(&x)?.into_iter().map(Value::Int).collect()),
        _ => Ok(of_var(&c.var("input")?)?
            .into_iter()
            .map(Value::Var)
            .collect()),
    }
}
