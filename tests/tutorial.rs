//! The classic tutorial on convolution, number by number: "Convolutional
//! Neural Networks" of *Dive into Deep Learning* (A. Zhang, Z. C. Lipton, M. Li,
//! A. J. Smola), from cross-correlation by hand to pooling over channels. Every
//! literal is one that the tutorial prints.

use wengert::prelude::*;
use wengert::{Float, visit};

type Outcome = Result<()>;

// ---------------------------------------------------------------- 1

#[test]
fn cross_correlation_by_hand() -> Outcome {
    let x: Tensor = Tensor::from([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]);
    let k = Tensor::from([[0.0, 1.0], [2.0, 3.0]]);
    assert_eq!(x.corr2d(&k)?, Tensor::from([[19.0, 25.0], [37.0, 43.0]]));
    Ok(())
}

// ---------------------------------------------------------------- 2

/// A layer as a user writes it: a kernel, one bias, and `corr2d` plus bias.
#[derive(Clone, Debug)]
struct Conv2D<T: Float = f32> {
    weight: Parameter<T>,
    bias: Parameter<T>,
}

impl<T: Float> Conv2D<T> {
    fn new(kernel_size: [usize; 2], rng: &mut Generator) -> Result<Self> {
        Ok(Self {
            weight: Parameter::new(Tensor::rand(kernel_size, rng)?),
            bias: Parameter::new(Tensor::randn([1], rng)?),
        })
    }
}

visit!(Conv2D<T> { weight, bias });

impl<T: Float> std::fmt::Display for Conv2D<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Conv2D(kernel_size={:?})", self.weight.shape())
    }
}

impl<T: Float> Module<T> for Conv2D<T> {
    fn forward(&self, x: &Var<T>) -> Result<Var<T>> {
        let weight = x.tape().parameter(&self.weight);
        let bias = x.tape().parameter(&self.bias);
        &x.corr2d(&weight)? + &bias
    }
}

#[test]
fn a_layer_of_the_users_own() -> Outcome {
    let mut layer = Conv2D::new([2, 2], &mut Generator::new(3))?;
    assert!(layer.weight.value().iter().all(|w| (0.0..1.0).contains(w)));
    assert_eq!(layer.bias.shape(), [1]);

    layer.weight.set(Tensor::from([[0.0, 1.0], [2.0, 3.0]]))?;
    layer.bias.set(Tensor::from([0.5]))?;
    let x = Tensor::<f32>::arange(0.0, 9.0, 1.0)?.reshape([3, 3])?;
    let tape = Tape::new();
    let y = layer.forward(&tape.constant(x))?;
    assert_eq!(y.value(), &Tensor::from([[19.5, 25.5], [37.5, 43.5]]));

    // Its parameters learn like those of any other layer.
    let grads = y.sum()?.backward()?;
    assert_eq!(grads.get(&layer.bias), Some(&Tensor::from([4.0])));
    assert_eq!(
        grads.get(&layer.weight),
        Some(&Tensor::from([[8.0, 12.0], [20.0, 24.0]]))
    );
    let names: Vec<_> = layer
        .named_parameters()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["weight", "bias"]);
    Ok(())
}

// ---------------------------------------------------------------- 3

/// White, with a black bar.
fn image<T: Float>() -> Result<Tensor<T>> {
    let mut x = Tensor::ones([6, 8])?;
    x.slice_fill((.., 2..6), T::ZERO)?;
    Ok(x)
}

/// 1 where white turns black, −1 where black turns white.
fn edge_map<T: Float>() -> Result<Tensor<T>> {
    image()?.corr2d(&Tensor::from([[T::ONE, -T::ONE]]))
}

