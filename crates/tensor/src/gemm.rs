//! The matrix product: the one kernel under `matmul`, `linear` and the
//! convolutions.
//!
//! It works on slices and knows no tensors. A transposed operand is read where
//! it lies, with its strides exchanged, so that a gradient (which is always a
//! product with something transposed) never copies one. The inner loops are
//! those of the `matrixmultiply` crate, reached through ndarray, which pack
//! both operands into cache-sized panels; a product with a vector has nothing
//! to pack and is written out here.
//!
//! **Cost.** m·n·k multiply-adds. A large product is cut into blocks along the
//! longer side of its result. The cut depends on the shape alone and every
//! element is summed by one thread in one order, so the bits do not depend on
//! the number of threads.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, Axis};

use crate::element::Float;
use crate::par;

/// The least rows (or columns) of a block: fewer, and packing the other
/// operand once more for each block costs more than a second thread saves.
const BLOCK: usize = 64;

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

    fn data(self) -> &'a [T] {
        match self {
            Self::Plain(data) | Self::Transposed(data) => data,
        }
    }

    /// The same matrix read with rows and columns exchanged.
    fn flipped(self) -> Self {
        match self {
            Self::Plain(data) => Self::Transposed(data),
            Self::Transposed(data) => Self::Plain(data),
        }
    }

    /// The operand as a matrix of that many rows and columns; `None` if it has
    /// another number of elements.
    fn view(self, rows: usize, cols: usize) -> Option<ArrayView2<'a, T>> {
        match self {
            Self::Plain(data) => ArrayView2::from_shape((rows, cols), data).ok(),
            Self::Transposed(data) => {
                let stored = ArrayView2::from_shape((cols, rows), data).ok()?;
                Some(stored.reversed_axes())
            }
        }
    }
}

/// `out = a · b`, or `out += a · b` to accumulate, where a is m × k, b is
/// k × n, and out is m × n in row-major order. With k = 0 the product is zero.
pub(crate) fn gemm<T: Float>(
    [m, n, k]: [usize; 3],
    a: Operand<'_, T>,
    b: Operand<'_, T>,
    out: &mut [T],
    accumulate: bool,
) {
    debug_assert_eq!(a.data().len(), m * k);
    debug_assert_eq!(b.data().len(), k * n);
    debug_assert_eq!(out.len(), m * n);
    let cost = m.saturating_mul(n).saturating_mul(k);
    if !accumulate && (n == 1 || m == 1 || k == 0) {
        out.fill(T::ZERO);
    }
    if cost == 0 {
        return;
    }
    if n == 1 {
        return add_matrix_vector(a, b.data(), out);
    }
    if m == 1 {
        return add_matrix_vector(b.flipped(), a.data(), out);
    }
    let views = (
        a.view(m, k),
        b.view(k, n),
        ArrayViewMut2::from_shape((m, n), out).ok(),
    );
    let (Some(a), Some(b), Some(mut out)) = views else {
        return;
    };
    let beta = if accumulate { T::ONE } else { T::ZERO };
    let block = m.max(n).div_ceil(BLOCK).max(BLOCK).next_multiple_of(16);
    if m >= n {
        let rows = a.axis_chunks_iter(Axis(0), block);
        let blocks = out.axis_chunks_iter_mut(Axis(0), block).zip(rows);
        par::for_each_item(blocks.collect(), cost, |(mut out, a)| {
            general_mat_mul(T::ONE, &a, &b, beta, &mut out);
        });
    } else {
        let columns = b.axis_chunks_iter(Axis(1), block);
        let blocks = out.axis_chunks_iter_mut(Axis(1), block).zip(columns);
        par::for_each_item(blocks.collect(), cost, |(mut out, b)| {
            general_mat_mul(T::ONE, &a, &b, beta, &mut out);
        });
    }
}

/// `out += a · x` for a matrix and a vector, neither of them empty.
fn add_matrix_vector<T: Float>(a: Operand<'_, T>, x: &[T], out: &mut [T]) {
    let (rows, cols) = (out.len(), x.len());
    par::for_each_piece(out, BLOCK, rows.saturating_mul(cols), |i, piece| {
        let first = i * BLOCK;
        match a {
            Operand::Plain(a) => {
                let lines = a[first * cols..].chunks_exact(cols);
                for (sum, line) in piece.iter_mut().zip(lines) {
                    *sum += dot(line, x);
                }
            }
            Operand::Transposed(a) => {
                for (line, &x) in a.chunks_exact(rows).zip(x) {
                    for (sum, &a) in piece.iter_mut().zip(&line[first..]) {
                        *sum += a * x;
                    }
                }
            }
        }
    });
}

