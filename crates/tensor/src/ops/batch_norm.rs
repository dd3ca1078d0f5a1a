//! Normalisation by channel, over a batch or image by image, and the running
//! averages that inference uses in place of a batch.
//!
//! ```text
//! y = (x − mean) / √(var + eps) · weight + bias
//! running ← (1 − momentum) · running + momentum · batch
//! ```
//!
//! The variance that normalises is the plain mean of squares; the one that goes into
//! the running average is the unbiased estimate, with n − 1 for n.
//!
//! **Cost.** The operand is read twice, the result written once: see `normalize.rs`.

use super::normalize::{Groups, Standardization, moments, one_for_each};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// How `batch_norm` and `instance_norm` normalise; what is not set is PyTorch's
/// default.
///
/// ```
/// use wengert_tensor::BatchNormOptions;
///
/// let options = BatchNormOptions::default().momentum(0.01).eps(1e-3);
/// assert_eq!((options.momentum, options.eps), (0.01, 1e-3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BatchNormOptions {
    /// The share of the batch in the running averages.
    pub momentum: f64,
    /// What is added to the variance, so that nothing is divided by 0.
    pub eps: f64,
    /// Whether the input's own statistics normalise it, or the running ones. None:
    /// as in training for `instance_norm` and on a training tape, by the running
    /// ones else.
    pub use_input_stats: Option<bool>,
}

impl Default for BatchNormOptions {
    fn default() -> Self {
        Self {
            momentum: 0.1,
            eps: 1e-5,
            use_input_stats: None,
        }
    }
}

impl BatchNormOptions {
    /// Sets the share of the batch in the running averages.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Sets what is added to the variance.
    #[must_use]
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// Sets whether the input's own statistics normalise it and move the running
    /// ones (true), or the running ones do and stay (false).
    #[must_use]
    pub fn use_input_stats(mut self, use_input_stats: bool) -> Self {
        self.use_input_stats = Some(use_input_stats);
        self
    }
}

/// Running averages of mean and variance, one number for each channel, to be read
/// or moved.
#[derive(Debug)]
pub struct RunningStats<'a, T: Float = f32> {
    /// The running mean.
    pub mean: &'a mut Tensor<T>,
    /// The running variance, of unbiased estimates.
    pub var: &'a mut Tensor<T>,
}

impl<T: Float> RunningStats<'_, T> {
    fn check(&self, op: &'static str, channels: usize) -> Result<()> {
        one_for_each(op, "running mean", self.mean, channels)?;
        one_for_each(op, "running variance", self.var, channels)
    }
}

/// What the statistics of a batch do to the running ones, once all went well.
#[doc(hidden)]
#[derive(Clone, Debug)]
#[must_use]
pub struct RunningUpdate {
    /// Mean and biased variance of groups, of which each channel has one or more.
    moments: Option<Tensor<f64>>,
    /// The elements of a group.
    count: usize,
    momentum: f64,
}

impl RunningUpdate {
    const NONE: Self = Self {
        moments: None,
        count: 0,
        momentum: 0.0,
    };

    /// Moves the running averages. Of several groups of a channel (images) the mean
    /// counts.
    pub fn apply<T: Float>(&self, running: Option<RunningStats<'_, T>>) {
        let (Some(moments), Some(running)) = (&self.moments, running) else {
            return;
        };
        let channels = running.mean.len().min(running.var.len());
        let images = moments.len() / 2 / channels.max(1);
        let unbiased = self.count as f64 / (self.count as f64 - 1.0);
        let both = [(0, running.mean, 1.0), (1, running.var, unbiased)];
        for (which, average, factor) in both {
            for (channel, x) in average.as_mut_slice().iter_mut().enumerate() {
                let of_image = |image| moments.as_slice()[2 * (image * channels + channel) + which];
                let total: f64 = (0..images).map(of_image).sum();
                let new = total / images as f64 * factor;
                *x = T::of((1.0 - self.momentum) * x.as_f64() + self.momentum * new);
            }
        }
    }
}

