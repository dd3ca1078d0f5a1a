//! The table for people and the file for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use wengert_benches::Unit;

use crate::machine::Machine;
use crate::results::{Measure, OURS, Results, Row};
use crate::targets::{self, Target, Verdict};

/// The sections of the table: a title, the first part of its cases' names, and
/// what their work is counted in.
const SECTIONS: [(&str, &str, &str); 7] = [
    ("W0: steps that are all overhead", "W0", "ns/op"),
    ("W1: LeNet, a training step", "W1", ""),
    ("W2: a small VGG, a training step", "W2", ""),
    ("W3: single convolutions", "W3", "GFLOP/s"),
    ("W4: pools", "W4", "GB/s"),
    ("W5: a process as a whole", "W5", ""),
    ("Limits of the machine", "limit", "GFLOP/s, GB/s"),
];

/// The whole report in Markdown.
pub(crate) fn markdown(results: &Results, machine: &Machine, rounds: usize) -> String {
    let mut text = format!(
        "{} cores of {}, {}, {}; {rounds} round(s); load at the start {}\n",
        machine.cores,
        machine.processor,
        machine.instructions,
        machine
            .torch
            .as_ref()
            .map_or("no PyTorch".to_owned(), |version| format!(
                "PyTorch {version}"
            )),
        machine
            .load
            .map_or("unknown".to_owned(), |load| load.to_string()),
    );
    for (title, family, unit) in SECTIONS {
        let rows = in_order(results, family);
        if !rows.is_empty() {
            section(&mut text, results, title, unit, &rows);
        }
    }
    let judged: Vec<(Target, f64, Verdict)> = results
        .rows
        .iter()
        .flat_map(|row| judged(results, row))
        .collect();
    let bounds = judged.iter().filter(|(target, ..)| target.bound.is_some());
    let kept = bounds.clone().filter(|(.., v)| *v != Verdict::Missed);
    let aims = judged.iter().filter(|(target, ..)| target.aim.is_some());
    let reached = aims.clone().filter(|(.., v)| *v == Verdict::Aim);
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        text,
        "\nBounds kept: {} of {}. Aims reached: {} of {}.",
        kept.count(),
        bounds.count(),
        reached.count(),
        aims.count()
    );
    text
}

/// The rows of a family, the threads of a case together. The copies that pools
/// are held against are in the pools' rows.
fn in_order<'r>(results: &'r Results, family: &str) -> Vec<&'r Row> {
    let of_family = |row: &&Row| {
        row.case.split('/').next() == Some(family) && !row.case.starts_with("limit/copy/W4")
    };
    let mut rows: Vec<&Row> = Vec::new();
    for row in results.rows.iter().filter(of_family) {
        let after = rows.iter().rposition(|other| other.case == row.case);
        rows.insert(after.map_or(rows.len(), |index| index + 1), row);
    }
    rows
}

/// The columns of a table; those without any entry are left out. The one
/// without a name is called after the unit of work.
const COLUMNS: [&str; 12] = [
    "case",
    "threads",
    "wengert",
    "least–most",
    "",
    "share",
    "eager",
    "best PyTorch",
    "× eager",
    "× best",
    "× 1 thread",
    "targets",
];

