//! The adapters: for each operation, how its PyTorch arguments become a call.
//!
//! A file for each kind of operation, in each a list of names and functions. A
//! new operation is a line in a list; a new kind a file, its `mod` line, and a
//! line in [`adapters`].

mod conv;
mod dropout;
mod elementwise;
mod index;
mod join;
mod layout;
mod loss;
mod matmul;
mod ordering;
mod pool;
mod reduce;
mod slice;
mod softmax;
mod unary;

use wengert::Float;

use super::call::Adapter;

/// All adapters by the name of their operation.
#[must_use]
pub(crate) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    [
        conv::adapters(),
        dropout::adapters(),
        elementwise::adapters(),
        index::adapters(),
        join::adapters(),
        layout::adapters(),
        loss::adapters(),
        matmul::adapters(),
        ordering::adapters(),
        pool::adapters(),
        reduce::adapters(),
        slice::adapters(),
        softmax::adapters(),
        unary::adapters(),
    ]
    .concat()
}

pub(crate) use conv::padding;
pub(crate) use loss::{cross_entropy, reduction};
pub(crate) use pool::{average, maximum};

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
use any;
