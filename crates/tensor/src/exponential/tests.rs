//! Against the standard library in `f64`, and against sums of two `f64`.

use super::*;
use crate::random::Generator;
use crate::simd::{InstructionSet, compiled_for};
use crate::tensor::Tensor;

mod normal;

/// The stated bounds: eˣ, the logistic function, tanh.
const BOUNDS: [f64; 3] = [1.1, 2.5, 1.5];
/// Of eˣ − 1, and of log(1 + u) for u from 0 to 1.
const BOUNDS_NEAR_ONE: [f64; 2] = [2.5, 2.0];

/// eˣ, the logistic function, tanh.
fn all<T: Exponential>(x: T) -> [T; 3] {
    [exp(x), sigmoid(x), tanh(x)]
}

/// The last place of the number nearest to `x` that has `digits` bits, none of
/// them below 2 to the power of `lowest`.
fn place(x: f64, digits: i32, lowest: i32) -> f64 {
    let exponent = (x.abs().to_bits() >> 52) as i32 - 1023;
    f64::from((exponent - digits + 1).max(lowest)).exp2()
}

#[test]
fn f32_is_within_its_bounds() {
    for bits in (0..=u32::MAX).step_by(9973) {
        let x = f32::from_bits(bits);
        let wide = f64::from(x);
        if x.is_nan() {
            assert!(all(x).iter().all(|y| y.is_nan()));
            continue;
        }
        let power = (-wide.abs()).exp();
        let logistic = if x < 0.0 { power } else { 1.0 } / (1.0 + power);
        let wants = [wide.exp(), logistic, wide.tanh()];
        for ((got, want), bound) in all(x).into_iter().zip(wants).zip(BOUNDS) {
            if got.is_infinite() || (want as f32).is_infinite() {
                assert_eq!(got, want as f32, "{x}");
            } else {
                let off = (f64::from(got) - want).abs() / place(want, 24, -149);
                assert!(off <= bound, "{x}: {got}, not {want}: {off} places");
            }
        }
    }
}

/// An unevaluated sum of two numbers: some 100 bits.
#[derive(Clone, Copy)]
struct Twice(f64, f64);

impl Twice {
    /// a + b, for |a| ≥ |b|.
    fn of(a: f64, b: f64) -> Self {
        let sum = a + b;
        Self(sum, b - (sum - a))
    }
    fn plus(self, other: Self) -> Self {
        let sum = self.0 + other.0;
        let rest = sum - self.0;
        let lost = (self.0 - (sum - rest)) + (other.0 - rest);
        Self::of(sum, lost + self.1 + other.1)
    }
    fn times(self, other: Self) -> Self {
        let product = self.0 * other.0;
        let lost = self.0.mul_add(other.0, -product);
        Self::of(product, lost + self.0 * other.1 + self.1 * other.0)
    }
    fn over(self, other: Self) -> Self {
        let first = self.0 / other.0;
        let rest = self.plus(other.times(Self(-first, 0.0)));
        Self::of(first, rest.0 / other.0)
    }
    /// eˣ = (e^(x / 4096))^4096, the inner one by its series.
    fn exp(x: f64) -> Self {
        let r = Self(x / 4096.0, 0.0);
        let mut sum = Self(1.0, 0.0);
        for k in (1..=30).rev() {
            let term = sum.times(r).over(Self(f64::from(k), 0.0));
            sum = term.plus(Self(1.0, 0.0));
        }
        (0..12).fold(sum, |power, _| power.times(power))
    }
}

#[test]
fn f64_is_within_its_bounds() {
    let one = Twice(1.0, 0.0);
    let mut draw = Generator::new(0);
    for reach in [708.0, 40.0, 2.0, 0.01, 1e-5] {
        let x = Tensor::<f64>::uniform([4000], -reach, reach, &mut draw).unwrap();
        for &x in &x {
            let power = Twice::exp(x);
            let (up, down) = (Twice::exp(2.0 * x.min(30.0)), Twice(-1.0, 0.0));
            let wants = [
                power,
                // Where eˣ is vast the quotient is 1.
                Twice::exp(x.min(60.0)).over(one.plus(Twice::exp(x.min(60.0)))),
                up.plus(down).over(up.plus(one)),
            ];
            for ((got, want), bound) in all(x).into_iter().zip(wants).zip(BOUNDS) {
                let off = ((got - want.0) - want.1).abs() / place(want.0, 53, -1074);
                assert!(off <= bound, "{x}: {got}, not {}: {off} places", want.0);
            }
        }
    }
    // Subnormal results have fewer digits, and no more than a place is wrong.
    let far = Tensor::<f64>::uniform([4000], -746.0, -708.0, &mut draw).unwrap();
    for &x in &far {
        let places = exp(x).to_bits().abs_diff(x.exp().to_bits());
        assert!(
            places <= 1,
            "{x}: {places} places from the standard library"
        );
    }
}

/// How far `got` is from `want`, in units of its last place.
fn places_off<T: Exponential>(got: T, want: f64) -> f64 {
    let (digits, lowest) = if T::NAME == "f32" {
        (24, -149)
    } else {
        (53, -1074)
    };
    (got.as_f64() - want).abs() / place(want, digits, lowest)
}

