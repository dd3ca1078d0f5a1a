//! Activations that are straight lines between kinks, and softsign, a quotient.

use super::changed;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::elementwise::{larger, map, smaller, zip};
use crate::tensor::Tensor;

/// 0 outside of the limits and at them; a gradient at NaN passes.
#[inline]
fn within<T: Float>(g: &mut T, x: T, min: T, max: T) {
    if x <= min || x >= max {
        *g = T::ZERO;
    }
}

/// x + 3 between 0 and 6: six times hardsigmoid.
#[inline]
fn ramp<T: Float>(x: T) -> T {
    smaller(larger(x + T::of(3.0), T::ZERO), T::of(6.0))
}

/// # Errors
/// [`Error::Value`] for limits the wrong way round.
fn ordered<T: Float>(op: &'static str, min: T, max: T) -> Result<()> {
    if min > max {
        return Err(Error::value(
            op,
            format!(
                "min must not be greater than max, got {} and {}",
                min.as_f64(),
                max.as_f64()
            ),
        ));
    }
    Ok(())
}

impl<T: Float> Tensor<T> {
    /// x, but no less than `min` and no more than `max`:
    /// `torch.nn.functional.hardtanh`, whose limits are −1 and 1 if not given.
    ///
    /// # Errors
    /// [`Error::Value`] if min > max. ([`clamp`](Self::clamp) takes them.)
    pub fn hardtanh(&self, min: T, max: T) -> Result<Self> {
        ordered("hardtanh", min, max)?;
        Ok(self.clamp(min, max))
    }

    /// The gradient of [`hardtanh`](Self::hardtanh): 0 at the limits and outside.
    ///
    /// # Errors
    /// [`Error::Value`] if min > max, [`Error::Shape`] if the shapes differ.
    pub fn hardtanh_backward(&self, grad: Self, min: T, max: T) -> Result<Self> {
        const OP: &str = "hardtanh_backward";
        ordered(OP, min, max)?;
        changed(OP, self, grad, |g, x| within(g, x, min, max))
    }

    /// min(max(x, 0), 6): `torch.nn.functional.relu6`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor = Tensor::from([-1.0, 2.0, 9.0]);
    /// assert_eq!(x.relu6().to_vec(), [0.0, 2.0, 6.0]);
    /// ```
    #[must_use]
    pub fn relu6(&self) -> Self {
        self.clamp(T::ZERO, T::of(6.0))
    }

    /// The gradient of [`relu6`](Self::relu6): 0 at 0 and at 6.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn relu6_backward(&self, grad: Self) -> Result<Self> {
        changed("relu6_backward", self, grad, |g, x| {
            within(g, x, T::ZERO, T::of(6.0));
        })
    }

    /// x above 0, slope · x below: `torch.nn.functional.leaky_relu`, whose slope is
    /// 0.01 if not given.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor = Tensor::from([-4.0, 0.0, 2.0]);
    /// assert_eq!(x.leaky_relu(0.25).to_vec(), [-1.0, 0.0, 2.0]);
    /// ```
    #[must_use]
    pub fn leaky_relu(&self, slope: T) -> Self {
        map(self, |x| if x > T::ZERO { x } else { x * slope })
    }

    /// The gradient of [`leaky_relu`](Self::leaky_relu): at 0, that of the
    /// negative side.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn leaky_relu_backward(&self, grad: Self, slope: T) -> Result<Self> {
        changed("leaky_relu_backward", self, grad, |g, x| {
            *g = if x > T::ZERO { *g } else { *g * slope };
        })
    }

    /// [`leaky_relu`](Self::leaky_relu) with slopes that are learned, one for all or
    /// one for each channel, of axis 1 (He et al., 2015):
    /// `torch.nn.functional.prelu`.
    ///
    /// | | shape |
    /// |---|---|
    /// | input | any; with several slopes `[N, C, …]` |
    /// | `weight` | `[]`, `[1]` or `[C]` |
    /// | output | the input's |
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor = Tensor::from([[-4.0, -4.0], [2.0, 2.0]]);
    /// let y = x.prelu(&Tensor::from([0.25, 0.5]))?;
    /// assert_eq!(y.to_vec(), [-1.0, -2.0, 2.0, 2.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the weight has two axes, or several elements and not as
    /// many as the input has channels.
    pub fn prelu(&self, weight: &Self) -> Result<Self> {
        const OP: &str = "prelu";
        let refuse = |what: String| {
            let shapes = format!("input {:?}, weight {:?}", self.shape(), weight.shape());
            Err(Error::shape(OP, format!("{what} ({shapes})")))
        };
        if weight.ndim() > 1 {
            return refuse("the weight must have at most one axis".to_owned());
        }
        let channels = self.shape().get(1).copied();
        if weight.len() != 1 && channels != Some(weight.len()) {
            return refuse(format!(
                "the weight has {} elements, the input {} channels",
                weight.len(),
                channels.unwrap_or(1)
            ));
        }
        let mut shape = vec![1; self.ndim()];
        if let Some(channels) = shape.get_mut(1) {
            *channels = weight.len();
        }
        zip(OP, self, &weight.with_shape(&shape), |x, slope| {
            if x > T::ZERO { x } else { x * slope }
        })
    }

    /// min(max(x + 3, 0), 6) / 6, a logistic function of straight lines:
    /// `torch.nn.functional.hardsigmoid`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor = Tensor::from([-4.0, 0.0, 1.5, 4.0]);
    /// assert_eq!(x.hardsigmoid().to_vec(), [0.0, 0.5, 0.75, 1.0]);
    /// ```
    #[must_use]
    pub fn hardsigmoid(&self) -> Self {
        map(self, |x| ramp(x) / T::of(6.0))
    }

    /// The gradient of [`hardsigmoid`](Self::hardsigmoid): 0 at −3 and 3, and at NaN.
    /// Between, it is the sixth that an `f32` can hold, in `f64` too: PyTorch's.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn hardsigmoid_backward(&self, grad: Self) -> Result<Self> {
        let (limit, sixth) = (T::of(3.0), T::of(f64::from(1.0f32 / 6.0)));
        changed("hardsigmoid_backward", self, grad, |g, x| {
            let inside = x > -limit && x < limit;
            *g = if inside { *g * sixth } else { T::ZERO };
        })
    }

    /// x · [`hardsigmoid`](Self::hardsigmoid)(x) (Howard et al., 2019):
    /// `torch.nn.functional.hardswish`.
    #[must_use]
    pub fn hardswish(&self) -> Self {
        map(self, |x| x * ramp(x) / T::of(6.0))
    }

    /// The gradient of [`hardswish`](Self::hardswish): 0 at −3, 1 at 3.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn hardswish_backward(&self, grad: Self) -> Result<Self> {
        let limit = T::of(3.0);
        changed("hardswish_backward", self, grad, |g, x| {
            let between = *g * (x / limit + T::of(0.5));
            *g = if x <= -limit {
                T::ZERO
            } else if x < limit {
                between
            } else {
                *g
            };
        })
    }

    /// x / (1 + |x|): `torch.nn.functional.softsign`.
    #[must_use]
    pub fn softsign(&self) -> Self {
        map(self, |x| x / (T::ONE + x.magnitude()))
    }

    /// The gradient of [`softsign`](Self::softsign), NaN at infinity as the value
    /// is.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn softsign_backward(&self, grad: Self) -> Result<Self> {
        changed("softsign_backward", self, grad, |g, x| {
            let sum = T::ONE + x.magnitude();
            // 0, or NaN at infinity.
            *g = *g / sum / sum + x * T::ZERO;
        })
    }
}
