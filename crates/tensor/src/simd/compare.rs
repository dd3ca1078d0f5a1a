//! Vectors compared, lane by lane, and small whole numbers kept as bytes: what
//! poolings need on top of arithmetic.
//!
//! Where a maximum came from is counted in the lanes of an ordinary vector,
//! beside the maximum itself, so that one comparison moves both. A window has
//! few elements, so a byte holds the count in memory.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::portable::Array;
use crate::element::Number;

/// The part of [`Vector`](super::Vector) that compares. `load_bytes` and
/// `store_bytes` touch `min(count, LANES)` bytes and no others.
pub trait Compare<T>: Copy {
    /// Yes or no for each lane.
    type Mask: Copy;

    /// Where self is larger than other or NaN: where it takes the place of the
    /// largest so far.
    fn wins_over(self, other: Self) -> Self::Mask;
    /// Where self is larger than other, and neither is NaN.
    fn exceeds(self, other: Self) -> Self::Mask;
    /// Whether there is a NaN in either.
    fn unordered(self, other: Self) -> bool;
    /// Where both are equal.
    fn equals(self, other: Self) -> Self::Mask;
    /// The lanes of `yes` where the mask says so, else those of `no`.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// The larger of both, NaN where either is.
    #[inline(always)]
    fn largest(self, other: Self) -> Self {
        Self::select(other.wins_over(self), other, self)
    }

    /// Bytes as numbers, zero in lanes from `count` on.
    ///
    /// # Safety
    /// `min(count, LANES)` bytes can be read at `from`.
    unsafe fn load_bytes(from: *const u8, count: usize) -> Self;
    /// The first `count` lanes, whole numbers from 0 to 255, as bytes.
    ///
    /// # Safety
    /// `min(count, LANES)` bytes can be written at `to`.
    unsafe fn store_bytes(self, to: *mut u8, count: usize);
}

impl<T: Number> Compare<T> for Array<T> {
    type Mask = [bool; 4];

    #[inline(always)]
    fn wins_over(self, other: Self) -> [bool; 4] {
        let (x, y) = (self.0, other.0);
        [0, 1, 2, 3].map(|i| (x[i] > y[i]) | x[i].is_nan_value())
    }
    #[inline(always)]
    fn exceeds(self, other: Self) -> [bool; 4] {
        [0, 1, 2, 3].map(|i| self.0[i] > other.0[i])
    }
    #[inline(always)]
    fn unordered(self, other: Self) -> bool {
        [self, other].iter().flat_map(|v| v.0).any(T::is_nan_value)
    }
    #[inline(always)]
    fn equals(self, other: Self) -> [bool; 4] {
        [0, 1, 2, 3].map(|i| self.0[i] == other.0[i])
    }
    #[inline(always)]
    fn select(mask: [bool; 4], yes: Self, no: Self) -> Self {
        Self([0, 1, 2, 3].map(|i| if mask[i] { yes.0[i] } else { no.0[i] }))
    }
    #[inline(always)]
    unsafe fn load_bytes(from: *const u8, count: usize) -> Self {
        let mut bytes = [0; 4];
        // SAFETY: the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), count.min(4)) };
        Self(bytes.map(|byte| T::of_int(byte.into())))
    }
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8, count: usize) {
        let bytes = self.0.map(|x| x.as_i64() as u8);
        // SAFETY: the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, count.min(4)) };
    }
}

