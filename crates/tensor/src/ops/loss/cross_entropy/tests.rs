use super::*;
use crate::random::Generator;
use proptest::prelude::*;

/// The loss and its gradient by their definitions, class axis last.
fn naive(x: &Tensor<f64>, label: usize) -> (f64, Vec<f64>) {
    let p = x.softmax(-1).unwrap().to_vec();
    let loss = -p[label].ln();
    let one = |c| if c == label { 1.0 } else { 0.0 };
    (
        loss,
        p.iter().enumerate().map(|(c, p)| p - one(c)).collect(),
    )
}

proptest! {
    #[test]
    fn agrees_with_the_definition_at_every_position(
        batch in 0usize..4,
        classes in 1usize..5,
        rest in prop::collection::vec(0usize..4, 0..3),
        seed: u64,
    ) {
        let g = &mut Generator::new(seed);
        let x = Tensor::<f64>::randn([&[batch, classes], &rest[..]].concat(), g).unwrap();
        let shape = [&[batch], &rest[..]].concat();
        // One in five is ignored.
        let labels = Tensor::<f64>::rand(&shape, g).unwrap().map(|u| match u {
            u if u < 0.2 => -100,
            u => (u * 1e6) as i64 % classes as i64,
        });
        let grad = Tensor::<f64>::randn(&shape, g).unwrap();
        let losses = x.cross_entropy(&labels, Reduction::None).unwrap();
        let dx = x.cross_entropy_grad(&labels, &grad, -100).unwrap();
        prop_assert_eq!(losses.shape(), &shape[..]);
        prop_assert_eq!(dx.shape(), x.shape());
        Tensor::from_fn(&shape, |at| {
            let line = |t: &Tensor<f64>| {
                (0..classes)
                    .map(|c| t.get([&[at[0], c], &at[1..]].concat()).unwrap())
                    .collect::<Vec<_>>()
            };
            let label = labels.get(at).unwrap();
            let (loss, d) = if label == -100 {
                (0.0, vec![0.0; classes])
            } else {
                naive(&Tensor::from(line(&x)), label as usize)
            };
            assert!((losses.get(at).unwrap() - loss).abs() < 1e-12);
            for (got, want) in line(&dx).iter().zip(d) {
                assert!((got - want * grad.get(at).unwrap()).abs() < 1e-12);
            }
            0.0
        })
        .unwrap();
        // Sum and mean follow from the single losses.
        let counted = labels.ne_scalar(-100).cast::<f64>().sum();
        let sum = x.cross_entropy(&labels, Reduction::Sum).unwrap();
        prop_assert!(sum.all_close(&losses.sum(), 1e-12, 1e-12));
        let mean = x.cross_entropy(&labels, Reduction::Mean).unwrap();
        if counted.item().unwrap() == 0.0 {
            prop_assert!(mean.item().unwrap().is_nan());
        } else {
            prop_assert!(mean.all_close(&sum.div(&counted).unwrap(), 1e-12, 1e-12));
        }
    }
}

// import torch; F = torch.nn.functional
// x = torch.tensor([[1., 2., 3.], [0., -1., 4.]], dtype=torch.float64, requires_grad=True)
// y = torch.tensor([0, 2])
// F.cross_entropy(x, y), F.cross_entropy(x, y, reduction='sum')
// torch.autograd.grad(F.cross_entropy(x, y), x)
#[test]
fn numbers_of_torch() {
    let x = Tensor::from([[1.0, 2.0, 3.0], [0.0, -1.0, 4.0]]);
    let y = Tensor::from([0, 2]);
    let mean = x.cross_entropy(&y, Reduction::Mean).unwrap();
    assert!(mean.all_close(&Tensor::scalar(MEAN), 1e-14, 0.0));
    let sum = x.cross_entropy(&y, Reduction::Sum).unwrap();
    assert!(sum.all_close(&Tensor::scalar(2.0 * MEAN), 1e-14, 0.0));
    let dx = x.cross_entropy_grad(&y, &Tensor::from([0.5, 0.5]), -100);
    assert!(dx.unwrap().all_close(&Tensor::from(GRAD), 1e-13, 0.0));
}
const MEAN: f64 = 1.2161754272916017;
const GRAD: [[f64; 3]; 2] = [
    [-0.4549847134148098, 0.12236423552739882, 0.3326204778874109],
    [
        0.008933990935152254,
        0.0032866315926545426,
        -0.012220622527806757,
    ],
];

