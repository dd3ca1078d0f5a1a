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
    relu: bool,
}

/// The options of [`Linear`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct LinearBuilder {
    in_features: usize,
    out_features: usize,
    bias: bool,
    relu: bool,
}

impl Linear {
    /// A layer from `in_features` to `out_features` numbers, with a bias.
    pub fn builder(in_features: usize, out_features: usize) -> LinearBuilder {
        LinearBuilder {
            in_features,
            out_features,
            bias: true,
            relu: false,
        }
    }
}

impl<T: Float> Linear<T> {
    /// Whether the result is rectified.
    #[must_use]
    pub fn has_relu(&self) -> bool {
        self.relu
    }
}

impl LinearBuilder {
    /// Whether there is a bias.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Rectifies the result as it is stored: the layer followed by a
    /// [`Relu`](crate::Relu), without room for what is between them. Names and
    /// initial weights are those of the layer without it.
    pub fn relu(mut self) -> Self {
        self.relu = true;
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
        Ok(Linear {
            weight,
            bias,
            relu: self.relu,
        })
    }
}

visit!(Linear<T> { weight, bias });

impl<T: Float> Module<T> for Linear<T> {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        let tape = input.tape();
        let bias = self.bias.as_ref().map(|bias| tape.parameter(bias));
        let weight = tape.parameter(&self.weight);
        if self.relu {
            input.linear_relu(&weight, bias.as_ref())
        } else {
            input.linear(&weight, bias.as_ref())
        }
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
            "Linear(in_features={in_features}, out_features={out_features}, bias={bias}"
        )?;
        if self.relu {
            write!(f, ", relu=True")?;
        }
        write!(f, ")")
    }
}

#[cfg(test)]
mod tests {
    use autograd::Tape;
    use tensor::{Tensor, random::Generator};

    use super::*;
    use crate::{Conv2d, Flatten, Relu, Sequential, module::Visit};

    /// The builder's `relu` against a layer of its own: same weights, same
    /// result, same names, and the text says so.
    #[test]
    fn a_rectified_layer_is_the_layer_and_relu() {
        let rng = || Generator::new(3);
        let conv = Conv2d::builder(2, 3, 3).padding(1);
        let fused: Sequential = Sequential::new()
            .add(conv.relu().build(&mut rng()).unwrap())
            .add(Flatten::new())
            .add(Linear::builder(3 * 16, 5).relu().build(&mut rng()).unwrap());
        let plain: Sequential = Sequential::new()
            .add(conv.build(&mut rng()).unwrap())
            .add(Relu)
            .add(Flatten::new())
            .add(Linear::builder(3 * 16, 5).build(&mut rng()).unwrap())
            .add(Relu);
        let x = Tensor::randn([2, 2, 4, 4], &mut rng()).unwrap();
        let run = |model: &Sequential| {
            let tape = Tape::new();
            let y = model.forward(&tape.constant(x.clone())).unwrap();
            (y.value().clone(), tape.to_string())
        };
        assert!(run(&fused).0.all_close(&run(&plain).0, 1e-6, 1e-6));
        assert!(run(&fused).0.iter().any(|&y| y == 0.0));
        assert_eq!(run(&fused).1, run(&plain).1);
        let names: Vec<_> = fused
            .named_parameters()
            .into_iter()
            .map(|(n, _)| n)
            .collect();
        assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias"]);
        let text = fused.to_string();
        assert!(text.contains("padding=(1, 1), relu=True)"), "{text}");
        assert!(text.contains("bias=True, relu=True)"), "{text}");
    }
}
