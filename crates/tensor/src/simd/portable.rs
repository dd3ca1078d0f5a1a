//! Vectors as arrays: the twin of every kernel that runs anywhere.
//!
//! Four lanes are what the narrowest vector units have, and the compiler turns
//! the loops below into their instructions. A product and a sum stay two
//! roundings: fused in software they would take some fifty instructions.

use super::vector::Vector;
use crate::element::Number;

/// Four numbers side by side.
#[derive(Clone, Copy, Debug)]
pub struct Array<T>(pub(super) [T; 4]);

impl<T: Number> Array<T> {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(T, T) -> T) -> Self {
        let ([a, b, c, d], [e, g, h, i]) = (self.0, other.0);
        Self([f(a, e), f(b, g), f(c, h), f(d, i)])
    }
}

impl<T: Number> Vector<T> for Array<T> {
    const LANES: usize = 4;
    const REGISTERS: usize = 16;
    type Span = [usize; 2];

    #[inline(always)]
    fn splat(value: T) -> Self {
        Self([value; 4])
    }
    #[inline(always)]
    fn zero() -> Self {
        Self([T::ZERO; 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { from.cast::<[T; 4]>().read() })
    }
    #[inline(always)]
    unsafe fn load_first(from: *const T, count: usize) -> Self {
        let mut lanes = [T::ZERO; 4];
        for (i, lane) in lanes.iter_mut().enumerate().take(count) {
            // SAFETY: i < count, the caller's promise.
            *lane = unsafe { from.add(i).read() };
        }
        Self(lanes)
    }
    #[inline(always)]
    fn between(start: usize, end: usize) -> [usize; 2] {
        [start, end]
    }
    #[inline(always)]
    unsafe fn load_masked(from: *const T, [start, end]: [usize; 2]) -> Self {
        if start == 0 && end >= 4 {
            // SAFETY: all lanes, the caller's promise.
            return unsafe { Self::load(from) };
        }
        let lane = |i: usize| {
            if start <= i && i < end {
                // SAFETY: a lane of the span, the caller's promise.
                unsafe { from.wrapping_add(i).read() }
            } else {
                T::ZERO
            }
        };
        Self([lane(0), lane(1), lane(2), lane(3)])
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[T; 4]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut T, count: usize) {
        for (i, lane) in self.0.into_iter().enumerate().take(count) {
            // SAFETY: i < count, the caller's promise.
            unsafe { to.add(i).write(lane) };
        }
    }
    #[inline(always)]
    unsafe fn store_range(self, to: *mut T, start: usize, end: usize) {
        for (i, lane) in self.0.into_iter().enumerate().take(end).skip(start) {
            // SAFETY: start <= i < end, the caller's promise.
            unsafe { to.wrapping_add(i).write(lane) };
        }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, T::plus)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, T::minus)
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, T::times)
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        self.mul(factor).add(term)
    }
    #[inline(always)]
    fn relu(self) -> Self {
        Self(self.0.map(|x| if x <= T::ZERO { T::ZERO } else { x }))
    }
    #[inline(always)]
    fn sum(self) -> T {
        let [a, b, c, d] = self.0;
        a.plus(c).plus(b.plus(d))
    }
    #[inline(always)]
    fn deinterleave(self, other: Self) -> (Self, Self) {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        (Self([a, c, e, g]), Self([b, d, f, h]))
    }
    #[inline(always)]
    fn interleave(self, other: Self) -> (Self, Self) {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        (Self([a, e, b, f]), Self([c, g, d, h]))
    }
    #[inline(always)]
    fn behind(self, first: T) -> Self {
        let [a, b, c, _] = self.0;
        Self([first, a, b, c])
    }
    #[inline(always)]
    fn ahead(self, last: T) -> Self {
        let [_, b, c, d] = self.0;
        Self([b, c, d, last])
    }
}
