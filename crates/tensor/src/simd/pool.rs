//! Poolings with vectors along the output columns.
//!
//! Windows of 2 × 2 side by side ([`MaxPairs`],
//! [`AveragePairs`] and the ways back) read two rows of the plane as it is, and
//! part even columns from odd ones in registers:
//!
//! ```text
//! for each plane, output row p, vector of output columns q
//!     (a, b) = parted x[2p,     2q ..]
//!     (c, d) = parted x[2p + 1, 2q ..]
//!     y[p, q ..] = the largest (the mean) of a, b, c, d
//! ```
//!
//! Windows of 3 × 3, one or two apart, do so too ([`threes`], [`threes_gradient`]). Any
//! other maximum is found by [`windows`], and its gradient by [`gather`].
//!
//! **Cost.** Next to no arithmetic: the pairs are bound by memory.

mod gather;
mod threes;
mod threes_gradient;
mod windows;

pub(crate) use gather::{GatherTap, GatherWindows};
pub(crate) use threes::{MaxThrees, Threes};
pub(crate) use threes_gradient::ScatterThrees;
pub(crate) use windows::{MaxWindows, Rows, SortedColumns};

use super::{Kernel, Lanes, Vector};

/// How planes of windows of 2 × 2, side by side, lie in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pairs {
    /// H, W; an odd last row or column belongs to no window.
    pub(crate) input: [usize; 2],
}

impl Pairs {
    fn output(self) -> [usize; 2] {
        self.input.map(|size| size / 2)
    }

    /// The number of planes in slices of these lengths, which must agree.
    fn planes(self, input: usize, output: usize) -> usize {
        let [[h, w], [p, q]] = [self.input, self.output()];
        let planes = output.checked_div(p * q).unwrap_or(0);
        assert!(planes * p * q == output && planes * h * w == input);
        planes
    }

    /// For each output row of each plane, where its first input row and itself
    /// begin.
    #[inline(always)]
    fn rows(self, planes: usize) -> impl Iterator<Item = (usize, usize)> {
        let [[h, w], [p, q]] = [self.input, self.output()];
        (0..planes).flat_map(move |plane| {
            (0..p).map(move |row| ((plane * h + 2 * row) * w, (plane * p + row) * q))
        })
    }
}

/// Vectors along a row: from which column on, and how many columns are wanted.
/// That is all, except that a row which is narrower than a vector has a part of
/// one. The last vector of a wider row overlaps the one before.
///
/// (An iterator and not a function that takes a closure: closures are compiled
/// without the instruction set.)
struct Columns {
    width: usize,
    lanes: usize,
    next: usize,
}

#[inline(always)]
fn columns(width: usize, lanes: usize) -> Columns {
    let next = 0;
    Columns { width, lanes, next }
}

impl Iterator for Columns {
    type Item = (usize, usize);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, usize)> {
        let q = self.next;
        if q >= self.width {
            return None;
        }
        self.next = q + self.lanes;
        Some(if q + self.lanes <= self.width {
            (q, self.lanes)
        } else if self.width >= self.lanes {
            (self.width - self.lanes, self.lanes)
        } else {
            (0, self.width)
        })
    }
}

/// Twice `count` numbers, parted into those at even places and at odd ones.
///
/// # Safety
/// `2 · count` elements can be read at `from`; `count` is at most `LANES`.
#[inline(always)]
unsafe fn load_pairs<T, V: Vector<T>>(from: *const T, count: usize) -> (V, V) {
    let next = from.wrapping_add(V::LANES);
    // SAFETY: the caller's promise.
    let (first, second) = unsafe {
        if count == V::LANES {
            (V::load(from), V::load(next))
        } else {
            let rest = (2 * count).saturating_sub(V::LANES);
            (V::load_first(from, 2 * count), V::load_first(next, rest))
        }
    };
    first.deinterleave(second)
}

