//! Losses of the difference d = x − t between a prediction and its target.
//!
//! | | for small d | beyond |
//! |---|---|---|
//! | `mse_loss` | d² | d² |
//! | `l1_loss` | \|d\| | \|d\| |
//! | `smooth_l1_loss` | d² / 2β, for \|d\| < β | \|d\| − β/2 |
//! | `huber_loss` | d² / 2, for \|d\| < δ | δ · (\|d\| − δ/2) |
//!
//! The last two differ by the factor β = δ. The pieces meet with the same value
//! and slope.
//!
//! **Cost.** One pass over both operands, which broadcast as in an addition, and one
//! over the losses for their sum.

use super::Reduction;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::elementwise::zip;
use crate::tensor::Tensor;

impl<T: Float> Tensor<T> {
    /// (x − t)², reduced: `torch.nn.functional.mse_loss`. The two broadcast.
    ///
    /// ```
    /// use wengert_tensor::{Reduction, Tensor};
    ///
    /// let x: Tensor = Tensor::from([1.0, 4.0]);
    /// assert_eq!(x.mse_loss(&Tensor::from([0.0, 2.0]), Reduction::Mean)?.item()?, 2.5);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not broadcast.
    pub fn mse_loss(&self, target: &Self, reduction: Reduction) -> Result<Self> {
        distances("mse_loss", self, target, reduction, |d| d * d)
    }

    /// |x − t|, reduced: `torch.nn.functional.l1_loss`. The two broadcast.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not broadcast.
    pub fn l1_loss(&self, target: &Self, reduction: Reduction) -> Result<Self> {
        distances("l1_loss", self, target, reduction, T::magnitude)
    }

    /// |x − t| with its corner rounded off within `beta` of it, reduced:
    /// `torch.nn.functional.smooth_l1_loss`. The two broadcast. With a `beta` of 0
    /// it is [`l1_loss`](Self::l1_loss).
    ///
    /// ```
    /// use wengert_tensor::{Reduction, Tensor};
    ///
    /// let (x, zero): (Tensor, _) = (Tensor::from([1.0, 4.0]), Tensor::scalar(0.0));
    /// let loss = x.smooth_l1_loss(&zero, Reduction::None, 2.0)?;
    /// assert_eq!(loss.to_vec(), [0.25, 3.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] unless `beta` ≥ 0, [`Error::Shape`] if the shapes do not
    /// broadcast.
    pub fn smooth_l1_loss(&self, target: &Self, reduction: Reduction, beta: f64) -> Result<Self> {
        const OP: &str = "smooth_l1_loss";
        if beta.is_nan() || beta < 0.0 {
            return Err(Error::value(
                OP,
                format!("beta must not be negative, got {beta}"),
            ));
        }
        let (beta, half) = (T::of(beta), T::of(0.5));
        distances(OP, self, target, reduction, |d| {
            let size = d.magnitude();
            if size < beta {
                half * size * size / beta
            } else {
                size - half * beta
            }
        })
    }

    /// (x − t)² / 2 within `delta` of the target, and the line that goes on from
    /// there, reduced: `torch.nn.functional.huber_loss`. The two broadcast.
    ///
    /// ```
    /// use wengert_tensor::{Reduction, Tensor};
    ///
    /// let (x, zero): (Tensor, _) = (Tensor::from([1.0, 4.0]), Tensor::scalar(0.0));
    /// let loss = x.huber_loss(&zero, Reduction::None, 2.0)?;
    /// assert_eq!(loss.to_vec(), [0.5, 6.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] unless `delta` > 0, [`Error::Shape`] if the shapes do not
    /// broadcast.
    pub fn huber_loss(&self, target: &Self, reduction: Reduction, delta: f64) -> Result<Self> {
        const OP: &str = "huber_loss";
        if delta.is_nan() || delta <= 0.0 {
            return Err(Error::value(
                OP,
                format!("delta must be positive, got {delta}"),
            ));
        }
        let (delta, half) = (T::of(delta), T::of(0.5));
        distances(OP, self, target, reduction, |d| {
            let size = d.magnitude();
            if size < delta {
                half * size * size
            } else {
                delta * (size - half * delta)
            }
        })
    }
}

