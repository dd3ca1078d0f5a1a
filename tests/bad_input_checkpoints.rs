//! What checkpoints answer to bad input. (`crates/nn` lies to the reader byte by
//! byte; here it is met as its users meet it.)

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use std::fs;

use wengert::prelude::*;
use wengert_tests::refused;

fn linear() -> Linear {
    Linear::builder(3, 2).build(&mut Generator::new(0)).unwrap()
}

fn run() -> TrainingCheckpoint {
    TrainingCheckpoint {
        model: linear().state_dict().unwrap(),
        optimizer: Sgd::<f32>::new(0.1).unwrap().state(),
        scheduler: None,
        progress: Progress::default(),
    }
}

/// A file with this header.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), data].concat()
}

#[test]
fn state_dicts_that_do_not_fit() {
    let mut model = linear();
    let good = model.state_dict().unwrap();
    let with = |name: &str, shape: &[usize]| {
        let mut state = good.clone();
        state.insert(name, &Tensor::<f32>::zeros(shape).unwrap());
        state
    };
    let mut missing = good.clone();
    missing.remove("weight");
    refused! {
        model.load_state_dict(&missing, true) => "load_state_dict", "missing: `weight`";
        model.load_state_dict(&with("scale", &[2]), true) => "load_state_dict", "unexpected: `scale`";
        model.load_state_dict(&with("weight", &[3, 2]), true) => "load_state_dict", "`weight` is [3, 2] where the model has [2, 3]";
        model.load_state_dict(&with("weight", &[6]), false) => "load_state_dict", "`weight` is [6] where the model has [2, 3]";
        model.load_state_dict(&with("bias", &[0]), false) => "load_state_dict", "`bias` is [0]";
        model.load_state_dict(&StateDict::new(), true) => "load_state_dict", "missing: `weight`, `bias`";
        with("__metadata__", &[1]).to_bytes() => "state_dict", "`__metadata__`";
    }
    assert_eq!(model.state_dict().unwrap(), good);
}

#[test]
fn bytes_that_are_no_file() {
    let of = |bytes: &[u8]| StateDict::from_bytes(bytes);
    let tensor = |fields: &str| file(&format!(r#"{{"x":{{{fields}}}}}"#), &[0; 8]);
    let what = "safetensors data";
    refused! {
        of(&[]) => what, "truncated", "0 bytes";
        of(&[1, 2, 3]) => what, "truncated", "3 bytes";
        of(&[255; 8]) => what, "truncated", "18446744073709551615 bytes";
        of(&[255; 100]) => what, "truncated", "of which there are 92";
        of(&file("[]", b"")) => what, "`{`";
        of(&file("{", b"")) => what, "malformed";
        of(&file("{}", b"x")) => what, "not fully covered";
        of(&tensor(r#""dtype":"F32","shape":[3],"data_offsets":[0,8]"#)) => what, "shape";
        of(&tensor(r#""dtype":"F32","shape":[2],"data_offsets":[8,0]"#)) => what, "`x`";
        of(&tensor(r#""dtype":"F32","shape":[4],"data_offsets":[0,16]"#)) => what, "`x` ends at byte 16 of 8";
        of(&tensor(r#""dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]"#)) => what, "overflow";
        of(&tensor(r#""dtype":"U64","shape":[1],"data_offsets":[0,8]"#)) => what, "`x`", "U64", "F16, BF16";
        of(&tensor(r#""dtype":"C64","shape":[1],"data_offsets":[0,8]"#)) => what, "`x`", "C64";
    }
}

#[test]
fn files_that_are_not_there_or_of_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("missing/run.safetensors");
    let path = folder.path().join("file");
    fs::write(&path, "no checkpoint").unwrap();
    let (here, there) = (path.to_str().unwrap(), nowhere.to_str().unwrap());
    refused! {
        StateDict::load(&nowhere) => there;
        StateDict::load(&path) => here, "truncated";
        StateDict::new().save(&nowhere) => there;
        StateDict::new().save(folder.path()) => folder.path().to_str().unwrap();
        StateDict::new().save("") => "", "name of a file";
        TrainingCheckpoint::<f32>::load(&nowhere) => there;
        TrainingCheckpoint::<f32>::load(&path) => here, "truncated";
        run().save(&nowhere) => there;
    }
    // The model of a run is not the run, nor is an f64 run one of f32.
    run().model.save(&path).unwrap();
    let mut velocity = run();
    let v = Tensor::from([0.0, 0.0]);
    velocity.optimizer.tensors.insert("bias.v".into(), v);
    let bytes = velocity.to_bytes().unwrap();
    refused! {
        TrainingCheckpoint::<f32>::load(&path) => here, "no training checkpoint", "wengert.training";
        TrainingCheckpoint::<f32>::from_bytes(&[0; 9]) => "safetensors data", "`{`";
        TrainingCheckpoint::<f64>::from_bytes(&bytes) => "training checkpoint", "`optimizer.bias.v` is f32, the run is f64";
    }
}

#[test]
fn runs_that_do_not_fit() {
    let mut model = linear();
    let mut sgd = Sgd::<f32>::new(0.1).unwrap();
    let mut adam = Adam::<f32>::new(0.1).unwrap();
    let mut wide: Linear = Linear::builder(4, 2).build(&mut Generator::new(0)).unwrap();
    let mut schedule = StepLr::new(1, 0.5).unwrap();
    let mut noted = run();
    let note = ("wengert.training".into(), "mine".into());
    noted.model.metadata.extend([note]);
    refused! {
        run().restore(&mut wide, &mut sgd, None) => "load_state_dict", "`weight` is [2, 3] where the model has [2, 4]";
        run().restore(&mut model, &mut adam, None) => "adam", "`sgd`";
        run().restore(&mut model, &mut sgd, Some(&mut schedule)) => "restore", "no schedule was saved";
        run().progress.generator("rng") => "progress", "no generator `rng`";
        noted.to_bytes() => "training checkpoint", "`wengert.training`";
    }
}
