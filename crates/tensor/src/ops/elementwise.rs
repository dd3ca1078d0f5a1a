//! Element by element, with NumPy's broadcasting.
//!
//! Two operands broadcast when, aligned at their last axes, every pair of
//! sizes is equal or has a 1 in it. Nothing is materialised for that: a
//! repeated axis is walked with stride 0, and neighbouring axes are merged
//! first, so that the innermost loop is as long as it can be.
//!
//! **Cost.** One pass over the operands and one over the result.

use crate::element::{Element, Float, Number};
use crate::error::Result;
use crate::shape::{allocate, broadcast, broadcast_strides, for_each_row, nest};
use crate::tensor::Tensor;
use crate::{par, simd};

/// `f(a, b)` over the shape that both broadcast to.
pub(crate) fn zip<A: Element, B: Element, U: Element>(
    op: &'static str,
    a: &Tensor<A>,
    b: &Tensor<B>,
    f: impl Fn(A, B) -> U + Sync,
) -> Result<Tensor<U>> {
    if a.has_shape_of(b) {
        let mut out = Tensor::arbitrary_as(op, a)?;
        zip_into(a.as_slice(), b.as_slice(), out.as_mut_slice(), f);
        return Ok(out);
    }
    if let &[y] = b.as_slice()
        && b.ndim() <= a.ndim()
    {
        return Ok(a.map(|x| f(x, y)));
    }
    let shape = broadcast(op, a.shape(), b.shape())?;
    let mut data = allocate(op, &shape)?;
    let strides = [a.shape(), b.shape()].map(|own| broadcast_strides(own, &shape));
    let loops = nest(&shape, &strides);
    if let Some((&(len, [step_a, step_b]), outer)) = loops.split_last() {
        let (a, b) = (a.as_slice(), b.as_slice());
        for_each_row(outer, |[i, j]| match (step_a, step_b) {
            (0, _) if len > 0 => {
                let x = a[i];
                data.extend(b[j..].iter().take(len).map(|&y| f(x, y)));
            }
            (_, 0) if len > 0 => {
                let y = b[j];
                data.extend(a[i..].iter().take(len).map(|&x| f(x, y)));
            }
            _ => data.extend(a[i..].iter().zip(&b[j..]).take(len).map(|(&x, &y)| f(x, y))),
        });
    }
    Ok(Tensor::from_parts(shape, data))
}

/// Elements that a thread takes at a time: some fit the first cache.
const PIECE: usize = 1 << 12;
/// What an element costs, in units of 0.1 ns: it is read and written.
const COST: usize = 2;

/// `f` of every pair, by vectors and on all threads.
fn zip_into<A: Element, B: Element, U: Element>(
    a: &[A],
    b: &[B],
    out: &mut [U],
    f: impl Fn(A, B) -> U + Sync,
) {
    let cost = COST * out.len();
    let operands = a.chunks(PIECE).zip(b.chunks(PIECE));
    par::for_each_item(
        operands.zip(out.chunks_mut(PIECE)),
        cost,
        |((a, b), out)| {
            simd::wide(|| {
                for ((out, &x), &y) in out.iter_mut().zip(a).zip(b) {
                    *out = f(x, y);
                }
            });
        },
    );
}

/// `f` of every element, by vectors and on all threads.
pub(crate) fn map<T: Element, U: Element>(x: &Tensor<T>, f: impl Fn(T) -> U + Sync) -> Tensor<U> {
    let mut out = Tensor::arbitrary_like(x);
    map_into(x.as_slice(), out.as_mut_slice(), COST, f);
    out
}

/// As [`map`], for an `f` that costs so many units of 0.1 ns by vectors.
pub(crate) fn map_into<T: Element, U: Element>(
    x: &[T],
    out: &mut [U],
    cost: usize,
    f: impl Fn(T) -> U + Sync,
) {
    let pieces = x.chunks(PIECE).zip(out.chunks_mut(PIECE));
    par::for_each_item(pieces, cost * x.len(), |(x, out)| {
        simd::wide(|| out.iter_mut().zip(x).for_each(|(out, &x)| *out = f(x)));
    });
}

/// `f(x, y)` for every element x of a target and y of a source of its length,
/// in place, by vectors and on all threads.
pub(crate) fn update<T: Element>(target: &mut [T], source: &[T], f: impl Fn(&mut T, T) + Sync) {
    update_at(COST, target, source, f);
}

/// As [`update`], for an `f` that costs so many units of 0.1 ns by vectors.
pub(crate) fn update_at<T: Element>(
    cost: usize,
    target: &mut [T],
    source: &[T],
    f: impl Fn(&mut T, T) + Sync,
) {
    let cost = cost * target.len();
    let pieces = target.chunks_mut(PIECE).zip(source.chunks(PIECE));
    par::for_each_item(pieces, cost, |(target, source)| {
        simd::wide(|| target.iter_mut().zip(source).for_each(|(x, &y)| f(x, y)));
    });
}