#[test]
fn an_edge_detector() -> Outcome {
    let x: Tensor = image()?;
    for row in 0..6 {
        let row = x.select(0, row)?;
        assert_eq!(row.to_vec(), [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
    }
    let y: Tensor = edge_map()?;
    assert_eq!(y.shape(), [6, 7]);
    for row in 0..6 {
        let row = y.select(0, row)?;
        assert_eq!(row.to_vec(), [0.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0]);
    }
    // The kernel does not see edges of the other direction.
    let k = Tensor::from([[1.0, -1.0]]);
    assert_eq!(x.t()?.corr2d(&k)?, Tensor::zeros([8, 5])?);
    Ok(())
}

// ---------------------------------------------------------------- 4

/// The layer, the image and the edge map that the kernel is learned from. The
/// starting values were recovered from the tutorial's printed run.
fn experiment<T: Float>() -> Result<(Conv2d<T>, Tensor<T>, Tensor<T>)> {
    let mut conv: Conv2d<T> = Conv2d::builder(1, 1, (1, 2)).build(&mut Generator::new(0))?;
    conv.weight
        .set(Tensor::from([[[[T::of(0.43), T::of(0.488)]]]]))?;
    if let Some(bias) = &mut conv.bias {
        bias.set(Tensor::from([T::of(-0.5139)]))?;
    }
    let x = image()?.reshape([1, 1, 6, 8])?;
    let y = edge_map()?.reshape([1, 1, 6, 7])?;
    Ok((conv, x, y))
}

/// The sum of squared errors.
fn squared_error<T: Float>(conv: &Conv2d<T>, x: &Tensor<T>, y: &Tensor<T>) -> Result<Var<T>> {
    let tape = Tape::new();
    let error = conv
        .forward(&tape.constant(x.clone()))?
        .sub(&tape.constant(y.clone()))?;
    error.square()?.sum()
}

fn assert_printed<T: Float>(losses: &[T], conv: &Conv2d<T>) {
    let printed: Vec<String> = losses
        .iter()
        .skip(4)
        .step_by(5)
        .map(|loss| format!("{:.3}", loss.as_f64()))
        .collect();
    assert_eq!(printed, ["5.737", "1.403", "0.369", "0.100"]);
    let four =
        |x: &Tensor<T>| -> Vec<String> { x.iter().map(|v| format!("{:.4}", v.as_f64())).collect() };
    assert_eq!(four(conv.weight.value()), ["0.9259", "-0.9145"]);
    assert_eq!(
        conv.bias.as_ref().map(|bias| four(bias.value())),
        Some(vec!["-0.0064".to_owned()])
    );
}

fn learn_by_hand<T: Float>() -> Outcome {
    let (mut conv, x, y) = experiment::<T>()?;
    let lr = T::of(0.01);
    let mut losses = Vec::new();
    for _ in 0..20 {
        let loss = squared_error(&conv, &x, &y)?;
        losses.push(loss.item()?);
        let grads = loss.backward()?;
        for (_, parameter) in conv.named_parameters_mut() {
            if let Some(gradient) = grads.get(&*parameter) {
                parameter.value_mut().add_scaled(-lr, gradient)?;
            }
        }
    }
    assert_printed(&losses, &conv);
    Ok(())
}

fn learn_with_sgd<T: Float>() -> Outcome {
    let (mut conv, x, y) = experiment::<T>()?;
    let mut sgd = Sgd::new(0.01)?;
    let mut losses = Vec::new();
    for _ in 0..20 {
        let loss = squared_error(&conv, &x, &y)?;
        losses.push(loss.item()?);
        sgd.step(&mut conv, &loss.backward()?)?;
    }
    assert_printed(&losses, &conv);
    Ok(())
}

#[test]
fn learning_the_kernel_prints_what_the_tutorial_prints() -> Outcome {
    learn_by_hand::<f32>()?;
    learn_by_hand::<f64>()?;
    learn_with_sgd::<f32>()?;
    learn_with_sgd::<f64>()
}

fn converges<T: Float>(seed: u64) -> Outcome {
    let mut conv: Conv2d<T> = Conv2d::builder(1, 1, (1, 2)).build(&mut Generator::new(seed))?;
    let (_, x, y) = experiment::<T>()?;
    let mut sgd = Sgd::new(0.01)?;
    for _ in 0..1000 {
        let loss = squared_error(&conv, &x, &y)?;
        sgd.step(&mut conv, &loss.backward()?)?;
    }
    let kernel = Tensor::from([[[[T::ONE, -T::ONE]]]]);
    assert!(
        conv.weight.value().all_close(&kernel, 0.0, 1e-4),
        "seed {seed}: {conv:?}"
    );
    let bias = conv.bias.as_ref().map(|bias| bias.value().clone());
    assert!(bias.is_some_and(|bias| bias.all_close(&Tensor::from([T::ZERO]), 0.0, 1e-4)));
    Ok(())
}

#[test]
fn from_a_random_start_the_kernel_converges() -> Outcome {
    for seed in 0..5 {
        converges::<f32>(seed)?;
        converges::<f64>(seed)?;
    }
    Ok(())
}

// ---------------------------------------------------------------- 5

#[test]
fn convolution_is_cross_correlation_with_a_flipped_kernel() -> Outcome {
    let rng = &mut Generator::new(5);
    let x = Tensor::<f64>::rand([6, 8], rng)?;
    let k = Tensor::<f64>::rand([3, 2], rng)?;
    assert_eq!(x.convolve2d(&k)?, x.corr2d(&k.flip([0, 1])?)?);
    assert_eq!(x.convolve2d(&k.flip([0, 1])?)?, x.corr2d(&k)?);

    // Learned under one, a kernel is the flip of what is learned under the
    // other, and both predict alike.
    let target = x.corr2d(&k)?;
    type Op = fn(&Var<f64>, &Var<f64>) -> Result<Var<f64>>;
    let learn = |op: Op, start: Tensor<f64>| -> Result<(Tensor<f64>, Tensor<f64>)> {
        let mut kernel = Parameter::new(start);
        let mut sgd = Sgd::new(0.02)?;
        for _ in 0..4000 {
            let tape = Tape::new();
            let predicted = op(&tape.constant(x.clone()), &tape.parameter(&kernel))?;
            let loss = predicted.mse_loss(&tape.constant(target.clone()), Reduction::Sum)?;
            sgd.step(&mut kernel, &loss.backward()?)?;
        }
        let tape = Tape::inference();
        let predicted = op(&tape.constant(x.clone()), &tape.parameter(&kernel))?;
        Ok((kernel.value().clone(), predicted.into_value()))
    };
    let start = Tensor::rand([3, 2], rng)?;
    let (correlated, y1) = learn(Var::corr2d, start.clone())?;
    let (convolved, y2) = learn(Var::convolve2d, start)?;
    assert!(
        correlated.all_close(&k, 0.0, 1e-6),
        "{correlated} against {k}"
    );
    assert!(
        convolved.all_close(&correlated.flip([0, 1])?, 0.0, 1e-6),
        "{convolved}"
    );
    assert!(y1.all_close(&y2, 0.0, 1e-6));
    Ok(())
}

// ---------------------------------------------------------------- 6

/// The inputs on which one output element depends: those with a gradient.
fn seen(
    model: &Sequential<f64>,
    size: [usize; 2],
    at: [usize; 2],
) -> Result<[std::ops::Range<usize>; 2]> {
    let rng = &mut Generator::new(1);
    let tape = Tape::new();
    let x = tape.leaf(Tensor::uniform([1, 1, size[0], size[1]], 0.5, 1.5, rng)?);
    let y = model
        .forward(&x)?
        .select(-2, at[0] as isize)?
        .select(-1, at[1] as isize)?;
    let grads = y.sum()?.backward()?;
    let gradient = grads
        .get(&x)
        .cloned()
        .unwrap_or_else(|| x.value().zeros_like());
    let spread = |axis: isize| -> Result<std::ops::Range<usize>> {
        let other = if axis == -1 { -2 } else { -1 };
        let sums = gradient.abs().sum_axes([0, 1, other], false)?;
        let hit: Vec<usize> = (0..sums.len())
            .filter(|&i| sums.as_slice()[i] != 0.0)
            .collect();
        // A gradient at every input of the field, none elsewhere.
        assert_eq!(hit, (hit[0]..hit[hit.len() - 1] + 1).collect::<Vec<_>>());
        Ok(hit[0]..hit[hit.len() - 1] + 1)
    };
    Ok([spread(-2)?, spread(-1)?])
}

#[test]
fn the_receptive_field_is_where_the_gradient_is() -> Outcome {
    let rng = &mut Generator::new(0);
    let conv = |i,
                o,
                kernel: (usize, usize),
                stride: (usize, usize),
                padding: (usize, usize),
                rng: &mut Generator| {
        let mut conv: Conv2d<f64> = Conv2d::builder(i, o, kernel)
            .stride(stride)
            .padding(padding)
            .build(rng)?;
        // All positive, so that no two paths cancel.
        let positive = conv.weight.value().abs() + 0.1;
        conv.weight.set(positive)?;
        Ok::<_, Error>(conv)
    };
    // Averages, since a maximum passes the gradient to one element alone.
    let model = Sequential::new()
        .add(conv(1, 2, (3, 5), (1, 1), (1, 2), rng)?)
        .add(AvgPool2d::new(2))
        .add(conv(2, 3, (3, 2), (2, 1), (0, 0), rng)?)
        .add(Relu)
        .add(conv(3, 1, (2, 3), (1, 2), (1, 0), rng)?);
    let size = [24, 30];
    let summary = summary(&model, [1, 1, size[0], size[1]])?;
    let last = &summary.rows[summary.rows.len() - 1];
    let Some(field) = &last.field else {
        panic!("the output depends on the input")
    };
    let [height, width] = [last.output[2], last.output[3]];
    for at in [
        [0, 0],
        [height / 2, width / 2],
        [height - 1, width - 1],
        [1, 2],
    ] {
        assert_eq!(seen(&model, size, at)?, field.inputs(at), "output {at:?}");
    }
    // By hand: 3 → 4 → 8 → 12 rows, and 5 → 6 → 8 → 12 columns.
    assert_eq!(field.size, [12, 12]);
    assert_eq!(field.step, [4, 4]);
    Ok(())
}

// ---------------------------------------------------------------- 7, 8

fn output_shape(conv: wengert::Conv2dBuilder) -> Result<Vec<usize>> {
    let conv: Conv2d = conv.build(&mut Generator::new(0))?;
    let x = Tensor::rand([8, 8], &mut Generator::new(1))?.reshape([1, 1, 8, 8])?;
    let y = conv.forward(&Tape::inference().constant(x))?;
    Ok(y.shape()[2..].to_vec())
}

#[test]
fn padding_keeps_the_size() -> Outcome {
    assert_eq!(output_shape(Conv2d::builder(1, 1, 3).padding(1))?, [8, 8]);
    assert_eq!(
        output_shape(Conv2d::builder(1, 1, (5, 3)).padding((2, 1)))?,
        [8, 8]
    );
    Ok(())
}

#[test]
fn stride_divides_the_size() -> Outcome {
    assert_eq!(
        output_shape(Conv2d::builder(1, 1, 3).padding(1).stride(2))?,
        [4, 4]
    );
    let uneven = Conv2d::builder(1, 1, (3, 5)).padding((0, 1)).stride((3, 4));
    assert_eq!(output_shape(uneven)?, [2, 2]);
    Ok(())
}

// ---------------------------------------------------------------- 9, 10, 11

fn two_channels() -> Tensor {
    Tensor::from([
        [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
        [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]],
    ])
}

fn two_kernels() -> Tensor {
    Tensor::from([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0], [2.0, 3.0]]])
}

