//! A training step in steady state asks the system for next to nothing: after
//! the second step no allocation above 4 KiB, and no growth from step to step.
//!
//! On several threads "steady" comes later. A thread's working memory grows at
//! the first piece of each kind that it takes, and which thread takes which
//! piece is not decided: a worker may miss the first steps altogether. So there
//! the bound must hold for ten steps in a row, sooner or later.
//!
//! The allocator counts, so every test of this file runs under one lock.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use wengert::par::with_threads;
use wengert::prelude::*;
use wengert_tests::nets::{lenet, mixed};

/// The system's allocator, counting while it is asked to.
struct Counting;

/// The largest allocation that a step may make.
const SMALL: usize = 4096;

static COUNTING: AtomicBool = AtomicBool::new(false);
static LARGE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// What this thread took and has not returned, in bytes. Of this thread
    /// alone: the test harness takes and returns a little at any time.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn hold(bytes: isize) {
    HELD.set(HELD.get() + bytes);
}

fn count(size: usize) {
    hold(size as isize);
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
        hold(-(layout.size() as isize));
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What a step does: the allocations above 4 KiB of all threads, and by how many
/// bytes more this thread holds afterwards.
fn watched(step: &mut dyn FnMut() -> Result<()>) -> Result<(usize, isize)> {
    LARGE.store(0, SeqCst);
    let before = HELD.get();
    COUNTING.store(true, SeqCst);
    let answer = step();
    COUNTING.store(false, SeqCst);
    let grown = HELD.get() - before;
    answer.map(|()| (LARGE.load(SeqCst), grown))
}

/// What each of the four steps after the second did.
fn settled(step: &mut dyn FnMut() -> Result<()>) -> Result<Vec<(usize, isize)>> {
    for _ in 0..2 {
        step()?;
    }
    (0..4).map(|_| watched(step)).collect()
}

/// The large allocations of each step, until ten steps in a row had none; of
/// 500 steps if that never happens.
fn settling(step: &mut dyn FnMut() -> Result<()>) -> Result<Vec<usize>> {
    let mut steps = Vec::with_capacity(500);
    while steps.len() < 500 && !steps.ends_with(&[0; 10]) {
        steps.push(watched(step)?.0);
    }
    Ok(steps)
}

type Model = fn(&mut Generator) -> Result<Sequential>;

/// The networks, and the images of a batch.
const NETWORKS: [(&str, Model, [usize; 4]); 3] = [
    ("small", small, [8, 3, 16, 16]),
    ("LeNet", lenet, [32, 1, 28, 28]),
    ("mixed", mixed, [8, 3, 20, 20]),
];

type Optimiser = fn() -> Result<Box<dyn Optimizer>>;

/// What moves them.
const OPTIMISERS: [(&str, Optimiser); 4] = [
    ("SGD", || {
        Ok(Box::new(Sgd::builder(1e-3).momentum(0.9).build()?))
    }),
    ("Adam", || {
        Ok(Box::new(Adam::builder(1e-3).amsgrad(true).build()?))
    }),
    ("RMSProp", || {
        let builder = RmsProp::builder(1e-3).momentum(0.9).centered(true);
        Ok(Box::new(builder.build()?))
    }),
    ("Adagrad", || Ok(Box::new(Adagrad::new(1e-3)?))),
];

/// Calls `watch` with a step of training on one batch, its rate on a schedule.
fn train<R>(
    threads: usize,
    (_, model, image): (&str, Model, [usize; 4]),
    (_, optimiser): (&str, Optimiser),
    watch: impl Fn(&mut dyn FnMut() -> Result<()>) -> Result<R>,
) -> Result<R> {
    let _alone = ONE_AT_A_TIME.lock();
    with_threads(threads, || {
        let rng = &mut Generator::new(0);
        let mut model = model(rng)?;
        let images = Tensor::<f32>::randn(image, rng)?;
        let labels = Tensor::from_fn([image[0]], |i| (i[0] % 10) as i64)?;
        let mut optimiser = optimiser()?;
        let mut schedule = CosineAnnealingLr::new(1000, 0.0)?;
        schedule.start(&mut *optimiser)?;
        watch(&mut || {
            let tape = Tape::new();
            let logits = model.forward(&tape.constant(images.clone()))?;
            let loss = logits.cross_entropy(&labels, Reduction::Mean)?;
            let gradients = loss.backward()?;
            optimiser.step(&mut model, &gradients)?;
            schedule.step(&mut *optimiser)
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
    let steps = settled(&mut || {
        let tape = Tape::new();
        let prediction = conv.forward(&tape.constant(image.clone()))?;
        let loss = prediction.mse_loss(&tape.constant(edges.clone()), Reduction::Sum)?;
        sgd.step(&mut conv, &loss.backward()?)
    })?;
    assert_eq!(steps, [(0, 0); 4]);
    Ok(())
}

#[test]
fn a_network_on_one_thread_learns_in_the_memory_that_it_has() -> Result<()> {
    for network in NETWORKS {
        for optimiser in OPTIMISERS {
            let steps = train(1, network, optimiser, settled)?;
            assert_eq!(steps, [(0, 0); 4], "{}, {}", network.0, optimiser.0);
        }
    }
    Ok(())
}

#[test]
fn a_network_on_several_threads_learns_in_the_memory_that_it_has() -> Result<()> {
    for threads in [2, 3] {
        for network in NETWORKS {
            let steps = train(threads, network, OPTIMISERS[threads % 2], settling)?;
            let name = network.0;
            assert!(
                steps.ends_with(&[0; 10]),
                "{name} on {threads} threads: {steps:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn what_a_step_asks_for_is_seen() -> Result<()> {
    let _alone = ONE_AT_A_TIME.lock();
    let mut kept = Vec::<u8>::new();
    let here = watched(&mut || {
        kept = Vec::with_capacity(SMALL);
        Ok(())
    })?;
    assert_eq!(here, (0, SMALL as isize));
    // On another thread, whose start and end take something, too.
    let mut elsewhere = |size: usize| {
        watched(&mut || {
            std::thread::scope(|scope| {
                let room = scope.spawn(|| Vec::with_capacity(size));
                kept = room.join().unwrap_or_default();
            });
            Ok(())
        })
    };
    assert_eq!(elsewhere(SMALL + 1)?.0, elsewhere(SMALL)?.0 + 1);
    Ok(())
}
