//! Parts of a tensor.

use wengert::{Float, Slice, Tensor};

use super::any;
use crate::reference::call::{Adapter, Call, Outputs, Stop};
use crate::reference::value::{AnyTensor, Arg};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("__getitem__", getitem),
        ("narrow", |c| {
            let start = match c.get("start") {
                Some(Arg::Tensor(_)) => c.ints("start")?.item()? as isize,
                _ => c.axis("start")?,
            };
            let (axis, len) = (c.axis("dim")?, c.size("length")?);
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
    /// Positions, or the places of a mask: a tensor for each axis of the mask.
    At(Vec<Tensor<i64>>),
}

fn part<T: Float>(arg: &Arg<T>, shape: &[usize]) -> Result<Part, Stop> {
    let unsupported = || Stop::unsupported(format!("an index that is {}", arg.describe()));
    Ok(match arg {
        Arg::Int(i) => Part::Slice(Slice::Index(bound(*i)?)),
        Arg::Slice(parts) => Part::Slice(range(*parts)?),
        Arg::Ellipsis => Part::Ellipsis,
        Arg::Null => Part::NewAxis,
        // A number, be it a tensor, takes its axis away.
        Arg::Tensor(AnyTensor::I64(at)) if at.ndim() == 0 => {
            Part::Slice(Slice::Index(bound(at.item()?)?))
        }
        Arg::Tensor(AnyTensor::I64(at)) => Part::At(vec![at.clone()]),
        Arg::Tensor(AnyTensor::Bool(mask)) => Part::At(places(mask, shape)?),
        Arg::List(items) => {
            let position = |item: &Arg<T>| match item {
                Arg::Int(i) => Ok(*i),
                _ => Err(unsupported()),
            };
            let at = items.iter().map(position).collect::<Result<Vec<_>, _>>()?;
            Part::At(vec![Tensor::from(at)])
        }
        _ => return Err(unsupported()),
    })
}

/// A mask over the leading axes is as good as its places.
fn places(mask: &Tensor<bool>, shape: &[usize]) -> Result<Vec<Tensor<i64>>, Stop> {
    if mask.ndim() == 0 || !shape.starts_with(mask.shape()) {
        return Err(Stop::unsupported("a mask of other axes"));
    }
    let places = mask.nonzero()?;
    let along = |axis| places.select(1, axis as isize);
    Ok((0..mask.ndim()).map(along).collect::<Result<_, _>>()?)
}

/// `x[1, :, None, ..., 2:6]`: a slice, then the new axes, then the positions
/// that tensors list.
fn getitem<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    any!(c.value("input")?, x => {
        let parts = match c.get("index") {
            Some(Arg::List(items)) => {
                let part = |item| part(item, x.shape());
                items.iter().map(part).collect::<Result<Vec<_>, _>>()?
            }
            Some(one) => vec![part(one, x.shape())?],
            None => vec![Part::NewAxis],
        };
        let axes = |part: &Part| match part {
            Part::Slice(_) => 1,
            Part::At(tensors) => tensors.len(),
            Part::NewAxis | Part::Ellipsis => 0,
        };
        let rest = x.ndim().saturating_sub(parts.iter().map(axes).sum());
        // One index for each axis that there is before the last step.
        let (mut slices, mut new_axes, mut indices) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            match part {
                Part::Slice(slice) => {
                    slices.push(slice);
                    if let Slice::Range { .. } = slice {
                        indices.push(None);
                    }
                }
                Part::Ellipsis => {
                    slices.resize(slices.len() + rest, WHOLE);
                    indices.resize(indices.len() + rest, None);
                }
                Part::NewAxis => {
                    new_axes.push(indices.len() as isize);
                    indices.push(None);
                }
                Part::At(tensors) => {
                    slices.resize(slices.len() + tensors.len(), WHOLE);
                    indices.extend(tensors.into_iter().map(Some));
                }
            }
        }
        let mut x = x.slice(&slices)?;
        for axis in new_axes {
            x = x.unsqueeze(axis)?;
        }
        x.index_by(&indices.iter().map(Option::as_ref).collect::<Vec<_>>())
    })
}
