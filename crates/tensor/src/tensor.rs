//! The tensor: an array in row-major order whose storage is shared.
//!
//! A [`Tensor`] is a shape and a run of a [storage](crate::storage) that others
//! may share. It keeps one promise: the elements always lie in row-major order
//! without gaps. So every kernel sees a plain slice, a reshape is a new header,
//! a run of the leading axis is a view, and nothing ever asks about strides.
//!
//! **Cost.** A clone copies a header and counts one up. A write copies the
//! elements first if, and only if, another tensor shares them: a value handed
//! out never changes behind its holder's back. Permutations and inner slices
//! copy.

use ndarray::{
    ArcArray, Array, ArrayBase, ArrayView, ArrayViewD, CowArray, Data, Dimension, IxDyn,
};

use crate::element::{Element, Float, Kind, Number};
use crate::error::{Error, Result};
use crate::shape::{Shape, allocate, numel, too_large};
use crate::storage::{Buffer, Storage};

/// An n-dimensional array of `f32`, `f64`, `i64` or `bool`.
///
/// ```
/// use wengert_tensor::Tensor;
///
/// let x: Tensor = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
/// let y = (&x * 10.0).reshape([4])?;
/// assert_eq!(y.shape(), [4]);
/// assert_eq!(y.to_vec(), [10.0, 20.0, 30.0, 40.0]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone)]
pub struct Tensor<T: Element = f32> {
    shape: Shape,
    storage: Storage<T>,
    /// The run of the storage that is this tensor's, in row-major order.
    start: usize,
    len: usize,
}

// ---------------------------------------------------------------- making

impl<T: Element> Tensor<T> {
    /// A tensor of elements that fit their shape by construction: the door for
    /// results inside the crate that were pushed one by one. (Where they do not
    /// fit, which is a bug in the caller, the result is flat.)
    pub(crate) fn from_parts(shape: impl AsRef<[usize]>, data: impl Into<Buffer<T>>) -> Self {
        let (shape, data) = (shape.as_ref(), data.into());
        let len = data.len();
        debug_assert_eq!(shape.iter().product::<usize>(), len);
        let flat = [len];
        let fits = shape.iter().product::<usize>() == len;
        Self {
            shape: Shape::from(if fits { shape } else { &flat }),
            storage: data.into(),
            start: 0,
            len,
        }
    }

