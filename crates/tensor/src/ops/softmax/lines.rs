//! Exponentials of lines of scores: what softmax and cross-entropy are made of.
//!
//! A line is n scores. They lie in a row (the last axis) or `inner` apart (an
//! image's classes), and then up to [`TILE`] lines are gone through side by side:
//!
//! ```text
//! max  = the largest of the line
//! sum  = Σ e^(x − max)          and each term written, if it is wanted
//! out  = term / sum             or (x − max) − log sum
//! ```
//!
//! Rows of few classes are turned into lines side by side (`few.rs`).
//!
//! A line or a tile stays in the first cache meanwhile: memory is read once and
//! written once, and nothing else is needed.
//!
//! **Order.** A row is summed as reductions sum (`simd/fold.rs`): stretches in
//! sixteen lanes, the stretches in pairs. Lines side by side are summed class by
//! class, thirty-two in a row.
//!
//! **Cost.** Some twenty-five instructions for a vector of exponentials.

mod few;
mod row;
mod tile;

use few::{FEW, block_to_rows, rows_to_block};
use row::{grad_row, row_sums, softmax_row};
use tile::{Tile, grad_tile, losses_of_tile, softmax_tile};

use crate::exponential::{COST, Exponential};
use crate::simd::{InstructionSet, Kernel, Vector};
use crate::{par, simd};

/// Lines that are gone through side by side.
const TILE: usize = 64;
/// The piece in which the end of a row is gone through.
const SHORT: usize = 16;
/// Elements that make one piece of shared work.
const PIECE: usize = 1 << 13;

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scores {
    /// e^x / Σ e^x.
    Probabilities,
    /// x − log Σ e^x.
    Logarithms,
}

/// Softmax, or its logarithm, of all lines.
pub(crate) fn softmax_loops<T: Exponential>(
    what: Scores,
    classes: usize,
    inner: usize,
    x: &[T],
    out: &mut [T],
) {
    let block = classes * inner;
    let batch = (PIECE / block).max(1);
    par::for_each_piece(out, batch * block, COST * x.len(), |i, out| {
        let x = &x[i * batch * block..];
        let blocks = Softmax {
            what,
            classes,
            inner,
            x,
            out,
        };
        simd::run(InstructionSet::best(), blocks);
    });
}

/// The loss of every line: 0 where it is not to count.
pub(crate) fn cross_entropy_loops<T: Exponential>(
    [classes, inner]: [usize; 2],
    ignore: i64,
    x: &[T],
    labels: &[i64],
    losses: &mut [T],
) {
    let batch = (PIECE / (classes * inner)).max(1);
    par::for_each_piece(losses, batch * inner, COST * x.len(), |i, losses| {
        let x = &x[i * batch * classes * inner..];
        let labels = &labels[i * batch * inner..];
        let blocks = Losses {
            classes,
            inner,
            ignore,
            x,
            labels,
            losses,
        };
        simd::run(InstructionSet::best(), blocks);
    });
}

/// The gradient of every loss with respect to its line, times its own gradient.
pub(crate) fn cross_entropy_grad_loops<T: Exponential>(
    [classes, inner]: [usize; 2],
    ignore: i64,
    x: &[T],
    labels: &[i64],
    g: &[T],
    out: &mut [T],
) {
    let block = classes * inner;
    let batch = (PIECE / block).max(1);
    par::for_each_piece(out, batch * block, COST * x.len(), |i, out| {
        let x = &x[i * batch * block..];
        let (labels, g) = (&labels[i * batch * inner..], &g[i * batch * inner..]);
        let blocks = Gradients {
            classes,
            inner,
            ignore,
            x,
            labels,
            g,
            out,
        };
        simd::run(InstructionSet::best(), blocks);
    });
}

/// Blocks of scores, and what becomes of them.
struct Softmax<'a, T> {
    what: Scores,
    classes: usize,
    inner: usize,
    x: &'a [T],
    out: &'a mut [T],
}

