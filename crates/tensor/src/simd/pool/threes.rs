//! Maxima of windows of 3 × 3, one or two apart: the commonest that overlap.
//!
//! Each row of pixels is looked at once, and nothing is copied; for two apart:
//!
//! ```text
//! for each plane, vector of output columns q
//!     for each output row p
//!         for each tap i but the first: h = 2p + i − padding
//!             (e, o) = parted x[h, 2q ..]
//!             row[i] = the largest of e, o and one of them moved by a lane
//!         y[p, q ..] = the largest of row[0], row[1], row[2]
//!         row[0] = row[2]
//! ```
//!
//! With a column of padding the three taps are o moved up a lane, e and o;
//! without, they are e, o and e moved down a lane. The lane that is missing is
//! the pixel beside the vector, or −∞. For windows one apart the taps are three
//! loads, and two rows are kept. The place of a winner rides beside it:
//! its column in `row`, its place in the window at the end. Ties go to the first
//! column of a row and then to the first row, which is the first in the order of
//! reading.
//!
//! **Cost.** Six comparisons a window instead of eight, three permutations a
//! row. NaN would double the comparisons, so they are made for numbers, and
//! windows among which there is a NaN once more, for NaN.

use crate::simd::{Kernel, Lanes, Vector};

use super::windows::beats;
use super::{columns, load_pairs, store};

/// How planes of windows of 3 × 3 lie in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threes {
    /// From one window to the next, both ways: 1 or 2.
    pub(crate) stride: usize,
    /// H, W.
    pub(crate) input: [usize; 2],
    /// P, Q.
    pub(crate) output: [usize; 2],
    /// Rows of padding above, and columns of it on the left: 0 or 1.
    pub(crate) before: [usize; 2],
}

impl Threes {
    /// The number of planes in slices of these lengths, which must agree.
    pub(super) fn planes(self, input: usize, output: usize) -> usize {
        let [[h, w], [p, q]] = [self.input, self.output];
        let planes = output.checked_div(p * q).unwrap_or(0);
        assert!(planes * p * q == output && planes * h * w == input);
        // The first tap of the last window, or the second of the first one,
        // lies inside of the plane.
        let inside = |axis: usize| {
            self.stride * (self.output[axis] - 1) < self.input[axis] + self.before[axis]
        };
        assert!(self.before.iter().all(|&before| before <= 1));
        assert!(planes == 0 || (inside(0) && inside(1)));
        planes
    }
}

/// Maxima of 3 × 3 windows; and where they were, 0 to 8 in the order of
/// reading, if `at` is as long as `y` and not empty.
pub(crate) struct MaxThrees<'a, T> {
    pub(crate) threes: Threes,
    pub(crate) x: &'a [T],
    pub(crate) y: &'a mut [T],
    pub(crate) at: &'a mut [u8],
}

impl<T: Lanes> Kernel<T> for MaxThrees<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(mut self) {
        match (
            self.threes.stride,
            self.threes.before[1],
            self.at.is_empty(),
        ) {
            (1, 0, true) => self.planes::<V, 1, 0, false>(),
            (1, 0, false) => self.planes::<V, 1, 0, true>(),
            (1, _, true) => self.planes::<V, 1, 1, false>(),
            (1, _, false) => self.planes::<V, 1, 1, true>(),
            (_, 0, true) => self.planes::<V, 2, 0, false>(),
            (_, 0, false) => self.planes::<V, 2, 0, true>(),
            (_, _, true) => self.planes::<V, 2, 1, false>(),
            (_, _, false) => self.planes::<V, 2, 1, true>(),
        }
    }
}

