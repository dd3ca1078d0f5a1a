//! The convolutions against the seven loops of their definition, against each
//! other, and against PyTorch.

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
        let (stride, dilation, before) = (window.stride, window.dilation, window.padding_before);
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
                    self.geometry().forward_kernel()
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
    let weight = |case: &Case| case.geometry().weight_kernel();
    let pointwise = case(&[2, 8, 9, 12], [12, 4, 1, 1], plain.groups(2));
    assert_eq!(
        pointwise.geometry().forward_kernel(),
        Conv2dKernel::Pointwise
    );
    assert_eq!(weight(&pointwise), Conv2dKernel::InnerProducts);
    let depthwise = case(&[2, 8, 9, 10], [16, 1, 3, 3], plain.groups(8).padding(1));
    assert_eq!(
        depthwise.geometry().forward_kernel(),
        Conv2dKernel::Depthwise
    );
    assert_eq!(weight(&depthwise), Conv2dKernel::PlanePairs);
    let whole = case(
        &[3, 8, 9, 10],
        [24, 4, 3, 3],
        plain.groups(2).stride((2, 1)).padding(1),
    );
    assert_eq!(weight(&whole), Conv2dKernel::OuterProducts);
    // A row dropped, more images than partial sums.
    let halves = case(
        &[11, 64, 22, 60],
        [4, 64, 3, 3],
        plain.stride((2, 1)).padding((0, 1)),
    );
    assert_eq!(weight(&halves), Conv2dKernel::InnerProducts);
    // Tiles of both sizes, rows of which the last vector is nearly empty.
    let tiled = case(&[9, 48, 23, 33], [14, 48, 3, 3], plain.padding(1));
    assert_eq!(weight(&tiled), Conv2dKernel::OuterProducts);
    let narrow = case(&[2, 6, 14, 14], [16, 6, 5, 5], plain);
    assert_eq!(narrow.geometry().input_kernel(), Conv2dKernel::Columns);
    let grey = case(&[2, 1, 13, 12], [6, 1, 5, 5], plain.padding(2));
    assert_eq!(grey.geometry().forward_kernel(), Conv2dKernel::Rows);
    assert_eq!(grey.geometry().input_kernel(), Conv2dKernel::Depthwise);
    // Patches, a few pixels of which are left over.
    let patches = case(&[2, 3, 33, 35], [9, 3, 8, 8], plain.stride(8));
    assert_eq!(patches.geometry().forward_kernel(), Conv2dKernel::Channels);
    assert_eq!(patches.geometry().input_kernel(), Conv2dKernel::Rows);
    // The same with few channels and wide rows.
    let strips = case(&[2, 3, 24, 133], [2, 3, 8, 8], plain.stride(8));
    assert_eq!(strips.geometry().forward_kernel(), Conv2dKernel::Rows);
    assert_eq!(weight(&strips), Conv2dKernel::InnerProducts);
    // Windows so far apart that a padded image would be padding for the most part.
    let sparse = case(&[2, 8, 3, 3], [16, 8, 3, 3], plain.padding(20).stride(20));
    assert_eq!(weight(&sparse), Conv2dKernel::Definition);
    for case in [
        pointwise, depthwise, whole, halves, tiled, narrow, grey, patches, strips, sparse,
    ] {
        case.check();
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let plain = Conv2dOptions::default();
    for case in [
        case(&[13, 16, 14, 15], [24, 16, 3, 3], plain.padding(1)),
        case(&[13, 16, 14, 15], [24, 16, 1, 1], plain),
        case(&[2, 16, 7, 7], [48, 16, 3, 3], plain.stride(2)),
        case(
            &[13, 16, 14, 15],
            [16, 1, 3, 3],
            plain.padding(1).groups(16),
        ),
        // Output channels of one image, shared out.
        case(&[1, 2, 40, 44], [3, 2, 5, 5], plain.padding(2)),
    ] {
        let tensors = case.draw().map(|t| t.cast::<f32>());
        let run = |threads| with_threads(threads, || case.run(tensors.each_ref())).unwrap();
        assert_eq!(run(1), run(4));
    }
}

#[test]
fn vectors_are_over_what_fills_them() {
    let plain = Conv2dOptions::default();
    // Narrow planes; but six channels are few, if their rows have 14 pixels.
    let narrow = case(&[32, 6, 14, 14], [16, 6, 5, 5], plain).geometry();
    assert_eq!(narrow.forward_kernel(), Conv2dKernel::Channels);
    let padded = case(&[32, 6, 14, 14], [16, 6, 5, 5], plain.padding(2)).geometry();
    assert_eq!(padded.input_kernel(), Conv2dKernel::Rows);
    let halved = plain.stride(2).padding(1);
    let halved = case(&[8, 64, 56, 56], [128, 64, 3, 3], halved).geometry();
    assert_eq!(halved.forward_kernel(), Conv2dKernel::Channels);
    assert_eq!(halved.input_kernel(), Conv2dKernel::Channels);
}

#[test]
fn tiny_convolutions_are_direct() {
    let edge = case(&[1, 6, 8], [1, 1, 1, 2], Conv2dOptions::default());
    assert_eq!(edge.geometry().forward_kernel(), Conv2dKernel::Definition);
}

#[test]
fn kernels_can_be_asked_of_what_no_memory_holds() {
    let plain = Conv2dOptions::default();
    let most = usize::MAX / 4;
    use Conv2dKernel::{Channels, Definition, Depthwise};
    use Conv2dKernel::{InnerProducts, OuterProducts, PlanePairs, Pointwise, Rows};
    for (input, weight, options, expected) in [
        (
            [1, 1, most, most],
            [1, 1, 1, 1],
            plain,
            [Pointwise, Pointwise, InnerProducts],
        ),
        (
            [1, 1, 5, most],
            [2, 1, 3, 3],
            plain,
            [Depthwise, Depthwise, PlanePairs],
        ),
        (
            [1, 1, 3, 3],
            [1, 1, 3, 3],
            plain.padding(1 << 61),
            [Depthwise, Rows, PlanePairs],
        ),
        (
            [1, 1, 50, 50],
            [8, 1, 9, 9],
            plain.stride(usize::MAX),
            [Definition, Definition, OuterProducts],
        ),
        (
            [1, 2, 7, 7],
            [usize::MAX - 1, 2, 1, 2],
            plain,
            [Channels, Rows, OuterProducts],
        ),
    ] {
        let geometry = case(&input, weight, options).geometry();
        let kernels = [
            geometry.forward_kernel(),
            geometry.input_kernel(),
            geometry.weight_kernel(),
        ];
        assert_eq!(kernels, expected, "{geometry:?}");
    }
}

#[test]
fn a_single_window_has_no_next_one_however_far() {
    let options = Conv2dOptions::default().stride(usize::MAX);
    case(&[1, 1, 50, 50], [8, 1, 9, 9], options).check();
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
