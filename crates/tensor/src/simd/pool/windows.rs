//! Maxima of any windows.
//!
//! A window's maximum is that of its rows' maxima, and neighbouring windows
//! share rows, so each row is looked at once and then each column of rows:
//!
//! ```text
//! copy[h, ..] = x[h, ..], padded with −∞, sorted by column modulo the stride
//! for each row h, vector of output columns q
//!     row[h, q ..] = the largest of copy[h, phase(j) + q ..] over taps j
//! for each output row p, vector of output columns q
//!     y[p, q ..] = the largest of row[p·s + i·d, q ..] over taps i
//! ```
//!
//! In the sorted copy each tap of sixteen neighbouring windows is one load. The
//! place of a winner rides beside it: its column in the first pass, its place in
//! the window after the second. Ties go to the first column of a row and then to
//! the first row, which is the first in the order of reading.
//!
//! **Cost.** For windows of K × K a stride of s apart, (s + 1)·(K − 1)
//! comparisons instead of K² − 1: six for eight at 3 and 2, four at 3 and 1. NaN
//! would double them, so one look at the plane decides whether there is any.

use crate::simd::{Kernel, Lanes, Vector};

use super::{columns, load_pairs, store};

/// What windows read along the height.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    /// H.
    pub(crate) input: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    /// Rows of padding above the plane.
    pub(crate) before: usize,
}

impl Rows {
    /// The first tap of window `p` inside the plane, and the one after the last.
    #[inline(always)]
    fn taps(self, p: usize) -> [usize; 2] {
        let start = p * self.stride;
        let tap = |row: usize| match row.saturating_sub(start) {
            row if self.dilation == 1 => row,
            row => row.div_ceil(self.dilation),
        };
        [
            tap(self.before),
            tap(self.before + self.input).min(self.kernel),
        ]
    }

    /// The row that tap `i` of window `p` reads, which must be inside the plane.
    #[inline(always)]
    fn source(self, p: usize, i: usize) -> usize {
        p * self.stride + i * self.dilation - self.before
    }
}

/// Maxima of any windows of one plane.
pub(crate) struct MaxWindows<'a, T> {
    /// P, Q.
    pub(crate) output: [usize; 2],
    /// The plane.
    pub(crate) x: &'a [T],
    /// How its rows are copied.
    pub(crate) columns: SortedColumns,
    /// The copy, −∞ where the padding is; readable for a vector from each tap
    /// of each window on.
    pub(crate) copy: &'a mut [T],
    /// For each row of the input, the maxima along it: Q rounded up to whole
    /// vectors, [`MaxWindows::pitch`].
    pub(crate) values: &'a mut [T],
    /// And in which columns of the windows they were.
    pub(crate) taps: &'a mut [u8],
    /// Which rows a window reads.
    pub(crate) rows: Rows,
    /// Where in a row of the copy each tap of the first window lies.
    pub(crate) offsets: &'a [usize],
    /// For each window along a row, its first tap inside the plane; a vector
    /// longer than Q.
    pub(crate) first: &'a [u8],
    pub(crate) y: &'a mut [T],
    /// The places in the windows, or nothing.
    pub(crate) at: &'a mut [u8],
}

impl<T: Lanes> Kernel<T> for MaxWindows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(mut self) {
        let rows = self.x.chunks_exact(self.columns.width);
        for (x, to) in rows.zip(self.copy.chunks_mut(self.columns.row())) {
            self.columns.copy::<T, V>(x, to);
        }
        if self.at.is_empty() {
            self.pass::<V, false, false>();
        } else if has_nan::<T, V>(self.x) {
            self.pass::<V, true, true>();
        } else {
            self.pass::<V, true, false>();
        }
    }
}

/// Whether there is a NaN.
#[inline(always)]
fn has_nan<T: Lanes, V: Vector<T>>(x: &[T]) -> bool {
    let mut pairs = x.chunks_exact(2 * V::LANES);
    for pair in &mut pairs {
        // SAFETY: `pair` holds two vectors.
        let (a, b) = unsafe { (V::load(pair.as_ptr()), V::load(pair[V::LANES..].as_ptr())) };
        if V::any(a.unordered(b)) {
            return true;
        }
    }
    pairs.remainder().iter().any(|x| x.is_nan_value())
}

