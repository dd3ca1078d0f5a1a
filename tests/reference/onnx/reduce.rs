//! Reductions.

use wengert::{Float, Var};

use super::layout::listed;
use crate::reference::call::{Adapter, Call, Outputs, Stop, Value, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("ReduceL1", |c| {
            floats(c, |x, axes, keep| x.norm_axes(1.0, axes, keep))
        }),
        ("ReduceL2", |c| {
            floats(c, |x, axes, keep| x.norm_axes(2.0, axes, keep))
        }),
        ("ReduceLogSum", |c| {
            floats(c, |x, axes, keep| x.sum_axes(axes, keep)?.log())
        }),
        ("ReduceLogSumExp", |c| {
            floats(c, |x, axes, keep| x.logsumexp(axes, keep))
        }),
        ("ReduceMax", |c| {
            let Some((axes, keep)) = axes(c)? else {
                return all(c);
            };
            match c.value("data")? {
                Value::Int(x) => one(x.amax_axes(axes, keep)?),
                Value::Bool(x) => one(x.cast::<i64>().amax_axes(axes, keep)?.cast::<bool>()),
                Value::Var(x) => one(x.amax_axes(axes, keep)?),
            }
        }),
        ("ReduceMean", |c| {
            floats(c, |x, axes, keep| x.mean_axes(axes, keep))
        }),
        ("ReduceMin", |c| {
            let Some((axes, keep)) = axes(c)? else {
                return all(c);
            };
            match c.value("data")? {
                Value::Int(x) => one(x.amin_axes(axes, keep)?),
                Value::Bool(x) => one(x.cast::<i64>().amin_axes(axes, keep)?.cast::<bool>()),
                Value::Var(x) => one(x.amin_axes(axes, keep)?),
            }
        }),
        ("ReduceProd", |c| floats(c, product)),
        ("ReduceSum", |c| {
            let Some((axes, keep)) = axes(c)? else {
                return all(c);
            };
            match c.value("data")? {
                Value::Int(x) => one(x.sum_axes(axes, keep)?),
                _ => one(c.var("data")?.sum_axes(axes, keep)?),
            }
        }),
        ("ReduceSumSquare", |c| {
            floats(c, |x, axes, keep| x.square()?.sum_axes(axes, keep))
        }),
    ]
}

/// The axes, none for all, and whether they stay with size 1; `None` if there
/// is nothing to reduce.
fn axes<T: Float>(c: &Call<T>) -> Result<Option<(Vec<isize>, bool)>, Stop> {
    let axes = listed(c, "axes")?.unwrap_or_default();
    let keepdims = c.int_or_none("keepdims")? != Some(0);
    let nothing = c.int_or_none("noop_with_empty_axes")? == Some(1) && axes.is_empty();
    Ok((!nothing).then_some((axes, keepdims)))
}

fn all<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    Ok(vec![c.value("data")?])
}

/// A reduction along axes, which are kept or not.
type Reduce<T> = fn(&Var<T>, &[isize], bool) -> wengert::Result<Var<T>>;

fn floats<T: Float>(c: &Call<T>, reduce: Reduce<T>) -> Result<Outputs<T>, Stop> {
    match axes(c)? {
        None => all(c),
        Some((axes, keep)) => one(reduce(&c.var("data")?, &axes, keep)?),
    }
}

/// The product, slice by slice.
fn product<T: Float>(x: &Var<T>, axes: &[isize], keep: bool) -> wengert::Result<Var<T>> {
    let mut folded = wengert::shape::axes("ReduceProd", axes, x.ndim())?;
    if folded.is_empty() {
        folded = (0..x.ndim()).collect();
    }
    let mut y = x.clone();
    for &axis in folded.iter().rev() {
        let mut shape = y.shape().to_vec();
        shape[axis] = 1;
        let mut product = y.constant(wengert::Tensor::ones(&shape)?);
        for slice in y.split(1, axis as isize)? {
            if slice.shape()[axis] == 1 {
                product = product.mul(&slice)?;
            }
        }
        y = product;
    }
    let axes: Vec<isize> = folded.iter().map(|&axis| axis as isize).collect();
    if keep || axes.is_empty() {
        Ok(y)
    } else {
        y.squeeze(axes)
    }
}
