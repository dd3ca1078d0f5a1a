//! Where the loops are compiled: here, once.
//!
//! A generic function is compiled by the crate that says what `T` is. If the
//! kernels were such functions, every program and every test would compile all
//! of them again, for each instruction set. So the element types have them as
//! methods, which this crate compiles when it is compiled, and which generic
//! code calls as `T::gemm(CHECKED, …)`. The list below is a table of contents: the
//! functions themselves are in the modules that it names.

use crate::exponential;
use crate::gemm::{self, Operand};
use crate::ops::activation::{self, Curve};
use crate::ops::conv2d::{self, Conv2dGeometry, Epilogue};
use crate::ops::fold::{self, Fold, Run};
use crate::ops::normalize::{self, Groups};
use crate::ops::pool2d::{AvgPool2dOptions, Pool2dGeometry};
use crate::ops::softmax::{self, Scores};
use crate::ops::update::adagrad::{self, AdagradOptions};
use crate::ops::update::adam::{self, AdamOptions};
use crate::ops::update::rmsprop::{self, RmsPropOptions};
use crate::ops::update::sgd::{self, SgdOptions};
use crate::ops::{avg_pool2d, extrema, max_pool2d, norm};

/// What the loops want to be shown. They trust sizes, and nothing outside of this
/// crate can make one of these.
#[derive(Clone, Copy, Debug)]
pub struct Checked(());

/// The sizes were checked.
pub(crate) const CHECKED: Checked = Checked(());

