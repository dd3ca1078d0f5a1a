//! Fully connected layers.

use wengert::{Float, Linear};

use super::{Builder, module, rng};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![("Linear", |c| {
        let builder = Linear::builder(c.size("in_features")?, c.size("out_features")?);
        module(
            builder
                .bias(c.flag("bias", true)?)
                .build::<T, _>(&mut rng())?,
        )
    })]
}
