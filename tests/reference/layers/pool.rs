//! Pooling layers.

use wengert::{AvgPool2d, Float, MaxPool2d};

use super::{Builder, module};
use crate::reference::ops::{average, maximum};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![
        ("AvgPool2d", |c| module(AvgPool2d::from(average(c)?))),
        ("MaxPool2d", |c| module(MaxPool2d::from(maximum(c)?))),
    ]
}
