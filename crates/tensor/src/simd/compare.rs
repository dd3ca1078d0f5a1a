//! Vectors compared, lane by lane: what poolings need on top of arithmetic.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::portable::Array;
use crate::element::Number;

/// The part of [`Vector`](super::Vector) that compares.
pub trait Compare<T>: Copy {
    /// Yes or no for each lane.
    type Mask: Copy;

    /// Where self is larger than other or NaN: where it takes the place of the
    /// largest so far.
    fn wins_over(self, other: Self) -> Self::Mask;
    /// Where self is larger than other, and neither is NaN.
    fn exceeds(self, other: Self) -> Self::Mask;
    /// Where there is a NaN in either.
    fn unordered(self, other: Self) -> Self::Mask;
    /// Yes for the first `count` lanes.
    fn first_lanes(count: usize) -> Self::Mask;
    /// Where either mask says yes.
    fn either(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    /// Whether a mask says yes anywhere.
    fn any(mask: Self::Mask) -> bool;
    /// The larger of two numbers, self where they are equal; either one if there
    /// is a NaN.
    fn larger(self, other: Self) -> Self;
    /// Where both are equal.
    fn equals(self, other: Self) -> Self::Mask;
    /// The lanes of `yes` where the mask says so, else those of `no`.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// The larger of both, self where they are equal; NaN where either is.
    #[inline(always)]
    fn largest(self, other: Self) -> Self {
        Self::select(other.wins_over(self), other, self)
    }
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
    fn unordered(self, other: Self) -> [bool; 4] {
        let (x, y) = (self.0, other.0);
        [0, 1, 2, 3].map(|i| x[i].is_nan_value() | y[i].is_nan_value())
    }
    #[inline(always)]
    fn first_lanes(count: usize) -> [bool; 4] {
        [0, 1, 2, 3].map(|i| i < count)
    }
    #[inline(always)]
    fn either(a: [bool; 4], b: [bool; 4]) -> [bool; 4] {
        [0, 1, 2, 3].map(|i| a[i] | b[i])
    }
    #[inline(always)]
    fn any([a, b, c, d]: [bool; 4]) -> bool {
        a | b | c | d
    }
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        Self::select(other.exceeds(self), other, self)
    }
    #[inline(always)]
    fn equals(self, other: Self) -> [bool; 4] {
        [0, 1, 2, 3].map(|i| self.0[i] == other.0[i])
    }
    #[inline(always)]
    fn select(mask: [bool; 4], yes: Self, no: Self) -> Self {
        Self([0, 1, 2, 3].map(|i| if mask[i] { yes.0[i] } else { no.0[i] }))
    }
}

