//! Convolutional layers.

use wengert::{Conv2d, ConvTranspose2d, Float, PaddingMode};

use super::{Builder, module, rng};
use crate::reference::call::Stop;
use crate::reference::ops::padding;
use crate::reference::value::Arg;

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![
        ("Conv2d", |c| {
            let mode = match c.text("padding_mode", "zeros")? {
                "zeros" => PaddingMode::Zeros,
                "reflect" => PaddingMode::Reflect,
                "replicate" => PaddingMode::Replicate,
                "circular" => PaddingMode::Circular,
                other => return Err(Stop::unsupported(format!("padding of `{other}`"))),
            };
            let (inputs, outputs) = (c.size("in_channels")?, c.size("out_channels")?);
            let builder = Conv2d::builder(inputs, outputs, c.pair("kernel_size")?)
                .stride(c.pair_or("stride", [1, 1])?)
                .padding(padding(c)?)
                .padding_mode(mode)
                .dilation(c.pair_or("dilation", [1, 1])?)
                .groups(c.size_or("groups", 1)?)
                .bias(c.flag("bias", true)?);
            module(builder.build::<T, _>(&mut rng())?)
        }),
        ("ConvTranspose2d", |c| {
            c.only("padding_mode", &Arg::Text("zeros".into()))?;
            let (inputs, outputs) = (c.size("in_channels")?, c.size("out_channels")?);
            let builder = ConvTranspose2d::builder(inputs, outputs, c.pair("kernel_size")?)
                .stride(c.pair_or("stride", [1, 1])?)
                .padding(c.pair_or("padding", [0, 0])?)
                .output_padding(c.pair_or("output_padding", [0, 0])?)
                .dilation(c.pair_or("dilation", [1, 1])?)
                .groups(c.size_or("groups", 1)?)
                .bias(c.flag("bias", true)?);
            module(builder.build::<T, _>(&mut rng())?)
        }),
    ]
}
