//! Layers that unfold, fold and enlarge.

use wengert::{Float, Fold, Unfold, Upsample};

use super::{Builder, module};
use crate::reference::ops::{nearest, slide};

pub(super) fn builders<T: Float>() -> Vec<(&'static str, Builder<T>)> {
    vec![
        ("Fold", |c| {
            module(Fold::new(c.pair("output_size")?, slide(c)?))
        }),
        ("Unfold", |c| module(Unfold::from(slide(c)?))),
        ("Upsample", |c| module(Upsample::from(nearest(c)?))),
    ]
}
