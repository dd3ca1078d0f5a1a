//! Against the definition in `f64`, one line after the other.

use super::*;
use crate::ops::elementwise::larger;
use crate::random::Generator;
use crate::tensor::Tensor;

/// Scores of blocks; some infinite, all −∞ and NaN in some lines.
fn scores<T: Exponential>(blocks: usize, classes: usize, inner: usize) -> Vec<T> {
    let mut draw = Generator::new((classes * 100 + inner) as u64);
    let normal = Tensor::<f64>::randn([blocks, classes, inner], &mut draw).unwrap();
    let odd = |(at, &x): (usize, &f64)| {
        let (line, class) = (at / (classes * inner) * inner + at % inner, at / inner);
        T::of(match line % 7 {
            3 => x * 800.0,
            4 if class % 3 == 0 => f64::NEG_INFINITY,
            5 if class % classes == classes / 2 => f64::NAN,
            6 if class % 2 == 0 => f64::NEG_INFINITY,
            _ => x * 3.0,
        })
    };
    normal.iter().enumerate().map(odd).collect()
}

/// e^(x − max), max and Σ of a line, in `f64`, one after the other.
fn naive<T: Exponential>(line: &[T]) -> (Vec<f64>, f64, f64) {
    let line = line.iter().map(|x| x.as_f64());
    let max = line.clone().fold(f64::NEG_INFINITY, larger);
    let terms: Vec<f64> = line.map(|x| (x - max).exp()).collect();
    let sum = terms.iter().sum();
    (terms, max, sum)
}

fn check<T: Exponential>(classes: usize, inner: usize) {
    const BLOCKS: usize = 3;
    let x = scores::<T>(BLOCKS, classes, inner);
    let lines = BLOCKS * inner;
    let labels: Vec<i64> = (0..lines)
        .map(|i| {
            if i % 5 == 4 {
                -100
            } else {
                (i * 7 % classes) as i64
            }
        })
        .collect();
    let g: Vec<T> = (0..lines).map(|i| T::of(i as f64 * 0.25 - 2.0)).collect();
    let close = |got: T, want: f64, size: f64, what: &str| {
        let (got, far) = (got.as_f64(), 40.0 * T::epsilon().as_f64());
        let same = got == want || got.is_nan() && want.is_nan();
        let near = (got - want).abs()
            <= far
                * (want.abs() + size + T::min_positive_value().as_f64() * 1e9)
                * (classes as f64).sqrt();
        assert!(same || near, "{what} {classes} {inner}: {got}, not {want}");
    };
    for set in InstructionSet::available() {
        let fresh = || vec![T::nan(); x.len()];
        let (mut soft, mut log, mut grad) = (fresh(), fresh(), fresh());
        let mut losses = vec![T::nan(); lines];
        for (what, out) in [
            (Scores::Probabilities, &mut soft),
            (Scores::Logarithms, &mut log),
        ] {
            let x = &x[..];
            simd::run(
                set,
                Softmax {
                    what,
                    classes,
                    inner,
                    x,
                    out,
                },
            );
        }
        let (ignore, x, labels) = (-100, &x[..], &labels[..]);
        let all = Losses {
            classes,
            inner,
            ignore,
            x,
            labels,
            losses: &mut losses,
        };
        simd::run(set, all);
        let (g, out) = (&g[..], &mut grad[..]);
        simd::run(
            set,
            Gradients {
                classes,
                inner,
                ignore,
                x,
                labels,
                g,
                out,
            },
        );
        for i in 0..lines {
            let at = |c: usize| i / inner * classes * inner + c * inner + i % inner;
            let line: Vec<T> = (0..classes).map(|c| x[at(c)]).collect();
            let (terms, max, sum) = naive(&line);
            let counts = labels[i] != ignore;
            for c in 0..classes {
                let p = terms[c] / sum;
                close(soft[at(c)], p, 0.0, "softmax");
                close(
                    log[at(c)],
                    line[c].as_f64() - max - sum.ln(),
                    1.0,
                    "log_softmax",
                );
                let one = f64::from(u8::from(labels[i] == c as i64));
                let want = if counts {
                    (p - one) * g[i].as_f64()
                } else {
                    0.0
                };
                close(grad[at(c)], want, g[i].as_f64().abs(), "gradient");
            }
            let want = if counts {
                sum.ln() - (line[labels[i] as usize].as_f64() - max)
            } else {
                0.0
            };
            close(losses[i], want, 1.0, "loss");
        }
    }
}

#[test]
fn lines_of_every_length_by_any_instructions() {
    for classes in (1..=40).chain([63, 64, 65, 130, 511, 512, 513, 1500]) {
        for inner in [1, 2, 7] {
            check::<f32>(classes, inner);
            check::<f64>(classes, inner);
        }
    }
    for inner in (1..=40).chain([63, 64, 65, 130]) {
        check::<f32>(10, inner);
        check::<f64>(35, inner);
    }
}

/// A long row of equal terms, whose sum taken in a row would be far off.
#[test]
fn long_rows_are_summed_in_pairs() {
    const N: usize = (1 << 20) + 77;
    let x = Tensor::<f32>::full([1, N], 0.3).unwrap();
    let log = x.log_softmax(1).unwrap().to_vec()[N - 1];
    assert!((f64::from(log) + (N as f64).ln()).abs() < 2e-6, "{log}");
}
