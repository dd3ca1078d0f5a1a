//! `cargo run --release -p wengert-tests --bin reference -- DIR`: checks the
//! library against a folder of reference cases. See [`wengert_tests::reference`].

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use wengert_tests::reference::report::Verdict;
use wengert_tests::reference::{Filter, run};

/// Checks the library against a folder of reference cases.
///
/// Prints a line for each case that failed or that the library cannot express,
/// a table, and the totals.
#[derive(Parser)]
struct Arguments {
    /// The folder of cases
    dir: PathBuf,
    /// Only the cases of this source
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only the cases of this operation or module
    #[arg(long, value_name = "NAME")]
    op: Option<String>,
    /// A line for each case that passed, too
    #[arg(long)]
    verbose: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = Filter {
        source: arguments.source,
        op: arguments.op,
    };
    let mut tell = |name: &str, verdict: &Verdict| match verdict {
        Verdict::Passed if arguments.verbose => println!("PASS {name}"),
        Verdict::Passed => {}
        Verdict::Failed(why) => println!("FAIL {name}: {why}"),
        Verdict::Unsupported(why) => println!("UNSUPPORTED {name}: {why}"),
    };
    match run(&arguments.dir, &filter, &mut tell) {
        Ok(report) => {
            println!("\n{}\n{}", report.table(), report.total());
            ExitCode::from(u8::from(report.total().failed > 0))
        }
        Err(error) => {
            eprintln!("{}: {error}", arguments.dir.display());
            ExitCode::from(2)
        }
    }
}
