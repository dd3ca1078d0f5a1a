//! Products of matrices, vectors and batches of them.
//!
//! Everything ends in the one kernel of `gemm`. Here is what lies before it:
//! PyTorch's rules for vectors, broadcast batches, and the folding of a batch
//! into rows where one large product does the work of many small ones.
//!
//! A transposed operand is a flag, not a copy: the gradients of a product are
//! products with one operand transposed.
//!
//! **Cost.** One multiply-add for every element of the result and every
//! element along the inner axis.

use crate::element::Float;
use crate::error::{Error, Result};
use crate::gemm::Operand;
use crate::loops::CHECKED;
use crate::par;
use crate::shape::{broadcast, broadcast_strides, for_each_row, nest, numel};
use crate::tensor::Tensor;

/// An operand of a product, read as a batch of matrices.
struct Matrices<'a> {
    batch: &'a [usize],
    rows: usize,
    columns: usize,
}

impl<T: Float> Tensor<T> {
    /// The matrix product, as PyTorch's `matmul`: the last two axes are the
    /// matrices, the axes before them are batches and broadcast. A vector on
    /// the left is a row, on the right a column, and the axis of size 1 that
    /// this gives the result is removed again.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let a = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    /// let x = Tensor::from([1.0, -1.0]);
    /// assert_eq!(a.matmul(&x)?, Tensor::from([-1.0, -1.0]));
    /// assert_eq!(x.matmul(&x)?, Tensor::scalar(2.0));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the inner sizes differ, the batches do not
    /// broadcast, or an operand has no axes; [`Error::TooLarge`].
    pub fn matmul(&self, rhs: &Self) -> Result<Self> {
        self.matmul_with(rhs, false, false)
    }

    /// The product of two matrices: [`matmul`](Self::matmul) of nothing else.
    ///
    /// # Errors
    /// [`Error::Shape`] unless these are matrices whose inner sizes agree;
    /// [`Error::TooLarge`].
    pub fn mm(&self, rhs: &Self) -> Result<Self> {
        if self.ndim() != 2 || rhs.ndim() != 2 {
            return Err(Error::shape(
                "mm",
                format!(
                    "needs two matrices (shapes {:?} and {:?})",
                    self.shape(),
                    rhs.shape()
                ),
            ));
        }
        self.matmul(rhs)
    }

    /// The products of two batches of matrices, one by one:
    /// [`matmul`](Self::matmul) of nothing else, without broadcasting.
    ///
    /// # Errors
    /// [`Error::Shape`] unless both have three axes, as many matrices, and
    /// inner sizes that agree; [`Error::TooLarge`].
    pub fn bmm(&self, rhs: &Self) -> Result<Self> {
        let batches = self.ndim() == 3 && rhs.ndim() == 3;
        if !batches || self.shape()[0] != rhs.shape()[0] {
            return Err(Error::shape(
                "bmm",
                format!(
                    "needs two batches of as many matrices (shapes {:?} and {:?})",
                    self.shape(),
                    rhs.shape()
                ),
            ));
        }
        self.matmul(rhs)
    }

