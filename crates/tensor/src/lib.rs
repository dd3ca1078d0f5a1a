//! Tensors: values and loops.

mod display;
pub mod element;
pub mod error;
mod gemm;
mod ops;
pub mod par;
pub mod random;
mod region;
mod scratch;
pub mod shape;
mod tensor;
mod window;

pub use element::{Element, Float, Number};
pub use error::{Error, Result};
pub use ops::conv_transpose2d::{ConvTranspose2dGeometry, ConvTranspose2dOptions};
pub use ops::conv2d::{Conv2dGeometry, Conv2dOptions};
pub use ops::loss::{CrossEntropyOptions, Reduction};
pub use ops::pool2d::{AvgPool2dOptions, MaxPool2dOptions, Pool2dGeometry};
pub use ops::update::SgdStep;
pub use region::{Slice, Slices};
pub use tensor::Tensor;
pub use window::{Padding, Pair, Window2d};
