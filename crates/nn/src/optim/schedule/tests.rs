//! Schedules against their closed forms, and their states. (Runs against PyTorch
//! are in tests/fixtures/training.)

use std::f64::consts::PI;

use super::*;
use crate::{Adagrad, Adam, Sgd};

/// The rates of so many steps, from a rate of 1.
fn rates(schedule: &mut dyn Scheduler, steps: usize) -> Vec<f64> {
    let mut sgd = sgd();
    schedule.start(&mut sgd).unwrap();
    let mut rates = vec![sgd.lr()];
    for _ in 1..steps {
        schedule.observe(1.0);
        schedule.step(&mut sgd).unwrap();
        rates.push(sgd.lr());
    }
    rates
}

fn sgd() -> Sgd<f64> {
    Sgd::builder(1.0).momentum(0.5).build().unwrap()
}

fn close(got: &[f64], want: &[f64]) {
    let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-14;
    assert!(got.iter().zip(want).all(near), "{got:?}, {want:?}");
}

fn assert_rates(mut schedule: impl Scheduler, closed: impl Fn(f64) -> f64) {
    for (t, got) in rates(&mut schedule, 40).into_iter().enumerate() {
        let want = closed(t as f64);
        assert!(
            (got - want).abs() < 1e-12,
            "{schedule:?}, {t}: {got}, {want}"
        );
    }
}

#[test]
fn recursions_agree_with_their_closed_forms() {
    assert_rates(StepLr::new(7, 0.5).unwrap(), |t| {
        0.5f64.powf((t / 7.0).floor())
    });
    assert_rates(MultiStepLr::new([3, 3, 9], 0.5).unwrap(), |t| {
        let passed = [3.0, 3.0, 9.0].iter().filter(|&&m| m <= t).count();
        0.5f64.powi(passed as i32)
    });
    assert_rates(ExponentialLr::new(0.9).unwrap(), |t| 0.9f64.powf(t));
    for (start, end, total) in [
        (0.1, 1.0, 12),
        (1.0, 0.25, 30),
        (0.5, 0.0, 10),
        (0.5, 1.0, 0),
    ] {
        assert_rates(LinearLr::new(start, end, total).unwrap(), |t| match total {
            0 => start,
            _ => start + (end - start) * t.min(total as f64) / total as f64,
        });
    }
    for (t_max, least) in [(40, 0.0), (7, 0.1), (1, 0.25), (2, 0.0)] {
        assert_rates(CosineAnnealingLr::new(t_max, least).unwrap(), |t| {
            least + (1.0 - least) * (1.0 + (PI * t / t_max as f64).cos()) / 2.0
        });
    }
    // Restarts at 0, 5, 15, 35.
    assert_rates(CosineAnnealingWarmRestarts::new(5, 2, 0.1).unwrap(), |t| {
        let restarts = [(0.0, 5.0), (5.0, 10.0), (15.0, 20.0), (35.0, 40.0)];
        let (from, length) = restarts.into_iter().rfind(|r| r.0 <= t).unwrap();
        0.1 + 0.9 * (1.0 + (PI * (t - from) / length).cos()) / 2.0
    });
}

#[test]
fn a_rate_that_was_set_by_hand_counts() {
    let mut sgd = sgd();
    let mut schedule = ExponentialLr::new(0.5).unwrap();
    schedule.start(&mut sgd).unwrap();
    schedule.step(&mut sgd).unwrap();
    sgd.set_lr(8.0).unwrap();
    schedule.step(&mut sgd).unwrap();
    assert_eq!(sgd.lr(), 4.0);
}

#[test]
fn each_group_goes_its_own_way() {
    let mut sgd: Sgd<f64> = Sgd::builder(1.0)
        .group(|name| name == "bias", |group| group.lr = 0.5)
        .build()
        .unwrap();
    let mut schedule = CosineAnnealingLr::new(2, 0.25).unwrap();
    schedule.start(&mut sgd).unwrap();
    schedule.step(&mut sgd).unwrap();
    close(&sgd.lrs(), &[0.625, 0.375]);

    let mut cycle = OneCycleLr::builder([0.5, 0.25], 10).build().unwrap();
    cycle.start(&mut sgd).unwrap();
    close(&sgd.lrs(), &[0.02, 0.01]);
    close(&sgd.momenta().unwrap(), &[0.95; 2]);
}

