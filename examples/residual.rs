//! What a shortcut is for: a deep network learns to read digits with and without.
//!
//! A layer more should do no harm: it could learn to pass on what it gets. It does not
//! find that easy, and plain networks of many layers train badly even where they
//! are batch normalised. K. He et al. (2015) turned the question around. A *residual
//! block* has only to learn what is to be added to its input,
//!
//! ```text
//! y = relu(x + f(x)),    f = bn(conv(relu(bn(conv(x))))),
//! ```
//!
//! and to pass x on it has to learn nothing, f = 0. Where a block halves the plane
//! (stride 2) and doubles the channels, x is brought to that shape by a 1 × 1
//! convolution with the same stride.
//!
//! Here are two networks for the digits that come with the library, three stages of
//! blocks at 8 × 8, 4 × 4 and 2 × 2, the same but for "x +". The block is a module
//! as a user of the library writes one: a struct, its list of fields, its forward pass.
//!
//! Results go to standard output, and are the same for the same seed; progress and
//! durations go to standard error.

use std::f64::consts::PI;
use std::num::NonZeroUsize;
use std::time::Instant;

use anyhow::ensure;
use clap::Parser;
use wengert::module;
use wengert::prelude::*;
use wengert_examples::cli::{self, Common};
use wengert_examples::figure::line_chart;

type Result<T = ()> = wengert_examples::Result<T>;

/// Train a deep network on the embedded digits, with residual connections and without.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: Common,

    /// Blocks in each of the three stages; a block is two convolutions
    #[arg(
        long,
        value_name = "N",
        default_value = "4",
        allow_negative_numbers = true
    )]
    blocks: NonZeroUsize,

    /// Passes over the training data [default: 8]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    epochs: Option<NonZeroUsize>,

    /// Learning rate; it falls to 0 along a cosine
    #[arg(long, value_name = "X", default_value_t = 0.1, value_parser = learning_rate)]
    #[arg(allow_negative_numbers = true)]
    lr: f64,
}

fn learning_rate(text: &str) -> Result<f64> {
    let lr: f64 = text.parse()?;
    ensure!(lr > 0.0 && lr.is_finite(), "must be positive");
    Ok(lr)
}

// ---------------------------------------------------------------- the block

/// Two convolutions, and a way around them.
#[derive(Clone)]
struct Block {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    /// What brings the input to the shape of the output: nothing if it has it.
    downsample: Sequential,
    /// Whether the way around is open.
    residual: bool,
}

module!(Block {
    conv1,
    bn1,
    conv2,
    bn2,
    downsample
});

impl Block {
    fn new(
        from: usize,
        to: usize,
        stride: usize,
        residual: bool,
        rng: &mut Generator,
    ) -> Result<Self> {
        // What is normalised next has its mean subtracted, and a bias with it.
        let conv = |from, kernel| Conv2d::builder(from, to, kernel).bias(false);
        let mut downsample = Sequential::new();
        if residual && (from, stride) != (to, 1) {
            downsample = downsample
                .add(conv(from, 1).stride(stride).build(rng)?)
                .add(BatchNorm2d::builder(to).build()?);
        }
        Ok(Self {
            conv1: conv(from, 3).stride(stride).padding(1).build(rng)?,
            bn1: BatchNorm2d::builder(to).build()?,
            conv2: conv(to, 3).padding(1).build(rng)?,
            bn2: BatchNorm2d::builder(to).build()?,
            downsample,
            residual,
        })
    }
}

impl Module for Block {
    fn forward(&self, x: &Var) -> wengert::Result<Var> {
        let y = self.bn1.forward(&self.conv1.forward(x)?)?.relu()?;
        let y = self.bn2.forward(&self.conv2.forward(&y)?)?;
        if !self.residual {
            return y.relu();
        }
        y.add(&self.downsample.forward(x)?)?.relu()
    }
}