    /// A tensor whose elements may be anything: the start of every operation
    /// that then writes all of them. Debug builds fill it with NaN, so that a
    /// loop which leaves some out is found.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub(crate) fn arbitrary(op: &'static str, shape: &[usize]) -> Result<Self> {
        let len = numel::<T>(op, shape)?;
        let storage = Storage::arbitrary(len).map_err(|_| too_large::<T>(op, shape))?;
        let mut tensor = Self {
            shape: shape.into(),
            storage,
            start: 0,
            len,
        };
        if cfg!(debug_assertions) {
            tensor.as_mut_slice().fill(T::of(f64::NAN));
        }
        Ok(tensor)
    }

    /// As [`arbitrary`](Self::arbitrary), in the shape of a tensor that exists:
    /// what is known of it need not be checked again.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub(crate) fn arbitrary_as<U: Element>(op: &'static str, like: &Tensor<U>) -> Result<Self> {
        let storage = Storage::arbitrary(like.len);
        Ok(Self {
            shape: like.shape.clone(),
            storage: storage.map_err(|_| too_large::<T>(op, like.shape()))?,
            start: 0,
            len: like.len,
        })
    }

    /// A tensor of arbitrary contents in the shape of one that exists, for
    /// results that write every element.
    pub(crate) fn arbitrary_like<U: Element>(like: &Tensor<U>) -> Self {
        let Ok(storage) = Storage::arbitrary(like.len) else {
            // Memory has ended, which is for the standard library to say.
            return Self::from_parts(like.shape(), vec![T::ZERO; like.len]);
        };
        Self {
            shape: like.shape.clone(),
            storage,
            start: 0,
            len: like.len,
        }
    }

    /// A tensor in the shape of one that exists, whose elements are those of
    /// the iterator. (An iterator that ends early leaves arbitrary elements.)
    fn of_iter<U: Element>(like: &Tensor<U>, elements: impl Iterator<Item = T>) -> Self {
        let mut tensor = Self::arbitrary_like(like);
        let out = tensor.as_mut_slice().iter_mut();
        out.zip(elements).for_each(|(y, x)| *y = x);
        tensor
    }

    /// A tensor of the given elements, in row-major order.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from_vec([2, 3], vec![1, 2, 3, 4, 5, 6])?;
    /// assert_eq!(x.shape(), [2, 3]);
    /// assert!(Tensor::from_vec([2, 2], vec![1.0, 2.0, 3.0]).is_err());
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the shape asks for another number of elements.
    pub fn from_vec(shape: impl AsRef<[usize]>, data: Vec<T>) -> Result<Self> {
        let shape = shape.as_ref();
        if numel::<T>("from_vec", shape)? != data.len() {
            return Err(Error::shape(
                "from_vec",
                format!("{} elements do not fill the shape {shape:?}", data.len()),
            ));
        }
        Ok(Self::from_parts(shape, data))
    }

    /// A tensor whose element at each index is `f(index)`, called in row-major
    /// order.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from_fn([2, 2], |i| (10 * i[0] + i[1]) as f32)?;
    /// assert_eq!(x, Tensor::from([[0.0, 1.0], [10.0, 11.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn from_fn(shape: impl AsRef<[usize]>, mut f: impl FnMut(&[usize]) -> T) -> Result<Self> {
        let shape = shape.as_ref();
        let len = numel::<T>("from_fn", shape)?;
        let mut data = allocate::<T>("from_fn", shape)?;
        let mut index = vec![0; shape.len()];
        for _ in 0..len {
            data.push(f(&index));
            for (i, &size) in index.iter_mut().zip(shape).rev() {
                *i += 1;
                if *i < size {
                    break;
                }
                *i = 0;
            }
        }
        Ok(Self::from_parts(shape, data))
    }

    /// A tensor whose every element is `value`.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn full(shape: impl AsRef<[usize]>, value: T) -> Result<Self> {
        Self::filled("full", shape.as_ref(), value)
    }

    /// A tensor of zeros (of `false`).
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn zeros(shape: impl AsRef<[usize]>) -> Result<Self> {
        Self::filled("zeros", shape.as_ref(), T::ZERO)
    }

    /// A tensor of ones (of `true`).
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn ones(shape: impl AsRef<[usize]>) -> Result<Self> {
        Self::filled("ones", shape.as_ref(), T::ONE)
    }

    /// A tensor whose every element is `value`, for the operation `op`.
    pub(crate) fn filled(op: &'static str, shape: &[usize], value: T) -> Result<Self> {
        let mut tensor = Self::arbitrary(op, shape)?;
        tensor.as_mut_slice().fill(value);
        Ok(tensor)
    }

    /// A tensor of zeros in this one's shape.
    #[must_use]
    pub fn zeros_like(&self) -> Self {
        Self::of_iter(self, std::iter::repeat_n(T::ZERO, self.len))
    }

    /// A tensor of ones in this one's shape.
    #[must_use]
    pub fn ones_like(&self) -> Self {
        Self::of_iter(self, std::iter::repeat_n(T::ONE, self.len))
    }

    /// A tensor without axes that holds one value.
    #[must_use]
    pub fn scalar(value: T) -> Self {
        Self::from_parts([], vec![value])
    }

    /// The n × n matrix with ones on its diagonal and zeros elsewhere.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn eye(n: usize) -> Result<Self> {
        let mut eye = Self::filled("eye", &[n, n], T::ZERO)?;
        eye.as_mut_slice()
            .iter_mut()
            .step_by(n + 1)
            .for_each(|x| *x = T::ONE);
        Ok(eye)
    }
}

