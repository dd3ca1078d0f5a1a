//! Products of matrices, vectors and batches of them.
//!
//! For C = A · B with the gradient G of C,
//!
//! | | gradient |
//! |---|---|
//! | A | G · Bᵀ |
//! | B | Aᵀ · G |
//!
//! and if an operand is read transposed, so is its gradient. All of these are
//! products with flags, so the family is closed and no transpose is ever
//! copied. The sweep sums over broadcast batches; a single right-hand matrix
//! under a whole batch is spared that, its gradient being one product over all
//! rows.
//!
//! **Cost.** Each gradient costs what the product costs. Each side saves the
//! other.

use tensor::{Float, Result, Tensor};

use super::unary::rectified;
use crate::record::{OpInfo, pull};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The matrix product, as PyTorch's `matmul`: of vectors, matrices, and
    /// batches of matrices, which broadcast.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let a = tape.leaf(Tensor::from([[1.0, 2.0], [3.0, 4.0]]));
    /// let x = tape.leaf(Tensor::from([1.0, -1.0]));
    /// let grads = a.matmul(&x)?.sum()?.backward()?;
    /// assert_eq!(grads.get(&x), Some(&Tensor::from([4.0, 6.0])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::matmul`](tensor::Tensor::matmul) and [`Var::record`].
    pub fn matmul(&self, rhs: &Self) -> Result<Self> {
        self.matmul_with(rhs, false, false)
    }

    /// The product of two matrices: [`matmul`](Self::matmul) of nothing else.
    ///
    /// # Errors
    /// As [`Tensor::mm`](tensor::Tensor::mm) and [`Var::record`].
    pub fn mm(&self, rhs: &Self) -> Result<Self> {
        self.product("mm", rhs, [false; 2], self.value().mm(rhs.value())?)
    }

    /// The products of two batches of matrices, one by one, without
    /// broadcasting.
    ///
    /// # Errors
    /// As [`Tensor::bmm`](tensor::Tensor::bmm) and [`Var::record`].
    pub fn bmm(&self, rhs: &Self) -> Result<Self> {
        self.product("bmm", rhs, [false; 2], self.value().bmm(rhs.value())?)
    }

    /// [`matmul`](Self::matmul) with the last two axes of either operand
    /// exchanged, without a copy. (A vector has nothing to exchange.)
    ///
    /// # Errors
    /// As [`Tensor::matmul_with`](tensor::Tensor::matmul_with) and
    /// [`Var::record`].
    pub fn matmul_with(
        &self,
        rhs: &Self,
        transpose_lhs: bool,
        transpose_rhs: bool,
    ) -> Result<Self> {
        let value = self
            .value()
            .matmul_with(rhs.value(), transpose_lhs, transpose_rhs)?;
        self.product("matmul", rhs, [transpose_lhs, transpose_rhs], value)
    }

    fn product(
        &self,
        op: &'static str,
        rhs: &Self,
        [transpose_lhs, transpose_rhs]: [bool; 2],
        value: Tensor<T>,
    ) -> Result<Self> {
        let product = Product {
            lhs_is_vector: self.ndim() == 1,
            rhs_is_vector: rhs.ndim() == 1,
            transpose_lhs: transpose_lhs && self.ndim() > 1,
            transpose_rhs: transpose_rhs && rhs.ndim() > 1,
            rhs_is_shared: rhs.ndim() <= 2 && self.ndim() > 2 && !transpose_lhs,
        };
        let inner = match self.shape() {
            [.., rows, _] if transpose_lhs => *rows,
            [.., columns] => *columns,
            [] => 0,
        };
        let info = info(op, value.len(), inner);
        let (a, b) = (self.save(), rhs.save());
        Self::record(
            info,
            value,
            [
                (self, pull(move |g| product.lhs_gradient(g, &b.on(g)))),
                (rhs, pull(move |g| product.rhs_gradient(g, &a.on(g)))),
            ],
        )
    }

    /// A linear layer: x · Wᵀ + b for an input `[.., in]`, a weight
    /// `[out, in]` and a bias `[out]`, with any number of leading axes. A weight
    /// `[in]` yields one number in place of the last axis.
    ///
    /// With the gradient G, all leading axes of it and of x taken as rows, the
    /// gradient of x is G · W, of W it is Gᵀ · x, and of b the sum of the rows
    /// of G.
    ///
    /// # Errors
    /// As [`Tensor::linear`](tensor::Tensor::linear) and [`Var::record`].
    pub fn linear(&self, weight: &Self, bias: Option<&Self>) -> Result<Self> {
        if weight.ndim() == 1 {
            let (row, bias) = single_row(weight, bias)?;
            return self.linear(&row, bias.as_ref())?.squeeze(-1);
        }
        let value = self.value().linear(weight.value(), bias.map(Self::value))?;
        self.record_linear(weight, bias, value)
    }

    /// max(0, y) for y the [`linear`](Self::linear) of the same arguments,
    /// without room for y: [`Tensor::linear_relu`](tensor::Tensor::linear_relu).
    /// The tape shows both, a `linear` and a `relu`.
    ///
    /// # Errors
    /// As [`linear`](Self::linear).
    pub fn linear_relu(&self, weight: &Self, bias: Option<&Self>) -> Result<Self> {
        if weight.ndim() == 1 {
            let (row, bias) = single_row(weight, bias)?;
            return self.linear_relu(&row, bias.as_ref())?.squeeze(-1);
        }
        if self.tape().detects_anomaly() {
            // The rectifier would hide an infinity below zero.
            return self.linear(weight, bias)?.relu();
        }
        let value = self
            .value()
            .linear_relu(weight.value(), bias.map(Self::value))?;
        // As in `conv2d_relu`: no rule reads the value before the rectifier.
        let sum = self.record_linear(weight, bias, value.clone())?;
        rectified(&sum, value)
    }

    fn record_linear(&self, weight: &Self, bias: Option<&Self>, value: Tensor<T>) -> Result<Self> {
        let info = info(
            "linear",
            value.len(),
            self.shape().last().copied().unwrap_or(0),
        );
        let of_input = self.wanted(|| {
            let w = weight.save();
            pull(move |g: &Self| g.matmul(&w.on(g)))
        });
        let of_weight = weight.wanted(|| {
            let x = self.save();
            pull(move |g: &Self| as_rows(g)?.matmul_with(&as_rows(&x.on(g))?, true, false))
        });
        let of_bias = bias.map(|bias| {
            let own = bias.shape().to_vec();
            (bias, bias.wanted(|| pull(move |g: &Self| g.sum_to(&own))))
        });
        let inputs = [(self, of_input), (weight, of_weight)];
        Self::record_wanted(info, value, inputs.into_iter().chain(of_bias))
    }
}

