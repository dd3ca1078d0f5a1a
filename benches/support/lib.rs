//! Shared by the benchmarks.
//!
//! Two kinds of benchmark live here. `tensor_ops.rs` times single loops, for
//! whoever works on one of them. The paired benchmark answers another question,
//! "is a training step faster than PyTorch's on this machine?", and consists of
//! three programs that speak in lines of JSON:
//!
//! | program | measures |
//! |---|---|
//! | `wengert-workloads` (`workloads`) | our side, through the facade that users import, and the limits of the machine |
//! | `torch_side.py` | PyTorch's side: the same cases under the same names |
//! | `wengert-compare` (`compare`) | starts the two by turns, and prints medians, ratios and what was to be reached |
//!
//! What they share is here: how a case is timed ([`Budget`]), the line that
//! reports it ([`Record`]), and which cases are wanted ([`Filter`]).

mod budget;
mod filter;
mod record;

pub use budget::{Budget, Timing, median};
pub use filter::Filter;
pub use record::{Record, Unit};

use wengert::Tensor;
use wengert::random::Generator;

/// Normal values, the same ones whenever the shape is the same.
///
/// # Panics
/// If there is no memory for them: a benchmark has nobody to tell.
pub fn normal(shape: impl AsRef<[usize]>) -> Tensor {
    Tensor::randn(shape, &mut Generator::new(0)).expect("inputs of benchmarks fit into memory")
}