impl<T: Lanes> MaxThrees<'_, T> {
    /// All planes, for windows so far apart, and so many columns of padding on
    /// the left.
    #[inline(always)]
    fn planes<V: Vector<T>, const STRIDE: usize, const BEFORE: usize, const PLACES: bool>(
        &mut self,
    ) {
        let planes = self.threes.planes(self.x.len(), self.y.len());
        assert!(self.at.len() == if PLACES { self.y.len() } else { 0 });
        let [[height, width], [p_count, q_count]] = [self.threes.input, self.threes.output];
        let none = T::of(f64::NEG_INFINITY);
        for plane in 0..planes {
            let x = self.x[plane * height * width..].as_ptr();
            for (q, count) in columns(q_count, V::LANES) {
                let beside = if BEFORE == 1 {
                    q * 2
                } else {
                    2 * (q + V::LANES) + 1
                }
                .wrapping_sub(1);
                // One apart, all three taps are loads, from the padding on.
                let column = if STRIDE == 1 {
                    q.wrapping_sub(BEFORE)
                } else {
                    2 * q
                };
                let mut strip = Strip {
                    input: self.threes.input,
                    above: self.threes.before[0],
                    x: x.wrapping_add(column),
                    lead: if STRIDE == 1 {
                        BEFORE.saturating_sub(q)
                    } else {
                        0
                    },
                    left: if STRIDE == 1 {
                        (width + BEFORE).saturating_sub(q)
                    } else {
                        width.saturating_sub(2 * q)
                    },
                    beside: &raw const none,
                    beside_step: 0,
                    first: first::<T, V>(q == 0 && BEFORE == 1),
                };
                if STRIDE == 2 && beside < width {
                    (strip.beside, strip.beside_step) = (x.wrapping_add(beside), width);
                }
                let to = plane * p_count * q_count + q;
                let taps = if STRIDE == 1 {
                    V::LANES + 2
                } else {
                    2 * V::LANES
                };
                // SAFETY: `x` is one of so many planes, and each row of it has
                // the columns from `lead` up to `left` and, unless it is −∞,
                // the one beside. The outputs have q + count <= Q columns from q on in
                // each of P rows of this plane; `at` is as long as `y`.
                unsafe {
                    let (y, at) = (self.y.as_mut_ptr().add(to), self.at.as_mut_ptr());
                    let at = if PLACES { at.add(to) } else { at };
                    let out = (y, at, count);
                    if strip.lead == 0 && strip.left >= taps {
                        strip.run::<V, STRIDE, BEFORE, false, PLACES>(out, self.threes.output);
                    } else {
                        strip.run::<V, STRIDE, BEFORE, true, PLACES>(out, self.threes.output);
                    }
                }
            }
        }
    }
}

/// The first column of each window that is inside of the plane.
#[inline(always)]
fn first<T: Lanes, V: Vector<T>>(padded: bool) -> V::Places {
    let (zero, one) = (V::place(0), V::place(1));
    if padded {
        V::choose(V::first_lanes(1), one, zero)
    } else {
        zero
    }
}

/// A vector of windows in every row of a plane: what its rows of pixels are.
struct Strip<T, P> {
    /// H, W.
    input: [usize; 2],
    /// Rows of padding.
    above: usize,
    /// Column 2q of the first row, or column q less the padding.
    x: *const T,
    /// How many columns from it on are padding.
    lead: usize,
    /// Where the row ends.
    left: usize,
    /// The pixel beside the vectors in the first row; and from one row to the
    /// next.
    beside: *const T,
    beside_step: usize,
    /// The first column of each window inside of the plane.
    first: P,
}

/// The largest of some rows, and their places.
#[derive(Clone, Copy)]
struct Largest<V, P> {
    value: V,
    place: P,
}

impl<T: Lanes, P: Copy> Strip<T, P> {
    /// Writes `count` columns of the output.
    ///
    /// # Safety
    /// What the fields say is there to be read. P rows of Q can be written at
    /// both pointers, `count` columns of each.
    #[inline(always)]
    unsafe fn run<
        V,
        const STRIDE: usize,
        const BEFORE: usize,
        const EDGE: bool,
        const PLACES: bool,
    >(
        &self,
        (y, at, count): (*mut T, *mut u8, usize),
        [p_count, q_count]: [usize; 2],
    ) where
        V: Vector<T, Places = P>,
    {
        // A row of padding leaves the first place to the next row.
        let mut top = Largest {
            value: V::splat(T::of(f64::NEG_INFINITY)),
            place: V::further(self.first, V::place(3)),
        };
        let mut middle = top;
        let (mut top_nan, mut middle_nan) = (false, false);
        // SAFETY: the caller's promise, here and below.
        unsafe {
            if self.above == 0 {
                (top, top_nan) = self.row::<V, STRIDE, BEFORE, EDGE, PLACES, false>(0);
            }
            if STRIDE == 1 {
                let h = 1 - self.above;
                (middle, middle_nan) = self.row::<V, STRIDE, BEFORE, EDGE, PLACES, false>(h);
            }
        }
        for p in 0..p_count {
            let h = STRIDE * p + 1 - self.above;
            let (best, low, low_nan);
            // SAFETY: as above.
            unsafe {
                if STRIDE == 2 {
                    (middle, middle_nan) = self.row::<V, STRIDE, BEFORE, EDGE, PLACES, false>(h);
                }
                (low, low_nan) = self.row::<V, STRIDE, BEFORE, EDGE, PLACES, false>(h + 1);
                if top_nan | middle_nan | low_nan {
                    let mut top = top;
                    if h > 0 {
                        (top, _) = self.row::<V, STRIDE, BEFORE, EDGE, PLACES, true>(h - 1);
                    }
                    let (middle, _) = self.row::<V, STRIDE, BEFORE, EDGE, PLACES, true>(h);
                    let (low, _) = self.row::<V, STRIDE, BEFORE, EDGE, PLACES, true>(h + 1);
                    best = join::<T, V, PLACES, true>(top, middle, low);
                } else {
                    best = join::<T, V, PLACES, false>(top, middle, low);
                }
                let to = p * q_count;
                store(best.value, y.add(to), count);
                if PLACES {
                    V::store_places(best.place, at.add(to), count);
                }
            }
            (top, top_nan) = if STRIDE == 1 {
                (middle, middle_nan)
            } else {
                (low, low_nan)
            };
            (middle, middle_nan) = (low, low_nan);
        }
    }

