//! Tensors: values and loops.

mod display;
pub mod element;
pub mod error;
mod gemm;
mod ops;
pub mod par;
pub mod random;
pub mod shape;
mod tensor;

pub use element::{Element, Float, Number};
pub use error::{Error, Result};
pub use ops::slice::{Slice, Slices};
pub use tensor::Tensor;
