//! eˣ, and what is made of it: tanh, the logistic function, the error function.
//!
//! The standard library's functions take one number at a time. These are plain
//! arithmetic without a branch, which the compiler turns into vector code, so a
//! loop over them runs at the speed of its multiplications.
//!
//! **eˣ.** With n the whole number nearest to x / ln 2,
//!
//! ```text
//! x = n · ln 2 + r,  |r| ≤ ln 2 / 2,   eˣ = 2ⁿ · eʳ
//! eʳ = 1 + (r + r² · (1/2! + r/3! + r²/4! + …))
//! ```
//!
//! - ln 2 is the sum of two numbers. The first has so many zeros at its end that
//!   n times it is exact, and so is x minus that.
//! - The series is Taylor's, up to r⁷ for `f32` and r¹³ for `f64`: what is left
//!   out is less than a tenth of the last place of the result.
//! - 2ⁿ is made by writing n into the bits of an exponent, as two factors: for
//!   results near the largest number and below the smallest normal one, 2ⁿ
//!   itself is not a number. The second factor rounds subnormal results and
//!   overflows to infinity where eˣ does.
//!
//! **tanh.** Near 0, where 1 − 2 / (e²ˣ + 1) would lose digits, Cephes' (Moshier)
//! odd functions x + x · f(x²): a polynomial for `f32`, a quotient for `f64`.
//!
//! **eˣ − 1** keeps its digits near 0 as 2ⁿ · (eʳ − 1) + (2ⁿ − 1).
//!
//! **log(1 + u)** for u from 0 to 1 is 2 artanh(u / (2 + u)): Taylor's series of
//! that at no more than ⅓. The error function has a file of its own, `normal.rs`.
//!
//! **Accuracy**, in units of the last place, found by trying (`f32`: every
//! number; `f64`: 60 000 of them against 200 bits): eˣ 1.1, tanh 1.5, the
//! logistic function 2.5, eˣ − 1 2.5, log(1 + u) 2. The tests hold them to that.
//!
//! **The same bits everywhere.** No product and sum are fused: the result depends
//! neither on the instruction set nor on where in a tensor an element lies.
//!
//! **Cost.** Some twenty-five instructions for a vector of eˣ.

use crate::element::Float;
use crate::ops::elementwise::map_into;
pub(crate) use normal::{Normal, erf, normal};

/// The constants of a float type, and what needs its bits.
pub(crate) trait Exponential: Float {
    /// ln 2: a part with zeros at its end, and the rest.
    const LN_2_PARTS: [Self; 2];
    /// Adding it leaves no bits for fractions, and the whole number in the lowest bits.
    const WHOLE: Self;
    /// e to the power of this is 0, once rounded.
    const LOWEST: Self;
    /// e to the power of this is infinite, once rounded.
    const HIGHEST: Self;

    /// (eʳ − 1 − r) / r².
    fn series(r: Self) -> Self;
    /// self · 2ⁿ, for n + [`WHOLE`](Self::WHOLE).
    fn times_power_of_two(self, n: Self) -> Self;
    /// tanh(x) / x − 1 for small x, from x²: numerator and denominator.
    fn tanh_near_zero(square: Self) -> [Self; 2];
    /// artanh(s) / s − 1 for s up to ⅓, from s².
    fn artanh(square: Self) -> Self;
}

/// c₀ + c₁ x + c₂ x² + …, the last coefficient first.
macro_rules! polynomial {
    ($x:ident: $first:expr $(, $next:expr)*) => {{
        let sum = $first;
        $(let sum = sum * $x + $next;)*
        sum
    }};
}

mod normal;

impl Exponential for f32 {
    const LN_2_PARTS: [Self; 2] = [355.0 / 512.0, -2.121_944_4e-4];
    const WHOLE: Self = 1.5 * (1 << 23) as Self;
    const LOWEST: Self = -105.0;
    const HIGHEST: Self = 89.0;

    #[inline(always)]
    fn series(r: Self) -> Self {
        polynomial!(r: 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5)
    }

    #[inline(always)]
    fn times_power_of_two(self, n: Self) -> Self {
        const BIAS: u32 = 127;
        let n = n.to_bits().wrapping_sub(Self::WHOLE.to_bits());
        let biased = n.wrapping_add(2 * BIAS);
        let (first, second) = (biased / 2, biased - biased / 2);
        self * Self::from_bits(first << 23) * Self::from_bits(second << 23)
    }

    #[inline(always)]
    fn tanh_near_zero(square: Self) -> [Self; 2] {
        let odd = polynomial!(
            square: -5.704_988_7e-3, 2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1
        );
        [odd * square, 1.0]
    }

    #[inline(always)]
    fn artanh(square: Self) -> Self {
        let series = polynomial!(
            square: 1.0 / 15.0, 1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0
        );
        series * square
    }
}

