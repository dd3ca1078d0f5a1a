//! The differentiable operations: one family, one file, named as its loops in
//! `tensor`. Formula, forward and rules stand together.

mod dropout;
mod elementwise;
mod layout;
mod reduce;
