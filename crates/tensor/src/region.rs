//! A part of a tensor: what a caller wrote, and what that means, checked.
//!
//! A part is described axis by axis, as in Python: `(1, .., 2..6)` is
//! `[1, :, 2:6]`. [`Slices`] collects what was written, and a `Region` is what
//! it means for one shape: in range on every axis, so that the loops over it
//! cannot fail.

use std::ops::{Range, RangeFrom, RangeFull, RangeTo};

use crate::error::{Error, Result};
use crate::shape::{Loop, nest, strides};

/// What to take of one axis.
///
/// Numbers and ranges convert: `3`, `2..6`, `..-1`, `1..`, `..`. For a step,
/// call [`step`](Self::step) on a converted range.
///
/// ```
/// use wengert_tensor::{Slice, Tensor};
///
/// let x = Tensor::arange(0, 10, 1)?;
/// assert_eq!(x.slice((-3..,))?.to_vec(), [7, 8, 9]);
/// assert_eq!(x.slice((Slice::from(1..8).step(3),))?.to_vec(), [1, 4, 7]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slice {
    /// One position; the axis disappears. Negative ones count from the end.
    Index(isize),
    /// Every `step`-th position from `start` up to `end`, exclusively. Bounds
    /// count from the end when negative, and are clipped to the axis.
    Range {
        /// The first position; from the start if there is none.
        start: Option<isize>,
        /// The position before which to stop; to the end if there is none.
        end: Option<isize>,
        /// The distance between positions.
        step: usize,
    },
}

impl Slice {
    /// Every `step`-th position of a range. (An index has no steps and stays.)
    #[must_use]
    pub fn step(self, step: usize) -> Self {
        match self {
            Self::Range { start, end, .. } => Self::Range { start, end, step },
            Self::Index(_) => self,
        }
    }

    fn between(start: Option<isize>, end: Option<isize>) -> Self {
        Self::Range {
            start,
            end,
            step: 1,
        }
    }
}

impl From<isize> for Slice {
    fn from(index: isize) -> Self {
        Self::Index(index)
    }
}

impl From<Range<isize>> for Slice {
    fn from(range: Range<isize>) -> Self {
        Self::between(Some(range.start), Some(range.end))
    }
}

impl From<RangeFrom<isize>> for Slice {
    fn from(range: RangeFrom<isize>) -> Self {
        Self::between(Some(range.start), None)
    }
}

impl From<RangeTo<isize>> for Slice {
    fn from(range: RangeTo<isize>) -> Self {
        Self::between(None, Some(range.end))
    }
}

impl From<RangeFull> for Slice {
    fn from(_: RangeFull) -> Self {
        Self::between(None, None)
    }
}

/// One [`Slice`] for each of the leading axes: a tuple of up to six, an array,
/// a vector or a slice. Axes that are not mentioned are taken whole.
pub trait Slices {
    /// The slices in the order of the axes.
    fn to_slices(&self) -> Vec<Slice>;
}

macro_rules! tuples {
    ($(($($name:ident),+))+) => {$(
        impl<$($name: Clone + Into<Slice>),+> Slices for ($($name,)+) {
            fn to_slices(&self) -> Vec<Slice> {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                vec![$($name.clone().into()),+]
            }
        }
    )+};
}
tuples! { (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) }

impl<S: Clone + Into<Slice>> Slices for [S] {
    fn to_slices(&self) -> Vec<Slice> {
        self.iter().cloned().map(Into::into).collect()
    }
}

impl<S: Clone + Into<Slice>, const N: usize> Slices for [S; N] {
    fn to_slices(&self) -> Vec<Slice> {
        self.as_slice().to_slices()
    }
}

impl<S: Clone + Into<Slice>> Slices for Vec<S> {
    fn to_slices(&self) -> Vec<Slice> {
        self.as_slice().to_slices()
    }
}

impl<S: Slices + ?Sized> Slices for &S {
    fn to_slices(&self) -> Vec<Slice> {
        (**self).to_slices()
    }
}

