//! Numbers that a formula written down carelessly would lose: exponentials that
//! overflow, differences that cancel, sums of very many terms.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use wengert::BinaryCrossEntropyOptions;
use wengert::prelude::*;

const MILLION: usize = 1_000_000;

/// How far `got` is from `want`, relative to it.
fn off(got: f32, want: f64) -> f64 {
    (f64::from(got) / want - 1.0).abs()
}

/// A million numbers that all push the rounding error the same way, that are drawn,
/// and whose mean is far from 0.
fn millions() -> [Tensor<f32>; 3] {
    let tenth = Tensor::full([MILLION], 0.1).unwrap();
    let drawn = Tensor::<f32>::rand([MILLION], &mut Generator::new(1)).unwrap();
    let far = &drawn + 10.0;
    [tenth, drawn, far]
}

#[test]
fn sums_of_a_million_numbers_are_accurate() {
    for x in millions() {
        let exact = x.cast::<f64>();
        let item = |x: Tensor<f32>| x.item().unwrap();
        let want: f64 = exact.iter().sum();
        assert!(off(item(x.sum()), want) < 1e-6);
        assert!(off(item(x.mean()), want / MILLION as f64) < 1e-6);
        for p in [1.0, 2.0, 3.0] {
            let want: f64 = exact.iter().map(|x| x.abs().powf(p)).sum();
            assert!(
                off(item(x.norm(p).unwrap()), want.powf(1.0 / p)) < 1e-6,
                "{p}"
            );
        }
        // The same along the rows and down the columns of a matrix.
        let (x, exact) = (
            x.reshape([1000, 1000]).unwrap(),
            exact.reshape([1000, 1000]).unwrap(),
        );
        for axis in [0, 1] {
            let pairs = [
                (x.sum_axes(axis, false), exact.sum_axes(axis, false)),
                (x.mean_axes(axis, false), exact.mean_axes(axis, false)),
                (
                    x.norm_axes(2.0, axis, false),
                    exact.norm_axes(2.0, axis, false),
                ),
            ];
            for (got, want) in pairs {
                let (got, want) = (got.unwrap(), want.unwrap());
                assert!(
                    got.iter()
                        .zip(&want)
                        .all(|(&got, &want)| off(got, want) < 1e-6)
                );
            }
        }
    }
}

#[test]
fn variances_of_a_million_numbers_are_accurate() {
    // What is constant to the last bit has none.
    let [constant, drawn, far] = millions();
    assert!(constant.var().item().unwrap() < 1e-15);
    for x in [drawn, far] {
        let exact = x.cast::<f64>();
        let mean = exact.iter().sum::<f64>() / MILLION as f64;
        let squares: f64 = exact.iter().map(|x| (x - mean).powi(2)).sum();
        let want = squares / (MILLION - 1) as f64;
        assert!(off(x.var().item().unwrap(), want) < 1e-6);
        assert!(off(x.std().item().unwrap(), want.sqrt()) < 1e-6);
        let biased = x.var_axes(0, 0.0, false).unwrap();
        assert!(off(biased.item().unwrap(), squares / MILLION as f64) < 1e-6);
    }
}

#[test]
fn losses_of_a_million_numbers_are_accurate() {
    let g = &mut Generator::new(2);
    let x = Tensor::<f32>::rand([MILLION], g).unwrap();
    let t = Tensor::<f32>::rand([MILLION], g).unwrap();
    let (wide_x, wide_t) = (x.cast::<f64>(), t.cast::<f64>());
    for reduction in [Reduction::Mean, Reduction::Sum] {
        let pairs = [
            (
                x.mse_loss(&t, reduction),
                wide_x.mse_loss(&wide_t, reduction),
            ),
            (x.l1_loss(&t, reduction), wide_x.l1_loss(&wide_t, reduction)),
            (
                x.binary_cross_entropy(&t, reduction),
                wide_x.binary_cross_entropy(&wide_t, reduction),
            ),
            (
                x.binary_cross_entropy_with_logits(&t, reduction),
                wide_x.binary_cross_entropy_with_logits(&wide_t, reduction),
            ),
        ];
        for (got, want) in pairs {
            assert!(off(got.unwrap().item().unwrap(), want.unwrap().item().unwrap()) < 1e-6);
        }
        let scores = x.reshape_to([MILLION / 10, 10]).unwrap();
        let labels = Tensor::from_fn([MILLION / 10], |at| at[0] as i64 % 10).unwrap();
        let got = scores.cross_entropy(&labels, reduction).unwrap();
        let want = scores
            .cast::<f64>()
            .cross_entropy(&labels, reduction)
            .unwrap();
        assert!(off(got.item().unwrap(), want.item().unwrap()) < 1e-6);
    }
}

