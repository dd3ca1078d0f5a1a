//! Normalisation by channel, over a batch or image by image.
//!
//! ```text
//! y = (x − mean) / √(var + eps) · weight + bias
//! ```
//!
//! Mean and variance are those of the input, which the gradient follows, or running
//! averages, which are numbers to it. The rules are told in `normalize.rs`.

use tensor::{BatchNormOptions, Float, Result, RunningStats, Standardization};

use super::normalize::normalized;
use crate::record::OpInfo;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// Brings every channel of a batch `[N, C, …]` to mean 0 and variance 1, then
    /// scales it by its `weight` and adds its `bias`, each `[C]`, 1 and 0 if there is
    /// none: `torch.nn.functional.batch_norm`.
    ///
    /// On a training tape by the batch's own statistics, which move the running ones,
    /// if they are given; on a tape in inference mode by the running ones. Either can
    /// be chosen by [`BatchNormOptions::use_input_stats`]. No gradient flows to the
    /// running statistics.
    ///
    /// ```
    /// use tensor::{BatchNormOptions, RunningStats, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let (mut mean, mut var) = (Tensor::zeros([1])?, Tensor::ones([1])?);
    /// let options = BatchNormOptions::default();
    /// let x = Tape::new().leaf(Tensor::from([[1.0], [3.0]]));
    /// let running = RunningStats { mean: &mut mean, var: &mut var };
    /// let y = x.batch_norm(Some(running), None, None, &options)?;
    /// assert!(y.value().all_close(&Tensor::from([[-1.0], [1.0]]), 0.0, 1e-5));
    ///
    /// let x = Tape::inference().constant(Tensor::from([[0.2]]));
    /// let running = RunningStats { mean: &mut mean, var: &mut var };
    /// let y = x.batch_norm(Some(running), None, None, &options)?;
    /// assert!(y.value().all_close(&Tensor::from([[0.0]]), 0.0, 1e-5));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::batch_norm`](tensor::Tensor::batch_norm) and [`Var::record`]; the
    /// running statistics are then as they were.
    pub fn batch_norm(
        &self,
        running: Option<RunningStats<'_, T>>,
        weight: Option<&Self>,
        bias: Option<&Self>,
        options: &BatchNormOptions,
    ) -> Result<Self> {
        let training = self.tape().is_training();
        let of_batch = Standardization::of_batch;
        let (plan, update) = of_batch(self.value(), running.as_ref(), options, training)?;
        let y = normalized(channelwise("batch_norm", &plan), self, weight, bias, &plan)?;
        update.apply(running);
        Ok(y)
    }

    /// Brings every channel of every image of `[N, C, …]` to mean 0 and variance 1,
    /// then scales it by the channel's `weight` and adds its `bias`:
    /// `torch.nn.functional.instance_norm`. By its own statistics on any tape, unless
    /// [`BatchNormOptions::use_input_stats`] is false.
    ///
    /// ```
    /// use tensor::{BatchNormOptions, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([[[1.0, 3.0], [10.0, 30.0]]]));
    /// let y = x.instance_norm(None, None, None, &BatchNormOptions::default())?;
    /// let want = Tensor::from([[[-1.0, 1.0], [-1.0, 1.0]]]);
    /// assert!(y.value().all_close(&want, 0.0, 1e-5));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::instance_norm`](tensor::Tensor::instance_norm) and
    /// [`Var::record`]; the running statistics are then as they were.
    pub fn instance_norm(
        &self,
        running: Option<RunningStats<'_, T>>,
        weight: Option<&Self>,
        bias: Option<&Self>,
        options: &BatchNormOptions,
    ) -> Result<Self> {
        let of_instances = Standardization::of_instances;
        let (plan, update) = of_instances(self.value(), running.as_ref(), options)?;
        let y = normalized(
            channelwise("instance_norm", &plan),
            self,
            weight,
            bias,
            &plan,
        )?;
        update.apply(running);
        Ok(y)
    }
}

/// What such an operation says of itself: by given statistics, an element depends on
/// its own place alone.
fn channelwise(op: &'static str, plan: &Standardization) -> OpInfo {
    let op = OpInfo::from(op);
    if plan.is_fixed() {
        op
    } else {
        op.spanning_plane()
    }
}

#[cfg(test)]
mod tests;
