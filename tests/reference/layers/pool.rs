//! Pooling layers.

use wengert::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, Float, MaxPool2d, Tensor, Var, Visit, Visitor,
    VisitorMut,
};

use super::{Builder, Built, Criterion, module};
use crate::reference::call::{Call, Outputs, Stop};
use crate::reference::ops::{adaptive, average, maximum};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![
        ("AdaptiveAvgPool2d", |c| {
            module(AdaptiveAvgPool2d::new(adaptive(c)?))
        }),
        ("AdaptiveMaxPool2d", |c| {
            let size = adaptive(c)?;
            if c.flag("return_indices", false)? {
                return indexed(move |x| x.adaptive_max_pool2d_with_indices(size));
            }
            module(AdaptiveMaxPool2d::new(size))
        }),
        ("AvgPool2d", |c| module(AvgPool2d::from(average(c)?))),
        ("MaxPool2d", |c| {
            let options = maximum(c)?;
            if c.flag("return_indices", false)? {
                return indexed(move |x| x.max_pool2d_with_indices(&options));
            }
            module(MaxPool2d::from(options))
        }),
    ]
}

/// A module has one output. With indices it is the operation.
fn indexed<T: Float>(
    pool: impl Fn(&Var<T>) -> wengert::Result<(Var<T>, Tensor<i64>)> + 'static,
) -> Result<Built<T>, Stop> {
    Ok(Built::Loss(Box::new(Indexed(pool))))
}

struct Indexed<F>(F);

impl<T: Float, F> Visit<T> for Indexed<F> {
    fn visit<'a>(&'a self, _: &mut Visitor<'a, T>) {}
    fn visit_mut<'a>(&'a mut self, _: &mut VisitorMut<'a, T>) {}
}

impl<T, F> Criterion<T> for Indexed<F>
where
    T: Float,
    F: Fn(&Var<T>) -> wengert::Result<(Var<T>, Tensor<i64>)>,
{
    fn call(&self, inputs: &Call<T>) -> Result<Outputs<T>, Stop> {
        let (y, at) = (self.0)(&inputs.var("input0")?)?;
        Ok(vec![y.into(), at.into()])
    }
    fn buffers(&self) -> &dyn Visit<T> {
        self
    }
    fn buffers_mut(&mut self) -> &mut dyn Visit<T> {
        self
    }
}
