//! The builders of schedules: how PyTorch's arguments become the library's. As
//! [`super::layers`].

use std::collections::BTreeMap;

use serde_json::Value as Json;
use wengert::{
    Anneal, ChainedScheduler, CosineAnnealingLr, CosineAnnealingWarmRestarts, ExponentialLr, Float,
    LinearLr, MultiStepLr, OneCycleLr, PerGroup, PlateauMode, ReduceLrOnPlateau, Scheduler,
    SequentialLr, StepLr, Tape, ThresholdMode,
};

use super::call::{Call, Stop};
use super::source::{Case, field};
use super::value::Arg;

/// What builds a schedule from the arguments of its constructor.
type Builder<T> = fn(&Call<T>) -> Result<Box<dyn Scheduler>, Stop>;

/// The schedule that a case names.
///
/// # Errors
/// If there is none of this name, or it refuses its arguments.
pub(crate) fn build<T: Float>(case: &Case<'_>, spec: &Json) -> Result<Box<dyn Scheduler>, Stop> {
    let name = field(spec, "name").as_str().unwrap_or_default();
    let args = field(spec, "args");
    if let Some(parts) = field(args, "schedulers").as_array() {
        let parts = parts.iter().map(|part| build::<T>(case, part));
        let parts = parts.collect::<Result<Vec<_>, _>>()?.into_iter();
        return chain(name, parts, field(args, "milestones"));
    }
    let build = builders::<T>()
        .into_iter()
        .find(|(known, _)| *known == name);
    let (_, build) = build.ok_or_else(|| Stop::unsupported(format!("no schedule `{name}`")))?;
    let call = Call::new(Tape::new(), case.args(args)?, BTreeMap::new(), [].into());
    call.only("last_epoch", &Arg::Int(-1))?;
    let schedule = build(&call)?;
    call.check_used()?;
    Ok(schedule)
}

/// A schedule made of others.
fn chain(
    name: &str,
    mut parts: impl Iterator<Item = Box<dyn Scheduler>>,
    milestones: &Json,
) -> Result<Box<dyn Scheduler>, Stop> {
    let first = parts.next();
    let first = first.ok_or_else(|| Stop::unsupported("a chain needs a first schedule"))?;
    match name {
        "SequentialLR" => {
            let mut milestones = milestones.as_array().into_iter().flatten();
            let mut whole = SequentialLr::new(first);
            for part in parts {
                let from = milestones.next().and_then(Json::as_u64);
                let from = from.ok_or_else(|| Stop::failed("a schedule has no milestone"))?;
                whole = whole.then(from, part)?;
            }
            Ok(Box::new(whole))
        }
        "ChainedScheduler" => Ok(Box::new(
            parts.fold(ChainedScheduler::new(first), ChainedScheduler::and),
        )),
        _ => Err(Stop::unsupported(format!("no schedule `{name}`"))),
    }
}

fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![
        ("StepLR", |c| {
            let gamma = c.number("gamma", 0.1)?;
            Ok(Box::new(StepLr::new(steps(c, "step_size", None)?, gamma)?))
        }),
        ("MultiStepLR", |c| {
            let milestones = c.axes("milestones")?.into_iter();
            let milestones = milestones.filter_map(|step| u64::try_from(step).ok());
            Ok(Box::new(MultiStepLr::new(
                milestones,
                c.number("gamma", 0.1)?,
            )?))
        }),
        ("ExponentialLR", |c| {
            Ok(Box::new(ExponentialLr::new(number(c, "gamma")?)?))
        }),
        ("LinearLR", |c| {
            let start = c.number("start_factor", 1.0 / 3.0)?;
            let end = c.number("end_factor", 1.0)?;
            Ok(Box::new(LinearLr::new(
                start,
                end,
                steps(c, "total_iters", Some(5))?,
            )?))
        }),
        ("CosineAnnealingLR", |c| {
            let eta_min = c.number("eta_min", 0.0)?;
            Ok(Box::new(CosineAnnealingLr::new(
                steps(c, "T_max", None)?,
                eta_min,
            )?))
        }),
        ("CosineAnnealingWarmRestarts", |c| {
            let (t_0, t_mult) = (steps(c, "T_0", None)?, steps(c, "T_mult", Some(1))?);
            let eta_min = c.number("eta_min", 0.0)?;
            Ok(Box::new(CosineAnnealingWarmRestarts::new(
                t_0, t_mult, eta_min,
            )?))
        }),
        ("OneCycleLR", |c| {
            let total = match c.get("total_steps") {
                Some(_) => steps(c, "total_steps", None)?,
                None => steps(c, "epochs", None)? * steps(c, "steps_per_epoch", None)?,
            };
            let anneal = match c.text("anneal_strategy", "cos")? {
                "cos" => Anneal::Cos,
                "linear" => Anneal::Linear,
                other => return Err(Stop::unsupported(format!("no strategy `{other}`"))),
            };
            let schedule = OneCycleLr::builder(per_group(c, "max_lr", None)?, total)
                .pct_start(c.number("pct_start", 0.3)?)
                .anneal_strategy(anneal)
                .cycle_momentum(c.flag("cycle_momentum", true)?)
                .base_momentum(per_group(c, "base_momentum", Some(0.85))?)
                .max_momentum(per_group(c, "max_momentum", Some(0.95))?)
                .div_factor(c.number("div_factor", 25.0)?)
                .final_div_factor(c.number("final_div_factor", 1e4)?)
                .three_phase(c.flag("three_phase", false)?);
            Ok(Box::new(schedule.build()?))
        }),
        ("ReduceLROnPlateau", |c| {
            let mode = match c.text("mode", "min")? {
                "min" => PlateauMode::Min,
                "max" => PlateauMode::Max,
                other => return Err(Stop::unsupported(format!("no mode `{other}`"))),
            };
            let threshold_mode = match c.text("threshold_mode", "rel")? {
                "rel" => ThresholdMode::Rel,
                "abs" => ThresholdMode::Abs,
                other => return Err(Stop::unsupported(format!("no mode `{other}`"))),
            };
            let schedule = ReduceLrOnPlateau::builder()
                .mode(mode)
                .factor(c.number("factor", 0.1)?)
                .patience(steps(c, "patience", Some(10))?)
                .threshold(c.number("threshold", 1e-4)?)
                .threshold_mode(threshold_mode)
                .cooldown(steps(c, "cooldown", Some(0))?)
                .min_lr(per_group(c, "min_lr", Some(0.0))?)
                .eps(c.number("eps", 1e-8)?);
            Ok(Box::new(schedule.build()?))
        }),
    ]
}

/// A number of steps.
fn steps<T: Float>(c: &Call<T>, name: &str, default: Option<usize>) -> Result<u64, Stop> {
    let steps = match default {
        Some(default) => c.size_or(name, default)?,
        None => c.size(name)?,
    };
    Ok(steps as u64)
}

/// A number that has no default.
fn number<T: Float>(c: &Call<T>, name: &str) -> Result<f64, Stop> {
    let number = c.number_or_none(name)?;
    number.ok_or_else(|| Stop::unsupported(format!("needs the argument `{name}`")))
}

/// A number, or one for each group of parameters.
fn per_group<T: Float>(c: &Call<T>, name: &str, default: Option<f64>) -> Result<PerGroup, Stop> {
    if let Some(Arg::List(items)) = c.get(name) {
        let numbers = items.iter().map(|item| match item {
            Arg::Float(x) => Ok(*x),
            Arg::Int(x) => Ok(*x as f64),
            other => c.refuse(name, other, "numbers"),
        });
        return Ok(numbers.collect::<Result<Vec<_>, _>>()?.into());
    }
    match default {
        Some(default) => Ok(c.number(name, default)?.into()),
        None => Ok(number(c, name)?.into()),
    }
}
