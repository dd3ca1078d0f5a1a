//! Activations.
//!
//! | | value y | slope | at the kink |
//! |---|---|---|---|
//! | `relu6` | min(max(x, 0), 6) | 1 inside, 0 outside | 0 at 0 and 6 |
//! | `hardtanh` | min(max(x, a), b) | 1 inside, 0 outside | 0 at a and b |
//! | `leaky_relu` | x or s · x | 1 or s | s at 0 |
//! | `prelu` | x or w · x | of x: 1 or w, of w: 0 or x | of x: w at 0 |
//! | `hardsigmoid` | min(max(x + 3, 0), 6) / 6 | ⅙ inside, 0 outside | 0 at ±3 |
//! | `hardswish` | x · hardsigmoid x | x / 3 + ½ inside, 0 or 1 outside | 0 at −3, 1 at 3 |
//! | `softsign` | x / (1 + \|x\|) | 1 / (1 + \|x\|)² | |
//! | `elu`, `celu`, `selu` | λ x or λ α (e^(x/β) − 1) | λ or λ α/β · e^(x/β) | that of the exponential at 0 |
//! | `gelu` | x · Φ(x) | Φ(x) + x · φ(x) | |
//! | … with `Tanh` | x · σ(u) | σ + x · σ (1 − σ) · u′ | |
//! | `silu` | x · σ(x) | σ (1 + x (1 − σ)) | |
//! | `mish` | x · t, t = tanh(softplus x) | t + x · σ · (1 − t²) | |
//! | `softplus` | log(1 + e^(βx)) / β | σ(βx) | 1 where βx is above the threshold |
//! | `logsigmoid` | log σ(x) | σ(−x) | |
//! | `erf` | 2/√π · ∫ e^(−t²) dt | 2/√π · e^(−x²) | |
//!
//! σ is the logistic function, Φ and φ distribution and density of the normal
//! distribution.
//!
//! **Three passes at most.** Value and slope are one pass each, in `tensor`, which
//! writes the gradient over the one that it is given. The slope's own derivative is
//! wanted for second orders only, and is written in operations of variables: so
//! derivatives exist to any order. All save x, and nothing else.

mod smooth;
mod straight;
#[cfg(test)]
mod tests;

use tensor::{Float, Result, Tensor};

use crate::record::{pull, pull_owned};
use crate::var::Var;

/// The names of an operation and of its gradient, as the tape shows them.
type Names = [&'static str; 2];

/// The gradient at the input, of the gradient at the output: `…_backward` of `tensor`.
trait Slope<T: Float>:
    Fn(&Tensor<T>, Tensor<T>) -> Result<Tensor<T>> + Copy + Send + Sync + 'static
{
}

impl<T: Float, F> Slope<T> for F where
    F: Fn(&Tensor<T>, Tensor<T>) -> Result<Tensor<T>> + Copy + Send + Sync + 'static
{
}

/// The slope's derivative at the input.
trait Bend<T: Float>: Fn(&Var<T>) -> Result<Var<T>> + Copy + Send + Sync + 'static {}

impl<T: Float, F> Bend<T> for F where F: Fn(&Var<T>) -> Result<Var<T>> + Copy + Send + Sync + 'static
{}

/// Records `value` as a curve at `x` with this slope, which bends so.
fn curved<T: Float>(
    names: Names,
    x: &Var<T>,
    value: Tensor<T>,
    slope: impl Slope<T>,
    bend: impl Bend<T>,
) -> Result<Var<T>> {
    let saved = x.save();
    let rule = pull_owned(move |g| curved_backward(names, &saved.on(&g), g, slope, bend));
    Var::record(names[0], value, [(x, rule)])
}

/// g · slope(x), in the place of g where nothing records and no one shares it.
fn curved_backward<T: Float>(
    names: Names,
    x: &Var<T>,
    g: Var<T>,
    slope: impl Slope<T>,
    bend: impl Bend<T>,
) -> Result<Var<T>> {
    if !g.tape().is_recording() {
        return in_place(names, x.value(), g, slope);
    }
    let value = slope(x.value(), g.value().clone())?;
    let (saved_x, saved_g) = (x.save(), g.save());
    let to_x = pull(move |v: &Var<T>| {
        let bend = bend(&saved_x.on(v))?;
        v.mul(&saved_g.on(v))?.mul(&bend)
    });
    let saved_x = x.save();
    let to_g = pull_owned(move |v| curved_backward(names, &saved_x.on(&v), v, slope, bend));
    Var::record(names[1], value, [(x, to_x), (&g, to_g)])
}

/// Records `value` as straight lines at `x` with this slope.
fn bent<T: Float>(
    names: Names,
    x: &Var<T>,
    value: Tensor<T>,
    slope: impl Slope<T>,
) -> Result<Var<T>> {
    let saved = x.value().clone();
    let rule = pull_owned(move |g| bent_backward(names, &saved, g, slope));
    Var::record(names[0], value, [(x, rule)])
}

/// g · slope(x) for a slope that does not change nearby: linear in g, and its own
/// adjoint.
fn bent_backward<T: Float>(
    names: Names,
    x: &Tensor<T>,
    g: Var<T>,
    slope: impl Slope<T>,
) -> Result<Var<T>> {
    if !g.tape().is_recording() {
        return in_place(names, x, g, slope);
    }
    let value = slope(x, g.value().clone())?;
    let x = x.clone();
    let rule = pull_owned(move |v| bent_backward(names, &x, v, slope));
    Var::record(names[1], value, [(&g, rule)])
}

fn in_place<T: Float>(
    names: Names,
    x: &Tensor<T>,
    g: Var<T>,
    slope: impl Slope<T>,
) -> Result<Var<T>> {
    let tape = g.tape().clone();
    let value = slope(x, g.into_value())?;
    tape.check_result(names[1], &value)?;
    Ok(tape.constant(value))
}
