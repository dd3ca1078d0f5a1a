//! The largest and the smallest: what they are, and where.
//!
//! NaN counts as larger than everything when the largest is asked for and as
//! smaller when the smallest is, so that it shows in the result. Of equal
//! candidates [`argmax`](Tensor::argmax) and [`argmin`](Tensor::argmin) name the
//! first. The extreme of nothing does not exist and is an error, unless the
//! result has no elements to begin with.
//!
//! **Cost.** One pass over the operand.

mod places;

use super::fold::{Fold, Plan};
use crate::element::Number;
use crate::error::{Error, Result};
use crate::loops::CHECKED;
use crate::shape::{self, Axes};
use crate::tensor::Tensor;
pub(crate) use places::place_loops;

impl<T: Number> Tensor<T> {
    /// The largest of all elements, as a tensor without axes.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is none.
    pub fn amax(&self) -> Result<Self> {
        self.amax_axes([], false)
    }

    /// The largest element along these axes, of all if none is named.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor = Tensor::from([[1.0, 5.0], [3.0, f32::NAN]]);
    /// assert_eq!(x.amax_axes(0, false)?.get([0]), Some(3.0));
    /// assert!(x.amax()?.item()?.is_nan());
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`] for an axis out of range, [`Error::Value`] for one named
    /// twice, [`Error::Shape`] if a reduced axis has size 0.
    pub fn amax_axes(&self, axes: impl Axes, keepdim: bool) -> Result<Self> {
        Fold::Largest.along(self, &plan("amax", self, &axes, keepdim)?)
    }

    /// The smallest of all elements, as a tensor without axes.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is none.
    pub fn amin(&self) -> Result<Self> {
        self.amin_axes([], false)
    }

    /// The smallest element along these axes, of all if none is named.
    ///
    /// # Errors
    /// As [`amax_axes`](Self::amax_axes).
    pub fn amin_axes(&self, axes: impl Axes, keepdim: bool) -> Result<Self> {
        Fold::Smallest.along(self, &plan("amin", self, &axes, keepdim)?)
    }

    /// The place of the largest element in row-major order: the first of
    /// several, the first NaN if there is one.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is none.
    pub fn argmax(&self) -> Result<Tensor<i64>> {
        place("argmax", Fold::Largest, self, None, false)
    }

    /// The index of the largest element along one axis: the first of several,
    /// the first NaN if there is one.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let scores: Tensor = Tensor::from([[0.1, 0.9, 0.3], [0.5, 0.2, 0.5]]);
    /// assert_eq!(scores.argmax_axis(-1, false)?.to_vec(), [1, 0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`] for an axis out of range, [`Error::Shape`] if it has size 0.
    pub fn argmax_axis(&self, axis: isize, keepdim: bool) -> Result<Tensor<i64>> {
        place("argmax", Fold::Largest, self, Some(axis), keepdim)
    }

    /// The place of the smallest element in row-major order: the first of
    /// several, the first NaN if there is one.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is none.
    pub fn argmin(&self) -> Result<Tensor<i64>> {
        place("argmin", Fold::Smallest, self, None, false)
    }

    /// The index of the smallest element along one axis: the first of several,
    /// the first NaN if there is one.
    ///
    /// # Errors
    /// As [`argmax_axis`](Self::argmax_axis).
    pub fn argmin_axis(&self, axis: isize, keepdim: bool) -> Result<Tensor<i64>> {
        place("argmin", Fold::Smallest, self, Some(axis), keepdim)
    }
}

/// The checked reduction, which must have something to choose from.
fn plan<T: Number>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &impl Axes,
    keepdim: bool,
) -> Result<Plan> {
    let plan = Plan::new(op, x.shape(), axes, keepdim)?;
    if plan.count == 0 {
        return Err(Error::shape(
            op,
            format!("nothing to choose from (shape {:?})", x.shape()),
        ));
    }
    Ok(plan)
}

