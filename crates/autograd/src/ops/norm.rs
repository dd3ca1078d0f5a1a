//! Norms.
//!
//! | | value y | gradient |
//! |---|---|---|
//! | `norm` | (Σ\|x\|ᵖ)^(1/p) | g · sign x · (\|x\| / y)ᵖ⁻¹ |
//!
//! A norm has no derivative at the zero vector, and for p ≤ 1 none at any zero
//! element; its gradient is 0 there, as PyTorch's is. For p = ±∞ the elements
//! that attain the norm share the gradient; for p = 0 there is none.

use tensor::shape::Axes;
use tensor::{Float, Result};

use super::extrema::share;
use super::reduce::{kept, off_zero};
use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The p-norm of all elements, as a variable without axes: see
    /// [`norm_axes`](Self::norm_axes).
    ///
    /// # Errors
    /// For the norm of nothing with p negative or infinite; as [`Var::record`].
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

    /// The p-norm (Σ|x|ᵖ)^(1/p) over these axes, over all if none is named,
    /// with the limits at p = 0 and ±∞ that
    /// [`Tensor::norm_axes`](tensor::Tensor::norm_axes) names. The gradient is 0
    /// at the zero vector, for p = 0 everywhere, and for p = ±∞ shared evenly
    /// by the elements that attain the norm.
    ///
    /// # Errors
    /// For an axis out of range or named twice, or the norm of nothing with p
    /// negative or infinite; as [`Var::record`].
    pub fn norm_axes(&self, p: f64, axes: impl Axes, keepdim: bool) -> Result<Self> {
        let axes = axes.to_axes();
        let value = self.value().norm_axes(p, &axes, keepdim)?;
        let kept = kept("norm", self.shape(), &axes)?;
        let (x, y) = (self.save(), self.tape().save_output(&value));
        let rule = pull(move |g: &Self| {
            if p == 0.0 {
                return Ok(g.constant(x.value().zeros_like()));
            }
            let (x, y, g) = (x.on(g), y.on(g).reshape_to(&kept)?, g.reshape_to(&kept)?);
            let sign = g.constant(x.value().sign());
            if p == 1.0 {
                return g.mul(&sign);
            }
            if p.is_infinite() {
                let share = share(&x.value().abs(), y.value(), &axes)?;
                return g.mul(&sign)?.mul(&g.constant(share));
            }
            let (g, y) = off_zero(&g, &y)?;
            if p == 2.0 {
                return x.mul(&g.div(&y)?);
            }
            // At x = 0 the sign makes the gradient 0; |x| = 1 in its place keeps
            // the power finite.
            let zero = x.value().eq_scalar(T::ZERO);
            let ratio = x.abs()?.masked_fill(&zero, T::ONE)?.div(&y)?;
            g.mul(&sign)?.mul(&ratio.powf(T::of(p - 1.0))?)
        });
        Self::record("norm", value, [(self, rule)])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::testing::{same, spaced, torch};

    use crate::backward::{grad, grad_or_none};
    use crate::gradcheck::gradcheck;
    use crate::tape::Tape;
    use tensor::Tensor;

    const INF: f64 = f64::INFINITY;

    #[test]
    fn norms_of_torch() {
        // v = [[1.0, -2.0, 2.0], [0.0, -1.0, 0.5], [0.0, 0.0, 0.0]]
        // show(lambda x: torch.linalg.vector_norm(x, p, dim=1), v) for each p
        let zero = [0.0; 3];
        for (p, value, gradient) in [
            (0.0, [3.0, 2.0, 0.0], [zero; 3]),
            (
                1.0,
                [5.0, 1.5, 0.0],
                [[1.0, -1.0, 1.0], [0.0, -1.0, 1.0], zero],
            ),
            (
                2.0,
                [3.0, 1.118_033_988_749_895, 0.0],
                [
                    [1.0 / 3.0, -2.0 / 3.0, 2.0 / 3.0],
                    [0.0, -0.894_427_190_999_915_9, 0.447_213_595_499_957_9],
                    zero,
                ],
            ),
            (
                3.0,
                [2.571_281_590_658_235, 1.040_041_911_525_952, 0.0],
                [
                    [
                        0.151_251_858_274_013_86,
                        -0.605_007_433_096_055_4,
                        0.605_007_433_096_055_4,
                    ],
                    [0.0, -0.924_481_699_134_179_5, 0.231_120_424_783_544_9],
                    zero,
                ],
            ),
            (
                0.5,
                [14.656_854_249_492_378, 2.914_213_562_373_095, 0.0],
                [
                    [
                        3.828_427_124_746_19,
                        -2.707_106_781_186_547,
                        2.707_106_781_186_547,
                    ],
                    [0.0, -1.707_106_781_186_547_5, 2.414_213_562_373_095],
                    zero,
                ],
            ),
            (
                INF,
                [2.0, 1.0, 0.0],
                [[0.0, -0.5, 0.5], [0.0, -1.0, 0.0], zero],
            ),
            (-INF, [1.0, 0.0, 0.0], [[1.0, 0.0, 0.0], zero, zero]),
            (-1.0, [0.5, 0.0, 0.0], [[0.25, -0.0625, 0.0625], zero, zero]),
        ] {
            torch(
                |x| x[0].norm_axes(p, 1, false),
                [Tensor::from([[1.0, -2.0, 2.0], [0.0, -1.0, 0.5], zero])],
                value,
                [Tensor::from(gradient)],
            );
        }
    }

    #[test]
    fn agree_with_difference_quotients() {
        for shape in [&[2, 3, 2][..], &[3, 1, 2], &[1, 4, 1]] {
            for axes in [&[][..], &[0], &[-1, 0], &[1, 2]] {
                for p in [0.0, 1.0, 2.0, 3.0, -1.5, INF, -INF] {
                    let x = [spaced(shape)];
                    gradcheck(|x| x[0].norm_axes(p, axes, true), &x).unwrap();
                    gradcheck(|x| x[0].norm_axes(p, axes, false)?.square(), &x).unwrap();
                }
            }
        }
        // Zero elements have second derivatives too, from p = 2 on.
        let x = Tensor::from([[0.0, 1.0, -0.5]]);
        gradcheck(|x| x[0].norm(2.0), std::slice::from_ref(&x)).unwrap();
        gradcheck(|x| x[0].norm(4.0), &[x]).unwrap();
    }

    #[test]
    fn derivatives_at_the_zero_vector_are_zero_to_second_order() {
        for p in [2.0, 3.0, 0.5, INF] {
            let x = Tape::new().leaf(Tensor::from([0.0, 0.0]));
            let first = grad(&x.norm(p).unwrap(), &[&x]).unwrap().remove(0);
            same(first.value(), &Tensor::from([0.0, 0.0]));
            let second = grad_or_none(&first.sum().unwrap(), &[&x]).unwrap();
            for second in second.iter().flatten() {
                same(second.value(), &Tensor::from([0.0, 0.0]));
            }
        }
    }

    #[test]
    fn what_has_no_norm_is_an_error() {
        let x = Tape::new().leaf(Tensor::<f64>::zeros([2, 0]).unwrap());
        assert!(x.norm(INF).is_err() && x.norm_axes(2.0, 2, false).is_err());
        assert_eq!(x.norm(2.0).unwrap().item().unwrap(), 0.0);
    }
}
