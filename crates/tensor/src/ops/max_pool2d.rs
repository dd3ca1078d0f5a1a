//! The largest element of every window.
//!
//! ```text
//! y[p, q] = max over taps (i, j) of x[p·s + i·d − padding, q·s + j·d − padding]
//! ```
//!
//! Padding is −∞ and never wins. Of equal elements the first in row-major order
//! wins, NaN beats all numbers, and of several NaN the last one wins: PyTorch's
//! rules, which decide where the gradient goes. The winners are all that a
//! gradient needs: it is scattered to them, and the adjoint of that gathers
//! from them. Users see them as indices into their plane; what a tape keeps,
//! [`MaxPool2dWinners`], is a byte each.
//!
//! **Cost.** One comparison for each tap of each window, a vector of windows at
//! a time.

mod loops;
mod winners;

pub(crate) use loops::{forward_loops, gather_loops, scatter_loops};
pub use winners::MaxPool2dWinners;

use super::pool2d::{MaxPool2dOptions, Pool2dGeometry};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::loops::CHECKED;
use crate::par;
use crate::tensor::Tensor;

/// Whether `x` takes the place of the largest element so far.
fn wins<T: Float>(x: T, largest: T) -> bool {
    x > largest || x.is_nan()
}

impl<T: Float> Tensor<T> {
    /// The maximum of every window of the planes of `[N, C, H, W]` or
    /// `[C, H, W]`.
    ///
    /// ```
    /// use wengert_tensor::{MaxPool2dOptions, Tensor};
    ///
    /// let x = Tensor::<f32>::from([[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]]);
    /// let y = x.max_pool2d(&MaxPool2dOptions::new(2).stride(1))?;
    /// assert_eq!(y, Tensor::from([[[4.0, 5.0], [7.0, 8.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`MaxPool2dOptions::geometry`]; [`Error::TooLarge`].
    pub fn max_pool2d(&self, options: &MaxPool2dOptions) -> Result<Self> {
        let geometry = options.geometry(self.shape())?;
        let mut output = Self::arbitrary("max_pool2d", &geometry.output_shape())?;
        if !T::max_pool2d_forward(
            CHECKED,
            &geometry,
            self.as_slice(),
            output.as_mut_slice(),
            &mut [],
        ) {
            by_lines(&geometry, self.as_slice(), output.as_mut_slice());
        }
        Ok(output)
    }

    /// As [`max_pool2d`](Self::max_pool2d), and for each maximum its index in
    /// its plane of H · W elements.
    ///
    /// ```
    /// use wengert_tensor::{MaxPool2dOptions, Tensor};
    ///
    /// let x = Tensor::<f32>::from([[[5.0, 5.0, 1.0], [0.0, 5.0, 2.0]]]);
    /// let (y, indices) = x.max_pool2d_with_indices(&MaxPool2dOptions::new(2).stride(1))?;
    /// assert_eq!(y.to_vec(), [5.0, 5.0]);
    /// assert_eq!(indices.to_vec(), [0, 1]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`max_pool2d`](Self::max_pool2d).
    pub fn max_pool2d_with_indices(
        &self,
        options: &MaxPool2dOptions,
    ) -> Result<(Self, Tensor<i64>)> {
        let (output, winners) = self.max_pool2d_with_winners(options)?;
        let indices = winners.indices()?;
        Ok((output, indices))
    }

    /// The gradient of a max pooling with respect to its input, for `self` the
    /// gradient with respect to its output: every element is added where
    /// `indices` says, in a tensor of zeros of `input_shape`. The adjoint of
    /// [`max_pool2d_gather`](Self::max_pool2d_gather).
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let grad = Tensor::<f32>::from([[[1.0, 10.0]]]);
    /// let x = grad.max_pool2d_scatter(&Tensor::from([[[2, 2]]]), [1, 2, 2])?;
    /// assert_eq!(x, Tensor::from([[[0.0, 0.0], [11.0, 0.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes are not those of a pooling,
    /// [`Error::Value`] if an index lies outside of its plane.
    pub fn max_pool2d_scatter(
        &self,
        indices: &Tensor<i64>,
        input_shape: impl AsRef<[usize]>,
    ) -> Result<Self> {
        const OP: &str = "max_pool2d_scatter";
        let input_shape = input_shape.as_ref();
        if self.shape() != indices.shape() {
            return Err(Error::shape(
                OP,
                format!(
                    "gradient {:?} and indices {:?} must have one shape",
                    self.shape(),
                    indices.shape()
                ),
            ));
        }
        let [in_plane, out_plane] = check_indices(OP, indices, input_shape)?;
        let mut output = Self::filled(OP, input_shape, T::ZERO)?;
        let (g, indices) = (self.as_slice(), indices.as_slice());
        par::for_each_piece(output.as_mut_slice(), in_plane, g.len(), |i, x| {
            let plane = i * out_plane..(i + 1) * out_plane;
            for (&g, &at) in g[plane.clone()].iter().zip(&indices[plane]) {
                x[at as usize] += g;
            }
        });
        Ok(output)
    }

