//! From scores to probabilities.

use std::fmt;

use autograd::Var;
use tensor::{Error, Float, Result};

use super::without_parameters;
use crate::module::Module;

macro_rules! along_an_axis {
    ($(#[$doc:meta])* $layer:ident, $op:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $layer {
            /// The axis, negative ones from the end.
            pub axis: isize,
        }

        impl $layer {
            /// The layer along this axis.
            #[must_use]
            pub fn new(axis: isize) -> Self {
                Self { axis }
            }
        }

        without_parameters!($layer);

        impl<T: Float> Module<T> for $layer {
            fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
                input.$op(self.axis)
            }
        }

        impl fmt::Display for $layer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}(dim={})", stringify!($layer), self.axis)
            }
        }
    };
}

along_an_axis! {
    /// exp(x) / Σ exp(x), the sum along an axis: `torch.nn.Softmax`. (A
    /// cross-entropy takes scores, not their softmax.)
    Softmax, softmax
}
along_an_axis! {
    /// The softmax of −x: `torch.nn.Softmin`.
    Softmin, softmin
}
along_an_axis! {
    /// The logarithm of [`Softmax`], finite where that would be 0:
    /// `torch.nn.LogSoftmax`.
    LogSoftmax, log_softmax
}

/// [`Softmax`] over the channels of every pixel of images `[N, C, H, W]`, or of one
/// image `[C, H, W]`: `torch.nn.Softmax2d`.
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::{Module, Softmax2d};
///
/// let x: Tensor = Tensor::zeros([4, 5, 5])?;
/// let y = Softmax2d.forward(&Tape::inference().constant(x))?;
/// assert_eq!(y.value(), &Tensor::full([4, 5, 5], 0.25)?);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Softmax2d;

without_parameters!(Softmax2d);

impl<T: Float> Module<T> for Softmax2d {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        if !(3..=4).contains(&input.ndim()) {
            return Err(Error::shape(
                "softmax2d",
                format!(
                    "needs images [N, C, H, W] or [C, H, W], got {:?}",
                    input.shape()
                ),
            ));
        }
        input.softmax(-3)
    }
}

impl fmt::Display for Softmax2d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Softmax2d()")
    }
}
