//! Dropout, where it is not random: in inference, and for p = 0 and 1.

use wengert::Float;

use crate::reference::call::{Adapter, Stop, one};

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![("nn.functional.dropout", |c| {
        let p = c.number("p", 0.5)?;
        // The mode is the tape's, which was made for this argument.
        if c.flag("training", true)? && p > 0.0 && p < 1.0 {
            return Err(Stop::unsupported("random numbers differ between libraries"));
        }
        one(c.var("input")?.dropout(p)?)
    })]
}
