//! The differentiable operations: one family, one file, named as its loops in
//! `tensor`. Formula, forward and rules stand together.

mod dropout;
mod elementwise;
mod index;
mod join;
mod layout;
mod matmul;
mod pad;
mod reduce;
mod slice;
#[cfg(test)]
mod testing;
