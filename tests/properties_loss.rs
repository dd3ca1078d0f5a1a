//! Random shapes, labels and options, thrown at every loss on tensors, as
//! `properties_tensor` throws them at the other operations: a loss may refuse
//! neither more nor less than its documentation says, and must never panic.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use proptest::prelude::*;
use wengert::{
    BinaryCrossEntropyOptions, BinaryCrossEntropyWithLogitsOptions, CrossEntropyOptions,
    KlDivOptions, NllLossOptions, Reduction, Result, Tensor,
};
use wengert_tests::draw::{Draw, draw};
use wengert_tests::expected::*;

/// One loss of a draw: the answer that it gives, and the expected one.
type Row = (&'static str, fn(&Draw) -> (Shape, Shape));

fn of(answer: Result<Tensor<f64>>) -> Shape {
    answer.ok().map(|x| x.shape().to_vec())
}

fn reduction(d: &Draw) -> Reduction {
    [Reduction::Mean, Reduction::Sum, Reduction::None][d.seed as usize % 3]
}

/// What losses of this shape become.
fn reduced(d: &Draw, losses: Shape) -> Shape {
    losses.map(|losses| match reduction(d) {
        Reduction::None => losses,
        Reduction::Mean | Reduction::Sum => vec![],
    })
}

/// The scores' shape without the axis of classes, and their number.
fn positions(d: &Draw) -> Option<(Vec<usize>, usize)> {
    let mut shape = d.shape.clone();
    match shape.len() {
        0 => None,
        1 => Some((vec![], shape[0])),
        _ => {
            let classes = shape.remove(1);
            Some((shape, classes))
        }
    }
}

/// A weight for each class, but now and then one too few.
fn weight(d: &Draw) -> (Tensor<f64>, bool) {
    let classes = positions(d).map_or(1, |(_, classes)| classes).min(9);
    let fits = !d.seed.is_multiple_of(7) && positions(d).is_some_and(|(_, n)| n == classes);
    let len = if d.seed.is_multiple_of(7) {
        classes + 1
    } else {
        classes
    };
    (d.tensor(&[len], 8), fits)
}

/// Options of cross-entropy, and whether they fit.
fn options(d: &Draw) -> (CrossEntropyOptions<f64>, bool) {
    let mut options = CrossEntropyOptions::from(reduction(d)).label_smoothing(d.number);
    let mut fits = (0.0..=1.0).contains(&d.number);
    if d.flags[0] {
        let (weight, of_classes) = weight(d);
        options = options.weight(weight);
        fits = fits && of_classes;
    }
    if d.flags[1] {
        options = options.ignore_index(-7);
    }
    (options, fits)
}

const LOSSES: &[Row] = &[
    ("mse_loss", |d| {
        (
            of(d.x().mse_loss(&d.y(), reduction(d))),
            reduced(d, both(d)),
        )
    }),
    ("l1_loss", |d| {
        (of(d.x().l1_loss(&d.y(), reduction(d))), reduced(d, both(d)))
    }),
    ("smooth_l1_loss", |d| {
        let answer = d.x().smooth_l1_loss(&d.y(), reduction(d), d.number);
        (of(answer), reduced(d, both(d)).filter(|_| d.number >= 0.0))
    }),
    ("huber_loss", |d| {
        let answer = d.x().huber_loss(&d.y(), reduction(d), d.number);
        (of(answer), reduced(d, both(d)).filter(|_| d.number > 0.0))
    }),
    ("kl_div", |d| {
        let options = KlDivOptions::from(reduction(d)).log_target(d.flags[0]);
        (of(d.x().kl_div(&d.y(), options)), reduced(d, both(d)))
    }),
    ("kl_div", |d| {
        let answer = d.x().kl_div(&d.y(), KlDivOptions::batch_mean());
        (of(answer), both(d).map(|_| vec![]))
    }),
    ("binary_cross_entropy", |d| {
        let mut options = BinaryCrossEntropyOptions::from(reduction(d));
        let mut fits = d.shape == d.partner;
        if d.flags[0] {
            let weight = d.tensor(&d.sizes[..1], 8);
            fits = fits && joint(&d.shape, weight.shape()) == same(d);
            options = options.weight(weight);
        }
        let answer = d
            .x()
            .sigmoid()
            .binary_cross_entropy(&d.y().sigmoid(), options);
        (of(answer), reduced(d, same(d)).filter(|_| fits))
    }),
    ("binary_cross_entropy_slope", |d| {
        (of(d.x().binary_cross_entropy_slope(&d.y())), both(d))
    }),
    ("binary_cross_entropy_with_logits", |d| {
        let mut options = BinaryCrossEntropyWithLogitsOptions::from(reduction(d));
        let mut fits = d.shape == d.partner;
        let weights = [d.tensor(&d.sizes[..1], 8), d.tensor(&d.sizes[1..2], 9)];
        for (flag, weight) in d.flags.iter().zip(&weights) {
            fits = fits && (!flag || joint(&d.shape, weight.shape()) == same(d));
        }
        let [weight, pos_weight] = weights;
        options.weight = d.flags[0].then_some(weight);
        if d.flags[1] {
            options = options.pos_weight(pos_weight);
        }
        let answer = d.x().binary_cross_entropy_with_logits(&d.y(), options);
        (of(answer), reduced(d, same(d)).filter(|_| fits))
    }),
    ("nll_loss", |d| {
        let (labels, fits) = labels(d);
        let mut options = NllLossOptions::from(reduction(d)).ignore_index(-7);
        let mut weighs = true;
        if d.flags[0] {
            let (weight, of_classes) = weight(d);
            (options, weighs) = (options.weight(weight), of_classes);
        }
        let expected = reduced(d, Some(labels.shape().to_vec()));
        let answer = d.x().nll_loss(&labels, options);
        (of(answer), expected.filter(|_| fits && weighs))
    }),
    ("cross_entropy", |d| {
        let ((labels, fits), (options, suits)) = (labels(d), options(d));
        let expected = reduced(d, Some(labels.shape().to_vec()));
        let answer = d.x().cross_entropy(&labels, options);
        (of(answer), expected.filter(|_| fits && suits))
    }),
    ("cross_entropy", |d| {
        let (options, suits) = options(d);
        let losses = positions(d).and_then(|(shape, _)| held(shape));
        let fits = d.shape == d.partner && suits;
        let answer = d.x().cross_entropy(&d.y(), options);
        (of(answer), reduced(d, losses).filter(|_| fits))
    }),
    ("distribution", |d| {
        let ((labels, fits), (options, suits)) = (labels(d), options(d));
        let answer = options.distribution(&d.x(), &labels);
        (of(answer), same(d).filter(|_| fits && suits))
    }),
    ("position_weights", |d| {
        let ((labels, fits), (options, _)) = (labels(d), options(d));
        let answer = options
            .without_smoothing()
            .position_weights(&d.x(), &labels);
        let suits = !d.flags[0] || weight(d).1;
        let expected = Some(labels.shape().to_vec());
        (of(answer), expected.filter(|_| fits && suits))
    }),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_loss_answers(d in draw()) {
        for (name, row) in LOSSES {
            let (answer, expected) = row(&d);
            prop_assert_eq!(answer, expected, "{}", name);
        }
    }

    /// However the labels are told: as they are, as the distribution that they
    /// stand for, or of log-softmax.
    #[test]
    fn the_forms_of_cross_entropy_agree(d in draw()) {
        let ((labels, fits), (options, suits)) = (labels(&d), options(&d));
        if !fits || !suits || d.x().is_empty() {
            return Ok(());
        }
        let (x, axis) = (d.x(), 1.min(d.shape.len() as isize - 1));
        let hard = x.cross_entropy(&labels, options.clone()).unwrap();
        let q = options.distribution(&x, &labels).unwrap();
        let weights = options.without_smoothing().position_weights(&x, &labels).unwrap();
        let soft = x.cross_entropy(&q, Reduction::None).unwrap();
        let soft = match options.reduction {
            Reduction::Mean => soft.sum().div(&weights.sum()).unwrap(),
            Reduction::Sum => soft.sum(),
            Reduction::None => soft,
        };
        prop_assert!(hard.all_close(&soft, 1e-12, 1e-12), "{hard} {soft}");
        if options.label_smoothing == 0.0 {
            let log = x.log_softmax(axis).unwrap();
            let nll = log.nll_loss(&labels, options.without_smoothing()).unwrap();
            prop_assert!(hard.all_close(&nll, 1e-12, 1e-12), "{hard} {nll}");
        }
    }
}