impl<T: Number> Tensor<T> {
    /// `self + rhs`, broadcast. Also the operator `+`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn add(&self, rhs: &Self) -> Result<Self> {
        zip("add", self, rhs, T::plus)
    }

    /// `self − rhs`, broadcast. Also the operator `-`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn sub(&self, rhs: &Self) -> Result<Self> {
        zip("sub", self, rhs, T::minus)
    }

    /// `self · rhs`, element by element, broadcast. Also the operator `*`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn mul(&self, rhs: &Self) -> Result<Self> {
        zip("mul", self, rhs, T::times)
    }

    /// `self + rhs` for one number. Also the operator `+`.
    #[must_use]
    pub fn add_scalar(&self, rhs: T) -> Self {
        map(self, |x| x.plus(rhs))
    }

    /// `self · rhs` for one number. Also the operator `*`.
    #[must_use]
    pub fn mul_scalar(&self, rhs: T) -> Self {
        map(self, |x| x.times(rhs))
    }

    /// The larger of the two, broadcast. NaN in either is NaN.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn maximum(&self, rhs: &Self) -> Result<Self> {
        zip("maximum", self, rhs, larger)
    }

    /// The smaller of the two, broadcast. NaN in either is NaN.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn minimum(&self, rhs: &Self) -> Result<Self> {
        zip("minimum", self, rhs, smaller)
    }

    /// Each element no smaller than that of `min` and no larger than that of
    /// `max`, broadcast. Where `min` is larger than `max`, `max` wins; NaN in
    /// any of the three is NaN.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn clamp_between(&self, min: &Self, max: &Self) -> Result<Self> {
        const OP: &str = "clamp_between";
        zip(OP, &zip(OP, self, min, larger)?, max, smaller)
    }
}

/// The larger of two; NaN, if there is one, counts as larger than everything.
/// (IEEE's `max`, and Rust's, would drop the NaN.)
#[inline]
pub(crate) fn larger<T: Number>(a: T, b: T) -> T {
    if a > b || a.is_nan_value() { a } else { b }
}

/// The smaller of two; NaN, if there is one, counts as smaller than everything.
#[inline]
pub(crate) fn smaller<T: Number>(a: T, b: T) -> T {
    if a < b || a.is_nan_value() { a } else { b }
}

impl<T: Float> Tensor<T> {
    /// `self / rhs`, element by element, broadcast. Also the operator `/`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn div(&self, rhs: &Self) -> Result<Self> {
        zip("div", self, rhs, |x, y| x / y)
    }

    /// `self` to the power of `exponent`, element by element, broadcast. 0⁰ is
    /// 1; a negative base has a power only if the exponent is a whole number,
    /// and is NaN otherwise.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn pow(&self, exponent: &Self) -> Result<Self> {
        zip("pow", self, exponent, T::powf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Broadcasting as the definition says it, one index at a time.
    fn naive(a: &Tensor<f64>, b: &Tensor<f64>, f: impl Fn(f64, f64) -> f64) -> Tensor<f64> {
        let shape = broadcast("naive", a.shape(), b.shape()).unwrap();
        let pick = |t: &Tensor<f64>, index: &[usize]| {
            let own = &index[index.len() - t.ndim()..];
            let own: Vec<usize> = own
                .iter()
                .zip(t.shape())
                .map(|(&i, &n)| if n == 1 { 0 } else { i })
                .collect();
            t.get(&own).unwrap()
        };
        Tensor::from_fn(&shape, |index| f(pick(a, index), pick(b, index))).unwrap()
    }

    proptest! {
        #[test]
        fn broadcasting_agrees_with_the_definition(
            shape in prop::collection::vec(0usize..4, 0..5),
            ones in prop::collection::vec(any::<(bool, bool)>(), 5),
            cut in 0usize..5,
        ) {
            let reduced = |which: fn(&(bool, bool)) -> bool| -> Vec<usize> {
                shape.iter().zip(&ones).map(|(&n, o)| if which(o) { 1 } else { n }).collect()
            };
            let (sa, sb) = (reduced(|o| o.0), reduced(|o| o.1));
            let sb = &sb[cut.min(sb.len())..];
            let fill = |s: &[usize]| {
                let mut k = 0.0;
                Tensor::from_fn(s, |_| { k += 1.0; k }).unwrap()
            };
            let (a, b) = (fill(&sa), fill(sb));
            prop_assert_eq!(a.sub(&b).unwrap(), naive(&a, &b, |x, y| x - y));
            prop_assert_eq!(b.div(&a).unwrap(), naive(&b, &a, |x, y| x / y));
        }
    }

    #[test]
    fn extremes_propagate_nan_from_either_side() {
        let a = Tensor::from([1.0, f64::NAN, 2.0, f64::NAN]);
        let b = Tensor::from([3.0, 0.0, f64::NAN, f64::NAN]);
        for (x, y) in [(&a, &b), (&b, &a)] {
            let (max, min) = (x.maximum(y).unwrap(), x.minimum(y).unwrap());
            assert_eq!((max.get([0]), min.get([0])), (Some(3.0), Some(1.0)));
            assert!(max.iter().chain(&min).filter(|v| v.is_nan()).count() == 6);
        }
        let i = Tensor::from([[i64::MIN], [5]]);
        let j = Tensor::from([-1i64, 7]);
        assert_eq!(i.maximum(&j).unwrap().to_vec(), [-1, 7, 5, 7]);
        assert_eq!(i.minimum(&j).unwrap().to_vec(), [i64::MIN, i64::MIN, -1, 5]);
        let between = i.clamp_between(&Tensor::scalar(0), &j).unwrap();
        assert_eq!(between.to_vec(), [-1, 0, -1, 5]);
    }

    #[test]
    fn powers_of_zero_and_of_negatives() {
        let base = Tensor::from([0.0, 0.0, 0.0, -2.0, -2.0]);
        let exponent = Tensor::from([0.0, 2.0, -1.0, 3.0, 2.5]);
        let got = base.pow(&exponent).unwrap().to_vec();
        assert_eq!(got[..4], [1.0, 0.0, f64::INFINITY, -8.0]);
        assert!(got[4].is_nan());
    }
}
