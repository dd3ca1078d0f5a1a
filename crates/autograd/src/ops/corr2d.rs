//! Plain two-dimensional cross-correlation and convolution.
//!
//! y = x ⋆ k is the convolution of one image with one channel, and its
//! gradients are those of that: of x, `conv2d_input(g, k)`, of k,
//! `conv2d_weight(x, g)`, with the axes that are missing put in and taken out
//! again. For `convolve2d` the kernel is flipped on its way in, and its gradient
//! on its way out.

use tensor::{Conv2dGeometry, Conv2dOptions, Float, Result, Tensor};

use crate::record::{OpInfo, pull};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The cross-correlation of an image with a kernel, both of two axes:
    /// [`Tensor::corr2d`].
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.constant(Tensor::from([[1.0, 2.0, 4.0]]));
    /// let k = tape.leaf(Tensor::from([[1.0, -1.0]]));
    /// let y = x.corr2d(&k)?;
    /// assert_eq!(y.value(), &Tensor::from([[-1.0, -2.0]]));
    /// assert_eq!(y.sum()?.backward()?.get(&k), Some(&Tensor::from([[3.0, 6.0]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::corr2d`] and [`Var::record`].
    pub fn corr2d(&self, kernel: &Self) -> Result<Self> {
        let value = self.value().corr2d(kernel.value())?;
        correlate("corr2d", value, self, kernel, |kernel| Ok(kernel.clone()))
    }

    /// The convolution of an image with a kernel, both of two axes:
    /// [`Tensor::convolve2d`].
    ///
    /// # Errors
    /// As [`Tensor::convolve2d`] and [`Var::record`].
    pub fn convolve2d(&self, kernel: &Self) -> Result<Self> {
        let value = self.value().convolve2d(kernel.value())?;
        correlate("convolve2d", value, self, kernel, |kernel| {
            kernel.flip([0, 1])
        })
    }
}

/// Records the cross-correlation of `x` with `turn(kernel)`, for a `turn` that
/// is its own adjoint.
fn correlate<T: Float>(
    name: &'static str,
    value: Tensor<T>,
    x: &Var<T>,
    kernel: &Var<T>,
    turn: fn(&Var<T>) -> Result<Var<T>>,
) -> Result<Var<T>> {
    let options = Conv2dOptions::default();
    let (image, weight) = (
        [&[1], x.shape()].concat(),
        [&[1, 1], kernel.shape()].concat(),
    );
    let geometry = Conv2dGeometry::new(&image, &weight, &options)?;
    let op = OpInfo::from(name)
        .with_window(geometry.window)
        .with_multiply_adds(geometry.multiply_adds());
    let (saved_x, saved_kernel) = (x.save(), kernel.save());
    let of_x = {
        let (image, weight) = (image.clone(), weight.clone());
        pull(move |g: &Var<T>| {
            let kernel = turn(&saved_kernel.on(g))?.reshape_to(&weight)?;
            let gradient = g.unsqueeze(0)?.conv2d_input(&kernel, &image, &options)?;
            gradient.reshape_to(&image[1..])
        })
    };
    let of_kernel = pull(move |g: &Var<T>| {
        let x = saved_x.on(g).reshape_to(&image)?;
        let gradient = x.conv2d_weight(&g.unsqueeze(0)?, &weight, &options)?;
        turn(&gradient.reshape_to(&weight[2..])?)
    });
    Var::record(op, value, [(x, of_x), (kernel, of_kernel)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{check_squared, random};
    use crate::{Tape, grad};

    #[test]
    fn gradients_are_right_to_second_order() {
        for (image, kernel) in [([4, 5], [2, 3]), ([3, 4], [1, 2]), ([2, 2], [2, 2])] {
            let inputs = [random(&image), random(&kernel)];
            check_squared(|v| v[0].corr2d(&v[1]), &inputs);
            check_squared(|v| v[0].convolve2d(&v[1]), &inputs);
        }
    }

    /// d²/dk² Σ (x ⋆ k)² = 2 Σ x² = 60, at any k.
    #[test]
    fn second_derivative_with_respect_to_a_kernel_of_one_tap() {
        let tape = Tape::new();
        let x = tape.constant(Tensor::<f32>::from([[1.0, 2.0], [3.0, 4.0]]));
        let k = tape.leaf(Tensor::from([[0.7]]));
        let y = x.corr2d(&k).unwrap();
        let loss = y.mul(&y).unwrap().sum().unwrap();
        let first = grad(&loss, &[&k]).unwrap().remove(0).sum().unwrap();
        let second = grad(&first, &[&k]).unwrap().remove(0);
        assert_eq!(second.value(), &Tensor::from([[60.0]]));
    }

    #[test]
    fn refusals_are_those_of_the_tensor() {
        let x = Tape::new().leaf(random(&[3, 3]));
        let vector = x.constant(random(&[3]));
        let message = x.convolve2d(&vector).unwrap_err().to_string();
        assert!(message.starts_with("convolve2d: the image and the kernel must have two axes"));
        assert!(vector.corr2d(&x).is_err());
    }
}
