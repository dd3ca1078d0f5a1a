//! AVX2 with FMA: eight `f32` or four `f64` in a register, sixteen registers.

use std::arch::x86_64::*;

use super::Kernel;
use super::vector::{Lanes, Vector};

/// Runs a kernel, compiled for AVX2 and FMA.
///
/// # Safety
/// The processor has these instructions.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run<T: Lanes, K: Kernel<T>>(kernel: K) -> K::Output {
    kernel.run::<T::Avx2>()
}

/// Masks are loaded from here: `count` lanes are those from `8 − count` on.
static MASK_32: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
static MASK_64: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

/// The vector of one element type, from the names of its instructions.
macro_rules! vector {
    (
        $(#[$doc:meta])* $name:ident, $t:ty, $register:ty, $lanes:literal, $masks:ident,
        $set1:ident, $zero:ident, $load:ident, $load_some:ident, $store:ident, $store_some:ident,
        $add:ident, $sub:ident, $mul:ident, $fma:ident, $compare:ident, $and:ident,
        $deinterleave:ident, $interleave:ident, $behind:ident, $ahead:ident
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[repr(transparent)]
        pub struct $name(pub(super) $register);

        impl $name {
            /// A mask of the first `count` lanes.
            #[inline(always)]
            pub(super) fn first(count: usize) -> __m256i {
                let from = $masks[$lanes - count.min($lanes)..].as_ptr();
                // SAFETY: the table holds a vector from each of its first entries on.
                unsafe { _mm256_loadu_si256(from.cast()) }
            }
        }

        // SAFETY of every block: the type is handed out inside of `run` alone,
        // where the processor has the instructions; what is read and written
        // is the caller's promise.
        impl Vector<$t> for $name {
            const LANES: usize = $lanes;
            const REGISTERS: usize = 16;
            type Span = __m256i;

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
                Self(unsafe { $load_some(from, Self::first(count)) })
            }
            #[inline(always)]
            fn between(start: usize, end: usize) -> __m256i {
                unsafe { _mm256_andnot_si256(Self::first(start), Self::first(end)) }
            }
            #[inline(always)]
            unsafe fn load_masked(from: *const $t, mask: __m256i) -> Self {
                Self(unsafe { $load_some(from, mask) })
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                unsafe { $store(to, self.0) }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $t, count: usize) {
                unsafe { $store_some(to, Self::first(count), self.0) }
            }
            #[inline(always)]
            unsafe fn store_range(self, to: *mut $t, start: usize, end: usize) {
                unsafe {
                    let mask = _mm256_andnot_si256(Self::first(start), Self::first(end));
                    $store_some(to, mask, self.0)
                }
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
                Self(unsafe { $and($compare::<_CMP_NLE_UQ>(self.0, $zero()), self.0) })
            }
            #[inline(always)]
            fn sum(self) -> $t {
                let mut lanes = [0.0; $lanes];
                unsafe { self.store(lanes.as_mut_ptr()) };
                let mut half = $lanes / 2;
                while half > 0 {
                    for i in 0..half {
                        lanes[i] += lanes[i + half];
                    }
                    half /= 2;
                }
                lanes[0]
            }
            #[inline(always)]
            fn deinterleave(self, other: Self) -> (Self, Self) {
                let (even, odd) = unsafe { $deinterleave(self.0, other.0) };
                (Self(even), Self(odd))
            }
            #[inline(always)]
            fn interleave(self, other: Self) -> (Self, Self) {
                let (first, second) = unsafe { $interleave(self.0, other.0) };
                (Self(first), Self(second))
            }
            #[inline(always)]
            fn behind(self, first: $t) -> Self {
                Self(unsafe { $behind(self.0, $set1(first)) })
            }
            #[inline(always)]
            fn ahead(self, last: $t) -> Self {
                Self(unsafe { $ahead(self.0, $set1(last)) })
            }
        }
    };
}

// SAFETY of these: called by methods of the vectors, where the processor
// has the instructions. Shuffles stay within halves of 128 bits, so a
// permutation of the quarters (a, b | c, d) to (a, c | b, d) comes after them.

#[inline(always)]
unsafe fn deinterleave_32(a: __m256, b: __m256) -> (__m256, __m256) {
    unsafe {
        let even = _mm256_castps_pd(_mm256_shuffle_ps::<0b10_00_10_00>(a, b));
        let odd = _mm256_castps_pd(_mm256_shuffle_ps::<0b11_01_11_01>(a, b));
        (
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(even)),
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(odd)),
        )
    }
}

#[inline(always)]
unsafe fn interleave_32(a: __m256, b: __m256) -> (__m256, __m256) {
    unsafe {
        let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        (
            _mm256_permute2f128_ps::<0x20>(low, high),
            _mm256_permute2f128_ps::<0x31>(low, high),
        )
    }
}

#[inline(always)]
unsafe fn deinterleave_64(a: __m256d, b: __m256d) -> (__m256d, __m256d) {
    unsafe {
        let (even, odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        (
            _mm256_permute4x64_pd::<0b11_01_10_00>(even),
            _mm256_permute4x64_pd::<0b11_01_10_00>(odd),
        )
    }
}

#[inline(always)]
unsafe fn interleave_64(a: __m256d, b: __m256d) -> (__m256d, __m256d) {
    unsafe {
        let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        (
            _mm256_permute2f128_pd::<0x20>(low, high),
            _mm256_permute2f128_pd::<0x31>(low, high),
        )
    }
}

#[inline(always)]
unsafe fn behind_32(lanes: __m256, first: __m256) -> __m256 {
    unsafe {
        let moved = _mm256_permutevar8x32_ps(lanes, _mm256_setr_epi32(0, 0, 1, 2, 3, 4, 5, 6));
        _mm256_blend_ps::<0b0000_0001>(moved, first)
    }
}

#[inline(always)]
unsafe fn ahead_32(lanes: __m256, last: __m256) -> __m256 {
    unsafe {
        let moved = _mm256_permutevar8x32_ps(lanes, _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 7));
        _mm256_blend_ps::<0b1000_0000>(moved, last)
    }
}

#[inline(always)]
unsafe fn behind_64(lanes: __m256d, first: __m256d) -> __m256d {
    unsafe {
        let moved = _mm256_permute4x64_pd::<0b10_01_00_00>(lanes);
        _mm256_blend_pd::<0b0001>(moved, first)
    }
}

#[inline(always)]
unsafe fn ahead_64(lanes: __m256d, last: __m256d) -> __m256d {
    unsafe {
        let moved = _mm256_permute4x64_pd::<0b11_11_10_01>(lanes);
        _mm256_blend_pd::<0b1000>(moved, last)
    }
}

vector!(
    /// Eight `f32`.
    F32x8, f32, __m256, 8, MASK_32,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_loadu_ps, _mm256_maskload_ps, _mm256_storeu_ps,
    _mm256_maskstore_ps, _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps, _mm256_fmadd_ps,
    _mm256_cmp_ps, _mm256_and_ps, deinterleave_32, interleave_32, behind_32, ahead_32
);
vector!(
    /// Four `f64`.
    F64x4, f64, __m256d, 4, MASK_64,
    _mm256_set1_pd, _mm256_setzero_pd, _mm256_loadu_pd, _mm256_maskload_pd, _mm256_storeu_pd,
    _mm256_maskstore_pd, _mm256_add_pd, _mm256_sub_pd, _mm256_mul_pd, _mm256_fmadd_pd,
    _mm256_cmp_pd, _mm256_and_pd, deinterleave_64, interleave_64, behind_64, ahead_64
);
