use super::*;
use autograd::Tape;
use tensor::random::Generator;

use crate::module::{Slot, SlotMut};
use crate::optim::{Optimizer, Sgd};
use crate::{Conv2d, Sequential, summary};

fn images() -> Tensor<f64> {
    let x = Tensor::randn([6, 3, 2, 2], &mut Generator::new(0)).unwrap();
    x.mul_scalar(2.0).add_scalar(1.0)
}

fn train(norm: &BatchNorm2d<f64>, x: &Tensor<f64>) -> Tensor<f64> {
    let x = Tape::new().constant(x.clone());
    norm.forward(&x).unwrap().into_value()
}

fn infer(norm: &BatchNorm2d<f64>, x: &Tensor<f64>) -> Tensor<f64> {
    let x = Tape::inference().constant(x.clone());
    norm.forward(&x).unwrap().into_value()
}

#[test]
fn names_and_text_are_those_of_pytorch() {
    let norm: BatchNorm2d = BatchNorm2d::builder(3).build().unwrap();
    let text =
        "BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)";
    assert_eq!(norm.to_string(), text);
    let model: Sequential = Sequential::new().add_named("norm", norm).unwrap();
    let mut visitor = Visitor::default();
    model.visit(&mut visitor);
    let slots = visitor.into_slots();
    let names: Vec<&str> = slots.iter().map(|(name, _)| &name[..]).collect();
    let want = [
        "norm.weight",
        "norm.bias",
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ];
    assert_eq!(names, want);
    let Slot::Counter(count) = &slots[4].1 else {
        panic!("not a counter")
    };
    assert_eq!((count.shape(), count.to_vec()), (&[][..], vec![0]));

    let norm: BatchNorm1d = BatchNorm1d::builder(3)
        .momentum(None)
        .bias(false)
        .frozen(true)
        .build()
        .unwrap();
    let text = "BatchNorm1d(3, eps=1e-05, momentum=None, affine=True, bias=False, track_running_stats=True, frozen=True)";
    assert_eq!(norm.to_string(), text);
}

#[test]
fn momentum_none_averages_all_batches() {
    let norm = BatchNorm2d::builder(3).momentum(None).build().unwrap();
    let (a, b) = (images(), images().add_scalar(7.0));
    train(&norm, &a);
    train(&norm, &b);
    let mean = |x: &Tensor<f64>| x.mean_axes([0, 2, 3], false).unwrap();
    let want = (mean(&a) + mean(&b)).unwrap() / 2.0;
    assert!(norm.running_mean().unwrap().all_close(&want, 1e-12, 0.0));
    assert_eq!(norm.num_batches_tracked(), Some(2));
}

#[test]
fn a_frozen_norm_normalises_by_what_it_has_and_learns_none_of_the_batch() {
    let mut norm = BatchNorm2d::builder(3).build().unwrap();
    let x = images();
    train(&norm, &x);
    norm.freeze();
    let before = norm.running_mean();
    assert_eq!(
        train(&norm, &x.add_scalar(9.0)),
        infer(&norm, &x.add_scalar(9.0))
    );
    assert_eq!(norm.running_mean(), before);
    assert_eq!(norm.num_batches_tracked(), Some(1));

    // Weight and bias still learn.
    let mut sgd = Sgd::new(0.1).unwrap();
    let loss = norm.forward(&Tape::new().constant(x.clone())).unwrap();
    let loss = loss.square().unwrap().sum().unwrap();
    sgd.step(&mut norm, &loss.backward().unwrap()).unwrap();
    assert_ne!(norm.weight.as_ref().unwrap().value().to_vec(), [1.0; 3]);

    norm.unfreeze();
    train(&norm, &x);
    assert_eq!(norm.num_batches_tracked(), Some(2));
}

#[test]
fn a_clone_has_buffers_of_its_own() {
    let norm = BatchNorm2d::builder(3).build().unwrap();
    train(&norm, &images());
    let clone = norm.clone();
    assert_eq!(clone.running_var(), norm.running_var());
    train(&norm, &images());
    assert_ne!(clone.running_var(), norm.running_var());
    assert_eq!(clone.num_batches_tracked(), Some(1));
}

#[test]
fn without_running_statistics_the_batch_normalises_itself() {
    let norm = BatchNorm2d::builder(3)
        .track_running_stats(false)
        .affine(false)
        .build()
        .unwrap();
    assert_eq!(train(&norm, &images()), infer(&norm, &images()));
    assert_eq!(norm.num_batches_tracked(), None);
    assert!(norm.named_parameters().is_empty());
}

#[test]
fn a_forward_that_fails_counts_no_batch() {
    let norm = BatchNorm2d::builder(3).build::<f64>().unwrap();
    let tape = Tape::new();
    for shape in [&[1, 3, 1, 1][..], &[2, 4, 2, 2], &[2, 3], &[3, 2, 2], &[]] {
        let x = tape.constant(Tensor::zeros(shape).unwrap());
        assert!(norm.forward(&x).is_err(), "{shape:?}");
    }
    assert_eq!(norm.num_batches_tracked(), Some(0));
    assert_eq!(norm.running_mean().unwrap().to_vec(), [0.0; 3]);
}

#[test]
fn buffers_can_be_written_and_a_wrong_shape_is_an_error() {
    let mut norm = BatchNorm2d::builder(3).build::<f64>().unwrap();
    let mut visitor = VisitorMut::default();
    norm.visit_mut(&mut visitor);
    for (name, slot) in visitor.into_slots() {
        match slot {
            SlotMut::Buffer(buffer) if name == "running_mean" => {
                *buffer = Tensor::from([1.0, 2.0, 3.0]);
            }
            SlotMut::Counter(counter) => *counter = Tensor::from([1, 2]),
            _ => {}
        }
    }
    assert_eq!(norm.running_mean(), Some(Tensor::from([1.0, 2.0, 3.0])));
    let error = norm.forward(&Tape::new().constant(images())).unwrap_err();
    let message = "batch_norm: num_batches_tracked must be one number, got shape [2]";
    assert_eq!(error.to_string(), message);
    norm.reset_running_stats();
    assert_eq!(norm.num_batches_tracked(), Some(0));
    assert_eq!(norm.running_mean(), Some(Tensor::from([0.0; 3])));
}

#[test]
fn a_summary_counts_parameters_and_buffers_and_changes_none() {
    let rng = &mut Generator::new(0);
    let conv = Conv2d::builder(1, 4, 3).bias(false).build(rng).unwrap();
    let norm: BatchNorm2d = BatchNorm2d::builder(4).build().unwrap();
    let model: Sequential = Sequential::new().add(conv).add(norm);
    let summary = summary(&model, [1, 1, 8, 8]).unwrap();
    assert_eq!((summary.parameters, summary.buffers), (36 + 8, 9));
    assert_eq!(summary.rows[1].layer, "1");
    // Statistics that are fixed see no more than the convolution did.
    assert_eq!(summary.rows[1].field, summary.rows[0].field);
    let text = summary.to_string();
    assert!(
        text.ends_with("44 parameters, 9 buffered numbers, 1,296 multiply-adds"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_built() {
    assert!(BatchNorm2d::builder(0).build::<f32>().is_err());
    let frozen = BatchNorm2d::builder(3)
        .track_running_stats(false)
        .frozen(true);
    assert!(frozen.build::<f32>().is_err());
    let mut norm: BatchNorm2d = BatchNorm2d::builder(3)
        .track_running_stats(false)
        .build()
        .unwrap();
    norm.freeze();
    assert!(!norm.is_frozen());
}
