//! Convolution, differentiable to any order.
//!
//! s(x, w, g) = Σ g · (x ⋆ w) is linear in each of its three arguments, and its
//! partial derivatives are three operations:
//!
//! | | value | other gradients |
//! |---|---|---|
//! | `conv2d(x, w)` | ∂s/∂g | of x: `conv2d_input(g, w)`, of w: `conv2d_weight(x, g)` |
//! | `conv2d_input(g, w)` | ∂s/∂x | of g: `conv2d(v, w)`, of w: `conv2d_weight(v, g)` |
//! | `conv2d_weight(x, g)` | ∂s/∂w | of x: `conv2d_input(g, v)`, of g: `conv2d(x, v)` |
//!
//! where v is the gradient of the value in question. The rules of each name the
//! other two, and so derivatives of every order stay within the family. (A bias
//! is added to every pixel of its channel: its gradient is the sum over them.)

use tensor::{Conv2dGeometry, Conv2dOptions, Float, Result, Tensor};

use super::unary::rectified;
use crate::record::{OpInfo, pull};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The convolution (cross-correlation) of images `[N, C, H, W]`, or one
    /// image `[C, H, W]`, with a weight `[out, C / groups, kh, kw]`, plus a bias
    /// `[out]`: [`Tensor::conv2d`](tensor::Tensor::conv2d).
    ///
    /// ```
    /// use tensor::{Conv2dOptions, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.constant(Tensor::from([[[1.0, 2.0, 3.0]]]));
    /// let w = tape.leaf(Tensor::from([[[[1.0, -1.0]]]]));
    /// let y = x.conv2d(&w, None, &Conv2dOptions::default())?;
    /// assert_eq!(y.value(), &Tensor::from([[[-1.0, -1.0]]]));
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&w), Some(&Tensor::from([[[[3.0, 5.0]]]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::conv2d`](tensor::Tensor::conv2d) and [`Var::record`].
    pub fn conv2d(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        options: &Conv2dOptions,
    ) -> Result<Self> {
        let bias_value = bias.map(Self::value);
        let value = self.value().conv2d(weight.value(), bias_value, options)?;
        self.record_conv2d(weight, bias, options, value)
    }

    /// max(0, y) for y the [`conv2d`](Self::conv2d) of the same arguments,
    /// without room for y: [`Tensor::conv2d_relu`](tensor::Tensor::conv2d_relu).
    /// The tape shows both, a `conv2d` and a `relu`.
    ///
    /// ```
    /// use tensor::{Conv2dOptions, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new();
    /// let x = tape.constant(Tensor::from([[[1.0, 3.0, 2.0]]]));
    /// let w = tape.leaf(Tensor::from([[[[1.0, -1.0]]]]));
    /// let y = x.conv2d_relu(&w, None, &Conv2dOptions::default())?;
    /// assert_eq!(y.value(), &Tensor::from([[[0.0, 1.0]]]));
    /// let grads = y.sum()?.backward()?;
    /// assert_eq!(grads.get(&w), Some(&Tensor::from([[[[3.0, 2.0]]]])));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`conv2d`](Self::conv2d).
    pub fn conv2d_relu(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        options: &Conv2dOptions,
    ) -> Result<Self> {
        if self.tape().detects_anomaly() {
            // The rectifier would hide an infinity below zero.
            return self.conv2d(weight, bias, options)?.relu();
        }
        let bias_value = bias.map(Self::value);
        let value = self
            .value()
            .conv2d_relu(weight.value(), bias_value, options)?;
        // What is recorded as the convolution's value is rectified already; the
        // rules of a convolution do not read it.
        let sum = self.record_conv2d(weight, bias, options, value.clone())?;
        rectified(&sum, value)
    }

    fn record_conv2d(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        options: &Conv2dOptions,
        value: Tensor<T>,
    ) -> Result<Self> {
        let geometry = Conv2dGeometry::new(self.shape(), weight.shape(), options)?;
        let op = OpInfo::from("conv2d")
            .with_window(geometry.window)
            .with_multiply_adds(geometry.multiply_adds());
        let options = *options;
        let of_input = self.wanted(|| {
            let (w, input_shape) = (weight.save(), geometry.input_shape());
            pull(move |g| g.conv2d_input(&w.on(g), &input_shape, &options))
        });
        let of_weight = weight.wanted(|| {
            let (x, weight_shape) = (self.save(), geometry.weight_shape());
            pull(move |g| x.on(g).conv2d_weight(g, weight_shape, &options))
        });
        let of_bias = bias.map(|bias| (bias, bias.wanted(|| pull(sum_of_channels))));
        let inputs = [(self, of_input), (weight, of_weight)];
        Self::record_wanted(op, value, inputs.into_iter().chain(of_bias))
    }

    /// The gradient of a convolution with respect to its input of
    /// `input_shape`, for `self` the gradient of its output:
    /// [`Tensor::conv2d_input`](tensor::Tensor::conv2d_input).
    ///
    /// # Errors
    /// As [`Tensor::conv2d_input`](tensor::Tensor::conv2d_input) and
    /// [`Var::record`].
    pub fn conv2d_input(
        &self,
        weight: &Self,
        input_shape: impl AsRef<[usize]>,
        options: &Conv2dOptions,
    ) -> Result<Self> {
        let input_shape = input_shape.as_ref();
        let value = self
            .value()
            .conv2d_input(weight.value(), input_shape, options)?;
        if !self.tape().is_recording() {
            return Self::unrecorded("conv2d_input", value, [self, weight]);
        }
        let geometry = Conv2dGeometry::new(input_shape, weight.shape(), options)?;
        let op = OpInfo::from("conv2d_input").with_multiply_adds(geometry.multiply_adds());
        let (g, w, options) = (self.save(), weight.save(), *options);
        let weight_shape = geometry.weight_shape();
        let of_grad = pull(move |v| v.conv2d(&w.on(v), None, &options));
        let of_weight = pull(move |v| v.conv2d_weight(&g.on(v), weight_shape, &options));
        Self::record(op, value, [(self, of_grad), (weight, of_weight)])
    }

    /// The gradient of a convolution of `self` with respect to its weight of
    /// `weight_shape`, for `grad` the gradient of its output:
    /// [`Tensor::conv2d_weight`](tensor::Tensor::conv2d_weight).
    ///
    /// # Errors
    /// As [`Tensor::conv2d_weight`](tensor::Tensor::conv2d_weight) and
    /// [`Var::record`].
    pub fn conv2d_weight(
        &self,
        grad: &Self,
        weight_shape: impl AsRef<[usize]>,
        options: &Conv2dOptions,
    ) -> Result<Self> {
        let weight_shape = weight_shape.as_ref();
        let value = self
            .value()
            .conv2d_weight(grad.value(), weight_shape, options)?;
        if !self.tape().is_recording() {
            return Self::unrecorded("conv2d_weight", value, [self, grad]);
        }
        let geometry = Conv2dGeometry::new(self.shape(), weight_shape, options)?;
        let op = OpInfo::from("conv2d_weight").with_multiply_adds(geometry.multiply_adds());
        let (x, g, options) = (self.save(), grad.save(), *options);
        let input_shape = geometry.input_shape();
        let of_input = pull(move |v| g.on(v).conv2d_input(v, &input_shape, &options));
        let of_grad = pull(move |v| x.on(v).conv2d(v, None, &options));
        Self::record(op, value, [(self, of_input), (grad, of_grad)])
    }
}

/// The gradient of a bias: the sum over the images and pixels of its channel.
pub(super) fn sum_of_channels<T: Float>(g: &Var<T>) -> Result<Var<T>> {
    let channels = g.shape().iter().rev().nth(2).copied().unwrap_or(1);
    g.sum_to([channels, 1, 1])?.reshape_to([channels])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{check_squared, random};
    use crate::{Tape, grad};
    use tensor::Padding;

    /// Strided, padded, dilated, grouped, pointwise; with a row dropped; with
    /// and without a batch.
    fn cases() -> Vec<(Vec<usize>, Vec<usize>, Conv2dOptions)> {
        let plain = Conv2dOptions::default();
        let lopsided = Padding::Explicit {
            before: [2, 0],
            after: [0, 1],
        };
        [
            (&[2, 2, 4, 3][..], [3, 2, 2, 2], plain),
            (&[1, 1, 6, 5], [1, 1, 3, 3], plain.stride(2)),
            (
                &[2, 5, 4],
                [2, 2, 3, 2],
                plain.padding((1, 2)).stride((2, 1)),
            ),
            (
                &[1, 1, 5, 6],
                [1, 1, 2, 2],
                plain.dilation((2, 3)).padding(1),
            ),
            (&[1, 4, 3, 3], [4, 2, 2, 2], plain.groups(2)),
            (&[1, 3, 3, 3], [6, 1, 2, 2], plain.groups(3).padding(1)),
            (&[3, 2, 3], [2, 3, 1, 1], plain),
            (&[1, 1, 3, 4], [2, 1, 2, 2], plain.padding(Padding::Same)),
            (
                &[1, 1, 3, 4],
                [1, 1, 2, 2],
                plain.padding(lopsided).stride(2),
            ),
        ]
        .map(|(x, w, options)| (x.to_vec(), w.to_vec(), options))
        .to_vec()
    }

    #[test]
    fn gradients_of_all_three_are_right_to_second_order() {
        for (x_shape, w_shape, options) in cases() {
            let geometry = Conv2dGeometry::new(&x_shape, &w_shape, &options).unwrap();
            let (x, w) = (random(&x_shape), random(&w_shape));
            let (b, g) = (random(&w_shape[..1]), random(&geometry.output_shape()));
            check_squared(
                |v| v[0].conv2d(&v[1], Some(&v[2]), &options),
                &[x.clone(), w.clone(), b],
            );
            check_squared(
                |v| v[0].conv2d_input(&v[1], &x_shape, &options),
                &[g.clone(), w],
            );
            check_squared(|v| v[0].conv2d_weight(&v[1], &w_shape, &options), &[x, g]);
        }
    }

    /// d²/dk² Σ (x ⋆ k)² = 2 Σ x² = 60, at any k.
    #[test]
    fn second_derivative_with_respect_to_a_kernel_of_one_tap() {
        let tape = Tape::new();
        let x = tape.constant(Tensor::<f32>::from([[[1.0, 2.0], [3.0, 4.0]]]));
        let k = tape.leaf(Tensor::from([[[[0.7]]]]));
        let y = x.conv2d(&k, None, &Conv2dOptions::default()).unwrap();
        let loss = y.mul(&y).unwrap().sum().unwrap();
        let first = grad(&loss, &[&k]).unwrap().remove(0).sum().unwrap();
        let second = grad(&first, &[&k]).unwrap().remove(0);
        assert_eq!(second.value(), &Tensor::from([[[[60.0]]]]));
    }

    /// x = torch.arange(60.).view(2, 1, 6, 5) / 10, requires_grad
    /// w = torch.arange(9.).view(1, 1, 3, 3) / 10, requires_grad; b = torch.ones(1), requires_grad
    /// F.conv2d(x, w, b, stride=2).square().sum().backward()
    #[test]
    fn dropped_rows_get_no_gradient_as_pytorch() {
        let range = |n: f64, shape: [usize; 4]| {
            let range = Tensor::arange(0.0, n, 1.0).unwrap().mul_scalar(0.1);
            Tensor::from_vec(shape, range.to_vec()).unwrap()
        };
        let tape = Tape::new();
        let x = tape.leaf(range(60.0, [2, 1, 6, 5]));
        let w = tape.leaf(range(9.0, [1, 1, 3, 3]));
        let b = tape.leaf(Tensor::from([1.0]));
        let options = Conv2dOptions::default().stride(2);
        let y = x.conv2d(&w, Some(&b), &options).unwrap();
        let loss = y.mul(&y).unwrap().sum().unwrap();
        assert!((loss.item().unwrap() - 1351.616).abs() < 1e-9);
        let grads = loss.backward().unwrap();
        let close = |found: &Tensor<f64>, expected: &Tensor<f64>| {
            assert!(found.all_close(expected, 1e-12, 1e-12));
        };
        close(grads.get(&b).unwrap(), &Tensor::from([186.88]));
        let of_weight = [
            [537.024, 555.712, 574.4],
            [630.464, 649.152, 667.84],
            [723.904, 742.592, 761.28],
        ];
        close(grads.get(&w).unwrap(), &Tensor::from([[of_weight]]));
        let of_x = grads.get(&x).unwrap();
        let last_row = |n: usize| (0..5).map(move |column| of_x.get([n, 0, 5, column]).unwrap());
        assert!(last_row(0).chain(last_row(1)).all(|g| g == 0.0));
        assert!((of_x.sum().item().unwrap() - 672.768).abs() < 1e-9);
    }

    #[test]
    fn what_is_recorded_says_how_it_slides() {
        let tape = Tape::new();
        let x = tape.constant(random(&[1, 2, 6, 5]));
        let w = tape.leaf(random(&[4, 2, 3, 3]));
        let options = Conv2dOptions::default().stride(2);
        x.conv2d(&w, None, &options).unwrap();
        let entry = tape.entries().remove(1);
        assert_eq!(entry.inputs, [None, Some(0)]);
        assert_eq!(entry.op.multiply_adds, 4 * 2 * 2 * 2 * 3 * 3);
        let window = entry.op.window.unwrap();
        assert_eq!((window.kernel, window.stride), ([3, 3], [2, 2]));
    }

    #[test]
    fn rectified_is_the_convolution_and_then_relu() {
        let options = Conv2dOptions::default().padding(1).stride((1, 2));
        let (x, w, b) = (random(&[2, 3, 5, 6]), random(&[4, 3, 3, 3]), random(&[4]));
        let run = |fused: bool| {
            let tape = Tape::new();
            let [x, w, b] = [&x, &w, &b].map(|t| tape.leaf(t.clone()));
            let y = if fused {
                x.conv2d_relu(&w, Some(&b), &options).unwrap()
            } else {
                x.conv2d(&w, Some(&b), &options).unwrap().relu().unwrap()
            };
            let listed = tape.to_string();
            let value = y.value().clone();
            let grads = y.mul(&y).unwrap().sum().unwrap().backward().unwrap();
            let grads = [&x, &w, &b].map(|leaf| grads.get(leaf).unwrap().clone());
            (value, grads, listed)
        };
        let ((value, grads, listed), plain) = (run(true), run(false));
        assert!(value.all_close(&plain.0, 1e-12, 1e-12));
        assert!(value.iter().any(|&y| y == 0.0) && value.iter().any(|&y| y > 0.0));
        for (fused, plain) in grads.iter().zip(&plain.1) {
            assert!(fused.all_close(plain, 1e-12, 1e-12));
        }
        assert_eq!(listed, plain.2);
        check_squared(
            |v| v[0].conv2d_relu(&v[1], Some(&v[2]), &options),
            &[x, w, b],
        );
    }

    #[test]
    fn an_anomaly_is_not_rectified_away() {
        let tape = Tape::new().detect_anomaly();
        let x = tape.leaf(Tensor::from([[[f64::NEG_INFINITY]]]));
        let w = tape.leaf(Tensor::from([[[[1.0]]]]));
        let error = x.conv2d_relu(&w, None, &Conv2dOptions::default());
        assert!(error.unwrap_err().to_string().contains("conv2d"));
    }
}
