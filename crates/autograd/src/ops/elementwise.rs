//! Element by element, with broadcasting.
//!
//! | | value | gradient of `a` | gradient of `b` |
//! |---|---|---|---|
//! | `add` | a + b | g | g |
//! | `mul` | a · b | g · b | g · a |
//!
//! Rules ignore broadcasting: the sweep sums a gradient back to its input's
//! shape.

use tensor::{Float, Result};

use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// `self + rhs`, broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn add(&self, rhs: &Self) -> Result<Self> {
        let value = self.value().add(rhs.value())?;
        Self::record(
            "add",
            value,
            [
                (self, pull(|g| Ok(g.clone()))),
                (rhs, pull(|g| Ok(g.clone()))),
            ],
        )
    }

    /// `self · rhs`, element by element, broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn mul(&self, rhs: &Self) -> Result<Self> {
        let value = self.value().mul(rhs.value())?;
        let (a, b) = (self.save(), rhs.save());
        Self::record(
            "mul",
            value,
            [
                (self, pull(move |g| g.mul(&b.on(g)))),
                (rhs, pull(move |g| g.mul(&a.on(g)))),
            ],
        )
    }

    /// `self · rhs` for one number.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn mul_scalar(&self, rhs: T) -> Result<Self> {
        let value = self.value().mul_scalar(rhs);
        Self::record(
            "mul_scalar",
            value,
            [(self, pull(move |g| g.mul_scalar(rhs)))],
        )
    }
}
