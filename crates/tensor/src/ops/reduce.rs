//! Sums over axes, and what is made of sums: mean and variance.
//!
//! How elements are gathered and in which order they are added is told in
//! `fold.rs`; here are the formulas. Over nothing, a sum is 0 and a mean is NaN.
//!
//! **Cost.** A sum is one pass over the operand. A variance is made of
//! whole-tensor steps, and takes a few.

use super::elementwise::zip;
use super::fold::{Fold, Plan};
use crate::element::{Float, Number};
use crate::error::{Error, Result};
use crate::shape::{Axes, broadcast};
use crate::tensor::Tensor;

impl<T: Number> Tensor<T> {
    /// The sum of all elements, as a tensor without axes; 0 for none.
    #[must_use]
    pub fn sum(&self) -> Self {
        Self::scalar(Fold::Sum.all(self.as_slice()))
    }

    /// The sum over these axes, over all if none is named. With `keepdim` they
    /// stay as axes of size 1.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.sum_axes(0, false)?.to_vec(), [4.0, 6.0]);
    /// assert_eq!(x.sum_axes(-1, true)?.shape(), [2, 1]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`] for an axis out of range, [`Error::Value`] for one named
    /// twice, [`Error::TooLarge`].
    pub fn sum_axes(&self, axes: impl Axes, keepdim: bool) -> Result<Self> {
        Fold::Sum.along(self, &Plan::new("sum", self.shape(), &axes, keepdim)?)
    }

    /// The sum over every axis along which `shape` would have to be repeated to
    /// reach this tensor's shape: the adjoint of [`expand`](Self::expand).
    ///
    /// # Errors
    /// [`Error::Shape`] if `shape` does not broadcast to this tensor's shape.
    pub fn sum_to(&self, shape: impl AsRef<[usize]>) -> Result<Self> {
        let shape = shape.as_ref();
        if self.shape() == shape {
            return Ok(self.clone());
        }
        let fits =
            broadcast("sum_to", self.shape(), shape).is_ok_and(|joint| joint == self.shape());
        if !fits {
            return Err(Error::shape(
                "sum_to",
                format!("shape {shape:?} does not broadcast to {:?}", self.shape()),
            ));
        }
        Fold::Sum.along(self, &Plan::onto("sum_to", self.shape(), shape))
    }
}

impl<T: Float> Tensor<T> {
    /// The mean of all elements, as a tensor without axes; NaN for none.
    #[must_use]
    pub fn mean(&self) -> Self {
        self.sum() / T::of(self.len() as f64)
    }

    /// The mean over these axes, over all if none is named; NaN over nothing.
    ///
    /// # Errors
    /// As [`sum_axes`](Self::sum_axes).
    pub fn mean_axes(&self, axes: impl Axes, keepdim: bool) -> Result<Self> {
        let plan = Plan::new("mean", self.shape(), &axes, keepdim)?;
        Ok(Fold::Sum.along(self, &plan)? / T::of(plan.count as f64))
    }

    /// The unbiased variance of all elements, Σ(x − mean)² / (n − 1), as a
    /// tensor without axes; NaN for fewer than two.
    #[must_use]
    pub fn var(&self) -> Self {
        let min = Fold::Smallest.all(self.as_slice());
        let from_min = self - min;
        let mean = Fold::Sum.all(from_min.as_slice()) / T::of(self.len() as f64);
        let divisor = self.len().saturating_sub(1);
        (from_min - mean).square().sum() / T::of(divisor as f64)
    }

    /// The variance Σ(x − mean)² / max(0, n − correction) over these axes, over
    /// all if none is named: correction 1 is the unbiased estimate, 0 the plain
    /// mean of squares. A divisor of 0 gives NaN or infinity, not an error.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// // The squares of such values do not differ in f32; their distances do.
    /// let x: Tensor = Tensor::from([1e8, 1e8 + 8.0]);
    /// assert_eq!(x.var().item()?, 32.0);
    /// assert_eq!(x.var_axes(0, 0.0, false)?.item()?, 16.0);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`sum_axes`](Self::sum_axes), and [`Error::Value`] if the correction
    /// is NaN.
    pub fn var_axes(&self, axes: impl Axes, correction: f64, keepdim: bool) -> Result<Self> {
        variance("var", self, &axes, correction, keepdim)
    }

    /// The square root of [`var`](Self::var).
    #[must_use]
    pub fn std(&self) -> Self {
        self.var().sqrt()
    }

