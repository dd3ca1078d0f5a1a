//! A margin around a tensor: of one value, or of the tensor's own elements.
//!
//! | mode | left of `a b c d` | right of it |
//! |---|---|---|
//! | a value v | `v v` | `v v` |
//! | reflect | `c b` | `c b` |
//! | replicate | `a a` | `d d` |
//! | circular | `c d` | `a b` |
//!
//! A negative amount crops. So the adjoint of padding with a value is padding by
//! the negated amounts: what was added is cut off again, and what was cut off
//! comes back as zeros. The other modes look their elements up (`lookup.rs`), and
//! the adjoint adds to each what its copies received.
//!
//! **Cost.** One pass over the result, and, for a value, one over what is kept.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::ops::lookup::Lookup;
use crate::region::Slice;
use crate::tensor::Tensor;

/// What a margin is made of. A number converts: `x.pad(&[(1, 1)], 0.0)`.
///
/// ```
/// use wengert_tensor::{PadMode, Tensor};
///
/// let x = Tensor::from([[1, 2, 3]]);
/// let pad = |mode: PadMode<i64>| Ok(x.pad(&[(2, 1)], mode)?.to_vec());
/// assert_eq!(pad(PadMode::Constant(9))?, [9, 9, 1, 2, 3, 9]);
/// assert_eq!(pad(PadMode::Reflect)?, [3, 2, 1, 2, 3, 2]);
/// assert_eq!(pad(PadMode::Replicate)?, [1, 1, 1, 2, 3, 3]);
/// assert_eq!(pad(PadMode::Circular)?, [2, 3, 1, 2, 3, 1]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadMode<T> {
    /// This value.
    Constant(T),
    /// The elements beyond the edge element, mirrored at it.
    Reflect,
    /// The edge element again and again.
    Replicate,
    /// The elements from the other end.
    Circular,
}

impl<T> From<T> for PadMode<T> {
    fn from(value: T) -> Self {
        Self::Constant(value)
    }
}

impl<T: Element> Tensor<T> {
    /// The tensor with a margin before and after, axis by axis **from the last
    /// one**, as PyTorch counts: `[(left, right), (top, bottom)]` for an image. A
    /// negative amount crops. Axes that are not mentioned stay.
    /// `torch.nn.functional.pad`.
    ///
    /// A margin of a value goes around any axes of any tensor. The other modes
    /// take, as in PyTorch, one to three pairs, for a tensor with one or two axes
    /// more than pairs: channels, or images and channels. There, only the images
    /// may be none (a circular margin minds only its own axes).
    ///
    /// ```
    /// use wengert_tensor::{PadMode, Tensor};
    ///
    /// let x = Tensor::from([[1, 2], [3, 4]]);
    /// assert_eq!(x.pad(&[(1, 0)], 9)?, Tensor::from([[9, 1, 2], [9, 3, 4]]));
    /// assert_eq!(x.pad(&[(-1, 1), (0, -1)], 0)?, Tensor::from([[2, 0]]));
    /// let mirrored = Tensor::from([[1, 2, 1], [3, 4, 3]]);
    /// assert_eq!(x.pad(&[(0, 1)], PadMode::Reflect)?, mirrored);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] for more pairs than axes, or another number than the mode
    /// takes; for cropping more than there is; for a mirrored margin as long as
    /// its axis, or a circular one longer than what is left of its axis;
    /// [`Error::TooLarge`].
    pub fn pad(&self, amounts: &[(isize, isize)], mode: impl Into<PadMode<T>>) -> Result<Self> {
        let mode = mode.into();
        if let PadMode::Constant(value) = mode {
            return self.pad_with_value(amounts, value);
        }
        Lookup::pad::<T>(self.shape(), amounts, mode)?.look_up(OP, self)
    }

