//! Where elements lie: shapes, the order of axes, repeating and reversing.
//!
//! Since elements always lie in row-major order, whatever keeps that order is
//! free: `reshape`, `flatten`, `squeeze`, `unsqueeze`, and a permutation that
//! moves only axes of size 1 give a new header for the same storage.
//!
//! **Cost.** Everything else copies once. A transposition is copied in square
//! tiles: read row by row it would be written column by column, and touch a new
//! cache line with every element.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::shape::{
    Axes, Sizes, allocate, axes, axis, broadcast, broadcast_strides, for_each_row, nest, numel,
    strides, wrap_axes, wrap_axis,
};
use crate::tensor::Tensor;

/// The side of a tile: 16 lines of 16 elements stay in any first-level cache.
const TILE: usize = 16;

impl<T: Element> Tensor<T> {
    /// The same elements in the same order under another shape, of which one
    /// size may be −1: the one that makes the number of elements fit. Free.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::arange(0, 6, 1)?;
    /// assert_eq!(x.reshape([2, -1])?, Tensor::from([[0, 1, 2], [3, 4, 5]]));
    /// assert!(x.reshape([4, -1]).is_err());
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of elements differs, more than one size
    /// is negative, or −1 could be anything, as in `[0, -1]`;
    /// [`Error::TooLarge`] for a size that no tensor can have.
    pub fn reshape(&self, shape: impl AsRef<[isize]>) -> Result<Self> {
        const OP: &str = "reshape";
        let given = shape.as_ref();
        let refuse = |why: &str| {
            Err(Error::shape(
                OP,
                format!("{why} (shape {:?} to {given:?})", self.shape()),
            ))
        };
        let mut known = 1usize;
        let mut inferred = None;
        let mut shape = Vec::with_capacity(given.len());
        for (i, &size) in given.iter().enumerate() {
            match usize::try_from(size) {
                Ok(size) => {
                    known = known.saturating_mul(size);
                    shape.push(size);
                }
                Err(_) if size == -1 && inferred.is_none() => {
                    inferred = Some(i);
                    shape.push(1);
                }
                Err(_) if size == -1 => return refuse("only one size can be inferred"),
                Err(_) => return refuse("a size must be -1 or at least 0"),
            }
        }
        if let Some(i) = inferred {
            if known == 0 {
                return refuse("beside a size of 0, -1 could be any size");
            }
            // A remainder shows as a wrong number of elements below.
            shape[i] = self.len() / known;
        }
        self.reshape_to(&shape)
    }

    /// [`reshape`](Self::reshape) under PyTorch's other name for it: elements
    /// always lie in row-major order here, so that every reshape is a view.
    ///
    /// # Errors
    /// As [`reshape`](Self::reshape).
    pub fn view(&self, shape: impl AsRef<[isize]>) -> Result<Self> {
        self.reshape(shape)
    }

    /// [`reshape`](Self::reshape) to a shape whose sizes are all known.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of elements differs, [`Error::TooLarge`].
    pub fn reshape_to(&self, shape: impl AsRef<[usize]>) -> Result<Self> {
        let shape = shape.as_ref();
        if numel::<T>("reshape", shape)? != self.len() {
            return Err(Error::shape(
                "reshape",
                format!(
                    "{} elements do not fill {shape:?} (shape {:?})",
                    self.len(),
                    self.shape()
                ),
            ));
        }
        Ok(self.with_shape(shape))
    }

    /// The axes `start` to `end`, both included, as one. A tensor without axes
    /// becomes one of shape `[1]`. Free.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let features = Tensor::<f32>::zeros([64, 16, 5, 5])?;
    /// assert_eq!(features.flatten(1, -1)?.shape(), [64, 400]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`], or [`Error::Value`] if `start` comes after `end`.
    pub fn flatten(&self, start: isize, end: isize) -> Result<Self> {
        const OP: &str = "flatten";
        let ndim = self.ndim().max(1);
        let (first, last) = (axis(OP, start, ndim)?, axis(OP, end, ndim)?);
        if first > last {
            return Err(Error::value(
                OP,
                format!(
                    "the first axis {start} comes after the last {end} (shape {:?})",
                    self.shape()
                ),
            ));
        }
        let mut shape = self.shape().to_vec();
        let joint = shape.iter().skip(first).take(last + 1 - first).product();
        let end = (last + 1).min(shape.len());
        shape.splice(first..end, [joint]);
        Ok(self.with_shape(&shape))
    }

