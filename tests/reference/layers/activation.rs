//! Activations.

use wengert::{
    Celu, Dropout, Elu, Float, Gelu, Hardsigmoid, Hardswish, Hardtanh, Identity, LeakyRelu,
    LogSigmoid, LogSoftmax, Mish, Module, Prelu, Relu, Relu6, Selu, Sigmoid, Silu, Softmax,
    Softmax2d, Softmin, Softplus, Softsign, Tanh, Visit, Visitor, VisitorMut,
};

use super::{Builder, Built, loss, module};
use crate::reference::call::{Call, Stop};
use crate::reference::ops::{approximate, implied_axis};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![
        ("CELU", |c| with(c, Celu::new(c.number("alpha", 1.0)?))),
        ("Dropout", |c| {
            c.flag("inplace", false)?;
            let p = c.number("p", 0.5)?;
            if c.tape.is_training() && p > 0.0 && p < 1.0 {
                return Err(Stop::unsupported("random numbers differ between libraries"));
            }
            module(Dropout::new(p)?)
        }),
        ("ELU", |c| with(c, Elu::new(c.number("alpha", 1.0)?))),
        ("GELU", |c| {
            let approximate = approximate(c)?;
            module(Gelu { approximate })
        }),
        ("Hardsigmoid", |c| with(c, Hardsigmoid)),
        ("Hardswish", |c| with(c, Hardswish)),
        ("Hardtanh", |c| {
            let (min, max) = (c.number("min_val", -1.0)?, c.number("max_val", 1.0)?);
            with(c, Hardtanh::new(min, max)?)
        }),
        ("Identity", |_| module(Identity)),
        ("LeakyReLU", |c| {
            with(c, LeakyRelu::new(c.number("negative_slope", 0.01)?))
        }),
        ("LogSigmoid", |_| module(LogSigmoid)),
        ("LogSoftmax", |c| {
            along(c, |axis| Box::new(LogSoftmax::new(axis)))
        }),
        ("Mish", |c| with(c, Mish)),
        ("PReLU", |c| {
            let count = c.size_or("num_parameters", 1)?;
            module(Prelu::new(count, c.number("init", 0.25)?)?)
        }),
        ("ReLU", |c| with(c, Relu)),
        ("ReLU6", |c| with(c, Relu6)),
        ("SELU", |c| with(c, Selu)),
        ("SiLU", |c| with(c, Silu)),
        ("Sigmoid", |_| module(Sigmoid)),
        ("Softmax", |c| along(c, |axis| Box::new(Softmax::new(axis)))),
        ("Softmax2d", |_| module(Softmax2d)),
        ("Softmin", |c| along(c, |axis| Box::new(Softmin::new(axis)))),
        ("Softplus", |c| {
            let (beta, threshold) = (c.number("beta", 1.0)?, c.number("threshold", 20.0)?);
            module(Softplus::new(beta, threshold))
        }),
        ("Softsign", |_| module(Softsign)),
        ("Tanh", |_| module(Tanh)),
    ]
}

/// A layer of which PyTorch may be told to write over its input, which makes no
/// difference to the result.
fn with<T: Float>(c: &Call<T>, layer: impl Module<T> + 'static) -> Result<Built<T>, Stop> {
    c.flag("inplace", false)?;
    module(layer)
}

/// A layer along an axis, or along that which PyTorch takes where none is named.
fn along<T: Float>(c: &Call<T>, layer: fn(isize) -> Box<dyn Module<T>>) -> Result<Built<T>, Stop> {
    match c.axis_or_none("dim")? {
        Some(axis) => Ok(Built::Module(layer(axis))),
        None => loss(Along(layer), |Along(layer), x, _| {
            Ok(layer(implied_axis(x.ndim())).forward(x)?)
        }),
    }
}

/// A layer whose axis the number of axes decides.
struct Along<T: Float>(fn(isize) -> Box<dyn Module<T>>);

impl<T: Float> Visit<T> for Along<T> {
    fn visit<'a>(&'a self, _: &mut Visitor<'a, T>) {}
    fn visit_mut<'a>(&'a mut self, _: &mut VisitorMut<'a, T>) {}
}