#[test]
fn a_cycle_ends_where_it_says() {
    let mut adam = Adam::<f64>::new(1.0).unwrap();
    let mut cycle = OneCycleLr::builder(1.0, 10).build().unwrap();
    cycle.start(&mut adam).unwrap();
    let mut highest: f64 = 0.0;
    for _ in 1..10 {
        cycle.step(&mut adam).unwrap();
        highest = highest.max(adam.lr());
    }
    close(&[highest], &[1.0]);
    assert!((adam.lr() - 1.0 / 25.0 / 1e4).abs() < 1e-15);
    close(&adam.momenta().unwrap(), &[0.95]);
    // PyTorch puts up with one step more.
    cycle.step(&mut adam).unwrap();
    let before = (adam.lrs(), adam.momenta());
    assert!(cycle.step(&mut adam).is_err());
    assert_eq!((adam.lrs(), adam.momenta()), before);
}

#[test]
fn what_cannot_be_cycled_stays_as_it_was() {
    let mut adagrad = Adagrad::<f64>::new(1.0).unwrap();
    let mut cycle = OneCycleLr::builder(0.5, 10).build().unwrap();
    assert!(cycle.start(&mut adagrad).is_err());
    assert_eq!(adagrad.lr(), 1.0);
    // β₁ must stay below 1.
    let mut adam = Adam::<f64>::new(1.0).unwrap();
    let mut cycle = OneCycleLr::builder(0.5, 10)
        .max_momentum(1.5)
        .build()
        .unwrap();
    assert!(cycle.start(&mut adam).is_err());
    assert_eq!((adam.lr(), adam.momenta()), (1.0, Some(vec![0.9])));
    // A rate that the optimiser refuses, after momenta that it took.
    let mut narrow = Adam::<f32>::new(1.0).unwrap();
    let mut cycle = OneCycleLr::builder(1e300, 10).build().unwrap();
    assert!(cycle.start(&mut narrow).is_err());
    assert_eq!((narrow.lr(), narrow.momenta()), (1.0, Some(vec![0.9])));
}

#[test]
fn plateaus_have_patience_and_cool_down() {
    let run = |mut schedule: ReduceLrOnPlateau, metrics: &[f64]| -> Vec<f64> {
        let mut sgd = sgd();
        schedule.start(&mut sgd).unwrap();
        let step = |&metric: &f64| {
            schedule.observe(metric);
            schedule.step(&mut sgd).unwrap();
            sgd.lr()
        };
        metrics.iter().map(step).collect()
    };
    let builder = || ReduceLrOnPlateau::builder().factor(0.5);
    let flat = [1.0; 7];
    let patient = builder().patience(1).build().unwrap();
    assert_eq!(run(patient, &flat), [1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.125]);
    let cooled = builder().patience(0).cooldown(2).build().unwrap();
    assert_eq!(run(cooled, &flat), [1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]);
    let bounded = builder().patience(0).min_lr(0.3).build().unwrap();
    assert_eq!(run(bounded, &flat[..4]), [1.0, 0.5, 0.3, 0.3]);
    // NaN is no improvement.
    let nan = builder()
        .patience(0)
        .mode(PlateauMode::Max)
        .build()
        .unwrap();
    assert_eq!(run(nan, &[1.0, 2.0, f64::NAN, 3.0]), [1.0, 1.0, 0.5, 0.5]);
}