impl Exponential for f64 {
    const LN_2_PARTS: [Self; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
    const WHOLE: Self = 1.5 * (1u64 << 52) as Self;
    const LOWEST: Self = -746.0;
    const HIGHEST: Self = 710.0;

    #[inline(always)]
    fn series(r: Self) -> Self {
        polynomial!(
            r: 1.0 / 6_227_020_800.0, 1.0 / 479_001_600.0, 1.0 / 39_916_800.0, 1.0 / 3_628_800.0,
            1.0 / 362_880.0, 1.0 / 40_320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0,
            1.0 / 6.0, 0.5
        )
    }

    #[inline(always)]
    fn times_power_of_two(self, n: Self) -> Self {
        const BIAS: u64 = 1023;
        let n = n.to_bits().wrapping_sub(Self::WHOLE.to_bits());
        let biased = n.wrapping_add(2 * BIAS);
        let (first, second) = (biased / 2, biased - biased / 2);
        self * Self::from_bits(first << 52) * Self::from_bits(second << 52)
    }

    #[inline(always)]
    fn tanh_near_zero(square: Self) -> [Self; 2] {
        let odd = polynomial!(
            square: -9.643_991_794_250_523e-1, -9.928_772_310_019_185e1, -1.614_687_684_417_084_5e3
        );
        let even = polynomial!(
            square: 1.0, 1.128_116_784_916_329_3e2, 2.235_488_390_601_004_5e3, 4.844_063_053_251_255e3
        );
        [odd * square, even]
    }

    #[inline(always)]
    fn artanh(square: Self) -> Self {
        let series = polynomial!(
            square: 1.0 / 33.0, 1.0 / 31.0, 1.0 / 29.0, 1.0 / 27.0, 1.0 / 25.0, 1.0 / 23.0,
            1.0 / 21.0, 1.0 / 19.0, 1.0 / 17.0, 1.0 / 15.0, 1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0,
            1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0
        );
        series * square
    }
}

/// n + [`WHOLE`](Exponential::WHOLE), and eʳ − 1.
#[inline(always)]
fn parts<T: Exponential>(x: T) -> [T; 2] {
    // NaN is neither below nor above, and goes through.
    let x = if x < T::LOWEST { T::LOWEST } else { x };
    let x = if x > T::HIGHEST { T::HIGHEST } else { x };
    let shifted = x * T::LOG2_E() + T::WHOLE;
    let n = shifted - T::WHOLE;
    let r = x - n * T::LN_2_PARTS[0] - n * T::LN_2_PARTS[1];
    [shifted, r + r * r * T::series(r)]
}

/// eˣ.
#[inline(always)]
pub(crate) fn exp<T: Exponential>(x: T) -> T {
    let [n, rest] = parts(x);
    (T::ONE + rest).times_power_of_two(n)
}

/// eˣ − 1.
#[inline(always)]
pub(crate) fn exp_m1<T: Exponential>(x: T) -> T {
    let [n, rest] = parts(x);
    let power = T::ONE.times_power_of_two(n);
    let near = rest * power + (power - T::ONE);
    // Where 2ⁿ may be infinite, and eˣ − 1 loses nothing.
    let far = (T::ONE + rest).times_power_of_two(n) - T::ONE;
    if x > T::ONE { far } else { near }
}

/// log(1 + u), for u from 0 to 1.
#[inline(always)]
pub(crate) fn ln_1p<T: Exponential>(u: T) -> T {
    let two = T::ONE + T::ONE;
    let s = u / (two + u);
    let twice = s + s;
    twice + twice * T::artanh(s * s)
}

/// 1 / (1 + e⁻ˣ), for negative x as eˣ / (1 + eˣ): nothing overflows.
#[inline(always)]
pub(crate) fn sigmoid<T: Exponential>(x: T) -> T {
    let power = exp(-x.magnitude());
    let numerator = if x < T::ZERO { power } else { T::ONE };
    numerator / (T::ONE + power)
}

/// The logistic function σ, and 1 − σ with all its digits.
#[inline(always)]
pub(crate) fn sigmoid_and_rest<T: Exponential>(x: T) -> [T; 2] {
    let power = exp(-x.magnitude());
    let sum = T::ONE + power;
    let (smaller, larger) = (power / sum, T::ONE / sum);
    if x < T::ZERO {
        [smaller, larger]
    } else {
        [larger, smaller]
    }
}

/// The hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh<T: Exponential>(x: T) -> T {
    let a = x.magnitude();
    let two = T::ONE + T::ONE;
    let [odd, even] = T::tanh_near_zero(a * a);
    let small = a < T::of(0.625);
    // One division serves both.
    let numerator = if small { odd } else { two };
    let denominator = if small { even } else { exp(a + a) + T::ONE };
    let quotient = numerator / denominator;
    let result = if small {
        a + a * quotient
    } else {
        T::ONE - quotient
    };
    result.copysign(x)
}

/// What an exponential costs, in units of 0.1 ns.
pub(crate) const COST: usize = 6;

/// eˣ of every element.
pub(crate) fn exp_each<T: Exponential>(x: &[T], out: &mut [T]) {
    map_into(x, out, COST, exp);
}

/// The logistic function of every element.
pub(crate) fn sigmoid_each<T: Exponential>(x: &[T], out: &mut [T]) {
    map_into(x, out, 2 * COST, sigmoid);
}

/// tanh of every element.
pub(crate) fn tanh_each<T: Exponential>(x: &[T], out: &mut [T]) {
    map_into(x, out, 2 * COST, tanh);
}

#[cfg(test)]
mod tests;
