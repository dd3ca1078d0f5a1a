//! Dropout, where it is not random: in inference, and for p = 0 and 1.

use wengert::{Float, Var};

use crate::reference::call::{Adapter, Call, Outputs, Stop, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("nn.functional.dropout", |c| certain(c, Var::dropout)),
        ("nn.functional.dropout2d", |c| certain(c, Var::dropout2d)),
    ]
}

/// The outcome, if it does not hang on random numbers.
fn certain<T: Float>(
    c: &Call<T>,
    dropout: fn(&Var<T>, f64) -> wengert::Result<Var<T>>,
) -> Result<Outputs<T>, Stop> {
    let p = c.number("p", 0.5)?;
    // Whether it happens in place shows in nothing.
    c.flag("inplace", false)?;
    // The mode is the tape's, which was made for this argument.
    let random = c.flag("training", true)? && p > 0.0 && p < 1.0;
    let outcome = dropout(&c.var("input")?, p)?;
    if random {
        return Err(Stop::unsupported("random numbers differ between libraries"));
    }
    one(outcome)
}
