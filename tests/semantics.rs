//! What first implementations get wrong: PyTorch's semantics where they surprise,
//! one test for each point. (`tests/fixtures` holds the same and more as data.)
//!
//! Small cases that have tripped well-known libraries and are tested where they
//! belong:
//!
//! | case | test |
//! |---|---|
//! | a parameter written over between forward and backward: the old value counts | `a_parameter_overwritten_after_forward_leaves_the_old_value_to_the_gradient` in `crates/autograd/src/backward.rs` |
//! | a chain of 400,000 nodes, swept and dropped | `tests/long_chains.rs` |
//! | a tape that is never swept is freed | `a_tape_that_is_never_swept_is_freed` in `tests/long_chains.rs` |
//! | backward twice, backward of a non-scalar | `operations_on_a_tape_that_was_swept`, `losses_that_are_none` in `tests/bad_input_autograd.rs` |
//! | a class index out of range | `labels_that_do_not_fit` in `tests/bad_input_operations.rs` |
//! | relu′(0) = 0 | `kinks_of_torch` in `crates/autograd/src/ops/unary.rs` |
//! | the second derivative of Σ(x ⋆ k)² to a 1×1 kernel at \[1, 2, 3, 4\] is 60 | `second_derivative_with_respect_to_a_kernel_of_one_tap` in `crates/autograd/src/ops/conv2d.rs` |
//! | two runs from one seed, on 1 and on 4 threads, to the bit | `training_on_any_number_of_threads` in `tests/determinism.rs` |
//! | tiny tensors wake no worker | `a_step_of_the_tutorial_starts_no_thread` in `tests/environment.rs` |

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use wengert::prelude::*;
use wengert::{AdaptiveSize, ConvTranspose2dOptions, InterpolateOptions, PadMode, UnfoldOptions};
use wengert::{Approximate, BinaryCrossEntropyWithLogitsOptions, grad};

/// Padding is −∞ and never 0; of equal elements the first one wins, of several NaN
/// the last.
#[test]
fn max_pooling_pads_with_minus_infinity_and_breaks_ties_by_position() {
    let pool = |x: [f64; 4]| {
        let x: Tensor<f64> = Tensor::from(x).reshape([1, 1, 2, 2]).unwrap();
        let options = MaxPool2dOptions::new(2).stride(2);
        let (y, at) = x.max_pool2d_with_indices(&options).unwrap();
        (y.as_slice()[0], at.as_slice()[0])
    };
    assert_eq!(pool([1.0; 4]), (1.0, 0));
    let (y, at) = pool([f64::NAN, 2.0, f64::NAN, 3.0]);
    assert!(y.is_nan());
    assert_eq!(at, 2);

    let x: Tensor<f64> = Tensor::full([1, 1, 2, 2], -5.0).unwrap();
    let padded = MaxPool2dOptions::new(2).stride(2).padding(1);
    let y = x.max_pool2d(&padded).unwrap();
    assert_eq!(y.as_slice(), [-5.0; 4]);

    // argmax takes the first of ties and the first of NaN.
    let x: Tensor<f64> = Tensor::from([1.0, f64::NAN, f64::NAN, 2.0]);
    assert_eq!(x.argmax().unwrap().item().unwrap(), 1);
}

/// A leaf of these numbers.
fn leaf(tape: &Tape<f64>, x: impl Into<Tensor<f64>>) -> Var<f64> {
    tape.leaf(x.into())
}

/// The gradient of the sum of f(x), and whether there is one.
fn gradient_of(x: impl Into<Tensor<f64>>, f: impl Fn(&Var<f64>) -> Result<Var<f64>>) -> Vec<f64> {
    let x = leaf(&Tape::new(), x);
    let grads = f(&x).unwrap().sum().unwrap().backward().unwrap();
    grads.get(&x).unwrap().to_vec()
}

/// Of two, each gets half; of several, each the same share.
#[test]
fn ties_share_a_gradient_and_nan_propagates() {
    let tape = Tape::new();
    let (a, b) = (leaf(&tape, [1.0, 2.0, 3.0]), leaf(&tape, [1.0, 3.0, 2.0]));
    let loss = a.maximum(&b).unwrap().sum().unwrap();
    let grads = loss.backward().unwrap();
    assert_eq!(grads.get(&a).unwrap().to_vec(), [0.5, 0.0, 1.0]);
    assert_eq!(grads.get(&b).unwrap().to_vec(), [0.5, 1.0, 0.0]);

    let tied = [3.0, 1.0, 3.0, 3.0];
    let third = 1.0 / 3.0;
    let shares = [third, 0.0, third, third];
    assert_eq!(gradient_of(tied, Var::amax), shares);
    assert_eq!(gradient_of(tied.map(|x: f64| -x), Var::amin), shares);
    let norm = |x: &Var<f64>| x.norm(f64::INFINITY);
    assert_eq!(
        gradient_of([3.0, 1.0, -3.0, 3.0], norm),
        [third, 0.0, -third, third]
    );

    let x = Tensor::from([1.0, f64::NAN, 3.0]);
    for y in [
        x.amax().unwrap(),
        x.amin().unwrap(),
        x.maximum(&Tensor::scalar(9.0))
            .unwrap()
            .get([1])
            .unwrap()
            .into(),
        Tensor::scalar(9.0)
            .minimum(&x)
            .unwrap()
            .get([1])
            .unwrap()
            .into(),
    ] {
        assert!(y.item().unwrap().is_nan());
    }
}

/// A norm at the zero vector and the deviation of a constant have the gradient 0,
/// and what was not chosen gets 0, whatever it is.
#[test]
fn gradients_where_a_root_or_a_branch_has_none() {
    for p in [0.5, 1.0, 2.0, 3.0, f64::INFINITY] {
        assert_eq!(
            gradient_of([0.0, 0.0], |x| x.vector_norm(p)),
            [0.0, 0.0],
            "{p}"
        );
    }
    assert_eq!(gradient_of([2.0, 2.0, 2.0], Var::std), [0.0; 3]);
    assert_eq!(gradient_of([0.0], Var::sqrt), [f64::INFINITY]);
    let mask = Tensor::from([true, false]);
    let chosen = |x: &Var<f64>| Var::where_(&mask, x, &x.constant(Tensor::scalar(0.0)));
    assert_eq!(gradient_of([2.0, f64::NAN], chosen), [1.0, 0.0]);
}

