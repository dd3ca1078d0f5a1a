//! What layers, losses, initialisers and optimisers answer to bad input.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use wengert::confusion_matrix;
use wengert::init::{self, FanMode, Nonlinearity};
use wengert::prelude::*;
use wengert::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, CircularPad2d, ConstantPad2d, ConvTranspose2d, Fold,
    PaddingMode, ReflectionPad2d, ReplicationPad2d, Unflatten, Unfold, UnfoldOptions, Upsample,
    ZeroPad2d,
};
use wengert_tests::refused;

fn rng() -> Generator {
    Generator::new(0)
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape).unwrap()
}

/// The output for zeros of this shape.
fn run(module: &impl Module, shape: &[usize]) -> Result<Var> {
    module.forward(&Tape::new().constant(zeros(shape)))
}

// ---------------------------------------------------------------- layers

#[test]
fn layers_that_cannot_be_built() {
    let rng = &mut rng();
    let conv = Conv2d::builder(4, 8, 3);
    refused! {
        Conv2d::builder(0, 8, 3).build::<f32, _>(rng) => "conv2d", "at least one channel", "0 to 8";
        Conv2d::builder(4, 0, 3).build::<f32, _>(rng) => "conv2d", "at least one channel", "4 to 0";
        Conv2d::builder(4, 8, (0, 3)).build::<f32, _>(rng) => "conv2d", "kernel size must be positive", "[0, 3]";
        conv.stride(0).build::<f32, _>(rng) => "conv2d", "stride must be positive", "[0, 0]";
        conv.dilation((1, 0)).build::<f32, _>(rng) => "conv2d", "dilation must be positive", "[1, 0]";
        conv.groups(0).build::<f32, _>(rng) => "conv2d", "0 groups", "4 input and 8 output";
        conv.groups(3).build::<f32, _>(rng) => "conv2d", "3 groups", "4 input and 8 output";
        conv.groups(8).build::<f32, _>(rng) => "conv2d", "8 groups", "4 input and 8 output";
        conv.padding(Padding::Same).stride(2).build::<f32, _>(rng) => "conv2d", "`Same` needs stride 1", "[2, 2]";
        Conv2d::builder(1 << 40, 1 << 40, 3).build::<f32, _>(rng) => "conv2d", "[1099511627776, 1099511627776, 3, 3]", "does not fit into memory";
        Conv2d::builder(4, 8, 1 << 40).build::<f32, _>(rng) => "conv2d", "[8, 4, 1099511627776, 1099511627776]", "does not fit into memory";
        Conv2d::builder(4, 8, usize::MAX).build::<f32, _>(rng) => "conv2d", "address space";
        ConvTranspose2d::builder(0, 8, 3).build::<f32, _>(rng) => "conv_transpose2d", "1 groups do not divide 0 input";
        ConvTranspose2d::builder(4, 8, (0, 3)).build::<f32, _>(rng) => "conv_transpose2d", "kernel size must be positive", "[0, 3]";
        ConvTranspose2d::builder(4, 8, 3).groups(0).build::<f32, _>(rng) => "conv_transpose2d", "0 groups", "4 input and 8 output";
        ConvTranspose2d::builder(4, 6, 3).groups(4).build::<f32, _>(rng) => "conv_transpose2d", "4 groups", "4 input and 6 output";
        ConvTranspose2d::builder(4, 8, 3).stride((1, 0)).build::<f32, _>(rng) => "conv_transpose2d", "stride must be positive", "[1, 0]";
        ConvTranspose2d::builder(4, 8, 3).dilation(0).build::<f32, _>(rng) => "conv_transpose2d", "dilation must be positive";
        ConvTranspose2d::builder(4, 8, 3).stride(2).output_padding((1, 2)).build::<f32, _>(rng) => "conv_transpose2d", "output padding must be below", "[1, 2]";
        ConvTranspose2d::builder(1 << 40, 1 << 40, 3).build::<f32, _>(rng) => "conv_transpose2d", "does not fit into memory";
        ConvTranspose2d::builder(usize::MAX, 1, 1).build::<f32, _>(rng) => "conv_transpose2d", "does not fit into memory";
        Linear::builder(0, 3).build::<f32, _>(rng) => "linear", "at least one feature", "0 to 3";
        Linear::builder(3, 0).build::<f32, _>(rng) => "linear", "at least one feature", "3 to 0";
        Linear::builder(1 << 40, 1 << 40).build::<f32, _>(rng) => "linear", "[1099511627776, 1099511627776]", "does not fit into memory";
        Linear::builder(usize::MAX, 1).build::<f64, _>(rng) => "linear", "[1, 18446744073709551615]";
        Dropout::new(1.5) => "dropout", "[0, 1]", "1.5";
        Dropout::new(-0.5) => "dropout", "[0, 1]", "-0.5";
        Dropout::new(f64::NAN) => "dropout", "[0, 1]", "NaN";
        Dropout2d::new(1.5) => "dropout2d", "[0, 1]", "1.5";
        BatchNorm2d::builder(0).build::<f32>() => "batch_norm", "at least one channel";
        BatchNorm1d::builder(2).track_running_stats(false).frozen(true).build::<f32>() => "batch_norm", "frozen";
        BatchNorm2d::builder(1 << 60).build::<f64>() => "ones", "[1152921504606846976]", "does not fit into memory";
        InstanceNorm2d::builder(0).build::<f32>() => "instance_norm", "at least one channel";
        GroupNorm::builder(3, 4).build::<f32>() => "group_norm", "3 groups do not divide 4 channels";
        GroupNorm::builder(0, 4).build::<f32>() => "group_norm", "0 groups do not divide 4 channels";
        LayerNorm::builder([]).build::<f32>() => "layer_norm", "at least one axis";
        RmsNorm::builder([]).build::<f32>() => "rms_norm", "at least one axis";
    }
    let model = Sequential::<f32>::new().add_named("act", Relu).unwrap();
    for (name, why) in [
        ("", "must have letters"),
        ("a.b", "no dot"),
        ("7", "is a position"),
        ("act", "is taken"),
    ] {
        refused! {
            model.clone().add_named(name, Relu) => "add_named", format!("`{name}`"), why;
        }
    }
}

