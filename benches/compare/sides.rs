//! The processes that measure: ours, and PyTorch's in each of its variants.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use wengert_benches::Record;

/// What has a process to itself: its case, and its name there.
pub(crate) const FOOTPRINTS: [(&str, &str); 3] = [
    ("W5/peak/W1-b64", "W1-b64"),
    ("W5/peak/W2-b128", "W2-b128"),
    ("W5/first-step", "first-step"),
];

/// What makes glibc's allocator keep freed memory instead of returning it to
/// the system, only to have the same pages zeroed and faulted in again a moment
/// later. 32 MiB is the highest threshold that it accepts.
const KEPT: [(&str, &str); 4] = [
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
    ("MALLOC_TRIM_THRESHOLD_", "8589934592"),
    ("MALLOC_TOP_PAD_", "67108864"),
    ("OMP_PROC_BIND", "true"),
];

/// A Python with PyTorch.
#[derive(Clone, Debug)]
pub(crate) struct Torch {
    python: PathBuf,
    pub(crate) version: String,
}

/// Whose turn it is.
#[derive(Clone, Debug)]
pub(crate) enum Side {
    Ours,
    Torch {
        torch: Torch,
        layout: &'static str,
        kept: bool,
    },
}

/// What a process is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    pub(crate) only: &'a [String],
    pub(crate) budget_ms: u64,
    pub(crate) smoke: bool,
}

impl Side {
    /// Ours, and PyTorch's four if there is one.
    pub(crate) fn all(torch: Option<Torch>) -> Vec<Self> {
        let mut sides = vec![Self::Ours];
        if let Some(torch) = torch {
            for layout in ["eager", "channels_last"] {
                sides.extend([false, true].map(|kept| Self::Torch {
                    torch: torch.clone(),
                    layout,
                    kept,
                }));
            }
        }
        sides
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Ours => "wengert".to_owned(),
            Self::Torch { layout, kept, .. } => {
                format!("PyTorch, {layout}{}", if *kept { "+kept" } else { "" })
            }
        }
    }

    /// Whether this is what somebody runs who has read a tutorial and no more.
    pub(crate) fn is_plain(&self) -> bool {
        match self {
            Self::Ours => true,
            Self::Torch { layout, kept, .. } => *layout == "eager" && !kept,
        }
    }

    /// Measures the cases that are wanted.
    pub(crate) fn run(&self, threads: usize, job: &Job<'_>) -> Result<Vec<Record>> {
        let mut command = self.command(threads)?;
        command
            .args(["--json", "--threads", &threads.to_string()])
            .args(["--budget-ms", &job.budget_ms.to_string()]);
        if !job.only.is_empty() {
            command.args(["--only", &job.only.join(",")]);
        }
        if job.smoke {
            command.arg("--smoke");
        }
        self.records(command)
    }

    /// Measures what needs a process of its own.
    pub(crate) fn footprint(&self, threads: usize, what: &str) -> Result<Vec<Record>> {
        let mut command = self.command(threads)?;
        if matches!(self, Self::Torch { .. }) {
            command.args(["--threads", &threads.to_string()]);
        }
        command.args(["--footprint", what]);
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        command.env("WENGERT_BENCH_STARTED", now.to_string());
        self.records(command)
    }

    fn command(&self, threads: usize) -> Result<Command> {
        let mut command = match self {
            Self::Ours => Command::new(ours()?),
            Self::Torch {
                torch,
                layout,
                kept,
            } => {
                let mut command = Command::new(&torch.python);
                command
                    .arg(here().join("torch_side.py"))
                    .args(["--layout", layout]);
                if *kept {
                    command.envs(KEPT);
                }
                command
            }
        };
        for variable in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"] {
            command.env(variable, threads.to_string());
        }
        Ok(command)
    }

    /// Runs a process and reads its lines.
    fn records(&self, command: Command) -> Result<Vec<Record>> {
        let mut records = lines(command)
            .with_context(|| self.name())?
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
            .collect::<Result<Vec<Record>>>()?;
        if let Self::Torch { kept: true, .. } = self {
            for record in &mut records {
                record.variant.push_str("+kept");
            }
        }
        Ok(records)
    }
}

/// The names of all cases but those that have a process each.
pub(crate) fn cases() -> Result<Vec<String>> {
    let mut command = Command::new(ours()?);
    command.arg("--list");
    Ok(lines(command)?.lines().map(str::to_owned).collect())
}

/// What `WENGERT_PYTHON` or the environment made by `just bench` can import.
pub(crate) fn find_torch() -> Option<Torch> {
    let venv = || here().join("../target/bench-venv/bin/python");
    let python = env::var_os("WENGERT_PYTHON").map_or_else(venv, PathBuf::from);
    let output = Command::new(&python)
        .args(["-c", "import torch; print(torch.__version__)"])
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(Torch {
        python,
        version: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    })
}

/// What a process prints, if it succeeds.
fn lines(mut command: Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("could not start {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// The folder of the benchmarks.
pub(crate) fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program that measures our side: cargo puts it beside this one.
fn ours() -> Result<PathBuf> {
    let name = format!("wengert-workloads{}", env::consts::EXE_SUFFIX);
    let path = env::current_exe()?.with_file_name(name);
    ensure!(
        path.exists(),
        "{} is not built: cargo build --release -p wengert-benches --bins",
        path.display()
    );
    Ok(path)
}
