//! Random images, kernels and options, thrown at convolution, transposed
//! convolution and pooling. Whether a result exists, and its shape, is worked
//! out here once more, window by window and in wide arithmetic; forward,
//! adjoints and gradients must agree with that, and neither refuse more nor
//! less.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use proptest::prelude::*;
use proptest::sample::select;
use wengert::{
    AvgPool2dOptions, Conv2dGeometry, Conv2dOptions, ConvTranspose2dGeometry,
    ConvTranspose2dOptions, Error, MaxPool2dOptions, Padding, Result, Tape, Tensor, Var, grad,
    grad_or_none,
};
use wengert_tests::draw::VAST;

type Outcome = std::result::Result<(), TestCaseError>;

/// A pair of small numbers of which one is now and then absurd.
fn pair(usual: std::ops::Range<usize>) -> impl Strategy<Value = [usize; 2]> {
    let absurd = vec![0, usize::MAX, isize::MAX as usize, 1 << 62, VAST];
    let odd = (usual.clone(), select(absurd), any::<bool>());
    let odd = odd.prop_map(|(a, b, first)| if first { [b, a] } else { [a, b] });
    prop_oneof![24 => [usual.clone(), usual], 1 => odd]
}

/// How a window slides.
#[derive(Clone, Copy, Debug)]
struct Slide {
    kernel: [usize; 2],
    stride: [usize; 2],
    before: [usize; 2],
    after: [usize; 2],
    dilation: [usize; 2],
}

fn slide() -> impl Strategy<Value = Slide> {
    let paddings = prop_oneof![
        1 => pair(0..4).prop_map(|both| (both, both)),
        1 => (pair(0..4), pair(0..4)),
    ];
    (pair(1..4), pair(1..4), paddings, pair(1..3)).prop_map(
        |(kernel, stride, (before, after), dilation)| Slide {
            kernel,
            stride,
            before,
            after,
            dilation,
        },
    )
}

/// A plane of an image.
fn plane() -> impl Strategy<Value = [usize; 2]> {
    let empty =
        (1usize..8, any::<bool>()).prop_map(|(n, first)| if first { [0, n] } else { [n, 0] });
    prop_oneof![1 => empty, 20 => [1usize..8, 1usize..8]]
}

impl Slide {
    /// Whether every number is one that a window can have, and none so large
    /// that the library may say so.
    fn is_plain(&self) -> bool {
        let positive = [self.kernel, self.stride, self.dilation].concat();
        let any = [positive.clone(), self.before.to_vec(), self.after.to_vec()].concat();
        !positive.contains(&0) && any.iter().all(|&n| n < 1 << 20)
    }

    /// Where the windows along an axis start, in the padded plane, and how far
    /// they span. With `ceil`, a last one may overhang its end, if it starts
    /// before the padding there.
    fn starts(&self, axis: usize, input: usize, ceil: bool) -> (Vec<usize>, usize) {
        let span = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
        let padded = self.before[axis] + input + self.after[axis];
        let stride = self.stride[axis];
        let fits = |&start: &usize| start + span <= padded;
        let mut starts: Vec<usize> = (0..padded).step_by(stride).filter(fits).collect();
        if ceil {
            let next = starts.last().map_or(0, |last| last + stride);
            // PyTorch's formula: what is missing to the window is less than a stride.
            let missing = (next + span).saturating_sub(padded);
            if missing > 0 && missing < stride && next < input + self.before[axis] {
                starts.push(next);
            }
        }
        (starts, span)
    }

    /// Rows and columns at the end of the padded plane that no window sees.
    fn dropped(&self, input: [usize; 2], ceil: bool) -> [usize; 2] {
        [0, 1].map(|axis| {
            let (starts, span) = self.starts(axis, input[axis], ceil);
            let padded = self.before[axis] + input[axis] + self.after[axis];
            let seen = starts.last().map_or(0, |last| last + span);
            padded.saturating_sub(seen)
        })
    }