    /// The square root of [`var_axes`](Self::var_axes).
    ///
    /// # Errors
    /// As [`var_axes`](Self::var_axes).
    pub fn std_axes(&self, axes: impl Axes, correction: f64, keepdim: bool) -> Result<Self> {
        Ok(variance("std", self, &axes, correction, keepdim)?.sqrt())
    }
}

/// The variance, for the operation `op`.
fn variance<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    axes: &impl Axes,
    correction: f64,
    keepdim: bool,
) -> Result<Tensor<T>> {
    let plan = Plan::new(op, x.shape(), axes, keepdim)?;
    if correction.is_nan() {
        return Err(Error::value(op, "the correction must be a number, got NaN"));
    }
    if plan.count == 0 {
        return Tensor::filled(op, &plan.shape, T::nan());
    }
    // The mean first and then the distances from it, so that a large mean does
    // not drown small distances. The mean in turn is measured from the smallest
    // element and not from 0: a constant's variance is exactly 0.
    let from_min = zip(op, x, &x.amin_axes(axes, true)?, T::minus)?;
    let centred = zip(op, &from_min, &from_min.mean_axes(axes, true)?, T::minus)?;
    let divisor = (plan.count as f64 - correction).max(0.0);
    Ok(Fold::Sum.along(&centred.square(), &plan)? / T::of(divisor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use proptest::prelude::*;

    /// The reduction as its definition says it: gather, then fold.
    fn naive(
        x: &Tensor<f64>,
        axes: &[usize],
        keepdim: bool,
        f: impl Fn(&[f64]) -> f64,
    ) -> Tensor<f64> {
        let folded = |a: usize| axes.is_empty() || axes.contains(&a);
        let full: Vec<usize> = (0..x.ndim())
            .map(|a| if folded(a) { 1 } else { x.shape()[a] })
            .collect();
        let out = Tensor::from_fn(&full, |at| {
            let mut group = Vec::new();
            Tensor::from_fn(x.shape(), |index| {
                if (0..x.ndim()).all(|a| folded(a) || index[a] == at[a]) {
                    group.push(x.get(index).unwrap());
                }
                0.0
            })
            .unwrap();
            f(&group)
        })
        .unwrap();
        let shape: Vec<usize> = (0..x.ndim())
            .filter(|&a| keepdim || !folded(a))
            .map(|a| full[a])
            .collect();
        out.with_shape(&shape)
    }

    fn var(group: &[f64], correction: f64) -> f64 {
        let n = group.len() as f64;
        let mean = group.iter().sum::<f64>() / n;
        group.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - correction).max(0.0)
    }

    fn close(a: &Tensor<f64>, b: &Tensor<f64>) -> bool {
        let both_nan = |a: f64, b: f64| a.is_nan() && b.is_nan();
        a.shape() == b.shape()
            && a.iter().zip(b).all(|(&a, &b)| {
                both_nan(a, b) || a == b || (a - b).abs() <= 1e-12 * (1.0 + b.abs())
            })
    }

    proptest! {
        #[test]
        fn any_axes_agree_with_the_definition(
            shape in prop::collection::vec(0usize..5, 0..5),
            chosen in any::<[bool; 5]>(),
            keepdim: bool,
            seed: u64,
        ) {
            let x = Tensor::<f64>::randn(&shape, &mut Generator::new(seed)).unwrap();
            let axes: Vec<usize> = (0..shape.len()).filter(|&a| chosen[a]).collect();
            // Every second axis by its negative name.
            let given: Vec<isize> = axes
                .iter()
                .map(|&a| a as isize - if a % 2 == 1 { shape.len() as isize } else { 0 })
                .collect();
            let naive = |f: &dyn Fn(&[f64]) -> f64| naive(&x, &axes, keepdim, f);
            prop_assert!(close(
                &x.sum_axes(&given, keepdim).unwrap(),
                &naive(&|g| g.iter().sum())
            ));
            prop_assert!(close(
                &x.mean_axes(&given, keepdim).unwrap(),
                &naive(&|g| g.iter().sum::<f64>() / g.len() as f64)
            ));
            prop_assert!(close(
                &x.var_axes(&given, 1.0, keepdim).unwrap(),
                &naive(&|g| var(g, 1.0))
            ));
            if naive(&|g| g.len() as f64).iter().all(|&n| n > 0.0) && !x.is_empty() {
                let max = &|g: &[f64]| g.iter().copied().fold(f64::MIN, f64::max);
                let min = &|g: &[f64]| g.iter().copied().fold(f64::MAX, f64::min);
                prop_assert_eq!(x.amax_axes(&given, keepdim).unwrap(), naive(max));
                prop_assert_eq!(x.amin_axes(&given, keepdim).unwrap(), naive(min));
            }
        }

        #[test]
        fn sum_to_is_the_adjoint_of_expand(
            shape in prop::collection::vec(0usize..4, 0..5),
            ones in any::<[bool; 5]>(),
            cut in 0usize..5,
        ) {
            let own: Vec<usize> = shape
                .iter()
                .zip(ones)
                .map(|(&n, one)| if one { 1 } else { n })
                .skip(cut)
                .collect();
            let g = &mut Generator::new(0);
            let x = Tensor::<f64>::randn(&own, g).unwrap();
            let y = Tensor::<f64>::randn(&shape, g).unwrap();
            let left = x.expand(&shape).unwrap().mul(&y).unwrap().sum();
            let right = x.mul(&y.sum_to(&own).unwrap()).unwrap().sum();
            prop_assert!(left.all_close(&right, 1e-12, 1e-12));
        }
    }

    #[test]
    fn reductions_of_nothing() {
        let none = Tensor::<f64>::zeros([2, 0]).unwrap();
        assert_eq!(none.sum().item().unwrap(), 0.0);
        assert!(none.mean().item().unwrap().is_nan());
        assert!(none.var().item().unwrap().is_nan());
        assert_eq!(none.sum_axes(1, false).unwrap().to_vec(), [0.0, 0.0]);
        assert_eq!(none.sum_axes(0, true).unwrap().shape(), [1, 0]);
        assert!(
            none.var_axes(1, 0.0, false)
                .unwrap()
                .iter()
                .all(|x| x.is_nan())
        );
    }

    #[test]
    fn variance_at_its_edges() {
        let x = Tensor::from([2.0, 1.0]);
        let var = |c| x.var_axes(0, c, false).unwrap().item().unwrap();
        assert_eq!((var(1.0), var(0.0), var(-2.0)), (0.5, 0.25, 0.125));
        assert_eq!((var(2.0), var(7.5)), (f64::INFINITY, f64::INFINITY));
        let one = Tensor::from([3.0f64]);
        assert!(one.var().item().unwrap().is_nan());
        assert!(
            one.var_axes(0, 1.0, false)
                .unwrap()
                .item()
                .unwrap()
                .is_nan()
        );
        assert!(Tensor::scalar(3.0f64).var().item().unwrap().is_nan());
        // A constant has none at all, whether or not its mean can be represented.
        for value in [0.1f32, 1e8, 3.3e-7] {
            let constant = Tensor::full([3, 7], value).unwrap();
            assert_eq!(constant.std().item().unwrap(), 0.0);
            let std = constant.std_axes(1, 1.0, true).unwrap();
            assert_eq!((std.shape(), std.to_vec()), (&[3, 1][..], vec![0.0; 3]));
        }
        // numpy.var(1e8 + numpy.arange(5) * 8, ddof=1)
        let far: Tensor = Tensor::arange(1e8, 1e8 + 40.0, 8.0).unwrap();
        assert_eq!(far.var().item().unwrap(), 160.0);
    }

    #[test]
    fn integers_wrap_and_axes_are_checked() {
        assert_eq!(Tensor::from([i64::MAX, 1]).sum().item().unwrap(), i64::MIN);
        let x = Tensor::from([[1i64, 2, 3], [4, 5, 6]]);
        assert_eq!(x.sum_axes([], false).unwrap().item().unwrap(), 21);
        assert_eq!(x.sum_axes([], true).unwrap().shape(), [1, 1]);
        assert_eq!(x.sum_axes([1, 0], false).unwrap().ndim(), 0);
        assert_eq!(
            x.sum_axes(2, false).unwrap_err().to_string(),
            "sum: axis 2 is out of range for a tensor of 2 axes"
        );
        assert!(x.sum_axes([0, -2], false).is_err());
        assert!(x.sum_axes(isize::MIN, false).is_err());
        assert_eq!(Tensor::scalar(7i64).sum_axes([], true).unwrap().ndim(), 0);
        assert!(x.sum_to([3, 1]).is_err());
    }
}