/// The inverse of [`load_pairs`].
///
/// # Safety
/// `2 · count` elements can be written at `to`; `count` is at most `LANES`.
#[inline(always)]
unsafe fn store_pairs<T, V: Vector<T>>(even: V, odd: V, to: *mut T, count: usize) {
    let next = to.wrapping_add(V::LANES);
    let (first, second) = even.interleave(odd);
    // SAFETY: the caller's promise.
    unsafe {
        if count == V::LANES {
            first.store(to);
            second.store(next);
        } else {
            let rest = (2 * count).saturating_sub(V::LANES);
            first.store_first(to, 2 * count);
            second.store_first(next, rest);
        }
    }
}

/// Loads `count` numbers.
///
/// # Safety
/// `count` elements can be read at `from`.
#[inline(always)]
unsafe fn load<T, V: Vector<T>>(from: *const T, count: usize) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        if count == V::LANES {
            V::load(from)
        } else {
            V::load_first(from, count)
        }
    }
}

/// Stores `count` numbers.
///
/// # Safety
/// `count` elements can be written at `to`.
#[inline(always)]
unsafe fn store<T, V: Vector<T>>(v: V, to: *mut T, count: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if count == V::LANES {
            v.store(to);
        } else {
            v.store_first(to, count);
        }
    }
}

/// Maxima of 2 × 2 windows; and where they were, 0 to 3 in the order of
/// reading, if `at` is as long as `y` and not empty.
pub(crate) struct MaxPairs<'a, T> {
    pub(crate) pairs: Pairs,
    pub(crate) x: &'a [T],
    pub(crate) y: &'a mut [T],
    pub(crate) at: &'a mut [u8],
}

impl<T: Lanes> Kernel<T> for MaxPairs<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { pairs, x, y, at } = self;
        let planes = pairs.planes(x.len(), y.len());
        let (width, q_count) = (pairs.input[1], pairs.output()[1]);
        let wanted = !at.is_empty();
        assert!(!wanted || at.len() == y.len());
        let [zero, one, two, three] = [V::place(0), V::place(1), V::place(2), V::place(3)];
        let (x, y, at) = (x.as_ptr(), y.as_mut_ptr(), at.as_mut_ptr());
        for (input, output) in pairs.rows(planes) {
            for (q, count) in columns(q_count, V::LANES) {
                // SAFETY: q + count <= Q and 2Q <= W, and both rows lie inside
                // of the plane, as `planes` checked; `at` is written only if
                // it is as long as `y`.
                unsafe {
                    let from = x.add(input + 2 * q);
                    let (a, b): (V, V) = load_pairs(from, count);
                    let (c, d): (V, V) = load_pairs(from.add(width), count);
                    if wanted {
                        // Two rounds at once: first of the left pair, then of
                        // the right, keep the order of reading within a row.
                        let (top, low) = (b.wins_over(a), d.wins_over(c));
                        let (m, n) = (V::select(top, b, a), V::select(low, d, c));
                        let below = n.wins_over(m);
                        let places =
                            V::choose(below, V::choose(low, three, two), V::choose(top, one, zero));
                        store(V::select(below, n, m), y.add(output + q), count);
                        V::store_places(places, at.add(output + q), count);
                    } else {
                        let m = a.largest(b).largest(c.largest(d));
                        store(m, y.add(output + q), count);
                    }
                }
            }
        }
    }
}

/// The way back of [`MaxPairs`]: each gradient at its place, zero elsewhere.
/// Writes every element of `x`.
pub(crate) struct ScatterPairs<'a, T> {
    pub(crate) pairs: Pairs,
    pub(crate) g: &'a [T],
    pub(crate) at: &'a [u8],
    pub(crate) x: &'a mut [T],
}