/// Declares a trait and implements it for some types: a method is a function of
/// the crate, under the signature that all of them share.
macro_rules! loops {
    ($(#[$about:meta])* trait $name:ident for $($t:ty),+; $list:tt) => {
        loops!(@declare $(#[$about])* $name $list);
        $(loops!(@implement $name, $t, $list);)+
    };
    (@declare $(#[$about:meta])* $trait:ident {
        $($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? = $path:path;)*
    }) => {
        $(#[$about])*
        #[allow(clippy::too_many_arguments)]
        pub trait $trait: Sized {
            $($(#[$doc])* #[doc(hidden)] fn $name(checked: Checked, $($arg: $type),*) $(-> $result)?;)*
        }
    };
    (@implement $trait:ident, $t:ty, {
        $($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? = $path:path;)*
    }) => {
        impl $trait for $t {
            $(fn $name(_: Checked, $($arg: $type),*) $(-> $result)? { $path($($arg),*) })*
        }
    };
}

loops! {
    /// The loops of a type with arithmetic. Sealed with [`Number`](crate::Number).
    trait Folds for f32, f64, i64;
    {
        /// What all elements fold to.
        fn fold(what: Fold, x: &[Self]) -> Self = fold::fold_loops;
        /// What the elements fold to along some axes.
        fn fold_along(what: Fold, runs: &[Run], x: &[Self], out: &mut [Self]) = fold::along_loops;
        /// Where along an axis of `count` elements that are `inner` apart the largest
        /// or smallest of each line is.
        fn place(what: Fold, count: usize, inner: usize, x: &[Self], places: &mut [i64]) = extrema::place_loops;
    }
}

loops! {
    /// The loops of a float type. Sealed with [`Float`](crate::Float).
    trait Loops for f32, f64;
    {
        /// eˣ of every element.
        fn exp_each(x: &[Self], out: &mut [Self]) = exponential::exp_each;
        /// 1 / (1 + e⁻ˣ) of every element.
        fn sigmoid_each(x: &[Self], out: &mut [Self]) = exponential::sigmoid_each;
        /// tanh of every element.
        fn tanh_each(x: &[Self], out: &mut [Self]) = exponential::tanh_each;
        /// A smooth activation of every element.
        fn curve(curve: Curve<Self>, x: &[Self], out: &mut [Self]) = activation::value_loops;
        /// A gradient times its slope at every element.
        fn curve_slope(curve: Curve<Self>, x: &[Self], grad: &mut [Self]) = activation::slope_loops;

        /// Softmax, or its logarithm, of lines of so many classes, `inner` apart.
        fn softmax_lines(what: Scores, classes: usize, inner: usize, x: &[Self], out: &mut [Self]) = softmax::softmax_loops;
        /// The cross-entropy of every line of `[classes, inner]` and its label.
        fn cross_entropy_lines(
            lines: [usize; 2],
            ignore: i64,
            x: &[Self],
            labels: &[i64],
            losses: &mut [Self],
        ) = softmax::cross_entropy_loops;
        /// Its gradient with respect to the scores.
        fn cross_entropy_grad_lines(
            lines: [usize; 2],
            ignore: i64,
            x: &[Self],
            labels: &[i64],
            g: &[Self],
            out: &mut [Self],
        ) = softmax::cross_entropy_grad_loops;

        /// A matrix product.
        fn gemm(
            mnk: [usize; 3],
            a: Operand<'_, Self>,
            b: Operand<'_, Self>,
            out: &mut [Self],
            accumulate: bool,
        ) = gemm::gemm;
        /// A matrix product that begins with a bias and may end in the rectifier.
        fn linear(
            mnk: [usize; 3],
            a: Operand<'_, Self>,
            b: Operand<'_, Self>,
            bias: Option<&[Self]>,
            relu: bool,
            out: &mut [Self],
        ) = gemm::linear;

        /// A convolution.
        fn conv2d_forward(
            geometry: &Conv2dGeometry,
            x: &[Self],
            w: &[Self],
            epilogue: Epilogue<'_, Self>,
            y: &mut [Self],
        ) = conv2d::forward_loops;
        /// Its gradient with respect to the input.
        fn conv2d_input(geometry: &Conv2dGeometry, g: &[Self], w: &[Self], x: &mut [Self]) = conv2d::input_loops;
        /// Its gradient with respect to the weight.
        fn conv2d_weight(geometry: &Conv2dGeometry, x: &[Self], g: &[Self], w: &mut [Self]) = conv2d::weight_loops;

        /// Maxima of windows, and their places in the windows if `at` is not empty;
        /// false if there is no kernel for such windows.
        fn max_pool2d_forward(
            geometry: &Pool2dGeometry,
            x: &[Self],
            y: &mut [Self],
            at: &mut [u8],
        ) -> bool = max_pool2d::forward_loops;
        /// The gradient at its places, zero elsewhere.
        fn max_pool2d_scatter_at(geometry: &Pool2dGeometry, g: &[Self], at: &[u8], x: &mut [Self]) = max_pool2d::scatter_loops;
        /// What is at those places.
        fn max_pool2d_gather_at(geometry: &Pool2dGeometry, x: &[Self], at: &[u8], y: &mut [Self]) = max_pool2d::gather_loops;

        /// Means of windows.
        fn avg_pool2d_forward(
            geometry: &Pool2dGeometry,
            options: &AvgPool2dOptions,
            x: &[Self],
            y: &mut [Self],
        ) = avg_pool2d::forward_loops;
        /// Their gradient with respect to the input.
        fn avg_pool2d_input(
            geometry: &Pool2dGeometry,
            options: &AvgPool2dOptions,
            g: &[Self],
            x: &mut [Self],
        ) = avg_pool2d::input_loops;

        /// Mean and variance of groups, alternately; 0 and the mean square if not centred.
        fn norm_moments(groups: &Groups, centred: bool, x: &[Self], out: &mut [f64]) = normalize::moments_loops;
        /// A line's number for each element: normalised.
        fn norm_scale(groups: &Groups, lines: &[Self], x: &[Self], y: &mut [Self]) = normalize::scale_loops;
        /// Σ g and Σ g · (x − near), alternately.
        fn norm_sums(groups: &Groups, near: &[Self], x: &[Self], g: &[Self], out: &mut [f64]) = normalize::sums_loops;
        /// A line's number for each element: the gradient of the input.
        fn norm_gradient(groups: &Groups, lines: &[Self], operands: [&[Self]; 2], out: &mut [Self]) = normalize::gradient_loops;
        /// What the root of a p-norm is taken of, in f64.
        fn norm_fold(p: f64, x: &[Self]) -> f64 = norm::norm_loops;
        /// A step of stochastic gradient descent.
        fn sgd_sweep(options: &SgdOptions, p: &mut [Self], velocity: Option<&mut [Self]>, g: &[Self]) = sgd::sgd_loops;
        /// A step of Adam.
        fn adam_sweep(
            options: &AdamOptions,
            step: u64,
            targets: [&mut [Self]; 3],
            largest: Option<&mut [Self]>,
            g: &[Self],
        ) = adam::adam_loops;
        /// A step of RMSProp.
        fn rmsprop_sweep(
            options: &RmsPropOptions,
            targets: [&mut [Self]; 2],
            more: [Option<&mut [Self]>; 2],
            g: &[Self],
        ) = rmsprop::rmsprop_loops;
        /// A step of Adagrad.
        fn adagrad_sweep(options: &AdagradOptions, step: u64, targets: [&mut [Self]; 2], g: &[Self]) = adagrad::adagrad_loops;
    }
}
