//! The stratified split: every class in both parts, in proportion.
//!
//! A purely random fifth of a small set can miss half of a class. Here each
//! class is split by itself, and the generator decides only which of its
//! examples go where.

use std::collections::BTreeMap;

use rand::Rng;
use tensor::random::shuffle;
use tensor::{Error, Result};

use crate::Dataset;

impl Dataset {
    /// Training and test set, each class split in proportion.
    ///
    /// The test set has `test_fraction` of the examples, rounded to the nearest
    /// whole number, and of each class its exact share rounded down or up (up
    /// for those that would lose most). Both parts keep the order of the whole.
    ///
    /// # Errors
    /// [`Error::Value`] unless `0 <= test_fraction <= 1`.
    pub fn split_stratified<R: Rng + ?Sized>(
        &self,
        test_fraction: f64,
        rng: &mut R,
    ) -> Result<(Self, Self)> {
        if !(0.0..=1.0).contains(&test_fraction) {
            return Err(Error::value(
                "split_stratified",
                format!("the test fraction must be in 0..=1, got {test_fraction}"),
            ));
        }
        // By class, in order; classes without examples have no part in it.
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, class) in self.class_indices().enumerate() {
            members.entry(class).or_default().push(i);
        }
        let counts: Vec<usize> = members.values().map(Vec::len).collect();
        let shares = apportion(&counts, test_fraction);

        let mut is_test = vec![false; self.len()];
        for (members, share) in members.values_mut().zip(shares) {
            shuffle(members, rng);
            for &i in members.iter().take(share) {
                is_test[i] = true;
            }
        }
        let (test, train): (Vec<_>, Vec<_>) = (0..self.len()).partition(|&i| is_test[i]);
        Ok((self.subset(&train)?, self.subset(&test)?))
    }
}

/// Whole numbers next to `count · fraction` that add up to the rounded total:
/// the method of largest remainders. On equal remainders the first class wins.
fn apportion(counts: &[usize], fraction: f64) -> Vec<usize> {
    let exact: Vec<f64> = counts.iter().map(|&n| n as f64 * fraction).collect();
    let mut shares: Vec<usize> = exact.iter().map(|share| share.floor() as usize).collect();

    let total = (counts.iter().sum::<usize>() as f64 * fraction).round() as usize;
    let missing = total.saturating_sub(shares.iter().sum());
    let mut by_remainder: Vec<usize> = (0..counts.len()).collect();
    by_remainder.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()));
    for &class in by_remainder.iter().take(missing) {
        shares[class] = (shares[class] + 1).min(counts[class]);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::tests::numbered;
    use proptest::prelude::*;
    use tensor::random::Generator;

    #[test]
    fn remainders_go_to_those_who_lose_most() {
        assert_eq!(apportion(&[10, 10, 10], 0.2), [2, 2, 2]);
        // Exact shares 0.5, 1.5, 1.75 of a total of 3.75, so 4.
        assert_eq!(apportion(&[2, 6, 7], 0.25), [1, 1, 2]);
        assert_eq!(apportion(&[0, 3, 1], 1.0), [0, 3, 1]);
        assert_eq!(apportion(&[], 0.5), [0; 0]);
        // 100 · 0.07 is a little more than 7 in binary, 100 · 0.29 a little less than 29.
        assert_eq!(apportion(&[100], 0.07), [7]);
        assert_eq!(apportion(&[100], 0.29), [29]);
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        let dataset = numbered(&[0, 1].repeat(50), 2);
        let split = |seed| {
            dataset
                .split_stratified(0.3, &mut Generator::new(seed))
                .unwrap()
        };
        assert_eq!(split(1), split(1));
        assert_ne!(split(1), split(2));
    }

    #[test]
    fn fractions_out_of_range_are_errors() {
        let dataset = numbered(&[0, 1], 2);
        for fraction in [-0.1, 1.5, f64::NAN, f64::INFINITY] {
            let split = dataset.split_stratified(fraction, &mut Generator::new(0));
            assert!(split.is_err(), "{fraction}");
        }
        let (train, test) = dataset
            .split_stratified(0.0, &mut Generator::new(0))
            .unwrap();
        assert_eq!((train, test.len()), (dataset, 0));
    }

    proptest! {
        #[test]
        fn both_parts_together_are_the_whole(
            labels in prop::collection::vec(0i64..5, 0..60),
            fraction in 0.0..=1.0f64,
            seed: u64,
        ) {
            let whole = numbered(&labels, 5);
            let (train, test) = whole
                .split_stratified(fraction, &mut Generator::new(seed))
                .unwrap();
            prop_assert_eq!(test.len(), (whole.len() as f64 * fraction).round() as usize);

            let first_pixels = |part: &Dataset| -> Vec<f32> {
                part.images().iter().copied().step_by(2).collect()
            };
            let (a, b) = (first_pixels(&train), first_pixels(&test));
            prop_assert!(a.is_sorted() && b.is_sorted());
            let mut all = [a, b].concat();
            all.sort_by(f32::total_cmp);
            prop_assert_eq!(all, first_pixels(&whole));

            let shares = test.class_counts().unwrap();
            for (share, count) in shares.iter().zip(whole.class_counts().unwrap()) {
                let off = (*share as f64 - count as f64 * fraction).abs();
                prop_assert!(off < 1.0 + 1e-9, "{} of {}", share, count);
            }
        }
    }
}
