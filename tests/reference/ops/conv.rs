//! Convolution and its transpose.

use wengert::{Conv2dOptions, ConvTranspose2dOptions, Float, Padding};

use crate::reference::call::{Adapter, Call, Stop, one};
use crate::reference::value::Arg;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("nn.functional.conv2d", |c| {
            let options = Conv2dOptions::default()
                .stride(c.pair_or("stride", [1, 1])?)
                .padding(padding(c)?)
                .dilation(c.pair_or("dilation", [1, 1])?)
                .groups(c.size_or("groups", 1)?);
            let (weight, bias) = (c.var("weight")?, c.var_or_none("bias")?);
            one(c.var("input")?.conv2d(&weight, bias.as_ref(), &options)?)
        }),
        ("nn.functional.conv_transpose2d", |c| {
            let options = ConvTranspose2dOptions::default()
                .stride(c.pair_or("stride", [1, 1])?)
                .padding(c.pair_or("padding", [0, 0])?)
                .output_padding(c.pair_or("output_padding", [0, 0])?)
                .dilation(c.pair_or("dilation", [1, 1])?)
                .groups(c.size_or("groups", 1)?);
            let (weight, bias) = (c.var("weight")?, c.var_or_none("bias")?);
            one(c
                .var("input")?
                .conv_transpose2d(&weight, bias.as_ref(), &options)?)
        }),
    ]
}

/// Sizes, `same` or `valid`.
pub(crate) fn padding<T: Float>(c: &Call<T>) -> Result<Padding, Stop> {
    match c.get("padding") {
        Some(Arg::Text(name)) if name == "same" => Ok(Padding::Same),
        Some(Arg::Text(name)) if name == "valid" => Ok(Padding::from(0)),
        Some(Arg::Text(name)) => Err(Stop::unsupported(format!("padding `{name}`"))),
        _ => Ok(c.pair_or("padding", [0, 0])?.into()),
    }
}
