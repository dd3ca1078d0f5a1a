//! Putting tensors together, and taking one apart.
//!
//! **Cost.** `cat` and `stack` copy every element once, in runs as long as the
//! layout allows. `split` and `chunk` on the leading axis give views.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::shape::{allocate, axis};
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// The tensors one after the other along an axis; their other sizes must
    /// agree. As in PyTorch, tensors of shape `[0]` are skipped, whatever the
    /// shape of the others.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let a = Tensor::from([[1, 2], [3, 4]]);
    /// let b = Tensor::from([[5], [6]]);
    /// assert_eq!(Tensor::cat(&[&a, &b], 1)?, Tensor::from([[1, 2, 5], [3, 4, 6]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] for an empty list, [`Error::Shape`] if the other sizes
    /// differ, [`Error::Axis`], [`Error::TooLarge`].
    pub fn cat(tensors: &[&Self], axis: isize) -> Result<Self> {
        join("cat", tensors, axis)
    }

    /// Tensors of one shape along a new axis.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let k = Tensor::from([1, 2]);
    /// assert_eq!(Tensor::stack(&[&k, &(&k + 10)], 0)?, Tensor::from([[1, 2], [11, 12]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] for an empty list, [`Error::Shape`] if the shapes
    /// differ, [`Error::Axis`], [`Error::TooLarge`].
    pub fn stack(tensors: &[&Self], axis: isize) -> Result<Self> {
        const OP: &str = "stack";
        let first = tensors.first().ok_or_else(|| no_tensors(OP))?;
        let at = self::axis(OP, axis, first.ndim() + 1)?;
        let mut shape = first.shape().to_vec();
        shape.insert(at, 1);
        let mut rows = Vec::with_capacity(tensors.len());
        for (i, tensor) in tensors.iter().enumerate() {
            if tensor.shape() != first.shape() {
                return Err(Error::shape(
                    OP,
                    format!(
                        "tensor {i} has shape {:?}, the first {:?}",
                        tensor.shape(),
                        first.shape()
                    ),
                ));
            }
            rows.push(tensor.with_shape(&shape));
        }
        join(OP, &rows.iter().collect::<Vec<_>>(), at as isize)
    }

    /// The tensor cut along an axis into pieces of this size; the last one may
    /// be smaller.
    ///
    /// # Errors
    /// [`Error::Axis`], [`Error::Value`] for size 0 of an axis that is longer,
    /// and for more pieces than memory holds.
    pub fn split(&self, size: usize, axis: isize) -> Result<Vec<Self>> {
        const OP: &str = "split";
        let at = self::axis(OP, axis, self.ndim())?;
        if size == 0 && self.shape()[at] > 0 {
            return Err(Error::value(
                OP,
                format!(
                    "pieces must not be empty, got size 0 (shape {:?}, axis {axis})",
                    self.shape()
                ),
            ));
        }
        self.pieces(OP, size, at)
    }

    /// The tensor cut along an axis into pieces of these sizes.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([1, 2, 3, 4]);
    /// let pieces = x.split_with_sizes(&[1, 3], 0)?;
    /// assert_eq!(pieces, [Tensor::from([1]), Tensor::from([2, 3, 4])]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`], [`Error::Value`] unless the sizes sum to that of the
    /// axis.
    pub fn split_with_sizes(&self, sizes: &[usize], axis: isize) -> Result<Vec<Self>> {
        const OP: &str = "split_with_sizes";
        let at = self::axis(OP, axis, self.ndim())?;
        let sum = sizes.iter().try_fold(0usize, |sum, &n| sum.checked_add(n));
        if sum != Some(self.shape()[at]) {
            return Err(Error::value(
                OP,
                format!(
                    "the sizes {sizes:?} must sum to that of axis {axis} (shape {:?})",
                    self.shape()
                ),
            ));
        }
        let mut start = 0;
        let cut = |&size: &usize| {
            let piece = self.narrow(at as isize, start, size);
            start += size as isize;
            piece
        };
        sizes.iter().map(cut).collect()
    }

    /// The tensor cut along an axis into `n` pieces of one size, as far as that
    /// goes: the size is rounded up, so that the last piece may be smaller and
    /// there may be fewer pieces than asked for (5 elements in 4 chunks are 2,
    /// 2 and 1).
    ///
    /// # Errors
    /// [`Error::Axis`], [`Error::Value`] if `n` is 0, and for more chunks than
    /// memory holds.
    pub fn chunk(&self, n: usize, axis: isize) -> Result<Vec<Self>> {
        const OP: &str = "chunk";
        let at = self::axis(OP, axis, self.ndim())?;
        if n == 0 {
            return Err(Error::value(
                OP,
                format!(
                    "the number of chunks must be positive, got 0 (shape {:?})",
                    self.shape()
                ),
            ));
        }
        self.pieces(OP, self.shape()[at].div_ceil(n), at)
    }

    /// Cuts axis `at` into pieces of `size`, which is 0 for an empty axis only.
    fn pieces(&self, op: &'static str, size: usize, at: usize) -> Result<Vec<Self>> {
        let len = self.shape()[at];
        if len == 0 {
            return Ok(vec![self.clone()]);
        }
        // Pieces of nothing take memory too, and there is no end to their number.
        let count = len.div_ceil(size);
        let mut pieces = Vec::new();
        pieces.try_reserve_exact(count).map_err(|_| {
            Error::value(
                op,
                format!(
                    "{count} pieces do not fit into memory (shape {:?}, axis {at})",
                    self.shape()
                ),
            )
        })?;
        for start in (0..len).step_by(size) {
            pieces.push(self.narrow(at as isize, start as isize, size.min(len - start))?);
        }
        Ok(pieces)
    }
}

