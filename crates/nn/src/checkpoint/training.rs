//! A training run between two steps, in one file.
//!
//! Whoever goes on from it takes the very steps, to the bit, that the run
//! would have taken had it not stopped. So all that a step depends on is in it:
//!
//! | in the file | what |
//! |---|---|
//! | tensors `model.…` | parameters and buffers, under their PyTorch names behind `model.` |
//! | tensors `optimizer.…` | velocities, moments and the like, by parameter |
//! | tensor `loader.order` | the order of the examples in this epoch |
//! | metadata `wengert.training` | JSON: counts, rates, the cursor, the generators |
//! | other metadata | the caller's notes |
//!
//! What was decided when the program was written (the layers, ε, the size of a
//! batch) is not in it: the program that resumes builds the same objects first.
//!
//! Rates are text in the JSON (`"0.05"`), the shortest that reads back as the
//! same bits: JSON's own numbers know neither infinity nor NaN, and parsers may
//! round them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tensor::random::{Generator, GeneratorState};
use tensor::{Error, Float, Result, Tensor};

use super::{StateDict, atomic};
use crate::module::Visit;
use crate::optim::{Optimizer, OptimizerState, Scheduler, SchedulerState};

const MODEL: &str = "model.";
const OPTIMIZER: &str = "optimizer.";
const ORDER: &str = "loader.order";
const NOTES: &str = "wengert.training";
/// The version of what stands under [`NOTES`].
const VERSION: u32 = 1;

/// All that a training run needs to go on.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("run.safetensors");
/// use tensor::random::Generator;
/// use wengert_nn::{Linear, Optimizer, Progress, Sgd, TrainingCheckpoint, Visit};
///
/// let rng = &mut Generator::new(0);
/// let mut model: Linear = Linear::builder(4, 2).build(rng)?;
/// let mut sgd = Sgd::builder(0.1).momentum(0.9).build::<f32>()?;
/// // … some steps …
/// let checkpoint = TrainingCheckpoint {
///     model: model.state_dict()?,
///     optimizer: sgd.state(),
///     scheduler: None,
///     progress: Progress { step: 7, ..Progress::default() }.with_generator("rng", rng),
/// };
/// checkpoint.save(&path)?;
///
/// // Later, elsewhere, after the same objects were built:
/// let saved = TrainingCheckpoint::load(&path)?;
/// saved.restore(&mut model, &mut sgd, None)?;
/// let mut rng = saved.progress.generator("rng")?;
/// assert_eq!(saved.progress.step, 7);
/// # assert_eq!(saved, checkpoint);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingCheckpoint<T: Float = f32> {
    /// Parameters and buffers; its metadata are the notes of the file.
    pub model: StateDict,
    /// What the optimiser remembers.
    pub optimizer: OptimizerState<T>,
    /// What the schedule remembers, if there is one.
    pub scheduler: Option<SchedulerState>,
    /// How far the run has come.
    pub progress: Progress,
}

/// How far a run has come, and with which random numbers it goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The epochs that are complete.
    pub epoch: u64,
    /// The steps that were taken.
    pub step: u64,
    /// The order of the examples in this epoch, if it is not the dataset's own:
    /// `order()` of the batches.
    pub order: Option<Vec<usize>>,
    /// How many examples of the order were handed out: `cursor()` of the
    /// batches.
    pub cursor: usize,
    /// Random generators, under names of the caller's choice.
    pub generators: BTreeMap<String, GeneratorState>,
}

impl Progress {
    /// The same with the state of one more generator.
    #[must_use]
    pub fn with_generator(mut self, name: &str, generator: &Generator) -> Self {
        self.generators.insert(name.to_owned(), generator.state());
        self
    }

    /// The generator of this name, as it was.
    ///
    /// # Errors
    /// [`Error::Value`] if none of this name was saved.
    pub fn generator(&self, name: &str) -> Result<Generator> {
        let state = self.generators.get(name).ok_or_else(|| {
            let saved: Vec<&String> = self.generators.keys().collect();
            Error::value(
                "progress",
                format!("no generator `{name}` was saved, but {saved:?}"),
            )
        })?;
        Ok(Generator::from_state(state))
    }
}