#[test]
fn far_scores_have_finite_losses() {
    let x = Tensor::from([[1000.0, -1000.0], [f64::NEG_INFINITY, 0.0]]);
    let loss = |y: [i64; 2]| x.cross_entropy(&Tensor::from(y), Reduction::None).unwrap();
    assert_eq!(loss([0, 1]).to_vec(), [0.0, 0.0]);
    assert_eq!(loss([1, 0]).to_vec(), [2000.0, f64::INFINITY]);
    let ones = Tensor::from([1.0; 2]);
    let dx = x.cross_entropy_grad(&Tensor::from([1, 0]), &ones, -100);
    assert_eq!(dx.unwrap().to_vec(), [1.0, -1.0, -1.0, 1.0]);
    let hopeless = Tensor::from([[f64::NEG_INFINITY; 2]]);
    let loss = hopeless.cross_entropy(&Tensor::from([0]), Reduction::Mean);
    assert!(loss.unwrap().item().unwrap().is_nan());
}

#[test]
fn what_is_ignored_does_not_count() {
    let x = Tensor::from([[f64::NAN, 0.0], [0.0, 0.0]]);
    let (y, ones) = (Tensor::from([-100, 1]), Tensor::from([1.0, 1.0]));
    let mean = x.cross_entropy(&y, Reduction::Mean).unwrap();
    assert_eq!(mean.item().unwrap(), 2f64.ln());
    let dx = x.cross_entropy_grad(&y, &ones, -100).unwrap();
    assert_eq!(dx.to_vec(), [0.0, 0.0, 0.5, -0.5]);
    // Nothing counts: no mean, but a gradient, which is 0 (even of a mean's ∞).
    let only = CrossEntropyOptions::default().ignore_index(1);
    let y = Tensor::from([1, 1]);
    assert!(x.cross_entropy(&y, only).unwrap().item().unwrap().is_nan());
    let dx = x.cross_entropy_grad(&y, &(ones / 0.0), 1).unwrap();
    assert_eq!(dx.to_vec(), [0.0; 4]);
}

#[test]
fn one_line_and_none() {
    let x = Tensor::from([1.0, 1.0]);
    let one = x
        .cross_entropy(&Tensor::scalar(1), Reduction::None)
        .unwrap();
    assert_eq!((one.ndim(), one.item().unwrap()), (0, 2f64.ln()));
    let none = Tensor::<f64>::zeros([0, 3]).unwrap();
    let labels = Tensor::<i64>::zeros([0]).unwrap();
    let loss = |r: Reduction| none.cross_entropy(&labels, r).unwrap();
    assert!(loss(Reduction::Mean).item().unwrap().is_nan());
    assert_eq!(loss(Reduction::Sum).item().unwrap(), 0.0);
    assert_eq!(loss(Reduction::None).shape(), [0]);
    let dx = none.cross_entropy_grad(&labels, &Tensor::from([0.0; 0]), -100);
    assert_eq!(dx.unwrap().shape(), [0, 3]);
}

#[test]
fn errors_name_what_was_wrong() {
    let x = Tensor::<f64>::zeros([2, 10, 3]).unwrap();
    let mut y = Tensor::<i64>::zeros([2, 3]).unwrap();
    let message = |x: &Tensor<f64>, y: &Tensor<i64>| {
        x.cross_entropy(y, Reduction::Mean).unwrap_err().to_string()
    };
    y.set([1, 2], 10).unwrap();
    assert_eq!(
        message(&x, &y),
        "cross_entropy: label 10 at [1, 2] is out of range for 10 classes \
         (logits [2, 10, 3], labels [2, 3])"
    );
    y.set([1, 2], -1).unwrap();
    assert!(message(&x, &y).contains("label -1 at [1, 2]"));
    assert_eq!(
        message(&x, &Tensor::from([1, 2])),
        "cross_entropy: labels must have shape [2, 3] (logits [2, 10, 3], labels [2])"
    );
    assert!(message(&Tensor::scalar(1.0), &Tensor::scalar(0)).contains("axis of classes"));
    let no_classes = Tensor::<f64>::zeros([2, 0]).unwrap();
    assert!(message(&no_classes, &Tensor::from([0, 0])).contains("0 classes"));
    y.set([1, 2], 0).unwrap();
    assert!(
        x.cross_entropy_grad(&y, &Tensor::from([1.0]), -100)
            .is_err()
    );
}

