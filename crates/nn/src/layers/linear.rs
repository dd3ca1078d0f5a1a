//! The fully connected layer.

use std::fmt;

use autograd::{Parameter, Var};
use rand::Rng;
use tensor::{Error, Float, Result};

use super::truth;
use crate::init::{default_bias, default_weight};
use crate::module::Module;
use crate::visit;

/// y = x · Wᵀ + b, along the last axis: `torch.nn.Linear`.
///
/// | | shape |
/// |---|---|
/// | input | `[…, in_features]` |
/// | `weight` | `[out_features, in_features]` |
/// | `bias` | `[out_features]` |
/// | output | `[…, out_features]` |
///
/// ```
/// use autograd::Tape;
/// use tensor::{Tensor, random::Generator};
/// use wengert_nn::{Linear, Module};
///
/// let linear: Linear = Linear::builder(20, 30).build(&mut Generator::new(0))?;
/// let x = Tape::inference().constant(Tensor::zeros([128, 20])?);
/// assert_eq!(linear.forward(&x)?.shape(), [128, 30]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Linear<T: Float = f32> {
    /// `[out_features, in_features]`.
    pub weight: Parameter<T>,
    /// `[out_features]`.
    pub bias: Option<Parameter<T>>,
}

/// The options of [`Linear`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct LinearBuilder {
    in_features: usize,
    out_features: usize,
    bias: bool,
}

impl Linear {
    /// A layer from `in_features` to `out_features` numbers, with a bias.
    pub fn builder(in_features: usize, out_features: usize) -> LinearBuilder {
        LinearBuilder {
            in_features,
            out_features,
            bias: true,
        }
    }
}

impl LinearBuilder {
    /// Whether there is a bias.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// The layer, initialised as PyTorch does: weight and bias uniform on
    /// ±1/√in_features.
    ///
    /// # Errors
    /// [`Error::Value`] if there are no features on one side,
    /// [`Error::TooLarge`].
    pub fn build<T: Float, R: Rng + ?Sized>(self, rng: &mut R) -> Result<Linear<T>> {
        const OP: &str = "linear";
        if self.in_features == 0 || self.out_features == 0 {
            return Err(Error::value(
                OP,
                format!(
                    "needs at least one feature on each side, got {} to {}",
                    self.in_features, self.out_features
                ),
            ));
        }
        let shape = [self.out_features, self.in_features];
        let weight = Parameter::new(default_weight(OP, &shape, rng)?);
        let bias = if self.bias {
            Some(Parameter::new(default_bias(&shape, rng)?))
        } else {
            None
        };
        Ok(Linear { weight, bias })
    }
}

visit!(Linear<T> { weight, bias });

impl<T: Float> Module<T> for Linear<T> {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        let tape = input.tape();
        let bias = self.bias.as_ref().map(|bias| tape.parameter(bias));
        input.linear(&tape.parameter(&self.weight), bias.as_ref())
    }
}

impl<T: Float> fmt::Display for Linear<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [out_features, in_features] = self.weight.shape() else {
            return write!(f, "Linear(weight={:?})", self.weight.shape());
        };
        let bias = truth(self.bias.is_some());
        write!(
            f,
            "Linear(in_features={in_features}, out_features={out_features}, bias={bias})"
        )
    }
}
