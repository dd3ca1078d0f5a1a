//! Convolutional layers.

use wengert::{Conv2d, Float};

use super::{Builder, module, rng};
use crate::reference::ops::padding;
use crate::reference::value::Arg;

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![("Conv2d", |c| {
        c.only("padding_mode", &Arg::Text("zeros".into()))?;
        let (inputs, outputs) = (c.size("in_channels")?, c.size("out_channels")?);
        let builder = Conv2d::builder(inputs, outputs, c.pair("kernel_size")?)
            .stride(c.pair_or("stride", [1, 1])?)
            .padding(padding(c)?)
            .dilation(c.pair_or("dilation", [1, 1])?)
            .groups(c.size_or("groups", 1)?)
            .bias(c.flag("bias", true)?);
        module(builder.build::<T, _>(&mut rng())?)
    })]
}
