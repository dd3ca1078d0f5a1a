//! Elements chosen by index tensors, and sums written through them.
//!
//! The families are pairs: `index_select` and `index_add`, `gather` and
//! `scatter_add` are each other's adjoints, which is why the writing halves
//! add: a place that was read twice gets two gradients.
//!
//! Every index is checked before anything is allocated. As in PyTorch's
//! functions of these names, negative indices are errors, not positions from
//! the end. A tensor without axes counts as one of a single axis of size 1, as
//! there, be it read from, written to or an index.
//!
//! **Cost.** One pass over the indices to check them, one over the result.

use crate::element::{Element, Number};
use crate::error::{Error, Result};
use crate::shape::{Loop, allocate, for_each_row, nest, strides, wrap_axis};
use crate::tensor::Tensor;

impl<T: Element> Tensor<T> {
    /// The positions of an axis that `index` lists, in that order, with
    /// repeats.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// let y = x.index_select(0, &Tensor::from([1, 1, 0]))?;
    /// assert_eq!(y, Tensor::from([[3.0, 4.0], [3.0, 4.0], [1.0, 2.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`], [`Error::Shape`] unless `index` has one axis,
    /// [`Error::Value`] for an index out of range, [`Error::TooLarge`].
    pub fn index_select(&self, axis: isize, index: &Tensor<i64>) -> Result<Self> {
        const OP: &str = "index_select";
        let at = wrap_axis(OP, axis, self.ndim())?;
        check_vector(OP, index)?;
        if self.ndim() == 0 {
            check_number(OP, index)?;
            return Ok(line(self).index_select(0, index)?.with_shape(&[]));
        }
        check_indices(OP, index, at, self.shape()[at])?;
        let mut shape = self.shape().to_vec();
        let inner: usize = shape[at + 1..].iter().product();
        let block = shape[at] * inner;
        shape[at] = index.len();
        let mut data = allocate(OP, &shape)?;
        if block > 0 {
            for block in self.as_slice().chunks_exact(block) {
                for &i in index {
                    let from = i as usize * inner;
                    data.extend_from_slice(&block[from..from + inner]);
                }
            }
        }
        Ok(Self::from_parts(shape, data))
    }

    /// At every place of `index`, the element whose position along the axis is
    /// the index there, and whose other positions are those of the place:
    /// `out[i][j] = self[i][index[i][j]]` for a matrix and axis 1.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let scores = Tensor::from([[0.1, 0.7], [0.6, 0.4]]);
    /// let labels = Tensor::from([[1], [0]]);
    /// assert_eq!(scores.gather(1, &labels)?, Tensor::from([[0.7], [0.6]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`], [`Error::Shape`] unless `index` has as many axes and,
    /// but for the chosen one, no larger sizes; [`Error::Value`] for an index
    /// out of range; [`Error::TooLarge`].
    pub fn gather(&self, axis: isize, index: &Tensor<i64>) -> Result<Self> {
        const OP: &str = "gather";
        let at = wrap_axis(OP, axis, self.ndim())?;
        if self.ndim() == 0 || index.ndim() == 0 {
            let taken = line(self).gather(axis, &line(index))?;
            return Ok(taken.with_shape(index.shape()));
        }
        check_cover(OP, index, "tensor", self.shape(), Some(at))?;
        check_indices(OP, index, at, self.shape()[at])?;
        let mut data = allocate(OP, index.shape())?;
        let own = self.as_slice();
        let along = strides(self.shape())[at];
        let places = places(index, self.shape(), at, index.shape());
        for_each_place(&places, index.as_slice(), |i, base, _| {
            data.push(own[base + i * along]);
        });
        Ok(Self::from_parts(index.shape(), data))
    }
}

impl<T: Number> Tensor<T> {
    /// The tensor with `source[k]` added at position `index[k]` of an axis, for
    /// every `k`: the adjoint of [`index_select`](Self::index_select).
    ///
    /// # Errors
    /// [`Error::Axis`], [`Error::Shape`] unless `index` has one axis and
    /// `source` this tensor's shape with as many positions on the chosen axis
    /// as there are indices; [`Error::Value`] for an index out of range.
    pub fn index_add(&self, axis: isize, index: &Tensor<i64>, source: &Self) -> Result<Self> {
        const OP: &str = "index_add";
        let at = wrap_axis(OP, axis, self.ndim())?;
        check_vector(OP, index)?;
        if self.ndim() == 0 {
            check_number(OP, index)?;
            let sums = line(self).index_add(0, index, &line(source))?;
            return Ok(sums.with_shape(&[]));
        }
        let mut expected = self.shape().to_vec();
        expected[at] = index.len();
        if source.shape() != expected {
            return Err(Error::shape(
                OP,
                format!(
                    "{} indices along axis {at} of {:?} need a source of shape {expected:?}, \
                     got {:?}",
                    index.len(),
                    self.shape(),
                    source.shape()
                ),
            ));
        }
        check_indices(OP, index, at, self.shape()[at])?;
        let mut sums = self.clone();
        let inner: usize = self.shape()[at + 1..].iter().product();
        let (block, run) = (self.shape()[at] * inner, index.len() * inner);
        if block > 0 && run > 0 {
            let blocks = sums.as_mut_slice().chunks_exact_mut(block);
            for (block, run) in blocks.zip(source.as_slice().chunks_exact(run)) {
                for (&i, row) in index.iter().zip(run.chunks_exact(inner)) {
                    let to = i as usize * inner;
                    let sums = block[to..to + inner].iter_mut();
                    sums.zip(row).for_each(|(sum, &x)| *sum = sum.plus(x));
                }
            }
        }
        Ok(sums)
    }

