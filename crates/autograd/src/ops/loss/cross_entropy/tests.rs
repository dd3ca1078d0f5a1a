use super::*;
use crate::gradcheck::{Gradcheck, gradcheck};
use crate::ops::testing::{spaced, torch};
use crate::tape::Tape;

const ALL: [Reduction; 3] = [Reduction::Mean, Reduction::Sum, Reduction::None];

#[test]
fn cross_entropies_of_torch() {
    let inputs = || [Tensor::from([[1.0, 2.0, 4.0], [0.0, -1.0, 0.5]])];
    let ce = |y: [i64; 2], r| move |x: &[Var<f64>]| x[0].cross_entropy(&Tensor::from(y), r);
    // m = [[1.0, 2.0, 4.0], [0.0, -1.0, 0.5]]
    // for r in ('mean', 'sum', 'none'):
    //     show(lambda x: F.cross_entropy(x, torch.tensor([2, 0]), reduction=r), m)
    let sum = [
        [
            0.042_010_066_134_066_05,
            0.114_195_199_384_594_48,
            -0.156_205_265_518_660_54,
        ],
        [
            -0.668_501_039_575_908_6,
            0.121_951_652_309_728_85,
            0.546_549_387_266_179_6,
        ],
    ];
    let gradients = |factor: f64| [Tensor::from(sum) * factor];
    let losses = [0.169_846_019_556_285_67, 1.104_130_605_336_728_4];
    torch(
        ce([2, 0], Reduction::Mean),
        inputs(),
        0.636_988_312_446_507,
        gradients(0.5),
    );
    torch(
        ce([2, 0], Reduction::Sum),
        inputs(),
        1.273_976_624_893_014,
        gradients(1.0),
    );
    torch(
        ce([2, 0], Reduction::None),
        inputs(),
        losses,
        gradients(1.0),
    );
    // The same with torch.tensor([2, -100]): the second is ignored.
    let first = || [Tensor::from([sum[0], [0.0; 3]])];
    torch(ce([2, -100], Reduction::Mean), inputs(), losses[0], first());
    torch(
        ce([2, -100], Reduction::None),
        inputs(),
        [losses[0], 0.0],
        first(),
    );
    let none = || [Tensor::from([[0.0; 3]; 2])];
    torch(
        ce([-100, -100], Reduction::Mean),
        inputs(),
        f64::NAN,
        none(),
    );
    // show(lambda x: F.cross_entropy(x, torch.tensor([[0, 1, 1]])), [m])
    torch(
        |x| x[0].cross_entropy(&Tensor::from([[0, 1, 1]]), Reduction::Mean),
        [inputs()[0].reshape_to([1, 2, 3]).unwrap()],
        2.297_199_819_121_528_4,
        [Tensor::from([[
            [
                -0.089_647_140_456_665_03,
                0.317_524_708_940_811_1,
                0.323_562_589_749_547_9,
            ],
            [
                0.089_647_140_456_665_03,
                -0.317_524_708_940_811_03,
                -0.323_562_589_749_547_9,
            ],
        ]])],
    );
}

#[test]
fn agree_with_difference_quotients() {
    let third = Gradcheck {
        order: 3,
        ..Gradcheck::default()
    };
    for r in ALL {
        let y = Tensor::from([1, -100, 0]);
        let x = [spaced(&[3, 2])];
        third.check(|x| x[0].cross_entropy(&y, r), &x).unwrap();
        let ignoring = CrossEntropyOptions::from(r).ignore_index(0);
        let y = Tensor::from([1, 0, 2]);
        gradcheck(
            |x| x[0].cross_entropy(&y, ignoring.clone()),
            &[spaced(&[3, 3])],
        )
        .unwrap();
        let y = Tensor::from([[1, 0], [-100, 2]]);
        gradcheck(|x| x[0].cross_entropy(&y, r), &[spaced(&[2, 3, 2])]).unwrap();
        let y = Tensor::scalar(2);
        gradcheck(|x| x[0].cross_entropy(&y, r), &[spaced(&[3])]).unwrap();
        // Not only of a leaf, and not only with g = 1.
        let f = |x: &[Var<f64>]| {
            let scores = x[0].square()?;
            scores.cross_entropy(&Tensor::from([1, 0]), r)?.square()
        };
        gradcheck(f, &[spaced(&[2, 2])]).unwrap();
    }
}

#[test]
fn a_loss_is_one_entry() {
    let tape = Tape::new();
    let x = tape.leaf(spaced(&[2, 3]));
    x.cross_entropy(&Tensor::from([0, 1]), Reduction::Mean)
        .unwrap();
    let smooth = CrossEntropyOptions::default().label_smoothing(0.1);
    x.cross_entropy(&Tensor::from([0, 1]), smooth).unwrap();
    let probabilities = tape.constant(spaced(&[2, 3]));
    x.cross_entropy(&probabilities, Reduction::Mean).unwrap();
    assert_eq!(tape.len(), 4);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let tape = Tape::new();
    let x = tape.leaf(spaced(&[2, 3]));
    let message = x
        .cross_entropy(&Tensor::from([0, 3]), Reduction::Mean)
        .unwrap_err()
        .to_string();
    assert!(message.contains("label 3 at [1] is out of range for 3 classes"));
}

