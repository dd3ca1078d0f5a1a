//! Operations on two tensors that broadcast, or on a tensor and a number.

use wengert::{Element, Float, Rounding, Tensor, Var};

use crate::reference::call::{Adapter, Call, Operand, Outputs, Stop, Value, one};
use crate::reference::value::Arg;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("add", |c| match scaled_integers(c)? {
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
        ("mul", |c| match (integers(c), masks(c)) {
            (Some((a, b)), _) => one(a.mul(&b)?),
            (_, Some((a, b))) => one(a.and(&b)?),
            _ => match c.operand("other")? {
                Operand::Var(b) => one(c.var_or_scalar("input")?.mul(&b)?),
                Operand::Number(b, _) => one(c.var("input")?.mul_scalar(T::of(b))?),
            },
        }),
        ("sub", |c| match scaled_integers(c)? {
            Some((a, b)) => one(a.sub(&b)?),
            None => match scaled(c, "other")? {
                Operand::Var(b) => one(c.var_or_scalar("input")?.sub(&b)?),
                Operand::Number(b, _) => one(c.var("input")?.add_scalar(T::of(-b))?),
            },
        }),
        ("true_divide", div),
    ]
}

/// Both operands, if both are tensors of integers, or one is and the other an
/// integer.
pub(super) fn integers<T: Float>(c: &Call<T>) -> Option<(Tensor<i64>, Tensor<i64>)> {
    both(c.ints("input").ok(), c.ints("other").ok(), |name| {
        match c.get(name) {
            Some(Arg::Int(x)) => Some(*x),
            Some(Arg::Bool(x)) => Some(i64::from(*x)),
            _ => None,
        }
    })
}

/// Both operands, if both are tensors of truth values, or one is and the other
/// a truth value.
pub(super) fn masks<T: Float>(c: &Call<T>) -> Option<(Tensor<bool>, Tensor<bool>)> {
    both(c.mask("input").ok(), c.mask("other").ok(), |name| {
        match c.get(name) {
            Some(Arg::Bool(x)) => Some(*x),
            _ => None,
        }
    })
}

fn both<E: Element>(
    a: Option<Tensor<E>>,
    b: Option<Tensor<E>>,
    number: impl Fn(&str) -> Option<E>,
) -> Option<(Tensor<E>, Tensor<E>)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a, b)),
        (Some(a), None) => Some((a, Tensor::scalar(number("other")?))),
        (None, Some(b)) => Some((Tensor::scalar(number("input")?), b)),
        (None, None) => None,
    }
}

type Integers = Option<(Tensor<i64>, Tensor<i64>)>;

/// Both operands if they are integers, the second times `alpha`.
fn scaled_integers<T: Float>(c: &Call<T>) -> Result<Integers, Stop> {
    let Some((a, b)) = integers(c) else {
        return Ok(None);
    };
    let alpha = c.int_or_none("alpha")?.unwrap_or(1);
    Ok(Some((a, b.mul_scalar(alpha))))
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
    let rounding = match c.text("rounding_mode", "")? {
        "" => None,
        "floor" => Some(Rounding::Floor),
        "trunc" => Some(Rounding::Trunc),
        other => return Err(Stop::unsupported(format!("rounding_mode `{other}`"))),
    };
    let Some(rounding) = rounding else {
        return match c.operand("other")? {
            Operand::Var(b) => one(c.var_or_scalar("input")?.div(&b)?),
            Operand::Number(b, _) => one(c.var("input")?.div_scalar(T::of(b))?),
        };
    };
    match integers(c) {
        Some((a, b)) => one(a.div_rounded(&b, rounding)?),
        None => {
            let (a, b) = (c.var_or_scalar("input")?, c.var_or_scalar("other")?);
            one(a.div_rounded(&b, rounding)?)
        }
    }
}

fn maximum<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    match (c.value("input")?, c.value("other")?) {
        (Value::Bool(a), Value::Bool(b)) => one(a.or(&b)?),
        _ => extremum(c, Var::maximum, Tensor::maximum),
    }
}

fn minimum<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    match (c.value("input")?, c.value("other")?) {
        (Value::Bool(a), Value::Bool(b)) => one(a.and(&b)?),
        _ => extremum(c, Var::minimum, Tensor::minimum),
    }
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