    /// The tensor with `source` added through `index`: for a matrix and axis
    /// 1, `out[i][index[i][j]] += source[i][j]`. The adjoint of
    /// [`gather`](Self::gather).
    ///
    /// # Errors
    /// [`Error::Axis`], [`Error::Shape`] unless `index` has as many axes as
    /// both tensors, no larger sizes than `source` and, but for the chosen
    /// axis, than this tensor; [`Error::Value`] for an index out of range.
    pub fn scatter_add(&self, axis: isize, index: &Tensor<i64>, source: &Self) -> Result<Self> {
        const OP: &str = "scatter_add";
        let at = wrap_axis(OP, axis, self.ndim())?;
        if self.ndim() == 0 || index.ndim() == 0 || source.ndim() == 0 {
            let sums = line(self).scatter_add(axis, &line(index), &line(source))?;
            return Ok(sums.with_shape(self.shape()));
        }
        check_cover(OP, index, "tensor", self.shape(), Some(at))?;
        check_cover(OP, index, "source", source.shape(), None)?;
        check_indices(OP, index, at, self.shape()[at])?;
        let mut sums = self.clone();
        let along = strides(self.shape())[at];
        let places = places(index, self.shape(), at, source.shape());
        let (out, source) = (sums.as_mut_slice(), source.as_slice());
        for_each_place(&places, index.as_slice(), |i, base, from| {
            let sum = &mut out[base + i * along];
            *sum = sum.plus(source[from]);
        });
        Ok(sums)
    }
}

impl Tensor<i64> {
    /// Every label as a row of zeros with a one at the label's place: a new
    /// last axis of size `classes`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let labels = Tensor::from([2, 0]);
    /// let expected = Tensor::from([[0.0f32, 0.0, 1.0], [1.0, 0.0, 0.0]]);
    /// assert_eq!(labels.one_hot(3)?, expected);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] for a label that is no class, [`Error::TooLarge`].
    pub fn one_hot<T: Element>(&self, classes: usize) -> Result<Tensor<T>> {
        const OP: &str = "one_hot";
        if let Some((at, label)) = first_outside(self, classes) {
            return Err(Error::value(
                OP,
                format!("label {label} at {at:?} is not one of {classes} classes"),
            ));
        }
        let mut shape = self.shape().to_vec();
        shape.push(classes);
        let mut rows = Tensor::filled(OP, &shape, T::ZERO)?;
        if classes > 0 {
            let rows = rows.as_mut_slice().chunks_exact_mut(classes);
            for (row, &label) in rows.zip(self) {
                row[label as usize] = T::ONE;
            }
        }
        Ok(rows)
    }
}

/// The loops over all places of `index`: its own steps, those of the tensor
/// whose axis `at` the indices replace, and those of a third operand.
fn places(index: &Tensor<i64>, tensor: &[usize], at: usize, other: &[usize]) -> Vec<Loop<3>> {
    let mut steps = strides(tensor);
    steps[at] = 0;
    nest(
        index.shape(),
        &[strides(index.shape()), steps, strides(other)],
    )
}

/// Calls `f(index, offset in the tensor, offset in the other operand)` for
/// every place, in row-major order.
fn for_each_place(places: &[Loop<3>], index: &[i64], mut f: impl FnMut(usize, usize, usize)) {
    if let Some((&(len, [step, base_step, other_step]), outer)) = places.split_last() {
        for_each_row(outer, |[i, base, other]| {
            for k in 0..len {
                let index = index[i + k * step] as usize;
                f(index, base + k * base_step, other + k * other_step);
            }
        });
    }
}

/// The first index that is not in `0..size`, and where it stands.
fn first_outside(index: &Tensor<i64>, size: usize) -> Option<(Vec<usize>, i64)> {
    let outside = |i: i64| usize::try_from(i).map_or(true, |i| i >= size);
    let place = index.iter().position(|&i| outside(i))?;
    let mut rest = place;
    let mut at = strides(index.shape());
    for stride in &mut at {
        (*stride, rest) = (rest / *stride, rest % *stride);
    }
    Some((at, index.as_slice()[place]))
}

