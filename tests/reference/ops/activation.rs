//! Activations. (relu, sigmoid and tanh are in `unary`, softmax is in `softmax`.)

use wengert::{Approximate, Float, Var};

use crate::reference::call::{Adapter, Call, Outputs, Stop, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("erf", |c| one(input(c)?.erf()?)),
        ("nn.functional.celu", |c| {
            one(input(c)?.celu(number(c, "alpha", 1.0)?)?)
        }),
        ("nn.functional.elu", |c| {
            one(input(c)?.elu(number(c, "alpha", 1.0)?)?)
        }),
        ("nn.functional.gelu", |c| {
            one(input(c)?.gelu(approximate(c)?)?)
        }),
        ("nn.functional.hardsigmoid", |c| {
            one(input(c)?.hardsigmoid()?)
        }),
        ("nn.functional.hardswish", |c| one(input(c)?.hardswish()?)),
        ("nn.functional.hardtanh", |c| {
            let (min, max) = (number(c, "min_val", -1.0)?, number(c, "max_val", 1.0)?);
            one(input(c)?.hardtanh(min, max)?)
        }),
        ("nn.functional.leaky_relu", |c| {
            one(input(c)?.leaky_relu(number(c, "negative_slope", 0.01)?)?)
        }),
        ("nn.functional.logsigmoid", |c| one(input(c)?.logsigmoid()?)),
        ("nn.functional.mish", |c| one(input(c)?.mish()?)),
        ("nn.functional.prelu", prelu),
        ("nn.functional.relu6", |c| one(input(c)?.relu6()?)),
        ("nn.functional.selu", |c| one(input(c)?.selu()?)),
        ("nn.functional.silu", |c| one(input(c)?.silu()?)),
        ("nn.functional.softplus", |c| {
            let (beta, threshold) = (number(c, "beta", 1.0)?, number(c, "threshold", 20.0)?);
            one(input(c)?.softplus(beta, threshold)?)
        }),
        ("nn.functional.softsign", |c| one(input(c)?.softsign()?)),
        ("prelu", prelu),
        ("special.erf", |c| one(input(c)?.erf()?)),
    ]
}

fn input<T: Float>(c: &Call<T>) -> Result<Var<T>, Stop> {
    // What is written over afterwards makes no difference to the result.
    c.flag("inplace", false)?;
    c.var("input")
}

fn number<T: Float>(c: &Call<T>, name: &str, default: f64) -> Result<T, Stop> {
    Ok(T::of(c.number(name, default)?))
}

fn prelu<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    one(c.var("input")?.prelu(&c.var("weight")?)?)
}

/// `none` or `tanh`.
pub(crate) fn approximate<T: Float>(c: &Call<T>) -> Result<Approximate, Stop> {
    match c.text("approximate", "none")? {
        "none" => Ok(Approximate::None),
        "tanh" => Ok(Approximate::Tanh),
        other => Err(Stop::unsupported(format!("an approximation `{other}`"))),
    }
}