fn no_tensors(op: &'static str) -> Error {
    Error::value(op, "needs at least one tensor, got an empty list")
}

fn join<T: Element>(op: &'static str, tensors: &[&Tensor<T>], axis: isize) -> Result<Tensor<T>> {
    let Some(&any) = tensors.first() else {
        return Err(no_tensors(op));
    };
    let mut parts = tensors.iter().filter(|t| t.shape() != [0]).peekable();
    let Some(&&first) = parts.peek() else {
        crate::shape::axis(op, axis, any.ndim())?;
        return Ok(any.clone());
    };
    let at = crate::shape::axis(op, axis, first.ndim())?;
    let mut joint = 0usize;
    for (i, tensor) in tensors.iter().enumerate() {
        let shape = tensor.shape();
        if shape == [0] {
            continue;
        }
        let fits = shape.len() == first.ndim()
            && (0..shape.len()).all(|a| a == at || shape[a] == first.shape()[a]);
        if !fits {
            return Err(Error::shape(
                op,
                format!(
                    "tensor {i} has shape {shape:?}, which does not continue {:?} along axis {at}",
                    first.shape()
                ),
            ));
        }
        joint = joint.saturating_add(shape[at]);
    }
    let mut shape = first.shape().to_vec();
    shape[at] = joint;
    if shape == first.shape() && !first.is_empty() {
        return Ok(first.clone());
    }
    let mut data = allocate(op, &shape)?;
    let parts: Vec<(&[T], usize)> = parts
        .map(|t| (t.as_slice(), t.shape()[at..].iter().product()))
        .collect();
    if shape.contains(&0) {
        // There may be more rows of nothing than one can count.
        return Ok(Tensor::from_parts(shape, data));
    }
    let outer: usize = shape[..at].iter().product();
    for i in 0..outer {
        for &(part, run) in &parts {
            data.extend_from_slice(&part[i * run..(i + 1) * run]);
        }
    }
    Ok(Tensor::from_parts(shape, data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counting(shape: &[usize]) -> Tensor<i64> {
        let len: usize = shape.iter().product();
        Tensor::from_vec(shape, (0..len as i64).collect()).unwrap()
    }

    fn shapes(pieces: &[Tensor<i64>]) -> Vec<&[usize]> {
        pieces.iter().map(Tensor::shape).collect()
    }

    proptest! {
        #[test]
        fn what_is_split_joins_again(
            shape in prop::collection::vec(0usize..5, 1..5),
            at in any::<prop::sample::Index>(),
            size in 1usize..6,
        ) {
            let axis = at.index(shape.len()) as isize;
            let x = counting(&shape);
            for pieces in [x.split(size, axis).unwrap(), x.chunk(size, axis).unwrap()] {
                let pieces: Vec<_> = pieces.iter().collect();
                prop_assert_eq!(Tensor::cat(&pieces, axis).unwrap(), x.clone());
            }
            let stacked = Tensor::stack(&[&x, &x, &x], axis - shape.len() as isize - 1).unwrap();
            prop_assert_eq!(stacked.shape()[axis as usize], 3);
            prop_assert_eq!(stacked.select(axis, 2).unwrap(), x);
        }
    }

    #[test]
    fn cat_interleaves_runs() {
        let (a, b) = (counting(&[2, 1, 2]), counting(&[2, 2, 2]));
        let joint = Tensor::cat(&[&a, &b], -2).unwrap();
        assert_eq!(joint.shape(), [2, 3, 2]);
        assert_eq!(joint.to_vec(), [0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn cat_skips_what_pytorch_skips() {
        let (none, x) = (counting(&[0]), counting(&[2, 3]));
        assert_eq!(Tensor::cat(&[&none, &x, &none], 1).unwrap(), x);
        assert_eq!(Tensor::cat(&[&none, &none], 0).unwrap(), none);
        let flat = Tensor::cat(&[&counting(&[0, 3]), &x], 0).unwrap();
        assert_eq!(flat, x);
        // torch.cat([torch.zeros(1, 0), torch.zeros(2, 3)], 1) is an error.
        assert!(Tensor::cat(&[&counting(&[1, 0]), &x], 1).is_err());
    }

    #[test]
    fn pieces_as_pytorch() {
        let five = counting(&[5]);
        assert_eq!(shapes(&five.split(2, 0).unwrap()), [[2], [2], [1]]);
        assert_eq!(shapes(&five.chunk(4, 0).unwrap()), [[2], [2], [1]]);
        assert_eq!(counting(&[3]).chunk(7, 0).unwrap().len(), 3);
        let none = counting(&[0, 3]);
        assert_eq!(shapes(&none.split(0, 0).unwrap()), [[0, 3]]);
        assert!(five.split(0, 0).is_err());
        assert!(five.chunk(0, 0).is_err());
        assert!(counting(&[]).split(1, 0).is_err());
        let x = counting(&[4, 2]);
        let pieces = x.split(2, 0).unwrap();
        assert_eq!(pieces[1].as_slice().as_ptr(), x.as_slice()[4..].as_ptr());
    }

    #[test]
    fn pieces_of_given_sizes() {
        let x = counting(&[2, 4]);
        let pieces = x.split_with_sizes(&[3, 0, 1], -1).unwrap();
        assert_eq!(shapes(&pieces), [[2, 3], [2, 0], [2, 1]]);
        assert_eq!(
            Tensor::cat(&pieces.iter().collect::<Vec<_>>(), 1).unwrap(),
            x
        );
        assert!(counting(&[0]).split_with_sizes(&[], 0).unwrap().is_empty());
        assert!(x.split_with_sizes(&[1, 2], 1).is_err());
        assert!(x.split_with_sizes(&[usize::MAX, 5], 1).is_err());
        assert!(x.split_with_sizes(&[2], 2).is_err());
    }

    #[test]
    fn bad_lists_are_errors() {
        let x = counting(&[2, 3]);
        assert!(Tensor::<f32>::cat(&[], 0).is_err());
        assert!(Tensor::<f32>::stack(&[], 0).is_err());
        assert!(Tensor::cat(&[&x, &x], 2).is_err());
        assert!(Tensor::cat(&[&counting(&[]), &counting(&[])], 0).is_err());
        assert!(Tensor::stack(&[&x, &x], 3).is_err());
        assert!(Tensor::stack(&[&x, &counting(&[3, 2])], 0).is_err());
        assert_eq!(
            Tensor::cat(&[&x, &counting(&[2, 2])], 0)
                .unwrap_err()
                .to_string(),
            "cat: tensor 1 has shape [2, 2], which does not continue [2, 3] along axis 0"
        );
        // Sizes of empty tensors may be as large as they like, their sum may not.
        let huge = Tensor::<i64>::zeros([0, 1 << 59]).unwrap();
        assert!(Tensor::cat(&[&huge; 8], 1).is_err());
    }
}
