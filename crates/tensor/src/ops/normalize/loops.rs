//! The four walks over memory of a normalisation.
//!
//! | walk | reads | writes |
//! |---|---|---|
//! | [`moments_loops`] | x | mean and variance of every group |
//! | [`scale_loops`] | x | (x − near) · slope + shift |
//! | [`sums_loops`] | x, g | Σ g and Σ g · (x − near) of every entry |
//! | [`gradient_loops`] | x, g | g · factor + (x − near) · slope + shift |
//!
//! The numbers near, factor, slope, shift of an entry are its *line*. A run is gone
//! through in leaves; runs shorter than [`NARROW`] whose groups alternate are gone
//! through side by side. Pieces of shared work depend on sizes alone.

use super::Groups;
use super::columns::{self, ROWS};
use super::leaf::{self, LEAF, merged, two_sums};
use crate::element::Float;
use crate::simd::{InstructionSet, Kernel, Vector};
use crate::{par, scratch, simd};

/// Shorter runs are gone through side by side.
const NARROW: usize = 16;
/// Elements that make one piece of shared work.
const PIECE: usize = 1 << 13;
/// What an element costs, in units of 0.1 ns.
const COST: usize = 2;

/// The stretches that runs of one length are gone through in.
#[derive(Clone, Copy)]
struct Leaves {
    runs: usize,
    len: usize,
    /// The leaves of a run.
    parts: usize,
}

impl Leaves {
    fn new(runs: usize, len: usize) -> Self {
        Self {
            runs,
            len,
            parts: len.div_ceil(LEAF),
        }
    }

    fn count(&self) -> usize {
        self.runs * self.parts
    }

    /// Leaves that make a piece of work.
    fn batch(&self) -> usize {
        (PIECE / self.len.clamp(1, LEAF)).max(1)
    }

    /// Where a leaf begins and how long it is.
    #[inline(always)]
    fn at(&self, leaf: usize) -> (usize, usize) {
        let (run, part) = (leaf / self.parts, leaf % self.parts);
        (run * self.len + part * LEAF, self.size(part))
    }

    #[inline(always)]
    fn size(&self, part: usize) -> usize {
        LEAF.min(self.len - part * LEAF)
    }
}

impl Groups {
    fn is_narrow(&self) -> bool {
        self.interleaved && self.len < NARROW
    }

    /// The elements of a row of short runs.
    fn width(&self) -> usize {
        self.groups * self.len
    }

    /// Blocks of rows of short runs.
    fn blocks(&self) -> usize {
        self.turns.div_ceil(ROWS)
    }

    /// The rows of a block.
    fn rows_of(&self, block: usize) -> usize {
        ROWS.min(self.turns - block * ROWS)
    }
}

/// Writes mean and mean squared distance of every group; 0 and the mean square if
/// they are not `centred`.
pub(crate) fn moments_loops<T: Float>(groups: &Groups, centred: bool, x: &[T], out: &mut [f64]) {
    let cost = 2 * COST * x.len();
    if x.is_empty() {
        return out.fill(f64::NAN);
    }
    if groups.is_narrow() && centred {
        let (width, blocks) = (groups.width(), groups.blocks());
        return scratch::with(2 * blocks * width, |table: &mut [f64]| {
            par::for_each_piece(table, 2 * width, cost, |block, out| {
                let x = &x[block * ROWS * width..][..groups.rows_of(block) * width];
                simd::run(InstructionSet::best(), ColumnMoments { x, width, out });
            });
            let table = &*table;
            for (group, out) in out.chunks_exact_mut(2).enumerate() {
                let parts = (0..blocks).flat_map(|block| {
                    let columns = group * groups.len..(group + 1) * groups.len;
                    let at = move |column| pair(table, block * width + column);
                    columns.map(move |column| (groups.rows_of(block), at(column)))
                });
                out.copy_from_slice(&merged(parts));
            }
        });
    }
    // Neighbouring runs of a group are one.
    let leaves = if groups.interleaved {
        Leaves::new(groups.groups * groups.turns, groups.len)
    } else {
        Leaves::new(groups.groups, groups.count())
    };
    scratch::with(2 * leaves.count(), |table: &mut [f64]| {
        let batch = leaves.batch();
        par::for_each_piece(table, 2 * batch, cost, |i, out| {
            let moments = LeafMoments {
                leaves,
                first: i * batch,
                centred,
                x,
                out,
            };
            simd::run(InstructionSet::best(), moments);
        });
        let table = &*table;
        for (group, out) in out.chunks_exact_mut(2).enumerate() {
            let (turns, step) = match groups.interleaved {
                true => (groups.turns, groups.groups),
                false => (1, 0),
            };
            let parts = (0..turns).flat_map(|turn| {
                let first = (group + turn * step) * leaves.parts;
                (0..leaves.parts).map(move |part| (leaves.size(part), pair(table, first + part)))
            });
            out.copy_from_slice(&merged(parts));
        }
    });
}

