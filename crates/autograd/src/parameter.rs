//! Parameters: tensors with an identity.
//!
//! A gradient must find its way back to the parameter that it belongs to, and
//! through no shared cell: a [`Parameter`] is plain data with a number, the tape
//! remembers which leaf stands for which number, and [`Gradients`] answers for
//! it. So a model is `Send + Sync`, updating it takes `&mut`, and one parameter
//! used twice in a forward pass is one leaf.
//!
//! [`Gradients`]: crate::Gradients

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use tensor::{Error, Float, Result, Tensor};

/// Tells parameters apart. Ordered by creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterId(u64);

impl ParameterId {
    fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A tensor that training changes.
///
/// ```
/// use tensor::Tensor;
/// use wengert_autograd::{Parameter, Tape};
///
/// let mut weight = Parameter::new(Tensor::from([[1.0, 2.0]]));
/// let tape = Tape::new();
/// let w = tape.parameter(&weight);
/// let grads = w.mul(&w)?.sum()?.backward()?;
/// if let Some(gradient) = grads.get(&weight) {
///     weight.value_mut().add_scaled(-0.1, gradient)?;
/// }
/// assert!(weight.value().all_close(&Tensor::from([[0.8, 1.6]]), 1e-6, 0.0));
/// # Ok::<(), tensor::Error>(())
/// ```
pub struct Parameter<T: Float = f32> {
    value: Tensor<T>,
    id: ParameterId,
    frozen: bool,
}

impl<T: Float> Parameter<T> {
    /// A parameter with this value and an identity of its own.
    #[must_use]
    pub fn new(value: Tensor<T>) -> Self {
        Self {
            value,
            id: ParameterId::fresh(),
            frozen: false,
        }
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &Tensor<T> {
        &self.value
    }

    /// The value, to write to. If a tape still holds it, the write copies: what
    /// was saved does not change.
    pub fn value_mut(&mut self) -> &mut Tensor<T> {
        &mut self.value
    }

    /// Puts another value of the same shape in place.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shape differs.
    pub fn set(&mut self, value: Tensor<T>) -> Result<()> {
        if value.shape() != self.value.shape() {
            return Err(Error::shape(
                "set",
                format!(
                    "a parameter of shape {:?} cannot take a value of shape {:?}",
                    self.value.shape(),
                    value.shape()
                ),
            ));
        }
        self.value = value;
        Ok(())
    }

    /// The size of each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.value.shape()
    }

    /// The identity.
    #[must_use]
    pub fn id(&self) -> ParameterId {
        self.id
    }

    /// Whether the parameter is kept as it is: a constant to tapes, left alone
    /// by optimisers.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// Freezes the parameter, or thaws it.
    pub fn set_frozen(&mut self, frozen: bool) {
        self.frozen = frozen;
    }
}

impl<T: Float> Clone for Parameter<T> {
    /// The same value (shared until one is written to), another identity: a
    /// clone of a model trains apart from it.
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            id: ParameterId::fresh(),
            frozen: self.frozen,
        }
    }
}

impl<T: Float> fmt::Debug for Parameter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frozen = if self.frozen { ", frozen" } else { "" };
        write!(f, "Parameter({:?}{frozen})", self.value)
    }
}