#[test]
fn inputs_that_do_not_fit_a_layer() {
    let rng = &mut rng();
    let conv: Conv2d = Conv2d::builder(4, 8, 3).build(rng).unwrap();
    let linear: Linear = Linear::builder(3, 2).build(rng).unwrap();
    let mirrored: Conv2d = Conv2d::builder(4, 8, 3)
        .padding(usize::MAX)
        .padding_mode(PaddingMode::Reflect)
        .build(rng)
        .unwrap();
    let up: ConvTranspose2d = ConvTranspose2d::builder(4, 8, 3).build(rng).unwrap();
    let windows = UnfoldOptions::new(2);
    refused! {
        run(&mirrored, &[2, 4, 6, 6]) => "pad", "shorter than its axis", "[2, 4, 6, 6]";
        run(&up, &[2, 3, 6, 6]) => "conv_transpose2d", "input has 3 channels, weight expects 4";
        run(&AdaptiveAvgPool2d::new(2), &[4, 4]) => "adaptive_avg_pool2d", "[4, 4]";
        run(&AdaptiveMaxPool2d::new((None, 2)), &[1, 0, 4, 4]) => "adaptive_max_pool2d", "[1, 0, 4, 4]";
        run(&ZeroPad2d::new(-2), &[1, 3, 3]) => "pad", "more is cropped", "[1, 3, 3]";
        run(&ConstantPad2d::new((0, 0, isize::MIN, 0), 1.0), &[1, 3, 3]) => "pad", "more is cropped";
        run(&ReflectionPad2d::new(3), &[1, 3, 3]) => "pad", "shorter than its axis", "[1, 3, 3]";
        run(&ReplicationPad2d::new(1), &[3, 3]) => "pad", "one or two axes more", "[3, 3]";
        run(&CircularPad2d::new((4, 0, 0, 0)), &[1, 3, 3]) => "pad", "longer than what it goes around";
        run(&Upsample::size([0]), &[1, 1, 4, 4]) => "interpolate", "nothing would be left";
        run(&Upsample::scale_factor([2.0]), &[4, 4]) => "interpolate", "[4, 4]";
        run(&Unfold::from(windows), &[1, 1, 4]) => "unfold", "kernel [2, 2]";
        run(&Unfold::new(0), &[1, 4, 4]) => "unfold", "kernel size must be positive";
        run(&Fold::new(4, windows), &[4, 8]) => "fold", "3 · 3 windows", "[4, 8]";
        run(&Unflatten::new(2, [2, 2]), &[3, 4]) => "unflatten", "axis 2";
        run(&Unflatten::new(1, [3, 2]), &[3, 4]) => "unflatten", "axis 1 of size 4", "[3, 2]", "[3, 4]";
        run(&Unflatten::new(1, [-1, -1]), &[3, 4]) => "unflatten", "[-1, -1]";
        run(&Unflatten::new(1, [-1, 3]), &[3, 4]) => "unflatten", "[-1, 3]";
        run(&Unflatten::new(1, [0, -1]), &[3, 0]) => "unflatten", "[0, -1]";
        run(&Unflatten::new(1, []), &[3, 1]) => "unflatten", "[]";
        run(&Unflatten::new(0, [isize::MAX, isize::MAX]), &[3, 4]) => "unflatten", "axis 0 of size 3";
        run(&conv, &[2, 3, 6, 6]) => "conv2d", "input has 3 channels, weight expects 4", "[2, 3, 6, 6]", "[8, 4, 3, 3]";
        run(&conv, &[2, 4, 2, 6]) => "conv2d", "kernel [3, 3]", "padded input [2, 6]";
        run(&conv, &[6, 6]) => "conv2d", "[6, 6]";
        run(&linear, &[5, 4]) => "linear", "4 features", "expects 3", "[5, 4]", "[2, 3]";
        run(&linear, &[]) => "linear", "at least one axis";
        run(&MaxPool2d::new(2), &[3, 1, 4]) => "max_pool2d", "kernel [2, 2]", "[1, 4]";
        run(&MaxPool2d::new(2).padding(2), &[3, 4, 4]) => "max_pool2d", "half the kernel";
        run(&MaxPool2d::new(2).stride(0), &[3, 4, 4]) => "max_pool2d", "stride must be positive";
        run(&MaxPool2d::new(2).dilation(0), &[3, 4, 4]) => "max_pool2d", "dilation must be positive";
        run(&MaxPool2d::new(0), &[3, 4, 4]) => "max_pool2d", "kernel size must be positive";
        run(&AvgPool2d::new(2), &[3, 1, 4]) => "avg_pool2d", "kernel [2, 2]", "[1, 4]";
        run(&AvgPool2d::new(2).divisor_override(0), &[3, 4, 4]) => "avg_pool2d", "divisor_override must not be 0";
        run(&AvgPool2d::new(2).padding((0, 2)), &[3, 4, 4]) => "avg_pool2d", "half the kernel";
        run(&Flatten::new(), &[]) => "flatten", "axis 1 is out of range";
        run(&Flatten::new(), &[3]) => "flatten", "axis 1 is out of range";
        run(&Flatten { start: 2, end: 1 }, &[1, 1, 1]) => "flatten", "first axis 2", "last 1";
        run(&Flatten { start: 0, end: isize::MIN }, &[1]) => "flatten", format!("axis {}", isize::MIN);
        run(&Dropout::new(0.5).unwrap(), &[3]) => "dropout", "no random generator";
        run(&Dropout2d::new(0.5).unwrap(), &[3]) => "dropout2d", "[N, C, …]", "[3]";
        run(&Dropout2d::new(0.5).unwrap(), &[2, 3]) => "dropout2d", "no random generator";
        run(&BatchNorm2d::builder(3).build().unwrap(), &[2, 4, 5, 5]) => "batch_norm", "3 channels", "[2, 4, 5, 5]";
        run(&BatchNorm2d::builder(3).build().unwrap(), &[2, 3]) => "batch_norm", "[N, C, H, W]", "[2, 3]";
        run(&BatchNorm1d::builder(3).build().unwrap(), &[3]) => "batch_norm", "[N, C]", "[3]";
        run(&BatchNorm1d::builder(3).build().unwrap(), &[1, 3]) => "batch_norm", "more than one value", "[1, 3]";
        run(&InstanceNorm2d::builder(3).affine(true).build().unwrap(), &[2, 4, 5, 5]) => "instance_norm", "weight", "[4]", "[3]";
        run(&InstanceNorm1d::builder(3).build().unwrap(), &[3]) => "instance_norm", "2 or 3 axes", "[3]";
        run(&GroupNorm::builder(2, 4).build().unwrap(), &[2, 3]) => "group_norm", "2 groups do not divide 3 channels";
        run(&LayerNorm::builder([4]).build().unwrap(), &[2, 3]) => "layer_norm", "[2, 3] does not end in [4]";
        run(&RmsNorm::builder([4]).build().unwrap(), &[2, 3]) => "rms_norm", "[2, 3] does not end in [4]";
    }
}

