//! From feature maps to vectors, and back.

use std::fmt;

use autograd::Var;
use tensor::shape::axis;
use tensor::{Error, Float, Result};

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

/// Splits an axis into several: `torch.nn.Unflatten`. One of the sizes may be −1,
/// for as many as are left.
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::{Module, Unflatten};
///
/// let x = Tape::inference().constant(Tensor::<f32>::zeros([8, 98])?);
/// let images = Unflatten::new(1, [2, 7, -1]).forward(&x)?;
/// assert_eq!(images.shape(), [8, 2, 7, 7]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unflatten {
    /// The axis that is split.
    pub axis: isize,
    /// The sizes of the axes in its place.
    pub sizes: Vec<isize>,
}

impl Unflatten {
    /// Splits this axis into axes of these sizes.
    #[must_use]
    pub fn new(axis: isize, sizes: impl AsRef<[isize]>) -> Self {
        Self {
            axis,
            sizes: sizes.as_ref().to_vec(),
        }
    }
}

without_parameters!(Unflatten);

impl<T: Float> Module<T> for Unflatten {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        const OP: &str = "unflatten";
        let at = axis(OP, self.axis, input.ndim())?;
        let size = input.shape()[at];
        let refuse = || {
            Error::shape(
                OP,
                format!(
                    "axis {} of size {size} does not split into {:?} (shape {:?})",
                    self.axis,
                    self.sizes,
                    input.shape()
                ),
            )
        };
        let mut sizes = Vec::new();
        let (mut known, mut left) = (1, None);
        for (i, &size) in self.sizes.iter().enumerate() {
            match usize::try_from(size) {
                Ok(size) => known = size.checked_mul(known).ok_or_else(refuse)?,
                Err(_) if size == -1 && left.is_none() => left = Some(i),
                Err(_) => return Err(refuse()),
            }
            sizes.push(size.unsigned_abs());
        }
        if let Some(left) = left {
            sizes[left] = size.checked_div(known).ok_or_else(refuse)?;
            known *= sizes[left];
        }
        if sizes.is_empty() || known != size {
            return Err(refuse());
        }
        let (before, after) = (&input.shape()[..at], &input.shape()[at + 1..]);
        input.reshape_to([before, &sizes, after].concat())
    }
}

impl fmt::Display for Unflatten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { axis, sizes } = self;
        write!(f, "Unflatten(dim={axis}, unflattened_size={sizes:?})")
    }
}
