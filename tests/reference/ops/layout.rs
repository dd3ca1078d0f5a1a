//! Other shapes of the same elements, and padding.

use wengert::Float;

use super::any;
use crate::reference::call::{Adapter, Call, Outputs, Stop};
use crate::reference::value::Arg;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("expand", expand),
        ("flatten", |c| {
            let (start, end) = (c.axis_or("start_dim", 0)?, c.axis_or("end_dim", -1)?);
            any!(c.value("input")?, x => x.flatten(start, end))
        }),
        ("flip", |c| {
            let axes = c.axes("dims")?;
            any!(c.value("input")?, x => x.flip(&axes))
        }),
        ("nn.functional.pad", pad),
        ("permute", |c| {
            let order = c.axes("dims")?;
            any!(c.value("input")?, x => x.permute(&order))
        }),
        ("reshape", reshape),
        ("squeeze", |c| match c.axes_or_none("dim")? {
            None => any!(c.value("input")?, x => ok(x.squeeze_all())),
            Some(axes) => any!(c.value("input")?, x => x.squeeze(&axes)),
        }),
        ("t", |c| any!(c.value("input")?, x => x.t())),
        ("transpose", |c| {
            let (a, b) = (c.axis("dim0")?, c.axis("dim1")?);
            any!(c.value("input")?, x => x.transpose(a, b))
        }),
        ("unsqueeze", |c| {
            let axis = c.axis("dim")?;
            any!(c.value("input")?, x => x.unsqueeze(axis))
        }),
        ("view", reshape),
    ]
}

/// What cannot fail on a tensor can on a tape: one type for both.
trait Infallible<V> {
    fn result(self) -> wengert::Result<V>;
}

impl<E: wengert::Element> Infallible<Self> for wengert::Tensor<E> {
    fn result(self) -> wengert::Result<Self> {
        Ok(self)
    }
}

impl<V> Infallible<V> for wengert::Result<V> {
    fn result(self) -> Self {
        self
    }
}

fn ok<V>(value: impl Infallible<V>) -> wengert::Result<V> {
    value.result()
}

fn reshape<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let shape = c.axes("shape")?;
    any!(c.value("input")?, x => x.reshape(&shape))
}

/// The library takes the whole new shape: −1 is the size that the axis has.
fn expand<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let wanted = c.axes("size")?;
    any!(c.value("input")?, x => {
        let mut size = Vec::new();
        for (i, &n) in wanted.iter().enumerate() {
            let own = (x.ndim() + i).checked_sub(wanted.len()).and_then(|axis| x.shape().get(axis));
            match (usize::try_from(n), own) {
                (Ok(n), _) => size.push(n),
                (Err(_), Some(&own)) if n == -1 => size.push(own),
                _ => return Err(Stop::unsupported(format!("expand to {wanted:?}: sizes are not signed"))),
            }
        }
        x.expand(&size)
    })
}

fn pad<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    c.only("mode", &Arg::Text("constant".into()))?;
    let flat = c.axes("pad")?;
    let (pairs, []) = flat.as_chunks::<2>() else {
        return Err(Stop::unsupported(format!("pad takes pairs, got {flat:?}")));
    };
    let amounts: Vec<(isize, isize)> = pairs
        .iter()
        .map(|&[before, after]| (before, after))
        .collect();
    let value = c.number("value", 0.0)?;
    match c.value("input")? {
        crate::reference::call::Value::Var(x) => {
            crate::reference::call::one(x.pad(&amounts, T::of(value))?)
        }
        _ => Err(Stop::unsupported(format!("pads {} only", T::NAME))),
    }
}
