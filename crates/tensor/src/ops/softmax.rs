//! From scores to probabilities, along one axis.
//!
//! Exponentials overflow early (e⁸⁹ in `f32`), so every formula here subtracts
//! the largest score first, which changes nothing in exact arithmetic. Scores
//! of −∞ are probabilities of 0; a line of nothing but −∞ has no probabilities
//! and is NaN.
//!
//! **Cost.** One exponential an element, and one pass over memory: see `lines.rs`.
//! [`Tensor::logsumexp`], which takes any axes, makes a few.

mod lines;

use super::elementwise::zip;
use super::fold::{Fold, Plan};
use crate::element::Float;
use crate::error::Result;
use crate::loops::CHECKED;
use crate::shape::{self, Axes};
use crate::tensor::Tensor;
pub(crate) use lines::Scores;
pub(crate) use lines::{cross_entropy_grad_loops, cross_entropy_loops, softmax_loops};

impl<T: Float> Tensor<T> {
    /// exp(x) / Σ exp(x), the sum along `axis`: positive numbers that sum to 1.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor = Tensor::from([1000.0, 1000.0]);
    /// assert_eq!(x.softmax(-1)?.to_vec(), [0.5, 0.5]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`](crate::Error::Axis) if the axis is out of range.
    pub fn softmax(&self, axis: isize) -> Result<Self> {
        const OP: &str = "softmax";
        let axis = axis_of_scores(OP, axis, self.ndim())?;
        if self.is_empty() {
            return Ok(self.clone());
        }
        self.lines(OP, axis, Scores::Probabilities)
    }

    /// [`softmax`](Self::softmax) of −x: the smallest gets most.
    ///
    /// # Errors
    /// [`Error::Axis`](crate::Error::Axis) if the axis is out of range.
    pub fn softmin(&self, axis: isize) -> Result<Self> {
        axis_of_scores("softmin", axis, self.ndim())?;
        self.neg().softmax(axis)
    }

    /// x − log Σ exp(x), the sum along `axis`: the logarithm of
    /// [`softmax`](Self::softmax), finite where that would round to 0.
    ///
    /// # Errors
    /// [`Error::Axis`](crate::Error::Axis) if the axis is out of range.
    pub fn log_softmax(&self, axis: isize) -> Result<Self> {
        const OP: &str = "log_softmax";
        let axis = axis_of_scores(OP, axis, self.ndim())?;
        if self.is_empty() {
            return Ok(self.clone());
        }
        self.lines(OP, axis, Scores::Logarithms)
    }

    /// One of the two, of what is not empty.
    fn lines(&self, op: &'static str, axis: usize, what: Scores) -> Result<Self> {
        let (classes, inner) = match self.shape().get(axis) {
            Some(&classes) => (classes, shape::strides(self.shape())[axis]),
            None => (1, 1),
        };
        let mut out = Self::arbitrary(op, self.shape())?;
        T::softmax_lines(
            CHECKED,
            what,
            classes,
            inner,
            self.as_slice(),
            out.as_mut_slice(),
        );
        Ok(out)
    }

    /// log Σ exp(x) over these axes, over all if none is named: a smooth
    /// maximum. −∞ over nothing.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([1000.0, 1000.0]);
    /// assert_eq!(x.logsumexp(0, false)?.item()?, 1000.0 + 2f64.ln());
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`](crate::Error::Axis) for an axis out of range,
    /// [`Error::Value`](crate::Error::Value) for one named twice.
    pub fn logsumexp(&self, axes: impl Axes, keepdim: bool) -> Result<Self> {
        const OP: &str = "logsumexp";
        let plan = Plan::new(OP, self.shape(), &axes, keepdim)?;
        if self.is_empty() {
            return Ok(Fold::Sum.along(self, &plan)?.log());
        }
        // An infinite maximum would make ∞ − ∞; without it the formula is right.
        let max = self
            .amax_axes(&axes, true)?
            .map(|m| if m.is_infinite() { T::ZERO } else { m });
        let exp = zip(OP, self, &max, T::minus)?.exp();
        let sum = Fold::Sum.along(&exp, &plan)?;
        sum.log().add(&max.with_shape(sum.shape()))
    }
}

/// An axis of scores. A number without axes is a line of one score, whose axis is 0.
fn axis_of_scores(op: &'static str, axis: isize, ndim: usize) -> Result<usize> {
    shape::axis(op, axis, ndim.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use proptest::prelude::*;

    const INF: f64 = f64::INFINITY;

    proptest! {
        #[test]
        fn softmax_agrees_with_its_definition_on_any_axis(
            shape in prop::collection::vec(0usize..5, 1..4),
            axis in 0usize..3,
        ) {
            let axis = (axis % shape.len()) as isize;
            let x = Tensor::<f64>::randn(&shape, &mut Generator::new(0)).unwrap();
            let exp = x.exp();
            let sums = exp.sum_axes(axis, true).unwrap();
            let want = exp.div(&sums).unwrap();
            let softmax = x.softmax(axis).unwrap();
            prop_assert!(softmax.all_close(&want, 1e-13, 0.0));
            let log = x.log_softmax(axis - shape.len() as isize).unwrap();
            prop_assert!(log.all_close(&want.log(), 1e-12, 1e-12));
            let lse = x.logsumexp(axis, true).unwrap();
            prop_assert!(lse.all_close(&sums.log(), 1e-12, 1e-12));
            prop_assert_eq!(
                x.logsumexp([], false).unwrap().shape().len(), 0
            );
        }
    }

    #[test]
    fn far_scores_and_infinite_ones() {
        let x = Tensor::from([[1000.0, -1000.0], [-INF, 0.0], [-INF, -INF], [INF, 0.0]]);
        let p = x.softmax(1).unwrap().to_vec();
        assert_eq!(p[..4], [1.0, 0.0, 0.0, 1.0]);
        assert!(p[4..7].iter().all(|p| p.is_nan()));
        let log = x.log_softmax(1).unwrap().to_vec();
        assert_eq!(log[..4], [0.0, -2000.0, -INF, 0.0]);
        assert!(log[4].is_nan() && log[5].is_nan());
        // torch.logsumexp(x, 1)
        let lse = x.logsumexp(1, false).unwrap();
        assert_eq!(lse.to_vec(), [1000.0, 0.0, -INF, INF]);
    }

    #[test]
    fn a_number_is_a_line_of_one_score() {
        let x = Tensor::scalar(-700.0);
        for axis in [0, -1] {
            assert_eq!(x.softmax(axis).unwrap(), Tensor::scalar(1.0));
            assert_eq!(x.softmin(axis).unwrap(), Tensor::scalar(1.0));
            assert_eq!(x.log_softmax(axis).unwrap(), Tensor::scalar(0.0));
        }
    }

    #[test]
    fn nothing_and_wrong_axes() {
        let none = Tensor::<f64>::zeros([2, 0]).unwrap();
        assert_eq!(none.softmax(1).unwrap().shape(), [2, 0]);
        assert_eq!(none.log_softmax(0).unwrap().shape(), [2, 0]);
        assert_eq!(none.logsumexp(1, false).unwrap().to_vec(), [-INF, -INF]);
        assert_eq!(none.logsumexp(0, true).unwrap().shape(), [1, 0]);
        assert!(none.softmax(2).is_err() && none.log_softmax(-3).is_err());
        assert!(none.logsumexp([0, 0], false).is_err());
        assert!(Tensor::scalar(1.0).softmax(1).is_err());
    }
}
