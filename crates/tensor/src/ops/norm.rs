//! Norms: how large a tensor, or each of its lines, is.
//!
//! The p-norm (Σ|x|ᵖ)^(1/p) with its limits, as `torch.linalg.vector_norm`
//! defines them. Squares can overflow before the norm does: this, too, is as
//! in PyTorch.
//!
//! **Cost.** One to three passes over the operand.

use super::fold::{Fold, Plan};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::shape::Axes;
use crate::tensor::Tensor;

impl<T: Float> Tensor<T> {
    /// The p-norm of all elements, as a tensor without axes: see
    /// [`norm_axes`](Self::norm_axes).
    ///
    /// # Errors
    /// [`Error::Shape`] for the norm of nothing with p negative or infinite,
    /// [`Error::Value`] if p is NaN.
    pub fn norm(&self, p: f64) -> Result<Self> {
        self.norm_axes(p, [], false)
    }

    /// The p-norm (Σ|x|ᵖ)^(1/p) over these axes, over all if none is named. 2
    /// is the Euclidean length, 1 the sum of absolute values, ∞ and −∞ the
    /// largest and the smallest of them, 0 the number of elements that are not
    /// zero.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor = Tensor::from([3.0, -4.0]);
    /// assert_eq!(x.norm(2.0)?.item()?, 5.0);
    /// assert_eq!(x.norm(f64::INFINITY)?.item()?, 4.0);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`sum_axes`](Self::sum_axes), and [`Error::Shape`] if nothing is to be
    /// reduced with p negative or infinite, [`Error::Value`] if p is NaN.
    pub fn norm_axes(&self, p: f64, axes: impl Axes, keepdim: bool) -> Result<Self> {
        let plan = Plan::new("norm", self.shape(), &axes, keepdim)?;
        if p.is_nan() {
            return Err(Error::value("norm", "p must be a number, got NaN"));
        }
        if plan.count == 0 && (p < 0.0 || p.is_infinite()) {
            return Err(Error::shape(
                "norm",
                format!(
                    "the norm of nothing with p = {p} is not defined (shape {:?})",
                    self.shape()
                ),
            ));
        }
        let sum = |terms: Self| Fold::Sum.along(&terms, &plan);
        if p == 0.0 {
            sum(self.ne_scalar(T::ZERO).cast())
        } else if p == 1.0 {
            sum(self.abs())
        } else if p == 2.0 {
            Ok(sum(self.square())?.sqrt())
        } else if p == f64::INFINITY {
            self.abs().amax_axes(axes, keepdim)
        } else if p == f64::NEG_INFINITY {
            self.abs().amin_axes(axes, keepdim)
        } else {
            Ok(sum(self.abs().powf(T::of(p)))?.powf(T::of(1.0 / p)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn norms_of_torch() {
        // [torch.linalg.vector_norm(torch.tensor([3., -4., 3.]), p) for p in …]
        let x = Tensor::from([3.0f64, -4.0, 3.0]);
        for (p, want) in [
            (0.0, 3.0),
            (1.0, 10.0),
            (2.0, 5.830_951_894_845_301),
            (f64::INFINITY, 4.0),
            (f64::NEG_INFINITY, 3.0),
            (3.0, 4.904_868_131_524_016),
            (0.5, 29.856_406_460_551_018),
            (-1.0, 1.090_909_090_909_091),
        ] {
            let got = x.norm(p).unwrap().item().unwrap();
            assert!((got / want - 1.0).abs() < 1e-14, "{p}: {got}");
        }
        let zeros = Tensor::from([0.0, -2.0, 2.0]);
        assert_eq!(zeros.norm(-1.0).unwrap().item().unwrap(), 0.0);
    }

    #[test]
    fn norms_over_axes_agree_with_their_definition() {
        let x = Tensor::<f64>::randn([3, 4, 2], &mut Generator::new(1)).unwrap();
        for axes in [&[0][..], &[-1, 0], &[]] {
            for p in [0.5, 1.0, 2.0, 3.0, -2.0] {
                let norm = x.norm_axes(p, axes, true).unwrap();
                let powers = x.abs().powf(p).sum_axes(axes, true).unwrap();
                assert!(norm.powf(p).all_close(&powers, 1e-12, 0.0));
                assert_eq!(norm.len(), x.norm_axes(p, axes, false).unwrap().len());
            }
            let largest = x.abs().amax_axes(axes, false).unwrap();
            assert_eq!(x.norm_axes(f64::INFINITY, axes, false).unwrap(), largest);
        }
        assert!(x.norm_axes(2.0, 3, false).is_err());
    }

    #[test]
    fn norms_of_nothing() {
        let none = Tensor::<f64>::zeros([2, 0]).unwrap();
        assert_eq!(none.norm(2.0).unwrap().item().unwrap(), 0.0);
        for p in [f64::INFINITY, f64::NEG_INFINITY, -1.0] {
            assert!(matches!(none.norm(p), Err(Error::Shape { .. })), "{p}");
            assert!(none.norm_axes(p, 0, false).is_ok());
        }
    }
}
