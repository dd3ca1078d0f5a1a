//! The product against its definition in `f64`, on every instruction set.

use proptest::prelude::*;

use super::*;
use crate::random::Generator;
use crate::tensor::Tensor;

/// How a product is asked for.
#[derive(Clone, Copy, Debug)]
struct Case {
    mnk: [usize; 3],
    transposed: [bool; 2],
    /// What the sums begin with: nothing, what is there, a bias.
    start: usize,
    relu: bool,
}

fn draw<T: Float>(len: usize, generator: &mut Generator) -> Vec<T> {
    Tensor::randn([len], generator).unwrap().to_vec()
}

/// An element of the result by its definition, and the sum of the magnitudes
/// of what was added up.
fn naive<T: Float>(case: Case, a: &[T], b: &[T], start: T, [i, j]: [usize; 2]) -> [f64; 2] {
    let [m, n, k] = case.mnk;
    let mut sums = [start.as_f64(), start.as_f64().abs()];
    for l in 0..k {
        let x = a[if case.transposed[0] {
            l * m + i
        } else {
            i * k + l
        }];
        let y = b[if case.transposed[1] {
            j * k + l
        } else {
            l * n + j
        }];
        let term = x.as_f64() * y.as_f64();
        sums = [sums[0] + term, sums[1] + term.abs()];
    }
    sums
}

fn check<T: Float>(case: Case) {
    let [m, n, k] = case.mnk;
    let generator = &mut Generator::new((m * 31 + n * 7 + k) as u64);
    let a: Vec<T> = draw(m * k, generator);
    let b: Vec<T> = draw(k * n, generator);
    let bias: Vec<T> = draw(n, generator);
    let there: Vec<T> = draw(m * n, generator);
    for set in InstructionSet::available() {
        let mut out = there.clone();
        let start = match case.start {
            0 => Start::Zero,
            1 => Start::Out,
            _ => Start::Bias(&bias),
        };
        if case.start != 1 {
            // What was there must not matter, not even NaN.
            out.fill(T::of(f64::NAN));
        }
        let operands = [
            Operand::new(&a, case.transposed[0]),
            Operand::new(&b, case.transposed[1]),
        ];
        product(set, case.mnk, operands, start, case.relu, &mut out);
        for (at, &got) in out.iter().enumerate() {
            let (i, j) = (at / n, at % n);
            let start = [T::ZERO, there[at], bias[j]][case.start.min(2)];
            let [mut expected, magnitude] = naive(case, &a, &b, start, [i, j]);
            if case.relu {
                expected = expected.max(0.0);
            }
            // k products and k sums, each with half a unit of rounding.
            let bound = T::epsilon().as_f64() * (k + 2) as f64 * magnitude;
            let error = (got.as_f64() - expected).abs();
            assert!(
                error <= bound,
                "{case:?} {set} [{i}, {j}]: {got:?} {expected}"
            );
        }
    }
}

fn check_all(mnk: [usize; 3]) {
    for flags in 0..24 {
        let case = Case {
            mnk,
            transposed: [flags & 1 != 0, flags & 2 != 0],
            start: flags / 4 % 3,
            relu: flags / 12 != 0,
        };
        check::<f32>(case);
        check::<f64>(case);
    }
}

proptest! {
    #[test]
    fn agrees_with_the_definition(
        mnk in prop::array::uniform3(0usize..=40),
        transposed in prop::array::uniform2(any::<bool>()),
        start in 0usize..3,
        relu in any::<bool>(),
    ) {
        let case = Case { mnk, transposed, start, relu };
        check::<f32>(case);
        check::<f64>(case);
    }
}

#[test]
fn every_width_and_every_number_of_rows() {
    for n in 1..=40 {
        check_all([9, n, 3]);
        check_all([1, n, 17]);
    }
    for m in 1..=20 {
        check_all([m, 5, 18]);
        check_all([m, 97, 2]);
    }
}

