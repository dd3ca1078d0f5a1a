//! Values and loops: the tensor, and every operation that runs over elements.
//!
//! This crate has never heard of gradients. It holds arrays, checks what a
//! caller asks of them, and computes; `wengert-autograd` records what it does.
//!
//! - **Storage.** A [`Tensor`] is an array in row-major order whose elements are
//!   shared between clones and copied on write. It converts from and to
//!   `ndarray` without a copy where it can.
//! - **Names** are PyTorch's where PyTorch has one. Axes are counted from the
//!   end when negative; one axis or several are both accepted ([`shape::Axes`]),
//!   and `[]` means all in a reduction.
//! - **Errors.** What can fail returns [`Result`], what cannot does not:
//!   `(&a + &b)?` may not broadcast, `&a * 2.0` always works. There is one
//!   [`Error`] for the whole library, and its message names the operation and
//!   the shapes.
//! - **Randomness** comes from the generator that a caller hands over
//!   ([`random`]).
//! - **Threads** share large work, in pieces that do not depend on how many
//!   threads there are ([`par`]): the same bits on any number of them.
//!
//! ```
//! use wengert_tensor::{Conv2dOptions, MaxPool2dOptions, Tensor};
//!
//! // An image with a black bar: where are its edges?
//! let mut image = Tensor::<f32>::ones([6, 8])?;
//! image.slice_fill((.., 2..6), 0.0)?;
//! let edges = image.corr2d(&Tensor::from([[1.0, -1.0]]))?;
//! assert_eq!(edges.select(0, 0)?.to_vec(), [0.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0]);
//!
//! // The same over a batch with channels, `[N, C, H, W]`, and pooled.
//! let batch = image.reshape([1, 1, 6, 8])?;
//! let weight = Tensor::from([[[[1.0, -1.0]]]]);
//! let maps = batch.conv2d(&weight, None, &Conv2dOptions::default())?;
//! let pooled = maps.max_pool2d(&MaxPool2dOptions::new((2, 3)))?;
//! assert_eq!(pooled.shape(), [1, 1, 3, 2]);
//!
//! // What does not fit is an error that says why.
//! let error = maps.matmul(&Tensor::ones([3, 2])?).unwrap_err();
//! assert!(error.to_string().starts_with("matmul: "));
//! # Ok::<(), wengert_tensor::Error>(())
//! ```

mod display;
pub mod element;
pub mod error;
mod exponential;
mod gemm;
mod loops;
mod ops;
pub mod par;
pub mod random;
mod region;
mod scratch;
pub mod shape;
mod simd;
mod storage;
mod tensor;
mod window;

pub use element::{Element, Float, Number};
pub use error::{Error, Result};
pub use ops::activation::Approximate;
#[doc(hidden)]
pub use ops::activation::SELU;
pub use ops::adaptive_pool2d::AdaptiveSize;
#[doc(hidden)]
pub use ops::adaptive_pool2d::adaptive_window;
#[doc(hidden)]
pub use ops::batch_norm::{BatchNormOptions, RunningStats, RunningUpdate};
pub use ops::conv_transpose2d::{ConvTranspose2dGeometry, ConvTranspose2dOptions};
pub use ops::conv2d::{Conv2dGeometry, Conv2dKernel, Conv2dOptions};
pub use ops::div_rounded::Rounding;
#[doc(hidden)]
pub use ops::index_by::IndexPlan;
pub use ops::interpolate::InterpolateOptions;
#[doc(hidden)]
pub use ops::lookup::Lookup;
pub use ops::loss::{
    BinaryCrossEntropyOptions, BinaryCrossEntropyWithLogitsOptions, ClassTarget,
    CrossEntropyOptions, KlDivOptions, NllLossOptions, Reduction,
};
#[doc(hidden)]
pub use ops::max_pool2d::MaxPool2dWinners;
#[doc(hidden)]
pub use ops::normalize::{Groups as NormGroups, Standardization};
pub use ops::pad::PadMode;
pub use ops::pool2d::{AvgPool2dOptions, MaxPool2dOptions, Pool2dGeometry};
pub use ops::unfold::UnfoldOptions;
pub use ops::update::adagrad::AdagradOptions;
pub use ops::update::adam::AdamOptions;
pub use ops::update::rmsprop::RmsPropOptions;
pub use ops::update::sgd::SgdOptions;
pub use region::{Slice, Slices};
pub use simd::InstructionSet;
pub use tensor::Tensor;
pub use window::{Padding, Pair, Window2d};