#[test]
fn empty_batches() {
    let scores = Tape::new().leaf(Tensor::<f64>::zeros([0, 3]).unwrap());
    let labels = Tensor::<i64>::zeros([0]).unwrap();
    let loss = scores.cross_entropy(&labels, Reduction::Mean).unwrap();
    assert!(loss.item().unwrap().is_nan());
    let grads = loss.backward().unwrap();
    assert_eq!(grads.get(&scores).map(Tensor::shape), Some(&[0, 3][..]));
}

/// Weights, smoothing and an ignored label, alone and together.
fn every_option(reduction: Reduction, classes: usize) -> Vec<CrossEntropyOptions<f64>> {
    let plain = || CrossEntropyOptions::from(reduction);
    let weight = || spaced(&[classes]);
    vec![
        plain(),
        plain().weight(weight()),
        plain().label_smoothing(0.2),
        plain().label_smoothing(1.0).weight(weight()),
        plain()
            .label_smoothing(0.3)
            .weight(weight())
            .ignore_index(-1),
    ]
}

#[test]
fn options_together_agree_with_difference_quotients() {
    for reduction in ALL {
        for options in every_option(reduction, 3) {
            let ignored = options.ignore_index;
            for (shape, labels) in [
                (&[3][..], Tensor::scalar(1)),
                (&[3, 3], Tensor::from([2, ignored, 0])),
                (&[2, 3, 2], Tensor::from([[2, 0], [ignored, 1]])),
            ] {
                let x = [spaced(shape)];
                let f = |x: &[Var<f64>]| x[0].cross_entropy(&labels, options.clone())?.square();
                gradcheck(f, &x).unwrap();
                // Targets of their own, which need not be a distribution.
                let x = [spaced(shape), spaced(shape) * 0.3];
                let f = |x: &[Var<f64>]| x[0].cross_entropy(&x[1], options.clone())?.square();
                gradcheck(f, &x).unwrap();
            }
        }
    }
}

#[test]
fn class_probabilities_of_torch() {
    // w = torch.tensor([1., 2.])
    // show(lambda x, t: F.cross_entropy(x, t, weight=w, label_smoothing=.1),
    //      [[1., 0.], [0., 0.]], [[.2, .8], [.5, .5]])
    let options = CrossEntropyOptions::default().weight(Tensor::from([1.0, 2.0]));
    let options = options.label_smoothing(0.1);
    torch(
        |x| x[0].cross_entropy(&x[1], options.clone()),
        [
            Tensor::from([[1.0, 0.0], [0.0, 0.0]]),
            Tensor::from([[0.2, 0.8], [0.5, 0.5]]),
        ],
        1.567_096_978_873_586_5,
        [
            Tensor::from([
                [0.531_986_842_087_554_4, -0.531_986_842_087_554_4],
                [0.125, -0.125],
            ]),
            Tensor::from([
                [0.140_967_759_383_200_3, 1.181_935_518_766_400_5],
                [0.311_916_231_251_975_4, 0.623_832_462_503_950_7],
            ]),
        ],
    );
}

#[test]
fn nothing_that_counts_has_no_gradient() {
    // F.cross_entropy(x, torch.tensor([-100, -100]), …): nan, and zeros for the gradient.
    let labels = Tensor::from([-100, -100]);
    for options in every_option(Reduction::Mean, 3) {
        let x = Tape::new().leaf(spaced(&[2, 3]));
        let options = options.ignore_index(-100);
        let loss = x.cross_entropy(&labels, options.clone()).unwrap();
        assert!(loss.item().unwrap().is_nan());
        let zeros = x.value().zeros_like();
        assert_eq!(loss.backward().unwrap().get(&x), Some(&zeros));
        // Nothing at all, in both forms.
        let tape = Tape::new();
        let none = tape.leaf(spaced(&[0, 3]));
        let labels = Tensor::from([0i64; 0]);
        let hard = none.cross_entropy(&labels, options.clone()).unwrap();
        let soft = none.cross_entropy(&none, options).unwrap();
        assert!(hard.item().unwrap().is_nan() && soft.item().unwrap().is_nan());
    }
}

#[test]
fn smoothing_towards_what_is_impossible_of_torch() {
    // show(lambda x: F.cross_entropy(x, torch.tensor([0, 1]), label_smoothing=.1), [[-inf, 0.], [0., 0.]])
    torch(
        |x| {
            let options = CrossEntropyOptions::default().label_smoothing(0.1);
            x[0].cross_entropy(&Tensor::from([0, 1]), options)
        },
        [Tensor::from([[f64::NEG_INFINITY, 0.0], [0.0, 0.0]])],
        f64::INFINITY,
        [Tensor::from([[-0.475, 0.475], [0.225, -0.225]])],
    );
}
