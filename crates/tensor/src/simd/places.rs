//! Small whole numbers beside the lanes of a vector: where a maximum came from.
//!
//! A window has few elements, so a byte holds a place in memory, and registers
//! hold places as narrow as comparisons allow: a comparison of numbers must
//! choose among places, and one of places among numbers.
//!
//! | set | places of a vector |
//! |---|---|
//! | AVX-512 | bytes, in a register of 128 bits: masks fit lanes of any width |
//! | AVX2 | whole numbers as wide as the lanes, as masks are |
//! | portable | an array of bytes |

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::compare::Compare;
use super::portable::Array;
use crate::element::Number;

/// The part of [`Vector`](super::Vector) that keeps places.
pub trait Places<T>: Compare<T> {
    /// A number from 0 to 255 for each lane.
    type Places: Copy;

    /// The same place in every lane.
    fn place(place: u8) -> Self::Places;
    /// Places further on; sums above 255 are not wanted.
    fn further(places: Self::Places, by: Self::Places) -> Self::Places;
    /// The places of `yes` where the mask says so, else those of `no`.
    fn choose(mask: Self::Mask, yes: Self::Places, no: Self::Places) -> Self::Places;
    /// Where both are the same.
    fn same(a: Self::Places, b: Self::Places) -> Self::Mask;
    /// The lanes `start..end` of the bytes that lie at `from`, anything in the
    /// others, whose memory is not touched.
    ///
    /// # Safety
    /// The bytes `start..min(end, LANES)` from `from` on can be read.
    unsafe fn load_places(from: *const u8, start: usize, end: usize) -> Self::Places;
    /// Writes the first `count` lanes as bytes, and touches nothing else.
    ///
    /// # Safety
    /// `min(count, LANES)` bytes can be written at `to`.
    unsafe fn store_places(places: Self::Places, to: *mut u8, count: usize);
}

/// `lanes` bytes at `from`, of which `start..end` are read.
///
/// # Safety
/// Those can be read.
#[inline(always)]
unsafe fn bytes<const N: usize>(from: *const u8, start: usize, end: usize) -> [u8; N] {
    let mut bytes = [0; N];
    // SAFETY: the caller's promise.
    unsafe {
        if start == 0 && end >= N {
            bytes = from.cast::<[u8; N]>().read();
        } else {
            for (i, byte) in bytes.iter_mut().enumerate().take(end).skip(start) {
                *byte = from.wrapping_add(i).read();
            }
        }
    }
    bytes
}

/// Writes the first `count` of them.
///
/// # Safety
/// Those can be written.
#[inline(always)]
unsafe fn write<const N: usize>(bytes: [u8; N], to: *mut u8, count: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if count >= N {
            to.cast::<[u8; N]>().write(bytes);
        } else {
            for (i, byte) in bytes.into_iter().enumerate().take(count) {
                to.add(i).write(byte);
            }
        }
    }
}

impl<T: Number> Places<T> for Array<T> {
    type Places = [u8; 4];

    #[inline(always)]
    fn place(place: u8) -> [u8; 4] {
        [place; 4]
    }
    #[inline(always)]
    fn further(places: [u8; 4], by: [u8; 4]) -> [u8; 4] {
        [0, 1, 2, 3].map(|i| places[i].wrapping_add(by[i]))
    }
    #[inline(always)]
    fn choose(mask: [bool; 4], yes: [u8; 4], no: [u8; 4]) -> [u8; 4] {
        [0, 1, 2, 3].map(|i| if mask[i] { yes[i] } else { no[i] })
    }
    #[inline(always)]
    fn same(a: [u8; 4], b: [u8; 4]) -> [bool; 4] {
        [0, 1, 2, 3].map(|i| a[i] == b[i])
    }
    #[inline(always)]
    unsafe fn load_places(from: *const u8, start: usize, end: usize) -> [u8; 4] {
        // SAFETY: the caller's promise.
        unsafe { bytes(from, start, end) }
    }
    #[inline(always)]
    unsafe fn store_places(places: [u8; 4], to: *mut u8, count: usize) {
        // SAFETY: the caller's promise.
        unsafe { write(places, to, count) }
    }
}

