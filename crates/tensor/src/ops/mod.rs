//! The operations, one family of loops a file.

pub(crate) mod conv2d;
mod conv2d_direct;
mod conv2d_gemm;
pub(crate) mod conv_geometry;
pub(crate) mod elementwise;
pub(crate) mod layout;
pub(crate) mod reduce;
