//! Running sums.
//!
//! ```text
//! cumsum:           y[i] = x[0] + … + x[i]
//! cumsum_backwards: y[i] = x[i] + … + x[n − 1]
//! ```
//!
//! Element i takes part in every sum from the i-th on, so the adjoint of either
//! is the other.
//!
//! **Cost.** One addition an element, one after the other along the axis; floats
//! are added up in `f64`, so that a long run in `f32` does not drift.

use crate::element::{Kind, Number};
use crate::error::Result;
use crate::shape::strides;
use crate::tensor::Tensor;
use crate::{par, scratch, shape};

impl<T: Number> Tensor<T> {
    /// The sum of each element and all before it along an axis:
    /// `torch.cumsum`. A tensor without axes stays as it is.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.cumsum(1)?, Tensor::from([[1, 3, 6], [4, 9, 15]]));
    /// assert_eq!(x.cumsum(0)?, Tensor::from([[1, 2, 3], [5, 7, 9]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Axis`](crate::Error::Axis) if the axis is out of range,
    /// [`Error::TooLarge`](crate::Error::TooLarge).
    pub fn cumsum(&self, axis: isize) -> Result<Self> {
        self.running_sums("cumsum", axis, false)
    }

    /// The sum of each element and all after it along an axis: the adjoint of
    /// [`cumsum`](Self::cumsum).
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// assert_eq!(Tensor::from([1, 2, 3]).cumsum_backwards(0)?.to_vec(), [6, 5, 3]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`cumsum`](Self::cumsum).
    pub fn cumsum_backwards(&self, axis: isize) -> Result<Self> {
        self.running_sums("cumsum_backwards", axis, true)
    }

    fn running_sums(&self, op: &'static str, axis: isize, from_end: bool) -> Result<Self> {
        let axis = shape::axis(op, axis, self.ndim().max(1))?;
        if self.ndim() == 0 || self.is_empty() {
            return Ok(self.clone());
        }
        let (count, inner) = (self.shape()[axis], strides(self.shape())[axis]);
        let mut sums = Self::arbitrary_as(op, self)?;
        let (x, block, cost) = (self.as_slice(), count * inner, self.len() * 8);
        par::for_each_piece(sums.as_mut_slice(), block, cost, |i, sums| {
            let x = &x[i * block..(i + 1) * block];
            let rows = (0..count).map(|row| if from_end { count - 1 - row } else { row });
            if T::KIND == Kind::Float {
                return scratch::with(inner, |totals: &mut [f64]| {
                    totals.fill(0.0);
                    for row in rows.map(|row| row * inner..(row + 1) * inner) {
                        let pairs = sums[row.clone()].iter_mut().zip(&x[row]);
                        for ((sum, x), total) in pairs.zip(&mut *totals) {
                            *total += x.as_f64();
                            *sum = T::of(*total);
                        }
                    }
                });
            }
            let mut before = None;
            for row in rows {
                for column in 0..inner {
                    let at = row * inner + column;
                    let total = before.map_or(T::ZERO, |before| sums[before + column]);
                    sums[at] = total.plus(x[at]);
                }
                before = Some(row * inner);
            }
        });
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::par::with_threads;
    use crate::random::Generator;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_agree_with_sums_of_slices(
            shape in prop::collection::vec(0usize..5, 1..4),
            axis in 0usize..3,
        ) {
            let axis = axis % shape.len();
            let x = Tensor::<f64>::randn(&shape, &mut Generator::new(1)).unwrap();
            let ints = x.map(|x| (x * 10.0) as i64);
            let (y, z) = (x.cumsum(axis as isize).unwrap(), ints.cumsum_backwards(axis as isize).unwrap());
            let n = shape[axis];
            let at = |i: usize, len: usize| (axis as isize, i as isize, len);
            for i in 0..n {
                let of = |a: (isize, isize, usize)| x.narrow(a.0, a.1, a.2).unwrap();
                let sum = of(at(0, i + 1)).sum_axes(axis as isize, true).unwrap();
                let row = y.narrow(axis as isize, i as isize, 1).unwrap();
                prop_assert!(row.all_close(&sum, 1e-13, 1e-13));
                let (a, b, c) = at(i, n - i);
                let sum = ints.narrow(a, b, c).unwrap().sum_axes(a, true).unwrap();
                prop_assert_eq!(z.narrow(a, i as isize, 1).unwrap(), sum);
            }
        }
    }

    #[test]
    fn a_million_small_numbers_do_not_drift() {
        for shape in [[1 << 20, 1], [1 << 20, 2]] {
            let x = Tensor::<f32>::full(shape, 0.1).unwrap();
            let last = x.cumsum(0).unwrap().to_vec()[(1 << 20) * shape[1] - 1];
            assert!((f64::from(last) / (0.1f32 as f64 * f64::from(1 << 20)) - 1.0).abs() < 1e-7);
        }
    }

    #[test]
    fn infinities_stay_and_integers_wrap() {
        let inf = f64::INFINITY;
        let y = Tensor::from([1.0, inf, 2.0, -inf, 0.0]).cumsum(0).unwrap();
        assert_eq!(y.to_vec()[..3], [1.0, inf, inf]);
        assert!(y.to_vec()[3..].iter().all(|y| y.is_nan()));
        let y = Tensor::from([i64::MAX, 1]).cumsum(0).unwrap();
        assert_eq!(y.to_vec(), [i64::MAX, i64::MIN]);
    }

    #[test]
    fn the_same_on_any_number_of_threads() {
        let x = Tensor::<f32>::randn([64, 700, 3], &mut Generator::new(2)).unwrap();
        let run = |threads| with_threads(threads, || x.cumsum(1).unwrap()).unwrap();
        assert_eq!(run(1), run(4));
    }

    #[test]
    fn no_axes_and_wrong_ones() {
        let scalar = Tensor::scalar(3.0);
        assert_eq!(scalar.cumsum(-1).unwrap(), scalar);
        assert!(scalar.cumsum(1).is_err());
        assert!(Tensor::from([1]).cumsum(-2).is_err());
        assert!(Tensor::<f32>::zeros([2, 0]).unwrap().cumsum(2).is_err());
    }
}
