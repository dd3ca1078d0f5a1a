//! Group normalisation (Wu and He, 2018).

use std::fmt;

use autograd::{Parameter, Var};
use tensor::{Error, Float, Result};

use super::batch_norm::affine;
use super::{python, truth};
use crate::module::Module;
use crate::visit;

/// Brings each group of neighbouring channels of each image to mean 0 and variance 1,
/// then scales and shifts each channel by what is learned: `torch.nn.GroupNorm`.
/// Training and inference are the same, and so are small batches and large ones.
///
/// | | shape |
/// |---|---|
/// | input | `[N, num_channels, …]` |
/// | `weight`, `bias` | `[num_channels]` |
/// | output | as the input |
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::{GroupNorm, Module};
///
/// let norm = GroupNorm::builder(2, 6).build()?;
/// let x = Tape::new().constant(Tensor::<f32>::ones([1, 6, 5, 5])?);
/// assert_eq!(norm.forward(&x)?.shape(), [1, 6, 5, 5]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct GroupNorm<T: Float = f32> {
    /// `[num_channels]`.
    pub weight: Option<Parameter<T>>,
    /// `[num_channels]`.
    pub bias: Option<Parameter<T>>,
    num_groups: usize,
    num_channels: usize,
    eps: f64,
}

/// The options of [`GroupNorm`]; what is not set is PyTorch's default.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct GroupNormBuilder {
    num_groups: usize,
    num_channels: usize,
    eps: f64,
    affine: bool,
    bias: bool,
}

impl GroupNorm {
    /// A layer for so many channels in so many groups: eps 1e-5, with weight and bias.
    pub fn builder(num_groups: usize, num_channels: usize) -> GroupNormBuilder {
        GroupNormBuilder {
            num_groups,
            num_channels,
            eps: 1e-5,
            affine: true,
            bias: true,
        }
    }
}

impl GroupNormBuilder {
    /// What is added to the variance.
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
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

    /// The layer: weight 1, bias 0.
    ///
    /// # Errors
    /// [`Error::Value`] for no channels, or groups that do not divide them;
    /// [`Error::TooLarge`].
    pub fn build<T: Float>(self) -> Result<GroupNorm<T>> {
        let (groups, channels) = (self.num_groups, self.num_channels);
        if groups == 0 || channels == 0 || !channels.is_multiple_of(groups) {
            return Err(Error::value(
                "group_norm",
                format!("{groups} groups do not divide {channels} channels"),
            ));
        }
        let [weight, bias] = affine(&[channels], self.affine, self.bias)?;
        Ok(GroupNorm {
            weight,
            bias,
            num_groups: groups,
            num_channels: channels,
            eps: self.eps,
        })
    }
}

visit!(GroupNorm<T> { weight, bias });

impl<T: Float> Module<T> for GroupNorm<T> {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        let tape = input.tape();
        let parameter = |p: &Option<Parameter<T>>| p.as_ref().map(|p| tape.parameter(p));
        let (weight, bias) = (parameter(&self.weight), parameter(&self.bias));
        input.group_norm(self.num_groups, weight.as_ref(), bias.as_ref(), self.eps)
    }
}

impl<T: Float> fmt::Display for GroupNorm<T> {
    /// As PyTorch.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "GroupNorm({}, {}, eps={}, affine={}, bias={})",
            self.num_groups,
            self.num_channels,
            python(self.eps),
            truth(self.weight.is_some()),
            truth(self.bias.is_some()),
        )
    }
}
