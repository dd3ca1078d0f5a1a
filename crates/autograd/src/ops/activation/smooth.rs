//! Activations without a kink, or with one that an exponential leads away from.

use tensor::{Approximate, Float, Result, Tensor};

use super::curved;
use crate::var::Var;

/// s · (1 − s), the slope of a logistic function with the value s.
fn logistic_slope<T: Float>(s: &Var<T>) -> Result<Var<T>> {
    s.mul(&s.neg()?.add_scalar(T::ONE)?)
}

/// factor · e^(rate · x) where x < 0, and 0 elsewhere: PyTorch's kink is the
/// negative side's in its slope and straight in its bend.
fn below<T: Float>(x: &Var<T>, factor: T, rate: T) -> Result<Var<T>> {
    let elsewhere = x.value().lt_scalar(T::ZERO).not();
    // Twice, so that an exponential that overflows is no factor of its gradient.
    let power = x
        .masked_fill(&elsewhere, T::ZERO)?
        .mul_scalar(rate)?
        .exp()?;
    power.mul_scalar(factor)?.masked_fill(&elsewhere, T::ZERO)
}

impl<T: Float> Var<T> {
    /// x, and alpha · (eˣ − 1) below 0: `torch.nn.functional.elu`, whose alpha is
    /// 1 if not given. The gradient at 0 is that of the negative side, alpha.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([-800.0, 0.0, 2.0]));
    /// let y = x.elu(0.5)?;
    /// assert_eq!(y.value(), &Tensor::from([-0.5, 0.0, 2.0]));
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([0.0, 0.5, 1.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn elu(&self, alpha: T) -> Result<Self> {
        let slope = move |x: &Tensor<T>, g| x.elu_backward(g, alpha);
        let bend = move |x: &Self| below(x, alpha, T::ONE);
        let value = self.value().elu(alpha);
        curved(["elu", "elu_backward"], self, value, slope, bend)
    }

    /// scale · [`elu`](Self::elu) with the constants that keep a mean of 0 and a
    /// variance of 1: `torch.nn.functional.selu`. The gradient at 0 is that of the
    /// negative side.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn selu(&self) -> Result<Self> {
        let [alpha, scale] = tensor::SELU.map(T::of);
        let bend = move |x: &Self| below(x, scale * alpha, T::ONE);
        let value = self.value().selu();
        let names = ["selu", "selu_backward"];
        curved(names, self, value, Tensor::selu_backward, bend)
    }

    /// x, and alpha · (e^(x / alpha) − 1) below 0: `torch.nn.functional.celu`,
    /// whose alpha is 1 if not given.
    ///
    /// # Errors
    /// If alpha is 0; as [`Var::record`].
    pub fn celu(&self, alpha: T) -> Result<Self> {
        let value = self.value().celu(alpha)?;
        let slope = move |x: &Tensor<T>, g| x.celu_backward(g, alpha);
        // As in the slope, PyTorch rounds this alpha to f32.
        let rate = T::of(1.0 / f64::from(alpha.as_f64() as f32));
        let bend = move |x: &Self| below(x, alpha * rate * rate, rate);
        curved(["celu", "celu_backward"], self, value, slope, bend)
    }

    /// x · Φ(x), Φ the normal distribution, or with [`Approximate::Tanh`] an
    /// approximation: [`Tensor::gelu`](tensor::Tensor::gelu),
    /// `torch.nn.functional.gelu`.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn gelu(&self, approximate: Approximate) -> Result<Self> {
        let value = self.value().gelu(approximate);
        let slope = move |x: &Tensor<T>, g| x.gelu_backward(g, approximate);
        let bend = move |x: &Self| match approximate {
            Approximate::None => x.gelu_bend(),
            Approximate::Tanh => x.gelu_tanh_bend(),
        };
        curved(["gelu", "gelu_backward"], self, value, slope, bend)
    }

    /// φ(x) · (2 − x²).
    fn gelu_bend(&self) -> Result<Self> {
        let square = self.square()?;
        let half = T::of(0.5);
        let factor = half * T::FRAC_2_SQRT_PI() * T::FRAC_1_SQRT_2();
        let density = square.mul_scalar(-half)?.exp()?.mul_scalar(factor)?;
        density.mul(&square.neg()?.add_scalar(T::of(2.0))?)
    }