    /// Height and width of what comes out; `None` if some axis has no window.
    fn output(&self, input: [usize; 2], ceil: bool) -> Option<[usize; 2]> {
        let output = [0, 1].map(|axis| self.starts(axis, input[axis], ceil).0.len());
        (!output.contains(&0)).then_some(output)
    }
}

fn shape(batch: Option<usize>, channels: usize, [height, width]: [usize; 2]) -> Vec<usize> {
    batch.into_iter().chain([channels, height, width]).collect()
}

/// Values that are small and all different, so that no maximum is a tie.
fn tensor(shape: &[usize]) -> Tensor<f64> {
    let mut i = 0u32;
    Tensor::from_fn(shape, |_| {
        i += 1;
        f64::from(i * 7919 % 1009) / 1009.0 - 0.5
    })
    .unwrap()
}

/// What was expected of a result: a shape, or a refusal.
fn agrees<T: std::fmt::Debug>(
    what: &str,
    answer: &Result<T>,
    shape: impl Fn(&T) -> &[usize],
    expected: Option<&[usize]>,
) -> Outcome {
    let got = answer.as_ref().map(shape);
    match (got, expected) {
        (Ok(got), Some(expected)) => prop_assert_eq!(got, expected, "{}", what),
        (Err(_), None) => {}
        (got, expected) => {
            return Err(TestCaseError::fail(format!(
                "{what}: {got:?}, not {expected:?}"
            )));
        }
    }
    Ok(())
}

/// The gradients of y, to second order, have the shapes of the inputs.
fn gradients_fit(y: &Var<f64>, inputs: &[&Var<f64>]) -> Outcome {
    let first = grad(&y.square().unwrap().sum().unwrap(), inputs).unwrap();
    let mut again = y.constant(Tensor::scalar(0.0));
    for (gradient, input) in first.iter().zip(inputs) {
        prop_assert_eq!(gradient.shape(), input.shape());
        prop_assert!(gradient.value().iter().all(|g| g.is_finite()));
        again = again
            .add(&gradient.square().unwrap().sum().unwrap())
            .unwrap();
    }
    for (gradient, input) in grad_or_none(&again, inputs).unwrap().iter().zip(inputs) {
        if let Some(gradient) = gradient {
            prop_assert_eq!(gradient.shape(), input.shape());
            prop_assert!(gradient.value().iter().all(|g| g.is_finite()));
        }
    }
    Ok(())
}

