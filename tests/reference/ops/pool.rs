//! Pooling.

use wengert::{AvgPool2dOptions, Float, MaxPool2dOptions};

use crate::reference::call::{Adapter, Call, Stop, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("nn.functional.avg_pool2d", |c| {
            one(c.var("input")?.avg_pool2d(&average(c)?)?)
        }),
        ("nn.functional.max_pool2d", |c| {
            let options = maximum(c)?;
            if c.flag("return_indices", false)? {
                let (y, at) = c.var("input")?.max_pool2d_with_indices(&options)?;
                return Ok(vec![y.into(), at.into()]);
            }
            one(c.var("input")?.max_pool2d(&options)?)
        }),
    ]
}

pub(crate) fn maximum<T: Float>(c: &Call<T>) -> Result<MaxPool2dOptions, Stop> {
    let kernel = c.pair("kernel_size")?;
    Ok(MaxPool2dOptions::new(kernel)
        .stride(c.pair_or("stride", kernel)?)
        .padding(c.pair_or("padding", [0, 0])?)
        .dilation(c.pair_or("dilation", [1, 1])?)
        .ceil_mode(c.flag("ceil_mode", false)?))
}

pub(crate) fn average<T: Float>(c: &Call<T>) -> Result<AvgPool2dOptions, Stop> {
    let kernel = c.pair("kernel_size")?;
    let options = AvgPool2dOptions::new(kernel)
        .stride(c.pair_or("stride", kernel)?)
        .padding(c.pair_or("padding", [0, 0])?)
        .ceil_mode(c.flag("ceil_mode", false)?)
        .count_include_pad(c.flag("count_include_pad", true)?);
    Ok(match c.int_or_none("divisor_override")? {
        None => options,
        Some(divisor) => options.divisor_override(divisor),
    })
}
