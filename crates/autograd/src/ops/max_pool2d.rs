//! Max pooling: the gradient goes to the winners.
//!
//! | | value | gradient of the input |
//! |---|---|---|
//! | `max_pool2d(x)` | the maxima, at `indices` | `scatter(g, indices)` |
//! | `scatter(g, indices)` | g added where the indices say | `gather(v, indices)` |
//! | `gather(x, indices)` | the elements at the indices | `scatter(g, indices)` |
//!
//! Which element wins does not change with a small step, so the indices are
//! constants, and all that is saved. `max_pool2d` by itself saves them as bytes,
//! each the place of a winner in its window.

use tensor::{Float, MaxPool2dOptions, MaxPool2dWinners, Result, Tensor};

use crate::record::{OpInfo, pull};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The maximum of every window of the planes of `[N, C, H, W]` or
    /// `[C, H, W]`: [`Tensor::max_pool2d`]. Of equal elements the first gets the
    /// whole gradient.
    ///
    /// ```
    /// use tensor::{MaxPool2dOptions, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from([[[1.0, 7.0, 2.0], [7.0, 3.0, 9.0]]]));
    /// let y = x.max_pool2d(&MaxPool2dOptions::new(2))?;
    /// assert_eq!(y.value(), &Tensor::from([[[7.0]]]));
    /// let grads = y.sum()?.backward()?;
    /// let expected = Tensor::from([[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]);
    /// assert_eq!(grads.get(&x), Some(&expected));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::max_pool2d`] and [`Var::record`].
    pub fn max_pool2d(&self, options: &MaxPool2dOptions) -> Result<Self> {
        let (value, winners) = self.value().max_pool2d_with_winners(options)?;
        let op = OpInfo::from("max_pool2d").with_window(options.geometry(self.shape())?.window);
        let rule = pull(move |g| scatter(g, &winners));
        Self::record(op, value, [(self, rule)])
    }

    /// As [`max_pool2d`](Self::max_pool2d), and for each maximum its index in
    /// its plane of H · W elements.
    ///
    /// # Errors
    /// As [`max_pool2d`](Self::max_pool2d).
    pub fn max_pool2d_with_indices(
        &self,
        options: &MaxPool2dOptions,
    ) -> Result<(Self, Tensor<i64>)> {
        let (value, indices) = self.value().max_pool2d_with_indices(options)?;
        let op = OpInfo::from("max_pool2d").with_window(options.geometry(self.shape())?.window);
        let (shape, at) = (self.shape().to_vec(), indices.clone());
        let rule = pull(move |g| g.max_pool2d_scatter(&at, &shape));
        Ok((Self::record(op, value, [(self, rule)])?, indices))
    }

    /// Every element added where `indices` says, in zeros of `input_shape`:
    /// [`Tensor::max_pool2d_scatter`].
    ///
    /// # Errors
    /// As [`Tensor::max_pool2d_scatter`] and [`Var::record`].
    pub fn max_pool2d_scatter(
        &self,
        indices: &Tensor<i64>,
        input_shape: impl AsRef<[usize]>,
    ) -> Result<Self> {
        let value = self.value().max_pool2d_scatter(indices, input_shape)?;
        let at = indices.clone();
        let rule = pull(move |v| v.max_pool2d_gather(&at));
        Self::record("max_pool2d_scatter", value, [(self, rule)])
    }

    /// The elements of every plane that `indices` names:
    /// [`Tensor::max_pool2d_gather`].
    ///
    /// # Errors
    /// As [`Tensor::max_pool2d_gather`] and [`Var::record`].
    pub fn max_pool2d_gather(&self, indices: &Tensor<i64>) -> Result<Self> {
        let value = self.value().max_pool2d_gather(indices)?;
        let (shape, at) = (self.shape().to_vec(), indices.clone());
        let rule = pull(move |g| g.max_pool2d_scatter(&at, &shape));
        Self::record("max_pool2d_gather", value, [(self, rule)])
    }
}

/// [`Var::max_pool2d_scatter`] to the winners of a pooling.
fn scatter<T: Float>(g: &Var<T>, winners: &MaxPool2dWinners) -> Result<Var<T>> {
    let value = winners.scatter(g.value())?;
    let winners = winners.clone();
    let rule = pull(move |v| gather(v, &winners));
    Var::record("max_pool2d_scatter", value, [(g, rule)])
}

