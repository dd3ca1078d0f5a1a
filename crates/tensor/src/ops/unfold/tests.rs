use super::*;
use crate::par::with_threads;
use crate::random::Generator;
use proptest::prelude::*;

prop_compose! {
    fn cases()(
        batch in prop::option::of(0usize..3),
        channels in 1usize..3,
        size in prop::array::uniform2(1usize..7),
        kernel in prop::array::uniform2(1usize..4),
        stride in prop::array::uniform2(1usize..4),
        padding in prop::array::uniform2(0usize..4),
        dilation in prop::array::uniform2(1usize..3),
    ) -> (Vec<usize>, UnfoldOptions) {
        let options = UnfoldOptions::new(kernel)
            .stride(stride).padding(padding).dilation(dilation);
        (batch.into_iter().chain([channels, size[0], size[1]]).collect(), options)
    }
}

proptest! {
    #[test]
    fn agrees_with_its_definition_and_is_adjoint_to_fold((shape, options) in cases()) {
        let len: usize = shape.iter().product();
        let x = Tensor::from_vec(&shape, (1..=len as i64).collect()).unwrap();
        let size = [shape[shape.len() - 2], shape[shape.len() - 1]];
        let Ok(columns) = x.unfold(&options) else {
            let span = |axis: usize| options.dilation[axis] * (options.kernel[axis] - 1) + 1;
            prop_assert!((0..2).any(|a| span(a) > size[a] + 2 * options.padding[a]));
            return Ok(());
        };
        let windows = [0, 1].map(|a| {
            let span = options.dilation[a] * (options.kernel[a] - 1) + 1;
            (size[a] + 2 * options.padding[a] - span) / options.stride[a] + 1
        });
        let [_, kw] = options.kernel;
        let taps = options.kernel[0] * kw;
        let channels = shape[shape.len() - 3];
        let batch = &shape[..shape.len() - 3];
        let wanted = [batch, &[channels * taps, windows[0] * windows[1]]].concat();
        let expected = Tensor::from_fn(&wanted, |at| {
            let (row, column) = (at[at.len() - 2], at[at.len() - 1]);
            let (c, tap) = (row / taps, row % taps);
            let source = |a: usize, window: usize, tap: usize| {
                let at = window * options.stride[a] + tap * options.dilation[a];
                at.checked_sub(options.padding[a])
            };
            let i = source(0, column / windows[1], tap / kw);
            let j = source(1, column % windows[1], tap % kw);
            match (i, j) {
                (Some(i), Some(j)) => x.get([&at[..at.len() - 2], &[c, i, j]].concat()).unwrap_or(0),
                _ => 0,
            }
        }).unwrap();
        prop_assert_eq!(&columns, &expected);

        // The adjoint: ⟨unfold(x), y⟩ = ⟨x, fold(y)⟩.
        let y = columns.map(|x| x % 7 - 3);
        let back = y.fold(size, &options).unwrap();
        prop_assert_eq!(back.shape(), &shape[..]);
        let dot = |a: &Tensor<i64>, b: &Tensor<i64>| -> i64 {
            a.iter().zip(b).map(|(a, b)| a * b).sum()
        };
        prop_assert_eq!(dot(&columns, &y), dot(&x, &back));
    }
}

#[test]
fn a_convolution_is_a_product_with_the_columns() {
    let rng = &mut Generator::new(3);
    let x = Tensor::<f64>::randn([2, 3, 6, 5], rng).unwrap();
    let w = Tensor::<f64>::randn([4, 3, 3, 2], rng).unwrap();
    let convolution = crate::Conv2dOptions::default().stride(2).padding(1);
    let columns = x
        .unfold(&UnfoldOptions::new((3, 2)).stride(2).padding(1))
        .unwrap();
    let y = w.reshape([4, -1]).unwrap().matmul(&columns).unwrap();
    let direct = x.conv2d(&w, None, &convolution).unwrap();
    assert!(direct.flatten(2, 3).unwrap().all_close(&y, 1e-12, 1e-12));
}

#[test]
fn the_same_on_any_number_of_threads() {
    let x = Tensor::<f32>::randn([2, 8, 40, 40], &mut Generator::new(4)).unwrap();
    let options = UnfoldOptions::new(3).padding(1);
    let run = |threads| {
        let columns = || x.unfold(&options).unwrap();
        with_threads(threads, || {
            (columns(), columns().fold(40, &options).unwrap())
        })
        .unwrap()
    };
    assert_eq!(run(1), run(4));
}

#[test]
fn refusals_name_the_shapes() {
    let options = UnfoldOptions::new(2);
    let message = |result: Result<Tensor<i64>>| result.unwrap_err().to_string();
    let zeros = |shape: &[usize]| Tensor::<i64>::zeros(shape).unwrap();
    assert_eq!(
        message(zeros(&[2, 0, 4, 4]).unfold(&options)),
        "unfold: only the batch may be empty, got [2, 0, 4, 4]"
    );
    assert_eq!(
        message(zeros(&[12, 11]).fold((4, 5), &options)),
        "fold: an image of this size has 3 · 4 windows \
         (columns [12, 11], image [4, 5], kernel [2, 2])"
    );
    for shape in [&[4, 4][..], &[1, 1, 1, 4, 4], &[1, 0, 4]] {
        message(zeros(shape).unfold(&options));
    }
    for options in [
        UnfoldOptions::new(0),
        options.stride(0),
        options.dilation((1, 0)),
        options.dilation(4),
        options.padding(usize::MAX),
        UnfoldOptions::new(usize::MAX),
    ] {
        message(zeros(&[1, 4, 4]).unfold(&options));
        message(zeros(&[4, 9]).fold(4, &options));
    }
    for (shape, size) in [
        (&[9][..], [4, 4]),
        (&[5, 9], [4, 4]),
        (&[0, 9], [4, 4]),
        (&[4, 0], [1, 4]),
        (&[4, 9], [0, 4]),
        (&[1, 1, 4, 9], [4, 4]),
    ] {
        message(zeros(shape).fold(size, &options));
    }
    let wide = options.padding(1 << 40);
    assert!(zeros(&[1, 4, 4]).unfold(&wide).is_err());
    assert_eq!(
        zeros(&[0, 4, 9]).fold(4, &options).unwrap().shape(),
        [0, 1, 4, 4]
    );
}
