//! Operators on several tensors that broadcast.

use wengert::{Float, Rounding, Tensor, Var};

use crate::reference::call::{Adapter, Call, Outputs, Stop, Value, one};

/// An operator on two tensors of one type of number.
macro_rules! arithmetic {
    ($name:literal, $method:ident) => {
        ($name, |c| match (c.value("A")?, c.value("B")?) {
            (Value::Int(a), Value::Int(b)) => one(a.$method(&b)?),
            _ => one(c.var("A")?.$method(&c.var("B")?)?),
        })
    };
}

/// A comparison of two tensors of one type.
macro_rules! comparison {
    ($name:literal, $method:ident) => {
        ($name, |c| match (c.value("A")?, c.value("B")?) {
            (Value::Int(a), Value::Int(b)) => one(a.$method(&b)?),
            (Value::Bool(a), Value::Bool(b)) => one(a.$method(&b)?),
            _ => one(c.var("A")?.value().$method(c.var("B")?.value())?),
        })
    };
}

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        arithmetic!("Add", add),
        ("And", |c| one(c.mask("A")?.and(&c.mask("B")?)?)),
        ("Clip", clip),
        ("Div", |c| match (c.value("A")?, c.value("B")?) {
            (Value::Int(a), Value::Int(b)) => one(a.div_rounded(&b, Rounding::Trunc)?),
            _ => one(c.var("A")?.div(&c.var("B")?)?),
        }),
        comparison!("Equal", eq_to),
        comparison!("Greater", gt),
        comparison!("GreaterOrEqual", ge),
        comparison!("Less", lt),
        comparison!("LessOrEqual", le),
        ("Max", |c| fold(c, Var::maximum, Tensor::maximum)),
        ("Mean", |c| {
            let sum = fold(c, Var::add, Tensor::add)?;
            match sum.first() {
                Some(Value::Var(sum)) => one(sum.div_scalar(T::of(c.numbered().len() as f64))?),
                _ => Err(Stop::unsupported(format!("a mean of {} only", T::NAME))),
            }
        }),
        ("Min", |c| fold(c, Var::minimum, Tensor::minimum)),
        arithmetic!("Mul", mul),
        ("Not", |c| one(c.mask("X")?.not())),
        ("Or", |c| one(c.mask("A")?.or(&c.mask("B")?)?)),
        ("Pow", |c| one(c.var("X")?.pow(&c.var("Y")?)?)),
        arithmetic!("Sub", sub),
        ("Sum", |c| fold(c, Var::add, Tensor::add)),
        ("Where", |c| {
            let mask = c.mask("condition")?;
            match (c.value("X")?, c.value("Y")?) {
                (Value::Int(a), Value::Int(b)) => one(mask.where_(&a, &b)?),
                (Value::Bool(a), Value::Bool(b)) => one(mask.where_(&a, &b)?),
                _ => one(Var::where_(&mask, &c.var("X")?, &c.var("Y")?)?),
            }
        }),
        ("Xor", |c| one(c.mask("A")?.ne(&c.mask("B")?)?)),
    ]
}

/// All inputs of a list, one into the next.
fn fold<T: Float>(
    c: &Call<T>,
    of_vars: fn(&Var<T>, &Var<T>) -> wengert::Result<Var<T>>,
    of_ints: fn(&Tensor<i64>, &Tensor<i64>) -> wengert::Result<Tensor<i64>>,
) -> Result<Outputs<T>, Stop> {
    let mut folded: Option<Value<T>> = None;
    for name in c.numbered() {
        folded = Some(match (folded, c.value(&name)?) {
            (None, first) => first,
            (Some(Value::Var(a)), Value::Var(b)) => of_vars(&a, &b)?.into(),
            (Some(Value::Int(a)), Value::Int(b)) => of_ints(&a, &b)?.into(),
            _ => return Err(Stop::unsupported("no operation mixes types")),
        });
    }
    match folded {
        Some(value) => Ok(vec![value]),
        None => Err(Stop::unsupported("needs at least one input")),
    }
}

/// The limits are inputs without axes, or attributes in old models.
fn clip<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    if let Value::Int(x) = c.value("input")? {
        let limit = |name| match c.get(name) {
            Some(_) => c.ints(name)?.item().map(Some).map_err(Stop::from),
            None => Ok(None),
        };
        return one(match (limit("min")?, limit("max")?) {
            (Some(min), Some(max)) => x.clamp(min, max),
            (Some(min), None) => x.clamp_min(min),
            (None, Some(max)) => x.clamp_max(max),
            (None, None) => x,
        });
    }
    let x = c.var("input")?;
    let limit = |name| match c.get(name) {
        Some(_) => c.var_or_scalar(name)?.item().map(Some).map_err(Stop::from),
        None => Ok(None),
    };
    one(match (limit("min")?, limit("max")?) {
        (Some(min), Some(max)) => x.clamp(min, max)?,
        (Some(min), None) => x.clamp_min(min)?,
        (None, Some(max)) => x.clamp_max(max)?,
        (None, None) => x,
    })
}