impl<T: Float> TrainingCheckpoint<T> {
    /// Puts everything back into a model, an optimiser and a schedule that were
    /// built as those that were saved. (A schedule that is restored is not
    /// started.)
    ///
    /// # Errors
    /// Those of [`load_state_dict`](Visit::load_state_dict), strictly, and of the
    /// `load_state` of [optimiser](Optimizer::load_state) and
    /// [schedule](Scheduler::load_state); [`Error::Value`] if only one side has a
    /// schedule. Nothing has changed then.
    pub fn restore(
        &self,
        model: &mut dyn Visit<T>,
        optimizer: &mut dyn Optimizer<T>,
        scheduler: Option<&mut dyn Scheduler>,
    ) -> Result<()> {
        let before = model.state_dict()?;
        model.load_state_dict(&self.model, true)?;
        let rest = self.restore_rates(optimizer, scheduler);
        if rest.is_err() {
            model.load_state_dict(&before, true)?;
        }
        rest
    }

    fn restore_rates(
        &self,
        optimizer: &mut dyn Optimizer<T>,
        scheduler: Option<&mut dyn Scheduler>,
    ) -> Result<()> {
        let before = optimizer.state();
        optimizer.load_state(&self.optimizer)?;
        let rest = match (&self.scheduler, scheduler) {
            (None, None) => Ok(()),
            (Some(state), Some(scheduler)) => scheduler.load_state(state),
            (Some(_), None) => Err(Error::value(
                "restore",
                "a schedule was saved, and none is there to take it",
            )),
            (None, Some(_)) => Err(Error::value(
                "restore",
                "no schedule was saved, and one is there to be restored",
            )),
        };
        if rest.is_err() {
            optimizer.load_state(&before)?;
        }
        rest
    }

    /// Writes the file. The old one, if there is one, is there whole until the
    /// new one is, even if the process is killed in between.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        atomic::write(path.as_ref(), &self.to_bytes()?)
    }

    /// The bytes of the file. The same checkpoint is the same bytes.
    ///
    /// # Errors
    /// [`Error::Value`] if the caller's notes use the name `wengert.training`.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut file = StateDict::new();
        file.metadata.clone_from(&self.model.metadata);
        let notes = serde_json::to_string(&Notes::of(self)).map_err(malformed("notes"))?;
        if file.metadata.insert(NOTES.to_owned(), notes).is_some() {
            let message = format!("the metadata `{NOTES}` is the checkpoint's own");
            return Err(Error::value("training checkpoint", message));
        }
        for (name, tensor) in self.model.iter() {
            file.insert_any(format!("{MODEL}{name}"), tensor.clone());
        }
        for (name, tensor) in &self.optimizer.tensors {
            file.insert(format!("{OPTIMIZER}{name}"), tensor);
        }
        if let Some(order) = &self.progress.order {
            let order: Vec<i64> = order.iter().map(|&i| i as i64).collect();
            file.insert(ORDER, &Tensor::from_vec([order.len()], order)?);
        }
        file.to_bytes()
    }

    /// Reads the file.
    ///
    /// # Errors
    /// As [`StateDict::load`]; [`Error::Format`] if it holds no training run, or
    /// one with another element type.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let what = path.as_ref().display().to_string();
        Self::of_file(&what, &StateDict::load(path)?)
    }

    /// Reads the bytes of the file: see [`load`](Self::load).
    ///
    /// # Errors
    /// [`Error::Format`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::of_file("training checkpoint", &StateDict::from_bytes(bytes)?)
    }

    fn of_file(what: &str, file: &StateDict) -> Result<Self> {
        let refuse = |message: String| Err(Error::format(what, message));
        let mut model = StateDict::new();
        model.metadata = file.metadata.clone();
        let Some(notes) = model.metadata.remove(NOTES) else {
            return refuse(format!(
                "no training checkpoint: the metadata has no `{NOTES}`"
            ));
        };
        let notes: Notes = serde_json::from_str(&notes).map_err(malformed(what))?;
        if notes.version != VERSION {
            let version = notes.version;
            return refuse(format!("version {version}, this can read {VERSION}"));
        }
        let mut tensors = BTreeMap::new();
        let mut order = None;
        for (name, tensor) in file.iter() {
            if let Some(name) = name.strip_prefix(MODEL) {
                model.insert_any(name, tensor.clone());
            } else if let Some(of) = name.strip_prefix(OPTIMIZER) {
                if tensor.dtype() != T::NAME {
                    let dtype = tensor.dtype();
                    return refuse(format!("`{name}` is {dtype}, the run is {}", T::NAME));
                }
                tensors.insert(of.to_owned(), tensor.cast());
            } else if name == ORDER && tensor.dtype() == "i64" {
                let indices = tensor.cast::<i64>();
                let indices: Option<Vec<usize>> =
                    indices.iter().map(|&i| i.try_into().ok()).collect();
                if indices.is_none() {
                    return refuse(format!("`{ORDER}` holds a negative index"));
                }
                order = indices;
            } else {
                return refuse(format!("nothing takes the tensor `{name}`"));
            }
        }
        let numbers = |kept: &Kept| kept.numbers().map_err(|m| Error::format(what, m));
        let optimizer = OptimizerState {
            numbers: numbers(&notes.optimizer)?,
            kind: notes.optimizer.kind,
            tensors,
            counters: notes.optimizer.counters,
        };
        let scheduler = match notes.scheduler {
            None => None,
            Some(kept) => Some(SchedulerState {
                numbers: numbers(&kept)?,
                kind: kept.kind,
                counters: kept.counters,
            }),
        };
        let mut generators = BTreeMap::new();
        for (name, saved) in notes.generators {
            let Some(state) = saved.state() else {
                return refuse(format!("the generator `{name}` is malformed"));
            };
            generators.insert(name, state);
        }
        Ok(Self {
            model,
            optimizer,
            scheduler,
            progress: Progress {
                epoch: notes.epoch,
                step: notes.step,
                order,
                cursor: notes.cursor,
                generators,
            },
        })
    }
}

