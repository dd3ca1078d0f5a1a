//! The mean of every window.
//!
//! ```text
//! y[p, q] = (Σ over taps (i, j) of x[p·s + i − padding, q·s + j − padding]) / divisor(p, q)
//! ```
//!
//! The divisor is the number of elements of the window, and which count is the
//! whole difficulty. Let the window be clipped to the input and its padding:
//! what `ceil_mode` makes it overhang beyond those never counts. With
//! `count_include_pad` all that is left counts, without it only the part inside
//! the input, and `divisor_override` replaces both.
//!
//! The adjoint spreads the gradient of each mean evenly over its window.
//!
//! **Cost.** One addition for each tap of each window, a row at a time; for
//! windows of 2 × 2 side by side, a vector of windows at a time.

use super::pool2d::{AvgPool2dOptions, Pool2dGeometry};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::loops::CHECKED;
use crate::simd::pool::{AveragePairs, Pairs, SpreadPairs};
use crate::simd::{InstructionSet, run};
use crate::tensor::Tensor;
use crate::{par, scratch};

impl<T: Float> Tensor<T> {
    /// The mean of every window of the planes of `[N, C, H, W]` or `[C, H, W]`.
    ///
    /// ```
    /// use wengert_tensor::{AvgPool2dOptions, Tensor};
    ///
    /// let x = Tensor::<f32>::from([[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]]);
    /// let y = x.avg_pool2d(&AvgPool2dOptions::new(2).stride(1))?;
    /// assert_eq!(y, Tensor::from([[[2.0, 3.0], [5.0, 6.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`AvgPool2dOptions::geometry`]; [`Error::TooLarge`].
    pub fn avg_pool2d(&self, options: &AvgPool2dOptions) -> Result<Self> {
        const OP: &str = "avg_pool2d";
        let geometry = options.checked(OP, self.shape())?;
        let mut output = Self::arbitrary(OP, &geometry.output_shape())?;
        T::avg_pool2d_forward(
            CHECKED,
            &geometry,
            options,
            self.as_slice(),
            output.as_mut_slice(),
        );
        Ok(output)
    }

    /// The gradient of an average pooling with respect to its input of
    /// `input_shape`, for `self` the gradient with respect to its output: the
    /// adjoint of [`avg_pool2d`](Self::avg_pool2d).
    ///
    /// ```
    /// use wengert_tensor::{AvgPool2dOptions, Tensor};
    ///
    /// let grad = Tensor::<f32>::from([[[2.0, 4.0]]]);
    /// let x = grad.avg_pool2d_input([1, 1, 3], &AvgPool2dOptions::new((1, 2)).stride(1))?;
    /// assert_eq!(x, Tensor::from([[[1.0, 3.0, 2.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`AvgPool2dOptions::geometry`], and [`Error::Shape`] if `self`
    /// does not have the output's shape.
    pub fn avg_pool2d_input(
        &self,
        input_shape: impl AsRef<[usize]>,
        options: &AvgPool2dOptions,
    ) -> Result<Self> {
        const OP: &str = "avg_pool2d_input";
        let input_shape = input_shape.as_ref();
        let geometry = options.checked(OP, input_shape)?;
        let expected = geometry.output_shape();
        if self.shape() != expected {
            return Err(Error::shape(
                OP,
                format!(
                    "the gradient must have the output's shape {expected:?}, got {:?} \
                     (input {input_shape:?})",
                    self.shape()
                ),
            ));
        }
        let mut output = Self::arbitrary(OP, input_shape)?;
        T::avg_pool2d_input(
            CHECKED,
            &geometry,
            options,
            self.as_slice(),
            output.as_mut_slice(),
        );
        Ok(output)
    }
}

/// The means. Writes every element of `y`.
pub(crate) fn forward_loops<T: Float>(
    geometry: &Pool2dGeometry,
    options: &AvgPool2dOptions,
    x: &[T],
    y: &mut [T],
) {
    forward_with(InstructionSet::best(), geometry, options, x, y);
}

