//! Margins around images.

use std::fmt;

use autograd::Var;
use tensor::{Float, PadMode, Result};

use super::without_parameters;
use crate::module::Module;

/// How wide the four margins of an image are. Negative ones crop. One number
/// stands for all four, four for left, right, top and bottom, as in PyTorch.
///
/// ```
/// use wengert_nn::Margins;
///
/// let margins = Margins::from((1, 2, 0, -1));
/// assert_eq!((margins.right, margins.bottom), (2, -1));
/// assert_eq!(Margins::from(3).top, 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margins {
    /// Columns on the left.
    pub left: isize,
    /// Columns on the right.
    pub right: isize,
    /// Rows above.
    pub top: isize,
    /// Rows below.
    pub bottom: isize,
}

impl From<isize> for Margins {
    fn from(all: isize) -> Self {
        Self::from([all; 4])
    }
}

impl From<(isize, isize, isize, isize)> for Margins {
    fn from((left, right, top, bottom): (isize, isize, isize, isize)) -> Self {
        Self::from([left, right, top, bottom])
    }
}

impl From<[isize; 4]> for Margins {
    fn from([left, right, top, bottom]: [isize; 4]) -> Self {
        Self {
            left,
            right,
            top,
            bottom,
        }
    }
}

impl Margins {
    /// In the order in which [`Tensor::pad`](tensor::Tensor::pad) takes them.
    fn amounts(self) -> [(isize, isize); 2] {
        [(self.left, self.right), (self.top, self.bottom)]
    }
}

impl fmt::Display for Margins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            left,
            right,
            top,
            bottom,
        } = self;
        write!(f, "({left}, {right}, {top}, {bottom})")
    }
}

/// A margin of one value: `torch.nn.ConstantPad2d`.
///
/// | | shape |
/// |---|---|
/// | input | `[…, H, W]` |
/// | output | `[…, top + H + bottom, left + W + right]` |
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::{ConstantPad2d, Module};
///
/// let pad = ConstantPad2d::new((1, 0, 0, 1), 9.0);
/// let x = Tape::inference().constant(Tensor::from([[[1.0, 2.0]]]));
/// let y = pad.forward(&x)?;
/// assert_eq!(y.value(), &Tensor::from([[[9.0, 1.0, 2.0], [9.0, 9.0, 9.0]]]));
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstantPad2d {
    /// How wide the margins are.
    pub padding: Margins,
    /// What they are made of.
    pub value: f64,
}

impl ConstantPad2d {
    /// Margins of `2` on all sides, or of `(left, right, top, bottom)`.
    #[must_use]
    pub fn new(padding: impl Into<Margins>, value: f64) -> Self {
        Self {
            padding: padding.into(),
            value,
        }
    }
}

without_parameters!(ConstantPad2d);

impl<T: Float> Module<T> for ConstantPad2d {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        input.pad(&self.padding.amounts(), T::of(self.value))
    }
}

impl fmt::Display for ConstantPad2d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { padding, value } = self;
        write!(f, "ConstantPad2d(padding={padding}, value={value:?})")
    }
}

macro_rules! margin {
    ($(#[$doc:meta])* $layer:ident, $mode:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $layer {
            /// How wide the margins are.
            pub padding: Margins,
        }

        impl $layer {
            /// Margins of `2` on all sides, or of `(left, right, top, bottom)`.
            #[must_use]
            pub fn new(padding: impl Into<Margins>) -> Self {
                Self {
                    padding: padding.into(),
                }
            }
        }

        without_parameters!($layer);

        impl<T: Float> Module<T> for $layer {
            fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
                input.pad(&self.padding.amounts(), $mode)
            }
        }

        impl fmt::Display for $layer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($layer), self.padding)
            }
        }
    };
}

margin! {
    /// A margin of zeros: `torch.nn.ZeroPad2d`. Shapes as [`ConstantPad2d`].
    ///
    /// ```
    /// use autograd::Tape;
    /// use tensor::Tensor;
    /// use wengert_nn::{Module, ZeroPad2d};
    ///
    /// let x = Tape::inference().constant(Tensor::<f32>::ones([1, 3, 28, 28])?);
    /// assert_eq!(ZeroPad2d::new(2).forward(&x)?.shape(), [1, 3, 32, 32]);
    /// assert_eq!(ZeroPad2d::new((0, 0, -4, 1)).forward(&x)?.shape(), [1, 3, 25, 28]);
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ZeroPad2d, T::ZERO
}
margin! {
    /// A margin of the image mirrored at its outermost rows and columns, which
    /// are not repeated: `torch.nn.ReflectionPad2d`. Each margin must be smaller
    /// than the image; it is `[N, C, H, W]` or `[C, H, W]`.
    ///
    /// ```
    /// use autograd::Tape;
    /// use tensor::Tensor;
    /// use wengert_nn::{Module, ReflectionPad2d};
    ///
    /// let x = Tape::inference().constant(Tensor::from([[[1.0, 2.0, 3.0]]]));
    /// let y = ReflectionPad2d::new((2, 1, 0, 0)).forward(&x)?;
    /// assert_eq!(y.value(), &Tensor::from([[[3.0, 2.0, 1.0, 2.0, 3.0, 2.0]]]));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ReflectionPad2d, PadMode::Reflect
}
margin! {
    /// A margin of the outermost rows and columns again and again:
    /// `torch.nn.ReplicationPad2d`. The image is `[N, C, H, W]` or `[C, H, W]`.
    ///
    /// ```
    /// use autograd::Tape;
    /// use tensor::Tensor;
    /// use wengert_nn::{Module, ReplicationPad2d};
    ///
    /// let x = Tape::inference().constant(Tensor::from([[[1.0, 2.0, 3.0]]]));
    /// let y = ReplicationPad2d::new((2, 1, 0, 0)).forward(&x)?;
    /// assert_eq!(y.value(), &Tensor::from([[[1.0, 1.0, 1.0, 2.0, 3.0, 3.0]]]));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ReplicationPad2d, PadMode::Replicate
}
margin! {
    /// A margin from the other end of the image, as if it were one of many tiles:
    /// `torch.nn.CircularPad2d`. No margin may be larger than the image; it is
    /// `[N, C, H, W]` or `[C, H, W]`.
    ///
    /// ```
    /// use autograd::Tape;
    /// use tensor::Tensor;
    /// use wengert_nn::{CircularPad2d, Module};
    ///
    /// let x = Tape::inference().constant(Tensor::from([[[1.0, 2.0, 3.0]]]));
    /// let y = CircularPad2d::new((2, 1, 0, 0)).forward(&x)?;
    /// assert_eq!(y.value(), &Tensor::from([[[2.0, 3.0, 1.0, 2.0, 3.0, 1.0]]]));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    CircularPad2d, PadMode::Circular
}
