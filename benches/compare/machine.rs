//! What the figures were measured on.

use std::fs;
use std::thread;

use serde::Serialize;
use wengert::InstructionSet;

/// A description for the head of the table and for the file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    /// The instruction set that wengert's kernels use.
    pub(crate) instructions: String,
    /// Processes that were running or waiting to when the benchmark started.
    pub(crate) load: Option<f64>,
    /// PyTorch's version, if there is one.
    pub(crate) torch: Option<String>,
}

impl Machine {
    pub(crate) fn look(torch: Option<String>) -> Self {
        let load = fs::read_to_string("/proc/loadavg").ok();
        Self {
            processor: processor().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: thread::available_parallelism().map_or(1, usize::from),
            instructions: InstructionSet::best().to_string(),
            load: load.and_then(|text| text.split(' ').next()?.parse().ok()),
            torch,
        }
    }
}

/// The processor's name, where the system tells.
fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let field = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = field("model name")?;
    Some(match (field("cpu family"), field("model\t")) {
        (Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => name,
    })
}
