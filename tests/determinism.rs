//! The same seed, the same bits: from run to run, on any number of threads, and
//! for a run that was interrupted. Another seed, other bits.
//!
//! Sums of floats depend on their order, and threads finish in any order; so
//! what is compared here is bits, not closeness, and the work is large enough
//! to be shared out.

use wengert::data::{Dataset, digits};
use wengert::par::{SMALL, threads, with_threads};
use wengert::prelude::*;
use wengert::random::GeneratorState;
use wengert::{Float, MaxPool2dOptions};
use wengert_tests::nets::{lenet, mixed};

/// Numbers of threads: one, fewer and more than there are cores, and one that
/// divides nothing.
const THREADS: [usize; 4] = [1, 2, 4, 7];

fn bits<T: Float>(x: &Tensor<T>) -> Vec<u64> {
    // From f32 to f64 nothing is lost.
    x.iter().map(|x| x.as_f64().to_bits()).collect()
}

/// The bits of `work` are the same on any number of threads, and once more.
fn assert_same_bits<T: Float>(what: &str, work: impl Fn() -> Result<Vec<Tensor<T>>> + Sync) {
    let run = |n: usize| {
        let answer = with_threads(n, || {
            assert_eq!(threads(), n);
            work()
        });
        let tensors = answer.and_then(|tensors| tensors);
        let tensors = tensors.unwrap_or_else(|error| panic!("{what}: {error}"));
        tensors.iter().map(bits).collect::<Vec<_>>()
    };
    let first = run(1);
    assert!(
        first.iter().flatten().any(|&bits| bits != 0),
        "{what}: all zeros"
    );
    for n in THREADS {
        assert!(
            run(n) == first,
            "{what}: other bits on {n} threads ({})",
            T::NAME
        );
    }
}

// ---------------------------------------------------------------- operations

fn randn<T: Float>(shape: &[usize], seed: u64) -> Result<Tensor<T>> {
    Tensor::randn(shape, &mut Generator::new(seed))
}

/// What `f` makes of leaves of these shapes, and the gradient of each.
fn forward_and_backward<T: Float>(
    shapes: &[&[usize]],
    f: impl Fn(&[Var<T>]) -> Result<Var<T>>,
) -> Result<Vec<Tensor<T>>> {
    let tape = Tape::new();
    let leaves = shapes
        .iter()
        .zip(0..)
        .map(|(shape, i)| Ok(tape.leaf(randn(shape, i)?)));
    let leaves = leaves.collect::<Result<Vec<_>>>()?;
    let y = f(&leaves)?;
    let mut tensors = vec![y.value().clone()];
    let grads = y.square()?.sum()?.backward()?;
    tensors.extend(leaves.iter().filter_map(|leaf| grads.get(leaf).cloned()));
    assert_eq!(tensors.len(), 1 + shapes.len());
    Ok(tensors)
}

/// Convolutions that take each of the roads there are: vectors over pixels, over
/// channels, Winograd's tiles, the definition; grouped, depthwise, strided.
fn convolutions<T: Float>() {
    let plain = Conv2dOptions::default();
    let cases: [(&str, &[usize], &[usize], Conv2dOptions); 7] = [
        ("3 × 3", &[9, 6, 20, 21], &[16, 6, 3, 3], plain.padding(1)),
        ("3 × 3, one image", &[8, 60, 61], &[16, 8, 3, 3], plain),
        (
            "3 × 3, wide",
            &[2, 16, 70, 90],
            &[8, 16, 3, 3],
            plain.padding(1),
        ),
        (
            "5 × 3, stride, dilation",
            &[7, 5, 30, 33],
            &[8, 5, 5, 3],
            plain.stride((2, 3)).dilation(2),
        ),
        ("1 × 1", &[9, 24, 20, 20], &[32, 24, 1, 1], plain),
        ("few channels", &[9, 3, 40, 40], &[2, 3, 3, 3], plain),
        (
            "depthwise",
            &[9, 12, 30, 30],
            &[12, 1, 3, 3],
            plain.groups(12),
        ),
    ];
    for (name, x, w, options) in cases {
        assert_same_bits(&format!("conv2d, {name}"), || {
            forward_and_backward::<T>(&[x, w, &w[..1]], |leaves| {
                leaves[0].conv2d(&leaves[1], Some(&leaves[2]), &options)
            })
        });
    }
}

fn poolings<T: Float>() {
    let x: &[usize] = &[9, 12, 40, 41];
    let max = MaxPool2dOptions::new(3).stride(2).padding(1);
    let avg = AvgPool2dOptions::new(3)
        .stride(2)
        .padding(1)
        .ceil_mode(true);
    assert_same_bits("max_pool2d", || {
        forward_and_backward::<T>(&[x], |leaves| leaves[0].max_pool2d(&max))
    });
    assert_same_bits("avg_pool2d", || {
        forward_and_backward::<T>(&[x], |leaves| leaves[0].avg_pool2d(&avg))
    });
}

