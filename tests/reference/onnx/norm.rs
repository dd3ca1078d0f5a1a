//! Normalisation, and dropout, which a model that is used does without.

use wengert::{BatchNormOptions, Float, Result as Answer, RunningStats, Tape, Tensor, Var};

use super::activation::number;
use crate::reference::call::{Adapter, Call, Outputs, Stop, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("BatchNormalization", batch_norm),
        ("Dropout", |c| {
            let training = match c.get("training_mode") {
                Some(_) => c.mask("training_mode")?.any(),
                None => false,
            };
            let ratio = match c.get("ratio") {
                Some(_) => c.var_or_scalar("ratio")?.item()?.as_f64(),
                None => 0.5,
            };
            // Which elements to drop.
            c.int_or_none("seed")?;
            if training && ratio > 0.0 {
                return Err(Stop::unsupported("random numbers differ between libraries"));
            }
            let x = c.var("data")?;
            let kept = Tensor::full(x.shape(), true)?;
            Ok(vec![x.into(), kept.into()])
        }),
        ("GroupNormalization", |c| {
            let (x, groups) = (c.var("X")?, c.size("num_groups")?);
            let (weight, bias) = (c.var("scale")?, c.var("bias")?);
            let eps = c.number("epsilon", 1e-5)?;
            let Some(&channels) = x.shape().get(1) else {
                return Err(Stop::unsupported("groups of channels"));
            };
            // Before opset 21 there was one weight for each group.
            let each = |w: &Var<T>| -> Answer<Var<T>> {
                if w.shape() == [channels] || groups == 0 {
                    return Ok(w.clone());
                }
                w.unsqueeze(1)?
                    .expand([groups, channels / groups])?
                    .flatten(0, -1)
            };
            one(x.group_norm(groups, Some(&each(&weight)?), Some(&each(&bias)?), eps)?)
        }),
        ("InstanceNormalization", |c| {
            let options = BatchNormOptions::default().eps(c.number("epsilon", 1e-5)?);
            let (weight, bias) = (c.var("scale")?, c.var("B")?);
            one(c
                .var("input")?
                .instance_norm(None, Some(&weight), Some(&bias), &options)?)
        }),
        ("LayerNormalization", |c| {
            let (x, eps) = (c.var("X")?, c.number("epsilon", 1e-5)?);
            c.int_or_none("stash_type")?;
            let first = wengert::shape::axis("axis", c.axis_or("axis", -1)?, x.ndim())?;
            let (weight, bias) = (c.var("Scale")?, c.var_or_none("B")?);
            let y = x.layer_norm(&x.shape()[first..], Some(&weight), bias.as_ref(), eps)?;
            let axes: Vec<isize> = (first as isize..x.ndim() as isize).collect();
            let mean = x.mean_axes(&axes, true)?;
            let spread = x
                .var_axes(&axes, 0.0, true)?
                .add_scalar(T::of(eps))?
                .sqrt()?;
            Ok(vec![
                y.into(),
                mean.into(),
                number(c, 1.0).div(&spread)?.into(),
            ])
        }),
        ("LpNormalization", |c| {
            let (axis, p) = (c.axis_or("axis", -1)?, c.number("p", 2.0)?);
            let x = c.var("input")?;
            one(x.div(&x.norm_axes(p, axis, true)?)?)
        }),
        ("MeanVarianceNormalization", |c| {
            let x = c.var("X")?;
            let axes = c.axes_or_none("axes")?.unwrap_or_else(|| vec![0, 2, 3]);
            let centred = x.sub(&x.mean_axes(&axes, true)?)?;
            let spread = x.std_axes(&axes, 0.0, true)?;
            one(centred.div(&spread.add_scalar(T::of(1e-9))?)?)
        }),
    ]
}

/// ONNX's momentum is the share of the old average, and its running variance
/// the biased one.
fn batch_norm<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let (eps, momentum) = (c.number("epsilon", 1e-5)?, c.number("momentum", 0.9)?);
    let training = c.int_or_none("training_mode")? == Some(1);
    let (x, weight, bias) = (c.var("X")?, c.var("scale")?, c.var("B")?);
    let mut mean = c.var(c.named(&["input_mean", "mean"]))?.into_value();
    let mut var = c.var(c.named(&["input_var", "var"]))?.into_value();
    let options = BatchNormOptions::default().eps(eps);
    if !training {
        let running = RunningStats {
            mean: &mut mean,
            var: &mut var,
        };
        return one(x.batch_norm(Some(running), Some(&weight), Some(&bias), &options)?);
    }
    let tape = Tape::new();
    let [x, weight, bias] = [x, weight, bias].map(|x| tape.constant(x.into_value()));
    let y = x.batch_norm(None, Some(&weight), Some(&bias), &options)?;
    let axes: Vec<isize> = (0..x.ndim() as isize).filter(|&axis| axis != 1).collect();
    let blend = |old: &Tensor<T>, new: &Tensor<T>| {
        old.mul_scalar(T::of(momentum))
            .add(&new.mul_scalar(T::of(1.0 - momentum)))
    };
    let mean = blend(&mean, &x.value().mean_axes(&axes, false)?)?;
    let var = blend(&var, &x.value().var_axes(&axes, 0.0, false)?)?;
    Ok(vec![
        y.into(),
        x.constant(mean).into(),
        x.constant(var).into(),
    ])
}
