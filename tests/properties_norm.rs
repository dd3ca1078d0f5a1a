//! Random shapes and options, thrown at every normalisation of tensors. Whether there
//! is a result is worked out here once more, as the documentation has it; what is
//! normalised has mean 0 and variance 1, or close to it. (Variables:
//! `properties_var`.)

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use proptest::prelude::*;
use wengert::{BatchNormOptions, RunningStats, Standardization, Tensor};
use wengert_tests::draw::{Draw, draw};

/// The groups of a result, one a row, and the number of their elements.
fn rows(y: &Tensor<f64>, len: usize) -> Tensor<f64> {
    y.reshape_to([y.len() / len, len]).unwrap()
}

/// Mean 0, and variance 1 but for eps.
fn is_standard(rows: &Tensor<f64>) -> bool {
    let zeros = |x: Tensor<f64>| x.iter().all(|x| x.abs() < 1e-9);
    let var = rows.var_axes(1, 0.0, false).unwrap();
    zeros(rows.mean_axes(1, false).unwrap()) && var.iter().all(|&v| v <= 1.0 + 1e-9)
}

/// Such shapes have sums that no memory holds, although the tensor has no elements.
fn is_vast(shape: &[usize]) -> bool {
    shape.iter().any(|&size| size > 1 << 20)
}

/// `[N, C, len]` of an input, if it is one.
fn channels(shape: &[usize]) -> Option<[usize; 3]> {
    match shape {
        [n, c, rest @ ..] => Some([*n, *c, rest.iter().product()]),
        [0] => Some([0, 0, 1]),
        _ => None,
    }
}

fn check(d: &Draw) -> Result<(), TestCaseError> {
    let x = d.x();
    if is_vast(&d.shape) {
        // An answer of either kind, but no panic.
        let options = BatchNormOptions::default().use_input_stats(true);
        let _ = x.batch_norm(None, None, None, &options);
        let _ = x.instance_norm(None, None, None, &options);
        let _ = x.group_norm(d.sizes[0], None, None, 1e-5);
        let _ = x.layer_norm(x.shape(), None, None, 1e-5);
        return Ok(());
    }
    let sizes = channels(x.shape());
    let count = sizes.map_or(0, |[_, c, _]| c);
    let (mut mean, mut var) = (d.tensor(&[count], 1), d.tensor(&[count], 2));
    let before = mean.clone();
    for own in [true, false] {
        let running = RunningStats {
            mean: &mut mean,
            var: &mut var,
        };
        let options = BatchNormOptions::default();
        let options = options.momentum(0.5).eps(1e-9).use_input_stats(own);
        let y = x.batch_norm(Some(running), None, None, &options);
        let fits = sizes.is_some_and(|[n, _, len]| !own || n * len != 1);
        prop_assert_eq!(y.is_ok(), fits, "batch_norm of {:?}, {}", x.shape(), own);
        let Ok(y) = y else { continue };
        prop_assert_eq!(y.shape(), x.shape());
        if own && !x.is_empty() {
            prop_assert_ne!(&mean, &before);
            let [n, c, len] = sizes.unwrap();
            let by_channel = y.reshape_to([n, c, len]).unwrap().transpose(0, 1).unwrap();
            prop_assert!(is_standard(&rows(&by_channel, n * len)));
        }
    }
    let options = BatchNormOptions::default().eps(1e-9);
    let y = x.instance_norm(None, None, None, &options);
    prop_assert_eq!(y.is_ok(), sizes.is_some_and(|[_, _, len]| len != 1));
    if let Ok(y) = y.as_ref().map(std::clone::Clone::clone) {
        prop_assert!(y.is_empty() || is_standard(&rows(&y, sizes.unwrap()[2])));
    }
    let groups = d.sizes[0];
    let y = x.group_norm(groups, None, None, 1e-9);
    let fits = sizes.is_some_and(|[n, c, len]| {
        let divides = groups > 0 && c > 0 && len > 0 && c.is_multiple_of(groups);
        divides && n * (c / groups) * len != 1 && x.ndim() > 1
    });
    prop_assert_eq!(
        y.is_ok(),
        fits,
        "group_norm of {:?} by {}",
        x.shape(),
        groups
    );
    if let (Ok(y), Some([_, c, len])) = (y, sizes) {
        prop_assert!(y.is_empty() || is_standard(&rows(&y, c / groups * len)));
    }
    let row = &d.partner[..];
    let fits = !row.is_empty() && x.shape().ends_with(row);
    prop_assert_eq!(x.layer_norm(row, None, None, 1e-9).is_ok(), fits);
    prop_assert_eq!(x.rms_norm(row, None, None).is_ok(), fits);
    if x.ndim() > 0 && !x.is_empty() {
        let y = x.layer_norm(&x.shape()[1..], None, None, 1e-9);
        prop_assert_eq!(y.is_ok(), x.ndim() > 1);
        prop_assert!(y.is_err() || is_standard(&rows(&y.unwrap(), x.len() / x.shape()[0])));
    }
    Ok(())
}

/// The plan of a norm, as variables use it: forms that do not fit are errors, and the
/// gradient of what has no scale is across the input.
fn check_plan(d: &Draw) -> Result<(), TestCaseError> {
    let x = d.x();
    let options = BatchNormOptions::default();
    let plans = [
        Standardization::of_batch(&x, None, &options, true).map(|(plan, _)| plan),
        Standardization::of_instances(&x, None, &options).map(|(plan, _)| plan),
        Standardization::of_channel_groups(&x, d.sizes[0], 1e-5),
        Standardization::of_rows(
            &x,
            &d.partner,
            &[("weight", Some(&d.y()))],
            1e-5,
            d.flags[0],
        ),
    ];
    for plan in plans.into_iter().flatten() {
        prop_assert!(!plan.is_fixed());
        let y = plan.normalize(&x, None, None).unwrap();
        prop_assert_eq!(y.shape(), x.shape());
        let (g, other) = (d.tensor(&d.shape, 3), d.y());
        let sums = plan.gradient_sums(&x, &g).unwrap();
        let of_x = plan.input_gradient(&x, &g, None, &sums).unwrap();
        prop_assert_eq!(of_x.shape(), x.shape());
        let [of_weight, of_bias] = plan.affine_gradients::<f64>(&sums).unwrap();
        prop_assert_eq!(of_weight.shape(), of_bias.shape());
        prop_assert!(of_bias.sum().all_close(&g.sum(), 1e-9, 1e-9));
        prop_assert_eq!(
            plan.gradient_sums(&x, &other).is_ok(),
            other.len() == x.len()
        );
        let (groups, view) = (plan.groups(), plan.groups().view());
        prop_assert_eq!(view.iter().product::<usize>(), x.len());
        prop_assert!(groups.axes().len() < view.len());
        prop_assert!(groups.count() == 0 || x.len().is_multiple_of(groups.count()));
        let r = plan.reciprocal_deviation::<f64>().unwrap();
        prop_assert!(x.is_empty() || r.expand(&view).is_ok());
    }
    if let Ok((plan, update)) = Standardization::of_batch(&x, None, &options, true) {
        update.apply::<f64>(None);
        prop_assert!(plan.groups().count() != 1);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_norm_answers(d in draw()) {
        check(&d)?;
    }

    #[test]
    fn every_plan_answers(d in draw()) {
        if !is_vast(&d.shape) && !is_vast(&d.partner) {
            check_plan(&d)?;
        }
    }
}
