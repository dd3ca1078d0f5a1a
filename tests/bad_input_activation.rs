//! What activations answer to options and slopes that make no sense, and to
//! gradients that do not fit: tensors, variables and layers.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use wengert::prelude::*;
use wengert::{
    Approximate, Celu, Hardtanh, LogSoftmax, Prelu, Softmax, Softmax2d, Softmin, Tape, Var,
};
use wengert_tests::refused;

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape).unwrap()
}

fn leaf(shape: &[usize]) -> Var {
    Tape::new().leaf(zeros(shape))
}

#[test]
fn options_that_make_no_sense() {
    let (x, y) = (zeros(&[2, 3]), leaf(&[2, 3]));
    let grad = || zeros(&[2, 3]);
    refused! {
        x.celu(0.0) => "celu", "alpha must not be 0";
        x.celu(-0.0) => "celu", "alpha must not be 0";
        x.celu_backward(grad(), 0.0) => "celu", "alpha must not be 0";
        y.celu(0.0) => "celu", "alpha must not be 0";
        x.hardtanh(1.0, -1.0) => "hardtanh", "min must not be greater than max", "1 and -1";
        x.hardtanh_backward(grad(), 1.0, -1.0) => "hardtanh_backward", "min must not be greater", "1 and -1";
        y.hardtanh(f32::INFINITY, 0.0) => "hardtanh", "min must not be greater", "inf and 0";
        Hardtanh::new(1.0, 1.0) => "hardtanh", "min must be less than max", "1 and 1";
        Hardtanh::new(f64::NAN, 1.0) => "hardtanh", "min must be less than max", "NaN and 1";
        Celu::new(0.0).forward(&y) => "celu", "alpha must not be 0";
        Prelu::<f32>::new(1 << 62, 0.25) => "full", "[4611686018427387904]", "does not fit into memory";
    }
}

#[test]
fn gradients_that_do_not_fit() {
    let x = zeros(&[2, 3]);
    for wrong in [&[3, 2][..], &[3], &[2, 1], &[], &[1, 2, 3], &[0, 3]] {
        let grad = || zeros(wrong);
        let says = format!("the gradient has shape {wrong:?}, the input [2, 3]");
        refused! {
            x.relu6_backward(grad()) => "relu6_backward", says;
            x.hardtanh_backward(grad(), -1.0, 1.0) => "hardtanh_backward", says;
            x.leaky_relu_backward(grad(), 0.1) => "leaky_relu_backward", says;
            x.hardsigmoid_backward(grad()) => "hardsigmoid_backward", says;
            x.hardswish_backward(grad()) => "hardswish_backward", says;
            x.softsign_backward(grad()) => "softsign_backward", says;
            x.elu_backward(grad(), 1.0) => "elu_backward", says;
            x.selu_backward(grad()) => "selu_backward", says;
            x.celu_backward(grad(), 1.0) => "celu_backward", says;
            x.gelu_backward(grad(), Approximate::Tanh) => "gelu_backward", says;
            x.silu_backward(grad()) => "silu_backward", says;
            x.mish_backward(grad()) => "mish_backward", says;
            x.softplus_backward(grad(), 1.0, 20.0) => "softplus_backward", says;
            x.logsigmoid_backward(grad()) => "logsigmoid_backward", says;
            x.erf_backward(grad()) => "erf_backward", says;
        }
    }
}

#[test]
fn slopes_that_do_not_fit() {
    for (input, weight, says) in [
        (
            &[2, 3][..],
            &[2][..],
            "the weight has 2 elements, the input 3 channels",
        ),
        (
            &[2, 3],
            &[0],
            "the weight has 0 elements, the input 3 channels",
        ),
        (
            &[3],
            &[3],
            "the weight has 3 elements, the input 1 channels",
        ),
        (&[], &[2], "the weight has 2 elements, the input 1 channels"),
        (&[2, 3], &[1, 3], "the weight must have at most one axis"),
        (&[2, 3], &[1, 1], "the weight must have at most one axis"),
    ] {
        let (x, w) = (zeros(input), zeros(weight));
        let tape = Tape::new();
        let (on_tape, slopes) = (tape.leaf(x.clone()), tape.leaf(w.clone()));
        let shapes = format!("(input {input:?}, weight {weight:?})");
        refused! {
            x.prelu(&w) => "prelu", says, shapes;
            on_tape.prelu(&slopes) => "prelu", says, shapes;
        }
    }
    refused! {
        leaf(&[2, 3]).prelu(&leaf(&[3])) => "prelu", "different tapes";
        Prelu::new(2, 0.25).unwrap().forward(&leaf(&[2, 3])) => "prelu", "2 elements", "3 channels";
    }
}

#[test]
fn axes_that_are_not_there() {
    let (x, y) = (zeros(&[2, 3]), leaf(&[2, 3]));
    for axis in [2, -3, isize::MAX, isize::MIN] {
        let says = format!("axis {axis}");
        refused! {
            x.softmin(axis) => "softmin", says;
            y.softmin(axis) => "softmin", says;
            Softmax::new(axis).forward(&y) => "softmax", says;
            Softmin::new(axis).forward(&y) => "softmin", says;
            LogSoftmax::new(axis).forward(&y) => "log_softmax", says;
        }
    }
    refused! {
        zeros(&[]).softmin(1) => "softmin", "axis 1";
        Softmax2d.forward(&y) => "softmax2d", "[C, H, W]", "[2, 3]";
        Softmax2d.forward(&leaf(&[1, 2, 3, 4, 5])) => "softmax2d", "[1, 2, 3, 4, 5]";
    }
}
