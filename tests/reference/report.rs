//! Verdicts, their count, and the table.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    Passed,
    /// Otherwise, and how.
    Failed(String),
    /// No public call can express it, and why.
    Unsupported(String),
}

/// Passed, failed and skipped cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// As expected.
    pub passed: usize,
    /// Otherwise.
    pub failed: usize,
    /// Not expressible.
    pub skipped: usize,
}

/// The tally of each source and operation.
#[derive(Clone, Debug, Default)]
pub struct Report {
    rows: BTreeMap<(String, String), Tally>,
}

impl Report {
    /// Counts one verdict.
    pub fn count(&mut self, source: &str, op: &str, verdict: &Verdict) {
        let row = self.rows.entry((source.to_owned(), op.to_owned()));
        let tally = row.or_default();
        match verdict {
            Verdict::Passed => tally.passed += 1,
            Verdict::Failed(_) => tally.failed += 1,
            Verdict::Unsupported(_) => tally.skipped += 1,
        }
    }

    /// The tally of everything.
    #[must_use]
    pub fn total(&self) -> Tally {
        let add = |a: Tally, b: &Tally| Tally {
            passed: a.passed + b.passed,
            failed: a.failed + b.failed,
            skipped: a.skipped + b.skipped,
        };
        self.rows.values().fold(Tally::default(), add)
    }

    /// The table, a line for each source and operation.
    #[must_use]
    pub fn table(&self) -> String {
        let widest = |column: fn(&(String, String)) -> &String, title: &str| {
            let names = self.rows.keys().map(|key| column(key).chars().count());
            names.max().unwrap_or(0).max(title.len())
        };
        let (a, b) = (widest(|key| &key.0, "source"), widest(|key| &key.1, "op"));
        let mut table = format!(
            "{:a$}  {:b$}  {:>6}  {:>6}  {:>7}\n",
            "source", "op", "passed", "failed", "skipped"
        );
        for ((source, op), tally) in &self.rows {
            let Tally {
                passed,
                failed,
                skipped,
            } = tally;
            table += &format!("{source:a$}  {op:b$}  {passed:>6}  {failed:>6}  {skipped:>7}\n");
        }
        table
    }
}

impl fmt::Display for Tally {
    /// The closing line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

thread_local! {
    /// Where the panic that is being caught on this thread happened.
    static CAUGHT: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

/// What `f` returns, or the message and place of its panic, which is not
/// printed.
///
/// # Errors
/// The panic.
pub fn catch_panic<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let ours = CAUGHT.with_borrow_mut(|caught| {
                let ours = caught.is_some();
                if ours {
                    *caught = Some(info.location().map(ToString::to_string));
                }
                ours
            });
            if !ours {
                before(info);
            }
        }));
    });
    CAUGHT.set(Some(None));
    let result = catch_unwind(AssertUnwindSafe(f));
    let place = CAUGHT.take().flatten();
    result.map_err(|payload| {
        let message = match payload.downcast_ref::<&str>() {
            Some(text) => (*text).to_owned(),
            None => payload
                .downcast::<String>()
                .map_or_else(|_| "no message".into(), |text| *text),
        };
        match place {
            Some(place) => format!("{message} ({place})"),
            None => message,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_caught_and_named() {
        let caught = catch_panic(|| panic!("no {}", "way")).unwrap_err();
        assert!(caught.starts_with("no way ("), "{caught}");
        assert!(caught.contains("report.rs"), "{caught}");
        assert_eq!(catch_panic(|| 3), Ok(3));
    }

    #[test]
    fn the_closing_line_adds_up() {
        let mut report = Report::default();
        report.count("a", "add", &Verdict::Passed);
        report.count("a", "mul", &Verdict::Failed("no".into()));
        report.count("b", "add", &Verdict::Passed);
        report.count("b", "add", &Verdict::Unsupported("no".into()));
        assert_eq!(report.total().to_string(), "2 passed, 1 failed, 1 skipped");
        assert_eq!(report.table().lines().count(), 4);
    }
}