impl Standardization {
    /// The plan of a batch norm, and what it does to the running averages.
    ///
    /// # Errors
    /// As [`Tensor::batch_norm`].
    #[doc(hidden)]
    pub fn of_batch<T: Float>(
        x: &Tensor<T>,
        running: Option<&RunningStats<'_, T>>,
        options: &BatchNormOptions,
        training: bool,
    ) -> Result<(Self, RunningUpdate)> {
        const OP: &str = "batch_norm";
        let &BatchNormOptions { momentum, eps, .. } = options;
        let training = options.use_input_stats.unwrap_or(training);
        let shape = x.shape();
        let [turns, channels, len] = channels_of(OP, shape)?;
        if let Some(running) = running {
            running.check(OP, channels)?;
        }
        let groups = Groups::channels(turns, channels, len);
        if !training {
            let running = running.ok_or_else(|| no_running_stats(OP))?;
            if eps < 0.0 {
                return Err(Error::value(
                    OP,
                    format!("eps must not be negative, got {eps}"),
                ));
            }
            let plan = Self::fixed(OP, groups, running.mean, running.var, eps)?;
            return Ok((plan, RunningUpdate::NONE));
        }
        if eps <= 0.0 {
            return Err(Error::value(
                OP,
                format!("eps must be positive in training, got {eps}"),
            ));
        }
        if groups.count() == 1 {
            return Err(Error::shape(
                OP,
                format!(
                    "needs more than one value for each channel in training, got shape {shape:?}"
                ),
            ));
        }
        if x.is_empty() {
            // Nothing is normalised, and nothing was learned.
            let plan = Self::nothing(OP, groups, eps)?;
            return Ok((plan, RunningUpdate::NONE));
        }
        let moments = moments(OP, x, &groups, true)?;
        let plan = Self::centred(OP, groups, &moments, eps);
        let update = RunningUpdate {
            moments: Some(moments),
            count: groups.count(),
            momentum,
        };
        Ok((plan, update))
    }

    /// The plan of an instance norm, and what it does to the running averages.
    ///
    /// # Errors
    /// As [`Tensor::instance_norm`].
    #[doc(hidden)]
    pub fn of_instances<T: Float>(
        x: &Tensor<T>,
        running: Option<&RunningStats<'_, T>>,
        options: &BatchNormOptions,
    ) -> Result<(Self, RunningUpdate)> {
        const OP: &str = "instance_norm";
        let &BatchNormOptions { momentum, eps, .. } = options;
        let shape = x.shape();
        let [images, channels, len] = channels_of(OP, shape)?;
        if let Some(running) = running {
            running.check(OP, channels)?;
        }
        if !options.use_input_stats.unwrap_or(true) {
            let running = running.ok_or_else(|| no_running_stats(OP))?;
            let groups = Groups::channels(images, channels, len);
            let plan = Self::fixed(OP, groups, running.mean, running.var, eps)?;
            return Ok((plan, RunningUpdate::NONE));
        }
        if len == 1 {
            return Err(Error::shape(
                OP,
                format!(
                    "needs more than one value for each channel of an image, got shape {shape:?}"
                ),
            ));
        }
        if x.is_empty() {
            let plan = Self::nothing(OP, Groups::rows(0, 1, len, channels), eps)?;
            return Ok((plan, RunningUpdate::NONE));
        }
        let groups = Groups::rows(images * channels, 1, len, channels);
        let moments = moments(OP, x, &groups, true)?;
        let plan = Self::centred(OP, groups, &moments, eps);
        let update = RunningUpdate {
            moments: Some(moments),
            count: len,
            momentum,
        };
        Ok((plan, update))
    }
}

