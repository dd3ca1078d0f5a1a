//! Where the largest and the smallest are.
//!
//! **Lines that lie in one piece** (the last axis, or all elements): first what
//! the extreme is, then where it stands first. Both sweeps are vectors' work and
//! the second one ends where it finds it, while a sweep that carries the place
//! along goes element by element.
//!
//! **Lines side by side** (any other axis): a tile of columns, each with its best
//! so far and the place of it, row after row.

use crate::element::Number;
use crate::ops::fold::{Fold, fold_loops};
use crate::{par, simd};

/// Elements that make one piece of shared work.
const PIECE: usize = 1 << 13;
/// Columns that are gone through side by side.
const TILE: usize = 256;
/// Elements that are compared before it is asked whether one was equal.
const STRETCH: usize = 64;
/// What an element costs, in units of 0.1 ns.
const COST: usize = 2;

/// Writes the first place of the largest or smallest element of every line of
/// `count` elements that are `inner` apart. There are some.
pub(crate) fn place_loops<T: Number>(
    what: Fold,
    count: usize,
    inner: usize,
    x: &[T],
    places: &mut [i64],
) {
    let cost = COST * x.len();
    if inner == 1 {
        let batch = (PIECE / count).max(1);
        return par::for_each_piece(places, batch, cost, |i, places| {
            let lines = x[i * batch * count..].chunks(count);
            for (line, place) in lines.zip(places) {
                *place = first(line, fold_loops(what, line)) as i64;
            }
        });
    }
    let block = count * inner;
    let batch = (PIECE / block).max(1);
    par::for_each_piece(places, batch * inner, cost, |i, places| {
        let blocks = x[i * batch * block..].chunks(block);
        for (block, places) in blocks.zip(places.chunks_mut(inner)) {
            // (A single block is shared out by its columns.)
            par::for_each_piece(places, TILE, COST * block.len(), |i, places| {
                let width = places.len();
                let rows = block.chunks(inner).map(|row| &row[i * TILE..][..width]);
                simd::wide(|| match what {
                    Fold::Smallest => columns(rows, places, |x, best| {
                        (x < best) | (x.is_nan_value() & !best.is_nan_value())
                    }),
                    _ => columns(rows, places, |x, best| {
                        (x > best) | (x.is_nan_value() & !best.is_nan_value())
                    }),
                });
            });
        }
    });
}

/// The first place of `value`, which may be NaN.
fn first<T: Number>(line: &[T], value: T) -> usize {
    let nan = value.is_nan_value();
    let mut stretches = line.chunks(STRETCH);
    let found = simd::wide(|| {
        stretches.position(|part| {
            let hit = |any, x: &T| any | (*x == value) | (nan & x.is_nan_value());
            part.iter().fold(false, hit)
        })
    });
    let start = found.unwrap_or(0) * STRETCH;
    let is = |x: &T| *x == value || nan && x.is_nan_value();
    start + line[start..].iter().position(is).unwrap_or(0)
}

/// The place of what no later one beats, column by column.
#[inline(always)]
fn columns<'a, T: Number>(
    rows: impl Iterator<Item = &'a [T]>,
    places: &mut [i64],
    beats: impl Fn(T, T) -> bool,
) {
    let mut best = [T::ZERO; TILE];
    for (row, index) in rows.zip(0..) {
        if index == 0 {
            best[..row.len()].copy_from_slice(row);
            places.fill(0);
        }
        for ((&x, best), place) in row.iter().zip(&mut best).zip(&mut *places) {
            let beats = beats(x, *best);
            *best = if beats { x } else { *best };
            *place = if beats { index } else { *place };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{InstructionSet, compiled_for};

    /// One line after the other, one element after the other.
    fn naive<T: Number>(largest: bool, line: impl Iterator<Item = T>) -> i64 {
        let mut best: Option<(T, i64)> = None;
        for (x, at) in line.zip(0..) {
            let wins = best.is_none_or(|(best, _)| {
                (if largest { x > best } else { x < best })
                    || x.is_nan_value() && !best.is_nan_value()
            });
            if wins {
                best = Some((x, at));
            }
        }
        best.map_or(0, |(_, at)| at)
    }

    fn check<T: Number>() {
        let values = [
            3.0,
            -1.0,
            0.0,
            -0.0,
            7.0,
            f64::NEG_INFINITY,
            f64::INFINITY,
            f64::NAN,
        ];
        for count in (1..=40).chain([130, 600]) {
            for inner in [1, 2, 3, 17, 300] {
                // Ties everywhere; NaN and infinity in some.
                for kinds in [3, 6, 7, 8] {
                    let x: Vec<T> = (0..2 * count * inner)
                        .map(|i| T::of(values[(i * i + i / 5) % kinds]))
                        .collect();
                    for (what, largest) in [(Fold::Largest, true), (Fold::Smallest, false)] {
                        let mut got = vec![9; 2 * inner];
                        place_loops(what, count, inner, &x, &mut got);
                        for (i, &got) in got.iter().enumerate() {
                            let line = &x[i / inner * count * inner + i % inner..];
                            let line = line.iter().step_by(inner).take(count).copied();
                            assert_eq!(got, naive(largest, line), "{what:?} {count} {inner}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn lines_of_every_length() {
        check::<f32>();
        check::<f64>();
        check::<i64>();
    }

    #[test]
    fn columns_by_any_instructions() {
        for set in InstructionSet::available() {
            for width in 1..=40 {
                let x: Vec<f32> = (0..5 * width).map(|i| ((i * i) % 11) as f32).collect();
                let mut got = vec![9; width];
                let rows = x.chunks(width);
                compiled_for(set, || columns(rows, &mut got, |x, best| x > best));
                for (i, &got) in got.iter().enumerate() {
                    let column = x[i..].iter().step_by(width).copied();
                    assert_eq!(got, naive(true, column), "{set} {width}");
                }
            }
        }
    }
}