fn products<T: Float>() {
    assert_same_bits("linear", || {
        forward_and_backward::<T>(&[&[300, 120], &[90, 120], &[90]], |leaves| {
            leaves[0].linear(&leaves[1], Some(&leaves[2]))
        })
    });
    assert_same_bits("matmul, a batch", || {
        forward_and_backward::<T>(&[&[11, 40, 50], &[11, 50, 30]], |leaves| {
            leaves[0].matmul(&leaves[1])
        })
    });
    assert_same_bits("matmul, a vector", || {
        forward_and_backward::<T>(&[&[700, 600], &[600]], |leaves| {
            leaves[0].matmul(&leaves[1])
        })
    });
}

fn reductions<T: Float>() {
    let x: &[usize] = &[33, 30, 17, 19];
    assert!(x.iter().product::<usize>() > SMALL);
    let over: [(&str, &[isize]); 6] = [
        ("all", &[]),
        ("the first", &[0]),
        ("the last", &[3]),
        ("the middle", &[1, 2]),
        ("all but channels", &[0, 2, 3]),
        ("every other", &[0, 2]),
    ];
    for (name, axes) in over {
        assert_same_bits(&format!("reductions over {name}"), || {
            let x = randn::<T>(x, 0)?;
            Ok(vec![
                x.sum_axes(axes, false)?,
                x.mean_axes(axes, true)?,
                x.var_axes(axes, 1.0, false)?,
                x.norm_axes(3.0, axes, false)?,
                x.amax_axes(axes, false)?,
                x.logsumexp(axes, false)?,
            ])
        });
        assert_same_bits(&format!("gradients of reductions over {name}"), || {
            forward_and_backward::<T>(&[x], |leaves| leaves[0].std_axes(axes, 1.0, false))
        });
    }
    assert_same_bits("softmax", || {
        forward_and_backward::<T>(&[&[500, 300]], |leaves| leaves[0].log_softmax(1))
    });
    assert_same_bits("cross_entropy", || {
        let labels = Tensor::from((0..500).map(|i| i * 7 % 300).collect::<Vec<i64>>());
        forward_and_backward::<T>(&[&[500, 300]], |leaves| {
            leaves[0].cross_entropy(&labels, Reduction::Mean)
        })
    });
}

#[test]
fn convolutions_on_any_number_of_threads() {
    convolutions::<f32>();
    convolutions::<f64>();
}

#[test]
fn poolings_on_any_number_of_threads() {
    poolings::<f32>();
    poolings::<f64>();
}

#[test]
fn products_on_any_number_of_threads() {
    products::<f32>();
    products::<f64>();
}

#[test]
fn reductions_on_any_number_of_threads() {
    reductions::<f32>();
    reductions::<f64>();
}

// ---------------------------------------------------------------- training

/// A training run, with all that decides how it goes on.
#[derive(Clone)]
struct Run<T: Float> {
    model: Sequential<T>,
    sgd: Sgd<T>,
    rng: Generator,
}

impl<T: Float> Run<T> {
    fn new(seed: u64) -> Result<Self> {
        let mut rng = Generator::new(seed);
        let model = Sequential::new()
            .add_named(
                "conv1",
                Conv2d::builder(1, 8, 3).padding(1).build(&mut rng)?,
            )?
            .add(Relu)
            .add(MaxPool2d::new(2))
            .add_named("conv2", Conv2d::builder(8, 16, 3).build(&mut rng)?)?
            .add(Tanh)
            .add(AvgPool2d::new(2))
            .add(Flatten::new())
            .add(Dropout::new(0.2)?)
            .add_named("head", Linear::builder(16, 10).build(&mut rng)?)?;
        let sgd = Sgd::builder(0.05)
            .momentum(0.9)
            .weight_decay(1e-4)
            .build()?;
        Ok(Self { model, sgd, rng })
    }

    /// One step; returns the loss.
    fn step(&mut self, images: &Tensor, labels: &Tensor<i64>) -> Result<Tensor<T>> {
        let tape = Tape::new().with_rng(&mut self.rng);
        let scores = self.model.forward(&tape.constant(images.cast()))?;
        let loss = scores.cross_entropy(labels, Reduction::Mean)?;
        let value = loss.value().clone();
        let mut grads = loss.backward()?;
        grads.clip_norm(2.0)?;
        self.sgd.step(&mut self.model, &grads)?;
        Ok(value)
    }