/// 0⁰ is 1 with a gradient of 0, nothing is multiplied by log 0, and a negative
/// base has powers that are whole.
#[test]
fn powers_at_zero_and_of_negative_bases() {
    let tape = Tape::new();
    let base = leaf(&tape, [0.0, 0.0, -2.0, -2.0]);
    let exponent = leaf(&tape, [0.0, 2.0, 3.0, -1.0]);
    let y = base.pow(&exponent).unwrap();
    assert_eq!(y.value().to_vec(), [1.0, 0.0, -8.0, -0.5]);
    let grads = y.sum().unwrap().backward().unwrap();
    assert_eq!(grads.get(&base).unwrap().to_vec(), [0.0, 0.0, 12.0, -0.25]);
    assert_eq!(grads.get(&exponent).unwrap().to_vec()[..2], [0.0, 0.0]);
    for of_zero in [|x: &Var<f64>| x.powi(0), |x: &Var<f64>| x.powf(0.0)] {
        assert_eq!(gradient_of([0.0, -3.0], of_zero), [0.0, 0.0]);
    }
    assert_eq!(gradient_of([-2.0], |x| x.powi(3)), [12.0]);
    assert_eq!(gradient_of([-2.0], |x| x.powf(3.0)), [12.0]);
}

/// The divisor is max(0, n − correction): NaN or infinity, no error. The mean is
/// taken first, so that a large one does not drown the distances.
#[test]
fn variances_divide_by_what_the_correction_leaves() {
    let x = Tensor::from([1.0, 3.0]);
    assert_eq!(x.var(), Tensor::scalar(2.0));
    let var = |correction| x.var_axes([], correction, false).unwrap().item().unwrap();
    assert_eq!(var(0.0), 1.0);
    assert_eq!(var(2.0), f64::INFINITY);
    assert_eq!(var(3.0), f64::INFINITY);
    assert!(Tensor::from([5.0f64]).var().item().unwrap().is_nan());
    assert!(
        Tensor::<f64>::zeros([0])
            .unwrap()
            .std()
            .item()
            .unwrap()
            .is_nan()
    );
    let far = Tensor::from([1e8, 1e8 + 1.0, 1e8 + 2.0]);
    assert_eq!(far.var(), Tensor::scalar(1.0));
    let far = Tensor::from([1e8f32, 1e8 + 8.0, 1e8 + 16.0]);
    assert_eq!(far.var(), Tensor::scalar(64.0));
}

/// The sum of nothing is 0, its mean NaN, its maximum an error, unless there is
/// no such maximum to be told.
#[test]
fn what_nothing_reduces_to() {
    let none = Tensor::<f64>::zeros([2, 0]).unwrap();
    assert_eq!(none.sum(), Tensor::scalar(0.0));
    assert_eq!(none.sum_axes(1, false).unwrap().to_vec(), [0.0, 0.0]);
    assert!(none.mean().item().unwrap().is_nan());
    assert!(none.amax().is_err() && none.argmax().is_err());
    assert!(none.amax_axes(1, false).is_err() && none.argmin_axis(1, false).is_err());
    assert_eq!(none.amax_axes(0, false).unwrap().shape(), [0]);
    assert_eq!(none.argmax_axis(0, true).unwrap().shape(), [1, 0]);

    let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(x.sum_axes([], false).unwrap(), Tensor::scalar(10.0));
    assert_eq!(x.mean_axes([], false).unwrap(), Tensor::scalar(2.5));
    assert!(none.reshape([0, -1]).is_err());
    let product = none.matmul(&Tensor::zeros([0, 3]).unwrap()).unwrap();
    assert_eq!(product, Tensor::zeros([2, 3]).unwrap());
}

/// What is clipped and what is refused.
#[test]
fn shapes_at_their_limits() {
    let number = Tensor::scalar(1.0);
    assert_eq!(number.flatten(0, -1).unwrap().shape(), [1]);
    assert_eq!(number.sum_axes(-1, false).unwrap(), number);
    let x = Tensor::<f64>::zeros([3, 1]).unwrap();
    assert_eq!(x.squeeze(0).unwrap().shape(), [3, 1]);
    assert_eq!(x.squeeze(1).unwrap().shape(), [3]);
    assert_eq!(x.slice((1..99,)).unwrap().shape(), [2, 1]);
    assert_eq!(x.slice((-99..2,)).unwrap().shape(), [2, 1]);
    assert!(x.narrow(0, 1, 99).is_err());
    assert_eq!(x.narrow(0, -2, 2).unwrap().shape(), [2, 1]);
    let stopped = wengert::Slice::from(..).step(0);
    assert!(x.slice((stopped,)).is_err());
    let none = Tensor::zeros([0]).unwrap();
    assert_eq!(Tensor::cat(&[&none, &x, &none], 1).unwrap(), x);
    assert_eq!(x.expand([-1, 4]).unwrap().shape(), [3, 4]);
    assert_eq!(x.expand([2, -1, -1]).unwrap().shape(), [2, 3, 1]);
    assert!(x.expand([-1, 3, 1]).is_err());
}

/// d²/dx² of (x³)² is 30 x⁴.
#[test]
fn the_second_derivative_of_a_square_of_a_cube() {
    let x = leaf(&Tape::new(), 2.0);
    let y = x.powi(3).unwrap().square().unwrap();
    let first = grad(&y, &[&x]).unwrap().remove(0);
    let second = grad(&first, &[&x]).unwrap().remove(0);
    assert_eq!(first.item().unwrap(), 192.0);
    assert_eq!(second.item().unwrap(), 480.0);
}

