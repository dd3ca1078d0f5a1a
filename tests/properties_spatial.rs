//! Random margins, windows, sizes and factors, thrown at padding, unfolding,
//! adaptive pooling, interpolation, running sums and triangles. Whether a result
//! exists, and its shape, is worked out here once more; forward, adjoints and
//! gradients must agree with that, and refuse neither more nor less.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use proptest::prelude::*;
use proptest::sample::select;
use wengert::{
    AdaptiveSize, InterpolateOptions, Lookup, PadMode, Result, Tape, Tensor, UnfoldOptions, Var,
    adaptive_window, grad,
};
use wengert_tests::draw::VAST;

type Outcome = std::result::Result<(), TestCaseError>;

/// Values that are small and all different, so that no maximum is a tie.
fn tensor(shape: &[usize]) -> Tensor<f64> {
    let mut i = 0u32;
    Tensor::from_fn(shape, |_| {
        i += 1;
        f64::from(i * 7919 % 1009) / 1009.0 - 0.5
    })
    .unwrap()
}

fn inner(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    a.mul(b).unwrap().sum().item().unwrap()
}

/// The answer has the expected shape, or there is none.
fn agrees(name: &str, answer: &Result<Tensor<f64>>, expected: Option<&[usize]>) -> Outcome {
    match (answer, expected) {
        (Ok(y), Some(shape)) => prop_assert_eq!(y.shape(), shape, "{}", name),
        (Err(_), None) => {}
        (Ok(y), None) => prop_assert!(false, "{name}: {:?} where none can be", y.shape()),
        (Err(error), Some(shape)) => prop_assert!(false, "{name}: {error}, but {shape:?}"),
    }
    Ok(())
}

/// ⟨A x, y⟩ = ⟨x, Aᵀ y⟩ for an operation that is linear, and a second derivative
/// that exists.
fn linear(x: &Tensor<f64>, f: impl Fn(&Var<f64>) -> Result<Var<f64>>) -> Outcome {
    let tape = Tape::new();
    let x = tape.leaf(x.clone());
    let y = f(&x).unwrap();
    let weights = tensor(y.shape());
    let weighted = y.mul(&tape.constant(weights.clone())).unwrap();
    let first = grad(&weighted.sum().unwrap(), &[&x]).unwrap().remove(0);
    let (left, right) = (inner(y.value(), &weights), inner(x.value(), first.value()));
    prop_assert!(
        (left - right).abs() <= 1e-9 * left.abs().max(1.0),
        "{left} {right}"
    );
    let squared = y.square().unwrap().sum().unwrap();
    let first = grad(&squared, &[&x]).unwrap().remove(0);
    let again = first.square().unwrap().sum().unwrap();
    let second = grad(&again, &[&x]).unwrap().remove(0);
    prop_assert_eq!(second.shape(), x.shape());
    Ok(())
}

fn image() -> impl Strategy<Value = Vec<usize>> {
    let usual = (
        proptest::option::of(0usize..3),
        0usize..3,
        [0usize..7, 1usize..7],
    );
    let usual = usual.prop_map(|(batch, channels, plane)| {
        batch.into_iter().chain([channels]).chain(plane).collect()
    });
    prop_oneof![
        12 => usual,
        2 => proptest::collection::vec(1usize..4, 0..7),
        1 => Just(vec![0, 1, VAST, 2]),
    ]
}

