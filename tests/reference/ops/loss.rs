//! Losses.

use wengert::{
    BinaryCrossEntropyOptions, BinaryCrossEntropyWithLogitsOptions, CrossEntropyOptions, Float,
    KlDivOptions, NllLossOptions, Reduction, Tensor,
};

use crate::reference::call::{Adapter, Call, Stop, Value, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("nn.functional.binary_cross_entropy", |c| {
            let (target, options) = (c.var("target")?, binary(c)?);
            one(c.var("input")?.binary_cross_entropy(&target, options)?)
        }),
        ("nn.functional.binary_cross_entropy_with_logits", |c| {
            let (target, options) = (c.var("target")?, binary_with_logits(c)?);
            let x = c.var("input")?;
            one(x.binary_cross_entropy_with_logits(&target, options)?)
        }),
        ("nn.functional.cross_entropy", |c| {
            let (x, options) = (c.var("input")?, cross_entropy(c)?);
            match c.value("target")? {
                Value::Int(labels) => one(x.cross_entropy(&labels, options)?),
                _ => one(x.cross_entropy(&c.var("target")?, options)?),
            }
        }),
        ("nn.functional.huber_loss", |c| {
            let (target, reduction) = (c.var("target")?, reduction(c)?);
            let delta = c.number("delta", 1.0)?;
            one(c.var("input")?.huber_loss(&target, reduction, delta)?)
        }),
        ("nn.functional.kl_div", |c| {
            let (target, options) = (c.var("target")?, kl_div(c)?);
            one(c.var("input")?.kl_div(&target, options)?)
        }),
        ("nn.functional.l1_loss", |c| {
            let reduction = reduction(c)?;
            one(c.var("input")?.l1_loss(&c.var("target")?, reduction)?)
        }),
        ("nn.functional.mse_loss", |c| {
            let reduction = reduction(c)?;
            one(c.var("input")?.mse_loss(&c.var("target")?, reduction)?)
        }),
        ("nn.functional.nll_loss", |c| {
            let options = nll(c)?;
            one(c.var("input")?.nll_loss(&c.ints("target")?, options)?)
        }),
        ("nn.functional.smooth_l1_loss", |c| {
            let (target, reduction) = (c.var("target")?, reduction(c)?);
            let beta = c.number("beta", 1.0)?;
            one(c.var("input")?.smooth_l1_loss(&target, reduction, beta)?)
        }),
    ]
}

/// `mean`, `sum` or `none`.
pub(crate) fn reduction<T: Float>(c: &Call<T>) -> Result<Reduction, Stop> {
    match c.text("reduction", "mean")? {
        "mean" => Ok(Reduction::Mean),
        "sum" => Ok(Reduction::Sum),
        "none" => Ok(Reduction::None),
        other => Err(Stop::unsupported(format!("a reduction `{other}`"))),
    }
}

/// A weight. No loss has a gradient to it.
fn weight<T: Float>(c: &Call<T>, name: &str) -> Result<Option<Tensor<T>>, Stop> {
    match c.var_or_none(name)? {
        Some(weight) if weight.is_tracked() => {
            Err(Stop::unsupported(format!("`{name}` is a constant")))
        }
        weight => Ok(weight.map(wengert::Var::into_value)),
    }
}

/// The options of cross-entropy.
pub(crate) fn cross_entropy<T: Float>(c: &Call<T>) -> Result<CrossEntropyOptions<T>, Stop> {
    let mut options = CrossEntropyOptions::from(reduction(c)?);
    options.weight = weight(c, "weight")?;
    options.label_smoothing = c.number("label_smoothing", 0.0)?;
    Ok(match c.int_or_none("ignore_index")? {
        None => options,
        Some(ignored) => options.ignore_index(ignored),
    })
}

/// The options of the negative log-likelihood.
pub(crate) fn nll<T: Float>(c: &Call<T>) -> Result<NllLossOptions<T>, Stop> {
    let mut options = NllLossOptions::from(reduction(c)?);
    options.weight = weight(c, "weight")?;
    Ok(match c.int_or_none("ignore_index")? {
        None => options,
        Some(ignored) => options.ignore_index(ignored),
    })
}

/// The options of the Kullback–Leibler divergence.
pub(crate) fn kl_div<T: Float>(c: &Call<T>) -> Result<KlDivOptions, Stop> {
    let options = match c.text("reduction", "mean")? {
        "batchmean" => KlDivOptions::batch_mean(),
        _ => reduction(c)?.into(),
    };
    Ok(options.log_target(c.flag("log_target", false)?))
}

/// The options of binary cross-entropy.
pub(crate) fn binary<T: Float>(c: &Call<T>) -> Result<BinaryCrossEntropyOptions<T>, Stop> {
    let mut options = BinaryCrossEntropyOptions::from(reduction(c)?);
    options.weight = weight(c, "weight")?;
    Ok(options)
}

/// The options of binary cross-entropy of logits.
pub(crate) fn binary_with_logits<T: Float>(
    c: &Call<T>,
) -> Result<BinaryCrossEntropyWithLogitsOptions<T>, Stop> {
    let mut options = BinaryCrossEntropyWithLogitsOptions::from(reduction(c)?);
    options.weight = weight(c, "weight")?;
    options.pos_weight = weight(c, "pos_weight")?;
    Ok(options)
}
