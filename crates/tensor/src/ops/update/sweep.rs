//! One pass over several tensors of one length: each element of some is
//! replaced, by a formula of all of them and of a gradient.

use crate::element::Element;
use crate::{par, simd};

/// Elements of each tensor that a thread takes at a time: five such runs fit the
/// second cache.
const PIECE: usize = 1 << 12;
/// Elements that are computed at a time. They are copied to the stack first,
/// where the compiler knows that no two runs overlap and makes vectors of them.
const BLOCK: usize = 32;
/// What an element costs that is read and written, in units of 0.1 ns.
const MEMORY: usize = 2;

/// `f` of every element, in its place, by vectors and on all threads.
pub(super) fn each<T: Element>(x: &mut [T], f: impl Fn(T) -> T + Sync) {
    let cost = MEMORY * x.len();
    par::for_each_piece(x, PIECE, cost, |_, x| {
        simd::wide(|| x.iter_mut().for_each(|x| *x = f(*x)));
    });
}

/// For every place: what `f` makes of the elements there of the targets and of
/// the source goes to the targets. `cost` is that of one place, in units of
/// 0.1 ns.
pub(super) fn sweep<T: Element, const N: usize>(
    targets: [&mut [T]; N],
    source: &[T],
    cost: usize,
    f: impl Fn([T; N], T) -> [T; N] + Sync,
) {
    let cost = (cost + N * MEMORY) * source.len();
    par::for_each_item(Pieces { targets, source }, cost, |(targets, source)| {
        simd::wide(|| piece(targets, source, &f));
    });
}

#[inline(always)]
fn piece<T: Element, const N: usize>(
    mut targets: [&mut [T]; N],
    source: &[T],
    f: &impl Fn([T; N], T) -> [T; N],
) {
    let mut at = 0;
    let (blocks, rest) = source.as_chunks::<BLOCK>();
    for g in blocks {
        let mut x = [[T::ZERO; BLOCK]; N];
        for (x, target) in x.iter_mut().zip(&targets) {
            x.copy_from_slice(&target[at..at + BLOCK]);
        }
        for i in 0..BLOCK {
            let new = f(std::array::from_fn(|k| x[k][i]), g[i]);
            for k in 0..N {
                x[k][i] = new[k];
            }
        }
        for (x, target) in x.iter().zip(&mut targets) {
            target[at..at + BLOCK].copy_from_slice(x);
        }
        at += BLOCK;
    }
    for (i, &g) in rest.iter().enumerate() {
        let new = f(std::array::from_fn(|k| targets[k][at + i]), g);
        for (target, new) in targets.iter_mut().zip(new) {
            target[at + i] = new;
        }
    }
}

/// What is left of the targets and the source: cut into pieces, side by side.
struct Pieces<'a, T, const N: usize> {
    targets: [&'a mut [T]; N],
    source: &'a [T],
}

impl<'a, T, const N: usize> Iterator for Pieces<'a, T, N> {
    type Item = ([&'a mut [T]; N], &'a [T]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.source.is_empty() {
            return None;
        }
        let (source, rest) = self.source.split_at(PIECE.min(self.source.len()));
        self.source = rest;
        let targets = self.targets.each_mut().map(|target| {
            let (piece, rest) = std::mem::take(target).split_at_mut(source.len());
            *target = rest;
            piece
        });
        Some((targets, source))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.source.len().div_ceil(PIECE);
        (count, Some(count))
    }
}

impl<T, const N: usize> ExactSizeIterator for Pieces<'_, T, N> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_replaced_once() {
        for len in [0, 1, 31, 32, 33, PIECE, PIECE + 1, 3 * PIECE + 77] {
            let source: Vec<f64> = (0..len).map(|i| i as f64).collect();
            let (mut a, mut b) = (vec![1.0; len], vec![2.0; len]);
            let swap = |[a, b]: [f64; 2], g: f64| [b + g, a - g];
            par::with_threads(3, || sweep([&mut a, &mut b], &source, 1 << 20, swap)).unwrap();
            let expected =
                |x: f64, sign: f64| -> Vec<f64> { source.iter().map(|g| x + sign * g).collect() };
            assert_eq!((a, b), (expected(2.0, 1.0), expected(1.0, -1.0)));
        }
    }
}
