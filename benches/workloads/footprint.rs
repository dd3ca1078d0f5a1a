//! W5: what a process needs as a whole.
//!
//! Peak memory and the time to the first step are properties of a process, so
//! each has one to itself. The driver says in `WENGERT_BENCH_STARTED` when it
//! started it, in nanoseconds since 1970: the first step is then timed from
//! before there was a process, as a user with a stopwatch would.

use std::env;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use wengert_benches::{Record, Unit};

use crate::training::Training;

/// What to measure.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Footprint {
    /// Peak memory of training W1 with batches of 64
    #[value(name = "W1-b64")]
    W1,
    /// Peak memory of training W2 with batches of 128
    #[value(name = "W2-b128")]
    W2,
    /// From the start of the process to the end of the first step of W1
    #[value(name = "first-step")]
    FirstStep,
}

/// Enough for every buffer that a step needs to have been made.
const STEPS: usize = 10;

/// Nothing, where the system does not tell.
pub(crate) fn measure(what: Footprint) -> Result<Option<Record>> {
    let (case, value, unit, runs) = match what {
        Footprint::W1 => (
            "W5/peak/W1-b64",
            peak(Training::lenet(64)?)?,
            Unit::Kib,
            STEPS,
        ),
        Footprint::W2 => {
            let training = Training::small_vgg(128)?;
            ("W5/peak/W2-b128", peak(training)?, Unit::Kib, STEPS)
        }
        Footprint::FirstStep => {
            Training::lenet(64)?.step(None)?;
            ("W5/first-step", since_start()?, Unit::Ns, 1)
        }
    };
    Ok(value.map(|value| Record {
        case: case.to_owned(),
        variant: "wengert".to_owned(),
        value,
        unit,
        work: 0.0,
        runs,
    }))
}

/// The most memory that the process has had while it trained, in KiB.
fn peak(mut training: Training) -> Result<Option<f64>> {
    for _ in 0..STEPS {
        training.step(None)?;
    }
    Ok(status_kib("VmHWM:"))
}

/// The memory that the process has now, in KiB.
pub(crate) fn resident_kib() -> Option<f64> {
    status_kib("VmRSS:")
}

/// A line of `/proc/self/status`, where there is such a file.
fn status_kib(key: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Nanoseconds since the driver started this process, if it was a driver.
fn since_start() -> Result<Option<f64>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let Ok(started) = env::var("WENGERT_BENCH_STARTED") else {
        return Ok(None);
    };
    let started: u128 = started.parse().context("WENGERT_BENCH_STARTED")?;
    Ok(Some(now.saturating_sub(started) as f64))
}