/// With momentum alone, the first two steps are g and (1 + momentum) · g.
#[test]
fn dampening_is_zero_by_default() -> Result<()> {
    let mut layer: Linear<f64> = Linear::builder(1, 1)
        .bias(false)
        .build(&mut Generator::new(0))?;
    let mut sgd = Sgd::builder(1.0).momentum(0.5).build()?;
    let start = layer.weight.value().item()?;
    for total in [1.0, 1.0 + 1.5] {
        let tape = Tape::new();
        let loss = layer.forward(&tape.constant(Tensor::from([1.0])))?.sum()?;
        let grads = loss.backward()?;
        sgd.step(&mut layer, &grads)?;
        let moved = start - layer.weight.value().item()?;
        assert!((moved - total).abs() < 1e-12, "{moved}");
    }
    Ok(())
}

/// f and the gradient of its sum, at x.
fn value_and_slope(x: &[f64], f: impl Fn(&Var<f64>) -> Result<Var<f64>>) -> (Vec<f64>, Vec<f64>) {
    let x = Tape::new().leaf(Tensor::from(x.to_vec()));
    let y = f(&x).unwrap();
    let slope = grad(&y.sum().unwrap(), &[&x]).unwrap().remove(0);
    (y.value().to_vec(), slope.value().to_vec())
}

/// The rectifier and its kind are flat at a kink; a leaky one takes the negative
/// side, and so does what leaves its kink by an exponential. A limit of `clamp` is
/// flat, and of two that are the wrong way round the upper one holds.
#[test]
fn gradients_at_kinks_are_zero_or_of_the_negative_side() {
    let slope = |x: f64, f: fn(&Var<f64>) -> Result<Var<f64>>| value_and_slope(&[x], f).1[0];
    for f in [Var::relu, Var::abs, Var::relu6] {
        assert_eq!(slope(0.0, f), 0.0);
    }
    assert_eq!(slope(6.0, Var::relu6), 0.0);
    for limit in [-1.0, 1.0] {
        assert_eq!(slope(limit, |x| x.hardtanh(-1.0, 1.0)), 0.0);
        assert_eq!(slope(limit, |x| x.clamp(-1.0, 1.0)), 0.0);
    }
    assert_eq!(slope(0.0, |x| x.leaky_relu(0.25)), 0.25);
    assert_eq!(slope(0.0, |x| x.elu(0.25)), 0.25);
    assert_eq!(
        slope(0.0, |x| x.prelu(&x.constant(Tensor::scalar(0.25)))),
        0.25
    );
    assert_eq!(slope(-3.0, Var::hardsigmoid), 0.0);
    assert_eq!(
        (slope(-3.0, Var::hardswish), slope(3.0, Var::hardswish)),
        (0.0, 1.0)
    );
    let crossed = value_and_slope(&[-5.0, 0.0, 5.0], |x| x.clamp(1.0, -1.0));
    assert_eq!(crossed, (vec![-1.0; 3], vec![0.0; 3]));
}

/// Scores of ±1000 have a softmax, −∞ is a probability of 0, a row of nothing else
/// is NaN. Softplus is straight beyond its threshold, and not at it. What is made
/// of exponentials overflows at ±800 neither in its value nor in its gradient.
#[test]
fn exponentials_do_not_overflow() {
    let far = Tensor::from([1000.0, -1000.0, f64::NEG_INFINITY]);
    assert_eq!(far.softmax(0).unwrap().to_vec(), [1.0, 0.0, 0.0]);
    assert_eq!(
        far.log_softmax(0).unwrap().to_vec(),
        [0.0, -2000.0, f64::NEG_INFINITY]
    );
    let hopeless = Tensor::from([f64::NEG_INFINITY; 2]);
    assert!(hopeless.softmax(0).unwrap().iter().all(|p| p.is_nan()));

    let (_, slope) = value_and_slope(&[0.5, 0.75], |x| x.softplus(2.0, 1.0));
    assert_eq!(slope, [Tensor::scalar(1.0).sigmoid().item().unwrap(), 1.0]);
    let ends = value_and_slope(&[-800.0, 800.0], |x| x.softplus(1.0, f64::INFINITY));
    assert_eq!(ends, (vec![0.0, 800.0], vec![0.0, 1.0]));
    for f in [
        Var::silu,
        Var::mish,
        |x: &Var<f64>| x.gelu(Approximate::None),
        |x: &Var<f64>| x.gelu(Approximate::Tanh),
    ] {
        let ends = value_and_slope(&[-800.0, 800.0], f);
        assert_eq!(ends, (vec![0.0, 800.0], vec![0.0, 1.0]));
    }
}

/// The batch is normalised by the biased variance; the unbiased one goes into the
/// running average, with the share that momentum names. One value for each channel is
/// an error.
#[test]
fn batch_norm_divides_by_the_biased_variance_and_remembers_the_unbiased_one() {
    let norm = BatchNorm1d::builder(1)
        .momentum(0.25)
        .eps(1e-12)
        .build::<f64>()
        .unwrap();
    let tape = Tape::new();
    let x = tape.constant(Tensor::from([[1.0], [2.0], [6.0]]));
    let y = norm.forward(&x).unwrap();
    // Mean 3, biased variance 14/3, unbiased 7.
    let r = 1.0 / (14.0 / 3.0f64).sqrt();
    let want = Tensor::from([[-2.0 * r], [-r], [3.0 * r]]);
    assert!(y.value().all_close(&want, 1e-9, 0.0));
    let close = |got: Option<Tensor<f64>>, want: f64| {
        assert!(got.unwrap().all_close(&Tensor::from([want]), 1e-12, 0.0));
    };
    close(norm.running_mean(), 0.25 * 3.0);
    close(norm.running_var(), 0.75 + 0.25 * 7.0);
    assert_eq!(norm.num_batches_tracked(), Some(1));

    let one = tape.constant(Tensor::from([[1.0]]));
    let error = norm.forward(&one).unwrap_err().to_string();
    assert!(
        error.contains("more than one value for each channel"),
        "{error}"
    );
    assert_eq!(norm.num_batches_tracked(), Some(1));

    // Without a momentum: the mean over all batches.
    let norm = BatchNorm1d::builder(1)
        .momentum(None)
        .build::<f64>()
        .unwrap();
    for x in [[[1.0], [3.0]], [[5.0], [5.0]]] {
        norm.forward(&tape.constant(Tensor::from(x))).unwrap();
    }
    close(norm.running_mean(), 3.5);
    close(norm.running_var(), 1.0);

    // The counter is an integer without axes, among the names of the state.
    let mut visitor = wengert::Visitor::default();
    norm.visit(&mut visitor);
    let (name, slot) = visitor.into_slots().pop().unwrap();
    assert_eq!(name, "num_batches_tracked");
    let wengert::Slot::Counter(count) = slot else {
        panic!("not a counter")
    };
    assert_eq!((count.shape(), count.item().unwrap()), (&[][..], 2));
}

