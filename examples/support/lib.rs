//! What the examples share: the [command line](cli) and the [pictures](figure).
//!
//! None of this is part of the library. It lives in a package of its own so
//! that the examples can depend on plotting and on a command-line parser while
//! `wengert` does not.

pub mod cli;
pub mod figure;

/// What an example's `main` returns. `anyhow` prints an error as a sentence,
/// and what caused it below, where a boxed error would print its `Debug` form.
pub type Result<T = ()> = anyhow::Result<T>;
