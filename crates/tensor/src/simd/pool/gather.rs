//! The gradient of any maxima: of each element, the gradients of the windows
//! that it won.
//!
//! ```text
//! for each row h, vector of every s-th column k·s + e
//!     for each output row p and tap i with p·s + i·d − padding = h
//!         for each tap j with e + padding − j·d = s·offset
//!             dx[h, k·s + e] += g[p, k + offset] where at[p, k + offset] = (i, j)
//! ```
//!
//! Every element is written once, and its windows are added in their order, as
//! if they were scattered one by one. Gradients and places are copied with a
//! border whose places are no tap, so that nothing depends on where a row ends.
//!
//! **Cost.** One comparison and one addition for each tap of each window: made
//! for small windows, one or two apart.

use crate::simd::{Kernel, Lanes, Vector};

use super::{columns, load, store_pairs};

/// A tap along a row, as an input column sees it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GatherTap {
    /// j.
    pub(crate) tap: usize,
    /// Where in the copies the window begins whose tap it is, for column e.
    pub(crate) start: usize,
}

/// The way back of [`MaxWindows`](super::MaxWindows), for some planes and a
/// stride of 1 or 2 both ways. Writes every element of `x`.
pub(crate) struct GatherWindows<'a, T> {
    /// H, W.
    pub(crate) input: [usize; 2],
    /// P, Q.
    pub(crate) output: [usize; 2],
    /// Taps of a window.
    pub(crate) kernel: [usize; 2],
    /// Along the height.
    pub(crate) dilation: usize,
    /// Along the height.
    pub(crate) before: usize,
    /// For each column of a stride, the taps that reach it, last to first; there
    /// are as many lists as the stride.
    pub(crate) taps: &'a [&'a [GatherTap]],
    /// Where a row begins in its copy, and how long that is.
    pub(crate) lead: usize,
    pub(crate) pitch: usize,
    /// A copy of a plane of `g`.
    pub(crate) values: &'a mut [T],
    /// And of its places, with a border that is no tap.
    pub(crate) places: &'a mut [u8],
    pub(crate) g: &'a [T],
    pub(crate) at: &'a [u8],
    pub(crate) x: &'a mut [T],
}

impl<T: Lanes> Kernel<T> for GatherWindows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(mut self) {
        let [h, w] = self.input;
        let [p, q] = self.output;
        let planes = self.x.len() / (h * w);
        assert!(self.x.len() == planes * h * w && self.g.len() == planes * p * q);
        assert!(self.at.len() == self.g.len() && self.lead + q <= self.pitch);
        let copies = [self.values.len(), self.places.len()];
        assert!(copies == [p * self.pitch; 2]);
        for plane in 0..planes {
            self.copy::<V>(plane);
            match (self.taps.len(), self.kernel) {
                (2, [3, 3]) => self.plane::<V, 2, 3>(plane),
                (2, _) => self.plane::<V, 2, 0>(plane),
                _ => self.plane::<V, 1, 0>(plane),
            }
        }
    }
}

impl<T: Lanes> GatherWindows<'_, T> {
    /// Copies a plane of gradients and places.
    #[inline(always)]
    fn copy<V: Vector<T>>(&mut self, plane: usize) {
        let [p_count, q_count] = self.output;
        let (values, places) = (self.values.as_mut_ptr(), self.places.as_mut_ptr());
        for p in 0..p_count {
            for (q, count) in columns(q_count, V::LANES) {
                // SAFETY: q + count <= Q, of a plane that `g` and `at` have; and
                // lead + Q <= pitch.
                unsafe {
                    let from = (plane * p_count + p) * q_count + q;
                    let to = p * self.pitch + self.lead + q;
                    let v: V = load(self.g.as_ptr().add(from), count);
                    super::store(v, values.add(to), count);
                    let at = V::load_places(self.at.as_ptr().add(from), 0, count);
                    V::store_places(at, places.add(to), count);
                }
            }
        }
    }

    /// Computes a plane, for a stride of `S` and `K` rows of taps, or any number
    /// for 0.
    #[inline(always)]
    fn plane<V: Vector<T>, const S: usize, const K: usize>(&mut self, plane: usize) {
        let [height, width] = self.input;
        let down = if K == 0 { self.kernel[0] } else { K };
        let across = self.kernel[1];
        assert!(self.taps.len() == S);
        let start = self.taps.iter().copied().flatten().map(|tap| tap.start);
        // What the last vector of a row reaches.
        let end = width.div_ceil(S).max(V::LANES);
        assert!(start.max().unwrap_or(0) + end <= self.pitch);
        let (values, places) = (self.values.as_ptr(), self.places.as_ptr());
        let x = self.x[plane * height * width..].as_mut_ptr();
        for h in 0..height {
            for (k, count) in columns(width.div_ceil(S), V::LANES) {
                let mut sums = [V::zero(); S];
                for i in (0..down).rev() {
                    let below = h + self.before;
                    let Some(start) = below.checked_sub(i * self.dilation) else {
                        continue;
                    };
                    let p = start / S;
                    if start % S != 0 || p >= self.output[0] {
                        continue;
                    }
                    let row = p * self.pitch + k;
                    for (sum, taps) in sums.iter_mut().zip(self.taps) {
                        for tap in *taps {
                            // SAFETY: p < P, and k + LANES <= end, which every
                            // start leaves room for in a row.
                            let (g, at) = unsafe {
                                let from = row + tap.start;
                                (
                                    V::load(values.add(from)),
                                    V::load_places(places.add(from), 0, V::LANES),
                                )
                            };
                            let here = V::place((i * across + tap.tap) as u8);
                            *sum = V::select(V::same(at, here), sum.add(g), *sum);
                        }
                    }
                }
                let left = width - k * S;
                // SAFETY: `left` columns remain of row h.
                unsafe {
                    let to = x.add(h * width + k * S);
                    if S == 1 {
                        super::store(sums[0], to, count);
                    } else if left >= S * count {
                        store_pairs(sums[0], sums[S - 1], to, count);
                    } else {
                        let (first, second) = sums[0].interleave(sums[S - 1]);
                        first.store_first(to, left);
                        let rest = left.saturating_sub(V::LANES);
                        second.store_first(to.wrapping_add(V::LANES), rest);
                    }
                }
            }
        }
    }
}
