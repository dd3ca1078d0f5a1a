//! What tensors answer to slices, indices, labels and rates that are bad input,
//! and to products that do not fit.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test
#![allow(clippy::reversed_empty_ranges)] // they are bad input

use wengert::{
    AdagradOptions, AdamOptions, BatchNormOptions, Reduction, RmsPropOptions, Rounding,
    RunningStats, SgdOptions, Slice, Tensor,
};
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
        x.index_by(&[Some(&list), Some(&Tensor::from([0, 1, 2]))]) => "index_by", "[2] and [3] do not broadcast";
        x.index_by(&[None, None, Some(&list)]) => "index_by", "3 indices", "[2, 3]";
        x.index_by(&[Some(&Tensor::from([2]))]) => "index_by", "index 2", "axis 0 of size 2", "[2, 3]";
        x.index_by(&[Some(&Tensor::from([i64::MIN]))]) => "index_by", "axis 0 of size 2";
        x.index_select(0, &table) => "index_select", "one axis", "[3, 2]";
        Tensor::scalar(1.0).index_select(0, &list) => "index_select", "one index", "[2]";
        Tensor::scalar(1.0).index_add(0, &list, &Tensor::from([1.0, 2.0])) => "index_add", "one index", "[2]";
        x.index_add(0, &table, &x) => "index_add", "one axis", "[3, 2]";
        x.index_add(0, &list, &small) => "index_add", "2 indices", "[2, 3]", "[1, 1]";
        x.gather(0, &list) => "gather", "index [2]", "[2, 3]";
        x.gather(1, &table) => "gather", "index [3, 2]", "[2, 3]", "axis 1";
        x.scatter_add(1, &table, &x) => "scatter_add", "index [3, 2]", "[2, 3]";
        x.scatter_add(0, &list, &x) => "scatter_add", "index [2]", "[2, 3]";
        x.scatter_add(0, &Tensor::from([[0, 0]]), &small) => "scatter_add", "index [1, 2]", "source [1, 1]";
    }
    // A mask has places, or none.
    assert_eq!(x.gt_scalar(9.0).nonzero().unwrap().shape(), [0, 2]);
}

#[test]
fn pieces_that_do_not_fit() {
    let x = matrix();
    refused! {
        x.split_with_sizes(&[1, 1], 1) => "split_with_sizes", "[1, 1]", "axis 1", "[2, 3]";
        x.split_with_sizes(&[usize::MAX, 4], 1) => "split_with_sizes", "[2, 3]";
        x.split_with_sizes(&[2], 2) => "split_with_sizes", "axis 2";
        x.view([4, -1]) => "reshape", "[2, 3]";
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
        x.vector_norm(f64::NAN) => "norm", "NaN";
        x.vector_norm_axes(f64::NAN, 0, false) => "norm", "NaN";
        x.norm_axes(f64::NAN, 0, false) => "norm", "NaN";
        x.var_axes(0, f64::NAN, false) => "var", "correction", "NaN";
        x.std_axes(0, f64::NAN, false) => "std", "correction", "NaN";
    }
}

