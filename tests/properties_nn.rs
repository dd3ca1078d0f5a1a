//! Random options and shapes, thrown at layers, models, losses, initialisers,
//! optimisers, summaries and datasets: an answer or an error, never a panic.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use proptest::prelude::*;
use proptest::sample::select;
use wengert::data::{Dataset, Normalization};
use wengert::init::{self, FanMode, Nonlinearity};
use wengert::prelude::*;
use wengert::{CrossEntropyOptions, confusion_matrix};
use wengert_tests::draw::{Draw, VAST, draw};

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
    let convs = [
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
            let target = d.y();
            let x = tape.leaf(d.x());
            let mse = MseLoss { reduction }.forward(&x, &target);
            prop_assert_eq!(mse.is_ok(), d.shape == d.partner);
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
