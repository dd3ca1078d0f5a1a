//! The formulas of the smooth activations, for one number each: value and slope.
//!
//! Plain arithmetic without a branch, so that a loop over them is vector code.
//! At infinity a product 0 · ∞ is NaN where it is in PyTorch; at any finite x
//! whose powers are finite, every value and slope is.

use crate::exponential::{
    COST, Exponential, Normal, erf, exp, exp_m1, ln_1p, normal, sigmoid, sigmoid_and_rest,
};
use crate::ops::elementwise::{map_into, update_at};

/// A smooth activation with its constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve<T> {
    /// scale · x above 0, scale · alpha · (e^(`input_scale` · x) − 1) below.
    Elu {
        /// How far below 0 it goes.
        alpha: T,
        /// The slope above 0.
        scale: T,
        /// How fast it bends.
        input_scale: T,
    },
    /// x · Φ(x).
    Gelu,
    /// x · σ(2u), u the polynomial of [`gelu_tanh`].
    GeluTanh,
    /// x · σ(x).
    Silu,
    /// x · tanh(log(1 + eˣ)).
    Mish,
    /// log(1 + e^(beta · x)) / beta, x itself where beta · x > threshold.
    Softplus {
        /// How sharply it bends.
        beta: T,
        /// Where it is straight.
        threshold: T,
    },
    /// log σ(x).
    LogSigmoid,
    /// The error function.
    Erf,
}

/// The value for every element.
pub(crate) fn value_loops<T: Normal>(curve: Curve<T>, x: &[T], out: &mut [T]) {
    match curve {
        Curve::Elu {
            alpha,
            scale,
            input_scale,
        } => map_into(x, out, 2 * COST, |x| elu(x, alpha, scale, input_scale)),
        Curve::Gelu => map_into(x, out, 4 * COST, gelu),
        Curve::GeluTanh => map_into(x, out, 2 * COST, gelu_tanh),
        Curve::Silu => map_into(x, out, 2 * COST, silu),
        Curve::Mish => map_into(x, out, 2 * COST, mish),
        Curve::Softplus { beta, threshold } => {
            map_into(x, out, 3 * COST, |x| softplus(x, beta, threshold));
        }
        Curve::LogSigmoid => map_into(x, out, 3 * COST, log_sigmoid),
        Curve::Erf => map_into(x, out, 4 * COST, erf),
    }
}

/// Every gradient times the slope at its element.
pub(crate) fn slope_loops<T: Normal>(curve: Curve<T>, x: &[T], grad: &mut [T]) {
    match curve {
        Curve::Elu {
            alpha,
            scale,
            input_scale,
        } => update_at(2 * COST, grad, x, |g, x| {
            *g *= elu_slope(x, alpha, scale, input_scale);
        }),
        Curve::Gelu => update_at(4 * COST, grad, x, |g, x| *g *= gelu_slope(x)),
        Curve::GeluTanh => update_at(2 * COST, grad, x, |g, x| *g *= gelu_tanh_slope(x)),
        Curve::Silu => update_at(2 * COST, grad, x, |g, x| *g *= silu_slope(x)),
        Curve::Mish => update_at(3 * COST, grad, x, |g, x| *g *= mish_slope(x)),
        Curve::Softplus { beta, threshold } => update_at(2 * COST, grad, x, |g, x| {
            *g *= softplus_slope(x, beta, threshold);
        }),
        Curve::LogSigmoid => update_at(2 * COST, grad, x, |g, x| *g *= sigmoid(-x)),
        Curve::Erf => update_at(2 * COST, grad, x, |g, x| *g *= erf_slope(x)),
    }
}

#[inline(always)]
fn elu<T: Exponential>(x: T, alpha: T, scale: T, input_scale: T) -> T {
    let below = exp_m1(x * input_scale) * (alpha * scale);
    if x < T::ZERO { below } else { x * scale }
}

/// At 0, that of the negative side.
#[inline(always)]
fn elu_slope<T: Exponential>(x: T, alpha: T, scale: T, input_scale: T) -> T {
    let below = exp(x * input_scale) * (alpha * scale * input_scale);
    if x <= T::ZERO { below } else { scale }
}

#[inline(always)]
fn gelu<T: Normal>(x: T) -> T {
    let [probability, _] = normal(x);
    x * probability
}

#[inline(always)]
fn gelu_slope<T: Normal>(x: T) -> T {
    let [probability, density] = normal(x);
    probability + x * density
}

/// 2u = 2 √(2/π) (x + 0.044715 x³), and its slope in x.
#[inline(always)]
fn bent<T: Exponential>(x: T) -> [T; 2] {
    let factor = T::of(2.0) * T::FRAC_2_SQRT_PI() * T::FRAC_1_SQRT_2();
    let cube = T::of(0.044_715);
    let bent = factor * (x + cube * x * x * x);
    [bent, factor * (T::ONE + T::of(3.0) * cube * x * x)]
}

/// ½ (1 + tanh u) is σ(2u): half of the operations, and all digits below 0.
#[inline(always)]
fn gelu_tanh<T: Exponential>(x: T) -> T {
    let [bent, _] = bent(x);
    x * sigmoid(bent)
}

#[inline(always)]
fn gelu_tanh_slope<T: Exponential>(x: T) -> T {
    let [bent, slope] = bent(x);
    let [s, rest] = sigmoid_and_rest(bent);
    s + s * rest * x * slope
}

#[inline(always)]
fn silu<T: Exponential>(x: T) -> T {
    x * sigmoid(x)
}

#[inline(always)]
fn silu_slope<T: Exponential>(x: T) -> T {
    let [s, rest] = sigmoid_and_rest(x);
    s * (T::ONE + x * rest)
}

/// e^−|x|; tanh(log(1 + eˣ)), and 1 minus that: quotients of polynomials in the
/// power, which is never more than 1.
#[inline(always)]
fn tanh_of_softplus<T: Exponential>(x: T) -> [T; 3] {
    let two = T::ONE + T::ONE;
    let p = exp(-x.magnitude());
    let (tanh, rest) = if x < T::ZERO {
        (p * (p + two), two)
    } else {
        (T::ONE + two * p, two * p * p)
    };
    let sum = tanh + rest;
    [p, tanh / sum, rest / sum]
}

#[inline(always)]
fn mish<T: Exponential>(x: T) -> T {
    let [_, tanh, _] = tanh_of_softplus(x);
    x * tanh
}

#[inline(always)]
fn mish_slope<T: Exponential>(x: T) -> T {
    let [p, tanh, rest] = tanh_of_softplus(x);
    let s = if x < T::ZERO { p } else { T::ONE } / (T::ONE + p);
    tanh + x * s * (rest * (T::ONE + tanh))
}

#[inline(always)]
fn softplus<T: Exponential>(x: T, beta: T, threshold: T) -> T {
    let bent = x * beta;
    let above = if bent < T::ZERO { T::ZERO } else { bent };
    let curved = (above + ln_1p(exp(-bent.magnitude()))) / beta;
    if bent > threshold { x } else { curved }
}

#[inline(always)]
fn softplus_slope<T: Exponential>(x: T, beta: T, threshold: T) -> T {
    let bent = x * beta;
    let curved = sigmoid(bent);
    if bent > threshold { T::ONE } else { curved }
}

#[inline(always)]
fn log_sigmoid<T: Exponential>(x: T) -> T {
    let below = if x > T::ZERO { T::ZERO } else { x };
    below - ln_1p(exp(-x.magnitude()))
}

#[inline(always)]
fn erf_slope<T: Exponential>(x: T) -> T {
    T::FRAC_2_SQRT_PI() * exp(-x * x)
}