    /// [`matmul`](Self::matmul) with the last two axes of either operand
    /// exchanged, without a copy. (A vector has nothing to exchange.)
    ///
    /// # Errors
    /// As [`matmul`](Self::matmul).
    pub fn matmul_with(
        &self,
        rhs: &Self,
        transpose_lhs: bool,
        transpose_rhs: bool,
    ) -> Result<Self> {
        const OP: &str = "matmul";
        let given = || {
            let mark = |transposed| if transposed { " transposed" } else { "" };
            format!(
                "(shapes {:?}{} and {:?}{})",
                self.shape(),
                mark(transpose_lhs),
                rhs.shape(),
                mark(transpose_rhs)
            )
        };
        // A vector is a row on the left and a column on the right: both lie in
        // memory like a row.
        let lhs_vector = self.ndim() == 1;
        let rhs_vector = rhs.ndim() == 1;
        let transpose_lhs = transpose_lhs && !lhs_vector;
        let transpose_rhs = transpose_rhs || rhs_vector;
        let (Some(a), Some(b)) = (
            matrices(self.shape(), transpose_lhs),
            matrices(rhs.shape(), transpose_rhs),
        ) else {
            return Err(Error::shape(
                OP,
                format!("both operands need at least one axis {}", given()),
            ));
        };
        if a.columns != b.rows {
            return Err(Error::shape(
                OP,
                format!(
                    "inner sizes {} and {} differ {}",
                    a.columns,
                    b.rows,
                    given()
                ),
            ));
        }
        let (m, n, k) = (a.rows, b.columns, a.columns);
        let batch = broadcast(OP, a.batch, b.batch)
            .map_err(|_| Error::shape(OP, format!("the batches do not broadcast {}", given())))?;
        let mut shape = batch.clone();
        shape.extend((!lhs_vector).then_some(m));
        shape.extend((!rhs_vector).then_some(n));
        let len = numel::<T>(OP, &shape)?;
        let mut output = Self::arbitrary(OP, &shape)?;
        let (x, y, data) = (self.as_slice(), rhs.as_slice(), output.as_mut_slice());
        if len == 0 {
            // There may be more matrices without elements than one can count.
            return Ok(output);
        }
        if b.batch.iter().all(|&size| size == 1) && !transpose_lhs {
            // One right-hand matrix for all rows of the batch: a single product.
            let rows = m * batch.iter().product::<usize>();
            let (x, y) = (Operand::Plain(x), Operand::new(y, transpose_rhs));
            T::gemm(CHECKED, [rows, n, k], x, y, data, false);
        } else {
            let steps = [a.batch, b.batch].map(|own| broadcast_strides(own, &batch));
            let mut pairs = Vec::new();
            for_each_row(&nest(&batch, &steps), |pair| pairs.push(pair));
            let cost = par::multiply_adds(len.saturating_mul(k));
            par::for_each_piece(data, m * n, cost, |i, out| {
                let Some(&[i, j]) = pairs.get(i) else { return };
                let x = Operand::new(&x[i * m * k..][..m * k], transpose_lhs);
                let y = Operand::new(&y[j * k * n..][..k * n], transpose_rhs);
                T::gemm(CHECKED, [m, n, k], x, y, out, false);
            });
        }
        Ok(output)
    }

    /// A linear layer: x · Wᵀ + b for an input `[.., in]`, a weight
    /// `[out, in]` and a bias `[out]`, with any number of leading axes. A weight
    /// `[in]` yields one number in place of the last axis.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([[1.0, 2.0]]);
    /// let weight = Tensor::from([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
    /// let bias = Tensor::from([0.5, 0.5, 0.5]);
    /// assert_eq!(x.linear(&weight, Some(&bias))?, Tensor::from([[1.5, 2.5, 3.5]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes are not these, [`Error::TooLarge`].
    pub fn linear(&self, weight: &Self, bias: Option<&Self>) -> Result<Self> {
        linear(self, weight, bias, false)
    }

    /// max(0, y) for y the [`linear`](Self::linear) of the same arguments,
    /// rectified as it is stored: there is no tensor in between. NaN stays NaN.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([[1.0, 2.0]]);
    /// let weight = Tensor::from([[1.0, -1.0], [-1.0, 1.0]]);
    /// assert_eq!(x.linear_relu(&weight, None)?, Tensor::from([[0.0, 1.0]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`linear`](Self::linear).
    pub fn linear_relu(&self, weight: &Self, bias: Option<&Self>) -> Result<Self> {
        linear(self, weight, bias, true)
    }
}

/// A linear layer, rectified if that is wanted.
fn linear<T: Float>(
    x: &Tensor<T>,
    weight: &Tensor<T>,
    bias: Option<&Tensor<T>>,
    relu: bool,
) -> Result<Tensor<T>> {
    const OP: &str = "linear";
    let (out, features, outputs) = match *weight.shape() {
        [out, features] => (out, features, Some(out)),
        [features] => (1, features, None),
        _ => {
            return Err(Error::shape(
                OP,
                format!("weight must be [out, in] or [in], got {:?}", weight.shape()),
            ));
        }
    };
    let outputs = outputs.as_slice();
    let Some((&own, leading)) = x.shape().split_last() else {
        return Err(Error::shape(
            OP,
            "the input needs at least one axis, got []",
        ));
    };
    if own != features {
        return Err(Error::shape(
            OP,
            format!(
                "input has {own} features, weight expects {features} \
                 (input {:?}, weight {:?})",
                x.shape(),
                weight.shape()
            ),
        ));
    }
    if let Some(bias) = bias.filter(|bias| bias.shape() != outputs) {
        return Err(Error::shape(
            OP,
            format!(
                "bias must be {outputs:?}, got {:?} (weight {:?})",
                bias.shape(),
                weight.shape()
            ),
        ));
    }
    let mut output = Tensor::arbitrary(OP, &[leading, outputs].concat())?;
    let y = output.as_mut_slice();
    if !y.is_empty() {
        // Without elements there may be more rows than one can count.
        let mnk = [leading.iter().product(), out, features];
        let w = Operand::Transposed(weight.as_slice());
        let (x, bias) = (Operand::Plain(x.as_slice()), bias.map(Tensor::as_slice));
        T::linear(CHECKED, mnk, x, w, bias, relu, y);
    }
    Ok(output)
}

