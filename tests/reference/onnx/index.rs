//! Elements chosen by indices, which count from the end when negative.

use wengert::{Float, Tensor};

use crate::reference::call::{Adapter, Call, Outputs, Stop, Value, one};
use crate::reference::ops::any;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("ArgMax", |c| {
            place(c, Tensor::argmax_axis, Tensor::argmax_axis)
        }),
        ("ArgMin", |c| {
            place(c, Tensor::argmin_axis, Tensor::argmin_axis)
        }),
        ("Gather", gather),
        ("GatherElements", |c| {
            let axis = c.axis_or("axis", 0)?;
            any!(c.value("data")?, x => {
                let index = from_start(&c.ints("indices")?, x.shape(), axis)?;
                x.gather(axis, &index)
            })
        }),
        ("ScatterElements", |c| {
            if c.text("reduction", "none")? != "add" {
                return Err(Stop::unsupported("`scatter_add` only adds"));
            }
            let (axis, index) = (c.axis_or("axis", 0)?, c.ints("indices")?);
            match (c.value("data")?, c.value("updates")?) {
                (Value::Int(x), Value::Int(y)) => {
                    one(x.scatter_add(axis, &from_start(&index, x.shape(), axis)?, &y)?)
                }
                _ => {
                    let (x, y) = (c.var("data")?, c.var("updates")?);
                    one(x.scatter_add(axis, &from_start(&index, x.shape(), axis)?, &y)?)
                }
            }
        }),
    ]
}

/// The size of an axis that may be negative.
pub(super) fn size_along(shape: &[usize], axis: isize) -> Result<usize, Stop> {
    Ok(shape[wengert::shape::axis("axis", axis, shape.len())?])
}

/// Indices that count from the end, as indices from the start.
fn from_start(index: &Tensor<i64>, shape: &[usize], axis: isize) -> Result<Tensor<i64>, Stop> {
    let size = size_along(shape, axis)? as i64;
    Ok(index.map(|i| if i < 0 { i + size } else { i }))
}

/// Rows of any shape: a selection along the axis, which then becomes several.
fn gather<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let (axis, index) = (c.axis_or("axis", 0)?, c.ints("indices")?);
    any!(c.value("data")?, x => {
        let flat = from_start(&index, x.shape(), axis)?.flatten(0, -1)?;
        let at = wengert::shape::axis("Gather", axis, x.ndim())?;
        let shape = [&x.shape()[..at], index.shape(), &x.shape()[at + 1..]].concat();
        x.index_select(axis, &flat)?.reshape_to(shape)
    })
}

/// Of several, the last one is the first of the mirror image.
fn place<T: Float>(
    c: &Call<T>,
    of_floats: fn(&Tensor<T>, isize, bool) -> wengert::Result<Tensor<i64>>,
    of_ints: fn(&Tensor<i64>, isize, bool) -> wengert::Result<Tensor<i64>>,
) -> Result<Outputs<T>, Stop> {
    let (axis, keepdims) = (c.axis_or("axis", 0)?, c.int_or_none("keepdims")? != Some(0));
    let from_end = c.int_or_none("select_last_index")? == Some(1);
    let places = match c.value("data")? {
        Value::Int(x) if from_end => of_ints(&x.flip(axis)?, axis, keepdims)?,
        Value::Int(x) => of_ints(&x, axis, keepdims)?,
        _ if from_end => of_floats(c.var("data")?.flip(axis)?.value(), axis, keepdims)?,
        _ => of_floats(c.var("data")?.value(), axis, keepdims)?,
    };
    if !from_end {
        return one(places);
    }
    let shape = c.value("data")?.tensor().shape().to_vec();
    let last = size_along(&shape, axis)? as i64 - 1;
    one(places.map(|i| last - i))
}
