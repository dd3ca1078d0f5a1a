//! Two networks that take nearly every road through the engine's loops.

#![allow(clippy::missing_errors_doc)] // None of these sizes is refused.

use wengert::Float;
use wengert::prelude::*;

/// LeNet, for images of 1 × 28 × 28.
pub fn lenet<T: Float>(rng: &mut Generator) -> Result<Sequential<T>> {
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

/// One convolution for each kind of kernel, for images of 3 × 20 × 20: vectors
/// over pixels, Winograd's tiles, a single tap, depthwise, strided, vectors over
/// channels. (What is computed by its definition has no pieces of its own kind.)
pub fn mixed<T: Float>(rng: &mut Generator) -> Result<Sequential<T>> {
    let three = |ins, outs| Conv2d::builder(ins, outs, 3).padding(1);
    Ok(Sequential::new()
        .add(Conv2d::builder(3, 32, 5).padding(2).relu().build(rng)?)
        .add(three(32, 32).relu().build(rng)?)
        .add(Conv2d::builder(32, 32, 1).relu().build(rng)?)
        .add(MaxPool2d::new(2))
        .add(three(32, 32).groups(32).relu().build(rng)?)
        .add(three(32, 48).stride(2).relu().build(rng)?)
        .add(Conv2d::builder(48, 32, 1).build(rng)?)
        .add(Tanh)
        .add(AvgPool2d::new(2))
        .add(Flatten::new())
        .add(Linear::builder(128, 10).build(rng)?))
}