    /// The tensor without those of the named axes whose size is 1; an axis of
    /// another size stays. Free.
    ///
    /// # Errors
    /// [`Error::Axis`], or [`Error::Value`] for an axis named twice.
    pub fn squeeze(&self, axes: impl Axes) -> Result<Self> {
        let named = wrap_axes("squeeze", &axes.to_axes(), self.ndim())?;
        let sizes = self.shape().iter().enumerate();
        let kept = sizes.filter(|(i, size)| **size != 1 || !named.contains(i));
        let shape: Vec<usize> = kept.map(|(_, &size)| size).collect();
        Ok(self.with_shape(&shape))
    }

    /// The tensor without all axes of size 1. Free.
    #[must_use]
    pub fn squeeze_all(&self) -> Self {
        let sizes = self.shape().iter().copied();
        let shape: Vec<usize> = sizes.filter(|&size| size != 1).collect();
        self.with_shape(&shape)
    }

    /// A new axis of size 1, which will be the one of that number. Free.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::<f32>::zeros([2, 3])?;
    /// assert_eq!(x.unsqueeze(0)?.shape(), [1, 2, 3]);
    /// assert_eq!(x.unsqueeze(-1)?.shape(), [2, 3, 1]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`] unless the result has such an axis.
    pub fn unsqueeze(&self, axis: isize) -> Result<Self> {
        let at = self::axis("unsqueeze", axis, self.ndim() + 1)?;
        let mut shape = self.shape().to_vec();
        shape.insert(at, 1);
        Ok(self.with_shape(&shape))
    }

    /// The axes in another order: axis `i` of the result is axis `order[i]` of
    /// this tensor. Copies, unless only axes of size 1 move.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let image = Tensor::<f32>::zeros([28, 30, 3])?; // height, width, channels
    /// assert_eq!(image.permute([2, 0, 1])?.shape(), [3, 28, 30]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`], [`Error::Value`] unless every axis is named once.
    pub fn permute(&self, order: impl Axes) -> Result<Self> {
        const OP: &str = "permute";
        let given = order.to_axes();
        if axes(OP, &given, self.ndim())?.len() != self.ndim() {
            return Err(Error::value(
                OP,
                format!(
                    "every axis must be named once, got {given:?} (shape {:?})",
                    self.shape()
                ),
            ));
        }
        let order = given.iter().map(|&a| axis(OP, a, self.ndim()));
        self.permuted(OP, &order.collect::<Result<Vec<_>>>()?)
    }

    /// The tensor with two axes exchanged. Copies, unless one of them has size
    /// 1 and so has everything between them.
    ///
    /// # Errors
    /// [`Error::Axis`].
    pub fn transpose(&self, a: isize, b: isize) -> Result<Self> {
        const OP: &str = "transpose";
        let (a, b) = (
            wrap_axis(OP, a, self.ndim())?,
            wrap_axis(OP, b, self.ndim())?,
        );
        if a == b {
            return Ok(self.clone());
        }
        let mut order: Vec<usize> = (0..self.ndim()).collect();
        order.swap(a, b);
        self.permuted(OP, &order)
    }

    /// The transposed matrix. A tensor of fewer than two axes is its own.
    ///
    /// # Errors
    /// [`Error::Shape`] for more than two axes.
    pub fn t(&self) -> Result<Self> {
        match self.ndim() {
            0 | 1 => Ok(self.clone()),
            2 => self.permuted("t", &[1, 0]),
            _ => Err(Error::shape(
                "t",
                format!("needs at most 2 axes, got shape {:?}", self.shape()),
            )),
        }
    }