    /// An epoch; returns the losses.
    fn epoch(&mut self, dataset: &Dataset) -> Result<Vec<Tensor<T>>> {
        let mut losses = Vec::new();
        for batch in dataset.batches(64)?.shuffled(&mut self.rng) {
            let (images, labels) = batch?;
            losses.push(self.step(&images, &labels)?);
        }
        Ok(losses)
    }

    fn parameters(&self) -> Vec<Tensor<T>> {
        let parameters = self.model.named_parameters().into_iter();
        parameters
            .map(|(_, parameter)| parameter.value().clone())
            .collect()
    }
}

/// Some of the embedded digits.
fn some_digits() -> Result<Dataset> {
    digits()?.subset(&(0..400).collect::<Vec<_>>())
}

/// The losses of two epochs, and the parameters after them.
fn trained<T: Float>(seed: u64) -> Result<Vec<Tensor<T>>> {
    let dataset = some_digits()?;
    let mut run = Run::new(seed)?;
    let mut tensors = run.epoch(&dataset)?;
    tensors.extend(run.epoch(&dataset)?);
    tensors.extend(run.parameters());
    Ok(tensors)
}

#[test]
fn training_on_any_number_of_threads() {
    assert_same_bits::<f32>("training", || trained(3));
    assert_same_bits::<f64>("training", || trained(3));
}

/// The losses of an epoch with SGD and momentum, and the parameters after it.
fn an_epoch<T: Float>(
    model: fn(&mut Generator) -> Result<Sequential<T>>,
    dataset: &Dataset,
    batch: usize,
) -> Result<Vec<Tensor<T>>> {
    let mut rng = Generator::new(0);
    let mut run = Run {
        model: model(&mut rng)?,
        sgd: Sgd::builder(0.02).momentum(0.9).build()?,
        rng,
    };
    let mut tensors = Vec::new();
    for batch in dataset.batches(batch)?.shuffled(&mut run.rng.clone()) {
        let (images, labels) = batch?;
        tensors.push(run.step(&images, &labels)?);
    }
    tensors.extend(run.parameters());
    Ok(tensors)
}

#[test]
fn an_epoch_of_lenet_on_any_number_of_threads() -> Result<()> {
    // The digits in the middle of the plane that LeNet was made for.
    let digits = digits()?.subset(&(0..100).collect::<Vec<_>>())?;
    let images = digits.images().pad(&[(10, 10), (10, 10)], 0.0)?;
    let digits = Dataset::new(images, digits.labels().clone(), digits.classes())?;
    assert_same_bits("LeNet", || an_epoch::<f32>(lenet, &digits, 32));
    assert_same_bits("LeNet", || an_epoch::<f64>(lenet, &digits, 32));
    Ok(())
}

#[test]
fn an_epoch_with_nearly_every_kernel_on_any_number_of_threads() -> Result<()> {
    let images = randn::<f32>(&[21, 3, 20, 20], 1)?;
    let labels = Tensor::from_fn([21], |i| (i[0] % 10) as i64)?;
    let dataset = Dataset::new(images, labels, 10)?;
    assert_same_bits("mixed", || an_epoch::<f32>(mixed, &dataset, 8));
    assert_same_bits("mixed", || an_epoch::<f64>(mixed, &dataset, 8));
    Ok(())
}

#[test]
fn another_seed_is_another_run() -> Result<()> {
    let all_bits =
        |seed| -> Result<Vec<_>> { Ok(trained::<f32>(seed)?.iter().map(bits).collect()) };
    assert_eq!(all_bits(1)?, all_bits(1)?);
    let (one, two) = (all_bits(1)?, all_bits(2)?);
    assert!(one.iter().zip(&two).all(|(one, two)| one != two));
    Ok(())
}

/// An epoch that is left off in its middle, and all that is needed to go on.
struct Saved {
    generator: GeneratorState,
    order: Vec<usize>,
    cursor: usize,
    parameters: Vec<Tensor>,
}

