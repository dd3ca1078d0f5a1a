//! A network from PyTorch, taken up where it was left.
//!
//! `from_pytorch/train.py` trains a small network for one epoch, and writes down
//! its `state_dict` and what it answers to the digits that it was not shown. Here is
//! the same network, line by line: it reads the weights, gives PyTorch's answers,
//! trains on, and writes a file that PyTorch can read.
//!
//! ```python
//! class Net(nn.Module):
//!     def __init__(self):
//!         super().__init__()
//!         self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
//!         self.bn1 = nn.BatchNorm2d(16)
//!         self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
//!         self.bn2 = nn.BatchNorm2d(32)
//!         self.fc = nn.Linear(32 * 2 * 2, 10)
//!
//!     def forward(self, x):
//!         x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
//!         x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
//!         return self.fc(x.flatten(1))
//! ```
//!
//! Results go to standard output, and are the same for the same seed; progress and
//! durations go to standard error.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Parser;
use wengert::module;
use wengert::prelude::*;
use wengert_examples::cli::{self, Common};

type Result<T = ()> = wengert_examples::Result<T>;

/// Load a small network that PyTorch trained, compare its answers, and train on.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: Common,

    /// The weights, a safetensors file of PyTorch's state_dict [default: the one
    /// that comes with the example]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,

    /// Passes over the training data [default: 5]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    epochs: Option<NonZeroUsize>,
}

// ---------------------------------------------------------------- the network

/// Field for field as in PyTorch, so that the names of the weights agree.
#[derive(Clone)]
struct Net {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    fc: Linear,
}

module!(Net {
    conv1,
    bn1,
    conv2,
    bn2,
    fc
});

impl Net {
    fn new(rng: &mut Generator) -> wengert::Result<Self> {
        let conv = |from, to| Conv2d::builder(from, to, 3).padding(1).bias(false);
        Ok(Self {
            conv1: conv(1, 16).build(rng)?,
            bn1: BatchNorm2d::builder(16).build()?,
            conv2: conv(16, 32).build(rng)?,
            bn2: BatchNorm2d::builder(32).build()?,
            fc: Linear::builder(32 * 2 * 2, 10).build(rng)?,
        })
    }
}

impl Module for Net {
    fn forward(&self, x: &Var) -> wengert::Result<Var> {
        let halved = MaxPool2dOptions::new(2);
        let x = self.bn1.forward(&self.conv1.forward(x)?)?.relu()?;
        let x = x.max_pool2d(&halved)?;
        let x = self.bn2.forward(&self.conv2.forward(&x)?)?.relu()?;
        let x = x.max_pool2d(&halved)?;
        self.fc.forward(&x.flatten(1, -1)?)
    }
}

// ---------------------------------------------------------------- the program

/// What comes with the example.
fn beside(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/from_pytorch")).join(name)
}

/// The digits as `train.py` divides them: every fifth is kept for testing.
fn digits_of_the_script() -> Result<(Dataset, Dataset)> {
    let digits = digits()?;
    let (test, train): (Vec<usize>, Vec<usize>) = (0..digits.len()).partition(|i| i % 5 == 0);
    Ok((digits.subset(&train)?, digits.subset(&test)?))
}

/// What the network answers, behaving as in inference.
fn answers(net: &Net, images: &Tensor) -> Result<Tensor> {
    let images = Tape::inference().constant(images.clone());
    Ok(net.forward(&images)?.value().clone())
}

fn main() -> Result {
    let options = Options::parse();
    let out = options.common.out_dir("from_pytorch")?;
    let rng = &mut options.common.generator();
    let (train, test) = digits_of_the_script()?;

    let weights = options.weights.clone();
    let weights = weights.unwrap_or_else(|| beside("cnn.safetensors"));
    let state = StateDict::load(&weights)?;
    let mut net = Net::new(rng)?;
    net.load_state_dict(&state, true)?;
    println!("{net}");
    println!("{} tensors were loaded", state.len());
    for (name, text) in &state.metadata {
        println!("{name}: {text}");
    }

    let logits = answers(&net, test.images())?;
    if options.weights.is_none() {
        let expected = StateDict::load(beside("logits.safetensors"))?;
        let expected = expected.get("logits").context("there are no logits")?;
        let farthest = (&logits - &expected.cast())?.abs().amax()?.item()?;
        println!(
            "\n{} logits, within {farthest:.0e} of PyTorch's",
            logits.len()
        );
        ensure!(farthest < 1e-5, "PyTorch answers otherwise");
    }
    let percent = 100.0 * accuracy(&logits, test.labels())?;
    println!("test accuracy as loaded: {percent:.2}%\n");

    let quick = options.common.quick;
    let epochs = options
        .epochs
        .map_or(if quick { 1 } else { 5 }, NonZeroUsize::get);
    fine_tune(&mut net, &train, &test, epochs, rng)?;

    let path = out.join("fine_tuned.safetensors");
    net.state_dict()?.save(&path)?;
    println!("\nweights, for PyTorch too: {}", path.display());
    Ok(())
}

/// Trains on, with a rate that falls to 0 along a cosine.
fn fine_tune(
    net: &mut Net,
    train: &Dataset,
    test: &Dataset,
    epochs: usize,
    rng: &mut Generator,
) -> Result {
    let start = Instant::now();
    let steps = epochs * train.batches(32)?.len();
    let mut adam = AdamW::builder(2e-3).build::<f32>()?;
    let mut schedule = CosineAnnealingLr::new(steps as u64, 0.0)?;
    schedule.start(&mut adam)?;
    for epoch in 1..=epochs {
        let batches = train.batches(32)?.shuffled(rng);
        let bar = cli::progress(format!("epoch {epoch}"), batches.len());
        let mut sum = 0.0;
        for batch in batches {
            let (images, labels) = batch?;
            let tape = Tape::new();
            let logits = net.forward(&tape.constant(images))?;
            let loss = logits.cross_entropy(&labels, Reduction::Mean)?;
            sum += f64::from(loss.item()?) * labels.len() as f64;
            adam.step(net, &loss.backward()?)?;
            schedule.step(&mut adam)?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        let percent = 100.0 * accuracy(&answers(net, test.images())?, test.labels())?;
        let loss = sum / train.len() as f64;
        println!("epoch {epoch}: loss {loss:.4}, test accuracy {percent:.2}%");
    }
    eprintln!("trained in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
