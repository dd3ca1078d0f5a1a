//! The maximum of each window.

use std::fmt;

use autograd::Var;
use tensor::{Float, MaxPool2dOptions, Pair, Result};

use super::{pair, truth, without_parameters};
use crate::module::Module;

/// The maximum of each window, plane by plane: `torch.nn.MaxPool2d`. The stride
/// is the kernel unless told otherwise; padding counts as −∞; where several
/// elements are the maximum, the first gets the gradient.
///
/// | | shape |
/// |---|---|
/// | input | `[N, C, H, W]`, or `[C, H, W]` |
/// | output | `[N, C, H′, W′]` |
///
/// with H′ = ⌊(H + 2 · padding − dilation · (kernel − 1) − 1) / stride⌋ + 1,
/// rounded up instead in `ceil_mode`.
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::{MaxPool2d, Module};
///
/// let pool = MaxPool2d::new(3).stride(2).padding(1);
/// let x = Tape::inference().constant(Tensor::<f32>::zeros([1, 6, 28, 28])?);
/// assert_eq!(pool.forward(&x)?.shape(), [1, 6, 14, 14]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct MaxPool2d {
    options: MaxPool2dOptions,
}

impl MaxPool2d {
    /// Pooling over windows of `2` by 2 or `(2, 4)`.
    pub fn new(kernel: impl Into<Pair>) -> Self {
        MaxPool2dOptions::new(kernel).into()
    }

    /// How far the window moves.
    pub fn stride(self, stride: impl Into<Pair>) -> Self {
        self.options.stride(stride).into()
    }

    /// How many rows and columns of −∞ surround a plane, at most half the
    /// kernel.
    pub fn padding(self, padding: impl Into<Pair>) -> Self {
        self.options.padding(padding).into()
    }

    /// How far the elements of a window lie apart.
    pub fn dilation(self, dilation: impl Into<Pair>) -> Self {
        self.options.dilation(dilation).into()
    }

    /// Whether a last window that only partly fits counts.
    pub fn ceil_mode(self, ceil_mode: bool) -> Self {
        self.options.ceil_mode(ceil_mode).into()
    }

    /// All options.
    #[must_use]
    pub fn options(&self) -> &MaxPool2dOptions {
        &self.options
    }
}

impl From<MaxPool2dOptions> for MaxPool2d {
    fn from(options: MaxPool2dOptions) -> Self {
        Self { options }
    }
}

without_parameters!(MaxPool2d);

impl<T: Float> Module<T> for MaxPool2d {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        input.max_pool2d(&self.options)
    }
}

impl fmt::Display for MaxPool2d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        write!(
            f,
            "MaxPool2d(kernel_size={}, stride={}, padding={}, dilation={}, ceil_mode={})",
            pair(options.kernel),
            pair(options.stride),
            pair(options.padding),
            pair(options.dilation),
            truth(options.ceil_mode)
        )
    }
}
