//! W4: pooling, forward by itself and forward with backward.
//!
//! Pools do next to no arithmetic: they are held against a copy of as many
//! bytes as they must read and write (`limits`). Forward reads the input and
//! writes the output; backward reads the output's gradient and writes the
//! input's. What a maximum pool notes about where its maxima were is not
//! counted.

use std::hint::black_box;

use anyhow::Result;
use wengert::autograd::pull;
use wengert::prelude::*;
use wengert_benches::normal;

use crate::case::{Case, Context};
use crate::limits;

const SHAPES: [[usize; 4]; 2] = [[32, 32, 32, 32], [8, 64, 56, 56]];

/// A pool of any kind.
#[derive(Clone, Copy)]
enum Pool {
    Max(MaxPool2dOptions),
    Average(AvgPool2dOptions),
}

pub(crate) fn cases(context: &Context) -> Result<Vec<Case>> {
    let pools = [
        ("max2", Pool::Max(MaxPool2dOptions::new(2))),
        (
            "max3s2p1",
            Pool::Max(MaxPool2dOptions::new(3).stride(2).padding(1)),
        ),
        ("avg2", Pool::Average(AvgPool2dOptions::new(2))),
    ];
    let mut cases = Vec::new();
    for (name, pool) in pools {
        for [n, c, h, w] in SHAPES {
            let case = |what: &str| format!("W4/{name}/{n}x{c}x{h}x{w}/{what}");
            let shape = [context.batch(n), c, h, w];
            let floats = (shape.iter().product::<usize>() + pool.output_len(&shape)?) as f64;
            let (forward, both) = (case("forward"), case("both"));
            cases.push(limits::copy_beside(&forward, 4.0 * floats));
            cases.push(Case::new(forward, 4.0 * floats, move || {
                let x = normal(shape);
                Ok(move || {
                    black_box(pool.forward(&x)?);
                    Ok(())
                })
            }));
            cases.push(limits::copy_beside(&both, 8.0 * floats));
            cases.push(Case::new(both, 8.0 * floats, move || {
                let x = normal(shape);
                let gradient = normal(pool.forward(&x)?.shape());
                Ok(move || {
                    black_box(pool.both(&x, &gradient)?);
                    Ok(())
                })
            }));
        }
    }
    Ok(cases)
}

impl Pool {
    fn output_len(&self, input: &[usize]) -> Result<usize> {
        let geometry = match self {
            Self::Max(options) => options.geometry(input)?,
            Self::Average(options) => options.geometry(input)?,
        };
        Ok(geometry.output_shape().iter().product())
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Max(options) => x.max_pool2d(options)?,
            Self::Average(options) => x.avg_pool2d(options)?,
        })
    }

    /// Forward, and backward from a gradient that is given.
    fn both(&self, x: &Tensor, gradient: &Tensor) -> Result<Gradients> {
        let tape = Tape::new();
        let x = tape.leaf(x.clone());
        let y = match self {
            Self::Max(options) => x.max_pool2d(options)?,
            Self::Average(options) => x.avg_pool2d(options)?,
        };
        Ok(end_with(&y, gradient)?.backward()?)
    }
}

/// A loss whose gradient with respect to `y` is the given one, at no cost: an
/// operation of our own, as any user can write.
fn end_with(y: &Var, gradient: &Tensor) -> wengert::Result<Var> {
    let gradient = gradient.clone();
    let rule = pull(move |g: &Var| Ok(g.constant(gradient.clone())));
    Var::record("loss", Tensor::scalar(0.0), [(y, rule)])
}
