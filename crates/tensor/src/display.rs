//! Printing, as PyTorch users know it.
//!
//! `Display` lays a tensor out as PyTorch does: columns aligned, four decimals
//! (`{:.2}` asks for two), integral values without any, scientific notation
//! where the range demands it, rows wrapped at 80 columns, a blank line between
//! matrices, and of more than a thousand elements only three from either end of
//! each axis. One format is chosen for all elements that are shown, hence two
//! passes: one to choose, one to print.
//!
//! `Debug` is one line for a failing test: type, shape, and the shown elements
//! in full precision.

use std::fmt::{self, Debug, Display, Formatter};

use ndarray::{ArrayViewD, Axis, CowArray, IxDyn};

use crate::element::{Element, Kind};
use crate::tensor::Tensor;

/// More elements than this are summarised.
const THRESHOLD: usize = 1000;
/// How many positions a summary shows at either end of an axis.
const EDGE: usize = 3;
/// Where rows are wrapped.
const LINE_WIDTH: usize = 80;
/// What stands before the first bracket of every line.
const PREFIX: &str = "tensor(";
/// More decimals than any `f64` has; widths must stay within what formatting
/// accepts.
const MOST_DECIMALS: usize = 1100;

/// ```
/// use wengert_tensor::Tensor;
///
/// let x = Tensor::from([[1.0, -1.0], [0.5, 10.0]]);
/// assert_eq!(
///     x.to_string(),
///     "tensor([[ 1.0000, -1.0000],\n        [ 0.5000, 10.0000]])"
/// );
/// assert_eq!(format!("{:.1}", x.select(0, 1)?), "tensor([ 0.5, 10.0])");
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
impl<T: Element> Display for Tensor<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return match self.shape() {
                [0] => write!(f, "{PREFIX}[])"),
                shape => write!(f, "{PREFIX}[], size={shape:?})"),
            };
        }
        let shown = Summary::of(self.as_array());
        let notation =
            Notation::choose(f.precision().unwrap_or(4).min(MOST_DECIMALS), shown.iter());
        let format = |f: &mut Formatter<'_>, x: T| {
            write!(f, "{:>width$}", notation.format(x), width = notation.width)
        };
        let indent = PREFIX.len() + self.ndim();
        let per_line = LINE_WIDTH.saturating_sub(indent - 1) / (notation.width + 2);
        let layout = Layout {
            indent: Some(indent),
            per_line: per_line.max(1),
        };
        f.write_str(PREFIX)?;
        shown.write(f, &layout, format)?;
        f.write_str(")")
    }
}

impl<T: Element> Debug for Tensor<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor<{}>{:?} ", T::NAME, self.shape())?;
        if self.is_empty() {
            return f.write_str("[]");
        }
        let layout = Layout {
            indent: None,
            per_line: usize::MAX,
        };
        Summary::of(self.as_array()).write(f, &layout, |f, x| write!(f, "{x:?}"))
    }
}

/// How all elements of a tensor are written.
struct Notation {
    precision: usize,
    /// Without decimals: for integral values.
    integral: bool,
    scientific: bool,
    width: usize,
}

impl Notation {
    /// The notation that fits the elements, by PyTorch's rules. Zeros, NaN and
    /// infinities have no say in it.
    fn choose<T: Element>(precision: usize, elements: impl Iterator<Item = T> + Clone) -> Self {
        let mut notation = Self {
            precision,
            integral: true,
            scientific: false,
            width: 1,
        };
        let counted = elements.filter(|x| match T::KIND {
            Kind::Float => x.as_f64().is_finite() && *x != T::ZERO,
            Kind::Int | Kind::Bool => true,
        });
        if T::KIND == Kind::Float {
            let (mut least, mut most) = (f64::INFINITY, 0.0);
            for x in counted.clone().map(T::as_f64) {
                least = f64::min(least, x.abs());
                most = f64::max(most, x.abs());
                notation.integral &= x.fract() == 0.0;
            }
            notation.scientific =
                most > 0.0 && (most / least > 1000.0 || most > 1e8 || least < 1e-4);
        }
        let widths = counted.map(|x| notation.format(x).len());
        notation.width = widths.max().unwrap_or(1);
        notation
    }

    fn format<T: Element>(&self, x: T) -> String {
        let precision = self.precision;
        match (T::KIND, x.as_f64()) {
            (Kind::Bool, x) => if x == 0.0 { "False" } else { "True" }.to_owned(),
            (Kind::Int, _) => x.as_i64().to_string(),
            (Kind::Float, x) if x.is_nan() => "nan".to_owned(),
            (Kind::Float, x) if x.is_infinite() => x.to_string(),
            (Kind::Float, x) if self.scientific => scientific(x, precision),
            (Kind::Float, x) if self.integral => format!("{x:.0}."),
            (Kind::Float, x) => format!("{x:.precision$}"),
        }
    }
}

