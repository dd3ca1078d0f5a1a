//! The adapters: for each operation, how its PyTorch arguments become a call.
//!
//! A file for each kind of operation, in each a list of names and functions. A
//! new operation is a line in a list; a new kind a file, its `mod` line, and a
//! line in [`adapters`].

mod activation;
mod conv;
mod dropout;
mod elementwise;
mod index;
mod join;
mod layout;
mod loss;
mod matmul;
mod norm;
mod ordering;
mod pad;
mod pool;
mod reduce;
mod slice;
mod softmax;
mod unary;
mod window;

use wengert::Float;

use super::call::Adapter;

/// All adapters by the name of their operation.
#[must_use]
pub(crate) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    [
        activation::adapters(),
        conv::adapters(),
        dropout::adapters(),
        elementwise::adapters(),
        index::adapters(),
        join::adapters(),
        layout::adapters(),
        loss::adapters(),
        matmul::adapters(),
        norm::adapters(),
        ordering::adapters(),
        pad::adapters(),
        pool::adapters(),
        reduce::adapters(),
        slice::adapters(),
        softmax::adapters(),
        unary::adapters(),
        window::adapters(),
    ]
    .concat()
}

pub(crate) use activation::approximate;
pub(crate) use conv::padding;
pub(crate) use loss::{binary, binary_with_logits, cross_entropy, kl_div, nll, reduction};
pub(crate) use pool::{adaptive, average, maximum};
pub(crate) use softmax::implied_axis;
pub(crate) use window::{nearest, slide};

/// The same call on a tensor of whichever type.
macro_rules! any {
    ($value:expr, $x:ident => $call:expr) => {
        match $value {
            $crate::reference::call::Value::Var($x) => $crate::reference::call::one($call?),
            $crate::reference::call::Value::Int($x) => $crate::reference::call::one($call?),
            $crate::reference::call::Value::Bool($x) => $crate::reference::call::one($call?),
        }
    };
}
pub(crate) use any;
