use super::*;
use crate::random::Generator;

/// A million `f32` elements that all push the rounding error the same way.
#[test]
fn sums_are_accurate() {
    const N: usize = 1 << 20;
    let tenth = Tensor::<f32>::full([N], 0.1).unwrap();
    let drawn = Tensor::<f32>::rand([N], &mut Generator::new(1)).unwrap();
    for x in [tenth, drawn] {
        let exact: f64 = x.iter().map(|&x| f64::from(x)).sum();
        let off = |sum: f32, exact: f64| (f64::from(sum) / exact - 1.0).abs();
        assert!(off(x.sum().item().unwrap(), exact) < 1e-6);
        assert!(off(x.mean().item().unwrap(), exact / N as f64) < 1e-6);
        // Down long columns, along rows, and around a kept axis.
        for (shape, to) in [
            (vec![N / 4, 4], vec![4]),
            (vec![4, N / 4], vec![4, 1]),
            (vec![N / 64, 4, 16], vec![4, 1]),
            (vec![4, 4, N / 16], vec![4, 1]),
        ] {
            let y = x.with_shape(&shape);
            let got = y.sum_to(&to).unwrap();
            let want = y.cast::<f64>().sum_to(&to).unwrap();
            for (&got, &want) in got.iter().zip(&want) {
                assert!(off(got, want) < 1e-6, "{shape:?}: {got} {want}");
            }
        }
    }
}

/// The order as it is told: halves, halved until they are short.
#[test]
fn large_trees_have_the_branches_of_small_ones() {
    fn all(x: &[f32]) -> f32 {
        if x.len() <= 4 * LEAF {
            return Fold::Sum.all(x);
        }
        let (left, right) = split(x);
        all(left) + all(right)
    }
    fn columns(x: &[f32], width: usize) -> Vec<f32> {
        let (rows, mut sums) = (x.len() / width, vec![0.0; width]);
        let parts = if rows <= ROWS {
            x.chunks(width).map(<[f32]>::to_vec).collect()
        } else {
            let (upper, lower) = x.split_at(rows / 2 * width);
            vec![columns(upper, width), columns(lower, width)]
        };
        for part in parts {
            join_all::<f32, Addition>(&mut sums, &part);
        }
        sums
    }
    let x = Tensor::<f32>::randn([SHARED + 5000], &mut Generator::new(4)).unwrap();
    for len in [SHARED, SHARED + 1, SHARED + 4999, 4 * LEAF + 1] {
        assert_eq!(
            Fold::Sum.all(&x.as_slice()[..len]),
            all(&x.as_slice()[..len])
        );
    }
    for (rows, width) in [
        (1025, 129),
        (1500, 90),
        (4000, 33),
        (33, 700),
        (70, 1100),
        (9, 2),
    ] {
        let x = Tensor::from_parts([rows, width], x.as_slice()[..rows * width].to_vec());
        let got = x.sum_axes(0, false).unwrap().to_vec();
        assert_eq!(got, columns(x.as_slice(), width), "{rows} {width}");
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let x = Tensor::<f32>::randn([130, 6, 33, 31], &mut Generator::new(2)).unwrap();
    let run = |threads| {
        par::with_threads(threads, || {
            (
                x.sum().to_vec(),
                x.sum_to([6, 1, 1]).unwrap().to_vec(),
                x.sum_axes([1, 3], false).unwrap().to_vec(),
                x.sum_axes(0, false).unwrap().to_vec(),
            )
        })
        .unwrap()
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
}
