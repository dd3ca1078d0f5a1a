//! Cross-entropy, of scores.
//!
//! | target | value | gradient of the scores |
//! |---|---|---|
//! | class indices y | −w · log softmax(x)ᵧ | g · w · (softmax(x) − onehot(y)) |
//! | a distribution q | −Σ q · log softmax(x) | g · (softmax(x) · Σ q − q) |
//!
//! Against plain or weighted class indices it is one entry of the tape: what the
//! formula has in between is neither recorded nor kept. Smoothed labels and class
//! probabilities are a distribution, and the loss is composed of operations that
//! are there already; so class probabilities get their gradient, −g · log softmax(x).

use tensor::{ClassTarget, CrossEntropyOptions, Float, Reduction, Result, Tensor};

use crate::record::pull;
use crate::var::Var;

impl<'t, T: Float> From<&'t Var<T>> for ClassTarget<'t, Var<T>> {
    fn from(probabilities: &'t Var<T>) -> Self {
        Self::Probabilities(probabilities)
    }
}

impl<T: Float> Var<T> {
    /// −log softmax(scores) at the true label, reduced:
    /// `torch.nn.functional.cross_entropy`. For scores `[batch, classes, d₁, …]`
    /// and labels `[batch, d₁, …]`, or one line `[classes]` and a label without
    /// axes. The target may also be a variable of class probabilities in the shape
    /// of the scores. A [`Reduction`] will do for options.
    ///
    /// ```
    /// use tensor::{CrossEntropyOptions, Reduction, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let scores = Tape::new().leaf(Tensor::from([[0.0, 0.0], [0.0, 0.0]]));
    /// let labels = Tensor::from([0, 1]);
    /// let options = CrossEntropyOptions::default().label_smoothing(0.2);
    /// let smoothed = scores.cross_entropy(&labels, options)?;
    /// assert_eq!(smoothed.item()?, 2f64.ln());
    ///
    /// let loss = scores.cross_entropy(&labels, Reduction::Mean)?;
    /// let grads = loss.backward()?;
    /// let want = Tensor::from([[-0.25, 0.25], [0.25, -0.25]]);
    /// assert_eq!(grads.get(&scores), Some(&want));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the target does not fit the scores or the weights the classes, if a label
    /// is no class and is not to be ignored, for a smoothing outside of 0 to 1, and
    /// for class probabilities with an `ignore_index` of 0 or more; as
    /// [`Var::record`].
    pub fn cross_entropy<'t>(
        &self,
        target: impl Into<ClassTarget<'t, Self>>,
        options: impl Into<CrossEntropyOptions<T>>,
    ) -> Result<Self> {
        let options = options.into();
        match target.into() {
            ClassTarget::Indices(labels) if options.label_smoothing == 0.0 => {
                self.against_labels(labels, options)
            }
            ClassTarget::Indices(labels) => {
                let value = self.value().cross_entropy(labels, options.clone())?;
                let q = self.constant(options.distribution(self.value(), labels)?);
                let counted = options.without_smoothing();
                let counted = counted.position_weights(self.value(), labels)?;
                let ignored = labels.eq_scalar(options.ignore_index);
                let total = counted.sum().item()?;
                self.against(value, &q, options.reduction, total, Some(&ignored))
            }
            ClassTarget::Probabilities(target) => {
                let value = self
                    .value()
                    .cross_entropy(target.value(), options.clone())?;
                let (axis, len) = (class_axis(self), self.value().len());
                let classes = self.shape()[axis];
                let mut q = target.clone();
                if options.label_smoothing > 0.0 {
                    let (sure, spread) = (1.0 - options.label_smoothing, options.label_smoothing);
                    let spread = T::of(spread / classes as f64);
                    q = q.mul_scalar(T::of(sure))?.add_scalar(spread)?;
                }
                if let Some(weight) = &options.weight {
                    let mut along = vec![1; self.ndim()];
                    along[axis] = classes;
                    q = q.mul(&self.constant(weight.reshape_to(along)?))?;
                }
                let positions = T::of(len.checked_div(classes).unwrap_or(0) as f64);
                self.against(value, &q, options.reduction, positions, None)
            }
        }
    }

    /// Records `value` as the loss against a distribution q, the mean over `total`:
    ///
    /// ```text
    /// to x: softmax(x) · Σ g·q − g·q
    /// to q: −g · log softmax(x)
    /// ```
    ///
    /// the sum over the classes, g = 0 where a position is ignored.
    fn against(
        &self,
        value: Tensor<T>,
        q: &Self,
        reduction: Reduction,
        total: T,
        ignored: Option<&Tensor<bool>>,
    ) -> Result<Self> {
        let axis = class_axis(self);
        // The labels' shape with an axis of classes put in.
        let mut per_position = self.shape().to_vec();
        per_position[axis] = 1;
        let ignored = ignored.map(|ignored| ignored.reshape_to(&per_position));
        let (ignored, axis) = (ignored.transpose()?, axis as isize);
        let each = move |g: &Self| {
            let g = match reduction {
                Reduction::Mean => g.div_scalar(total)?,
                Reduction::Sum => g.clone(),
                Reduction::None => g.reshape_to(&per_position)?,
            };
            match &ignored {
                None => Ok(g),
                Some(ignored) => g.masked_fill(ignored, T::ZERO),
            }
        };
        let (x, saved_q, each_too) = (self.save(), q.save(), each.clone());
        let to_x = pull(move |g: &Self| {
            let pulled = saved_q.on(g).mul(&each(g)?)?;
            let total = pulled.sum_axes(axis, true)?;
            x.on(g).softmax(axis)?.mul(&total)?.sub(&pulled)
        });
        let x = self.save();
        let to_q = pull(move |g: &Self| x.on(g).log_softmax(axis)?.mul(&each_too(g)?)?.neg());
        Self::record("cross_entropy", value, [(self, to_x), (q, to_q)])
    }

    /// The loss against class indices that are not smoothed.
    fn against_labels(
        &self,
        labels: &Tensor<i64>,
        options: CrossEntropyOptions<T>,
    ) -> Result<Self> {
        let value = self.value().cross_entropy(labels, options.clone())?;
        let (x, labels) = (self.save(), labels.clone());
        let rule = pull(move |g: &Self| {
            let ignore = options.ignore_index;
            let weights = match options.weight {
                None => None,
                Some(_) => {
                    let options = options.without_smoothing();
                    Some(options.position_weights(x.value(), &labels)?)
                }
            };
            let g = match (options.reduction, &weights) {
                (Reduction::Mean, None) => {
                    let counted = labels.iter().filter(|&&label| label != ignore).count();
                    g.div_scalar(T::of(counted as f64))?
                }
                (Reduction::Mean, Some(weights)) => g.div_scalar(weights.sum().item()?)?,
                (Reduction::Sum | Reduction::None, _) => g.clone(),
            };
            let g = g.expand(labels.shape())?;
            let g = match weights {
                None => g,
                Some(weights) => g.mul(&g.constant(weights))?,
            };
            x.on(&g).cross_entropy_grad(&labels, &g, ignore)
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
        let axis = class_axis(self);
        let mut per_position = self.shape().to_vec();
        per_position[axis] = 1;
        let axis = axis as isize;
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

/// The axis of the classes of scores that have one: the second, or the only one.
fn class_axis<T: Float>(scores: &Var<T>) -> usize {
    1.min(scores.ndim().saturating_sub(1))
}

#[cfg(test)]
mod tests;