/// The comparisons of a vector whose masks have a bit for each lane.
#[cfg(target_arch = "x86_64")]
macro_rules! masks {
    (
        $vector:ty, $t:ty, $mask:ty, $compare:ident, $blend:ident, $max:ident, $masked_max:ident
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
            fn unordered(self, other: Self) -> $mask {
                unsafe { $compare::<_CMP_UNORD_Q>(self.0, other.0) }
            }
            #[inline(always)]
            fn first_lanes(count: usize) -> $mask {
                super::avx512::first(count) as $mask
            }
            #[inline(always)]
            fn either(a: $mask, b: $mask) -> $mask {
                a | b
            }
            #[inline(always)]
            fn any(mask: $mask) -> bool {
                mask != 0
            }
            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                // Of equal ones the second operand.
                Self(unsafe { $max(other.0, self.0) })
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
                // The instruction yields its second operand where both are equal
                // or either is NaN; where the first is, it must stay.
                unsafe {
                    let number = $compare::<_CMP_ORD_Q>(other.0, other.0);
                    Self($masked_max(other.0, number, other.0, self.0))
                }
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
    _mm512_max_ps,
    _mm512_mask_max_ps
);
#[cfg(target_arch = "x86_64")]
masks!(
    super::avx512::F64x8,
    f64,
    __mmask8,
    _mm512_cmp_pd_mask,
    _mm512_mask_blend_pd,
    _mm512_max_pd,
    _mm512_mask_max_pd
);

/// The comparisons of a vector whose masks are vectors too.
#[cfg(target_arch = "x86_64")]
macro_rules! registers {
    (
        $vector:ty, $t:ty, $register:ty, $compare:ident, $or:ident, $blend:ident, $max:ident,
        $signs:ident, $from_bits:ident
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
            fn unordered(self, other: Self) -> $register {
                unsafe { $compare::<_CMP_UNORD_Q>(self.0, other.0) }
            }
            #[inline(always)]
            fn first_lanes(count: usize) -> $register {
                unsafe { $from_bits(<$vector>::first(count)) }
            }
            #[inline(always)]
            fn either(a: $register, b: $register) -> $register {
                unsafe { $or(a, b) }
            }
            #[inline(always)]
            fn any(mask: $register) -> bool {
                unsafe { $signs(mask) != 0 }
            }
            #[inline(always)]
            fn larger(self, other: Self) -> Self {
                // Of equal ones the second operand.
                Self(unsafe { $max(other.0, self.0) })
            }
            #[inline(always)]
            fn equals(self, other: Self) -> $register {
                unsafe { $compare::<_CMP_EQ_OQ>(self.0, other.0) }
            }
            #[inline(always)]
            fn select(mask: $register, yes: Self, no: Self) -> Self {
                Self(unsafe { $blend(no.0, yes.0, mask) })
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
registers!(
    super::avx2::F32x8,
    f32,
    __m256,
    _mm256_cmp_ps,
    _mm256_or_ps,
    _mm256_blendv_ps,
    _mm256_max_ps,
    _mm256_movemask_ps,
    _mm256_castsi256_ps
);
#[cfg(target_arch = "x86_64")]
registers!(
    super::avx2::F64x4,
    f64,
    __m256d,
    _mm256_cmp_pd,
    _mm256_or_pd,
    _mm256_blendv_pd,
    _mm256_max_pd,
    _mm256_movemask_pd,
    _mm256_castsi256_pd
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
            let odd = [f64::NAN, 0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY];
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
                let unordered = a.unordered(b);
                let any_nan = x.iter().chain(&y).any(|x| x.as_f64().is_nan());
                assert_eq!(V::any(unordered), any_nan);
                assert!(!V::any(one.unordered(zero)));
                let unordered = store(V::select(unordered, one, zero));
                let either = V::either(a.wins_over(b), a.equals(b));
                let either = store(V::select(either, one, zero));
                let larger = store(a.larger(b));
                let equal = store(V::select(a.equals(b), one, zero));
                let largest = store(b.largest(a));
                for i in 0..lanes {
                    let (x, y) = (x[i].as_f64(), y[i].as_f64());
                    assert_eq!(wins[i] == T::ONE, x > y || x.is_nan());
                    assert_eq!(exceeds[i] == T::ONE, x > y);
                    assert_eq!(equal[i] == T::ONE, x == y);
                    assert_eq!(unordered[i] == T::ONE, x.is_nan() || y.is_nan());
                    assert_eq!(either[i] == T::ONE, x >= y || x.is_nan());
                    if !x.is_nan() && !y.is_nan() {
                        let expected = if y > x { y } else { x };
                        assert_eq!(larger[i].as_f64().to_bits(), expected.to_bits());
                    }
                    let expected = if x > y || x.is_nan() { x } else { y };
                    let largest = largest[i].as_f64();
                    assert_eq!(largest.is_nan(), expected.is_nan());
                    // Of two zeros the one with the other's sign is another number.
                    assert!(expected.is_nan() || largest.to_bits() == expected.to_bits());
                }
            }
            for count in 0..=lanes {
                let mut ones = vec![T::ZERO; lanes];
                let first = V::select(V::first_lanes(count), V::splat(T::ONE), V::zero());
                // SAFETY: `ones` holds a vector.
                unsafe { first.store(ones.as_mut_ptr()) };
                assert!((0..lanes).all(|i| (ones[i] == T::ONE) == (i < count)));
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
