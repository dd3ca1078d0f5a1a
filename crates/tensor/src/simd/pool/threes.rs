//! Maxima of windows of 3 × 3, two apart: the commonest that overlap.
//!
//! Two rows of pixels come with every row of windows, and nothing is copied:
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
//! the pixel beside the vector, or −∞. The place of a winner rides beside it:
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

/// How planes of windows of 3 × 3, two apart, lie in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threes {
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
        let inside =
            |axis: usize| 2 * (self.output[axis] - 1) < self.input[axis] + self.before[axis];
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
        match (self.threes.before[1], self.at.is_empty()) {
            (0, true) => self.planes::<V, 0, false>(),
            (0, false) => self.planes::<V, 0, true>(),
            (_, true) => self.planes::<V, 1, false>(),
            (_, false) => self.planes::<V, 1, true>(),
        }
    }
}

impl<T: Lanes> MaxThrees<'_, T> {
    /// All planes, for so many columns of padding on the left.
    #[inline(always)]
    fn planes<V: Vector<T>, const BEFORE: usize, const PLACES: bool>(&mut self) {
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
                let mut strip = Strip {
                    input: self.threes.input,
                    above: self.threes.before[0],
                    x: x.wrapping_add(2 * q),
                    left: width.saturating_sub(2 * q),
                    beside: &raw const none,
                    beside_step: 0,
                    first: first::<T, V>(q == 0 && BEFORE == 1),
                };
                if beside < width {
                    (strip.beside, strip.beside_step) = (x.wrapping_add(beside), width);
                }
                let to = plane * p_count * q_count + q;
                // SAFETY: `x` is one of so many planes, and each row of it has
                // `left` columns from 2q on and, unless it is −∞, the one
                // beside. The outputs have q + count <= Q columns from q on in
                // each of P rows of this plane; `at` is as long as `y`.
                unsafe {
                    let (y, at) = (self.y.as_mut_ptr().add(to), self.at.as_mut_ptr());
                    let at = if PLACES { at.add(to) } else { at };
                    let out = (y, at, count);
                    if strip.left >= 2 * V::LANES {
                        strip.run::<V, BEFORE, false, PLACES>(out, self.threes.output);
                    } else {
                        strip.run::<V, BEFORE, true, PLACES>(out, self.threes.output);
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
    /// Column 2q of the first row.
    x: *const T,
    /// How many columns there are from it on.
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
    unsafe fn run<V, const BEFORE: usize, const EDGE: bool, const PLACES: bool>(
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
        let mut redo = false;
        if self.above == 0 {
            // SAFETY: the caller's promise, here and below.
            (top, redo) = unsafe { self.row::<V, BEFORE, EDGE, PLACES, false>(0) };
        }
        for p in 0..p_count {
            let h = 2 * p + 1 - self.above;
            let above = redo;
            let (best, low);
            // SAFETY: as above.
            unsafe {
                let (middle, nan) = self.row::<V, BEFORE, EDGE, PLACES, false>(h);
                (low, redo) = self.row::<V, BEFORE, EDGE, PLACES, false>(h + 1);
                if above | nan | redo {
                    let mut top = top;
                    if h > 0 {
                        (top, _) = self.row::<V, BEFORE, EDGE, PLACES, true>(h - 1);
                    }
                    let (middle, _) = self.row::<V, BEFORE, EDGE, PLACES, true>(h);
                    let (low, _) = self.row::<V, BEFORE, EDGE, PLACES, true>(h + 1);
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
            top = low;
        }
    }

    /// The largest of three columns in row `h`, and whether there is a NaN that
    /// was not looked for.
    ///
    /// # Safety
    /// What the fields say is there to be read.
    #[inline(always)]
    unsafe fn row<V, const BEFORE: usize, const EDGE: bool, const PLACES: bool, const NAN: bool>(
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
        let ((even, odd), beside) = unsafe {
            let row = self.x.wrapping_add(h * self.input[1]);
            let pairs = if EDGE {
                edge_pairs(row, self.left, none)
            } else {
                load_pairs(row, V::LANES)
            };
            (pairs, *self.beside.add(h * self.beside_step))
        };
        let taps = if BEFORE == 1 {
            [odd.behind(beside), even, odd]
        } else {
            [even, odd, even.ahead(beside)]
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
