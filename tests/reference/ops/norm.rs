//! Normalisation.

use wengert::{BatchNormOptions, Float, Result, RunningStats, Var};

use crate::reference::call::{Adapter, Call, Outputs, Stop, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("nn.functional.batch_norm", |c| {
            let options = options(c)?.use_input_stats(c.flag("training", false)?);
            by_channel(c, options, Var::batch_norm)
        }),
        ("nn.functional.group_norm", |c| {
            let groups = c.size("num_groups")?;
            let (weight, bias) = (c.var_or_none("weight")?, c.var_or_none("bias")?);
            let (x, eps) = (c.var("input")?, c.number("eps", 1e-5)?);
            one(x.group_norm(groups, weight.as_ref(), bias.as_ref(), eps)?)
        }),
        ("nn.functional.instance_norm", |c| {
            let options = options(c)?.use_input_stats(c.flag("use_input_stats", true)?);
            by_channel(c, options, Var::instance_norm)
        }),
        ("nn.functional.layer_norm", |c| {
            let shape = c.sizes("normalized_shape")?;
            let (weight, bias) = (c.var_or_none("weight")?, c.var_or_none("bias")?);
            let (x, eps) = (c.var("input")?, c.number("eps", 1e-5)?);
            one(x.layer_norm(shape, weight.as_ref(), bias.as_ref(), eps)?)
        }),
        ("nn.functional.rms_norm", |c| {
            let shape = c.sizes("normalized_shape")?;
            let (weight, eps) = (c.var_or_none("weight")?, c.number_or_none("eps")?);
            one(c.var("input")?.rms_norm(shape, weight.as_ref(), eps)?)
        }),
    ]
}

fn options<T: Float>(c: &Call<T>) -> std::result::Result<BatchNormOptions, Stop> {
    Ok(BatchNormOptions::default()
        .momentum(c.number("momentum", 0.1)?)
        .eps(c.number("eps", 1e-5)?))
}

/// `batch_norm` or `instance_norm`.
type ByChannel<T> = fn(
    &Var<T>,
    Option<RunningStats<'_, T>>,
    Option<&Var<T>>,
    Option<&Var<T>>,
    &BatchNormOptions,
) -> Result<Var<T>>;

fn by_channel<T: Float>(
    c: &Call<T>,
    options: BatchNormOptions,
    norm: ByChannel<T>,
) -> std::result::Result<Outputs<T>, Stop> {
    let x = c.var("input")?;
    let (weight, bias) = (c.var_or_none("weight")?, c.var_or_none("bias")?);
    let (weight, bias) = (weight.as_ref(), bias.as_ref());
    match (
        c.var_or_none("running_mean")?,
        c.var_or_none("running_var")?,
    ) {
        (None, None) => one(norm(&x, None, weight, bias, &options)?),
        (Some(mean), Some(var)) => {
            let (mut mean, mut var) = (mean.into_value(), var.into_value());
            let running = RunningStats {
                mean: &mut mean,
                var: &mut var,
            };
            let y = norm(&x, Some(running), weight, bias, &options)?;
            c.mutate("running_mean", &mean);
            c.mutate("running_var", &var);
            one(y)
        }
        _ => Err(Stop::unsupported(
            "there are both running statistics or none",
        )),
    }
}
