//! The builders: for each layer and loss, how PyTorch's constructor becomes one
//! of the library's. As [`super::ops`]: a line for a layer, a file for a kind.

mod activation;
mod conv;
mod linear;
mod loss;
mod pool;
mod shape;

use wengert::random::Generator;
use wengert::{Float, Module, Var, Visit};

use super::call::{Call, Outputs, Stop, one};

/// What builds a layer from the arguments of its constructor.
pub(crate) type Builder<T> = fn(&Call<T>) -> Result<Built<T>, Stop>;

/// What runs on the arguments `input0`, `input1`, ….
type Criterion<T> = Box<dyn Fn(&Call<T>) -> Result<Outputs<T>, Stop>>;

/// A layer, or what is called with more than one tensor.
pub(crate) enum Built<T: Float> {
    /// A module: one tensor in, one out.
    Module(Box<dyn Module<T>>),
    /// A loss: the call has the arguments `input0`, `input1`, ….
    Loss(Criterion<T>),
}

impl<T: Float> Built<T> {
    /// The outputs for the arguments `input0`, `input1`, ….
    pub(crate) fn forward(&self, inputs: &Call<T>) -> Result<Outputs<T>, Stop> {
        match self {
            Self::Module(module) => one(module.forward(&inputs.var("input0")?)?),
            Self::Loss(loss) => loss(inputs),
        }
    }

    /// The module, to look at its parameters and buffers.
    pub(crate) fn visit(&self) -> Option<&dyn Visit<T>> {
        match self {
            Self::Module(module) => Some(&**module),
            Self::Loss(_) => None,
        }
    }

    /// The module, to write to its parameters and buffers.
    pub(crate) fn visit_mut(&mut self) -> Option<&mut dyn Visit<T>> {
        match self {
            Self::Module(module) => Some(&mut **module),
            Self::Loss(_) => None,
        }
    }
}

/// All builders by the name of their layer.
#[must_use]
pub(crate) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    [
        activation::builders(),
        conv::builders(),
        linear::builders(),
        loss::builders(),
        pool::builders(),
        shape::builders(),
    ]
    .concat()
}

/// What a builder returns for a module.
fn module<T: Float>(module: impl Module<T> + 'static) -> Result<Built<T>, Stop> {
    Ok(Built::Module(Box::new(module)))
}

/// What a builder returns for a loss.
fn loss<T: Float>(
    loss: impl Fn(&Var<T>, &Call<T>) -> Result<Var<T>, Stop> + 'static,
) -> Result<Built<T>, Stop> {
    Ok(Built::Loss(Box::new(move |inputs| {
        one(loss(&inputs.var("input0")?, inputs)?)
    })))
}

/// Initial values are written over by those of the case.
fn rng() -> Generator {
    Generator::new(0)
}
