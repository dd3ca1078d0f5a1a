//! What a parameter is before training: PyTorch's `torch.nn.init`.
//!
//! The scale of a layer's weights decides whether signals survive many layers.
//! Glorot and Bengio (2010, "Xavier") keep the variance of activations and
//! gradients level for symmetric non-linearities; He et al. (2015, "Kaiming")
//! do so for ReLU, which halves it. Both divide by a *fan*: how many inputs an
//! output sees, or how many outputs an input reaches. For a weight
//! `[out, in, kh, kw]` these are `in · kh · kw` and `out · kh · kw`, as PyTorch
//! counts them (`in` is the size of the second axis, so with groups it is the
//! inputs of one group).

use rand::Rng;
use tensor::shape::numel;
use tensor::{Error, Float, Result, Tensor};

/// Fan-in and fan-out of a weight.
///
/// ```
/// assert_eq!(wengert_nn::init::fans(&[16, 6, 5, 5])?, (150, 400));
/// # Ok::<(), tensor::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] for fewer than two axes, [`Error::TooLarge`].
pub fn fans(shape: &[usize]) -> Result<(usize, usize)> {
    fans_of("fans", shape)
}

fn fans_of(op: &'static str, shape: &[usize]) -> Result<(usize, usize)> {
    let [out, inputs, window @ ..] = shape else {
        return Err(Error::shape(
            op,
            format!("a weight has at least two axes, got {shape:?}"),
        ));
    };
    numel::<f64>(op, shape)?;
    let window: usize = window.iter().product();
    Ok((inputs * window, out * window))
}

/// Which fan the variance is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FanMode {
    /// Keeps the variance in the forward pass.
    #[default]
    FanIn,
    /// Keeps the variance in the backward pass.
    FanOut,
}

/// The non-linearity that follows, which decides the gain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nonlinearity {
    /// None, or a convolution: gain 1.
    Linear,
    /// Gain 1.
    Sigmoid,
    /// Gain 5/3.
    Tanh,
    /// Gain √2.
    Relu,
    /// Gain √(2 / (1 + slope²)).
    LeakyRelu(f64),
    /// Gain 3/4.
    Selu,
}

