//! Other shapes of the same elements, joins and repeats.

use wengert::{Float, Tensor, Var};

use crate::reference::call::{Adapter, Call, Outputs, Stop, Value, one};
use crate::reference::ops::any;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("Concat", concat),
        ("CumSum", |c| {
            let flag = |name| Ok::<_, Stop>(c.int_or_none(name)? == Some(1));
            let (reverse, exclusive) = (flag("reverse")?, flag("exclusive")?);
            let axis = c.ints("axis")?.item()? as isize;
            let mut x = c.var("x")?;
            if reverse {
                x = x.flip(axis)?;
            }
            let mut sums = x.cumsum(axis)?;
            if exclusive {
                sums = sums.sub(&x)?;
            }
            one(if reverse { sums.flip(axis)? } else { sums })
        }),
        ("Expand", |c| {
            let shape = sizes(&c.ints("shape")?)?;
            any!(c.value("input")?, x => {
                // Either side broadcasts to the other.
                x.expand(wengert::shape::broadcast("Expand", x.shape(), &shape)?)
            })
        }),
        ("Flatten", |c| {
            let axis = c.axis_or("axis", 1)?;
            any!(c.value("input")?, x => {
                // Behind the last axis is a place, too, though not from the end.
                let ndim = x.ndim() + usize::from(axis >= 0);
                let at = wengert::shape::axis("Flatten", axis, ndim)?;
                let of = |sizes: &[usize]| sizes.iter().product::<usize>();
                x.reshape_to([of(&x.shape()[..at]), of(&x.shape()[at..])])
            })
        }),
        ("Reshape", reshape),
        ("Split", |c| {
            let axis = c.axis_or("axis", 0)?;
            if let Some(sizes) = listed(c, "split")? {
                let sizes: Vec<usize> = sizes.iter().map(|&n| n as usize).collect();
                return match c.value("input")? {
                    Value::Int(x) => all(x.split_with_sizes(&sizes, axis)?),
                    Value::Bool(x) => all(x.split_with_sizes(&sizes, axis)?),
                    Value::Var(x) => all(x.split_with_sizes(&sizes, axis)?),
                };
            }
            let n = c.size("num_outputs")?;
            match c.value("input")? {
                Value::Int(x) => all(x.chunk(n, axis)?),
                Value::Bool(x) => all(x.chunk(n, axis)?),
                Value::Var(x) => all(x.chunk(n, axis)?),
            }
        }),
        ("Squeeze", |c| match listed(c, "axes")? {
            Some(axes) => any!(c.value("data")?, x => x.squeeze(&axes)),
            None => match c.value("data")? {
                Value::Int(x) => one(x.squeeze_all()),
                Value::Bool(x) => one(x.squeeze_all()),
                Value::Var(x) => one(x.squeeze_all()?),
            },
        }),
        ("Tile", |c| {
            let repeats = sizes(&c.ints("repeats")?)?;
            any!(c.value("input")?, x => {
                // [a, b] to [1, a, 1, b], repeated along the ones, joined again.
                let (mut apart, mut wide, mut joint) = (vec![], vec![], vec![]);
                for (&size, &n) in x.shape().iter().zip(&repeats) {
                    apart.extend([1, size]);
                    wide.extend([n, size]);
                    joint.push(n * size);
                }
                x.reshape_to(apart)?.expand(wide)?.reshape_to(joint)
            })
        }),
        ("Transpose", |c| {
            let order = c.axes_or_none("perm")?;
            any!(c.value("data")?, x => {
                let reversed = || (0..x.ndim() as isize).rev().collect();
                x.permute(order.clone().unwrap_or_else(reversed))
            })
        }),
        ("Trilu", |c| {
            let upper = c.int_or_none("upper")? != Some(0);
            let diagonal = match c.get("k") {
                Some(_) => c.ints("k")?.item()? as isize,
                None => 0,
            };
            match upper {
                true => any!(c.value("input")?, x => x.triu(diagonal)),
                false => any!(c.value("input")?, x => x.tril(diagonal)),
            }
        }),
        ("Unsqueeze", |c| {
            let axes = listed(c, "axes")?.unwrap_or_default();
            any!(c.value("data")?, x => {
                // The numbers are those of the result's axes.
                let ndim = x.ndim() + axes.len();
                let mut at = wengert::shape::axes("Unsqueeze", &axes, ndim)?;
                at.sort_unstable();
                let mut shape = x.shape().to_vec();
                at.iter().for_each(|&at| shape.insert(at, 1));
                x.reshape_to(shape)
            })
        }),
    ]
}

fn all<T: Float, V: Into<Value<T>>>(values: Vec<V>) -> Result<Outputs<T>, Stop> {
    Ok(values.into_iter().map(Into::into).collect())
}

/// Axes or sizes, an attribute in old models and an input in new ones.
pub(super) fn listed<T: Float>(c: &Call<T>, name: &str) -> Result<Option<Vec<isize>>, Stop> {
    match c.get(name) {
        None => Ok(None),
        Some(_) => match c.ints(name) {
            Ok(numbers) => Ok(Some(numbers.iter().map(|&n| n as isize).collect())),
            Err(_) => c.axes_or_none(name),
        },
    }
}

fn sizes(numbers: &Tensor<i64>) -> Result<Vec<usize>, Stop> {
    let sizes = numbers.iter().map(|&n| usize::try_from(n).ok());
    let sizes = sizes.collect::<Option<Vec<_>>>();
    sizes.ok_or_else(|| Stop::unsupported(format!("sizes of {:?}", numbers.to_vec())))
}

fn concat<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let axis = c.axis("axis")?;
    let (mut vars, mut ints, mut masks) = (vec![], vec![], vec![]);
    for name in c.numbered() {
        match c.value(&name)? {
            Value::Var(x) => vars.push(x),
            Value::Int(x) => ints.push(x),
            Value::Bool(x) => masks.push(x),
        }
    }
    match (vars.is_empty(), ints.is_empty(), masks.is_empty()) {
        (_, true, true) => one(Var::cat(&vars.iter().collect::<Vec<_>>(), axis)?),
        (true, false, true) => one(Tensor::cat(&ints.iter().collect::<Vec<_>>(), axis)?),
        (true, true, false) => one(Tensor::cat(&masks.iter().collect::<Vec<_>>(), axis)?),
        _ => Err(Stop::unsupported("no operation mixes types")),
    }
}

/// Where 0 is not allowed as a size, it keeps the one that there is.
fn reshape<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let wanted = listed(c, "shape")?.unwrap_or_default();
    let literal = c.int_or_none("allowzero")? == Some(1);
    any!(c.value("data")?, x => {
        let own = |axis: usize| x.shape().get(axis).map_or(0, |&size| size as isize);
        let size = |(axis, &size): (usize, &isize)| match size {
            0 if !literal => own(axis),
            size => size,
        };
        x.reshape(wanted.iter().enumerate().map(size).collect::<Vec<_>>())
    })
}
