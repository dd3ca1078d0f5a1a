//! Random options and shapes, thrown at layers, models, losses, initialisers,
//! optimisers, summaries and datasets: an answer or an error, never a panic.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use proptest::prelude::*;
use proptest::sample::select;
use wengert::data::{Dataset, Normalization};
use wengert::init::{self, FanMode, Nonlinearity};
use wengert::prelude::*;
use wengert::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, Celu, CircularPad2d, ConstantPad2d, ConvTranspose2d,
    CrossEntropyOptions, Elu, Fold, Gelu, Hardsigmoid, Hardswish, Hardtanh, Identity, LeakyRelu,
    LogSigmoid, LogSoftmax, Mish, PaddingMode, Prelu, ReflectionPad2d, Relu6, ReplicationPad2d,
    Selu, Silu, Softmax, Softmax2d, Softmin, Softplus, Softsign, Unflatten, Unfold, UnfoldOptions,
    Upsample, ZeroPad2d, confusion_matrix,
};
use wengert_tests::draw::{Draw, VAST, draw};
use wengert_tests::expected::both;

type Outcome = std::result::Result<(), TestCaseError>;

fn rng(d: &Draw) -> Generator {
    Generator::new(d.seed)
}

/// Layers from a draw, as far as they can be built.
fn layers(d: &Draw) -> Vec<Box<dyn Module<f64>>> {
    let s = &d.sizes;
    let mut layers: Vec<Box<dyn Module<f64>>> = vec![
        Box::new(Relu),
        Box::new(Sigmoid),
        Box::new(Tanh),
        Box::new(Relu6),
        Box::new(LeakyRelu::new(d.number.clamp(-2.0, 2.0))),
        Box::new(Prelu::default()),
        Box::new(Elu::new(1.5)),
        Box::new(Selu),
        Box::new(Celu::new(0.5)),
        Box::new(Gelu::default()),
        Box::new(Silu),
        Box::new(Mish),
        Box::new(Hardswish),
        Box::new(Hardsigmoid),
        Box::new(Hardtanh::default()),
        Box::new(LogSigmoid),
        Box::new(Softplus::default()),
        Box::new(Softsign),
        Box::new(Softmax::new(d.axes[0])),
        Box::new(Softmin::new(d.axes[0])),
        Box::new(LogSoftmax::new(d.axes[0])),
        Box::new(Softmax2d),
        Box::new(Identity),
        Box::new(Flatten::new()),
        Box::new(Flatten {
            start: d.axes[0],
            end: d.axes[1],
        }),
        Box::new(
            MaxPool2d::new((s[0], s[1]))
                .stride(s[2])
                .padding(s[3])
                .ceil_mode(d.flags[0]),
        ),
        Box::new(MaxPool2d::new(2).stride(s[2]).dilation(s[3])),
        Box::new(
            AvgPool2d::new((s[0], s[1]))
                .stride(s[2])
                .padding(s[3])
                .ceil_mode(d.flags[0]),
        ),
        Box::new(
            AvgPool2d::new(2)
                .count_include_pad(d.flags[1])
                .divisor_override(d.positions[0] as i64),
        ),
        Box::new(AdaptiveAvgPool2d::new((s[0].min(9), None))),
        Box::new(AdaptiveMaxPool2d::new((s[0].min(9), s[1].min(9)))),
        Box::new(ZeroPad2d::new(d.axes[0])),
        Box::new(ConstantPad2d::new((0, d.axes[1], d.axes[0], 1), 0.5)),
        Box::new(ReflectionPad2d::new((1, d.axes[1], d.axes[0], 1))),
        Box::new(ReplicationPad2d::new((0, 1, d.axes[0], 1))),
        Box::new(CircularPad2d::new((0, d.axes[1], d.axes[0], 1))),
        Box::new(Upsample::size([s[0].min(9), s[1].min(9)])),
        Box::new(Upsample::scale_factor([d.number])),
        Box::new(Unfold::from(
            UnfoldOptions::new((s[0], s[1]))
                .stride(s[2])
                .padding(s[3].min(9)),
        )),
        Box::new(Fold::new(s[0], UnfoldOptions::new(1).stride(s[2]))),
        Box::new(Unflatten::new(d.axes[0], [1, -1])),
        Box::new(Unflatten::new(d.axes[0], [d.axes[1], d.axes[2]])),
        Box::new(Sequential::new()),
        Box::new(Sequential::new().add(Tanh).add(Flatten {
            start: d.axes[0],
            end: -1,
        })),
    ];
    layers.extend(
        Dropout::new(d.number)
            .ok()
            .map(|layer| Box::new(layer) as Box<_>),
    );
    let channels = d.shape.iter().rev().nth(2).copied().unwrap_or(1);
    let transposed = [
        ConvTranspose2d::builder(s[0], s[1], (s[2], s[3]))
            .groups(s[4])
            .build(&mut rng(d)),
        ConvTranspose2d::builder(channels, 2, (s[2].min(5), 2))
            .stride(s[4].min(5))
            .padding(s[5])
            .output_padding((0, s[3]))
            .bias(d.flags[0])
            .build(&mut rng(d)),
    ];
    layers.extend(
        transposed
            .into_iter()
            .flatten()
            .map(|layer| Box::new(layer) as Box<_>),
    );
    let convs = [
        Conv2d::builder(channels, 2, (s[2].min(5), 2))
            .padding((s[4], s[5]))
            .padding_mode(PaddingMode::Reflect)
            .build(&mut rng(d)),
        Conv2d::builder(channels, 2, (2, 3))
            .padding(Padding::Same)
            .dilation(s[4])
            .padding_mode(PaddingMode::Circular)
            .build(&mut rng(d)),
        Conv2d::builder(s[0], s[1], (s[2], s[3]))
            .groups(s[4])
            .build(&mut rng(d)),
        Conv2d::builder(channels, 2, (s[2].min(5), 2))
            .stride(s[4])
            .padding(s[5])
            .build(&mut rng(d)),
        Conv2d::builder(channels, 4, 2)
            .dilation(s[2])
            .padding(Padding::Same)
            .bias(false)
            .build(&mut rng(d)),
        Conv2d::builder(channels, channels, 1)
            .groups(channels)
            .padding((s[2], s[3]))
            .build(&mut rng(d)),
    ];
    layers.extend(
        convs
            .into_iter()
            .flatten()
            .map(|layer| Box::new(layer) as Box<_>),
    );
    let features = d.shape.last().copied().unwrap_or(1);
    let linears = [
        Linear::builder(s[0], s[1]).build(&mut rng(d)),
        Linear::builder(features, s[1])
            .bias(d.flags[0])
            .build(&mut rng(d)),
    ];
    layers.extend(
        linears
            .into_iter()
            .flatten()
            .map(|layer| Box::new(layer) as Box<_>),
    );
    layers
}