fn malformed(what: &str) -> impl Fn(serde_json::Error) -> Error {
    let what = what.to_owned();
    move |error| Error::format(what.clone(), format!("`{NOTES}` is malformed: {error}"))
}

/// What stands in the metadata, as JSON.
#[derive(Serialize, Deserialize)]
struct Notes {
    version: u32,
    epoch: u64,
    step: u64,
    cursor: usize,
    optimizer: Kept,
    scheduler: Option<Kept>,
    generators: BTreeMap<String, SavedGenerator>,
}

/// The state of an optimiser or a schedule but for its tensors.
#[derive(Serialize, Deserialize)]
struct Kept {
    kind: String,
    counters: BTreeMap<String, u64>,
    numbers: BTreeMap<String, String>,
}

/// A [`GeneratorState`]: its key in hexadecimal digits, its position as text,
/// since it may need more than 64 bits.
#[derive(Serialize, Deserialize)]
struct SavedGenerator {
    seed: String,
    stream: u64,
    position: String,
}

impl Notes {
    fn of<T: Float>(checkpoint: &TrainingCheckpoint<T>) -> Self {
        let TrainingCheckpoint {
            optimizer,
            scheduler,
            progress,
            ..
        } = checkpoint;
        let generators = progress.generators.iter();
        Self {
            version: VERSION,
            epoch: progress.epoch,
            step: progress.step,
            cursor: progress.cursor,
            optimizer: Kept::of(&optimizer.kind, &optimizer.counters, &optimizer.numbers),
            scheduler: scheduler
                .as_ref()
                .map(|s| Kept::of(&s.kind, &s.counters, &s.numbers)),
            generators: generators
                .map(|(name, state)| (name.clone(), SavedGenerator::of(state)))
                .collect(),
        }
    }
}

impl Kept {
    fn of(kind: &str, counters: &BTreeMap<String, u64>, numbers: &BTreeMap<String, f64>) -> Self {
        let text = numbers.iter().map(|(k, v)| (k.clone(), v.to_string()));
        Self {
            kind: kind.to_owned(),
            counters: counters.clone(),
            numbers: text.collect(),
        }
    }

    fn numbers(&self) -> Result<BTreeMap<String, f64>, String> {
        let numbers = self.numbers.iter().map(|(name, text)| {
            let value = text.parse();
            let value = value.map_err(|_| format!("`{name}` is no number: `{text}`"))?;
            Ok((name.clone(), value))
        });
        numbers.collect()
    }
}

impl SavedGenerator {
    fn of(state: &GeneratorState) -> Self {
        Self {
            seed: state.seed.iter().map(|b| format!("{b:02x}")).collect(),
            stream: state.stream,
            position: state.position.to_string(),
        }
    }

