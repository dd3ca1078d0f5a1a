//! Groups, memory and state of all optimisers. (Their formulas are compared with
//! PyTorch's in tests/fixtures/training.)

use autograd::{Gradients, Parameter, Tape};
use tensor::{Result, Tensor};

use crate::{Adagrad, Adam, AdamW, Optimizer, OptimizerState, Rates, RmsProp, Sgd};

type Model = Vec<Parameter<f64>>;

fn model() -> Model {
    let values = [vec![1.0, -2.0, 0.5], vec![3.0]];
    let tensors = values.map(|x| Tensor::from_vec([x.len()], x).unwrap());
    tensors.map(Parameter::new).into()
}

/// The gradients of Σ p² / 2: the values.
fn gradients(model: &Model) -> Gradients<f64> {
    let tape = Tape::new();
    let squares = model.iter().map(|p| tape.parameter(p).square()?.sum());
    let loss = squares.reduce(|a, b| a?.add(&b?)).unwrap().unwrap();
    loss.mul_scalar(0.5).unwrap().backward().unwrap()
}

fn step(model: &mut Model, optimizer: &mut dyn Optimizer<f64>) -> Result<()> {
    let gradients = gradients(model);
    optimizer.step(model, &gradients)
}

fn values(model: &Model) -> Vec<f64> {
    model.iter().flat_map(|p| p.value().to_vec()).collect()
}

/// All optimisers, with whatever they can remember.
fn all() -> Vec<Box<dyn Optimizer<f64>>> {
    vec![
        Box::new(Sgd::new(0.1).unwrap()),
        Box::new(Sgd::builder(0.1).momentum(0.9).build().unwrap()),
        Box::new(Adam::builder(0.1).amsgrad(true).build().unwrap()),
        Box::new(Adam::new(0.1).unwrap()),
        Box::new(AdamW::new(0.1).unwrap()),
        Box::new(RmsProp::new(0.1).unwrap()),
        Box::new(
            RmsProp::builder(0.1)
                .momentum(0.5)
                .centered(true)
                .build()
                .unwrap(),
        ),
        Box::new(
            Adagrad::builder(0.1)
                .lr_decay(0.5)
                .initial_accumulator_value(0.1)
                .build()
                .unwrap(),
        ),
    ]
}

#[test]
fn the_first_group_that_picks_a_parameter_has_it() {
    let mut sgd: Sgd<f64> = Sgd::builder(0.5)
        .group(|name| name == "1", |group| group.lr = 0.25)
        .group(|_| true, |group| group.maximize = true)
        .momentum(0.5)
        .build()
        .unwrap();
    assert_eq!(sgd.lrs(), [0.5, 0.25, 0.5]);
    // Whatever was set after a group holds for it, too.
    assert_eq!(sgd.momenta(), Some(vec![0.5; 3]));
    let mut model = model();
    step(&mut model, &mut sgd).unwrap();
    assert_eq!(values(&model), [1.5, -3.0, 0.75, 2.25]);

    sgd.set_lr(1.0).unwrap();
    assert_eq!(sgd.lrs(), [1.0; 3]);
    sgd.set_lrs(&[0.0, 0.5, 0.0]).unwrap();
    assert!(sgd.set_lrs(&[0.0, 0.5]).is_err() && sgd.set_lrs(&[0.0, 0.5, -1.0]).is_err());
    assert_eq!(sgd.lrs(), [0.0, 0.5, 0.0]);
}

#[test]
fn a_group_that_cannot_be_refuses_the_whole() {
    let bad = Sgd::builder(0.5).group(|_| false, |group| group.nesterov = true);
    assert!(bad.build::<f64>().is_err());
    let bad = Adam::builder(0.5).group(|_| false, |group| group.betas = (0.9, 1.0));
    assert!(bad.build::<f64>().is_err());
}

#[test]
fn a_restored_optimiser_goes_on_to_the_bit() {
    for (mut one, mut other) in all().into_iter().zip(all()) {
        for stop in 0..3 {
            let mut model = model();
            for _ in 0..stop {
                step(&mut model, &mut *one).unwrap();
            }
            one.set_lr(0.05).unwrap();
            let mut copy = model.clone();
            other.load_state(&one.state()).unwrap();
            assert_eq!((other.lr(), other.momenta()), (0.05, one.momenta()));
            assert_eq!(other.state(), one.state());
            for _ in 0..3 {
                step(&mut model, &mut *one).unwrap();
                step(&mut copy, &mut *other).unwrap();
                assert_eq!(values(&model), values(&copy), "{:?}", one.state());
            }
        }
    }
}

/// The state of Adam with AMSGrad after a step.
fn state() -> OptimizerState<f64> {
    let mut adam = Adam::builder(0.1).amsgrad(true).build().unwrap();
    step(&mut model(), &mut adam).unwrap();
    adam.state()
}