impl<T: Number> Tensor<T> {
    /// `start, start + step, …`, each below `end` (above it for a negative
    /// step), as PyTorch's `arange`. Each element is `start + i · step`, so
    /// that rounding does not add up.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// assert_eq!(Tensor::arange(0, 4, 1)?.to_vec(), [0, 1, 2, 3]);
    /// assert_eq!(Tensor::arange(1.0, 0.0, -0.25)?.to_vec(), [1.0, 0.75, 0.5, 0.25]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] if the step is zero or points away from `end`, or a
    /// bound is not finite; [`Error::TooLarge`].
    pub fn arange(start: T, end: T, step: T) -> Result<Self> {
        const OP: &str = "arange";
        let refuse = |why: &str| {
            Err(Error::value(
                OP,
                format!("{why} (start {start:?}, end {end:?}, step {step:?})"),
            ))
        };
        let (a, b, s) = (start.as_f64(), end.as_f64(), step.as_f64());
        if !(a.is_finite() && b.is_finite() && s.is_finite()) {
            return refuse("the bounds and the step must be finite");
        }
        if s == 0.0 {
            return refuse("the step must not be zero");
        }
        if (start < end && s < 0.0) || (start > end && s > 0.0) {
            return refuse("the step points away from the end");
        }
        let len = match T::KIND {
            // Counted in integers, which as floats would be rounded beyond 2⁵³.
            Kind::Int => {
                let [start, end, step] = [start, end, step].map(|x| i128::from(x.as_i64()));
                let steps = (end - start).unsigned_abs().div_ceil(step.unsigned_abs());
                usize::try_from(steps).unwrap_or(usize::MAX)
            }
            _ => ((b - a) / s).ceil() as usize,
        };
        let mut data = allocate(OP, &[len])?;
        // PyTorch computes in the accumulation type, which is f64 here.
        data.extend((0..len).map(|i| match T::KIND {
            Kind::Int => start.plus(step.times(T::of_int(i as i64))),
            _ => T::of(a + i as f64 * s),
        }));
        Ok(Self::from_parts([len], data))
    }
}

impl<T: Float> Tensor<T> {
    /// `steps` evenly spaced values from `start` to `end`, both included.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// assert_eq!(Tensor::linspace(0.0, 1.0, 5)?.to_vec(), [0.0, 0.25, 0.5, 0.75, 1.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn linspace(start: T, end: T, steps: usize) -> Result<Self> {
        let mut data = allocate("linspace", &[steps])?;
        let (a, b) = (start.as_f64(), end.as_f64());
        let step = if steps > 1 {
            (b - a) / (steps - 1) as f64
        } else {
            0.0
        };
        // From both ends toward the middle, so that the last is `end` exactly.
        data.extend((0..steps).map(|i| {
            if i < steps.div_ceil(2) {
                T::of(a + i as f64 * step)
            } else {
                T::of(b - (steps - 1 - i) as f64 * step)
            }
        }));
        Ok(Self::from_parts([steps], data))
    }
}

// ---------------------------------------------------------------- looking

impl<T: Element> Tensor<T> {
    /// The size of each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether the shapes are equal: quicker than to compare slices.
    pub(crate) fn has_shape_of<U: Element>(&self, other: &Tensor<U>) -> bool {
        self.shape == other.shape
    }

