//! Windows as columns, and columns as images.

use std::fmt;

use autograd::Var;
use tensor::{Float, Pair, Result, UnfoldOptions};

use super::{pair, without_parameters};
use crate::module::Module;

/// A column for each window of an image: `torch.nn.Unfold`.
///
/// | | shape |
/// |---|---|
/// | input | `[N, C, H, W]`, or `[C, H, W]` |
/// | output | `[N, C · kh · kw, L]`, for L windows |
///
/// ```
/// use autograd::Tape;
/// use tensor::{Tensor, UnfoldOptions};
/// use wengert_nn::{Fold, Module, Unfold};
///
/// let patches = UnfoldOptions::new(4).stride(4);
/// let x = Tape::inference().constant(Tensor::<f32>::ones([2, 3, 32, 32])?);
/// let y = Unfold::from(patches).forward(&x)?;
/// assert_eq!(y.shape(), [2, 3 * 4 * 4, 8 * 8]);
/// // Patches that do not overlap come back as they were.
/// assert_eq!(Fold::new(32, patches).forward(&y)?.value(), x.value());
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Unfold {
    options: UnfoldOptions,
}

/// Columns added up to an image, the adjoint of [`Unfold`]: `torch.nn.Fold`.
///
/// | | shape |
/// |---|---|
/// | input | `[N, C · kh · kw, L]`, or `[C · kh · kw, L]` |
/// | output | `[N, C, H, W]`, of the given H and W |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Fold {
    output_size: [usize; 2],
    options: UnfoldOptions,
}

impl Unfold {
    /// Windows of `3` by 3 or `(3, 5)`, one beside the other. For more options
    /// make it from [`UnfoldOptions`].
    pub fn new(kernel: impl Into<Pair>) -> Self {
        UnfoldOptions::new(kernel).into()
    }

    /// How the window slides.
    #[must_use]
    pub fn options(&self) -> &UnfoldOptions {
        &self.options
    }
}

impl From<UnfoldOptions> for Unfold {
    fn from(options: UnfoldOptions) -> Self {
        Self { options }
    }
}

impl Fold {
    /// To images of this size, from columns of such windows.
    pub fn new(output_size: impl Into<Pair>, options: UnfoldOptions) -> Self {
        let Pair(output_size) = output_size.into();
        Self {
            output_size,
            options,
        }
    }

    /// Height and width of the images.
    #[must_use]
    pub fn output_size(&self) -> [usize; 2] {
        self.output_size
    }

    /// How the window slides.
    #[must_use]
    pub fn options(&self) -> &UnfoldOptions {
        &self.options
    }
}

without_parameters!(Unfold, Fold);

impl<T: Float> Module<T> for Unfold {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        input.unfold(&self.options)
    }
}

impl<T: Float> Module<T> for Fold {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        input.fold(self.output_size, &self.options)
    }
}

impl fmt::Display for Unfold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unfold({})", slide(&self.options))
    }
}

impl fmt::Display for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = pair(self.output_size);
        write!(f, "Fold(output_size={size}, {})", slide(&self.options))
    }
}

fn slide(options: &UnfoldOptions) -> String {
    format!(
        "kernel_size={}, dilation={}, padding={}, stride={}",
        pair(options.kernel),
        pair(options.dilation),
        pair(options.padding),
        pair(options.stride)
    )
}