/// ⟨a, b⟩.
fn inner(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_answer(
        slide in slide(),
        plane in plane(),
        batch in proptest::option::of(0usize..3),
        groups in prop_oneof![12 => 1usize..3, 1 => Just(0), 1 => Just(usize::MAX)],
        per_group in [0usize..3, 0usize..3],
        spoil in 0usize..12,
        same in prop::bool::weighted(0.2),
        biased in any::<bool>(),
    ) {
        let few = groups.clamp(1, 3);
        let (mut ins, outs) = (per_group[0] * few, per_group[1] * few);
        ins += usize::from(spoil == 0);
        let padding = if same {
            Padding::Same
        } else {
            Padding::Explicit { before: slide.before, after: slide.after }
        };
        let options = Conv2dOptions::default()
            .stride(slide.stride)
            .padding(padding)
            .dilation(slide.dilation)
            .groups(groups);
        // A kernel that is too large to exist is one that is too large to fit.
        let kernel = slide.kernel.map(|n| n.min(40));
        let slide = Slide { kernel, ..slide };
        let x = tensor(&shape(batch, ins, plane));
        let w = tensor(&[outs, per_group[0], kernel[0], kernel[1]]);
        let b = tensor(&[outs + usize::from(spoil == 1)]);

        let fits = groups == few
            && ins == per_group[0] * groups
            && outs > 0
            && (batch == Some(0) || !plane.contains(&0));
        let slide = if same && slide.is_plain() && slide.stride == [1, 1] {
            let total = [0, 1].map(|axis| (kernel[axis] - 1) * slide.dilation[axis]);
            let before = total.map(|total| total / 2);
            Slide { before, after: [total[0] - before[0], total[1] - before[1]], ..slide }
        } else {
            slide
        };
        let possible = fits && (!same || slide.stride == [1, 1]);
        if possible && !slide.is_plain() {
            // Absurd numbers may cancel out, or not; no more than an answer is asked.
            let _ = x.conv2d(&w, None, &options);
            return Ok(());
        }
        let output = possible.then(|| slide.output(plane, false)).flatten();
        let expected = output.map(|output| shape(batch, outs, output));

        agrees("conv2d", &x.conv2d(&w, None, &options), |y| y.shape(), expected.as_deref())?;
        let with_bias = expected.as_deref().filter(|_| spoil != 1);
        agrees("bias", &x.conv2d(&w, Some(&b), &options), |y| y.shape(), with_bias)?;
        agrees("relu", &x.conv2d_relu(&w, Some(&b), &options), |y| y.shape(), with_bias)?;
        let g = tensor(&expected.clone().unwrap_or_else(|| vec![1, 1, 1]));
        let own = expected.as_ref().map(|_| x.shape());
        agrees("input", &g.conv2d_input(&w, x.shape(), &options), |y| y.shape(), own)?;
        let own = expected.as_ref().map(|_| w.shape());
        agrees("weight", &x.conv2d_weight(&g, w.shape(), &options), |y| y.shape(), own)?;

        if let (Some(expected), Some(output)) = (&expected, output) {
            let geometry = Conv2dGeometry::new(x.shape(), w.shape(), &options).unwrap();
            // A choice for every geometry, and always the same.
            let kernels = |g: &Conv2dGeometry| [g.forward_kernel(), g.input_kernel(), g.weight_kernel()];
            prop_assert_eq!(kernels(&geometry), kernels(&geometry.clone()));
            prop_assert_eq!(&geometry.input_shape(), x.shape());
            prop_assert_eq!(&geometry.weight_shape()[..], w.shape());
            prop_assert_eq!(&geometry.output_shape(), expected);
            prop_assert_eq!(geometry.dropped(), slide.dropped(plane, false));
            let taps = expected.iter().product::<usize>() * per_group[0] * kernel[0] * kernel[1];
            prop_assert_eq!(geometry.multiply_adds(), taps as u64, "{:?}", output);
        }
        if expected.is_some() {
            // Three readings of one form.
            let form = inner(&g, &x.conv2d(&w, None, &options).unwrap());
            let of_x = inner(&x, &g.conv2d_input(&w, x.shape(), &options).unwrap());
            let of_w = inner(&w, &x.conv2d_weight(&g, w.shape(), &options).unwrap());
            prop_assert!(close(form, of_x) && close(form, of_w), "{form} {of_x} {of_w}");

            let tape = Tape::new();
            let (x, w, b) = (tape.leaf(x), tape.leaf(w), tape.leaf(tensor(&[outs])));
            if biased {
                gradients_fit(&x.conv2d(&w, Some(&b), &options).unwrap(), &[&x, &w, &b])?;
            } else {
                gradients_fit(&x.conv2d(&w, None, &options).unwrap(), &[&x, &w])?;
            }
        }
    }

    #[test]
    fn transposed_convolutions_answer(
        slide in slide(),
        plane in plane(),
        batch in proptest::option::of(0usize..3),
        groups in prop_oneof![12 => 1usize..3, 1 => Just(0), 1 => Just(usize::MAX)],
        per_group in [0usize..3, 0usize..3],
        extra in pair(0..2),
        spoil in 0usize..12,
    ) {
        let few = groups.clamp(1, 3);
        let ins = per_group[0] * few;
        let options = ConvTranspose2dOptions::default()
            .stride(slide.stride)
            .padding(Padding::Explicit { before: slide.before, after: slide.after })
            .dilation(slide.dilation)
            .groups(groups)
            .output_padding(extra);
        let kernel = slide.kernel.map(|n| n.min(40));
        let slide = Slide { kernel, ..slide };
        let x = tensor(&shape(batch, ins + usize::from(spoil == 0), plane));
        let w = tensor(&[ins, per_group[1], kernel[0], kernel[1]]);
        let fits = groups == few && spoil != 0 && !per_group.contains(&0) && !plane.contains(&0);
        if fits && !(slide.is_plain() && extra.iter().all(|&n| n < 1 << 20)) {
            let _ = x.conv_transpose2d(&w, None, &options);
            return Ok(());
        }
        let size = |axis: usize| {
            let below = extra[axis] < slide.stride[axis].max(slide.dilation[axis]);
            let span = (kernel[axis] - 1) * slide.dilation[axis] + 1;
            let end = (plane[axis] - 1) * slide.stride[axis] + span + extra[axis];
            let size = end.checked_sub(slide.before[axis] + slide.after[axis])?;
            (below && size > 0).then_some(size)
        };
        let output = fits.then(|| Some([size(0)?, size(1)?])).flatten();
        let expected = output.map(|output| shape(batch, per_group[1] * groups, output));
        let y = x.conv_transpose2d(&w, None, &options);
        agrees("conv_transpose2d", &y, |y| y.shape(), expected.as_deref())?;
        if let Some(expected) = expected {
            let tape = Tape::new();
            let channels = expected[expected.len() - 3];
            let (x, w, b) = (tape.leaf(x), tape.leaf(w), tape.leaf(tensor(&[channels])));
            let y = x.conv_transpose2d(&w, Some(&b), &options).unwrap();
            gradients_fit(&y, &[&x, &w, &b])?;
        }
    }

    #[test]
    fn correlations_answer(x in [0usize..6, 0usize..6], k in [0usize..4, 0usize..4]) {
        let fits = !k.contains(&0) && k[0] <= x[0] && k[1] <= x[1];
        let expected = fits.then(|| vec![x[0] - k[0] + 1, x[1] - k[1] + 1]);
        let (x, k) = (tensor(&x), tensor(&k));
        agrees("corr2d", &x.corr2d(&k), |y| y.shape(), expected.as_deref())?;
        agrees("convolve2d", &x.convolve2d(&k), |y| y.shape(), expected.as_deref())?;
        if fits {
            let flipped = k.flip([0, 1]).unwrap();
            prop_assert_eq!(x.corr2d(&flipped).unwrap(), x.convolve2d(&k).unwrap());
            let tape = Tape::new();
            let (x, k) = (tape.leaf(x), tape.leaf(k));
            gradients_fit(&x.corr2d(&k).unwrap(), &[&x, &k])?;
            gradients_fit(&x.convolve2d(&k).unwrap(), &[&x, &k])?;
        }
    }

    #[test]
    fn poolings_answer(
        slide in slide(),
        plane in plane(),
        batch in proptest::option::of(0usize..3),
        channels in 0usize..3,
        ceil in any::<bool>(),
        include in any::<bool>(),
        divisor in proptest::option::of(-1i64..3),
    ) {
        let slide = Slide { after: slide.before, ..slide };
        let x = tensor(&shape(batch, channels, plane));
        let max = MaxPool2dOptions::new(slide.kernel)
            .stride(slide.stride)
            .padding(slide.before)
            .dilation(slide.dilation)
            .ceil_mode(ceil);
        let mut avg = AvgPool2dOptions::new(slide.kernel)
            .stride(slide.stride)
            .padding(slide.before)
            .ceil_mode(ceil)
            .count_include_pad(include);
        if let Some(divisor) = divisor {
            avg = avg.divisor_override(divisor);
        }
        if !slide.is_plain() {
            let _ = (x.max_pool2d(&max), x.max_pool2d_with_indices(&max), x.avg_pool2d(&avg));
            return Ok(());
        }
        let halves = (0..2).all(|axis| slide.before[axis] <= slide.kernel[axis] / 2);
        let fits = halves && channels > 0 && !plane.contains(&0);
        // Whether some window reads nothing but padding.
        let is_blind = (0..2).any(|axis| {
            let (starts, span) = slide.starts(axis, plane[axis], ceil);
            let inside = slide.before[axis]..slide.before[axis] + plane[axis];
            starts.iter().any(|start| {
                let mut taps = (*start..start + span).step_by(slide.dilation[axis]);
                !taps.any(|tap| inside.contains(&tap))
            })
        });
        let maxima = fits.then(|| slide.output(plane, ceil)).flatten().filter(|_| !is_blind);
        let maxima = maxima.map(|output| shape(batch, channels, output));
        agrees("max_pool2d", &x.max_pool2d(&max), |y| y.shape(), maxima.as_deref())?;
        let dense = Slide { dilation: [1, 1], ..slide };
        let fits = fits && divisor != Some(0);
        let means = fits.then(|| dense.output(plane, ceil)).flatten();
        let means = means.map(|output| shape(batch, channels, output));
        agrees("avg_pool2d", &x.avg_pool2d(&avg), |y| y.shape(), means.as_deref())?;

        if let (Ok(max), Some(maxima)) = (max.geometry(x.shape()), &maxima) {
            prop_assert_eq!(&max.input_shape(), x.shape());
            prop_assert_eq!(&max.output_shape(), maxima);
            prop_assert_eq!(max.dropped(), slide.dropped(plane, ceil));
        }
        if let (Ok(avg), Some(means)) = (avg.geometry(x.shape()), &means) {
            prop_assert_eq!(&avg.output_shape(), means);
            prop_assert_eq!(avg.dropped(), dense.dropped(plane, ceil));
        }

        let tape = Tape::new();
        let v = tape.leaf(x.clone());
        if let Some(maxima) = maxima {
            let (y, at) = x.max_pool2d_with_indices(&max).unwrap();
            prop_assert_eq!(&y, &x.max_pool2d(&max).unwrap());
            prop_assert_eq!(&y, &x.max_pool2d_gather(&at).unwrap());
            let (same, winners) = x.max_pool2d_with_winners(&max).unwrap();
            prop_assert_eq!(&y, &same);
            prop_assert_eq!(&y, &winners.gather(&x).unwrap());
            prop_assert_eq!(&at, &winners.indices().unwrap());
            let g = tensor(&maxima);
            let scattered = g.max_pool2d_scatter(&at, x.shape()).unwrap();
            prop_assert_eq!(&scattered, &winners.scatter(&g).unwrap());
            prop_assert!(close(inner(&g, &y), inner(&x, &scattered)));
            gradients_fit(&v.max_pool2d(&max).unwrap(), &[&v])?;
            gradients_fit(&v.max_pool2d_gather(&at).unwrap(), &[&v])?;
            let g = tape.leaf(g);
            gradients_fit(&g.max_pool2d_scatter(&at, x.shape()).unwrap(), &[&g])?;
            prop_assert_eq!(v.max_pool2d_with_indices(&max).unwrap().1, at);
        }
        if let Some(means) = means {
            let (y, g) = (x.avg_pool2d(&avg).unwrap(), tensor(&means));
            let spread = g.avg_pool2d_input(x.shape(), &avg).unwrap();
            prop_assert!(close(inner(&g, &y), inner(&x, &spread)));
            gradients_fit(&v.avg_pool2d(&avg).unwrap(), &[&v])?;
            let g = tape.leaf(g);
            gradients_fit(&g.avg_pool2d_input(x.shape(), &avg).unwrap(), &[&g])?;
        }
    }
}

