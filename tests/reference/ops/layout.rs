//! Other shapes of the same elements.

use wengert::Float;

use super::any;
use crate::reference::call::Adapter;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("expand", |c| {
            let size = c.axes("size")?;
            any!(c.value("input")?, x => x.expand(&size))
        }),
        ("flatten", |c| {
            let (start, end) = (c.axis_or("start_dim", 0)?, c.axis_or("end_dim", -1)?);
            any!(c.value("input")?, x => x.flatten(start, end))
        }),
        ("flip", |c| {
            let axes = c.axes("dims")?;
            any!(c.value("input")?, x => x.flip(&axes))
        }),
        ("permute", |c| {
            let order = c.axes("dims")?;
            any!(c.value("input")?, x => x.permute(&order))
        }),
        ("reshape", |c| {
            let shape = c.axes("shape")?;
            any!(c.value("input")?, x => x.reshape(&shape))
        }),
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
        ("view", |c| {
            let shape = c.axes(c.named(&["shape", "size"]))?;
            any!(c.value("input")?, x => x.view(&shape))
        }),
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