/// Where along the axis (`None`: in the flat order) stands the element that no
/// later one beats.
fn place<T: Number>(
    op: &'static str,
    what: Fold,
    x: &Tensor<T>,
    axis: Option<isize>,
    keepdim: bool,
) -> Result<Tensor<i64>> {
    let plan = match axis {
        Some(axis) => plan(op, x, &axis, keepdim)?,
        None => plan(op, x, &[], keepdim)?,
    };
    let inner = match axis {
        Some(axis) => {
            let at = shape::wrap_axis(op, axis, x.ndim())?;
            shape::strides(x.shape()).get(at).copied().unwrap_or(1)
        }
        None => 1,
    };
    let mut places = Tensor::arbitrary(op, &plan.shape)?;
    if !x.is_empty() {
        let (x, places) = (x.as_slice(), places.as_mut_slice());
        T::place(CHECKED, what, plan.count, inner, x, places);
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use proptest::prelude::*;

    const NAN: f64 = f64::NAN;

    #[test]
    fn nan_wins_and_the_first_of_ties_is_named() {
        let x = Tensor::from([[3.0, 1.0, 3.0, 1.0], [NAN, 5.0, NAN, 0.0]]);
        assert_eq!(x.argmax_axis(1, false).unwrap().to_vec(), [0, 0]);
        assert_eq!(x.argmin_axis(1, false).unwrap().to_vec(), [1, 0]);
        assert_eq!(x.argmax_axis(0, false).unwrap().to_vec(), [1, 1, 1, 0]);
        assert_eq!(x.argmin_axis(-2, true).unwrap().to_vec(), [1, 0, 1, 1]);
        assert_eq!(x.argmax().unwrap().item().unwrap(), 4);
        assert_eq!(x.argmin().unwrap().item().unwrap(), 4);
        assert!(x.amax().unwrap().item().unwrap().is_nan());
        assert!(x.amin().unwrap().item().unwrap().is_nan());
        let rows = x.amax_axes(1, false).unwrap();
        assert_eq!(rows.get([0]), Some(3.0));
        assert!(rows.get([1]).unwrap().is_nan());
        let infinite = Tensor::from([f64::NEG_INFINITY; 2]);
        assert_eq!(infinite.argmax().unwrap().item().unwrap(), 0);
        assert_eq!(infinite.amax().unwrap().item().unwrap(), f64::NEG_INFINITY);
    }

    proptest! {
        #[test]
        fn the_place_named_holds_the_extreme(
            shape in prop::collection::vec(1usize..5, 1..4),
            axis in 0usize..3,
            seed: u64,
        ) {
            let axis = axis % shape.len();
            // Few distinct values, so that there are ties.
            let x = Tensor::<f64>::uniform(&shape, 0.0, 4.0, &mut Generator::new(seed))
                .unwrap()
                .cast::<i64>();
            let places = x.argmax_axis(axis as isize, true).unwrap();
            let maxima = x.amax_axes(axis as isize, true).unwrap();
            Tensor::from_fn(places.shape(), |at| {
                let line: Vec<i64> = (0..shape[axis])
                    .map(|i| {
                        let mut at = at.to_vec();
                        at[axis] = i;
                        x.get(&at).unwrap()
                    })
                    .collect();
                let max = *line.iter().max().unwrap();
                assert_eq!(maxima.get(at), Some(max));
                let first = line.iter().position(|&v| v == max).unwrap();
                assert_eq!(places.get(at), Some(first as i64));
                0i64
            })
            .unwrap();
        }
    }

    #[test]
    fn the_extreme_of_nothing_is_an_error_unless_none_is_asked_for() {
        let x = Tensor::<f64>::zeros([2, 0]).unwrap();
        assert_eq!(
            x.amax_axes(1, false).unwrap_err().to_string(),
            "amax: nothing to choose from (shape [2, 0])"
        );
        assert!(x.amin().is_err() && x.argmax().is_err() && x.argmin().is_err());
        assert!(x.argmax_axis(1, false).is_err());
        assert_eq!(x.amax_axes(0, false).unwrap().shape(), [0]);
        assert_eq!(x.argmin_axis(0, true).unwrap().shape(), [1, 0]);
        assert!(
            Tensor::<f64>::zeros([0, 0])
                .unwrap()
                .amax_axes(0, false)
                .is_err()
        );
        assert!(x.argmax_axis(2, false).is_err());
        let scalar = Tensor::scalar(4i64);
        assert_eq!(scalar.argmax().unwrap().item().unwrap(), 0);
        assert_eq!(scalar.amin().unwrap().item().unwrap(), 4);
    }
}
