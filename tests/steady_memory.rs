//! A training step in steady state asks the system for next to nothing: after
//! the second step no allocation above 4 KiB, and no growth from step to step.
//!
//! The allocator counts, so every test of this file runs under one lock.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering::SeqCst};

use wengert::par::with_threads;
use wengert::prelude::*;

/// The system's allocator, counting while it is asked to.
struct Counting;

/// The largest allocation that a step may make.
const SMALL: usize = 4096;

static COUNTING: AtomicBool = AtomicBool::new(false);
static LARGE: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicIsize = AtomicIsize::new(0);

fn count(size: usize) {
    HELD.fetch_add(size as isize, SeqCst);
    if size > SMALL && COUNTING.load(SeqCst) {
        LARGE.fetch_add(1, SeqCst);
    }
}

// SAFETY: every request is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps `alloc`'s contract, which is this one's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size() as isize, SeqCst);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What each of the steps after the second did: its allocations above 4 KiB,
/// and by how many bytes the heap grew.
fn settled(mut step: impl FnMut() -> Result<()>) -> Result<Vec<(usize, isize)>> {
    for _ in 0..2 {
        step()?;
    }
    let mut steps = Vec::with_capacity(4);
    for _ in 0..4 {
        LARGE.store(0, SeqCst);
        let before = HELD.load(SeqCst);
        COUNTING.store(true, SeqCst);
        step()?;
        COUNTING.store(false, SeqCst);
        steps.push((LARGE.load(SeqCst), HELD.load(SeqCst) - before));
    }
    Ok(steps)
}

/// Trains a model on one batch, with SGD and momentum.
fn train(
    model: fn(&mut Generator) -> Result<Sequential>,
    image: [usize; 4],
    threads: usize,
) -> Result<Vec<(usize, isize)>> {
    let _alone = ONE_AT_A_TIME.lock();
    with_threads(threads, || {
        let rng = &mut Generator::new(0);
        let mut model = model(rng)?;
        let images = Tensor::<f32>::randn(image, rng)?;
        let labels = Tensor::from_fn([image[0]], |i| (i[0] % 10) as i64)?;
        let mut sgd = Sgd::builder(1e-3).momentum(0.9).build()?;
        settled(|| {
            let tape = Tape::new();
            let logits = model.forward(&tape.constant(images.clone()))?;
            let loss = logits.cross_entropy(&labels, Reduction::Mean)?;
            sgd.step(&mut model, &loss.backward()?)
        })
    })?
}

fn small(rng: &mut Generator) -> Result<Sequential> {
    Ok(Sequential::new()
        .add(Conv2d::builder(3, 8, 3).padding(1).relu().build(rng)?)
        .add(MaxPool2d::new(2))
        .add(Flatten::new())
        .add(Linear::builder(512, 10).build(rng)?))
}

fn lenet(rng: &mut Generator) -> Result<Sequential> {
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

#[test]
fn an_edge_kernel_learns_in_the_memory_that_it_has() -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock();
    let mut image: Tensor = Tensor::ones([6, 8])?;
    image.slice_fill((.., 2..6), 0.0)?;
    let edges = image.corr2d(&Tensor::from([[1.0, -1.0]]))?;
    let (image, edges) = (image.reshape([1, 1, 6, 8])?, edges.reshape([1, 1, 6, 7])?);
    let conv = Conv2d::builder(1, 1, (1, 2)).bias(false);
    let mut conv = conv.build(&mut Generator::new(0))?;
    let mut sgd = Sgd::builder(1e-3).momentum(0.9).build()?;
    let steps = settled(|| {
        let tape = Tape::new();
        let prediction = conv.forward(&tape.constant(image.clone()))?;
        let loss = prediction.mse_loss(&tape.constant(edges.clone()), Reduction::Sum)?;
        sgd.step(&mut conv, &loss.backward()?)
    })?;
    assert_eq!(steps, [(0, 0); 4]);
    Ok(())
}

#[test]
#[ignore = "matrix products and weight gradients still allocate"]
fn a_network_on_one_thread_learns_in_the_memory_that_it_has() -> Result<()> {
    assert_eq!(train(small, [8, 3, 16, 16], 1)?, [(0, 0); 4], "small");
    assert_eq!(train(lenet, [32, 1, 28, 28], 1)?, [(0, 0); 4], "LeNet");
    Ok(())
}

#[test]
#[ignore = "matrix products and weight gradients still allocate"]
fn a_network_on_two_threads_learns_in_the_memory_that_it_has() -> Result<()> {
    // Which thread takes which piece varies, and with it what each has in reserve.
    for (model, image) in [
        (small as fn(&mut _) -> _, [8, 3, 16, 16]),
        (lenet, [32, 1, 28, 28]),
    ] {
        let steps = train(model, image, 2)?;
        assert!(
            steps.iter().all(|&(large, _)| large == 0),
            "{image:?}: {steps:?}"
        );
    }
    Ok(())
}
