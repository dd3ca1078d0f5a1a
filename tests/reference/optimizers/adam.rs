//! Adam and AdamW.

use wengert::{Adam, AdamW, Float};

use super::{Builder, grouped, implementation, pair};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![
        ("Adam", |c, groups| {
            implementation(c);
            let builder = Adam::builder(c.number("lr", 1e-3)?)
                .betas(pair(c, "betas", (0.9, 0.999))?)
                .eps(c.number("eps", 1e-8)?)
                .weight_decay(c.number("weight_decay", 0.0)?)
                .amsgrad(c.flag("amsgrad", false)?)
                .maximize(c.flag("maximize", false)?)
                .decoupled_weight_decay(c.flag("decoupled_weight_decay", false)?);
            let builder = grouped!(builder, groups, lr, weight_decay, eps);
            Ok(Box::new(builder.build::<T>()?))
        }),
        ("AdamW", |c, groups| {
            implementation(c);
            let builder = AdamW::builder(c.number("lr", 1e-3)?)
                .betas(pair(c, "betas", (0.9, 0.999))?)
                .eps(c.number("eps", 1e-8)?)
                .weight_decay(c.number("weight_decay", 1e-2)?)
                .amsgrad(c.flag("amsgrad", false)?)
                .maximize(c.flag("maximize", false)?);
            let builder = grouped!(builder, groups, lr, weight_decay, eps);
            Ok(Box::new(builder.build::<T>()?))
        }),
    ]
}
