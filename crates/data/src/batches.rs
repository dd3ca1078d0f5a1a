//! Mini-batches: one iterator is one pass over a dataset.
//!
//! The whole state of a pass is an order of examples and a cursor into it, and
//! both can be read ([`Batches::order`], [`Batches::cursor`]) and given
//! ([`Batches::in_order`], [`Batches::starting_at`], both at once
//! [`Batches::resume`]): what a checkpoint in the middle of an epoch has to hold.
//!
//! **Cost.** A batch in the dataset's own order is a view; in any other order
//! its examples are copied.

use std::iter::FusedIterator;

use rand::Rng;
use tensor::random::shuffle;
use tensor::{Error, Result, Tensor};

use crate::Dataset;
use crate::dataset::check_indices;

impl Dataset {
    /// One pass over the examples, `size` at a time, in their own order unless
    /// it is [shuffled](Batches::shuffled).
    ///
    /// ```
    /// # #[cfg(feature = "digits")] {
    /// let digits = wengert_data::digits()?;
    /// let mut seen = 0;
    /// for batch in digits.batches(100)? {
    ///     let (images, labels) = batch?;
    ///     assert_eq!(images.shape(), [labels.len(), 1, 8, 8]);
    ///     seen += labels.len();
    /// }
    /// assert_eq!(seen, 1797); // the last batch held 97
    /// # }
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] if `size` is 0.
    pub fn batches(&self, size: usize) -> Result<Batches<'_>> {
        if size == 0 {
            return Err(Error::value(
                "batches",
                "the batch size must be positive, got 0",
            ));
        }
        Ok(Batches {
            dataset: self,
            size,
            order: None,
            cursor: 0,
            drop_last: false,
        })
    }
}

/// An iterator over mini-batches: images `[B, C, H, W]` and labels `[B]`, or
/// the error of a batch that no memory could hold.
///
/// ```
/// use tensor::{Tensor, random::Generator};
/// use wengert_data::Dataset;
///
/// let dataset = Dataset::new(Tensor::zeros([5, 1, 2, 2])?, Tensor::from([0, 1, 2, 3, 4]), 5)?;
/// let rng = &mut Generator::new(0);
/// let mut epoch = dataset.batches(2)?.shuffled(rng);
/// assert_eq!(epoch.len(), 3);
/// epoch.next();
///
/// // Later, elsewhere: the rest of that epoch.
/// let (order, cursor) = (epoch.order().map(<[usize]>::to_vec), epoch.cursor());
/// let rest = dataset.batches(2)?.resume(order, cursor)?;
/// for (a, b) in rest.zip(epoch) {
///     assert_eq!(a?, b?);
/// }
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    dataset: &'a Dataset,
    size: usize,
    /// Indices in range of the dataset; without them, its own order.
    order: Option<Vec<usize>>,
    /// How far into the order: never past its end.
    cursor: usize,
    drop_last: bool,
}

