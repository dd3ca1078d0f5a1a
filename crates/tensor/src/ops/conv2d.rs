//! Convolution, and its two adjoints.
//!
//! What deep learning calls convolution is cross-correlation over channels:
//!
//! ```text
//! y[n, o, p, q] = b[o] + Σ_{c, i, j} w[o, c, i, j] · x[n, c, p·s + i·d − before, q·s + j·d − before]
//! ```
//!
//! Contracted with a gradient g in the shape of y, this is a form in three
//! tensors, linear in each: s(x, w, g) = Σ g · (x ⋆ w). Its derivatives with
//! respect to g, x and w are the three functions here: [`Tensor::conv2d`],
//! [`Tensor::conv2d_input`] and [`Tensor::conv2d_weight`]. The derivative of
//! any of them is one of the other two, so differentiation never leaves the
//! family.
//!
//! [`Algorithm::of`] says which loops run; the loops themselves are in
//! `conv2d_direct` and `conv2d_gemm`, and have nothing left to check.
//!
//! **Cost.** [`Conv2dGeometry::multiply_adds`] for each of the three.

use super::conv_geometry::{Conv2dGeometry, Conv2dOptions};
use super::{conv2d_direct as direct, conv2d_gemm as unrolled};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Which loops compute a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// The definition, with the loop over a row of the image innermost.
    Direct,
    /// A matrix product with the image itself: a kernel of one tap at stride 1.
    Pointwise,
    /// A matrix product with the windows of so many output rows at a time,
    /// unrolled into columns.
    Unrolled {
        /// Output rows of a tile.
        rows: usize,
    },
}

impl Algorithm {
    /// Multiply-adds of an image below which nothing pays that needs preparing.
    const TINY: u64 = 1 << 12;
    /// Output channels of a group below which unrolling a window costs more
    /// than it saves: every column is written once and read so many times.
    const FEW_CHANNELS: usize = 4;
    /// Elements of unrolled windows that stay in the cache of one core.
    const TILE: usize = 1 << 18;
    /// Elements of unrolled windows beyond which memory is not worth it.
    const TILE_LIMIT: usize = 1 << 22;

    /// The choice, a function of the geometry alone: never of the number of
    /// threads, which would change the order of sums and so the bits.
    pub(crate) fn of(geometry: &Conv2dGeometry) -> Self {
        let window = &geometry.window;
        let [ins, outs] = geometry.group_channels();
        let image = Conv2dGeometry {
            batch: None,
            ..*geometry
        };
        let unpadded = window.padding_before == [0, 0] && window.padding_after == [0, 0];
        let column_row = (ins * geometry.taps()).saturating_mul(geometry.output[1]);
        if image.multiply_adds() <= Self::TINY || outs < Self::FEW_CHANNELS {
            Self::Direct
        } else if window.kernel == [1, 1] && window.stride == [1, 1] && unpadded {
            Self::Pointwise
        } else if column_row > Self::TILE_LIMIT {
            Self::Direct
        } else {
            // As many rows as the cache holds, then evened out.
            let fit = (Self::TILE / column_row.max(1)).max(1);
            let tiles = geometry.output[0].div_ceil(fit);
            Self::Unrolled {
                rows: geometry.output[0].div_ceil(tiles),
            }
        }
    }
}

