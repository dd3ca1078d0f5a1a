//! Lines side by side.

use super::{Scores, TILE};
use crate::exponential::{Exponential, exp};
use crate::ops::elementwise::larger;

/// What the exponentials of up to [`TILE`] lines are measured from, and their sums.
struct Sums<T> {
    max: [T; TILE],
    sum: [T; TILE],
}

/// e^(x − max) of at most [`TILE`] scores, each measured from its own maximum. A
/// shorter piece is a whole one in a buffer, so that it is vectors' work too.
#[inline(always)]
fn terms<T: Exponential>(x: &[T], max: &[T; TILE], out: &mut [T]) {
    if let (Ok(x), Ok(out)) = (
        <&[T; TILE]>::try_from(x),
        <&mut [T; TILE]>::try_from(&mut *out),
    ) {
        for ((out, &x), &max) in out.iter_mut().zip(x).zip(max) {
            *out = exp(x - max);
        }
        return;
    }
    let mut buffer = [T::ZERO; TILE];
    buffer[..x.len()].copy_from_slice(x);
    for (x, &max) in buffer.iter_mut().zip(max) {
        *x = exp(*x - max);
    }
    out.copy_from_slice(&buffer[..x.len()]);
}

/// Up to [`TILE`] lines side by side, of a block of `classes` × `inner`.
pub(super) struct Tile<'a, T> {
    block: &'a [T],
    classes: usize,
    inner: usize,
    from: usize,
    pub(super) width: usize,
}

impl<'a, T: Exponential> Tile<'a, T> {
    #[inline(always)]
    pub(super) fn new(block: &'a [T], classes: usize, inner: usize, from: usize) -> Self {
        Self {
            block,
            classes,
            inner,
            from,
            width: TILE.min(inner - from),
        }
    }

    /// Where the scores of class `c` are.
    #[inline(always)]
    fn at(&self, c: usize) -> std::ops::Range<usize> {
        let start = c * self.inner + self.from;
        start..start + self.width
    }

    /// The largest score of each line.
    #[inline(always)]
    fn max(&self) -> [T; TILE] {
        let mut all = [T::neg_infinity(); TILE];
        for c in 0..self.classes {
            for (max, &x) in all.iter_mut().zip(&self.block[self.at(c)]) {
                *max = larger(*max, x);
            }
        }
        all
    }

    /// The largest score and the sum of each line.
    #[inline(always)]
    fn sums(&self) -> Sums<T> {
        let (max, mut sum) = (self.max(), [T::ZERO; TILE]);
        for few in (0..self.classes).step_by(32) {
            let (mut part, mut buffer) = ([T::ZERO; TILE], [T::ZERO; TILE]);
            for c in few..self.classes.min(few + 32) {
                terms(&self.block[self.at(c)], &max, &mut buffer[..self.width]);
                add(&mut part, &buffer);
            }
            add(&mut sum, &part);
        }
        Sums { max, sum }
    }

    /// As [`sums`](Self::sums), writing the exponentials into a block; the sums.
    #[inline(always)]
    fn terms(&self, out: &mut [T]) -> [T; TILE] {
        let (max, mut sum) = (self.max(), [T::ZERO; TILE]);
        for few in (0..self.classes).step_by(32) {
            let mut part = [T::ZERO; TILE];
            for c in few..self.classes.min(few + 32) {
                let out = &mut out[self.at(c)];
                terms(&self.block[self.at(c)], &max, out);
                add(&mut part, out);
            }
            add(&mut sum, &part);
        }
        sum
    }
}

/// More terms, line by line.
#[inline(always)]
fn add<T: Exponential>(sums: &mut [T; TILE], terms: &[T]) {
    for (sum, &term) in sums.iter_mut().zip(terms) {
        *sum += term;
    }
}

#[inline(always)]
pub(super) fn softmax_tile<T: Exponential>(what: Scores, tile: &Tile<'_, T>, out: &mut [T]) {
    match what {
        Scores::Probabilities => {
            let share = tile.terms(out).map(|sum| T::ONE / sum);
            for c in 0..tile.classes {
                for (term, &share) in out[tile.at(c)].iter_mut().zip(&share) {
                    *term *= share;
                }
            }
        }
        Scores::Logarithms => {
            let sums = tile.sums();
            let log = sums.sum.map(T::ln);
            for c in 0..tile.classes {
                let line = tile.block[tile.at(c)].iter().zip(&sums.max).zip(&log);
                for (out, ((&x, &max), &log)) in out[tile.at(c)].iter_mut().zip(line) {
                    *out = (x - max) - log;
                }
            }
        }
    }
}

/// The loss of each line that has a label: 0 if it is not to count.
#[inline(always)]
pub(super) fn losses_of_tile<T: Exponential>(
    ignore: i64,
    tile: &Tile<'_, T>,
    y: &[i64],
    losses: &mut [T],
) {
    let Sums { max, sum } = tile.sums();
    for (lane, (loss, &y)) in losses.iter_mut().zip(y).enumerate() {
        *loss = T::ZERO;
        if y != ignore {
            let score = tile.block[y as usize * tile.inner + tile.from + lane];
            *loss = sum[lane].ln() - (score - max[lane]);
        }
    }
}

#[inline(always)]
pub(super) fn grad_tile<T: Exponential>(
    ignore: i64,
    tile: &Tile<'_, T>,
    y: &[i64],
    g: &[T],
    out: &mut [T],
) {
    let (mut share, mut counts) = (tile.terms(out), [false; TILE]);
    for (i, (&g, &y)) in g.iter().zip(y).enumerate() {
        share[i] = g / share[i];
        counts[i] = y != ignore;
    }
    for c in 0..tile.classes {
        let lines = share.iter().zip(&counts);
        for (term, (&share, &counts)) in out[tile.at(c)].iter_mut().zip(lines) {
            *term = if counts { *term * share } else { T::ZERO };
        }
    }
    for (i, (&g, &y)) in g.iter().zip(y).enumerate() {
        if y != ignore {
            out[y as usize * tile.inner + tile.from + i] -= g;
        }
    }
}
