//! Comparisons, and what masks choose.

use wengert::{Float, Tensor, Var};

use super::elementwise::{integers, masks};

use crate::reference::call::{Adapter, Call, Operand, Outputs, Stop, Value, one};
use crate::reference::value::Arg;

/// A comparison, of a tensor or of a number.
macro_rules! comparison {
    ($name:literal, $method:ident, $scalar:ident) => {
        ($name, |c| {
            c.value("input")?; // a tensor always
            if let Some((a, b)) = integers(c) {
                return one(a.$method(&b)?);
            }
            if let Some((a, b)) = masks(c) {
                return one(a.$method(&b)?);
            }
            match c.operand("other")? {
                Operand::Var(b) => one(c.var("input")?.value().$method(b.value())?),
                Operand::Number(b, _) => one(c.var("input")?.value().$scalar(T::of(b))),
            }
        })
    };
}

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        comparison!("eq", eq_to, eq_scalar),
        comparison!("ge", ge, ge_scalar),
        comparison!("gt", gt, gt_scalar),
        comparison!("le", le, le_scalar),
        comparison!("lt", lt, lt_scalar),
        comparison!("ne", ne, ne_scalar),
        ("logical_and", |c| {
            one(c.mask("input")?.and(&c.mask("other")?)?)
        }),
        ("logical_not", |c| one(c.mask("input")?.not())),
        ("logical_or", |c| {
            one(c.mask("input")?.or(&c.mask("other")?)?)
        }),
        ("masked_fill", masked_fill),
        ("where", |c| {
            let mask = c.mask("condition")?;
            if let Some((a, b)) = masks(c) {
                return one(mask.where_(&a, &b)?);
            }
            if let Some((a, b)) = integers(c) {
                return one(mask.where_(&a, &b)?);
            }
            let (a, b) = (c.var_or_scalar("input")?, c.var_or_scalar("other")?);
            one(Var::where_(&mask, &a, &b)?)
        }),
        ("zeros_like", |c| {
            let x: Tensor<T> = c.var("input")?.value().zeros_like();
            one(c.tape.constant(x))
        }),
    ]
}

/// A number is a `masked_fill`, a tensor without axes a `where_`, through which
/// it gets a gradient.
fn masked_fill<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let mask = c.mask("mask")?;
    match (c.value("input")?, c.get("value")) {
        (Value::Int(x), Some(Arg::Int(value))) => one(x.masked_fill(&mask, *value)?),
        (Value::Int(x), _) => one(x.masked_fill(&mask, c.ints("value")?.item()?)?),
        (Value::Bool(x), Some(Arg::Bool(value))) => one(x.masked_fill(&mask, *value)?),
        (Value::Bool(x), Some(Arg::Int(value))) => one(x.masked_fill(&mask, *value != 0)?),
        (Value::Bool(x), _) => one(x.masked_fill(&mask, c.mask("value")?.item()?)?),
        (Value::Var(x), _) => match c.operand("value")? {
            Operand::Number(value, _) => one(x.masked_fill(&mask, T::of(value))?),
            Operand::Var(value) if value.ndim() > 0 => Err(Stop::unsupported(
                "`where_` takes any tensor, `masked_fill` a number",
            )),
            Operand::Var(value) => one(Var::where_(&mask, &value, &x)?),
        },
    }
}
