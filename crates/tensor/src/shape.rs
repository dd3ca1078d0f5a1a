//! Arithmetic on shapes: sizes that are checked, axes that may be negative,
//! and NumPy's broadcasting.
//!
//! Everything that turns a caller's numbers into a size, an axis or an
//! allocation passes through here, so that an overflow or an impossible
//! request is an [`Error`] before any loop starts.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::storage::Buffer;

/// The most axes for which a [`Shape`] needs no memory of its own.
const INLINE: usize = 4;

/// The size of each axis, as a tensor keeps it: within itself for up to
/// [`INLINE`] axes, so that a new header for old elements allocates nothing. (No
/// more, since headers are copied more often than anything else.)
#[derive(Clone, PartialEq)]
pub(crate) enum Shape {
    Inline(u8, [usize; INLINE]),
    Heap(Box<[usize]>),
}

impl From<&[usize]> for Shape {
    #[inline]
    fn from(shape: &[usize]) -> Self {
        if shape.len() > INLINE {
            return Self::Heap(shape.into());
        }
        // One by one: a copy of unknown length would be a call. Zeros in the
        // rest, so that equal shapes are equal in all of it.
        let size = |axis| shape.get(axis).copied().unwrap_or(0);
        Self::Inline(shape.len() as u8, std::array::from_fn(size))
    }
}

impl std::ops::Deref for Shape {
    type Target = [usize];
    #[inline]
    fn deref(&self) -> &[usize] {
        match self {
            Self::Inline(ndim, sizes) => &sizes[..usize::from(*ndim)],
            Self::Heap(sizes) => sizes,
        }
    }
}

impl std::ops::DerefMut for Shape {
    fn deref_mut(&mut self) -> &mut [usize] {
        match self {
            Self::Inline(ndim, sizes) => &mut sizes[..usize::from(*ndim)],
            Self::Heap(sizes) => sizes,
        }
    }
}

/// The number of elements of `shape`, if that many `T` can exist in memory.
///
/// # Errors
/// [`Error::TooLarge`] if the size in bytes passes `isize::MAX`. Axes of size
/// zero do not excuse the others: an empty tensor must still be addressable.
pub fn numel<T: Element>(op: &'static str, shape: &[usize]) -> Result<usize> {
    let mut addressable = size_of::<T>();
    for &size in shape.iter().filter(|&&size| size != 0) {
        addressable = addressable
            .checked_mul(size)
            .ok_or_else(|| too_large::<T>(op, shape))?;
    }
    if isize::try_from(addressable).is_err() {
        return Err(too_large::<T>(op, shape));
    }
    Ok(shape.iter().product())
}

/// An empty vector with room for a result of `shape`, for operations that push
/// one element after the other. (Those that write into a slice start from
/// `Tensor::arbitrary`.)
///
/// # Errors
/// [`Error::TooLarge`] if there are more bytes than an address space has, or
/// than the allocator would give.
pub(crate) fn allocate<T: Element>(op: &'static str, shape: &[usize]) -> Result<Buffer<T>> {
    Buffer::with_room(numel::<T>(op, shape)?).map_err(|_| too_large::<T>(op, shape))
}

/// No memory holds a tensor of this shape.
#[cold]
pub(crate) fn too_large<T: Element>(op: &'static str, shape: &[usize]) -> Error {
    Error::TooLarge {
        op,
        shape: shape.to_vec(),
        element: T::NAME,
    }
}

/// An axis as given, negative ones counting from the end, as an index.
///
/// # Errors
/// [`Error::Axis`] unless `-ndim <= axis < ndim`.
pub fn axis(op: &'static str, axis: isize, ndim: usize) -> Result<usize> {
    let index = if axis < 0 {
        ndim.checked_sub(axis.unsigned_abs())
    } else {
        Some(axis.unsigned_abs())
    };
    index
        .filter(|&index| index < ndim)
        .ok_or(Error::Axis { op, axis, ndim })
}

/// Axes as given, as indices in ascending order.
///
/// # Errors
/// [`Error::Axis`] for one out of range, [`Error::Value`] for one named twice.
pub fn axes(op: &'static str, given: &[isize], ndim: usize) -> Result<Vec<usize>> {
    let mut indices = given
        .iter()
        .map(|&a| axis(op, a, ndim))
        .collect::<Result<Vec<_>>>()?;
    indices.sort_unstable();
    if indices.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Error::value(
            op,
            format!("an axis appears twice in {given:?} (the tensor has {ndim})"),
        ));
    }
    Ok(indices)
}

