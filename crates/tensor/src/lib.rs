//! Tensors: values and loops.

pub mod element;
pub mod error;
mod gemm;
mod ops;
pub mod par;
pub mod random;
pub mod shape;
mod tensor;
mod window;

pub use element::{Element, Float, Number};
pub use error::{Error, Result};
pub use ops::update::SgdStep;
pub use tensor::Tensor;
pub use window::{Padding, Pair, Window2d};

impl<T: Element> std::fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tensor<{}>{:?}", T::NAME, self.shape())
    }
}
