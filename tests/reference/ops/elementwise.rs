//! Operations on two tensors that broadcast, or on a tensor and a number.

use wengert::{Float, Tensor, Var};

use crate::reference::call::{Adapter, Call, Operand, Outputs, Stop, Value, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("add", |c| match integers(c) {
            Some((a, b)) => one(a.add(&b)?),
            None => match scaled(c, "other")? {
                Operand::Var(b) => one(c.var_or_scalar("input")?.add(&b)?),
                Operand::Number(b, _) => one(c.var("input")?.add_scalar(T::of(b))?),
            },
        }),
        ("div", div),
        ("max.binary", maximum),
        ("maximum", maximum),
        ("min.binary", minimum),
        ("minimum", minimum),
        ("mul", |c| match integers(c) {
            Some((a, b)) => one(a.mul(&b)?),
            None => match c.operand("other")? {
                Operand::Var(b) => one(c.var_or_scalar("input")?.mul(&b)?),
                Operand::Number(b, _) => one(c.var("input")?.mul_scalar(T::of(b))?),
            },
        }),
        ("sub", |c| match integers(c) {
            Some((a, b)) => one(a.sub(&b)?),
            None => match scaled(c, "other")? {
                Operand::Var(b) => one(c.var_or_scalar("input")?.sub(&b)?),
                Operand::Number(b, _) => one(c.var("input")?.add_scalar(T::of(-b))?),
            },
        }),
        ("true_divide", div),
    ]
}

/// Two tensors of integers.
type Integers = (Tensor<i64>, Tensor<i64>);

/// Both operands, if both are tensors of integers.
fn integers<T: Float>(c: &Call<T>) -> Option<Integers> {
    Some((c.ints("input").ok()?, c.ints("other").ok()?))
}

/// The second operand of a sum, times `alpha`.
fn scaled<T: Float>(c: &Call<T>, name: &str) -> Result<Operand<T>, Stop> {
    let alpha = c.number("alpha", 1.0)?;
    Ok(match c.operand(name)? {
        Operand::Var(x) if alpha == 1.0 => Operand::Var(x),
        Operand::Var(x) => Operand::Var(x.mul_scalar(T::of(alpha))?),
        Operand::Number(x, whole) => Operand::Number(x * alpha, whole),
    })
}

fn div<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    match c.operand("other")? {
        Operand::Var(b) => one(c.var_or_scalar("input")?.div(&b)?),
        Operand::Number(b, _) => one(c.var("input")?.div_scalar(T::of(b))?),
    }
}

fn maximum<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    extremum(c, Var::maximum, Tensor::maximum)
}

fn minimum<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    extremum(c, Var::minimum, Tensor::minimum)
}

fn extremum<T: Float>(
    c: &Call<T>,
    of_vars: impl Fn(&Var<T>, &Var<T>) -> wengert::Result<Var<T>>,
    of_ints: impl Fn(&Tensor<i64>, &Tensor<i64>) -> wengert::Result<Tensor<i64>>,
) -> Result<Outputs<T>, Stop> {
    match (c.value("input")?, c.value("other")?) {
        (Value::Int(a), Value::Int(b)) => one(of_ints(&a, &b)?),
        _ => one(of_vars(&c.var("input")?, &c.var("other")?)?),
    }
}
