//! What losses answer to targets, weights and options that are bad input: on
//! tensors, on variables, and as layers.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use wengert::prelude::*;
use wengert::{
    BceLoss, BceWithLogitsLoss, BinaryCrossEntropyOptions, BinaryCrossEntropyWithLogitsOptions,
    CrossEntropyOptions, HuberLoss, KlDivLoss, KlDivOptions, L1Loss, NllLoss, NllLossOptions,
    SmoothL1Loss,
};
use wengert_tests::refused;

/// [[0, 0.1, 0.2], [0.3, 0.4, 0.5]].
fn matrix() -> Tensor {
    Tensor::from([[0.0, 0.1, 0.2], [0.3, 0.4, 0.5]])
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape).unwrap()
}

const MEAN: Reduction = Reduction::Mean;

#[test]
fn targets_that_do_not_broadcast() {
    let (x, two) = (matrix(), zeros(&[2]));
    let tape = Tape::new();
    let (v, t) = (tape.leaf(x.clone()), tape.leaf(two.clone()));
    let says = "shapes [2, 3] and [2] do not broadcast";
    refused! {
        x.mse_loss(&two, MEAN) => "mse_loss", says;
        x.l1_loss(&two, MEAN) => "l1_loss", says;
        x.smooth_l1_loss(&two, MEAN, 1.0) => "smooth_l1_loss", says;
        x.huber_loss(&two, MEAN, 1.0) => "huber_loss", says;
        x.kl_div(&two, MEAN) => "kl_div", says;
        x.binary_cross_entropy_slope(&two) => "binary_cross_entropy_slope", says;
        v.mse_loss(&t, MEAN) => "mse_loss", says;
        v.l1_loss(&t, MEAN) => "l1_loss", says;
        v.smooth_l1_loss(&t, MEAN, 1.0) => "smooth_l1_loss", says;
        v.huber_loss(&t, MEAN, 1.0) => "huber_loss", says;
        v.kl_div(&t, KlDivOptions::batch_mean()) => "kl_div", says;
        MseLoss::new().forward(&v, &t) => "mse_loss", says;
        L1Loss::new().forward(&v, &t) => "l1_loss", says;
        SmoothL1Loss::new().forward(&v, &t) => "smooth_l1_loss", says;
        HuberLoss::new().forward(&v, &t) => "huber_loss", says;
        KlDivLoss::new(MEAN).forward(&v, &t) => "kl_div", says;
    }
}

#[test]
fn thresholds_that_are_none() {
    let x = matrix();
    let v = Tape::new().leaf(x.clone());
    for wrong in [-1.0, f64::NAN, f64::NEG_INFINITY] {
        let (beta, delta) = (
            format!("negative, got {wrong}"),
            format!("positive, got {wrong}"),
        );
        let smooth = SmoothL1Loss {
            beta: wrong,
            ..SmoothL1Loss::new()
        };
        let huber = HuberLoss {
            delta: wrong,
            ..HuberLoss::new()
        };
        refused! {
            x.smooth_l1_loss(&x, MEAN, wrong) => "smooth_l1_loss", beta;
            v.smooth_l1_loss(&v, MEAN, wrong) => "smooth_l1_loss", beta;
            smooth.forward(&v, &v) => "smooth_l1_loss", beta;
            x.huber_loss(&x, MEAN, wrong) => "huber_loss", delta;
            v.huber_loss(&v, MEAN, wrong) => "huber_loss", delta;
            huber.forward(&v, &v) => "huber_loss", delta;
        }
    }
    refused! {
        v.huber_loss(&v, MEAN, 0.0) => "huber_loss", "got 0";
    }
}

#[test]
fn answers_that_are_no_probabilities() {
    let (x, row) = (matrix(), zeros(&[3]));
    let tape = Tape::new();
    let (v, r) = (tape.leaf(x.clone()), tape.leaf(row.clone()));
    let says = "input [2, 3], target [3]";
    refused! {
        x.binary_cross_entropy(&row, MEAN) => "binary_cross_entropy", says;
        v.binary_cross_entropy(&r, MEAN) => "binary_cross_entropy", says;
        BceLoss::default().forward(&v, &r) => "binary_cross_entropy", says;
        x.binary_cross_entropy_with_logits(&row, MEAN) => "binary_cross_entropy_with_logits", says;
        v.binary_cross_entropy_with_logits(&r, MEAN) => "binary_cross_entropy_with_logits", says;
        BceWithLogitsLoss::default().forward(&v, &r) => "binary_cross_entropy_with_logits", says;
    }
    for wrong in [-0.1, 1.5, f32::NAN, f32::INFINITY] {
        let mut other = matrix();
        other.set([1, 0], wrong).unwrap();
        let w = tape.leaf(other.clone());
        let says = |what| format!("the {what} must lie in [0, 1], got {wrong:?} at element 3");
        let (input, target) = (says("input"), says("target"));
        refused! {
            other.binary_cross_entropy(&x, MEAN) => "binary_cross_entropy", input, "[2, 3]";
            x.binary_cross_entropy(&other, MEAN) => "binary_cross_entropy", target, "[2, 3]";
            w.binary_cross_entropy(&v, MEAN) => "binary_cross_entropy", input, "[2, 3]";
            v.binary_cross_entropy(&w, MEAN) => "binary_cross_entropy", target, "[2, 3]";
        }
        assert!(w.binary_cross_entropy_with_logits(&w, MEAN).is_ok());
    }
}