#[test]
fn states_have_pytorchs_names() {
    let names: Vec<String> = state().tensors.into_keys().collect();
    let of =
        |i: usize| ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"].map(|slot| format!("{i}.{slot}"));
    assert_eq!(names, [of(0), of(1)].concat());
    let mut bare = Parameter::new(Tensor::from([1.0]));
    let grads = Tape::new()
        .parameter(&bare)
        .sum()
        .unwrap()
        .backward()
        .unwrap();
    let mut sgd = Sgd::builder(0.1).momentum(0.5).build().unwrap();
    sgd.step(&mut bare, &grads).unwrap();
    // A parameter by itself has no name.
    let mut again: Sgd<f64> = Sgd::builder(0.1).momentum(0.5).build().unwrap();
    again.load_state(&sgd.state()).unwrap();
    assert_eq!(again.state(), sgd.state());
}

#[test]
fn a_state_that_does_not_fit_is_refused_and_changes_nothing() {
    fn with(change: impl FnOnce(&mut OptimizerState<f64>)) -> OptimizerState<f64> {
        let mut state = state();
        change(&mut state);
        state
    }
    let mut adam: Adam<f64> = Adam::builder(0.3).amsgrad(true).build().unwrap();
    let before = adam.state();
    let one = Tensor::from([1.0]);
    for (bad, words) in [
        (with(|s| s.kind = "sgd".into()), "that of `sgd`"),
        (
            with(|s| {
                s.numbers.remove("group0.lr");
            }),
            "`group0.lr`",
        ),
        (
            with(|s| {
                s.numbers.remove("group0.momentum");
            }),
            "`group0.momentum`",
        ),
        (
            with(|s| {
                s.numbers.insert("group0.lr".into(), -1.0);
            }),
            "learning rate",
        ),
        (
            with(|s| {
                s.numbers.insert("group0.momentum".into(), 1.0);
            }),
            "β₁",
        ),
        (
            with(|s| {
                s.numbers.insert("group1.lr".into(), 0.1);
            }),
            "1 groups",
        ),
        (
            with(|s| {
                s.counters.remove("0.step");
            }),
            "`0.exp_avg`",
        ),
        (
            with(|s| {
                s.counters.insert("0.steps".into(), 1);
            }),
            "`0.steps`",
        ),
        (
            with(|s| {
                s.tensors.remove("0.exp_avg");
            }),
            "`0.exp_avg`",
        ),
        (
            with(|s| {
                s.tensors.remove("1.max_exp_avg_sq");
            }),
            "`1.max_exp_avg_sq`",
        ),
        (
            with(|s| {
                s.tensors.insert("1.sum".into(), one.clone());
            }),
            "`1.sum`",
        ),
        (
            with(|s| {
                s.tensors.insert("sum".into(), one.clone());
            }),
            "`sum`",
        ),
        (
            with(|s| {
                s.tensors.insert("0.exp_avg".into(), one.clone());
            }),
            "[1]",
        ),
    ] {
        let error = adam.load_state(&bad).unwrap_err().to_string();
        assert!(
            error.starts_with("adam: ") && error.contains(words),
            "{error}"
        );
        assert_eq!(adam.state(), before, "{words}");
    }
    adam.load_state(&state()).unwrap();
}

#[test]
fn a_state_of_another_model_is_noticed_at_the_first_step() {
    let mut adam: Adam<f64> = Adam::builder(0.1).amsgrad(true).build().unwrap();
    adam.load_state(&state()).unwrap();
    let mut short: Model = model().into_iter().take(1).collect();
    let error = step(&mut short, &mut adam).unwrap_err().to_string();
    assert!(error.contains("a parameter `1`"), "{error}");
    assert_eq!(values(&short), [1.0, -2.0, 0.5]);

    let mut swapped: Model = model().into_iter().rev().collect();
    let error = step(&mut swapped, &mut adam).unwrap_err().to_string();
    assert!(
        error.contains("`0` has shape [1], its `exp_avg` [3]"),
        "{error}"
    );
}

#[test]
fn frozen_parameters_are_not_counted() {
    let mut model = model();
    let mut adam = Adam::<f64>::new(0.1).unwrap();
    model[1].set_frozen(true);
    step(&mut model, &mut adam).unwrap();
    model[1].set_frozen(false);
    step(&mut model, &mut adam).unwrap();
    let counters = adam.state().counters;
    assert_eq!(counters.into_values().collect::<Vec<_>>(), [2, 1]);
    // The first step of Adam is as long as the rate.
    assert!((model[1].value().get([0]).unwrap() - 2.9).abs() < 1e-8);
}

#[test]
fn micro_batches_make_up_a_batch() {
    let (mut whole, mut parts) = (model(), model());
    let (mut one, mut other) = (
        Adam::<f64>::new(0.1).unwrap(),
        Adam::<f64>::new(0.1).unwrap(),
    );
    for _ in 0..3 {
        step(&mut whole, &mut one).unwrap();
        let mut sum = gradients(&parts);
        for _ in 1..4 {
            sum.accumulate(gradients(&parts)).unwrap();
        }
        sum.scale(0.25);
        other.step(&mut parts, &sum).unwrap();
    }
    assert_eq!(values(&whole), values(&parts));
}

#[test]
fn what_has_no_momentum_says_so() {
    let mut adagrad = Adagrad::<f64>::new(0.1).unwrap();
    assert_eq!(adagrad.momenta(), None);
    let error = adagrad.set_momenta(&[0.9]).unwrap_err().to_string();
    assert!(error.starts_with("adagrad: "), "{error}");
}