/// A layer on a draw: forward, backward, and a step.
fn exercise(layer: &mut dyn Module<f64>, d: &Draw) -> Outcome {
    let shown = layer.to_string();
    prop_assert_eq!(
        layer.named_parameters().len(),
        layer.clone_module().named_parameters().len()
    );
    let tape = Tape::new().with_rng(&mut rng(d));
    let x = tape.leaf(d.x());
    let Ok(y) = layer.forward(&x) else {
        return Ok(());
    };
    let inference = layer.forward(&Tape::inference().constant(d.x())).unwrap();
    prop_assert_eq!(inference.shape(), y.shape());
    // Small inputs, weights and windows, and a divisor that is not 0: finite.
    prop_assert!(
        y.value().iter().all(|y| y.is_finite()),
        "{}: {:?}",
        shown,
        y
    );
    let loss = y.square().unwrap().sum().unwrap();
    // A model that is the identity, or all constant, has no gradient to take.
    let Ok(grads) = loss.backward() else {
        return Ok(());
    };
    if let Some(gradient) = grads.get(&x) {
        prop_assert_eq!(gradient.shape(), x.shape(), "{}", shown);
    }
    for (name, parameter) in layer.named_parameters() {
        let gradient = grads.get(parameter);
        prop_assert_eq!(
            gradient.map(Tensor::shape),
            Some(parameter.shape()),
            "{} of {}",
            name,
            shown
        );
    }
    let mut sgd = Sgd::builder(0.01).momentum(0.9).build().unwrap();
    prop_assert!(sgd.step(layer, &grads).is_ok(), "{}", shown);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn layers_answer(d in draw()) {
        for mut layer in layers(&d) {
            exercise(&mut *layer, &d)?;
        }
    }

    #[test]
    fn models_answer(d in draw(), images in [1usize..3, 1usize..3, 1usize..9, 1usize..9]) {
        let s = &d.sizes;
        let conv = Conv2d::builder(images[1], 4, (s[0], s[1])).padding((s[2], s[3])).stride(s[4]).build(&mut rng(&d));
        let Ok(conv) = conv else { return Ok(()) };
        let mut model: Sequential<f64> = Sequential::new()
            .add(conv)
            .add(Relu)
            .add(MaxPool2d::new(2).stride(s[5]).padding(1))
            .add(Conv2d::builder(4, 2, 1).groups(2).build(&mut rng(&d)).unwrap())
            .add(AvgPool2d::new((1, 2)).ceil_mode(true));
        let images = d.tensor(&images, 4);
        let d = Draw { shape: images.shape().to_vec(), ..d };
        exercise(&mut model, &d)?;
        let Ok(summary) = summary(&model, images.shape()) else { return Ok(()) };
        let y = model.forward(&Tape::inference().constant(images)).unwrap();
        let last = summary.rows.last().unwrap();
        prop_assert_eq!(&last.output, y.shape());
        prop_assert_eq!(summary.parameters, model.parameter_count());
        prop_assert!(summary.to_string().contains("Receptive field"));
        let field = last.field.as_ref().unwrap();
        let size = [d.shape[2], d.shape[3]];
        for output in [[0, 0], [y.shape()[2] - 1, y.shape()[3] - 1], [usize::MAX; 2]] {
            let seen = field.inputs(output);
            for axis in 0..2 {
                prop_assert!(seen[axis].end <= size[axis]);
                prop_assert!(seen[axis].len() <= field.size[axis]);
            }
        }
        let all = model.forward_all(&Tape::inference().constant(d.x())).unwrap();
        prop_assert_eq!(all.len(), model.len());
    }

    #[test]
    fn losses_and_metrics_answer(d in draw(), classes in 0usize..5, rows in 0usize..5) {
        let logits = d.tensor(&[rows, classes], 0);
        let labels = d.indices(&[rows + usize::from(d.seed.is_multiple_of(7))], classes);
        let fits = labels.len() == rows && labels.iter().all(|&label| (0..classes as i64).contains(&label));
        let fits = fits && (rows > 0 || labels.is_empty());
        let share = accuracy(&logits, &labels);
        prop_assert_eq!(share.is_ok(), fits);
        prop_assert!(share.is_ok_and(|share| (0.0..=1.0).contains(&share)) || rows == 0 || !fits);
        let counts = confusion_matrix(&logits, &labels);
        prop_assert_eq!(counts.is_ok(), fits);
        if let Ok(counts) = counts {
            prop_assert_eq!(counts.shape(), [classes, classes]);
            prop_assert_eq!(counts.sum().item().unwrap(), rows as i64);
        }
        let tape = Tape::new();
        let scores = tape.leaf(logits);
        for reduction in [Reduction::Mean, Reduction::Sum, Reduction::None] {
            let loss = CrossEntropyLoss::new(CrossEntropyOptions::from(reduction));
            let loss = loss.forward(&scores, &labels);
            prop_assert_eq!(loss.is_ok(), fits);
            let (x, target) = (tape.leaf(d.x()), tape.leaf(d.y()));
            let mse = MseLoss { reduction }.forward(&x, &target);
            prop_assert_eq!(mse.is_ok(), both(&d).is_some());
        }
    }

    #[test]
    fn initialisers_answer(d in draw()) {
        let shape = &d.sizes[..d.seed as usize % 5];
        let nonlinearity = [
            Nonlinearity::Linear, Nonlinearity::Tanh, Nonlinearity::Relu,
            Nonlinearity::Selu, Nonlinearity::Sigmoid, Nonlinearity::LeakyRelu(d.number),
        ][d.seed as usize % 6];
        let mode = if d.flags[0] { FanMode::FanIn } else { FanMode::FanOut };
        let rng = &mut rng(&d);
        let answers = [
            init::kaiming_uniform::<f64, _>(shape, mode, nonlinearity, rng),
            init::kaiming_normal::<f64, _>(shape, mode, nonlinearity, rng),
            init::xavier_uniform::<f64, _>(shape, nonlinearity, rng),
            init::xavier_normal::<f64, _>(shape, nonlinearity, rng),
        ];
        let gain = nonlinearity.gain();
        for answer in answers {
            prop_assert_eq!(answer.is_ok() && gain.is_nan(), false);
            if let Ok(weight) = answer {
                prop_assert_eq!(weight.shape(), shape);
                prop_assert!(weight.iter().all(|w| w.is_finite()));
            }
        }
        // Fans are counted if the sizes can be: an empty tensor can have them.
        let countable = Tensor::<f64>::zeros([&[0], shape].concat()).is_ok();
        prop_assert_eq!(init::fans(shape).is_ok(), shape.len() >= 2 && countable);
    }

    #[test]
    fn optimisers_answer(
        rates in proptest::array::uniform4(prop_oneof![4 => 0.0..1.0f64, 1 => select(vec![f64::NAN, f64::INFINITY, -1.0])]),
        nesterov in any::<bool>(),
    ) {
        let [lr, momentum, decay, dampening] = rates;
        let rate = |x: f64| x.is_finite() && x >= 0.0;
        let fits = rate(lr) && rate(momentum) && rate(decay) && dampening.is_finite()
            && (!nesterov || momentum > 0.0 && dampening == 0.0);
        let sgd = Sgd::builder(lr).momentum(momentum).weight_decay(decay).dampening(dampening).nesterov(nesterov);
        prop_assert_eq!(sgd.build::<f32>().is_ok(), fits);
        let beta = |x: f64| (0.0..1.0).contains(&x);
        let fits = rate(lr) && rate(decay) && beta(momentum) && beta(dampening);
        let betas = (momentum, dampening);
        let adam = Adam::builder(lr).betas(betas).weight_decay(decay).amsgrad(nesterov);
        prop_assert_eq!(adam.build::<f32>().is_ok(), fits);
        let adam = AdamW::builder(lr).betas(betas).weight_decay(decay).maximize(nesterov);
        prop_assert_eq!(adam.build::<f64>().is_ok(), fits);
        let fits = rates.into_iter().all(rate);
        let rmsprop = RmsProp::builder(lr).momentum(momentum).alpha(dampening).weight_decay(decay);
        prop_assert_eq!(rmsprop.build::<f32>().is_ok(), fits);
        let adagrad = Adagrad::builder(lr).lr_decay(momentum).eps(dampening).weight_decay(decay);
        prop_assert_eq!(adagrad.build::<f32>().is_ok(), fits);
    }

    /// Whatever the options, rates stay rates, and a schedule goes on from a saved
    /// state as it would have.
    #[test]
    fn schedules_answer(
        numbers in proptest::array::uniform4(0u64..12),
        shares in proptest::array::uniform3(0.0..1.0f64),
        flag in any::<bool>(),
        stop in 0usize..12,
    ) {
        let [a, b, c, d] = numbers;
        let [x, y, z] = shares;
        let anneal = if flag { wengert::Anneal::Linear } else { wengert::Anneal::Cos };
        let build = || -> Vec<Result<Box<dyn Scheduler>>> {
            fn boxed(s: Result<impl Scheduler + 'static>) -> Result<Box<dyn Scheduler>> {
                s.map(|s| Box::new(s) as Box<dyn Scheduler>)
            }
            let cycle = || OneCycleLr::builder(x, a + b).pct_start(y).three_phase(flag).anneal_strategy(anneal);
            let sequence = || {
                let first = LinearLr::new(y, z, c)?;
                SequentialLr::new(first).then(a, CosineAnnealingLr::new(b, x)?)?.then(d, StepLr::new(c, y)?)
            };
            let chain = || Ok(ChainedScheduler::new(LinearLr::new(y, z, c)?).and(CosineAnnealingLr::new(a, x)?));
            vec![
                boxed(StepLr::new(a, x)),
                boxed(MultiStepLr::new(numbers, x)),
                boxed(ExponentialLr::new(x + y)),
                boxed(LinearLr::new(x, y, a)),
                boxed(CosineAnnealingLr::new(a, x)),
                boxed(CosineAnnealingWarmRestarts::new(a, b, x)),
                boxed(cycle().build()),
                boxed(ReduceLrOnPlateau::builder().factor(x).patience(a).cooldown(b).min_lr([y, z]).build()),
                boxed(sequence()),
                boxed(chain()),
            ]
        };
        for (schedule, restored) in build().into_iter().zip(build()) {
            prop_assert_eq!(schedule.is_ok(), restored.is_ok());
            let (Ok(mut schedule), Ok(mut restored)) = (schedule, restored) else { continue };
            let mut sgd: Sgd<f64> = Sgd::builder(z).group(|_| false, |group| group.lr = 0.5).build().unwrap();
            if schedule.start(&mut sgd).is_err() {
                continue;
            }
            let mut twin = sgd.clone();
            for step in 0..20 {
                if step == stop {
                    restored.load_state(&schedule.state()).unwrap();
                    twin = sgd.clone();
                }
                schedule.observe(1.0);
                // A cycle ends.
                if schedule.step(&mut sgd).is_err() {
                    break;
                }
                prop_assert!(sgd.lrs().iter().all(|lr| lr.is_finite() && *lr >= 0.0), "{:?}", schedule);
                if step >= stop {
                    restored.observe(1.0);
                    restored.step(&mut twin).unwrap();
                    prop_assert_eq!(sgd.lrs(), twin.lrs());
                    prop_assert_eq!(sgd.momenta(), twin.momenta());
                }
            }
        }
    }

    #[test]
    fn datasets_answer(d in draw(), images in [0usize..7, 0usize..3, 0usize..4, 0usize..4], classes in 1usize..4) {
        let images: Tensor = d.tensor(&images, 0).cast();
        let labels = d.indices(&[images.shape()[0]], classes);
        let fits = labels.iter().all(|&label| (0..classes as i64).contains(&label));
        let dataset = Dataset::new(images.clone(), labels, classes);
        prop_assert_eq!(dataset.is_ok(), fits);
        let Ok(dataset) = dataset else { return Ok(()) };

        let (size, cursor) = (d.sizes[0], d.sizes[1]);
        let batches = dataset.batches(size);
        prop_assert_eq!(batches.is_ok(), size > 0);
        let mut seen = 0;
        if let Ok(batches) = batches {
            let batches = if d.flags[0] { batches.shuffled(&mut rng(&d)) } else { batches };
            let expected = dataset.len().div_ceil(size);
            prop_assert_eq!(batches.len(), expected);
            for batch in batches.clone() {
                let (x, y) = batch.unwrap();
                prop_assert_eq!(&x.shape()[1..], &images.shape()[1..]);
                prop_assert_eq!(x.shape()[0], y.len());
                seen += y.len();
            }
            prop_assert_eq!(seen, dataset.len());
            prop_assert_eq!(batches.starting_at(cursor).is_ok(), cursor <= dataset.len());
        }

        let indices: Vec<usize> = d.sizes[..4].to_vec();
        let inside = indices.iter().all(|&i| i < dataset.len());
        prop_assert_eq!(dataset.subset(&indices).is_ok(), inside);
        prop_assert_eq!(dataset.get(d.sizes[2]).is_some(), d.sizes[2] < dataset.len());
        prop_assert_eq!(dataset.class_counts().unwrap().iter().sum::<usize>(), dataset.len());

        let split = dataset.split_stratified(d.number, &mut rng(&d));
        prop_assert_eq!(split.is_ok(), (0.0..=1.0).contains(&d.number));
        if let Ok((train, test)) = split {
            prop_assert_eq!(train.len() + test.len(), dataset.len());
        }

        let measured = Normalization::measure(&dataset);
        prop_assert_eq!(measured.is_ok(), !images.is_empty());
        if let Ok(measured) = measured {
            let normalized = dataset.normalize(&measured).unwrap();
            prop_assert!(normalized.images().iter().all(|x| x.is_finite()));
            prop_assert_eq!(measured.apply(&d.x().cast()).is_ok(), d.shape.len() > 2 && d.shape[d.shape.len() - 3] == measured.mean().len());
        }
        prop_assert!(Dataset::new(images.clone(), Tensor::zeros([VAST, 0]).unwrap(), classes).is_err());
    }
}

