//! Checkpoints: a model, or a whole training run, as data and as a file.
//!
//! A [`StateDict`] is what PyTorch calls by that name: tensors under dotted
//! names, here with the notes ("metadata") of the file that they came from.
//! [`Visit::state_dict`](crate::Visit::state_dict) takes one of a model and
//! [`Visit::load_state_dict`](crate::Visit::load_state_dict) gives it back, all
//! of it or nothing. With the feature `safetensors` (`wengert` turns it on) it
//! is read from and written to a file of that format, the one in which PyTorch
//! models travel: names and shapes are PyTorch's, so weights carry over both
//! ways.
//!
//! | file | what it knows |
//! |---|---|
//! | `state_dict.rs` | tensors of four types by name |
//! | `load.rs` | which of them fit a model, and the report of those that do not |
//! | `file.rs` | the bytes of the format, and what is wrong with them |
//! | `half.rs` | the floats of 16 bits that files hold and tensors do not |
//! | `training.rs` | what else a run needs to go on to the bit: `TrainingCheckpoint` |
//! | `atomic.rs` | how a file is replaced so that no reader finds half of one |
//!
//! **A file is not to be trusted.** It is read whole, so that it never takes
//! more memory than a small multiple of its size, whatever its header claims;
//! every number in the header is checked before it is used.

#[cfg(feature = "safetensors")]
mod atomic;
#[cfg(feature = "safetensors")]
mod file;
#[cfg(feature = "safetensors")]
mod half;
mod load;
mod state_dict;
#[cfg(feature = "safetensors")]
mod training;

pub use load::{LoadReport, Mismatch};
pub use state_dict::{StateDict, StateTensor};
#[cfg(feature = "safetensors")]
pub use training::{Progress, TrainingCheckpoint};

pub(crate) use load::load;
