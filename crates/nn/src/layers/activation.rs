//! Non-linearities without parameters. Each is the operation of its name on
//! [`Var`](autograd::Var), as a layer.

use std::fmt;

use autograd::Var;
use tensor::{Float, Result};

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
}

activation! {
    /// max(x, 0), with the gradient 0 at 0: `torch.nn.ReLU`.
    Relu, "ReLU()", relu
}
activation! {
    /// 1 / (1 + e⁻ˣ): `torch.nn.Sigmoid`.
    Sigmoid, "Sigmoid()", sigmoid
}
activation! {
    /// The hyperbolic tangent: `torch.nn.Tanh`.
    Tanh, "Tanh()", tanh
}
