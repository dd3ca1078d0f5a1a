//! AVX-512: sixteen `f32` or eight `f64` in a register, thirty-two registers,
//! and masks, so that the end of a row is a load like any other.

use std::arch::x86_64::*;

use super::Kernel;
use super::vector::{Lanes, Vector};

/// Runs a kernel, compiled for AVX-512.
///
/// # Safety
/// The processor has these instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2")]
pub(super) unsafe fn run<T: Lanes, K: Kernel<T>>(kernel: K) -> K::Output {
    kernel.run::<T::Avx512>()
}

/// The vector of one element type, from the names of its instructions.
macro_rules! vector {
    (
        $(#[$doc:meta])* $name:ident, $t:ty, $register:ty, $lanes:literal, $mask:ty,
        $set1:ident, $zero:ident, $load:ident, $load_some:ident, $store:ident, $store_some:ident,
        $add:ident, $sub:ident, $mul:ident, $fma:ident, $compare:ident, $keep:ident, $sum:ident,
        $permute:ident, $places:ident, $bits:ident, $from_bits:ident, $align:ident
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[repr(transparent)]
        pub struct $name(pub(super) $register);

        // SAFETY of every block: the type is handed out inside of `run` alone,
        // where the processor has the instructions; what is read and written
        // is the caller's promise.
        impl Vector<$t> for $name {
            const LANES: usize = $lanes;
            const REGISTERS: usize = 32;
            type Span = $mask;

            #[inline(always)]
            fn splat(value: $t) -> Self {
                Self(unsafe { $set1(value) })
            }
            #[inline(always)]
            fn zero() -> Self {
                Self(unsafe { $zero() })
            }
            #[inline(always)]
            unsafe fn load(from: *const $t) -> Self {
                Self(unsafe { $load(from) })
            }
            #[inline(always)]
            unsafe fn load_first(from: *const $t, count: usize) -> Self {
                Self(unsafe { $load_some(first(count) as $mask, from) })
            }
            #[inline(always)]
            fn between(start: usize, end: usize) -> $mask {
                (first(end) & !first(start)) as $mask
            }
            #[inline(always)]
            unsafe fn load_masked(from: *const $t, mask: $mask) -> Self {
                Self(unsafe { $load_some(mask, from) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                unsafe { $store(to, self.0) }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $t, count: usize) {
                unsafe { $store_some(to, first(count) as $mask, self.0) }
            }
            #[inline(always)]
            unsafe fn store_range(self, to: *mut $t, start: usize, end: usize) {
                let mask = first(end) & !first(start);
                unsafe { $store_some(to, mask as $mask, self.0) }
            }
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                Self(unsafe { $add(self.0, other.0) })
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                Self(unsafe { $sub(self.0, other.0) })
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                Self(unsafe { $mul(self.0, other.0) })
            }
            #[inline(always)]
            fn mul_add(self, factor: Self, term: Self) -> Self {
                Self(unsafe { $fma(self.0, factor.0, term.0) })
            }
            #[inline(always)]
            fn relu(self) -> Self {
                // Not (x <= 0): positive, or NaN.
                Self(unsafe { $keep($compare::<_CMP_NLE_UQ>(self.0, $zero()), self.0) })
            }
            #[inline(always)]
            fn sum(self) -> $t {
                unsafe { $sum(self.0) }
            }
            #[inline(always)]
            fn deinterleave(self, other: Self) -> (Self, Self) {
                let pick = |odd| unsafe { $permute(self.0, $places(|i| 2 * i + odd), other.0) };
                (Self(pick(0)), Self(pick(1)))
            }
            #[inline(always)]
            fn interleave(self, other: Self) -> (Self, Self) {
                // Lane i of the pair's half `from / LANES`: of self for even i, of other for odd i.
                let pick = |from| unsafe {
                    $permute(self.0, $places(|i| from + i / 2 + i % 2 * $lanes), other.0)
                };
                (Self(pick(0)), Self(pick($lanes / 2)))
            }
            #[inline(always)]
            fn behind(self, first: $t) -> Self {
                unsafe {
                    let (lanes, first) = ($bits(self.0), $bits($set1(first)));
                    Self($from_bits($align::<{ $lanes - 1 }>(lanes, first)))
                }
            }
            #[inline(always)]
            fn ahead(self, last: $t) -> Self {
                unsafe {
                    let (lanes, last) = ($bits(self.0), $bits($set1(last)));
                    Self($from_bits($align::<1>(last, lanes)))
                }
            }
        }
    };
}

/// A mask of the first `count` lanes.
#[inline(always)]
pub(super) fn first(count: usize) -> u32 {
    1u32.checked_shl(count.min(32) as u32)
        .map_or(u32::MAX, |bit| bit - 1)
}

/// Places in a pair of vectors, for a permutation: constants once compiled.
#[inline(always)]
fn places_32(place: impl Fn(i32) -> i32) -> __m512i {
    let places: [i32; 16] = std::array::from_fn(|i| place(i as i32));
    // SAFETY: the array holds a vector; the processor has the instruction.
    unsafe { _mm512_loadu_si512(places.as_ptr().cast()) }
}

/// As [`places_32`], for vectors of eight.
#[inline(always)]
fn places_64(place: impl Fn(i64) -> i64) -> __m512i {
    let places: [i64; 8] = std::array::from_fn(|i| place(i as i64));
    // SAFETY: the array holds a vector; the processor has the instruction.
    unsafe { _mm512_loadu_si512(places.as_ptr().cast()) }
}

vector!(
    /// Sixteen `f32`.
    F32x16, f32, __m512, 16, __mmask16,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_loadu_ps, _mm512_maskz_loadu_ps, _mm512_storeu_ps,
    _mm512_mask_storeu_ps, _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps, _mm512_fmadd_ps,
    _mm512_cmp_ps_mask, _mm512_maskz_mov_ps, _mm512_reduce_add_ps,
    _mm512_permutex2var_ps, places_32, _mm512_castps_si512, _mm512_castsi512_ps, _mm512_alignr_epi32
);
vector!(
    /// Eight `f64`.
    F64x8, f64, __m512d, 8, __mmask8,
    _mm512_set1_pd, _mm512_setzero_pd, _mm512_loadu_pd, _mm512_maskz_loadu_pd, _mm512_storeu_pd,
    _mm512_mask_storeu_pd, _mm512_add_pd, _mm512_sub_pd, _mm512_mul_pd, _mm512_fmadd_pd,
    _mm512_cmp_pd_mask, _mm512_maskz_mov_pd, _mm512_reduce_add_pd,
    _mm512_permutex2var_pd, places_64, _mm512_castpd_si512, _mm512_castsi512_pd, _mm512_alignr_epi64
);
