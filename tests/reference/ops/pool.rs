//! Pooling.

use wengert::{AdaptiveSize, AvgPool2dOptions, Float, MaxPool2dOptions};

use crate::reference::call::{Adapter, Call, Stop, one};
use crate::reference::value::Arg;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("nn.functional.adaptive_avg_pool2d", |c| {
            one(c.var("input")?.adaptive_avg_pool2d(adaptive(c)?)?)
        }),
        ("nn.functional.adaptive_max_pool2d", |c| {
            let size = adaptive(c)?;
            if c.flag("return_indices", false)? {
                let (y, at) = c.var("input")?.adaptive_max_pool2d_with_indices(size)?;
                return Ok(vec![y.into(), at.into()]);
            }
            one(c.var("input")?.adaptive_max_pool2d(size)?)
        }),
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

/// Height and width, `null` for those of the input.
pub(crate) fn adaptive<T: Float>(c: &Call<T>) -> Result<AdaptiveSize, Stop> {
    match c.get("output_size") {
        Some(Arg::List(items)) => {
            let size = |item: &Arg<T>| match item {
                Arg::Null => Some(None),
                Arg::Int(n) => usize::try_from(*n).ok().map(Some),
                _ => None,
            };
            let sizes: Option<Vec<_>> = items.iter().map(size).collect();
            match sizes.as_deref() {
                Some(&[height, width]) => Ok(AdaptiveSize([height, width])),
                _ => Err(Stop::unsupported(format!("a size of {items:?}"))),
            }
        }
        Some(_) => Ok(c.size("output_size")?.into()),
        None => Ok(AdaptiveSize([None; 2])),
    }
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
