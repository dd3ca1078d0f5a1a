//! The operations, one family of loops a file.

pub(crate) mod elementwise;
pub(crate) mod layout;
pub(crate) mod reduce;
pub(crate) mod update;
