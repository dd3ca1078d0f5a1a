//! Elements looked up axis by axis: what padding with a tensor's own elements and
//! interpolation are made of.
//!
//! | | value | gradient of the input |
//! |---|---|---|
//! | `look_up(x)` | the elements at the positions | `add_back(g)` |
//! | `add_back(g)` | g added at the positions, in zeros | `look_up(v)` |
//!
//! The positions are constants, shared by the two and all that is saved.

use tensor::{Float, Lookup, Result};

use crate::record::{OpInfo, pull};
use crate::var::Var;

/// The elements at the positions, recorded as `op`.
pub(super) fn look_up<T: Float>(op: OpInfo, x: &Var<T>, lookup: &Lookup) -> Result<Var<T>> {
    let value = lookup.look_up(op.name, x.value())?;
    let (name, lookup) = (op.name, lookup.clone());
    let rule = pull(move |g| add_back(name, g, &lookup));
    Var::record(op, value, [(x, rule)])
}

/// The gradient of [`look_up`]; itself a sum over what was read more than once.
fn add_back<T: Float>(name: &'static str, g: &Var<T>, lookup: &Lookup) -> Result<Var<T>> {
    let value = lookup.add_back(name, g.value())?;
    let lookup = lookup.clone();
    let rule = pull(move |v: &Var<T>| look_up(OpInfo::from(name), v, &lookup));
    Var::record(OpInfo::from(name).spanning_plane(), value, [(g, rule)])
}
