//! Binary cross-entropy, of probabilities and of logits.
//!
//! | | value | gradient of the input | gradient of the target |
//! |---|---|---|---|
//! | `binary_cross_entropy` | −t log x − (1 − t) log(1 − x) | g · s | g · (log(1 − x) − log x) |
//! | its slope s | (x − t) / (x (1 − x)) | h · (x² − 2xt + t) / (x (1 − x))² | −h / (x (1 − x)) |
//! | `…_with_logits` | (1 − t) x − log sigmoid(x) | g · (sigmoid(x) − t) | −g · x |
//!
//! An element's weight multiplies all of its row. PyTorch keeps the denominators from
//! 0 by 10⁻¹², in the way that is repeated here: by a maximum in the slope, by a sum
//! in the slope's own.
//!
//! With a weight p of the positive answers, log sigmoid(x) is multiplied by
//! 1 + (p − 1) t. The gradients become g · ((p t + 1 − t) · sigmoid(x) − p t) and
//! g · (log sigmoid(−x) − p · log sigmoid(x)).

use tensor::{
    BinaryCrossEntropyOptions, BinaryCrossEntropyWithLogitsOptions, Float, Reduction, Result,
    Tensor,
};

use super::share;
use crate::record::pull;
use crate::var::Var;

/// What keeps the denominators of the slope's own gradients from 0.
const LEAST: f64 = 1e-12;

impl<T: Float> Var<T> {
    /// −w · (t log x + (1 − t) log(1 − x)) of probabilities x, reduced:
    /// `torch.nn.functional.binary_cross_entropy`. The logarithms are kept above
    /// −100. The target has the shape of the input, a weight broadcasts to it. A
    /// [`Reduction`] will do for options.
    ///
    /// ```
    /// use tensor::{Reduction, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from([0.5, 0.0]));
    /// let target = tape.constant(Tensor::from([1.0, 0.0]));
    /// let loss = x.binary_cross_entropy(&target, Reduction::Sum)?;
    /// assert_eq!(loss.item()?, 2f64.ln());
    /// assert_eq!(loss.backward()?.get(&x), Some(&Tensor::from([-2.0, 0.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If target or weight do not fit, for an input or target outside of 0 to 1; as
    /// [`Var::record`].
    pub fn binary_cross_entropy(
        &self,
        target: &Self,
        options: impl Into<BinaryCrossEntropyOptions<T>>,
    ) -> Result<Self> {
        let BinaryCrossEntropyOptions {
            reduction, weight, ..
        } = options.into();
        let mut given = BinaryCrossEntropyOptions::from(reduction);
        given.weight.clone_from(&weight);
        let value = self.value().binary_cross_entropy(target.value(), given)?;
        let each = weighted(reduction, self.value().len(), weight);
        let (x, t) = (self.save(), target.save());
        let to_x = {
            let (x, each) = (x.clone(), each.clone());
            pull(move |g: &Self| slope(&x.on(g), &t.on(g))?.mul(&each(g)?))
        };
        let to_target = pull(move |g: &Self| {
            let x = x.on(g);
            x.neg()?
                .add_scalar(T::ONE)?
                .log()?
                .sub(&x.log()?)?
                .mul(&each(g)?)
        });
        let rules = [(self, to_x), (target, to_target)];
        Self::record("binary_cross_entropy", value, rules)
    }

    /// [`binary_cross_entropy`](Self::binary_cross_entropy) of sigmoid(x), without
    /// ever computing that, reduced:
    /// `torch.nn.functional.binary_cross_entropy_with_logits`. The target has the
    /// shape of the input, weights broadcast to it. A [`Reduction`] will do for
    /// options.
    ///
    /// ```
    /// use tensor::{Reduction, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from([0.0, -800.0]));
    /// let target = tape.constant(Tensor::from([1.0, 1.0]));
    /// let loss = x.binary_cross_entropy_with_logits(&target, Reduction::Sum)?;
    /// assert_eq!(loss.item()?, 800.0 + 2f64.ln());
    /// assert_eq!(loss.backward()?.get(&x), Some(&Tensor::from([-0.5, -1.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If target or weights do not fit; as [`Var::record`].
    pub fn binary_cross_entropy_with_logits(
        &self,
        target: &Self,
        options: impl Into<BinaryCrossEntropyWithLogitsOptions<T>>,
    ) -> Result<Self> {
        let options = options.into();
        let value = self
            .value()
            .binary_cross_entropy_with_logits(target.value(), options.clone())?;
        let each = weighted(options.reduction, self.value().len(), options.weight);
        let (x, t) = (self.save(), target.save());
        let to_x = {
            let (x, each, pos_weight) = (x.clone(), each.clone(), options.pos_weight.clone());
            pull(move |g: &Self| {
                let (p, t) = (x.on(g).sigmoid()?, t.on(g));
                let slope = match &pos_weight {
                    None => p.sub(&t)?,
                    Some(weight) => {
                        let yes = t.mul(&g.constant(weight.clone()))?;
                        let either = yes.add_scalar(T::ONE)?.sub(&t)?;
                        either.mul(&p)?.sub(&yes)?
                    }
                };
                slope.mul(&each(g)?)
            })
        };
        let to_target = pull(move |g: &Self| {
            let x = x.on(g);
            let slope = match &options.pos_weight {
                None => x.neg()?,
                Some(weight) => {
                    let yes = x.logsigmoid()?.mul(&g.constant(weight.clone()))?;
                    x.neg()?.logsigmoid()?.sub(&yes)?
                }
            };
            slope.mul(&each(g)?)
        });
        let rules = [(self, to_x), (target, to_target)];
        Self::record("binary_cross_entropy_with_logits", value, rules)
    }
}

