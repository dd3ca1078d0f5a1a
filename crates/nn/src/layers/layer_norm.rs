//! Layer normalisation (Ba et al., 2016) and its simpler sister without a mean (Zhang
//! and Sennrich, 2019).

use std::fmt;

use autograd::{Parameter, Var};
use tensor::{Error, Float, Result};

use super::batch_norm::affine;
use super::{python, truth, tuple};
use crate::module::Module;
use crate::visit;

/// Brings each row of the last axes to mean 0 and variance 1, then scales and shifts
/// each of its elements by what is learned: `torch.nn.LayerNorm`.
///
/// | | shape |
/// |---|---|
/// | input | `[…, normalized_shape]` |
/// | `weight`, `bias` | `normalized_shape` |
/// | output | as the input |
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::{LayerNorm, Module};
///
/// let norm = LayerNorm::builder([3, 5, 5]).build()?;
/// let x = Tape::new().constant(Tensor::<f32>::ones([2, 3, 5, 5])?);
/// assert_eq!(norm.forward(&x)?.shape(), [2, 3, 5, 5]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LayerNorm<T: Float = f32> {
    /// `normalized_shape`.
    pub weight: Option<Parameter<T>>,
    /// `normalized_shape`.
    pub bias: Option<Parameter<T>>,
    normalized_shape: Vec<usize>,
    eps: f64,
}

/// The options of [`LayerNorm`]; what is not set is PyTorch's default.
#[derive(Clone, Debug)]
#[must_use]
pub struct LayerNormBuilder {
    normalized_shape: Vec<usize>,
    eps: f64,
    elementwise_affine: bool,
    bias: bool,
}

impl LayerNorm {
    /// A layer over last axes of these sizes: eps 1e-5, with weight and bias.
    pub fn builder(normalized_shape: impl AsRef<[usize]>) -> LayerNormBuilder {
        LayerNormBuilder {
            normalized_shape: normalized_shape.as_ref().to_vec(),
            eps: 1e-5,
            elementwise_affine: true,
            bias: true,
        }
    }
}

impl LayerNormBuilder {
    /// What is added to the variance.
    pub fn eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// Whether there are weight and bias.
    pub fn elementwise_affine(mut self, affine: bool) -> Self {
        self.elementwise_affine = affine;
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
    /// [`Error::Value`] if no axis is named; [`Error::TooLarge`].
    pub fn build<T: Float>(self) -> Result<LayerNorm<T>> {
        check_shape("layer_norm", &self.normalized_shape)?;
        let [weight, bias] = affine(&self.normalized_shape, self.elementwise_affine, self.bias)?;
        Ok(LayerNorm {
            weight,
            bias,
            normalized_shape: self.normalized_shape,
            eps: self.eps,
        })
    }
}

fn check_shape(op: &'static str, shape: &[usize]) -> Result<()> {
    if shape.is_empty() {
        return Err(Error::value(
            op,
            "the normalised shape must name at least one axis",
        ));
    }
    Ok(())
}

visit!(LayerNorm<T> { weight, bias });

impl<T: Float> Module<T> for LayerNorm<T> {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        let tape = input.tape();
        let parameter = |p: &Option<Parameter<T>>| p.as_ref().map(|p| tape.parameter(p));
        let (weight, bias) = (parameter(&self.weight), parameter(&self.bias));
        input.layer_norm(
            &self.normalized_shape,
            weight.as_ref(),
            bias.as_ref(),
            self.eps,
        )
    }
}

impl<T: Float> fmt::Display for LayerNorm<T> {
    /// As PyTorch.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "LayerNorm({}, eps={}, elementwise_affine={}, bias={})",
            tuple(&self.normalized_shape),
            python(self.eps),
            truth(self.weight.is_some()),
            truth(self.bias.is_some()),
        )
    }
}

/// Divides each row of the last axes by the root of its mean square, then scales each
/// of its elements by what is learned: `torch.nn.RMSNorm`.
///
/// | | shape |
/// |---|---|
/// | input | `[…, normalized_shape]` |
/// | `weight` | `normalized_shape` |
/// | output | as the input |
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::{Module, RmsNorm};
///
/// let norm = RmsNorm::builder([4]).build()?;
/// let x = Tape::new().constant(Tensor::<f32>::full([2, 4], -3.0)?);
/// assert!(norm.forward(&x)?.value().all_close(&Tensor::full([2, 4], -1.0)?, 1e-6, 0.0));
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RmsNorm<T: Float = f32> {
    /// `normalized_shape`.
    pub weight: Option<Parameter<T>>,
    normalized_shape: Vec<usize>,
    eps: Option<f64>,
}

/// The options of [`RmsNorm`]; what is not set is PyTorch's default.
#[derive(Clone, Debug)]
#[must_use]
pub struct RmsNormBuilder {
    normalized_shape: Vec<usize>,
    eps: Option<f64>,
    elementwise_affine: bool,
}

impl RmsNorm {
    /// A layer over last axes of these sizes: the eps of the element type, with a
    /// weight.
    pub fn builder(normalized_shape: impl AsRef<[usize]>) -> RmsNormBuilder {
        RmsNormBuilder {
            normalized_shape: normalized_shape.as_ref().to_vec(),
            eps: None,
            elementwise_affine: true,
        }
    }
}

impl RmsNormBuilder {
    /// What is added to the mean square; by `None` the distance from 1 to the next
    /// number of the element type.
    pub fn eps(mut self, eps: impl Into<Option<f64>>) -> Self {
        self.eps = eps.into();
        self
    }

    /// Whether there is a weight.
    pub fn elementwise_affine(mut self, affine: bool) -> Self {
        self.elementwise_affine = affine;
        self
    }

    /// The layer: weight 1.
    ///
    /// # Errors
    /// [`Error::Value`] if no axis is named; [`Error::TooLarge`].
    pub fn build<T: Float>(self) -> Result<RmsNorm<T>> {
        check_shape("rms_norm", &self.normalized_shape)?;
        let [weight, _] = affine(&self.normalized_shape, self.elementwise_affine, false)?;
        Ok(RmsNorm {
            weight,
            normalized_shape: self.normalized_shape,
            eps: self.eps,
        })
    }
}

visit!(RmsNorm<T> { weight });

impl<T: Float> Module<T> for RmsNorm<T> {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        let weight = self.weight.as_ref().map(|p| input.tape().parameter(p));
        input.rms_norm(&self.normalized_shape, weight.as_ref(), self.eps)
    }
}

impl<T: Float> fmt::Display for RmsNorm<T> {
    /// As PyTorch.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RMSNorm({}, eps={}, elementwise_affine={})",
            tuple(&self.normalized_shape),
            self.eps.map_or("None".to_owned(), python),
            truth(self.weight.is_some()),
        )
    }
}