    /// The number of axes.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The elements in row-major order.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.storage.as_slice()[self.start..self.start + self.len]
    }

    /// The elements in row-major order, to write to. If another tensor shares
    /// them, they are copied first.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        if self.storage.is_shared() {
            *self = Self::of_iter(self, self.iter().copied());
        }
        let run = self.start..self.start + self.len;
        // Nothing shares the storage now; `None` cannot occur.
        self.storage
            .as_mut_slice()
            .and_then(|elements| elements.get_mut(run))
            .unwrap_or_default()
    }

    /// Whether a write would have to copy the elements first.
    pub(crate) fn is_shared(&self) -> bool {
        self.storage.is_shared()
    }

    /// The elements in row-major order, as a vector of their own.
    #[must_use]
    pub fn to_vec(&self) -> Vec<T> {
        self.as_slice().to_vec()
    }

    /// Visits the elements in row-major order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.as_slice().iter()
    }

    /// The value of a tensor of one element, whatever its number of axes.
    ///
    /// # Errors
    /// [`Error::NotScalar`] if there is not exactly one element.
    pub fn item(&self) -> Result<T> {
        match self.as_slice() {
            [value] => Ok(*value),
            _ => Err(Error::NotScalar {
                op: "item",
                shape: self.shape().to_vec(),
            }),
        }
    }

    /// The element at an index, or `None` if there is no such element.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.get([1, 0]), Some(3.0));
    /// assert_eq!(x.get([2, 0]), None);
    /// ```
    #[must_use]
    pub fn get(&self, index: impl AsRef<[usize]>) -> Option<T> {
        self.position(index.as_ref()).map(|i| self.as_slice()[i])
    }

    /// Writes one element.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is no element at that index.
    pub fn set(&mut self, index: impl AsRef<[usize]>, value: T) -> Result<()> {
        let index = index.as_ref();
        match self.position(index) {
            Some(i) => {
                self.as_mut_slice()[i] = value;
                Ok(())
            }
            None => Err(Error::shape(
                "set",
                format!("no element at {index:?} (shape {:?})", self.shape()),
            )),
        }
    }

    /// Where the element at an index lies among the elements.
    fn position(&self, index: &[usize]) -> Option<usize> {
        let inside =
            index.len() == self.ndim() && index.iter().zip(&*self.shape).all(|(i, n)| i < n);
        let step = |at: usize, (i, n): (&usize, &usize)| at * n + i;
        inside.then(|| index.iter().zip(&*self.shape).fold(0, step))
    }

    /// Whether both tensors share one storage. (Equal values do not suffice.)
    #[must_use]
    pub fn shares_storage(&self, other: &Self) -> bool {
        !self.is_empty() && std::ptr::eq(self.as_slice().as_ptr(), other.as_slice().as_ptr())
    }

    /// The tensor as a view of ndarray, for its own methods.
    pub fn as_array(&self) -> ArrayViewD<'_, T> {
        ArrayView::from_shape(IxDyn(&self.shape), self.as_slice())
            // The elements fit the shape; this cannot occur.
            .unwrap_or_else(|_| ArrayView::from(self.as_slice()).into_dyn())
    }

    /// Every element converted as Rust's `as` does; to `bool`, whether it is
    /// not zero.
    #[must_use]
    pub fn cast<U: Element>(&self) -> Tensor<U> {
        Tensor::of_iter(self, self.iter().map(|x| x.cast()))
    }

    /// `f` of every element.
    #[must_use]
    pub fn map<U: Element>(&self, f: impl Fn(T) -> U) -> Tensor<U> {
        Tensor::of_iter(self, self.iter().map(|&x| f(x)))
    }

    /// The same elements under another shape of the same size: a new header,
    /// no copy.
    pub(crate) fn with_shape(&self, shape: &[usize]) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), self.len());
        Self {
            shape: shape.into(),
            ..self.clone()
        }
    }

    /// The run `start .. start + len` of the leading axis, which must be in
    /// range: a view of the same storage, no copy.
    pub(crate) fn leading_run(&self, start: usize, len: usize) -> Self {
        let mut run = self.clone();
        if let Some((leading, inner)) = run.shape.split_first_mut() {
            debug_assert!(start + len <= *leading);
            *leading = len;
            let row = inner.iter().product::<usize>();
            run.start += start * row;
            run.len = len * row;
        }
        run
    }
}

impl<T: Float> Tensor<T> {
    /// Whether both have the same shape and every pair of elements satisfies
    /// `|a − b| <= atol + rtol · |b|`. Infinities are close to themselves, NaN
    /// to nothing: PyTorch's `allclose`.
    #[must_use]
    pub fn all_close(&self, other: &Self, rtol: f64, atol: f64) -> bool {
        self.shape() == other.shape()
            && self.iter().zip(other.iter()).all(|(&a, &b)| {
                let (a, b) = (a.as_f64(), b.as_f64());
                a == b || (b.is_finite() && (a - b).abs() <= atol + rtol * b.abs())
            })
    }
}