    fn pad_with_value(&self, amounts: &[(isize, isize)], value: T) -> Result<Self> {
        let refuse = |why: &str| refuse(why, self.shape(), amounts);
        let Some(untouched) = self.ndim().checked_sub(amounts.len()) else {
            return refuse("there are more pairs than axes");
        };
        let mut shape = self.shape().to_vec();
        // What is kept of this tensor, and where it lies in the result.
        let mut kept = vec![Slice::from(..); self.ndim()];
        let mut place = kept.clone();
        for (i, &(before, after)) in amounts.iter().rev().enumerate() {
            let axis = untouched + i;
            let crop = |amount: isize| amount.min(0).unsigned_abs();
            let grow = |amount: isize| amount.max(0).unsigned_abs();
            let end = self.shape()[axis].checked_sub(crop(after));
            let Some((end, len)) = end.and_then(|end| Some((end, end.checked_sub(crop(before))?)))
            else {
                return refuse(CROPPED);
            };
            // Amounts are below 2⁶³ each and sizes too: at worst this saturates
            // to a size that no memory can hold.
            shape[axis] = len.saturating_add(grow(before)).saturating_add(grow(after));
            kept[axis] = Slice::from(crop(before) as isize..end as isize);
            place[axis] = Slice::from(grow(before) as isize..(grow(before) + len) as isize);
        }
        let inner = self.slice(&kept)?;
        if shape == inner.shape() {
            return Ok(inner);
        }
        let mut padded = Self::filled(OP, &shape, value)?;
        padded.slice_assign(&place, &inner)?;
        Ok(padded)
    }
}

const OP: &str = "pad";
const CROPPED: &str = "more is cropped than there is";

fn refuse<R>(why: &str, shape: &[usize], amounts: &[(isize, isize)]) -> Result<R> {
    Err(Error::shape(
        OP,
        format!("{why} (shape {shape:?}, amounts {amounts:?})"),
    ))
}

