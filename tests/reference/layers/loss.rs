//! Losses as layers.

use wengert::{CrossEntropyLoss, Float, MseLoss};

use super::{Builder, loss};
use crate::reference::ops::{cross_entropy, reduction};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![
        ("CrossEntropyLoss", |c| {
            let layer = CrossEntropyLoss::new(cross_entropy(c)?);
            loss(move |x, inputs| Ok(layer.forward(x, &inputs.ints("input1")?)?))
        }),
        ("MSELoss", |c| {
            let reduction = reduction(c)?;
            loss(move |x, inputs| {
                let target = inputs.var("input1")?;
                // The layer takes a target without a gradient.
                if target.is_tracked() {
                    return Ok(x.mse_loss(&target, reduction)?);
                }
                Ok(MseLoss { reduction }.forward(x, target.value())?)
            })
        }),
    ]
}
