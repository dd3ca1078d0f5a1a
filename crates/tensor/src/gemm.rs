//! The matrix product: the one kernel under `matmul`, `linear` and the
//! convolutions.
//!
//! It works on slices and knows no tensors. A transposed operand is read where
//! it lies, with its strides exchanged, so that a gradient (which is always a
//! product with something transposed) never copies one. What runs over the
//! elements is in [`simd::gemm`](crate::simd::gemm); here is what comes before
//! it: the special shapes, and the cut into blocks.
//!
//! **Cost.** m·n·k multiply-adds. A large product is cut into blocks of rows and
//! columns of its result. The cut depends on the shape alone and every
//! element is summed by one thread in one order, so the bits do not depend on
//! the number of threads.

use crate::element::Float;
use crate::par;
use crate::scratch;
use crate::simd::gemm::{Block, Dot, Matrix, PANEL, Product, Start};
use crate::simd::{self, InstructionSet};

/// The least multiply-adds of a block: some ten microseconds of one thread.
const BLOCK: usize = 1 << 19;
/// The most blocks that a product is cut into for the sake of threads.
const BLOCKS: usize = 16;
/// The most rows of a block: the block of a that they are, 256 deep, is read
/// for every panel of b and must stay in the far cache.
const ROWS: usize = 512;
/// Columns are cut at multiples of this: whole vectors of any instruction set.
const COLUMNS: usize = 16;

/// An operand as it lies in memory.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a, T> {
    /// Row-major, as the product reads it.
    Plain(&'a [T]),
    /// Row-major in the other orientation: its columns are what the product
    /// reads as rows.
    Transposed(&'a [T]),
}

impl<'a, T> Operand<'a, T> {
    pub(crate) fn new(data: &'a [T], transposed: bool) -> Self {
        if transposed {
            Self::Transposed(data)
        } else {
            Self::Plain(data)
        }
    }

    /// The same matrix read with rows and columns exchanged.
    fn flipped(self) -> Self {
        match self {
            Self::Plain(data) => Self::Transposed(data),
            Self::Transposed(data) => Self::Plain(data),
        }
    }

    /// The operand as a matrix of that many rows and columns.
    fn matrix(self, shape: [usize; 2]) -> Matrix<'a, T> {
        match self {
            Self::Plain(data) => Matrix::new(data, shape, false),
            Self::Transposed(data) => Matrix::new(data, shape, true),
        }
    }
}

/// `out = a · b`, or `out += a · b` to accumulate, where a is m × k, b is
/// k × n, and out is m × n in row-major order. With k = 0 the product is zero.
pub(crate) fn gemm<T: Float>(
    mnk: [usize; 3],
    a: Operand<'_, T>,
    b: Operand<'_, T>,
    out: &mut [T],
    accumulate: bool,
) {
    let start = if accumulate { Start::Out } else { Start::Zero };
    product(InstructionSet::best(), mnk, [a, b], start, false, out);
}

/// `out = a · b`, plus a number for each column, and rectified if that is
/// wanted.
pub(crate) fn linear<T: Float>(
    mnk: [usize; 3],
    a: Operand<'_, T>,
    b: Operand<'_, T>,
    bias: Option<&[T]>,
    relu: bool,
    out: &mut [T],
) {
    let start = bias.map_or(Start::Zero, Start::Bias);
    product(InstructionSet::best(), mnk, [a, b], start, relu, out);
}

fn product<T: Float>(
    set: InstructionSet,
    [m, n, k]: [usize; 3],
    [a, b]: [Operand<'_, T>; 2],
    start: Start<'_, T>,
    relu: bool,
    out: &mut [T],
) {
    if let (1, Start::Bias(&[bias])) = (n, start) {
        // One column: the result lies like a row, and is computed as one.
        out.fill(bias);
        return product(
            set,
            [1, m, k],
            [b.flipped(), a.flipped()],
            Start::Out,
            relu,
            out,
        );
    }
    if n == 1 && m > 1 {
        return product(set, [1, m, k], [b.flipped(), a.flipped()], start, relu, out);
    }
    let (a, b) = (a.matrix([m, k]), b.matrix([k, n]));
    let cost = m.saturating_mul(n).saturating_mul(k);
    let [down, across] = grid([m, n], cost);
    let run = |[i, j]: [usize; 2], out: Block<'_, T>| {
        let [rows, columns] = out.shape();
        let (rows, columns) = (i..i + rows, j..j + columns);
        let start = match start {
            Start::Bias(bias) => Start::Bias(&bias[columns.clone()]),
            other => other,
        };
        let (a, b) = (a.part(rows, 0..k), b.part(0..k, columns));
        scratch::with(PANEL, |panel| {
            simd::run(
                set,
                Product {
                    a,
                    b,
                    start,
                    relu,
                    out,
                    panel,
                },
            );
        });
    };
    let mut rest = Block::new(out, [m, n]);
    if down * across == 1 {
        return run([0, 0], rest);
    }
    let mut blocks = Vec::with_capacity(down * across);
    for i in 0..down {
        let [from, to] = [i, i + 1].map(|i| m * i / down);
        let (mut row, below) = rest.split_rows(to - from);
        rest = below;
        let mut left = 0;
        for j in 1..=across {
            let right = (n.div_ceil(COLUMNS) * j / across * COLUMNS).min(n);
            let (block, others) = row.split_columns(right - left);
            blocks.push(([from, left], block));
            (row, left) = (others, right);
        }
    }
    // What the threads are asked to share is vectors of sixteen.
    par::for_each_item(blocks, par::multiply_adds(cost), |(at, block)| {
        run(at, block);
    });
}

/// How many blocks of rows and of columns a result is cut into. Columns go
/// first, down to 48 of them, for then no two blocks read, and pack, the same
/// part of b.
fn grid([m, n]: [usize; 2], cost: usize) -> [usize; 2] {
    let blocks = (cost / BLOCK)
        .clamp(1, BLOCKS)
        .next_power_of_two()
        .min(BLOCKS);
    let mut across = 1;
    while across < blocks && n >= across * 2 * 48 {
        across *= 2;
    }
    let mut down = 1;
    while down * across < blocks && m >= down * 2 * 32 {
        down *= 2;
    }
    [down.max(m.div_ceil(ROWS)), across]
}

/// The inner product of two slices of one length.
pub(crate) fn dot<T: Float>(a: &[T], b: &[T]) -> T {
    simd::run(InstructionSet::best(), Dot(a, b))
}

#[cfg(test)]
mod tests;