fn forward_with<T: Float>(
    set: InstructionSet,
    geometry: &Pool2dGeometry,
    options: &AvgPool2dOptions,
    x: &[T],
    y: &mut [T],
) {
    let pairs = pairs(geometry, options);
    let [in_plane, out_plane] = geometry.planes();
    let planes = geometry.planes_at_once();
    par::for_each_piece(y, planes * out_plane, geometry.cost(), |piece, y| {
        let from = piece * planes * in_plane;
        let x = &x[from..x.len().min(from + planes * in_plane)];
        if let Some((pairs, scale)) = pairs {
            run(set, AveragePairs { pairs, scale, x, y });
            return;
        }
        y.fill(T::ZERO);
        for (x, y) in x.chunks_exact(in_plane).zip(y.chunks_exact_mut(out_plane)) {
            geometry.for_each_line(|line, from| {
                let line = &mut y[line];
                geometry.window.zip_line(line, &x[from..], |y, &x| *y += x);
            });
            divide(geometry, options, y);
        }
    });
}

/// The gradient of the input. Writes every element of `x`.
pub(crate) fn input_loops<T: Float>(
    geometry: &Pool2dGeometry,
    options: &AvgPool2dOptions,
    g: &[T],
    x: &mut [T],
) {
    input_with(InstructionSet::best(), geometry, options, g, x);
}

fn input_with<T: Float>(
    set: InstructionSet,
    geometry: &Pool2dGeometry,
    options: &AvgPool2dOptions,
    g: &[T],
    x: &mut [T],
) {
    let pairs = pairs(geometry, options);
    let [in_plane, out_plane] = geometry.planes();
    let planes = geometry.planes_at_once();
    par::for_each_piece(x, planes * in_plane, geometry.cost(), |piece, x| {
        let from = piece * planes * out_plane;
        let g = &g[from..g.len().min(from + planes * out_plane)];
        if let Some((pairs, scale)) = pairs {
            run(set, SpreadPairs { pairs, scale, g, x });
            return;
        }
        x.fill(T::ZERO);
        scratch::with(out_plane, |share| {
            for (g, x) in g.chunks_exact(out_plane).zip(x.chunks_exact_mut(in_plane)) {
                share.copy_from_slice(g);
                divide(geometry, options, share);
                geometry.for_each_line(|line, from| {
                    let line = &share[line];
                    geometry
                        .window
                        .zip_line(line, &mut x[from..], |&g, x| *x += g);
                });
            }
        });
    });
}

/// Windows of 2 × 2 side by side, and what their sum is multiplied by: for
/// divisors whose inverse is exact.
fn pairs<T: Float>(geometry: &Pool2dGeometry, options: &AvgPool2dOptions) -> Option<(Pairs, T)> {
    let divisor = options.divisor_override.unwrap_or(4);
    let exact = divisor.unsigned_abs().is_power_of_two();
    let pairs = geometry.pairs().filter(|_| exact)?;
    Some((pairs, T::ONE / T::of_int(divisor)))
}

/// Divides every element of an output plane by the divisor of its window.
fn divide<T: Float>(geometry: &Pool2dGeometry, options: &AvgPool2dOptions, plane: &mut [T]) {
    for (p, row) in plane.chunks_exact_mut(geometry.output[1]).enumerate() {
        let rows = counted(geometry, options, 0, p);
        for (q, y) in row.iter_mut().enumerate() {
            let divisor = match options.divisor_override {
                Some(divisor) => T::of_int(divisor),
                None => T::of(rows as f64 * counted(geometry, options, 1, q) as f64),
            };
            *y /= divisor;
        }
    }
}

