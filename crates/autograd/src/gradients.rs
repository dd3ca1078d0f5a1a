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
            gradient.map_in_place(|g| g * factor);
        }
    }

    /// The Euclidean norm of all gradients taken as one vector. Summed in f64
    /// in a fixed order.
    #[must_use]
    pub fn norm(&self) -> f64 {
        let squares = self.values.values().map(|gradient| {
            gradient
                .iter()
                .map(|g| g.as_f64() * g.as_f64())
                .sum::<f64>()
        });
        squares.sum::<f64>().sqrt()
    }

    /// Scales all gradients so that their [`norm`](Self::norm) is at most
    /// `max_norm`, and returns the norm that they had: PyTorch's
    /// `clip_grad_norm_`, factor `min(1, max_norm / (norm + 1e-6))`.
    ///
    /// # Errors
    /// [`Error::Value`] unless `max_norm` is a number that is not negative.
    pub fn clip_norm(&mut self, max_norm: f64) -> Result<f64> {
        check_limit("clip_norm", max_norm)?;
        let norm = self.norm();
        let factor = max_norm / (norm + 1e-6);
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
            gradient.map_in_place(|g| {
                if g > limit {
                    limit
                } else if g < -limit {
                    -limit
                } else {
                    g
                }
            });
        }
        Ok(())
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