fn info(op: &'static str, results: usize, inner: usize) -> OpInfo {
    let count = (results as u64).saturating_mul(inner as u64);
    OpInfo::from(op).spanning_plane().with_multiply_adds(count)
}

/// All axes but the last as one; a vector as one row.
fn as_rows<T: Float>(x: &Var<T>) -> Result<Var<T>> {
    match x.shape() {
        [] | [_, _] => Ok(x.clone()),
        [leading @ .., last] => x.reshape_to([leading.iter().product(), *last]),
    }
}

/// How a product reads its operands.
#[derive(Clone, Copy)]
struct Product {
    lhs_is_vector: bool,
    rhs_is_vector: bool,
    transpose_lhs: bool,
    transpose_rhs: bool,
    /// One right-hand matrix for all rows of a batch.
    rhs_is_shared: bool,
}

/// A weight of one output and its bias as those of a layer with one output.
fn single_row<T: Float>(
    weight: &Var<T>,
    bias: Option<&Var<T>>,
) -> Result<(Var<T>, Option<Var<T>>)> {
    let bias = bias.map(|bias| bias.unsqueeze(0)).transpose()?;
    Ok((weight.unsqueeze(0)?, bias))
}

impl Product {
    /// The gradient of the left operand, given the right one.
    fn lhs_gradient<T: Float>(self, g: &Var<T>, b: &Var<T>) -> Result<Var<T>> {
        let (g, b) = (self.result(g)?, self.rhs(b)?);
        let gradient = if self.transpose_lhs {
            b.matmul_with(&g, self.transpose_rhs, true)?
        } else {
            g.matmul_with(&b, false, !self.transpose_rhs)?
        };
        if self.lhs_is_vector {
            gradient.squeeze(-2)
        } else {
            Ok(gradient)
        }
    }