#[test]
fn errors_name_the_layer_that_they_come_from() {
    let rng = &mut rng();
    let block: Sequential = Sequential::new()
        .add(Relu)
        .add_named(
            "conv",
            Conv2d::builder(4, 8, 3).build::<f32, _>(rng).unwrap(),
        )
        .unwrap();
    let model = Sequential::new().add_named("features", block).unwrap();
    let says =
        "conv2d: input has 3 channels, weight expects 4 (input [3, 6, 6], weight [8, 4, 3, 3])";
    let message = format!("in layer `features.conv`: {says}");
    let x = Tape::new().constant(zeros(&[3, 6, 6]));
    assert_eq!(model.forward(&x).unwrap_err().to_string(), message);
    assert_eq!(model.forward_all(&x).unwrap_err().to_string(), message);
    assert_eq!(summary(&model, [3, 6, 6]).unwrap_err().to_string(), message);
}

#[test]
fn inputs_that_have_no_summary() {
    let model: Sequential = Sequential::new().add(Relu);
    let pool: Sequential = Sequential::new().add(MaxPool2d::new(1 << 40).padding(1 << 39));
    refused! {
        summary(&model, [1 << 62, 3]) => "summary", "[4611686018427387904, 3]", "does not fit into memory";
        summary(&model, [0, 1, 1 << 59, 2]) => "summary", "must have elements", "[0, 1, 576460752303423488, 2]";
    }
    // A window far larger than what it sees.
    let field = summary(&pool, [1, 1, 1]).unwrap().rows[0]
        .field
        .clone()
        .unwrap();
    assert_eq!(field.inputs([0, 0]), [0..1, 0..1]);
    assert_eq!(field.inputs([usize::MAX, 9]), [0..0, 0..0]);
    assert_eq!(summary(&model, []).unwrap().rows.len(), 1);
}