/// All kinds of schedules, new.
fn all() -> Vec<Box<dyn Scheduler>> {
    let linear = || LinearLr::new(0.1, 1.0, 3).unwrap();
    let cosine = || CosineAnnealingLr::new(5, 0.1).unwrap();
    let sequence = SequentialLr::new(linear()).then(3, cosine()).unwrap();
    vec![
        Box::new(StepLr::new(2, 0.5).unwrap()),
        Box::new(MultiStepLr::new([0, 2, 5], 0.5).unwrap()),
        Box::new(ExponentialLr::new(0.7).unwrap()),
        Box::new(linear()),
        Box::new(cosine()),
        Box::new(CosineAnnealingWarmRestarts::new(2, 2, 0.1).unwrap()),
        Box::new(OneCycleLr::builder(0.3, 20).build().unwrap()),
        Box::new(ReduceLrOnPlateau::builder().patience(0).build().unwrap()),
        Box::new(sequence.then(8, StepLr::new(2, 0.5).unwrap()).unwrap()),
        Box::new(ChainedScheduler::new(linear()).and(cosine())),
        Box::new(ChainedScheduler::new(
            SequentialLr::new(linear()).then(2, linear()).unwrap(),
        )),
    ]
}

#[test]
fn a_restored_schedule_goes_on_to_the_bit() {
    for stop in [0, 1, 3, 4, 8, 9] {
        for (mut one, mut other) in all().into_iter().zip(all()) {
            let mut sgd = sgd();
            one.start(&mut sgd).unwrap();
            let step = |s: &mut dyn Scheduler, sgd: &mut Sgd<f64>| {
                s.observe(1.0);
                s.step(sgd).unwrap();
                (sgd.lrs(), sgd.momenta())
            };
            for _ in 0..stop {
                step(&mut *one, &mut sgd);
            }
            // Something was observed, but not yet stepped on.
            one.observe(2.0);
            other.load_state(&one.state()).unwrap();
            assert_eq!(other.state(), one.state());
            let mut again = sgd.clone();
            for _ in 0..6 {
                assert_eq!(
                    step(&mut *one, &mut sgd),
                    step(&mut *other, &mut again),
                    "{one:?}"
                );
            }
        }
    }
}

#[test]
fn a_state_of_another_schedule_is_refused_and_changes_nothing() {
    let (mut ones, mut others) = (all(), all());
    for one in &mut ones {
        one.start(&mut sgd()).unwrap();
    }
    for (i, one) in ones.iter().enumerate() {
        for (k, other) in others.iter_mut().enumerate() {
            let before = other.state();
            assert_eq!(
                other.load_state(&one.state()).is_ok(),
                i == k,
                "{one:?}, {other:?}"
            );
            if i == k {
                other.load_state(&before).unwrap();
            }
            assert_eq!(other.state(), before);
        }
        // A state that lacks something, or has something too much.
        let state = one.state();
        for name in state.counters.keys() {
            let mut less = state.clone();
            less.counters.remove(name);
            assert!(
                others[i].load_state(&less).is_err(),
                "{one:?} without {name}"
            );
        }
        let mut more = state.clone();
        more.numbers.insert("base_lr.7".into(), 1.0);
        assert!(others[i].load_state(&more).is_err(), "{one:?}");
        let mut more = state.clone();
        more.counters.insert("7.step".into(), 1);
        assert!(others[i].load_state(&more).is_err(), "{one:?}");
        assert_eq!(others[i].state(), all()[i].state());
    }
}

#[test]
fn schedules_that_were_not_started_do_not_step() {
    for mut schedule in all() {
        let mut sgd = sgd();
        schedule.observe(1.0);
        let error = schedule.step(&mut sgd).unwrap_err().to_string();
        assert!(error.contains("was not started"), "{error}");
        assert_eq!(sgd.lr(), 1.0);
        schedule.start(&mut sgd).unwrap();
        let mut grouped: Sgd<f64> = Sgd::builder(1.0).group(|_| true, |_| ()).build().unwrap();
        schedule.observe(1.0);
        let error = schedule.step(&mut grouped).unwrap_err().to_string();
        assert!(error.contains("2 groups of parameters"), "{error}");
    }
}