    /// The elements of every plane that `indices` names: what a max pooling
    /// that chose these would have given.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::<f32>::from([[[0.0, 1.0], [2.0, 3.0]]]);
    /// let y = x.max_pool2d_gather(&Tensor::from([[[2, 2, 1]]]))?;
    /// assert_eq!(y, Tensor::from([[[2.0, 2.0, 1.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes are not those of a pooling,
    /// [`Error::Value`] if an index lies outside of its plane.
    pub fn max_pool2d_gather(&self, indices: &Tensor<i64>) -> Result<Self> {
        const OP: &str = "max_pool2d_gather";
        let [in_plane, out_plane] = check_indices(OP, indices, self.shape())?;
        let mut output = Self::filled(OP, indices.shape(), T::ZERO)?;
        let (x, indices) = (self.as_slice(), indices.as_slice());
        par::for_each_piece(output.as_mut_slice(), out_plane, indices.len(), |i, y| {
            let x = &x[i * in_plane..(i + 1) * in_plane];
            for (y, &at) in y.iter_mut().zip(&indices[i * out_plane..]) {
                *y = x[at as usize];
            }
        });
        Ok(output)
    }
}

/// The maxima, a row for each tap: for windows that no kernel is made for.
fn by_lines<T: Float>(geometry: &Pool2dGeometry, x: &[T], y: &mut [T]) {
    let [in_plane, out_plane] = geometry.planes();
    par::for_each_piece(y, out_plane, geometry.cost(), |i, y| {
        y.fill(T::neg_infinity());
        let x = &x[i * in_plane..(i + 1) * in_plane];
        geometry.for_each_line(|line, from| {
            let line = &mut y[line];
            geometry.window.zip_line(line, &x[from..], |y, &x| {
                *y = if wins(x, *y) { x } else { *y };
            });
        });
    });
}

/// The maxima, and where they are in their planes: for windows that no kernel
/// is made for.
fn by_lines_with_indices<T: Float>(
    geometry: &Pool2dGeometry,
    x: &[T],
    y: &mut [T],
    indices: &mut [i64],
) {
    let [in_plane, out_plane] = geometry.planes();
    // −1 until a first element is seen, which may itself be −∞.
    indices.fill(-1);
    y.fill(T::neg_infinity());
    let planes = x
        .chunks_exact(in_plane)
        .zip(y.chunks_exact_mut(out_plane))
        .zip(indices.chunks_exact_mut(out_plane));
    par::for_each_item(planes, geometry.cost(), |((x, y), at)| {
        max_plane(geometry, x, y, at);
    });
}

/// The maxima of a plane, and where they are.
fn max_plane<T: Float>(geometry: &Pool2dGeometry, x: &[T], y: &mut [T], at: &mut [i64]) {
    let step = geometry.window.stride[1];
    geometry.for_each_line(|line, from| {
        let winners = y[line.clone()].iter_mut().zip(&mut at[line]);
        let mut here = from;
        geometry
            .window
            .zip_line(winners, &x[from..], |(y, at), &x| {
                if wins(x, *y) || *at < 0 {
                    (*y, *at) = (x, here as i64);
                }
                // Past the last window a stride may lead anywhere.
                here = here.wrapping_add(step);
            });
    });
}

