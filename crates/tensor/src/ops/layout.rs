//! Where elements lie: shapes, axes, joining and repeating.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::shape::{allocate, broadcast, broadcast_strides, for_each_row, nest};
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// The tensor repeated along its axes of size 1, and along new leading
    /// axes, until it has this shape.
    ///
    /// # Errors
    /// [`Error::Shape`] if the tensor does not broadcast to it.
    pub fn expand(&self, shape: impl AsRef<[usize]>) -> Result<Self> {
        let shape = shape.as_ref();
        if self.shape() == shape {
            return Ok(self.clone());
        }
        let fits = broadcast("expand", self.shape(), shape).is_ok_and(|joint| joint == shape);
        if !fits {
            return Err(Error::shape(
                "expand",
                format!("shape {:?} does not expand to {shape:?}", self.shape()),
            ));
        }
        let mut data = allocate("expand", shape)?;
        let loops = nest(shape, [broadcast_strides(self.shape(), shape)]);
        if let Some((&(len, [step]), outer)) = loops.split_last() {
            let own = self.as_slice();
            for_each_row(outer, |[i]| match step {
                0 if len > 0 => data.extend(std::iter::repeat_n(own[i], len)),
                _ => data.extend_from_slice(&own[i..i + len]),
            });
        }
        Ok(Self::from_parts(shape, data))
    }
}
