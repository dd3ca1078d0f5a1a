//! What optimisers and schedules answer to bad input.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use wengert::prelude::*;
use wengert::{Clock, OptimizerState, SchedulerState};
use wengert_tests::refused;

const NONE: [f64; 3] = [f64::NAN, f64::INFINITY, -0.1];

fn sgd() -> Sgd {
    Sgd::builder(0.1).momentum(0.9).build().unwrap()
}

#[test]
fn options_with_which_nothing_descends() {
    for bad in NONE {
        let says = format!("{bad}");
        refused! {
            Adam::<f32>::new(bad) => "adam", "learning rate", says;
            Adam::builder(0.1).eps(bad).build::<f32>() => "adam", "eps", says;
            Adam::builder(0.1).weight_decay(bad).build::<f32>() => "adam", "weight decay", says;
            Adam::builder(0.1).betas((bad, 0.9)).build::<f32>() => "adam", "β₁", says;
            AdamW::<f64>::new(bad) => "adamw", "learning rate", says;
            AdamW::builder(0.1).betas((0.9, bad)).build::<f32>() => "adamw", "β₂", says;
            RmsProp::<f64>::new(bad) => "rmsprop", "learning rate", says;
            RmsProp::builder(0.1).alpha(bad).build::<f32>() => "rmsprop", "alpha", says;
            RmsProp::builder(0.1).eps(bad).build::<f32>() => "rmsprop", "eps", says;
            RmsProp::builder(0.1).momentum(bad).build::<f32>() => "rmsprop", "momentum", says;
            RmsProp::builder(0.1).weight_decay(bad).build::<f32>() => "rmsprop", "weight decay", says;
            Adagrad::<f64>::new(bad) => "adagrad", "learning rate", says;
            Adagrad::builder(0.1).lr_decay(bad).build::<f32>() => "adagrad", "lr decay", says;
            Adagrad::builder(0.1).weight_decay(bad).build::<f32>() => "adagrad", "weight decay", says;
            Adagrad::builder(0.1).initial_accumulator_value(bad).build::<f32>() => "adagrad", "initial accumulator value", says;
            Adagrad::builder(0.1).eps(bad).build::<f32>() => "adagrad", "eps", says;
            Sgd::builder(0.1).group(|_| false, move |group| group.lr = bad).build::<f32>() => "sgd", "learning rate", says;
            sgd().set_lrs(&[bad]) => "sgd", "learning rate", says;
            sgd().set_momenta(&[bad]) => "sgd", "momentum", says;
        }
    }
    refused! {
        // What f32 cannot hold.
        Adam::<f32>::new(1e300) => "adam", "finite as f32";
        Adam::builder(0.1).betas((1.0, 0.9)).build::<f64>() => "adam", "β₁", "[0, 1)";
        Adam::<f32>::new(0.1).unwrap().set_momenta(&[1.0]) => "adam", "β₁", "[0, 1)";
        Adagrad::<f32>::new(0.1).unwrap().set_momenta(&[0.5]) => "adagrad", "no momentum";
        sgd().set_lrs(&[]) => "sgd", "1 groups", "got 0";
        sgd().set_momenta(&[0.1, 0.2]) => "sgd", "1 groups", "got 2";
    }
    assert!(Adam::<f64>::new(1e300).is_ok());
}

