//! Losses of the difference d = x − t.
//!
//! | | value | slope in d | at the kink |
//! |---|---|---|---|
//! | `mse_loss` | d² | 2d | |
//! | `l1_loss` | \|d\| | sign d | 0 at 0 |
//! | `smooth_l1_loss` | d² / 2β, then \|d\| − β/2 | d, kept within ±β, over β | its slope's is 0 |
//! | `huber_loss` | d² / 2, then δ (\|d\| − δ/2) | d, kept within ±δ | its slope's is 0 |
//!
//! All slopes are odd, so the target's gradient is the same with x and t exchanged.
//! What is saved is the two operands, which somebody else mostly holds anyway.

use tensor::{Float, Reduction, Result, Tensor, shape};

use super::share;
use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// (x − t)², reduced: `torch.nn.functional.mse_loss`. The two broadcast; the
    /// mean is over the shape that they broadcast to.
    ///
    /// ```
    /// use tensor::{Reduction, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from([1.0, 4.0]));
    /// let loss = x.mse_loss(&tape.constant(Tensor::from([0.0, 2.0])), Reduction::Mean)?;
    /// assert_eq!(loss.item()?, 2.5);
    /// let grads = loss.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([1.0, 2.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn mse_loss(&self, target: &Self, reduction: Reduction) -> Result<Self> {
        let value = self.value().mse_loss(target.value(), reduction)?;
        let slope = |d: &Self| Ok(d.clone());
        distance("mse_loss", [self, target], value, reduction, 2.0, slope)
    }

    /// |x − t|, reduced: `torch.nn.functional.l1_loss`. The two broadcast. Where
    /// they are equal the gradient is 0.
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn l1_loss(&self, target: &Self, reduction: Reduction) -> Result<Self> {
        let value = self.value().l1_loss(target.value(), reduction)?;
        distance("l1_loss", [self, target], value, reduction, 1.0, sign)
    }

    /// |x − t| with its corner rounded off within `beta` of it, reduced:
    /// `torch.nn.functional.smooth_l1_loss`. The two broadcast. With a `beta` of 0
    /// it is [`l1_loss`](Self::l1_loss).
    ///
    /// ```
    /// use tensor::{Reduction, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from([1.0, 4.0]));
    /// let loss = x.smooth_l1_loss(&tape.constant(Tensor::scalar(0.0)), Reduction::Sum, 2.0)?;
    /// assert_eq!(loss.item()?, 0.25 + 3.0);
    /// assert_eq!(loss.backward()?.get(&x), Some(&Tensor::from([0.5, 1.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Unless `beta` ≥ 0, and if the shapes do not broadcast; as [`Var::record`].
    pub fn smooth_l1_loss(&self, target: &Self, reduction: Reduction, beta: f64) -> Result<Self> {
        const OP: &str = "smooth_l1_loss";
        let value = self
            .value()
            .smooth_l1_loss(target.value(), reduction, beta)?;
        if beta == 0.0 {
            return distance(OP, [self, target], value, reduction, 1.0, sign);
        }
        let limit = T::of(beta);
        let slope = move |d: &Self| d.clamp(-limit, limit);
        distance(OP, [self, target], value, reduction, 1.0 / beta, slope)
    }

    /// (x − t)² / 2 within `delta` of the target, and the line that goes on from
    /// there, reduced: `torch.nn.functional.huber_loss`. The two broadcast.
    ///
    /// ```
    /// use tensor::{Reduction, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from([1.0, 4.0]));
    /// let loss = x.huber_loss(&tape.constant(Tensor::scalar(0.0)), Reduction::Sum, 2.0)?;
    /// assert_eq!(loss.item()?, 0.5 + 6.0);
    /// assert_eq!(loss.backward()?.get(&x), Some(&Tensor::from([1.0, 2.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Unless `delta` > 0, and if the shapes do not broadcast; as [`Var::record`].
    pub fn huber_loss(&self, target: &Self, reduction: Reduction, delta: f64) -> Result<Self> {
        let value = self.value().huber_loss(target.value(), reduction, delta)?;
        let limit = T::of(delta);
        let slope = move |d: &Self| d.clamp(-limit, limit);
        distance("huber_loss", [self, target], value, reduction, 1.0, slope)
    }
}

/// The slope of |d|: a constant but for its jump.
fn sign<T: Float>(d: &Var<T>) -> Result<Var<T>> {
    Ok(d.constant(d.value().sign()))
}