    /// The gradient of the right operand, given the left one.
    fn rhs_gradient<T: Float>(self, g: &Var<T>, a: &Var<T>) -> Result<Var<T>> {
        let (mut g, mut a) = (self.result(g)?, self.lhs(a)?);
        if self.rhs_is_shared {
            (g, a) = (as_rows(&g)?, as_rows(&a)?);
        }
        let gradient = if self.transpose_rhs {
            g.matmul_with(&a, true, self.transpose_lhs)?
        } else {
            a.matmul_with(&g, !self.transpose_lhs, false)?
        };
        if self.rhs_is_vector {
            gradient.squeeze(-1)
        } else {
            Ok(gradient)
        }
    }

    /// The left operand as matrices: a vector is a row.
    fn lhs<T: Float>(self, a: &Var<T>) -> Result<Var<T>> {
        if self.lhs_is_vector {
            a.unsqueeze(0)
        } else {
            Ok(a.clone())
        }
    }

    /// The right operand as matrices: a vector is a column.
    fn rhs<T: Float>(self, b: &Var<T>) -> Result<Var<T>> {
        if self.rhs_is_vector {
            b.unsqueeze(1)
        } else {
            Ok(b.clone())
        }
    }

    /// The result's gradient as matrices, with the axes of size 1 that vectors
    /// had given it.
    fn result<T: Float>(self, g: &Var<T>) -> Result<Var<T>> {
        let mut g = g.clone();
        if self.rhs_is_vector {
            g = g.unsqueeze(-1)?;
        }
        if self.lhs_is_vector {
            g = g.unsqueeze(-2)?;
        }
        Ok(g)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{check_linear, check_squared, gradient, random};
    use crate::tape::Tape;

    #[test]
    fn products_of_all_ranks() {
        for (a, b) in [
            (&[3][..], &[3][..]),
            (&[3], &[3, 2]),
            (&[2, 3], &[3]),
            (&[2, 3], &[3, 2]),
            (&[2, 1, 3], &[3, 2]),
            (&[2, 2, 3], &[3]),
            (&[3], &[2, 3, 2]),
            (&[2, 3], &[2, 3, 1]),
            (&[2, 1, 2, 3], &[3, 3, 1]),
            (&[2, 0], &[0, 2]),
        ] {
            let (a, b) = (random(a), random(b));
            check_squared(|x| x[0].matmul(&x[1]), &[a, b]);
        }
    }

    #[test]
    fn products_with_flags() {
        for (transpose_lhs, transpose_rhs) in [(false, true), (true, false), (true, true)] {
            for batches in [[&[][..], &[]], [&[2], &[]], [&[], &[2]], [&[2, 1], &[2]]] {
                let shape = |batch: &[usize], rows, columns, transposed| {
                    let matrix = if transposed {
                        [columns, rows]
                    } else {
                        [rows, columns]
                    };
                    [batch, &matrix].concat()
                };
                let a = random(&shape(batches[0], 1, 3, transpose_lhs));
                let b = random(&shape(batches[1], 3, 2, transpose_rhs));
                let product =
                    |x: &[Var<f64>]| x[0].matmul_with(&x[1], transpose_lhs, transpose_rhs);
                check_squared(product, &[a.clone(), b]);
            }
            let (matrix, vector) = (random(&[3, 3]), random(&[3]));
            for (a, b) in [(&matrix, &vector), (&vector, &matrix), (&vector, &vector)] {
                let product =
                    |x: &[Var<f64>]| x[0].matmul_with(&x[1], transpose_lhs, transpose_rhs);
                check_squared(product, &[a.clone(), b.clone()]);
            }
        }
    }

    #[test]
    fn a_product_is_adjoint_to_its_rules() {
        let (a, b) = (random(&[4, 2, 3]), random(&[3, 5]));
        check_linear(&a, |x| x.matmul(&x.constant(b.clone())));
        check_linear(&b, |x| x.constant(a.clone()).matmul(x));
    }

    #[test]
    fn linear_layers_of_all_ranks() {
        for shape in [&[3][..], &[4, 3], &[2, 2, 3], &[0, 3]] {
            let inputs = [random(shape), random(&[2, 3]), random(&[2])];
            check_squared(|x| x[0].linear(&x[1], Some(&x[2])), &inputs);
            check_squared(|x| x[0].linear(&x[1], None), &inputs[..2]);
            // One output, without an axis of its own.
            let inputs = [random(shape), random(&[3]), random(&[])];
            check_squared(|x| x[0].linear(&x[1], Some(&x[2])), &inputs);
            check_squared(|x| x[0].linear_relu(&x[1], None), &inputs[..2]);
        }
    }

    #[test]
    fn rectified_is_the_product_and_then_relu() {
        let inputs = [random(&[5, 3]), random(&[4, 3]), random(&[4])];
        let run = |fused: bool| {
            let tape = Tape::new();
            let [x, w, b] = inputs.each_ref().map(|t| tape.leaf(t.clone()));
            let y = if fused {
                x.linear_relu(&w, Some(&b)).unwrap()
            } else {
                x.linear(&w, Some(&b)).unwrap().relu().unwrap()
            };
            (y.value().clone(), tape.to_string())
        };
        assert_eq!(run(true), run(false));
        check_squared(|v| v[0].linear_relu(&v[1], Some(&v[2])), &inputs);
        check_squared(|v| v[0].linear_relu(&v[1], None), &inputs[..2]);
        // An anomaly is not rectified away.
        let tape = Tape::new().detect_anomaly();
        let x = tape.leaf(Tensor::from([[f64::NEG_INFINITY]]));
        let error = x.linear_relu(&tape.leaf(Tensor::from([[1.0]])), None);
        assert!(error.unwrap_err().to_string().contains("linear"));
    }

    #[test]
    fn linear_is_one_entry() {
        let tape = Tape::new();
        let x = tape.leaf(random(&[5, 3]));
        let weight = tape.leaf(random(&[2, 3]));
        let bias = tape.leaf(random(&[2]));
        let y = x.linear(&weight, Some(&bias)).unwrap();
        assert_eq!(y.shape(), [5, 2]);
        assert_eq!(tape.len(), 4);
        let entry = tape.entries().pop().unwrap();
        assert_eq!((entry.op.name, entry.op.multiply_adds), ("linear", 30));
    }

    #[test]
    fn gradients_as_pytorch() {
        // x = torch.arange(6.).reshape(2, 1, 3).requires_grad_()
        // w = torch.tensor([[1., -1., 2.], [0., 3., 1.]])
        // y = torch.nn.functional.linear(x, w, torch.ones(2)) @ torch.tensor([2., 1.])
        // (y * torch.tensor([[1.], [10.]])).sum().backward(); y, x.grad
        let x = Tensor::<f64>::arange(0.0, 6.0, 1.0).unwrap();
        let x = x.reshape([2, 1, 3]).unwrap();
        let f = |x: &Var<f64>| {
            let weight = Tensor::from([[1.0, -1.0, 2.0], [0.0, 3.0, 1.0]]);
            let bias = x.constant(Tensor::ones([2])?);
            x.linear(&x.constant(weight), Some(&bias))?
                .matmul(&x.constant(Tensor::from([2.0, 1.0])))
        };
        let y = f(&Tape::inference().constant(x.clone())).unwrap();
        assert_eq!(y.value(), &Tensor::from([[14.0], [38.0]]));
        let grad = gradient(&x, &Tensor::from([[1.0], [10.0]]), f);
        assert_eq!(
            grad,
            Tensor::from([[[2.0, 1.0, 5.0]], [[20.0, 10.0, 50.0]]])
        );
    }

    #[test]
    fn bad_shapes_are_errors() {
        let tape = Tape::new();
        let leaf = |shape: &[usize]| tape.leaf(random(shape));
        assert!(leaf(&[2, 3]).matmul(&leaf(&[2, 3])).is_err());
        assert!(leaf(&[]).matmul(&leaf(&[2])).is_err());
        assert!(leaf(&[2, 3]).linear(&leaf(&[2, 2]), None).is_err());
        assert!(
            leaf(&[3])
                .linear(&leaf(&[2, 3]), Some(&leaf(&[3])))
                .is_err()
        );
    }
}