// ---------------------------------------------------------------- losses

#[test]
fn targets_that_do_not_fit() {
    let tape = Tape::new();
    let scores = tape.leaf(zeros(&[2, 3]));
    let logits = zeros(&[2, 3]);
    let cross_entropy = CrossEntropyLoss::default();
    refused! {
        MseLoss::new().forward(&scores, &scores.constant(zeros(&[2]))) => "mse_loss", "[2, 3] and [2]";
        cross_entropy.forward(&scores, &Tensor::from([0, 1, 2])) => "cross_entropy", "labels must have shape [2]", "[2, 3]", "[3]";
        accuracy(&logits, &Tensor::from([0, 1, 2])) => "accuracy", "[N, classes]", "[2, 3]", "[3]";
        accuracy(&zeros(&[3]), &Tensor::from([0, 1, 2])) => "accuracy", "[N, classes]", "[3]";
        accuracy(&zeros(&[1, 0]), &Tensor::from([0])) => "accuracy", "label 0 at [0]", "0 classes";
        confusion_matrix(&logits, &Tensor::from([0])) => "confusion_matrix", "[N, classes]", "[2, 3]", "[1]";
        confusion_matrix(&zeros(&[0, 1 << 40]), &Tensor::zeros([0]).unwrap()) => "confusion_matrix", "[1099511627776, 1099511627776]", "does not fit into memory";
    }
    for label in [3, -1, i64::MAX, i64::MIN] {
        let labels = Tensor::from([0, label]);
        let says = format!("label {label} at [1]");
        refused! {
            cross_entropy.forward(&scores, &labels) => "cross_entropy", says, "3 classes";
            accuracy(&logits, &labels) => "accuracy", says, "3 classes";
            confusion_matrix(&logits, &labels) => "confusion_matrix", says, "3 classes";
        }
    }
    // What is ignored need not be a class; of nothing there is no share.
    let skipping = CrossEntropyLoss::new(wengert::CrossEntropyOptions::default().ignore_index(-1));
    assert!(skipping.forward(&scores, &Tensor::from([0, -1])).is_ok());
    assert!(
        accuracy(&zeros(&[0, 3]), &Tensor::zeros([0]).unwrap())
            .unwrap()
            .is_nan()
    );
}

// ---------------------------------------------------------------- initialisers

