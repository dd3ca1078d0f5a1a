//! RMSProp (Hinton, 2012), plain and centred.

use super::adam::lerp;
use super::sweep::sweep;
use super::{check_rate, same_shape};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::loops::CHECKED;
use crate::tensor::Tensor;

/// The numbers of RMSProp, as `torch.optim.RMSprop` names them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsPropOptions {
    /// The learning rate.
    pub lr: f64,
    /// What share of the mean square is kept.
    pub alpha: f64,
    /// What keeps the divisor from 0.
    pub eps: f64,
    /// The L2 penalty that is added to the gradient.
    pub weight_decay: f64,
    /// What share of the velocity is kept.
    pub momentum: f64,
    /// Whether the mean is taken off before squares are compared: the variance in
    /// place of the mean square.
    pub centered: bool,
    /// Whether to ascend.
    pub maximize: bool,
}

impl Default for RmsPropOptions {
    /// PyTorch's.
    fn default() -> Self {
        Self {
            lr: 1e-2,
            alpha: 0.99,
            eps: 1e-8,
            weight_decay: 0.0,
            momentum: 0.0,
            centered: false,
            maximize: false,
        }
    }
}

impl RmsPropOptions {
    /// Refuses numbers with which nothing of type `T` can descend, for the
    /// operation `op`.
    ///
    /// # Errors
    /// [`Error::Value`] for a number that is negative or not finite.
    pub fn check<T: Float>(&self, op: &'static str) -> Result<()> {
        check_rate::<T>(op, "the learning rate", self.lr)?;
        check_rate::<T>(op, "eps", self.eps)?;
        check_rate::<T>(op, "momentum", self.momentum)?;
        check_rate::<T>(op, "weight decay", self.weight_decay)?;
        check_rate::<T>(op, "alpha", self.alpha)
    }
}

impl<T: Float> Tensor<T> {
    /// One step of RMSProp in one sweep over parameter, gradient, mean square s
    /// and, where there are such, mean m and velocity b:
    ///
    /// ```text
    /// g ← g + decay · p
    /// s ← α · s + (1 − α) · g²
    /// m ← m + (1 − α) · (g − m)
    /// d ← √(centered ? s − m² : s) + eps
    /// b ← momentum · b + g / d
    /// p ← p − lr · (momentum > 0 ? b : g / d)
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ; [`Error::Value`] as
    /// [`RmsPropOptions::check`], or if there is a mean without `centered` or a
    /// velocity without momentum, or the other way round.
    pub fn rmsprop_step(
        &mut self,
        s: &mut Self,
        [m, b]: [Option<&mut Self>; 2],
        gradient: &Self,
        options: &RmsPropOptions,
    ) -> Result<()> {
        const OP: &str = "rmsprop_step";
        options.check::<T>(OP)?;
        same_shape(OP, self, gradient)?;
        same_shape(OP, s, gradient)?;
        if m.is_some() != options.centered || b.is_some() != (options.momentum > 0.0) {
            let message = "a mean goes with `centered`, a velocity with momentum";
            return Err(Error::value(OP, message));
        }
        let [m, b] = [m, b].map(|x| match x {
            None => Ok(None),
            Some(x) => same_shape(OP, x, gradient).map(|()| Some(x.as_mut_slice())),
        });
        let (p, s) = (self.as_mut_slice(), s.as_mut_slice());
        T::rmsprop_sweep(CHECKED, options, [p, s], [m?, b?], gradient.as_slice());
        Ok(())
    }
}

/// The loop.
pub(crate) fn rmsprop_loops<T: Float>(
    options: &RmsPropOptions,
    [p, s]: [&mut [T]; 2],
    [m, b]: [Option<&mut [T]>; 2],
    g: &[T],
) {
    /// A place of RMSProp, beside the sweep: a root and a quotient.
    const COST: usize = 6;
    let [lr, alpha, fresh, eps, decay, momentum] = [
        options.lr,
        options.alpha,
        1.0 - options.alpha,
        options.eps,
        options.weight_decay,
        options.momentum,
    ]
    .map(T::of);
    let (decays, maximize) = (options.weight_decay != 0.0, options.maximize);
    let square = move |p: T, s: T, g: T| {
        let g = if maximize { -g } else { g };
        let g = if decays { g + decay * p } else { g };
        (g, alpha * s + fresh * g * g)
    };
    let mean = move |m: T, g: T| lerp(m, g, fresh);
    let divisor = move |square: T| square.sqrt() + eps;
    let velocity = move |b: T, g: T, d: T| momentum * b + g / d;
    match (m, b) {
        (None, None) => sweep([p, s], g, COST, |[p, s], g| {
            let (g, s) = square(p, s, g);
            [p - lr * g / divisor(s), s]
        }),
        (None, Some(b)) => sweep([p, s, b], g, COST, |[p, s, b], g| {
            let (g, s) = square(p, s, g);
            let b = velocity(b, g, divisor(s));
            [p - lr * b, s, b]
        }),
        (Some(m), None) => sweep([p, s, m], g, COST, |[p, s, m], g| {
            let (g, s) = square(p, s, g);
            let m = mean(m, g);
            [p - lr * g / divisor(s - m * m), s, m]
        }),
        (Some(m), Some(b)) => sweep([p, s, m, b], g, COST, |[p, s, m, b], g| {
            let (g, s) = square(p, s, g);
            let m = mean(m, g);
            let b = velocity(b, g, divisor(s - m * m));
            [p - lr * b, s, m, b]
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_by_hand() {
        let options = RmsPropOptions {
            lr: 0.5,
            alpha: 0.75,
            eps: 1.0,
            momentum: 0.5,
            centered: true,
            ..RmsPropOptions::default()
        };
        let at = |x: f64| Tensor::from([x]);
        let [mut p, mut s, mut m, mut b] = [4.0, 0.0, 0.0, 2.0].map(at);
        // s = 0.25 · 16 = 4, m = 0.25 · 4 = 1, d = √3 + 1, b = 1 + 4 / d.
        p.rmsprop_step(&mut s, [Some(&mut m), Some(&mut b)], &at(4.0), &options)
            .unwrap();
        let velocity = 1.0 + 4.0 / (3f64.sqrt() + 1.0);
        assert_eq!((s.to_vec(), m.to_vec()), (vec![4.0], vec![1.0]));
        assert_eq!(b.to_vec(), [velocity]);
        assert_eq!(p.to_vec(), [4.0 - 0.5 * velocity]);

        // Plain: s = 3 + 4 = 7.
        let plain = RmsPropOptions {
            momentum: 0.0,
            centered: false,
            ..options
        };
        let mut p = at(4.0);
        p.rmsprop_step(&mut s, [None, None], &at(4.0), &plain)
            .unwrap();
        assert_eq!(p.to_vec(), [4.0 - 0.5 * 4.0 / (7f64.sqrt() + 1.0)]);
        assert!(
            p.rmsprop_step(&mut s, [None, None], &at(4.0), &options)
                .is_err()
        );
    }
}
