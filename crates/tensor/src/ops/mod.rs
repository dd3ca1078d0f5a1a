//! The operations, one family of loops a file.

pub(crate) mod compare;
pub(crate) mod conv2d;
mod conv2d_direct;
mod conv2d_gemm;
pub(crate) mod conv_geometry;
pub(crate) mod elementwise;
pub(crate) mod extrema;
pub(crate) mod fold;
pub(crate) mod index;
pub(crate) mod join;
pub(crate) mod layout;
pub(crate) mod loss;
pub(crate) mod matmul;
pub(crate) mod norm;
pub(crate) mod operators;
pub(crate) mod pad;
pub(crate) mod reduce;
pub(crate) mod slice;
pub(crate) mod softmax;
pub(crate) mod unary;
pub(crate) mod update;
