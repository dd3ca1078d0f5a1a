//! Convolution and its transpose.

use wengert::{Conv2dOptions, ConvTranspose2dOptions, Float, Padding};

use super::pool::Windows;
use crate::reference::call::{Adapter, Stop, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("Conv", |c| {
            let (x, weight) = (c.var("X")?, c.var("W")?);
            let windows = Windows::read(c, x.shape(), weight.shape().get(2..))?;
            let options = Conv2dOptions::default()
                .stride(windows.stride)
                .padding(windows.padding())
                .dilation(windows.dilation)
                .groups(c.size_or("group", 1)?);
            let (x, weight) = (windows.plane(&x)?, windows.plane(&weight)?);
            let y = x.conv2d(&weight, c.var_or_none("B")?.as_ref(), &options)?;
            one(windows.line(&y)?)
        }),
        ("ConvTranspose", |c| {
            if c.get("output_shape").is_some() || c.text("auto_pad", "NOTSET")? != "NOTSET" {
                return Err(Stop::unsupported("an output shape in place of padding"));
            }
            let (x, weight) = (c.var("X")?, c.var("W")?);
            let windows = Windows::read(c, x.shape(), weight.shape().get(2..))?;
            let extra = windows.sizes(c, "output_padding", 0)?;
            let options = ConvTranspose2dOptions::default()
                .stride(windows.stride)
                .padding(windows.padding())
                .output_padding(extra)
                .dilation(windows.dilation)
                .groups(c.size_or("group", 1)?);
            let (x, weight) = (windows.plane(&x)?, windows.plane(&weight)?);
            let y = x.conv_transpose2d(&weight, c.var_or_none("B")?.as_ref(), &options)?;
            one(windows.line(&y)?)
        }),
    ]
}

impl Windows {
    fn padding(&self) -> Padding {
        Padding::Explicit {
            before: self.before,
            after: self.after,
        }
    }
}