#[test]
fn several_input_channels_are_summed() -> Outcome {
    let (x, k) = (two_channels(), two_kernels());
    let y =
        (x.select(0, 0)?.corr2d(&k.select(0, 0)?)? + x.select(0, 1)?.corr2d(&k.select(0, 1)?)?)?;
    let expected = Tensor::from([[56.0, 72.0], [104.0, 120.0]]);
    assert_eq!(y, expected);
    let y = x.conv2d(&k.unsqueeze(0)?, None, &Conv2dOptions::default())?;
    assert_eq!(y, expected.unsqueeze(0)?);
    Ok(())
}

#[test]
fn several_output_channels_are_stacked() -> Outcome {
    let k = two_kernels();
    let kernels = Tensor::stack(&[&k, &(&k + 1.0), &(&k + 2.0)], 0)?;
    assert_eq!(kernels.shape(), [3, 2, 2, 2]);
    let y = two_channels().conv2d(&kernels, None, &Conv2dOptions::default())?;
    let expected = Tensor::from([
        [[56.0, 72.0], [104.0, 120.0]],
        [[76.0, 100.0], [148.0, 172.0]],
        [[96.0, 128.0], [192.0, 224.0]],
    ]);
    assert_eq!(y, expected);
    Ok(())
}

#[test]
fn a_convolution_of_1_by_1_is_a_matrix_product() -> Outcome {
    let rng = &mut Generator::new(11);
    let x = Tensor::<f32>::randn([3, 3, 3], rng)?;
    let k = Tensor::<f32>::randn([2, 3, 1, 1], rng)?;
    let convolved = x.conv2d(&k, None, &Conv2dOptions::default())?;
    let product = k
        .reshape([2, 3])?
        .matmul(&x.reshape([3, 9])?)?
        .reshape([2, 3, 3])?;
    assert!(convolved.all_close(&product, 0.0, 1e-6));
    Ok(())
}

