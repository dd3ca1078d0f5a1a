//! Reading parts of a tensor, and writing to them in place.
//!
//! Whatever the caller wrote is turned into one checked `Region` first, and
//! reading, filling, assigning and their adjoint all walk that. `narrow` and
//! `select` are regions that restrict one axis.
//!
//! **Cost.** A region whose elements lie in one run, such as a range of the
//! leading axis, is read without a copy; any other is copied, run by run.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::region::{Region, Slices, from_end};
use crate::shape::{allocate, axis, broadcast, broadcast_strides, for_each_row, numel, strides};
use crate::tensor::Tensor;

impl Region {
    /// The part's own tensor.
    fn read<T: Element>(&self, op: &'static str, tensor: &Tensor<T>) -> Result<Tensor<T>> {
        let shape = self.shape();
        if self.is_empty() {
            return Tensor::filled(op, &shape, T::ZERO);
        }
        let loops = self.loops(&strides(&shape));
        if let [(len, [0 | 1, _])] = loops[..] {
            let flat = tensor.with_shape(&[tensor.len()]);
            return Ok(flat.leading_run(self.offset, len).with_shape(&shape));
        }
        let mut data = allocate(op, &shape)?;
        let source = &tensor.as_slice()[self.offset..];
        if let Some((&(len, [step, _]), outer)) = loops.split_last() {
            for_each_row(outer, |[from, _]| match step {
                1 => data.extend_from_slice(&source[from..from + len]),
                _ => data.extend(source[from..].iter().step_by(step).take(len)),
            });
        }
        Ok(Tensor::from_parts(shape, data))
    }

    /// Calls `f(element of the part, offset in the other operand)` for every
    /// element of the part.
    fn for_each<T: Element>(
        &self,
        tensor: &mut Tensor<T>,
        other: &[usize],
        f: impl Fn(&mut T, usize),
    ) {
        if self.is_empty() {
            return;
        }
        let target = &mut tensor.as_mut_slice()[self.offset..];
        if let Some((&(len, [step, other_step]), outer)) = self.loops(other).split_last() {
            for_each_row(outer, |[to, from]| {
                let row = target[to..].iter_mut().step_by(step.max(1)).take(len);
                row.enumerate()
                    .for_each(|(i, x)| f(x, from + i * other_step));
            });
        }
    }

    /// Writes a value, broadcast, to the part.
    fn write<T: Element>(
        &self,
        op: &'static str,
        tensor: &mut Tensor<T>,
        value: &Tensor<T>,
    ) -> Result<()> {
        let shape = self.shape();
        if !broadcast(op, value.shape(), &shape).is_ok_and(|joint| joint == shape) {
            return Err(Error::shape(
                op,
                format!(
                    "a value of shape {:?} does not fit the slice of shape {shape:?}",
                    value.shape()
                ),
            ));
        }
        let source = value.as_slice();
        let steps = broadcast_strides(value.shape(), &shape);
        self.for_each(tensor, &steps, |x, from| *x = source[from]);
        Ok(())
    }
}

impl<T: Element> Tensor<T> {
    /// A part of the tensor: a slice for each of the leading axes. Ranges are
    /// clipped as in Python, an index must exist and removes its axis.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::arange(0, 12, 1)?.reshape([3, 4])?;
    /// assert_eq!(x.slice((.., 1..3))?, Tensor::from([[1, 2], [5, 6], [9, 10]]));
    /// assert_eq!(x.slice((-1, ..99))?, Tensor::from([8, 9, 10, 11]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] for more slices than axes, [`Error::Value`] for an
    /// index out of range or a step of 0.
    pub fn slice(&self, slices: impl Slices) -> Result<Self> {
        const OP: &str = "slice";
        Region::new(OP, self.shape(), &slices.to_slices())?.read(OP, self)
    }

    /// Writes one value to a part of the tensor, in place: `x[:, 2:6] = 0`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let mut x = Tensor::<f32>::ones([2, 4])?;
    /// x.slice_fill((.., 1..3), 0.0)?;
    /// assert_eq!(x, Tensor::from([[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`slice`](Self::slice).
    pub fn slice_fill(&mut self, slices: impl Slices, value: T) -> Result<()> {
        let region = Region::new("slice_fill", self.shape(), &slices.to_slices())?;
        let steps = vec![0; region.kept.len()];
        region.for_each(self, &steps, |x, _| *x = value);
        Ok(())
    }

    /// Writes a tensor, broadcast, to a part of this one, in place.
    ///
    /// # Errors
    /// As [`slice`](Self::slice), and [`Error::Shape`] if the value does not
    /// broadcast to the shape of the part.
    pub fn slice_assign(&mut self, slices: impl Slices, value: &Self) -> Result<()> {
        const OP: &str = "slice_assign";
        let region = Region::new(OP, self.shape(), &slices.to_slices())?;
        region.write(OP, self, value)
    }