fn pair(table: &[f64], at: usize) -> [f64; 2] {
    [table[2 * at], table[2 * at + 1]]
}

/// Writes Σ g and Σ g · (x − near) of every entry.
pub(crate) fn sums_loops<T: Float>(groups: &Groups, near: &[T], x: &[T], g: &[T], out: &mut [f64]) {
    let cost = 2 * COST * x.len();
    out.fill(0.0);
    if x.is_empty() {
        return;
    }
    if groups.is_narrow() {
        let (width, blocks) = (groups.width(), groups.blocks());
        return scratch::with(width, |spread: &mut [T]| {
            for (spread, &near) in spread.chunks_exact_mut(groups.len).zip(near) {
                spread.fill(near);
            }
            let near = &*spread;
            scratch::with(2 * blocks * width, |table: &mut [f64]| {
                par::for_each_piece(table, 2 * width, cost, |block, out| {
                    let here = block * ROWS * width..;
                    let count = groups.rows_of(block) * width;
                    let (x, g) = (&x[here.clone()][..count], &g[here][..count]);
                    simd::run(InstructionSet::best(), ColumnSums { near, x, g, out });
                });
                for row in table.chunks_exact(2 * width) {
                    for (entry, row) in row.chunks_exact(2 * groups.len).enumerate() {
                        for column in row.chunks_exact(2) {
                            out[2 * entry] += column[0];
                            out[2 * entry + 1] += column[1];
                        }
                    }
                }
            });
        });
    }
    let leaves = Leaves::new(groups.groups * groups.turns, groups.len);
    scratch::with(2 * leaves.count(), |table: &mut [f64]| {
        let batch = leaves.batch();
        par::for_each_piece(table, 2 * batch, cost, |i, out| {
            let sums = LeafSums {
                leaves,
                first: i * batch,
                near,
                x,
                g,
                out,
            };
            simd::run(InstructionSet::best(), sums);
        });
        for (leaf, sums) in table.chunks_exact(2).enumerate() {
            let entry = leaf / leaves.parts % near.len();
            out[2 * entry] += sums[0];
            out[2 * entry + 1] += sums[1];
        }
    });
}

/// Writes (x − near) · slope + shift.
pub(crate) fn scale_loops<T: Float>(groups: &Groups, lines: &[T], x: &[T], y: &mut [T]) {
    walk(groups, lines, [x, &[]], y);
}

/// Writes g · factor + (x − near) · slope + shift.
pub(crate) fn gradient_loops<T: Float>(
    groups: &Groups,
    lines: &[T],
    operands: [&[T]; 2],
    out: &mut [T],
) {
    walk(groups, lines, operands, out);
}

/// Element by element by each entry's line; without g where that is empty.
fn walk<T: Float>(groups: &Groups, lines: &[T], [x, g]: [&[T]; 2], out: &mut [T]) {
    if x.is_empty() {
        return;
    }
    let cost = COST * x.len();
    if !groups.is_narrow() {
        return par::for_each_piece(out, PIECE, cost, |i, out| {
            let pieces = RunsByLine {
                len: groups.len,
                lines,
                start: i * PIECE,
                x,
                g,
                out,
            };
            simd::run(InstructionSet::best(), pieces);
        });
    }
    let width = groups.width();
    scratch::with(4 * width, |spread: &mut [T]| {
        for (which, spread) in spread.chunks_exact_mut(width).enumerate() {
            let columns = spread.chunks_exact_mut(groups.len);
            for (columns, line) in columns.zip(lines.chunks_exact(4)) {
                columns.fill(line[which]);
            }
        }
        let lines = &*spread;
        let batch = (PIECE / width).max(1) * width;
        par::for_each_piece(out, batch, cost, |i, out| {
            let x = &x[i * batch..][..out.len()];
            let g = if g.is_empty() {
                g
            } else {
                &g[i * batch..][..out.len()]
            };
            simd::run(InstructionSet::best(), RowsByLine { lines, x, g, out });
        });
    });
}

