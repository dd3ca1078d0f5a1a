//! Training that goes on from a checkpoint: with the same bits as if it had
//! never stopped, and from a file that is whole whenever the process died.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use wengert::prelude::*;
use wengert::random::permutation;

const BATCH: usize = 5;

/// Everything that a run holds.
struct Run {
    train: Dataset,
    model: Sequential,
    optimizer: Box<dyn Optimizer>,
    schedule: Box<dyn Scheduler>,
    progress: Progress,
    rng: Generator,
}

type Parts = (Box<dyn Optimizer>, Box<dyn Scheduler>);

impl Run {
    /// As it begins.
    fn new(parts: Parts, hidden: usize) -> Result<Self> {
        let rng = &mut Generator::new(5);
        let images = Tensor::randn([23, 1, 6, 6], rng)?;
        let labels = permutation(23, rng)?.into_iter().map(|i| (i % 3) as i64);
        let labels = Tensor::from_vec([23], labels.collect())?;
        let model = Sequential::new()
            .add_named("conv", Conv2d::builder(1, 4, 3).build(rng)?)?
            .add(Relu)
            .add(Dropout::new(0.3)?)
            .add(Flatten::new())
            .add_named("hidden", Linear::builder(64, hidden).build(rng)?)?
            .add(Tanh)
            .add_named("head", Linear::builder(hidden, 3).build(rng)?)?;
        let (mut optimizer, mut schedule) = parts;
        schedule.start(&mut *optimizer)?;
        Ok(Self {
            train: Dataset::new(images, labels, 3)?,
            model,
            optimizer,
            schedule,
            progress: Progress::default(),
            rng: rng.clone(),
        })
    }

    /// As it was saved.
    fn resume(parts: Parts, hidden: usize, saved: &TrainingCheckpoint) -> Result<Self> {
        let mut run = Self::new(parts, hidden)?;
        saved.restore(
            &mut run.model,
            &mut *run.optimizer,
            Some(&mut *run.schedule),
        )?;
        run.progress = saved.progress.clone();
        run.rng = saved.progress.generator("rng")?;
        Ok(run)
    }

    fn checkpoint(&self) -> Result<TrainingCheckpoint> {
        Ok(TrainingCheckpoint {
            model: self.model.state_dict()?,
            optimizer: self.optimizer.state(),
            scheduler: Some(self.schedule.state()),
            progress: self.progress.clone().with_generator("rng", &self.rng),
        })
    }

    /// Steps, from wherever the run stands, until it has taken so many;
    /// `after` each of them.
    fn train(&mut self, steps: u64, mut after: impl FnMut(&Self) -> Result<()>) -> Result<()> {
        while self.progress.step < steps {
            let train = self.train.clone();
            let mut batches = match self.progress.order.take() {
                None => train.batches(BATCH)?.shuffled(&mut self.rng),
                order => train.batches(BATCH)?.resume(order, self.progress.cursor)?,
            };
            while self.progress.step < steps {
                let Some(batch) = batches.next() else {
                    self.progress.epoch += 1;
                    self.progress.order = None;
                    break;
                };
                let (images, labels) = batch?;
                let tape = Tape::new().with_rng(&mut self.rng);
                let logits = self.model.forward(&tape.constant(images))?;
                let loss = logits.cross_entropy(&labels, Reduction::Mean)?;
                self.schedule.observe(loss.item()?.into());
                let grads = loss.backward()?;
                self.optimizer.step(&mut self.model, &grads)?;
                self.schedule.step(&mut *self.optimizer)?;
                self.progress.step += 1;
                self.progress.order = batches.order().map(<[usize]>::to_vec);
                self.progress.cursor = batches.cursor();
                after(self)?;
            }
        }
        Ok(())
    }
}

