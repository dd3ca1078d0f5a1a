//! How long the core takes to build from nothing, and of how many crates.
//!
//! The core is `tensor`, `autograd` and `nn`: what a program needs to train.
//! Sources are taken from cargo's cache; only compiling is timed.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use wengert_benches::{Record, Unit};

use crate::results::OURS;
use crate::sides::here;

/// `nn` stands on the other two.
const CORE: &str = "wengert-nn";

pub(crate) fn measure() -> Result<Vec<Record>> {
    let record = |case: &str, value, unit| Record {
        case: case.to_owned(),
        variant: OURS.to_owned(),
        value,
        unit,
        work: 0.0,
        runs: 1,
    };
    Ok(vec![
        record("W5/build", build()?, Unit::Ns),
        record("W5/crates", crates()? as f64, Unit::Count),
    ])
}

/// Nanoseconds of a release build into an empty folder.
fn build() -> Result<f64> {
    let target = env::temp_dir().join(format!("wengert-clean-build-{}", std::process::id()));
    run(cargo().args(["fetch", "--locked"]))?;
    let start = Instant::now();
    let built = run(cargo()
        .args(["build", "--locked", "--release", "--quiet", "-p", CORE])
        .env("CARGO_TARGET_DIR", &target));
    let ns = start.elapsed().as_nanos() as f64;
    fs::remove_dir_all(&target).ok();
    built.map(|_| ns)
}

/// How many crates are compiled for the core, its own included.
fn crates() -> Result<usize> {
    let tree = run(cargo().args([
        "tree",
        "--locked",
        "-p",
        CORE,
        "-e",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    let crates: BTreeSet<&str> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    Ok(crates.len())
}

fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(here());
    command
}

/// Runs a command and returns what it prints.
fn run(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("could not start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}