#[test]
fn weights_that_cannot_be_initialised() {
    let rng = &mut rng();
    let (fan_in, relu) = (FanMode::FanIn, Nonlinearity::Relu);
    let leaky = Nonlinearity::LeakyRelu(f64::NAN);
    let (huge, says) = ([1 << 62, 3], "[4611686018427387904, 3]");
    refused! {
        init::fans(&[3]) => "fans", "at least two axes", "[3]";
        init::fans(&[]) => "fans", "at least two axes", "[]";
        init::fans(&huge) => "fans", says, "does not fit into memory";
        init::fans(&[1, usize::MAX, 2]) => "fans", "[1, 18446744073709551615, 2]";
        init::kaiming_uniform::<f32, _>([3], fan_in, relu, rng) => "kaiming_uniform", "at least two axes", "[3]";
        init::kaiming_normal::<f32, _>([3], fan_in, relu, rng) => "kaiming_normal", "at least two axes", "[3]";
        init::xavier_uniform::<f32, _>([3], relu, rng) => "xavier_uniform", "at least two axes", "[3]";
        init::xavier_normal::<f32, _>([3], relu, rng) => "xavier_normal", "at least two axes", "[3]";
        init::kaiming_uniform::<f32, _>(huge, fan_in, relu, rng) => "kaiming_uniform", says;
        init::kaiming_normal::<f32, _>(huge, fan_in, relu, rng) => "kaiming_normal", says;
        init::xavier_uniform::<f32, _>(huge, relu, rng) => "xavier_uniform", says;
        init::xavier_normal::<f32, _>(huge, relu, rng) => "xavier_normal", says;
        init::kaiming_uniform::<f32, _>([3, 0], fan_in, relu, rng) => "kaiming_uniform", "[3, 0]", "fan of 0";
        init::kaiming_normal::<f32, _>([0, 3], FanMode::FanOut, relu, rng) => "kaiming_normal", "[0, 3]", "fan of 0";
        init::xavier_uniform::<f32, _>([0, 0], relu, rng) => "xavier_uniform", "[0, 0]", "fan of 0";
        init::xavier_normal::<f32, _>([2, 3, 0], relu, rng) => "xavier_normal", "[2, 3, 0]", "fan of 0";
        init::kaiming_uniform::<f32, _>([3, 3], fan_in, leaky, rng) => "kaiming_uniform", "NaN";
        init::kaiming_normal::<f32, _>([3, 3], fan_in, leaky, rng) => "kaiming_normal", "NaN";
        init::xavier_uniform::<f32, _>([3, 3], leaky, rng) => "xavier_uniform", "NaN";
        init::xavier_normal::<f32, _>([3, 3], leaky, rng) => "xavier_normal", "NaN";
    }
}

// ---------------------------------------------------------------- optimisers

#[test]
fn rates_that_are_none() {
    for bad in [f64::NAN, f64::INFINITY, -0.1] {
        let says = format!("{bad}");
        let mut sgd = Sgd::<f32>::new(0.1).unwrap();
        refused! {
            Sgd::<f32>::new(bad) => "sgd", "learning rate", says;
            Sgd::builder(bad).build::<f32>() => "sgd", "learning rate", says;
            Sgd::builder(0.1).momentum(bad).build::<f32>() => "sgd", "momentum", says;
            Sgd::builder(0.1).weight_decay(bad).build::<f32>() => "sgd", "weight decay", says;
            sgd.set_lr(bad) => "sgd", "learning rate", says;
        }
        assert_eq!(sgd.lr(), 0.1);
    }
    refused! {
        Sgd::builder(0.1).momentum(0.9).dampening(f64::NAN).build::<f32>() => "sgd", "dampening", "NaN";
        Sgd::builder(0.1).nesterov(true).build::<f32>() => "sgd", "Nesterov", "momentum 0";
        Sgd::builder(0.1).momentum(0.9).dampening(0.5).nesterov(true).build::<f32>() => "sgd", "Nesterov", "dampening 0.5";
    }
}

