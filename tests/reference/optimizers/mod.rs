//! The builders of optimisers and learning-rate schedules: how PyTorch's
//! arguments become the library's. As [`super::layers`].

mod sgd;

use wengert::{Float, Optimizer};

use super::call::{Call, Stop};

/// What builds an optimiser from the arguments of its constructor.
pub(crate) type Builder<T> = fn(&Call<T>) -> Result<Box<dyn Optimizer<T>>, Stop>;

/// All builders by the name of their optimiser.
#[must_use]
pub(crate) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    sgd::builders()
}
