//! What convolution and pooling answer to bad input, at every door: the checked
//! geometry, the tensor's method, the variable's, and their adjoints.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test
#![allow(clippy::type_complexity)] // tables of calls and what is to be said of them

use wengert::{
    AvgPool2dOptions, Conv2dGeometry, Conv2dOptions, ConvTranspose2dGeometry,
    ConvTranspose2dOptions, MaxPool2dOptions, Padding, Tape, Tensor, Window2d,
};
use wengert_tests::{complaint, refused};

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape).unwrap()
}

// ---------------------------------------------------------------- the window

#[test]
fn windows_that_cannot_slide() {
    let none = Padding::default();
    refused! {
        Window2d::new("op", (0, 3), 1, none, 1) => "op", "kernel size must be positive", "[0, 3]";
        Window2d::new("op", 3, (1, 0), none, 1) => "op", "stride must be positive", "[1, 0]";
        Window2d::new("op", 3, 1, none, 0) => "op", "dilation must be positive", "[0, 0]";
        Window2d::new("op", 3, 2, Padding::Same, 1) => "op", "`Same` needs stride 1", "[2, 2]";
        Window2d::new("op", 3, 1, none, usize::MAX) => "op", "kernel of [3, 3] with dilation [18446744073709551615, 18446744073709551615]", "address space";
        Window2d::new("op", usize::MAX, 1, none, 1) => "op", "address space";
        Window2d::new("op", 1 << 62, 1, none, 4) => "op", "address space";
    }
    let mut window = Window2d::new("op", 3, 1, none, 2).unwrap();
    refused! {
        window.output_size("op", [5, 4]) => "op", "kernel [3, 3]", "dilation [2, 2]", "larger than the padded input [5, 4]";
        window.output_size("op", [0, 9]) => "op", "larger than the padded input [0, 9]";
        window.output_size("op", [usize::MAX, 9]) => "op", "address space";
        window.output_size("op", [isize::MAX as usize, 9]) => "op", "address space";
        window.output_size_ceil("op", [4, 4]) => "op", "larger than the padded input [4, 4]";
        window.output_size_ceil("op", [9, usize::MAX]) => "op", "address space";
    }
    // The fields are public: what they hold need not have been checked.
    window.stride = [0, 1];
    window.padding_before = [usize::MAX, 1];
    assert_eq!(window.dropped([1, 1]).len(), 2);
    assert_eq!(window.source(0, usize::MAX, usize::MAX, 5), None);
    assert_eq!(window.source(2, 0, 0, 5), None);
    refused! {
        window.output_size("op", [9, 9]) => "op";
        window.output_size_ceil("op", [9, 9]) => "op";
    }
    window.padding_before = [0, 0];
    window.kernel = [0, 3];
    refused! {
        window.output_size("op", [9, 9]) => "op", "stride must be positive", "[0, 1]";
        window.output_size_ceil("op", [9, 9]) => "op", "stride must be positive", "[0, 1]";
    }
}

// ---------------------------------------------------------------- convolution

