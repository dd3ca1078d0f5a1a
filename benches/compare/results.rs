//! The samples of all rounds, and what can be read off them.
//!
//! A row is a case at a number of threads, with the samples of every variant,
//! one a round. Measures are computed from medians over the rounds; a measure
//! that a case does not have (or that needs PyTorch, where there is none) is
//! `None`.

use wengert_benches::{Record, Unit, median};

/// The name of our side among the variants.
pub(crate) const OURS: &str = "wengert";

#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) rows: Vec<Row>,
}

/// A case at a number of threads.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) threads: usize,
    pub(crate) unit: Unit,
    /// What our side says a run does: see [`Record::work`].
    pub(crate) work: f64,
    /// Samples by variant, in the order in which they came.
    pub(crate) samples: Vec<(String, Vec<f64>)>,
}

/// What a target can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// The value itself, in the unit of the row.
    Value,
    /// How many times faster than PyTorch's fastest variant.
    TimesBest,
    /// How many times faster than PyTorch as tutorials use it.
    TimesEager,
    /// How many times faster than PyTorch's fastest in NHWC.
    TimesChannelsLast,
    /// How many times faster than PyTorch's fastest in NCHW.
    TimesNchw,
    /// Share of the multiply-add ceiling.
    Ceiling,
    /// Share of the speed of a copy of as many bytes.
    Copy,
    /// How many times faster than on one thread.
    Scaling,
    /// Nanoseconds for each recorded operation.
    PerOp,
    /// How many times as long as the same case takes on numbers of usual size.
    Denormal,
}

impl Results {
    pub(crate) fn add(&mut self, records: Vec<Record>, threads: usize) {
        for record in records {
            let found = self
                .rows
                .iter()
                .position(|row| row.case == record.case && row.threads == threads);
            let index = found.unwrap_or_else(|| {
                self.rows.push(Row {
                    case: record.case,
                    threads,
                    unit: record.unit,
                    work: record.work,
                    samples: Vec::new(),
                });
                self.rows.len() - 1
            });
            self.rows[index].add(record.variant, record.value);
        }
    }

    pub(crate) fn row(&self, case: &str, threads: usize) -> Option<&Row> {
        self.rows
            .iter()
            .find(|row| row.case == case && row.threads == threads)
    }

    /// A measure of a row.
    pub(crate) fn measure(&self, row: &Row, measure: Measure) -> Option<f64> {
        let ours = row.ours()?;
        let of = |case: &str, threads| self.row(case, threads).and_then(Row::ours);
        match measure {
            Measure::Value => Some(ours),
            Measure::TimesBest => Some(row.best(|_| true)?.1 / ours),
            Measure::TimesEager => Some(row.median_of("eager")? / ours),
            Measure::TimesChannelsLast => {
                Some(row.best(|v| v.starts_with("channels_last"))?.1 / ours)
            }
            Measure::TimesNchw => Some(row.best(|v| v.starts_with("eager"))?.1 / ours),
            Measure::Ceiling => {
                let ceiling = self.row("limit/fma", row.threads)?;
                Some((row.work / ours) / (ceiling.work / ceiling.ours()?))
            }
            Measure::Copy => Some(of(&format!("limit/copy/{}", row.case), row.threads)? / ours),
            Measure::Scaling if row.unit == Unit::Ns && row.threads > 1 => {
                Some(of(&row.case, 1)? / ours)
            }
            Measure::Scaling => None,
            Measure::PerOp => Some(ours / row.work),
            Measure::Denormal => Some(ours / of(row.case.strip_suffix("/denormal")?, row.threads)?),
        }
    }
}

impl Row {
    fn add(&mut self, variant: String, value: f64) {
        match self.samples.iter_mut().find(|(name, _)| *name == variant) {
            Some((_, samples)) => samples.push(value),
            None => self.samples.push((variant, vec![value])),
        }
    }

    /// Our median.
    pub(crate) fn ours(&self) -> Option<f64> {
        self.median_of(OURS)
    }

    /// The median of a variant's rounds.
    pub(crate) fn median_of(&self, variant: &str) -> Option<f64> {
        let samples = self.samples_of(variant)?;
        Some(median(&mut samples.to_vec()))
    }

    /// The least and the most of a variant's rounds, if there were several.
    pub(crate) fn spread_of(&self, variant: &str) -> Option<(f64, f64)> {
        let samples = self
            .samples_of(variant)
            .filter(|samples| samples.len() > 1)?;
        let least = samples.iter().copied().fold(f64::INFINITY, f64::min);
        let most = samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Some((least, most))
    }

    fn samples_of(&self, variant: &str) -> Option<&[f64]> {
        let (_, samples) = self.samples.iter().find(|(name, _)| name == variant)?;
        Some(samples)
    }

    /// The fastest of PyTorch's variants that are asked for, and its median.
    pub(crate) fn best(&self, wanted: impl Fn(&str) -> bool) -> Option<(&str, f64)> {
        let variants = self.samples.iter().map(|(name, _)| name.as_str());
        variants
            .filter(|name| *name != OURS && wanted(name))
            .filter_map(|name| Some((name, self.median_of(name)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rounds of a case whose best PyTorch is neither the first nor eager.
    fn results() -> Results {
        let mut results = Results::default();
        let record = |case: &str, variant: &str, value, work| Record {
            case: case.to_owned(),
            variant: variant.to_owned(),
            value,
            unit: Unit::Ns,
            work,
            runs: 3,
        };
        for value in [2.0, 4.0] {
            results.add(
                vec![
                    record("limit/fma", OURS, value / 3.0, 100.0),
                    record("W3/L1/forward", OURS, value, 150.0),
                    record("W3/L1/forward/denormal", OURS, 2.0 * value, 150.0),
                    record("W3/L1/forward", "eager", 5.0 * value, 0.0),
                    record("W3/L1/forward", "eager+kept", 4.0 * value, 0.0),
                    record("W3/L1/forward", "channels_last", 3.0 * value, 0.0),
                ],
                1,
            );
            results.add(vec![record("W3/L1/forward", OURS, value / 2.0, 0.0)], 2);
        }
        results
    }

    #[test]
    fn measures_are_ratios_of_medians() {
        let results = results();
        let row = results.row("W3/L1/forward", 1).unwrap();
        let measure = |measure| results.measure(row, measure);
        assert_eq!(row.spread_of(OURS), Some((2.0, 4.0)));
        assert_eq!(row.best(|_| true), Some(("channels_last", 9.0)));
        assert_eq!(measure(Measure::Value), Some(3.0));
        assert_eq!(measure(Measure::TimesBest), Some(3.0));
        assert_eq!(measure(Measure::TimesEager), Some(5.0));
        assert_eq!(measure(Measure::TimesNchw), Some(4.0));
        assert_eq!(measure(Measure::Ceiling), Some(0.5));
        assert_eq!(measure(Measure::Copy), None);
        assert_eq!(measure(Measure::Scaling), None);
        let row = results.row("W3/L1/forward", 2).unwrap();
        assert_eq!(results.measure(row, Measure::Scaling), Some(2.0));
        assert_eq!(results.measure(row, Measure::TimesBest), None);
        let row = results.row("W3/L1/forward/denormal", 1).unwrap();
        assert_eq!(results.measure(row, Measure::Denormal), Some(2.0));
    }
}
