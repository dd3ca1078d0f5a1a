use super::*;
use crate::BatchNormOptions;
use crate::par;
use crate::random::Generator;
use proptest::prelude::*;

/// The members of every group, by the definition: positions in row-major order.
fn members(groups: &Groups) -> Vec<Vec<usize>> {
    let run_group = |run: usize| {
        if groups.interleaved {
            run % groups.groups
        } else {
            run / groups.turns
        }
    };
    let mut members = vec![Vec::new(); groups.groups];
    for run in 0..groups.groups * groups.turns {
        let all = run * groups.len..(run + 1) * groups.len;
        members[run_group(run)].extend(all);
    }
    members
}

fn channel(groups: &Groups, at: usize) -> usize {
    at / groups.len % groups.channels
}

/// Value, gradient sums by channel and input gradient, one element at a time.
fn naive(
    groups: &Groups,
    [x, g, w, b]: [&[f64]; 4],
    eps: f64,
    kind: Kind,
) -> (Vec<f64>, [Vec<f64>; 2], Vec<f64>) {
    let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let mut sums = [vec![0.0; groups.channels], vec![0.0; groups.channels]];
    for at in members(groups) {
        let n = at.len() as f64;
        let mean = match kind {
            Kind::Scaled => 0.0,
            _ => at.iter().map(|&i| x[i]).sum::<f64>() / n,
        };
        let var = at.iter().map(|&i| (x[i] - mean).powi(2)).sum::<f64>() / n;
        let r = 1.0 / (var + eps).sqrt();
        let standard = |i: usize| (x[i] - mean) * r;
        let weighted = |i: usize| g[i] * w[channel(groups, i)];
        let own_mean = match kind {
            Kind::Centred => at.iter().map(|&i| weighted(i)).sum::<f64>() / n,
            _ => 0.0,
        };
        let along = at.iter().map(|&i| weighted(i) * standard(i)).sum::<f64>() / n;
        for &i in &at {
            let c = channel(groups, i);
            y[i] = standard(i) * w[c] + b[c];
            sums[0][c] += g[i] * standard(i);
            sums[1][c] += g[i];
            dx[i] = r * (weighted(i) - own_mean - standard(i) * along);
        }
    }
    (y, sums, dx)
}

fn check<T: Float>(groups: Groups, kind: Kind, tolerance: f64) {
    let len = groups.groups * groups.count();
    let rng = &mut Generator::new(len as u64);
    let mut draw = |len: usize| Tensor::<T>::randn([len], rng).unwrap();
    let (x, g) = (draw(len).add_scalar(T::of(3.0)), draw(len));
    let (w, b) = (draw(groups.channels), draw(groups.channels));
    let plain = |t: &Tensor<T>| t.cast::<f64>().to_vec();
    let operands = [&x, &g, &w, &b].map(plain);
    let (y, sums, dx) = naive(&groups, operands.each_ref().map(|t| &t[..]), 0.1, kind);

    let moments = moments("test", &x, &groups, kind == Kind::Centred).unwrap();
    let plan = Standardization::new("test", groups, kind, &moments, 0.1);
    let close = |what: &str, got: &Tensor<T>, want: &[f64]| {
        for (got, want) in got.iter().zip(want) {
            let error = (got.as_f64() - want).abs();
            let scale = tolerance * (1.0 + want.abs());
            assert!(error < scale, "{what} of {groups:?}: {got:?}, not {want}");
        }
    };
    close("y", &plan.normalize(&x, Some(&w), Some(&b)).unwrap(), &y);
    let found = plan.gradient_sums(&x, &g).unwrap();
    let [of_weight, of_bias]: [crate::Tensor<T>; 2] = plan.affine_gradients(&found).unwrap();
    // Sums of many: their terms cancel.
    let many = (len as f64).sqrt();
    for (got, want) in [(of_weight, &sums[0]), (of_bias, &sums[1])] {
        for (got, want) in got.iter().zip(want) {
            assert!((got.as_f64() - want).abs() < tolerance * many, "{groups:?}");
        }
    }
    close(
        "dx",
        &plan.input_gradient(&x, &g, Some(&w), &found).unwrap(),
        &dx,
    );
}

#[test]
fn every_layout_agrees_with_the_definition() {
    // Columns, one and several blocks, one and several tiles; runs of a leaf and more.
    for [turns, channels, len] in [
        [2, 3, 1],
        [7, 1, 1],
        [70, 150, 1],
        [33, 5, 15],
        [40, 20, 9],
        [3, 4, 16],
        [5, 2, 100],
        [2, 2, 1023],
        [2, 3, 2500],
        [1, 1, 40_000],
    ] {
        let groups = Groups::channels(turns, channels, len);
        check::<f64>(groups, Kind::Centred, 1e-11);
        check::<f32>(groups, Kind::Centred, 2e-5);
        let rows = Groups::rows(turns * channels, 1, len, channels);
        check::<f64>(rows, Kind::Centred, 1e-11);
        check::<f64>(rows, Kind::Scaled, 1e-11);
        check::<f32>(rows, Kind::Scaled, 2e-5);
        // Groups of all the channels of an image.
        let grouped = Groups::rows(turns, channels, len, channels);
        check::<f64>(grouped, Kind::Centred, 1e-11);
        check::<f32>(grouped, Kind::Centred, 2e-5);
    }
}

proptest! {
    #[test]
    fn small_layouts_agree_with_the_definition(
        turns in 1usize..6,
        channels in 1usize..6,
        len in 1usize..40,
        images in 1usize..3,
    ) {
        check::<f64>(Groups::channels(turns, channels, len), Kind::Centred, 1e-11);
        check::<f64>(Groups::rows(images * channels, turns, len, channels * turns), Kind::Centred, 1e-11);
    }
}

