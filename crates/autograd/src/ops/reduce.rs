//! Sums over axes, and what is made of sums.
//!
//! | | value y | gradient |
//! |---|---|---|
//! | `sum` | Σx | g, repeated |
//! | `mean` | Σx / n | g / n, repeated |
//! | `var` | Σ(x − mean)² / d, d = n − correction | g · 2(x − mean) / d |
//! | `std` | √var | g · (x − mean) / (d · y) |
//!
//! Where all elements are equal, and y = 0, `std` has no derivative; its gradient
//! is 0 there, as PyTorch's is.
//!
//! A reduced axis is gone from g: a rule first puts it back with size 1, which
//! is free, so that g broadcasts against x.

use tensor::shape::{self, Axes};
use tensor::{Float, Result};

use crate::record::pull;
use crate::var::Var;

/// The shape that is left of `shape` by a reduction over `axes` (none: all) if
/// the reduced axes stay with size 1.
pub(crate) fn kept(op: &'static str, shape: &[usize], axes: &[isize]) -> Result<Vec<usize>> {
    let reduced = shape::wrap_axes(op, axes, shape.len())?;
    let folds = |axis| reduced.is_empty() || reduced.contains(&axis);
    let keep = |(axis, &size): (usize, &usize)| if folds(axis) { 1 } else { size };
    Ok(shape.iter().enumerate().map(keep).collect())
}

impl<T: Float> Var<T> {
    /// The sum of all elements, as a variable without axes.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn sum(&self) -> Result<Self> {
        let shape = self.shape().to_vec();
        let rule = pull(move |g: &Self| g.expand(&shape));
        Self::record("sum", self.value().sum(), [(self, rule)])
    }

    /// The sum over these axes, over all if none is named. With `keepdim` they
    /// stay as axes of size 1.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let rows = x.sum_axes(-1, false)?;
    /// assert_eq!(rows.value(), &Tensor::from([3.0, 7.0]));
    /// let grads = rows.square()?.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([[6.0, 6.0], [14.0, 14.0]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// For an axis out of range or named twice; as [`Var::record`].
    pub fn sum_axes(&self, axes: impl Axes, keepdim: bool) -> Result<Self> {
        let axes = axes.to_axes();
        let value = self.value().sum_axes(&axes, keepdim)?;
        let kept = kept("sum", self.shape(), &axes)?;
        let shape = self.shape().to_vec();
        let rule = pull(move |g: &Self| g.reshape_to(&kept)?.expand(&shape));
        Self::record("sum", value, [(self, rule)])
    }

    /// The sum over the axes along which `shape` would be repeated to reach
    /// this shape. Its adjoint is [`expand`](Var::expand).
    ///
    /// # Errors
    /// If `shape` does not broadcast to this shape; as [`Var::record`].
    pub fn sum_to(&self, shape: impl AsRef<[usize]>) -> Result<Self> {
        let value = self.value().sum_to(shape)?;
        let own = self.shape().to_vec();
        let rule = pull(move |g: &Self| g.expand(&own));
        Self::record("sum_to", value, [(self, rule)])
    }

    /// The mean of all elements, as a variable without axes.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn mean(&self) -> Result<Self> {
        self.mean_axes([], false)
    }

    /// The mean over these axes, over all if none is named.
    ///
    /// # Errors
    /// For an axis out of range or named twice; as [`Var::record`].
    pub fn mean_axes(&self, axes: impl Axes, keepdim: bool) -> Result<Self> {
        let axes = axes.to_axes();
        let value = self.value().mean_axes(&axes, keepdim)?;
        let kept = kept("mean", self.shape(), &axes)?;
        let n = T::of(count(self.shape(), &kept));
        let shape = self.shape().to_vec();
        let rule = pull(move |g: &Self| g.div_scalar(n)?.reshape_to(&kept)?.expand(&shape));
        Self::record("mean", value, [(self, rule)])
    }

    /// The unbiased variance of all elements, as a variable without axes.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn var(&self) -> Result<Self> {
        self.var_axes([], 1.0, false)
    }

    /// The variance Σ(x − mean)² / max(0, n − correction) over these axes, over
    /// all if none is named.
    ///
    /// # Errors
    /// For an axis out of range or named twice; as [`Var::record`].
    pub fn var_axes(&self, axes: impl Axes, correction: f64, keepdim: bool) -> Result<Self> {
        let axes = axes.to_axes();
        let value = self.value().var_axes(&axes, correction, keepdim)?;
        let kept = kept("var", self.shape(), &axes)?;
        let divisor = degrees(self.shape(), &kept, correction);
        let x = self.save();
        let rule = pull(move |g: &Self| {
            let x = x.on(g);
            let slope = g.mul_scalar(T::of(2.0))?.div_scalar(divisor)?;
            let centred = x.sub(&x.mean_axes(&axes, true)?)?;
            centred.mul(&slope.reshape_to(&kept)?)
        });
        Self::record("var", value, [(self, rule)])
    }

    /// The square root of [`var`](Self::var). The gradient is 0 where the
    /// elements are all equal.
    ///
    /// # Errors
    /// As [`Var::record`].
    pub fn std(&self) -> Result<Self> {
        self.std_axes([], 1.0, false)
    }

    /// The square root of [`var_axes`](Self::var_axes). The gradient is 0 where
    /// the elements are all equal.
    ///
    /// # Errors
    /// For an axis out of range or named twice; as [`Var::record`].
    pub fn std_axes(&self, axes: impl Axes, correction: f64, keepdim: bool) -> Result<Self> {
        let axes = axes.to_axes();
        let value = self.value().std_axes(&axes, correction, keepdim)?;
        let kept = kept("std", self.shape(), &axes)?;
        let divisor = degrees(self.shape(), &kept, correction);
        let (x, y) = (self.save(), self.tape().save_output(&value));
        let rule = pull(move |g: &Self| {
            let x = x.on(g);
            let (g, y) = off_zero(g, &y.on(g))?;
            let slope = g.div(&y)?.div_scalar(divisor)?;
            let centred = x.sub(&x.mean_axes(&axes, true)?)?;
            centred.mul(&slope.reshape_to(&kept)?)
        });
        Self::record("std", value, [(self, rule)])
    }
}

