//! Indexing with several tensors of indices at once, as `x[rows, columns]`.
//!
//! ```text
//! y[b…] = x[i(b…), j(b…), …]
//! ```
//!
//! The index tensors broadcast to one shape, which takes the place of the axes
//! that they index: where those stand if they are neighbours, else in front, as
//! in NumPy and PyTorch. So this is one [`index_select`](Tensor::index_select)
//! along an axis that these axes were made into, and costs what that costs; a
//! permutation besides, if they are no neighbours.

use super::elementwise::zip;
use crate::element::Element;
use crate::error::{Error, Result};
use crate::shape::broadcast;
use crate::tensor::Tensor;

/// How indexing is made of a permutation, a selection and two reshapes.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct IndexPlan {
    /// The order of the axes in which the indexed ones are neighbours.
    pub order: Vec<isize>,
    /// The shape in which they are one axis.
    pub merged: Vec<usize>,
    /// That axis.
    pub axis: isize,
    /// The positions along it.
    pub positions: Tensor<i64>,
    /// The shape of the result.
    pub shape: Vec<usize>,
}

impl IndexPlan {
    /// The plan for a tensor of this shape, `None` if nothing is indexed.
    ///
    /// # Errors
    /// As [`Tensor::index_by`].
    pub fn new(shape: &[usize], indices: &[Option<&Tensor<i64>>]) -> Result<Option<Self>> {
        const OP: &str = "index_by";
        if indices.len() > shape.len() {
            return Err(Error::shape(
                OP,
                format!("{} indices for the axes of {shape:?}", indices.len()),
            ));
        }
        let given = indices.iter().enumerate();
        let given: Vec<(usize, &Tensor<i64>)> = given
            .filter_map(|(axis, index)| Some((axis, (*index)?)))
            .collect();
        let (Some(&(first, _)), Some(&(last, _))) = (given.first(), given.last()) else {
            return Ok(None);
        };
        let mut joint = Vec::new();
        for (_, index) in &given {
            joint = broadcast(OP, &joint, index.shape())?;
        }
        let mut positions = Tensor::filled(OP, &joint, 0)?;
        let mut size = 1;
        for &(axis, index) in &given {
            let index = from_start(index, axis, shape)?;
            let along = shape[axis] as i64;
            positions = zip(OP, &positions, &index, |at, i| at * along + i)?;
            size *= shape[axis];
        }
        let is_indexed = |axis: &usize| given.iter().any(|(at, _)| at == axis);
        let start = if last - first + 1 == given.len() {
            first
        } else {
            0
        };
        let rest: Vec<usize> = (0..shape.len()).filter(|axis| !is_indexed(axis)).collect();
        let (before, after) = rest.split_at(start);
        let indexed = given.iter().map(|&(axis, _)| axis);
        let order = before
            .iter()
            .copied()
            .chain(indexed)
            .chain(after.iter().copied());
        let sizes = |axes: &[usize]| axes.iter().map(|&axis| shape[axis]).collect::<Vec<_>>();
        Ok(Some(Self {
            order: order.map(|axis| axis as isize).collect(),
            merged: [&sizes(before)[..], &[size], &sizes(after)].concat(),
            axis: start as isize,
            positions: positions.flatten(0, -1)?,
            shape: [sizes(before), joint, sizes(after)].concat(),
        }))
    }
}

/// Indices of which none is negative, and all are in range.
fn from_start(index: &Tensor<i64>, axis: usize, shape: &[usize]) -> Result<Tensor<i64>> {
    let size = shape[axis] as i64;
    if let Some(&i) = index.iter().find(|&&i| i < -size || i >= size) {
        return Err(Error::value(
            "index_by",
            format!("index {i} is out of range for axis {axis} of size {size} (shape {shape:?})"),
        ));
    }
    Ok(index.map(|i| if i < 0 { i + size } else { i }))
}

impl<T: Element> Tensor<T> {
    /// The elements whose positions along the leading axes these tensors list
    /// together, `None` for an axis that is taken whole: `x[i, j]` with tensors
    /// in PyTorch. The tensors broadcast; their shape takes the place of the axes
    /// that they index if these are neighbours, and stands in front if not.
    /// Negative positions count from the end.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([[1, 2, 3], [4, 5, 6]]);
    /// let (rows, columns) = (Tensor::from([1, 0, 1]), Tensor::from([0, 1, -1]));
    /// assert_eq!(x.index_by(&[Some(&rows), Some(&columns)])?, Tensor::from([4, 2, 6]));
    /// assert_eq!(x.index_by(&[None, Some(&columns)])?, Tensor::from([[1, 2, 3], [4, 5, 6]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] for more indices than axes, or if they do not
    /// broadcast; [`Error::Value`] for a position that there is not;
    /// [`Error::TooLarge`].
    pub fn index_by(&self, indices: &[Option<&Tensor<i64>>]) -> Result<Self> {
        let Some(plan) = IndexPlan::new(self.shape(), indices)? else {
            return Ok(self.clone());
        };
        self.permute(&plan.order)?
            .reshape_to(&plan.merged)?
            .index_select(plan.axis, &plan.positions)?
            .reshape_to(&plan.shape)
    }
}