impl Batches<'_> {
    /// In random order. Each call draws a new permutation, so that each epoch
    /// has its own.
    #[must_use]
    pub fn shuffled<R: Rng + ?Sized>(mut self, rng: &mut R) -> Self {
        let mut order: Vec<usize> = (0..self.dataset.len()).collect();
        shuffle(&mut order, rng);
        self.order = Some(order);
        self.cursor = 0;
        self
    }

    /// In the order of these indices, of which some may be missing and some
    /// come twice: a sampler of one's own, or an order that was saved.
    ///
    /// # Errors
    /// [`Error::Value`] for an index that is out of range.
    pub fn in_order(mut self, indices: impl Into<Vec<usize>>) -> Result<Self> {
        let indices = indices.into();
        check_indices("batches", &indices, self.dataset.len())?;
        self.order = Some(indices);
        self.cursor = 0;
        Ok(self)
    }

    /// Without the first `cursor` examples of the order.
    ///
    /// # Errors
    /// [`Error::Value`] if there are not that many.
    pub fn starting_at(mut self, cursor: usize) -> Result<Self> {
        if cursor > self.examples() {
            return Err(Error::value(
                "batches",
                format!("cannot start at {cursor} of {} examples", self.examples()),
            ));
        }
        self.cursor = cursor;
        Ok(self)
    }

    /// As a pass was left whose [`order`](Self::order) and
    /// [`cursor`](Self::cursor) these are: without an order, the dataset's own.
    ///
    /// # Errors
    /// [`Error::Value`] for an index or a cursor that is out of range: of
    /// another dataset.
    pub fn resume(self, order: Option<Vec<usize>>, cursor: usize) -> Result<Self> {
        let batches = match order {
            Some(order) => self.in_order(order)?,
            None => Self {
                order: None,
                ..self
            },
        };
        batches.starting_at(cursor)
    }

    /// Without the last batch if it is not full.
    #[must_use]
    pub fn drop_last(mut self) -> Self {
        self.drop_last = true;
        self
    }

    /// The order of the examples; `None` for the dataset's own.
    #[must_use]
    pub fn order(&self) -> Option<&[usize]> {
        self.order.as_deref()
    }

    /// How many examples of the order were handed out.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// How many examples there are in the whole order.
    fn examples(&self) -> usize {
        self.order.as_ref().map_or(self.dataset.len(), Vec::len)
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<(Tensor, Tensor<i64>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.len() == 0 {
            return None;
        }
        let start = self.cursor;
        self.cursor = start.saturating_add(self.size).min(self.examples());
        Some(match &self.order {
            None => self.dataset.run(start, self.cursor - start),
            Some(order) => self.dataset.gather("batches", &order[start..self.cursor]),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.examples() - self.cursor;
        let batches = if self.drop_last {
            left / self.size
        } else {
            left.div_ceil(self.size)
        };
        (batches, Some(batches))
    }
}

impl ExactSizeIterator for Batches<'_> {}

impl FusedIterator for Batches<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::tests::numbered;
    use proptest::prelude::*;
    use tensor::random::Generator;

    /// The labels of each batch, after a check that each image came with its own.
    fn labels(batches: Batches<'_>) -> Vec<Vec<i64>> {
        batches
            .map(|batch| {
                let (images, labels) = batch.unwrap();
                assert_eq!(images.shape(), [labels.len(), 1, 1, 2]);
                for (pixels, &label) in images.as_slice().chunks(2).zip(&labels) {
                    assert_eq!(pixels, [10.0 * label as f32, 10.0 * label as f32 + 1.0]);
                }
                labels.to_vec()
            })
            .collect()
    }

    fn five() -> Dataset {
        numbered(&[0, 1, 2, 3, 4], 5)
    }

    #[test]
    fn the_last_batch_is_kept_or_dropped() {
        let dataset = five();
        let batches = dataset.batches(2).unwrap();
        assert_eq!(labels(batches.clone()), [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(labels(batches.drop_last()), [[0, 1], [2, 3]]);
        let batches = dataset.batches(usize::MAX).unwrap();
        assert_eq!(labels(batches.clone()), [[0, 1, 2, 3, 4]]);
        assert_eq!(labels(batches.drop_last()).len(), 0);
        assert!(dataset.batches(0).is_err());
    }

    #[test]
    fn a_batch_in_the_datasets_order_is_a_view() {
        let dataset = five();
        let mut batches = dataset.batches(2).unwrap().starting_at(2).unwrap();
        let (images, labels) = batches.next().unwrap().unwrap();
        assert_eq!(
            images.as_slice().as_ptr(),
            dataset.images().as_slice()[4..].as_ptr()
        );
        assert_eq!(
            labels.as_slice().as_ptr(),
            dataset.labels().as_slice()[2..].as_ptr()
        );
    }

    #[test]
    fn each_epoch_draws_a_new_order_and_the_seed_repeats_it() {
        let dataset = numbered(&(0..50).collect::<Vec<_>>(), 50);
        let epochs = |seed| {
            let rng = &mut Generator::new(seed);
            [(); 2].map(|()| labels(dataset.batches(8).unwrap().shuffled(rng)))
        };
        let [first, second] = epochs(1);
        assert_ne!(first, second);
        assert_eq!(epochs(1), [first.clone(), second]);
        assert_ne!(epochs(2)[0], first);
    }

    #[test]
    fn orders_and_cursors_out_of_range_are_errors() {
        let dataset = five();
        let batches = || dataset.batches(2).unwrap();
        assert!(batches().in_order([0, 5]).is_err());
        assert!(batches().starting_at(6).is_err());
        assert_eq!(batches().starting_at(5).unwrap().len(), 0);
        let twice = batches().in_order([4, 4, 0]).unwrap();
        assert_eq!(labels(twice), [vec![4, 4], vec![0]]);
    }

    proptest! {
        #[test]
        fn an_epoch_holds_every_example_once(
            count in 0usize..40,
            size in 1usize..50,
            shuffled: bool,
            drop_last: bool,
            seed: u64,
        ) {
            let dataset = numbered(&(0..count as i64).collect::<Vec<_>>(), count);
            let mut batches = dataset.batches(size).unwrap();
            if shuffled {
                batches = batches.shuffled(&mut Generator::new(seed));
            }
            if drop_last {
                batches = batches.drop_last();
            }
            let announced = batches.len();
            let batches = labels(batches);
            prop_assert_eq!(batches.len(), announced);
            prop_assert!(batches.iter().rev().skip(1).all(|batch| batch.len() == size));

            let mut seen = batches.concat();
            let expected = if drop_last { count - count % size } else { count };
            prop_assert_eq!(seen.len(), expected);
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), expected);
        }

        #[test]
        fn an_epoch_resumes_where_it_was_left(
            count in 1usize..40,
            size in 1usize..10,
            done in 0usize..50,
            shuffled: bool,
            seed: u64,
        ) {
            let dataset = numbered(&(0..count as i64).collect::<Vec<_>>(), count);
            let mut epoch = dataset.batches(size).unwrap();
            if shuffled {
                epoch = epoch.shuffled(&mut Generator::new(seed));
            }
            epoch.by_ref().take(done).for_each(drop);
            let order = epoch.order().map(<[usize]>::to_vec);
            let resumed = dataset
                .batches(size)
                .unwrap()
                .shuffled(&mut Generator::new(7)) // which is forgotten
                .resume(order, epoch.cursor())
                .unwrap();
            prop_assert_eq!(labels(resumed), labels(epoch));
        }
    }
}
