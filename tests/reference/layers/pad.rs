//! Margins as layers.

use wengert::{
    CircularPad2d, ConstantPad2d, Float, Margins, ReflectionPad2d, ReplicationPad2d, ZeroPad2d,
};

use super::{Builder, module};
use crate::reference::call::{Call, Stop};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![
        ("CircularPad2d", |c| module(CircularPad2d::new(margins(c)?))),
        ("ConstantPad2d", |c| {
            module(ConstantPad2d::new(margins(c)?, c.number("value", 0.0)?))
        }),
        ("ReflectionPad2d", |c| {
            module(ReflectionPad2d::new(margins(c)?))
        }),
        ("ReplicationPad2d", |c| {
            module(ReplicationPad2d::new(margins(c)?))
        }),
        ("ZeroPad2d", |c| module(ZeroPad2d::new(margins(c)?))),
    ]
}

fn margins<T: Float>(c: &Call<T>) -> Result<Margins, Stop> {
    match *c.axes("padding")? {
        [all] => Ok(all.into()),
        [left, right, top, bottom] => Ok([left, right, top, bottom].into()),
        ref other => Err(Stop::unsupported(format!("margins of {other:?}"))),
    }
}
