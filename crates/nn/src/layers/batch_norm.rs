//! Batch normalisation (Ioffe and Szegedy, 2015).

use std::fmt;

use autograd::{Parameter, Var};
use tensor::{BatchNormOptions, Error, Float, Result, RunningStats, Tensor};

use super::{python, truth};
use crate::module::{Module, Visit, Visitor, VisitorMut};
use crate::running::Running;

/// Batch normalisation of images: `torch.nn.BatchNorm2d`; see [`BatchNorm`].
pub type BatchNorm2d<T = f32> = BatchNorm<T, 2>;

/// Batch normalisation of vectors or sequences: `torch.nn.BatchNorm1d`; see
/// [`BatchNorm`].
pub type BatchNorm1d<T = f32> = BatchNorm<T, 1>;

/// Brings each channel to mean 0 and variance 1 over the batch, then scales and shifts
/// it by what is learned: [`BatchNorm2d`] and [`BatchNorm1d`].
///
/// ```text
/// y = (x − mean) / √(var + eps) · weight + bias
/// ```
///
/// | | shape |
/// |---|---|
/// | input of `BatchNorm2d` | `[N, num_features, H, W]` |
/// | input of `BatchNorm1d` | `[N, num_features]` or `[N, num_features, L]` |
/// | `weight`, `bias` | `[num_features]` |
/// | `running_mean`, `running_var` | `[num_features]` |
/// | `num_batches_tracked` | `[]`, an integer |
/// | output | as the input |
///
/// On a training tape, mean and variance are those of the batch, which must hold more
/// than one value for each channel; they move the running averages
///
/// ```text
/// running ← (1 − momentum) · running + momentum · batch
/// ```
///
/// (the variance as its unbiased estimate, with n − 1 for n). On a tape in inference
/// mode the running averages stand in for the batch. A layer that was
/// [frozen](Self::freeze) uses them in training too, and leaves them as they are.
///
/// A convolution whose result is normalised needs no bias: it would be subtracted
/// again.
///
/// ```
/// use autograd::Tape;
/// use tensor::{Tensor, random::Generator};
/// use wengert_nn::{BatchNorm2d, Module};
///
/// let norm = BatchNorm2d::builder(3).momentum(0.5).build()?;
/// let x = Tensor::<f32>::randn([8, 3, 5, 5], &mut Generator::new(0))?.add_scalar(4.0);
/// let y = norm.forward(&Tape::new().constant(x.clone()))?;
/// assert!(y.value().mean().item()?.abs() < 1e-5);
/// assert_eq!(norm.num_batches_tracked(), Some(1));
///
/// // Half of the way from 0 to the mean of the batch.
/// let mean = norm.running_mean().unwrap().mean().item()?;
/// assert!((mean - 2.0).abs() < 0.2);
/// let y = norm.forward(&Tape::inference().constant(x))?;
/// assert!(y.value().mean().item()? > 1.0);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct BatchNorm<T: Float = f32, const SPATIAL: usize = 2> {
    /// `[num_features]`.
    pub weight: Option<Parameter<T>>,
    /// `[num_features]`.
    pub bias: Option<Parameter<T>>,
    running: Option<Running<T>>,
    num_features: usize,
    eps: f64,
    momentum: Option<f64>,
    frozen: bool,
}

/// The options of [`BatchNorm`]; what is not set is PyTorch's default.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct BatchNormBuilder<const SPATIAL: usize> {
    num_features: usize,
    eps: f64,
    momentum: Option<f64>,
    affine: bool,
    bias: bool,
    track_running_stats: bool,
    frozen: bool,
}

impl<const SPATIAL: usize> BatchNorm<f32, SPATIAL> {
    /// A layer for so many channels: eps 1e-5, momentum 0.1, with weight, bias and
    /// running statistics.
    pub fn builder(num_features: usize) -> BatchNormBuilder<SPATIAL> {
        BatchNormBuilder {
            num_features,
            eps: 1e-5,
            momentum: Some(0.1),
            affine: true,
            bias: true,
            track_running_stats: true,
            frozen: false,
        }
    }
}

impl<const SPATIAL: usize> BatchNormBuilder<SPATIAL> {
    /// What is added to the variance.
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// The share of a batch in the running averages, `0.1` or `None`: then they are
    /// plain averages over all batches.
    pub fn momentum(mut self, momentum: impl Into<Option<f64>>) -> Self {
        self.momentum = momentum.into();
        self
    }

    /// Whether there are weight and bias.
    pub fn affine(mut self, affine: bool) -> Self {
        self.affine = affine;
        self
    }

    /// Whether there is a bias beside the weight.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Whether running averages are kept. Without them the batch normalises itself in
    /// inference too.
    pub fn track_running_stats(mut self, track: bool) -> Self {
        self.track_running_stats = track;
        self
    }

    /// Whether the layer begins [frozen](BatchNorm::freeze).
    pub fn frozen(mut self, frozen: bool) -> Self {
        self.frozen = frozen;
        self
    }

