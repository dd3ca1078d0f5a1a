//! Functions of each element.

use wengert::{Float, Tensor, Var};

use crate::reference::call::{Adapter, Call, Outputs, Stop, Value, one};
use crate::reference::ops::approximate;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("Abs", |c| match c.value("X")? {
            Value::Int(x) => one(x.abs()),
            _ => one(c.var("X")?.abs()?),
        }),
        ("Celu", |c| one(c.var("X")?.celu(of(c, "alpha", 1.0)?)?)),
        ("Elu", |c| one(c.var("X")?.elu(of(c, "alpha", 1.0)?)?)),
        ("Erf", |c| one(c.var("input")?.erf()?)),
        ("Exp", |c| one(c.var("input")?.exp()?)),
        ("Gelu", |c| one(c.var("X")?.gelu(approximate(c)?)?)),
        ("HardSigmoid", |c| {
            // PyTorch's has its slope fixed at 1/6.
            let (alpha, beta) = (c.number("alpha", 0.2)?, c.number("beta", 0.5)?);
            let line = c
                .var("X")?
                .mul_scalar(T::of(alpha))?
                .add_scalar(T::of(beta))?;
            one(line.clamp(T::ZERO, T::ONE)?)
        }),
        ("HardSwish", |c| one(c.var("X")?.hardswish()?)),
        ("Identity", same),
        ("LeakyRelu", |c| {
            one(c.var("X")?.leaky_relu(of(c, "alpha", 0.01)?)?)
        }),
        ("Log", |c| one(c.var("input")?.log()?)),
        ("Mish", |c| one(c.var("X")?.mish()?)),
        ("Neg", |c| match c.value("X")? {
            Value::Int(x) => one(x.neg()),
            _ => one(c.var("X")?.neg()?),
        }),
        ("PRelu", |c| {
            // The slope broadcasts from the last axis on; PyTorch's has the channels.
            let (x, slope) = (c.var("X")?, c.var("slope")?);
            one(Var::where_(
                &x.value().lt_scalar(T::ZERO),
                &x.mul(&slope)?,
                &x,
            )?)
        }),
        ("Reciprocal", |c| one(number(c, 1.0).div(&c.var("X")?)?)),
        ("Relu", |c| match c.value("X")? {
            Value::Int(x) => one(x.relu()),
            _ => one(c.var("X")?.relu()?),
        }),
        ("Selu", |c| {
            if c.get("alpha").or(c.get("gamma")).is_none() {
                return one(c.var("X")?.selu()?);
            }
            let alpha = of(c, "alpha", 1.673_263_192_176_818_8)?;
            let gamma = of(c, "gamma", 1.050_701_022_148_132_3)?;
            one(c.var("X")?.elu(alpha)?.mul_scalar(gamma)?)
        }),
        ("Shrink", |c| {
            let (bias, lambda) = (c.number("bias", 0.0)?, c.number("lambd", 0.5)?);
            let x = c.var("input")?;
            let (below, above) = (
                x.value().lt_scalar(T::of(-lambda)),
                x.value().gt_scalar(T::of(lambda)),
            );
            let shrunk = Var::where_(&below, &x.add_scalar(T::of(bias))?, &number(c, 0.0))?;
            one(Var::where_(&above, &x.add_scalar(T::of(-bias))?, &shrunk)?)
        }),
        ("Sigmoid", |c| one(c.var("X")?.sigmoid()?)),
        ("Sign", |c| match c.value("input")? {
            Value::Int(x) => one(x.sign()),
            _ => {
                let x = c.var("input")?;
                // The sign of NaN is NaN.
                let lost = x.value().ne(x.value())?;
                one(x.constant(x.value().sign().masked_fill(&lost, T::nan())?))
            }
        }),
        ("Softplus", |c| {
            one(c.var("X")?.softplus(T::ONE, T::of(20.0))?)
        }),
        ("Softsign", |c| one(c.var("input")?.softsign()?)),
        ("Sqrt", |c| one(c.var("X")?.sqrt()?)),
        ("Tanh", |c| one(c.var("input")?.tanh()?)),
        ("ThresholdedRelu", |c| {
            let x = c.var("X")?;
            let on = x.value().gt_scalar(T::of(c.number("alpha", 1.0)?));
            one(x.masked_fill(&on.not(), T::ZERO)?)
        }),
    ]
}

fn same<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    Ok(vec![c.value("input")?])
}

/// A number among the attributes.
fn of<T: Float>(c: &Call<T>, name: &str, default: f64) -> Result<T, Stop> {
    Ok(T::of(c.number(name, default)?))
}

/// A number as a constant that broadcasts.
pub(super) fn number<T: Float>(c: &Call<T>, x: f64) -> Var<T> {
    c.tape.constant(Tensor::scalar(T::of(x)))
}
