//! An operation of one's own, with derivatives of its own, in a network.
//!
//! Noise is small and everywhere, edges are large and rare. In the responses of
//! good filters to a noisy image, small values are therefore noise, and what is
//! left of them should shrink. The operation
//!
//! ```text
//! shrink(x, t) = x · (1 − exp(−(x/t)²))
//! ```
//!
//! takes |x| ≪ t nearly to 0 and leaves |x| ≫ t alone. The threshold t can be
//! learned like a weight, one for each channel, if the operation is
//! differentiable in both of its inputs. The library does not have it; this
//! program adds it with [`Var::record`], which takes the value and, for each
//! input, a rule that pulls the gradient of the result back to that input:
//!
//! ```text
//! with u = x/t:   ∂/∂x = 1 − (1 − 2u²) · exp(−u²)
//!                 ∂/∂t = −2u³ · exp(−u²)
//! ```
//!
//! Rules are written in differentiable operations, so second derivatives come
//! for free; `gradcheck` compares both orders with finite differences. Then a
//! network learns to remove noise from images of bars, once with the operation
//! between its two convolutions and once without.

use std::fmt;

use clap::Parser;
use rand::RngExt;
use wengert::prelude::*;
use wengert::{Float, gradcheck, pull, visit};
use wengert_examples::cli::{self, Common};
use wengert_examples::figure::{Colors, Panel, heatmap_grid, line_chart};

type Result<T = ()> = wengert_examples::Result<T>;

/// Check the gradients of a new operation, then learn to remove noise with it.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: Common,
}

// ---------------------------------------------------------------- the operation

/// x · (1 − exp(−(x/t)²)), element by element; `t` is broadcast to `x`.
fn shrink<T: Float>(x: &Var<T>, t: &Var<T>) -> wengert::Result<Var<T>> {
    let gate = x.value().div(t.value())?.square().neg().exp();
    let value = x.value().sub(&x.value().mul(&gate)?)?;

    // A rule keeps what it needs in saved form, and puts it on the tape of the
    // gradient that it is given. It need not sum over broadcast axes.
    let (x1, t1) = (x.save(), t.save());
    let to_x = pull(move |g: &Var<T>| {
        let u2 = x1.on(g).div(&t1.on(g))?.square()?;
        let gate = u2.neg()?.exp()?;
        // 1 − (1 − 2u²) · gate
        let slope = u2
            .mul_scalar(T::of(2.0))?
            .add_scalar(-T::ONE)?
            .mul(&gate)?
            .add_scalar(T::ONE)?;
        g.mul(&slope)
    });
    let (x2, t2) = (x.save(), t.save());
    let to_t = pull(move |g: &Var<T>| {
        let u = x2.on(g).div(&t2.on(g))?;
        let u2 = u.square()?;
        let gate = u2.neg()?.exp()?;
        let slope = u.mul(&u2)?.mul(&gate)?.mul_scalar(T::of(-2.0))?;
        g.mul(&slope)
    });
    Var::record("shrink", value, [(x, to_x), (t, to_t)])
}

/// The same, spelled out in operations of the library.
fn shrink_spelled_out<T: Float>(x: &Var<T>, t: &Var<T>) -> wengert::Result<Var<T>> {
    let gate = x.div(t)?.square()?.neg()?.exp()?;
    x.sub(&x.mul(&gate)?)
}

/// The operation as a layer: one threshold for each channel.
#[derive(Clone, Debug)]
struct Shrink {
    threshold: Parameter,
}

visit!(Shrink { threshold });

impl Module for Shrink {
    fn forward(&self, x: &Var) -> wengert::Result<Var> {
        shrink(x, &x.tape().parameter(&self.threshold))
    }
}

impl fmt::Display for Shrink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shrink({} channels)", self.threshold.value().len())
    }
}

// ---------------------------------------------------------------- the evidence

/// Derivatives against finite differences, and against the chain rule.
fn check(rng: &mut Generator) -> Result {
    let x = Tensor::<f64>::randn([2, 3, 2, 2], rng)?;
    let t = Tensor::<f64>::uniform([3, 1, 1], 0.5, 1.5, rng)?;
    gradcheck(|v| shrink(&v[0], &v[1]), &[x.clone(), t.clone()])?;
    println!("First and second derivatives of `shrink` agree with finite differences.");

    type Op = fn(&Var<f64>, &Var<f64>) -> wengert::Result<Var<f64>>;
    let gradients = |op: Op| -> Result<(usize, Vec<Var<f64>>)> {
        let tape = Tape::new();
        let (x, t) = (tape.leaf(x.clone()), tape.leaf(t.clone()));
        let sum = op(&x, &t)?.sum()?;
        let entries = tape.len() - 3; // but for x, t and the sum
        Ok((entries, grad(&sum, &[&x, &t])?))
    };
    let (one, ours) = gradients(shrink)?;
    let (many, theirs) = gradients(shrink_spelled_out)?;
    let mut gap: f64 = 0.0;
    for (a, b) in ours.iter().zip(&theirs) {
        gap = gap.max(a.value().sub(b.value())?.abs().amax()?.item()?);
    }
    println!(
        "Spelled out in operations of the library it takes {many} entries on the tape instead of {one};\n\
         the gradients differ by {gap:.0e} at most.\n"
    );
    Ok(())
}