/// From the gradient of what the losses became to that of each.
fn weighted<T: Float>(
    reduction: Reduction,
    count: usize,
    weight: Option<Tensor<T>>,
) -> impl Fn(&Var<T>) -> Result<Var<T>> + Clone + Send + Sync + 'static {
    move |g| {
        let each = share(g, reduction, count)?;
        match &weight {
            None => Ok(each),
            Some(weight) => each.mul(&g.constant(weight.clone())),
        }
    }
}

/// (x − t) / max(x (1 − x), 10⁻¹²).
fn slope<T: Float>(x: &Var<T>, t: &Var<T>) -> Result<Var<T>> {
    let value = x.value().binary_cross_entropy_slope(t.value())?;
    let (saved_x, saved_t) = (x.save(), t.save());
    let to_x = pull(move |h: &Var<T>| {
        let (x, t) = (saved_x.on(h), saved_t.on(h));
        let above = x
            .square()?
            .add(&t.mul(&one_minus(&x.mul_scalar(T::of(2.0))?)?)?)?;
        let away = |x: &Var<T>| x.add_scalar(T::of(LEAST));
        let below = away(&x)?.mul(&away(&one_minus(&x)?)?)?.square()?;
        above.div(&below)?.mul(h)
    });
    let saved_x = x.save();
    let to_t = pull(move |h: &Var<T>| {
        let x = saved_x.on(h);
        h.neg()?
            .div(&x.mul(&one_minus(&x)?)?.clamp_min(T::of(LEAST))?)
    });
    Var::record("binary_cross_entropy_slope", value, [(x, to_x), (t, to_t)])
}

fn one_minus<T: Float>(x: &Var<T>) -> Result<Var<T>> {
    x.neg()?.add_scalar(T::ONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradcheck::gradcheck;
    use crate::ops::testing::{spaced, torch};

    const ALL: [Reduction; 3] = [Reduction::Mean, Reduction::Sum, Reduction::None];
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    const MOST: f64 = 1_000_000_003_995.802_9;

    #[test]
    fn certain_answers_of_torch() {
        // show(lambda x, t: F.binary_cross_entropy(x, t, reduction='none'),
        //      [0., 0., 1., 1., 1., .5], [0., 1., 0., 1., .5, .25])
        torch(
            |x| x[0].binary_cross_entropy(&x[1], Reduction::None),
            [
                Tensor::from([0.0, 0.0, 1.0, 1.0, 1.0, 0.5]),
                Tensor::from([0.0, 1.0, 0.0, 1.0, 0.5, 0.25]),
            ],
            [0.0, 100.0, 100.0, 0.0, 50.0, 2f64.ln()],
            [
                Tensor::from([0.0, -MOST, MOST, 0.0, MOST / 2.0, 1.0]),
                Tensor::from([INF, INF, -INF, -INF, -INF, 0.0]),
            ],
        );
    }

    #[test]
    fn far_logits_of_torch() {
        let inputs = || {
            [
                Tensor::from([0.0, 800.0, -800.0, 800.0, -800.0, INF, -INF, NAN]),
                Tensor::from([0.5, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
            ]
        };
        // show(lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction='none'),
        //      [0., 800., -800., 800., -800., inf, -inf, nan], [.5, 0., 0., 1., 1., 0., 0., 0.])
        torch(
            |x| x[0].binary_cross_entropy_with_logits(&x[1], Reduction::None),
            inputs(),
            [2f64.ln(), 800.0, 0.0, 0.0, 800.0, INF, NAN, NAN],
            [
                Tensor::from([0.0, 1.0, 0.0, 0.0, -1.0, 1.0, 0.0, NAN]),
                Tensor::from([0.0, -800.0, 800.0, -800.0, 800.0, -INF, INF, NAN]),
            ],
        );
        // … with pos_weight=torch.tensor(3.)
        torch(
            |x| {
                let options = BinaryCrossEntropyWithLogitsOptions::from(Reduction::None);
                let options = options.pos_weight(Tensor::scalar(3.0));
                x[0].binary_cross_entropy_with_logits(&x[1], options)
            },
            inputs(),
            [2.0 * 2f64.ln(), 800.0, 0.0, 0.0, 2400.0, INF, NAN, NAN],
            [
                Tensor::from([-0.5, 1.0, 0.0, 0.0, -3.0, 1.0, 0.0, NAN]),
                Tensor::from([
                    2.0 * 2f64.ln(),
                    -800.0,
                    2400.0,
                    -800.0,
                    2400.0,
                    -INF,
                    INF,
                    NAN,
                ]),
            ],
        );
    }

    #[test]
    fn agree_with_difference_quotients() {
        for shape in [&[][..], &[2, 3], &[0, 3], &[1]] {
            // Between 0.2 and 0.6.
            let inputs = [spaced(shape) * 0.4, spaced(shape) * 0.3 + 0.05];
            for reduction in ALL {
                for weight in [None, Some(spaced(&[]))] {
                    let mut options = BinaryCrossEntropyOptions::from(reduction);
                    options.weight.clone_from(&weight);
                    let f = |x: &[Var<f64>]| {
                        x[0].binary_cross_entropy(&x[1], options.clone())?.square()
                    };
                    gradcheck(f, &inputs).unwrap();
                    let mut options = BinaryCrossEntropyWithLogitsOptions::from(reduction);
                    options.weight.clone_from(&weight);
                    for pos_weight in [None, Some(Tensor::from([2.5]))] {
                        let pos_weight = pos_weight.filter(|_| !shape.is_empty());
                        options.pos_weight = pos_weight;
                        let f = |x: &[Var<f64>]| {
                            x[0].binary_cross_entropy_with_logits(&x[1], options.clone())?
                                .square()
                        };
                        gradcheck(f, &inputs).unwrap();
                    }
                }
            }
        }
    }
}