/// Numbers counted up from 0, in this shape.
fn counting(shape: &[usize]) -> Tensor<f64> {
    let mut next = -1.0;
    let count = |_: &[usize]| {
        next += 1.0;
        next
    };
    Tensor::from_fn(shape, count).unwrap()
}

/// The gradient of Σ y.
fn gradient_of_sum(x: &Tensor<f64>, f: impl Fn(&Var<f64>) -> Result<Var<f64>>) -> Tensor<f64> {
    let x = Tape::new().leaf(x.clone());
    let grads = f(&x).unwrap().sum().unwrap().backward().unwrap();
    grads.get(&x).unwrap().clone()
}

/// With `ceil_mode` the last window must start inside the input or the padding
/// before it; else there is one window fewer than the formula has.
#[test]
fn a_window_of_ceil_mode_that_starts_beyond_the_input_is_dropped() {
    let size = |n: usize, pool: MaxPool2dOptions| {
        let x = Tensor::<f64>::zeros([1, n, n]).unwrap();
        x.max_pool2d(&pool.ceil_mode(true)).unwrap().shape()[1]
    };
    let pool = MaxPool2dOptions::new(2).stride(3);
    // The second window of 4 starts at 3, inside; that of 3 would start outside.
    assert_eq!((size(4, pool), size(3, pool)), (2, 1));
    // ⌈(3 + 2 − 2) / 2⌉ + 1 = 3, but the third starts at 4 = 3 + 1.
    assert_eq!(size(3, MaxPool2dOptions::new(2).padding(1)), 2);
}

/// The divisor of a mean is the window, clipped to the input and its padding: what
/// `ceil_mode` makes it overhang never counts. Without `count_include_pad` it is
/// clipped to the input; `divisor_override` replaces both.
#[test]
fn average_pooling_divides_by_what_it_should() {
    let ones = Tensor::<f64>::ones([1, 3, 3]).unwrap();
    let pool = AvgPool2dOptions::new(2);
    let mean = |pool: AvgPool2dOptions| ones.avg_pool2d(&pool).unwrap().to_vec();
    assert_eq!(mean(pool.ceil_mode(true)), [1.0; 4]);
    // Of the second three rows one is the input's, one padding, one neither.
    let padded = AvgPool2dOptions::new(3).padding(1).ceil_mode(true);
    assert_eq!(mean(padded), [4.0 / 9.0, 2.0 / 6.0, 2.0 / 6.0, 1.0 / 4.0]);
    assert_eq!(mean(padded.count_include_pad(false)), [1.0; 4]);
    assert_eq!(mean(pool.divisor_override(-2)), [-2.0]);
    assert!(ones.avg_pool2d(&pool.divisor_override(0)).is_err());
}

/// Padding `Same`: an odd total puts the extra row below and the extra column to
/// the right; the stride must be 1. An image without a batch and a batch without
/// images are legal; no channels and empty planes are errors in pooling.
#[test]
fn same_padding_puts_the_odd_row_below_and_only_the_batch_may_be_missing() {
    let same = Conv2dOptions::default().padding(Padding::Same);
    let x = counting(&[1, 1, 2, 3]).add_scalar(1.0);
    let kernel = Tensor::ones([1, 1, 2, 2]).unwrap();
    let y = x.conv2d(&kernel, None, &same).unwrap();
    // [[1, 2, 3], [4, 5, 6]] with zeros below and to the right.
    assert_eq!(y.to_vec(), [12.0, 16.0, 9.0, 9.0, 11.0, 6.0]);
    assert!(x.conv2d(&kernel, None, &same.stride(2)).is_err());
    let dilated = same.dilation(3);
    let y = x.conv2d(&kernel, None, &dilated).unwrap();
    assert_eq!(y.shape(), [1, 1, 2, 3]);
    // Taps three apart, the first one place before and the second two after.
    assert_eq!(y.to_vec(), [0.0, 0.0, 0.0, 3.0, 1.0, 2.0]);

    let one = x.squeeze(0).unwrap();
    assert_eq!(one.conv2d(&kernel, None, &same).unwrap().shape(), [1, 2, 3]);
    let none = Tensor::<f64>::zeros([0, 1, 4, 4]).unwrap();
    assert_eq!(
        none.conv2d(&kernel, None, &same).unwrap().shape(),
        [0, 1, 4, 4]
    );
    let (max, mean) = (MaxPool2dOptions::new(2), AvgPool2dOptions::new(2));
    assert_eq!(none.max_pool2d(&max).unwrap().shape(), [0, 1, 2, 2]);
    assert_eq!(none.avg_pool2d(&mean).unwrap().shape(), [0, 1, 2, 2]);
    assert_eq!(one.max_pool2d(&max).unwrap().shape(), [1, 1, 1]);
    for empty in [[1, 0, 4, 4], [1, 1, 0, 4]] {
        let x = Tensor::<f64>::zeros(empty).unwrap();
        assert!(x.max_pool2d(&max).is_err() && x.avg_pool2d(&mean).is_err());
    }
}

/// The weight of a transposed convolution is [in, out / groups, kh, kw], and its
/// output padding must be below the stride or the dilation of its axis.
#[test]
fn a_transposed_convolution_has_its_weight_the_other_way_round() {
    let x = Tensor::<f64>::ones([1, 4, 2, 2]).unwrap();
    let options = ConvTranspose2dOptions::default().groups(2).stride(2);
    let w = Tensor::ones([4, 3, 2, 2]).unwrap();
    let y = x.conv_transpose2d(&w, None, &options).unwrap();
    assert_eq!(y.shape(), [1, 6, 4, 4]);
    assert!(y.iter().all(|&y| y == 2.0));
    let padded = |padding: (usize, usize)| {
        let options = options.dilation((1, 3)).output_padding(padding);
        x.conv_transpose2d(&w, None, &options)
            .map(|y| y.shape().to_vec())
    };
    assert_eq!(padded((1, 2)).unwrap(), [1, 6, 5, 8]);
    assert!(padded((2, 0)).is_err() && padded((0, 3)).is_err());
}