impl Lookup {
    /// What a margin of a tensor's own elements reads: in any mode but that of a
    /// value.
    ///
    /// # Errors
    /// Those of [`Tensor::pad`].
    pub fn pad<T: Element>(
        shape: &[usize],
        amounts: &[(isize, isize)],
        mode: PadMode<T>,
    ) -> Result<Self> {
        let refuse = |why: &str| refuse(why, shape, amounts);
        let pairs = amounts.len();
        if !(1..=3).contains(&pairs) || !(pairs + 1..=pairs + 2).contains(&shape.len()) {
            return refuse(
                "a margin of the tensor's own elements takes one to three pairs, and one or two \
                 axes more than pairs",
            );
        }
        let circular = mode == PadMode::Circular;
        // The channels, and the axes that grow.
        let filled = &shape[shape.len() - pairs - 1..];
        if !circular && filled.contains(&0) {
            return refuse("only the batch may be empty");
        }
        let (mut sizes, mut margins) = (Vec::new(), Vec::new());
        for (&(before, after), &size) in amounts.iter().rev().zip(&filled[1..]) {
            // None of these is near the ends of i128.
            let [len, before_, after_] = [size as i128, before as i128, after as i128];
            let (most, sum) = (before_.max(after_), len + before_ + after_);
            let left = len + before_.min(0) + after_.min(0);
            match mode {
                PadMode::Reflect if most >= len => {
                    return refuse("a mirrored margin must be shorter than its axis");
                }
                PadMode::Circular if left < 0 => return refuse(CROPPED),
                PadMode::Circular if most > left => {
                    return refuse("a circular margin is longer than what it goes around");
                }
                PadMode::Reflect | PadMode::Replicate if sum < 1 => return refuse(CROPPED),
                _ => {}
            }
            // At worst this is a size that no memory can hold.
            sizes.push(usize::try_from(sum).unwrap_or(usize::MAX));
            margins.push((before, size as isize, left as isize));
        }
        Self::new::<T>(OP, shape, &sizes, |axis, i| {
            // Places of a result that exists are below 2⁶³.
            let (before, size, left) = margins[axis];
            let at = (i as isize).saturating_sub(before);
            let last = size - 1;
            let at = match mode {
                PadMode::Reflect if at.abs() > last => 2 * last - at,
                PadMode::Reflect => at.abs(),
                PadMode::Circular => {
                    // Around what cropping leaves.
                    let start = (-before).max(0);
                    start + (at - start).rem_euclid(left)
                }
                _ => at.clamp(0, last),
            };
            at.unsigned_abs()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counting(shape: &[usize]) -> Tensor<i64> {
        let len: usize = shape.iter().product();
        Tensor::from_vec(shape, (1..=len as i64).collect()).unwrap()
    }

    proptest! {
        #[test]
        fn padding_agrees_with_its_definition(
            axes in prop::collection::vec((0usize..5, -4isize..5, -4isize..5), 0..4),
            mentioned in 0usize..5,
        ) {
            let shape: Vec<usize> = axes.iter().map(|a| a.0).collect();
            let amounts: Vec<(isize, isize)> = axes.iter().rev().map(|a| (a.1, a.2))
                .take(mentioned).collect();
            let x = counting(&shape);
            let cropped = shape.iter().rev().zip(&amounts)
                .any(|(&n, &(a, b))| n as isize + a.min(0) + b.min(0) < 0);
            let Ok(padded) = x.pad(&amounts, -1) else {
                prop_assert!(cropped);
                return Ok(());
            };
            prop_assert!(!cropped);
            let mut first = vec![0; shape.len()];
            let mut sizes = shape.clone();
            for (i, &(a, b)) in amounts.iter().enumerate() {
                let axis = shape.len() - 1 - i;
                first[axis] = a;
                sizes[axis] = (shape[axis] as isize + a + b) as usize;
            }
            let expected = Tensor::from_fn(sizes, |index| {
                let source: Option<Vec<usize>> = index.iter().zip(&first)
                    .map(|(&i, &a)| usize::try_from(i as isize - a).ok()).collect();
                source.and_then(|s| x.get(s)).unwrap_or(-1)
            });
            prop_assert_eq!(&padded, &expected.unwrap());

            // The adjoint: ⟨pad(x), y⟩ = ⟨x, pad(y, negated)⟩.
            let negated: Vec<_> = amounts.iter().map(|&(a, b)| (-a, -b)).collect();
            let (padded, y) = (x.pad(&amounts, 0).unwrap(), counting(padded.shape()));
            let back = y.pad(&negated, 0).unwrap();
            prop_assert_eq!(back.shape(), x.shape());
            let dot = |a: &Tensor<i64>, b: &Tensor<i64>| -> i64 {
                a.iter().zip(b).map(|(a, b)| a * b).sum()
            };
            prop_assert_eq!(dot(&padded, &y), dot(&x, &back));
        }
    }

    proptest! {
        /// The three modes on a row, by walking from place to place.
        #[test]
        fn own_elements_agree_with_their_definitions(
            n in 1usize..6,
            before in -3isize..6,
            after in -3isize..6,
        ) {
            let x = counting(&[2, n]);
            let last = n as isize - 1;
            let (crop, end) = ((-before).max(0), n as isize + after.min(0));
            // Whether there is a result, and what a place reads.
            type Mode = fn(isize, isize, isize, isize) -> isize;
            let modes: [(PadMode<i64>, bool, Mode); 3] = [
                (PadMode::Reflect, before.max(after) <= last, |at, last, _, _| {
                    if at < 0 { -at } else { at.min(2 * last - at) }
                }),
                (PadMode::Replicate, true, |at, last, _, _| at.clamp(0, last)),
                (PadMode::Circular, before.max(after) <= end - crop, |mut at, _, crop, end| {
                    while at < crop {
                        at += end - crop;
                    }
                    while at >= end {
                        at -= end - crop;
                    }
                    at
                }),
            ];
            for (mode, fits, source) in modes {
                let size = n as isize + before + after;
                let empty = mode == PadMode::Circular && size == 0 && end >= crop;
                let Ok(y) = x.pad(&[(before, after)], mode) else {
                    prop_assert!(!fits || size <= 0 && !empty, "{mode:?}");
                    continue;
                };
                prop_assert!(fits && (size > 0 || empty), "{mode:?}");
                let expected = Tensor::from_fn([2, size as usize], |at| {
                    let column = source(at[1] as isize - before, last, crop, end);
                    x.get([at[0], column as usize]).unwrap()
                });
                prop_assert_eq!(y, expected.unwrap());
            }
        }
    }

    #[test]
    fn bad_amounts_are_errors() {
        let x = counting(&[2]);
        assert!(x.pad(&[(1, 1), (1, 1)], 0).is_err());
        assert!(counting(&[]).pad(&[(1, 1)], 0).is_err());
        assert!(x.pad(&[(isize::MAX, isize::MAX)], 0).is_err());
        assert!(x.pad(&[(isize::MIN, isize::MAX)], 0).is_err());
        assert_eq!(
            x.pad(&[(-3, 5)], 0).unwrap_err().to_string(),
            "pad: more is cropped than there is (shape [2], amounts [(-3, 5)])"
        );
        assert_eq!(
            counting(&[0, 2])
                .pad(&[(0, 0), (1, 1)], 3)
                .unwrap()
                .to_vec(),
            [3; 4]
        );
    }
}