/// The comparisons of a vector whose masks have a bit for each lane.
#[cfg(target_arch = "x86_64")]
macro_rules! masks {
    (
        $vector:ty, $t:ty, $mask:ty, $compare:ident, $blend:ident, $masked_max:ident,
        $widen:expr, $narrow:expr
    ) => {
        // SAFETY of every block: the type is handed out inside of `run` alone,
        // where the processor has the instructions; what is read and written
        // is the caller's promise.
        impl Compare<$t> for $vector {
            type Mask = $mask;

            #[inline(always)]
            fn wins_over(self, other: Self) -> $mask {
                unsafe {
                    $compare::<_CMP_GT_OQ>(self.0, other.0)
                        | $compare::<_CMP_UNORD_Q>(self.0, self.0)
                }
            }
            #[inline(always)]
            fn exceeds(self, other: Self) -> $mask {
                unsafe { $compare::<_CMP_GT_OQ>(self.0, other.0) }
            }
            #[inline(always)]
            fn unordered(self, other: Self) -> bool {
                unsafe { $compare::<_CMP_UNORD_Q>(self.0, other.0) != 0 }
            }
            #[inline(always)]
            fn equals(self, other: Self) -> $mask {
                unsafe { $compare::<_CMP_EQ_OQ>(self.0, other.0) }
            }
            #[inline(always)]
            fn select(mask: $mask, yes: Self, no: Self) -> Self {
                Self(unsafe { $blend(mask, no.0, yes.0) })
            }
            #[inline(always)]
            fn largest(self, other: Self) -> Self {
                // The instruction yields its second operand where either is
                // NaN; where the first is, it must stay.
                unsafe {
                    let number = $compare::<_CMP_ORD_Q>(self.0, self.0);
                    Self($masked_max(self.0, number, self.0, other.0))
                }
            }
            #[inline(always)]
            unsafe fn load_bytes(from: *const u8, count: usize) -> Self {
                let lanes = super::avx512::first(count) as $mask;
                let bytes = unsafe { _mm_maskz_loadu_epi8(lanes.into(), from.cast()) };
                Self(unsafe { $widen(bytes) })
            }
            #[inline(always)]
            unsafe fn store_bytes(self, to: *mut u8, count: usize) {
                let lanes = super::avx512::first(count) as $mask;
                let bytes = unsafe { $narrow(self.0) };
                unsafe { _mm_mask_storeu_epi8(to.cast(), lanes.into(), bytes) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
masks!(
    super::avx512::F32x16,
    f32,
    __mmask16,
    _mm512_cmp_ps_mask,
    _mm512_mask_blend_ps,
    _mm512_mask_max_ps,
    |bytes| _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes)),
    |x| _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(x))
);
#[cfg(target_arch = "x86_64")]
masks!(
    super::avx512::F64x8,
    f64,
    __mmask8,
    _mm512_cmp_pd_mask,
    _mm512_mask_blend_pd,
    _mm512_mask_max_pd,
    |bytes| _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(bytes)),
    |x| _mm256_cvtepi32_epi8(_mm512_cvttpd_epi32(x))
);

/// The comparisons of a vector whose masks are vectors too.
#[cfg(target_arch = "x86_64")]
macro_rules! registers {
    (
        $vector:ty, $t:ty, $lanes:literal, $register:ty, $compare:ident, $or:ident, $blend:ident,
        $signs:ident,
        $widen:expr, $narrow:expr
    ) => {
        // SAFETY of every block: as above.
        impl Compare<$t> for $vector {
            type Mask = $register;

            #[inline(always)]
            fn wins_over(self, other: Self) -> $register {
                unsafe {
                    $or(
                        $compare::<_CMP_GT_OQ>(self.0, other.0),
                        $compare::<_CMP_UNORD_Q>(self.0, self.0),
                    )
                }
            }
            #[inline(always)]
            fn exceeds(self, other: Self) -> $register {
                unsafe { $compare::<_CMP_GT_OQ>(self.0, other.0) }
            }
            #[inline(always)]
            fn unordered(self, other: Self) -> bool {
                unsafe { $signs($compare::<_CMP_UNORD_Q>(self.0, other.0)) != 0 }
            }
            #[inline(always)]
            fn equals(self, other: Self) -> $register {
                unsafe { $compare::<_CMP_EQ_OQ>(self.0, other.0) }
            }
            #[inline(always)]
            fn select(mask: $register, yes: Self, no: Self) -> Self {
                Self(unsafe { $blend(no.0, yes.0, mask) })
            }
            #[inline(always)]
            unsafe fn load_bytes(from: *const u8, count: usize) -> Self {
                let mut bytes = 0u64;
                let to = std::ptr::from_mut(&mut bytes).cast();
                unsafe { std::ptr::copy_nonoverlapping(from, to, count.min($lanes)) };
                Self(unsafe { $widen(_mm_cvtsi64_si128(bytes as i64)) })
            }
            #[inline(always)]
            unsafe fn store_bytes(self, to: *mut u8, count: usize) {
                let bytes = unsafe { _mm_cvtsi128_si64($narrow(self.0)) };
                let from = std::ptr::from_ref(&bytes).cast();
                unsafe { std::ptr::copy_nonoverlapping(from, to, count.min($lanes)) };
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
registers!(
    super::avx2::F32x8,
    f32,
    8,
    __m256,
    _mm256_cmp_ps,
    _mm256_or_ps,
    _mm256_blendv_ps,
    _mm256_movemask_ps,
    |bytes| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)),
    |x| {
        let x = _mm256_cvttps_epi32(x);
        let (low, high) = (_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
        let words = _mm_packus_epi32(low, high);
        _mm_packus_epi16(words, words)
    }
);
#[cfg(target_arch = "x86_64")]
registers!(
    super::avx2::F64x4,
    f64,
    4,
    __m256d,
    _mm256_cmp_pd,
    _mm256_or_pd,
    _mm256_blendv_pd,
    _mm256_movemask_pd,
    |bytes| _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(bytes)),
    |x| {
        let x = _mm256_cvttpd_epi32(x);
        let words = _mm_packus_epi32(x, x);
        _mm_packus_epi16(words, words)
    }
);

#[cfg(test)]
mod tests {
    use crate::simd::{InstructionSet, Kernel, Lanes, Vector, run};

    /// Every method against plain comparison, NaN in either place included.
    struct Methods;

    impl<T: Lanes> Kernel<T> for Methods {
        type Output = ();

        #[inline(always)]
        fn run<V: Vector<T>>(self) {
            let odd = [f64::NAN, 1.0, -0.0, f64::INFINITY, f64::NEG_INFINITY];
            let lanes = V::LANES;
            for shift in 0..25 {
                let x: Vec<T> = (0..lanes).map(|i| T::of(odd[(i + shift) % 5])).collect();
                let y: Vec<T> = (0..lanes)
                    .map(|i| T::of(odd[(i + shift / 5) % 5]))
                    .collect();
                // SAFETY: `x` and `y` hold a vector each.
                let (a, b) = unsafe { (V::load(x.as_ptr()), V::load(y.as_ptr())) };
                let store = |v: V| {
                    let mut out = vec![T::ZERO; lanes];
                    // SAFETY: `out` holds a vector.
                    unsafe { v.store(out.as_mut_ptr()) };
                    out
                };
                let (one, zero) = (V::splat(T::ONE), V::zero());
                let wins = store(V::select(a.wins_over(b), one, zero));
                let exceeds = store(V::select(a.exceeds(b), one, zero));
                let any_nan = x.iter().chain(&y).any(|x| x.as_f64().is_nan());
                assert_eq!(a.unordered(b), any_nan);
                assert!(!one.unordered(zero));
                let equal = store(V::select(a.equals(b), one, zero));
                let largest = store(b.largest(a));
                for i in 0..lanes {
                    let (x, y) = (x[i].as_f64(), y[i].as_f64());
                    assert_eq!(wins[i] == T::ONE, x > y || x.is_nan());
                    assert_eq!(exceeds[i] == T::ONE, x > y);
                    assert_eq!(equal[i] == T::ONE, x == y);
                    let expected = if x > y || x.is_nan() { x } else { y };
                    assert_eq!(largest[i].as_f64().is_nan(), expected.is_nan());
                    assert!(expected.is_nan() || largest[i].as_f64() == expected);
                }
            }
            let bytes: Vec<u8> = (0..lanes).map(|i| (255 - 13 * i) as u8).collect();
            for count in 0..=lanes {
                // SAFETY: both hold `lanes` bytes.
                let mut kept = vec![9; lanes];
                let numbers = unsafe { V::load_bytes(bytes.as_ptr(), count) };
                unsafe { numbers.store_bytes(kept.as_mut_ptr(), count) };
                let mut out = vec![T::ONE; lanes];
                unsafe { numbers.store(out.as_mut_ptr()) };
                for i in 0..lanes {
                    let inside = i < count;
                    assert_eq!(kept[i], if inside { bytes[i] } else { 9 });
                    assert_eq!(out[i].as_i64(), if inside { bytes[i].into() } else { 0 });
                }
            }
        }
    }

    #[test]
    fn vectors_compare_as_numbers_do() {
        for set in InstructionSet::available() {
            run::<f32, _>(set, Methods);
            run::<f64, _>(set, Methods);
        }
    }
}