/// Shapes and options that no convolution has, and what is to be said of them.
fn bad_convolutions() -> Vec<(Vec<usize>, Vec<usize>, Conv2dOptions, Vec<&'static str>)> {
    let plain = Conv2dOptions::default();
    let (image, kernel) = (vec![2, 4, 6, 6], vec![8, 4, 3, 3]);
    let with = |options: Conv2dOptions, says| (image.clone(), kernel.clone(), options, says);
    let of =
        |image: &[usize], kernel: &[usize], says| (image.to_vec(), kernel.to_vec(), plain, says);
    vec![
        of(
            &[6, 6],
            &[8, 4, 3, 3],
            vec!["[N, C, H, W] or [C, H, W], got 2", "input [6, 6]"],
        ),
        of(
            &[1, 2, 4, 6, 6],
            &[8, 4, 3, 3],
            vec!["got 5", "[1, 2, 4, 6, 6]"],
        ),
        of(&[], &[8, 4, 3, 3], vec!["got 0", "input []"]),
        of(
            &[2, 4, 6, 6],
            &[4, 3, 3],
            vec!["[out, in / groups, kh, kw], got 3", "weight [4, 3, 3]"],
        ),
        of(
            &[2, 3, 6, 6],
            &[8, 4, 3, 3],
            vec![
                "input has 3 channels, weight expects 4",
                "input [2, 3, 6, 6]",
                "weight [8, 4, 3, 3]",
            ],
        ),
        of(
            &[2, 4, 6, 6],
            &[0, 4, 3, 3],
            vec!["no output channels", "[0, 4, 3, 3]"],
        ),
        of(
            &[2, 4, 0, 6],
            &[8, 4, 3, 3],
            vec!["images are empty", "[2, 4, 0, 6]"],
        ),
        of(
            &[4, 6, 0],
            &[8, 4, 3, 3],
            vec!["images are empty", "[4, 6, 0]"],
        ),
        of(
            &[2, 4, 6, 6],
            &[8, 4, 0, 3],
            vec!["kernel size must be positive", "[0, 3]"],
        ),
        of(
            &[2, 4, 6, 6],
            &[8, 4, 7, 3],
            vec!["kernel [7, 3]", "larger than the padded input [6, 6]"],
        ),
        with(
            plain.padding((1, 0)).dilation(4),
            vec!["dilation [4, 4]", "padded input [8, 6]"],
        ),
        with(
            plain.stride((0, 1)),
            vec!["stride must be positive", "[0, 1]"],
        ),
        with(
            plain.dilation((1, 0)),
            vec!["dilation must be positive", "[1, 0]"],
        ),
        with(
            plain.dilation(usize::MAX),
            vec!["address space", "18446744073709551615"],
        ),
        with(
            plain.padding(usize::MAX),
            vec!["address space", "18446744073709551615"],
        ),
        with(plain.padding(1 << 63), vec!["address space"]),
        with(
            plain.padding(Padding::Same).stride(2),
            vec!["`Same` needs stride 1", "[2, 2]"],
        ),
        with(plain.groups(0), vec!["groups must be positive, got 0"]),
        with(
            plain.groups(3),
            vec![
                "8 output channels do not divide into 3 groups",
                "[8, 4, 3, 3]",
            ],
        ),
        with(
            plain.groups(2),
            vec!["input has 4 channels, weight expects 4 in each of 2 groups"],
        ),
        with(
            plain.groups(usize::MAX),
            vec!["do not divide into 18446744073709551615 groups"],
        ),
    ]
}

