//! What tensors answer to slices, indices, labels and rates that are bad input,
//! and to products that do not fit.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test
#![allow(clippy::reversed_empty_ranges)] // they are bad input

use wengert::{Reduction, SgdStep, Slice, Tensor};
use wengert_tests::refused;

/// [[0, 1, 2], [3, 4, 5]].
fn matrix() -> Tensor {
    Tensor::from([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
}

// ---------------------------------------------------------------- parts

#[test]
fn slices_that_are_not_there() {
    let mut x = matrix();
    let value = Tensor::from([1.0, 2.0]);
    for index in [3, -4, isize::MAX, isize::MIN] {
        let says = format!("index {index} is out of range for axis 1 of size 3");
        refused! {
            x.slice((.., index)) => "slice", says, "[2, 3]";
            x.slice_fill((.., index), 0.0) => "slice_fill", says, "[2, 3]";
            x.slice_assign((.., index), &value) => "slice_assign", says, "[2, 3]";
            value.unslice([2, 3], (.., index)) => "unslice", says, "[2, 3]";
            x.select(1, index) => "select", says, "[2, 3]";
            x.narrow(1, index, 1) => "narrow", format!("1 positions from {index}"), "size 3", "[2, 3]";
        }
    }
    let nowhere = Slice::from(..).step(0);
    refused! {
        x.slice((.., .., ..)) => "slice", "3 slices for 2 axes", "[2, 3]";
        x.slice_fill((.., .., 1), 0.0) => "slice_fill", "3 slices for 2 axes", "[2, 3]";
        x.slice((nowhere,)) => "slice", "step", "got 0", "axis 0", "[2, 3]";
        x.slice_fill((nowhere,), 0.0) => "slice_fill", "step", "got 0";
        x.slice_assign((nowhere,), &value) => "slice_assign", "step", "got 0";
        value.unslice([2, 3], (nowhere,)) => "unslice", "step", "got 0";
        x.slice_assign((0,), &value) => "slice_assign", "[2]", "slice of shape [3]";
        x.slice_assign((.., 0), &matrix()) => "slice_assign", "[2, 3]", "slice of shape [2]";
        value.unslice([2, 3], (0,)) => "unslice", "the slice has shape [3], the tensor [2]", "[2, 3]";
        x.narrow(1, 2, 2) => "narrow", "2 positions from 2", "axis 1", "size 3", "[2, 3]";
        x.narrow(1, -1, 2) => "narrow", "2 positions from -1", "[2, 3]";
        x.narrow(1, 1, usize::MAX) => "narrow", "18446744073709551615 positions", "[2, 3]";
        x.narrow(0, isize::MIN, usize::MAX) => "narrow", "[2, 3]";
    }
    assert_eq!(x, matrix(), "a refused write leaves no trace");
    // Ranges are clipped, as in Python, whatever their bounds.
    let far = x
        .slice((isize::MIN..isize::MAX, isize::MAX..isize::MIN))
        .unwrap();
    assert_eq!(far.shape(), [2, 0]);
    let sparse = x.slice((Slice::from(..).step(usize::MAX),)).unwrap();
    assert_eq!(sparse.shape(), [1, 3]);
}

#[test]
fn margins_that_do_not_fit() {
    let x = matrix();
    refused! {
        x.pad(&[(0, 0); 3], 0.0) => "pad", "more pairs than axes", "[2, 3]";
        x.pad(&[(-2, -2)], 0.0) => "pad", "more is cropped", "[2, 3]", "[(-2, -2)]";
        x.pad(&[(isize::MIN, 0)], 0.0) => "pad", "more is cropped", "[2, 3]";
        x.pad(&[(0, 0), (isize::MIN, isize::MAX)], 0.0) => "pad", "more is cropped", "[2, 3]";
    }
}

#[test]
fn indices_out_of_range() {
    let x = matrix();
    for index in [3, -1, i64::MAX, i64::MIN] {
        let says = format!("index {index} at");
        let (list, table) = (Tensor::from([0, index]), Tensor::from([[0, 1], [2, index]]));
        refused! {
            x.index_select(1, &list) => "index_select", says, "[1]", "axis 1 of size 3";
            x.index_add(1, &list, &Tensor::zeros([2, 2]).unwrap()) => "index_add", says, "axis 1 of size 3";
            x.gather(1, &table) => "gather", says, "[1, 1]", "axis 1 of size 3";
            x.scatter_add(1, &table, &Tensor::zeros([2, 2]).unwrap()) => "scatter_add", says, "[1, 1]", "axis 1 of size 3";
            list.one_hot::<f32>(3) => "one_hot", format!("label {index} at [1]"), "3 classes";
        }
    }
    refused! {
        Tensor::from([0]).one_hot::<f32>(0) => "one_hot", "label 0", "0 classes";
    }
}

#[test]
fn indices_of_the_wrong_shape() {
    let x = matrix();
    let (list, table) = (Tensor::from([0, 1]), Tensor::from([[0, 1], [0, 1], [0, 1]]));
    let small = Tensor::from([[0.0]]);
    refused! {
        x.index_select(0, &table) => "index_select", "one axis", "[3, 2]";
        x.index_select(0, &Tensor::scalar(0)) => "index_select", "one axis", "[]";
        x.index_add(0, &table, &x) => "index_add", "one axis", "[3, 2]";
        x.index_add(0, &list, &small) => "index_add", "2 indices", "[2, 3]", "[1, 1]";
        x.gather(0, &list) => "gather", "index [2]", "[2, 3]";
        x.gather(1, &table) => "gather", "index [3, 2]", "[2, 3]", "axis 1";
        x.scatter_add(1, &table, &x) => "scatter_add", "index [3, 2]", "[2, 3]";
        x.scatter_add(0, &list, &x) => "scatter_add", "index [2]", "[2, 3]";
        x.scatter_add(0, &Tensor::from([[0, 0]]), &small) => "scatter_add", "index [1, 2]", "source [1, 1]";
    }
}

// ---------------------------------------------------------------- arithmetic

#[test]
fn extremes_of_nothing() {
    let x = Tensor::<f32>::zeros([2, 0]).unwrap();
    refused! {
        x.amax() => "amax", "nothing to choose from", "[2, 0]";
        x.amin() => "amin", "nothing to choose from", "[2, 0]";
        x.argmax() => "argmax", "nothing to choose from", "[2, 0]";
        x.argmin() => "argmin", "nothing to choose from", "[2, 0]";
        x.amax_axes(1, true) => "amax", "nothing to choose from", "[2, 0]";
        x.amin_axes([0, 1], false) => "amin", "nothing to choose from", "[2, 0]";
        x.argmax_axis(1, false) => "argmax", "nothing to choose from", "[2, 0]";
        x.argmin_axis(-1, true) => "argmin", "nothing to choose from", "[2, 0]";
        x.norm(f64::INFINITY) => "norm", "p = inf", "[2, 0]";
        x.norm(-1.0) => "norm", "p = -1", "[2, 0]";
        x.norm_axes(f64::NEG_INFINITY, 1, false) => "norm", "p = -inf", "[2, 0]";
    }
    // Where the result is empty as well there is nothing to choose.
    assert_eq!(x.amax_axes(0, false).unwrap().shape(), [0]);
    assert_eq!(x.argmin_axis(0, true).unwrap().shape(), [1, 0]);
}

#[test]
fn numbers_that_are_none() {
    let x = matrix();
    refused! {
        x.norm(f64::NAN) => "norm", "NaN";
        x.norm_axes(f64::NAN, 0, false) => "norm", "NaN";
        x.var_axes(0, f64::NAN, false) => "var", "correction", "NaN";
        x.std_axes(0, f64::NAN, false) => "std", "correction", "NaN";
    }
}

#[test]
fn products_that_do_not_fit() {
    let (x, y, v) = (matrix(), matrix(), Tensor::from([1.0, 2.0]));
    let scalar = Tensor::scalar(1.0);
    let cube = Tensor::zeros([4, 3, 2]).unwrap();
    let five = Tensor::zeros([5, 2, 3]).unwrap();
    refused! {
        x.matmul(&y) => "matmul", "inner sizes 3 and 2", "[2, 3] and [2, 3]";
        x.matmul(&v) => "matmul", "inner sizes 3 and 2", "[2, 3] and [2]";
        x.matmul(&scalar) => "matmul", "at least one axis", "[2, 3] and []";
        scalar.matmul(&x) => "matmul", "at least one axis", "[] and [2, 3]";
        cube.matmul(&five) => "matmul", "batches", "[4, 3, 2]", "[5, 2, 3]";
        x.matmul_with(&y, true, true) => "matmul", "inner sizes 2 and 3", "[2, 3] transposed and [2, 3] transposed";
        x.linear(&v, None) => "linear", "[out, in]", "[2]";
        x.linear(&cube, None) => "linear", "[out, in]", "[4, 3, 2]";
        x.linear_relu(&v, None) => "linear", "[out, in]", "[2]";
        x.linear_relu(&y, Some(&scalar)) => "linear", "bias", "[2]", "[]";
        scalar.linear(&x, None) => "linear", "at least one axis", "[]";
        v.linear(&x, None) => "linear", "2 features", "expects 3", "[2]", "[2, 3]";
        x.linear(&y, Some(&Tensor::zeros([3]).unwrap())) => "linear", "bias", "[2]", "[3]";
        x.linear(&y, Some(&scalar)) => "linear", "bias", "[2]", "[]";
    }
}

#[test]
fn labels_that_do_not_fit() {
    let scores = matrix();
    let one = Tensor::scalar(1.0);
    for label in [3, -1, i64::MAX, i64::MIN] {
        let labels = Tensor::from([0, label]);
        let says = format!("label {label} at [1] is out of range for 3 classes");
        refused! {
            scores.cross_entropy(&labels, Reduction::Mean) => "cross_entropy", says, "[2, 3]", "[2]";
            scores.cross_entropy_grad(&labels, &Tensor::from([1.0, 1.0]), -100) => "cross_entropy_grad", says;
        }
    }
    let labels = Tensor::from([0, 1]);
    let sum = Reduction::Sum;
    refused! {
        one.cross_entropy(&labels, sum) => "cross_entropy", "axis of classes", "[]";
        scores.cross_entropy(&Tensor::from([0, 1, 2]), sum) => "cross_entropy", "labels must have shape [2]", "[2, 3]", "[3]";
        scores.cross_entropy(&Tensor::scalar(0), sum) => "cross_entropy", "labels must have shape [2]", "labels []";
        Tensor::<f32>::zeros([2, 3, 4]).unwrap().cross_entropy(&labels, sum) => "cross_entropy", "labels must have shape [2, 4]";
        Tensor::<f32>::zeros([2, 0]).unwrap().cross_entropy(&labels, sum) => "cross_entropy", "label 0", "0 classes";
        scores.cross_entropy_grad(&labels, &one, -100) => "cross_entropy_grad", "labels [2]", "[]";
        scores.cross_entropy_grad(&labels, &scores, -100) => "cross_entropy_grad", "labels [2]", "[2, 3]";
    }
}

#[test]
fn updates_that_do_not_fit() {
    let mut x = matrix();
    let (mut velocity, other) = (x.zeros_like(), Tensor::from([0.0, 1.0, 2.0]));
    let step = SgdStep {
        lr: 0.1,
        momentum: 0.9,
        dampening: 0.0,
        weight_decay: 0.0,
        nesterov: false,
    };
    refused! {
        x.add_assign(&other) => "add_assign", "[2, 3]", "[3]";
        x.add_scaled(1.0, &other) => "add_scaled", "[2, 3]", "[3]";
        x.relu_backward_assign(&other) => "relu_backward_assign", "[2, 3]", "[3]";
        x.sgd_step(&other, &step) => "sgd_step", "[2, 3]", "[3]";
        x.sgd_momentum_step(&mut velocity, &other, &step) => "sgd_momentum_step", "[2, 3]", "[3]";
        x.sgd_momentum_step(&mut other.clone(), &matrix(), &step) => "sgd_momentum_step", "[2, 3]", "[3]";
    }
    for bad in [f64::NAN, f64::INFINITY, -0.1] {
        let says = format!("{bad}");
        let (lr, decay, momentum) = (
            SgdStep { lr: bad, ..step },
            SgdStep {
                weight_decay: bad,
                ..step
            },
            SgdStep {
                momentum: bad,
                ..step
            },
        );
        refused! {
            x.sgd_step(&matrix(), &lr) => "sgd_step", "learning rate", says;
            x.sgd_step(&matrix(), &decay) => "sgd_step", "weight decay", says;
            x.sgd_momentum_step(&mut velocity, &matrix(), &lr) => "sgd_momentum_step", "learning rate", says;
            x.sgd_momentum_step(&mut velocity, &matrix(), &momentum) => "sgd_momentum_step", "momentum", says;
        }
    }
    assert_eq!(x, matrix(), "a refused update leaves no trace");
}