fn check_indices(op: &'static str, index: &Tensor<i64>, axis: usize, size: usize) -> Result<()> {
    match first_outside(index, size) {
        None => Ok(()),
        Some((at, i)) => Err(Error::value(
            op,
            format!("index {i} at {at:?} is out of range for axis {axis} of size {size}"),
        )),
    }
}

/// A number as a line of one element; any other tensor as it is.
fn line<T: Element>(x: &Tensor<T>) -> Tensor<T> {
    if x.ndim() == 0 {
        x.with_shape(&[1])
    } else {
        x.clone()
    }
}

/// Whether there is one index, which is all that a number has a place for.
fn check_number(op: &'static str, index: &Tensor<i64>) -> Result<()> {
    if index.len() == 1 {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!("a number takes one index, got shape {:?}", index.shape()),
    ))
}

fn check_vector(op: &'static str, index: &Tensor<i64>) -> Result<()> {
    if index.ndim() <= 1 {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!(
            "the index must have at most one axis, got shape {:?}",
            index.shape()
        ),
    ))
}

/// Whether every place of `index` exists in `shape`, along all axes but one.
fn check_cover(
    op: &'static str,
    index: &Tensor<i64>,
    what: &str,
    shape: &[usize],
    but: Option<usize>,
) -> Result<()> {
    let sizes = || index.shape().iter().zip(shape).enumerate();
    let covered =
        index.ndim() == shape.len() && sizes().all(|(a, (i, n))| but == Some(a) || i <= n);
    if covered {
        return Ok(());
    }
    let except = but.map_or(String::new(), |axis| format!(" except along axis {axis}"));
    Err(Error::shape(
        op,
        format!(
            "the index must have the axes of the {what} and be no larger{except} \
             (index {:?}, {what} {shape:?})",
            index.shape()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use proptest::prelude::*;
    use rand::RngExt;

    fn counting(shape: &[usize]) -> Tensor<i64> {
        let len: usize = shape.iter().product();
        Tensor::from_vec(shape, (1..=len as i64).collect()).unwrap()
    }

    fn indices(shape: &[usize], below: usize, generator: &mut Generator) -> Tensor<i64> {
        Tensor::from_fn(shape, |_| generator.random_range(0..below as i64)).unwrap()
    }

    fn dot(a: &Tensor<i64>, b: &Tensor<i64>) -> i64 {
        assert_eq!(a.shape(), b.shape());
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    proptest! {
        #[test]
        fn both_pairs_agree_with_their_definitions_and_are_adjoint(
            sizes in prop::collection::vec((1usize..4, 0usize..4, 0usize..3), 1..4),
            at in any::<prop::sample::Index>(),
            seed in any::<u64>(),
        ) {
            let at = at.index(sizes.len());
            let shape: Vec<usize> = sizes.iter().map(|s| s.0).collect();
            let index_shape: Vec<usize> = sizes.iter().enumerate()
                .map(|(a, s)| if a == at { s.1 + s.2 } else { s.1.min(s.0) }).collect();
            let generator = &mut Generator::new(seed);
            let x = counting(&shape);
            let axis = at as isize - shape.len() as isize;

            let index = indices(&index_shape, shape[at], generator);
            let taken = x.gather(axis, &index).unwrap();
            let mut scattered = x.clone();
            let expected = Tensor::from_fn(&index_shape, |place| {
                let mut source = place.to_vec();
                source[at] = index.get(place).unwrap() as usize;
                let old = scattered.get(&source).unwrap();
                scattered.set(&source, old + 7).unwrap();
                x.get(&source).unwrap()
            }).unwrap();
            prop_assert_eq!(&taken, &expected);
            let sevens = Tensor::full(&index_shape, 7).unwrap();
            prop_assert_eq!(x.scatter_add(axis, &index, &sevens).unwrap(), scattered);
            let y = counting(&index_shape);
            let back = x.zeros_like().scatter_add(axis, &index, &y).unwrap();
            prop_assert_eq!(dot(&taken, &y), dot(&x, &back));

            let rows = indices(&[sizes[at].1], shape[at], generator);
            let taken = x.index_select(axis, &rows).unwrap();
            let expected = Tensor::from_fn(taken.shape(), |place| {
                let mut source = place.to_vec();
                source[at] = rows.get([place[at]]).unwrap() as usize;
                x.get(source).unwrap()
            });
            prop_assert_eq!(&taken, &expected.unwrap());
            let y = counting(taken.shape());
            let back = x.zeros_like().index_add(axis, &rows, &y).unwrap();
            prop_assert_eq!(dot(&taken, &y), dot(&x, &back));
        }
    }

    #[test]
    fn repeats_add_up() {
        let zero = Tensor::<f64>::zeros([2, 3]).unwrap();
        let index = Tensor::from([[0, 0, 2, 1]]);
        // torch.zeros(2, 3).scatter_add(1, torch.tensor([[0, 0, 2, 1]]), torch.ones(2, 5))
        let sums = zero.scatter_add(1, &index, &Tensor::ones([2, 5]).unwrap());
        assert_eq!(sums.unwrap(), Tensor::from([[2.0, 1.0, 1.0], [0.0; 3]]));
        let sums = zero.index_add(1, &Tensor::from([2, 2]), &Tensor::ones([2, 2]).unwrap());
        assert_eq!(sums.unwrap(), Tensor::from([[0.0, 0.0, 2.0]; 2]));
    }

    #[test]
    fn numbers_are_lines_of_one_as_in_pytorch() {
        let (number, pair) = (Tensor::scalar(5), Tensor::from([5, 6]));
        let (first, second) = (Tensor::scalar(0), Tensor::scalar(1));
        let twice = Tensor::from([0, 0]);
        assert_eq!(number.index_select(0, &first).unwrap(), number);
        assert_eq!(number.index_select(-1, &Tensor::from([0])).unwrap(), number);
        assert!(number.index_select(0, &twice).is_err());
        assert!(number.index_select(0, &second).is_err());
        assert!(number.index_select(1, &first).is_err());
        assert_eq!(pair.index_select(0, &second).unwrap(), Tensor::from([6]));
        assert_eq!(number.gather(0, &twice).unwrap(), Tensor::from([5, 5]));
        assert_eq!(number.gather(-1, &first).unwrap(), number);
        assert_eq!(pair.gather(0, &second).unwrap(), Tensor::scalar(6));
        assert!(pair.unsqueeze(0).unwrap().gather(0, &first).is_err());
        assert_eq!(
            number.index_add(0, &first, &number).unwrap(),
            Tensor::scalar(10)
        );
        assert!(number.index_add(0, &twice, &pair).is_err());
        assert_eq!(
            number.scatter_add(0, &twice, &pair).unwrap(),
            Tensor::scalar(16)
        );
        assert_eq!(
            pair.scatter_add(0, &second, &pair).unwrap(),
            Tensor::from([5, 11])
        );
    }

    #[test]
    fn labels_become_rows() {
        let one = Tensor::scalar(1).one_hot::<bool>(3).unwrap();
        assert_eq!(one.to_vec(), [false, true, false]);
        let none = Tensor::<i64>::zeros([2, 0]).unwrap();
        assert_eq!(none.one_hot::<f32>(0).unwrap().shape(), [2, 0, 0]);
        assert_eq!(
            Tensor::from([[0, 1], [3, 2]])
                .one_hot::<f32>(3)
                .unwrap_err()
                .to_string(),
            "one_hot: label 3 at [1, 0] is not one of 3 classes"
        );
        assert!(Tensor::from([0]).one_hot::<f32>(0).is_err());
        assert!(Tensor::from([-1]).one_hot::<f32>(3).is_err());
        assert!(Tensor::from([0]).one_hot::<f32>(usize::MAX).is_err());
    }

    #[test]
    fn bad_indices_and_shapes_are_errors() {
        let x = counting(&[2, 3]);
        assert_eq!(
            x.gather(1, &Tensor::from([[0, 1], [2, 3]]))
                .unwrap_err()
                .to_string(),
            "gather: index 3 at [1, 1] is out of range for axis 1 of size 3"
        );
        assert!(x.index_select(0, &Tensor::from([-1])).is_err());
        assert!(x.index_select(0, &Tensor::from([[0]])).is_err());
        assert!(x.index_select(2, &Tensor::from([0])).is_err());
        assert!(x.gather(1, &Tensor::from([0])).is_err());
        assert!(x.gather(1, &Tensor::<i64>::zeros([3, 1]).unwrap()).is_err());
        assert!(
            x.index_add(0, &Tensor::from([0]), &counting(&[2, 3]))
                .is_err()
        );
        assert!(
            x.index_add(0, &Tensor::from([2]), &counting(&[1, 3]))
                .is_err()
        );
        let index = Tensor::from([[0, 0]]);
        let error = x.scatter_add(1, &index, &counting(&[1, 1])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "scatter_add: the index must have the axes of the source and be no larger \
             (index [1, 2], source [1, 1])"
        );
        let none = Tensor::<i64>::zeros([0, 3]).unwrap();
        assert!(none.gather(0, &Tensor::from([[0]])).is_err());
        assert_eq!(
            none.index_select(1, &Tensor::from([2, 0])).unwrap().shape(),
            [0, 2]
        );
    }
}