    /// [`permute`](Self::permute) for an order that is known to be one.
    fn permuted(&self, op: &'static str, order: &[usize]) -> Result<Self> {
        let shape: Vec<usize> = order.iter().map(|&a| self.shape()[a]).collect();
        let long = order.iter().filter(|&&a| self.shape()[a] != 1);
        if self.is_empty() || long.is_sorted() {
            return Ok(self.with_shape(&shape));
        }
        let own = strides(self.shape());
        let steps = order.iter().map(|&a| own[a]).collect();
        let mut loops = nest(&shape, &[steps, strides(&shape)]);
        let mut data = allocate(op, &shape)?;
        data.resize(self.len(), T::ZERO);
        let source = self.as_slice();
        // The innermost loop walks the result without gaps; some other loop
        // walks the source without gaps, unless it is the same.
        let (columns, [far, _]) = loops.pop().unwrap_or((1, [1, 1]));
        let along = loops.iter().position(|&(_, [step, _])| step == 1);
        let (rows, [_, gap]) = along.map_or((1, [1, 1]), |i| loops.remove(i));
        for_each_row(&loops, |[from, to]| {
            if far == 1 {
                data[to..to + columns].copy_from_slice(&source[from..from + columns]);
                return;
            }
            for i0 in (0..rows).step_by(TILE) {
                for j0 in (0..columns).step_by(TILE) {
                    for i in i0..rows.min(i0 + TILE) {
                        let row = &mut data[to + i * gap..][..columns];
                        for (j, x) in row.iter_mut().enumerate().skip(j0).take(TILE) {
                            *x = source[from + i + j * far];
                        }
                    }
                }
            }
        });
        Ok(Self::from_parts(shape, data))
    }

    /// The tensor repeated along its axes of size 1, and along new leading
    /// axes, until it has this shape. −1 keeps the size of an axis that there is.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let column = Tensor::from([[1], [2]]);
    /// assert_eq!(column.expand([-1, 3])?, Tensor::from([[1, 1, 1], [2, 2, 2]]));
    /// assert!(column.expand([-1, 2, 1]).is_err()); // how many?
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the tensor does not broadcast to it, or −1 stands
    /// for an axis that is new; [`Error::TooLarge`].
    pub fn expand(&self, shape: impl Sizes) -> Result<Self> {
        let given = shape.to_sizes();
        let fit = || {
            let missing = given.len().checked_sub(self.ndim())?;
            let size = |(i, &size): (usize, &i128)| match usize::try_from(size) {
                Ok(size) => Some(size),
                Err(_) if size == -1 => self.shape().get(i.checked_sub(missing)?).copied(),
                Err(_) => None,
            };
            let wanted = given.iter().enumerate().map(size);
            let wanted = wanted.collect::<Option<Vec<usize>>>()?;
            let joint = broadcast("expand", self.shape(), &wanted).ok()?;
            (joint == wanted).then_some(wanted)
        };
        let Some(shape) = fit() else {
            return Err(Error::shape(
                "expand",
                format!("shape {:?} does not expand to {given:?}", self.shape()),
            ));
        };
        if self.shape() == shape {
            return Ok(self.clone());
        }
        let shape = shape.as_slice();
        let mut data = allocate("expand", shape)?;
        let loops = nest(shape, &[broadcast_strides(self.shape(), shape)]);
        if let Some((&(len, [step]), outer)) = loops.split_last() {
            let own = self.as_slice();
            for_each_row(outer, |[i]| match step {
                0 if len > 0 => data.extend(std::iter::repeat_n(own[i], len)),
                _ => data.extend_from_slice(&own[i..i + len]),
            });
        }
        Ok(Self::from_parts(shape, data))
    }