/// Window i of an adaptive pooling is ⌊i · in / out⌋ .. ⌈(i + 1) · in / out⌉:
/// windows vary and overlap, there may be more of them than elements, and `None`
/// keeps a size.
#[test]
fn adaptive_windows_overlap_and_may_be_more_than_the_elements() {
    let x = counting(&[1, 1, 5]);
    let means = |size: AdaptiveSize| x.adaptive_avg_pool2d(size).unwrap().to_vec();
    assert_eq!(means((None, 3).into()), [0.5, 2.0, 3.5]);
    assert_eq!(means((1, 7).into()), [0.0, 0.5, 1.5, 2.0, 2.5, 3.5, 4.0]);
    assert_eq!(means((None, None).into()), x.to_vec());
    let (maxima, at) = x.adaptive_max_pool2d_with_indices((1, 3)).unwrap();
    assert_eq!(
        (maxima.to_vec(), at.to_vec()),
        (vec![1.0, 3.0, 4.0], vec![1, 3, 4])
    );
    let spread = gradient_of_sum(&x, |x| x.adaptive_avg_pool2d((1, 3)));
    let third = 1.0 / 3.0;
    let expected = Tensor::from([[[0.5, 0.5 + third, third, third + 0.5, 0.5]]]);
    assert!(spread.all_close(&expected, 1e-15, 0.0));
}

/// What was read more than once gets the sum of all its gradients.
#[test]
fn gradients_accumulate_where_elements_repeat() {
    let x = counting(&[3]);
    let grad = |f: fn(&Var<f64>) -> Result<Var<f64>>| gradient_of_sum(&x, f).to_vec();
    assert_eq!(
        grad(|x| x.index_select(0, &Tensor::from([2, 0, 2, 2]))),
        [1.0, 0.0, 3.0]
    );
    assert_eq!(
        grad(|x| x.gather(0, &Tensor::from([1, 1]))),
        [0.0, 2.0, 0.0]
    );
    assert_eq!(grad(|x| x.expand([4, 3])), [4.0; 3]);
    assert_eq!(
        grad(|x| x.add(&x.constant(Tensor::zeros([2, 5, 1])?))),
        [10.0; 3]
    );
    assert_eq!(grad(|x| x.unfold_axis(0, 2, 1)), [1.0, 2.0, 1.0]);
    let row = |x: &Var<f64>| x.reshape([1, 1, 3]);
    assert_eq!(
        gradient_of_sum(&x, |x| row(x)?
            .max_pool2d(&MaxPool2dOptions::new((1, 2)).stride(1)))
        .to_vec(),
        [0.0, 1.0, 1.0]
    );
    assert_eq!(
        gradient_of_sum(&x, |x| row(x)?
            .avg_pool2d(&AvgPool2dOptions::new((1, 2)).stride(1)))
        .to_vec(),
        [0.5, 1.0, 0.5]
    );
    let columns = UnfoldOptions::new((1, 2));
    assert_eq!(
        gradient_of_sum(&x, |x| row(x)?.unfold(&columns)).to_vec(),
        [1.0, 2.0, 1.0]
    );
}

/// Pairs count from the last axis. A mirrored margin must be shorter than its
/// axis, one that wraps around no longer; negative amounts crop in every mode.
#[test]
fn padding_counts_from_the_last_axis_and_takes_negative_amounts_in_every_mode() {
    let x = counting(&[1, 2, 3]);
    assert_eq!(x.pad(&[(1, 2), (3, 4)], 0.0).unwrap().shape(), [1, 9, 6]);
    let row = |amounts, mode: PadMode<f64>| Ok(counting(&[1, 4]).pad(&[amounts], mode)?.to_vec());
    let fails = |answer: Result<Vec<f64>>| answer.is_err();
    assert_eq!(
        row((3, 0), PadMode::Reflect).unwrap(),
        [3.0, 2.0, 1.0, 0.0, 1.0, 2.0, 3.0]
    );
    assert!(fails(row((4, 0), PadMode::Reflect)));
    let twice: Vec<f64> = [counting(&[4]).to_vec(), counting(&[4]).to_vec()].concat();
    assert_eq!(row((4, 0), PadMode::Circular).unwrap(), twice);
    assert!(fails(row((5, 0), PadMode::Circular)));
    assert_eq!(row((0, 5), PadMode::Replicate).unwrap()[4..], [3.0; 5]);
    for (mode, expected) in [
        (PadMode::Constant(9.0), [1.0, 2.0, 3.0, 9.0, 9.0]),
        (PadMode::Reflect, [1.0, 2.0, 3.0, 2.0, 1.0]),
        (PadMode::Replicate, [1.0, 2.0, 3.0, 3.0, 3.0]),
        // Around what is left after cropping.
        (PadMode::Circular, [1.0, 2.0, 3.0, 1.0, 2.0]),
    ] {
        assert_eq!(row((-1, 2), mode).unwrap(), expected);
        assert_eq!(row((-1, -2), mode).unwrap(), [1.0]);
    }
}

/// The nearest element is ⌊i / factor⌋ for the factor that was given, not for that
/// of the rounded sizes, unless it is to be recomputed.
#[test]
fn interpolation_uses_the_factor_that_was_given() {
    let x = counting(&[1, 1, 5]);
    let shrunk = InterpolateOptions::scale_factor([0.7]);
    let y = |options: &InterpolateOptions| x.interpolate(options).unwrap().to_vec();
    assert_eq!(y(&shrunk), [0.0, 1.0, 2.0]);
    assert_eq!(y(&shrunk.recompute_scale_factor(true)), [0.0, 1.0, 3.0]);
    assert_eq!(y(&InterpolateOptions::size([3])), [0.0, 1.0, 3.0]);
}