#[test]
fn schedules_that_lead_nowhere() {
    for bad in NONE {
        let says = format!("{bad}");
        refused! {
            StepLr::new(1, bad) => "step_lr", "gamma", says;
            MultiStepLr::new([1], bad) => "multi_step_lr", "gamma", says;
            ExponentialLr::new(bad) => "exponential_lr", "gamma", says;
            LinearLr::new(bad, 1.0, 5) => "linear_lr", "start factor", says;
            LinearLr::new(1.0, bad, 5) => "linear_lr", "end factor", says;
            CosineAnnealingLr::new(5, bad) => "cosine_annealing_lr", "eta_min", says;
            CosineAnnealingWarmRestarts::new(5, 1, bad) => "cosine_annealing_warm_restarts", "eta_min", says;
            OneCycleLr::builder(bad, 10).build() => "one_cycle_lr", "max_lr", says;
            OneCycleLr::builder([0.1, bad], 10).build() => "one_cycle_lr", "max_lr", says;
            OneCycleLr::builder(0.1, 10).pct_start(bad).build() => "one_cycle_lr", "pct_start", says;
            OneCycleLr::builder(0.1, 10).div_factor(bad).build() => "one_cycle_lr", "div_factor", says;
            OneCycleLr::builder(0.1, 10).final_div_factor(bad).build() => "one_cycle_lr", "final_div_factor", says;
            OneCycleLr::builder(0.1, 10).base_momentum(bad).build() => "one_cycle_lr", "base_momentum", says;
            OneCycleLr::builder(0.1, 10).max_momentum(bad).build() => "one_cycle_lr", "max_momentum", says;
            ReduceLrOnPlateau::builder().factor(bad).build() => "reduce_lr_on_plateau", "factor", says;
            ReduceLrOnPlateau::builder().threshold(bad).build() => "reduce_lr_on_plateau", "threshold", says;
            ReduceLrOnPlateau::builder().eps(bad).build() => "reduce_lr_on_plateau", "eps", says;
            ReduceLrOnPlateau::builder().min_lr(bad).build() => "reduce_lr_on_plateau", "min_lr", says;
        }
    }
    let then = |milestone: u64| {
        let chain = SequentialLr::new(ExponentialLr::new(0.9)?);
        chain
            .then(5, ExponentialLr::new(0.9)?)?
            .then(milestone, ExponentialLr::new(0.9)?)
    };
    refused! {
        StepLr::new(0, 0.1) => "step_lr", "step size", "got 0";
        LinearLr::new(0.0, 1.0, 5) => "linear_lr", "(0, 1]", "got 0";
        LinearLr::new(1.5, 1.0, 5) => "linear_lr", "(0, 1]", "1.5";
        LinearLr::new(0.5, 1.5, 5) => "linear_lr", "[0, 1]", "1.5";
        CosineAnnealingLr::new(0, 0.0) => "cosine_annealing_lr", "t_max", "got 0";
        CosineAnnealingWarmRestarts::new(0, 1, 0.0) => "cosine_annealing_warm_restarts", "t_0", "got 0";
        CosineAnnealingWarmRestarts::new(1, 0, 0.0) => "cosine_annealing_warm_restarts", "t_mult", "got 0";
        OneCycleLr::builder(0.1, 0).build() => "one_cycle_lr", "steps", "got 0";
        OneCycleLr::builder(0.1, 10).div_factor(0.0).build() => "one_cycle_lr", "div_factor", "positive";
        OneCycleLr::builder(0.1, 10).pct_start(0.1).build() => "one_cycle_lr", "0.1 of 10 steps";
        ReduceLrOnPlateau::builder().factor(1.0).build() => "reduce_lr_on_plateau", "[0, 1)", "got 1";
        then(5) => "sequential_lr", "later than 5", "got 5";
        then(0) => "sequential_lr", "later than 5", "got 0";
    }
}

#[test]
fn schedules_that_do_not_fit_an_optimiser() {
    let mut adagrad = Adagrad::<f32>::new(0.1).unwrap();
    let mut cycle = OneCycleLr::builder(0.1, 10).build().unwrap();
    let mut pairs = OneCycleLr::builder([0.1, 0.2], 10).build().unwrap();
    let limits = [0.1, 0.2, 0.3];
    let mut plateau = ReduceLrOnPlateau::builder().min_lr(limits).build().unwrap();
    let mut quiet = ReduceLrOnPlateau::builder().build().unwrap();
    quiet.start(&mut sgd()).unwrap();
    refused! {
        cycle.start(&mut adagrad) => "one_cycle_lr", "no momentum to cycle";
        pairs.start(&mut sgd()) => "one_cycle_lr", "1 groups", "max_lr, got 2";
        plateau.start(&mut sgd()) => "reduce_lr_on_plateau", "1 groups", "min_lr, got 3";
        quiet.step(&mut sgd()) => "reduce_lr_on_plateau", "nothing was observed";
        cycle.step(&mut sgd()) => "one_cycle_lr", "was not started";
    }
    assert_eq!(adagrad.lr(), 0.1);

    let mut clock = Clock::default();
    let mut optimizer = sgd();
    refused! {
        clock.next("mine", &optimizer) => "mine", "was not started";
        clock.step("mine", &mut optimizer, |at| at.lr) => "mine", "was not started";
        clock.start(&[0.1], &mut optimizer, |_| f64::NAN) => "sgd", "learning rate", "NaN";
        clock.next("mine", &optimizer) => "mine", "was not started";
    }
    clock.start(&[0.1], &mut optimizer, |at| at.lr).unwrap();
    refused! {
        clock.step("mine", &mut optimizer, |_| -1.0) => "sgd", "learning rate", "-1";
    }
    assert_eq!(clock.next("mine", &optimizer).unwrap(), 1);
    assert_eq!(optimizer.lr(), 0.1);
}

#[test]
fn states_of_something_else() {
    let other: OptimizerState = OptimizerState::new("lion");
    let schedule = SchedulerState::new("polynomial");
    let mut with_rates = SchedulerState::new("mine");
    with_rates.numbers.insert("base_lr.0".into(), 0.1);
    let mut clock = Clock::default();
    refused! {
        other.check_kind("adam", "adam") => "adam", "`lion`", "`adam`";
        other.number("adam", "group0.lr") => "adam", "no `group0.lr`";
        sgd().load_state(&other) => "sgd", "`lion`", "`sgd`";
        sgd().load_state(&OptimizerState::new("sgd")) => "sgd", "no `group0.lr`";
        schedule.check_kind("step_lr", "step_lr") => "step_lr", "`polynomial`";
        schedule.counter("step_lr", "step") => "step_lr", "no `step`";
        schedule.number("step_lr", "base_lr.0") => "step_lr", "no `base_lr.0`";
        StepLr::new(1, 0.1).unwrap().load_state(&schedule) => "step_lr", "`polynomial`";
        clock.load_state("mine", &schedule) => "mine", "`polynomial`";
        clock.load_state("mine", &with_rates) => "mine", "rates without a step";
    }
}
