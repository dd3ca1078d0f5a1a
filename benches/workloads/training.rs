//! W1 and W2: whole training steps.
//!
//! W1 is LeNet on images of 1 × 28 × 28, W2 a small network in the style of VGG
//! on 3 × 32 × 32. A step is forward, cross-entropy, backward, SGD with
//! momentum 0.9, on a batch that is in memory. The rate is so small that the
//! model stays where it is: no case gets faster or slower as it learns.
//!
//! `W1/b64/denormal` is the same step with a loss so small that all gradients
//! are of about 1e-40: denormal numbers, which many processors are slow with.
//! (Its forward pass is that of `W1/b64`, so that the two can be compared;
//! `W3/L3/forward/denormal` has the small images.)

use anyhow::Result;
use wengert::prelude::*;
use wengert_benches::normal;

use crate::case::{Case, Context};

/// A model, the shape of its images, and the batches that it is trained on.
struct Workload {
    name: &'static str,
    model: fn(&mut Generator) -> wengert::Result<Sequential>,
    image: [usize; 3],
    batches: &'static [usize],
}

const WORKLOADS: [Workload; 2] = [
    Workload {
        name: "W1",
        model: lenet,
        image: [1, 28, 28],
        batches: &[1, 32, 64, 256],
    },
    Workload {
        name: "W2",
        model: small_vgg,
        image: [3, 32, 32],
        batches: &[32, 128],
    },
];

/// What the loss is multiplied by to make gradients denormal.
const TINY: f32 = 1e-38;

pub(crate) fn cases(context: &Context) -> Vec<Case> {
    let mut cases = Vec::new();
    for workload in &WORKLOADS {
        for &n in workload.batches {
            let batch = context.batch(n);
            cases.push(Case::new(
                format!("{}/b{n}", workload.name),
                0.0,
                move || {
                    let mut training = Training::new(workload, batch)?;
                    Ok(move || training.step(None))
                },
            ));
        }
    }
    let batch = context.batch(64);
    cases.push(Case::new("W1/b64/denormal".to_owned(), 0.0, move || {
        let mut training = Training::new(&WORKLOADS[0], batch)?;
        Ok(move || training.step(Some(TINY)))
    }));
    cases
}

/// What a training loop holds.
pub(crate) struct Training {
    model: Sequential,
    sgd: Sgd,
    images: Tensor,
    labels: Tensor<i64>,
}

impl Training {
    fn new(workload: &Workload, batch: usize) -> Result<Self> {
        let [c, h, w] = workload.image;
        let labels = (0..batch).map(|i| (i * 7 % 10) as i64).collect();
        Ok(Self {
            model: (workload.model)(&mut Generator::new(0))?,
            sgd: sgd()?,
            images: normal([batch, c, h, w]),
            labels: Tensor::from_vec([batch], labels)?,
        })
    }

    /// LeNet and a batch.
    pub(crate) fn lenet(batch: usize) -> Result<Self> {
        Self::new(&WORKLOADS[0], batch)
    }

    /// The small VGG and a batch.
    pub(crate) fn small_vgg(batch: usize) -> Result<Self> {
        Self::new(&WORKLOADS[1], batch)
    }

    /// One training step; `scale` makes its gradients small.
    pub(crate) fn step(&mut self, scale: Option<f32>) -> Result<()> {
        let tape = Tape::new();
        let logits = self.model.forward(&tape.constant(self.images.clone()))?;
        let mut loss = logits.cross_entropy(&self.labels, Reduction::Mean)?;
        if let Some(scale) = scale {
            loss = (&loss * scale)?;
        }
        self.sgd.step(&mut self.model, &loss.backward()?)?;
        Ok(())
    }
}

/// SGD with momentum, at a rate that leaves the model where it is.
pub(crate) fn sgd() -> wengert::Result<Sgd> {
    Sgd::builder(1e-6).momentum(0.9).build()
}

fn lenet(rng: &mut Generator) -> wengert::Result<Sequential> {
    Ok(Sequential::new()
        .add(Conv2d::builder(1, 6, 5).padding(2).relu().build(rng)?)
        .add(MaxPool2d::new(2))
        .add(Conv2d::builder(6, 16, 5).relu().build(rng)?)
        .add(MaxPool2d::new(2))
        .add(Flatten::new())
        .add(Linear::builder(400, 120).relu().build(rng)?)
        .add(Linear::builder(120, 84).relu().build(rng)?)
        .add(Linear::builder(84, 10).build(rng)?))
}

fn small_vgg(rng: &mut Generator) -> wengert::Result<Sequential> {
    Ok(Sequential::new()
        .add(Conv2d::builder(3, 32, 3).padding(1).relu().build(rng)?)
        .add(Conv2d::builder(32, 32, 3).padding(1).relu().build(rng)?)
        .add(MaxPool2d::new(2))
        .add(Conv2d::builder(32, 64, 3).padding(1).relu().build(rng)?)
        .add(Conv2d::builder(64, 64, 3).padding(1).relu().build(rng)?)
        .add(MaxPool2d::new(2))
        .add(Flatten::new())
        .add(Linear::builder(4096, 128).relu().build(rng)?)
        .add(Linear::builder(128, 10).build(rng)?))
}
