//! Random shapes, axes, options and indices, thrown at every operation on
//! variables, forward, backward and backward once more: each answers with a
//! result or an error, never a panic. Where it is a result, its gradients have
//! the shapes of their inputs, and are finite where it is.
//!
//! Whether the numbers are right is for `gradcheck` and the fixtures to say.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use wengert::random::Generator;
use wengert::{
    Approximate, BatchNormOptions, BinaryCrossEntropyWithLogitsOptions, CrossEntropyOptions, Error,
    KlDivOptions, Reduction, Result, Rounding, RunningStats, Tape, Tensor, Var, grad_or_none,
};
use wengert_tests::draw::{Draw, draw};

type Op = fn(&Draw, &Var<f64>, &Var<f64>) -> Result<Var<f64>>;

/// Every operation but those of convolution and pooling, which have a file of
/// their own: `properties_conv`.
const OPERATIONS: &[(&str, Op)] = &[
    ("neg", |_, x, _| x.neg()),
    ("abs", |_, x, _| x.abs()),
    ("square", |_, x, _| x.square()),
    ("relu", |_, x, _| x.relu()),
    ("clamp", |d, x, _| x.clamp(d.number, 1.2)),
    ("clamp_min", |d, x, _| x.clamp_min(d.number)),
    ("clamp_max", |d, x, _| x.clamp_max(d.number)),
    ("exp", |_, x, _| x.exp()),
    ("log", |_, x, _| x.log()),
    ("sqrt", |_, x, _| x.sqrt()),
    ("powf", |d, x, _| x.powf(d.number.clamp(-4.0, 4.0))),
    ("powi", |d, x, _| x.powi(d.positions[0].clamp(-9, 9) as i32)),
    ("sigmoid", |_, x, _| x.sigmoid()),
    ("tanh", |_, x, _| x.tanh()),
    ("relu6", |_, x, _| x.relu6()),
    ("hardtanh", |_, x, _| x.hardtanh(-0.5, 1.5)),
    ("leaky_relu", |d, x, _| {
        x.leaky_relu(d.number.clamp(-2.0, 2.0))
    }),
    ("prelu", |_, x, y| x.prelu(y)),
    ("prelu", |d, x, _| {
        let channels = x.shape().get(1).copied().unwrap_or(1);
        x.prelu(&x.tape().leaf(d.tensor(&[channels.min(9)], 5)))
    }),
    ("hardsigmoid", |_, x, _| x.hardsigmoid()),
    ("hardswish", |_, x, _| x.hardswish()),
    ("softsign", |_, x, _| x.softsign()),
    ("elu", |d, x, _| x.elu(d.number.clamp(-2.0, 2.0))),
    ("selu", |_, x, _| x.selu()),
    ("celu", |d, x, _| x.celu(d.number.clamp(-2.0, 2.0))),
    ("gelu", |_, x, _| x.gelu(Approximate::None)),
    ("gelu", |_, x, _| x.gelu(Approximate::Tanh)),
    ("silu", |_, x, _| x.silu()),
    ("mish", |_, x, _| x.mish()),
    ("softplus", |d, x, _| x.softplus(1.5, d.number)),
    ("logsigmoid", |_, x, _| x.logsigmoid()),
    ("erf", |_, x, _| x.erf()),
    ("add_scalar", |_, x, _| x.add_scalar(0.5)),
    ("mul_scalar", |_, x, _| x.mul_scalar(1.5)),
    ("div_scalar", |_, x, _| x.div_scalar(1.5)),
    ("add", |_, x, y| x.add(y)),
    ("sub", |_, x, y| x.sub(y)),
    ("mul", |_, x, y| x.mul(y)),
    ("div", |_, x, y| x.div(y)),
    ("pow", |_, x, y| x.pow(y)),
    ("maximum", |_, x, y| x.maximum(y)),
    ("minimum", |_, x, y| x.minimum(y)),
    ("clamp_between", |d, x, y| {
        x.clamp_between(y, &y.constant(d.tensor(&d.partner, 5)))
    }),
    ("div_rounded", |_, x, y| x.div_rounded(y, Rounding::Floor)),
    ("where_", |d, x, y| Var::where_(&d.mask(&d.partner), x, y)),
    ("masked_fill", |d, x, _| {
        x.masked_fill(&d.mask(&d.partner), 1.0)
    }),
    ("reshape", |d, x, _| x.reshape(d.reshape())),
    ("view", |d, x, _| x.view(d.reshape())),
    ("reshape_to", |d, x, _| x.reshape_to(&d.partner)),
    ("flatten", |d, x, _| x.flatten(d.axes[0], d.axes[1])),
    ("squeeze", |d, x, _| x.squeeze(d.some_axes())),
    ("squeeze_all", |_, x, _| x.squeeze_all()),
    ("unsqueeze", |d, x, _| x.unsqueeze(d.axes[0])),
    ("permute", |d, x, _| x.permute(d.order())),
    ("transpose", |d, x, _| x.transpose(d.axes[0], d.axes[1])),
    ("t", |_, x, _| x.t()),
    ("expand", |d, _, y| y.expand(&d.shape)),
    ("expand", |d, x, _| {
        x.expand([&d.sizes[..1], x.shape()].concat())
    }),
    ("flip", |d, x, _| x.flip(d.some_axes())),
    ("cat", |d, x, y| Var::cat(&[x, y, x], d.axes[0])),
    ("stack", |d, x, y| Var::stack(&[x, y], d.axes[0])),
    ("split", |d, x, _| last(x.split(d.sizes[0], d.axes[0])?)),
    ("split_with_sizes", |d, x, _| {
        let sizes = [d.sizes[0], d.size_of_axis().saturating_sub(d.sizes[0])];
        last(x.split_with_sizes(&sizes, d.axes[0])?)
    }),
    ("chunk", |d, x, _| last(x.chunk(d.sizes[0], d.axes[0])?)),
    ("slice", |d, x, _| x.slice(d.slices())),
    ("narrow", |d, x, _| {
        x.narrow(d.axes[0], d.positions[0], d.sizes[0])
    }),
    ("select", |d, x, _| x.select(d.axes[0], d.positions[0])),
    ("unslice", |d, x, _| {
        x.slice(d.slices())?.unslice(x.shape(), d.slices())
    }),
    ("unslice", |d, x, _| x.unslice(&d.partner, d.slices())),
    ("pad", |d, x, _| x.pad(&d.amounts(), 0.5)),
    ("index_select", |d, x, _| {
        x.index_select(d.axes[0], &d.indices(&d.sizes[..1], d.size_of_axis()))
    }),
    ("index_by", |d, x, _| {
        let of = |axis: usize| {
            let size = x.shape().get(axis).copied().unwrap_or(1);
            d.indices(&d.partner[d.partner.len().min(1)..], size)
        };
        let (first, last) = (of(0), of(2));
        x.index_by(&[Some(&first), None, Some(&last)])
    }),
    ("gather", |d, x, _| {
        x.gather(d.axes[0], &d.indices(&d.partner, d.size_of_axis()))
    }),
    ("index_add", |d, x, y| {
        x.index_add(
            d.axes[0],
            &d.indices(&[d.size_of_axis()], d.size_of_axis()),
            y,
        )
    }),
    ("scatter_add", |d, x, y| {
        x.scatter_add(d.axes[0], &d.indices(&d.partner, d.size_of_axis()), y)
    }),
    ("sum", |_, x, _| x.sum()),
    ("sum_axes", |d, x, _| x.sum_axes(d.some_axes(), d.flags[0])),
    ("sum_to", |d, x, _| x.sum_to(&d.partner)),
    ("mean", |_, x, _| x.mean()),
    ("mean_axes", |d, x, _| {
        x.mean_axes(d.some_axes(), d.flags[0])
    }),
    ("var", |_, x, _| x.var()),
    ("var_axes", |d, x, _| {
        x.var_axes(d.some_axes(), d.number, d.flags[0])
    }),
    ("std", |_, x, _| x.std()),
    ("std_axes", |d, x, _| {
        x.std_axes(d.some_axes(), d.number, d.flags[0])
    }),
    ("norm", |d, x, _| x.norm(d.number)),
    ("vector_norm", |d, x, _| x.vector_norm(d.number)),
    ("vector_norm_axes", |d, x, _| {
        x.vector_norm_axes(d.number, d.some_axes(), d.flags[0])
    }),
    ("norm_axes", |d, x, _| {
        x.norm_axes(d.number, d.some_axes(), d.flags[0])
    }),
    ("amax", |_, x, _| x.amax()),
    ("amax_axes", |d, x, _| {
        x.amax_axes(d.some_axes(), d.flags[0])
    }),
    ("amin", |_, x, _| x.amin()),
    ("amin_axes", |d, x, _| {
        x.amin_axes(d.some_axes(), d.flags[0])
    }),
    ("softmax", |d, x, _| x.softmax(d.axes[0])),
    ("softmin", |d, x, _| x.softmin(d.axes[0])),
    ("log_softmax", |d, x, _| x.log_softmax(d.axes[0])),
    ("logsumexp", |d, x, _| {
        x.logsumexp(d.some_axes(), d.flags[0])
    }),
    ("matmul", |_, x, y| x.matmul(y)),
    ("matmul", |_, x, y| x.matmul(&y.transpose(-1, -2)?)),
    ("mm", |d, x, y| {
        let (n, k) = (d.sizes[0].clamp(1, 4), y.value().len());
        x.flatten(0, -1)?
            .unsqueeze(1)?
            .mm(&y.reshape_to([1, k])?)?
            .narrow(1, 0, n)
    }),
    ("mm", |_, x, y| x.mm(y)),
    ("bmm", |_, x, y| {
        x.flatten(0, -1)?
            .unsqueeze(0)?
            .unsqueeze(2)?
            .bmm(&y.flatten(0, -1)?.unsqueeze(0)?.unsqueeze(0)?)
    }),
    ("matmul_with", |d, x, y| {
        x.matmul_with(y, d.flags[0], d.flags[1])
    }),
    ("matmul_with", |d, x, y| {
        let rows = x.ndim().saturating_sub(2);
        let columns: Vec<_> = x.shape().iter().skip(rows).copied().collect();
        x.matmul_with(&y.constant(d.tensor(&columns, 5)), d.flags[0], !d.flags[0])
    }),
    ("linear", |_, x, y| x.linear(y, None)),
    ("linear_relu", |_, x, y| x.linear_relu(y, None)),
    ("linear", |d, x, _| {
        let features = x.shape().last().copied().unwrap_or(1);
        let weight = x.tape().leaf(d.tensor(&[d.sizes[0], features], 5));
        let bias = x.tape().leaf(d.tensor(&d.sizes[..1], 6));
        x.linear(&weight, d.flags[0].then_some(&bias))
    }),
    ("mse_loss", |d, x, y| x.mse_loss(y, reduction(d))),
    ("l1_loss", |d, x, y| x.l1_loss(y, reduction(d))),
    ("smooth_l1_loss", |d, x, y| {
        x.smooth_l1_loss(y, reduction(d), d.number)
    }),
    ("huber_loss", |d, x, y| {
        x.huber_loss(y, reduction(d), d.number)
    }),
    ("kl_div", |d, x, y| {
        let options = match reduction(d) {
            Reduction::Sum if d.flags[0] => KlDivOptions::batch_mean(),
            reduction => reduction.into(),
        };
        x.kl_div(y, options.log_target(d.flags[1]))
    }),
    ("binary_cross_entropy", |d, x, y| {
        x.sigmoid()?
            .binary_cross_entropy(&y.sigmoid()?, reduction(d))
    }),
    ("binary_cross_entropy_with_logits", |d, x, y| {
        let mut options = BinaryCrossEntropyWithLogitsOptions::from(reduction(d));
        options.pos_weight = d.flags[0].then(|| Tensor::scalar(2.5));
        x.binary_cross_entropy_with_logits(y, options)
    }),
    ("nll_loss", |d, x, _| {
        let mut labels = x.shape().to_vec();
        let classes = match labels.len() {
            0 => 1,
            1 => labels.remove(0),
            _ => labels.remove(1),
        };
        x.nll_loss(&d.indices(&labels, classes), reduction(d))
    }),
    ("cross_entropy", |d, x, y| {
        let options = CrossEntropyOptions::from(reduction(d));
        x.cross_entropy(y, options.label_smoothing(d.number))
    }),
    ("cross_entropy", |d, x, _| {
        let mut labels = x.shape().to_vec();
        let classes = match labels.len() {
            0 => 1,
            1 => labels.remove(0),
            _ => labels.remove(1),
        };
        x.cross_entropy(&d.indices(&labels, classes), reduction(d))
    }),
    ("cross_entropy", |d, x, _| {
        x.cross_entropy(&d.indices(&d.partner, 3), reduction(d))
    }),
    ("dropout", |d, x, _| x.dropout(d.number)),
    ("dropout2d", |d, x, _| x.dropout2d(d.number)),
    ("batch_norm", |d, x, _| {
        let options = BatchNormOptions::default();
        let [weight, bias] = channels(d, x);
        x.batch_norm(None, weight.as_ref(), bias.as_ref(), &options)
    }),
    ("batch_norm", |d, x, _| {
        let [weight, bias] = channels(d, x);
        let channels = x.shape().get(1).copied().unwrap_or(1);
        let (mut mean, mut var) = (d.tensor(&[channels], 7), d.tensor(&[channels], 8));
        let running = RunningStats {
            mean: &mut mean,
            var: &mut var,
        };
        let options = BatchNormOptions::default().use_input_stats(d.flags[2]);
        x.batch_norm(Some(running), weight.as_ref(), bias.as_ref(), &options)
    }),
    ("instance_norm", |d, x, _| {
        let options = BatchNormOptions::default();
        let [weight, bias] = channels(d, x);
        x.instance_norm(None, weight.as_ref(), bias.as_ref(), &options)
    }),
    ("group_norm", |d, x, _| {
        let [weight, bias] = channels(d, x);
        let channels = x.shape().get(1).copied().unwrap_or(1);
        let groups = if d.flags[2] { channels } else { d.sizes[0] };
        x.group_norm(groups, weight.as_ref(), bias.as_ref(), 1e-5)
    }),
    ("layer_norm", |d, x, _| {
        let row = &x.shape()[x.ndim().saturating_sub(1 + d.seed as usize % 3)..];
        let weight = x.tape().leaf(d.tensor(row, 5));
        x.layer_norm(row, d.flags[0].then_some(&weight), None, 1e-5)
    }),
    ("rms_norm", |d, x, _| {
        let row = &x.shape()[x.ndim().saturating_sub(1 + d.seed as usize % 3)..];
        let weight = x.tape().leaf(d.tensor(row, 5));
        x.rms_norm(row, d.flags[0].then_some(&weight), None)
    }),
];

