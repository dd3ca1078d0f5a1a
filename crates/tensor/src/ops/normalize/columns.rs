//! Channels whose planes are so small that their runs lie side by side: a row is
//! one image, each column a place of a channel.
//!
//! A block of [`ROWS`] rows is gone through column by column in lanes; that is
//! what vectorises where neighbours belong to different groups.

use super::leaf::{corrected, origin};
use crate::element::Float;

/// Rows that are added one after the other.
pub(super) const ROWS: usize = 32;
/// Columns whose sums stay in the first cache.
const TILE: usize = 128;

/// Mean and Σ (x − mean)² of every column of a block, alternately.
#[inline(always)]
pub(super) fn moments<T: Float>(x: &[T], width: usize, out: &mut [f64]) {
    let n = T::of((x.len() / width) as f64);
    for start in (0..width).step_by(TILE) {
        let tile = TILE.min(width - start);
        let (mut k, mut off) = ([T::ZERO; TILE], [T::ZERO; TILE]);
        for (k, &x) in k.iter_mut().zip(&x[start..start + tile]) {
            *k = origin(x);
        }
        for row in x.chunks_exact(width) {
            let row = &row[start..start + tile];
            for ((off, &k), &x) in off.iter_mut().zip(&k).zip(row) {
                *off += x - k;
            }
        }
        for (k, off) in k.iter_mut().zip(&mut off) {
            *k += *off / n;
            *off = T::ZERO;
        }
        let mut squares = [T::ZERO; TILE];
        for row in x.chunks_exact(width) {
            let row = &row[start..start + tile];
            let sums = off.iter_mut().zip(&mut squares);
            for (((off, squares), &m), &x) in sums.zip(&k).zip(row) {
                let d = x - m;
                *off += d;
                *squares += d * d;
            }
        }
        let out = out[2 * start..].chunks_exact_mut(2);
        for (i, out) in out.take(tile).enumerate() {
            out.copy_from_slice(&corrected(k[i], off[i], squares[i], n));
        }
    }
}

/// Σ g and Σ g · (x − near) of every column of a block, alternately.
#[inline(always)]
pub(super) fn sums<T: Float>(near: &[T], x: &[T], g: &[T], out: &mut [f64]) {
    let width = near.len();
    for start in (0..width).step_by(TILE) {
        let tile = TILE.min(width - start);
        let near = &near[start..start + tile];
        let (mut first, mut second) = ([T::ZERO; TILE], [T::ZERO; TILE]);
        for (x, g) in x.chunks_exact(width).zip(g.chunks_exact(width)) {
            let sums = first.iter_mut().zip(&mut second).zip(near);
            let elements = x[start..start + tile].iter().zip(&g[start..start + tile]);
            for (((first, second), &near), (&x, &g)) in sums.zip(elements) {
                *first += g;
                *second += g * (x - near);
            }
        }
        let out = out[2 * start..].chunks_exact_mut(2);
        for (i, out) in out.take(tile).enumerate() {
            out.copy_from_slice(&[first[i].as_f64(), second[i].as_f64()]);
        }
    }
}