impl Tensor<bool> {
    /// Where the mask holds: a row for each such place, in row-major order, with
    /// its position along each axis.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let mask = Tensor::from([[true, false], [true, true]]);
    /// assert_eq!(mask.nonzero()?, Tensor::from([[0, 0], [1, 0], [1, 1]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn nonzero(&self) -> Result<Tensor<i64>> {
        let count = self.iter().filter(|&&holds| holds).count();
        let mut places = Tensor::filled("nonzero", &[count, self.ndim()], 0)?;
        let strides = crate::shape::strides(self.shape());
        if self.ndim() > 0 {
            let rows = places.as_mut_slice().chunks_exact_mut(self.ndim());
            let held = self.iter().enumerate().filter(|(_, holds)| **holds);
            for (row, (mut place, _)) in rows.zip(held) {
                for (at, stride) in row.iter_mut().zip(&strides) {
                    (*at, place) = ((place / stride) as i64, place % stride);
                }
            }
        }
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(shape: &[usize]) -> Tensor<i64> {
        let len: usize = shape.iter().product();
        Tensor::from_vec(shape, (0..len as i64).collect()).unwrap()
    }

    #[test]
    fn agrees_with_its_definition() {
        let x = counting(&[2, 3, 4]);
        let (i, j, k) = (
            Tensor::from([[0], [-1]]),
            Tensor::from([2, 0, 2]),
            Tensor::scalar(-4),
        );
        let (two, three, four) = (2, 3, 4);
        // Neighbours stay where they are.
        let y = x.index_by(&[Some(&i), Some(&j)]).unwrap();
        assert_eq!(y.shape(), [2, 3, four]);
        assert_eq!(y.get([1, 2, 3]), x.get([1, 2, 3]));
        let y = x.index_by(&[None, Some(&j), Some(&k)]).unwrap();
        assert_eq!(y.shape(), [two, 3]);
        assert_eq!(y.get([1, 0]), x.get([1, 2, 0]));
        // x[torch.tensor([[0], [-1]]), :, torch.tensor([2, 0, 2])].shape
        let y = x.index_by(&[Some(&i), None, Some(&j)]).unwrap();
        assert_eq!(y.shape(), [2, 3, three]);
        assert_eq!(y.get([1, 1, 2]), x.get([1, 2, 0]));
        assert_eq!(
            x.index_by(&[Some(&k.map(|_| 1)), Some(&j)])
                .unwrap()
                .shape(),
            [3, 4]
        );
        assert_eq!(x.index_by(&[None, None]).unwrap(), x);
        assert_eq!(x.index_by(&[]).unwrap(), x);
        let none = Tensor::zeros([0]).unwrap();
        assert_eq!(x.index_by(&[None, Some(&none)]).unwrap().shape(), [2, 0, 4]);
    }

    #[test]
    fn bad_indices_are_errors() {
        let x = counting(&[2, 3]);
        let (i, j) = (Tensor::from([0, 1]), Tensor::from([0, 1, 2]));
        assert!(x.index_by(&[Some(&i), Some(&j)]).is_err());
        assert!(x.index_by(&[Some(&j)]).is_err());
        assert!(x.index_by(&[Some(&Tensor::from([-3]))]).is_err());
        assert!(x.index_by(&[Some(&i), None, Some(&i)]).is_err());
        let none = Tensor::<f32>::zeros([0, 2]).unwrap();
        assert!(none.index_by(&[Some(&i)]).is_err());
    }

    #[test]
    fn places_of_a_mask() {
        let mask = counting(&[2, 3]).gt_scalar(3);
        assert_eq!(mask.nonzero().unwrap(), Tensor::from([[1, 1], [1, 2]]));
        assert_eq!(
            mask.not()
                .not()
                .and(&mask.not())
                .unwrap()
                .nonzero()
                .unwrap()
                .shape(),
            [0, 2]
        );
        assert_eq!(Tensor::scalar(true).nonzero().unwrap().shape(), [1, 0]);
        assert_eq!(Tensor::scalar(false).nonzero().unwrap().shape(), [0, 0]);
        let none = Tensor::<bool>::zeros([0, 3]).unwrap();
        assert_eq!(none.nonzero().unwrap().shape(), [0, 2]);
    }
}
