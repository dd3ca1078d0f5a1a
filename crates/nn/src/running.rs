//! Running statistics: the one thing that a forward pass changes.
//!
//! They stand behind a lock, so that a forward takes `&self` and a model is shared
//! between threads like any other. The lock is held while a batch moves them: batches
//! go in one after the other, and none is lost. Of several threads that train one
//! model at once it is chance who comes first; inference only reads, and does not wait
//! for others to read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tensor::{Error, Float, Result, RunningStats, Tensor};

use crate::module::{Slot, SlotMut, Visit, Visitor, VisitorMut};

/// The buffers `running_mean`, `running_var` and `num_batches_tracked` of a norm.
#[derive(Debug)]
pub(crate) struct Running<T: Float>(Mutex<Buffers<T>>);

/// What is kept.
#[derive(Clone, Debug)]
pub(crate) struct Buffers<T: Float> {
    pub(crate) mean: Tensor<T>,
    pub(crate) var: Tensor<T>,
    /// Without axes.
    pub(crate) batches: Tensor<i64>,
}

impl<T: Float> Buffers<T> {
    /// Mean 0, variance 1, no batches.
    fn new(features: usize) -> Result<Self> {
        Ok(Self {
            mean: Tensor::zeros([features])?,
            var: Tensor::ones([features])?,
            batches: Tensor::scalar(0),
        })
    }

    /// As operations take them.
    pub(crate) fn stats(&mut self) -> RunningStats<'_, T> {
        RunningStats {
            mean: &mut self.mean,
            var: &mut self.var,
        }
    }
}

impl<T: Float> Running<T> {
    /// # Errors
    /// [`Error::TooLarge`].
    pub(crate) fn new(features: usize) -> Result<Self> {
        Ok(Self(Mutex::new(Buffers::new(features)?)))
    }

    /// The buffers as they are; their memory is shared.
    pub(crate) fn read(&self) -> Buffers<T> {
        self.lock().clone()
    }

    /// Has a batch move the buffers; its number, counted from 1, is handed over, and
    /// counts unless `batch` fails.
    pub(crate) fn count<R>(
        &self,
        op: &'static str,
        batch: impl FnOnce(&mut Buffers<T>, i64) -> Result<R>,
    ) -> Result<R> {
        let mut buffers = self.lock();
        let Ok(before) = buffers.batches.item() else {
            let shape = buffers.batches.shape();
            return Err(Error::shape(
                op,
                format!("num_batches_tracked must be one number, got shape {shape:?}"),
            ));
        };
        let number = before.saturating_add(1);
        let result = batch(&mut buffers, number)?;
        buffers.batches.fill(number);
        Ok(result)
    }

    /// Has a batch move the buffers without being counted.
    pub(crate) fn change<R>(&self, batch: impl FnOnce(&mut Buffers<T>) -> R) -> R {
        batch(&mut self.lock())
    }

    /// Back to mean 0, variance 1, no batches.
    pub(crate) fn reset(&self) {
        let mut buffers = self.lock();
        buffers.mean.fill(T::ZERO);
        buffers.var.fill(T::ONE);
        buffers.batches = Tensor::scalar(0);
    }

    fn lock(&self) -> MutexGuard<'_, Buffers<T>> {
        // Each buffer is whole whenever something could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Float> Clone for Running<T> {
    /// A copy of the buffers, behind a lock of its own.
    fn clone(&self) -> Self {
        Self(Mutex::new(self.read()))
    }
}

/// Under the names of the layer's own fields.
impl<T: Float> Visit<T> for Running<T> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, T>) {
        let Buffers { mean, var, batches } = self.read();
        visitor.named_slot("running_mean", Slot::Buffer(mean));
        visitor.named_slot("running_var", Slot::Buffer(var));
        visitor.named_slot("num_batches_tracked", Slot::Counter(batches));
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, T>) {
        let buffers = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Buffers { mean, var, batches } = buffers;
        visitor.named_slot("running_mean", SlotMut::Buffer(mean));
        visitor.named_slot("running_var", SlotMut::Buffer(var));
        visitor.named_slot("num_batches_tracked", SlotMut::Counter(batches));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_from_several_threads_all_count() {
        let running = Running::<f32>::new(2).unwrap();
        let one = |buffers: &mut Buffers<f32>, _| {
            let ones = Tensor::from([1.0, 1.0]);
            buffers.mean.add_assign(&ones)
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|_| running.count("test", one).unwrap()));
            }
        });
        let buffers = running.read();
        assert_eq!(buffers.mean.to_vec(), [200.0; 2]);
        assert_eq!(buffers.batches.item().unwrap(), 200);
    }

    #[test]
    fn a_batch_that_fails_does_not_count_and_a_panic_locks_no_one_out() {
        let running = Running::<f32>::new(2).unwrap();
        let fail = |_: &mut Buffers<f32>, _| Err::<(), _>(Error::value("test", "no"));
        assert!(running.count("test", fail).is_err());
        assert_eq!(running.read().batches.item().unwrap(), 0);
        let panics = || running.change(|_| panic!("in a test"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
        running.reset();
        assert_eq!(running.clone().read().var.to_vec(), [1.0; 2]);
    }
}
