//! What is to be reached: one table, in the order of the workloads.
//!
//! A bound has to be kept; an aim is what would be good to reach beyond.

use std::fmt;

use crate::results::Measure;

/// A bound on a measure, what is aimed at, or both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) measure: Measure,
    /// Whether less is better.
    pub(crate) at_most: bool,
    pub(crate) bound: Option<f64>,
    pub(crate) aim: Option<f64>,
}

/// How a value stands to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The bound is not kept.
    Missed,
    /// There is an aim only, and it is not reached.
    Below,
    /// The bound is kept; the aim, if there is one, is not reached.
    Met,
    /// The aim is reached.
    Aim,
}

const MIB: f64 = 1024.0;
const MS: f64 = 1e6;

/// The targets of a case at a number of threads.
pub(crate) fn of(case: &str, threads: usize) -> Vec<Target> {
    use Measure::{
        Copy, Denormal, PerOp, Scaling, TimesBest, TimesChannelsLast, TimesEager, TimesNchw, Value,
    };
    let parts: Vec<&str> = case.split('/').collect();
    let mut targets = match (parts.as_slice(), threads) {
        (["W0", "step"], _) => vec![at_least(TimesBest, 40.0, 60.0)],
        (["W0", "overhead"], _) => vec![at_most(PerOp, 300.0, None)],
        (["W0", "growth"], _) => vec![at_most(Value, 0.0, None)],
        (["W1", "b1"], 1) => vec![at_least(TimesBest, 6.0, 8.0)],
        (["W1", "b32" | "b64" | "b256"], 1) => vec![at_least(TimesBest, 2.5, 3.5)],
        (["W1", "b64"], 2) => vec![at_least(TimesBest, 2.2, 3.0)],
        (["W2", _], 1 | 2) => vec![
            at_least(TimesBest, 1.1, 1.5),
            at_least(TimesEager, 1.5, None),
        ],
        (["W3", layer, "weight"], _) => {
            let bound = match *layer {
                "L2" | "L3" | "L4" | "L5" | "L6" | "L7" => Some(0.75),
                "L1" | "L10" => Some(0.55),
                _ => None,
            };
            layer_targets(bound)
        }
        (["W3", layer, "forward" | "input"], _) => {
            let bound = match *layer {
                "L3" | "L4" | "L5" => Some(0.85),
                "L2" | "L7" => Some(0.80),
                "L1" | "L6" | "L8" | "L10" => Some(0.70),
                _ => None,
            };
            layer_targets(bound)
        }
        (["W4", pool, ..], _) => {
            let mut targets = vec![at_least(TimesChannelsLast, 1.0, None)];
            if pool.starts_with("max") {
                targets.push(at_least(TimesNchw, 15.0, None));
            }
            targets.push(at_least(Copy, None, 0.7));
            targets
        }
        (["W5", "peak", "W1-b64"], _) => vec![at_most(Value, 20.0 * MIB, 15.0 * MIB)],
        (["W5", "peak", "W2-b128"], _) => vec![at_most(Value, 130.0 * MIB, 120.0 * MIB)],
        (["W5", "first-step"], _) => vec![at_most(Value, 20.0 * MS, 10.0 * MS)],
        (["W5", "build"], _) => vec![at_most(Value, 60_000.0 * MS, None)],
        (["W5", "crates"], _) => vec![at_most(Value, 60.0, 30.0)],
        _ => Vec::new(),
    };
    if let (["W1", "b64" | "b256"] | ["W2", _], 2) = (parts.as_slice(), threads) {
        targets.push(at_least(Scaling, 1.75, 1.9));
    }
    if parts.last() == Some(&"denormal") {
        targets.push(at_most(Denormal, 1.5, None));
    }
    targets
}

/// A share of the ceiling where one is asked for; the aim is to be no slower
/// than PyTorch.
fn layer_targets(share: Option<f64>) -> Vec<Target> {
    share
        .map(|share| at_least(Measure::Ceiling, share, None))
        .into_iter()
        .chain([at_least(Measure::TimesBest, None, 1.0)])
        .collect()
}

fn at_least(
    measure: Measure,
    bound: impl Into<Option<f64>>,
    aim: impl Into<Option<f64>>,
) -> Target {
    Target {
        measure,
        at_most: false,
        bound: bound.into(),
        aim: aim.into(),
    }
}

fn at_most(measure: Measure, bound: f64, aim: impl Into<Option<f64>>) -> Target {
    Target {
        at_most: true,
        ..at_least(measure, bound, aim)
    }
}

impl Target {
    pub(crate) fn verdict(&self, value: f64) -> Verdict {
        let reaches = |limit: f64| {
            if self.at_most {
                value <= limit
            } else {
                value >= limit
            }
        };
        match (self.bound.map(reaches), self.aim.map(reaches)) {
            (Some(false), _) => Verdict::Missed,
            (_, Some(true)) => Verdict::Aim,
            (None, _) => Verdict::Below,
            (Some(true), _) => Verdict::Met,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missed => "**missed**",
            Self::Below => "below aim",
            Self::Met => "met",
            Self::Aim => "aim met",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_tells_bounds_from_aims() {
        let target = of("W1/b32", 1)[0];
        assert_eq!(target.verdict(2.4), Verdict::Missed);
        assert_eq!(target.verdict(2.5), Verdict::Met);
        assert_eq!(target.verdict(3.5), Verdict::Aim);
        let aim = of("W3/L9/weight", 1)[0];
        assert_eq!(aim.verdict(0.9), Verdict::Below);
        assert_eq!(aim.verdict(1.0), Verdict::Aim);
        let target = of("W5/first-step", 1)[0];
        assert_eq!(target.verdict(21e6), Verdict::Missed);
        assert_eq!(target.verdict(9e6), Verdict::Aim);
    }

    #[test]
    fn the_first_layer_is_not_the_tenth() {
        assert_eq!(of("W3/L1/weight", 1)[0].bound, Some(0.55));
        assert_eq!(of("W3/L3/forward", 1)[0].bound, Some(0.85));
        assert_eq!(of("W3/L10/forward", 2)[0].bound, Some(0.70));
        assert_eq!(of("W3/L9/weight", 1).len(), 1);
        assert_eq!(of("W1/b64", 2).len(), 2);
        assert!(of("limit/fma", 1).is_empty());
    }
}
