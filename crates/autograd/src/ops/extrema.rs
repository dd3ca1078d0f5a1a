//! The largest and the smallest element.
//!
//! | | value y | gradient |
//! |---|---|---|
//! | `amax` | max x | g / (number of ties), where x = y |
//! | `amin` | min x | g / (number of ties), where x = y |
//!
//! If y is NaN, nothing equals it, and the gradient is NaN too. Where only the
//! place matters, ask the value: `x.value().argmax_axis(1, false)`.

use tensor::shape::Axes;
use tensor::{Float, Result, Tensor};

use super::reduce::kept;
use crate::record::{Rule, pull};
use crate::var::Var;

/// What part of a gradient goes to each element of `x`: those that equal their
/// extreme `y` (reduced axes kept) share it evenly.
pub(crate) fn share<T: Float>(x: &Tensor<T>, y: &Tensor<T>, axes: &[isize]) -> Result<Tensor<T>> {
    let ties = x.eq_to(y)?.cast::<T>();
    ties.div(&ties.sum_axes(axes, true)?)
}

impl<T: Float> Var<T> {
    /// The largest of all elements, as a variable without axes. Elements that
    /// tie share the gradient.
    ///
    /// # Errors
    /// If there is none; as [`Var::record`].
    pub fn amax(&self) -> Result<Self> {
        self.amax_axes([], false)
    }

    /// The largest element along these axes, of all if none is named. Elements
    /// that tie share the gradient.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([[1.0, 3.0, 3.0]]));
    /// let grads = x.amax_axes(1, false)?.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([[0.0, 0.5, 0.5]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// For an axis out of range, named twice, or of size 0; as [`Var::record`].
    pub fn amax_axes(&self, axes: impl Axes, keepdim: bool) -> Result<Self> {
        let axes = axes.to_axes();
        let value = self.value().amax_axes(&axes, keepdim)?;
        let rule = self.shared("amax", &value, axes)?;
        Self::record("amax", value, [(self, rule)])
    }

    /// The smallest of all elements, as a variable without axes. Elements that
    /// tie share the gradient.
    ///
    /// # Errors
    /// If there is none; as [`Var::record`].
    pub fn amin(&self) -> Result<Self> {
        self.amin_axes([], false)
    }

    /// The smallest element along these axes, of all if none is named. Elements
    /// that tie share the gradient.
    ///
    /// # Errors
    /// As [`amax_axes`](Self::amax_axes).
    pub fn amin_axes(&self, axes: impl Axes, keepdim: bool) -> Result<Self> {
        let axes = axes.to_axes();
        let value = self.value().amin_axes(&axes, keepdim)?;
        let rule = self.shared("amin", &value, axes)?;
        Self::record("amin", value, [(self, rule)])
    }

    /// The rule of an extreme: its gradient, shared by the elements that equal
    /// it. Piecewise linear, so the shares are constants.
    fn shared(&self, op: &'static str, value: &Tensor<T>, axes: Vec<isize>) -> Result<Rule<T>> {
        let kept = kept(op, self.shape(), &axes)?;
        let (x, y) = (self.value().clone(), value.reshape_to(&kept)?);
        Ok(pull(move |g: &Self| {
            let share = g.constant(share(&x, &y, &axes)?);
            g.reshape_to(&kept)?.mul(&share)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradcheck::gradcheck;
    use crate::ops::testing::{spaced, torch};

    const NAN: f64 = f64::NAN;

    #[test]
    fn ties_and_nan_of_torch() {
        // show(lambda x: x.amax(1)**2, [[1., 3., 3.], [nan, 1., 2.]])
        torch(
            |x| x[0].amax_axes(1, false)?.square(),
            [Tensor::from([[1.0, 3.0, 3.0], [NAN, 1.0, 2.0]])],
            [9.0, NAN],
            [Tensor::from([[0.0, 3.0, 3.0], [NAN; 3]])],
        );
        // show(lambda x: x.amin(0), [[1., 3., 3.], [2., 1., 3.]])
        torch(
            |x| x[0].amin_axes(0, false),
            [Tensor::from([[1.0, 3.0, 3.0], [2.0, 1.0, 3.0]])],
            [1.0, 1.0, 3.0],
            [Tensor::from([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]])],
        );
        // show(lambda x: x.amax(), [1., 3., 3.])
        torch(
            |x| x[0].amax(),
            [Tensor::from([1.0, 3.0, 3.0])],
            3.0,
            [Tensor::from([0.0, 0.5, 0.5])],
        );
        torch(
            |x| x[0].amin(),
            [Tensor::from([f64::INFINITY; 2])],
            f64::INFINITY,
            [Tensor::from([0.5, 0.5])],
        );
    }

    #[test]
    fn agree_with_difference_quotients() {
        for shape in [&[2, 3, 2][..], &[3, 1], &[]] {
            for keep in [false, true] {
                let x = [spaced(shape)];
                gradcheck(|x| x[0].amax_axes([], keep)?.square(), &x).unwrap();
                gradcheck(|x| x[0].square()?.amin_axes([], keep)?.exp(), &x).unwrap();
                if shape.len() > 1 {
                    gradcheck(|x| x[0].amax_axes([0, -1], keep)?.square(), &x).unwrap();
                    gradcheck(|x| x[0].amin_axes(1, keep)?.square(), &x).unwrap();
                }
            }
        }
    }

    #[test]
    fn the_extreme_of_nothing_is_an_error() {
        let x = crate::Tape::new().leaf(Tensor::<f64>::zeros([2, 0]).unwrap());
        assert!(x.amax().is_err() && x.amin_axes(1, false).is_err());
        assert_eq!(x.amax_axes(0, false).unwrap().shape(), [0]);
    }
}