    /// The elements in reverse order along the named axes, as in
    /// `image.flip(-1)`, its mirror image. One pass for each axis.
    ///
    /// # Errors
    /// [`Error::Axis`], or [`Error::Value`] for an axis named twice.
    pub fn flip(&self, axes: impl Axes) -> Result<Self> {
        const OP: &str = "flip";
        let mut flipped = self.clone();
        for axis in wrap_axes(OP, &axes.to_axes(), self.ndim())? {
            if self.ndim() == 0 {
                break; // one element is its own mirror image
            }
            let inner: usize = self.shape()[axis + 1..].iter().product();
            let block = inner * self.shape()[axis];
            if block == inner || self.is_empty() {
                continue;
            }
            let mut data = allocate(OP, self.shape())?;
            for block in flipped.as_slice().chunks_exact(block) {
                if inner == 1 {
                    data.extend(block.iter().rev());
                } else {
                    let runs = block.chunks_exact(inner).rev();
                    runs.for_each(|run| data.extend_from_slice(run));
                }
            }
            flipped = Self::from_parts(self.shape(), data);
        }
        Ok(flipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counting(shape: &[usize]) -> Tensor<i64> {
        let len: usize = shape.iter().product();
        Tensor::from_vec(shape, (0..len as i64).collect()).unwrap()
    }

    /// A shape of up to five axes and an order of them.
    fn shape_and_order() -> impl Strategy<Value = (Vec<usize>, Vec<isize>)> {
        prop::collection::vec(0usize..5, 0..6).prop_flat_map(|shape| {
            let order: Vec<isize> = (0..shape.len() as isize).collect();
            (Just(shape), Just(order).prop_shuffle())
        })
    }

    proptest! {
        #[test]
        fn permute_and_flip_agree_with_their_definitions((shape, order) in shape_and_order()) {
            let x = counting(&shape);
            let y = x.permute(&order).unwrap();
            let sizes: Vec<usize> = order.iter().map(|&a| shape[a as usize]).collect();
            let expected = Tensor::from_fn(sizes, |index| {
                let mut source = vec![0; index.len()];
                for (&a, &i) in order.iter().zip(index) {
                    source[a as usize] = i;
                }
                x.get(source).unwrap()
            });
            prop_assert_eq!(y, expected.unwrap());

            let axes = &order[..order.len() / 2];
            let expected = Tensor::from_fn(&shape, |index| {
                let mut source = index.to_vec();
                for &a in axes {
                    source[a as usize] = shape[a as usize] - 1 - source[a as usize];
                }
                x.get(source).unwrap()
            });
            prop_assert_eq!(x.flip(axes).unwrap(), expected.unwrap());
        }
    }

    #[test]
    fn a_transposition_larger_than_a_tile() {
        let x = counting(&[3, 37, 53]);
        let y = x.transpose(-1, 1).unwrap();
        assert_eq!(y.shape(), [3, 53, 37]);
        for (i, j, k) in [(0, 0, 0), (1, 36, 52), (2, 16, 31), (2, 15, 48)] {
            assert_eq!(y.get([i, k, j]), x.get([i, j, k]));
        }
        assert_eq!(y.transpose(1, 2).unwrap(), x);
        assert_eq!(
            x.reshape([111, 53]).unwrap().t().unwrap().shape(),
            [53, 111]
        );
    }

    #[test]
    fn what_keeps_the_order_is_free() {
        let x = counting(&[2, 1, 6]);
        for y in [
            x.reshape([-1, 4]).unwrap(),
            x.reshape_to([12]).unwrap(),
            x.flatten(0, 1).unwrap(),
            x.squeeze(1).unwrap(),
            x.squeeze_all(),
            x.unsqueeze(3).unwrap(),
            x.permute([1, 0, -1]).unwrap(),
            x.transpose(0, 1).unwrap(),
            x.expand([2, 1, 6]).unwrap(),
            x.flip(1).unwrap(),
            x.flip([]).unwrap(),
        ] {
            assert!(x.shares_storage(&y), "{:?}", y.shape());
        }
        assert!(!x.shares_storage(&x.transpose(0, 2).unwrap()));
    }

    #[test]
    fn reshape_infers_one_size() {
        let x = counting(&[2, 6]);
        assert_eq!(x.reshape([3, -1, 2]).unwrap().shape(), [3, 2, 2]);
        assert_eq!(counting(&[0]).reshape([-1, 2]).unwrap().shape(), [0, 2]);
        assert_eq!(counting(&[]).reshape([-1]).unwrap().shape(), [1]);
        assert_eq!(counting(&[1, 1]).reshape([]).unwrap().shape(), [0; 0]);
        for bad in [
            &[5, -1][..],
            &[-1, -1],
            &[-2, 6],
            &[13],
            &[0, -1],
            &[isize::MAX, isize::MAX, -1],
            &[isize::MAX, isize::MAX],
        ] {
            assert!(x.reshape(bad).is_err(), "{bad:?}");
        }
        assert!(counting(&[0]).reshape([0, 1 << 40, 1 << 40]).is_err());
        assert_eq!(
            counting(&[0]).reshape([0, -1]).unwrap_err().to_string(),
            "reshape: beside a size of 0, -1 could be any size (shape [0] to [0, -1])"
        );
        assert_eq!(
            x.reshape([5, -1]).unwrap_err().to_string(),
            "reshape: 12 elements do not fill [5, 2] (shape [2, 6])"
        );
    }

    #[test]
    fn flatten_and_squeeze_as_pytorch() {
        assert_eq!(counting(&[]).flatten(0, -1).unwrap().shape(), [1]);
        let x = counting(&[2, 1, 3]);
        assert_eq!(x.flatten(-2, -1).unwrap().shape(), [2, 3]);
        assert_eq!(x.flatten(1, 1).unwrap().shape(), [2, 1, 3]);
        assert!(x.flatten(2, 1).is_err());
        assert!(x.flatten(0, 3).is_err());
        assert_eq!(x.squeeze(0).unwrap().shape(), [2, 1, 3]);
        assert_eq!(x.squeeze([0, -2]).unwrap().shape(), [2, 3]);
        assert!(x.squeeze(3).is_err());
        assert!(x.squeeze([1, -2]).is_err());
        assert!(x.unsqueeze(4).is_err());
        assert_eq!(x.unsqueeze(-4).unwrap().shape(), [1, 2, 1, 3]);
    }

    #[test]
    fn bad_axes_and_shapes_are_errors() {
        let x = counting(&[2, 3, 4]);
        assert!(x.permute([0, 1]).is_err());
        assert!(x.permute([0, 1, 1]).is_err());
        assert!(x.permute([0, 1, 3]).is_err());
        assert!(x.transpose(0, 3).is_err());
        assert!(x.t().is_err());
        assert!(x.flip([0, -3]).is_err());
        assert!(x.expand([2, 3]).is_err());
        assert!(x.expand([2, 2, 3, 5]).is_err());
        assert!(counting(&[1]).expand([1usize << 40; 2]).is_err());
        assert_eq!(counting(&[1, 3]).expand([0, 3]).unwrap().shape(), [0, 3]);
        // −1 is the size of an axis that there is.
        assert_eq!(x.expand([5, -1, 3, -1]).unwrap().shape(), [5, 2, 3, 4]);
        assert_eq!(x.expand(vec![2, 3, 4]).unwrap(), x);
        let wrong = [
            &[-1, 2, 3, 4][..],
            &[2, 3, -2],
            &[-1],
            &[isize::MAX, 2, 3, 4],
        ];
        for bad in wrong {
            assert!(x.expand(bad).is_err(), "{bad:?}");
        }
        assert!(x.expand([usize::MAX, 2, 3, 4]).is_err());
        assert!(counting(&[]).expand([-1]).is_err());
    }

    #[test]
    fn a_number_stays_as_it_is() {
        let x = counting(&[]);
        assert_eq!(x.transpose(0, -1).unwrap(), x);
        assert_eq!(x.flip(0).unwrap(), x);
        assert_eq!(x.squeeze(-1).unwrap(), x);
        assert!(x.transpose(0, 1).is_err() && x.flip([0, 0]).is_err() && x.squeeze(1).is_err());
    }
}
