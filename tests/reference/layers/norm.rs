//! Normalising layers, and dropout of channels.

use wengert::{BatchNorm, Dropout2d, Float, GroupNorm, InstanceNorm, LayerNorm, RmsNorm};

use super::{Builder, Built, module};
use crate::reference::call::{Call, Stop};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![
        ("BatchNorm1d", batch_norm::<T, 1>),
        ("BatchNorm2d", batch_norm::<T, 2>),
        ("Dropout2d", |c| {
            c.flag("inplace", false)?;
            let p = c.number("p", 0.5)?;
            if c.tape.is_training() && p > 0.0 && p < 1.0 {
                return Err(Stop::unsupported("random numbers differ between libraries"));
            }
            module(Dropout2d::new(p)?)
        }),
        ("GroupNorm", |c| {
            let builder = GroupNorm::builder(c.size("num_groups")?, c.size("num_channels")?);
            let builder = builder
                .eps(c.number("eps", 1e-5)?)
                .affine(c.flag("affine", true)?)
                .bias(c.flag("bias", true)?);
            module(builder.build::<T>()?)
        }),
        ("InstanceNorm1d", instance_norm::<T, 1>),
        ("InstanceNorm2d", instance_norm::<T, 2>),
        ("LayerNorm", |c| {
            let builder = LayerNorm::builder(c.sizes("normalized_shape")?);
            let builder = builder
                .eps(c.number("eps", 1e-5)?)
                .elementwise_affine(c.flag("elementwise_affine", true)?)
                .bias(c.flag("bias", true)?);
            module(builder.build::<T>()?)
        }),
        ("RMSNorm", |c| {
            let builder = RmsNorm::builder(c.sizes("normalized_shape")?)
                .eps(c.number_or_none("eps")?)
                .elementwise_affine(c.flag("elementwise_affine", true)?);
            module(builder.build::<T>()?)
        }),
    ]
}

fn batch_norm<T: Float, const SPATIAL: usize>(c: &Call<T>) -> Result<Built<T>, Stop> {
    let builder = BatchNorm::<f32, SPATIAL>::builder(c.size("num_features")?)
        .eps(c.number("eps", 1e-5)?)
        .momentum(momentum(c)?)
        .affine(c.flag("affine", true)?)
        .bias(c.flag("bias", true)?)
        .track_running_stats(c.flag("track_running_stats", true)?);
    module(builder.build::<T>()?)
}

fn instance_norm<T: Float, const SPATIAL: usize>(c: &Call<T>) -> Result<Built<T>, Stop> {
    let builder = InstanceNorm::<f32, SPATIAL>::builder(c.size("num_features")?)
        .eps(c.number("eps", 1e-5)?)
        .momentum(momentum(c)?)
        .affine(c.flag("affine", false)?)
        .bias(c.flag("bias", true)?)
        .track_running_stats(c.flag("track_running_stats", false)?);
    module(builder.build::<T>()?)
}

/// `null` is a momentum too, and not the default.
fn momentum<T: Float>(c: &Call<T>) -> Result<Option<f64>, Stop> {
    if c.is_null("momentum") {
        return Ok(None);
    }
    Ok(Some(c.number("momentum", 0.1)?))
}