fn near_one<T: Exponential>() {
    let mut draw = Generator::new(1);
    // The standard library's own error is at most 1 of the places of f64.
    let allowance = if T::NAME == "f32" { 0.0 } else { 1.0 };
    for reach in [87.0, 2.0, 0.5, 0.01, 1e-5] {
        for &x in &Tensor::<T>::uniform([4000], -reach, reach, &mut draw).unwrap() {
            let off = places_off(exp_m1(x), x.as_f64().exp_m1());
            assert!(off <= BOUNDS_NEAR_ONE[0] + allowance, "{x:?}: {off} places");
            let u = x.magnitude().min(T::ONE);
            let off = places_off(ln_1p(u), u.as_f64().ln_1p());
            assert!(off <= BOUNDS_NEAR_ONE[1] + allowance, "{u:?}: {off} places");
        }
    }
    assert_eq!(exp_m1(-T::infinity()), -T::ONE);
    assert_eq!(exp_m1(T::infinity()), T::infinity());
    assert_eq!(exp_m1(T::ZERO), T::ZERO);
    assert!(exp_m1(T::nan()).is_nan() && ln_1p(T::nan()).is_nan());
    assert_eq!(ln_1p(T::ZERO), T::ZERO);
}

#[test]
fn what_is_near_one_keeps_its_digits() {
    near_one::<f32>();
    near_one::<f64>();
}

fn exact_ends<T: Exponential>() {
    let infinity = T::infinity();
    let same = |got: [T; 3], want: [f64; 3]| {
        for (got, want) in got.into_iter().zip(want) {
            assert_eq!(got.as_f64().to_bits(), want.to_bits(), "{got:?} {want}");
        }
    };
    same(all(T::ZERO), [1.0, 0.5, 0.0]);
    same(all(-T::ZERO), [1.0, 0.5, -0.0]);
    same(all(infinity), [f64::INFINITY, 1.0, 1.0]);
    same(all(-infinity), [0.0, 0.0, -1.0]);
    same(all(T::max_value()), [f64::INFINITY, 1.0, 1.0]);
    same(all(T::min_value()), [0.0, 0.0, -1.0]);
    // tanh of the smallest numbers is those numbers.
    let tiny = T::min_positive_value() * T::epsilon();
    same(
        [exp(tiny), sigmoid(tiny), tanh(tiny)],
        [1.0, 0.5, tiny.as_f64()],
    );
    assert!(all(T::nan()).iter().all(|y| y.is_nan()));
    // The last number whose power is a number, and the next one.
    let mut x = T::max_value().ln();
    while exp(x).is_finite() {
        x = x + x * T::epsilon();
    }
    assert!(num_traits::Float::exp(x).is_infinite());
    assert!(num_traits::Float::exp(x - x * T::epsilon()).is_finite());
}

#[test]
fn ends_are_exact() {
    exact_ends::<f32>();
    exact_ends::<f64>();
}

fn lengths<T: Exponential>() {
    let ends = [
        f64::NAN,
        f64::INFINITY,
        -f64::INFINITY,
        0.0,
        -0.0,
        -103.3,
        89.0,
    ];
    let x: Vec<T> = (0..40)
        .map(|i| {
            T::of(
                ends.get(i * 3 % 40)
                    .copied()
                    .unwrap_or(i as f64 * 0.3 - 7.0),
            )
        })
        .collect();
    // One by one, by the narrowest instructions.
    let want: Vec<[T; 3]> = x.iter().map(|&x| all(x)).collect();
    let bits = |y: T| {
        if y.is_nan() {
            u64::MAX
        } else {
            y.as_f64().to_bits()
        }
    };
    for set in InstructionSet::available() {
        for len in 1..=40 {
            for start in 0..=(40 - len).min(3) {
                let mut got = vec![[T::ZERO; 3]; len];
                let f = |(out, &x): (&mut [T; 3], &T)| *out = all(x);
                compiled_for(set, || got.iter_mut().zip(&x[start..]).for_each(f));
                let mut sweep = vec![T::ZERO; len];
                for (i, f) in [exp, sigmoid, tanh].into_iter().enumerate() {
                    let f = |(out, &x): (&mut T, &T)| *out = f(x);
                    compiled_for(set, || sweep.iter_mut().zip(&x[start..]).for_each(f));
                    for (k, &y) in sweep.iter().enumerate() {
                        assert_eq!(bits(y), bits(want[start + k][i]), "{set} {len} {k}");
                        assert_eq!(bits(got[k][i]), bits(y), "{set} {len} {k}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_same_bits_at_any_place_by_any_instructions() {
    lengths::<f32>();
    lengths::<f64>();
}

#[test]
fn tensors_are_swept_whole() {
    let x = Tensor::<f32>::randn([5, 7, 501], &mut Generator::new(3)).unwrap();
    for (got, want) in [
        (x.exp(), x.map(exp)),
        (x.sigmoid(), x.map(sigmoid)),
        (x.tanh(), x.map(tanh)),
    ] {
        assert_eq!(got, want);
    }
}