    /// The layer: weight 1, bias 0, running mean 0 and variance 1.
    ///
    /// # Errors
    /// [`Error::Value`] for no channels, or a frozen layer without running statistics;
    /// [`Error::TooLarge`].
    pub fn build<T: Float>(self) -> Result<BatchNorm<T, SPATIAL>> {
        const OP: &str = "batch_norm";
        if self.num_features == 0 {
            return Err(Error::value(OP, "needs at least one channel"));
        }
        if self.frozen && !self.track_running_stats {
            return Err(Error::value(
                OP,
                "a frozen layer normalises by running statistics, which it is not to keep",
            ));
        }
        let [weight, bias] = affine(&[self.num_features], self.affine, self.bias)?;
        let running = if self.track_running_stats {
            Some(Running::new(self.num_features)?)
        } else {
            None
        };
        Ok(BatchNorm {
            weight,
            bias,
            running,
            num_features: self.num_features,
            eps: self.eps,
            momentum: self.momentum,
            frozen: self.frozen,
        })
    }
}

/// A weight of ones and a bias of zeros, if they are wanted.
pub(super) fn affine<T: Float>(
    shape: &[usize],
    affine: bool,
    bias: bool,
) -> Result<[Option<Parameter<T>>; 2]> {
    if !affine {
        return Ok([None, None]);
    }
    let weight = Parameter::new(Tensor::ones(shape)?);
    if !bias {
        return Ok([Some(weight), None]);
    }
    Ok([Some(weight), Some(Parameter::new(Tensor::zeros(shape)?))])
}

impl<T: Float, const SPATIAL: usize> BatchNorm<T, SPATIAL> {
    /// From now on the running averages normalise in training too, and no batch moves
    /// them. (Weight and bias are frozen by themselves, as any parameter.) A layer that
    /// keeps none stays as it is.
    pub fn freeze(&mut self) {
        self.frozen = self.running.is_some();
    }

    /// Ends what [`freeze`](Self::freeze) began.
    pub fn unfreeze(&mut self) {
        self.frozen = false;
    }

    /// Whether the layer is [frozen](Self::freeze).
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// The running mean, if it is kept.
    #[must_use]
    pub fn running_mean(&self) -> Option<Tensor<T>> {
        Some(self.running.as_ref()?.read().mean)
    }

    /// The running variance, if it is kept.
    #[must_use]
    pub fn running_var(&self) -> Option<Tensor<T>> {
        Some(self.running.as_ref()?.read().var)
    }

    /// How many batches have moved the running averages, if they are kept.
    #[must_use]
    pub fn num_batches_tracked(&self) -> Option<i64> {
        self.running.as_ref()?.read().batches.item().ok()
    }

    /// Forgets all batches: running mean 0, variance 1.
    pub fn reset_running_stats(&mut self) {
        if let Some(running) = &self.running {
            running.reset();
        }
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        let fits = match SPATIAL {
            1 => matches!(shape.len(), 2 | 3),
            spatial => shape.len() == spatial + 2,
        };
        if fits && shape[1] == self.num_features {
            return Ok(());
        }
        let rest = match SPATIAL {
            1 => "] or [N, C, L",
            2 => ", H, W",
            _ => ", …",
        };
        Err(Error::shape(
            "batch_norm",
            format!(
                "needs an input [N, C{rest}] with {} channels, got shape {shape:?}",
                self.num_features
            ),
        ))
    }
}

impl<T: Float, const SPATIAL: usize> Module<T> for BatchNorm<T, SPATIAL> {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        self.check(input.shape())?;
        let tape = input.tape();
        let parameter = |p: &Option<Parameter<T>>| p.as_ref().map(|p| tape.parameter(p));
        let (weight, bias) = (parameter(&self.weight), parameter(&self.bias));
        let norm = |running: Option<RunningStats<'_, T>>, options: BatchNormOptions| {
            input.batch_norm(running, weight.as_ref(), bias.as_ref(), &options)
        };
        let options = BatchNormOptions::default().eps(self.eps);
        let Some(running) = &self.running else {
            return norm(None, options.use_input_stats(true));
        };
        if !tape.is_training() || self.frozen {
            let mut now = running.read();
            return norm(Some(now.stats()), options.use_input_stats(false));
        }
        running.count("batch_norm", |buffers, number| {
            let momentum = self.momentum.unwrap_or(1.0 / number as f64);
            let options = options.use_input_stats(true).momentum(momentum);
            norm(Some(buffers.stats()), options)
        })
    }
}

impl<T: Float, const SPATIAL: usize> Visit<T> for BatchNorm<T, SPATIAL> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, T>) {
        visitor.field("weight", &self.weight);
        visitor.field("bias", &self.bias);
        self.running.visit(visitor);
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, T>) {
        visitor.field("weight", &mut self.weight);
        visitor.field("bias", &mut self.bias);
        self.running.visit_mut(visitor);
    }
}

impl<T: Float, const SPATIAL: usize> fmt::Display for BatchNorm<T, SPATIAL> {
    /// As PyTorch, and `frozen=True`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "BatchNorm{SPATIAL}d({}, eps={}, momentum={}, affine={}, bias={}, track_running_stats={}",
            self.num_features,
            python(self.eps),
            self.momentum.map_or("None".to_owned(), python),
            truth(self.weight.is_some()),
            truth(self.bias.is_some()),
            truth(self.running.is_some()),
        )?;
        if self.frozen {
            write!(f, ", frozen=True")?;
        }
        write!(f, ")")
    }
}

#[cfg(test)]
mod tests;
