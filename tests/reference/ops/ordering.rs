//! Comparisons, and what masks choose.

use wengert::{Float, Tensor, Var};

use crate::reference::call::{Adapter, Operand, Value, one};

/// A comparison, of a tensor or of a number.
macro_rules! comparison {
    ($name:literal, $method:ident, $scalar:ident) => {
        ($name, |c| {
            if let (Ok(a), Ok(b)) = (c.ints("input"), c.ints("other")) {
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
        ("masked_fill", |c| {
            let mask = c.mask("mask")?;
            match c.operand("value")? {
                Operand::Number(x, _) => one(c.var("input")?.masked_fill(&mask, T::of(x))?),
                Operand::Var(x) => one(Var::where_(&mask, &x, &c.var("input")?)?),
            }
        }),
        ("where", |c| {
            let mask = c.mask("condition")?;
            // Two tensors of one type that is not the case's.
            let (a, b) = (c.value("input").ok(), c.value("other").ok());
            match (a, b) {
                (Some(Value::Int(a)), Some(Value::Int(b))) => one(mask.where_(&a, &b)?),
                (Some(Value::Bool(a)), Some(Value::Bool(b))) => one(mask.where_(&a, &b)?),
                _ => {
                    let (a, b) = (c.var_or_scalar("input")?, c.var_or_scalar("other")?);
                    one(Var::where_(&mask, &a, &b)?)
                }
            }
        }),
        ("zeros_like", |c| {
            let x: Tensor<T> = c.var("input")?.value().zeros_like();
            one(c.tape.constant(x))
        }),
    ]
}
