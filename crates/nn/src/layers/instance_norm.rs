//! Instance normalisation (Ulyanov et al., 2016).

use std::fmt;

use autograd::{Parameter, Var};
use tensor::{BatchNormOptions, Error, Float, Result, RunningStats, Tensor};

use super::batch_norm::affine;
use super::{python, truth};
use crate::module::{Module, Visit, Visitor, VisitorMut};
use crate::running::Running;

/// Instance normalisation of images: `torch.nn.InstanceNorm2d`; see [`InstanceNorm`].
pub type InstanceNorm2d<T = f32> = InstanceNorm<T, 2>;

/// Instance normalisation of sequences: `torch.nn.InstanceNorm1d`; see
/// [`InstanceNorm`].
pub type InstanceNorm1d<T = f32> = InstanceNorm<T, 1>;

/// Brings each channel of each image to mean 0 and variance 1, then scales and shifts
/// it by what is learned, if anything is: [`InstanceNorm2d`] and [`InstanceNorm1d`].
///
/// | | shape |
/// |---|---|
/// | input of `InstanceNorm2d` | `[N, num_features, H, W]`, or `[num_features, H, W]` |
/// | input of `InstanceNorm1d` | `[N, num_features, L]`, or `[num_features, L]` |
/// | `weight`, `bias` | `[num_features]` |
/// | output | as the input |
///
/// As in PyTorch there are neither parameters nor running statistics unless they are
/// asked for, and then the number of channels is not looked at. Running statistics are
/// moved by the mean over the images, and normalise in inference; `num_batches_tracked`
/// stays 0.
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::{InstanceNorm2d, Module};
///
/// let norm = InstanceNorm2d::builder(2).affine(true).build()?;
/// let x = Tape::new().constant(Tensor::<f32>::ones([4, 2, 5, 5])?);
/// assert_eq!(norm.forward(&x)?.value(), &Tensor::zeros([4, 2, 5, 5])?);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct InstanceNorm<T: Float = f32, const SPATIAL: usize = 2> {
    /// `[num_features]`.
    pub weight: Option<Parameter<T>>,
    /// `[num_features]`.
    pub bias: Option<Parameter<T>>,
    running: Option<Running<T>>,
    num_features: usize,
    eps: f64,
    momentum: Option<f64>,
}

/// The options of [`InstanceNorm`]; what is not set is PyTorch's default.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct InstanceNormBuilder<const SPATIAL: usize> {
    num_features: usize,
    eps: f64,
    momentum: Option<f64>,
    affine: bool,
    bias: bool,
    track_running_stats: bool,
}

impl<const SPATIAL: usize> InstanceNorm<f32, SPATIAL> {
    /// A layer for so many channels: eps 1e-5, momentum 0.1, nothing learned, nothing
    /// kept.
    pub fn builder(num_features: usize) -> InstanceNormBuilder<SPATIAL> {
        InstanceNormBuilder {
            num_features,
            eps: 1e-5,
            momentum: Some(0.1),
            affine: false,
            bias: true,
            track_running_stats: false,
        }
    }
}

impl<const SPATIAL: usize> InstanceNormBuilder<SPATIAL> {
    /// What is added to the variance.
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// The share of a batch in the running averages; by `None` they stay as they are.
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

    /// Whether running averages are kept, to normalise by in inference.
    pub fn track_running_stats(mut self, track: bool) -> Self {
        self.track_running_stats = track;
        self
    }

    /// The layer: weight 1, bias 0, running mean 0 and variance 1, as far as there are
    /// any.
    ///
    /// # Errors
    /// [`Error::Value`] for no channels; [`Error::TooLarge`].
    pub fn build<T: Float>(self) -> Result<InstanceNorm<T, SPATIAL>> {
        if self.num_features == 0 {
            return Err(Error::value("instance_norm", "needs at least one channel"));
        }
        let [weight, bias] = affine(&[self.num_features], self.affine, self.bias)?;
        let running = if self.track_running_stats {
            Some(Running::new(self.num_features)?)
        } else {
            None
        };
        Ok(InstanceNorm {
            weight,
            bias,
            running,
            num_features: self.num_features,
            eps: self.eps,
            momentum: self.momentum,
        })
    }
}

impl<T: Float, const SPATIAL: usize> InstanceNorm<T, SPATIAL> {
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

    fn normalized(&self, input: &Var<T>) -> Result<Var<T>> {
        let tape = input.tape();
        let parameter = |p: &Option<Parameter<T>>| p.as_ref().map(|p| tape.parameter(p));
        let (weight, bias) = (parameter(&self.weight), parameter(&self.bias));
        let norm = |running: Option<RunningStats<'_, T>>, options: BatchNormOptions| {
            input.instance_norm(running, weight.as_ref(), bias.as_ref(), &options)
        };
        let options = BatchNormOptions::default()
            .eps(self.eps)
            .momentum(self.momentum.unwrap_or(0.0));
        let Some(running) = &self.running else {
            return norm(None, options);
        };
        if tape.is_training() {
            return running.change(|buffers| norm(Some(buffers.stats()), options));
        }
        let mut now = running.read();
        norm(Some(now.stats()), options.use_input_stats(false))
    }
}

impl<T: Float, const SPATIAL: usize> Module<T> for InstanceNorm<T, SPATIAL> {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        let missing = (SPATIAL + 2).checked_sub(input.ndim());
        match missing {
            Some(0) => self.normalized(input),
            Some(1) => self.normalized(&input.unsqueeze(0)?)?.squeeze(0),
            _ => Err(Error::shape(
                "instance_norm",
                format!(
                    "needs an input of {} or {} axes, got shape {:?}",
                    SPATIAL + 1,
                    SPATIAL + 2,
                    input.shape()
                ),
            )),
        }
    }
}

impl<T: Float, const SPATIAL: usize> Visit<T> for InstanceNorm<T, SPATIAL> {
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

impl<T: Float, const SPATIAL: usize> fmt::Display for InstanceNorm<T, SPATIAL> {
    /// As PyTorch.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "InstanceNorm{SPATIAL}d({}, eps={}, momentum={}, affine={}, bias={}, track_running_stats={})",
            self.num_features,
            python(self.eps),
            self.momentum.map_or("None".to_owned(), python),
            truth(self.weight.is_some()),
            truth(self.bias.is_some()),
            truth(self.running.is_some()),
        )
    }
}