/// Rows and columns that no window sees get no gradient, on each axis by itself.
#[test]
fn what_windows_drop_gets_no_gradient() {
    let pool = MaxPool2dOptions::new(2);
    let x = counting(&[1, 5, 5]);
    assert_eq!(
        x.max_pool2d(&pool).unwrap().to_vec(),
        [6.0, 8.0, 16.0, 18.0]
    );
    let (hit, none) = ([0.0, 1.0, 0.0, 1.0, 0.0], [0.0; 5]);
    let expected = Tensor::from([[none, hit, none, hit, none]]);
    assert_eq!(gradient_of_sum(&x, |x| x.max_pool2d(&pool)), expected);
    // Windows further apart than they are wide.
    let apart = gradient_of_sum(&x, |x| x.max_pool2d(&pool.stride(3)));
    assert_eq!(apart.sum().item().unwrap(), 4.0);
    assert_eq!(apart.get([0, 4, 4]), Some(1.0));
    // 6 × 5 under 3 × 3 with stride 2: a row is dropped, and no column.
    let w = Tensor::<f64>::ones([1, 1, 3, 3]).unwrap();
    let strided = Conv2dOptions::default().stride(2);
    let grad = gradient_of_sum(&counting(&[1, 6, 5]), |x| {
        x.conv2d(&x.constant(w.clone()), None, &strided)
    });
    let (once, twice) = ([1.0, 1.0, 2.0, 1.0, 1.0], [2.0, 2.0, 4.0, 2.0, 2.0]);
    let expected = Tensor::from([[once, once, twice, once, once, [0.0; 5]]]);
    assert_eq!(grad, expected);
}

/// One of equal elements gets the whole gradient, and NaN wins its window.
#[test]
fn overlapping_maxima_with_padding_ties_and_nan() {
    let pool = MaxPool2dOptions::new(3).stride(2).padding(1);
    let ones = Tensor::<f64>::ones([1, 4, 4]).unwrap();
    let grad = gradient_of_sum(&ones, |x| x.max_pool2d(&pool));
    let (hit, none) = ([1.0, 1.0, 0.0, 0.0], [0.0; 4]);
    assert_eq!(grad, Tensor::from([[hit, hit, none, none]]));
    let x = Tensor::from([[[1.0, f64::NAN, 3.0]]]);
    let y = x
        .max_pool2d(&MaxPool2dOptions::new((1, 2)).stride(1))
        .unwrap();
    assert!(y.iter().all(|y| y.is_nan()));
}

/// Windows that do not fit or do not move, and groups that do not divide, are
/// errors; uneven kernels and dilated ones fit where they should.
#[test]
fn geometry_that_is_odd_and_geometry_that_is_wrong() {
    let x = counting(&[1, 2, 8, 8]);
    let w = |shape: [usize; 4]| Tensor::<f64>::ones(shape).unwrap();
    let plain = Conv2dOptions::default();
    let conv = |shape, options| x.conv2d(&w(shape), None, &options);
    assert!(conv([1, 2, 9, 1], plain).is_err());
    assert!(conv([1, 2, 3, 3], plain.stride(0)).is_err());
    assert!(conv([3, 1, 3, 3], plain.groups(2)).is_err());
    assert!(x.max_pool2d(&MaxPool2dOptions::new(9)).is_err());
    assert!(x.avg_pool2d(&AvgPool2dOptions::new(2).stride(0)).is_err());
    let same = plain.dilation(2).padding(Padding::Same);
    assert_eq!(conv([1, 2, 3, 3], same).unwrap().shape(), [1, 1, 8, 8]);
    assert_eq!(conv([1, 2, 1, 2], plain).unwrap().shape(), [1, 1, 8, 7]);
    let sevenths = AvgPool2dOptions::new(2).divisor_override(7);
    let y = counting(&[1, 2, 2]).avg_pool2d(&sevenths).unwrap();
    assert_eq!(y.item().unwrap(), 6.0 / 7.0);
    let grad = gradient_of_sum(&counting(&[1, 2, 2]), |x| x.avg_pool2d(&sevenths));
    assert_eq!(grad.to_vec(), [1.0 / 7.0; 4]);
}

/// Every number in the header is checked before it is used, no name comes twice, the
/// tensors fill the file; and a shape must be the model's, not only its size. NaN is
/// a number like others.
#[test]
fn safetensors_files_that_lie_are_refused_and_nan_is_no_lie() {
    let file = |length: Option<u64>, header: &str, data: &[u8]| {
        let length = length.unwrap_or(header.len() as u64).to_le_bytes();
        StateDict::from_bytes(&[&length[..], header.as_bytes(), data].concat())
    };
    let entry = |name: &str, shape: &str, at: &str| {
        format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":{at}}}"#)
    };
    let header = |entries: &[String]| format!("{{{}}}", entries.join(","));
    let x = || entry("x", "[2]", "[0,8]");
    let nan = f32::NAN.to_le_bytes();
    let data = [nan, nan, nan, nan].concat();

    let good = header(&[x(), entry("y", "[2]", "[8,16]")]);
    let state = file(None, &good, &data).unwrap();
    assert!(
        state
            .get("y")
            .unwrap()
            .cast::<f32>()
            .iter()
            .all(|y| y.is_nan())
    );
    // The header's length: more than there is, more than can be added to.
    for length in [good.len() as u64 + 17, u64::MAX, u64::MAX - 7] {
        assert!(file(Some(length), &good, &data).is_err(), "{length}");
    }
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    for (what, entries) in [
        ("a name twice", vec![x(), entry("x", "[2]", "[8,16]")]),
        ("a hole", vec![x(), entry("y", "[1]", "[12,16]")]),
        ("trailing bytes", vec![x()]),
        ("reversed offsets", vec![x(), entry("y", "[2]", "[16,8]")]),
        ("an overlap", vec![x(), entry("y", "[3]", "[4,16]")]),
        (
            "a product that overflows",
            vec![x(), entry("y", "[4294967296,4294967296,2]", "[8,16]")],
        ),
        ("deep JSON", vec![x(), entry("y", &deep, "[8,16]")]),
    ] {
        assert!(file(None, &header(&entries), &data).is_err(), "{what}");
    }

    let mut linear: Linear = Linear::builder(3, 2).build(&mut Generator::new(0)).unwrap();
    let mut state = linear.state_dict().unwrap();
    state.insert("weight", &Tensor::<f32>::zeros([3, 2]).unwrap());
    assert!(linear.load_state_dict(&state, true).is_err());
}

