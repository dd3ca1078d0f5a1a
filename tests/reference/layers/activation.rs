//! Activations.

use wengert::{Dropout, Float, Relu, Sigmoid, Tanh};

use super::{Builder, module};
use crate::reference::call::Stop;

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![
        ("Dropout", |c| {
            c.flag("inplace", false)?;
            let p = c.number("p", 0.5)?;
            if c.tape.is_training() && p > 0.0 && p < 1.0 {
                return Err(Stop::unsupported("random numbers differ between libraries"));
            }
            module(Dropout::new(p)?)
        }),
        ("ReLU", |c| {
            c.flag("inplace", false)?;
            module(Relu)
        }),
        ("Sigmoid", |_| module(Sigmoid)),
        ("Tanh", |_| module(Tanh)),
    ]
}
