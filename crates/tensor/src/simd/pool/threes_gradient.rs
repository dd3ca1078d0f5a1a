//! The gradient of maxima of 3 × 3 windows, one or two apart.
//!
//! Two apart, every other row and column of pixels belongs to one window, those
//! between to two: a pixel was seen by one, two or four windows, and each of
//! them may have chosen it.
//!
//! ```text
//! for each plane, vector of columns k
//!     for each row p
//!         shared = what tap row 2 of window row p − 1 gave; own = next = 0
//!         for each tap (i, j), window (p, k) or the neighbour that tap j asks for
//!             (shared, own, next)[i][column of j] += g where at = (i, j)
//!         dx[2p − padding,     2k ..] = shared, joined
//!         dx[2p + 1 − padding, 2k ..] = own, joined
//! ```
//!
//! One apart, nine windows saw a pixel, and each of its taps is a load.
//!
//! Every element is written once, and its windows are added in their order, as
//! if they were scattered one by one.
//!
//! **Cost.** Nine comparisons and additions for four pixels, or for one.

use crate::simd::{Kernel, Lanes, Vector};

use super::threes::Threes;
use super::{columns, store, store_pairs};

/// The way back of [`MaxThrees`](super::MaxThrees). Writes every element of `x`.
pub(crate) struct ScatterThrees<'a, T> {
    pub(crate) threes: Threes,
    pub(crate) g: &'a [T],
    pub(crate) at: &'a [u8],
    pub(crate) x: &'a mut [T],
}

impl<T: Lanes> Kernel<T> for ScatterThrees<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(mut self) {
        match (self.threes.stride, self.threes.before[1]) {
            (1, _) => self.one_apart::<V>(),
            (_, 0) => self.planes::<V, 0>(),
            _ => self.planes::<V, 1>(),
        }
    }
}

/// Gradients of windows, and their places.
#[derive(Clone, Copy)]
struct Won<V, P> {
    g: V,
    at: P,
}

