//! Pooling to a given size. The gradient of a mean is spread over its window,
//! that of a maximum goes to the winner.
//!
//! | | value | gradient of the input |
//! |---|---|---|
//! | `adaptive_avg_pool2d(x)` | the means | `adaptive_avg_pool2d_input(g)` |
//! | `adaptive_avg_pool2d_input(g)` | g spread over the windows | `adaptive_avg_pool2d(v)` |
//! | `adaptive_max_pool2d(x)` | the maxima, at `indices` | `max_pool2d_scatter(g, indices)` |
//!
//! For the third row's rules see `max_pool2d.rs`.

use tensor::{AdaptiveSize, Float, Result, Tensor, adaptive_window};

use crate::record::{OpInfo, pull};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The mean of each of so many windows of the planes of `[N, C, H, W]` or
    /// `[C, H, W]`:
    /// [`Tensor::adaptive_avg_pool2d`](tensor::Tensor::adaptive_avg_pool2d).
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([[[1.0, 2.0, 3.0]]]));
    /// let y = x.adaptive_avg_pool2d((1, 2))?;
    /// assert_eq!(y.value(), &Tensor::from([[[1.5, 2.5]]]));
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([[[0.5, 1.0, 0.5]]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::adaptive_avg_pool2d`](tensor::Tensor::adaptive_avg_pool2d) and
    /// [`Var::record`].
    pub fn adaptive_avg_pool2d(&self, size: impl Into<AdaptiveSize>) -> Result<Self> {
        const OP: &str = "adaptive_avg_pool2d";
        let size = size.into();
        let value = self.value().adaptive_avg_pool2d(size)?;
        let (op, shape) = (self.pooling(OP, size)?, self.shape().to_vec());
        let rule = pull(move |g: &Self| g.adaptive_avg_pool2d_input(&shape));
        Self::record(op, value, [(self, rule)])
    }

    /// The gradient of an adaptive average pooling with respect to its input of
    /// `input_shape`, for `self` the gradient of its output:
    /// [`Tensor::adaptive_avg_pool2d_input`](tensor::Tensor::adaptive_avg_pool2d_input).
    ///
    /// # Errors
    /// As [`Tensor::adaptive_avg_pool2d_input`](tensor::Tensor::adaptive_avg_pool2d_input)
    /// and [`Var::record`].
    pub fn adaptive_avg_pool2d_input(&self, input_shape: impl AsRef<[usize]>) -> Result<Self> {
        let value = self.value().adaptive_avg_pool2d_input(input_shape)?;
        let size = match *self.shape() {
            [.., height, width] => AdaptiveSize::from([height, width]),
            _ => AdaptiveSize([None; 2]),
        };
        let rule = pull(move |v: &Self| v.adaptive_avg_pool2d(size));
        let op = OpInfo::from("adaptive_avg_pool2d_input").spanning_plane();
        Self::record(op, value, [(self, rule)])
    }

    /// The maximum of each of so many windows of the planes of `[N, C, H, W]` or
    /// `[C, H, W]`:
    /// [`Tensor::adaptive_max_pool2d`](tensor::Tensor::adaptive_max_pool2d). Of
    /// equal elements the first gets the whole gradient.
    ///
    /// # Errors
    /// As [`Tensor::adaptive_max_pool2d`](tensor::Tensor::adaptive_max_pool2d) and
    /// [`Var::record`].
    pub fn adaptive_max_pool2d(&self, size: impl Into<AdaptiveSize>) -> Result<Self> {
        Ok(self.adaptive_max_pool2d_with_indices(size)?.0)
    }

    /// As [`adaptive_max_pool2d`](Self::adaptive_max_pool2d), and for each maximum
    /// its index in its plane of H · W elements.
    ///
    /// # Errors
    /// As [`adaptive_max_pool2d`](Self::adaptive_max_pool2d).
    pub fn adaptive_max_pool2d_with_indices(
        &self,
        size: impl Into<AdaptiveSize>,
    ) -> Result<(Self, Tensor<i64>)> {
        const OP: &str = "adaptive_max_pool2d";
        let size = size.into();
        let (value, indices) = self.value().adaptive_max_pool2d_with_indices(size)?;
        let op = self.pooling(OP, size)?;
        let (shape, at) = (self.shape().to_vec(), indices.clone());
        let rule = pull(move |g: &Self| g.max_pool2d_scatter(&at, &shape));
        Ok((Self::record(op, value, [(self, rule)])?, indices))
    }

    /// What such a pooling says of itself: its window, if all are alike.
    fn pooling(&self, op: &'static str, size: AdaptiveSize) -> Result<OpInfo> {
        Ok(match adaptive_window(op, self.shape(), size)? {
            Some(window) => OpInfo::from(op).with_window(window),
            None => OpInfo::from(op).spanning_plane(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;
    use crate::ops::testing::{check_linear, check_squared, random, spaced};

    #[test]
    fn gradients_are_right_to_second_order() {
        for (shape, size) in [
            (&[2, 2, 4, 6][..], AdaptiveSize::from(2)),
            (&[1, 5, 4], AdaptiveSize::from((3, None))),
            (&[1, 1, 2, 3], AdaptiveSize::from((3, 4))),
            (&[1, 4, 4], AdaptiveSize::from(1)),
            (&[0, 1, 4, 4], AdaptiveSize::from(3)),
            (&[1, 4, 4], AdaptiveSize::from((0, 2))),
        ] {
            let y = random(shape).adaptive_avg_pool2d(size).unwrap();
            check_linear(&random(shape), |x| x.adaptive_avg_pool2d(size));
            check_linear(&y, |y| y.adaptive_avg_pool2d_input(shape));
            check_squared(|x| x[0].adaptive_max_pool2d(size), &[spaced(shape)]);
        }
    }

    /// x = torch.ones(1, 3, 3, requires_grad=True)
    /// F.adaptive_max_pool2d(x, 2).sum().backward()
    #[test]
    fn windows_share_elements_and_the_first_of_ties_wins_as_pytorch() {
        let x = Tape::new().leaf(Tensor::<f64>::ones([1, 3, 3]).unwrap());
        let y = x.adaptive_max_pool2d(2).unwrap();
        let grads = y.sum().unwrap().backward().unwrap();
        let expected = Tensor::from([[[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0; 3]]]);
        assert_eq!(grads.get(&x), Some(&expected));
    }

    #[test]
    fn windows_that_are_alike_are_told() {
        let tape = Tape::new();
        let x = tape.leaf(random(&[1, 6, 4]));
        x.adaptive_avg_pool2d((3, 1)).unwrap();
        x.adaptive_max_pool2d((4, 1)).unwrap();
        let entries = tape.entries();
        let window = entries[1].op.window.unwrap();
        assert_eq!((window.kernel, window.stride), ([2, 4], [2, 4]));
        assert!(entries[2].op.window.is_none() && entries[2].op.spans_plane);
    }

    #[test]
    fn refusals_are_those_of_the_tensor() {
        let x = Tape::new().leaf(random(&[2, 3]));
        assert!(x.adaptive_avg_pool2d(1).is_err() && x.adaptive_max_pool2d(1).is_err());
        assert!(x.adaptive_avg_pool2d_input([1, 1, 1]).is_err());
    }
}
