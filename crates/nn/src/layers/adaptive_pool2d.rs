//! Pooling to a given size.

use std::fmt;

use autograd::Var;
use tensor::{AdaptiveSize, Float, Result};

use super::without_parameters;
use crate::module::Module;

/// The mean of each of so many windows, plane by plane, whatever the size of the
/// planes: `torch.nn.AdaptiveAvgPool2d`.
///
/// | | shape |
/// |---|---|
/// | input | `[N, C, H, W]`, or `[C, H, W]` |
/// | output | `[N, C, H′, W′]`, of the given H′ and W′, `None` for H or W |
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::{AdaptiveAvgPool2d, Module};
///
/// let pool = AdaptiveAvgPool2d::new(1);
/// let x = Tape::inference().constant(Tensor::<f32>::ones([8, 64, 7, 9])?);
/// assert_eq!(pool.forward(&x)?.shape(), [8, 64, 1, 1]);
/// assert_eq!(AdaptiveAvgPool2d::new((None, 3)).forward(&x)?.shape(), [8, 64, 7, 3]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptiveAvgPool2d {
    /// Height and width of the result.
    pub output_size: AdaptiveSize,
}

/// The maximum of each of so many windows, plane by plane, whatever the size of
/// the planes: `torch.nn.AdaptiveMaxPool2d`. Where several elements are the
/// maximum, the first gets the gradient.
///
/// | | shape |
/// |---|---|
/// | input | `[N, C, H, W]`, or `[C, H, W]` |
/// | output | `[N, C, H′, W′]`, of the given H′ and W′, `None` for H or W |
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::{AdaptiveMaxPool2d, Module};
///
/// let pool = AdaptiveMaxPool2d::new((2, 1));
/// let x = Tape::inference().constant(Tensor::from([[[1.0, 5.0], [3.0, 2.0], [4.0, 0.0]]]));
/// assert_eq!(pool.forward(&x)?.value(), &Tensor::from([[[5.0], [4.0]]]));
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptiveMaxPool2d {
    /// Height and width of the result.
    pub output_size: AdaptiveSize,
}

macro_rules! adaptive {
    ($layer:ident, $op:ident) => {
        impl $layer {
            /// Pooling to a size of `7` by 7, `(7, 5)` or `(None, 5)`.
            #[must_use]
            pub fn new(output_size: impl Into<AdaptiveSize>) -> Self {
                Self {
                    output_size: output_size.into(),
                }
            }
        }

        without_parameters!($layer);

        impl<T: Float> Module<T> for $layer {
            fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
                input.$op(self.output_size)
            }
        }

        impl fmt::Display for $layer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let size = |size: Option<usize>| size.map_or("None".to_owned(), |n| n.to_string());
                let [height, width] = self.output_size.0.map(size);
                write!(f, "{}(output_size=({height}, {width}))", stringify!($layer))
            }
        }
    };
}

adaptive!(AdaptiveAvgPool2d, adaptive_avg_pool2d);
adaptive!(AdaptiveMaxPool2d, adaptive_max_pool2d);
