//! What a backward pass yields: a value, with nothing to zero and nothing to
//! lock.

use std::collections::BTreeMap;

use tensor::{Error, Float, Result, Tensor};

use crate::parameter::{Parameter, ParameterId};
use crate::var::Var;

/// The gradients of one loss, by leaf and by parameter.
#[derive(Clone, Debug)]
pub struct Gradients<T: Float = f32> {
    tape: u64,
    /// Ordered by creation, so that sums over all of them have one order.
    values: BTreeMap<Owner, Tensor<T>>,
    /// Which leaf stood for which parameter.
    parameters: BTreeMap<(u64, usize), ParameterId>,
}

/// Whose gradient it is: a parameter's, or that of a leaf of a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Parameter(ParameterId),
    Leaf(u64, usize),
}

/// What a gradient can be asked for: a leaf ([`Var`]), a [`Parameter`], or a
/// [`ParameterId`].
pub trait GradientKey<T: Float>: sealed::Sealed<T> {}

mod sealed {
    use super::{Float, Gradients, Tensor};

    pub trait Sealed<T: Float> {
        fn find<'g>(&self, gradients: &'g Gradients<T>) -> Option<&'g Tensor<T>>;
    }
}

impl<T: Float> GradientKey<T> for Var<T> {}
impl<T: Float> sealed::Sealed<T> for Var<T> {
    fn find<'g>(&self, gradients: &'g Gradients<T>) -> Option<&'g Tensor<T>> {
        let leaf = (self.tape().id(), self.index()?);
        let owner = gradients
            .parameters
            .get(&leaf)
            .map_or(Owner::Leaf(leaf.0, leaf.1), |&id| Owner::Parameter(id));
        gradients.values.get(&owner)
    }
}

impl<T: Float> GradientKey<T> for Parameter<T> {}
impl<T: Float> sealed::Sealed<T> for Parameter<T> {
    fn find<'g>(&self, gradients: &'g Gradients<T>) -> Option<&'g Tensor<T>> {
        self.id().find(gradients)
    }
}

impl<T: Float> GradientKey<T> for ParameterId {}
impl<T: Float> sealed::Sealed<T> for ParameterId {
    fn find<'g>(&self, gradients: &'g Gradients<T>) -> Option<&'g Tensor<T>> {
        gradients.values.get(&Owner::Parameter(*self))
    }
}

impl<T: Float> Gradients<T> {
    pub(crate) fn new(tape: u64) -> Self {
        Self {
            tape,
            values: BTreeMap::new(),
            parameters: BTreeMap::new(),
        }
    }

    pub(crate) fn insert(&mut self, leaf: usize, parameter: Option<ParameterId>, value: Tensor<T>) {
        let owner = match parameter {
            Some(id) => {
                self.parameters.insert((self.tape, leaf), id);
                Owner::Parameter(id)
            }
            None => Owner::Leaf(self.tape, leaf),
        };
        self.values.insert(owner, value);
    }

    /// The gradient of a leaf or a parameter; `None` if the loss does not
    /// depend on it.
    pub fn get(&self, key: &impl GradientKey<T>) -> Option<&Tensor<T>> {
        key.find(self)
    }

    /// The number of leaves and parameters that have a gradient.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Adds the gradients of another backward pass: those of several
    /// micro-batches make up those of one large batch.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::{Parameter, Tape};
    ///
    /// let w = Parameter::new(Tensor::from([1.0]));
    /// let step = |x: f64| {
    ///     let tape = Tape::new();
    ///     tape.parameter(&w).mul(&tape.constant(Tensor::from([x])))?.sum()?.backward()
    /// };
    /// let mut grads = step(2.0)?;
    /// grads.accumulate(step(3.0)?)?;
    /// grads.scale(0.5);
    /// assert_eq!(grads.get(&w), Some(&Tensor::from([2.5])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if a parameter changed its shape in between; nothing was
    /// added then.
    pub fn accumulate(&mut self, other: Self) -> Result<()> {
        for (owner, gradient) in &other.values {
            match self.values.get(owner) {
                Some(sum) if sum.shape() != gradient.shape() => {
                    return Err(Error::shape(
                        "accumulate",
                        format!(
                            "a gradient of shape {:?} cannot be added to one of shape {:?}",
                            gradient.shape(),
                            sum.shape()
                        ),
                    ));
                }
                _ => {}
            }
        }
        self.parameters.extend(other.parameters);
        for (owner, gradient) in other.values {
            match self.values.get_mut(&owner) {
                Some(sum) => sum.add_assign(&gradient)?,
                None => {
                    self.values.insert(owner, gradient);
                }
            }
        }
        Ok(())
    }

