//! Our side of the paired benchmark.
//!
//! ```text
//! wengert-workloads --threads 1 --only W3/L7         one layer, for people
//! wengert-workloads --threads 2 --json               everything, for wengert-compare
//! wengert-workloads --footprint W1-b64               memory or first step, one to a process
//! ```
//!
//! Everything goes through the facade, as a user's program would. The families
//! of workloads have a file each; what a case is and does is in `case`.

mod case;
mod edge;
mod footprint;
mod layers;
mod limits;
mod pools;
mod training;

use anyhow::{Result, ensure};
use clap::Parser;
use wengert::par;
use wengert_benches::{Budget, Filter, Record, Unit};

use case::{Case, Context};

/// Measure wengert's side of the benchmark
#[derive(Parser)]
struct Options {
    /// Threads to share work among [default: RAYON_NUM_THREADS, or every core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Which cases: parts of their names, such as W3, L7, W3/L7, forward
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<String>,

    /// Print a line of JSON for each case
    #[arg(long)]
    json: bool,

    /// How long to measure each case
    #[arg(long, value_name = "MS", default_value_t = 300)]
    budget_ms: u64,

    /// One image a batch and one run a case: only to see that all of it works
    #[arg(long)]
    smoke: bool,

    /// Print the names of the cases
    #[arg(long)]
    list: bool,

    /// Measure what needs a process of its own, and nothing else
    #[arg(long, value_enum, value_name = "WHAT")]
    footprint: Option<footprint::Footprint>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(what) = options.footprint {
        if let Some(record) = footprint::measure(what)? {
            println!("{}", serde_json::to_string(&record)?);
        }
        return Ok(());
    }
    // A whole training loop inside the pool, as a user who wants speed has it.
    let threads = options.threads.unwrap_or_else(par::threads);
    par::with_threads(threads, || run(&options, threads))?
}

/// Measures the cases that are wanted, and prints each when it is done.
fn run(options: &Options, threads: usize) -> Result<()> {
    let context = Context {
        threads,
        smoke: options.smoke,
        budget: if options.smoke {
            Budget::ONCE
        } else {
            Budget {
                time: std::time::Duration::from_millis(options.budget_ms),
                runs: 200,
            }
        },
    };
    let cases = wanted(&context, &Filter::new(&options.only))?;
    ensure!(
        !cases.is_empty(),
        "no case is called {}",
        options.only.join(" or ")
    );
    let mut ceiling = None;
    for Case {
        name,
        work,
        unit,
        measure,
    } in cases
    {
        if options.list {
            println!("{name}");
            continue;
        }
        let timing = measure(&context)?;
        if name == limits::FMA {
            ceiling = Some(work / timing.ns);
        }
        let record = Record {
            case: name,
            variant: "wengert".to_owned(),
            value: timing.ns,
            unit,
            work,
            runs: timing.runs,
        };
        if options.json {
            println!("{}", serde_json::to_string(&record)?);
        } else {
            println!("{}", line(&record, ceiling));
        }
    }
    Ok(())
}

/// The cases that the filter lets through, and with layers the ceiling that
/// they are held against.
fn wanted(context: &Context, filter: &Filter) -> Result<Vec<Case>> {
    let mut cases = limits::cases(context);
    cases.extend(edge::cases()?);
    cases.extend(training::cases(context));
    cases.extend(layers::cases(context));
    cases.extend(pools::cases(context)?);
    let layers = cases
        .iter()
        .any(|case| case.name.starts_with("W3/") && filter.wants(&case.name));
    cases.retain(|case| filter.wants(&case.name) || (layers && case.name == limits::FMA));
    Ok(cases)
}

/// A result for people.
fn line(record: &Record, ceiling: Option<f64>) -> String {
    let Record {
        case, value, work, ..
    } = record;
    let rate = work / value;
    match record.unit {
        Unit::Ns if *work == 0.0 => format!("{case:45} {:12.3} µs", value / 1e3),
        Unit::Ns if case.starts_with("W0") => {
            format!("{case:45} {:12.3} µs {:9.1} ns/op", value / 1e3, 1.0 / rate)
        }
        Unit::Ns => {
            let unit = if case.starts_with("W3") || case == limits::FMA {
                "GFLOP/s"
            } else {
                "GB/s"
            };
            let share = ceiling
                .filter(|_| case.starts_with("W3"))
                .map_or_else(String::new, |c| format!(" {:4.0} %", 100.0 * rate / c));
            format!("{case:45} {:12.3} µs {rate:9.1} {unit}{share}", value / 1e3)
        }
        unit => format!("{case:45} {value:12.3} {unit:?}"),
    }
}
