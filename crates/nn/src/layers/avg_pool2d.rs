//! The average of each window.

use std::fmt;

use autograd::Var;
use tensor::{AvgPool2dOptions, Float, Pair, Result};

use super::{pair, truth, without_parameters};
use crate::module::Module;

/// The average of each window, plane by plane: `torch.nn.AvgPool2d`. The stride
/// is the kernel unless told otherwise.
///
/// | | shape |
/// |---|---|
/// | input | `[N, C, H, W]`, or `[C, H, W]` |
/// | output | `[N, C, H′, W′]` |
///
/// with H′ = ⌊(H + 2 · padding − kernel) / stride⌋ + 1, rounded up instead in
/// `ceil_mode`.
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::{AvgPool2d, Module};
///
/// let pool = AvgPool2d::new((2, 3));
/// let x = Tape::inference().constant(Tensor::<f32>::ones([1, 6, 28, 27])?);
/// assert_eq!(pool.forward(&x)?.shape(), [1, 6, 14, 9]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct AvgPool2d {
    options: AvgPool2dOptions,
}

impl AvgPool2d {
    /// Pooling over windows of `2` by 2 or `(2, 4)`.
    pub fn new(kernel: impl Into<Pair>) -> Self {
        AvgPool2dOptions::new(kernel).into()
    }

    /// How far the window moves.
    pub fn stride(self, stride: impl Into<Pair>) -> Self {
        self.options.stride(stride).into()
    }

    /// How many rows and columns of zeros surround a plane, at most half the
    /// kernel.
    pub fn padding(self, padding: impl Into<Pair>) -> Self {
        self.options.padding(padding).into()
    }

    /// Whether a last window that only partly fits counts.
    pub fn ceil_mode(self, ceil_mode: bool) -> Self {
        self.options.ceil_mode(ceil_mode).into()
    }

    /// Whether padding counts in what a sum is divided by.
    pub fn count_include_pad(self, count: bool) -> Self {
        self.options.count_include_pad(count).into()
    }

    /// What a sum is divided by instead of the size of its window; not 0.
    pub fn divisor_override(self, divisor: i64) -> Self {
        self.options.divisor_override(divisor).into()
    }

    /// All options.
    #[must_use]
    pub fn options(&self) -> &AvgPool2dOptions {
        &self.options
    }
}

impl From<AvgPool2dOptions> for AvgPool2d {
    fn from(options: AvgPool2dOptions) -> Self {
        Self { options }
    }
}

without_parameters!(AvgPool2d);

impl<T: Float> Module<T> for AvgPool2d {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        input.avg_pool2d(&self.options)
    }
}

impl fmt::Display for AvgPool2d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        write!(
            f,
            "AvgPool2d(kernel_size={}, stride={}, padding={}, ceil_mode={}, count_include_pad={}",
            pair(options.kernel),
            pair(options.stride),
            pair(options.padding),
            truth(options.ceil_mode),
            truth(options.count_include_pad)
        )?;
        if let Some(divisor) = options.divisor_override {
            write!(f, ", divisor_override={divisor}")?;
        }
        write!(f, ")")
    }
}
