//! The error function and the normal distribution, against sums of two `f64`.

use super::super::{erf, normal};
use super::{Twice, places_off};
use crate::exponential::Normal;
use crate::random::Generator;
use crate::tensor::Tensor;

/// The stated bounds: erf, Φ between −1 and ∞.
const BOUNDS: [f64; 2] = [2.5, 4.0];

/// 1/√π.
const FACTOR: Twice = Twice(0.564_189_583_547_756_3, 7.667_729_806_582_94e-18);

/// erf and 1 − erf of a ≥ 0: 2a/√π · e^(−a²) · Σ (2a²)ᵏ / (1 · 3 ⋯ (2k + 1)), a
/// series without a minus; beyond 3 the continued fraction of the rest,
/// e^(−a²)/√π / (a + ½ / (a + 1 / (a + 3/2 / (a + …)))).
fn exact(a: Twice) -> [Twice; 2] {
    let square = a.times(a);
    let minus = Twice(-square.0, -square.1);
    let power = Twice::exp(minus.0).times(Twice(1.0, 0.0).plus(Twice(minus.1, 0.0)));
    let scaled = power.times(FACTOR);
    let one_minus = |x: Twice| Twice(1.0, 0.0).plus(Twice(-x.0, -x.1));
    if a.0 < 3.0 {
        let (mut term, mut sum) = (a, a);
        for k in 1..90 {
            term = term
                .times(square)
                .times(Twice(2.0, 0.0))
                .over(Twice(f64::from(2 * k + 1), 0.0));
            sum = sum.plus(term);
        }
        let erf = scaled.times(sum).times(Twice(2.0, 0.0));
        return [erf, one_minus(erf)];
    }
    let fraction = (1..200).rev().fold(a, |rest, k| {
        a.plus(Twice(f64::from(k) / 2.0, 0.0).over(rest))
    });
    let tail = scaled.over(fraction);
    [one_minus(tail), tail]
}

fn within_bounds<T: Normal>() {
    let mut draw = Generator::new(2);
    let root = Twice(std::f64::consts::FRAC_1_SQRT_2, -4.833_646_656_726_457e-17);
    let half = Twice(0.5, 0.0);
    for reach in [12.0, 6.0, 2.0, 1.0, 0.01] {
        for &x in &Tensor::<T>::uniform([2000], -reach, reach, &mut draw).unwrap() {
            let a = Twice(x.as_f64().abs(), 0.0);
            let [want, _] = exact(a);
            let off = places_off(erf(x.magnitude()), want.0);
            assert!(off <= BOUNDS[0], "erf {x:?}: {off} places");
            assert_eq!(erf(-x), -erf(x));

            let [_, tail] = exact(a.times(root));
            let below = tail.times(half);
            let above = Twice(1.0, 0.0).plus(Twice(-below.0, -below.1));
            let want = if x > T::ZERO { above } else { below };
            let off = places_off(normal(x)[0], want.0);
            // x²/2 is rounded, and with it the power.
            let bound = BOUNDS[1]
                + if x < T::ZERO {
                    (x * x).as_f64() / 2.0
                } else {
                    0.0
                };
            assert!(off <= bound, "Φ {x:?}: {off} places");
        }
    }
}

#[test]
fn erf_and_the_distribution_are_within_their_bounds() {
    within_bounds::<f32>();
    within_bounds::<f64>();
}

/// Of mpmath, with 50 digits.
#[test]
fn known_values() {
    for (x, want) in [
        (1e-300, 1.128_379_167_095_512_6e-300),
        (0.001, 0.001_128_378_790_969_236_5),
        (0.1, 0.112_462_916_018_284_9),
        (0.5, 0.520_499_877_813_046_5),
        (0.75, 0.711_155_633_653_515_1),
        (1.0, 0.842_700_792_949_714_9),
        (2.0, 0.995_322_265_018_952_7),
        (3.0, 0.999_977_909_503_001_4),
        (5.0, 0.999_999_999_998_462_6),
        (6.0, 1.0),
    ] {
        assert!(places_off(erf(x), want) <= BOUNDS[0], "{x}: {}", erf(x));
    }
    for (x, want) in [
        (-30.0, 4.906_713_927_148_187e-198),
        (-10.0, 7.619_853_024_160_525e-24),
        (-1.0, 0.158_655_253_931_457_05),
        (5.0, 0.999_999_713_348_428_1),
    ] {
        let [got, _] = normal::<f64>(x);
        assert!((got / want - 1.0).abs() < 1e-13, "{x}: {got}");
    }
}

fn ends<T: Normal>() {
    for x in [T::infinity(), T::max_value(), T::of(1e30), T::of(800.0)] {
        assert_eq!((erf(x), erf(-x)), (T::ONE, -T::ONE));
        assert_eq!((normal(x), normal(-x)), ([T::ONE, T::ZERO], [T::ZERO; 2]));
    }
    assert_eq!(normal(T::ZERO)[0], T::of(0.5));
    assert!(erf(T::nan()).is_nan() && normal(T::nan()).iter().all(|p| p.is_nan()));
    assert!(erf(-T::ZERO).is_sign_negative());
}

#[test]
fn ends_are_exact() {
    ends::<f32>();
    ends::<f64>();
}
