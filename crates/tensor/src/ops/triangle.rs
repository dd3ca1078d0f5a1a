//! The triangles of a matrix.
//!
//! A diagonal is numbered by how far its columns are ahead of its rows: 0 is the
//! main one, 1 the one above it. Cutting out a triangle is a projection, and its
//! own adjoint.
//!
//! **Cost.** One pass over the result.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::par;
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// Each matrix (the last two axes) on and below a diagonal, and zeros above
    /// it: `torch.tril`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.tril(0)?, Tensor::from([[1, 0, 0], [4, 5, 0]]));
    /// assert_eq!(x.tril(-1)?, Tensor::from([[0, 0, 0], [4, 0, 0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] for fewer than two axes, [`Error::TooLarge`].
    pub fn tril(&self, diagonal: isize) -> Result<Self> {
        self.triangle("tril", diagonal, |row, keep| {
            row[keep..].fill(T::ZERO);
        })
    }

    /// Each matrix (the last two axes) on and above a diagonal, and zeros below
    /// it: `torch.triu`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.triu(0)?, Tensor::from([[1, 2, 3], [0, 5, 6]]));
    /// assert_eq!(x.triu(1)?, Tensor::from([[0, 2, 3], [0, 0, 6]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] for fewer than two axes, [`Error::TooLarge`].
    pub fn triu(&self, diagonal: isize) -> Result<Self> {
        // What is kept starts on the diagonal: the rest ends before it.
        self.triangle("triu", diagonal.saturating_sub(1), |row, rest| {
            row[..rest].fill(T::ZERO);
        })
    }

    /// Calls `clear` with a copy of each row and the number of its elements that
    /// lie on or before the diagonal.
    fn triangle(
        &self,
        op: &'static str,
        diagonal: isize,
        clear: impl Fn(&mut [T], usize) + Sync,
    ) -> Result<Self> {
        let &[.., rows, columns] = self.shape() else {
            return Err(Error::shape(
                op,
                format!("needs at least two axes, got shape {:?}", self.shape()),
            ));
        };
        let mut result = Self::arbitrary_as(op, self)?;
        let (x, matrix) = (self.as_slice(), rows * columns);
        let cost = x.len();
        par::for_each_piece(result.as_mut_slice(), matrix, cost, |i, piece| {
            piece.copy_from_slice(&x[i * matrix..(i + 1) * matrix]);
            for (row, line) in piece.chunks_exact_mut(columns).enumerate() {
                let ahead = diagonal.saturating_add_unsigned(row).saturating_add(1);
                clear(line, usize::try_from(ahead).unwrap_or(0).min(columns));
            }
        });
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_agree_with_their_definitions(
            shape in prop::collection::vec(0usize..5, 2..5),
            diagonal in prop_oneof![8 => -5isize..6, 1 => Just(isize::MIN), 1 => Just(isize::MAX)],
        ) {
            let len: usize = shape.iter().product();
            let x = Tensor::from_vec(&shape, (1..=len as i64).collect()).unwrap();
            let by_definition = |keep: fn(i128, i128) -> bool| {
                Tensor::from_fn(&shape, |at| match at {
                    [.., row, column] if keep(*column as i128 - *row as i128, diagonal as i128) => {
                        x.get(at).unwrap()
                    }
                    _ => 0,
                }).unwrap()
            };
            prop_assert_eq!(x.tril(diagonal).unwrap(), by_definition(|ahead, d| ahead <= d));
            prop_assert_eq!(x.triu(diagonal).unwrap(), by_definition(|ahead, d| ahead >= d));
        }
    }

    #[test]
    fn what_is_cut_off_is_zero_whatever_it_was() {
        let x = Tensor::<f64>::full([2, 2], f64::NAN).unwrap();
        assert_eq!(x.tril(0).unwrap().get([0, 1]), Some(0.0));
        let x = Tensor::full([2, 2], true).unwrap();
        assert_eq!(x.triu(0).unwrap().to_vec(), [true, true, false, true]);
    }

    #[test]
    fn fewer_than_two_axes_are_an_error() {
        let error = Tensor::from([1, 2]).tril(0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "tril: needs at least two axes, got shape [2]"
        );
        assert!(Tensor::scalar(1.0).triu(0).is_err());
    }
}
