//! Elements chosen by index tensors, and sums written through them.
//!
//! Two closed pairs: `index_select` and `index_add`, `gather` and
//! `scatter_add`. Each is the other's adjoint, so an element that was read
//! twice gets both gradients. Indices are constants.
//!
//! | | gradient of the variable | gradient of the source |
//! |---|---|---|
//! | `index_select(index)` | zeros, `index_add`ed g | |
//! | `gather(index)` | zeros, `scatter_add`ed g | |
//! | `index_add(index, source)` | g | `index_select` of g |
//! | `scatter_add(index, source)` | g | `gather` of g, zeros where `source` was not used |
//!
//! **Cost.** One pass each way, and zeros of the size of the variable. The
//! index tensor is saved (shared, not copied).

use tensor::shape::wrap_axis;
use tensor::{Float, Result, Slice, Tensor};

use crate::ops::layout::{in_plane, moving};
use crate::record::{OpInfo, pull};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The positions of an axis that `index` lists, in that order, with
    /// repeats.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([1.0, 2.0, 3.0]));
    /// let y = x.index_select(0, &Tensor::from([2, 0, 2]))?;
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([1.0, 0.0, 2.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::index_select`] and [`Var::record`].
    pub fn index_select(&self, axis: isize, index: &Tensor<i64>) -> Result<Self> {
        let value = self.value().index_select(axis, index)?;
        let (own, index) = (self.shape().to_vec(), index.clone());
        let rule = move |g: &Self| {
            let zeros = g.constant(Tensor::zeros(&own)?);
            zeros.index_add(axis, &index, g)
        };
        Self::record(
            self.along("index_select", axis)?,
            value,
            [(self, pull(rule))],
        )
    }

    /// At every place of `index`, the element whose position along the axis is
    /// the index there: `out[i][j] = self[i][index[i][j]]` for axis 1.
    ///
    /// # Errors
    /// As [`Tensor::gather`] and [`Var::record`].
    pub fn gather(&self, axis: isize, index: &Tensor<i64>) -> Result<Self> {
        let value = self.value().gather(axis, index)?;
        let (own, index) = (self.shape().to_vec(), index.clone());
        let rule = move |g: &Self| {
            let zeros = g.constant(Tensor::zeros(&own)?);
            zeros.scatter_add(axis, &index, g)
        };
        Self::record(self.along("gather", axis)?, value, [(self, pull(rule))])
    }

    /// The variable with `source[k]` added at position `index[k]` of an axis,
    /// for every `k`.
    ///
    /// # Errors
    /// As [`Tensor::index_add`] and [`Var::record`].
    pub fn index_add(&self, axis: isize, index: &Tensor<i64>, source: &Self) -> Result<Self> {
        let value = self.value().index_add(axis, index, source.value())?;
        let (index, own) = (index.clone(), source.shape().to_vec());
        Self::record(
            self.along("index_add", axis)?,
            value,
            [
                (self, pull(|g| Ok(g.clone()))),
                // (Of a number the source may be a number too, or a list of one.)
                (
                    source,
                    pull(move |g| g.index_select(axis, &index)?.reshape_to(&own)),
                ),
            ],
        )
    }

    /// The variable with `source` added through `index`:
    /// `out[i][index[i][j]] += source[i][j]` for axis 1.
    ///
    /// # Errors
    /// As [`Tensor::scatter_add`] and [`Var::record`].
    pub fn scatter_add(&self, axis: isize, index: &Tensor<i64>, source: &Self) -> Result<Self> {
        let value = self.value().scatter_add(axis, index, source.value())?;
        // A number is a line of one.
        let index = index.reshape_to(line(index.shape()))?;
        let own = source.shape().to_vec();
        let rule = move |g: &Self| {
            let used = g.gather(axis, &index)?;
            if line(&own) == index.shape() {
                return used.reshape_to(&own);
            }
            let place = index.shape().iter().map(|&n| Slice::from(..n as isize));
            used.unslice(&own, place.collect::<Vec<_>>())
        };
        Self::record(
            self.along("scatter_add", axis)?,
            value,
            [(self, pull(|g| Ok(g.clone()))), (source, pull(rule))],
        )
    }

    fn along(&self, op: &'static str, axis: isize) -> Result<OpInfo> {
        let at = wrap_axis(op, axis, self.ndim())?;
        Ok(moving(op, in_plane(at, self.ndim())))
    }
}

/// The shape as that of a line if it is that of a number.
fn line(shape: &[usize]) -> &[usize] {
    if shape.is_empty() { &[1] } else { shape }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{check_linear, check_squared, gradient, random};
    use crate::tape::Tape;

    #[test]
    fn all_are_linear_and_adjoint_to_their_rules() {
        let x = &random(&[3, 4]);
        let rows = Tensor::from([2, 0, 2, 2]);
        check_linear(x, |x| x.index_select(0, &rows));
        check_linear(x, |x| x.index_select(-1, &Tensor::from([3])));
        let places = Tensor::from([[3, 3, 0, 1, 3], [2, 2, 2, 2, 0]]);
        check_linear(x, |x| x.gather(1, &places));
        check_linear(&random(&[2, 5]), |x| {
            x.constant(Tensor::zeros([3, 4])?)
                .scatter_add(1, &places, x)
        });
        check_linear(&random(&[4, 4]), |x| {
            x.constant(Tensor::zeros([3, 4])?).index_add(0, &rows, x)
        });
        let none = Tensor::zeros([0]).unwrap();
        check_linear(x, |x| x.index_select(0, &none));
    }

    #[test]
    fn numbers_are_lines_of_one() {
        let (number, line) = (&random(&[]), &random(&[3]));
        let (first, twice) = (Tensor::scalar(0), Tensor::from([0, 0]));
        check_linear(number, |x| x.index_select(0, &first));
        check_linear(line, |x| x.index_select(0, &first));
        check_linear(number, |x| x.gather(0, &twice));
        check_linear(line, |x| x.gather(0, &first));
        let add = |index: Tensor<i64>| move |x: &[Var<f64>]| x[0].scatter_add(0, &index, &x[1]);
        check_squared(add(first.clone()), &[random(&[]), random(&[])]);
        check_squared(add(first), &[random(&[2]), random(&[3])]);
        check_squared(add(twice), &[random(&[]), random(&[2])]);
        check_squared(add(Tensor::from([0])), &[random(&[2]), random(&[])]);
    }

    #[test]
    fn both_inputs_of_the_adding_halves() {
        let add = |x: &[Var<f64>]| x[0].index_add(1, &Tensor::from([0, 0, 1]), &x[1]);
        check_squared(add, &[random(&[2, 2]), random(&[2, 3])]);
        // A source that is larger than the index.
        let places = Tensor::from([[1, 1], [1, 0]]);
        let scatter = |x: &[Var<f64>]| x[0].scatter_add(0, &places, &x[1]);
        check_squared(scatter, &[random(&[2, 3]), random(&[3, 4])]);
    }

    #[test]
    fn repeats_accumulate_as_in_pytorch() {
        // x = torch.arange(6.).reshape(2, 3).requires_grad_()
        // y = x.index_select(1, torch.tensor([2, 2, 0]))
        // z = y.gather(0, torch.tensor([[0, 1, 1], [0, 0, 1]]))
        // (z * torch.arange(1., 7.).reshape(2, 3)).sum().backward(); x.grad
        let x = Tensor::<f64>::arange(0.0, 6.0, 1.0).unwrap();
        let x = x.reshape([2, 3]).unwrap();
        let weights = Tensor::arange(1.0, 7.0, 1.0).unwrap();
        let weights = weights.reshape([2, 3]).unwrap();
        let grad = gradient(&x, &weights, |x| {
            x.index_select(1, &Tensor::from([2, 2, 0]))?
                .gather(0, &Tensor::from([[0, 1, 1], [0, 0, 1]]))
        });
        assert_eq!(grad, Tensor::from([[0.0, 0.0, 10.0], [9.0, 0.0, 2.0]]));
    }

    #[test]
    fn bad_indices_are_errors() {
        let x = Tape::new().leaf(random(&[2, 3]));
        assert!(x.index_select(0, &Tensor::from([2])).is_err());
        assert!(x.gather(1, &Tensor::from([[-1]])).is_err());
        assert!(x.gather(2, &Tensor::from([[0]])).is_err());
        assert!(x.index_add(0, &Tensor::from([0]), &x).is_err());
        assert!(x.scatter_add(0, &Tensor::from([[0, 0, 0, 0]]), &x).is_err());
    }
}