#[test]
fn a_mean_of_1e8_drowns_nothing() {
    for (turns, len) in [(50, 1), (3, 20), (2, 3000)] {
        let rng = &mut Generator::new(1);
        // Steps of 8 are what f32 has there.
        let near = Tensor::<f64>::randn([turns * len], rng)
            .unwrap()
            .map(|x| (4.0 * x).round());
        let x: Tensor = near
            .map(|x| (1e8 + 8.0 * x) as f32)
            .with_shape(&[turns, 1, len]);
        let options = BatchNormOptions::default().use_input_stats(true);
        let y = x.batch_norm(None, None, None, &options).unwrap();
        let want = near
            .mul_scalar(8.0)
            .with_shape(&[turns, 1, len])
            .batch_norm(None, None, None, &options)
            .unwrap();
        assert!(
            y.cast::<f64>().all_close(&want, 1e-5, 1e-5),
            "{turns} {len}"
        );
        assert!(
            x.with_shape(&[1, turns * len])
                .layer_norm([turns * len], None, None, 1e-5)
                .unwrap()
                .cast::<f64>()
                .all_close(&want.with_shape(&[1, turns * len]), 1e-5, 1e-5)
        );
    }
}

#[test]
fn a_constant_is_zero_everywhere() {
    for value in [0.1f32, 1e8, 3.3e-7] {
        for shape in [&[9, 2][..], &[3, 2, 50]] {
            let x = Tensor::full(shape, value).unwrap();
            let options = BatchNormOptions::default().use_input_stats(true);
            let y = x.batch_norm(None, None, None, &options).unwrap();
            assert!(y.iter().all(|&y| y == 0.0), "{value}");
        }
    }
}

#[test]
fn nan_and_infinity_stay_in_their_group() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for (len, place) in [(2, 0), (2, 3), (20, 0), (20, 25)] {
            let mut x = Tensor::<f64>::randn([2, 2, len], &mut Generator::new(1)).unwrap();
            x.as_mut_slice()[place] = bad;
            let hit = place / len % 2;
            let (mut mean, mut var) = (Tensor::zeros([2]).unwrap(), Tensor::ones([2]).unwrap());
            let running = crate::RunningStats {
                mean: &mut mean,
                var: &mut var,
            };
            let options = BatchNormOptions::default().use_input_stats(true);
            let y = x.batch_norm(Some(running), None, None, &options).unwrap();
            for image in 0..2 {
                for i in 0..len {
                    let nan = |channel| y.get([image, channel, i]).unwrap().is_nan();
                    assert!(nan(hit) && !nan(1 - hit));
                }
            }
            // As PyTorch: an infinite mean is infinite.
            let mean = mean.as_slice()[hit];
            assert!(
                if bad.is_nan() {
                    mean.is_nan()
                } else {
                    mean == bad
                },
                "{mean}"
            );
            assert!(var.as_slice()[hit].is_nan());
        }
    }
}

#[test]
fn what_is_normalised_by_given_statistics_has_a_gradient_where_it_is_nan() {
    for len in [1, 20] {
        let x = Tensor::full([2, 1, len], f64::NAN).unwrap();
        let (mean, var) = (Tensor::from([1.0]), Tensor::from([3.0]));
        let groups = Groups::channels(2, 1, len);
        let plan = Standardization::fixed("test", groups, &mean, &var, 1.0).unwrap();
        let g = Tensor::ones([2, 1, len]).unwrap();
        let sums = plan.gradient_sums(&x, &g).unwrap();
        let of_x = plan.input_gradient(&x, &g, None, &sums).unwrap();
        assert!(of_x.eq_scalar(0.5).all());
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    for groups in [
        Groups::channels(64, 100, 9),
        Groups::channels(40, 3, 3000),
        Groups::rows(64, 2, 1500, 2),
    ] {
        let rng = &mut Generator::new(1);
        let len = groups.groups * groups.count();
        let x = Tensor::<f32>::randn([len], rng).unwrap();
        let g = Tensor::<f32>::randn([len], rng).unwrap();
        let run = |threads| {
            par::with_threads(threads, || {
                let moments = moments("test", &x, &groups, true).unwrap();
                let plan = Standardization::centred("test", groups, &moments, 1e-5);
                let sums = plan.gradient_sums(&x, &g).unwrap();
                (
                    plan.normalize(&x, None, None).unwrap(),
                    plan.input_gradient(&x, &g, None, &sums).unwrap(),
                    sums,
                )
            })
            .unwrap()
        };
        assert_eq!(run(1), run(3));
    }
}

#[test]
fn what_is_not_of_the_plan_is_an_error() {
    let groups = Groups::channels(2, 3, 4);
    let x = Tensor::<f64>::zeros([2, 3, 4]).unwrap();
    let moments = moments("test", &x, &groups, true).unwrap();
    let plan = Standardization::centred("test", groups, &moments, 1e-5);
    let other = Tensor::<f64>::zeros([2, 3]).unwrap();
    assert!(plan.normalize(&other, None, None).is_err());
    assert!(plan.normalize(&x, Some(&other), None).is_err());
    assert!(plan.normalize(&x, None, Some(&other)).is_err());
    assert!(plan.gradient_sums(&x, &other).is_err());
    let sums = plan.gradient_sums(&x, &x).unwrap();
    assert!(plan.input_gradient(&other, &x, None, &sums).is_err());
    assert!(
        plan.input_gradient(&x, &x, None, &Tensor::from([1.0]))
            .is_err()
    );
    assert!(plan.affine_gradients::<f64>(&Tensor::from([1.0])).is_err());
}