/// Like C's `%e`: the exponent has a sign and at least two digits.
fn scientific(x: f64, precision: usize) -> String {
    let short = format!("{x:.precision$e}");
    let (mantissa, exponent) = short.split_once('e').unwrap_or((&short, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// How brackets and lines are arranged.
struct Layout {
    /// The column at which a wrapped row goes on; `None` for a single line.
    indent: Option<usize>,
    /// The elements in one line of a row.
    per_line: usize,
}

/// The elements that are shown, and the axes whose middle is left out.
struct Summary<'a, T: Element> {
    shown: CowArray<'a, T, IxDyn>,
    elided: Vec<bool>,
}

impl<'a, T: Element> Summary<'a, T> {
    fn of(view: ArrayViewD<'a, T>) -> Self {
        let large = view.len() > THRESHOLD;
        let elided: Vec<bool> = view
            .shape()
            .iter()
            .map(|&n| large && n > 2 * EDGE)
            .collect();
        let mut shown = CowArray::from(view);
        for (axis, _) in elided.iter().enumerate().filter(|(_, elided)| **elided) {
            let n = shown.shape()[axis];
            let ends: Vec<usize> = (0..EDGE).chain(n - EDGE..n).collect();
            shown = shown.select(Axis(axis), &ends).into();
        }
        Self { shown, elided }
    }

    fn iter(&self) -> impl Iterator<Item = T> + Clone {
        self.shown.iter().copied()
    }

    /// Writes the elements between their brackets. A loop, not a recursion:
    /// the number of axes is the caller's.
    fn write(
        &self,
        f: &mut Formatter<'_>,
        layout: &Layout,
        element: impl Fn(&mut Formatter<'_>, T) -> fmt::Result,
    ) -> fmt::Result {
        let shape = self.shown.shape();
        let ndim = shape.len();
        let mut index = vec![0; ndim];
        write_repeated(f, "[", ndim)?;
        for x in self.iter() {
            element(f, x)?;
            // The axis that moves on; those after it start again.
            let Some(axis) = (0..ndim).rev().find(|&a| index[a] + 1 < shape[a]) else {
                break;
            };
            index[axis] += 1;
            index[axis + 1..].fill(0);
            let closed = ndim - 1 - axis;
            write_repeated(f, "]", closed)?;
            let middle = self.elided[axis] && index[axis] == EDGE;
            if closed == 0 {
                self.write_gap(f, layout, index[axis], middle)?;
            } else {
                let between = |f: &mut Formatter<'_>| match layout.indent {
                    Some(indent) => {
                        f.write_str(",")?;
                        write_repeated(f, "\n", closed)?;
                        write_repeated(f, " ", indent - closed)
                    }
                    None => f.write_str(", "),
                };
                between(f)?;
                if middle {
                    f.write_str("...")?;
                    between(f)?;
                }
                write_repeated(f, "[", closed)?;
            }
        }
        write_repeated(f, "]", ndim)
    }

    /// What stands before element `at` of a row: a comma, a new line where the
    /// old one is full, and dots for what is left out, which count as an
    /// element.
    fn write_gap(
        &self,
        f: &mut Formatter<'_>,
        layout: &Layout,
        at: usize,
        middle: bool,
    ) -> fmt::Result {
        let comma = |f: &mut Formatter<'_>, place: usize| match layout.indent {
            Some(indent) if place.is_multiple_of(layout.per_line) => {
                f.write_str(",\n")?;
                write_repeated(f, " ", indent)
            }
            _ => f.write_str(", "),
        };
        let past = at >= EDGE && self.elided.last() == Some(&true);
        if middle {
            comma(f, at)?;
            let dots = if layout.indent.is_some() {
                " ..."
            } else {
                "..."
            };
            f.write_str(dots)?;
        }
        comma(f, at + usize::from(past))
    }
}

fn write_repeated(f: &mut Formatter<'_>, what: &str, times: usize) -> fmt::Result {
    (0..times).try_for_each(|_| f.write_str(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `print(torch.tensor(…))` prints.
    fn assert_prints<T: Element>(x: impl Into<Tensor<T>>, expected: &str) {
        assert_eq!(x.into().to_string(), expected);
    }

    #[test]
    fn numbers_as_pytorch() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        assert_prints([[1.0f32, -1.0]], "tensor([[ 1., -1.]])");
        assert_prints([1.5f32, 2.0], "tensor([1.5000, 2.0000])");
        assert_prints([1e-4f32, 1.0], "tensor([1.0000e-04, 1.0000e+00])");
        assert_prints([5e-5f32, 6e-5], "tensor([5.0000e-05, 6.0000e-05])");
        assert_prints([1e8f32], "tensor([100000000.])");
        assert_prints([1e9f32], "tensor([1.0000e+09])");
        assert_prints([1e-45f32, 1.0], "tensor([1.4013e-45, 1.0000e+00])");
        assert_prints([1000.5f32, 2.25], "tensor([1000.5000,    2.2500])");
        assert_prints([0.001f32, 0.5], "tensor([0.0010, 0.5000])");
        assert_prints([1e-300f64, 1.0], "tensor([1.0000e-300,  1.0000e+00])");
        assert_prints([0.03125f32], "tensor([0.0312])");
        assert_prints([-0.0f32], "tensor([-0.])");
        assert_prints([nan], "tensor([nan])");
        assert_prints([nan, 1.0, inf, -inf], "tensor([nan, 1., inf, -inf])");
        assert_prints(
            [nan, 1.5, inf, -inf],
            "tensor([   nan, 1.5000,    inf,   -inf])",
        );
        assert_prints(
            [[1e10f32, 2e-10], [nan, -inf]],
            "tensor([[1.0000e+10, 2.0000e-10],\n        [       nan,       -inf]])",
        );
        assert_prints(3.5f32, "tensor(3.5000)");
        assert_prints(3.0f32, "tensor(3.)");
        assert_prints(-3i64, "tensor(-3)");
        assert_prints(true, "tensor(True)");
        assert_prints(
            [[1, -20], [300, 4]],
            "tensor([[  1, -20],\n        [300,   4]])",
        );
        assert_prints([true, false], "tensor([ True, False])");
    }

    #[test]
    fn nesting_as_pytorch() {
        let x = Tensor::<f32>::arange(0.0, 8.0, 1.0).unwrap() / 7.0;
        assert_prints(
            x.reshape([2, 2, 1, 2]).unwrap(),
            "tensor([[[[0.0000, 0.1429]],

         [[0.2857, 0.4286]]],


        [[[0.5714, 0.7143]],

         [[0.8571, 1.0000]]]])",
        );
        assert_prints(Tensor::<f32>::zeros([0]).unwrap(), "tensor([])");
        let empty = Tensor::<f32>::zeros([2, 0, 3]).unwrap();
        assert_prints(empty, "tensor([], size=[2, 0, 3])");
        let deep = Tensor::<i64>::zeros(vec![1; 20_000]).unwrap();
        assert_eq!(deep.to_string().len(), "tensor()".len() + 40_001);
    }

    #[test]
    fn long_rows_wrap_as_pytorch() {
        assert_prints(
            Tensor::arange(0, 20, 1).unwrap(),
            "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19])",
        );
        assert_prints(
            Tensor::<f32>::arange(0.0, 3000.0, 1.5)
                .unwrap()
                .reshape([2, 1000])
                .unwrap(),
            "tensor([[0.0000e+00, 1.5000e+00, 3.0000e+00,  ..., 1.4955e+03, 1.4970e+03,
         1.4985e+03],
        [1.5000e+03, 1.5015e+03, 1.5030e+03,  ..., 2.9955e+03, 2.9970e+03,
         2.9985e+03]])",
        );
    }

    #[test]
    fn large_tensors_are_summarised_as_pytorch() {
        assert_prints(
            Tensor::arange(0, 10_000, 1)
                .unwrap()
                .reshape([100, 100])
                .unwrap(),
            "tensor([[   0,    1,    2,  ...,   97,   98,   99],
        [ 100,  101,  102,  ...,  197,  198,  199],
        [ 200,  201,  202,  ...,  297,  298,  299],
        ...,
        [9700, 9701, 9702,  ..., 9797, 9798, 9799],
        [9800, 9801, 9802,  ..., 9897, 9898, 9899],
        [9900, 9901, 9902,  ..., 9997, 9998, 9999]])",
        );
        let x = Tensor::<f32>::zeros([10, 2, 1, 60]).unwrap().to_string();
        assert_eq!(
            x.matches("\n\n\n        ...,\n\n\n        [[[0.").count(),
            1
        );
        assert_prints(
            Tensor::<f32>::arange(0.0, 1001.0, 1.0).unwrap(),
            "tensor([   0.,    1.,    2.,  ...,  998.,  999., 1000.])",
        );
    }

    #[test]
    fn debug_is_one_exact_line() {
        let x: Tensor = Tensor::from([[0.1, f32::NAN], [1e-20, 1.0]]);
        assert_eq!(
            format!("{x:?}"),
            "Tensor<f32>[2, 2] [[0.1, NaN], [1e-20, 1.0]]"
        );
        assert_eq!(format!("{:?}", Tensor::scalar(true)), "Tensor<bool>[] true");
        let empty = Tensor::<f64>::zeros([0, 2]).unwrap();
        assert_eq!(format!("{empty:?}"), "Tensor<f64>[0, 2] []");
        let long = Tensor::arange(0, 2000, 1)
            .unwrap()
            .reshape([2, -1])
            .unwrap();
        assert_eq!(
            format!("{long:?}"),
            "Tensor<i64>[2, 1000] [[0, 1, 2, ..., 997, 998, 999], \
             [1000, 1001, 1002, ..., 1997, 1998, 1999]]"
        );
    }
}
