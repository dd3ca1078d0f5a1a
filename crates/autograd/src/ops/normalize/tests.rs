use tensor::{BatchNormOptions, RunningStats, Tensor};

use crate::backward::grad;
use crate::gradcheck::{Gradcheck, gradcheck};
use crate::ops::testing::{check_squared, random, spaced};
use crate::tape::Tape;
use crate::var::Var;

/// A form of every normalisation, by x and what stands for weight and bias.
type Form = fn(&Var<f64>, Option<&Var<f64>>, Option<&Var<f64>>) -> tensor::Result<Var<f64>>;

const EPS: f64 = 0.1;

/// Every normalisation whose weight is one for each channel.
const CHANNELWISE: [(&str, Form); 4] = [
    ("batch_norm", |x, w, b| {
        x.batch_norm(None, w, b, &BatchNormOptions::default().eps(EPS))
    }),
    ("running statistics", |x, w, b| {
        let channels = x.shape()[1];
        let (mut mean, mut var) = (random(&[channels]), spaced(&[channels]));
        let running = RunningStats {
            mean: &mut mean,
            var: &mut var,
        };
        let options = BatchNormOptions::default().use_input_stats(false);
        x.batch_norm(Some(running), w, b, &options)
    }),
    ("instance_norm", |x, w, b| {
        x.instance_norm(None, w, b, &BatchNormOptions::default().eps(EPS))
    }),
    ("group_norm", |x, w, b| x.group_norm(2, w, b, EPS)),
];

#[test]
fn channels_agree_with_difference_quotients_to_second_order() {
    for (name, norm) in CHANNELWISE {
        for shape in [
            &[3, 2, 3][..],
            &[2, 4, 1, 2],
            &[1, 2, 3, 2],
            &[2, 2, 1, 3, 1],
        ] {
            let x = random(shape);
            let (w, b) = (spaced(&shape[1..2]), random(&shape[1..2]));
            let run = |v: &[Var<f64>]| norm(&v[0], Some(&v[1]), Some(&v[2]));
            gradcheck(run, &[x.clone(), w, b]).unwrap_or_else(|e| panic!("{name} {shape:?}: {e}"));
            check_squared(|v| norm(&v[0], None, None), std::slice::from_ref(&x));
        }
    }
}

#[test]
fn batches_of_vectors_and_wide_planes() {
    let options = BatchNormOptions::default().eps(EPS);
    let inputs = [random(&[5, 3]), spaced(&[3]), random(&[3])];
    check_squared(
        |v| v[0].batch_norm(None, Some(&v[1]), Some(&v[2]), &options),
        &inputs,
    );
    // Runs, not columns.
    let inputs = [random(&[2, 2, 17]), spaced(&[2]), random(&[2])];
    check_squared(
        |v| v[0].batch_norm(None, Some(&v[1]), Some(&v[2]), &options),
        &inputs,
    );
    check_squared(
        |v| v[0].group_norm(2, Some(&v[1]), None, EPS),
        &[random(&[4, 4]), spaced(&[4])],
    );
}

#[test]
fn rows_agree_with_difference_quotients_to_second_order() {
    for (shape, normalized) in [
        (&[2, 4][..], 1),
        (&[2, 3, 2], 2),
        (&[5], 1),
        (&[2, 1, 3], 3),
    ] {
        let row = &shape[shape.len() - normalized..];
        let inputs = [random(shape), spaced(row), random(row)];
        check_squared(
            |v| v[0].layer_norm(row, Some(&v[1]), Some(&v[2]), EPS),
            &inputs,
        );
        check_squared(|v| v[0].rms_norm(row, Some(&v[1]), Some(EPS)), &inputs[..2]);
        check_squared(|v| v[0].layer_norm(row, None, None, EPS), &inputs[..1]);
        check_squared(|v| v[0].rms_norm(row, None, None), &inputs[..1]);
    }
}

#[test]
fn the_third_order_stays_within_the_family() {
    let third = Gradcheck {
        order: 3,
        ..Gradcheck::default()
    };
    for (_, norm) in CHANNELWISE {
        third
            .check(
                |v| norm(&v[0], Some(&v[1]), None),
                &[random(&[2, 2, 2]), spaced(&[2])],
            )
            .unwrap();
    }
    third
        .check(|v| v[0].rms_norm([3], None, Some(EPS)), &[random(&[1, 3])])
        .unwrap();
}

/// `backward`, whose rules share sums, and `grad`, whose rules record.
#[test]
fn both_sweeps_agree_and_constants_cost_no_gradient() {
    for (name, norm) in CHANNELWISE {
        for tracked in 0..8 {
            let tape = Tape::new();
            let var = |bit: usize, value: Tensor<f64>| {
                if tracked & (1 << bit) != 0 {
                    tape.leaf(value)
                } else {
                    tape.constant(value)
                }
            };
            let vars = [
                var(0, random(&[3, 2, 20])),
                var(1, spaced(&[2])),
                var(2, random(&[2])),
            ];
            let y = norm(&vars[0], Some(&vars[1]), Some(&vars[2])).unwrap();
            let target = y.constant(Tensor::randn(y.shape(), &mut rng()).unwrap());
            let loss = y.mul(&target).unwrap().square().unwrap().sum().unwrap();
            let wanted: Vec<&Var<f64>> = vars.iter().filter(|v| v.is_tracked()).collect();
            if wanted.is_empty() {
                continue;
            }
            let recorded: Vec<Tensor<f64>> = grad(&loss, &wanted)
                .unwrap()
                .into_iter()
                .map(Var::into_value)
                .collect();
            let swept = loss.backward().unwrap();
            for (leaf, recorded) in wanted.iter().zip(recorded) {
                let swept = swept.get(*leaf).unwrap();
                assert_eq!(swept, &recorded, "{name} {tracked}: to the bit");
            }
        }
    }
}

fn rng() -> tensor::random::Generator {
    tensor::random::Generator::new(3)
}

#[test]
fn one_entry_on_the_tape_and_no_copy_of_it_in_memory() {
    let tape = Tape::new();
    let x = tape.leaf(random(&[2, 2, 3]));
    let w = tape.leaf(spaced(&[2]));
    let _y = x.group_norm(1, Some(&w), None, EPS).unwrap();
    let list = tape.to_string();
    assert!(
        list.ends_with("%2 = group_norm(%0, %1) [2, 2, 3]"),
        "{list}"
    );
    assert!(tape.entries()[2].op.spans_plane);
}
