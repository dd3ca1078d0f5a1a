//! Labelled images, and how they come to a training loop.
//!
//! A [`Dataset`] is two tensors of one length in memory: images `[N, C, H, W]`
//! and the class of each. It is checked when it is made, so that no label is
//! out of range three epochs later. From it come subsets, a stratified split
//! into training and test set ([`Dataset::split_stratified`]), normalised
//! copies ([`Normalization`]) and mini-batches ([`Dataset::batches`]).
//!
//! An epoch is one iterator, and everything random draws from the generator
//! that the caller hands over: the same seed, the same order.
//!
//! ```
//! # #[cfg(feature = "digits")] {
//! use tensor::random::Generator;
//! use wengert_data::{Normalization, digits};
//!
//! let rng = &mut Generator::new(0);
//! let (train, test) = digits()?.split_stratified(0.2, rng)?;
//! assert_eq!((train.len(), test.len()), (1438, 359));
//!
//! // Measured on what is trained on, applied to both.
//! let normalization = Normalization::measure(&train)?;
//! let train = train.normalize(&normalization)?;
//! let test = test.normalize(&normalization)?;
//!
//! for _epoch in 0..2 {
//!     for batch in train.batches(64)?.shuffled(rng).drop_last() {
//!         let (images, labels) = batch?;
//!         assert_eq!(images.shape(), [64, 1, 8, 8]);
//!         assert_eq!(labels.shape(), [64]);
//!     }
//! }
//! # }
//! # Ok::<(), tensor::Error>(())
//! ```
//!
//! # Where images come from
//!
//! - [`digits`]: 1,797 handwritten digits of 8 × 8 pixels, embedded in the
//!   library, for real training without a download (feature `digits`, on by
//!   default).
//! - [`mnist`]: MNIST, Fashion-MNIST and their kin, from a directory of idx
//!   files, compressed (feature `gzip`, on by default) or not. [`read_images`],
//!   [`read_labels`] and [`read_idx`] read single files.
//! - [`Dataset::new`]: tensors of your own.

mod batches;
mod dataset;
#[cfg(feature = "digits")]
mod digits;
mod idx;
mod mnist;
mod normalization;
mod split;

pub use batches::Batches;
pub use dataset::Dataset;
#[cfg(feature = "digits")]
pub use digits::digits;
pub use idx::{Idx, read_idx};
pub use mnist::{mnist, read_images, read_labels};
pub use normalization::Normalization;