/// The mean over class indices divides by the weights of those that are not ignored:
/// where there is none it is NaN, and so it is of an empty batch, and the gradient is
/// 0. Smoothing changes nothing about the divisor. Class probabilities divide by the
/// number of positions, whatever the weights, and get a gradient.
#[test]
fn cross_entropy_divides_by_the_weights_that_count() {
    let scores = Tensor::from([[0.0, 0.0], [0.0, 1.0], [2.0, 0.0]]);
    let weight = || Tensor::from([1.0, 3.0]);
    let plain = CrossEntropyOptions::default;
    let every = [
        plain(),
        plain().weight(weight()),
        plain().label_smoothing(0.2),
        plain().weight(weight()).label_smoothing(0.2),
    ];
    let labels = Tensor::from([0, 1, -100]);
    for options in &every {
        let mean = scores.cross_entropy(&labels, options.clone()).unwrap();
        let mut sum = options.clone();
        sum.reduction = Reduction::Sum;
        let sum = scores.cross_entropy(&labels, sum).unwrap();
        let total = if options.weight.is_some() {
            1.0 + 3.0
        } else {
            2.0
        };
        assert!((sum / total).all_close(&mean, 1e-15, 0.0));

        let ignored = Tensor::from([-100; 3]);
        let (loss, slope) = (
            scores.cross_entropy(&ignored, options.clone()).unwrap(),
            gradient_of(scores.clone(), |x| {
                x.cross_entropy(&ignored, options.clone())
            }),
        );
        assert!(loss.item().unwrap().is_nan());
        assert_eq!(slope, [0.0; 6]);
        let (nothing, none) = (
            Tensor::<f64>::zeros([0, 2]).unwrap(),
            Tensor::from([0i64; 0]),
        );
        let loss = nothing.cross_entropy(&none, options.clone()).unwrap();
        assert!(loss.item().unwrap().is_nan());

        // One distribution for each of two pixels, the same for both.
        let spatial = Tensor::from([[[0.0, 0.0], [1.0, 1.0]]]);
        let target = Tensor::from([[[0.25, 0.25], [0.75, 0.75]]]);
        let mean = spatial.cross_entropy(&target, options.clone()).unwrap();
        let mut each = options.clone();
        each.reduction = Reduction::None;
        let each = spatial.cross_entropy(&target, each).unwrap();
        assert_eq!(each.shape(), [1, 2]);
        assert!((each.sum() / 2.0).all_close(&mean, 1e-15, 0.0));
        let tape = Tape::new();
        let (x, t) = (leaf(&tape, spatial), leaf(&tape, target));
        let loss = x.cross_entropy(&t, options.clone()).unwrap();
        assert!(
            loss.backward()
                .unwrap()
                .get(&t)
                .unwrap()
                .iter()
                .all(|&g| g > 0.0)
        );
    }
    // nll_loss has the same divisor.
    let options = NllLossOptions::default().weight(weight());
    let nll = scores.log_softmax(1).unwrap().nll_loss(&labels, options);
    let ce = scores.cross_entropy(&labels, every[1].clone()).unwrap();
    assert!(nll.unwrap().all_close(&ce, 1e-15, 0.0));
}

/// Certain answers have a loss of at most 100 and a gradient of at most 10¹², since
/// logarithms stop at −100 and denominators at 10⁻¹². The form for logits needs
/// neither, with a weight of the positive answers too.
#[test]
fn binary_cross_entropy_is_finite_where_answers_are_certain() {
    let answers = Tensor::from([0.0, 1.0, 0.0, 1.0]);
    let target = Tensor::from([1.0, 0.0, 0.0, 1.0]);
    let (loss, slope) = value_and_slope(&answers.to_vec(), |x| {
        x.binary_cross_entropy(&x.constant(target.clone()), Reduction::None)
    });
    assert_eq!(loss, [100.0, 100.0, 0.0, 0.0]);
    let off = |got: f64, want: f64| (got / want - 1.0).abs() < 1e-8;
    assert!(off(slope[0], -1e12) && off(slope[1], 1e12), "{slope:?}");
    assert_eq!(slope[2..], [0.0, 0.0]);

    let logits = [-800.0, 800.0, -800.0, 800.0];
    for (weight, missed) in [(None, 800.0), (Some(Tensor::scalar(3.0)), 2400.0)] {
        let mut options = BinaryCrossEntropyWithLogitsOptions::from(Reduction::None);
        options.pos_weight = weight;
        let (loss, slope) = value_and_slope(&logits, |x| {
            x.binary_cross_entropy_with_logits(&x.constant(target.clone()), options.clone())
        });
        assert_eq!(loss, [missed, 800.0, 0.0, 0.0]);
        assert_eq!(slope, [-missed / 800.0, 1.0, 0.0, 0.0]);
    }
}

/// Where prediction and target are equal, the absolute error has the slope 0, and so
/// has its rounded form with a `beta` of 0. At the end of the rounding the slope is
/// that of the line, and the slope's own is 0.
#[test]
fn distances_are_flat_where_prediction_and_target_agree() {
    let zeros = |x: &Var<f64>| x.constant(x.value().zeros_like());
    let none = Reduction::None;
    let l1 = value_and_slope(&[-2.0, 0.0, 2.0], |x| x.l1_loss(&zeros(x), none));
    assert_eq!(l1, (vec![2.0, 0.0, 2.0], vec![-1.0, 0.0, 1.0]));
    let smooth = |beta| move |x: &Var<f64>| x.smooth_l1_loss(&zeros(x), none, beta);
    assert_eq!(value_and_slope(&[-2.0, 0.0, 2.0], smooth(0.0)), l1);
    let (loss, slope) = value_and_slope(&[-2.0, 0.0, 1.0], smooth(2.0));
    assert_eq!((loss, slope), (vec![1.0, 0.0, 0.25], vec![-1.0, 0.0, 0.5]));
    let huber = |x: &Var<f64>| x.huber_loss(&zeros(x), none, 2.0);
    let (loss, slope) = value_and_slope(&[-2.0, 0.0, 3.0], huber);
    assert_eq!((loss, slope), (vec![2.0, 0.0, 4.0], vec![-2.0, 0.0, 2.0]));
    let x = leaf(&Tape::new(), [2.0]);
    let slope = grad(&huber(&x).unwrap().sum().unwrap(), &[&x])
        .unwrap()
        .remove(0);
    let bend = grad(&slope.sum().unwrap(), &[&x]).unwrap().remove(0);
    assert_eq!(bend.item().unwrap(), 0.0);
}