/// Places as bytes, for masks that have a bit for each lane.
#[cfg(target_arch = "x86_64")]
macro_rules! masks {
    ($vector:ty, $t:ty, $lanes:literal, $mask:ty, $load:ident, $store:ident) => {
        // SAFETY of every block: the type is handed out inside of `run` alone,
        // where the processor has the instructions; what is read and written
        // is the caller's promise.
        impl Places<$t> for $vector {
            type Places = __m128i;

            #[inline(always)]
            fn place(place: u8) -> __m128i {
                unsafe { _mm_set1_epi8(place as i8) }
            }
            #[inline(always)]
            fn further(places: __m128i, by: __m128i) -> __m128i {
                unsafe { _mm_add_epi8(places, by) }
            }
            #[inline(always)]
            fn choose(mask: $mask, yes: __m128i, no: __m128i) -> __m128i {
                unsafe { _mm_mask_blend_epi8(mask.into(), no, yes) }
            }
            #[inline(always)]
            fn same(a: __m128i, b: __m128i) -> $mask {
                unsafe { _mm_cmpeq_epi8_mask(a, b) as $mask }
            }
            #[inline(always)]
            unsafe fn load_places(from: *const u8, start: usize, end: usize) -> __m128i {
                if start == 0 && end >= $lanes {
                    return unsafe { $load(from.cast()) };
                }
                let between = super::avx512::first(end) & !super::avx512::first(start);
                unsafe { _mm_maskz_loadu_epi8(between as $mask as __mmask16, from.cast()) }
            }
            #[inline(always)]
            unsafe fn store_places(places: __m128i, to: *mut u8, count: usize) {
                if count >= $lanes {
                    return unsafe { $store(to.cast(), places) };
                }
                let lanes = super::avx512::first(count) as $mask as __mmask16;
                unsafe { _mm_mask_storeu_epi8(to.cast(), lanes, places) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
masks!(
    super::avx512::F32x16,
    f32,
    16,
    __mmask16,
    _mm_loadu_si128,
    _mm_storeu_si128
);
#[cfg(target_arch = "x86_64")]
masks!(
    super::avx512::F64x8,
    f64,
    8,
    __mmask8,
    _mm_loadl_epi64,
    _mm_storel_epi64
);

/// Places as wide as lanes, for masks that are vectors too.
#[cfg(target_arch = "x86_64")]
macro_rules! registers {
    (
        $vector:ty, $t:ty, $lanes:literal, $register:ty, $set1:ident, $int:ty, $add:ident,
        $equal:ident, $as_bits:ident, $from_bits:ident, $widen:expr, $narrow:expr
    ) => {
        // SAFETY of every block: as above.
        impl Places<$t> for $vector {
            type Places = __m256i;

            #[inline(always)]
            fn place(place: u8) -> __m256i {
                unsafe { $set1(<$int>::from(place)) }
            }
            #[inline(always)]
            fn further(places: __m256i, by: __m256i) -> __m256i {
                unsafe { $add(places, by) }
            }
            #[inline(always)]
            fn choose(mask: $register, yes: __m256i, no: __m256i) -> __m256i {
                unsafe { _mm256_blendv_epi8(no, yes, $as_bits(mask)) }
            }
            #[inline(always)]
            fn same(a: __m256i, b: __m256i) -> $register {
                unsafe { $from_bits($equal(a, b)) }
            }
            #[inline(always)]
            unsafe fn load_places(from: *const u8, start: usize, end: usize) -> __m256i {
                let bytes: [u8; $lanes] = unsafe { bytes(from, start, end) };
                unsafe { $widen(bytes) }
            }
            #[inline(always)]
            unsafe fn store_places(places: __m256i, to: *mut u8, count: usize) {
                let bytes: [u8; $lanes] = unsafe { $narrow(places) };
                unsafe { write(bytes, to, count) }
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
    _mm256_set1_epi32,
    i32,
    _mm256_add_epi32,
    _mm256_cmpeq_epi32,
    _mm256_castps_si256,
    _mm256_castsi256_ps,
    |bytes| _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(i64::from_le_bytes(bytes))),
    |x| {
        let (low, high) = (_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
        let words = _mm_packus_epi32(low, high);
        _mm_cvtsi128_si64(_mm_packus_epi16(words, words)).to_le_bytes()
    }
);
#[cfg(target_arch = "x86_64")]
registers!(
    super::avx2::F64x4,
    f64,
    4,
    __m256d,
    _mm256_set1_epi64x,
    i64,
    _mm256_add_epi64,
    _mm256_cmpeq_epi64,
    _mm256_castpd_si256,
    _mm256_castsi256_pd,
    |bytes| _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(i32::from_le_bytes(bytes))),
    |x| {
        let (low, high) = (_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
        // Whole numbers below 2^32, in every other lane of 32 bits.
        let low = _mm_shuffle_epi32::<0b10_00_10_00>(low);
        let high = _mm_shuffle_epi32::<0b10_00_10_00>(high);
        let words = _mm_packus_epi32(_mm_unpacklo_epi64(low, high), low);
        _mm_cvtsi128_si32(_mm_packus_epi16(words, words)).to_le_bytes()
    }
);

#[cfg(test)]
mod tests {
    use crate::simd::{InstructionSet, Kernel, Lanes, Vector, run};

    /// Every method against bytes.
    struct Methods;

    impl<T: Lanes> Kernel<T> for Methods {
        type Output = ();

        #[inline(always)]
        fn run<V: Vector<T>>(self) {
            let lanes = V::LANES;
            let numbers =
                |f: fn(usize) -> usize| -> Vec<u8> { (0..lanes).map(|i| f(i) as u8).collect() };
            let store = |places: V::Places| {
                let mut bytes = vec![0; lanes];
                // SAFETY: `bytes` holds them all.
                unsafe { V::store_places(places, bytes.as_mut_ptr(), lanes) };
                bytes
            };
            let (a, b) = (numbers(|i| 255 - 13 * i), numbers(|i| 255 - 26 * (i / 2)));
            // SAFETY: both hold `lanes` bytes.
            let [x, y] = [&a, &b].map(|bytes| unsafe { V::load_places(bytes.as_ptr(), 0, lanes) });
            assert_eq!(store(x), a);
            assert_eq!(store(V::place(200)), vec![200; lanes]);
            let small = numbers(|i| 7 * i);
            // SAFETY: as above.
            let sums = V::further(
                unsafe { V::load_places(small.as_ptr(), 0, lanes) },
                V::place(9),
            );
            assert_eq!(store(sums), numbers(|i| 7 * i + 9));
            let chosen = store(V::choose(V::same(x, y), V::place(1), y));
            let mut ones = vec![T::ZERO; lanes];
            let same = V::select(V::same(x, y), V::splat(T::ONE), V::zero());
            // SAFETY: `ones` holds a vector.
            unsafe { same.store(ones.as_mut_ptr()) };
            for i in 0..lanes {
                assert_eq!(ones[i] == T::ONE, a[i] == b[i]);
                assert_eq!(chosen[i], if a[i] == b[i] { 1 } else { b[i] });
            }
            for (start, end) in (0..=lanes).flat_map(|end| (0..=end).map(move |start| (start, end)))
            {
                // SAFETY: `a` and `kept` hold all lanes.
                let part = store(unsafe { V::load_places(a.as_ptr(), start, end) });
                assert_eq!(part[start..end], a[start..end]);
                let mut kept = vec![9; lanes];
                unsafe { V::store_places(x, kept.as_mut_ptr(), end) };
                assert_eq!(kept[..end], a[..end]);
                assert!(kept[end..].iter().all(|&byte| byte == 9));
            }
        }
    }

    #[test]
    fn places_are_kept_as_bytes() {
        for set in InstructionSet::available() {
            run::<f32, _>(set, Methods);
            run::<f64, _>(set, Methods);
        }
    }
}
