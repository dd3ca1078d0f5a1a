//! The softmax family.

use wengert::{Float, Var};

use crate::reference::call::{Adapter, Call, Outputs, Stop, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("LogSoftmax", |c| along(c, Var::log_softmax)),
        ("Softmax", |c| along(c, Var::softmax)),
    ]
}

/// Before opset 13 the axis, 1 by default, parted the axes into two, and those
/// from it on were one line.
fn along<T: Float>(
    c: &Call<T>,
    of: fn(&Var<T>, isize) -> wengert::Result<Var<T>>,
) -> Result<Outputs<T>, Stop> {
    let x = c.var("input")?;
    if c.int_or_none("opset")?.is_some_and(|opset| opset >= 13) {
        return one(of(&x, c.axis_or("axis", -1)?)?);
    }
    let lines = x.flatten(c.axis_or("axis", 1)?, -1)?;
    one(of(&lines, -1)?.reshape_to(x.shape())?)
}