// ---------------------------------------------------------------- optimisers

/// The value of a parameter of 1 after each step with a gradient of these.
fn walk(optimizer: &mut dyn Optimizer<f64>, gradients: &[f64]) -> Result<Vec<f64>> {
    let mut p = Parameter::new(Tensor::from([1.0]));
    let step = |&gradient: &f64| {
        let tape = Tape::new();
        let loss = tape.parameter(&p).mul_scalar(gradient)?.sum()?;
        let grads = loss.backward()?;
        optimizer.step(&mut p, &grads)?;
        p.value().sum().item()
    };
    gradients.iter().map(step).collect()
}

fn all_close(got: &[f64], want: &[f64]) {
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * (1.0 + b.abs());
    assert!(
        got.len() == want.len() && got.iter().zip(want).all(near),
        "{got:?}, {want:?}"
    );
}

/// The first momentum is the gradient itself, dampened or not; the L2 decay enters
/// before momentum, AdamW's shrinks the parameter by the rate; Adam's eps stands
/// outside of the root that is corrected, RMSProp's outside of its root; AMSGrad
/// keeps the largest of what is not corrected; clipping divides by norm + 1e-6;
/// one cycle takes momentum and β₁ from 0.95 to 0.85; a cosine rises again.
#[test]
fn optimisers_schedules_and_clipping_follow_their_formulas_in_order() -> Result<()> {
    // v₁ = g₁ = 2 in spite of dampening; v₂ = ½ · 2 + ¼ · 4 = 2.
    let mut sgd = Sgd::builder(0.125).momentum(0.5).dampening(0.75).build()?;
    all_close(&walk(&mut sgd, &[2.0, 4.0])?, &[0.75, 0.5]);
    // g = 2 + 1 · p in the velocity: 3, then ½ · 3 + 2 + 0.625.
    let mut sgd = Sgd::builder(0.125)
        .momentum(0.5)
        .weight_decay(1.0)
        .build()?;
    all_close(&walk(&mut sgd, &[2.0, 2.0])?, &[0.625, 0.109_375]);

    // Adam's first step is lr · g / (|g| + eps): eps beside the corrected root.
    let (eps, g) = (0.5, 2.0);
    let mut adam = Adam::builder(0.1).eps(eps).build()?;
    all_close(&walk(&mut adam, &[g])?, &[1.0 - 0.1 * g / (g + eps)]);
    // RMSProp's, with a mean square of (1 − α) g².
    let mut rmsprop = RmsProp::builder(0.1).alpha(0.75).eps(eps).build()?;
    all_close(
        &walk(&mut rmsprop, &[g])?,
        &[1.0 - 0.1 * g / (0.5 * g + eps)],
    );
    // AdamW shrinks by lr · decay, with a gradient of 0 by nothing else.
    let mut adamw = AdamW::builder(0.1).weight_decay(0.5).build()?;
    all_close(&walk(&mut adamw, &[0.0, 0.0])?, &[0.95, 0.95 * 0.95]);
    // Adam's decay goes through the moments: a step of the whole rate.
    let mut adam = Adam::builder(0.1).weight_decay(0.5).build()?;
    all_close(&walk(&mut adam, &[0.0])?, &[1.0 - 0.1 * 0.5 / (0.5 + 1e-8)]);

    // β₁ = 0, β₂ = ½, eps = 0: v = 8, 4.5 and the largest 8 uncorrected; corrected it
    // would be 16, 6: the step is 1 / √(8 / ¾), not 1 / √16.
    let ams = Adam::builder(0.1).betas((0.0, 0.5)).eps(0.0).amsgrad(true);
    let steps = walk(&mut ams.build()?, &[4.0, 1.0])?;
    all_close(&steps, &[0.9, 0.9 - 0.1 / (8.0 / 0.75f64).sqrt()]);

    let p = Parameter::new(Tensor::from([3.0, 4.0]));
    let mut grads = Tape::new().parameter(&p).square()?.sum()?.backward()?;
    assert_eq!(grads.clip_norm(2.0)?, 10.0);
    let scale = 2.0 / (10.0 + 1e-6);
    all_close(
        grads.get(&p).unwrap().as_slice(),
        &[6.0 * scale, 8.0 * scale],
    );
    assert!(
        grads.clip_norm(2.1)? < 2.0,
        "what is short enough is left alone"
    );

    let (mut sgd, mut adam) = (Sgd::<f64>::new(1.0)?, Adam::<f64>::new(1.0)?);
    let momenta = |rates: &mut dyn Rates| -> Result<Vec<f64>> {
        let mut cycle = OneCycleLr::builder(0.1, 10).build()?;
        cycle.start(rates)?;
        let mut all = vec![rates.momenta().unwrap()[0]];
        for _ in 1..10 {
            cycle.step(rates)?;
            all.push(rates.momenta().unwrap()[0]);
        }
        Ok(all)
    };
    for all in [momenta(&mut sgd)?, momenta(&mut adam)?] {
        all_close(&[all[0], all[2], all[9]], &[0.95, 0.85, 0.95]);
    }

    let mut cosine = CosineAnnealingLr::new(4, 0.5)?;
    let mut sgd = Sgd::<f64>::new(1.5)?;
    cosine.start(&mut sgd)?;
    let mut rates = Vec::new();
    for _ in 0..8 {
        cosine.step(&mut sgd)?;
        rates.push(sgd.lr());
    }
    all_close(
        &[rates[1], rates[3], rates[5], rates[7]],
        &[1.0, 0.5, 1.0, 1.5],
    );
    Ok(())
}
