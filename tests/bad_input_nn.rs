//! What layers, losses, initialisers and optimisers answer to bad input.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use wengert::confusion_matrix;
use wengert::init::{self, FanMode, Nonlinearity};
use wengert::prelude::*;
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
        Linear::builder(0, 3).build::<f32, _>(rng) => "linear", "at least one feature", "0 to 3";
        Linear::builder(3, 0).build::<f32, _>(rng) => "linear", "at least one feature", "3 to 0";
        Linear::builder(1 << 40, 1 << 40).build::<f32, _>(rng) => "linear", "[1099511627776, 1099511627776]", "does not fit into memory";
        Linear::builder(usize::MAX, 1).build::<f64, _>(rng) => "linear", "[1, 18446744073709551615]";
        Dropout::new(1.5) => "dropout", "[0, 1]", "1.5";
        Dropout::new(-0.5) => "dropout", "[0, 1]", "-0.5";
        Dropout::new(f64::NAN) => "dropout", "[0, 1]", "NaN";
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
    refused! {
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
        MseLoss::new().forward(&scores, &zeros(&[3])) => "mse_loss", "prediction [2, 3]", "target [3]";
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
