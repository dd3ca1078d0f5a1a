//! A case that loads a file into a model.

use wengert::Float;

use super::Registry;
use super::call::Stop;
use super::source::Case;

/// Runs the case.
///
/// # Errors
/// [`Stop::Unsupported`]: the library reads no checkpoints yet.
pub(crate) fn run<T: Float>(_: &Registry<T>, _: &Case<'_>) -> Result<(), Stop> {
    Err(Stop::unsupported("the library reads no checkpoints"))
}
