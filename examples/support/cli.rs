//! The options that every example takes, and its progress bars.
//!
//! Results go to standard output, bars and durations to standard error: what
//! an example prints to standard output depends on its options alone, and can
//! be compared between runs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use wengert::random::Generator;

use crate::Result;

/// The options that every example takes; flatten them into its own.
///
/// ```
/// use clap::Parser;
/// use wengert_examples::cli::Common;
///
/// #[derive(Parser)]
/// struct Options {
///     #[command(flatten)]
///     common: Common,
/// }
///
/// let options = Options::parse_from(["edge_kernel", "--seed", "7", "--quick"]);
/// assert_eq!(options.common.seed, 7);
/// assert!(options.common.quick);
/// ```
#[derive(clap::Args, Clone, Debug)]
pub struct Common {
    /// Seed of everything drawn at random: same seed, same output
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub seed: u64,

    /// Do only a small part of the work, to see that it runs
    #[arg(long)]
    pub quick: bool,

    /// Where to put pictures; made if missing [default: target/examples-out/EXAMPLE]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl Common {
    /// The generator of the seed that was asked for.
    #[must_use]
    pub fn generator(&self) -> Generator {
        Generator::new(self.seed)
    }

    /// The directory for pictures, which exists when this returns.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn out_dir(&self, example: &str) -> Result<PathBuf> {
        let dir = self
            .out
            .clone()
            .unwrap_or_else(|| Path::new("target/examples-out").join(example));
        fs::create_dir_all(&dir)
            .with_context(|| format!("cannot make the directory {}", dir.display()))?;
        Ok(dir)
    }
}

const BAR: &str = "{prefix} {bar:32.cyan/dim} {pos:>5}/{len} {elapsed:>4} {msg}";

/// A bar on standard error, unseen if that is not a terminal. Its message, set
/// as the work goes on, stands at its right.
#[must_use]
pub fn progress(name: impl Into<String>, steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template(BAR)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─");
    ProgressBar::new(steps as u64)
        .with_style(style)
        .with_prefix(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        common: Common,
    }

    #[test]
    fn pictures_go_where_they_are_told_to() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("a/b");
        let options = Options::parse_from(["x", "--out", out.to_str().unwrap()]);
        assert_eq!(options.common.out_dir("x").unwrap(), out);
        assert!(out.is_dir());
        assert_eq!(options.common.seed, 0);

        fs::write(root.path().join("file"), "").unwrap();
        let blocked = Common {
            out: Some(root.path().join("file/c")),
            ..options.common
        };
        let error = blocked.out_dir("x").unwrap_err();
        assert!(error.to_string().contains("file/c"), "{error}");
    }

    #[test]
    fn the_template_of_the_bar_is_valid() {
        let bar = progress("epoch 1", 3);
        bar.inc(1);
        assert_eq!((bar.prefix().as_str(), bar.position()), ("epoch 1", 1));
        assert!(ProgressStyle::with_template(BAR).is_ok());
    }
}