#[test]
fn divisors_and_limits_that_do_not_fit() {
    let (x, y) = (matrix(), Tensor::from([1.0, 2.0]));
    let both = "shapes [2, 3] and [2] do not broadcast";
    let (a, zero) = (Tensor::from([[1, 2]]), Tensor::from([1, 0]));
    refused! {
        x.div_rounded(&y, Rounding::Floor) => "div_rounded", both;
        a.div_rounded(&zero, Rounding::Trunc) => "div_rounded", "divided by zero", "[2]";
        x.clamp_between(&y, &x) => "clamp_between", both;
        x.clamp_between(&x, &y) => "clamp_between", both;
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
        x.mm(&v) => "mm", "two matrices", "[2, 3] and [2]";
        x.mm(&y) => "matmul", "inner sizes 3 and 2";
        x.bmm(&y) => "bmm", "two batches", "[2, 3] and [2, 3]";
        cube.bmm(&five) => "bmm", "two batches", "[4, 3, 2]", "[5, 2, 3]";
        x.matmul(&scalar) => "matmul", "at least one axis", "[2, 3] and []";
        scalar.matmul(&x) => "matmul", "at least one axis", "[] and [2, 3]";
        cube.matmul(&five) => "matmul", "batches", "[4, 3, 2]", "[5, 2, 3]";
        x.matmul_with(&y, true, true) => "matmul", "inner sizes 2 and 3", "[2, 3] transposed and [2, 3] transposed";
        x.linear(&v, None) => "linear", "3 features", "expects 2", "[2]";
        v.linear(&v, Some(&v)) => "linear", "bias must be []", "[2]";
        x.linear(&cube, None) => "linear", "[out, in]", "[4, 3, 2]";
        x.linear_relu(&v, None) => "linear", "3 features", "expects 2", "[2]";
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
    let step = SgdOptions {
        momentum: 0.9,
        ..SgdOptions::default()
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
            SgdOptions { lr: bad, ..step },
            SgdOptions {
                weight_decay: bad,
                ..step
            },
            SgdOptions {
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

// ---------------------------------------------------------------- norms

#[test]
fn norms_that_do_not_fit() {
    let (x, zeros, three) = (matrix(), Tensor::from([0.0; 3]), Tensor::from([1.0; 3]));
    let two = Tensor::from([1.0, 1.0]);
    let options = BatchNormOptions::default();
    let own = options.use_input_stats(true);
    let batch = |x: &Tensor, mean: &Tensor, var: &Tensor, options: &BatchNormOptions| {
        let (mut mean, mut var) = (mean.clone(), var.clone());
        let running = RunningStats {
            mean: &mut mean,
            var: &mut var,
        };
        x.batch_norm(Some(running), None, None, options)
    };
    let one = Tensor::from([[1.0, 2.0, 3.0]]);
    let vector = Tensor::from([1.0, 2.0]);
    let empty: Tensor = Tensor::zeros([2, 0]).unwrap();
    let images: Tensor = Tensor::zeros([2, 3, 4]).unwrap();
    let vast: Tensor = Tensor::zeros([0, 1 << 50]).unwrap();
    refused! {
        x.batch_norm(None, None, None, &options) => "batch_norm", "running statistics are needed";
        vector.batch_norm(None, None, None, &own) => "batch_norm", "[N, C, …]", "[2]";
        Tensor::scalar(1.0f32).batch_norm(None, None, None, &own) => "batch_norm", "[N, C, …]", "[]";
        one.batch_norm(None, None, None, &own) => "batch_norm", "more than one value", "[1, 3]";
        x.batch_norm(None, Some(&two), None, &own) => "batch_norm", "weight", "[3]", "[2]";
        x.batch_norm(None, None, Some(&x), &own) => "batch_norm", "bias", "[3]", "[2, 3]";
        x.batch_norm(None, None, None, &own.eps(0.0)) => "batch_norm", "eps must be positive", "got 0";
        batch(&x, &zeros, &three, &options.eps(-1.0)) => "batch_norm", "eps must not be negative", "-1";
        batch(&x, &two, &three, &options) => "batch_norm", "running mean", "[3]", "[2]";
        batch(&x, &zeros, &two, &own) => "batch_norm", "running variance", "[3]", "[2]";
        empty.batch_norm(None, Some(&Tensor::zeros([0]).unwrap()), None, &own) => "batch_norm", "at least one channel";
        vast.batch_norm(None, None, None, &own) => "batch_norm", "does not fit into memory";
        x.instance_norm(None, None, None, &options) => "instance_norm", "more than one value", "[2, 3]";
        vector.instance_norm(None, None, None, &options) => "instance_norm", "[N, C, …]", "[2]";
        images.instance_norm(None, None, None, &options.use_input_stats(false)) => "instance_norm", "running statistics are needed";
        images.instance_norm(None, Some(&two), None, &options) => "instance_norm", "weight", "[3]", "[2]";
        vector.group_norm(1, None, None, 1e-5) => "group_norm", "[N, C, …]", "[2]";
        x.group_norm(0, None, None, 1e-5) => "group_norm", "at least one group";
        x.group_norm(2, None, None, 1e-5) => "group_norm", "2 groups do not divide 3 channels", "[2, 3]";
        one.group_norm(3, None, None, 1e-5) => "group_norm", "more than one value", "[1, 3]";
        empty.group_norm(1, None, None, 1e-5) => "group_norm", "at least one channel", "[2, 0]";
        images.group_norm(usize::MAX, None, None, 1e-5) => "group_norm", "do not divide";
        images.group_norm(3, None, Some(&two), 1e-5) => "group_norm", "bias", "[3]", "[2]";
        x.layer_norm([], None, None, 1e-5) => "layer_norm", "at least one axis";
        x.layer_norm([2], None, None, 1e-5) => "layer_norm", "[2, 3] does not end in [2]";
        x.layer_norm([1, 2, 3], None, None, 1e-5) => "layer_norm", "does not end in [1, 2, 3]";
        x.layer_norm([3], Some(&two), None, 1e-5) => "layer_norm", "weight", "[3]", "[2]";
        x.layer_norm([2, 3], None, Some(&three), 1e-5) => "layer_norm", "bias", "[2, 3]", "[3]";
        x.rms_norm([], None, None) => "rms_norm", "at least one axis";
        x.rms_norm([4], None, None) => "rms_norm", "[2, 3] does not end in [4]";
        x.rms_norm([3], Some(&two), None) => "rms_norm", "weight", "[3]", "[2]";
    }
}

/// The parts that a variable's norm is made of.
#[test]
fn plans_that_are_for_other_tensors() {
    use wengert::Standardization as Plan;
    let (x, other) = (matrix(), Tensor::from([1.0f32]));
    let own = BatchNormOptions::default();
    let (plan, _) = Plan::of_batch(&x, None, &own, true).unwrap();
    let sums = plan.gradient_sums(&x, &x).unwrap();
    let wrong = Tensor::from([1.0]);
    assert_eq!(plan.reciprocal_deviation::<f32>().unwrap().len(), 3);
    refused! {
        Plan::of_batch(&other, None, &own, true) => "batch_norm", "[N, C, …]";
        Plan::of_instances(&other, None, &own) => "instance_norm", "[N, C, …]";
        Plan::of_rows(&other, &[2], &[], 0.0, true) => "layer_norm", "does not end in";
        Plan::of_channel_groups(&other, 1, 0.0) => "group_norm", "[N, C, …]";
        plan.normalize(&other, None, None) => "batch_norm", "6 elements", "[1]";
        plan.gradient_sums(&x, &other) => "batch_norm", "6 elements", "[1]";
        plan.input_gradient(&other, &x, None, &sums) => "batch_norm", "6 elements", "[1]";
        plan.affine_gradients::<f32>(&wrong) => "batch_norm", "sums of shape [1]", "[3, 2]";
    }
}

#[test]
fn adaptive_updates_that_do_not_fit() {
    let (mut x, g, other) = (matrix(), matrix(), Tensor::from([0.0, 1.0, 2.0]));
    let [mut a, mut b, mut c] = [(); 3].map(|()| x.zeros_like());
    let mut short = other.clone();
    let (adam, rmsprop) = (AdamOptions::default(), RmsPropOptions::default());
    let adagrad = AdagradOptions::default();
    let ams = AdamOptions {
        amsgrad: true,
        ..adam
    };
    let centered = RmsPropOptions {
        centered: true,
        ..rmsprop
    };
    let heavy = RmsPropOptions {
        momentum: 0.9,
        ..rmsprop
    };
    refused! {
        x.adam_step([&mut a, &mut b], None, &other, 1, &adam) => "adam_step", "[2, 3]", "[3]";
        x.adam_step([&mut short, &mut b], None, &g, 1, &adam) => "adam_step", "[2, 3]", "[3]";
        x.adam_step([&mut a, &mut short], None, &g, 1, &adam) => "adam_step", "[2, 3]", "[3]";
        x.adam_step([&mut a, &mut b], Some(&mut short), &g, 1, &ams) => "adam_step", "[2, 3]", "[3]";
        x.adam_step([&mut a, &mut b], None, &g, 0, &adam) => "adam_step", "step 0";
        x.adam_step([&mut a, &mut b], None, &g, 1, &ams) => "adam_step", "largest second moment";
        x.adam_step([&mut a, &mut b], Some(&mut c), &g, 1, &adam) => "adam_step", "largest second moment";
        x.rmsprop_step(&mut a, [None, None], &other, &rmsprop) => "rmsprop_step", "[2, 3]", "[3]";
        x.rmsprop_step(&mut short, [None, None], &g, &rmsprop) => "rmsprop_step", "[2, 3]", "[3]";
        x.rmsprop_step(&mut a, [Some(&mut short), None], &g, &centered) => "rmsprop_step", "[2, 3]", "[3]";
        x.rmsprop_step(&mut a, [None, Some(&mut short)], &g, &heavy) => "rmsprop_step", "[2, 3]", "[3]";
        x.rmsprop_step(&mut a, [None, None], &g, &centered) => "rmsprop_step", "a mean goes with";
        x.rmsprop_step(&mut a, [None, Some(&mut b)], &g, &rmsprop) => "rmsprop_step", "a velocity with momentum";
        x.adagrad_step(&mut a, &other, 1, &adagrad) => "adagrad_step", "[2, 3]", "[3]";
        x.adagrad_step(&mut short, &g, 1, &adagrad) => "adagrad_step", "[2, 3]", "[3]";
        x.adagrad_step(&mut a, &g, 0, &adagrad) => "adagrad_step", "step 0";
        x.norm_f64(f64::NAN) => "norm_f64", "NaN";
    }
    for bad in [f64::NAN, f64::INFINITY, -0.1] {
        let says = format!("{bad}");
        let betas = AdamOptions {
            betas: (0.9, bad),
            ..adam
        };
        let eps = AdamOptions { eps: bad, ..adam };
        let alpha = RmsPropOptions {
            alpha: bad,
            ..rmsprop
        };
        let initial = AdagradOptions {
            initial_accumulator_value: bad,
            ..adagrad
        };
        refused! {
            betas.check::<f32>("adam") => "adam", "β₂", says;
            x.adam_step([&mut a, &mut b], None, &g, 1, &eps) => "adam_step", "eps", says;
            alpha.check::<f32>("rmsprop") => "rmsprop", "alpha", says;
            initial.check::<f32>("adagrad") => "adagrad", "initial accumulator value", says;
        }
    }
    assert_eq!(x, matrix(), "a refused update leaves no trace");
    assert!(a.eq_scalar(0.0).all() && b.eq_scalar(0.0).all());
}