/// A part of a tensor of a known shape, checked: in range on every axis.
pub(crate) struct Region {
    /// How many positions are taken of each axis of the tensor.
    pub(crate) lens: Vec<usize>,
    /// How far apart they lie in memory.
    steps: Vec<usize>,
    /// Where the first of them lies.
    pub(crate) offset: usize,
    /// Which axes the part keeps: all but those with an index.
    pub(crate) kept: Vec<usize>,
}

impl Region {
    /// The whole of a tensor.
    pub(crate) fn whole(shape: &[usize]) -> Self {
        Self {
            lens: shape.to_vec(),
            steps: strides(shape),
            offset: 0,
            kept: (0..shape.len()).collect(),
        }
    }

    /// What a caller's slices mean for a tensor of this shape, which must be
    /// one that a tensor can have.
    pub(crate) fn new(op: &'static str, shape: &[usize], slices: &[Slice]) -> Result<Self> {
        if slices.len() > shape.len() {
            return Err(Error::shape(
                op,
                format!(
                    "{} slices for {} axes (shape {shape:?})",
                    slices.len(),
                    shape.len()
                ),
            ));
        }
        let mut region = Self::whole(shape);
        for (axis, &slice) in slices.iter().enumerate() {
            let size = shape[axis];
            match slice {
                Slice::Index(index) => region.select(op, shape, axis, index)?,
                Slice::Range { step: 0, .. } => {
                    return Err(Error::value(
                        op,
                        format!(
                            "the step of a slice must be positive, got 0 \
                             (axis {axis}, shape {shape:?})"
                        ),
                    ));
                }
                Slice::Range { start, end, step } => {
                    let start = start.map_or(0, |start| clip(start, size));
                    let end = end.map_or(size, |end| clip(end, size));
                    let len = end.saturating_sub(start).div_ceil(step);
                    region.restrict(axis, start, len, step);
                }
            }
        }
        Ok(region)
    }

    /// Takes `len` positions of an axis, from `start` on: in range by the
    /// caller's care.
    pub(crate) fn restrict(&mut self, axis: usize, start: usize, len: usize, step: usize) {
        self.lens[axis] = len;
        if len > 0 {
            self.offset += start * self.steps[axis];
        }
        if len > 1 {
            self.steps[axis] *= step;
        }
    }

    /// Takes one position of an axis, which the part then does not have.
    pub(crate) fn select(
        &mut self,
        op: &'static str,
        shape: &[usize],
        axis: usize,
        index: isize,
    ) -> Result<()> {
        let size = shape[axis];
        let start = from_end(index, size)
            .filter(|&start| start < size)
            .ok_or_else(|| {
                Error::value(
                    op,
                    format!(
                        "index {index} is out of range for axis {axis} of size {size} \
                         (shape {shape:?})"
                    ),
                )
            })?;
        self.restrict(axis, start, 1, 1);
        self.kept.retain(|&kept| kept != axis);
        Ok(())
    }

    /// The shape of the part.
    pub(crate) fn shape(&self) -> Vec<usize> {
        self.kept.iter().map(|&axis| self.lens[axis]).collect()
    }

    /// The loops over the part, together with another operand whose strides
    /// are given for the axes that the part keeps.
    pub(crate) fn loops(&self, other: &[usize]) -> Vec<Loop<2>> {
        let mut steps = vec![0; self.lens.len()];
        for (&axis, &step) in self.kept.iter().zip(other) {
            steps[axis] = step;
        }
        nest(&self.lens, &[self.steps.clone(), steps])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lens.contains(&0)
    }
}

/// A position, negative ones counted from the end; `None` before the start.
pub(crate) fn from_end(position: isize, size: usize) -> Option<usize> {
    if position < 0 {
        size.checked_sub(position.unsigned_abs())
    } else {
        Some(position.unsigned_abs())
    }
}

/// A bound as Python clips it: into 0 ..= size.
fn clip(bound: isize, size: usize) -> usize {
    from_end(bound, size).unwrap_or(0).min(size)
}
