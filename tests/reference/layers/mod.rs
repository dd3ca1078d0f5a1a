//! The builders: for each layer and loss, how PyTorch's constructor becomes one
//! of the library's. As [`super::ops`]: a line for a layer, a file for a kind.

mod activation;
mod conv;
mod linear;
mod loss;
mod norm;
mod pad;
mod pool;
mod shape;
mod window;

use wengert::random::Generator;
use wengert::{Float, Module, Var, Visit};

use super::call::{Call, Outputs, Stop, one};

/// What builds a layer from the arguments of its constructor.
pub(crate) type Builder<T> = fn(&Call<T>) -> Result<Built<T>, Stop>;

/// A layer, or what is called with more than one tensor.
pub(crate) enum Built<T: Float> {
    /// A module: one tensor in, one out.
    Module(Box<dyn Module<T>>),
    /// A loss: the call has the arguments `input0`, `input1`, ….
    Loss(Box<dyn Criterion<T>>),
}

impl<T: Float> Built<T> {
    /// The outputs for the arguments `input0`, `input1`, ….
    pub(crate) fn forward(&self, inputs: &Call<T>) -> Result<Outputs<T>, Stop> {
        match self {
            Self::Module(module) => one(module.forward(&inputs.var("input0")?)?),
            Self::Loss(loss) => loss.call(inputs),
        }
    }

    /// Its parameters and buffers, to look at.
    pub(crate) fn visit(&self) -> &dyn Visit<T> {
        match self {
            Self::Module(module) => &**module,
            Self::Loss(loss) => loss.buffers(),
        }
    }

    /// Its parameters and buffers, to write to.
    pub(crate) fn visit_mut(&mut self) -> &mut dyn Visit<T> {
        match self {
            Self::Module(module) => &mut **module,
            Self::Loss(loss) => loss.buffers_mut(),
        }
    }
}

/// A loss, and how it is called.
pub(crate) trait Criterion<T: Float> {
    /// The outputs for the arguments `input0`, `input1`, ….
    fn call(&self, inputs: &Call<T>) -> Result<Outputs<T>, Stop>;
    /// Its weights.
    fn buffers(&self) -> &dyn Visit<T>;
    /// Its weights, to write to.
    fn buffers_mut(&mut self) -> &mut dyn Visit<T>;
}

/// How a loss is called, with `input0` and with all arguments.
type Run<L, T> = fn(&L, &Var<T>, &Call<T>) -> Result<Var<T>, Stop>;

struct Called<L, T: Float> {
    loss: L,
    run: Run<L, T>,
}

impl<T: Float, L: Visit<T> + 'static> Criterion<T> for Called<L, T> {
    fn call(&self, inputs: &Call<T>) -> Result<Outputs<T>, Stop> {
        one((self.run)(&self.loss, &inputs.var("input0")?, inputs)?)
    }
    fn buffers(&self) -> &dyn Visit<T> {
        &self.loss
    }
    fn buffers_mut(&mut self) -> &mut dyn Visit<T> {
        &mut self.loss
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
        norm::builders(),
        pad::builders(),
        pool::builders(),
        shape::builders(),
        window::builders(),
    ]
    .concat()
}

/// What a builder returns for a module.
fn module<T: Float>(module: impl Module<T> + 'static) -> Result<Built<T>, Stop> {
    Ok(Built::Module(Box::new(module)))
}

/// What a builder returns for a loss.
fn loss<T: Float, L: Visit<T> + 'static>(loss: L, run: Run<L, T>) -> Result<Built<T>, Stop> {
    Ok(Built::Loss(Box::new(Called { loss, run })))
}

/// Initial values are written over by those of the case.
fn rng() -> Generator {
    Generator::new(0)
}