/// What has no value over nothing, or over too little.
const UNDEFINED: &[&str] = &[
    "mean",
    "mean_axes",
    "var",
    "var_axes",
    "std",
    "std_axes",
    "logsumexp",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "kl_div",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "nll_loss",
    "cross_entropy",
    "clamp",
    "clamp_min",
    "clamp_max",
    "powf",
    "leaky_relu",
    "elu",
    "celu",
];

/// A weight and a bias for each channel, or not.
fn channels(d: &Draw, x: &Var<f64>) -> [Option<Var<f64>>; 2] {
    let channels = x.shape().get(1).copied().unwrap_or(1);
    [5, 6].map(|seed| {
        let leaf = x.tape().leaf(d.tensor(&[channels], seed));
        d.flags[seed as usize % 2].then_some(leaf)
    })
}

fn reduction(d: &Draw) -> Reduction {
    [Reduction::Mean, Reduction::Sum, Reduction::None][d.seed as usize % 3]
}

fn last(mut pieces: Vec<Var<f64>>) -> Result<Var<f64>> {
    pieces
        .pop()
        .ok_or_else(|| Error::value("last", "there are no pieces"))
}

fn is_finite(x: &Var<f64>) -> bool {
    x.value().iter().all(|x| x.is_finite())
}

/// One operation on one draw, and its gradients of the first two orders.
fn check(name: &str, op: Op, d: &Draw) -> std::result::Result<(), TestCaseError> {
    let tape = Tape::new().with_rng(&mut Generator::new(d.seed));
    let (x, y) = (tape.leaf(d.x()), tape.leaf(d.y()));
    let Ok(result) = op(d, &x, &y) else {
        return Ok(());
    };
    let finite = is_finite(&result);
    prop_assert!(finite || UNDEFINED.contains(&name), "{name}: {result:?}");
    // The sum of a result without elements is a loss, too.
    let loss = result.sum().unwrap();

    let inputs = [&x, &y];
    let Some(first) = gradients(name, &loss, &inputs)? else {
        return Ok(());
    };
    let mut again = tape.constant(Tensor::scalar(0.0));
    for (gradient, input) in first.iter().zip(inputs) {
        let Some(gradient) = gradient else { continue };
        prop_assert_eq!(gradient.shape(), input.shape(), "{}", name);
        prop_assert!(!finite || is_finite(gradient), "{name}: {gradient:?}");
        again = again
            .add(&gradient.square().unwrap().sum().unwrap())
            .unwrap();
    }

    let Some(second) = gradients(name, &again, &inputs)? else {
        return Ok(());
    };
    for (gradient, input) in second.iter().zip(inputs) {
        let Some(gradient) = gradient else { continue };
        prop_assert_eq!(gradient.shape(), input.shape(), "{}, again", name);
        prop_assert!(
            !finite || is_finite(gradient),
            "{name}, again: {gradient:?}"
        );
    }

    // The sweep that consumes the tape finds the same gradients, to the bit.
    if first.iter().any(Option::is_some) {
        let grads = loss.backward();
        let grads = grads.map_err(|error| TestCaseError::fail(format!("{name}: {error}")))?;
        for (gradient, input) in first.iter().zip(inputs) {
            let bits = |x: &Tensor<f64>| x.map(|x| x.to_bits() as i64);
            let expected = gradient.as_ref().map(|gradient| bits(gradient.value()));
            prop_assert_eq!(grads.get(input).map(bits), expected, "{}", name);
        }
    }
    Ok(())
}

