//! Enlarging and shrinking by the nearest element. An element that was repeated
//! gets the sum of its copies' gradients: see `lookup.rs`.

use tensor::{Float, InterpolateOptions, Result};

use super::lookup::look_up;
use crate::record::OpInfo;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// Images `[N, C, H, W]`, or `[N, C, L]`, or `[N, C, D, H, W]`, brought to
    /// another size by repeating elements or leaving some out:
    /// [`Tensor::interpolate`](tensor::Tensor::interpolate).
    ///
    /// ```
    /// use tensor::{InterpolateOptions, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::from([[[1.0, 2.0]]]));
    /// let y = x.interpolate(&InterpolateOptions::size([5]))?;
    /// assert_eq!(y.value(), &Tensor::from([[[1.0, 1.0, 1.0, 2.0, 2.0]]]));
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([[[3.0, 2.0]]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::interpolate`](tensor::Tensor::interpolate) and
    /// [`Var::record`].
    pub fn interpolate(&self, options: &InterpolateOptions) -> Result<Self> {
        let lookup = options.lookup::<T>(self.shape())?;
        // Also where the size stays, elements move.
        let op = OpInfo::from("interpolate").spanning_plane();
        look_up(op, self, &lookup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;
    use crate::ops::testing::{check_linear, random};

    #[test]
    fn gradients_are_right_to_second_order() {
        for (shape, options) in [
            (&[2, 1, 3][..], InterpolateOptions::size([5])),
            (&[1, 2, 3, 4], InterpolateOptions::size([6, 3])),
            (&[1, 1, 3, 2], InterpolateOptions::scale_factor([2.0])),
            (&[1, 1, 5, 4], InterpolateOptions::scale_factor([0.6, 1.7])),
            (&[1, 1, 2, 3, 2], InterpolateOptions::size([3, 2, 4])),
            (&[0, 1, 2, 3], InterpolateOptions::size([3])),
            (
                &[1, 1, 5, 4],
                InterpolateOptions::scale_factor([0.7]).recompute_scale_factor(true),
            ),
        ] {
            check_linear(&random(shape), |x| x.interpolate(&options));
        }
    }

    #[test]
    fn bad_sizes_are_errors() {
        let x = Tape::new().leaf(random(&[1, 1, 2, 2]));
        assert!(x.interpolate(&InterpolateOptions::size([0])).is_err());
        assert!(
            x.interpolate(&InterpolateOptions::scale_factor([0.1]))
                .is_err()
        );
    }
}
