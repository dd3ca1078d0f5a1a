//! Larger (or smaller) images by the nearest element.

use std::fmt;

use autograd::Var;
use tensor::{Float, InterpolateOptions, Result};

use super::without_parameters;
use crate::module::Module;

/// Images of another size, by repeating elements or leaving some out:
/// `torch.nn.Upsample` with the mode `nearest`.
///
/// | | shape |
/// |---|---|
/// | input | `[N, C, L]`, `[N, C, H, W]` or `[N, C, D, H, W]` |
/// | output | the same axes, each after the second of the given size, or ⌊factor · size⌋ |
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::{Module, Upsample};
///
/// let x = Tape::inference().constant(Tensor::<f32>::ones([1, 3, 14, 14])?);
/// assert_eq!(Upsample::scale_factor([2.0]).forward(&x)?.shape(), [1, 3, 28, 28]);
/// assert_eq!(Upsample::size([20, 30]).forward(&x)?.shape(), [1, 3, 20, 30]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Upsample {
    options: InterpolateOptions,
}

impl Upsample {
    /// To this size: one for each spatial axis, or a single one for all.
    pub fn size(size: impl AsRef<[usize]>) -> Self {
        InterpolateOptions::size(size).into()
    }

    /// By this factor: one for each spatial axis, or a single one for all.
    pub fn scale_factor(factor: impl AsRef<[f64]>) -> Self {
        InterpolateOptions::scale_factor(factor).into()
    }

    /// All options.
    #[must_use]
    pub fn options(&self) -> &InterpolateOptions {
        &self.options
    }
}

impl From<InterpolateOptions> for Upsample {
    fn from(options: InterpolateOptions) -> Self {
        Self { options }
    }
}

without_parameters!(Upsample);

impl<T: Float> Module<T> for Upsample {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        input.interpolate(&self.options)
    }
}

impl fmt::Display for Upsample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.options.given_size() {
            Some(size) => write!(f, "Upsample(size={}, mode='nearest')", all(size)),
            None => {
                let factor = self.options.given_scale_factor().unwrap_or_default();
                write!(f, "Upsample(scale_factor={}, mode='nearest')", all(factor))
            }
        }
    }
}

/// One number for all axes, or a tuple as PyTorch prints it.
fn all<N: fmt::Debug>(numbers: &[N]) -> String {
    match numbers {
        [one] => format!("{one:?}"),
        each => {
            let each: Vec<_> = each.iter().map(|n| format!("{n:?}")).collect();
            format!("({})", each.join(", "))
        }
    }
}
