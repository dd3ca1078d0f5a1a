//! The rectifier whose slopes are learned (He et al., 2015).

use std::fmt;

use autograd::{Parameter, Var};
use tensor::{Float, Result, Tensor};

use crate::module::Module;
use crate::visit;

/// x above 0, w · x below, w one number or one for each channel:
/// `torch.nn.PReLU`.
///
/// | | shape |
/// |---|---|
/// | input | any; with several slopes `[N, C, …]` |
/// | `weight` | `[1]` or `[C]` |
/// | output | the input's |
///
/// ```
/// use autograd::Tape;
/// use tensor::Tensor;
/// use wengert_nn::{Module, Prelu};
///
/// let prelu: Prelu = Prelu::new(2, 0.25)?;
/// let x = Tape::inference().constant(Tensor::from([[-4.0, 2.0]]));
/// assert_eq!(prelu.forward(&x)?.value().to_vec(), [-1.0, 2.0]);
/// assert_eq!(prelu.to_string(), "PReLU(num_parameters=2)");
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Prelu<T: Float = f32> {
    /// The slopes below 0, `[num_parameters]`.
    pub weight: Parameter<T>,
}

impl<T: Float> Prelu<T> {
    /// The layer with so many slopes, all `init` at first; by `default()` one of ¼.
    ///
    /// # Errors
    /// [`Error::TooLarge`](tensor::Error::TooLarge).
    pub fn new(num_parameters: usize, init: f64) -> Result<Self> {
        let weight = Tensor::full([num_parameters], T::of(init))?;
        Ok(Self {
            weight: Parameter::new(weight),
        })
    }
}

impl<T: Float> Default for Prelu<T> {
    fn default() -> Self {
        Self {
            weight: Parameter::new(Tensor::from([T::of(0.25)])),
        }
    }
}

visit!(Prelu<T> { weight });

impl<T: Float> Module<T> for Prelu<T> {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        input.prelu(&input.tape().parameter(&self.weight))
    }
}

impl<T: Float> fmt::Display for Prelu<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PReLU(num_parameters={})", self.weight.value().len())
    }
}