/// A function of the differences, reduced.
fn distances<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    target: &Tensor<T>,
    reduction: Reduction,
    f: impl Fn(T) -> T + Sync,
) -> Result<Tensor<T>> {
    Ok(reduction.of(zip(op, x, target, |x, t| f(x - t))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;

    // x = torch.tensor([0., 1., -1., 2., nan, inf, -inf, inf]); t = [0.] * 7 + [inf]
    // F.smooth_l1_loss(x, t, reduction='none'), …
    #[test]
    fn kinks_and_infinities_of_torch() {
        let x = Tensor::from([0.0, 1.0, -1.0, 2.0, NAN, INF, -INF, INF]);
        let t = Tensor::from([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, INF]);
        let none = Reduction::None;
        for (got, want) in [
            (x.mse_loss(&t, none), [0.0, 1.0, 1.0, 4.0]),
            (x.l1_loss(&t, none), [0.0, 1.0, 1.0, 2.0]),
            (x.smooth_l1_loss(&t, none, 0.0), [0.0, 1.0, 1.0, 2.0]),
            (x.smooth_l1_loss(&t, none, 1.0), [0.0, 0.5, 0.5, 1.5]),
            (x.smooth_l1_loss(&t, none, 4.0), [0.0, 0.125, 0.125, 0.5]),
            (x.huber_loss(&t, none, 1.0), [0.0, 0.5, 0.5, 1.5]),
            (x.huber_loss(&t, none, 4.0), [0.0, 0.5, 0.5, 2.0]),
        ] {
            let got = got.unwrap().to_vec();
            assert_eq!(got[..4], want);
            assert_eq!(got[5..7], [INF, INF]);
            assert!(got[4].is_nan() && got[7].is_nan());
        }
        let flat = x.smooth_l1_loss(&t, none, INF).unwrap();
        assert_eq!(flat.to_vec()[..4], [0.0; 4]);
    }

    #[test]
    fn operands_broadcast_and_the_mean_is_over_all_pairs() {
        let (x, t) = (
            Tensor::from([[0.0, 1.0], [2.0, 5.0]]),
            Tensor::from([0.0, 3.0]),
        );
        for (a, b) in [(&x, &t), (&t, &x)] {
            assert_eq!(a.mse_loss(b, Reduction::Mean).unwrap().item().unwrap(), 3.0);
            assert_eq!(a.l1_loss(b, Reduction::Sum).unwrap().item().unwrap(), 6.0);
            let each = a.huber_loss(b, Reduction::None, 1.0).unwrap();
            assert_eq!(each.shape(), [2, 2]);
        }
        let none = Tensor::<f64>::zeros([0, 2]).unwrap();
        assert!(
            none.mse_loss(&t, Reduction::Mean)
                .unwrap()
                .item()
                .unwrap()
                .is_nan()
        );
        assert_eq!(
            none.l1_loss(&t, Reduction::Sum).unwrap().item().unwrap(),
            0.0
        );
    }

    #[test]
    fn errors_name_what_was_wrong() {
        let x = Tensor::from([1.0, 2.0]);
        let says = |result: Result<Tensor<f64>>, words: &str| {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        };
        let mean = Reduction::Mean;
        says(
            x.mse_loss(&Tensor::from([0.0; 3]), mean),
            "mse_loss: shapes [2] and [3]",
        );
        says(
            x.smooth_l1_loss(&x, mean, -1.0),
            "smooth_l1_loss: beta must not be negative",
        );
        says(x.smooth_l1_loss(&x, mean, NAN), "got NaN");
        says(
            x.huber_loss(&x, mean, 0.0),
            "huber_loss: delta must be positive, got 0",
        );
    }
}