impl<T: Element> PartialEq for Tensor<T> {
    /// Same shape and equal elements (NaN equals nothing).
    fn eq(&self, other: &Self) -> bool {
        self.shape() == other.shape() && self.as_slice() == other.as_slice()
    }
}

impl<'a, T: Element> IntoIterator for &'a Tensor<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

// ---------------------------------------------------------------- converting

impl<T: Element> From<T> for Tensor<T> {
    fn from(value: T) -> Self {
        Self::scalar(value)
    }
}

/// Literals, however deeply nested. Without a type to go by, Rust reads `1.0`
/// as `f64`: write `Tensor::<f32>::from([[1.0, -1.0]])`, or give the binding a
/// type.
macro_rules! from_nested {
    ($nested:ty, [$($n:ident),+], $flatten:expr) => {
        impl<T: Element, $(const $n: usize),+> From<$nested> for Tensor<T> {
            fn from(nested: $nested) -> Self {
                Self::from_parts([$($n),+], $flatten(nested))
            }
        }
    };
}
from_nested!([T; A], [A], |x: [T; A]| x.to_vec());
from_nested!([[T; B]; A], [A, B], |x: [[T; B]; A]| x
    .into_iter()
    .flatten()
    .collect::<Vec<_>>());
from_nested!([[[T; C]; B]; A], [A, B, C], |x: [[[T; C]; B]; A]| x
    .into_iter()
    .flatten()
    .flatten()
    .collect::<Vec<_>>());
from_nested!(
    [[[[T; D]; C]; B]; A],
    [A, B, C, D],
    |x: [[[[T; D]; C]; B]; A]| x
        .into_iter()
        .flatten()
        .flatten()
        .flatten()
        .collect::<Vec<_>>()
);

impl<T: Element> From<Vec<T>> for Tensor<T> {
    fn from(data: Vec<T>) -> Self {
        Self::from_parts([data.len()], data)
    }
}

impl<T: Element, D: Dimension> From<Array<T, D>> for Tensor<T> {
    /// Without a copy if the array is in row-major order.
    fn from(array: Array<T, D>) -> Self {
        if !array.is_standard_layout() {
            return Self::from(&array);
        }
        let (shape, len) = (Shape::from(array.shape()), array.len());
        // The array may be a part of its vector.
        let (data, start) = array.into_raw_vec_and_offset();
        Self {
            shape,
            storage: Buffer::from(data).into(),
            start: start.unwrap_or(0),
            len,
        }
    }
}

impl<T: Element, D: Dimension> From<ArcArray<T, D>> for Tensor<T> {
    /// Without a copy if the array is in row-major order and nothing else
    /// shares its elements.
    fn from(array: ArcArray<T, D>) -> Self {
        Self::from(array.into_owned())
    }
}

impl<T: Element, S: Data<Elem = T>, D: Dimension> From<&ArrayBase<S, D>> for Tensor<T> {
    /// Copies.
    fn from(array: &ArrayBase<S, D>) -> Self {
        Self::from_parts(array.shape(), array.iter().copied().collect::<Vec<_>>())
    }
}

impl<T: Element> From<Tensor<T>> for Array<T, IxDyn> {
    /// Without a copy if nothing else shares the elements.
    fn from(tensor: Tensor<T>) -> Self {
        let Tensor {
            shape,
            storage,
            start,
            len,
        } = tensor;
        let data = match storage.into_vec() {
            Ok(mut data) => {
                data.truncate(start + len);
                data.drain(..start);
                data
            }
            Err(shared) => shared.as_slice()[start..start + len].to_vec(),
        };
        // The elements fit the shape; the alternative cannot occur.
        Self::from_shape_vec(IxDyn(&shape), data).unwrap_or_default()
    }
}

impl<T: Element> From<Tensor<T>> for ArcArray<T, IxDyn> {
    /// Without a copy if nothing else shares the elements.
    fn from(tensor: Tensor<T>) -> Self {
        Array::from(tensor).into_shared()
    }
}

