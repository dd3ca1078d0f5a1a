//! Shared by the tests.

mod book;
pub mod draw;
pub mod expected;
pub mod nets;
#[path = "../reference/mod.rs"]
pub mod reference;

use wengert::Result;

/// What is wrong with the answer to a call that should have been refused:
/// nothing if it is an error whose message opens with the operation's name and
/// contains all that it should say.
pub fn complaint<T>(call: &str, answer: Result<T>, op: &str, says: &[&str]) -> Option<String> {
    let call = call.split_whitespace().collect::<Vec<_>>().join(" ");
    let Err(error) = answer else {
        return Some(format!("{call}: accepted"));
    };
    let message = error.to_string();
    if !message.starts_with(&format!("{op}: ")) {
        return Some(format!("{call}: should open with `{op}: `: {message}"));
    }
    let missing: Vec<_> = says
        .iter()
        .filter(|part| !message.contains(*part))
        .collect();
    if !missing.is_empty() {
        return Some(format!("{call}: should say {missing:?}: {message}"));
    }
    None
}

/// Calls that must be refused, one a line: the call, the operation that its
/// error names, and what else the message must say.
///
/// ```
/// use wengert::Tensor;
/// use wengert_tests::refused;
///
/// let x = Tensor::from([1.0, 2.0]);
/// refused! {
///     x.sum_axes(1, false) => "sum", "axis 1", "1 axis";
/// }
/// ```
#[macro_export]
macro_rules! refused {
    ($($call:expr => $op:expr $(, $says:expr)*;)+) => {{
        let complaints: Vec<String> = [
            $($crate::complaint(stringify!($call), $call, $op, &[$(AsRef::<str>::as_ref(&$says)),*])),+
        ]
        .into_iter()
        .flatten()
        .collect();
        assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    }};
}
