//! What tapes, variables and gradients answer to bad input.
//!
//! A variable's operation refuses what its tensor's refuses, in the same words.
//! Besides, a tape can be used up, variables of two tapes can meet, and a loss
//! can be no scalar: an error each. (Convolution and pooling are in
//! `bad_input_conv`.)

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use wengert::random::Generator;
use wengert::{
    Approximate, BatchNormOptions, ClipNorm, Error, Gradcheck, Parameter, Reduction, Result,
    Rounding, Slice, Tape, Tensor, Var, grad, grad_or_none, gradcheck, pull,
};
use wengert_tests::refused;

/// Axes that a variable of two axes does not have.
const BAD_AXES: [isize; 4] = [2, -3, isize::MAX, isize::MIN];

/// [[0, 1, 2], [3, 4, 5]].
fn matrix() -> Tensor {
    Tensor::from([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape).unwrap()
}

// ---------------------------------------------------------------- tapes

/// Every operation of one variable, with arguments that suit `[2, 3]`.
fn unary(x: &Var) -> Vec<(&'static str, Result<Var>)> {
    let index = Tensor::from([[0, 1]]);
    let mask = Tensor::from([[true], [false]]);
    let one = |pieces: Result<Vec<Var>>| pieces.map(|mut pieces| pieces.remove(0));
    vec![
        ("neg", x.neg()),
        ("abs", x.abs()),
        ("square", x.square()),
        ("relu", x.relu()),
        ("clamp", x.clamp(0.0, 1.0)),
        ("clamp_max", x.clamp_max(1.0)),
        ("clamp_min", x.clamp_min(0.0)),
        ("exp", x.exp()),
        ("log", x.log()),
        ("sqrt", x.sqrt()),
        ("powf", x.powf(1.5)),
        ("powi", x.powi(3)),
        ("sigmoid", x.sigmoid()),
        ("tanh", x.tanh()),
        ("relu6", x.relu6()),
        ("hardtanh", x.hardtanh(-1.0, 1.0)),
        ("leaky_relu", x.leaky_relu(0.1)),
        ("hardsigmoid", x.hardsigmoid()),
        ("hardswish", x.hardswish()),
        ("softsign", x.softsign()),
        ("elu", x.elu(1.0)),
        ("selu", x.selu()),
        ("celu", x.celu(1.0)),
        ("gelu", x.gelu(Approximate::None)),
        ("silu", x.silu()),
        ("mish", x.mish()),
        ("softplus", x.softplus(1.0, 20.0)),
        ("logsigmoid", x.logsigmoid()),
        ("erf", x.erf()),
        ("neg", x.softmin(1)),
        ("add_scalar", x.add_scalar(1.0)),
        ("mul_scalar", x.mul_scalar(2.0)),
        ("div_scalar", x.div_scalar(2.0)),
        ("masked_fill", x.masked_fill(&mask, 0.0)),
        ("reshape", x.reshape([6])),
        ("reshape", x.reshape_to([6])),
        ("reshape", x.view([6])),
        ("flatten", x.flatten(0, 1)),
        ("squeeze", x.squeeze(0)),
        ("squeeze", x.squeeze_all()),
        ("unsqueeze", x.unsqueeze(0)),
        ("permute", x.permute([1, 0])),
        ("transpose", x.transpose(0, 1)),
        ("t", x.t()),
        ("expand", x.expand([4, 2, 3])),
        ("flip", x.flip(0)),
        ("narrow", one(x.split_with_sizes(&[1, 2], 1))),
        ("narrow", one(x.split(1, 0))),
        ("narrow", one(x.chunk(2, 0))),
        ("slice", x.slice((0,))),
        ("narrow", x.narrow(0, 0, 1)),
        ("select", x.select(0, 0)),
        ("unslice", x.unslice([4, 3], (..2,))),
        ("pad", x.pad(&[(1, 1)], 0.0)),
        ("index_select", x.index_select(0, &Tensor::from([0]))),
        ("gather", x.gather(1, &index)),
        ("sum", x.sum()),
        ("sum", x.sum_axes(0, false)),
        ("sum_to", x.sum_to([3])),
        ("mean", x.mean()),
        ("mean", x.mean_axes(0, false)),
        ("var", x.var()),
        ("var", x.var_axes(0, 1.0, false)),
        ("std", x.std()),
        ("std", x.std_axes(0, 1.0, false)),
        ("norm", x.norm(2.0)),
        ("norm", x.norm_axes(2.0, 0, false)),
        ("norm", x.vector_norm(2.0)),
        ("norm", x.vector_norm_axes(2.0, 0, false)),
        ("amax", x.amax()),
        ("amax", x.amax_axes(0, false)),
        ("amin", x.amin()),
        ("amin", x.amin_axes(0, false)),
        ("softmax", x.softmax(1)),
        ("log_softmax", x.log_softmax(1)),
        ("logsumexp", x.logsumexp(1, false)),
        (
            "cross_entropy",
            x.cross_entropy(&Tensor::from([0, 2]), Reduction::Mean),
        ),
        ("dropout", x.dropout(1.0)),
        ("dropout2d", x.dropout2d(1.0)),
        ("layer_norm", x.layer_norm([3], None, None, 1e-5)),
        ("rms_norm", x.rms_norm([3], None, None)),
        ("group_norm", x.group_norm(1, None, None, 1e-5)),
        (
            "batch_norm",
            x.batch_norm(None, None, None, &BatchNormOptions::default()),
        ),
        ("neg", -x),
        ("add_scalar", x + 1.0),
        ("mul_scalar", x * 2.0),
    ]
}

/// Every operation of two variables, for a partner of the same shape.
fn binary(x: &Var, y: &Var) -> Vec<(&'static str, Result<Var>)> {
    let index = Tensor::from([0, 1]);
    let mask = Tensor::from([[true], [false]]);
    vec![
        ("add", x.add(y)),
        ("sub", x.sub(y)),
        ("mul", x.mul(y)),
        ("div", x.div(y)),
        ("pow", x.pow(y)),
        ("maximum", x.maximum(y)),
        ("minimum", x.minimum(y)),
        ("div_rounded", x.div_rounded(y, Rounding::Trunc)),
        ("clamp_between", x.clamp_between(y, y)),
        ("add", x + y),
        ("sub", x - y),
        ("mul", x * y),
        ("div", x / y),
        ("where_", Var::where_(&mask, x, y)),
        ("cat", Var::cat(&[x, y], 0)),
        ("stack", Var::stack(&[x, y], 0)),
        ("index_add", x.index_add(0, &index, y)),
        (
            "scatter_add",
            x.scatter_add(0, &Tensor::from([[0, 1, 0]]), y),
        ),
        ("matmul", x.matmul_with(y, false, true)),
        ("linear", x.linear(y, None)),
        ("linear", x.linear_relu(y, None)),
        ("mse_loss", x.mse_loss(y, Reduction::Mean)),
        ("corr2d", x.corr2d(y)),
        ("convolve2d", x.convolve2d(y)),
    ]
}

#[test]
fn operations_on_a_tape_that_was_swept() {
    let tape = Tape::new();
    let x = tape.leaf(matrix());
    let y = tape.leaf(matrix());
    x.sum().unwrap().backward().unwrap();
    for (op, answer) in unary(&x).into_iter().chain(binary(&x, &y)) {
        refused! {
            answer => op, "this tape was consumed by an earlier backward";
        }
    }
    let scalar = tape.leaf(Tensor::scalar(1.0));
    refused! {
        grad(&scalar, &[&x]) => "grad", "consumed";
        grad_or_none(&scalar, &[&x]) => "grad", "consumed";
        scalar.backward() => "backward", "consumed";
    }
}

#[test]
fn variables_of_different_tapes() {
    let (x, y) = (Tape::new().leaf(matrix()), Tape::new().leaf(matrix()));
    for (op, answer) in binary(&x, &y) {
        refused! {
            answer => op, "variables of different tapes cannot be mixed";
        }
    }
    let bias = Tape::new().leaf(zeros(&[2]));
    refused! {
        x.linear(&x, Some(&bias)) => "linear", "different tapes";
        x.linear(&y, Some(&bias)) => "linear", "different tapes";
        grad(&x.sum().unwrap(), &[&y]) => "grad", "different tapes";
        grad_or_none(&x.sum().unwrap(), &[&x, &y]) => "grad", "different tapes";
    }
}

#[test]
fn losses_that_are_none() {
    let tape = Tape::new();
    let x = tape.leaf(matrix());
    let nothing = tape.leaf(zeros(&[0]));
    let constant = tape.constant(Tensor::scalar(1.0));
    let unrecorded = Tape::inference().leaf(Tensor::scalar(1.0));
    refused! {
        x.item() => "item", "exactly one element", "[2, 3]";
        x.clone().backward() => "backward", "exactly one element", "[2, 3]";
        nothing.clone().backward() => "backward", "exactly one element", "[0]";
        grad(&x, &[&x]) => "grad", "exactly one element", "[2, 3]";
        grad_or_none(&nothing, &[&x]) => "grad", "exactly one element", "[0]";
        constant.clone().backward() => "backward", "depends on no leaf";
        grad(&constant, &[&x]) => "grad", "no gradient for input 0 (shape [2, 3])";
        grad(&x.sum().unwrap(), &[&x, &nothing]) => "grad", "no gradient for input 1 (shape [0])";
        grad(&unrecorded, &[&unrecorded]) => "grad", "this tape records nothing";
        unrecorded.clone().backward() => "backward", "this tape records nothing";
    }
    assert!(grad_or_none(&constant, &[&x]).unwrap()[0].is_none());
    // What was refused has not used the tape up.
    assert!(x.sum().unwrap().backward().is_ok());
}

#[test]
fn records_that_are_wrong() {
    let tape = Tape::new();
    let x = tape.leaf(matrix());
    let pass = || pull(|g: &Var| Ok(g.clone()));
    let other = Tape::new().leaf(matrix());
    refused! {
        Var::<f32>::record("mine", matrix(), []) => "mine", "at least one input";
        Var::record("mine", matrix(), [(&x, pass()), (&other, pass())]) => "mine", "different tapes";
    }
    // A rule whose gradient has a shape that its input could not be broadcast to.
    let shrunk = pull(|g: &Var| Ok(g.constant(Tensor::zeros([2, 2])?)));
    let y = Var::record("mine", Tensor::scalar(0.0), [(&x, shrunk)]).unwrap();
    refused! {
        grad(&y, &[&x]) => "mine", "gradient of shape [2, 2] for an input of shape [2, 3]";
        y.backward() => "mine", "gradient of shape [2, 2] for an input of shape [2, 3]";
    }
    // A rule that fails, and one that speaks of another tape.
    let tape = Tape::new();
    let x = tape.leaf(Tensor::scalar(1.0));
    let failing = pull(|_: &Var| Err(Error::value("mine", "not today")));
    let y = Var::record("mine", Tensor::scalar(0.0), [(&x, failing)]).unwrap();
    let foreign = pull(|_: &Var| Ok(Tape::new().leaf(Tensor::scalar(1.0))));
    let z = Var::record("mine", Tensor::scalar(0.0), [(&x, foreign)]).unwrap();
    refused! {
        grad(&y, &[&x]) => "mine", "not today";
        grad(&z, &[&x]) => "mine", "different tapes";
    }
}

#[test]
fn norms_that_do_not_fit() {
    let tape = Tape::new();
    let (x, other) = (tape.leaf(matrix()), Tape::new().leaf(zeros(&[3])));
    let two = tape.leaf(zeros(&[2]));
    let options = BatchNormOptions::default();
    refused! {
        x.batch_norm(None, Some(&two), None, &options) => "batch_norm", "weight", "[3]", "[2]";
        x.batch_norm(None, None, Some(&other), &options) => "batch_norm", "different tapes";
        x.batch_norm(None, None, None, &options.use_input_stats(false)) => "batch_norm", "running statistics are needed";
        x.instance_norm(None, None, None, &options) => "instance_norm", "more than one value", "[2, 3]";
        x.group_norm(2, None, None, 1e-5) => "group_norm", "2 groups do not divide 3 channels";
        x.layer_norm([2], None, None, 1e-5) => "layer_norm", "does not end in [2]";
        x.layer_norm([3], Some(&other), None, 1e-5) => "mul", "different tapes";
        x.rms_norm([], None, None) => "rms_norm", "at least one axis";
        x.dropout2d(1.5) => "dropout2d", "[0, 1]", "1.5";
        two.dropout2d(0.5) => "dropout2d", "[N, C, …]", "[2]";
    }
}

#[test]
fn draws_without_a_generator() {
    let tape = Tape::<f32>::new();
    let x = tape.leaf(matrix());
    let seeded = Tape::<f32>::new().with_rng(&mut Generator::new(0));
    let y = seeded.leaf(matrix());
    refused! {
        tape.draw("mine", |rng| Tensor::<f32>::rand([2], rng)) => "mine", "no random generator";
        x.dropout(0.5) => "dropout", "no random generator";
        x.dropout(1.5) => "dropout", "[0, 1]", "1.5";
        x.dropout(-0.5) => "dropout", "[0, 1]", "-0.5";
        x.dropout(f64::NAN) => "dropout", "[0, 1]", "NaN";
        // A draw from within a draw.
        seeded.draw("outer", |_| y.dropout(0.5)) => "dropout", "in use";
        seeded.draw("outer", |_| seeded.draw("inner", |_| Ok(()))) => "inner", "in use";
    }
    assert!(y.dropout(0.5).is_ok(), "and it is back afterwards");
}

#[test]
fn values_that_are_not_finite() {
    let tape = Tape::new().detect_anomaly();
    let x = tape.leaf(Tensor::from([1.0, 0.0]));
    let y = x.sqrt().unwrap().sum().unwrap();
    refused! {
        x.log() => "log", "-inf at element 1", "[2]";
        x.div(&x) => "div", "NaN at element 1", "[2]";
        y.backward() => "gradient of sqrt, at div", "inf at element 1", "[2]";
    }
}

// ---------------------------------------------------------------- operations

#[test]
fn axes_out_of_range() {
    let tape = Tape::new();
    let (x, y) = (tape.leaf(matrix()), tape.leaf(matrix()));
    let index = Tensor::from([[0, 0]]);
    let list = Tensor::from([0]);
    for axis in BAD_AXES {
        let says = format!("axis {axis} is out of range for a tensor of 2 axes");
        refused! {
            x.flatten(axis, -1) => "flatten", says;
            x.squeeze(axis) => "squeeze", says;
            x.split_with_sizes(&[1, 1], axis) => "split_with_sizes", says;
            x.vector_norm_axes(2.0, axis, false) => "norm", says;
            x.permute([0, axis]) => "permute", says;
            x.transpose(0, axis) => "transpose", says;
            x.flip(axis) => "flip", says;
            Var::cat(&[&x, &y], axis) => "cat", says;
            x.split(1, axis) => "split", says;
            x.chunk(2, axis) => "chunk", says;
            x.narrow(axis, 0, 1) => "narrow", says;
            x.select(axis, 0) => "select", says;
            x.index_select(axis, &list) => "index_select", says;
            x.gather(axis, &index) => "gather", says;
            x.index_add(axis, &list, &y) => "index_add", says;
            x.scatter_add(axis, &index, &y) => "scatter_add", says;
            x.sum_axes(axis, false) => "sum", says;
            x.mean_axes(axis, false) => "mean", says;
            x.var_axes(axis, 1.0, false) => "var", says;
            x.std_axes(axis, 1.0, false) => "std", says;
            x.norm_axes(2.0, axis, false) => "norm", says;
            x.amax_axes(axis, false) => "amax", says;
            x.amin_axes(axis, false) => "amin", says;
            x.softmax(axis) => "softmax", says;
            x.log_softmax(axis) => "log_softmax", says;
            x.logsumexp(axis, false) => "logsumexp", says;
        }
    }
    for axis in [3, -4, isize::MAX, isize::MIN] {
        let says = format!("axis {axis} is out of range for a tensor of 3 axes");
        refused! {
            x.unsqueeze(axis) => "unsqueeze", says;
            Var::stack(&[&x, &y], axis) => "stack", says;
        }
    }
    refused! {
        x.sum_axes([1, -1], false) => "sum", "twice", "[1, -1]";
        x.flip([0, 0]) => "flip", "twice", "[0, 0]";
        x.flatten(1, 0) => "flatten", "first axis 1", "last 0";
        x.permute([0]) => "permute", "every axis", "[2, 3]";
        x.unsqueeze(0).unwrap().t() => "t", "at most 2 axes", "[1, 2, 3]";
    }
}

#[test]
fn shapes_that_do_not_fit() {
    let tape = Tape::new();
    let x = tape.leaf(matrix());
    let y = tape.leaf(Tensor::from([1.0, 2.0]));
    let scalar = tape.leaf(Tensor::scalar(1.0));
    let mask = Tensor::from([true, false]);
    let both = "shapes [2, 3] and [2] do not broadcast";
    let mean = Reduction::Mean;
    refused! {
        x.add(&y) => "add", both;
        x.sub(&y) => "sub", both;
        x.mul(&y) => "mul", both;
        x.div(&y) => "div", both;
        x.pow(&y) => "pow", both;
        x.maximum(&y) => "maximum", both;
        x.minimum(&y) => "minimum", both;
        &x + &y => "add", both;
        x.div_rounded(&y, Rounding::Floor) => "div_rounded", both;
        x.clamp_between(&y, &x) => "clamp_between", both;
        x.clamp_between(&x, &y) => "clamp_between", both;
        x.masked_fill(&mask, 0.0) => "masked_fill", both;
        Var::where_(&mask, &y, &x) => "where_", "[2]", "[2, 3]";
        x.expand([2, 2]) => "expand", "[2, 3]", "[2, 2]";
        x.expand([2, usize::MAX]) => "expand", "[2, 3]";
        scalar.expand([2, usize::MAX]) => "expand", "does not fit into memory";
        x.expand([-1, 2, 3]) => "expand", "[2, 3]", "[-1, 2, 3]";
        x.view([4, -1]) => "reshape", "[2, 3]";
        x.split_with_sizes(&[1, 1], 1) => "split_with_sizes", "[1, 1]", "axis 1", "[2, 3]";
        x.sum_to([2]) => "sum_to", "[2]", "[2, 3]";
        x.reshape([4, -1]) => "reshape", "[2, 3]";
        x.reshape_to([usize::MAX, 2]) => "reshape", "does not fit into memory";
        x.matmul(&x) => "matmul", "inner sizes 3 and 2", "[2, 3] and [2, 3]";
        x.matmul(&scalar) => "matmul", "at least one axis", "[]";
        x.matmul_with(&y, false, true) => "matmul", "inner sizes 3 and 2";
        x.mm(&y) => "mm", "two matrices", "[2, 3] and [2]";
        x.bmm(&x) => "bmm", "two batches", "[2, 3] and [2, 3]";
        x.linear(&y, None) => "linear", "3 features", "expects 2";
        x.linear(&scalar, None) => "linear", "[out, in] or [in]", "[]";
        x.linear(&x, Some(&scalar)) => "linear", "bias", "[2]", "[]";
        y.linear(&x, None) => "linear", "2 features", "expects 3";
        x.linear_relu(&y, None) => "linear", "3 features", "expects 2";
        x.linear_relu(&x, Some(&scalar)) => "linear", "bias", "[2]", "[]";
        Var::<f32>::cat(&[], 0) => "cat", "at least one tensor";
        Var::<f32>::stack(&[], 0) => "stack", "at least one tensor";
        Var::cat(&[&x, &y], 0) => "cat", "tensor 1", "[2]", "[2, 3]";
        Var::stack(&[&x, &y], 0) => "stack", "tensor 1", "[2]", "[2, 3]";
        x.split(0, 0) => "split", "size 0";
        x.chunk(0, 0) => "chunk", "got 0";
        x.mse_loss(&y, mean) => "mse_loss", "[2, 3] and [2]";
        x.cross_entropy(&Tensor::from([0, 1, 2]), mean) => "cross_entropy", "[2]", "[2, 3]", "[3]";
        x.cross_entropy(&Tensor::from([0, 3]), mean) => "cross_entropy", "label 3 at [1]", "3 classes";
        scalar.cross_entropy(&Tensor::scalar(0), mean) => "cross_entropy", "axis of classes";
        tape.leaf(zeros(&[2, 0])).amax() => "amax", "nothing to choose from", "[2, 0]";
        tape.leaf(zeros(&[2, 0])).amin() => "amin", "nothing to choose from", "[2, 0]";
        tape.leaf(zeros(&[0])).norm(f64::INFINITY) => "norm", "p = inf", "[0]";
        x.norm(f64::NAN) => "norm", "NaN";
        x.vector_norm(f64::NAN) => "norm", "NaN";
        x.var_axes(0, f64::NAN, false) => "var", "correction", "NaN";
    }
}

#[test]
fn parts_and_indices_that_are_not_there() {
    let tape = Tape::new();
    let x = tape.leaf(matrix());
    let row = x.select(0, 0).unwrap();
    for index in [2, -3, isize::MAX, isize::MIN] {
        let says = format!("index {index} is out of range for axis 0 of size 2");
        refused! {
            x.slice((index,)) => "slice", says, "[2, 3]";
            x.select(0, index) => "select", says, "[2, 3]";
            row.unslice([2, 3], (index,)) => "unslice", says, "[2, 3]";
            x.narrow(0, index, 1) => "narrow", format!("from {index}"), "[2, 3]";
        }
    }
    for index in [3, -1, i64::MAX, i64::MIN] {
        let says = format!("index {index} at");
        let (list, table) = (Tensor::from([index]), Tensor::from([[index], [0]]));
        refused! {
            x.index_select(1, &list) => "index_select", says, "axis 1 of size 3";
            x.index_by(&[None, Some(&list.map(|i| if i < 0 { i.saturating_sub(3) } else { i }))]) => "index_by", "axis 1 of size 3";
            x.gather(1, &table) => "gather", says, "axis 1 of size 3";
            x.index_add(1, &list, &x.narrow(1, 0, 1).unwrap()) => "index_add", says, "axis 1 of size 3";
            x.scatter_add(1, &table, &x) => "scatter_add", says, "axis 1 of size 3";
        }
    }
    refused! {
        x.index_by(&[None, None, None]) => "index_by", "3 indices", "[2, 3]";
        x.slice((.., .., ..)) => "slice", "3 slices for 2 axes";
        x.slice((Slice::from(..).step(0),)) => "slice", "step", "got 0";
        x.unslice([2, 2], (.., ..)) => "unslice", "[2, 2]", "[2, 3]";
        row.unslice([usize::MAX, 3], (0,)) => "unslice", "[18446744073709551615, 3]";
        x.narrow(1, 1, usize::MAX) => "narrow", "18446744073709551615 positions";
        x.pad(&[(-2, -2)], 0.0) => "pad", "more is cropped", "[2, 3]";
        x.pad(&[(isize::MIN, isize::MIN)], 0.0) => "pad", "more is cropped";
        x.pad(&[(isize::MAX, isize::MAX)], 0.0) => "pad", "does not fit into memory";
        x.pad(&[(0, 0); 3], 0.0) => "pad", "more pairs than axes";
        x.gather(0, &Tensor::from([0])) => "gather", "index [1]", "[2, 3]";
        x.scatter_add(0, &Tensor::from([0]), &x) => "scatter_add", "index [1]", "[2, 3]";
        x.index_add(0, &Tensor::from([[0]]), &x) => "index_add", "one axis", "[1, 1]";
    }
}

// ---------------------------------------------------------------- gradients

#[test]
fn gradients_that_do_not_fit() {
    let mut p: Parameter = Parameter::new(matrix());
    let gradients = |p: &Parameter| {
        let tape = Tape::new();
        tape.parameter(p).sum().and_then(Var::backward).unwrap()
    };
    let mut grads = gradients(&p);
    refused! {
        grads.clip_norm(f64::NAN) => "clip_norm", "must not be negative", "NaN";
        grads.clip_norm(-1.0) => "clip_norm", "must not be negative", "-1";
        grads.clip_norm(ClipNorm::new(1.0).norm_type(f64::NAN)) => "clip_norm", "NaN";
        grads.norm(f64::NAN) => "norm", "NaN";
        grads.clip_value(f64::NAN) => "clip_value", "must not be negative", "NaN";
        grads.clip_value(-0.5) => "clip_value", "must not be negative", "-0.5";
        p.set(zeros(&[3, 2])) => "set", "[2, 3]", "[3, 2]";
    }
    assert_eq!(p.value(), &matrix());
    *p.value_mut() = zeros(&[4]);
    let other = gradients(&p);
    refused! {
        grads.accumulate(other) => "accumulate", "[2, 3]", "[4]";
    }
    assert_eq!(grads.get(&p), Some(&Tensor::ones([2, 3]).unwrap()));
    grads.scale(f32::INFINITY);
    refused! {
        grads.clip_norm(ClipNorm::new(1.0).error_if_nonfinite(true)) => "clip_norm", "inf", "cannot be clipped";
    }
}

#[test]
fn checks_that_check_nothing() {
    let x = [Tensor::from([1.0, 2.0])];
    let square = |x: &[Var<f64>]| x[0].square();
    let check = Gradcheck::default();
    for step in [0.0, -1e-6, f64::NAN, f64::INFINITY] {
        refused! {
            Gradcheck { step, ..check }.check(square, &x) => "gradcheck", "step must be positive", format!("{step}");
        }
    }
    refused! {
        Gradcheck { order: 0, ..check }.check(square, &x) => "gradcheck", "order", "0";
        Gradcheck { atol: f64::NAN, ..check }.check(square, &x) => "gradcheck";
        Gradcheck { rtol: -1.0, atol: 0.0, ..check }.check(square, &x) => "gradcheck";
        gradcheck(|x| x[0].matmul(&x[0].unsqueeze(0)?), &x) => "matmul", "inner sizes 2 and 1";
    }
}