    /// A tensor of zeros of the given shape, with this one written to a part
    /// of it: the adjoint of [`slice`](Self::slice).
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([1, 2]);
    /// assert_eq!(x.unslice([2, 3], (1, 1..))?, Tensor::from([[0, 0, 0], [0, 1, 2]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`slice`](Self::slice) of a tensor of that shape, [`Error::Shape`]
    /// unless this tensor has exactly the shape of the part,
    /// [`Error::TooLarge`].
    pub fn unslice(&self, shape: impl AsRef<[usize]>, slices: impl Slices) -> Result<Self> {
        const OP: &str = "unslice";
        let shape = shape.as_ref();
        numel::<T>(OP, shape)?;
        let region = Region::new(OP, shape, &slices.to_slices())?;
        if region.shape() != self.shape() {
            return Err(Error::shape(
                OP,
                format!(
                    "the slice has shape {:?}, the tensor {:?} (within {shape:?})",
                    region.shape(),
                    self.shape()
                ),
            ));
        }
        let mut whole = Self::filled(OP, shape, T::ZERO)?;
        region.write(OP, &mut whole, self)?;
        Ok(whole)
    }

    /// The `len` positions of an axis from `start` on, which counts from the
    /// end when negative. Unlike a slice it does not clip.
    ///
    /// # Errors
    /// [`Error::Axis`], [`Error::Value`] if the run is not within the axis.
    pub fn narrow(&self, axis: isize, start: isize, len: usize) -> Result<Self> {
        const OP: &str = "narrow";
        let at = self::axis(OP, axis, self.ndim())?;
        let size = self.shape()[at];
        let first = from_end(start, size)
            .filter(|first| first.checked_add(len).is_some_and(|end| end <= size))
            .ok_or_else(|| {
                Error::value(
                    OP,
                    format!(
                        "{len} positions from {start} on are not within axis {axis} \
                         of size {size} (shape {:?})",
                        self.shape()
                    ),
                )
            })?;
        let mut region = Region::whole(self.shape());
        region.restrict(at, first, len, 1);
        region.read(OP, self)
    }