// ---------------------------------------------------------------- the network

const CHANNELS: usize = 16;
const LEARNING_RATE: f64 = 0.1;
const SIDE: usize = 24;
const NOISE: f64 = 0.2;

/// Images of bars in shades of grey, `[count, 1, SIDE, SIDE]`: −0.5 is black,
/// 0 the background, 0.5 white.
fn bars(count: usize, rng: &mut Generator) -> Result<Tensor> {
    let mut images = Tensor::zeros([count, 1, SIDE, SIDE])?;
    for i in 0..count {
        for _ in 0..3 {
            let [a, b] = [(); 2].map(|()| rng.random_range(0..SIDE) as isize);
            let (along, shade) = (a.min(b)..a.max(b) + 1, rng.random_range(-0.5..0.5));
            if rng.random() {
                images.slice_fill((i as isize, 0, .., along), shade)?;
            } else {
                images.slice_fill((i as isize, 0, along, ..), shade)?;
            }
        }
    }
    Ok(images)
}

fn with_noise(images: &Tensor, rng: &mut Generator) -> Result<Tensor> {
    Ok((images + Tensor::normal(images.shape(), 0.0, NOISE, rng)?)?)
}

/// Trains on fresh images in each step. Returns the losses.
fn train(
    model: &mut Sequential,
    name: &str,
    steps: usize,
    rng: &mut Generator,
) -> Result<Vec<f64>> {
    let mut sgd = Sgd::builder(LEARNING_RATE).momentum(0.9).build()?;
    let bar = cli::progress(name, steps);
    let mut losses = Vec::new();
    for step in 0..steps {
        // Large steps first, small ones last.
        sgd.set_lr(LEARNING_RATE * (1.0 - step as f64 / steps as f64))?;
        let clean = bars(16, rng)?;
        let tape = Tape::new();
        let cleaned = model.forward(&tape.constant(with_noise(&clean, rng)?))?;
        let loss = cleaned.mse_loss(&tape.constant(clean), Reduction::Mean)?;
        losses.push(f64::from(loss.item()?));
        sgd.step(model, &loss.backward()?)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(losses)
}

fn main() -> Result {
    let options = Options::parse();
    let out = options.common.out_dir("custom_op")?;
    let rng = &mut options.common.generator();
    let steps = if options.common.quick { 30 } else { 1000 };
    check(rng)?;

    let (encode, decode): (Conv2d, Conv2d) = (
        Conv2d::builder(1, CHANNELS, 5).padding(2).build(rng)?,
        Conv2d::builder(CHANNELS, 1, 5).padding(2).build(rng)?,
    );
    let between = || Sequential::new().add(encode.clone());
    let shrink = Shrink {
        threshold: Parameter::new(Tensor::full([CHANNELS, 1, 1], 0.2)?),
    };
    let mut models = [
        ("nothing", between().add(decode.clone())),
        ("ReLU", between().add(Relu).add(decode.clone())),
        ("shrink", between().add(shrink).add(decode.clone())),
    ];

    let clean = bars(64, rng)?;
    let noisy = with_noise(&clean, rng)?;
    let error = |images: &Tensor| images.sub(&clean)?.square().mean().item();
    println!(
        "Mean squared error of 64 images of bars that no network has seen:\n  \
         noisy, as they are                {:.4}",
        error(&noisy)?
    );
    let mut curves = Vec::new();
    let mut panels = vec![panel("clean", &clean)?, panel("noisy", &noisy)?];
    for (name, model) in &mut models {
        // The same start, the same images, the same noise for each.
        curves.push((*name, train(model, name, steps, &mut rng.clone())?));
        let cleaned = model.forward(&Tape::inference().constant(noisy.clone()))?;
        println!(
            "  two convolutions, {name:7} between {:.4}",
            error(cleaned.value())?
        );
        panels.push(panel(name, cleaned.value())?);
    }
    for (name, parameter) in models[2].1.named_parameters() {
        if name == "1.threshold" {
            let (low, high) = (parameter.value().amin()?, parameter.value().amax()?);
            println!(
                "Of the thresholds, all 0.2 at first, training made {:.2} … {:.2}.",
                low.item()?,
                high.item()?
            );
        }
    }

    heatmap_grid(
        out.join("cleaned.svg"),
        "Removing noise with two convolutions and an operation between them",
        &panels,
    )?;
    line_chart(
        out.join("losses.svg"),
        "The error as the networks learn, by the operation between",
        "step",
        "mean squared error",
        &curves,
        true,
    )?;
    println!(
        "\nPictures: cleaned.svg and losses.svg in {}",
        out.display()
    );
    Ok(())
}

/// The first of some images.
fn panel(title: &str, images: &Tensor) -> Result<Panel> {
    Ok(Panel::new(title, &images.select(0, 0)?, Colors::Grey)?.limits(-0.5, 0.5))
}
