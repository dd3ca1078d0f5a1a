//! Names for arrangements of operations: layers, losses, optimisers.

pub mod init;
mod layers;
mod loss;
mod module;
mod optim;
mod summary;

pub use layers::*;
pub use loss::*;
pub use module::{CloneModule, Module, Slot, SlotMut, Visit, Visitor, VisitorMut, write_tree};
pub use optim::*;
pub use summary::{Row, Summary, summary};
pub use tensor::Float;
