//! W0: steps so small that all of their time is overhead.
//!
//! `W0/step` learns the edge detector of the book: a 6 × 8 image, a 1 × 2
//! kernel without a bias, the sum of squared errors, SGD with momentum.
//! `W0/overhead` is a chain of operations on one number each, forward and
//! backward: time divided by recorded operations is what the tape costs.
//! `W0/growth` asks whether thousands of steps leave anything behind.

use std::hint::black_box;

use anyhow::Result;
use wengert::prelude::*;
use wengert_benches::{Timing, Unit};

use crate::case::Case;
use crate::footprint;
use crate::training::sgd;

/// How often the chain multiplies and adds.
const LINKS: usize = 50;

pub(crate) fn cases() -> Result<Vec<Case>> {
    let entries = Edge::new()?.step()?;
    let (links, one) = (chain(&Tensor::ones([1])?)?, Tensor::ones([1])?);
    let mut cases = vec![
        Case::new("W0/step".to_owned(), entries as f64, || {
            let mut edge = Edge::new()?;
            Ok(move || edge.step().map(|_| ()))
        }),
        Case::new("W0/overhead".to_owned(), links as f64, || {
            Ok(move || chain(&one).map(|_| ()))
        }),
    ];
    if footprint::resident_kib().is_some() {
        cases.push(Case {
            name: "W0/growth".to_owned(),
            work: 0.0,
            unit: Unit::Growth,
            measure: Box::new(|context| growth(if context.smoke { 10 } else { 5_000 })),
        });
    }
    Ok(cases)
}

/// What is trained, and on what.
struct Edge {
    conv: Conv2d,
    sgd: Sgd,
    image: Tensor,
    edges: Tensor,
}

impl Edge {
    fn new() -> Result<Self> {
        let mut image: Tensor = Tensor::ones([6, 8])?;
        image.slice_fill((.., 2..6), 0.0)?;
        let edges = image.corr2d(&Tensor::from([[1.0, -1.0]]))?;
        Ok(Self {
            conv: Conv2d::builder(1, 1, (1, 2))
                .bias(false)
                .build(&mut Generator::new(0))?,
            sgd: sgd()?,
            image: image.reshape([1, 1, 6, 8])?,
            edges: edges.reshape([1, 1, 6, 7])?,
        })
    }

    /// One step; returns how many entries the tape had.
    fn step(&mut self) -> Result<usize> {
        let tape = Tape::new();
        let prediction = self.conv.forward(&tape.constant(self.image.clone()))?;
        let loss = prediction.mse_loss(&tape.constant(self.edges.clone()), Reduction::Sum)?;
        let entries = tape.len();
        self.sgd.step(&mut self.conv, &loss.backward()?)?;
        Ok(entries)
    }
}

/// One number times and plus another, again and again, and the derivative of
/// that. Returns how many entries the tape had.
fn chain(one: &Tensor) -> Result<usize> {
    let tape = Tape::new();
    let x = tape.leaf(one.clone());
    let c = tape.constant(one.clone());
    let mut y = x.clone();
    for _ in 0..LINKS {
        y = y.mul(&c)?.add(&c)?;
    }
    let loss = y.sum()?;
    let entries = tape.len();
    black_box(loss.backward()?);
    Ok(entries)
}

/// By how many bytes the process grows with each step once it has settled: the
/// median of several stretches of steps. What every step leaves behind is in every
/// stretch; a page that the system takes away and gives back is in one.
fn growth(steps: usize) -> Result<Timing> {
    const STRETCHES: usize = 9;
    let mut edge = Edge::new()?;
    let mut resident_after = |steps| -> Result<f64> {
        for _ in 0..steps {
            edge.step()?;
        }
        Ok(footprint::resident_kib().unwrap_or(f64::NAN))
    };
    let mut before = resident_after(steps)?;
    let mut grown = [0.0; STRETCHES];
    for grown in &mut grown {
        let after = resident_after(steps)?;
        *grown = 1024.0 * (after - before) / steps as f64;
        before = after;
    }
    grown.sort_by(f64::total_cmp);
    Ok(Timing {
        ns: grown[STRETCHES / 2],
        runs: STRETCHES * steps,
    })
}