impl<T: Float> Tensor<T> {
    /// The convolution (cross-correlation, as everywhere in deep learning) of
    /// images `[N, C, H, W]`, or one image `[C, H, W]`, with a weight
    /// `[out, C / groups, kh, kw]`, plus a bias `[out]`.
    ///
    /// ```
    /// use wengert_tensor::{Conv2dOptions, Tensor};
    ///
    /// let image = Tensor::<f32>::from([[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]]);
    /// let weight = Tensor::from([[[[0.0, 1.0], [2.0, 3.0]]]]);
    /// let y = image.conv2d(&weight, None, &Conv2dOptions::default())?;
    /// assert_eq!(y, Tensor::from([[[19.0, 25.0], [37.0, 43.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Conv2dGeometry::new`]; [`Error::Shape`] if the bias does not
    /// have one element for each output channel; [`Error::TooLarge`].
    pub fn conv2d(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        options: &Conv2dOptions,
    ) -> Result<Self> {
        const OP: &str = "conv2d";
        let geometry = Conv2dGeometry::checked(OP, self.shape(), weight.shape(), options)?;
        if let Some(bias) = bias {
            check_bias(OP, bias.shape(), &geometry)?;
        }
        let mut output = Self::filled(OP, &geometry.output_shape(), T::ZERO)?;
        let (x, w, y) = (self.as_slice(), weight.as_slice(), output.as_mut_slice());
        let bias = bias.map(Self::as_slice);
        match Algorithm::of(&geometry) {
            Algorithm::Direct => direct::forward(&geometry, x, w, bias, y),
            Algorithm::Pointwise => unrolled::forward_pointwise(&geometry, x, w, bias, y),
            Algorithm::Unrolled { rows } => unrolled::forward(&geometry, rows, x, w, bias, y),
        }
        Ok(output)
    }

    /// The gradient of a convolution with respect to its input, for `self` the
    /// gradient with respect to its output: the adjoint of
    /// `x ↦ x.conv2d(weight)` for inputs of `input_shape`. Rows and columns
    /// that no window saw get zero.
    ///
    /// ```
    /// use wengert_tensor::{Conv2dOptions, Tensor};
    ///
    /// let weight = Tensor::<f32>::from([[[[1.0, 2.0]]]]);
    /// let grad = Tensor::from([[[1.0, 10.0]]]);
    /// let x = grad.conv2d_input(&weight, [1, 1, 3], &Conv2dOptions::default())?;
    /// assert_eq!(x, Tensor::from([[[1.0, 12.0, 20.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Conv2dGeometry::new`] for the input and the weight, and
    /// [`Error::Shape`] if `self` does not have the output's shape.
    pub fn conv2d_input(
        &self,
        weight: &Self,
        input_shape: impl AsRef<[usize]>,
        options: &Conv2dOptions,
    ) -> Result<Self> {
        const OP: &str = "conv2d_input";
        let input_shape = input_shape.as_ref();
        let geometry = Conv2dGeometry::checked(OP, input_shape, weight.shape(), options)?;
        check_gradient(OP, self.shape(), &geometry)?;
        let mut output = Self::filled(OP, input_shape, T::ZERO)?;
        let (g, w, x) = (self.as_slice(), weight.as_slice(), output.as_mut_slice());
        match Algorithm::of(&geometry) {
            Algorithm::Direct => direct::input(&geometry, g, w, x),
            Algorithm::Pointwise => unrolled::input_pointwise(&geometry, g, w, x),
            Algorithm::Unrolled { rows } => unrolled::input(&geometry, rows, g, w, x),
        }
        Ok(output)
    }

    /// The gradient of a convolution of `self` with respect to its weight, for
    /// `grad` the gradient with respect to its output: the adjoint of
    /// `w ↦ self.conv2d(w)` for weights of `weight_shape`.
    ///
    /// ```
    /// use wengert_tensor::{Conv2dOptions, Tensor};
    ///
    /// let x = Tensor::<f32>::from([[[1.0, 2.0, 3.0]]]);
    /// let grad = Tensor::from([[[1.0, 10.0]]]);
    /// let w = x.conv2d_weight(&grad, [1, 1, 1, 2], &Conv2dOptions::default())?;
    /// assert_eq!(w, Tensor::from([[[[21.0, 32.0]]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Conv2dGeometry::new`] for the input and the weight, and
    /// [`Error::Shape`] if `grad` does not have the output's shape.
    pub fn conv2d_weight(
        &self,
        grad: &Self,
        weight_shape: impl AsRef<[usize]>,
        options: &Conv2dOptions,
    ) -> Result<Self> {
        const OP: &str = "conv2d_weight";
        let weight_shape = weight_shape.as_ref();
        let geometry = Conv2dGeometry::checked(OP, self.shape(), weight_shape, options)?;
        check_gradient(OP, grad.shape(), &geometry)?;
        let mut output = Self::filled(OP, weight_shape, T::ZERO)?;
        let (x, g, w) = (self.as_slice(), grad.as_slice(), output.as_mut_slice());
        match Algorithm::of(&geometry) {
            Algorithm::Direct => direct::weight(&geometry, x, g, w),
            Algorithm::Pointwise => unrolled::weight_pointwise(&geometry, x, g, w),
            Algorithm::Unrolled { rows } => unrolled::weight(&geometry, rows, x, g, w),
        }
        Ok(output)
    }
}