/// A stem, three stages, and what decides: 8 × 8 with 8 channels, 4 × 4 with 16, 2 × 2
/// with 32.
fn network(blocks: usize, residual: bool, rng: &mut Generator) -> Result<Sequential> {
    let mut model = Sequential::new()
        .add_named(
            "conv",
            Conv2d::builder(1, 8, 3).padding(1).bias(false).build(rng)?,
        )?
        .add_named("bn", BatchNorm2d::builder(8).build()?)?
        .add(Relu);
    let mut from = 8;
    for (stage, to) in [8, 16, 32].into_iter().enumerate() {
        for block in 0..blocks {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let name = format!("stage{}_{block}", stage + 1);
            model = model.add_named(&name, Block::new(from, to, stride, residual, rng)?)?;
            from = to;
        }
    }
    Ok(model
        .add(AvgPool2d::new(2))
        .add(Flatten::new())
        .add_named("head", Linear::builder(32, 10).build(rng)?)?)
}

// ---------------------------------------------------------------- the runs

fn main() -> Result {
    let options = Options::parse();
    let out = options.common.out_dir("residual")?;
    let quick = options.common.quick;
    let epochs = options
        .epochs
        .map_or(if quick { 1 } else { 8 }, NonZeroUsize::get);
    let blocks = options.blocks.get();

    // The split has a generator of its own: the seed moves initialisation and
    // shuffling, not what is tested on.
    let (mut train, test) = digits()?.split_stratified(0.2, &mut Generator::new(0))?;
    if quick {
        train = train.subset(&(0..train.len().min(320)).collect::<Vec<_>>())?;
    }
    let normalization = Normalization::measure(&train)?;
    let (train, test) = (
        train.normalize(&normalization)?,
        test.normalize(&normalization)?,
    );

    println!(
        "A residual block:\n{}\n",
        Block::new(8, 16, 2, true, &mut Generator::new(0))?
    );
    let mut curves = Vec::new();
    for (name, residual) in [("residual", true), ("plain", false)] {
        let rng = &mut options.common.generator();
        let mut model = network(blocks, residual, rng)?;
        println!(
            "{name}: {} convolutions, {} parameters",
            model
                .named_parameters()
                .iter()
                .filter(|(_, p)| p.shape().len() == 4)
                .count(),
            model.parameter_count()
        );
        let start = Instant::now();
        let mut sgd = Sgd::builder(options.lr)
            .momentum(0.9)
            .weight_decay(1e-4)
            .build()?;
        let mut losses = Vec::new();
        for epoch in 1..=epochs {
            let rate = |done: f64| options.lr * 0.5 * (1.0 + (PI * done / epochs as f64).cos());
            sgd.set_lr(rate((epoch - 1) as f64))?;
            let label = format!("{name}, epoch {epoch}");
            let loss = train_epoch(&mut model, &mut sgd, &train, label, rng)?;
            ensure!(loss.is_finite(), "the loss is {loss}; try a smaller --lr");
            let accuracy = test_accuracy(&model, &test)?;
            println!(
                "  epoch {epoch}: loss {loss:.4}, test accuracy {:.2}%",
                100.0 * accuracy
            );
            losses.push(loss);
        }
        eprintln!("trained in {:.1} s", start.elapsed().as_secs_f64());
        curves.push((name, losses));
    }
    line_chart(
        out.join("loss.svg"),
        "The same layers, with and without a way around each block",
        "epoch",
        "loss",
        &curves,
        true,
    )?;
    println!("\npicture: loss.svg in {}", out.display());
    Ok(())
}

/// One pass over the training data in random order. Returns the mean of the losses that
/// the batches met.
fn train_epoch(
    model: &mut Sequential,
    sgd: &mut Sgd,
    train: &Dataset,
    label: String,
    rng: &mut Generator,
) -> Result<f64> {
    let batches = train.batches(32)?.shuffled(rng);
    let bar = cli::progress(label, batches.len());
    let (mut seen, mut sum) = (0.0, 0.0);
    for batch in batches {
        let (images, labels) = batch?;
        // A training tape: each batch normalises itself, and moves the running averages.
        let logits = model.forward(&Tape::new().constant(images))?;
        let loss = logits.cross_entropy(&labels, Reduction::Mean)?;
        sum += labels.len() as f64 * f64::from(loss.item()?);
        seen += labels.len() as f64;
        sgd.step(model, &loss.backward()?)?;
        bar.set_message(format!("loss {:.4}", sum / seen));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(sum / seen)
}

/// On a tape in inference mode: by the running averages.
fn test_accuracy(model: &Sequential, test: &Dataset) -> Result<f64> {
    let images = Tape::inference().constant(test.images().clone());
    let logits = model.forward(&images)?;
    Ok(accuracy(logits.value(), test.labels())?)
}
