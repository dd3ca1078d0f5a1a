//! From feature maps to vectors.

use std::fmt;

use autograd::Var;
use tensor::{Float, Result};

use super::without_parameters;
use crate::module::Module;

/// Joins axes `start` to `end`, both included, into one: `torch.nn.Flatten`.
/// By default all but the first, the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flatten {
    /// The first axis that is joined.
    pub start: isize,
    /// The last axis that is joined.
    pub end: isize,
}

impl Flatten {
    /// Joins all axes but the first.
    #[must_use]
    pub fn new() -> Self {
        Self { start: 1, end: -1 }
    }
}

impl Default for Flatten {
    fn default() -> Self {
        Self::new()
    }
}

without_parameters!(Flatten);

impl<T: Float> Module<T> for Flatten {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        input.flatten(self.start, self.end)
    }
}

impl fmt::Display for Flatten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flatten(start_dim={}, end_dim={})", self.start, self.end)
    }
}
