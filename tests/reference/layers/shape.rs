//! Layers that change the shape.

use wengert::{Flatten, Float, Unflatten};

use super::{Builder, module};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![
        ("Flatten", |c| {
            module(Flatten {
                start: c.axis_or("start_dim", 1)?,
                end: c.axis_or("end_dim", -1)?,
            })
        }),
        ("Unflatten", |c| {
            module(Unflatten::new(c.axis("dim")?, c.axes("unflattened_size")?))
        }),
    ]
}