/// As [`axis`], for the operations that take a tensor without axes as one of a
/// single axis of size 1, as PyTorch does: the sum, or the softmax, of a number
/// along axis 0 or −1.
///
/// # Errors
/// [`Error::Axis`] unless `-n <= axis < n`, where n is `ndim`, but 1 for 0.
pub fn wrap_axis(op: &'static str, axis: isize, ndim: usize) -> Result<usize> {
    self::axis(op, axis, ndim.max(1)).map_err(|_| Error::Axis { op, axis, ndim })
}

/// As [`axes`], for the operations of [`wrap_axis`].
///
/// # Errors
/// [`Error::Axis`] for one out of range, [`Error::Value`] for one named twice.
pub fn wrap_axes(op: &'static str, given: &[isize], ndim: usize) -> Result<Vec<usize>> {
    match given.iter().find(|&&a| wrap_axis(op, a, ndim).is_err()) {
        Some(&axis) => Err(Error::Axis { op, axis, ndim }),
        None => axes(op, given, ndim.max(1)),
    }
}

/// The shape to which two shapes broadcast: aligned at their last axes, sizes
/// must be equal or one of them 1.
///
/// ```
/// use wengert_tensor::shape::broadcast;
///
/// assert_eq!(broadcast("add", &[8, 1, 3], &[4, 1]).unwrap(), [8, 4, 3]);
/// assert!(broadcast("add", &[2, 3], &[2]).is_err());
/// ```
///
/// # Errors
/// [`Error::Shape`] if they do not.
pub fn broadcast(op: &'static str, a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let ndim = a.len().max(b.len());
    let size =
        |shape: &[usize], i: usize| (i + shape.len()).checked_sub(ndim).map_or(1, |j| shape[j]);
    (0..ndim)
        .map(|i| match (size(a, i), size(b, i)) {
            (m, n) if m == n => Ok(m),
            (1, n) => Ok(n),
            (m, 1) => Ok(m),
            _ => Err(Error::shape(
                op,
                format!("shapes {a:?} and {b:?} do not broadcast"),
            )),
        })
        .collect()
}

/// Row-major strides, in elements.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i];
    }
    strides
}

/// The strides with which a tensor of `shape` is walked as if it had the shape
/// `target` that it broadcasts to: 0 along every repeated axis.
pub(crate) fn broadcast_strides(shape: &[usize], target: &[usize]) -> Vec<usize> {
    let own = strides(shape);
    let missing = target.len() - shape.len();
    (0..target.len())
        .map(|i| {
            if i < missing || shape[i - missing] == 1 {
                0
            } else {
                own[i - missing]
            }
        })
        .collect()
}

/// One loop of a [`nest`]: its length, and how far each of `N` operands moves
/// from one turn to the next.
pub(crate) type Loop<const N: usize> = (usize, [usize; N]);

/// The shortest loop nest, outermost first, that walks `N` operands together
/// over `target`: axes of size 1 vanish, and neighbours along which every
/// operand moves evenly become one. Adding a bias `[C, 1, 1]` to `[N, C, H, W]`
/// becomes three loops, N, C and H·W. There is always at least one loop; where
/// there is nothing to walk it is one of length 0, for the other axes may be
/// longer than one can count.
pub(crate) fn nest<const N: usize>(target: &[usize], strides: &[Vec<usize>; N]) -> Vec<Loop<N>> {
    if target.contains(&0) {
        return vec![(0, [0; N])];
    }
    let mut loops: Vec<Loop<N>> = Vec::with_capacity(target.len());
    for (i, &size) in target.iter().enumerate() {
        if size == 1 {
            continue;
        }
        let steps: [usize; N] = std::array::from_fn(|k| strides[k][i]);
        match loops.last_mut() {
            Some((outer, outer_steps)) if (0..N).all(|k| outer_steps[k] == steps[k] * size) => {
                *outer *= size;
                *outer_steps = steps;
            }
            _ => loops.push((size, steps)),
        }
    }
    if loops.is_empty() {
        loops.push((1, [0; N]));
    }
    loops
}