    /// Multiplies every gradient by a number.
    pub fn scale(&mut self, factor: T) {
        for gradient in self.values.values_mut() {
            gradient.mul_scalar_assign(factor);
        }
    }

    /// The p-norm of all gradients taken as one vector: the norm of the norms of
    /// each, as in PyTorch. 2 is the Euclidean length, ∞ the largest absolute
    /// value. Computed in f64, in a fixed order.
    ///
    /// # Errors
    /// [`Error::Value`] if p is NaN.
    pub fn norm(&self, p: f64) -> Result<f64> {
        if p.is_nan() {
            return Err(Error::value("norm", "p must be a number, got NaN"));
        }
        let norms = self.values.values().filter(|gradient| !gradient.is_empty());
        let norms: Vec<f64> = norms.map(|g| g.norm_f64(p)).collect::<Result<_>>()?;
        Tensor::from_vec([norms.len()], norms)?.norm_f64(p)
    }

    /// Scales all gradients so that their [`norm`](Self::norm) is at most a limit,
    /// and returns the norm that they had: PyTorch's `clip_grad_norm_`, factor
    /// `min(1, limit / (norm + 1e-6))`. A number is the limit of the Euclidean
    /// norm; [`ClipNorm`] has more to say.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::{ClipNorm, Parameter, Tape};
    ///
    /// let w = Parameter::new(Tensor::from([3.0, -4.0]));
    /// let mut grads = Tape::new().parameter(&w).square()?.sum()?.backward()?;
    /// assert_eq!(grads.clip_norm(5.0)?, 10.0);
    /// assert!((grads.norm(2.0)? - 5.0).abs() < 1e-5);
    ///
    /// let largest = ClipNorm::new(1.0).norm_type(f64::INFINITY);
    /// assert!((grads.clip_norm(largest)? - 4.0).abs() < 1e-5);
    /// assert!((grads.norm(f64::INFINITY)? - 1.0).abs() < 1e-5);
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] unless the limit is a number that is not negative, if the
    /// kind of norm is NaN, and for a norm that is not finite where that is to be
    /// an error; nothing was scaled then.
    pub fn clip_norm(&mut self, clip: impl Into<ClipNorm>) -> Result<f64> {
        const OP: &str = "clip_norm";
        let clip = clip.into();
        check_limit(OP, clip.max_norm)?;
        if clip.norm_type.is_nan() {
            return Err(Error::value(OP, "the norm's p must be a number, got NaN"));
        }
        let norm = self.norm(clip.norm_type)?;
        if clip.error_if_nonfinite && !norm.is_finite() {
            let message = format!("the norm of the gradients is {norm}, which cannot be clipped");
            return Err(Error::value(OP, message));
        }
        let factor = clip.max_norm / (norm + 1e-6);
        // A norm of NaN must not pass for a small one.
        if factor < 1.0 || factor.is_nan() {
            self.scale(T::of(factor));
        }
        Ok(norm)
    }

    /// Clamps every component to `[-limit, limit]`: PyTorch's
    /// `clip_grad_value_`.
    ///
    /// # Errors
    /// [`Error::Value`] unless `limit` is a number that is not negative.
    pub fn clip_value(&mut self, limit: f64) -> Result<()> {
        check_limit("clip_value", limit)?;
        let limit = T::of(limit);
        for gradient in self.values.values_mut() {
            gradient.clamp_assign(-limit, limit);
        }
        Ok(())
    }
}

/// How gradients are [clipped](Gradients::clip_norm) by their norm.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct ClipNorm {
    max_norm: f64,
    norm_type: f64,
    error_if_nonfinite: bool,
}

impl ClipNorm {
    /// By the Euclidean norm, to this limit.
    pub fn new(max_norm: f64) -> Self {
        Self {
            max_norm,
            norm_type: 2.0,
            error_if_nonfinite: false,
        }
    }

    /// By the norm with this p, infinity included.
    pub fn norm_type(mut self, p: f64) -> Self {
        self.norm_type = p;
        self
    }

    /// Whether a norm of NaN or infinity is an error. If it is none, all gradients
    /// become NaN by the one, and 0 or NaN by the other.
    pub fn error_if_nonfinite(mut self, error: bool) -> Self {
        self.error_if_nonfinite = error;
        self
    }
}

impl From<f64> for ClipNorm {
    fn from(max_norm: f64) -> Self {
        Self::new(max_norm)
    }
}