/// A bias has one number for each output channel.
pub(super) fn check_bias(
    op: &'static str,
    bias: &[usize],
    geometry: &Conv2dGeometry,
) -> Result<()> {
    if bias == [geometry.out_channels] {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!(
            "the bias must have shape [{}], got {bias:?} (input {:?}, weight {:?})",
            geometry.out_channels,
            geometry.input_shape(),
            geometry.weight_shape()
        ),
    ))
}

fn check_gradient(op: &'static str, grad: &[usize], geometry: &Conv2dGeometry) -> Result<()> {
    let expected = geometry.output_shape();
    if grad == expected {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!(
            "the gradient must have the output's shape {expected:?}, got {grad:?} \
             (input {:?}, weight {:?})",
            geometry.input_shape(),
            geometry.weight_shape()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::par::with_threads;
    use crate::random::Generator;
    use crate::window::Padding;
    use proptest::prelude::*;

    /// A convolution to try: everything that the definition mentions.
    #[derive(Clone, Debug)]
    struct Case {
        input: Vec<usize>,
        weight: [usize; 4],
        options: Conv2dOptions,
    }

    impl Case {
        fn geometry(&self) -> Conv2dGeometry {
            Conv2dGeometry::new(&self.input, &self.weight, &self.options).unwrap()
        }

        /// An input, a weight, a bias and a gradient.
        fn draw(&self) -> [Tensor<f64>; 4] {
            let mut generator = Generator::new(7);
            let geometry = self.geometry();
            let shapes = [
                self.input.clone(),
                self.weight.to_vec(),
                vec![geometry.out_channels],
                geometry.output_shape(),
            ];
            shapes.map(|shape| Tensor::randn(shape, &mut generator).unwrap())
        }

        /// The seven loops of the definition: `f(x, w, y)` for every product
        /// that is not with padding, as flat indices.
        fn each_product(&self, mut f: impl FnMut(usize, usize, usize)) {
            let geometry = self.geometry();
            let [h, w] = geometry.input;
            let [out_h, out_w] = geometry.output;
            let [outs, ins, kh, kw] = self.weight;
            let window = geometry.window;
            let (stride, dilation, before) =
                (window.stride, window.dilation, window.padding_before);
            for n in 0..geometry.images() {
                for o in 0..outs {
                    for p in 0..out_h {
                        for q in 0..out_w {
                            for c in 0..ins {
                                for i in 0..kh {
                                    for j in 0..kw {
                                        let r = p * stride[0] + i * dilation[0];
                                        let s = q * stride[1] + j * dilation[1];
                                        let (r, s) = (r as isize, s as isize);
                                        let r = r - before[0] as isize;
                                        let s = s - before[1] as isize;
                                        if r < 0 || s < 0 || r >= h as isize || s >= w as isize {
                                            continue;
                                        }
                                        let group = o / (outs / geometry.groups);
                                        let channel = n * geometry.in_channels + group * ins + c;
                                        f(
                                            (channel * h + r as usize) * w + s as usize,
                                            ((o * ins + c) * kh + i) * kw + j,
                                            ((n * outs + o) * out_h + p) * out_w + q,
                                        );
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }

        /// All three functions against the definition, in f64 and f32.
        fn check(&self) {
            let [x, w, b, g] = self.draw();
            let plane: usize = self.geometry().output.iter().product();
            let mut y = g.zeros_like().to_vec();
            for (i, y) in y.iter_mut().enumerate() {
                *y = b.as_slice()[i / plane % b.len()];
            }
            let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; w.len()]);
            self.each_product(|i, j, k| {
                let (x, w, g) = (x.as_slice()[i], w.as_slice()[j], g.as_slice()[k]);
                y[k] += x * w;
                dx[i] += g * w;
                dw[j] += g * x;
            });
            let expected = [
                Tensor::from_parts(g.shape(), y),
                Tensor::from_parts(x.shape(), dx),
                Tensor::from_parts(w.shape(), dw),
            ];
            let close = |found: &[Tensor<f64>; 3], tolerance: f64| {
                for (name, (found, expected)) in ["output", "input", "weight"]
                    .iter()
                    .zip(found.iter().zip(&expected))
                {
                    assert!(
                        found.all_close(expected, tolerance, tolerance),
                        "{name} of {self:?} by {:?}",
                        Algorithm::of(&self.geometry())
                    );
                }
            };
            close(&self.run([&x, &w, &b, &g]), 1e-11);
            let single = [x, w, b, g].map(|t| t.cast::<f32>());
            let found = self.run(single.each_ref());
            close(&found.map(|t| t.cast::<f64>()), 2e-3);
        }

        fn run<T: Float>(&self, [x, w, b, g]: [&Tensor<T>; 4]) -> [Tensor<T>; 3] {
            [
                x.conv2d(w, Some(b), &self.options).unwrap(),
                g.conv2d_input(w, &self.input, &self.options).unwrap(),
                x.conv2d_weight(g, self.weight, &self.options).unwrap(),
            ]
        }
    }

    fn case(input: &[usize], weight: [usize; 4], options: Conv2dOptions) -> Case {
        Case {
            input: input.to_vec(),
            weight,
            options,
        }
    }

    prop_compose! {
        /// Anything legal, from one pixel to a few tiles.
        fn cases()(
            batch in prop::option::of(0usize..4),
            groups in 1usize..4,
            per_group in prop::array::uniform2(1usize..6),
            kernel in prop::array::uniform2(1usize..4),
            stride in prop::array::uniform2(1usize..4),
            dilation in prop::array::uniform2(1usize..3),
            before in prop::array::uniform2(0usize..3),
            after in prop::array::uniform2(0usize..3),
            same in prop::bool::weighted(0.2),
            spare in prop::array::uniform2(0usize..9),
        ) -> Case {
            let mut options = Conv2dOptions::default().stride(stride).dilation(dilation).groups(groups);
            options.padding = Padding::Explicit { before, after };
            if same {
                options = options.stride(1).padding(Padding::Same);
            }
            let size = [0, 1].map(|axis| {
                let extent = dilation[axis] * (kernel[axis] - 1) + 1;
                let least = if same { 1 } else { extent.saturating_sub(before[axis] + after[axis]) };
                least.max(1) + spare[axis]
            });
            let [ins, outs] = per_group;
            let shape = [groups * ins, size[0], size[1]];
            Case {
                input: batch.into_iter().chain(shape).collect(),
                weight: [groups * outs, ins, kernel[0], kernel[1]],
                options,
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(case in cases()) {
            case.check();
        }

        /// ⟨x ⋆ w, g⟩ = ⟨x, input(g, w)⟩ = ⟨w, weight(x, g)⟩.
        #[test]
        fn the_three_are_adjoint(case in cases()) {
            let [x, w, _, g] = case.draw();
            let inner = |a: &Tensor<f64>, b: &Tensor<f64>| (a * b).unwrap().sum().item().unwrap();
            let y = x.conv2d(&w, None, &case.options).unwrap();
            let dx = g.conv2d_input(&w, &case.input, &case.options).unwrap();
            let dw = x.conv2d_weight(&g, case.weight, &case.options).unwrap();
            let form = inner(&y, &g);
            prop_assert!((form - inner(&x, &dx)).abs() < 1e-9);
            prop_assert!((form - inner(&w, &dw)).abs() < 1e-9);
        }
    }

    #[test]
    fn every_algorithm_agrees_with_the_definition() {
        let plain = Conv2dOptions::default();
        let pointwise = case(&[2, 8, 9, 10], [12, 4, 1, 1], plain.groups(2));
        assert_eq!(Algorithm::of(&pointwise.geometry()), Algorithm::Pointwise);
        let depthwise = case(&[2, 8, 9, 10], [16, 1, 3, 3], plain.groups(8).padding(1));
        assert_eq!(Algorithm::of(&depthwise.geometry()), Algorithm::Direct);
        let whole = case(
            &[3, 8, 9, 10],
            [12, 4, 3, 3],
            plain.groups(2).stride((2, 1)).padding(1),
        );
        assert_eq!(
            Algorithm::of(&whole.geometry()),
            Algorithm::Unrolled { rows: 5 }
        );
        // Two tiles, a row dropped, more images than partial sums.
        let halves = case(
            &[11, 64, 22, 60],
            [4, 64, 3, 3],
            plain.stride((2, 1)).padding((0, 1)),
        );
        assert_eq!(
            Algorithm::of(&halves.geometry()),
            Algorithm::Unrolled { rows: 5 }
        );
        // Four tiles, the last one smaller.
        let tiled = case(&[9, 96, 23, 41], [4, 96, 3, 3], plain.padding(1));
        assert_eq!(
            Algorithm::of(&tiled.geometry()),
            Algorithm::Unrolled { rows: 6 }
        );
        for case in [pointwise, depthwise, whole, halves, tiled] {
            case.check();
        }
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let plain = Conv2dOptions::default();
        for case in [
            case(&[13, 16, 14, 15], [24, 16, 3, 3], plain.padding(1)),
            case(&[13, 16, 14, 15], [24, 16, 1, 1], plain),
            case(
                &[13, 16, 14, 15],
                [16, 1, 3, 3],
                plain.padding(1).groups(16),
            ),
        ] {
            let tensors = case.draw().map(|t| t.cast::<f32>());
            let run = |threads| with_threads(threads, || case.run(tensors.each_ref())).unwrap();
            assert_eq!(run(1), run(4));
        }
    }

    #[test]
    fn tiny_convolutions_are_direct() {
        let edge = case(&[1, 6, 8], [1, 1, 1, 2], Conv2dOptions::default());
        assert_eq!(Algorithm::of(&edge.geometry()), Algorithm::Direct);
    }

    #[test]
    fn no_images_have_a_zero_weight_gradient() {
        let options = Conv2dOptions::default().padding(1);
        for outs in [1, 64] {
            let x = Tensor::<f32>::zeros([0, 8, 16, 16]).unwrap();
            let g = Tensor::zeros([0, outs, 16, 16]).unwrap();
            let w = x.conv2d_weight(&g, [outs, 8, 3, 3], &options).unwrap();
            assert_eq!(w, Tensor::zeros([outs, 8, 3, 3]).unwrap());
        }
    }

    #[test]
    fn no_channels_are_an_empty_sum() {
        let options = Conv2dOptions::default();
        let x = Tensor::<f32>::zeros([1, 0, 2, 2]).unwrap();
        let w = Tensor::zeros([2, 0, 1, 1]).unwrap();
        let bias = Tensor::from([1.0, 2.0]);
        let y = x.conv2d(&w, Some(&bias), &options).unwrap();
        assert_eq!(y.to_vec(), [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]);
        let dw = x.conv2d_weight(&y, [2, 0, 1, 1], &options).unwrap();
        assert_eq!(dw.shape(), [2, 0, 1, 1]);
        let dx = y.conv2d_input(&w, [1, 0, 2, 2], &options).unwrap();
        assert_eq!(dx.shape(), [1, 0, 2, 2]);
    }

    /// F.conv2d(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 2), padding="same", dilation=(2, 3))
    #[test]
    fn same_with_even_kernels_and_dilation_as_pytorch() {
        let options = Conv2dOptions::default()
            .padding(Padding::Same)
            .dilation((2, 3));
        let x = Tensor::<f32>::ones([1, 4, 4]).unwrap();
        let y = x
            .conv2d(&Tensor::ones([1, 1, 4, 2]).unwrap(), None, &options)
            .unwrap();
        assert_eq!(y, Tensor::from([[[2.0, 4.0, 2.0, 2.0]; 4]]));
    }

    /// x = torch.arange(30.).view(1, 1, 6, 5).requires_grad_()
    /// w = torch.arange(9.).view(1, 1, 3, 3).requires_grad_()
    /// F.conv2d(x, w, stride=2).sum().backward()
    #[test]
    fn dropped_rows_get_no_gradient_as_pytorch() {
        let options = Conv2dOptions::default().stride(2);
        let x = Tensor::arange(0.0f32, 30.0, 1.0)
            .unwrap()
            .with_shape(&[1, 1, 6, 5]);
        let w = Tensor::arange(0.0f32, 9.0, 1.0)
            .unwrap()
            .with_shape(&[1, 1, 3, 3]);
        let y = x.conv2d(&w, None, &options).unwrap();
        assert_eq!(y, Tensor::from([[[[312.0, 384.0], [672.0, 744.0]]]]));
        let ones = y.ones_like();
        let dx = ones.conv2d_input(&w, x.shape(), &options).unwrap();
        let rows = [
            [0.0, 1.0, 2.0, 1.0, 2.0],
            [3.0, 4.0, 8.0, 4.0, 5.0],
            [6.0, 8.0, 16.0, 8.0, 10.0],
            [3.0, 4.0, 8.0, 4.0, 5.0],
            [6.0, 7.0, 14.0, 7.0, 8.0],
            [0.0; 5],
        ];
        assert_eq!(dx, Tensor::from([[rows]]));
        let dw = x.conv2d_weight(&ones, w.shape(), &options).unwrap();
        let rows = [[24.0, 28.0, 32.0], [44.0, 48.0, 52.0], [64.0, 68.0, 72.0]];
        assert_eq!(dw, Tensor::from([[rows]]));
    }

    #[test]
    fn refusals_name_the_shapes() {
        let options = Conv2dOptions::default();
        let x = Tensor::<f32>::zeros([2, 3, 5, 5]).unwrap();
        let w = Tensor::zeros([4, 3, 3, 3]).unwrap();
        let error = x.conv2d(&w, Some(&Tensor::from([0.0; 3])), &options);
        assert_eq!(
            error.unwrap_err().to_string(),
            "conv2d: the bias must have shape [4], got [3] \
             (input [2, 3, 5, 5], weight [4, 3, 3, 3])"
        );
        let g = Tensor::zeros([2, 4, 3, 4]).unwrap();
        let error = g.conv2d_input(&w, x.shape(), &options);
        assert_eq!(
            error.unwrap_err().to_string(),
            "conv2d_input: the gradient must have the output's shape [2, 4, 3, 3], got \
             [2, 4, 3, 4] (input [2, 3, 5, 5], weight [4, 3, 3, 3])"
        );
        assert!(x.conv2d_weight(&g, w.shape(), &options).is_err());
        assert!(g.conv2d_input(&w, [usize::MAX, 3, 5, 5], &options).is_err());
        let huge = options.padding(1 << 40);
        assert!(matches!(
            x.conv2d(&w, None, &huge),
            Err(Error::TooLarge { .. })
        ));
    }
}
