//! Where elements lie: shapes, axes, joining and repeating.

use tensor::{Float, Result};

use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The variable repeated along its axes of size 1, and along new leading
    /// axes. Its adjoint is [`sum_to`](Var::sum_to).
    ///
    /// # Errors
    /// If the shape cannot be reached; as [`Var::record`].
    pub fn expand(&self, shape: impl AsRef<[usize]>) -> Result<Self> {
        let value = self.value().expand(shape)?;
        let own = self.shape().to_vec();
        Self::record("expand", value, [(self, pull(move |g| g.sum_to(&own)))])
    }
}