/// How many rows (columns) of window `o` count.
fn counted(geometry: &Pool2dGeometry, options: &AvgPool2dOptions, axis: usize, o: usize) -> usize {
    let window = &geometry.window;
    let inside = window.padding_before[axis]..window.padding_before[axis] + geometry.input[axis];
    let start = o * window.stride[axis];
    let end = start + window.kernel[axis];
    if options.count_include_pad {
        end.min(inside.end + window.padding_after[axis]) - start
    } else {
        end.min(inside.end) - start.max(inside.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::par::with_threads;
    use crate::random::Generator;
    use proptest::prelude::*;

    /// A window at a time, in signed arithmetic, as PyTorch's kernel does it.
    fn naive(x: &Tensor<f64>, options: &AvgPool2dOptions) -> Vec<f64> {
        let geometry = options.geometry(x.shape()).unwrap();
        let size = geometry.input.map(|n| n as isize);
        let mut means = vec![];
        for plane in x.as_slice().chunks(geometry.input.iter().product()) {
            for p in 0..geometry.output[0] {
                for q in 0..geometry.output[1] {
                    let [rows, columns] = [(0, p), (1, q)].map(|(axis, o)| {
                        let pad = options.padding[axis] as isize;
                        let start = (o * options.stride[axis]) as isize - pad;
                        let end = start + options.kernel[axis] as isize;
                        (start, end.min(size[axis] + pad))
                    });
                    let clip = |(start, end): (isize, isize), n: isize| start.max(0)..end.min(n);
                    let (r, c) = (clip(rows, size[0]), clip(columns, size[1]));
                    let count = match options.divisor_override {
                        Some(divisor) => divisor as isize,
                        None if options.count_include_pad => {
                            (rows.1 - rows.0) * (columns.1 - columns.0)
                        }
                        None => (r.end - r.start) * (c.end - c.start),
                    };
                    let inside = r.flat_map(|i| c.clone().map(move |j| i * size[1] + j));
                    let sum: f64 = inside.map(|at| plane[at as usize]).sum();
                    means.push(sum / count as f64);
                }
            }
        }
        means
    }

    prop_compose! {
        fn cases()(
            batch in prop::option::of(0usize..3),
            channels in 1usize..3,
            size in prop::array::uniform2(1usize..9),
            kernel in prop::array::uniform2(1usize..5),
            stride in prop::array::uniform2(1usize..5),
            padding in prop::array::uniform2(0usize..3),
            flags in any::<(bool, bool)>(),
            divisor in prop::option::weighted(0.3, prop_oneof![-4i64..0, 1i64..5]),
        ) -> (Vec<usize>, AvgPool2dOptions) {
            let padding = [0, 1].map(|axis| padding[axis].min(kernel[axis] / 2));
            let mut options = AvgPool2dOptions::new(kernel)
                .stride(stride).padding(padding).ceil_mode(flags.0).count_include_pad(flags.1);
            options.divisor_override = divisor;
            (batch.into_iter().chain([channels, size[0], size[1]]).collect(), options)
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition((shape, options) in cases()) {
            if options.geometry(&shape).is_ok() {
                let x = Tensor::<f64>::randn(&shape, &mut Generator::new(1)).unwrap();
                let y = x.avg_pool2d(&options).unwrap();
                let expected = Tensor::from_vec(y.shape(), naive(&x, &options)).unwrap();
                prop_assert!(y.all_close(&expected, 1e-12, 1e-12));
            }
        }

        #[test]
        fn spreading_is_the_adjoint((shape, options) in cases()) {
            if let Ok(geometry) = options.geometry(&shape) {
                let mut generator = Generator::new(2);
                let x = Tensor::<f64>::randn(&shape, &mut generator).unwrap();
                let g = Tensor::randn(geometry.output_shape(), &mut generator).unwrap();
                let y = x.avg_pool2d(&options).unwrap();
                let dx = g.avg_pool2d_input(&shape, &options).unwrap();
                let inner = |a: &Tensor<f64>, b: &Tensor<f64>| (a * b).unwrap().sum().item().unwrap();
                prop_assert!((inner(&y, &g) - inner(&x, &dx)).abs() < 1e-10);
            }
        }
    }

    /// F.avg_pool2d(torch.ones(1, 6, 6), 3, 2, 1, True, True) * 36
    #[test]
    fn the_overhang_of_a_last_window_never_counts_as_pytorch() {
        let x = Tensor::<f64>::ones([1, 6, 6]).unwrap();
        let options = AvgPool2dOptions::new(3)
            .stride(2)
            .padding(1)
            .ceil_mode(true);
        let y = x.avg_pool2d(&options).unwrap().mul_scalar(36.0);
        let expected = Tensor::from([[
            [16.0, 24.0, 24.0, 12.0],
            [24.0, 36.0, 36.0, 18.0],
            [24.0, 36.0, 36.0, 18.0],
            [12.0, 18.0, 18.0, 9.0],
        ]]);
        assert!(y.all_close(&expected, 1e-12, 0.0));
        let y = x.avg_pool2d(&options.count_include_pad(false)).unwrap();
        assert!(y.all_close(&y.ones_like(), 1e-12, 0.0));
    }

    /// F.avg_pool2d(torch.ones(1, 4, 4), 2, divisor_override=-3)
    #[test]
    fn an_overriding_divisor_may_be_negative_as_pytorch() {
        let options = AvgPool2dOptions::new(2).divisor_override(-3);
        let y = Tensor::<f64>::ones([1, 4, 4])
            .unwrap()
            .avg_pool2d(&options)
            .unwrap();
        assert_eq!(y, Tensor::full([1, 2, 2], -4.0 / 3.0).unwrap());
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let x = Tensor::<f32>::randn([16, 8, 30, 31], &mut Generator::new(5)).unwrap();
        let options = AvgPool2dOptions::new(3).stride(2).padding(1);
        let run = |threads| {
            with_threads(threads, || {
                let y = x.avg_pool2d(&options).unwrap();
                (y.avg_pool2d_input(x.shape(), &options).unwrap(), y)
            })
            .unwrap()
        };
        assert_eq!(run(1), run(4));
    }

    #[test]
    fn refusals_name_the_shapes() {
        let g = Tensor::<f32>::ones([1, 2, 2]).unwrap();
        let options = AvgPool2dOptions::new(2);
        assert!(g.avg_pool2d_input([1, 5, 4], &options).is_ok());
        let error = g.avg_pool2d_input([1, 6, 4], &options).unwrap_err();
        assert_eq!(
            error.to_string(),
            "avg_pool2d_input: the gradient must have the output's shape [1, 3, 2], got [1, 2, 2] \
             (input [1, 6, 4])"
        );
        assert!(g.avg_pool2d(&options.divisor_override(0)).is_err());
    }

    /// The kernels against the loops without vectors, on planes that all
    /// remainders occur in.
    #[test]
    fn pairs_of_every_width_on_every_instruction_set() {
        fn agrees<T: Float>(shape: [usize; 4]) {
            let options = AvgPool2dOptions::new(2);
            let geometry = options.geometry(&shape).unwrap();
            let x = Tensor::<f64>::randn(shape, &mut Generator::new(1)).unwrap();
            let want = naive(&x, &options);
            let g: Vec<T> = want.iter().map(|&g| T::of(g)).collect();
            let x: Vec<T> = x.iter().map(|&x| T::of(x)).collect();
            for set in InstructionSet::available() {
                let mut y = vec![T::of(7.0); want.len()];
                forward_with(set, &geometry, &options, &x, &mut y);
                for (y, want) in y.iter().zip(&want) {
                    assert!((y.as_f64() - want).abs() < 1e-6, "{shape:?}");
                }
                let mut dx = vec![T::of(7.0); x.len()];
                input_with(set, &geometry, &options, &g, &mut dx);
                let [h, w] = geometry.input;
                for (i, dx) in dx.into_iter().enumerate() {
                    let (plane, row, column) = (i / (h * w), i / w % h / 2, i % w / 2);
                    let [p, q] = geometry.output;
                    let inside = row < p && column < q;
                    let want = if inside {
                        g[(plane * p + row) * q + column]
                    } else {
                        T::ZERO
                    };
                    assert_eq!(dx, want * T::of(0.25), "{shape:?}");
                }
            }
        }
        for width in 2..=70 {
            let shape = [2, 1 + width % 3, 2 + width % 5, width];
            agrees::<f32>(shape);
            agrees::<f64>(shape);
        }
    }
}