    fn state(&self) -> Option<GeneratorState> {
        let mut seed = [0; 32];
        if self.seed.len() != 2 * seed.len() {
            return None;
        }
        for (i, byte) in seed.iter_mut().enumerate() {
            let digits = self.seed.get(2 * i..2 * i + 2)?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(GeneratorState {
            seed,
            stream: self.stream,
            position: self.position.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autograd::{Parameter, Tape};
    use rand::Rng;

    use crate::{Sgd, StepLr};

    /// A parameter and an optimiser after a step.
    fn run() -> (Parameter, Sgd) {
        let mut w = Parameter::new(Tensor::from([1.0, -2.0]));
        let mut sgd = Sgd::builder(0.1).momentum(0.9).build::<f32>().unwrap();
        let loss = Tape::new().parameter(&w).square().unwrap().sum().unwrap();
        sgd.step(&mut w, &loss.backward().unwrap()).unwrap();
        (w, sgd)
    }

    fn checkpoint() -> TrainingCheckpoint {
        let (w, sgd) = run();
        let mut rng = Generator::new(3).stream(u64::MAX);
        rng.next_u32();
        let mut optimizer = sgd.state();
        for (name, x) in [
            ("a", 0.1 + 0.2),
            ("b", f64::INFINITY),
            ("c", -0.0),
            ("d", 5e-324),
        ] {
            optimizer.numbers.insert(name.into(), x);
        }
        optimizer.counters.insert("big".into(), u64::MAX);
        let mut scheduler = SchedulerState::new("step_lr");
        scheduler.counters.insert("step".into(), 9);
        let mut model = w.state_dict().unwrap();
        model.metadata.insert("note".into(), "mine".into());
        let mut progress = Progress {
            epoch: 2,
            step: u64::MAX,
            order: Some(vec![3, 0, 1]),
            cursor: 2,
            ..Progress::default()
        };
        progress = progress.with_generator("rng", &rng);
        let far = GeneratorState {
            position: (1 << 68) - 1,
            ..rng.state()
        };
        progress.generators.insert("far".into(), far);
        TrainingCheckpoint {
            model,
            optimizer,
            scheduler: Some(scheduler),
            progress,
        }
    }

    #[test]
    fn everything_comes_back() {
        let saved = checkpoint();
        let bytes = saved.to_bytes().unwrap();
        assert_eq!(bytes, saved.to_bytes().unwrap());
        let back = TrainingCheckpoint::<f32>::from_bytes(&bytes).unwrap();
        assert_eq!(back, saved);
        let zero = back.optimizer.numbers["c"];
        assert_eq!(zero.to_bits(), (-0.0f64).to_bits());
        let mut rng = back.progress.generator("rng").unwrap();
        let mut again = Generator::from_state(&saved.progress.generators["rng"]);
        assert_eq!(rng.next_u64(), again.next_u64());
        let error = back.progress.generator("other").unwrap_err().to_string();
        assert_eq!(
            error,
            "progress: no generator `other` was saved, but [\"far\", \"rng\"]"
        );

        let bare = TrainingCheckpoint {
            scheduler: None,
            progress: Progress::default(),
            ..saved
        };
        let bytes = bare.to_bytes().unwrap();
        assert_eq!(TrainingCheckpoint::from_bytes(&bytes).unwrap(), bare);
    }

    #[test]
    fn what_is_restored_goes_on_and_what_is_refused_is_as_it_was() {
        let (w, mut sgd) = run();
        let mut schedule = StepLr::new(1, 0.5).unwrap();
        schedule.start(&mut sgd).unwrap();
        schedule.step(&mut sgd).unwrap();
        let saved = TrainingCheckpoint {
            optimizer: sgd.state(),
            scheduler: Some(schedule.state()),
            ..checkpoint()
        };
        let zeros = || Parameter::new(Tensor::from([0.0, 0.0]));
        let fresh = || Sgd::builder(0.1).momentum(0.9).build::<f32>().unwrap();
        let (mut other, mut other_sgd) = (zeros(), fresh());
        let mut other_schedule = StepLr::new(1, 0.5).unwrap();
        saved
            .restore(&mut other, &mut other_sgd, Some(&mut other_schedule))
            .unwrap();
        assert_eq!(other.value(), w.value());
        assert_eq!(other_sgd.state(), sgd.state());
        assert_eq!(other_schedule.state(), schedule.state());

        // Refused by the optimiser, by the schedule, for want of a schedule.
        let (mut other, mut other_sgd) = (zeros(), fresh());
        let mut kept = fresh();
        let mut refused = |saved: &TrainingCheckpoint, schedule: Option<&mut dyn Scheduler>| {
            let answer = saved.restore(&mut other, &mut other_sgd, schedule);
            assert_eq!(other.value().to_vec(), [0.0, 0.0]);
            assert_eq!(other_sgd.state(), kept.state());
            answer.unwrap_err().to_string()
        };
        let mut adam = saved.clone();
        adam.optimizer.kind = "adam".into();
        refused(&adam, Some(&mut other_schedule));
        let mut cosine = saved.clone();
        cosine.scheduler = Some(SchedulerState::new("cosine"));
        refused(&cosine, Some(&mut other_schedule));
        assert!(refused(&saved, None).contains("a schedule was saved"));
        let mut bare = saved.clone();
        bare.scheduler = None;
        assert!(refused(&bare, Some(&mut other_schedule)).contains("no schedule was saved"));
        assert_eq!(other_schedule.state(), schedule.state());
        kept.load_state(&saved.optimizer).unwrap();
    }

    #[test]
    fn files_of_something_else_are_refused() {
        let bytes = checkpoint().to_bytes().unwrap();
        let refused = |file: &StateDict| {
            let bytes = file.to_bytes().unwrap();
            let error = TrainingCheckpoint::<f32>::from_bytes(&bytes).unwrap_err();
            assert!(matches!(error, Error::Format { .. }), "{error}");
            error.to_string()
        };
        let file = StateDict::from_bytes(&bytes).unwrap();
        let with = |edit: &dyn Fn(&mut StateDict)| {
            let mut edited = file.clone();
            edit(&mut edited);
            refused(&edited)
        };
        let notes = |from: &str, to: &str| {
            let changed = file.metadata[NOTES].replace(from, to);
            assert_ne!(changed, file.metadata[NOTES], "{from}");
            with(&|file| {
                file.metadata.insert(NOTES.into(), changed.clone());
            })
        };
        assert!(refused(&checkpoint().model).contains("no training checkpoint"));
        assert!(notes("\"version\":1", "\"version\":2").contains("version 2"));
        assert!(notes("\"epoch\":2", "\"epoch\":-2").contains("malformed"));
        assert!(notes("\"0.1\"", "\"much\"").contains("much"));
        let seed = &file.metadata[NOTES].split("\"seed\":\"").nth(1).unwrap()[..64];
        for bad in [&seed[1..], &"ä".repeat(32), &"g".repeat(64)] {
            assert!(notes(seed, bad).contains("generator `far` is malformed"));
        }
        assert!(notes("\"295147905179352825855\"", "\"x\"").contains("generator `far`"));
        assert!(with(&|f| drop(f.insert("stray", &Tensor::scalar(1.0)))).contains("`stray`"));
        let order = Tensor::from([0i64, -1]);
        assert!(with(&|f| drop(f.insert(ORDER, &order))).contains("negative"));
        let order = Tensor::from([0.0]);
        assert!(with(&|f| drop(f.insert(ORDER, &order))).contains(ORDER));

        // The bits of an f32 run are not those of an f64 one.
        let error = TrainingCheckpoint::<f64>::from_bytes(&bytes).unwrap_err();
        assert!(
            error.to_string().contains("is f32, the run is f64"),
            "{error}"
        );
        let mut taken = checkpoint();
        taken.model.metadata.insert(NOTES.into(), String::new());
        assert!(taken.to_bytes().is_err());
    }

    #[test]
    fn no_part_of_a_file_is_a_file_and_no_flipped_byte_a_panic() {
        let bytes = checkpoint().to_bytes().unwrap();
        for n in 0..bytes.len() {
            assert!(TrainingCheckpoint::<f32>::from_bytes(&bytes[..n]).is_err());
        }
        for at in 0..bytes.len() {
            for mask in [1, 4, 16, 64, 0xff] {
                let mut flipped = bytes.clone();
                flipped[at] ^= mask;
                if let Ok(read) = TrainingCheckpoint::<f32>::from_bytes(&flipped) {
                    let _ = read.progress.generator("rng");
                }
            }
        }
    }
}
