//! Plain two-dimensional cross-correlation and convolution.
//!
//! ```text
//! corr2d:     y[p, q] = Σ_{i, j} k[i, j] · x[p + i, q + j]
//! convolve2d: y[p, q] = Σ_{i, j} k[i, j] · x[p + kh − 1 − i, q + kw − 1 − j]
//! ```
//!
//! One image, one kernel, no channels: what a textbook writes down first. The
//! two differ by a flip of the kernel along both axes. What deep learning calls
//! convolution is the first one, with channels added, and that is what computes
//! both here.

use crate::element::Float;
use crate::error::{Error, Result};
use crate::ops::conv2d::Conv2dOptions;
use crate::tensor::Tensor;

impl<T: Float> Tensor<T> {
    /// The cross-correlation of an image with a kernel, both of two axes,
    /// wherever the kernel lies wholly inside the image.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::<f32>::from([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]);
    /// let k = Tensor::from([[0.0, 1.0], [2.0, 3.0]]);
    /// assert_eq!(x.corr2d(&k)?, Tensor::from([[19.0, 25.0], [37.0, 43.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] unless both have two axes and the kernel has at least
    /// one element and fits into the image.
    pub fn corr2d(&self, kernel: &Self) -> Result<Self> {
        correlate("corr2d", self, kernel)
    }

    /// The convolution of an image with a kernel, both of two axes, wherever
    /// the kernel lies wholly inside the image: [`corr2d`](Self::corr2d) with
    /// the kernel flipped along both axes.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::<f32>::from([[1.0, 2.0, 4.0]]);
    /// let k = Tensor::from([[1.0, 10.0]]);
    /// assert_eq!(x.convolve2d(&k)?, Tensor::from([[12.0, 24.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`corr2d`](Self::corr2d).
    pub fn convolve2d(&self, kernel: &Self) -> Result<Self> {
        // Both axes of a matrix reversed are its elements reversed.
        let flipped: Vec<_> = kernel.iter().rev().copied().collect();
        let flipped = Self::from_parts(kernel.shape(), flipped);
        correlate("convolve2d", self, &flipped)
    }
}

fn correlate<T: Float>(op: &'static str, x: &Tensor<T>, kernel: &Tensor<T>) -> Result<Tensor<T>> {
    match (x.shape(), kernel.shape()) {
        (&[height, width], &[rows, columns])
            if (1..=height).contains(&rows) && (1..=width).contains(&columns) =>
        {
            let image = x.with_shape(&[1, height, width]);
            let weight = kernel.with_shape(&[1, 1, rows, columns]);
            let y = image.conv2d(&weight, None, &Conv2dOptions::default())?;
            Ok(y.with_shape(&[height - rows + 1, width - columns + 1]))
        }
        (image, kernel) => {
            let why = if image.len() == 2 && kernel.len() == 2 {
                "the kernel does not fit into the image"
            } else {
                "the image and the kernel must have two axes"
            };
            Err(Error::shape(
                op,
                format!("{why} (image {image:?}, kernel {kernel:?})"),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    fn draw(shape: [usize; 2], seed: u64) -> Tensor<f64> {
        Tensor::randn(shape, &mut Generator::new(seed)).unwrap()
    }

    #[test]
    fn both_agree_with_their_definitions() {
        for (shape, kernel) in [([6, 8], [1, 2]), ([5, 4], [3, 4]), ([1, 1], [1, 1])] {
            let (x, k) = (draw(shape, 1), draw(kernel, 2));
            let (y, z) = (x.corr2d(&k).unwrap(), x.convolve2d(&k).unwrap());
            let by_definition = |flip: bool| {
                Tensor::from_fn(y.shape(), |at| {
                    let mut sum = 0.0;
                    for i in 0..kernel[0] {
                        for j in 0..kernel[1] {
                            let (r, c) = if flip {
                                (kernel[0] - 1 - i, kernel[1] - 1 - j)
                            } else {
                                (i, j)
                            };
                            sum += k.get([i, j]).unwrap() * x.get([at[0] + r, at[1] + c]).unwrap();
                        }
                    }
                    sum
                })
                .unwrap()
            };
            assert!(y.all_close(&by_definition(false), 1e-12, 1e-12));
            assert!(z.all_close(&by_definition(true), 1e-12, 1e-12));
        }
    }

    #[test]
    fn a_vertical_edge_is_found() {
        let x = Tensor::<f32>::from_fn([6, 8], |i| f32::from(u8::from(!(2..6).contains(&i[1]))))
            .unwrap();
        let y = x.corr2d(&Tensor::from([[1.0, -1.0]])).unwrap();
        assert_eq!(y, Tensor::from([[0.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0]; 6]));
    }

    #[test]
    fn refusals_name_the_shapes() {
        let x = draw([3, 4], 1);
        let error = x.corr2d(&draw([4, 1], 2)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "corr2d: the kernel does not fit into the image (image [3, 4], kernel [4, 1])"
        );
        assert!(x.convolve2d(&draw([0, 1], 2)).is_err());
        assert!(x.corr2d(&Tensor::from([1.0])).is_err());
        assert!(Tensor::from([[[1.0]]]).convolve2d(&x).is_err());
    }
}
