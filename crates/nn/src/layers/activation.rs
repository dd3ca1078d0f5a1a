//! Non-linearities without parameters. Each is the operation of its name on
//! [`Var`](autograd::Var), as a layer; what PyTorch gives a default has it in
//! `default()`. (Slopes that are learned: `prelu.rs`; the softmax family:
//! `softmax.rs`.)

use std::fmt;

use autograd::Var;
use tensor::{Approximate, Error, Float, Result};

use super::without_parameters;
use crate::module::Module;

macro_rules! activation {
    ($(#[$doc:meta])* $layer:ident, $printed:literal, $op:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $layer;

        without_parameters!($layer);

        impl<T: Float> Module<T> for $layer {
            fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
                input.$op()
            }
        }

        impl fmt::Display for $layer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($printed)
            }
        }
    };
    // With numbers: their names, what they are, and their defaults.
    (
        $(#[$doc:meta])*
        $layer:ident { $($(#[$about:meta])* $number:ident = $default:literal),+ }, $printed:literal, $op:ident
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $layer {
            $($(#[$about])* pub $number: f64),+
        }

        impl $layer {
            /// The layer with these numbers.
            #[must_use]
            pub fn new($($number: f64),+) -> Self {
                Self { $($number),+ }
            }
        }

        impl Default for $layer {
            fn default() -> Self {
                Self { $($number: $default),+ }
            }
        }

        without_parameters!($layer);

        impl<T: Float> Module<T> for $layer {
            fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
                input.$op($(T::of(self.$number)),+)
            }
        }

        impl fmt::Display for $layer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let numbers = [$(format!("{}={:?}", stringify!($number), self.$number)),+];
                write!(f, "{}({})", $printed, numbers.join(", "))
            }
        }
    };
}

activation! {
    /// max(x, 0), with the gradient 0 at 0: `torch.nn.ReLU`.
    Relu, "ReLU()", relu
}
activation! {
    /// min(max(x, 0), 6), with the gradient 0 at 0 and at 6: `torch.nn.ReLU6`.
    Relu6, "ReLU6()", relu6
}
activation! {
    /// x above 0, `negative_slope` · x below: `torch.nn.LeakyReLU`.
    ///
    /// ```
    /// use autograd::Tape;
    /// use tensor::Tensor;
    /// use wengert_nn::{LeakyRelu, Module};
    ///
    /// let x = Tape::inference().constant(Tensor::from([-4.0, 2.0]));
    /// assert_eq!(LeakyRelu::new(0.25).forward(&x)?.value().to_vec(), [-1.0, 2.0]);
    /// assert_eq!(LeakyRelu::default().to_string(), "LeakyReLU(negative_slope=0.01)");
    /// # Ok::<(), tensor::Error>(())
    /// ```
    LeakyRelu {
        /// The slope below 0, and at 0.
        negative_slope = 0.01
    }, "LeakyReLU", leaky_relu
}
activation! {
    /// x, and alpha · (eˣ − 1) below 0: `torch.nn.ELU`.
    Elu {
        /// How far below 0 it goes.
        alpha = 1.0
    }, "ELU", elu
}
activation! {
    /// The self-normalising [`Elu`]: `torch.nn.SELU`.
    Selu, "SELU()", selu
}
activation! {
    /// x, and alpha · (e^(x / alpha) − 1) below 0: `torch.nn.CELU`.
    Celu {
        /// How far below 0 it goes; not 0, which `forward` refuses.
        alpha = 1.0
    }, "CELU", celu
}
activation! {
    /// x · σ(x), also called swish: `torch.nn.SiLU`.
    Silu, "SiLU()", silu
}
activation! {
    /// x · tanh(log(1 + eˣ)): `torch.nn.Mish`.
    Mish, "Mish()", mish
}
activation! {
    /// x · min(max(x + 3, 0), 6) / 6: `torch.nn.Hardswish`.
    Hardswish, "Hardswish()", hardswish
}
activation! {
    /// min(max(x + 3, 0), 6) / 6: `torch.nn.Hardsigmoid`.
    Hardsigmoid, "Hardsigmoid()", hardsigmoid
}
activation! {
    /// 1 / (1 + e⁻ˣ): `torch.nn.Sigmoid`.
    Sigmoid, "Sigmoid()", sigmoid
}
activation! {
    /// The logarithm of [`Sigmoid`], finite where that would be 0:
    /// `torch.nn.LogSigmoid`.
    LogSigmoid, "LogSigmoid()", logsigmoid
}
activation! {
    /// log(1 + e^(beta · x)) / beta, x itself where beta · x > threshold:
    /// `torch.nn.Softplus`.
    Softplus {
        /// How sharply it bends.
        beta = 1.0,
        /// Where it is straight.
        threshold = 20.0
    }, "Softplus", softplus
}
activation! {
    /// x / (1 + |x|): `torch.nn.Softsign`.
    Softsign, "Softsign()", softsign
}
activation! {
    /// The hyperbolic tangent: `torch.nn.Tanh`.
    Tanh, "Tanh()", tanh
}

/// x, but no less than one limit and no more than another, with the gradient 0 at
/// both: `torch.nn.Hardtanh`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hardtanh {
    min_val: f64,
    max_val: f64,
}

impl Hardtanh {
    /// The layer with these limits; by `default()` −1 and 1.
    ///
    /// # Errors
    /// [`Error::Value`] unless the first is less than the second.
    pub fn new(min_val: f64, max_val: f64) -> Result<Self> {
        if min_val < max_val {
            return Ok(Self { min_val, max_val });
        }
        Err(Error::value(
            "hardtanh",
            format!("min must be less than max, got {min_val} and {max_val}"),
        ))
    }

    /// The lower and the upper limit.
    #[must_use]
    pub fn limits(&self) -> [f64; 2] {
        [self.min_val, self.max_val]
    }
}

impl Default for Hardtanh {
    fn default() -> Self {
        Self {
            min_val: -1.0,
            max_val: 1.0,
        }
    }
}

impl<T: Float> Module<T> for Hardtanh {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        input.hardtanh(T::of(self.min_val), T::of(self.max_val))
    }
}

impl fmt::Display for Hardtanh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [min, max] = self.limits();
        write!(f, "Hardtanh(min_val={min:?}, max_val={max:?})")
    }
}

/// x · Φ(x), Φ the normal distribution, or an approximation: `torch.nn.GELU`.
///
/// ```
/// use wengert_nn::Gelu;
///
/// let gelu = Gelu { approximate: tensor::Approximate::Tanh };
/// assert_eq!(gelu.to_string(), "GELU(approximate='tanh')");
/// assert_eq!(Gelu::default().to_string(), "GELU(approximate='none')");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gelu {
    /// Whether it is the approximation.
    pub approximate: Approximate,
}

impl<T: Float> Module<T> for Gelu {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        input.gelu(self.approximate)
    }
}

impl fmt::Display for Gelu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let approximate = match self.approximate {
            Approximate::None => "none",
            Approximate::Tanh => "tanh",
        };
        write!(f, "GELU(approximate='{approximate}')")
    }
}

/// What goes in, comes out: `torch.nn.Identity`. For the place of a layer that is
/// left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity;

impl<T: Float> Module<T> for Identity {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        Ok(input.clone())
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity()")
    }
}

without_parameters!(Hardtanh, Gelu, Identity);