impl<T: Lanes> ScatterThrees<'_, T> {
    #[inline(always)]
    fn planes<V: Vector<T>, const BEFORE: usize>(&mut self) {
        let planes = self.threes.planes(self.x.len(), self.g.len());
        assert!(self.at.len() == self.g.len());
        let pairs = self.threes.input[1].div_ceil(2);
        for plane in 0..planes {
            for (k, _) in columns(pairs, V::LANES) {
                if 2 * (k + V::LANES) <= self.threes.input[1] {
                    self.strip::<V, BEFORE, false>(plane, k);
                } else {
                    self.strip::<V, BEFORE, true>(plane, k);
                }
            }
        }
    }

    /// All planes of windows one apart.
    #[inline(always)]
    fn one_apart<V: Vector<T>>(&mut self) {
        let planes = self.threes.planes(self.x.len(), self.g.len());
        assert!(self.at.len() == self.g.len());
        let [[height, width], [p_count, q_count]] = [self.threes.input, self.threes.output];
        let [above, before] = self.threes.before;
        for plane in 0..planes {
            let windows = plane * p_count * q_count;
            let (g, at) = (self.g[windows..].as_ptr(), self.at[windows..].as_ptr());
            let x = self.x[plane * height * width..].as_mut_ptr();
            for (w, count) in columns(width, V::LANES) {
                // Tap j of window w + before − j: which lanes have one.
                let mut lanes = [[0; 2]; 3];
                for (j, lanes) in lanes.iter_mut().enumerate() {
                    let past = (q_count + j).saturating_sub(w + before);
                    *lanes = [j.saturating_sub(w + before), past];
                }
                for h in 0..height {
                    let mut sum = V::zero();
                    for i in (0..3).rev() {
                        let p = (h + above).wrapping_sub(i);
                        if p >= p_count {
                            continue;
                        }
                        for j in (0..3).rev() {
                            let from = (p * q_count + w + before).wrapping_sub(j);
                            // SAFETY: p < P, and only windows 0 to Q are read.
                            let won = unsafe { won::<T, V>(g, at, from, lanes[j]) };
                            sum = gain(sum, won, (3 * i + j) as u8);
                        }
                    }
                    // SAFETY: w + count <= W, of a row of this plane.
                    unsafe { store(sum, x.add(h * width + w), count) };
                }
            }
        }
    }

    /// The columns from 2k on: two vectors, or what there is if `EDGE`.
    #[inline(always)]
    fn strip<V: Vector<T>, const BEFORE: usize, const EDGE: bool>(
        &mut self,
        plane: usize,
        k: usize,
    ) {
        let [[height, width], [p_count, q_count]] = [self.threes.input, self.threes.output];
        let above = self.threes.before[0];
        let (g, at) = (
            self.g[plane * p_count * q_count..].as_ptr(),
            self.at[plane * p_count * q_count..].as_ptr(),
        );
        let x = self.x[plane * height * width..].as_mut_ptr();
        // The window of a pair of columns, and its neighbour that shares one of
        // them: the next window if that is the second column, else the last.
        let own = [0, q_count.saturating_sub(k)];
        let neighbour = if BEFORE == 1 {
            [0, q_count.saturating_sub(k + 1)]
        } else {
            [usize::from(k == 0), (q_count + 1).saturating_sub(k)]
        };
        let mut kept = [V::zero(); 2];
        for p in 0..(height + above).div_ceil(2) {
            let (mut shared, mut one) = (kept, [V::zero(); 2]);
            if p < p_count {
                // SAFETY: row p of this plane has Q windows, of which those
                // from k or its neighbour on are read.
                unsafe {
                    let row = p * q_count + k;
                    let load = row.wrapping_add(BEFORE).wrapping_sub(1 - BEFORE);
                    let own = won::<T, V>(g, at, row, own);
                    let neighbour = won::<T, V>(g, at, load, neighbour);
                    shared = add::<T, V, BEFORE>(shared, own, neighbour, 0);
                    one = add::<T, V, BEFORE>(one, own, neighbour, 3);
                    kept = add::<T, V, BEFORE>([V::zero(); 2], own, neighbour, 6);
                }
            } else {
                kept = [V::zero(); 2];
            }
            let h = (2 * p).wrapping_sub(above);
            for (h, [even, odd]) in [(h, shared), (h.wrapping_add(1), one)] {
                if h >= height {
                    continue;
                }
                // SAFETY: row h is inside of the plane, and W − 2k columns
                // remain of it.
                unsafe {
                    let to = x.add(h * width + 2 * k);
                    if EDGE {
                        let left = width - 2 * k;
                        let (first, second) = even.interleave(odd);
                        first.store_first(to, left);
                        let rest = left.saturating_sub(V::LANES);
                        second.store_first(to.wrapping_add(V::LANES), rest);
                    } else {
                        store_pairs(even, odd, to, V::LANES);
                    }
                }
            }
        }
    }
}

/// The windows at `from`, in those lanes that there are; no gradient in others.
///
/// # Safety
/// Those can be read.
#[inline(always)]
unsafe fn won<T: Lanes, V: Vector<T>>(
    g: *const T,
    at: *const u8,
    from: usize,
    [start, end]: [usize; 2],
) -> Won<V, V::Places> {
    let end = end.min(V::LANES);
    // SAFETY: the caller's promise.
    unsafe {
        Won {
            g: V::load_between(g.wrapping_add(from), start, end),
            at: V::load_places(at.wrapping_add(from), start, end),
        }
    }
}

/// Adds what the taps of a row of windows, from `place` on, give to a row of
/// pixels, to even columns and odd ones.
#[inline(always)]
fn add<T: Lanes, V: Vector<T>, const BEFORE: usize>(
    [even, odd]: [V; 2],
    own: Won<V, V::Places>,
    neighbour: Won<V, V::Places>,
    place: u8,
) -> [V; 2] {
    // Windows in their order: the neighbour comes after, or before.
    if BEFORE == 1 {
        let odd = gain(odd, own, place + 2);
        [gain(even, own, place + 1), gain(odd, neighbour, place)]
    } else {
        let even = gain(even, neighbour, place + 2);
        [gain(even, own, place), gain(odd, own, place + 1)]
    }
}

/// Adds the gradients of windows that were won at `place`.
#[inline(always)]
fn gain<T: Lanes, V: Vector<T>>(sum: V, won: Won<V, V::Places>, place: u8) -> V {
    let here = V::same(won.at, V::place(place));
    V::select(here, sum.add(won.g), sum)
}