/// One table.
fn section(text: &mut String, results: &Results, title: &str, unit: &str, rows: &[&Row]) {
    let rows: Vec<_> = rows.iter().map(|row| cells(results, row, unit)).collect();
    let kept: Vec<usize> = (0..COLUMNS.len())
        .filter(|&column| rows.iter().any(|row| !row[column].is_empty()))
        .collect();
    let line = |cells: &[String]| {
        let cells: Vec<&str> = kept.iter().map(|&column| cells[column].as_str()).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let head = COLUMNS.map(|name| if name.is_empty() { unit } else { name }.to_owned());
    let rule = COLUMNS.map(|name| match name {
        "case" | "targets" => "---".to_owned(),
        _ => "--:".to_owned(),
    });
    let _ = write!(text, "\n### {title}\n\n{}{}", line(&head), line(&rule));
    for row in &rows {
        text.push_str(&line(row));
    }
}

/// A row of a table.
fn cells(results: &Results, row: &Row, unit: &str) -> [String; COLUMNS.len()] {
    let measure = |measure| results.measure(row, measure);
    let times = |m| cell(measure(m), |x| format!("{x:.2}"));
    let share = match row.case.split('/').next() {
        Some("W3") => measure(Measure::Ceiling),
        _ => measure(Measure::Copy),
    };
    let quantity = |x| quantity(x, row.unit);
    [
        row.case.clone(),
        row.threads.to_string(),
        cell(row.ours(), quantity),
        cell(row.spread_of(OURS), |(least, most)| {
            format!("{}–{}", quantity(least), quantity(most))
        }),
        cell(row.ours().filter(|_| row.work > 0.0), |ns| match unit {
            "ns/op" => format!("{:.0}", ns / row.work),
            _ => format!("{:.1}", row.work / ns),
        }),
        cell(share, |x| format!("{:.0} %", 100.0 * x)),
        cell(row.median_of("eager"), quantity),
        cell(row.best(|_| true), |(variant, x)| {
            format!("{} ({variant})", quantity(x))
        }),
        times(Measure::TimesEager),
        times(Measure::TimesBest),
        if row.case.starts_with("limit") {
            String::new()
        } else {
            times(Measure::Scaling)
        },
        verdicts(results, row),
    ]
}

fn cell<T>(value: Option<T>, format: impl Fn(T) -> String) -> String {
    value.map_or_else(String::new, format)
}

/// A row's targets in words.
fn verdicts(results: &Results, row: &Row) -> String {
    let words: Vec<String> = judged(results, row)
        .map(|(target, value, verdict)| {
            let show = |x: f64| match target.measure {
                Measure::Value => quantity(x, row.unit),
                Measure::Ceiling | Measure::Copy => format!("{:.0} %", 100.0 * x),
                Measure::PerOp => format!("{x:.0} ns/op"),
                _ => format!("{x:.2}"),
            };
            let sign = if target.at_most { '≤' } else { '≥' };
            let bound = target.bound.map(|x| format!("{sign} {}", show(x)));
            let aim = target.aim.map(|x| format!("aim {sign} {}", show(x)));
            let bounds: Vec<String> = bound.into_iter().chain(aim).collect();
            let bound = bounds.join(", ");
            format!(
                "{verdict}: {} {} ({bound})",
                name(target.measure),
                show(value)
            )
        })
        .collect();
    words.join("; ")
}

/// What a measure is called in the table and in the file.
fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::Value => "value",
        Measure::TimesBest => "× best",
        Measure::TimesEager => "× eager",
        Measure::TimesChannelsLast => "× NHWC",
        Measure::TimesNchw => "× NCHW",
        Measure::Ceiling => "of ceiling",
        Measure::Copy => "of copy",
        Measure::Scaling => "× 1 thread",
        Measure::PerOp => "per op",
        Measure::Denormal => "× usual",
    }
}

/// The targets of a row that were measured.
fn judged<'r>(
    results: &'r Results,
    row: &'r Row,
) -> impl Iterator<Item = (Target, f64, Verdict)> + 'r {
    targets::of(&row.case, row.threads)
        .into_iter()
        .filter_map(|target| {
            let value = results.measure(row, target.measure)?;
            Some((target, value, target.verdict(value)))
        })
}

/// A number with its unit, in three or four digits.
fn quantity(x: f64, unit: Unit) -> String {
    match unit {
        Unit::Ns if x < 1e3 => format!("{x:.0} ns"),
        Unit::Ns if x < 1e6 => format!("{} µs", digits(x / 1e3)),
        Unit::Ns if x < 1e9 => format!("{} ms", digits(x / 1e6)),
        Unit::Ns => format!("{} s", digits(x / 1e9)),
        Unit::Kib => format!("{} MiB", digits(x / 1024.0)),
        Unit::Growth => format!("{x:.0} B/step"),
        Unit::Count => format!("{x:.0}"),
    }
}

fn digits(x: f64) -> String {
    let places = match x.abs() {
        x if x < 10.0 => 2,
        x if x < 100.0 => 1,
        _ => 0,
    };
    format!("{x:.places$}")
}

/// Everything: each row with all samples, its measures, its targets.
pub(crate) fn json(results: &Results, machine: &Machine, rounds: usize) -> Value {
    let rows: Vec<Value> = results
        .rows
        .iter()
        .map(|row| {
            let samples: Map<String, Value> = row
                .samples
                .iter()
                .map(|(variant, samples)| (variant.clone(), json!(samples)))
                .collect();
            let targets: Vec<Value> = judged(results, row)
                .map(|(target, value, verdict)| {
                    json!({
                        "measure": name(target.measure),
                        "value": value,
                        "bound": target.bound,
                        "aim": target.aim,
                        "at_most": target.at_most,
                        "met": verdict != Verdict::Missed,
                    })
                })
                .collect();
            json!({
                "case": row.case,
                "threads": row.threads,
                "unit": row.unit,
                "work": row.work,
                "median": row.ours(),
                "best": row.best(|_| true).map(|(variant, x)| json!({ "variant": variant, "median": x })),
                "samples": samples,
                "targets": targets,
            })
        })
        .collect();
    json!({ "machine": machine, "rounds": rounds, "rows": rows })
}
