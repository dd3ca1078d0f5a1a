//! Tensors: values and loops.

pub mod element;
pub mod error;
mod ops;
pub mod par;
pub mod random;
pub mod shape;
mod tensor;

pub use element::{Element, Float, Number};
pub use error::{Error, Result};
pub use ops::loss::{CrossEntropyOptions, Reduction};
pub use tensor::Tensor;

impl<T: Element> std::fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tensor<{}>{:?}", T::NAME, self.shape())
    }
}
