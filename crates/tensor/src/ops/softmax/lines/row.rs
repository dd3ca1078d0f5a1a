//! A line that lies in a row.

use super::{SHORT, Scores, TILE};
use crate::exponential::{Exponential, exp};
use crate::ops::elementwise::larger;
use crate::simd::Vector;
use crate::simd::fold::{Addition, LEAF, Largest, leaf};

/// The largest of a row.
#[inline(always)]
fn row_max<T: Exponential, V: Vector<T>>(x: &[T]) -> T {
    let mut max = T::neg_infinity();
    for x in x.chunks(LEAF) {
        max = larger(max, leaf::<T, Largest, V>(x));
    }
    max
}

/// Writes the exponentials of a stretch of at most [`LEAF`], and adds them.
#[inline(always)]
fn stretch_terms<T: Exponential, V: Vector<T>>(x: &[T], max: T, out: &mut [T]) -> T {
    let (whole, tail) = x.as_chunks::<TILE>();
    let (out_whole, out_tail) = out.as_chunks_mut::<TILE>();
    for (x, out) in whole.iter().zip(out_whole) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = exp(x - max);
        }
    }
    // A shorter piece is a whole one in a buffer, so that it is vectors' work too.
    for (x, out) in tail.chunks(SHORT).zip(out_tail.chunks_mut(SHORT)) {
        let mut buffer = [T::ZERO; SHORT];
        buffer[..x.len()].copy_from_slice(x);
        for x in &mut buffer {
            *x = exp(*x - max);
        }
        out.copy_from_slice(&buffer[..x.len()]);
    }
    leaf::<T, Addition, V>(out)
}

/// Sums of stretches, in pairs as they come.
struct Pairs<T> {
    /// Where bit i of `count` is set, the sum of 2ⁱ stretches.
    sums: [T; 48],
    count: usize,
}

impl<T: Exponential> Pairs<T> {
    #[inline(always)]
    fn none() -> Self {
        Self {
            sums: [T::ZERO; 48],
            count: 0,
        }
    }

    #[inline(always)]
    fn push(&mut self, mut sum: T) {
        let mut i = 0;
        while self.count >> i & 1 == 1 {
            sum = self.sums[i] + sum;
            i += 1;
        }
        self.sums[i] = sum;
        self.count += 1;
    }

    #[inline(always)]
    fn total(&self) -> T {
        let mut total = T::ZERO;
        for (i, &sum) in self.sums.iter().enumerate() {
            if self.count >> i & 1 == 1 {
                total += sum;
            }
        }
        total
    }
}

/// Writes the exponentials of a row: the largest score, and the sum.
#[inline(always)]
pub(super) fn row_terms<T: Exponential, V: Vector<T>>(x: &[T], out: &mut [T]) -> (T, T) {
    let max = row_max::<T, V>(x);
    if x.len() <= LEAF {
        return (max, stretch_terms::<T, V>(x, max, out));
    }
    let mut sums = Pairs::none();
    for (x, out) in x.chunks(LEAF).zip(out.chunks_mut(LEAF)) {
        sums.push(stretch_terms::<T, V>(x, max, out));
    }
    (max, sums.total())
}

/// As [`row_terms`], without keeping them.
#[inline(always)]
pub(super) fn row_sums<T: Exponential, V: Vector<T>>(x: &[T]) -> (T, T) {
    let max = row_max::<T, V>(x);
    let mut buffer = [T::ZERO; LEAF];
    if x.len() <= LEAF {
        return (max, stretch_terms::<T, V>(x, max, &mut buffer[..x.len()]));
    }
    let mut sums = Pairs::none();
    for x in x.chunks(LEAF) {
        sums.push(stretch_terms::<T, V>(x, max, &mut buffer[..x.len()]));
    }
    (max, sums.total())
}

#[inline(always)]
pub(super) fn softmax_row<T: Exponential, V: Vector<T>>(what: Scores, x: &[T], out: &mut [T]) {
    match what {
        Scores::Probabilities => {
            let (_, sum) = row_terms::<T, V>(x, out);
            let share = T::ONE / sum;
            for term in out {
                *term *= share;
            }
        }
        Scores::Logarithms => {
            let (max, sum) = row_sums::<T, V>(x);
            let log = sum.ln();
            for (out, &x) in out.iter_mut().zip(x) {
                *out = (x - max) - log;
            }
        }
    }
}

#[inline(always)]
pub(super) fn grad_row<T: Exponential, V: Vector<T>>(
    ignore: i64,
    x: &[T],
    (y, g): (i64, T),
    out: &mut [T],
) {
    if y == ignore {
        return out.fill(T::ZERO);
    }
    let (_, sum) = row_terms::<T, V>(x, out);
    let share = g / sum;
    for term in out.iter_mut() {
        *term *= share;
    }
    out[y as usize] -= g;
}