fn size() -> impl Strategy<Value = usize> {
    let absurd = vec![usize::MAX, isize::MAX as usize, 1 << 62, VAST];
    prop_oneof![24 => 0usize..7, 1 => select(absurd)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn margins_answer(
        shape in proptest::collection::vec(0usize..5, 0..6),
        amounts in proptest::collection::vec((-3isize..5, -3isize..5), 0..4),
        far in proptest::option::weighted(0.05, select(vec![isize::MIN, isize::MAX])),
    ) {
        let mut amounts = amounts;
        if let (Some(far), Some(first)) = (far, amounts.first_mut()) {
            first.1 = far;
        }
        let x = tensor(&shape);
        for mode in [PadMode::Reflect, PadMode::Replicate, PadMode::Circular] {
            let pairs = amounts.len();
            let ranks = (1..=3).contains(&pairs)
                && [pairs + 1, pairs + 2].contains(&shape.len());
            let circular = mode == PadMode::Circular;
            let filled = ranks && (circular || !shape[shape.len() - pairs - 1..].contains(&0));
            let mut expected = filled.then(|| shape.clone());
            for (i, &(before, after)) in amounts.iter().enumerate() {
                let Some(sizes) = &mut expected else { break };
                let axis = shape.len() - 1 - i;
                let (n, [before, after]) = (shape[axis] as i128, [before as i128, after as i128]);
                let left = n + before.min(0) + after.min(0);
                let fits = before.max(after) <= match mode {
                    PadMode::Reflect => n - 1,
                    PadMode::Circular => left,
                    _ => 1 << 40,
                };
                let size = n + before + after;
                if fits && size >= i128::from(!circular) && (!circular || left >= 0) {
                    sizes[axis] = size as usize;
                } else {
                    expected = None;
                }
            }
            let y = x.pad(&amounts, mode);
            agrees("pad", &y, expected.as_deref())?;
            if let Some(expected) = expected {
                let lookup = Lookup::pad(&shape, &amounts, mode).unwrap();
                prop_assert_eq!(lookup.output_shape(), &expected[..]);
                prop_assert_eq!(lookup.look_up("pad", &x).unwrap(), y.unwrap());
                for axis in 0..2 {
                    let positions = lookup.positions(axis);
                    prop_assert!(positions.is_empty() || lookup.shift(axis).abs() < 9);
                }
                let g = tensor(&expected);
                let back = lookup.add_back("pad", &g).unwrap();
                let (left, right) = (inner(&x.pad(&amounts, mode).unwrap(), &g), inner(&x, &back));
                prop_assert!((left - right).abs() < 1e-9);
                linear(&x, |x| x.pad(&amounts, mode))?;
            }
        }
    }

    #[test]
    fn columns_answer(
        shape in image(),
        kernel in (size(), 1usize..4),
        slide in [0usize..4, 1usize..4, 1usize..3],
        padding in (0usize..3, size()),
    ) {
        let (kernel, padding) = ([kernel.0, kernel.1], [padding.0, padding.1]);
        let options = UnfoldOptions::new(kernel)
            .stride([slide[0], slide[1]])
            .padding(padding)
            .dilation(slide[2]);
        let x = tensor(&shape);
        let rank = matches!(shape.len(), 3 | 4);
        let filled = rank && !shape[shape.len() - 3..].contains(&0);
        let mut windows = filled.then(Vec::new);
        for axis in 0..2 {
            let Some(counted) = &mut windows else { break };
            let n = shape[shape.len() - 2 + axis] as u128;
            let (kernel, padding) = (kernel[axis] as u128, padding[axis] as u128);
            let extent = slide[2] as u128 * kernel.saturating_sub(1) + 1;
            let padded = n + 2 * padding;
            let fits = kernel > 0 && slide[axis] > 0 && extent <= padded && padded < 1 << 40;
            if fits {
                counted.push(((padded - extent) / slide[axis] as u128 + 1) as usize);
            } else {
                windows = None;
            }
        }
        let y = x.unfold(&options);
        let size = [shape.len().saturating_sub(2), shape.len().saturating_sub(1)]
            .map(|axis| shape.get(axis).copied().unwrap_or(0));
        let Some(windows) = windows else {
            // Of a vast image there may be columns, if it is of none.
            prop_assert!(y.is_err() || shape.contains(&VAST) || padding[1] >= VAST);
            prop_assert!(x.fold(size, &options).is_err() || x.ndim() == 2 || x.ndim() == 3);
            return Ok(());
        };
        let taps = kernel[0] * kernel[1];
        let rows = shape[shape.len() - 3] * taps;
        let expected = [&shape[..shape.len() - 3], &[rows, windows[0] * windows[1]]].concat();
        agrees("unfold", &y, Some(&expected))?;
        linear(&x, |x| x.unfold(&options))?;
        let back = tensor(&expected).fold(size, &options);
        agrees("fold", &back, Some(&shape))?;
        linear(&tensor(&expected), |y| y.fold(size, &options))?;
    }

    #[test]
    fn windows_of_an_axis_answer(
        shape in image(),
        axis in -4isize..4,
        size in size(),
        step in size(),
    ) {
        let x = tensor(&shape);
        let ndim = shape.len().max(1) as isize;
        let at = if axis < 0 { axis + ndim } else { axis };
        let len = usize::try_from(at).ok().filter(|_| at < ndim);
        let len = len.map(|at| shape.get(at).copied().unwrap_or(1));
        let expected = len.filter(|&len| size <= len && step > 0).map(|len| {
            let mut expected = shape.clone();
            if let Some(count) = expected.get_mut(at as usize) {
                *count = (len - size) / step + 1;
            }
            expected.push(size);
            expected
        });
        let y = x.unfold_axis(axis, size, step);
        if shape.contains(&VAST) {
            return Ok(()); // It may be too large, and was answered.
        }
        agrees("unfold_axis", &y, expected.as_deref())?;
        if let Some(expected) = expected {
            linear(&x, |x| x.unfold_axis(axis, size, step))?;
            let back = tensor(&expected).fold_axis(&shape, axis, step);
            agrees("fold_axis", &back, Some(&shape))?;
            linear(&tensor(&expected), |y| y.fold_axis(&shape, axis, step))?;
        }
    }

    #[test]
    fn adaptive_poolings_answer(
        shape in image(),
        output in (proptest::option::of(size()), proptest::option::of(0usize..9)),
    ) {
        let output = [output.0, output.1];
        let (x, size) = (tensor(&shape), AdaptiveSize(output));
        let rank = matches!(shape.len(), 3 | 4);
        let fits = rank && !shape[shape.len() - 2..].contains(&0);
        let absurd = output[0].is_some_and(|n| n >= 1 << 40) || shape.contains(&VAST);
        let means = x.adaptive_avg_pool2d(size);
        let maxima = x.adaptive_max_pool2d(size);
        if absurd {
            return Ok(()); // An answer there was.
        }
        let expected = fits.then(|| {
            let mut expected = shape.clone();
            for (axis, size) in output.iter().enumerate() {
                let at = shape.len() - 2 + axis;
                expected[at] = size.unwrap_or(shape[at]);
            }
            expected
        });
        agrees("adaptive_avg_pool2d", &means, expected.as_deref())?;
        let some = expected.as_deref().filter(|_| !shape[1..].contains(&0));
        agrees("adaptive_max_pool2d", &maxima, some)?;
        let Some(expected) = expected else { return Ok(()) };
        linear(&x, |x| x.adaptive_avg_pool2d(size))?;
        let g = tensor(&expected);
        agrees("spread", &g.adaptive_avg_pool2d_input(&shape), Some(&shape))?;
        linear(&g, |g| g.adaptive_avg_pool2d_input(&shape))?;
        if let Some(window) = adaptive_window("", &shape, size).unwrap() {
            let plane = [shape[shape.len() - 2], shape[shape.len() - 1]];
            prop_assert_eq!(&window.output_size("", plane).unwrap(), &expected[expected.len() - 2..]);
        }
        if let Ok(maxima) = maxima {
            let (y, at) = x.adaptive_max_pool2d_with_indices(size).unwrap();
            prop_assert_eq!(&y, &maxima);
            let gathered = x.max_pool2d_gather(&at).unwrap();
            prop_assert_eq!(&y, &gathered);
            let v = Tape::new().leaf(x.clone());
            let on_tape = v.adaptive_max_pool2d(size).unwrap();
            prop_assert_eq!(on_tape.value(), &y);
            prop_assert_eq!(v.adaptive_max_pool2d_with_indices(size).unwrap().1, at);
            // Where the winners are does not change with their values' scale.
            linear(&x, |x| x.adaptive_max_pool2d(size))?;
        }
    }

    #[test]
    fn interpolation_answers(
        shape in proptest::collection::vec(0usize..5, 0..7),
        sizes in proptest::collection::vec(size(), 0..4),
        factors in proptest::collection::vec(
            prop_oneof![9 => 0.1f64..4.0, 1 => select(vec![0.0, -1.0, 1e300, f64::NAN])], 0..4),
        recompute in any::<bool>(),
        by_size in any::<bool>(),
    ) {
        let options = if by_size {
            InterpolateOptions::size(&sizes)
        } else {
            InterpolateOptions::scale_factor(&factors)
        };
        let options = options.recompute_scale_factor(recompute);
        prop_assert_eq!(options.given_size().is_some(), by_size);
        prop_assert_eq!(options.given_scale_factor().is_none(), by_size);
        let x = tensor(&shape);
        let given = if by_size { sizes.len() } else { factors.len() };
        let rank = (3..=5).contains(&shape.len()) && !shape[1..].contains(&0);
        let count = rank && (given == 1 || given == shape.len() - 2) && !(recompute && by_size);
        let mut expected = count.then(|| shape.clone());
        for axis in 2..shape.len() {
            let Some(new) = &mut expected else { break };
            let at = if given == 1 { 0 } else { axis - 2 };
            let size = if by_size { sizes[at] as f64 } else { shape[axis] as f64 * factors[at] };
            if size.is_finite() && (1.0..1e6).contains(&size) {
                new[axis] = size as usize;
            } else {
                expected = None;
            }
        }
        let y = x.interpolate(&options);
        let vast = by_size && sizes.contains(&VAST) && x.is_empty();
        if !vast {
            agrees("interpolate", &y, expected.as_deref())?;
        }
        if let Some(expected) = expected {
            prop_assert_eq!(&options.output_size(&shape).unwrap(), &expected[2..]);
            let lookup = options.lookup::<f64>(&shape).unwrap();
            prop_assert_eq!(lookup.look_up("interpolate", &x).unwrap(), y.unwrap());
            linear(&x, |x| x.interpolate(&options))?;
        }
    }

    #[test]
    fn running_sums_and_triangles_answer(
        shape in image(),
        axis in -4isize..4,
        diagonal in prop_oneof![9 => -4isize..5, 1 => select(vec![isize::MIN, isize::MAX])],
    ) {
        let x = tensor(&shape);
        let ndim = shape.len().max(1) as isize;
        let expected = (-ndim..ndim).contains(&axis).then_some(&shape[..]);
        agrees("cumsum", &x.cumsum(axis), expected)?;
        agrees("cumsum_backwards", &x.cumsum_backwards(axis), expected)?;
        if expected.is_some() {
            linear(&x, |x| x.cumsum(axis))?;
            linear(&x, |x| x.cumsum_backwards(axis))?;
        }
        let expected = (shape.len() >= 2).then_some(&shape[..]);
        agrees("tril", &x.tril(diagonal), expected)?;
        agrees("triu", &x.triu(diagonal), expected)?;
        if expected.is_some() {
            linear(&x, |x| x.tril(diagonal))?;
            linear(&x, |x| x.triu(diagonal))?;
            // What one cuts off is what the next one keeps.
            if let Some(next) = diagonal.checked_add(1) {
                let both = x.tril(diagonal).unwrap().add(&x.triu(next).unwrap());
                prop_assert_eq!(both.unwrap(), x);
            }
        }
    }
}
