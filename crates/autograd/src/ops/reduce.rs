//! Reductions: many elements into one.

use tensor::{Float, Result};

use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The sum of all elements, as a variable without axes.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn sum(&self) -> Result<Self> {
        let shape = self.shape().to_vec();
        Self::record(
            "sum",
            self.value().sum(),
            [(self, pull(move |g| g.expand(&shape)))],
        )
    }

    /// The sum over the axes along which `shape` would be repeated to reach
    /// this shape. Its adjoint is [`expand`](Var::expand).
    ///
    /// # Errors
    /// If `shape` does not broadcast to this shape; as [`Var::record`].
    pub fn sum_to(&self, shape: impl AsRef<[usize]>) -> Result<Self> {
        let value = self.value().sum_to(shape)?;
        let own = self.shape().to_vec();
        Self::record("sum_to", value, [(self, pull(move |g| g.expand(&own)))])
    }
}
