//! Short rows: many lines of few classes.
//!
//! A row of ten would leave most of its vectors empty. So sixty-four rows are
//! turned into lines side by side in a buffer, and what comes out is turned back.

use super::TILE;
use crate::exponential::Exponential;

/// The most classes that are few: two buffers fit the first cache.
pub(super) const FEW: usize = 16;

/// A block of at most [`FEW`] classes × [`TILE`] lines.
pub(super) type Block<T> = [T; FEW * TILE];

/// Rows into a block. Lines without a row keep what they are.
#[inline(always)]
pub(super) fn rows_to_block<T: Exponential>(rows: &[T], classes: usize, block: &mut Block<T>) {
    for (line, row) in rows.chunks_exact(classes).take(TILE).enumerate() {
        for (to, &x) in block[line..].iter_mut().step_by(TILE).zip(row) {
            *to = x;
        }
    }
}

/// A block into rows.
#[inline(always)]
pub(super) fn block_to_rows<T: Exponential>(block: &Block<T>, classes: usize, rows: &mut [T]) {
    for (line, row) in rows.chunks_exact_mut(classes).take(TILE).enumerate() {
        for (x, &from) in row.iter_mut().zip(block[line..].iter().step_by(TILE)) {
            *x = from;
        }
    }
}