/// Sizes of which any may be absurd.
fn sizes<const N: usize>() -> impl Strategy<Value = [usize; N]> {
    let absurd = vec![
        usize::MAX,
        isize::MAX as usize,
        1 << 62,
        VAST,
        1 << 31,
        1 << 20,
    ];
    proptest::array::uniform(prop_oneof![4 => 0usize..6, 1 => select(absurd)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A geometry is only numbers: it answers whatever they are.
    #[test]
    fn geometries_answer(
        input in sizes::<4>(),
        weight in sizes::<4>(),
        pairs in sizes::<8>(),
        groups in prop_oneof![3 => Just(1usize), 1 => 0usize..4, 1 => Just(usize::MAX)],
        fit in any::<bool>(),
        ceil in any::<bool>(),
    ) {
        let pair = |i: usize| [pairs[i], pairs[i + 1]];
        let [_, ins, ..] = input;
        let weight = if fit { [groups, ins / groups.max(1), weight[2], weight[3]] } else { weight };
        let padding = Padding::Explicit { before: pair(2), after: pair(4) };
        for padding in [padding, Padding::Same, Padding::default()] {
            let options = Conv2dOptions::default()
                .stride(pair(0))
                .padding(padding)
                .dilation(pair(6))
                .groups(groups);
            if let Ok(geometry) = Conv2dGeometry::new(&input, &weight, &options) {
                prop_assert_eq!(geometry.input_shape(), input);
                prop_assert_eq!(geometry.weight_shape(), weight);
                let _ = (geometry.output_shape(), geometry.dropped(), geometry.multiply_adds());
            }
            let options = ConvTranspose2dOptions::default()
                .stride(pair(0))
                .padding(padding)
                .dilation(pair(6))
                .groups(groups)
                .output_padding(pair(4));
            if let Ok(geometry) = ConvTranspose2dGeometry::new(&input, &weight, &options) {
                let _ = (geometry.output_shape(), geometry.convolution.multiply_adds());
            }
        }
        let max = MaxPool2dOptions::new(pair(4))
            .stride(pair(0))
            .padding(pair(2))
            .dilation(pair(6))
            .ceil_mode(ceil);
        let avg = AvgPool2dOptions::new(pair(4)).stride(pair(0)).padding(pair(2)).ceil_mode(ceil);
        for geometry in [max.geometry(&input), avg.geometry(&input)].into_iter().flatten() {
            prop_assert_eq!(geometry.input_shape(), input);
            let _ = (geometry.output_shape(), geometry.dropped());
            for axis in 0..2 {
                let last = geometry.output[axis] - 1;
                for window in [0, last / 2, last] {
                    let size = geometry.input[axis];
                    prop_assert!(geometry.window.sources(axis, window, size).next() < Some(size));
                    prop_assert!(geometry.window.source(axis, window, 0, size) < Some(size));
                }
            }
        }
    }
}

/// An empty batch of planes that no memory could hold: an answer, at once.
#[test]
fn vast_planes_of_no_images() {
    let x = Tensor::<f64>::zeros([0, 1, VAST, 2]).unwrap();
    let w = tensor(&[1, 1, 2, 2]);
    let options = Conv2dOptions::default();
    let y = x.conv2d(&w, None, &options).unwrap();
    assert_eq!(y.shape(), [0, 1, VAST - 1, 1]);
    assert_eq!(
        y.conv2d_weight(&y, [1, 1, 1, 1], &options)
            .unwrap()
            .to_vec(),
        [0.0]
    );
    let tape = Tape::new();
    let (v, w) = (tape.leaf(x), tape.leaf(w));
    let y = v.conv2d(&w, None, &options).unwrap();
    let pooled = y.max_pool2d(&MaxPool2dOptions::new(1)).unwrap();
    let pooled = pooled.avg_pool2d(&AvgPool2dOptions::new(1)).unwrap();
    let grads = pooled.sum().unwrap().backward().unwrap();
    assert_eq!(grads.get(&w).unwrap().to_vec(), [0.0; 4]);
    let wide = options.padding((0, VAST));
    let refused = v.conv2d(&w, None, &wide).unwrap_err();
    assert!(matches!(refused, Error::TooLarge { .. }), "{refused}");
}
