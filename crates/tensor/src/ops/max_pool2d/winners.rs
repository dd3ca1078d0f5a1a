//! Where the maxima were: what a tape keeps of a max pooling.
//!
//! The place of a winner in its window is a byte if the window has at most 256
//! elements: an eighth of an index, and enough to find it again.

use super::by_lines_with_indices;
use super::loops::for_each_place;
use crate::element::Float;
use crate::error::{Error, Result};
use crate::loops::CHECKED;
use crate::ops::pool2d::{MaxPool2dOptions, Pool2dGeometry};
use crate::storage::Storage;
use crate::tensor::Tensor;

/// The winners of a max pooling, from [`Tensor::max_pool2d_with_winners`].
/// Clones share them.
#[derive(Clone, Debug)]
pub struct MaxPool2dWinners {
    geometry: Pool2dGeometry,
    places: Places,
}

#[derive(Clone, Debug)]
enum Places {
    /// In the window, in row-major order.
    Window(Storage<u8>),
    /// In the plane, for windows that a byte is too small for.
    Plane(Tensor<i64>),
}

impl<T: Float> Tensor<T> {
    /// As [`max_pool2d`](Self::max_pool2d), and the winners, as a gradient
    /// needs them.
    ///
    /// # Errors
    /// As [`max_pool2d`](Self::max_pool2d).
    #[doc(hidden)]
    pub fn max_pool2d_with_winners(
        &self,
        options: &MaxPool2dOptions,
    ) -> Result<(Self, MaxPool2dWinners)> {
        const OP: &str = "max_pool2d";
        let geometry = options.geometry(self.shape())?;
        let shape = geometry.output_shape();
        let mut output = Self::arbitrary(OP, &shape)?;
        let refused = |_| Error::TooLarge {
            op: OP,
            shape: shape.clone(),
            element: "u8",
        };
        let mut bytes = Storage::arbitrary(output.len()).map_err(refused)?;
        let (x, y) = (self.as_slice(), output.as_mut_slice());
        let at = bytes.as_mut_slice().unwrap_or_default();
        let places = if T::max_pool2d_forward(CHECKED, &geometry, x, y, at) {
            Places::Window(bytes)
        } else {
            let mut indices = Tensor::arbitrary(OP, &shape)?;
            by_lines_with_indices(&geometry, x, y, indices.as_mut_slice());
            Places::Plane(indices)
        };
        Ok((output, MaxPool2dWinners { geometry, places }))
    }
}

impl MaxPool2dWinners {
    /// The index of each winner in its plane.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn indices(&self) -> Result<Tensor<i64>> {
        let at = match &self.places {
            Places::Plane(indices) => return Ok(indices.clone()),
            Places::Window(at) => at,
        };
        let mut indices = Tensor::arbitrary("max_pool2d", &self.geometry.output_shape())?;
        let [_, out_plane] = self.geometry.planes();
        let planes = indices.as_mut_slice().chunks_exact_mut(out_plane);
        for (indices, at) in planes.zip(at.as_slice().chunks_exact(out_plane)) {
            for_each_place(&self.geometry, at, |o, index| indices[o] = index as i64);
        }
        Ok(indices)
    }

    /// [`Tensor::max_pool2d_scatter`] to these winners.
    ///
    /// # Errors
    /// [`Error::Shape`] if `grad` has another shape than the maxima.
    pub fn scatter<T: Float>(&self, grad: &Tensor<T>) -> Result<Tensor<T>> {
        const OP: &str = "max_pool2d_scatter";
        let at = match &self.places {
            Places::Plane(indices) => {
                return grad.max_pool2d_scatter(indices, self.geometry.input_shape());
            }
            Places::Window(at) => at,
        };
        expect(OP, "gradient", grad.shape(), &self.geometry.output_shape())?;
        let mut output = Tensor::arbitrary(OP, &self.geometry.input_shape())?;
        T::max_pool2d_scatter_at(
            CHECKED,
            &self.geometry,
            grad.as_slice(),
            at.as_slice(),
            output.as_mut_slice(),
        );
        Ok(output)
    }

    /// [`Tensor::max_pool2d_gather`] from these winners.
    ///
    /// # Errors
    /// [`Error::Shape`] if `x` has another shape than what was pooled.
    pub fn gather<T: Float>(&self, x: &Tensor<T>) -> Result<Tensor<T>> {
        const OP: &str = "max_pool2d_gather";
        let at = match &self.places {
            Places::Plane(indices) => return x.max_pool2d_gather(indices),
            Places::Window(at) => at,
        };
        expect(OP, "input", x.shape(), &self.geometry.input_shape())?;
        let mut output = Tensor::arbitrary(OP, &self.geometry.output_shape())?;
        T::max_pool2d_gather_at(
            CHECKED,
            &self.geometry,
            x.as_slice(),
            at.as_slice(),
            output.as_mut_slice(),
        );
        Ok(output)
    }
}

fn expect(op: &'static str, what: &str, got: &[usize], expected: &[usize]) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!("the {what} must have the shape {expected:?} of the pooling, got {got:?}"),
    ))
}