impl<T: Lanes> Kernel<T> for ScatterPairs<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { pairs, g, at, x } = self;
        let planes = pairs.planes(x.len(), g.len());
        assert!(at.len() == g.len());
        fill_rest(pairs, x);
        let [zero, one, two, three] = [V::place(0), V::place(1), V::place(2), V::place(3)];
        let (width, q_count) = (pairs.input[1], pairs.output()[1]);
        let (g, at, x) = (g.as_ptr(), at.as_ptr(), x.as_mut_ptr());
        for (input, output) in pairs.rows(planes) {
            for (q, count) in columns(q_count, V::LANES) {
                // SAFETY: as in `MaxPairs`.
                unsafe {
                    let v: V = load(g.add(output + q), count);
                    let places = V::load_places(at.add(output + q), 0, count);
                    let to = x.add(input + 2 * q);
                    let left = only(v, places, zero);
                    store_pairs(left, only(v, places, one), to, count);
                    let left = only(v, places, two);
                    store_pairs(left, only(v, places, three), to.add(width), count);
                }
            }
        }
    }
}

/// The lanes of `v` whose place is `n`, zero in the others.
#[inline(always)]
fn only<T: Lanes, V: Vector<T>>(v: V, places: V::Places, n: V::Places) -> V {
    V::select(V::same(places, n), v, V::zero())
}

/// Σ · `scale` of 2 × 2 windows.
pub(crate) struct AveragePairs<'a, T> {
    pub(crate) pairs: Pairs,
    pub(crate) scale: T,
    pub(crate) x: &'a [T],
    pub(crate) y: &'a mut [T],
}

impl<T: Lanes> Kernel<T> for AveragePairs<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { pairs, scale, x, y } = self;
        let planes = pairs.planes(x.len(), y.len());
        let scale = V::splat(scale);
        let (width, q_count) = (pairs.input[1], pairs.output()[1]);
        let (x, y) = (x.as_ptr(), y.as_mut_ptr());
        for (input, output) in pairs.rows(planes) {
            for (q, count) in columns(q_count, V::LANES) {
                // SAFETY: as in `MaxPairs`.
                unsafe {
                    let from = x.add(input + 2 * q);
                    let (a, b): (V, V) = load_pairs(from, count);
                    let (c, d): (V, V) = load_pairs(from.add(width), count);
                    let sum = a.add(b).add(c).add(d);
                    store(sum.mul(scale), y.add(output + q), count);
                }
            }
        }
    }
}

/// The way back of [`AveragePairs`]. Writes every element of `x`.
pub(crate) struct SpreadPairs<'a, T> {
    pub(crate) pairs: Pairs,
    pub(crate) scale: T,
    pub(crate) g: &'a [T],
    pub(crate) x: &'a mut [T],
}

impl<T: Lanes> Kernel<T> for SpreadPairs<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { pairs, scale, g, x } = self;
        let planes = pairs.planes(x.len(), g.len());
        fill_rest(pairs, x);
        let scale = V::splat(scale);
        let (width, q_count) = (pairs.input[1], pairs.output()[1]);
        let (g, x) = (g.as_ptr(), x.as_mut_ptr());
        for (input, output) in pairs.rows(planes) {
            for (q, count) in columns(q_count, V::LANES) {
                // SAFETY: as in `MaxPairs`.
                unsafe {
                    let share = load::<T, V>(g.add(output + q), count).mul(scale);
                    let to = x.add(input + 2 * q);
                    store_pairs(share, share, to, count);
                    store_pairs(share, share, to.add(width), count);
                }
            }
        }
    }
}

/// Zeros in an odd last row and column, which belong to no window.
#[inline(always)]
fn fill_rest<T: Lanes>(pairs: Pairs, x: &mut [T]) {
    let [h, w] = pairs.input;
    if h % 2 + w % 2 == 0 || x.is_empty() {
        return;
    }
    for plane in x.chunks_exact_mut(h * w) {
        if w % 2 == 1 {
            plane
                .iter_mut()
                .skip(w - 1)
                .step_by(w)
                .for_each(|x| *x = T::ZERO);
        }
        if h % 2 == 1 {
            plane[(h - 1) * w..].fill(T::ZERO);
        }
    }
}
