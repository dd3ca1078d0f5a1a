//! The operations, one family of loops a file.

pub(crate) mod compare;
pub(crate) mod elementwise;
pub(crate) mod extrema;
pub(crate) mod fold;
pub(crate) mod layout;
pub(crate) mod loss;
pub(crate) mod reduce;
pub(crate) mod softmax;
pub(crate) mod unary;