/// The sizes of an input plane and of a plane of indices, once both tensors are
/// known to have the same planes and every index to lie in its own.
fn check_indices(op: &'static str, indices: &Tensor<i64>, input: &[usize]) -> Result<[usize; 2]> {
    let split = |shape: &[usize]| {
        let planes = shape.len().checked_sub(2)?;
        let (planes, plane) = shape.split_at_checked(planes)?;
        Some((planes.to_vec(), plane.iter().product::<usize>()))
    };
    crate::shape::numel::<i64>(op, input)?;
    match (split(input), split(indices.shape())) {
        (Some((planes, in_plane)), Some((same, out_plane)))
            if planes == same && matches!(planes.len(), 1 | 2) =>
        {
            let outside = |&&at: &&i64| usize::try_from(at).map_or(true, |at| at >= in_plane);
            match indices.iter().find(outside) {
                None => Ok([in_plane, out_plane]),
                Some(at) => Err(Error::value(
                    op,
                    format!(
                        "index {at} is not in a plane of {in_plane} elements (input {input:?})"
                    ),
                )),
            }
        }
        _ => Err(Error::shape(
            op,
            format!(
                "input {input:?} and indices {:?} must both be [N, C, H, W] or [C, H, W], with the \
                 same planes",
                indices.shape()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::par::with_threads;
    use crate::random::Generator;
    use proptest::prelude::*;

    /// A window at a time, in row-major order, by the rules of the module page.
    fn naive(x: &Tensor<f64>, options: &MaxPool2dOptions) -> (Vec<f64>, Vec<i64>) {
        let geometry = options.geometry(x.shape()).unwrap();
        let ([height, width], [rows, columns]) = (geometry.input, geometry.output);
        let (mut values, mut indices) = (vec![], vec![]);
        for plane in x.as_slice().chunks(height * width) {
            for p in 0..rows {
                for q in 0..columns {
                    let (mut largest, mut at) = (f64::NEG_INFINITY, None);
                    for i in 0..options.kernel[0] {
                        for j in 0..options.kernel[1] {
                            let row = geometry.window.source(0, p, i, height);
                            let column = geometry.window.source(1, q, j, width);
                            if let (Some(row), Some(column)) = (row, column) {
                                let here = row * width + column;
                                let x = plane[here];
                                if at.is_none() || x > largest || x.is_nan() {
                                    (largest, at) = (x, Some(here as i64));
                                }
                            }
                        }
                    }
                    values.push(largest);
                    indices.push(at.unwrap());
                }
            }
        }
        (values, indices)
    }

    fn bits(values: &[f64]) -> Vec<u64> {
        values.iter().map(|x| x.to_bits()).collect()
    }

    prop_compose! {
        fn cases()(
            batch in prop::option::of(0usize..3),
            channels in 1usize..3,
            size in prop::array::uniform2(1usize..9),
            kernel in prop::array::uniform2(1usize..5),
            stride in prop::array::uniform2(1usize..4),
            padding in prop::array::uniform2(0usize..3),
            dilation in prop::array::uniform2(1usize..3),
            ceil_mode in any::<bool>(),
        ) -> (Vec<usize>, MaxPool2dOptions) {
            let padding = [0, 1].map(|axis| padding[axis].min(kernel[axis] / 2));
            let options = MaxPool2dOptions::new(kernel)
                .stride(stride).padding(padding).dilation(dilation).ceil_mode(ceil_mode);
            (batch.into_iter().chain([channels, size[0], size[1]]).collect(), options)
        }
    }

    proptest! {
        /// Few distinct values, so that there are ties, −∞ and NaN in plenty.
        #[test]
        fn agrees_with_the_definition((shape, options) in cases(), seed in any::<u64>()) {
            let values = [0.0, 1.0, 2.0, -1.0, f64::NEG_INFINITY, f64::NAN];
            let mut generator = Generator::new(seed);
            let x = Tensor::<f64>::uniform(&shape, 0.0, 6.0, &mut generator).unwrap();
            let x = x.map(|x| values[x as usize]);
            match options.geometry(&shape) {
                Err(_) => prop_assert!(x.max_pool2d(&options).is_err()),
                Ok(_) => {
                    let (y, indices) = x.max_pool2d_with_indices(&options).unwrap();
                    let (values, at) = naive(&x, &options);
                    prop_assert_eq!(bits(y.as_slice()), bits(&values));
                    prop_assert_eq!(indices.to_vec(), at);
                    let alone = x.max_pool2d(&options).unwrap();
                    prop_assert_eq!(bits(alone.as_slice()), bits(&values));
                    let again = x.max_pool2d_gather(&indices).unwrap();
                    prop_assert_eq!(bits(again.as_slice()), bits(&values));
                }
            }
        }

        /// ⟨gather(x), g⟩ = ⟨x, scatter(g)⟩.
        #[test]
        fn scatter_is_the_adjoint_of_gather((shape, options) in cases()) {
            if options.geometry(&shape).is_ok() {
                let mut generator = Generator::new(3);
                let x = Tensor::<f64>::randn(&shape, &mut generator).unwrap();
                let (y, indices) = x.max_pool2d_with_indices(&options).unwrap();
                let g = Tensor::randn(y.shape(), &mut generator).unwrap();
                let dx = g.max_pool2d_scatter(&indices, &shape).unwrap();
                let inner = |a: &Tensor<f64>, b: &Tensor<f64>| (a * b).unwrap().sum().item().unwrap();
                prop_assert!((inner(&y, &g) - inner(&x, &dx)).abs() < 1e-10);
            }
        }
    }

    /// x = torch.arange(16.).view(1, 1, 4, 4)
    #[test]
    fn padding_never_wins_as_pytorch() {
        let x = Tensor::<f32>::from([[
            [0.0, 1.0, 2.0, 3.0],
            [4.0, 5.0, 6.0, 7.0],
            [8.0, 9.0, 10.0, 11.0],
            [12.0, 13.0, 14.0, 15.0],
        ]]);
        // F.max_pool2d(-x, 3, 2, 1, return_indices=True)
        let options = MaxPool2dOptions::new(3).stride(2).padding(1);
        let (y, indices) = x.neg().max_pool2d_with_indices(&options).unwrap();
        assert_eq!(y, Tensor::from([[[0.0, -1.0], [-4.0, -5.0]]]));
        assert_eq!(indices, Tensor::from([[[0, 1], [4, 5]]]));
        // F.max_pool2d(x, (2, 4), (2, 3), (1, 2))
        let options = MaxPool2dOptions::new((2, 4)).stride((2, 3)).padding((1, 2));
        let y = x.max_pool2d(&options).unwrap();
        assert_eq!(y, Tensor::from([[[1.0, 3.0], [9.0, 11.0], [13.0, 15.0]]]));
    }

    /// x = torch.tensor([[[1., nan, 3.], [nan, 2., 5.]]])
    /// F.max_pool2d(x, 2, 1, return_indices=True)
    #[test]
    fn the_last_nan_gets_the_index_as_pytorch() {
        let nan = f32::NAN;
        let x = Tensor::from([[[1.0, nan, 3.0], [nan, 2.0, 5.0]]]);
        let options = MaxPool2dOptions::new(2).stride(1);
        let (y, indices) = x.max_pool2d_with_indices(&options).unwrap();
        assert!(y.iter().all(|y| y.is_nan()));
        assert_eq!(indices.to_vec(), [3, 1]);
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let mut generator = Generator::new(5);
        let x = Tensor::<f32>::randn([16, 8, 30, 31], &mut generator).unwrap();
        let options = MaxPool2dOptions::new(3).stride(2).padding(1);
        let run = |threads| {
            with_threads(threads, || {
                let (y, indices) = x.max_pool2d_with_indices(&options).unwrap();
                let dx = y.max_pool2d_scatter(&indices, x.shape()).unwrap();
                (x.max_pool2d(&options).unwrap(), y, indices, dx)
            })
            .unwrap()
        };
        assert_eq!(run(1), run(4));
    }

    #[test]
    fn a_window_far_larger_than_the_plane_costs_no_more_than_the_plane() {
        let x = Tensor::<f32>::from([[[1.0, 3.0], [2.0, 0.0]]]);
        let huge = isize::MAX.unsigned_abs() / 4;
        let options = MaxPool2dOptions::new(huge).padding(huge / 2).stride(1);
        let y = x.max_pool2d(&options).unwrap();
        assert!(y.iter().all(|&y| y == 3.0));
        let options = MaxPool2dOptions::new(huge).ceil_mode(true);
        assert_eq!(x.max_pool2d(&options).unwrap(), Tensor::from([[[3.0]]]));
    }

    #[test]
    fn foreign_indices_are_refused() {
        let g = Tensor::<f32>::from([[[1.0]]]);
        let scatter =
            |at: i64, shape: &[usize]| g.max_pool2d_scatter(&Tensor::from([[[at]]]), shape);
        assert!(scatter(3, &[1, 2, 2]).is_ok());
        assert_eq!(
            scatter(4, &[1, 2, 2]).unwrap_err().to_string(),
            "max_pool2d_scatter: index 4 is not in a plane of 4 elements (input [1, 2, 2])"
        );
        assert!(scatter(-1, &[1, 2, 2]).is_err());
        assert!(scatter(0, &[2, 2, 2]).is_err());
        assert!(scatter(0, &[1, 1, 2, 2]).is_err());
        assert!(scatter(0, &[1, 0, 2]).is_err());
        assert!(scatter(0, &[usize::MAX, usize::MAX, 3]).is_err());
        assert!(scatter(0, &[]).is_err());
        assert!(g.max_pool2d_gather(&Tensor::from([[[1i64]]])).is_err());
        let none = Tensor::<f32>::zeros([0, 1, 2, 2]).unwrap();
        let at = Tensor::<i64>::zeros([0, 1, 1, 1]).unwrap();
        assert_eq!(none.max_pool2d_gather(&at).unwrap().shape(), [0, 1, 1, 1]);
    }

    #[test]
    fn windows_far_apart_take_no_time() {
        // Two windows of 2⁴⁰ rows read the one row there is with taps that lie
        // 2³⁹ apart.
        let options = MaxPool2dOptions::new((1 << 40, 1))
            .stride((1 << 39, 1))
            .padding((1 << 39, 0))
            .ceil_mode(true);
        let x = Tensor::from([[[7.0f32]]]);
        let (values, indices) = x.max_pool2d_with_indices(&options).unwrap();
        assert_eq!(values.to_vec(), [7.0, 7.0]);
        assert_eq!(indices.to_vec(), [0, 0]);
    }
}
