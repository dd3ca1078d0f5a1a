//! W3: single convolutions, each of its three products by itself.
//!
//! Forward, input gradient and weight gradient need the same number of
//! multiply-adds; `work` counts two operations for each, as the direct
//! algorithm does them, whatever algorithm runs. `W3/L3/forward/denormal` is the
//! same layer on images of about 1e-40.

use std::hint::black_box;

use anyhow::Result;
use wengert::Conv2dOptions;
use wengert_benches::normal;

use crate::case::{Case, Context};

/// Batch, channels, height and width of the input; channels of the output;
/// kernel, stride, padding, groups.
type Shape = [usize; 9];

const LAYERS: [(&str, Shape); 10] = [
    ("L1", [32, 1, 28, 28, 6, 5, 1, 2, 1]),
    ("L2", [32, 16, 28, 28, 32, 3, 1, 1, 1]),
    ("L3", [32, 32, 32, 32, 32, 3, 1, 1, 1]),
    ("L4", [32, 64, 16, 16, 64, 3, 1, 1, 1]),
    ("L5", [16, 128, 16, 16, 128, 3, 1, 1, 1]),
    ("L6", [32, 64, 32, 32, 64, 1, 1, 0, 1]),
    ("L7", [8, 64, 56, 56, 64, 3, 1, 1, 1]),
    ("L8", [8, 64, 56, 56, 128, 3, 2, 1, 1]),
    ("L9", [32, 32, 32, 32, 32, 3, 1, 1, 32]),
    ("L10", [32, 6, 14, 14, 16, 5, 1, 0, 1]),
];

/// The layer that is run on denormal images too.
const DENORMAL: &str = "L3";

pub(crate) fn cases(context: &Context) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, shape) in LAYERS {
        let layer = Layer::new(context, shape);
        let work = layer.flops();
        let case = |product: &str| format!("W3/{name}/{product}");
        cases.push(Case::new(case("forward"), work, move || layer.forward(1.0)));
        if name == DENORMAL {
            let denormal = case("forward/denormal");
            cases.push(Case::new(denormal, work, move || layer.forward(1e-40)));
        }
        cases.push(Case::new(case("input"), work, move || layer.input()));
        cases.push(Case::new(case("weight"), work, move || layer.weight()));
    }
    cases
}

/// A convolution: its shapes and options.
#[derive(Clone, Copy)]
struct Layer {
    input: [usize; 4],
    weight: [usize; 4],
    output: [usize; 4],
    options: Conv2dOptions,
}

impl Layer {
    fn new(context: &Context, shape: Shape) -> Self {
        let [n, c, h, w, o, k, stride, padding, groups] = shape;
        let n = context.batch(n);
        let out = |size: usize| (size + 2 * padding - k) / stride + 1;
        Self {
            input: [n, c, h, w],
            weight: [o, c / groups, k, k],
            output: [n, o, out(h), out(w)],
            options: Conv2dOptions::default()
                .stride(stride)
                .padding(padding)
                .groups(groups),
        }
    }

    /// Operations of the direct algorithm: each output is a sum of as many
    /// products as a filter has weights.
    fn flops(&self) -> f64 {
        let filter = &self.weight[1..];
        let sizes = self.output.iter().chain(filter);
        2.0 * sizes.map(|&size| size as f64).product::<f64>()
    }

    fn forward(self, scale: f32) -> Result<impl FnMut() -> Result<()>> {
        let (x, w) = (&normal(self.input) * scale, normal(self.weight));
        Ok(move || {
            black_box(x.conv2d(&w, None, &self.options)?);
            Ok(())
        })
    }

    fn input(self) -> Result<impl FnMut() -> Result<()>> {
        let (g, w) = (normal(self.output), normal(self.weight));
        Ok(move || {
            black_box(g.conv2d_input(&w, self.input, &self.options)?);
            Ok(())
        })
    }

    fn weight(self) -> Result<impl FnMut() -> Result<()>> {
        let (x, g) = (normal(self.input), normal(self.output));
        Ok(move || {
            black_box(x.conv2d_weight(&g, self.weight, &self.options)?);
            Ok(())
        })
    }
}