/// How a shape reads as matrices; `None` without axes. A vector is one row,
/// or, transposed, one column.
fn matrices(shape: &[usize], transposed: bool) -> Option<Matrices<'_>> {
    let (batch, rows, columns) = match shape {
        [] => return None,
        &[columns] => (&[][..], 1, columns),
        [batch @ .., rows, columns] => (batch, *rows, *columns),
    };
    let (rows, columns) = if transposed {
        (columns, rows)
    } else {
        (rows, columns)
    };
    Some(Matrices {
        batch,
        rows,
        columns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use proptest::prelude::*;

    fn random(shape: &[usize], generator: &mut Generator) -> Tensor<f64> {
        Tensor::randn(shape, generator).unwrap()
    }

    /// A product of batches by its definition.
    fn naive(a: &Tensor<f64>, b: &Tensor<f64>, out: &[usize]) -> Tensor<f64> {
        let k = a.shape()[a.ndim() - 1];
        let pick = |t: &Tensor<f64>, batch: &[usize], i: usize, j: usize| {
            let own = t.ndim() - 2;
            let sizes = &t.shape()[..own];
            let mut index: Vec<usize> = batch[batch.len() - own..]
                .iter()
                .zip(sizes)
                .map(|(&i, &n)| i.min(n - 1))
                .collect();
            index.extend([i, j]);
            t.get(index).unwrap()
        };
        Tensor::from_fn(out, |index| {
            let (batch, place) = index.split_at(index.len() - 2);
            (0..k)
                .map(|l| pick(a, batch, place[0], l) * pick(b, batch, l, place[1]))
                .sum()
        })
        .unwrap()
    }

    proptest! {
        #[test]
        fn batches_agree_with_the_definition(
            batch in prop::collection::vec((1usize..4, any::<(bool, bool)>()), 0..3),
            cut in 0usize..3,
            mnk in prop::array::uniform3(0usize..6),
            flags in any::<(bool, bool)>(),
            seed in any::<u64>(),
        ) {
            let [m, n, k] = mnk;
            let pick = |which: fn(&(bool, bool)) -> bool| -> Vec<usize> {
                batch.iter().map(|(size, ones)| if which(ones) { 1 } else { *size }).collect()
            };
            let (a, b) = (pick(|o| o.0), pick(|o| o.1));
            let b = &b[cut.min(b.len())..];
            let generator = &mut Generator::new(seed);
            let a = random(&[&a[..], &[m, k]].concat(), generator);
            let b = random(&[b, &[k, n]].concat(), generator);
            let product = a.matmul(&b).unwrap();
            let joint = broadcast("", &a.shape()[..a.ndim() - 2], &b.shape()[..b.ndim() - 2]);
            let expected = naive(&a, &b, &[&joint.unwrap()[..], &[m, n]].concat());
            prop_assert_eq!(product.shape(), expected.shape());
            prop_assert!(product.all_close(&expected, 1e-12, 1e-12));

            // The same through transposed storage and flags.
            let a = if flags.0 { a.transpose(-1, -2).unwrap() } else { a };
            let b = if flags.1 { b.transpose(-1, -2).unwrap() } else { b };
            let product = a.matmul_with(&b, flags.0, flags.1).unwrap();
            prop_assert_eq!(product.shape(), expected.shape());
            prop_assert!(product.all_close(&expected, 1e-12, 1e-12));
        }
    }

    #[test]
    fn vectors_as_pytorch() {
        let generator = &mut Generator::new(1);
        let v = random(&[3], generator);
        let batch = random(&[5, 3, 2], generator);
        let left = v.matmul(&batch).unwrap();
        assert_eq!(left.shape(), [5, 2]);
        let right = batch.matmul_with(&v, true, true).unwrap();
        assert!(left.all_close(&right, 1e-12, 1e-12));
        let row = v.reshape([1, 3]).unwrap();
        let full = row.matmul(&batch).unwrap();
        assert_eq!(full.shape(), [5, 1, 2]);
        assert!(full.squeeze(1).unwrap().all_close(&left, 1e-12, 1e-12));
        assert_eq!(v.matmul(&v).unwrap().shape(), [0; 0]);
        let expected: f64 = v.iter().map(|x| x * x).sum();
        assert!((v.matmul(&v).unwrap().item().unwrap() - expected).abs() < 1e-12);
        let m = random(&[4, 3], generator);
        assert_eq!(m.matmul(&v).unwrap().shape(), [4]);
        assert_eq!(v.matmul_with(&m, true, true).unwrap().shape(), [4]);
    }

    #[test]
    fn an_inner_size_of_zero_gives_zeros() {
        let zeros = |shape: &[usize]| Tensor::<f32>::zeros(shape).unwrap();
        for (a, b, out) in [
            (&[2, 0][..], &[0, 3][..], &[2, 3][..]),
            (&[5, 2, 0], &[5, 0, 1], &[5, 2, 1]),
            (&[0], &[0], &[]),
            (&[0, 2, 3], &[3, 4], &[0, 2, 4]),
            (&[2, 3], &[3, 0], &[2, 0]),
        ] {
            let product = zeros(a).matmul(&zeros(b)).unwrap();
            assert_eq!(product, zeros(out));
        }
        let linear = zeros(&[2, 0]).linear(&zeros(&[3, 0]), Some(&Tensor::from([1.0, 2.0, 3.0])));
        assert_eq!(linear.unwrap(), Tensor::from([[1.0, 2.0, 3.0]; 2]));
        assert_eq!(
            zeros(&[2, 3])
                .linear(&zeros(&[0, 3]), None)
                .unwrap()
                .shape(),
            [2, 0]
        );
    }

    #[test]
    fn linear_is_a_product_and_a_sum() {
        let generator = &mut Generator::new(2);
        let weight = random(&[4, 3], generator);
        let bias = random(&[4], generator);
        for shape in [&[3][..], &[5, 3], &[2, 5, 3], &[0, 3]] {
            let x = random(shape, generator);
            let expected = x.matmul(&weight.t().unwrap()).unwrap();
            let plain = x.linear(&weight, None).unwrap();
            assert!(plain.all_close(&expected, 1e-12, 1e-12), "{shape:?}");
            let shifted = x.linear(&weight, Some(&bias)).unwrap();
            let expected = (&expected + &bias).unwrap();
            assert!(shifted.all_close(&expected, 1e-12, 1e-12), "{shape:?}");
        }
    }

    #[test]
    fn bad_shapes_are_errors() {
        let zeros = |shape: &[usize]| Tensor::<f32>::zeros(shape).unwrap();
        assert_eq!(
            zeros(&[2, 3])
                .matmul_with(&zeros(&[4, 5]), false, true)
                .unwrap_err()
                .to_string(),
            "matmul: inner sizes 3 and 5 differ (shapes [2, 3] and [4, 5] transposed)"
        );
        assert!(zeros(&[]).matmul(&zeros(&[3])).is_err());
        assert!(zeros(&[2]).matmul(&zeros(&[3, 2])).is_err());
        assert!(zeros(&[2, 3, 4]).matmul(&zeros(&[3, 4, 2])).is_err());
        let huge = zeros(&[1 << 40, 0]);
        assert!(huge.matmul_with(&huge, false, true).is_err());
        let (x, w) = (zeros(&[8, 3]), zeros(&[10, 4]));
        assert_eq!(
            x.linear(&w, None).unwrap_err().to_string(),
            "linear: input has 3 features, weight expects 4 (input [8, 3], weight [10, 4])"
        );
        assert!(zeros(&[]).linear(&w, None).is_err());
        assert!(x.linear(&zeros(&[4]), None).is_err());
        assert!(zeros(&[8, 4]).linear(&w, Some(&zeros(&[1]))).is_err());
        assert!(huge.linear(&huge, None).is_err());
    }
}
