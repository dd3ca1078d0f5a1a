//! The operations, one family of loops a file.

pub(crate) mod elementwise;
pub(crate) mod index;
pub(crate) mod join;
pub(crate) mod layout;
pub(crate) mod matmul;
pub(crate) mod pad;
pub(crate) mod reduce;
pub(crate) mod slice;