impl<T: Exponential> Kernel<T> for Softmax<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let block = self.classes * self.inner;
        if self.inner == 1 && self.classes <= FEW {
            let (mut from, mut to) = ([T::ZERO; FEW * TILE], [T::ZERO; FEW * TILE]);
            let rows = self.x.chunks(block * TILE);
            for (x, out) in rows.zip(self.out.chunks_mut(block * TILE)) {
                rows_to_block(x, self.classes, &mut from);
                softmax_tile(self.what, &Tile::new(&from, self.classes, TILE, 0), &mut to);
                block_to_rows(&to, self.classes, out);
            }
            return;
        }
        for (x, out) in self.x.chunks(block).zip(self.out.chunks_mut(block)) {
            if self.inner == 1 {
                softmax_row::<T, V>(self.what, x, out);
                continue;
            }
            for from in (0..self.inner).step_by(TILE) {
                softmax_tile(
                    self.what,
                    &Tile::new(x, self.classes, self.inner, from),
                    out,
                );
            }
        }
    }
}

/// Blocks of scores and their labels.
struct Losses<'a, T> {
    classes: usize,
    inner: usize,
    ignore: i64,
    x: &'a [T],
    labels: &'a [i64],
    losses: &'a mut [T],
}

impl<T: Exponential> Kernel<T> for Losses<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self {
            classes,
            inner,
            ignore,
            ..
        } = self;
        if inner == 1 && classes <= FEW {
            let mut from = [T::ZERO; FEW * TILE];
            let labels = self.labels.chunks(TILE).zip(self.losses.chunks_mut(TILE));
            for (x, (y, losses)) in self.x.chunks(classes * TILE).zip(labels) {
                rows_to_block(x, classes, &mut from);
                losses_of_tile(ignore, &Tile::new(&from, classes, TILE, 0), y, losses);
            }
            return;
        }
        let labels = self.labels.chunks(inner).zip(self.losses.chunks_mut(inner));
        for (x, (y, losses)) in self.x.chunks(classes * inner).zip(labels) {
            if inner == 1 {
                losses[0] = T::ZERO;
                if y[0] != ignore {
                    let (max, sum) = row_sums::<T, V>(x);
                    losses[0] = sum.ln() - (x[y[0] as usize] - max);
                }
                continue;
            }
            for from in (0..inner).step_by(TILE) {
                let tile = Tile::new(x, classes, inner, from);
                let lanes = from..from + tile.width;
                losses_of_tile(ignore, &tile, &y[lanes.clone()], &mut losses[lanes]);
            }
        }
    }
}

/// Blocks of scores, their labels and the gradients of their losses.
struct Gradients<'a, T> {
    classes: usize,
    inner: usize,
    ignore: i64,
    x: &'a [T],
    labels: &'a [i64],
    g: &'a [T],
    out: &'a mut [T],
}

impl<T: Exponential> Kernel<T> for Gradients<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self {
            classes,
            inner,
            ignore,
            ..
        } = self;
        if inner == 1 && classes <= FEW {
            let (mut from, mut to) = ([T::ZERO; FEW * TILE], [T::ZERO; FEW * TILE]);
            let lines = self.labels.chunks(TILE).zip(self.g.chunks(TILE));
            let rows = self.x.chunks(classes * TILE);
            for ((x, out), (y, g)) in rows.zip(self.out.chunks_mut(classes * TILE)).zip(lines) {
                rows_to_block(x, classes, &mut from);
                grad_tile(ignore, &Tile::new(&from, classes, TILE, 0), y, g, &mut to);
                block_to_rows(&to, classes, out);
            }
            return;
        }
        let block = classes * inner;
        let blocks = self.x.chunks(block).zip(self.out.chunks_mut(block));
        let lines = self.labels.chunks(inner).zip(self.g.chunks(inner));
        for ((x, out), (y, g)) in blocks.zip(lines) {
            if inner == 1 {
                grad_row::<T, V>(ignore, x, (y[0], g[0]), out);
                continue;
            }
            for from in (0..inner).step_by(TILE) {
                let tile = Tile::new(x, classes, inner, from);
                let lanes = from..from + tile.width;
                grad_tile(ignore, &tile, &y[lanes.clone()], &g[lanes], out);
            }
        }
    }
}

#[cfg(test)]
mod tests;
