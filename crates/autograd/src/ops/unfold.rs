//! The windows of an image as columns, and columns added up to an image: each
//! the other's adjoint.
//!
//! | | value | gradient of the input |
//! |---|---|---|
//! | `unfold(x)` | a column for each window | `fold(g)` |
//! | `fold(y)` | the columns added up where they were read | `unfold(g)` |

use tensor::{Float, Pair, Result, UnfoldOptions};

use crate::record::{OpInfo, pull};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The windows of images `[N, C, H, W]`, or of one image `[C, H, W]`, as
    /// columns `[N, C · kh · kw, L]`, or `[C · kh · kw, L]`:
    /// [`Tensor::unfold`](tensor::Tensor::unfold). (For the windows along one axis
    /// see [`unfold_axis`](Self::unfold_axis).)
    ///
    /// ```
    /// use tensor::{Tensor, UnfoldOptions};
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([[[1.0, 2.0, 3.0]]]));
    /// let columns = x.unfold(&UnfoldOptions::new((1, 2)))?;
    /// assert_eq!(columns.value(), &Tensor::from([[1.0, 2.0], [2.0, 3.0]]));
    /// let grads = columns.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([[[1.0, 2.0, 1.0]]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::unfold`](tensor::Tensor::unfold) and [`Var::record`].
    pub fn unfold(&self, options: &UnfoldOptions) -> Result<Self> {
        let value = self.value().unfold(options)?;
        let size = match *self.shape() {
            [.., height, width] => Pair([height, width]),
            _ => Pair([1, 1]),
        };
        let options = *options;
        let rule = pull(move |g: &Self| g.fold(size, &options));
        Self::record(spanning("unfold"), value, [(self, rule)])
    }

    /// Columns added up where [`unfold`](Self::unfold) of an image of this size
    /// would have read them: [`Tensor::fold`](tensor::Tensor::fold).
    ///
    /// # Errors
    /// As [`Tensor::fold`](tensor::Tensor::fold) and [`Var::record`].
    pub fn fold(&self, size: impl Into<Pair>, options: &UnfoldOptions) -> Result<Self> {
        let value = self.value().fold(size, options)?;
        let options = *options;
        let rule = pull(move |v: &Self| v.unfold(&options));
        Self::record(spanning("fold"), value, [(self, rule)])
    }
}

/// Rows and columns of the result are not those of the input, even where there
/// are as many.
fn spanning(op: &'static str) -> OpInfo {
    OpInfo::from(op).spanning_plane()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;
    use crate::ops::testing::{check_linear, random};

    #[test]
    fn both_are_linear_and_adjoint_to_their_rules() {
        let plain = UnfoldOptions::new(2);
        for (shape, options) in [
            (&[2, 2, 3, 4][..], plain),
            (&[1, 4, 5], plain.stride((2, 3))),
            (&[1, 1, 4, 5], plain.padding((1, 2)).dilation((2, 1))),
            (&[1, 3, 3], UnfoldOptions::new((1, 3)).padding((0, 1))),
            (&[0, 1, 3, 3], plain),
        ] {
            let x = random(shape);
            let columns = x.unfold(&options).unwrap();
            let size = [shape[shape.len() - 2], shape[shape.len() - 1]];
            check_linear(&x, |x| x.unfold(&options));
            check_linear(&columns, |y| y.fold(size, &options));
        }
    }

    #[test]
    fn refusals_are_those_of_the_tensor() {
        let x = Tape::new().leaf(random(&[2, 3]));
        let options = UnfoldOptions::new(2);
        assert!(x.unfold(&options).is_err() && x.fold(2, &options).is_err());
    }
}