/// Records `value` as a function of x − t with the slope `scale` · `slope`(x − t).
fn distance<T: Float>(
    op: &'static str,
    [x, target]: [&Var<T>; 2],
    value: Tensor<T>,
    reduction: Reduction,
    scale: f64,
    slope: impl Fn(&Var<T>) -> Result<Var<T>> + Copy + Send + Sync + 'static,
) -> Result<Var<T>> {
    let pairs = shape::broadcast(op, x.shape(), target.shape())?;
    let (count, scale) = (pairs.iter().product(), T::of(scale));
    // Whichever of the two asks, the other stands on the right.
    let toward = |from: &Var<T>, to: &Var<T>| {
        let (from, to) = (from.save(), to.save());
        pull(move |g: &Var<T>| {
            let each = share(g, reduction, count)?.mul_scalar(scale)?;
            slope(&from.on(g).sub(&to.on(g))?)?.mul(&each)
        })
    };
    let of_x = x.wanted(|| toward(x, target));
    let of_target = target.wanted(|| toward(target, x));
    Var::record_wanted(op.into(), value, [(x, of_x), (target, of_target)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradcheck::gradcheck;
    use crate::ops::testing::{gradcheck_broadcast, spaced, torch};
    use crate::tape::Tape;

    const ALL: [Reduction; 3] = [Reduction::Mean, Reduction::Sum, Reduction::None];

    #[test]
    fn squared_errors_of_torch() {
        // for r in ('mean', 'sum', 'none'):
        //     show(lambda x, t: F.mse_loss(x, t, reduction=r), [[1., 4.], [0., 2.]], [[0., 2.], [3., 2.]])
        let inputs = || [[[1.0, 4.0], [0.0, 2.0]], [[0.0, 2.0], [3.0, 2.0]]].map(Tensor::from);
        let gradients = |factor: f64| {
            let x = Tensor::from([[2.0, 4.0], [-6.0, 0.0]]) * factor;
            [x.clone(), -x]
        };
        let mse = |r| move |x: &[Var<f64>]| x[0].mse_loss(&x[1], r);
        torch(mse(Reduction::Mean), inputs(), 3.5, gradients(0.25));
        torch(mse(Reduction::Sum), inputs(), 14.0, gradients(1.0));
        let squares = [[1.0, 4.0], [9.0, 0.0]];
        torch(mse(Reduction::None), inputs(), squares, gradients(1.0));
    }

    #[test]
    fn kinks_of_torch() {
        // x, t = [0., 1., -1., 2., nan], [0.] * 5
        let inputs = || {
            let x = Tensor::from([0.0, 1.0, -1.0, 2.0, f64::NAN]);
            [x.clone(), x.zeros_like()]
        };
        let both = |x: [f64; 5]| [Tensor::from(x), -Tensor::from(x)];
        let nan = f64::NAN;
        // show(lambda x, t: F.l1_loss(x, t, reduction='none'), x, t)
        torch(
            |x| x[0].l1_loss(&x[1], Reduction::None),
            inputs(),
            [0.0, 1.0, 1.0, 2.0, nan],
            both([0.0, 1.0, -1.0, 1.0, 0.0]),
        );
        // show(lambda x, t: F.smooth_l1_loss(x, t, reduction='none', beta=2.), x, t), and with 0.
        torch(
            |x| x[0].smooth_l1_loss(&x[1], Reduction::None, 2.0),
            inputs(),
            [0.0, 0.25, 0.25, 1.0, nan],
            both([0.0, 0.5, -0.5, 1.0, nan]),
        );
        torch(
            |x| x[0].smooth_l1_loss(&x[1], Reduction::None, 0.0),
            inputs(),
            [0.0, 1.0, 1.0, 2.0, nan],
            both([0.0, 1.0, -1.0, 1.0, 0.0]),
        );
        // show(lambda x, t: F.huber_loss(x, t, reduction='none', delta=1.), x, t)
        torch(
            |x| x[0].huber_loss(&x[1], Reduction::None, 1.0),
            inputs(),
            [0.0, 0.5, 0.5, 1.5, nan],
            both([0.0, 1.0, -1.0, 1.0, nan]),
        );
    }

    #[test]
    fn agree_with_difference_quotients() {
        for r in ALL {
            // Set apart by 0.02, so that no difference quotient crosses a kink.
            gradcheck_broadcast(|x, t| x.mse_loss(t, r), |x| x + 0.02);
            gradcheck_broadcast(|x, t| x.l1_loss(t, r)?.square(), |x| x + 0.02);
            gradcheck_broadcast(|x, t| x.smooth_l1_loss(t, r, 0.0)?.square(), |x| x + 0.02);
            gradcheck_broadcast(|x, t| x.huber_loss(t, r, 0.613)?.square(), |x| x);
            gradcheck_broadcast(|x, t| x.smooth_l1_loss(t, r, 0.613)?.square(), |x| x);
        }
        let none = [spaced(&[0, 2]), spaced(&[0, 2])];
        gradcheck(|x| x[0].huber_loss(&x[1], Reduction::Sum, 1.0), &none).unwrap();
    }

    #[test]
    fn the_target_is_reached_and_what_does_not_fit_refused() {
        let tape = Tape::new();
        let x = tape.constant(Tensor::from([[1.0, 2.0]]));
        let t = tape.leaf(Tensor::from([0.0]));
        let grads = x.mse_loss(&t, Reduction::Mean).unwrap().backward().unwrap();
        assert_eq!(grads.get(&t), Some(&Tensor::from([-3.0])));

        let x = Tape::new().leaf(spaced(&[2, 3]));
        let two = x.constant(spaced(&[2]));
        let message = x.mse_loss(&two, Reduction::Mean).unwrap_err().to_string();
        assert_eq!(message, "mse_loss: shapes [2, 3] and [2] do not broadcast");
        assert!(x.l1_loss(&two, Reduction::Sum).is_err());
        assert!(x.huber_loss(&x, Reduction::Sum, 0.0).is_err());
        assert!(x.smooth_l1_loss(&x, Reduction::Sum, -1.0).is_err());
    }
}