#[test]
fn convolutions_that_do_not_fit() {
    let tape = Tape::new();
    let mut complaints = Vec::new();
    for (image, kernel, options, says) in bad_convolutions() {
        let (x, w) = (zeros(&image), zeros(&kernel));
        let (vx, vw) = (tape.leaf(x.clone()), tape.leaf(w.clone()));
        // Where a gradient is called for, the image has the wrong shape for one:
        // but the geometry comes first.
        complaints.extend([
            complaint(
                "geometry",
                Conv2dGeometry::new(&image, &kernel, &options),
                "conv2d",
                &says,
            ),
            complaint("tensor", x.conv2d(&w, None, &options), "conv2d", &says),
            complaint(
                "tensor",
                x.conv2d_relu(&w, None, &options),
                "conv2d_relu",
                &says,
            ),
            complaint(
                "tensor",
                x.conv2d_input(&w, &image, &options),
                "conv2d_input",
                &says,
            ),
            complaint(
                "tensor",
                x.conv2d_weight(&x, &kernel, &options),
                "conv2d_weight",
                &says,
            ),
            complaint("var", vx.conv2d(&vw, None, &options), "conv2d", &says),
            complaint(
                "var",
                vx.conv2d_relu(&vw, None, &options),
                "conv2d_relu",
                &says,
            ),
            complaint(
                "var",
                vx.conv2d_input(&vw, &image, &options),
                "conv2d_input",
                &says,
            ),
            complaint(
                "var",
                vx.conv2d_weight(&vx, &kernel, &options),
                "conv2d_weight",
                &says,
            ),
        ]);
    }
    let complaints: Vec<_> = complaints.into_iter().flatten().collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn biases_and_gradients_of_convolutions() {
    let options = Conv2dOptions::default();
    let (x, w) = (zeros(&[2, 4, 6, 6]), zeros(&[8, 4, 3, 3]));
    let tape = Tape::new();
    let (vx, vw, bias) = (
        tape.leaf(x.clone()),
        tape.leaf(w.clone()),
        tape.leaf(zeros(&[4])),
    );
    refused! {
        x.conv2d(&w, Some(&zeros(&[4])), &options) => "conv2d", "bias must have shape [8]", "got [4]", "[2, 4, 6, 6]", "[8, 4, 3, 3]";
        x.conv2d(&w, Some(&zeros(&[8, 1, 1])), &options) => "conv2d", "bias must have shape [8]", "got [8, 1, 1]";
        x.conv2d_relu(&w, Some(&zeros(&[4])), &options) => "conv2d_relu", "bias must have shape [8]", "got [4]";
        vx.conv2d_relu(&vw, Some(&bias), &options) => "conv2d_relu", "bias must have shape [8]", "got [4]";
        x.conv2d_input(&w, x.shape(), &options) => "conv2d_input", "output's shape [2, 8, 4, 4]", "got [2, 4, 6, 6]";
        x.conv2d_weight(&x, w.shape(), &options) => "conv2d_weight", "output's shape [2, 8, 4, 4]", "got [2, 4, 6, 6]";
        vx.conv2d(&vw, Some(&bias), &options) => "conv2d", "bias must have shape [8]", "got [4]";
        vx.conv2d_input(&vw, x.shape(), &options) => "conv2d_input", "output's shape [2, 8, 4, 4]", "got [2, 4, 6, 6]";
        vx.conv2d_weight(&vx, w.shape(), &options) => "conv2d_weight", "output's shape [2, 8, 4, 4]", "got [2, 4, 6, 6]";
    }
}

#[test]
fn convolutions_larger_than_memory() {
    let (x, w) = (zeros(&[1, 2, 2]), zeros(&[1, 1, 1, 1]));
    let wide = Conv2dOptions::default().padding(1 << 40);
    let vast = Conv2dOptions::default().padding(1 << 61);
    refused! {
        x.conv2d(&w, None, &wide) => "conv2d", "[1, 2199023255554, 2199023255554]", "does not fit into memory";
        x.conv2d(&w, None, &vast) => "conv2d", "does not fit into memory";
        x.conv2d_input(&w, [1, 1 << 62, 1 << 62], &Conv2dOptions::default()) => "conv2d_input", "[1, 4611686018427387904, 4611686018427387904]";
        x.conv2d_weight(&x, [1, 1, 1 << 62, 1], &vast) => "conv2d_weight", "address space";
    }
    // A stride as large keeps the output small.
    let sparse = wide.stride(1 << 40);
    assert_eq!(x.conv2d(&w, None, &sparse).unwrap().shape(), [1, 3, 3]);
    let leap = Conv2dOptions::default().stride(usize::MAX);
    assert_eq!(x.conv2d(&w, None, &leap).unwrap().shape(), [1, 1, 1]);
    // No images, however large they would be.
    let none = zeros(&[0, 1, 1 << 30, 1 << 29]);
    assert_eq!(none.conv2d(&w, None, &leap).unwrap().shape(), [0, 1, 1, 1]);
}

#[test]
fn transposed_convolutions_that_do_not_fit() {
    let plain = ConvTranspose2dOptions::default();
    let (image, kernel) = (&[2, 4, 3, 3][..], &[4, 8, 3, 3][..]);
    let cases: Vec<(&[usize], &[usize], ConvTranspose2dOptions, &[&str])> = vec![
        (
            &[3, 3],
            kernel,
            plain,
            &["[N, C, H, W] or [C, H, W]", "input [3, 3]"],
        ),
        (
            image,
            &[4, 8, 3],
            plain,
            &["[in, out / groups, kh, kw]", "weight [4, 8, 3]"],
        ),
        (
            &[2, 3, 3, 3],
            kernel,
            plain,
            &[
                "input has 3 channels, weight expects 4",
                "[2, 3, 3, 3]",
                "[4, 8, 3, 3]",
            ],
        ),
        (
            &[2, 4, 0, 3],
            kernel,
            plain,
            &["only the batch may be empty", "[2, 4, 0, 3]"],
        ),
        (
            image,
            &[4, 0, 3, 3],
            plain,
            &["only the batch may be empty", "[4, 0, 3, 3]"],
        ),
        (
            image,
            &[4, 8, 3, 0],
            plain,
            &["kernel size must be positive", "[3, 0]"],
        ),
        (image, kernel, plain.stride(0), &["stride must be positive"]),
        (
            image,
            kernel,
            plain.dilation((0, 1)),
            &["dilation must be positive", "[0, 1]"],
        ),
        (
            image,
            kernel,
            plain.groups(0),
            &["groups must be positive, got 0"],
        ),
        (
            image,
            kernel,
            plain.groups(3),
            &["4 input channels do not divide into 3 groups"],
        ),
        (
            image,
            kernel,
            plain.output_padding(1),
            &["output padding must be below the stride [1, 1] or the dilation [1, 1], got [1, 1]"],
        ),
        (
            image,
            kernel,
            plain.stride(2).output_padding((1, usize::MAX)),
            &["output padding", "18446744073709551615"],
        ),
        (
            image,
            kernel,
            plain.padding(3),
            &["leaves nothing of the output", "[3, 3]"],
        ),
        (
            image,
            kernel,
            plain.padding(usize::MAX),
            &["leaves nothing of the output"],
        ),
        (
            image,
            kernel,
            plain.stride(usize::MAX),
            &["larger than an address space"],
        ),
        (
            image,
            kernel,
            plain.stride(1 << 62),
            &["larger than an address space"],
        ),
        (
            image,
            kernel,
            plain.stride(1 << 40),
            &[
                "[2, 8, 2199023255555, 2199023255555]",
                "does not fit into memory",
            ],
        ),
        (
            image,
            kernel,
            plain.padding(Padding::Same).stride(2),
            &["`Same` needs stride 1"],
        ),
    ];
    let tape = Tape::new();
    let mut complaints = Vec::new();
    for (image, kernel, options, says) in cases {
        let (x, w) = (zeros(image), zeros(kernel));
        let (vx, vw) = (tape.leaf(x.clone()), tape.leaf(w.clone()));
        complaints.extend([
            complaint(
                "tensor",
                x.conv_transpose2d(&w, None, &options),
                "conv_transpose2d",
                says,
            ),
            complaint(
                "var",
                vx.conv_transpose2d(&vw, None, &options),
                "conv_transpose2d",
                says,
            ),
        ]);
        if !says.contains(&"does not fit into memory") {
            let geometry = ConvTranspose2dGeometry::new(image, kernel, &options);
            complaints.push(complaint("geometry", geometry, "conv_transpose2d", says));
        }
    }
    let complaints: Vec<_> = complaints.into_iter().flatten().collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    // An output padding of many strides is zeros put to the input.
    let stretched = plain.dilation(1 << 61).output_padding(1 << 60);
    refused! {
        zeros(&[1, 2, 2]).conv_transpose2d(&zeros(&[1, 1, 1, 1]), None, &stretched) => "conv_transpose2d", "does not fit into memory";
        zeros(image).conv_transpose2d(&zeros(kernel), Some(&zeros(&[4])), &plain) => "conv_transpose2d", "bias", "[8]", "[4]";
    }
}

#[test]
fn correlations_that_do_not_fit() {
    let (x, k) = (zeros(&[3, 4]), zeros(&[2, 5]));
    let tape = Tape::new();
    let (vx, vk) = (tape.leaf(x.clone()), tape.leaf(k.clone()));
    refused! {
        x.corr2d(&k) => "corr2d", "does not fit into the image", "image [3, 4]", "kernel [2, 5]";
        x.convolve2d(&k) => "convolve2d", "does not fit into the image", "image [3, 4]", "kernel [2, 5]";
        vx.corr2d(&vk) => "corr2d", "does not fit into the image", "image [3, 4]", "kernel [2, 5]";
        vx.convolve2d(&vk) => "convolve2d", "does not fit into the image", "image [3, 4]", "kernel [2, 5]";
        x.corr2d(&zeros(&[0, 2])) => "corr2d", "does not fit into the image", "kernel [0, 2]";
        zeros(&[0, 4]).corr2d(&zeros(&[0, 2])) => "corr2d", "image [0, 4]";
        x.corr2d(&zeros(&[2])) => "corr2d", "two axes", "kernel [2]";
        zeros(&[1, 3, 4]).convolve2d(&k) => "convolve2d", "two axes", "image [1, 3, 4]";
    }
}

// ---------------------------------------------------------------- pooling

#[test]
fn poolings_that_do_not_fit() {
    let two = MaxPool2dOptions::new(2);
    let image = &[2, 3, 6, 6][..];
    let cases: Vec<(&[usize], MaxPool2dOptions, &[&str])> = vec![
        (&[6, 6], two, &["[N, C, H, W] or [C, H, W]", "[6, 6]"]),
        (
            &[1, 1, 1, 6, 6],
            two,
            &["[N, C, H, W] or [C, H, W]", "[1, 1, 1, 6, 6]"],
        ),
        (
            &[2, 0, 6, 6],
            two,
            &["only the batch may be empty", "[2, 0, 6, 6]"],
        ),
        (
            &[3, 6, 0],
            two,
            &["only the batch may be empty", "[3, 6, 0]"],
        ),
        (
            image,
            MaxPool2dOptions::new((0, 2)),
            &["kernel size must be positive", "[0, 2]"],
        ),
        (
            image,
            two.stride((2, 0)),
            &["stride must be positive", "[2, 0]"],
        ),
        (
            image,
            MaxPool2dOptions::new((7, 2)),
            &["kernel [7, 2]", "larger than the padded input [6, 6]"],
        ),
        (
            image,
            MaxPool2dOptions::new(9).ceil_mode(true).stride(2),
            &["kernel [9, 9]", "larger than the padded input [6, 6]"],
        ),
        (
            image,
            two.padding((1, 2)),
            &["padding must be at most half the kernel [2, 2]", "[1, 2]"],
        ),
        (
            image,
            MaxPool2dOptions::new(3).padding(2),
            &["at most half the kernel [3, 3]", "[2, 2]"],
        ),
        (
            image,
            two.padding(usize::MAX),
            &["at most half the kernel", "18446744073709551615"],
        ),
        (image, MaxPool2dOptions::new(usize::MAX), &["address space"]),
    ];
    let tape = Tape::new();
    let mut complaints = Vec::new();
    for (image, options, says) in cases {
        let x = zeros(image);
        let v = tape.leaf(x.clone());
        let average = AvgPool2dOptions::new(options.kernel)
            .stride(options.stride)
            .padding(options.padding)
            .ceil_mode(options.ceil_mode);
        complaints.extend([
            complaint("geometry", options.geometry(image), "max_pool2d", says),
            complaint("tensor", x.max_pool2d(&options), "max_pool2d", says),
            complaint(
                "tensor",
                x.max_pool2d_with_indices(&options),
                "max_pool2d",
                says,
            ),
            complaint("var", v.max_pool2d(&options), "max_pool2d", says),
            complaint("geometry", average.geometry(image), "avg_pool2d", says),
            complaint("tensor", x.avg_pool2d(&average), "avg_pool2d", says),
            complaint(
                "tensor",
                x.avg_pool2d_input(image, &average),
                "avg_pool2d_input",
                says,
            ),
            complaint("var", v.avg_pool2d(&average), "avg_pool2d", says),
            complaint(
                "var",
                v.avg_pool2d_input(image, &average),
                "avg_pool2d_input",
                says,
            ),
        ]);
    }
    let complaints: Vec<_> = complaints.into_iter().flatten().collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn options_that_one_pooling_has() {
    let x = zeros(&[3, 6, 6]);
    let tiny = zeros(&[3, 1, 1]);
    let average = AvgPool2dOptions::new(2);
    let far = MaxPool2dOptions::new(2).padding(1).dilation(2);
    refused! {
        x.max_pool2d(&MaxPool2dOptions::new(2).dilation((1, 0))) => "max_pool2d", "dilation must be positive", "[1, 0]";
        x.max_pool2d(&MaxPool2dOptions::new(2).dilation(usize::MAX)) => "max_pool2d", "address space";
        x.max_pool2d(&MaxPool2dOptions::new(3).dilation(3)) => "max_pool2d", "kernel [3, 3]", "dilation [3, 3]", "[6, 6]";
        // The only pixel lies between the taps.
        tiny.max_pool2d(&far) => "max_pool2d", "padding alone", "[3, 1, 1]", "dilation [2, 2]";
        x.avg_pool2d(&average.divisor_override(0)) => "avg_pool2d", "divisor_override must not be 0";
        x.avg_pool2d_input([3, 6, 6], &average) => "avg_pool2d_input", "output's shape [3, 3, 3]", "got [3, 6, 6]";
    }
    assert_eq!(
        x.avg_pool2d(&average.divisor_override(i64::MIN))
            .unwrap()
            .shape(),
        [3, 3, 3]
    );
}

#[test]
fn indices_that_no_pooling_gave() {
    let (x, g) = (zeros(&[1, 2, 2]), zeros(&[1, 1, 2]));
    let tape = Tape::new();
    let (vx, vg) = (tape.leaf(x.clone()), tape.leaf(g.clone()));
    for index in [4, -1, i64::MAX, i64::MIN] {
        let indices = Tensor::from([[[0, index]]]);
        let says = format!("index {index} is not in a plane of 4 elements");
        refused! {
            g.max_pool2d_scatter(&indices, [1, 2, 2]) => "max_pool2d_scatter", says, "[1, 2, 2]";
            x.max_pool2d_gather(&indices) => "max_pool2d_gather", says, "[1, 2, 2]";
            vg.max_pool2d_scatter(&indices, [1, 2, 2]) => "max_pool2d_scatter", says;
            vx.max_pool2d_gather(&indices) => "max_pool2d_gather", says;
        }
    }
    let indices = Tensor::from([[[0, 1]]]);
    let huge = 1 << 62;
    refused! {
        g.max_pool2d_scatter(&Tensor::from([[[0]]]), [1, 2, 2]) => "max_pool2d_scatter", "[1, 1, 2]", "[1, 1, 1]";
        g.max_pool2d_scatter(&indices, [2, 2]) => "max_pool2d_scatter", "input [2, 2]", "[1, 1, 2]";
        g.max_pool2d_scatter(&indices, [2, 2, 2]) => "max_pool2d_scatter", "input [2, 2, 2]", "[1, 1, 2]";
        g.max_pool2d_scatter(&indices, [1, huge, huge]) => "max_pool2d_scatter", "[1, 4611686018427387904, 4611686018427387904]";
        x.max_pool2d_gather(&Tensor::from([[0, 1]])) => "max_pool2d_gather", "input [1, 2, 2]", "[1, 2]";
        zeros(&[4]).max_pool2d_gather(&Tensor::from([0])) => "max_pool2d_gather", "input [4]", "[1]";
    }
}

#[test]
fn winners_of_another_pooling() {
    let x = zeros(&[1, 20, 20]);
    for kernel in [2, 20] {
        let options = MaxPool2dOptions::new(kernel).stride(1);
        let (y, winners) = x.max_pool2d_with_winners(&options).unwrap();
        assert_eq!(winners.indices().unwrap().shape(), y.shape());
        refused! {
            winners.scatter(&zeros(&[1, 3, 20])) => "max_pool2d_scatter", "[1, 3, 20]";
            winners.gather(&zeros(&[2, 20, 20])) => "max_pool2d_gather", "[2, 20, 20]";
            x.max_pool2d_with_winners(&options.stride(0)) => "max_pool2d", "stride must be positive";
        }
    }
}

#[test]
fn vast_planes_take_no_time() {
    let (side, small) = (1 << 59, 1 << 20);
    let wide = MaxPool2dOptions::new((1, 2)).stride((1, 1));
    assert_eq!(
        wide.geometry(&[1, side, 3]).unwrap().output_shape(),
        [1, side, 2]
    );
    // One window, and a next one that no plane could hold.
    let leap = MaxPool2dOptions::new((1, 2)).stride(usize::MAX);
    let (_, indices) = zeros(&[1, 3, 3]).max_pool2d_with_indices(&leap).unwrap();
    assert_eq!(indices.to_vec(), [0]);
    let none = zeros(&[0, 1, side, 1]);
    let single = MaxPool2dOptions::new(1);
    assert_eq!(none.max_pool2d(&single).unwrap().shape(), [0, 1, side, 1]);
    let average = AvgPool2dOptions::new(1);
    assert_eq!(none.avg_pool2d(&average).unwrap().shape(), [0, 1, side, 1]);
    let halves = MaxPool2dOptions::new((2, 1)).padding((1, 0)).stride(1);
    assert_eq!(
        halves.geometry(&[small, side, 1]).unwrap().output,
        [side + 1, 1]
    );
}
