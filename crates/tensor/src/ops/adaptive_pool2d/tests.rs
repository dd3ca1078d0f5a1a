use super::*;
use crate::par::with_threads;
use crate::random::Generator;
use crate::{AvgPool2dOptions, MaxPool2dOptions};
use proptest::prelude::*;

/// The elements of each window, in row-major order, with their indices.
fn windows(size: [usize; 2], output: [usize; 2]) -> Vec<Vec<usize>> {
    let bounds = |axis: usize, i: usize| {
        let (n, m) = (size[axis] as f64, output[axis] as f64);
        let start = (i as f64 * n / m).floor() as usize;
        start..((i + 1) as f64 * n / m).ceil() as usize
    };
    let places = (0..output[0]).flat_map(|p| (0..output[1]).map(move |q| (p, q)));
    let elements = places.map(|(p, q)| {
        let rows = bounds(0, p);
        rows.flat_map(|i| bounds(1, q).map(move |j| i * size[1] + j))
            .collect()
    });
    elements.collect()
}

proptest! {
    #[test]
    fn both_agree_with_their_definitions(
        batch in prop::option::of(0usize..3),
        size in prop::array::uniform2(1usize..9),
        output in prop::array::uniform2(0usize..11),
        seed in any::<u64>(),
    ) {
        let shape: Vec<usize> = batch.into_iter().chain([2, size[0], size[1]]).collect();
        let x = Tensor::<f64>::uniform(&shape, 0.0, 6.0, &mut Generator::new(seed)).unwrap();
        let values = [0.0, 1.0, 2.0, -1.0, f64::NEG_INFINITY, f64::NAN];
        let odd = x.map(|x| values[x as usize]);
        let windows = windows(size, output);
        let (mut means, mut maxima, mut places) = (vec![], vec![], vec![]);
        let plane = size[0] * size[1];
        for (x, odd) in x.as_slice().chunks(plane).zip(odd.as_slice().chunks(plane)) {
            for window in &windows {
                means.push(window.iter().map(|&at| x[at]).sum::<f64>() / window.len() as f64);
                let mut best = window[0];
                for &at in window {
                    if odd[at] > odd[best] || odd[at].is_nan() {
                        best = at;
                    }
                }
                maxima.push(odd[best].to_bits());
                places.push(best as i64);
            }
        }
        let wanted: Vec<usize> = batch.into_iter().chain([2, output[0], output[1]]).collect();
        let y = x.adaptive_avg_pool2d(output).unwrap();
        let means = Tensor::from_vec(&wanted, means).unwrap();
        prop_assert!(y.all_close(&means, 1e-13, 0.0));
        let (y, at) = odd.adaptive_max_pool2d_with_indices(output).unwrap();
        prop_assert_eq!(y.shape(), &wanted[..]);
        prop_assert_eq!(y.iter().map(|y| y.to_bits()).collect::<Vec<_>>(), maxima);
        prop_assert_eq!(at.to_vec(), places);

        // The adjoint: ⟨pool(x), g⟩ = ⟨x, spread(g)⟩.
        let g = Tensor::<f64>::randn(&wanted, &mut Generator::new(seed)).unwrap();
        let back = g.adaptive_avg_pool2d_input(&shape).unwrap();
        let dot = |a: &Tensor<f64>, b: &Tensor<f64>| a.mul(b).unwrap().sum();
        let (left, right) = (dot(&means, &g), dot(&x, &back));
        prop_assert!(left.all_close(&right, 1e-12, 1e-12));
    }
}

#[test]
fn even_windows_are_those_of_the_ordinary_poolings() {
    let x = Tensor::<f32>::randn([2, 3, 6, 8], &mut Generator::new(1)).unwrap();
    let window = adaptive_window("", x.shape(), (3, 2)).unwrap().unwrap();
    assert_eq!((window.kernel, window.stride), ([2, 4], [2, 4]));
    let means = x.avg_pool2d(&AvgPool2dOptions::new((2, 4))).unwrap();
    assert!(
        x.adaptive_avg_pool2d((3, 2))
            .unwrap()
            .all_close(&means, 1e-6, 1e-6)
    );
    let maxima = x.max_pool2d(&MaxPool2dOptions::new((2, 4))).unwrap();
    assert_eq!(x.adaptive_max_pool2d((3, 2)).unwrap(), maxima);
    assert_eq!(x.adaptive_max_pool2d((None, 8)).unwrap(), x);
    assert!(adaptive_window("", x.shape(), (4, 2)).unwrap().is_none());
}

#[test]
fn the_same_on_any_number_of_threads() {
    let x = Tensor::<f32>::randn([8, 16, 20, 21], &mut Generator::new(2)).unwrap();
    let run = |threads| {
        let both = || {
            (
                x.adaptive_avg_pool2d(7).unwrap(),
                x.adaptive_max_pool2d(7).unwrap(),
            )
        };
        with_threads(threads, both).unwrap()
    };
    assert_eq!(run(1), run(4));
}

#[test]
fn refusals_name_the_shapes() {
    let zeros = |shape: &[usize]| Tensor::<f64>::zeros(shape).unwrap();
    assert_eq!(
        zeros(&[2, 0, 4, 4])
            .adaptive_max_pool2d(2)
            .unwrap_err()
            .to_string(),
        "adaptive_max_pool2d: only the first axis may be empty, got [2, 0, 4, 4]"
    );
    for shape in [&[4, 4][..], &[1, 1, 1, 4, 4], &[1, 1, 0, 4]] {
        assert!(zeros(shape).adaptive_avg_pool2d(2).is_err());
        assert!(zeros(&[1, 2, 2]).adaptive_avg_pool2d_input(shape).is_err());
    }
    assert_eq!(
        zeros(&[0, 4, 4]).adaptive_avg_pool2d(2).unwrap().shape(),
        [0, 2, 2]
    );
    assert!(zeros(&[2, 2]).adaptive_avg_pool2d_input([1, 4, 4]).is_err());
    assert!(zeros(&[1, 4, 4]).adaptive_avg_pool2d(usize::MAX).is_err());
    assert!(
        zeros(&[0, 1, 4, 4])
            .adaptive_max_pool2d((1 << 62, 4))
            .is_err()
    );
    assert_eq!(
        zeros(&[0, 1, 4, 4]).adaptive_max_pool2d(2).unwrap().shape(),
        [0, 1, 2, 2]
    );
}