fn check_limit(op: &'static str, limit: f64) -> Result<()> {
    if limit >= 0.0 {
        return Ok(());
    }
    Err(Error::value(
        op,
        format!("the limit must not be negative, got {limit}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    /// Two parameters with the gradients [3, −4] and [12].
    fn gradients() -> (Parameter<f64>, Parameter<f64>, Gradients<f64>) {
        let (a, b) = (
            Parameter::new(Tensor::from([0.0, 0.0])),
            Parameter::new(Tensor::from([0.0])),
        );
        let tape = Tape::new();
        let slope = tape.constant(Tensor::from([3.0, -4.0]));
        let first = tape.parameter(&a).mul(&slope).unwrap().sum().unwrap();
        let second = tape.parameter(&b).mul_scalar(12.0).unwrap().sum().unwrap();
        let grads = first.add(&second).unwrap().backward().unwrap();
        (a, b, grads)
    }

    #[test]
    fn norms_are_those_of_one_vector() {
        let (.., grads) = gradients();
        for (p, want) in [(1.0, 19.0), (2.0, 13.0), (f64::INFINITY, 12.0)] {
            assert!((grads.norm(p).unwrap() - want).abs() < 1e-12);
        }
        let cubes: f64 = 27.0 + 64.0 + 1728.0;
        assert!((grads.norm(3.0).unwrap() - cubes.cbrt()).abs() < 1e-12);
        assert!(grads.norm(f64::NAN).is_err());
        assert_eq!(Gradients::<f64>::new(0).norm(2.0).unwrap(), 0.0);
    }

    #[test]
    fn clipping_of_torch() {
        // a, b = [torch.zeros(n, dtype=torch.float64, requires_grad=True) for n in (2, 1)]
        // a.grad, b.grad = torch.tensor([3., -4.]).double(), torch.tensor([12.]).double()
        // print(clip_grad_norm_([a, b], 2.0, p), a.grad, b.grad)
        for (p, a_grad, b_grad) in [
            (
                1.0,
                [0.315_789_457_063_712_75, -0.421_052_609_418_283_7],
                1.263_157_828_254_851,
            ),
            (
                2.0,
                [0.461_538_426_035_505_77, -0.615_384_568_047_341],
                1.846_153_704_142_023,
            ),
            (
                f64::INFINITY,
                [0.499_999_958_333_336_9, -0.666_666_611_111_115_8],
                1.999_999_833_333_347_5,
            ),
        ] {
            let (a, b, mut grads) = gradients();
            let norm = grads.norm(p).unwrap();
            let clip = ClipNorm::new(2.0).norm_type(p);
            assert_eq!(grads.clip_norm(clip).unwrap(), norm);
            let (got_a, got_b) = (grads.get(&a).unwrap(), grads.get(&b).unwrap());
            assert!(
                got_a.all_close(&Tensor::from(a_grad), 1e-14, 0.0),
                "{p}: {got_a:?}"
            );
            assert!(
                got_b.all_close(&Tensor::from([b_grad]), 1e-14, 0.0),
                "{p}: {got_b:?}"
            );
        }
    }

    #[test]
    fn small_gradients_are_left_alone() {
        let (a, _, mut grads) = gradients();
        assert_eq!(grads.clip_norm(f64::INFINITY).unwrap(), 13.0);
        assert_eq!(grads.clip_norm(14.0).unwrap(), 13.0);
        assert_eq!(grads.get(&a), Some(&Tensor::from([3.0, -4.0])));
        grads.clip_value(3.5).unwrap();
        assert_eq!(grads.get(&a), Some(&Tensor::from([3.0, -3.5])));
    }

    #[test]
    fn norms_that_are_not_finite() {
        let strict = ClipNorm::new(1.0).error_if_nonfinite(true);
        let (a, b, mut grads) = gradients();
        grads.scale(f64::NAN);
        let before = grads.clone();
        assert!(grads.clip_norm(strict).is_err());
        assert!(
            grads
                .clip_norm(ClipNorm::new(1.0).norm_type(f64::NAN))
                .is_err()
        );
        assert!(before.get(&b).unwrap().item().unwrap().is_nan());
        assert!(grads.clip_norm(1.0).unwrap().is_nan());
        assert!(grads.get(&a).unwrap().iter().all(|g| g.is_nan()));

        let (a, _, mut grads) = gradients();
        grads.scale(f64::MAX);
        assert!(grads.clip_norm(strict).is_err());
        assert_eq!(grads.clip_norm(1.0).unwrap(), f64::INFINITY);
        // 0 · ∞ is NaN, as in PyTorch.
        assert!(grads.get(&a).unwrap().iter().all(|g| g.is_nan()));
    }
}