#[test]
fn steps_that_cannot_be_taken() {
    let mut model: Sequential = Sequential::new()
        .add(Linear::builder(3, 2).build::<f32, _>(&mut rng()).unwrap())
        .add(Linear::builder(2, 2).build::<f32, _>(&mut rng()).unwrap());
    let mut sgd = Sgd::builder(0.1).momentum(0.9).build().unwrap();
    let values = |model: &Sequential| -> Vec<Tensor> {
        let parameters = model.named_parameters().into_iter();
        parameters.map(|(_, p)| p.value().clone()).collect()
    };
    let grads = |module: &dyn Module, features: usize| {
        let x = Tape::new().constant(Tensor::ones([1, features]).unwrap());
        module
            .forward(&x)
            .unwrap()
            .sum()
            .unwrap()
            .backward()
            .unwrap()
    };

    // A loss that does not reach the second layer.
    let partial = grads(model.get(0).unwrap(), 3);
    let before = values(&model);
    refused! {
        sgd.step(&mut model, &partial) => "sgd", "no gradient for parameter `1.weight`";
    }
    assert_eq!(values(&model), before, "no parameter has moved");
    let mut lenient = Sgd::builder(0.1).allow_missing(true).build().unwrap();
    assert!(lenient.step(&mut model, &partial).is_ok());

    // A parameter that changed its shape since.
    let stale = grads(&model, 3);
    let before = values(&model);
    *model.named_parameters_mut()[3].1.value_mut() = zeros(&[5]);
    refused! {
        sgd.step(&mut model, &stale) => "sgd", "`1.bias`", "[5]", "[2]";
    }
    assert_eq!(values(&model)[..3], before[..3], "no parameter has moved");

    // A model whose parameters have the names, but not the shapes, of another.
    let (mut small, mut large) = (
        Linear::builder(3, 2).build::<f32, _>(&mut rng()).unwrap(),
        Linear::builder(3, 4).build::<f32, _>(&mut rng()).unwrap(),
    );
    let of_small = grads(&small, 3);
    sgd.step(&mut small, &of_small).unwrap();
    let (of_large, before) = (grads(&large, 3), large.weight.value().clone());
    refused! {
        sgd.step(&mut large, &of_large) => "sgd", "`weight`", "[4, 3]", "[2, 3]";
    }
    assert_eq!(large.weight.value(), &before);
}

#[test]
fn states_that_are_of_something_else() {
    use wengert::{Clock, OptimizerState, SchedulerState};
    let state = OptimizerState::<f32>::new("adam");
    let schedule = SchedulerState::new("step_lr");
    let mut sgd: Sgd = Sgd::new(0.1).unwrap();
    let mut adam: Adam = Adam::new(0.1).unwrap();
    let mut step_lr = StepLr::new(3, 0.1).unwrap();
    let mut unknown = adam.state();
    unknown
        .tensors
        .insert("w.momentum".into(), Tensor::scalar(0.0));
    refused! {
        state.check_kind("sgd", "sgd") => "sgd", "the state is that of `adam`, not of `sgd`";
        state.number("adam", "group0.lr") => "adam", "the state has no `group0.lr`";
        schedule.check_kind("exponential_lr", "exponential_lr") => "exponential_lr", "`step_lr`";
        schedule.counter("step_lr", "step") => "step_lr", "the state has no `step`";
        schedule.number("step_lr", "base_lr.0") => "step_lr", "the state has no `base_lr.0`";
        sgd.load_state(&state) => "sgd", "the state is that of `adam`";
        adam.load_state(&state) => "adam", "the state has no `group0.lr`";
        adam.load_state(&unknown) => "adam", "the state has `w.momentum`";
        step_lr.load_state(&SchedulerState::new("linear_lr")) => "step_lr", "`linear_lr`";
    }
    assert_eq!(sgd.lr(), 0.1, "a refused state changes nothing");

    // Schedules that were not started, or for another optimiser.
    let mut clock = Clock::default();
    refused! {
        clock.next("mine", &sgd) => "mine", "the schedule was not started";
        clock.step("mine", &mut sgd, |at| at.lr) => "mine", "the schedule was not started";
        clock.load_state("mine", &schedule) => "mine", "the state is that of `step_lr`";
        step_lr.step(&mut sgd) => "step_lr", "the schedule was not started";
    }
    let mut two: Sgd = Sgd::builder(0.1)
        .group(|name| name == "bias", |group| group.lr = 0.2)
        .build()
        .unwrap();
    clock.start(&[0.1], &mut sgd, |at| at.lr).unwrap();
    refused! {
        clock.next("mine", &two) => "mine", "2 groups of parameters, at the start it had 1";
        clock.start(&[0.1], &mut sgd, |_| f64::NAN) => "sgd", "learning rate must be finite";
        SequentialLr::new(StepLr::new(3, 0.1).unwrap()).then(5, StepLr::new(3, 0.1).unwrap()).unwrap()
            .then(5, StepLr::new(3, 0.1).unwrap()) => "sequential_lr", "5";
    }
    step_lr.start(&mut two).unwrap();
    assert!(step_lr.step(&mut sgd).is_err());
}