impl<'a, T: Element> From<&'a Tensor<T>> for CowArray<'a, T, IxDyn> {
    /// Without a copy.
    fn from(tensor: &'a Tensor<T>) -> Self {
        tensor.as_array().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn clones_share_and_writes_copy_only_when_shared() {
        let mut a: Tensor = Tensor::from([1.0, 2.0]);
        let b = a.clone();
        assert!(a.shares_storage(&b));
        a.as_mut_slice()[0] = 9.0;
        assert!(!a.shares_storage(&b));
        assert_eq!(b.to_vec(), [1.0, 2.0]);
        let before = a.as_slice().as_ptr();
        a.as_mut_slice()[1] = 8.0;
        assert_eq!(before, a.as_slice().as_ptr());
    }

    #[test]
    fn ndarray_conversion_keeps_order_and_storage() {
        let array = array![[1.0, 2.0], [3.0, 4.0]];
        let at = array.as_ptr();
        let t = Tensor::from(array);
        assert_eq!(t.as_slice().as_ptr(), at);
        let back: Array<f64, IxDyn> = t.into();
        assert_eq!(back.as_ptr(), at);
        let turned = Tensor::from(
            array![[1, 2, 3], [4, 5, 6]]
                .map(|&x: &i64| x)
                .reversed_axes(),
        );
        assert_eq!(turned.shape(), [3, 2]);
        assert_eq!(turned.to_vec(), [1, 4, 2, 5, 3, 6]);
    }

    #[test]
    fn a_run_of_the_leading_axis_is_a_view() {
        let t = Tensor::<f32>::from_fn([4, 2], |i| (i[0] * 2 + i[1]) as f32).unwrap();
        let run = t.leading_run(1, 2);
        assert_eq!(run.to_vec(), [2.0, 3.0, 4.0, 5.0]);
        assert_eq!(run.as_slice().as_ptr(), t.as_slice()[2..].as_ptr());
        let mut run = run;
        run.as_mut_slice()[0] = 7.0;
        assert_eq!(t.get([1, 0]), Some(2.0));
        assert_eq!(t.leading_run(4, 0).shape(), [0, 2]);
    }

    #[test]
    fn literals_and_ranges() {
        assert_eq!(Tensor::from([[[1i64], [2]]]).shape(), [1, 2, 1]);
        assert_eq!(Tensor::<f32>::from([[0.0; 0]; 3]).shape(), [3, 0]);
        assert_eq!(Tensor::arange(5, 5, 1).unwrap().len(), 0);
        assert_eq!(Tensor::arange(0.0f32, 1.0, 0.1).unwrap().len(), 10);
        assert!(Tensor::arange(0, 5, 0).is_err());
        assert!(Tensor::arange(0, 5, -1).is_err());
        assert!(Tensor::arange(0.0, f64::INFINITY, 1.0).is_err());
        assert!(Tensor::arange(0.0, 1e300, 1.0).is_err());
        assert_eq!(Tensor::linspace(0.0f32, 1.0, 1).unwrap().to_vec(), [0.0]);
        assert_eq!(
            Tensor::<bool>::eye(2).unwrap().to_vec(),
            [true, false, false, true]
        );
        assert_eq!(Tensor::<f32>::eye(0).unwrap().shape(), [0, 0]);
    }

    #[test]
    fn impossible_sizes_are_errors() {
        assert!(matches!(
            Tensor::<f32>::zeros([1 << 40, 1 << 40]),
            Err(Error::TooLarge { op: "zeros", .. })
        ));
        assert!(Tensor::<f64>::ones([1 << 60]).is_err());
        assert!(Tensor::<f64>::linspace(0.0, 1.0, 1 << 58).is_err());
        assert!(Tensor::<f64>::eye(1 << 31).is_err());
    }

    #[test]
    fn closeness_treats_infinity_and_nan_as_pytorch() {
        let inf = Tensor::from([f64::INFINITY, 1.0]);
        assert!(inf.all_close(&inf, 1e-5, 1e-8));
        assert!(!inf.all_close(&Tensor::from([1.0, 1.0]), 1e300, 1e300));
        let nan = Tensor::from([f64::NAN]);
        assert!(!nan.all_close(&nan, 1.0, 1.0));
    }
}
