//! How long one run of a case takes.
//!
//! A case is run until it is warm (pages touched, buffers in their pools,
//! threads awake), then over and over until a time budget is spent, and the
//! median of its runs is reported: a page fault or an interrupt that hits one
//! run does not move it. Runs shorter than what a clock can tell are timed
//! several at once. `torch_side.py` does the same, in the same numbers.

use std::time::{Duration, Instant};

/// The fewest runs that a median is taken of.
const FEWEST: usize = 3;
/// Below this a run is repeated between two looks at the clock.
const SHORTEST: f64 = 20_000.0;

/// How long to measure a case.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// When to stop.
    pub time: Duration,
    /// After how many runs to stop, should that be sooner.
    pub runs: usize,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Nanoseconds of one run: the median.
    pub ns: f64,
    /// How many times the clock was looked at.
    pub runs: usize,
}

impl Budget {
    /// One run and no warming up: enough to see that a case works.
    pub const ONCE: Self = Self {
        time: Duration::ZERO,
        runs: 1,
    };

    /// The median of the durations of `run`.
    ///
    /// # Errors
    /// Those of `run`.
    pub fn median<E>(&self, mut run: impl FnMut() -> Result<(), E>) -> Result<Timing, E> {
        let repeats = if self.runs > 1 {
            let shortest = self.warm_up(&mut run)?;
            (SHORTEST / shortest).ceil().max(1.0) as usize
        } else {
            1
        };
        let mut samples = Vec::with_capacity(self.runs);
        let start = Instant::now();
        while samples.len() < self.runs.min(FEWEST)
            || (samples.len() < self.runs && start.elapsed() < self.time)
        {
            let begin = Instant::now();
            for _ in 0..repeats {
                run()?;
            }
            samples.push(begin.elapsed().as_nanos() as f64 / repeats as f64);
        }
        Ok(Timing {
            ns: median(&mut samples),
            runs: samples.len(),
        })
    }

    /// Runs at least twice, and for a fifth of the budget. Returns the
    /// nanoseconds of the shortest run.
    fn warm_up<E>(&self, run: &mut impl FnMut() -> Result<(), E>) -> Result<f64, E> {
        let mut shortest = f64::INFINITY;
        let mut runs = 0;
        let start = Instant::now();
        while runs < 2 || start.elapsed() < self.time / 5 {
            let begin = Instant::now();
            run()?;
            shortest = shortest.min(begin.elapsed().as_nanos() as f64);
            runs += 1;
        }
        Ok(shortest.max(1.0))
    }
}

/// The median; of an even number of samples the mean of the middle two. NaN if
/// there are none.
pub fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    let n = samples.len();
    match (samples.get(n / 2), samples.get((n.max(1) - 1) / 2)) {
        (Some(upper), Some(lower)) => 0.5 * (lower + upper),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 9.0]), 3.0);
        assert!(median(&mut []).is_nan());
    }

    #[test]
    fn a_budget_bounds_the_runs() {
        let mut runs = 0;
        let mut count = || {
            runs += 1;
            Ok::<_, ()>(())
        };
        assert_eq!(Budget::ONCE.median(&mut count).unwrap().runs, 1);
        let spent = Budget {
            time: Duration::ZERO,
            runs: 200,
        };
        assert_eq!(spent.median(&mut count).unwrap().runs, FEWEST);
        assert!(runs > FEWEST);
        assert_eq!(spent.median(|| Err("broken")), Err("broken"));
    }
}