// ---------------------------------------------------------------- 12, 13, 14

fn plane_of_nine() -> Result<Tensor> {
    Tensor::arange(0.0, 9.0, 1.0)?.reshape([1, 3, 3])
}

fn plane_of_sixteen() -> Result<Tensor> {
    Tensor::arange(0.0, 16.0, 1.0)?.reshape([1, 1, 4, 4])
}

fn pooled(pool: &dyn Module, x: &Tensor) -> Result<Tensor> {
    Ok(pool
        .forward(&Tape::inference().constant(x.clone()))?
        .into_value())
}

#[test]
fn pooling_takes_the_maximum_or_the_average() -> Outcome {
    let x = plane_of_nine()?;
    let options = MaxPool2dOptions::new(2).stride(1);
    assert_eq!(
        x.max_pool2d(&options)?,
        Tensor::from([[[4.0, 5.0], [7.0, 8.0]]])
    );
    let avg = AvgPool2d::new(2).stride(1);
    assert_eq!(pooled(&avg, &x)?, Tensor::from([[[2.0, 3.0], [5.0, 6.0]]]));
    Ok(())
}

#[test]
fn pooling_pads_and_strides() -> Outcome {
    let x = plane_of_sixteen()?;
    assert_eq!(pooled(&MaxPool2d::new(3), &x)?, Tensor::from([[[[10.0]]]]));
    let pool = MaxPool2d::new(3).padding(1).stride(2);
    assert_eq!(
        pooled(&pool, &x)?,
        Tensor::from([[[[5.0, 7.0], [13.0, 15.0]]]])
    );
    let pool = MaxPool2d::new((2, 4)).padding((1, 2)).stride((2, 3));
    assert_eq!(
        pooled(&pool, &x)?,
        Tensor::from([[[[1.0, 3.0], [9.0, 11.0], [13.0, 15.0]]]])
    );
    Ok(())
}

#[test]
fn pooling_keeps_channels_apart() -> Outcome {
    let x = plane_of_sixteen()?;
    // Along the batch, and along the channels: planes are pooled one by one.
    for axis in [0, 1] {
        let two = Tensor::cat(&[&x, &(&x + 1.0)], axis)?;
        let pool = MaxPool2d::new(3).padding(1).stride(2);
        let y = pooled(&pool, &two)?;
        assert_eq!(y.to_vec(), [5.0, 7.0, 13.0, 15.0, 6.0, 8.0, 14.0, 16.0]);
    }
    Ok(())
}
