//! Losses: how far a prediction is from what it should have been.
//!
//! | | value | gradient of the prediction |
//! |---|---|---|
//! | `mse_loss` | (x − t)², reduced | g · 2(x − t), over n for the mean |
//! | `cross_entropy` | −log softmax(x)ᵧ, reduced | g · (softmax(x) − onehot(y)), over n for the mean |
//!
//! Each is one entry of the tape: what the formula has in between is neither
//! recorded nor kept.

use tensor::{CrossEntropyOptions, Error, Float, Reduction, Result, Tensor};

use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The squared differences from a target of the same shape, reduced:
    /// `torch.nn.functional.mse_loss`. The target may want a gradient too.
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
    /// If the shapes differ (a target that broadcasts is nearly always a
    /// mistake); as [`Var::record`].
    pub fn mse_loss(&self, target: &Self, reduction: Reduction) -> Result<Self> {
        const OP: &str = "mse_loss";
        if self.shape() != target.shape() {
            return Err(Error::shape(
                OP,
                format!(
                    "the target must have the shape of the prediction (prediction {:?}, target {:?})",
                    self.shape(),
                    target.shape()
                ),
            ));
        }
        let squares = self.value().sub(target.value())?.square();
        let (value, factor) = match reduction {
            Reduction::Mean => (squares.mean(), T::of(2.0 / squares.len() as f64)),
            Reduction::Sum => (squares.sum(), T::of(2.0)),
            Reduction::None => (squares, T::of(2.0)),
        };
        // Whichever of the two asks, the other stands on the right.
        let toward = |from: &Self, to: &Self| {
            let (from, to) = (from.save(), to.save());
            pull(move |g: &Self| from.on(g).sub(&to.on(g))?.mul(&g.mul_scalar(factor)?))
        };
        let of_self = self.wanted(|| toward(self, target));
        let of_target = target.wanted(|| toward(target, self));
        Self::record_wanted(OP.into(), value, [(self, of_self), (target, of_target)])
    }

    /// −log softmax(scores) at the true label, reduced:
    /// `torch.nn.functional.cross_entropy` with class indices. For scores
    /// `[batch, classes, d₁, …]` and labels `[batch, d₁, …]`, or one line
    /// `[classes]` and a label without axes. A [`Reduction`] will do for
    /// options.
    ///
    /// ```
    /// use tensor::{Reduction, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let scores = Tape::new().leaf(Tensor::from([[0.0, 0.0], [0.0, 0.0]]));
    /// let loss = scores.cross_entropy(&Tensor::from([0, 1]), Reduction::Mean)?;
    /// let grads = loss.backward()?;
    /// let want = Tensor::from([[-0.25, 0.25], [0.25, -0.25]]);
    /// assert_eq!(grads.get(&scores), Some(&want));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the labels do not fit the scores, or one is no class and is not to be
    /// ignored; as [`Var::record`].
    pub fn cross_entropy(
        &self,
        labels: &Tensor<i64>,
        options: impl Into<CrossEntropyOptions>,
    ) -> Result<Self> {
        let options = options.into();
        let value = self.value().cross_entropy(labels, options)?;
        let (x, labels) = (self.save(), labels.clone());
        let ignore = options.ignore_index;
        let rule = pull(move |g: &Self| {
            let g = match options.reduction {
                Reduction::Mean => {
                    let counted = labels.iter().filter(|&&label| label != ignore).count();
                    g.div_scalar(T::of(counted as f64))?
                }
                Reduction::Sum | Reduction::None => g.clone(),
            };
            x.on(&g)
                .cross_entropy_grad(&labels, &g.expand(labels.shape())?, ignore)
        });
        Self::record("cross_entropy", value, [(self, rule)])
    }

    /// g · (softmax(x) − onehot(y)), with one g a position; 0 at positions
    /// that are ignored. With h the gradient of this gradient and p = softmax(x),
    ///
    /// ```text
    /// to g: Σ h · (p − onehot(y))
    /// to x: p · (v − Σ p·v), v = h · g
    /// ```
    ///
    /// the sums over the classes.
    fn cross_entropy_grad(&self, labels: &Tensor<i64>, g: &Self, ignore: i64) -> Result<Self> {
        let value = self.value().cross_entropy_grad(labels, g.value(), ignore)?;
        // The labels' shape with an axis of classes put in.
        let class_axis = if self.ndim() == 1 { 0 } else { 1 };
        let mut per_position = self.shape().to_vec();
        per_position[class_axis] = 1;
        let axis = class_axis as isize;
        let (x, saved_g) = (self.save(), g.save());

        let to_x = {
            let (x, ignored) = (x.clone(), labels.eq_scalar(ignore));
            pull(move |h: &Self| {
                let p = x.on(h).softmax(axis)?;
                let v = h.mul(&saved_g.on(h).reshape_to(&per_position)?)?;
                p.mul(&v.sub(&p.mul(&v)?.sum_axes(axis, true)?)?)?
                    .masked_fill(&ignored.reshape_to(&per_position)?, T::ZERO)
            })
        };
        let labels = labels.clone();
        let to_g = pull(move |h: &Self| {
            let ones = h.constant(Tensor::ones(labels.shape())?);
            x.on(h)
                .cross_entropy_grad(&labels, &ones, ignore)?
                .mul(h)?
                .sum_axes(axis, false)
        });
        Self::record("cross_entropy_grad", value, [(self, to_x), (g, to_g)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradcheck::{Gradcheck, gradcheck};
    use crate::ops::testing::{spaced, torch};
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
    fn cross_entropies_of_torch() {
        let inputs = || [Tensor::from([[1.0, 2.0, 4.0], [0.0, -1.0, 0.5]])];
        let ce = |y: [i64; 2], r| move |x: &[Var<f64>]| x[0].cross_entropy(&Tensor::from(y), r);
        // m = [[1.0, 2.0, 4.0], [0.0, -1.0, 0.5]]
        // for r in ('mean', 'sum', 'none'):
        //     show(lambda x: F.cross_entropy(x, torch.tensor([2, 0]), reduction=r), m)
        let sum = [
            [
                0.042_010_066_134_066_05,
                0.114_195_199_384_594_48,
                -0.156_205_265_518_660_54,
            ],
            [
                -0.668_501_039_575_908_6,
                0.121_951_652_309_728_85,
                0.546_549_387_266_179_6,
            ],
        ];
        let gradients = |factor: f64| [Tensor::from(sum) * factor];
        let losses = [0.169_846_019_556_285_67, 1.104_130_605_336_728_4];
        torch(
            ce([2, 0], Reduction::Mean),
            inputs(),
            0.636_988_312_446_507,
            gradients(0.5),
        );
        torch(
            ce([2, 0], Reduction::Sum),
            inputs(),
            1.273_976_624_893_014,
            gradients(1.0),
        );
        torch(
            ce([2, 0], Reduction::None),
            inputs(),
            losses,
            gradients(1.0),
        );
        // The same with torch.tensor([2, -100]): the second is ignored.
        let first = || [Tensor::from([sum[0], [0.0; 3]])];
        torch(ce([2, -100], Reduction::Mean), inputs(), losses[0], first());
        torch(
            ce([2, -100], Reduction::None),
            inputs(),
            [losses[0], 0.0],
            first(),
        );
        let none = || [Tensor::from([[0.0; 3]; 2])];
        torch(
            ce([-100, -100], Reduction::Mean),
            inputs(),
            f64::NAN,
            none(),
        );
        // show(lambda x: F.cross_entropy(x, torch.tensor([[0, 1, 1]])), [m])
        torch(
            |x| x[0].cross_entropy(&Tensor::from([[0, 1, 1]]), Reduction::Mean),
            [inputs()[0].reshape_to([1, 2, 3]).unwrap()],
            2.297_199_819_121_528_4,
            [Tensor::from([[
                [
                    -0.089_647_140_456_665_03,
                    0.317_524_708_940_811_1,
                    0.323_562_589_749_547_9,
                ],
                [
                    0.089_647_140_456_665_03,
                    -0.317_524_708_940_811_03,
                    -0.323_562_589_749_547_9,
                ],
            ]])],
        );
    }

    #[test]
    fn agree_with_difference_quotients() {
        let third = Gradcheck {
            order: 3,
            ..Gradcheck::default()
        };
        for r in ALL {
            for shape in [&[2, 3][..], &[1], &[0]] {
                let inputs = [spaced(shape), spaced(shape) * 2.0];
                if (shape, r) != (&[0], Reduction::Mean) {
                    third.check(|x| x[0].mse_loss(&x[1], r), &inputs).unwrap();
                }
            }
            let y = Tensor::from([1, -100, 0]);
            let x = [spaced(&[3, 2])];
            third.check(|x| x[0].cross_entropy(&y, r), &x).unwrap();
            let ignoring = CrossEntropyOptions::from(r).ignore_index(0);
            let y = Tensor::from([1, 0, 2]);
            gradcheck(|x| x[0].cross_entropy(&y, ignoring), &[spaced(&[3, 3])]).unwrap();
            let y = Tensor::from([[1, 0], [-100, 2]]);
            gradcheck(|x| x[0].cross_entropy(&y, r), &[spaced(&[2, 3, 2])]).unwrap();
            let y = Tensor::scalar(2);
            gradcheck(|x| x[0].cross_entropy(&y, r), &[spaced(&[3])]).unwrap();
            // Not only of a leaf, and not only with g = 1.
            let f = |x: &[Var<f64>]| {
                let scores = x[0].square()?;
                scores.cross_entropy(&Tensor::from([1, 0]), r)?.square()
            };
            gradcheck(f, &[spaced(&[2, 2])]).unwrap();
        }
    }

    #[test]
    fn a_loss_is_one_entry() {
        let tape = Tape::new();
        let x = tape.leaf(spaced(&[2, 3]));
        x.cross_entropy(&Tensor::from([0, 1]), Reduction::Mean)
            .unwrap();
        x.mse_loss(&tape.constant(spaced(&[2, 3])), Reduction::Mean)
            .unwrap();
        assert_eq!(tape.len(), 3);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let tape = Tape::new();
        let x = tape.leaf(spaced(&[2, 3]));
        let message = x
            .mse_loss(&tape.constant(spaced(&[3])), Reduction::Mean)
            .unwrap_err()
            .to_string();
        assert_eq!(
            message,
            "mse_loss: the target must have the shape of the prediction \
             (prediction [2, 3], target [3])"
        );
        let message = x
            .cross_entropy(&Tensor::from([0, 3]), Reduction::Mean)
            .unwrap_err()
            .to_string();
        assert!(message.contains("label 3 at [1] is out of range for 3 classes"));
    }

    #[test]
    fn empty_batches() {
        let scores = Tape::new().leaf(Tensor::<f64>::zeros([0, 3]).unwrap());
        let labels = Tensor::zeros([0]).unwrap();
        let loss = scores.cross_entropy(&labels, Reduction::Mean).unwrap();
        assert!(loss.item().unwrap().is_nan());
        let grads = loss.backward().unwrap();
        assert_eq!(grads.get(&scores).map(Tensor::shape), Some(&[0, 3][..]));
    }
}
