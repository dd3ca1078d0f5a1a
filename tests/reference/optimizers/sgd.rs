//! Stochastic gradient descent.

use wengert::{Float, Sgd};

use super::{Builder, grouped, implementation};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![("SGD", |c, groups| {
        implementation(c);
        let builder = Sgd::builder(c.number("lr", 1e-3)?)
            .momentum(c.number("momentum", 0.0)?)
            .dampening(c.number("dampening", 0.0)?)
            .weight_decay(c.number("weight_decay", 0.0)?)
            .nesterov(c.flag("nesterov", false)?)
            .maximize(c.flag("maximize", false)?);
        let builder = grouped!(builder, groups, lr, weight_decay, momentum, dampening);
        Ok(Box::new(builder.build::<T>()?))
    })]
}