#[test]
fn a_run_that_was_interrupted_goes_on_as_if_it_was_not() -> Result<()> {
    let dataset = some_digits()?;
    let mut run = Run::<f32>::new(5)?;
    run.epoch(&dataset)?;

    // Half of an epoch, and what a checkpoint would hold.
    let mut batches = dataset.batches(64)?.shuffled(&mut run.rng);
    for batch in batches.by_ref().take(3) {
        let (images, labels) = batch?;
        run.step(&images, &labels)?;
    }
    let saved = Saved {
        generator: run.rng.state(),
        order: batches.order().unwrap_or_default().to_vec(),
        cursor: batches.cursor(),
        parameters: run.parameters(),
    };
    // The velocities go by the names of parameters, which a new model has, too.
    let sgd = run.sgd.clone();

    // Uninterrupted.
    let mut losses = Vec::new();
    for batch in batches {
        let (images, labels) = batch?;
        losses.push(run.step(&images, &labels)?);
    }
    losses.extend(run.epoch(&dataset)?);

    // From what was saved, with a model of another seed.
    let mut resumed = Run::<f32>::new(999)?;
    resumed.sgd = sgd;
    resumed.rng = Generator::from_state(&saved.generator);
    let parameters = resumed.model.named_parameters_mut().into_iter();
    for ((_, parameter), value) in parameters.zip(saved.parameters) {
        parameter.set(value)?;
    }
    let mut again = Vec::new();
    let rest = dataset.batches(64)?.in_order(saved.order)?;
    for batch in rest.starting_at(saved.cursor)? {
        let (images, labels) = batch?;
        again.push(resumed.step(&images, &labels)?);
    }
    again.extend(resumed.epoch(&dataset)?);

    let all_bits = |tensors: &[Tensor]| tensors.iter().map(bits).collect::<Vec<_>>();
    assert_eq!(losses.len(), 4 + 7);
    assert_eq!(all_bits(&losses), all_bits(&again));
    assert_eq!(all_bits(&run.parameters()), all_bits(&resumed.parameters()));
    assert_eq!(run.rng, resumed.rng);
    Ok(())
}

// ---------------------------------------------------------------- drawing

#[test]
fn generators_go_on_where_they_were_saved() -> Result<()> {
    let mut rng = Generator::new(7).stream(3);
    // An odd number of 32-bit words, so that the state is within a block.
    Tensor::<f32>::rand([5], &mut rng)?;
    for _ in 0..3 {
        let state = rng.state();
        let mut restored = Generator::from_state(&state);
        assert_eq!(restored, rng);
        let draw = |rng: &mut Generator| -> Result<Vec<u64>> {
            let mut drawn = bits(&Tensor::<f32>::randn([17], rng)?);
            drawn.extend(bits(&Tensor::<f64>::uniform([3], -1.0, 1.0, rng)?));
            drawn.extend(
                Tensor::bernoulli([9], 0.5, rng)?
                    .iter()
                    .map(|&b| u64::from(b)),
            );
            drawn.extend(rng.permutation(11)?.iter().map(|&i| i as u64));
            Ok(drawn)
        };
        assert_eq!(draw(&mut rng)?, draw(&mut restored)?);
        assert_eq!(rng.state(), restored.state());
        assert_ne!(rng.state(), state);
    }
    Ok(())
}

#[test]
fn dropout_draws_from_the_tape_alone() -> Result<()> {
    let drop = |seed: u64| {
        let tape = Tape::new().with_rng(&mut Generator::new(seed));
        let x = tape.constant(Tensor::<f32>::ones([1000])?);
        Ok::<_, Error>((x.dropout(0.5)?.into_value(), x.dropout(0.5)?.into_value()))
    };
    let (first, second) = drop(1)?;
    assert_ne!(first, second);
    assert_eq!(drop(1)?, (first.clone(), second));
    assert_ne!(drop(2)?.0, first);
    Ok(())
}

/// What optimisers make of parameters large enough to be shared out, clipped.
#[test]
fn steps_of_every_optimiser_on_any_number_of_threads() {
    fn stepped<T: Float>() -> Result<Vec<Tensor<T>>> {
        let rng = &mut Generator::new(4);
        let (value, slope) = (
            Tensor::<T>::randn([70_001], rng)?,
            Tensor::randn([70_001], rng)?,
        );
        let optimisers: [Box<dyn Optimizer<T>>; 5] = [
            Box::new(Sgd::builder(0.1).momentum(0.9).nesterov(true).build()?),
            Box::new(Adam::builder(0.1).amsgrad(true).build()?),
            Box::new(AdamW::new(0.1)?),
            Box::new(RmsProp::builder(0.1).momentum(0.9).centered(true).build()?),
            Box::new(Adagrad::new(0.1)?),
        ];
        let mut moved = Vec::new();
        for mut optimiser in optimisers {
            let mut p = Parameter::new(value.clone());
            for _ in 0..3 {
                let tape = Tape::new();
                let product = tape.parameter(&p).mul(&tape.constant(slope.clone()))?;
                let mut grads = product.square()?.sum()?.backward()?;
                let norm = grads.clip_norm(10.0)?;
                moved.push(Tensor::scalar(T::of(norm)));
                optimiser.step(&mut p, &grads)?;
            }
            moved.push(p.value().clone());
        }
        Ok(moved)
    }
    assert_same_bits::<f32>("optimisers", stepped);
    assert_same_bits::<f64>("optimisers", stepped);
}