#[test]
fn a_variance_far_from_zero_does_not_cancel() {
    // Σx² − n · mean² would leave no digit: the squares are 10¹⁶, the variance 1.
    let x = Tensor::from([1e8 - 1.0, 1e8, 1e8 + 1.0]);
    assert_eq!(x.var().item().unwrap(), 1.0);
    assert_eq!(x.std().item().unwrap(), 1.0);
    let single: Tensor = Tensor::from([1e5 - 1.0, 1e5, 1e5 + 1.0]);
    assert_eq!(single.var().item().unwrap(), 1.0);
    let x = Tape::new().leaf(x);
    let grads = x.var().unwrap().backward().unwrap();
    assert_eq!(grads.get(&x), Some(&Tensor::from([-1.0, 0.0, 1.0])));
}

#[test]
fn softmax_does_not_overflow() {
    let far: Tensor = Tensor::from([[1000.0, 999.0, -1000.0], [-1000.0, -1001.0, -3000.0]]);
    let near: Tensor = Tensor::from([[1.0, 0.0, -1999.0], [0.0, -1.0, -2000.0]]);
    assert!(
        far.softmax(1)
            .unwrap()
            .all_close(&near.softmax(1).unwrap(), 1e-6, 0.0)
    );
    let logs = far.log_softmax(1).unwrap();
    assert!(logs.all_close(&near.log_softmax(1).unwrap(), 1e-4, 0.0));
    assert!(
        (logs.get([0, 2]).unwrap() + 2000.313).abs() < 1e-3,
        "not −∞"
    );
    // What is added to all scores of a row changes nothing.
    let sum = far.logsumexp(1, false).unwrap().to_vec();
    assert!((sum[0] - 1_000.313_26).abs() < 1e-4 && (sum[1] + 999.686_74).abs() < 1e-4);
}

#[test]
fn cross_entropy_does_not_overflow() {
    let scores = Tensor::from([[800.0f32, 0.0, -800.0], [-800.0, -800.0, -800.0]]);
    let options = || CrossEntropyOptions::from(Reduction::None);
    for (labels, want) in [([0, 0], 0.0), ([1, 0], 800.0), ([2, 0], 1600.0)] {
        let losses = scores.cross_entropy(&Tensor::from(labels), Reduction::None);
        assert_eq!(losses.unwrap().to_vec(), [want, 3f32.ln()]);
        let smooth = options().label_smoothing(0.3);
        let losses = scores.cross_entropy(&Tensor::from(labels), smooth).unwrap();
        let want = 0.7 * want + 0.1 * 2400.0;
        assert!(losses.all_close(&Tensor::from([want, 3f32.ln()]), 1e-6, 0.0));
    }
    // A loss too small for 1 − softmax is not 0.
    let sure = Tensor::from([[40.0, 0.0]]);
    let loss = sure
        .cross_entropy(&Tensor::from([0]), Reduction::Sum)
        .unwrap();
    assert!(loss.item().unwrap() < 1e-16);
    let x = Tape::new().leaf(sure);
    let loss = x.cross_entropy(&Tensor::from([0]), Reduction::Sum).unwrap();
    let slope = loss
        .backward()
        .unwrap()
        .get(&x)
        .unwrap()
        .get([0, 1])
        .unwrap();
    assert!((slope / (-40f64).exp() - 1.0).abs() < 1e-12, "{slope}");
}

#[test]
fn binary_cross_entropy_keeps_its_digits() {
    // log(1 − x) for a small x is −x, and not 0.
    let x = Tensor::from([1e-10f32]);
    let no = x.zeros_like();
    let loss = x.binary_cross_entropy(&no, Reduction::Sum).unwrap();
    assert!(off(loss.item().unwrap(), 1e-10) < 1e-6);
    // log(1 + exp(−50)) is exp(−50), and not 0.
    let (x, yes) = (Tensor::from([50.0f32]), Tensor::from([1.0]));
    let loss = x
        .binary_cross_entropy_with_logits(&yes, Reduction::Sum)
        .unwrap();
    assert!(off(loss.item().unwrap(), (-50f64).exp()) < 1e-6);
    // What is certain and wrong counts 100, in the mean too, and with a weight.
    let wrong = Tensor::from([1.0f32]);
    let heavy = BinaryCrossEntropyOptions::default().weight(Tensor::scalar(2.0));
    let loss = wrong.binary_cross_entropy(&no, heavy).unwrap();
    assert_eq!(loss.item().unwrap(), 200.0);
}