/// What a receptive field says through a margin, next to which inputs have a
/// gradient.
fn is_seen_exactly(margin: impl Module<f64> + Clone + 'static) {
    let conv = Conv2d::builder(1, 1, (3, 2))
        .stride((2, 1))
        .build(&mut Generator::new(5))
        .unwrap();
    let model: Sequential<f64> = Sequential::new().add(margin).add(conv);
    let size = [5, 4];
    let summary = summary(&model, [1, 1, size[0], size[1]]).unwrap();
    let last = summary.rows.last().unwrap();
    let field = last.field.as_ref().unwrap();
    assert_eq!((field.size, field.step), ([3, 2], [2, 1]), "{model}");
    for row in 0..last.output[2] {
        for column in 0..last.output[3] {
            let x = Tape::new().leaf(Tensor::ones([1, 1, size[0], size[1]]).unwrap());
            let y = model.forward(&x).unwrap();
            let at = (0, 0, row as isize, column as isize);
            let grads = y.slice(at).unwrap().backward().unwrap();
            let gradient = grads.get(&x).unwrap();
            let fields = field.inputs([row, column]);
            if fields.iter().any(std::ops::Range::is_empty) {
                assert!(
                    gradient.iter().all(|&g| g == 0.0),
                    "{model} [{row}, {column}]"
                );
                continue;
            }
            for (axis, seen) in fields.into_iter().enumerate() {
                let hit = |&i: &usize| {
                    let part = gradient.select(axis as isize + 2, i as isize).unwrap();
                    part.iter().any(|&g| g != 0.0)
                };
                let hits: Vec<usize> = (0..size[axis]).filter(hit).collect();
                let ends = hits.first().zip(hits.last());
                let hull = ends.map_or(0..0, |(&first, &last)| first..last + 1);
                assert_eq!(seen, hull, "{model} [{row}, {column}], axis {axis}");
            }
        }
    }
}

#[test]
fn margins_are_seen_through() {
    let sides = (1, 2, 2, 1);
    is_seen_exactly(ZeroPad2d::new(sides));
    is_seen_exactly(ConstantPad2d::new((3, 0, 0, 3), 1.5));
    is_seen_exactly(ReflectionPad2d::new(sides));
    is_seen_exactly(ReplicationPad2d::new(sides));
    is_seen_exactly(CircularPad2d::new(sides));
    is_seen_exactly(ReflectionPad2d::new((-1, 2, 1, -1)));
}