#[test]
fn labels_are_a_distribution_that_is_sure() {
    let x = Tensor::<f64>::randn([3, 4, 2], &mut Generator::new(1)).unwrap();
    let labels = Tensor::from([[0, 3], [-100, 1], [2, 2]]);
    let weight = Tensor::from([1.0, 2.0, 0.5, 3.0]);
    for reduction in [Reduction::Sum, Reduction::None] {
        let plain = CrossEntropyOptions::from(reduction);
        for options in [plain.clone(), plain.weight(weight.clone())] {
            let q = options.distribution(&x, &labels).unwrap();
            let hard = x.cross_entropy(&labels, options).unwrap();
            let soft = x.cross_entropy(&q, reduction).unwrap();
            assert!(hard.all_close(&soft, 1e-13, 1e-13));
        }
    }
}

// x = torch.tensor([[1., 2., 3.], [0., -1., 4.], [5., 0., 0.]]); y = torch.tensor([0, 2, -100])
// w = torch.tensor([1., 2., .5])
// F.cross_entropy(x, y, weight=w), F.cross_entropy(x, y, label_smoothing=.2), both
#[test]
fn weighted_and_smoothed_numbers_of_torch() {
    let x = Tensor::from([[1.0, 2.0, 3.0], [0.0, -1.0, 4.0], [5.0, 0.0, 0.0]]);
    let y = Tensor::from([0, 2, -100]);
    let w = || Tensor::from([1.0, 2.0, 0.5]);
    let plain = CrossEntropyOptions::default;
    for (options, want) in [
        (plain().weight(w()), WEIGHTED),
        (plain().label_smoothing(0.2), SMOOTHED),
        (plain().label_smoothing(0.2).weight(w()), BOTH),
    ] {
        let loss = x.cross_entropy(&y, options).unwrap().item().unwrap();
        assert!((loss - want).abs() < 1e-14, "{loss} {want}");
    }
}
const WEIGHTED: f64 = 1.6133189396758612;
const SMOOTHED: f64 = 1.4161754272916016;
const BOTH: f64 = 2.1579097291202984;

#[test]
fn options_that_do_not_fit_are_errors() {
    let x = Tensor::<f64>::zeros([2, 3]).unwrap();
    let y = Tensor::from([0, 1]);
    let plain = CrossEntropyOptions::default;
    let says = |result: Result<Tensor<f64>>, words: &str| {
        let message = result.unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    };
    for wrong in [-0.1, 1.1, f64::NAN] {
        let options = plain().label_smoothing(wrong);
        says(
            x.cross_entropy(&y, options.clone()),
            "label_smoothing must lie in [0, 1], got",
        );
        says(
            x.cross_entropy(&x, options),
            "label_smoothing must lie in [0, 1], got",
        );
    }
    for wrong in [Tensor::from([1.0; 2]), Tensor::scalar(1.0)] {
        let options = plain().weight(wrong);
        says(
            x.cross_entropy(&y, options.clone()),
            "one number for each of 3 classes",
        );
        says(
            x.cross_entropy(&x, options),
            "one number for each of 3 classes",
        );
    }
    let narrow = Tensor::<f64>::zeros([2, 2]).unwrap();
    says(
        x.cross_entropy(&narrow, plain()),
        "logits [2, 3], target [2, 2]",
    );
    says(
        x.cross_entropy(&x, plain().ignore_index(1)),
        "ignore_index 1 is of no use",
    );
    says(
        Tensor::scalar(1.0).cross_entropy(&Tensor::scalar(1.0), plain()),
        "axis of classes",
    );
}