/// The inner product of two slices of one length. Eight sums run side by side,
/// in a fixed order, so that the loop can use the vector unit.
pub(crate) fn dot<T: Float>(a: &[T], b: &[T]) -> T {
    let mut lanes = [T::ZERO; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = a.remainder().iter().zip(b.remainder());
    let rest = rest.fold(T::ZERO, |sum, (&x, &y)| sum + x * y);
    for (a, b) in a.zip(b) {
        for ((lane, &x), &y) in lanes.iter_mut().zip(a).zip(b) {
            *lane += x * y;
        }
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = lanes;
    ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use crate::tensor::Tensor;
    use proptest::prelude::*;

    fn draw(len: usize, generator: &mut Generator) -> Vec<f64> {
        Tensor::randn([len], generator).unwrap().to_vec()
    }

    /// The product by its definition.
    fn naive(
        [m, n, k]: [usize; 3],
        (a, ta): (&[f64], bool),
        (b, tb): (&[f64], bool),
        out: &[f64],
    ) -> Vec<f64> {
        let mut out = out.to_vec();
        for i in 0..m {
            for j in 0..n {
                for l in 0..k {
                    let x = if ta { a[l * m + i] } else { a[i * k + l] };
                    let y = if tb { b[j * k + l] } else { b[l * n + j] };
                    out[i * n + j] += x * y;
                }
            }
        }
        out
    }

    fn check(mnk: [usize; 3], flags: [bool; 3]) {
        let [m, n, k] = mnk;
        let [ta, tb, accumulate] = flags;
        let mut generator = Generator::new((m * 31 + n * 7 + k) as u64);
        let (a, b) = (draw(m * k, &mut generator), draw(k * n, &mut generator));
        let mut out = draw(m * n, &mut generator);
        if !accumulate {
            // What was there must not matter, not even NaN.
            out.fill(f64::NAN);
        }
        let start = if accumulate {
            out.clone()
        } else {
            vec![0.0; m * n]
        };
        let expected = naive(mnk, (&a, ta), (&b, tb), &start);
        gemm(
            mnk,
            Operand::new(&a, ta),
            Operand::new(&b, tb),
            &mut out,
            accumulate,
        );
        for (x, y) in out.iter().zip(&expected) {
            assert!((x - y).abs() < 1e-10, "{mnk:?} {flags:?}: {x} {y}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(
            mnk in prop::array::uniform3(0usize..20),
            flags in prop::array::uniform3(any::<bool>()),
        ) {
            check(mnk, flags);
        }
    }

    #[test]
    fn blocks_cover_the_result_on_either_side() {
        for mnk in [[150, 70, 9], [70, 150, 9], [1, 200, 400], [200, 1, 400]] {
            for flags in 0..8 {
                check(mnk, [flags & 1 != 0, flags & 2 != 0, flags & 4 != 0]);
            }
        }
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let mut generator = Generator::new(1);
        let (a, b) = (
            draw(300 * 50, &mut generator),
            draw(50 * 200, &mut generator),
        );
        let run = |threads| {
            par::with_threads(threads, || {
                let mut out = vec![0.0; 300 * 200];
                let (a, b) = (Operand::Plain(&a[..]), Operand::Plain(&b[..]));
                gemm([300, 200, 50], a, b, &mut out, false);
                let mut vector = vec![0.0; 300];
                let x = Operand::Plain(&b.data()[..50]);
                gemm([300, 1, 50], a, x, &mut vector, false);
                (out, vector)
            })
            .unwrap()
        };
        assert_eq!(run(1), run(4));
    }

    #[test]
    fn nan_is_not_skipped_over_a_zero() {
        for (m, n) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
            let a = vec![0.0; m * 2];
            let b = vec![f64::NAN; 2 * n];
            let mut out = vec![0.0; m * n];
            gemm(
                [m, n, 2],
                Operand::Plain(&a),
                Operand::Plain(&b),
                &mut out,
                false,
            );
            assert!(out.iter().all(|x| x.is_nan()), "{m} {n}");
        }
    }
}