/// For a rule that divides by its result y: where y is 0, a gradient of 0 and a
/// divisor of 1, so that the quotient and all its derivatives are 0.
pub(crate) fn off_zero<T: Float>(g: &Var<T>, y: &Var<T>) -> Result<(Var<T>, Var<T>)> {
    let zero = y.value().eq_scalar(T::ZERO);
    Ok((
        g.masked_fill(&zero, T::ZERO)?,
        y.masked_fill(&zero, T::ONE)?,
    ))
}

/// What the gradients of variance and deviation are divided by: n − correction.
/// As in PyTorch, negative degrees of freedom count as none in the value, which
/// is infinite then, but not here.
fn degrees<T: Float>(shape: &[usize], kept: &[usize], correction: f64) -> T {
    T::of(count(shape, kept) - correction)
}

/// How many elements of `shape` fall onto each of `kept`.
fn count(shape: &[usize], kept: &[usize]) -> f64 {
    let reduced = shape.iter().zip(kept).filter(|(size, kept)| size != kept);
    reduced.map(|(&size, _)| size as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradcheck::gradcheck;
    use crate::ops::testing::{spaced, torch};
    use crate::tape::Tape;
    use tensor::Tensor;

    /// m = [[1.0, 2.0, 4.0], [0.0, -1.0, 0.5]]
    fn matrix() -> [Tensor<f64>; 1] {
        [Tensor::from([[1.0, 2.0, 4.0], [0.0, -1.0, 0.5]])]
    }

    #[test]
    fn sums_and_means_of_torch() {
        // show(lambda x: x.sum(0)**2, m)
        torch(
            |x| x[0].sum_axes(0, false)?.square(),
            matrix(),
            [1.0, 1.0, 20.25],
            [Tensor::from([[2.0, 2.0, 9.0]; 2])],
        );
        // show(lambda x: x.mean(), m)
        torch(
            |x| x[0].mean(),
            matrix(),
            1.083_333_333_333_333_3,
            [Tensor::from([[1.0 / 6.0; 3]; 2])],
        );
        // show(lambda x: x.mean(1)**2, m)
        torch(
            |x| x[0].mean_axes(1, false)?.square(),
            matrix(),
            [5.444_444_444_444_445, 0.027_777_777_777_777_776],
            [Tensor::from([
                [1.555_555_555_555_555_6; 3],
                [-1.0 / 9.0; 3],
            ])],
        );
    }

    #[test]
    fn variances_of_torch() {
        // show(lambda x: x.var(1), m)
        torch(
            |x| x[0].var_axes(1, 1.0, false),
            matrix(),
            [2.333_333_333_333_333, 0.583_333_333_333_333_4],
            [Tensor::from([
                [-4.0 / 3.0, -1.0 / 3.0, 5.0 / 3.0],
                [1.0 / 6.0, -5.0 / 6.0, 2.0 / 3.0],
            ])],
        );
        // show(lambda x: x.var(0, correction=0)**2, m)
        torch(
            |x| x[0].var_axes(0, 0.0, true)?.square()?.sum_axes(0, false),
            matrix(),
            [0.0625, 5.0625, 9.378_906_25],
            [Tensor::from([
                [0.25, 6.75, 10.718_75],
                [-0.25, -6.75, -10.718_75],
            ])],
        );
        // show(lambda x: x.std(1), m)
        torch(
            |x| x[0].std_axes(1, 1.0, false),
            matrix(),
            [1.527_525_231_651_946_5, 0.763_762_615_825_973_4],
            [Tensor::from([
                [
                    -0.436_435_780_471_984_84,
                    -0.109_108_945_117_996_25,
                    0.545_544_725_589_980_9,
                ],
                [
                    0.109_108_945_117_996_18,
                    -0.545_544_725_589_980_9,
                    0.436_435_780_471_984_7,
                ],
            ])],
        );
        // show(lambda x: x.std(), [0.1, 0.1, 0.1]), show(lambda x: x.std(), [2.0])
        let constant = [Tensor::from([0.1; 3])];
        torch(|x| x[0].std(), constant, 0.0, [Tensor::from([0.0; 3])]);
        let nan = f64::NAN;
        torch(
            |x| x[0].std(),
            [Tensor::from([2.0])],
            nan,
            [Tensor::from([nan])],
        );
        torch(
            |x| x[0].var(),
            [Tensor::from([2.0])],
            nan,
            [Tensor::from([nan])],
        );
        // show(lambda x: x.var(correction=3), [1.0, 4.0]), and the same of x.std
        let x = || [Tensor::from([1.0, 4.0])];
        torch(
            |x| x[0].var_axes([], 3.0, false),
            x(),
            f64::INFINITY,
            [Tensor::from([3.0, -3.0])],
        );
        torch(
            |x| x[0].std_axes([], 3.0, false),
            x(),
            f64::INFINITY,
            [Tensor::from([0.0, 0.0])],
        );
    }

    #[test]
    fn agree_with_difference_quotients() {
        type Op = fn(&Var<f64>, &[isize], bool) -> Result<Var<f64>>;
        let ops: [Op; 4] = [
            |x, axes, keep| x.sum_axes(axes, keep)?.square(),
            |x, axes, keep| x.mean_axes(axes, keep)?.square(),
            |x, axes, keep| x.var_axes(axes, 0.0, keep),
            |x, axes, keep| x.var_axes(axes, -1.0, keep)?.square(),
        ];
        for shape in [&[2, 3, 2][..], &[3, 1, 2], &[1, 4, 1]] {
            for axes in [&[][..], &[0], &[-1, 0], &[1, 2]] {
                for keep in [false, true] {
                    let x = [spaced(shape)];
                    for f in ops {
                        gradcheck(|x| f(&x[0], axes, keep), &x).unwrap();
                    }
                }
            }
        }
        let x = [spaced(&[2, 3])];
        gradcheck(|x| x[0].std_axes(1, 1.0, false), &x).unwrap();
        gradcheck(|x| x[0].std(), &x).unwrap();
        gradcheck(|x| x[0].var()?.mul(&x[0].std()?), &x).unwrap();
        gradcheck(|x| x[0].mul(&x[0].mean()?), &x).unwrap();
        gradcheck(|x| x[0].sum_to([2, 1])?.square(), &x).unwrap();
        gradcheck(|x| x[0].square()?.sum_to([3])?.square(), &x).unwrap();
        gradcheck(|x| x[0].sum()?.square(), &[Tensor::scalar(0.5)]).unwrap();
    }

    #[test]
    fn nothing_and_wrong_axes() {
        let tape = Tape::new();
        let none = tape.leaf(Tensor::<f64>::zeros([2, 0]).unwrap());
        let sums = none.sum_axes(1, false).unwrap();
        assert_eq!(sums.value().to_vec(), [0.0, 0.0]);
        let grads = sums.sum().unwrap().backward().unwrap();
        assert_eq!(grads.get(&none).map(Tensor::shape), Some(&[2, 0][..]));
        let x = Tape::new().leaf(spaced(&[2, 3]));
        assert!(x.sum_axes(2, false).is_err());
        assert!(x.mean_axes([0, 0], false).is_err());
        assert!(x.var_axes(-3, 1.0, false).is_err());
        assert!(x.sum_to([2]).is_err());
    }
}
