//! What the environment decides: `WENGERT_SIMD` the instruction set, and
//! `RAYON_NUM_THREADS` the number of threads. Both are looked up once in the life
//! of a program, so each test runs itself again as a child process, with another
//! environment, and reads what that one prints.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use wengert::prelude::*;
use wengert::{Float, InstructionSet, par};
use wengert_tests::nets::{lenet, mixed};

/// Set in the children alone.
const CHILD: &str = "WENGERT_TEST_CHILD";
/// What a line begins with that is not the test harness's.
const MARK: &str = "child: ";

fn is_child() -> bool {
    env::var_os(CHILD).is_some()
}

/// A line for the parent.
fn tell(line: impl std::fmt::Display) {
    // The harness may have left a line unfinished.
    println!("\n{MARK}{line}");
}

/// Runs this test as a child process; what it told.
fn child(test: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let mut command = Command::new(env::current_exe().expect("a test is a file"));
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env_remove("WENGERT_SIMD");
    command.env_remove("RAYON_NUM_THREADS");
    command.env(CHILD, "yes").envs(environment.iter().copied());
    let output = command.output().expect("a test can be run");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{environment:?}:\n{text}\n{errors}"
    );
    let told: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix(MARK).map(Into::into))
        .collect();
    assert!(!told.is_empty(), "{environment:?}:\n{text}\n{errors}");
    told
}

// ---------------------------------------------------------------- instruction sets

/// Tells the loss of a step and the gradient of each parameter, a tensor a line.
fn tell_a_step<T: Float>(
    model: fn(&mut Generator) -> Result<Sequential<T>>,
    image: [usize; 4],
) -> Result<()> {
    let rng = &mut Generator::new(1);
    let model = model(rng)?;
    let images = Tensor::<T>::randn(image, rng)?;
    let labels = Tensor::from_fn([image[0]], |i| (i[0] * 3 % 10) as i64)?;
    let tape = Tape::new();
    let scores = model.forward(&tape.constant(images))?;
    let loss = scores.cross_entropy(&labels, Reduction::Mean)?;
    let say = |x: &Tensor<T>| {
        let numbers: Vec<String> = x.iter().map(|x| x.as_f64().to_string()).collect();
        tell(format_args!("{} {}", T::NAME, numbers.join(" ")));
    };
    say(loss.value());
    let grads = loss.backward()?;
    for (_, parameter) in model.named_parameters() {
        say(grads.get(parameter).expect("every parameter takes part"));
    }
    Ok(())
}

/// A step of each network with this instruction set: the element type and the
/// numbers of each tensor.
fn step_with(set: InstructionSet) -> Vec<(String, Vec<f64>)> {
    let name = set.to_string();
    let told = child("instruction_sets_agree", &[("WENGERT_SIMD", &name)]);
    assert_eq!(told[0], name);
    let tensors = told[1..].iter().map(|line| {
        let (element, numbers) = line.split_once(' ').expect("a type and numbers");
        let numbers = numbers.split(' ').map(str::parse);
        let numbers = numbers.collect::<Result<_, _>>().expect("numbers");
        (element.to_owned(), numbers)
    });
    tensors.collect()
}

/// Sums of some hundred terms in another order, fused or not, through seven
/// layers: 1e-5 for f32 and 1e-13 for f64, of the largest number of a tensor.
/// The seed is one for which no maximum and no sign of a rectifier's argument
/// hangs on the last bit; one that did would change gradients by a pixel's share.
#[test]
fn instruction_sets_agree() -> Result<()> {
    if is_child() {
        tell(InstructionSet::best());
        tell_a_step::<f32>(lenet, [8, 1, 28, 28])?;
        tell_a_step::<f64>(lenet, [8, 1, 28, 28])?;
        tell_a_step::<f32>(mixed, [6, 3, 20, 20])?;
        tell_a_step::<f64>(mixed, [6, 3, 20, 20])?;
        return Ok(());
    }
    let expected = step_with(InstructionSet::Portable);
    assert_eq!(expected.len(), 2 * (1 + 10) + 2 * (1 + 14));
    for set in InstructionSet::available().skip(1) {
        let found = step_with(set);
        assert_eq!(found.len(), expected.len(), "{set}");
        let mut worst = [0.0f64; 2];
        for (i, ((element, a), (_, b))) in found.iter().zip(&expected).enumerate() {
            assert_eq!(a.len(), b.len());
            let (kind, bound) = if element == "f32" {
                (0, 1e-5)
            } else {
                (1, 1e-13)
            };
            let largest = b.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            assert!(largest > 0.0, "tensor {i}: all zeros");
            let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
            let apart = apart.fold(0.0, f64::max) / largest;
            assert!(apart <= bound, "{set}, {element}, tensor {i}: {apart:e}");
            worst[kind] = worst[kind].max(apart);
        }
        println!("{set}: {:e} (f32), {:e} (f64)", worst[0], worst[1]);
        // Were all of it the same, the environment would not have been heard.
        assert!(worst.iter().all(|&apart| apart > 0.0), "{set}");
    }
    Ok(())
}

