//! The windows along one axis, and its adjoint.
//!
//! ```text
//! unfold_axis: y[…, w, …, i] = x[…, w · step + i, …]
//! ```
//!
//! with a new last axis for the places in a window. Windows may overlap, and then
//! an element is read more than once; the adjoint adds up what comes back.
//!
//! **Cost.** One pass over the result.

use crate::element::{Element, Number};
use crate::error::{Error, Result};
use crate::shape::{self, Loop, for_each_row, nest, strides};
use crate::tensor::Tensor;

/// How the result is walked, and the tensor whose windows it holds.
struct Windows {
    shape: Vec<usize>,
    loops: Vec<Loop<2>>,
}

impl Windows {
    /// Those of a tensor of shape `input`.
    fn new(
        op: &'static str,
        input: &[usize],
        axis: isize,
        size: usize,
        step: usize,
    ) -> Result<Self> {
        let at = shape::axis(op, axis, input.len().max(1))?;
        if step == 0 {
            return Err(Error::value(op, "the step must be positive, got 0"));
        }
        // One element without axes is as good as a row of one.
        let len = input.get(at).copied().unwrap_or(1);
        if size > len {
            return Err(Error::shape(
                op,
                format!("windows of {size} do not fit into axis {axis} (shape {input:?})"),
            ));
        }
        let (mut shape, mut steps) = (input.to_vec(), strides(input));
        let along = steps.get(at).copied().unwrap_or(1);
        if let (Some(count), Some(between)) = (shape.get_mut(at), steps.get_mut(at)) {
            *count = (len - size) / step + 1;
            // Of a single window nobody steps to the next.
            *between = if *count > 1 { along * step } else { 0 };
        }
        shape.push(size);
        steps.push(along);
        shape::numel::<f64>(op, &shape)?;
        let loops = nest(&shape, &[strides(&shape), steps]);
        Ok(Self { shape, loops })
    }

    /// Calls `f` with places of the result and of the tensor, how far apart the
    /// next ones are there, and how many there are.
    fn for_each_line(&self, mut f: impl FnMut([usize; 2], [usize; 2], usize)) {
        if let Some((&(len, steps), outer)) = self.loops.split_last()
            && len > 0
        {
            for_each_row(outer, |starts| f(starts, steps, len));
        }
    }
}

impl<T: Element> Tensor<T> {
    /// The windows of `size` elements along an axis, each `step` further than the
    /// one before: `torch.Tensor.unfold`. The axis then counts the windows, and
    /// the places in a window are a new last axis. (For the windows of images,
    /// `torch.nn.functional.unfold`, see [`unfold`](Self::unfold).)
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([1, 2, 3, 4, 5, 6]);
    /// assert_eq!(x.unfold_axis(0, 3, 2)?, Tensor::from([[1, 2, 3], [3, 4, 5]]));
    /// assert_eq!(Tensor::<f32>::zeros([5, 4])?.unfold_axis(0, 2, 1)?.shape(), [4, 4, 2]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`], [`Error::Shape`] if no window fits into the axis (that of
    /// a tensor without axes has one element), [`Error::Value`] for a step of 0,
    /// [`Error::TooLarge`].
    pub fn unfold_axis(&self, axis: isize, size: usize, step: usize) -> Result<Self> {
        const OP: &str = "unfold_axis";
        let windows = Windows::new(OP, self.shape(), axis, size, step)?;
        let mut y = Self::arbitrary(OP, &windows.shape)?;
        let (x, out) = (self.as_slice(), y.as_mut_slice());
        windows.for_each_line(|[to, from], [_, step], len| {
            let line = &mut out[to..to + len];
            match step {
                1 => line.copy_from_slice(&x[from..from + len]),
                _ => {
                    let line = line.iter_mut().enumerate();
                    line.for_each(|(i, y)| *y = x[from + i * step]);
                }
            }
        });
        Ok(y)
    }
}

