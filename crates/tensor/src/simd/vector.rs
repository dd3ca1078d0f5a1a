//! So many numbers in a register.

use super::places::Places;
use crate::element::Element;

/// A register full of numbers of type `T`.
///
/// Every method is one or a few instructions. The safe ones are safe because
/// the types are handed out by [`run`](super::run) alone, inside code compiled
/// for processors that have them.
pub trait Vector<T>: Places<T> {
    /// How many numbers it holds.
    const LANES: usize;
    /// How many such registers there are: what tells how large a tile of
    /// accumulators may be.
    const REGISTERS: usize;
    /// Neighbouring lanes, as loads know them.
    type Span: Copy;

    /// The same number in every lane.
    fn splat(value: T) -> Self;
    /// Zero in every lane.
    fn zero() -> Self;

    /// # Safety
    /// `LANES` elements can be read at `from`, aligned as `T` is.
    unsafe fn load(from: *const T) -> Self;
    /// The first `count` lanes, zero in the others, whose memory is not touched.
    ///
    /// # Safety
    /// `min(count, LANES)` elements can be read at `from`.
    unsafe fn load_first(from: *const T, count: usize) -> Self;
    /// The lanes `start..end` of what lies at `from`, zero in the others, whose
    /// memory is not touched: a run of pixels that reaches over the border of an
    /// image. `from` itself may lie outside of what can be read.
    ///
    /// # Safety
    /// The elements `start..min(end, LANES)` from `from` on can be read.
    #[inline(always)]
    unsafe fn load_between(from: *const T, start: usize, end: usize) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::load_masked(from, Self::between(start, end)) }
    }
    /// The lanes `start..end`.
    fn between(start: usize, end: usize) -> Self::Span;
    /// As [`load_between`](Self::load_between), for lanes that are found once
    /// and loaded often.
    ///
    /// # Safety
    /// The lanes of the span can be read, from `from` on.
    unsafe fn load_masked(from: *const T, span: Self::Span) -> Self;
    /// # Safety
    /// `LANES` elements can be written at `to`.
    unsafe fn store(self, to: *mut T);
    /// Writes the first `count` lanes, and does not touch what would follow.
    ///
    /// # Safety
    /// `min(count, LANES)` elements can be written at `to`.
    unsafe fn store_first(self, to: *mut T, count: usize);
    /// Writes the lanes from `start` up to `end`, and touches nothing else:
    /// lane i goes to `to + i`, whether or not lane 0 has a place there.
    ///
    /// # Safety
    /// `start <= end <= LANES`, and those elements can be written.
    unsafe fn store_range(self, to: *mut T, start: usize, end: usize);

    /// self + other.
    fn add(self, other: Self) -> Self;
    /// self − other.
    fn sub(self, other: Self) -> Self;
    /// self · other.
    fn mul(self, other: Self) -> Self;
    /// self · factor + term, rounded once where there is an instruction for it.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// max(self, 0), NaN where self is NaN.
    fn relu(self) -> Self;
    /// The sum of the lanes, halves added to halves.
    fn sum(self) -> T;
    /// Of the numbers of self and then of other, those at even places and those
    /// at odd ones: a row of pixels parted for a stride of 2.
    fn deinterleave(self, other: Self) -> (Self, Self);
    /// The inverse of [`deinterleave`](Self::deinterleave).
    fn interleave(self, other: Self) -> (Self, Self);
    /// `first`, and then the lanes but the last.
    fn behind(self, first: T) -> Self;
    /// The lanes but the first, and then `last`.
    fn ahead(self, last: T) -> Self;
}

/// The vectors of an element type, one for each instruction set.
pub trait Lanes: Element {
    /// 512 bits.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Vector<Self>;
    /// 256 bits.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Vector<Self>;
    /// An array.
    type Portable: Vector<Self>;
}

impl Lanes for f32 {
    #[cfg(target_arch = "x86_64")]
    type Avx512 = super::avx512::F32x16;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = super::avx2::F32x8;
    type Portable = super::portable::Array<Self>;
}

impl Lanes for f64 {
    #[cfg(target_arch = "x86_64")]
    type Avx512 = super::avx512::F64x8;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = super::avx2::F64x4;
    type Portable = super::portable::Array<Self>;
}
