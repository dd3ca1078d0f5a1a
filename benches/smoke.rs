//! That the paired benchmark works, without timing anything and without
//! PyTorch: every case runs once on a batch of one.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use wengert_benches::Record;

/// What a program prints, if it succeeds.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn workloads(arguments: &[&str]) -> String {
    output(env!("CARGO_BIN_EXE_wengert-workloads"), arguments)
}

#[test]
fn every_workload_runs() {
    let printed = workloads(&["--smoke", "--json", "--threads", "2"]);
    let records: Vec<Record> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut cases = BTreeSet::new();
    for record in &records {
        let growth = record.case == "W0/growth";
        assert!(growth || record.value > 0.0, "{record:?}");
        assert!(cases.insert(record.case.as_str()), "twice: {record:?}");
    }
    for family in ["W0/step", "W1/b1", "W1/b256", "W2/b128", "limit/fma"] {
        assert!(cases.contains(family), "{family}");
    }
    for layer in 1..=10 {
        for product in ["forward", "input", "weight"] {
            let case = format!("W3/L{layer}/{product}");
            assert!(cases.contains(case.as_str()), "{case}");
        }
    }
    // Each pool has a copy to be held against.
    let pools: Vec<_> = cases.iter().filter(|case| case.starts_with("W4")).collect();
    assert_eq!(pools.len(), 12);
    for pool in pools {
        assert!(
            cases.contains(format!("limit/copy/{pool}").as_str()),
            "{pool}"
        );
    }
    let listed = workloads(&["--list"]);
    assert_eq!(listed.lines().collect::<BTreeSet<_>>(), cases);
}

#[test]
fn a_filter_names_parts_and_brings_the_ceiling() {
    let listed = workloads(&["--list", "--only", "L1"]);
    let cases: Vec<&str> = listed.lines().collect();
    assert_eq!(
        cases,
        ["limit/fma", "W3/L1/forward", "W3/L1/input", "W3/L1/weight"]
    );
}

#[test]
fn the_driver_reports_our_side_alone() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("new/latest.json");
    let path = out.to_str().unwrap();
    let table = output(
        env!("CARGO_BIN_EXE_wengert-compare"),
        &["--smoke", "--alone", "--only", "W0,L3,max2", "--out", path],
    );
    for word in [
        "| W0/step | 1 |",
        "| W3/L3/weight | 2 |",
        "of ceiling",
        "no PyTorch",
    ] {
        assert!(table.contains(word), "no {word} in\n{table}");
    }
    let json: serde_json::Value = serde_json::from_str(&read(&out)).unwrap();
    let rows = json["rows"].as_array().unwrap();
    let is_step = |row: &&serde_json::Value| row["case"] == "W0/step" && row["threads"] == 2;
    let step = rows.iter().find(is_step).unwrap();
    assert_eq!(step["samples"]["wengert"].as_array().unwrap().len(), 1);
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