impl<T: Number> Tensor<T> {
    /// Windows added up where [`unfold_axis`](Self::unfold_axis) of a tensor of
    /// `input_shape` would have read them: its adjoint. The last axis holds the
    /// places in a window.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let windows = Tensor::from([[1, 2, 3], [10, 20, 30]]);
    /// assert_eq!(windows.fold_axis([6], 0, 2)?.to_vec(), [1, 2, 13, 20, 30, 0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`unfold_axis`](Self::unfold_axis) of a tensor of that shape, and
    /// [`Error::Shape`] unless this one has the shape of its result.
    pub fn fold_axis(
        &self,
        input_shape: impl AsRef<[usize]>,
        axis: isize,
        step: usize,
    ) -> Result<Self> {
        const OP: &str = "fold_axis";
        let input_shape = input_shape.as_ref();
        shape::numel::<T>(OP, input_shape)?;
        let size = self.shape().last().copied().unwrap_or(0);
        let windows = Windows::new(OP, input_shape, axis, size, step)?;
        if windows.shape != self.shape() {
            return Err(Error::shape(
                OP,
                format!(
                    "the windows of a tensor of shape {input_shape:?} have shape {:?}, not {:?}",
                    windows.shape,
                    self.shape()
                ),
            ));
        }
        let mut x = Self::filled(OP, input_shape, T::ZERO)?;
        let (g, sums) = (self.as_slice(), x.as_mut_slice());
        windows.for_each_line(|[from, to], [_, step], len| {
            let line = g[from..from + len].iter().enumerate();
            line.for_each(|(i, &g)| {
                let sum = &mut sums[to + i * step];
                *sum = sum.plus(g);
            });
        });
        Ok(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_its_definition_and_is_adjoint_to_fold(
            sizes in prop::collection::vec(0usize..7, 1..4),
            axis in 0usize..3,
            size in 0usize..5,
            step in 1usize..4,
        ) {
            let axis = axis % sizes.len();
            let len: usize = sizes.iter().product();
            let x = Tensor::from_vec(&sizes, (1..=len as i64).collect()).unwrap();
            let Ok(y) = x.unfold_axis(axis as isize - sizes.len() as isize, size, step) else {
                prop_assert!(size > sizes[axis]);
                return Ok(());
            };
            let mut shape = sizes.clone();
            shape[axis] = (sizes[axis] - size) / step + 1;
            shape.push(size);
            let expected = Tensor::from_fn(&shape, |at| {
                let (place, mut source) = (at[at.len() - 1], at[..at.len() - 1].to_vec());
                source[axis] = source[axis] * step + place;
                x.get(source).unwrap()
            });
            prop_assert_eq!(&y, &expected.unwrap());

            // The adjoint: ⟨unfold(x), y⟩ = ⟨x, fold(y)⟩.
            let g = y.map(|y| y % 5 - 2);
            let back = g.fold_axis(&sizes, axis as isize, step).unwrap();
            let dot = |a: &Tensor<i64>, b: &Tensor<i64>| -> i64 {
                a.iter().zip(b).map(|(a, b)| a * b).sum()
            };
            prop_assert_eq!(dot(&y, &g), dot(&x, &back));
        }
    }

    #[test]
    fn one_element_without_axes() {
        let x = Tensor::scalar(3);
        assert_eq!(x.unfold_axis(0, 1, 1).unwrap(), Tensor::from([3]));
        assert_eq!(x.unfold_axis(-1, 0, 1).unwrap().shape(), [0]);
        assert!(x.unfold_axis(0, 2, 1).is_err() && x.unfold_axis(1, 1, 1).is_err());
        let back = Tensor::from([5]).fold_axis([], 0, 1).unwrap();
        assert_eq!(back, Tensor::scalar(5));
    }

    #[test]
    fn refusals_say_why() {
        let x = Tensor::from([[1, 2, 3], [4, 5, 6]]);
        assert_eq!(
            x.unfold_axis(1, 4, 1).unwrap_err().to_string(),
            "unfold_axis: windows of 4 do not fit into axis 1 (shape [2, 3])"
        );
        assert!(x.unfold_axis(2, 1, 1).is_err() && x.unfold_axis(0, 1, 0).is_err());
        assert!(x.fold_axis([4], 0, 1).is_ok() && x.fold_axis([5], 0, 1).is_err());
        assert!(x.fold_axis([usize::MAX, 2], 0, 1).is_err());
        assert_eq!(x.unfold_axis(1, 2, usize::MAX).unwrap().shape(), [2, 1, 2]);
        let nothing = Tensor::<i64>::zeros([0, 3]).unwrap();
        assert_eq!(nothing.unfold_axis(0, 0, 1).unwrap().shape(), [1, 3, 0]);
    }
}