    /// One position of an axis, negative ones counted from the end, without
    /// that axis.
    ///
    /// # Errors
    /// [`Error::Axis`], [`Error::Value`] if there is no such position.
    pub fn select(&self, axis: isize, index: isize) -> Result<Self> {
        const OP: &str = "select";
        let at = self::axis(OP, axis, self.ndim())?;
        let mut region = Region::whole(self.shape());
        region.select(OP, self.shape(), at, index)?;
        region.read(OP, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Slice;
    use proptest::prelude::*;

    fn counting(shape: &[usize]) -> Tensor<i64> {
        let len: usize = shape.iter().product();
        Tensor::from_vec(shape, (0..len as i64).collect()).unwrap()
    }

    /// The positions of one axis by Python's rules, written as a filter.
    fn positions(slice: Slice, size: usize) -> Vec<usize> {
        let n = size as isize;
        let absolute = |x: isize| if x < 0 { x + n } else { x };
        match slice {
            Slice::Index(i) => vec![absolute(i) as usize],
            Slice::Range { start, end, step } => {
                let (start, end) = (absolute(start.unwrap_or(0)), absolute(end.unwrap_or(n)));
                (0..n)
                    .filter(|&i| i >= start && i < end && (i - start.max(0)) % step as isize == 0)
                    .map(|i| i as usize)
                    .collect()
            }
        }
    }

    fn any_slice() -> impl Strategy<Value = Slice> {
        let bound = || prop::option::of(-7isize..8);
        prop_oneof![
            3 => (bound(), bound(), 1usize..4)
                .prop_map(|(start, end, step)| Slice::Range { start, end, step }),
            1 => (-5isize..5).prop_map(Slice::Index),
        ]
    }

    proptest! {
        #[test]
        fn slices_agree_with_pythons_rules(
            shape in prop::collection::vec(0usize..6, 0..5),
            slices in prop::collection::vec(any_slice(), 0..5),
        ) {
            let x = counting(&shape);
            let in_range = slices.iter().zip(&shape).all(|(slice, &size)| match slice {
                Slice::Index(i) => (-(size as isize)..size as isize).contains(i),
                Slice::Range { .. } => true,
            });
            let Ok(part) = x.slice(&slices) else {
                prop_assert!(slices.len() > shape.len() || !in_range);
                return Ok(());
            };
            prop_assert!(slices.len() <= shape.len() && in_range);

            let taken: Vec<Vec<usize>> = (0..shape.len())
                .map(|a| slices.get(a).map_or((0..shape[a]).collect(), |&s| positions(s, shape[a])))
                .collect();
            let lens: Vec<usize> = taken.iter().map(Vec::len).collect();
            let expected = Tensor::from_fn(&lens, |index| {
                let source: Vec<usize> = index.iter().zip(&taken).map(|(&i, t)| t[i]).collect();
                x.get(source).unwrap()
            }).unwrap();
            prop_assert_eq!(part.to_vec(), expected.to_vec());
            let shape_left: Vec<usize> = lens.iter().enumerate()
                .filter(|(a, _)| !matches!(slices.get(*a), Some(Slice::Index(_))))
                .map(|(_, &n)| n).collect();
            prop_assert_eq!(part.shape(), &shape_left[..]);

            // Writing reaches exactly what reading sees.
            let mut filled = x.clone();
            filled.slice_fill(&slices, -1).unwrap();
            let inside: Vec<i64> = part.to_vec();
            for (&new, &old) in filled.iter().zip(&x) {
                prop_assert_eq!(new, if inside.contains(&old) { -1 } else { old });
            }
            filled.slice_assign(&slices, &part).unwrap();
            prop_assert_eq!(&filled, &x);

            // The adjoint: ⟨x[s], y⟩ = ⟨x, unslice(y)⟩.
            let y = &part * 3 + 1;
            let whole = y.unslice(&shape, &slices).unwrap();
            let dot = |a: &Tensor<i64>, b: &Tensor<i64>| -> i64 {
                a.iter().zip(b).map(|(a, b)| a * b).sum()
            };
            prop_assert_eq!(dot(&part, &y), dot(&x, &whole));
            prop_assert_eq!(whole.slice(&slices).unwrap(), y);
        }
    }

    #[test]
    fn a_region_in_one_run_is_a_view() {
        let x = counting(&[3, 4, 5]);
        let at = |i: usize| x.as_slice()[i..].as_ptr();
        assert_eq!(x.slice((1..,)).unwrap().as_slice().as_ptr(), at(20));
        assert_eq!(x.slice((1, 2..4)).unwrap().as_slice().as_ptr(), at(30));
        assert_eq!(x.select(0, -1).unwrap().as_slice().as_ptr(), at(40));
        assert_eq!(x.narrow(0, 1, 2).unwrap().as_slice().as_ptr(), at(20));
        let row = x.slice((2, 3)).unwrap();
        assert_eq!(row.as_slice().as_ptr(), at(55));
        assert_eq!(row.slice((1,)).unwrap().item().unwrap(), 56);
        // Not this one.
        assert_eq!(x.narrow(1, 0, 1).unwrap().to_vec()[5], 20);
    }

    #[test]
    fn writing_to_a_view_leaves_the_whole_alone() {
        let x = counting(&[2, 2]);
        let mut row = x.select(0, 1).unwrap();
        row.slice_fill((0,), 9).unwrap();
        assert_eq!(row.to_vec(), [9, 3]);
        assert_eq!(x.to_vec(), [0, 1, 2, 3]);
    }

    #[test]
    fn assigned_values_broadcast() {
        let mut x = counting(&[2, 3]);
        x.slice_assign((.., 1..), &Tensor::from([[7], [8]]))
            .unwrap();
        assert_eq!(x, Tensor::from([[0, 7, 7], [3, 8, 8]]));
        x.slice_assign((0,), &Tensor::scalar(5)).unwrap();
        assert_eq!(x, Tensor::from([[5, 5, 5], [3, 8, 8]]));
        assert!(x.slice_assign((0,), &Tensor::from([1, 2])).is_err());
        assert!(x.slice_assign((0, ..1), &Tensor::from([1, 2])).is_err());
    }

    #[test]
    fn narrow_does_not_clip() {
        let x = Tensor::arange(0, 5, 1).unwrap();
        assert_eq!(x.narrow(0, -2, 2).unwrap().to_vec(), [3, 4]);
        assert_eq!(x.narrow(-1, 5, 0).unwrap().shape(), [0]);
        for (start, len) in [(6, 0), (-6, 0), (3, 3), (-1, 2), (1, usize::MAX)] {
            assert!(x.narrow(0, start, len).is_err(), "{start} {len}");
        }
        assert_eq!(
            x.narrow(0, 3, 3).unwrap_err().to_string(),
            "narrow: 3 positions from 3 on are not within axis 0 of size 5 (shape [5])"
        );
    }

    #[test]
    fn bad_slices_are_errors() {
        let x = counting(&[2, 3]);
        assert!(x.select(0, 2).is_err());
        assert!(x.select(2, 0).is_err());
        assert!(x.select(0, isize::MIN).is_err());
        assert!(x.slice((.., .., ..)).is_err());
        assert!(x.slice((Slice::from(..).step(0),)).is_err());
        assert!(x.unslice([4, 3], (..3,)).is_err());
        assert!(x.unslice([1 << 40; 3], (..2, ..3, 0)).is_err());
        let mut shape = [1; 40];
        shape[39] = 1 << 59;
        assert!(x.unslice(shape, [Slice::from(1..); 40]).is_err());
        let far = Slice::from(isize::MIN..isize::MAX).step(usize::MAX);
        assert_eq!(x.slice((far,)).unwrap().to_vec(), [0, 1, 2]);
        assert_eq!(counting(&[2, 2]).slice((2.., 2..)).unwrap().shape(), [0, 0]);
        assert_eq!(
            x.slice((.., 3)).unwrap_err().to_string(),
            "slice: index 3 is out of range for axis 1 of size 3 (shape [2, 3])"
        );
    }
}