impl<T: Lanes> MaxWindows<'_, T> {
    /// From one row of the maxima along the rows to the next.
    pub(crate) fn pitch(q_count: usize, widest: usize) -> usize {
        q_count.next_multiple_of(widest)
    }

    #[inline(always)]
    fn pass<V: Vector<T>, const PLACES: bool, const NAN: bool>(&mut self) {
        if self.offsets.len() == 3 {
            self.along_rows::<V, PLACES, NAN, 3>();
        } else {
            self.along_rows::<V, PLACES, NAN, 0>();
        }
        self.down_columns::<V, PLACES, NAN>();
    }

    /// The first pass, for `K` taps along a row, or any number for 0.
    #[inline(always)]
    fn along_rows<V: Vector<T>, const PLACES: bool, const NAN: bool, const K: usize>(&mut self) {
        let (height, q_count) = (self.rows.input, self.output[1]);
        let (pitch, row) = (self.values.len() / height, self.columns.row());
        let across = if K == 0 { self.offsets.len() } else { K };
        // What the last vector of the last row reaches.
        let end = q_count.next_multiple_of(V::LANES);
        let reach = self.offsets.iter().max().map_or(0, |last| last + end);
        assert!(end <= pitch && self.taps.len() == self.values.len());
        assert!(self.first.len() >= end && (height - 1) * row + reach <= self.copy.len());
        assert!(across >= 1 && across <= self.offsets.len());
        for h in 0..height {
            for q in (0..end).step_by(V::LANES) {
                // SAFETY: q + LANES <= end, and what lies so far behind the
                // beginning of a row, or of a tap of a row, was checked above.
                unsafe {
                    let from = self.copy.as_ptr().add(h * row + q);
                    let mut tap = V::load_places(self.first.as_ptr().add(q), 0, V::LANES);
                    let mut largest = V::load(from.add(*self.offsets.get_unchecked(0)));
                    for j in 1..across {
                        let x = V::load(from.add(*self.offsets.get_unchecked(j)));
                        if PLACES {
                            let wins = beats::<T, V, NAN>(x, largest);
                            largest = V::select(wins, x, largest);
                            tap = V::choose(wins, V::place(j as u8), tap);
                        } else {
                            largest = largest.largest(x);
                        }
                    }
                    largest.store(self.values.as_mut_ptr().add(h * pitch + q));
                    if PLACES {
                        V::store_places(tap, self.taps.as_mut_ptr().add(h * pitch + q), V::LANES);
                    }
                }
            }
        }
    }

    /// The second pass.
    #[inline(always)]
    fn down_columns<V: Vector<T>, const PLACES: bool, const NAN: bool>(&mut self) {
        let [p_count, q_count] = self.output;
        let pitch = self.values.len() / self.rows.input;
        assert!(self.y.len() == p_count * q_count && self.taps.len() == self.values.len());
        assert!(!PLACES || self.at.len() == self.y.len());
        assert!(pitch >= q_count && pitch >= V::LANES);
        let across = self.offsets.len();
        let (values, taps) = (self.values.as_ptr(), self.taps.as_ptr());
        let (y, at) = (self.y.as_mut_ptr(), self.at.as_mut_ptr());
        for p in 0..p_count {
            let [from, to] = self.rows.taps(p);
            // Rows lie further down tap by tap: the last bounds them all.
            assert!(from < to && self.rows.source(p, to - 1) < self.rows.input);
            for (q, count) in columns(q_count, V::LANES) {
                // SAFETY: q + count <= Q and q + LANES <= pitch: `y` and `at`
                // were checked above, and so were the rows of this window.
                unsafe {
                    let row = self.rows.source(p, from) * pitch + q;
                    let mut largest = V::load(values.add(row));
                    let mut places = V::place((from * across) as u8);
                    if PLACES {
                        let tap = V::load_places(taps.add(row), 0, V::LANES);
                        places = V::further(tap, places);
                    }
                    for i in from + 1..to {
                        let row = self.rows.source(p, i) * pitch + q;
                        let x = V::load(values.add(row));
                        if PLACES {
                            let wins = beats::<T, V, NAN>(x, largest);
                            largest = V::select(wins, x, largest);
                            let tap = V::load_places(taps.add(row), 0, V::LANES);
                            let here = V::further(tap, V::place((i * across) as u8));
                            places = V::choose(wins, here, places);
                        } else {
                            largest = largest.largest(x);
                        }
                    }
                    store(largest, y.add(p * q_count + q), count);
                    if PLACES {
                        V::store_places(places, at.add(p * q_count + q), count);
                    }
                }
            }
        }
    }
}

/// Where `x` takes the place of the largest so far; without `NAN`, there is none.
#[inline(always)]
pub(super) fn beats<T: Lanes, V: Vector<T>, const NAN: bool>(x: V, largest: V) -> V::Mask {
    if NAN {
        x.wins_over(largest)
    } else {
        x.exceeds(largest)
    }
}

/// How the columns of a row are sorted by their remainder modulo the stride:
/// column c, counted with the padding before it, goes to
/// `c % stride · phase + c / stride`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SortedColumns {
    /// W.
    pub(crate) width: usize,
    /// Columns of the input that some window reads.
    pub(crate) used: usize,
    /// Columns of padding before it.
    pub(crate) before: usize,
    pub(crate) stride: usize,
    /// Columns of one remainder.
    pub(crate) phase: usize,
}

impl SortedColumns {
    /// The length of a sorted row.
    #[inline(always)]
    pub(crate) fn row(self) -> usize {
        self.stride * self.phase
    }

    /// Where a column of the input goes.
    #[inline(always)]
    fn place(self, column: usize) -> usize {
        let column = column + self.before;
        column % self.stride * self.phase + column / self.stride
    }

    /// Copies a row.
    #[inline(always)]
    fn copy<T: Lanes, V: Vector<T>>(self, x: &[T], to: &mut [T]) {
        let mut done = 0;
        if self.stride == 1 {
            to[self.before..self.before + self.used].copy_from_slice(&x[..self.used]);
            return;
        }
        if self.stride == 2 {
            let (even, odd) = (self.place(0), self.place(1));
            let vectors = self.used / (2 * V::LANES);
            let end = vectors * V::LANES;
            assert!(even.max(odd) + end <= to.len() && self.used <= x.len());
            for v in 0..vectors {
                // SAFETY: 2 · LANES elements from 2 · v · LANES on are among
                // the first `used`; both targets were checked for all vectors.
                unsafe {
                    let (a, b): (V, V) = load_pairs(x.as_ptr().add(2 * v * V::LANES), V::LANES);
                    a.store(to.as_mut_ptr().add(even + v * V::LANES));
                    b.store(to.as_mut_ptr().add(odd + v * V::LANES));
                }
            }
            done = 2 * end;
        }
        for first in done..self.used.min(done + self.stride) {
            let columns = x[first..self.used].iter().step_by(self.stride);
            let to = &mut to[self.place(first)..];
            to.iter_mut().zip(columns).for_each(|(to, &x)| *to = x);
        }
    }
}
