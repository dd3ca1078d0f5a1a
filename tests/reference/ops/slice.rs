//! Parts of a tensor.

use wengert::{Float, Slice};

use super::any;
use crate::reference::call::{Adapter, Call, Outputs, Stop, Value, one};
use crate::reference::value::{AnyTensor, Arg};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("__getitem__", getitem),
        ("narrow", |c| {
            let (axis, start, len) = (c.axis("dim")?, c.axis("start")?, c.size("length")?);
            any!(c.value("input")?, x => x.narrow(axis, start, len))
        }),
        ("select", |c| {
            let (axis, index) = (c.axis("dim")?, c.axis("index")?);
            any!(c.value("input")?, x => x.select(axis, index))
        }),
        ("slice", slice),
    ]
}

const WHOLE: Slice = Slice::Range {
    start: None,
    end: None,
    step: 1,
};

fn bound(bound: i64) -> Result<isize, Stop> {
    isize::try_from(bound).map_err(|_| Stop::unsupported(format!("a bound of {bound}")))
}

fn range([start, end, step]: [Option<i64>; 3]) -> Result<Slice, Stop> {
    let step = step.unwrap_or(1);
    Ok(Slice::Range {
        start: start.map(bound).transpose()?,
        end: end.map(bound).transpose()?,
        step: usize::try_from(step).map_err(|_| Stop::unsupported(format!("a step of {step}")))?,
    })
}

/// Slices stand in the order of the axes: those before `dim` are taken whole.
fn slice<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let axis = c.axis_or("dim", 0)?;
    let range = range([
        c.int_or_none("start")?,
        c.int_or_none("end")?,
        c.int_or_none("step")?,
    ])?;
    any!(c.value("input")?, x => {
        let axis = if axis < 0 { axis.checked_add_unsigned(x.ndim()) } else { Some(axis) };
        let Some(axis) = axis.and_then(|axis| usize::try_from(axis).ok()) else {
            return Err(Stop::unsupported("slices stand in the order of the axes"));
        };
        let mut slices = vec![WHOLE; axis];
        slices.push(range);
        x.slice(&slices)
    })
}

/// One part of an index.
enum Part {
    Slice(Slice),
    NewAxis,
    Ellipsis,
    Gather(wengert::Tensor<i64>),
}

fn part<T: Float>(arg: &Arg<T>) -> Result<Part, Stop> {
    Ok(match arg {
        Arg::Int(i) => Part::Slice(Slice::Index(bound(*i)?)),
        Arg::Slice(parts) => Part::Slice(range(*parts)?),
        Arg::Ellipsis => Part::Ellipsis,
        Arg::Null => Part::NewAxis,
        Arg::Tensor(AnyTensor::I64(at)) if at.ndim() == 1 => Part::Gather(at.clone()),
        other => {
            return Err(Stop::unsupported(format!(
                "an index that is {}",
                other.describe()
            )));
        }
    })
}

/// `x[1, :, None, ..., 2:6]`: a slice, then the new axes; one axis may be
/// indexed by a tensor, which is an `index_select`.
fn getitem<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let parts = match c.get("index") {
        Some(Arg::List(items)) => items.iter().map(part).collect::<Result<Vec<_>, _>>()?,
        Some(one) => vec![part(one)?],
        None => vec![Part::NewAxis],
    };
    let mut x = match c.value("input")? {
        Value::Var(x) => x,
        _ => return Err(Stop::unsupported(format!("indexes {} only", T::NAME))),
    };
    let named = parts
        .iter()
        .filter(|part| matches!(part, Part::Slice(_) | Part::Gather(_)))
        .count();
    let rest = x.ndim().saturating_sub(named);

    let (mut slices, mut new_axes, mut select) = (Vec::new(), Vec::new(), None);
    let mut kept = 0; // axes of the result so far
    for part in parts {
        match part {
            Part::Slice(slice) => {
                kept += isize::from(slice_keeps(slice));
                slices.push(slice);
            }
            Part::Ellipsis => {
                slices.resize(slices.len() + rest, WHOLE);
                kept += rest as isize;
            }
            Part::NewAxis => {
                new_axes.push(kept);
                kept += 1;
            }
            Part::Gather(at) => {
                let others = select.is_some() || !new_axes.is_empty();
                if others || slices.iter().any(|slice| !slice_keeps(*slice)) {
                    return Err(Stop::unsupported("an index of several kinds"));
                }
                select = Some((kept, at));
                slices.push(WHOLE);
                kept += 1;
            }
        }
    }
    x = x.slice(&slices)?;
    if let Some((axis, at)) = select {
        x = x.index_select(axis, &at)?;
    }
    for axis in new_axes {
        x = x.unsqueeze(axis)?;
    }
    one(x)
}

fn slice_keeps(slice: Slice) -> bool {
    matches!(slice, Slice::Range { .. })
}