    /// The largest of three columns in row `h`, and whether there is a NaN that
    /// was not looked for.
    ///
    /// # Safety
    /// What the fields say is there to be read.
    #[inline(always)]
    unsafe fn row<
        V,
        const STRIDE: usize,
        const BEFORE: usize,
        const EDGE: bool,
        const PLACES: bool,
        const NAN: bool,
    >(
        &self,
        h: usize,
    ) -> (Largest<V, P>, bool)
    where
        V: Vector<T, Places = P>,
    {
        let none = V::splat(T::of(f64::NEG_INFINITY));
        if h >= self.input[0] {
            let place = self.first;
            return (Largest { value: none, place }, false);
        }
        // SAFETY: row h is inside of the plane; the caller's promise.
        let taps = unsafe {
            let row = self.x.wrapping_add(h * self.input[1]);
            if STRIDE == 1 {
                self.three::<V, EDGE>(row)
            } else {
                let (even, odd): (V, V) = if EDGE {
                    edge_pairs(row, self.left, none)
                } else {
                    load_pairs(row, V::LANES)
                };
                let beside = *self.beside.add(h * self.beside_step);
                if BEFORE == 1 {
                    [odd.behind(beside), even, odd]
                } else {
                    [even, odd, even.ahead(beside)]
                }
            }
        };
        let mut largest = Largest {
            value: taps[0],
            place: self.first,
        };
        largest = largest.or::<T, PLACES, NAN>(taps[1], V::place(1));
        largest = largest.or::<T, PLACES, NAN>(taps[2], V::place(2));
        if NAN {
            return (largest, false);
        }
        let nan = V::either(taps[0].unordered(taps[1]), taps[2].unordered(taps[2]));
        (largest, V::any(nan))
    }

    /// Three vectors, each a column further on.
    ///
    /// # Safety
    /// The columns from `lead` up to `left` of this row can be read.
    #[inline(always)]
    unsafe fn three<V: Vector<T>, const EDGE: bool>(&self, row: *const T) -> [V; 3] {
        let none = V::splat(T::of(f64::NEG_INFINITY));
        let mut taps = [none; 3];
        for (j, tap) in taps.iter_mut().enumerate() {
            let from = row.wrapping_add(j);
            // SAFETY: the caller's promise.
            unsafe {
                if EDGE {
                    let (lead, left) = (self.lead.saturating_sub(j), self.left.saturating_sub(j));
                    let x = V::load_between(from, lead, left);
                    let x = V::select(V::first_lanes(left), x, none);
                    *tap = V::select(V::first_lanes(lead), none, x);
                } else {
                    *tap = V::load(from);
                }
            }
        }
        taps
    }
}

impl<V: Copy, P: Copy> Largest<V, P> {
    /// `x` at `place` if that is larger.
    #[inline(always)]
    fn or<T: Lanes, const PLACES: bool, const NAN: bool>(self, x: V, place: P) -> Self
    where
        V: Vector<T, Places = P>,
    {
        let value = if NAN {
            self.value.largest(x)
        } else {
            self.value.larger(x)
        };
        if !PLACES {
            return Self { value, ..self };
        }
        let wins = beats::<T, V, NAN>(x, self.value);
        let place = V::choose(wins, place, self.place);
        Self { value, place }
    }
}

/// The largest of three rows.
#[inline(always)]
fn join<T: Lanes, V: Vector<T>, const PLACES: bool, const NAN: bool>(
    top: Largest<V, V::Places>,
    middle: Largest<V, V::Places>,
    low: Largest<V, V::Places>,
) -> Largest<V, V::Places> {
    let below = V::further(middle.place, V::place(3));
    let largest = top.or::<T, PLACES, NAN>(middle.value, below);
    let below = V::further(low.place, V::place(6));
    largest.or::<T, PLACES, NAN>(low.value, below)
}

/// The pixels of a row that ends in `left` columns, `none` beyond them, parted
/// into those at even places and those at odd ones.
///
/// # Safety
/// `left` elements can be read at `from`.
#[inline(always)]
unsafe fn edge_pairs<T, V: Vector<T>>(from: *const T, left: usize, none: V) -> (V, V) {
    let rest = left.saturating_sub(V::LANES);
    // SAFETY: the caller's promise.
    let (first, second) = unsafe {
        let next = from.wrapping_add(V::LANES);
        (V::load_first(from, left), V::load_first(next, rest))
    };
    let first = V::select(V::first_lanes(left), first, none);
    let second = V::select(V::first_lanes(rest), second, none);
    first.deinterleave(second)
}
