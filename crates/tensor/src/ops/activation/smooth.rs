//! Activations without a kink, or with one that an exponential leads away from.

use super::curve::Curve;
use super::same_shape;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::loops::CHECKED;
use crate::tensor::Tensor;

/// How [`gelu`](Tensor::gelu) is computed: PyTorch's `approximate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approximate {
    /// By the normal distribution itself.
    #[default]
    None,
    /// By a hyperbolic tangent that is close to it.
    Tanh,
}

impl Approximate {
    fn curve<T>(self) -> Curve<T> {
        match self {
            Self::None => Curve::Gelu,
            Self::Tanh => Curve::GeluTanh,
        }
    }
}

/// The constants alpha and scale of [`selu`](Tensor::selu).
#[doc(hidden)]
pub const SELU: [f64; 2] = [1.673_263_242_354_377_2, 1.050_700_987_355_480_5];

/// Refuses what `celu` would divide by.
fn not_zero<T: Float>(alpha: T) -> Result<()> {
    if alpha == T::ZERO {
        return Err(Error::value("celu", "alpha must not be 0"));
    }
    Ok(())
}

/// 1 / alpha in the gradients of [`celu`](Tensor::celu): PyTorch rounds this alpha
/// to `f32`, whatever the type of the elements.
fn celu_rate<T: Float>(alpha: T) -> T {
    T::of(1.0 / f64::from(alpha.as_f64() as f32))
}

impl<T: Float> Tensor<T> {
    fn curve(&self, curve: Curve<T>) -> Self {
        let mut out = Self::arbitrary_like(self);
        T::curve(CHECKED, curve, self.as_slice(), out.as_mut_slice());
        out
    }

    fn curve_backward(&self, op: &'static str, curve: Curve<T>, mut grad: Self) -> Result<Self> {
        same_shape(op, self, &grad)?;
        T::curve_slope(CHECKED, curve, self.as_slice(), grad.as_mut_slice());
        Ok(grad)
    }

    /// x, and alpha · (eˣ − 1) below 0, the exponential linear unit (Clevert et
    /// al., 2016): `torch.nn.functional.elu`, whose alpha is 1 if not given.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor<f64> = Tensor::from([-800.0, 0.0, 2.0]);
    /// assert_eq!(x.elu(1.0).to_vec(), [-1.0, 0.0, 2.0]);
    /// ```
    #[must_use]
    pub fn elu(&self, alpha: T) -> Self {
        self.curve(Curve::Elu {
            alpha,
            scale: T::ONE,
            input_scale: T::ONE,
        })
    }

    /// scale · [`elu`](Self::elu) with the constants that keep a mean of 0 and a
    /// variance of 1 from layer to layer (Klambauer et al., 2017):
    /// `torch.nn.functional.selu`.
    #[must_use]
    pub fn selu(&self) -> Self {
        let [alpha, scale] = SELU.map(T::of);
        self.curve(Curve::Elu {
            alpha,
            scale,
            input_scale: T::ONE,
        })
    }

    /// x, and alpha · (e^(x / alpha) − 1) below 0, which has no kink for any alpha
    /// (Barron, 2017): `torch.nn.functional.celu`, whose alpha is 1 if not given.
    ///
    /// # Errors
    /// [`Error::Value`] if alpha is 0.
    pub fn celu(&self, alpha: T) -> Result<Self> {
        not_zero(alpha)?;
        Ok(self.curve(Curve::Elu {
            alpha,
            scale: T::ONE,
            input_scale: T::ONE / alpha,
        }))
    }