/// The sizes of a batch, its channels and all that follows. An empty tensor of one
/// axis passes, as in PyTorch: it has no channels.
///
/// # Errors
/// [`Error::Shape`] for less than two axes.
fn channels_of(op: &'static str, shape: &[usize]) -> Result<[usize; 3]> {
    match shape {
        [images, channels, rest @ ..] => Ok([*images, *channels, rest.iter().product()]),
        [0] => Ok([0, 0, 1]),
        _ => Err(Error::shape(
            op,
            format!("needs an input [N, C, …], got shape {shape:?}"),
        )),
    }
}

fn no_running_stats(op: &'static str) -> Error {
    Error::value(
        op,
        "the running statistics are needed where the input's own are not used",
    )
}

impl<T: Float> Tensor<T> {
    /// Brings every channel of a batch `[N, C, …]` to mean 0 and variance 1, then
    /// scales it by its `weight` and adds its `bias`, each `[C]`, 1 and 0 if there is
    /// none: `torch.nn.functional.batch_norm`.
    ///
    /// By the running statistics, unless `options.use_input_stats` says that it is by
    /// the batch's own; then these move the running ones, if they are given.
    ///
    /// ```
    /// use wengert_tensor::{BatchNormOptions, RunningStats, Tensor};
    ///
    /// let x = Tensor::from([[1.0, 10.0], [3.0, 10.0]]);
    /// let (mut mean, mut var) = (Tensor::zeros([2])?, Tensor::ones([2])?);
    /// let running = RunningStats { mean: &mut mean, var: &mut var };
    /// let options = BatchNormOptions::default().use_input_stats(true);
    /// let y = x.batch_norm(Some(running), None, None, &options)?;
    /// assert!(y.all_close(&Tensor::from([[-1.0, 0.0], [1.0, 0.0]]), 0.0, 1e-5));
    /// assert!(mean.all_close(&Tensor::from([0.2, 1.0]), 1e-12, 0.0));
    /// assert!(var.all_close(&Tensor::from([1.1, 0.9]), 1e-12, 0.0));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] for less than two axes, one value for each channel of a batch
    /// whose own statistics are wanted, or a weight, bias or running statistic that is
    /// not `[C]`, or a weight or bias of no channels; [`Error::Value`] if running statistics
    /// are wanted and missing, for a negative `eps`, and for 0 with the batch's own
    /// statistics.
    pub fn batch_norm(
        &self,
        running: Option<RunningStats<'_, T>>,
        weight: Option<&Self>,
        bias: Option<&Self>,
        options: &BatchNormOptions,
    ) -> Result<Self> {
        let (plan, update) = Standardization::of_batch(self, running.as_ref(), options, false)?;
        let y = plan.normalize(self, weight, bias)?;
        update.apply(running);
        Ok(y)
    }

    /// Brings every channel of every image of `[N, C, …]` to mean 0 and variance 1,
    /// then scales it by the channel's `weight` and adds its `bias`:
    /// `torch.nn.functional.instance_norm`.
    ///
    /// By its own statistics, unless `options.use_input_stats` is false; they move the
    /// running ones, if these are given, by their mean over the images. (A batch of no
    /// images leaves them alone.)
    ///
    /// ```
    /// use wengert_tensor::{BatchNormOptions, Tensor};
    ///
    /// let x = Tensor::from([[[1.0, 3.0], [10.0, 30.0]]]);
    /// let y = x.instance_norm(None, None, None, &BatchNormOptions::default())?;
    /// assert!(y.all_close(&Tensor::from([[[-1.0, 1.0], [-1.0, 1.0]]]), 0.0, 1e-5));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`batch_norm`](Self::batch_norm), and [`Error::Shape`] if a channel of an
    /// image has one value and its own statistics are wanted; any `eps` is taken.
    pub fn instance_norm(
        &self,
        running: Option<RunningStats<'_, T>>,
        weight: Option<&Self>,
        bias: Option<&Self>,
        options: &BatchNormOptions,
    ) -> Result<Self> {
        let (plan, update) = Standardization::of_instances(self, running.as_ref(), options)?;
        let y = plan.normalize(self, weight, bias)?;
        update.apply(running);
        Ok(y)
    }
}
