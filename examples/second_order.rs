//! How large may a learning rate be? The second derivatives of the loss know.
//!
//! Along a direction in which the loss curves like λ/2 · t², a step of gradient
//! descent takes t to (1 − lr · λ) · t. That shrinks while lr < 2/λ, and beyond
//! it grows from step to step. So the largest eigenvalue λ of the Hessian, the
//! matrix H of all second derivatives, sets the limit: it is called the
//! *sharpness* of the loss.
//!
//! A network's Hessian is too large to write down, and need not be. Its product
//! with a vector is the gradient of a number that a gradient appears in,
//!
//! ```text
//! H · v = ∂/∂w ⟨∂loss/∂w, v⟩,
//! ```
//!
//! which is what gradients that are themselves differentiable are for: here
//! they go through convolutions, pooling and tanh. And the largest eigenvalue
//! needs such products only: whatever v was, H · H · … · v turns towards its
//! eigenvector (power iteration).
//!
//! Two losses are looked at. That of the edge kernel (see the example
//! `edge_kernel`) has three parameters, so H can be checked number by number,
//! and 2/λ against what gradient descent does. That of a small CNN on digits
//! shows what J. Cohen et al. found in 2021 ("Gradient Descent on Neural
//! Networks Typically Occurs at the Edge of Stability"): as training goes on
//! the sharpness rises until it reaches 2/lr, and there it stays.

use std::path::Path;

use anyhow::ensure;
use clap::Parser;
use wengert::prelude::*;
use wengert_examples::cli::{self, Common};
use wengert_examples::figure::line_chart;

type Result<T = ()> = wengert_examples::Result<T>;

/// Measure the curvature of losses with second derivatives, and predict which
/// learning rates are stable.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    common: Common,
}

/// A model, and what it should make of some images: the loss is the sum of the
/// squared errors, divided by the number of images.
#[derive(Clone)]
struct Problem {
    model: Sequential<f64>,
    images: Tensor<f64>,
    targets: Tensor<f64>,
}

/// One number for each parameter: a direction in which to look.
type Direction = Vec<Tensor<f64>>;

impl Problem {
    fn loss(&self, tape: &Tape<f64>) -> Result<Var<f64>> {
        let prediction = self.model.forward(&tape.constant(self.images.clone()))?;
        let target = tape.constant(self.targets.clone());
        let count = self.images.shape()[0] as f64;
        Ok(prediction
            .mse_loss(&target, Reduction::Sum)?
            .mul_scalar(1.0 / count)?)
    }

    /// One step of gradient descent; returns the loss that it started from.
    fn descend(&mut self, lr: f64) -> Result<f64> {
        let loss = self.loss(&Tape::new())?;
        let value = loss.item()?;
        Sgd::new(lr)?.step(&mut self.model, &loss.backward()?)?;
        Ok(value)
    }

    /// H · v.
    fn hessian_times(&self, v: &Direction) -> Result<Direction> {
        let tape = Tape::new();
        let loss = self.loss(&tape)?;
        let parameters = self.model.named_parameters();
        let leaves: Vec<Var<f64>> = parameters.iter().map(|(_, p)| tape.parameter(p)).collect();

        // The first gradient records itself on the tape like any computation …
        let gradient = grad(&loss, &leaves.iter().collect::<Vec<_>>())?;
        let mut slope = tape.constant(Tensor::scalar(0.0));
        for (g, v) in gradient.iter().zip(v) {
            slope = slope.add(&g.mul(&tape.constant(v.clone()))?.sum()?)?;
        }
        // … so that the slope along v has a gradient too.
        let gradients = slope.backward()?;
        let products = parameters.iter().map(|(_, p)| {
            let product = gradients.get(*p).cloned();
            product.unwrap_or_else(|| p.value().zeros_like())
        });
        Ok(products.collect())
    }

    /// The largest eigenvalue of H (in magnitude), by power iteration from `v`,
    /// which ends as the eigenvector.
    fn sharpness(&self, v: &mut Direction, iterations: usize) -> Result<f64> {
        let mut eigenvalue = 0.0;
        for _ in 0..iterations {
            let length = dot(v, v)?.sqrt();
            v.iter_mut().for_each(|v| v.map_in_place(|x| x / length));
            let product = self.hessian_times(v)?;
            eigenvalue = dot(v, &product)?;
            *v = product;
        }
        Ok(eigenvalue)
    }

    fn random_direction(&self, rng: &mut Generator) -> Result<Direction> {
        let parameters = self.model.named_parameters();
        let random = parameters
            .iter()
            .map(|(_, p)| Tensor::randn(p.shape(), rng));
        Ok(random.collect::<wengert::Result<_>>()?)
    }
}