/// The gradients, or `None` if they are too large: an empty tensor whose axes
/// are vast can have sums that no memory can hold.
fn gradients(
    name: &str,
    loss: &Var<f64>,
    inputs: &[&Var<f64>],
) -> std::result::Result<Option<Vec<Option<Var<f64>>>>, TestCaseError> {
    match grad_or_none(loss, inputs) {
        Ok(gradients) => Ok(Some(gradients)),
        Err(Error::TooLarge { .. }) => Ok(None),
        Err(error) => Err(TestCaseError::fail(format!("{name}: {error}"))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_operation_answers(d in draw()) {
        for &(name, op) in OPERATIONS {
            check(name, op, &d)?;
        }
    }
}

/// The draws are such that every operation is carried out often enough, with
/// gradients of values that are finite.
#[test]
fn every_operation_is_carried_out() {
    let mut runner = TestRunner::deterministic();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..300 {
        let d = draw().new_tree(&mut runner).unwrap().current();
        let tape = Tape::new().with_rng(&mut Generator::new(d.seed));
        let (x, y) = (tape.leaf(d.x()), tape.leaf(d.y()));
        for (name, op) in OPERATIONS {
            let done = op(&d, &x, &y).is_ok_and(|y| is_finite(&y) && !y.value().is_empty());
            *count.entry(name).or_default() += usize::from(done);
        }
    }
    count.retain(|_, count| *count < 15);
    assert!(
        count.is_empty(),
        "carried out so often only of 300: {count:?}"
    );
}
