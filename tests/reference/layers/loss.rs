//! Losses as layers.

use wengert::{
    BceLoss, BceWithLogitsLoss, CrossEntropyLoss, Float, HuberLoss, KlDivLoss, L1Loss, MseLoss,
    NllLoss, SmoothL1Loss,
};

use super::{Builder, loss};
use crate::reference::call::Value;
use crate::reference::ops::{binary, binary_with_logits, cross_entropy, kl_div, nll, reduction};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![
        ("BCELoss", |c| {
            loss(BceLoss::new(binary(c)?), |loss, x, inputs| {
                Ok(loss.forward(x, &inputs.var("input1")?)?)
            })
        }),
        ("BCEWithLogitsLoss", |c| {
            let layer = BceWithLogitsLoss::new(binary_with_logits(c)?);
            loss(layer, |loss, x, inputs| {
                Ok(loss.forward(x, &inputs.var("input1")?)?)
            })
        }),
        ("CrossEntropyLoss", |c| {
            let layer = CrossEntropyLoss::new(cross_entropy(c)?);
            loss(layer, |loss, x, inputs| match inputs.value("input1")? {
                Value::Int(labels) => Ok(loss.forward(x, &labels)?),
                _ => Ok(loss.forward(x, &inputs.var("input1")?)?),
            })
        }),
        ("HuberLoss", |c| {
            let (reduction, delta) = (reduction(c)?, c.number("delta", 1.0)?);
            loss(HuberLoss { reduction, delta }, |loss, x, inputs| {
                Ok(loss.forward(x, &inputs.var("input1")?)?)
            })
        }),
        ("KLDivLoss", |c| {
            loss(KlDivLoss::new(kl_div(c)?), |loss, x, inputs| {
                Ok(loss.forward(x, &inputs.var("input1")?)?)
            })
        }),
        ("L1Loss", |c| {
            let reduction = reduction(c)?;
            loss(L1Loss { reduction }, |loss, x, inputs| {
                Ok(loss.forward(x, &inputs.var("input1")?)?)
            })
        }),
        ("MSELoss", |c| {
            let reduction = reduction(c)?;
            loss(MseLoss { reduction }, |loss, x, inputs| {
                Ok(loss.forward(x, &inputs.var("input1")?)?)
            })
        }),
        ("NLLLoss", |c| {
            loss(NllLoss::new(nll(c)?), |loss, x, inputs| {
                Ok(loss.forward(x, &inputs.ints("input1")?)?)
            })
        }),
        ("SmoothL1Loss", |c| {
            let (reduction, beta) = (reduction(c)?, c.number("beta", 1.0)?);
            loss(SmoothL1Loss { reduction, beta }, |loss, x, inputs| {
                Ok(loss.forward(x, &inputs.var("input1")?)?)
            })
        }),
    ]
}
