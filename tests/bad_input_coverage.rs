//! That no function is forgotten: every public function that can refuse
//! something is called by the tests of bad input, and every operation by the
//! property tests. The list is read from the sources, so a new function without
//! such a test fails here.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The directory of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The Rust files of a directory and all below it.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}

/// The names and signatures of the public functions below a directory. (Those
/// whose names a macro makes up are not found.)
fn public_functions(dir: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in sources(&root().join(dir)) {
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let mut rest = text;
        while let Some(at) = rest.find("pub fn ") {
            let from_line = rest[..at].rfind('\n').map_or(0, |newline| newline + 1);
            let is_comment = rest[from_line..at].trim_start().starts_with("//");
            rest = &rest[at + "pub fn ".len()..];
            let end = rest.find('{').unwrap_or(rest.len());
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if !is_comment && !name.is_empty() {
                found.push((name, rest[..end].to_owned()));
            }
        }
    }
    assert!(found.len() > 10, "no functions found in {dir}");
    found
}

/// What calls there are in the test files of these names.
fn calls(tests: &[&str]) -> String {
    let read = |name: &&str| fs::read_to_string(root().join("tests").join(name)).unwrap();
    tests.iter().map(read).collect()
}

fn is_called(name: &str, calls: &str) -> bool {
    let by = |before: char| {
        [format!("{before}{name}("), format!("{before}{name}::<")]
            .iter()
            .any(|call| calls.contains(call))
    };
    ['.', ':', ' ', '(', '|', '\n'].into_iter().any(by)
}

#[test]
fn every_function_that_can_refuse_is_made_to() {
    let mut forgotten = BTreeSet::new();
    for (dir, tests) in [
        (
            "crates/tensor/src",
            &[
                "bad_input_tensor.rs",
                "bad_input_operations.rs",
                "bad_input_conv.rs",
                "bad_input_activation.rs",
                "bad_input_spatial.rs",
                "bad_input_loss.rs",
            ][..],
        ),
        (
            "crates/autograd/src",
            &[
                "bad_input_autograd.rs",
                "bad_input_conv.rs",
                "bad_input_activation.rs",
                "bad_input_spatial.rs",
                "bad_input_loss.rs",
            ],
        ),
        (
            "crates/nn/src",
            &[
                "bad_input_nn.rs",
                "bad_input_optim.rs",
                "bad_input_activation.rs",
                "bad_input_checkpoints.rs",
            ],
        ),
        ("crates/data/src", &["bad_input_data.rs"]),
    ] {
        let calls = calls(tests);
        for (name, signature) in public_functions(dir) {
            let can_refuse = signature
                .rsplit_once("->")
                .is_some_and(|(_, answer)| answer.contains("Result<"));
            if can_refuse && !is_called(&name, &calls) {
                forgotten.insert(format!("{name} of {dir}"));
            }
        }
    }
    // It cannot fail in a way that a test could bring about.
    forgotten.remove("digits of crates/data/src");
    // The formatter's errors are not the library's.
    forgotten.remove("write_tree of crates/nn/src");
    assert!(
        forgotten.is_empty(),
        "no test of bad input calls {forgotten:#?}"
    );
}

#[test]
fn random_arguments_are_thrown_at_every_operation() {
    let mut forgotten = BTreeSet::new();
    for (dir, tests) in [
        (
            "crates/tensor/src/ops",
            &[
                "properties_tensor.rs",
                "properties_conv.rs",
                "properties_norm.rs",
                "properties_spatial.rs",
                "properties_loss.rs",
            ][..],
        ),
        (
            "crates/autograd/src/ops",
            &[
                "properties_var.rs",
                "properties_conv.rs",
                "properties_spatial.rs",
            ],
        ),
    ] {
        let calls = calls(tests);
        for (name, _) in public_functions(dir) {
            if !is_called(&name, &calls) {
                forgotten.insert(format!("{name} of {dir}"));
            }
        }
    }
    assert!(
        forgotten.is_empty(),
        "no property test calls {forgotten:#?}"
    );
}
