//! Learning an edge detector: the smallest complete experiment.
//!
//! A white image has a black bar. The kernel [1, −1] slid over it, the
//! difference between a pixel and its right neighbour, is 1 where white turns
//! black, −1 where black turns white, and 0 elsewhere. Can that kernel be
//! learned from nothing but the image and the edges? A convolution that starts
//! out at random predicts edges, badly, and each step moves its two weights and
//! its bias a little against the gradient of the error:
//!
//! ```text
//! prediction = image ⋆ weight + bias
//! loss       = Σ (prediction − edges)²
//! weight     ← weight − 0.01 · ∂loss/∂weight,   and likewise the bias
//! ```
//!
//! After 20 steps the loss is small, after 1000 the kernel is [1, −1]. This is
//! the experiment of "Learning a Kernel" in *Dive into Deep Learning*
//! (A. Zhang, Z. C. Lipton, M. Li, A. J. Smola); `--tutorial` repeats the run
//! that is printed there.

use anyhow::bail;
use clap::Parser;
use wengert::prelude::*;
use wengert_examples::cli::Common;
use wengert_examples::figure::{Colors, Panel, heatmap_grid, line_chart};

type Result<T = ()> = wengert_examples::Result<T>;

const LEARNING_RATE: f64 = 0.01;

/// Learn the kernel of an edge detector from one image and its edges.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: Common,

    /// How many steps to print and to draw
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        allow_negative_numbers = true
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,

    /// Start where the printed run of the tutorial started, not at random
    #[arg(long)]
    tutorial: bool,
}

fn main() -> Result {
    let options = Options::parse();
    let out = options.common.out_dir("edge_kernel")?;

    // The image, white with a black bar, and its edges.
    let mut image: Tensor = Tensor::ones([6, 8])?;
    image.slice_fill((.., 2..6), 0.0)?;
    let edges = image.corr2d(&Tensor::from([[1.0, -1.0]]))?;

    // What is learned from them. A layer takes batches of images with channels;
    // here there is one of both.
    let data = (image.reshape([1, 1, 6, 8])?, edges.reshape([1, 1, 6, 7])?);
    let mut conv: Conv2d = Conv2d::builder(1, 1, (1, 2)).build(&mut options.common.generator())?;
    if options.tutorial {
        conv.weight.set(Tensor::from([[[[0.43, 0.488]]]]))?;
        conv.bias = Some(Parameter::new(Tensor::from([-0.5139])));
    }

    let mut sgd = Sgd::new(LEARNING_RATE)?;
    let mut losses = Vec::new();
    let mut kernels = vec![panel("start", conv.weight.value())?];
    let print_every = 5 * options.steps.div_ceil(100);
    for step in 1..=options.steps {
        let loss = descend(&mut conv, &mut sgd, &data)?;
        losses.push(f64::from(loss));
        if step % print_every == 0 {
            println!("Step {step}, loss {loss:.3}");
            kernels.push(panel(&format!("step {step}"), conv.weight.value())?);
        }
    }
    let [a, b, bias] = learned(&conv)[..] else {
        bail!("a kernel of two weights has a bias and nothing else");
    };
    println!("weight [[{a:.4}, {b:.4}]], bias [{bias:.4}]");
    let prediction = conv.forward(&Tape::inference().constant(data.0.clone()))?;

    if !options.common.quick {
        for _ in options.steps..1000 {
            descend(&mut conv, &mut sgd, &data)?;
        }
        let steps = options.steps.max(1000);
        let gaps = learned(&conv).into_iter().zip([1.0, -1.0, 0.0]);
        let gap = gaps.fold(0.0, |most: f32, (x, goal)| most.max((x - goal).abs()));
        println!("After {steps} steps, weight and bias are within {gap:.0e} of [[1, -1]] and [0]");
    }

    heatmap_grid(
        out.join("edges.svg"),
        "An image, its edges, and the edges that the learned kernel finds",
        &[
            Panel::new("image", &image, Colors::Grey)?,
            panel("edges", &edges)?,
            panel("prediction", prediction.value())?,
        ],
    )?;
    heatmap_grid(out.join("kernel.svg"), "The kernel as it learns", &kernels)?;
    line_chart(
        out.join("loss.svg"),
        "The error as the kernel learns",
        "step",
        "loss",
        &[("loss", &losses)],
        true,
    )?;
    let dir = out.display();
    println!("Pictures: edges.svg, kernel.svg and loss.svg in {dir}");
    Ok(())
}

/// One step of gradient descent; returns the loss that it started from.
fn descend(conv: &mut Conv2d, sgd: &mut Sgd, (image, edges): &(Tensor, Tensor)) -> Result<f32> {
    let tape = Tape::new();
    let prediction = conv.forward(&tape.constant(image.clone()))?;
    let loss = prediction.mse_loss(&tape.constant(edges.clone()), Reduction::Sum)?;
    let value = loss.item()?;
    sgd.step(conv, &loss.backward()?)?;
    Ok(value)
}

/// The numbers that are learned: two weights and a bias.
fn learned(conv: &Conv2d) -> Vec<f32> {
    let parameters = conv.named_parameters().into_iter();
    parameters.flat_map(|(_, p)| p.value().to_vec()).collect()
}

/// A picture of numbers from −1, blue, to 1, red.
fn panel(title: &str, numbers: &Tensor) -> Result<Panel> {
    Ok(Panel::new(title, numbers, Colors::Diverging)?.limits(-1.0, 1.0))
}