fn dot(a: &Direction, b: &Direction) -> Result<f64> {
    let mut sum = 0.0;
    for (a, b) in a.iter().zip(b) {
        sum += a.mul(b)?.sum().item()?;
    }
    Ok(sum)
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn main() -> Result {
    let options = Options::parse();
    let out = options.common.out_dir("second_order")?;
    let rng = &mut options.common.generator();

    edge_kernel(rng, &out.join("learning_rates.svg"))?;
    println!();
    let steps = if options.common.quick { 60 } else { 800 };
    small_cnn(rng, steps, &out.join("sharpness.svg"))?;
    println!(
        "\nPictures: learning_rates.svg and sharpness.svg in {}",
        out.display()
    );
    Ok(())
}

/// Compares the Hessian of the edge kernel's loss with the exact one, and the
/// limit that it sets with what gradient descent does.
fn edge_kernel(rng: &mut Generator, picture: &Path) -> Result {
    let mut image = Tensor::ones([6, 8])?;
    image.slice_fill((.., 2..6), 0.0)?;
    let edges = image.corr2d(&Tensor::from([[1.0, -1.0]]))?;
    let start = Problem {
        model: Sequential::new().add(Conv2d::builder(1, 1, (1, 2)).build(rng)?),
        images: image.reshape([1, 1, 6, 8])?,
        targets: edges.reshape([1, 1, 6, 7])?,
    };

    // H · v for the unit vectors v are the columns of H.
    let units: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let mut columns = Vec::new();
    for [a, b, bias] in units {
        let column =
            start.hessian_times(&vec![Tensor::from([[[[a, b]]]]), Tensor::from([bias])])?;
        columns.extend(column.iter().flat_map(Tensor::to_vec));
    }
    let hessian = Tensor::from_vec([3, 3], columns)?;
    // The loss is quadratic: Σ (p · w − y)², where p is a pixel, its neighbour,
    // and a one for the bias. So H is 2 Σ p pᵀ, whatever the weights are.
    let patches = Tensor::stack(
        &[
            &image.slice((.., ..7))?.flatten(0, -1)?,
            &image.slice((.., 1..))?.flatten(0, -1)?,
            &Tensor::ones([42])?,
        ],
        0,
    )?;
    let exact = patches.matmul_with(&patches, false, true)?.mul_scalar(2.0);
    println!("The Hessian of the edge kernel's loss, from gradients of gradients:\n{hessian}");
    ensure!(
        hessian.all_close(&exact, 1e-12, 0.0),
        "it should be\n{exact}"
    );
    println!("It equals the exact one, 2 Σ p pᵀ over all patches p of the image.");

    let sharpness = start.sharpness(&mut start.random_direction(rng)?, 30)?;
    let limit = 2.0 / sharpness;
    println!(
        "Its largest eigenvalue, by power iteration: {sharpness:.4} (72 + 12·√19 = {:.4}).\n\
         So learning rates below 2 / {sharpness:.4} = {limit:.5} are stable. 200 steps take the loss",
        72.0 + 12.0 * 19f64.sqrt(),
    );
    let mut curves = Vec::new();
    for lr in [0.01, 0.98 * limit, 1.02 * limit] {
        let mut problem = start.clone();
        let mut losses = Vec::new();
        for _ in 0..200 {
            losses.push(problem.descend(lr)?);
        }
        println!(
            "  from {:.2} to {:.1e} with learning rate {lr:.5}",
            losses[0], losses[199]
        );
        curves.push((format!("learning rate {lr:.5}"), losses));
    }
    line_chart(
        picture,
        "The edge kernel: learning rates below 2/λ converge, above they diverge",
        "step",
        "loss",
        &curves,
        true,
    )
}

/// Trains a small CNN with several learning rates, and watches the sharpness.
fn small_cnn(rng: &mut Generator, steps: usize, picture: &Path) -> Result {
    let (_, digits) = digits()?.split_stratified(0.05, rng)?;
    let digits = digits.normalize(&Normalization::measure(&digits)?)?;
    let start = Problem {
        // Smooth throughout, unlike ReLU and max pooling with their kinks.
        model: Sequential::new()
            .add(Conv2d::builder(1, 4, 3).padding(1).build(rng)?)
            .add(Tanh)
            .add(AvgPool2d::new(2))
            .add(Conv2d::builder(4, 8, 3).padding(1).build(rng)?)
            .add(Tanh)
            .add(AvgPool2d::new(2))
            .add(Flatten::new())
            .add(Linear::builder(8 * 2 * 2, 10).build(rng)?),
        images: digits.images().cast(),
        targets: digits.labels().one_hot(10)?,
    };
    let mut top = start.random_direction(rng)?;
    let sharpness = start.sharpness(&mut top, 30)?;
    let parameters = start.model.parameter_count();
    println!(
        "A CNN of {parameters} parameters on {} digits. Its Hessian would have {} entries;\n\
         its largest eigenvalue is {sharpness:.1} at the start. Training lets it grow until the\n\
         learning rate is only just stable. Averages of the last quarter of {steps} steps:",
        digits.len(),
        parameters * parameters,
    );

    let mut curves = vec![("the limit, 2 / learning rate".to_owned(), vec![1.0; steps])];
    for lr in [0.1, 0.2] {
        let bar = cli::progress(format!("learning rate {lr}"), steps);
        let (mut problem, mut top) = (start.clone(), top.clone());
        let (mut losses, mut shares, mut sharpness) = (Vec::new(), Vec::new(), f64::NAN);
        for step in 0..steps {
            // The eigenvector turns slowly: a few iterations follow it.
            if step % 5 == 0 {
                sharpness = problem.sharpness(&mut top, 5)?;
            }
            shares.push(sharpness * lr / 2.0);
            let loss = problem.descend(lr)?;
            losses.push(loss);
            bar.set_message(format!("loss {loss:.4}, sharpness {sharpness:.1}"));
            bar.inc(1);
        }
        bar.finish_and_clear();
        let average = mean(&shares[steps - steps / 4..]) * 2.0 / lr;
        let loss = mean(&losses[steps - steps / 4..]);
        println!(
            "  learning rate {lr}: loss {loss:.3}, sharpness {average:.1}, limit 2/lr = {:.1}",
            2.0 / lr,
        );
        curves.push((format!("learning rate {lr}"), shares));
    }
    line_chart(
        picture,
        "A small CNN: the sharpness rises to the limit of its learning rate",
        "step",
        "sharpness / limit",
        &curves,
        false,
    )
}
