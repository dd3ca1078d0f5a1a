//! The driver of the paired benchmark.
//!
//! ```text
//! just bench                        everything: five rounds, 1 and 2 threads, a quarter of an hour
//! just bench --only W1              LeNet alone
//! just bench --only L7 --quick      one layer, one short round: while working on a kernel
//! just bench --build                besides, a clean build of the core and its crates
//! ```
//!
//! A machine's speed drifts, with its temperature and with what its neighbours
//! do. So the two sides do not run one after the other: in each round every
//! process has its turn, and a ratio is one of medians over rounds. A process
//! measures all its cases, for PyTorch takes seconds to start; each case gets
//! `--budget-ms`. On standard output comes a table in Markdown with what was to
//! be reached beside what was; a file of JSON has every sample.

mod clean_build;
mod machine;
mod report;
mod results;
mod sides;
mod targets;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use wengert_benches::Filter;

use machine::Machine;
use results::Results;
use sides::{FOOTPRINTS, Job, Side};

/// Compare wengert with PyTorch, and with what it is to reach
#[derive(Parser)]
struct Options {
    /// Which cases: parts of their names, such as W1, W3, L7, W3/L7, forward
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<String>,

    /// How often each process has its turn
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,

    /// How long a process measures each case
    #[arg(long, value_name = "MS", default_value_t = 50)]
    budget_ms: u64,

    /// Numbers of threads to measure with
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,2")]
    threads: Vec<usize>,

    /// One short round
    #[arg(long)]
    quick: bool,

    /// One image a batch and one run a case: only to see that all of it works
    #[arg(long)]
    smoke: bool,

    /// Our side only
    #[arg(long)]
    alone: bool,

    /// Time a clean build of the core, and count its crates
    #[arg(long)]
    build: bool,

    /// Print the names of the cases
    #[arg(long)]
    list: bool,

    /// Where every sample is written
    #[arg(long, value_name = "FILE", default_value = "target/bench/latest.json")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let mut options = Options::parse();
    if options.list {
        let footprints = FOOTPRINTS.map(|(case, _)| case.to_owned());
        for case in sides::cases()?.into_iter().chain(footprints) {
            println!("{case}");
        }
        return Ok(());
    }
    if options.quick || options.smoke {
        options.rounds = 1;
        options.budget_ms = options.budget_ms.min(30);
    }
    ensure!(options.rounds > 0, "--rounds must be positive");
    ensure!(
        !options.threads.contains(&0),
        "--threads must be positive numbers"
    );
    let torch = if options.alone {
        None
    } else {
        sides::find_torch()
    };
    if torch.is_none() && !options.alone {
        eprintln!(
            "no PyTorch: neither WENGERT_PYTHON nor target/bench-venv has it; our side runs alone"
        );
    }
    let machine = Machine::look(torch.as_ref().map(|torch| torch.version.clone()));
    let sides = Side::all(torch);
    let results = measure(&options, &sides)?;

    print!("{}", report::markdown(&results, &machine, options.rounds));
    if let Some(dir) = options.out.parent() {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    }
    let json = report::json(&results, &machine, options.rounds);
    fs::write(&options.out, serde_json::to_string_pretty(&json)? + "\n")
        .with_context(|| options.out.display().to_string())?;
    eprintln!("every sample: {}", options.out.display());
    Ok(())
}

/// In how many rounds memory and first step are measured.
const FOOTPRINT_ROUNDS: usize = 3;

/// Lets every side have its turn, round by round.
fn measure(options: &Options, sides: &[Side]) -> Result<Results> {
    let filter = Filter::new(&options.only);
    let cases = sides::cases()?;
    let repeated = cases.iter().any(|case| filter.wants(case));
    let footprints: Vec<&str> = FOOTPRINTS
        .into_iter()
        .filter(|(case, _)| filter.wants(case))
        .map(|(_, what)| what)
        .collect();
    ensure!(
        repeated || !footprints.is_empty() || options.build,
        "no case is called {}",
        options.only.join(" or ")
    );

    let mut results = Results::default();
    for round in 1..=options.rounds {
        for &threads in options.threads.iter().filter(|_| repeated) {
            for side in sides {
                eprintln!(
                    "round {round} of {}, {threads} thread(s): {}",
                    options.rounds,
                    side.name()
                );
                let job = Job {
                    only: &options.only,
                    budget_ms: options.budget_ms,
                    smoke: options.smoke,
                };
                results.add(side.run(threads, &job)?, threads);
            }
        }
        // Processes differ little in these, and take long to start.
        if round > FOOTPRINT_ROUNDS {
            continue;
        }
        let threads = options.threads[0];
        for what in &footprints {
            for side in sides.iter().filter(|side| side.is_plain()) {
                eprintln!(
                    "round {round} of {}, {what}: {}",
                    options.rounds,
                    side.name()
                );
                results.add(side.footprint(threads, what)?, threads);
            }
        }
    }
    if options.build {
        eprintln!("a clean build");
        results.add(clean_build::measure()?, options.threads[0]);
    }
    Ok(results)
}