/// Calls `f` with the operands' offsets at the start of every innermost loop of
/// the nest, in row-major order.
pub(crate) fn for_each_row<const N: usize>(outer: &[Loop<N>], mut f: impl FnMut([usize; N])) {
    if outer.iter().any(|&(size, _)| size == 0) {
        return;
    }
    let mut index = vec![0; outer.len()];
    let mut offsets = [0; N];
    loop {
        f(offsets);
        let mut axis = outer.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            let (size, steps) = outer[axis];
            index[axis] += 1;
            for k in 0..N {
                offsets[k] += steps[k];
            }
            if index[axis] < size {
                break;
            }
            index[axis] = 0;
            for k in 0..N {
                offsets[k] -= steps[k] * size;
            }
        }
    }
}

/// Axes by number: `-1`, `[0, 2]`, a slice or a vector.
pub trait Axes {
    /// The axes as given.
    fn to_axes(&self) -> Vec<isize>;
}

impl Axes for isize {
    fn to_axes(&self) -> Vec<isize> {
        vec![*self]
    }
}

impl<const N: usize> Axes for [isize; N] {
    fn to_axes(&self) -> Vec<isize> {
        self.to_vec()
    }
}

impl Axes for [isize] {
    fn to_axes(&self) -> Vec<isize> {
        self.to_vec()
    }
}

impl Axes for Vec<isize> {
    fn to_axes(&self) -> Vec<isize> {
        self.clone()
    }
}

impl<A: Axes + ?Sized> Axes for &A {
    fn to_axes(&self) -> Vec<isize> {
        (**self).to_axes()
    }
}

/// Sizes of axes, of which some may be −1: an array, a slice or a vector of
/// whole numbers, signed or not.
pub trait Sizes {
    /// The sizes as given, in a type that holds them all.
    fn to_sizes(&self) -> Vec<i128>;
}

macro_rules! sizes {
    ($($number:ty),+) => {$(
        impl<const N: usize> Sizes for [$number; N] {
            fn to_sizes(&self) -> Vec<i128> {
                self.as_slice().to_sizes()
            }
        }
        impl Sizes for [$number] {
            fn to_sizes(&self) -> Vec<i128> {
                self.iter().map(|&size| size as i128).collect()
            }
        }
        impl Sizes for Vec<$number> {
            fn to_sizes(&self) -> Vec<i128> {
                self.as_slice().to_sizes()
            }
        }
    )+};
}
// `i32` is what a plain number is if nothing else says so.
sizes! { usize, isize, i32 }

impl<S: Sizes + ?Sized> Sizes for &S {
    fn to_sizes(&self) -> Vec<i128> {
        (**self).to_sizes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_overflow_are_errors() {
        assert!(numel::<f32>("zeros", &[usize::MAX, 2]).is_err());
        assert!(numel::<f32>("zeros", &[usize::MAX, 0]).is_err());
        assert!(numel::<f32>("zeros", &[isize::MAX as usize / 4 + 1]).is_err());
        assert_eq!(numel::<f32>("zeros", &[]).unwrap(), 1);
        assert_eq!(numel::<f32>("zeros", &[3, 0]).unwrap(), 0);
    }

    #[test]
    fn axes_count_from_the_end() {
        assert_eq!(axis("sum", -1, 3).unwrap(), 2);
        assert!(axis("sum", 3, 3).is_err());
        assert!(axis("sum", -4, 3).is_err());
        assert!(axis("sum", isize::MIN, 3).is_err());
        assert!(axes("sum", &[0, -3], 3).is_err());
        assert_eq!(axes("sum", &[-1, 0], 3).unwrap(), [0, 2]);
    }

    #[test]
    fn a_number_has_an_axis_where_pytorch_says_so() {
        assert_eq!(wrap_axis("sum", -1, 0).unwrap(), 0);
        assert_eq!(wrap_axes("sum", &[0], 0).unwrap(), [0]);
        assert_eq!(wrap_axes("sum", &[-1, 0], 3).unwrap(), [0, 2]);
        assert!(wrap_axes("sum", &[0, -1], 0).is_err());
        let error = wrap_axis("sum", 1, 0).unwrap_err().to_string();
        assert_eq!(
            error,
            "sum: axis 1 is out of range for a tensor without axes"
        );
        assert!(wrap_axes("sum", &[3], 3).is_err() && axis("select", 0, 0).is_err());
    }

    #[test]
    fn repeated_axes_have_stride_zero() {
        assert_eq!(broadcast_strides(&[3, 1], &[2, 3, 4]), [0, 1, 0]);
    }
}