    /// The gradient of [`elu`](Self::elu): at 0, that of the negative side.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn elu_backward(&self, grad: Self, alpha: T) -> Result<Self> {
        let curve = Curve::Elu {
            alpha,
            scale: T::ONE,
            input_scale: T::ONE,
        };
        self.curve_backward("elu_backward", curve, grad)
    }

    /// The gradient of [`selu`](Self::selu): at 0, that of the negative side.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn selu_backward(&self, grad: Self) -> Result<Self> {
        let [alpha, scale] = SELU.map(T::of);
        let curve = Curve::Elu {
            alpha,
            scale,
            input_scale: T::ONE,
        };
        self.curve_backward("selu_backward", curve, grad)
    }

    /// The gradient of [`celu`](Self::celu).
    ///
    /// # Errors
    /// [`Error::Value`] if alpha is 0, [`Error::Shape`] if the shapes differ.
    pub fn celu_backward(&self, grad: Self, alpha: T) -> Result<Self> {
        not_zero(alpha)?;
        let curve = Curve::Elu {
            alpha,
            scale: T::ONE,
            input_scale: celu_rate(alpha),
        };
        self.curve_backward("celu_backward", curve, grad)
    }

    /// x · Φ(x), Φ the normal distribution, the Gaussian error linear unit
    /// (Hendrycks and Gimpel, 2016); with [`Approximate::Tanh`] by
    /// ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))): `torch.nn.functional.gelu`.
    ///
    /// ```
    /// use wengert_tensor::{Approximate, Tensor};
    ///
    /// let x: Tensor<f64> = Tensor::from([-800.0, 0.0, 1.0, 800.0]);
    /// let y = x.gelu(Approximate::None);
    /// assert!(y.all_close(&Tensor::from([0.0, 0.0, 0.841_344_746, 800.0]), 1e-9, 0.0));
    /// let near = x.gelu(Approximate::Tanh);
    /// assert!(near.all_close(&y, 0.0, 2e-4));
    /// ```
    #[must_use]
    pub fn gelu(&self, approximate: Approximate) -> Self {
        self.curve(approximate.curve())
    }

    /// The gradient of [`gelu`](Self::gelu).
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn gelu_backward(&self, grad: Self, approximate: Approximate) -> Result<Self> {
        self.curve_backward("gelu_backward", approximate.curve(), grad)
    }

    /// x · σ(x), σ the logistic function, the sigmoid linear unit, also called
    /// swish: `torch.nn.functional.silu`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor<f64> = Tensor::from([-800.0, 0.0, 800.0]);
    /// assert_eq!(x.silu().to_vec(), [0.0, 0.0, 800.0]);
    /// ```
    #[must_use]
    pub fn silu(&self) -> Self {
        self.curve(Curve::Silu)
    }

    /// The gradient of [`silu`](Self::silu).
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn silu_backward(&self, grad: Self) -> Result<Self> {
        self.curve_backward("silu_backward", Curve::Silu, grad)
    }

    /// x · tanh(log(1 + eˣ)) (Misra, 2019): `torch.nn.functional.mish`.
    #[must_use]
    pub fn mish(&self) -> Self {
        self.curve(Curve::Mish)
    }

    /// The gradient of [`mish`](Self::mish).
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn mish_backward(&self, grad: Self) -> Result<Self> {
        self.curve_backward("mish_backward", Curve::Mish, grad)
    }

    /// log(1 + e^(beta · x)) / beta, a smooth ReLU; x itself where beta · x >
    /// threshold: `torch.nn.functional.softplus`, whose beta and threshold are 1
    /// and 20 if not given. Nothing overflows, whatever the threshold.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([-800.0, 0.0, 800.0]);
    /// assert_eq!(x.softplus(1.0, 20.0).to_vec(), [0.0, 2f64.ln(), 800.0]);
    /// ```
    #[must_use]
    pub fn softplus(&self, beta: T, threshold: T) -> Self {
        self.curve(Curve::Softplus { beta, threshold })
    }

    /// The gradient of [`softplus`](Self::softplus).
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn softplus_backward(&self, grad: Self, beta: T, threshold: T) -> Result<Self> {
        self.curve_backward(
            "softplus_backward",
            Curve::Softplus { beta, threshold },
            grad,
        )
    }

    /// The logarithm of the logistic function, log(1 / (1 + e⁻ˣ)), finite where
    /// that would round to 0: `torch.nn.functional.logsigmoid`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([-800.0, 0.0, 800.0]);
    /// assert_eq!(x.logsigmoid().to_vec(), [-800.0, -2f64.ln(), 0.0]);
    /// ```
    #[must_use]
    pub fn logsigmoid(&self) -> Self {
        self.curve(Curve::LogSigmoid)
    }

    /// The gradient of [`logsigmoid`](Self::logsigmoid).
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn logsigmoid_backward(&self, grad: Self) -> Result<Self> {
        self.curve_backward("logsigmoid_backward", Curve::LogSigmoid, grad)
    }

    /// The error function, 2/√π · ∫ e^(−t²) dt from 0 to x: `torch.erf`. It is off
    /// by no more than 2.5 units of the last place.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let y = Tensor::from([-800.0, 0.0, 1.0]).erf();
    /// assert!(y.all_close(&Tensor::from([-1.0, 0.0, 0.842_700_792_949_714_9]), 1e-15, 0.0));
    /// ```
    #[must_use]
    pub fn erf(&self) -> Self {
        self.curve(Curve::Erf)
    }

    /// The gradient of [`erf`](Self::erf).
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn erf_backward(&self, grad: Self) -> Result<Self> {
        self.curve_backward("erf_backward", Curve::Erf, grad)
    }
}
