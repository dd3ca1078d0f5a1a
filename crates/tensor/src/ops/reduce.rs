//! Reductions: many elements into one.

use crate::element::Number;
use crate::error::{Error, Result};
use crate::shape::{broadcast, broadcast_strides, for_each_row, nest};
use crate::tensor::Tensor;

impl<T: Number> Tensor<T> {
    /// The sum of all elements, as a tensor without axes; 0 for none.
    #[must_use]
    pub fn sum(&self) -> Self {
        Self::scalar(self.iter().fold(T::ZERO, |sum, &x| sum.plus(x)))
    }

    /// The sum over every axis along which `shape` would have to be repeated to
    /// reach this tensor's shape: the adjoint of [`expand`](Self::expand).
    ///
    /// # Errors
    /// [`Error::Shape`] if `shape` does not broadcast to this tensor's shape.
    pub fn sum_to(&self, shape: impl AsRef<[usize]>) -> Result<Self> {
        let shape = shape.as_ref();
        if self.shape() == shape {
            return Ok(self.clone());
        }
        let fits =
            broadcast("sum_to", self.shape(), shape).is_ok_and(|joint| joint == self.shape());
        if !fits {
            return Err(Error::shape(
                "sum_to",
                format!("shape {shape:?} does not broadcast to {:?}", self.shape()),
            ));
        }
        let mut sums = Self::zeros(shape)?;
        let out = sums.as_mut_slice();
        let loops = nest(
            self.shape(),
            [
                broadcast_strides(shape, self.shape()),
                crate::shape::strides(self.shape()),
            ],
        );
        if let Some((&(len, [step, _]), outer)) = loops.split_last() {
            let own = self.as_slice();
            for_each_row(outer, |[o, i]| {
                let row = &own[i..i + len];
                if step == 0 && len > 0 {
                    out[o] = row.iter().fold(out[o], |sum, &x| sum.plus(x));
                } else {
                    out[o..o + len]
                        .iter_mut()
                        .zip(row)
                        .for_each(|(sum, &x)| *sum = sum.plus(x));
                }
            });
        }
        Ok(sums)
    }
}
