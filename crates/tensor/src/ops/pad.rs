//! A margin of one value around a tensor.
//!
//! A negative amount crops, so that the adjoint of padding is padding by the
//! negated amounts: what was added is cut off again, and what was cut off comes
//! back as zeros.
//!
//! **Cost.** One pass over the result, and one over what is kept.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::region::Slice;
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// The tensor with `value` added before and after, axis by axis **from the
    /// last one**, as PyTorch counts: `[(left, right), (top, bottom)]` for an
    /// image. A negative amount crops. Axes that are not mentioned stay.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([[1, 2], [3, 4]]);
    /// assert_eq!(x.pad(&[(1, 0)], 9)?, Tensor::from([[9, 1, 2], [9, 3, 4]]));
    /// assert_eq!(x.pad(&[(-1, 1), (0, -1)], 0)?, Tensor::from([[2, 0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] for more pairs than axes or for cropping more than
    /// there is, [`Error::TooLarge`].
    pub fn pad(&self, amounts: &[(isize, isize)], value: T) -> Result<Self> {
        const OP: &str = "pad";
        let refuse = |why: &str| {
            Err(Error::shape(
                OP,
                format!("{why} (shape {:?}, amounts {amounts:?})", self.shape()),
            ))
        };
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
                return refuse("more is cropped than there is");
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
