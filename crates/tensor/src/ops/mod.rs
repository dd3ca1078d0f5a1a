//! The operations, one family of loops a file.

pub(crate) mod avg_pool2d;
pub(crate) mod compare;
pub(crate) mod conv2d;
pub(crate) mod conv_transpose2d;
pub(crate) mod corr2d;
pub(crate) mod elementwise;
pub(crate) mod extrema;
pub(crate) mod fold;
pub(crate) mod index;
pub(crate) mod join;
pub(crate) mod layout;
pub(crate) mod loss;
pub(crate) mod matmul;
pub(crate) mod max_pool2d;
pub(crate) mod norm;
pub(crate) mod operators;
pub(crate) mod pad;
pub(crate) mod pool2d;
pub(crate) mod reduce;
pub(crate) mod slice;
pub(crate) mod softmax;
pub(crate) mod unary;
pub(crate) mod update;
