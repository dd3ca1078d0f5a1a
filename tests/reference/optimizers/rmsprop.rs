//! RMSProp.

use wengert::{Float, RmsProp};

use super::{Builder, grouped, implementation};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![("RMSprop", |c, groups| {
        implementation(c);
        let builder = RmsProp::builder(c.number("lr", 1e-2)?)
            .alpha(c.number("alpha", 0.99)?)
            .eps(c.number("eps", 1e-8)?)
            .weight_decay(c.number("weight_decay", 0.0)?)
            .momentum(c.number("momentum", 0.0)?)
            .centered(c.flag("centered", false)?)
            .maximize(c.flag("maximize", false)?);
        let builder = grouped!(builder, groups, lr, weight_decay, momentum, alpha, eps);
        Ok(Box::new(builder.build::<T>()?))
    })]
}