/// [`Var::max_pool2d_gather`] from the winners of a pooling.
fn gather<T: Float>(x: &Var<T>, winners: &MaxPool2dWinners) -> Result<Var<T>> {
    let value = winners.gather(x.value())?;
    let winners = winners.clone();
    let rule = pull(move |g| scatter(g, &winners));
    Var::record("max_pool2d_gather", value, [(x, rule)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;
    use crate::ops::testing::{check_linear, check_squared};
    use tensor::random::{Generator, permutation};

    /// Distinct elements, further apart than a difference quotient reaches.
    fn draw(shape: &[usize]) -> Tensor<f64> {
        let n = shape.iter().product();
        let order = permutation(n, &mut Generator::new(1)).unwrap();
        Tensor::from_vec(shape, order.iter().map(|&i| i as f64 / 4.0 - 2.0).collect()).unwrap()
    }

    fn gradient_of_sum(x: Tensor<f64>, options: &MaxPool2dOptions) -> Tensor<f64> {
        let tape = Tape::new();
        let x = tape.leaf(x);
        let loss = x.max_pool2d(options).unwrap().sum().unwrap();
        loss.backward().unwrap().get(&x).unwrap().clone()
    }

    #[test]
    fn gradients_are_right_to_second_order() {
        let pool = MaxPool2dOptions::new(2);
        for (shape, options) in [
            (&[2, 2, 4, 4][..], pool),
            (&[1, 5, 5], pool),
            (&[1, 5, 4], MaxPool2dOptions::new(3).stride(1)),
            (&[1, 1, 6, 5], MaxPool2dOptions::new(3).stride(2).padding(1)),
            (
                &[2, 5, 6],
                pool.stride((1, 2)).dilation((2, 1)).padding((1, 0)),
            ),
            (&[1, 5, 5], pool.ceil_mode(true)),
        ] {
            let x = draw(shape);
            check_squared(|v| v[0].max_pool2d(&options), std::slice::from_ref(&x));
            let (y, at) = x.max_pool2d_with_indices(&options).unwrap();
            check_linear(&y, |y| y.max_pool2d_scatter(&at, shape));
            check_linear(&x, |x| x.max_pool2d_gather(&at));
        }
    }

    /// x = torch.arange(25.).view(1, 5, 5), requires_grad
    /// F.max_pool2d(x, 2).sum().backward()
    #[test]
    fn the_last_row_and_column_are_dropped_as_pytorch() {
        let x = Tensor::from_fn([1, 5, 5], |i| (5 * i[1] + i[2]) as f64).unwrap();
        let row = [0.0, 1.0, 0.0, 1.0, 0.0];
        let none = [0.0; 5];
        let expected = Tensor::from([[none, row, none, row, none]]);
        assert_eq!(gradient_of_sum(x, &MaxPool2dOptions::new(2)), expected);
    }

    /// F.max_pool2d(torch.ones(1, 4, 4, requires_grad=True), 3, 2, 1).sum().backward()
    #[test]
    fn overlapping_windows_add_up_and_the_first_of_ties_wins_as_pytorch() {
        let options = MaxPool2dOptions::new(3).stride(2).padding(1);
        let gradient = gradient_of_sum(Tensor::ones([1, 4, 4]).unwrap(), &options);
        let expected = Tensor::from([[
            [1.0, 1.0, 0.0, 0.0],
            [1.0, 1.0, 0.0, 0.0],
            [0.0; 4],
            [0.0; 4],
        ]]);
        assert_eq!(gradient, expected);
    }

    /// x = torch.tensor([[[1., nan, 3.], [nan, 2., 5.]]], requires_grad=True)
    /// F.max_pool2d(x, 2, 1).backward(torch.tensor([[[1., 10.]]]))
    #[test]
    fn nan_gets_the_gradient_as_pytorch() {
        let nan = f64::NAN;
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from([[[1.0, nan, 3.0], [nan, 2.0, 5.0]]]));
        let y = x.max_pool2d(&MaxPool2dOptions::new(2).stride(1)).unwrap();
        assert!(y.value().iter().all(|y| y.is_nan()));
        let weights = tape.constant(Tensor::from([[[1.0, 10.0]]]));
        let loss = y.mul(&weights).unwrap().sum().unwrap();
        let expected = Tensor::from([[[0.0, 10.0, 0.0], [1.0, 0.0, 0.0]]]);
        assert_eq!(loss.backward().unwrap().get(&x), Some(&expected));
    }
}
