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
use crate::loops::CHECKED;
use crate::shape::Axes;
use crate::tensor::Tensor;
use crate::{par, scratch, simd};

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

    /// [`norm`](Self::norm) under the name of `torch.linalg`.
    ///
    /// # Errors
    /// As [`norm`](Self::norm).
    pub fn vector_norm(&self, p: f64) -> Result<Self> {
        self.norm(p)
    }

    /// [`norm_axes`](Self::norm_axes) under the name of `torch.linalg`.
    ///
    /// # Errors
    /// As [`norm_axes`](Self::norm_axes).
    pub fn vector_norm_axes(&self, p: f64, axes: impl Axes, keepdim: bool) -> Result<Self> {
        self.norm_axes(p, axes, keepdim)
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

impl<T: Float> Tensor<T> {
    /// The p-norm of all elements, as [`norm`](Self::norm), in one pass and in
    /// f64: of f32 no square overflows, and no digit is lost. What gradients are
    /// clipped by. Of nothing it is 0.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor<f32> = Tensor::from([3e30, -4e30]);
    /// assert!((x.norm_f64(2.0)? / 5e30 - 1.0).abs() < 1e-6);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] if p is NaN.
    pub fn norm_f64(&self, p: f64) -> Result<f64> {
        if p.is_nan() {
            return Err(Error::value("norm_f64", "p must be a number, got NaN"));
        }
        if self.is_empty() {
            return Ok(0.0);
        }
        let fold = T::norm_fold(CHECKED, p, self.as_slice());
        let is_root = p != 0.0 && p.is_finite();
        Ok(match p {
            2.0 => fold.sqrt(),
            _ if is_root => fold.powf(1.0 / p),
            _ => fold,
        })
    }
}

/// What the root is taken of for a norm: Σ|x|ᵖ; for p = ±∞ the largest or smallest
/// |x|, for p = 0 the number of x that are not 0.
pub(crate) fn norm_loops<T: Float>(p: f64, x: &[T]) -> f64 {
    let sum = |a: f64, b: f64| a + b;
    let largest = |a: f64, b: f64| if a >= b || a.is_nan() { a } else { b };
    let smallest = |a: f64, b: f64| if a <= b || a.is_nan() { a } else { b };
    let (inf, none) = (f64::INFINITY, f64::NEG_INFINITY);
    match p {
        0.0 => fold(x, 0.0, |x| f64::from(u8::from(x != 0.0)), sum),
        1.0 => fold(x, 0.0, f64::abs, sum),
        2.0 => fold(x, 0.0, |x| x * x, sum),
        p if p == inf => fold(x, none, f64::abs, largest),
        p if p == none => fold(x, inf, f64::abs, smallest),
        p => fold(x, 0.0, |x| x.abs().powf(p), sum),
    }
}

/// `join` of all `f(x)`, in lanes, in pieces, and those in order.
fn fold<T: Float>(
    x: &[T],
    unit: f64,
    f: impl Fn(f64) -> f64 + Sync,
    join: impl Fn(f64, f64) -> f64 + Sync,
) -> f64 {
    const PIECE: usize = 1 << 14;
    const LANES: usize = 16;
    let piece = |x: &[T]| {
        let mut lanes = [unit; LANES];
        simd::wide(|| {
            let (blocks, rest) = x.as_chunks::<LANES>();
            for block in blocks {
                for (lane, x) in lanes.iter_mut().zip(block) {
                    *lane = join(*lane, f(x.as_f64()));
                }
            }
            for (lane, x) in lanes.iter_mut().zip(rest) {
                *lane = join(*lane, f(x.as_f64()));
            }
        });
        lanes.into_iter().fold(unit, &join)
    };
    if x.len() <= PIECE {
        return piece(x);
    }
    scratch::with(x.len().div_ceil(PIECE), |pieces: &mut [f64]| {
        let tasks = x.chunks(PIECE).zip(pieces.iter_mut());
        par::for_each_item(tasks, x.len(), |(x, out)| *out = piece(x));
        pieces.iter().copied().fold(unit, &join)
    })
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

    #[test]
    fn norms_in_f64_are_those_of_an_f64_tensor() {
        for len in [1, 15, 16, 17, 1000, 50_000] {
            let x = Tensor::<f32>::randn([len], &mut Generator::new(2)).unwrap();
            for p in [
                0.0,
                0.5,
                1.0,
                2.0,
                3.0,
                -1.0,
                f64::INFINITY,
                f64::NEG_INFINITY,
            ] {
                let want = x.cast::<f64>().norm(p).unwrap().item().unwrap();
                let got = x.norm_f64(p).unwrap();
                assert!((got / want - 1.0).abs() < 1e-12, "{p}: {got}, {want}");
            }
        }
        let nan = Tensor::from([1.0f32, f32::NAN, 2.0]);
        for p in [1.0, 2.0, 3.0, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(nan.norm_f64(p).unwrap().is_nan(), "{p}");
        }
        let none = Tensor::<f32>::zeros([0]).unwrap();
        assert_eq!(none.norm_f64(f64::INFINITY).unwrap(), 0.0);
        assert!(none.norm_f64(f64::NAN).is_err());
    }
}
