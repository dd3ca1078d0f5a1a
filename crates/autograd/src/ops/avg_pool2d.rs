//! Average pooling: the gradient is spread over the window.
//!
//! | | value | gradient of the input |
//! |---|---|---|
//! | `avg_pool2d(x)` | the means | `avg_pool2d_input(g)` |
//! | `avg_pool2d_input(g)` | g spread over the windows | `avg_pool2d(v)` |

use tensor::{AvgPool2dOptions, Float, Result};

use crate::record::{OpInfo, pull};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The mean of every window of the planes of `[N, C, H, W]` or `[C, H, W]`:
    /// [`Tensor::avg_pool2d`](tensor::Tensor::avg_pool2d).
    ///
    /// ```
    /// use tensor::{AvgPool2dOptions, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from([[[1.0, 3.0, 5.0]]]));
    /// let y = x.avg_pool2d(&AvgPool2dOptions::new((1, 2)).stride(1))?;
    /// assert_eq!(y.value(), &Tensor::from([[[2.0, 4.0]]]));
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([[[0.5, 1.0, 0.5]]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::avg_pool2d`](tensor::Tensor::avg_pool2d) and
    /// [`Var::record`].
    pub fn avg_pool2d(&self, options: &AvgPool2dOptions) -> Result<Self> {
        let value = self.value().avg_pool2d(options)?;
        let op = OpInfo::from("avg_pool2d").with_window(options.geometry(self.shape())?.window);
        let (shape, options) = (self.shape().to_vec(), *options);
        let rule = pull(move |g| g.avg_pool2d_input(&shape, &options));
        Self::record(op, value, [(self, rule)])
    }

    /// The gradient of an average pooling with respect to its input of
    /// `input_shape`, for `self` the gradient of its output:
    /// [`Tensor::avg_pool2d_input`](tensor::Tensor::avg_pool2d_input).
    ///
    /// # Errors
    /// As [`Tensor::avg_pool2d_input`](tensor::Tensor::avg_pool2d_input) and
    /// [`Var::record`].
    pub fn avg_pool2d_input(
        &self,
        input_shape: impl AsRef<[usize]>,
        options: &AvgPool2dOptions,
    ) -> Result<Self> {
        let value = self.value().avg_pool2d_input(input_shape, options)?;
        let options = *options;
        let rule = pull(move |v| v.avg_pool2d(&options));
        Self::record("avg_pool2d_input", value, [(self, rule)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;
    use crate::ops::testing::{check_linear, random};
    use tensor::Tensor;

    #[test]
    fn gradients_are_right_to_second_order() {
        let pool = AvgPool2dOptions::new(2);
        let padded = AvgPool2dOptions::new(3).stride(2).padding(1);
        for (shape, options) in [
            (&[2, 2, 4, 4][..], pool),
            (&[1, 5, 5], pool),
            (&[1, 4, 4], AvgPool2dOptions::new(3).stride(1)),
            (&[1, 1, 6, 5], padded),
            (&[1, 1, 6, 5], padded.count_include_pad(false)),
            (&[1, 6, 6], padded.ceil_mode(true)),
            (&[1, 6, 6], padded.ceil_mode(true).divisor_override(-3)),
        ] {
            let output = options.geometry(shape).unwrap().output_shape();
            check_linear(&random(shape), |x| x.avg_pool2d(&options));
            check_linear(&random(&output), |y| y.avg_pool2d_input(shape, &options));
        }
    }

    /// x = torch.ones(1, 6, 6, dtype=torch.float64, requires_grad=True)
    /// F.avg_pool2d(x, 3, 2, 1, ceil_mode=True).sum().backward()
    /// x.grad * 36
    #[test]
    fn each_window_spreads_by_its_own_divisor_as_pytorch() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::<f64>::ones([1, 6, 6]).unwrap());
        let options = AvgPool2dOptions::new(3)
            .stride(2)
            .padding(1)
            .ceil_mode(true);
        let loss = x.avg_pool2d(&options).unwrap().sum().unwrap();
        let grads = loss.backward().unwrap();
        let gradient = grads.get(&x).unwrap().mul_scalar(36.0);
        let (thin, thick) = (
            [4.0, 8.0, 4.0, 8.0, 4.0, 10.0],
            [8.0, 16.0, 8.0, 16.0, 8.0, 20.0],
        );
        let last = [10.0, 20.0, 10.0, 20.0, 10.0, 25.0];
        let expected = Tensor::from([[thin, thick, thin, thick, thin, last]]);
        assert!(gradient.all_close(&expected, 1e-12, 0.0));
    }

    /// x = torch.ones(1, 5, 5, requires_grad=True)
    /// F.avg_pool2d(x, 2).sum().backward()
    #[test]
    fn the_last_row_and_column_are_dropped_as_pytorch() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::<f32>::ones([1, 5, 5]).unwrap());
        let loss = x
            .avg_pool2d(&AvgPool2dOptions::new(2))
            .unwrap()
            .sum()
            .unwrap();
        let row = [0.25, 0.25, 0.25, 0.25, 0.0];
        let expected = Tensor::from([[row, row, row, row, [0.0; 5]]]);
        assert_eq!(loss.backward().unwrap().get(&x), Some(&expected));
    }
}