#[test]
fn weights_that_do_not_fit() {
    let (x, labels) = (matrix(), Tensor::from([0, 1]));
    let v = Tape::new().leaf(x.clone());
    for shape in [&[2][..], &[1, 3], &[], &[4]] {
        let says = format!("for each of 3 classes, got shape {shape:?}");
        let hard = NllLossOptions::default().weight(zeros(shape));
        let soft = CrossEntropyOptions::default().weight(zeros(shape));
        let (nll, ce) = (
            NllLoss::new(hard.clone()),
            CrossEntropyLoss::new(soft.clone()),
        );
        refused! {
            x.nll_loss(&labels, hard.clone()) => "nll_loss", says;
            v.nll_loss(&labels, hard.clone()) => "nll_loss", says;
            nll.forward(&v, &labels) => "nll_loss", says;
            hard.position_weights(&x, &labels) => "nll_loss", says;
            x.cross_entropy(&labels, soft.clone()) => "cross_entropy", says;
            x.cross_entropy(&x, soft.clone()) => "cross_entropy", says;
            v.cross_entropy(&labels, soft.clone()) => "cross_entropy", says;
            v.cross_entropy(&v, soft.clone()) => "cross_entropy", says;
            ce.forward(&v, &labels) => "cross_entropy", says;
            soft.distribution(&x, &labels) => "cross_entropy", says;
        }
    }
    for shape in [&[2][..], &[2, 2, 3], &[4]] {
        let (weight, pos_weight) = (
            format!("the weight {shape:?} does not broadcast to the input [2, 3]"),
            format!("the pos_weight {shape:?} does not broadcast to the input [2, 3]"),
        );
        let plain = BinaryCrossEntropyOptions::default().weight(zeros(shape));
        let logits = BinaryCrossEntropyWithLogitsOptions::default();
        let positive = logits.clone().pos_weight(zeros(shape));
        let logits = logits.weight(zeros(shape));
        refused! {
            x.binary_cross_entropy(&x, plain.clone()) => "binary_cross_entropy", weight;
            v.binary_cross_entropy(&v, plain) => "binary_cross_entropy", weight;
            x.binary_cross_entropy_with_logits(&x, logits.clone()) => "binary_cross_entropy_with_logits", weight;
            v.binary_cross_entropy_with_logits(&v, logits) => "binary_cross_entropy_with_logits", weight;
            x.binary_cross_entropy_with_logits(&x, positive.clone()) => "binary_cross_entropy_with_logits", pos_weight;
            v.binary_cross_entropy_with_logits(&v, positive) => "binary_cross_entropy_with_logits", pos_weight;
        }
    }
}

#[test]
fn classes_that_are_none() {
    let (x, scalar) = (matrix(), Tensor::scalar(1.0));
    let v = Tape::new().leaf(x.clone());
    let plain = CrossEntropyOptions::<f32>::default;
    for label in [3, -1, i64::MAX, i64::MIN] {
        let labels = Tensor::from([0, label]);
        let says = format!("label {label} at [1] is out of range for 3 classes");
        refused! {
            x.nll_loss(&labels, MEAN) => "nll_loss", says;
            v.nll_loss(&labels, MEAN) => "nll_loss", says;
            NllLossOptions::default().position_weights(&x, &labels) => "nll_loss", says;
            x.cross_entropy(&labels, plain().label_smoothing(0.1)) => "cross_entropy", says;
            v.cross_entropy(&labels, plain().label_smoothing(0.1)) => "cross_entropy", says;
            plain().distribution(&x, &labels) => "cross_entropy", says;
        }
    }
    let three = Tensor::from([0, 1, 2]);
    refused! {
        x.nll_loss(&three, MEAN) => "nll_loss", "labels must have shape [2]", "[3]";
        v.nll_loss(&three, MEAN) => "nll_loss", "labels must have shape [2]", "[3]";
        scalar.nll_loss(&Tensor::scalar(0), MEAN) => "nll_loss", "axis of classes";
        plain().distribution(&scalar, &Tensor::scalar(0)) => "cross_entropy", "axis of classes";
        scalar.cross_entropy(&scalar, plain()) => "cross_entropy", "axis of classes";
        x.cross_entropy(&scalar, plain()) => "cross_entropy", "logits [2, 3], target []";
        v.cross_entropy(&v.constant(zeros(&[3])), plain()) => "cross_entropy", "logits [2, 3], target [3]";
        v.cross_entropy(&v, plain().ignore_index(0)) => "cross_entropy", "ignore_index 0";
    }
    for wrong in [-0.1, 1.5, f64::NAN] {
        let options = plain().label_smoothing(wrong);
        let says = format!("label_smoothing must lie in [0, 1], got {wrong}");
        let labels = Tensor::from([0, 1]);
        refused! {
            v.cross_entropy(&labels, options.clone()) => "cross_entropy", says;
            v.cross_entropy(&v, options.clone()) => "cross_entropy", says;
            options.distribution(&x, &labels) => "cross_entropy", says;
        }
    }
}

#[test]
fn losses_across_tapes() {
    let (x, y) = (Tape::new().leaf(matrix()), Tape::new().leaf(matrix()));
    for loss in [
        x.mse_loss(&y, MEAN),
        x.l1_loss(&y, MEAN),
        x.smooth_l1_loss(&y, MEAN, 1.0),
        x.huber_loss(&y, MEAN, 1.0),
        x.kl_div(&y, MEAN),
        x.binary_cross_entropy(&y, MEAN),
        x.binary_cross_entropy_with_logits(&y, MEAN),
        x.cross_entropy(&y, MEAN),
    ] {
        let message = loss.unwrap_err().to_string();
        assert!(message.contains("tape"), "{message}");
    }
}