    /// With s = σ(u): s′ (2 u′ + x (u″ + (1 − 2s) u′²)), s′ = s (1 − s).
    fn gelu_tanh_bend(&self) -> Result<Self> {
        let two = T::of(2.0);
        let factor = two * T::FRAC_2_SQRT_PI() * T::FRAC_1_SQRT_2();
        let cube = factor * T::of(0.044_715);
        let square = self.square()?;
        let u = square.mul_scalar(cube)?.add_scalar(factor)?.mul(self)?;
        let u1 = square.mul_scalar(T::of(3.0) * cube)?.add_scalar(factor)?;
        let u2 = self.mul_scalar(T::of(6.0) * cube)?;
        let s = u.sigmoid()?;
        let turn = s.mul_scalar(-two)?.add_scalar(T::ONE)?;
        let inner = turn.mul(&u1.square()?)?.add(&u2)?.mul(self)?;
        logistic_slope(&s)?.mul(&u1.mul_scalar(two)?.add(&inner)?)
    }

    /// x · σ(x), also called swish: `torch.nn.functional.silu`.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([-800.0, 0.0, 800.0]));
    /// let grads = x.silu()?.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([0.0, 0.5, 1.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn silu(&self) -> Result<Self> {
        // σ′ (2 + x (1 − 2σ))
        let bend = |x: &Self| {
            let s = x.sigmoid()?;
            let turn = s.mul_scalar(T::of(-2.0))?.add_scalar(T::ONE)?;
            logistic_slope(&s)?.mul(&x.mul(&turn)?.add_scalar(T::of(2.0))?)
        };
        let value = self.value().silu();
        let names = ["silu", "silu_backward"];
        curved(names, self, value, Tensor::silu_backward, bend)
    }

    /// x · tanh(log(1 + eˣ)): `torch.nn.functional.mish`.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn mish(&self) -> Result<Self> {
        // With t the hyperbolic tangent and t′ = (1 − t²) σ its slope:
        // t′ (2 + x (1 − σ − 2 t σ))
        let bend = |x: &Self| {
            let s = x.sigmoid()?;
            let t = x.softplus(T::ONE, T::of(20.0))?.tanh()?;
            let t1 = t.square()?.neg()?.add_scalar(T::ONE)?.mul(&s)?;
            let turn = t.mul_scalar(T::of(2.0))?.add_scalar(T::ONE)?.mul(&s)?;
            let inner = x.mul(&turn.neg()?.add_scalar(T::ONE)?)?;
            t1.mul(&inner.add_scalar(T::of(2.0))?)
        };
        let value = self.value().mish();
        let names = ["mish", "mish_backward"];
        curved(names, self, value, Tensor::mish_backward, bend)
    }

    /// log(1 + e^(beta · x)) / beta, x itself where beta · x > threshold:
    /// `torch.nn.functional.softplus`, whose beta and threshold are 1 and 20 if not
    /// given. The slope where beta · x is the threshold is that of the curve, but
    /// counts as one that does not change, as in PyTorch.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn softplus(&self, beta: T, threshold: T) -> Result<Self> {
        let slope = move |x: &Tensor<T>, g| x.softplus_backward(g, beta, threshold);
        // beta · σ′(beta · x)
        let bend = move |x: &Self| {
            let u = x.mul_scalar(beta)?;
            let curved = u
                .value()
                .map(|u| if u < threshold { beta } else { T::ZERO });
            logistic_slope(&u.sigmoid()?)?.mul(&x.constant(curved))
        };
        let value = self.value().softplus(beta, threshold);
        let names = ["softplus", "softplus_backward"];
        curved(names, self, value, slope, bend)
    }

    /// The logarithm of the logistic function, finite where that would round to 0:
    /// `torch.nn.functional.logsigmoid`.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn logsigmoid(&self) -> Result<Self> {
        let bend = |x: &Self| logistic_slope(&x.sigmoid()?)?.neg();
        let value = self.value().logsigmoid();
        let names = ["logsigmoid", "logsigmoid_backward"];
        curved(names, self, value, Tensor::logsigmoid_backward, bend)
    }

    /// The error function, 2/√π · ∫ e^(−t²) dt from 0 to x: `torch.erf`.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn erf(&self) -> Result<Self> {
        // −2x · 2/√π · e^(−x²)
        let bend = |x: &Self| {
            let slope = x.square()?.neg()?.exp()?;
            slope.mul(x)?.mul_scalar(T::of(-2.0) * T::FRAC_2_SQRT_PI())
        };
        let value = self.value().erf();
        let names = ["erf", "erf_backward"];
        curved(names, self, value, Tensor::erf_backward, bend)
    }
}