impl Nonlinearity {
    /// The gain: `torch.nn.init.calculate_gain`.
    #[must_use]
    pub fn gain(self) -> f64 {
        match self {
            Self::Linear | Self::Sigmoid => 1.0,
            Self::Tanh => 5.0 / 3.0,
            Self::Relu => 2f64.sqrt(),
            Self::LeakyRelu(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
            Self::Selu => 0.75,
        }
    }
}

/// Uniform on ±gain · √(3 / fan): `torch.nn.init.kaiming_uniform_`.
///
/// # Errors
/// As [`fans`]; [`Error::Value`] if the fan is 0 or the gain is NaN.
pub fn kaiming_uniform<T: Float, R: Rng + ?Sized>(
    shape: impl AsRef<[usize]>,
    mode: FanMode,
    nonlinearity: Nonlinearity,
    rng: &mut R,
) -> Result<Tensor<T>> {
    let bound = 3f64.sqrt() * kaiming_std("kaiming_uniform", shape.as_ref(), mode, nonlinearity)?;
    Tensor::uniform(shape, -bound, bound, rng)
}

/// Normal with deviation gain / √fan: `torch.nn.init.kaiming_normal_`.
///
/// # Errors
/// As [`fans`]; [`Error::Value`] if the fan is 0 or the gain is NaN.
pub fn kaiming_normal<T: Float, R: Rng + ?Sized>(
    shape: impl AsRef<[usize]>,
    mode: FanMode,
    nonlinearity: Nonlinearity,
    rng: &mut R,
) -> Result<Tensor<T>> {
    let std = kaiming_std("kaiming_normal", shape.as_ref(), mode, nonlinearity)?;
    Tensor::normal(shape, 0.0, std, rng)
}

fn kaiming_std(
    op: &'static str,
    shape: &[usize],
    mode: FanMode,
    nonlinearity: Nonlinearity,
) -> Result<f64> {
    let (fan_in, fan_out) = fans_of(op, shape)?;
    let fan = match mode {
        FanMode::FanIn => fan_in,
        FanMode::FanOut => fan_out,
    };
    Ok(gain(op, nonlinearity)? / positive_fan(op, fan, shape)?.sqrt())
}

/// Uniform on ±gain · √(6 / (fan-in + fan-out)): `torch.nn.init.xavier_uniform_`.
///
/// # Errors
/// As [`fans`]; [`Error::Value`] if both fans are 0 or the gain is NaN.
pub fn xavier_uniform<T: Float, R: Rng + ?Sized>(
    shape: impl AsRef<[usize]>,
    nonlinearity: Nonlinearity,
    rng: &mut R,
) -> Result<Tensor<T>> {
    let bound = 3f64.sqrt() * xavier_std("xavier_uniform", shape.as_ref(), nonlinearity)?;
    Tensor::uniform(shape, -bound, bound, rng)
}

/// Normal with deviation gain · √(2 / (fan-in + fan-out)):
/// `torch.nn.init.xavier_normal_`.
///
/// # Errors
/// As [`fans`]; [`Error::Value`] if both fans are 0 or the gain is NaN.
pub fn xavier_normal<T: Float, R: Rng + ?Sized>(
    shape: impl AsRef<[usize]>,
    nonlinearity: Nonlinearity,
    rng: &mut R,
) -> Result<Tensor<T>> {
    let std = xavier_std("xavier_normal", shape.as_ref(), nonlinearity)?;
    Tensor::normal(shape, 0.0, std, rng)
}

fn xavier_std(op: &'static str, shape: &[usize], nonlinearity: Nonlinearity) -> Result<f64> {
    let (fan_in, fan_out) = fans_of(op, shape)?;
    let fans = positive_fan(op, fan_in + fan_out, shape)?;
    Ok(gain(op, nonlinearity)? * (2.0 / fans).sqrt())
}

fn gain(op: &'static str, nonlinearity: Nonlinearity) -> Result<f64> {
    let gain = nonlinearity.gain();
    if gain.is_nan() {
        return Err(Error::value(
            op,
            format!("{nonlinearity:?} has no gain, but NaN"),
        ));
    }
    Ok(gain)
}

fn positive_fan(op: &'static str, fan: usize, shape: &[usize]) -> Result<f64> {
    if fan == 0 {
        return Err(Error::value(
            op,
            format!("a weight of shape {shape:?} has a fan of 0"),
        ));
    }
    Ok(fan as f64)
}

/// The weight of a new Conv2d or Linear: uniform on ±1/√fan-in. (PyTorch writes
/// it as Kaiming uniform with a slope of √5, which is the same.) `op` is the
/// layer.
pub(crate) fn default_weight<T: Float, R: Rng + ?Sized>(
    op: &'static str,
    shape: &[usize],
    rng: &mut R,
) -> Result<Tensor<T>> {
    numel::<T>(op, shape)?;
    // In f64 too, in which fans are counted.
    numel::<f64>(op, shape)?;
    kaiming_uniform(
        shape,
        FanMode::FanIn,
        Nonlinearity::LeakyRelu(5f64.sqrt()),
        rng,
    )
}

/// The bias of a new Conv2d or Linear: uniform on ±1/√fan-in of its weight.
pub(crate) fn default_bias<T: Float, R: Rng + ?Sized>(
    weight: &[usize],
    rng: &mut R,
) -> Result<Tensor<T>> {
    let bound = 1.0 / positive_fan("bias", fans(weight)?.0, weight)?.sqrt();
    Tensor::uniform([weight[0]], -bound, bound, rng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tensor::random::Generator;

    /// Largest magnitude and standard deviation of many draws.
    fn spread(x: &Tensor<f64>) -> (f64, f64) {
        let largest = x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let square = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
        (largest, square.sqrt())
    }

    #[test]
    fn scales_are_pytorchs() {
        let rng = &mut Generator::new(0);
        let shape = [64, 32, 3, 3]; // fan-in 288, fan-out 576
        let near = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 0.03, "{a} against {b}");

        let x = kaiming_uniform(shape, FanMode::FanIn, Nonlinearity::Relu, rng).unwrap();
        near(spread(&x).0, (6.0f64 / 288.0).sqrt());
        let x = kaiming_normal(shape, FanMode::FanOut, Nonlinearity::Relu, rng).unwrap();
        near(spread(&x).1, (2.0f64 / 576.0).sqrt());
        let x = xavier_uniform(shape, Nonlinearity::Tanh, rng).unwrap();
        near(spread(&x).0, 5.0 / 3.0 * (6.0f64 / 864.0).sqrt());
        let x = xavier_normal(shape, Nonlinearity::Linear, rng).unwrap();
        near(spread(&x).1, (2.0f64 / 864.0).sqrt());
        let x = default_weight("test", &shape, rng).unwrap();
        near(spread(&x).0, 1.0 / 288f64.sqrt());
    }

    #[test]
    fn weights_without_fans_are_errors() {
        let rng = &mut Generator::new(0);
        assert!(fans(&[3]).is_err());
        assert!(fans(&[usize::MAX, 3]).is_err());
        assert!(default_weight::<f32, _>("test", &[3, 0], rng).is_err());
        assert!(default_bias::<f32, _>(&[3, 0], rng).is_err());
        assert!(xavier_normal::<f32, _>([0, 0], Nonlinearity::Linear, rng).is_err());
    }
}