/// A kind of optimiser and schedule, by its name.
type Kind = (&'static str, fn() -> Result<Parts>);

fn every_kind() -> Vec<Kind> {
    fn parts(
        optimizer: impl Optimizer + 'static,
        schedule: impl Scheduler + 'static,
    ) -> Result<Parts> {
        Ok((Box::new(optimizer), Box::new(schedule)))
    }
    vec![
        ("sgd", || {
            let sgd = Sgd::builder(0.05).momentum(0.9).nesterov(true);
            let warm = LinearLr::new(0.1, 1.0, 4)?;
            let schedule = SequentialLr::new(warm).then(4, CosineAnnealingLr::new(20, 0.0)?)?;
            parts(sgd.build::<f32>()?, schedule)
        }),
        ("adam", || {
            let adam = Adam::builder(0.01).amsgrad(true).weight_decay(0.01);
            parts(adam.build::<f32>()?, OneCycleLr::builder(0.05, 40).build()?)
        }),
        ("adamw", || {
            let schedule = ReduceLrOnPlateau::builder().patience(1).build()?;
            parts(AdamW::builder(0.01).build::<f32>()?, schedule)
        }),
        ("rmsprop", || {
            let rmsprop = RmsProp::builder(0.003).centered(true).momentum(0.5);
            parts(rmsprop.build::<f32>()?, StepLr::new(5, 0.7)?)
        }),
        ("adagrad", || {
            let adagrad = Adagrad::builder(0.05).build::<f32>()?;
            parts(adagrad, StepLr::new(3, 0.9)?)
        }),
    ]
}

#[test]
fn a_resumed_run_has_the_bits_of_one_that_never_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    for (name, parts) in every_kind() {
        let mut whole = Run::new(parts().unwrap(), 8).unwrap();
        whole.train(17, |_| Ok(())).unwrap();
        let whole = whole.checkpoint().unwrap().to_bytes().unwrap();
        // At the start, within the first epoch, at its end, in a later one.
        for stop in [0, 2, 5, 13] {
            let mut run = Run::new(parts().unwrap(), 8).unwrap();
            run.train(stop, |_| Ok(())).unwrap();
            run.checkpoint().unwrap().save(&path).unwrap();
            drop(run);
            let saved = TrainingCheckpoint::load(&path).unwrap();
            assert_eq!(saved.progress.step, stop);
            let mut run = Run::resume(parts().unwrap(), 8, &saved).unwrap();
            run.train(17, |_| Ok(())).unwrap();
            let resumed = run.checkpoint().unwrap().to_bytes().unwrap();
            assert!(resumed == whole, "{name}, stopped after {stop} steps");
        }
    }
}

// ---------------------------------------------------------------- killed

/// Where the child finds its checkpoint. Without it, the child is no child.
const PATH: &str = "WENGERT_TEST_CHECKPOINT";
const STEPS: u64 = 150;
/// Large enough that a file takes a while to write.
const HIDDEN: usize = 2000;

/// What remembers the most.
fn heavy() -> Result<Parts> {
    let kinds = every_kind().into_iter();
    let mut rmsprop = kinds.filter(|(name, _)| *name == "rmsprop");
    rmsprop.next().unwrap().1()
}

/// The process that is killed: trains from its checkpoint on, and saves one
/// after each step.
#[test]
fn child() {
    let Ok(path) = env::var(PATH) else {
        return;
    };
    let mut run = if Path::new(&path).exists() {
        let saved = TrainingCheckpoint::load(&path).unwrap();
        Run::resume(heavy().unwrap(), HIDDEN, &saved).unwrap()
    } else {
        Run::new(heavy().unwrap(), HIDDEN).unwrap()
    };
    let save = |run: &Run| run.checkpoint()?.save(&path);
    run.train(STEPS, save).unwrap();
}

#[test]
fn a_process_killed_at_any_instant_leaves_a_whole_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let start = || {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "child", "--test-threads", "1"])
            .env(PATH, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let (mut reached, mut unfinished, mut kills) = (0, 0, 0);
    for wait in permutation(25, &mut Generator::new(1)).unwrap() {
        let mut child = start();
        // Counted from when it is at work: from the first file that it touches.
        let before = fs::metadata(&path).and_then(|m| m.modified()).ok();
        for _ in 0..2000 {
            let now = fs::metadata(&path).and_then(|m| m.modified()).ok();
            if now != before || child.try_wait().unwrap().is_some() {
                break;
            }
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_micros(1600 * wait as u64));
        child.kill().unwrap();
        kills += u32::from(!child.wait().unwrap().success());
        let saved = TrainingCheckpoint::<f32>::load(&path).unwrap();
        assert!(saved.progress.step >= reached, "steps were lost");
        reached = saved.progress.step;
        unfinished = fs::read_dir(folder.path()).unwrap().count() - 1;
        if reached == STEPS {
            break;
        }
    }
    println!("{kills} kills, {reached} steps, {unfinished} in the middle of a file");
    assert!(kills > 10, "the child was too fast to be killed");
    assert!(start().wait().unwrap().success());

    let mut whole = Run::new(heavy().unwrap(), HIDDEN).unwrap();
    whole.train(STEPS, |_| Ok(())).unwrap();
    let whole = whole.checkpoint().unwrap().to_bytes().unwrap();
    assert!(fs::read(&path).unwrap() == whole, "other bits");
}
