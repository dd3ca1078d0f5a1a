//! Adagrad.

use wengert::{Adagrad, Float};

use super::{Builder, grouped, implementation};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![("Adagrad", |c, groups| {
        implementation(c);
        let builder = Adagrad::builder(c.number("lr", 1e-2)?)
            .lr_decay(c.number("lr_decay", 0.0)?)
            .weight_decay(c.number("weight_decay", 0.0)?)
            .initial_accumulator_value(c.number("initial_accumulator_value", 0.0)?)
            .eps(c.number("eps", 1e-10)?)
            .maximize(c.flag("maximize", false)?);
        let builder = grouped!(builder, groups, lr, weight_decay, lr_decay, eps);
        Ok(Box::new(builder.build::<T>()?))
    })]
}
