//! Activations that are straight lines between kinks, and softsign.

use tensor::{Float, Result, Tensor};

use super::{bent, curved};
use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// min(max(x, 0), 6): `torch.nn.functional.relu6`. The gradient is 0 at 0 and
    /// at 6.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn relu6(&self) -> Result<Self> {
        let value = self.value().relu6();
        let names = ["relu6", "relu6_backward"];
        bent(names, self, value, Tensor::relu6_backward)
    }

    /// x, but no less than `min` and no more than `max`:
    /// `torch.nn.functional.hardtanh`, whose limits are −1 and 1 if not given. The
    /// gradient is 0 at the limits and beyond.
    ///
    /// # Errors
    /// If min > max; as [`Var::record`].
    pub fn hardtanh(&self, min: T, max: T) -> Result<Self> {
        let value = self.value().hardtanh(min, max)?;
        let names = ["hardtanh", "hardtanh_backward"];
        let slope = move |x: &Tensor<T>, g| x.hardtanh_backward(g, min, max);
        bent(names, self, value, slope)
    }

    /// x above 0, slope · x below: `torch.nn.functional.leaky_relu`, whose slope is
    /// 0.01 if not given. The gradient at 0 is that of the negative side.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([-4.0, 0.0, 2.0]));
    /// let y = x.leaky_relu(0.25)?;
    /// assert_eq!(y.value(), &Tensor::from([-1.0, 0.0, 2.0]));
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([0.25, 0.25, 1.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn leaky_relu(&self, slope: T) -> Result<Self> {
        let value = self.value().leaky_relu(slope);
        let names = ["leaky_relu", "leaky_relu_backward"];
        let slope = move |x: &Tensor<T>, g| x.leaky_relu_backward(g, slope);
        bent(names, self, value, slope)
    }

    /// [`leaky_relu`](Self::leaky_relu) with slopes that are learned, one for all or
    /// one for each channel, of axis 1: [`Tensor::prelu`](tensor::Tensor::prelu),
    /// `torch.nn.functional.prelu`.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.constant(Tensor::from([[-4.0, -4.0], [2.0, -6.0]]));
    /// let w = tape.leaf(Tensor::from([0.25, 0.5]));
    /// let y = x.prelu(&w)?;
    /// assert_eq!(y.value(), &Tensor::from([[-1.0, -2.0], [2.0, -3.0]]));
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&w), Some(&Tensor::from([-4.0, -10.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::prelu`](tensor::Tensor::prelu) and [`Var::record`].
    pub fn prelu(&self, weight: &Self) -> Result<Self> {
        let value = self.value().prelu(weight.value())?;
        // As it broadcasts with the input.
        let mut shape = vec![1; self.ndim()];
        if let Some(channels) = shape.get_mut(1) {
            *channels = weight.value().len();
        }
        let weight = weight.reshape_to(shape)?;
        // At 0 the gradient of x is that of the negative side; but as in PyTorch it
        // counts as one that w does not change, and that of w as one that x does not.
        let of_input = self.wanted(|| {
            let (x, slope) = (self.value().clone(), weight.save());
            pull(move |g: &Self| {
                let (above, slope) = (x.gt_scalar(T::ZERO), slope.on(g));
                let below = g.mul(&slope)?;
                if !slope.is_tracked() {
                    return Self::where_(&above, g, &below);
                }
                let at_zero = x.eq_scalar(T::ZERO);
                let below = Self::where_(&at_zero, &g.mul(&slope.detach())?, &below)?;
                Self::where_(&above, g, &below)
            })
        });
        let of_weight = weight.wanted(|| {
            let x = self.save();
            pull(move |g: &Self| {
                let x = x.on(g);
                let not_below = x.value().ge_scalar(T::ZERO);
                g.mul(&x)?.masked_fill(&not_below, T::ZERO)
            })
        });
        let inputs = [(self, of_input), (&weight, of_weight)];
        Self::record_wanted("prelu".into(), value, inputs)
    }

    /// min(max(x + 3, 0), 6) / 6: `torch.nn.functional.hardsigmoid`. The gradient
    /// is 0 at −3 and 3.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn hardsigmoid(&self) -> Result<Self> {
        let value = self.value().hardsigmoid();
        let names = ["hardsigmoid", "hardsigmoid_backward"];
        bent(names, self, value, Tensor::hardsigmoid_backward)
    }

    /// x · [`hardsigmoid`](Self::hardsigmoid)(x): `torch.nn.functional.hardswish`.
    /// The gradient is 0 at −3 and 1 at 3.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn hardswish(&self) -> Result<Self> {
        let bend = |x: &Self| {
            let limit = T::of(3.0);
            let inside = |x: T| x > -limit && x < limit;
            let third = |x| if inside(x) { T::ONE / limit } else { T::ZERO };
            Ok(x.constant(x.value().map(third)))
        };
        let names = ["hardswish", "hardswish_backward"];
        let value = self.value().hardswish();
        curved(names, self, value, Tensor::hardswish_backward, bend)
    }

    /// x / (1 + |x|): `torch.nn.functional.softsign`.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn softsign(&self) -> Result<Self> {
        // −2 sign(x) / (1 + |x|)³, plus x − x: 0, but NaN at infinity, as the slope is.
        let bend = |x: &Self| {
            let twice = x.constant(x.value().sign() * T::of(-2.0));
            let sum = x.abs()?.add_scalar(T::ONE)?;
            twice.div(&sum.powi(3)?)?.add(&x.sub(x)?)
        };
        let names = ["softsign", "softsign_backward"];
        let value = self.value().softsign();
        curved(names, self, value, Tensor::softsign_backward, bend)
    }
}