#[test]
fn vectors_and_outer_products() {
    for mnk in [
        [1, 300, 33],
        [300, 1, 33],
        [1, 1, 1000],
        [70, 65, 1],
        [1, 1, 0],
        [3, 4, 0],
    ] {
        check_all(mnk);
    }
}

#[test]
fn the_depth_is_cut() {
    for k in [255, 256, 257, 530] {
        check_all([17, 50, k]);
        check_all([2, 21, k]);
    }
}

#[test]
fn blocks_cover_the_result_on_either_side() {
    for mnk in [
        [150, 70, 109],
        [70, 850, 40],
        [1100, 17, 60],
        [1, 1200, 1400],
        [40, 10, 3000],
    ] {
        for transposed in [[false, true], [true, false]] {
            let case = Case {
                mnk,
                transposed,
                start: 2,
                relu: false,
            };
            check::<f32>(case);
            check::<f64>(case);
        }
    }
}

#[test]
fn the_cut_covers_every_shape() {
    for m in [0, 1, 31, 64, 511, 513, 5000] {
        for n in [0, 1, 47, 96, 97, 400, 4096] {
            for cost in [0, BLOCK - 1, BLOCK * 3, usize::MAX] {
                let [down, across] = grid([m, n], cost);
                assert!(across >= 1 && across <= n.div_ceil(COLUMNS).max(1));
                assert!(down >= 1 && m <= down * ROWS && (down == 1 || down <= m));
            }
        }
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let generator = &mut Generator::new(1);
    let a: Vec<f32> = draw(300 * 150, generator);
    let b: Vec<f32> = draw(150 * 200, generator);
    let run = |threads| {
        par::with_threads(threads, || {
            let mut out = vec![0.0; 300 * 200];
            let operands = (Operand::Plain(&a[..]), Operand::Transposed(&b[..]));
            gemm([300, 200, 150], operands.0, operands.1, &mut out, false);
            let mut vector = vec![0.0; 300];
            gemm(
                [300, 1, 150],
                operands.0,
                Operand::Plain(&b[..150]),
                &mut vector,
                false,
            );
            out.extend(vector);
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        })
        .unwrap()
    };
    assert!(grid([300, 200], 300 * 200 * 150) != [1, 1]);
    assert_eq!(run(1), run(2));
    assert_eq!(run(1), run(7));
}

#[test]
fn nan_is_not_skipped_over_a_zero_nor_spread() {
    for mnk in [
        [1, 1, 2],
        [1, 2, 2],
        [2, 1, 2],
        [2, 2, 2],
        [9, 50, 20],
        [9, 20, 1],
    ] {
        let [m, n, k] = mnk;
        for flags in 0..4 {
            let transposed = [flags & 1 != 0, flags & 2 != 0];
            for set in InstructionSet::available() {
                let a = vec![0.0f32; m * k];
                let mut b = vec![1.0; k * n];
                let last = b.len() - 1;
                b[last] = f32::INFINITY;
                let mut out = vec![0.0; m * n];
                let operands = [
                    Operand::new(&a, transposed[0]),
                    Operand::new(&b, transposed[1]),
                ];
                product(set, mnk, operands, Start::Zero, true, &mut out);
                // 0 · ∞ is NaN, in the last column alone.
                for (at, x) in out.iter().enumerate() {
                    assert_eq!(x.is_nan(), at % n == n - 1, "{mnk:?} {set} {at}");
                }
            }
        }
    }
}

#[test]
fn dot_is_the_inner_product() {
    let generator = &mut Generator::new(3);
    for k in (0..=140).chain([1000]) {
        let (a, b): (Vec<f32>, Vec<f32>) = (draw(k, generator), draw(k, generator));
        let case = Case {
            mnk: [1, 1, k],
            transposed: [false, true],
            start: 0,
            relu: false,
        };
        let [expected, magnitude] = naive(case, &a, &b, 0.0, [0, 0]);
        for set in InstructionSet::available() {
            let got = f64::from(simd::run(set, Dot(&a, &b)));
            assert!((got - expected).abs() <= f64::from(f32::EPSILON) * (k + 2) as f64 * magnitude);
        }
    }
}