// ---------------------------------------------------------------- threads

/// How many of the program's threads are wengert's workers, where the system
/// tells. A thread gives itself its name after it has begun, which may be later
/// than the work that it was begun for: waits for as many as are expected.
#[cfg(target_os = "linux")]
fn workers(expected: usize) -> Option<usize> {
    let count = || {
        let tasks = std::fs::read_dir("/proc/self/task").ok()?;
        let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
        let names = tasks.flatten().filter_map(|task| name(task).ok());
        Some(names.filter(|name| name.starts_with("wengert-")).count())
    };
    let begun = Instant::now();
    while count()? < expected && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    count()
}

#[cfg(not(target_os = "linux"))]
fn workers(_expected: usize) -> Option<usize> {
    None
}

/// Work that is large enough to be shared out.
fn work() -> Result<()> {
    let rng = &mut Generator::new(0);
    let x: Tensor = Tensor::randn([300, 300], rng)?;
    x.matmul(&x).map(|_| ())
}

#[test]
fn as_many_threads_as_the_environment_says() -> Result<()> {
    if is_child() {
        work()?;
        let threads = par::threads();
        tell(threads);
        // The caller is one of them.
        tell(workers(threads - 1).map_or("?".into(), |count| count.to_string()));
        return Ok(());
    }
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    let name = "as_many_threads_as_the_environment_says";
    // What is no number of threads is as good as nothing.
    for (said, threads) in [
        ("1", 1),
        ("3", 3),
        ("0", cores),
        ("many", cores),
        ("", cores),
    ] {
        let told = child(name, &[("RAYON_NUM_THREADS", said)]);
        assert_eq!(told[0], threads.to_string(), "RAYON_NUM_THREADS={said}");
        if told[1] != "?" {
            assert_eq!(
                told[1],
                (threads - 1).to_string(),
                "RAYON_NUM_THREADS={said}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_step_of_the_tutorial_starts_no_thread() -> Result<()> {
    let name = "a_step_of_the_tutorial_starts_no_thread";
    if is_child() {
        let rng = &mut Generator::new(0);
        let mut model: Sequential =
            Sequential::new().add(Conv2d::builder(1, 1, (1, 2)).build(rng)?);
        let mut optimizer = Sgd::builder(0.01).momentum(0.9).build()?;
        let image = Tensor::randn([1, 1, 6, 8], rng)?;
        let target = Tensor::randn([1, 1, 6, 7], rng)?;
        for _ in 0..10 {
            let tape = Tape::new();
            let y = model.forward(&tape.constant(image.clone()))?;
            let loss = y.mse_loss(&tape.constant(target.clone()), Reduction::Mean)?;
            let grads = loss.backward()?;
            optimizer.step(&mut model, &grads)?;
        }
        tell(workers(0).map_or("?".into(), |count| count.to_string()));
        return Ok(());
    }
    let told = child(name, &[("RAYON_NUM_THREADS", "4")]);
    assert!(["0", "?"].contains(&&*told[0]), "{told:?}");
    Ok(())
}

#[test]
fn as_many_threads_as_the_program_says() -> Result<()> {
    if is_child() {
        tell(par::threads());
        par::set_threads(2)?;
        tell(par::threads());
        work()?;
        tell(workers(1).map_or("?".into(), |count| count.to_string()));
        // On every thread, and except where a call says otherwise.
        let elsewhere = std::thread::spawn(par::threads);
        tell(elsewhere.join().expect("it only asks"));
        tell(par::with_threads(4, par::threads)?);
        tell(par::threads());
        return Ok(());
    }
    let told = child(
        "as_many_threads_as_the_program_says",
        &[("RAYON_NUM_THREADS", "5")],
    );
    let workers = if told[2] == "?" { "?" } else { "1" };
    assert_eq!(told, ["5", "2", workers, "2", "4", "2"]);
    Ok(())
}
