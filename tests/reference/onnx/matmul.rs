//! Products of matrices.

use wengert::Float;

use crate::reference::call::{Adapter, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("Gemm", |c| {
            let flag =
                |name| Ok::<_, crate::reference::call::Stop>(c.int_or_none(name)? == Some(1));
            let (alpha, beta) = (c.number("alpha", 1.0)?, c.number("beta", 1.0)?);
            let product = c
                .var("A")?
                .matmul_with(&c.var("B")?, flag("transA")?, flag("transB")?)?
                .mul_scalar(T::of(alpha))?;
            match c.var_or_none("C")? {
                Some(bias) => one(product.add(&bias.mul_scalar(T::of(beta))?)?),
                None => one(product),
            }
        }),
        ("MatMul", |c| one(c.var("A")?.matmul(&c.var("B")?)?)),
    ]
}