// ---------------------------------------------------------------- kernels

struct LeafMoments<'a, T> {
    leaves: Leaves,
    first: usize,
    centred: bool,
    x: &'a [T],
    out: &'a mut [f64],
}

impl<T: Float> Kernel<T> for LeafMoments<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        for (i, out) in self.out.chunks_exact_mut(2).enumerate() {
            let (start, size) = self.leaves.at(self.first + i);
            let x = &self.x[start..start + size];
            let moments = if self.centred {
                leaf::moments(x)
            } else {
                leaf::squares(x)
            };
            out.copy_from_slice(&moments);
        }
    }
}

struct ColumnMoments<'a, T> {
    x: &'a [T],
    width: usize,
    out: &'a mut [f64],
}

impl<T: Float> Kernel<T> for ColumnMoments<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        columns::moments(self.x, self.width, self.out);
    }
}

struct LeafSums<'a, T> {
    leaves: Leaves,
    first: usize,
    near: &'a [T],
    x: &'a [T],
    g: &'a [T],
    out: &'a mut [f64],
}

impl<T: Float> Kernel<T> for LeafSums<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        for (i, out) in self.out.chunks_exact_mut(2).enumerate() {
            let leaf = self.first + i;
            let (start, size) = self.leaves.at(leaf);
            let near = self.near[leaf / self.leaves.parts % self.near.len()];
            let (x, g) = (&self.x[start..start + size], &self.g[start..start + size]);
            let sums = two_sums(x, g, |x, g| [g, g * (x - near)]);
            out.copy_from_slice(&sums.map(T::as_f64));
        }
    }
}

struct ColumnSums<'a, T> {
    near: &'a [T],
    x: &'a [T],
    g: &'a [T],
    out: &'a mut [f64],
}

impl<T: Float> Kernel<T> for ColumnSums<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        columns::sums(self.near, self.x, self.g, self.out);
    }
}

/// A piece of the tensor, run by run.
struct RunsByLine<'a, T> {
    len: usize,
    lines: &'a [T],
    /// Where the piece begins.
    start: usize,
    x: &'a [T],
    g: &'a [T],
    out: &'a mut [T],
}

impl<T: Float> Kernel<T> for RunsByLine<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let lines = self.lines.as_chunks::<4>().0;
        let end = self.start + self.out.len();
        let mut from = self.start;
        while from < end {
            let run = from / self.len;
            let to = end.min((run + 1) * self.len);
            let [near, factor, slope, shift] = lines[run % lines.len()];
            let out = &mut self.out[from - self.start..to - self.start];
            let x = &self.x[from..to];
            if self.g.is_empty() {
                for (out, &x) in out.iter_mut().zip(x) {
                    *out = (x - near) * slope + shift;
                }
            } else {
                for ((out, &x), &g) in out.iter_mut().zip(x).zip(&self.g[from..to]) {
                    *out = g * factor + ((x - near) * slope + shift);
                }
            }
            from = to;
        }
    }
}

/// Rows of short runs, every column with numbers of its own.
struct RowsByLine<'a, T> {
    /// All near, all factors, all slopes, all shifts.
    lines: &'a [T],
    x: &'a [T],
    g: &'a [T],
    out: &'a mut [T],
}

impl<T: Float> Kernel<T> for RowsByLine<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let width = self.lines.len() / 4;
        let (near, rest) = self.lines.split_at(width);
        let (factor, rest) = rest.split_at(width);
        let (slope, shift) = rest.split_at(width);
        let rows = self
            .out
            .chunks_exact_mut(width)
            .zip(self.x.chunks_exact(width));
        for (row, (out, x)) in rows.enumerate() {
            let g = self.g.get(row * width..(row + 1) * width);
            let lines = near.iter().zip(slope).zip(shift);
            for ((out, &x), ((&near, &slope), &shift)) in out.iter_mut().zip(x).zip(lines) {
                *out = (x - near) * slope + shift;
            }
            if let Some(g) = g {
                for ((out, &g), &factor) in out.iter_mut().zip(g).zip(factor) {
                    *out = g * factor + *out;
                }
            }
        }
    }
}
