//! The builders of optimisers: how PyTorch's arguments become the library's. As
//! [`super::layers`].

mod adagrad;
mod adam;
mod rmsprop;
mod sgd;

use std::collections::BTreeMap;

use serde_json::Value as Json;
use wengert::{Float, Optimizer};

use super::call::{Call, Stop};
use super::source::{Case, entries, field};
use super::value::Arg;

/// Parameters with options of their own: which, and what differs.
pub(crate) struct Group {
    names: Vec<String>,
    options: BTreeMap<String, f64>,
}

/// What builds an optimiser from the arguments of its constructor.
pub(crate) type Builder<T> = fn(&Call<T>, Vec<Group>) -> Result<Box<dyn Optimizer<T>>, Stop>;

/// All builders by the name of their optimiser.
#[must_use]
pub(crate) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    [
        adagrad::builders(),
        adam::builders(),
        rmsprop::builders(),
        sgd::builders(),
    ]
    .concat()
}

/// Reads the groups of an optimiser: a list of `names` and `args`.
///
/// # Errors
/// If one is malformed.
pub(crate) fn groups(case: &Case<'_>, spec: &Json) -> Result<Vec<Group>, Stop> {
    let list = field(spec, "groups").as_array();
    let read = |group: &Json| {
        let names = field(group, "names").as_array().into_iter().flatten();
        let names = names.filter_map(|name| Some(name.as_str()?.to_owned()));
        let number = |(name, value): (&String, &Json)| match case.arg::<f64>(value)? {
            Arg::Float(x) => Ok((name.clone(), x)),
            Arg::Int(x) => Ok((name.clone(), x as f64)),
            other => Err(Stop::unsupported(format!(
                "a group's `{name}` is {}",
                other.describe()
            ))),
        };
        Ok(Group {
            names: names.collect(),
            options: entries(field(group, "args"))
                .map(number)
                .collect::<Result<_, _>>()?,
        })
    };
    list.into_iter().flatten().map(read).collect()
}

/// Gives a builder its groups, in which these options may differ.
macro_rules! grouped {
    ($builder:expr, $groups:expr, $($option:ident),+) => {{
        let mut builder = $builder;
        for $crate::reference::optimizers::Group { names, options } in $groups {
            if let Some(name) = options.keys().find(|name| ![$(stringify!($option)),+].contains(&name.as_str())) {
                return Err($crate::reference::call::Stop::unsupported(format!("no group with its own `{name}`")));
            }
            builder = builder.group(
                move |name| names.iter().any(|n| n == name),
                move |group| {
                    $(if let Some(&x) = options.get(stringify!($option)) { group.$option = x; })+
                },
            );
        }
        builder
    }};
}
use grouped;

/// Two numbers.
fn pair<T: Float>(c: &Call<T>, name: &str, default: (f64, f64)) -> Result<(f64, f64), Stop> {
    let number = |arg: &Arg<T>| match arg {
        Arg::Float(x) => Some(*x),
        Arg::Int(x) => Some(*x as f64),
        _ => None,
    };
    match c.get(name) {
        None => Ok(default),
        Some(Arg::List(items)) if items.len() == 2 => {
            let both = number(&items[0]).zip(number(&items[1]));
            both.ok_or_else(|| Stop::unsupported(format!("`{name}` is no pair of numbers")))
        }
        Some(other) => c.refuse(name, other, "a pair of numbers"),
    }
}

/// How PyTorch computes, which changes no number.
fn implementation<T: Float>(c: &Call<T>) {
    for name in ["foreach", "fused", "capturable", "differentiable"] {
        let _ = c.get(name);
    }
}
