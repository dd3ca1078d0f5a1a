//! Many elements into one: the walk and the order of every reduction.
//!
//! **Accuracy.** Added one after the other, a million `f32` values leave three
//! or four correct digits. Here a sum is a tree: stretches of [`LEAF`] elements
//! are added in [`LANES`] independent lanes (which is also what vectorises),
//! the stretches in pairs, the pairs in pairs. The error grows with the depth
//! of the tree, not with the number of elements.
//!
//! **Determinism.** The shape of the tree follows from the shape of the tensor.
//! Large halves go to different threads; that does not change what is added to
//! what.
//!
//! **Any axes.** A tensor is walked as a nest of runs, outermost first: axes
//! that are kept and axes that are folded, neighbours of a kind merged. Summing
//! `[N, C, H, W]` to `[C]` is three runs: fold N, keep C, fold H·W.
//!
//! **Cost.** One pass over the operand.

use super::elementwise::{larger, smaller};
use crate::element::Number;
use crate::error::Result;
use crate::par;
use crate::shape::{self, Axes};
use crate::tensor::Tensor;

/// Independent partial sums of a stretch: one or two vector registers.
const LANES: usize = 16;
/// The longest stretch that is not halved further.
const LEAF: usize = 32 * LANES;
/// The most rows that are added one after the other.
const ROWS: usize = 32;
/// Elements of input that make one piece of shared work.
const PIECE: usize = 1 << 14;

/// One level of the walk over the operand.
#[derive(Clone, Copy)]
struct Run {
    /// Elements of the operand from one turn to the next.
    inner: usize,
    /// Whether its turns fall onto each other in the result.
    folded: bool,
}

/// The levels of the walk over `shape`, outermost first: axes of size 1 vanish,
/// neighbours of a kind merge.
fn runs(shape: &[usize], folded: impl Fn(usize) -> bool) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::with_capacity(shape.len());
    for (axis, inner) in shape::strides(shape).into_iter().enumerate() {
        let run = Run {
            inner,
            folded: folded(axis),
        };
        match runs.last_mut() {
            _ if shape[axis] == 1 => {}
            Some(outer) if outer.folded == run.folded => *outer = run,
            _ => runs.push(run),
        }
    }
    runs
}

/// An associative operation with its neutral element.
#[derive(Clone, Copy)]
pub(crate) struct Monoid<T, F> {
    unit: T,
    join: F,
}

impl<T: Number, F: Fn(T, T) -> T + Copy + Send + Sync> Monoid<T, F> {
    /// Joins into `out` what `x` folds to along `runs`.
    fn fold_into(self, runs: &[Run], x: &[T], out: &mut [T]) {
        if x.is_empty() {
            return;
        }
        let join_all = |out: &mut [T], x: &[T]| {
            out.iter_mut()
                .zip(x)
                .for_each(|(sum, &x)| *sum = (self.join)(*sum, x));
        };
        let Some((&Run { inner, folded }, rest)) = runs.split_first() else {
            return join_all(out, x);
        };
        let turns = x.len() / inner;
        match (folded, rest.is_empty()) {
            (false, true) => join_all(out, x),
            (false, false) => {
                let out_inner = out.len() / turns;
                let batch = (PIECE / inner).max(1);
                par::for_each_piece(out, batch * out_inner, x.len(), |i, out| {
                    x[i * batch * inner..]
                        .chunks(inner)
                        .zip(out.chunks_mut(out_inner))
                        .for_each(|(x, out)| self.fold_into(rest, x, out));
                });
            }
            (true, true) => out[0] = (self.join)(out[0], self.fold(x)),
            (true, false) if turns <= ROWS => {
                x.chunks(inner).for_each(|x| self.fold_into(rest, x, out));
            }
            (true, false) => {
                let (top, bottom) = x.split_at(turns / 2 * inner);
                let half = |x| {
                    let mut out = vec![self.unit; out.len()];
                    self.fold_into(runs, x, &mut out);
                    out
                };
                let (top, bottom) = par::join(x.len(), || half(top), || half(bottom));
                join_all(out, &top);
                join_all(out, &bottom);
            }
        }
    }

    /// What all of `x` folds to.
    pub(crate) fn fold(self, x: &[T]) -> T {
        if x.len() > LEAF {
            let (left, right) = x.split_at((x.len() / 2).next_multiple_of(LANES));
            let (left, right) = par::join(x.len(), || self.fold(left), || self.fold(right));
            return (self.join)(left, right);
        }
        let mut lanes = [self.unit; LANES];
        let (stretches, tail) = x.as_chunks::<LANES>();
        for stretch in stretches {
            for (lane, &x) in lanes.iter_mut().zip(stretch) {
                *lane = (self.join)(*lane, x);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(tail) {
            *lane = (self.join)(*lane, x);
        }
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            for i in 0..width {
                lanes[i] = (self.join)(lanes[i], lanes[i + width]);
            }
        }
        lanes[0]
    }

    /// `x` folded along these axes.
    pub(crate) fn along(self, x: &Tensor<T>, plan: &Plan) -> Result<Tensor<T>> {
        let mut out = Tensor::filled(plan.op, &plan.shape, self.unit)?;
        self.fold_into(&plan.runs, x.as_slice(), out.as_mut_slice());
        Ok(out)
    }
}

/// Addition and 0.
pub(crate) fn addition<T: Number>() -> Monoid<T, impl Fn(T, T) -> T + Copy + Send + Sync> {
    Monoid {
        unit: T::ZERO,
        join: T::plus,
    }
}

/// The larger of two (NaN is the largest) and −∞.
pub(crate) fn largest<T: Number>() -> Monoid<T, impl Fn(T, T) -> T + Copy + Send + Sync> {
    Monoid {
        unit: T::of(f64::NEG_INFINITY),
        join: larger,
    }
}

/// The smaller of two (NaN is the smallest) and ∞.
pub(crate) fn smallest<T: Number>() -> Monoid<T, impl Fn(T, T) -> T + Copy + Send + Sync> {
    Monoid {
        unit: T::of(f64::INFINITY),
        join: smaller,
    }
}

/// A reduction that was checked: which axes fold, and what becomes of the shape.
pub(crate) struct Plan {
    /// Who reduces.
    op: &'static str,
    runs: Vec<Run>,
    /// The shape of the result.
    pub(crate) shape: Vec<usize>,
    /// How many elements fold into one.
    pub(crate) count: usize,
}

impl Plan {
    /// The reduction of `shape` over `axes`, all of them if none is named.
    pub(crate) fn new(
        op: &'static str,
        shape: &[usize],
        axes: &impl Axes,
        keepdim: bool,
    ) -> Result<Self> {
        let named = shape::axes(op, &axes.to_axes(), shape.len())?;
        let folded = |axis: usize| named.is_empty() || named.contains(&axis);
        let kept = |(axis, &size): (usize, &usize)| match (folded(axis), keepdim) {
            (false, _) => Some(size),
            (true, true) => Some(1),
            (true, false) => None,
        };
        Ok(Self {
            op,
            runs: runs(shape, folded),
            shape: shape.iter().enumerate().filter_map(kept).collect(),
            count: (0..shape.len())
                .filter(|&axis| folded(axis))
                .map(|axis| shape[axis])
                .product(),
        })
    }

    /// The reduction of `from` onto a shape that broadcasts to it: along every
    /// axis that would be repeated.
    pub(crate) fn onto(op: &'static str, from: &[usize], shape: &[usize]) -> Self {
        let leading = from.len() - shape.len();
        let folded = |axis: usize| axis < leading || shape[axis - leading] == 1;
        Self {
            op,
            runs: runs(from, folded),
            shape: shape.to_vec(),
            count: (0..from.len())
                .filter(|&axis| folded(axis))
                .map(|axis| from[axis])
                .product(),
        }
    }
}

#[cfg(test)]
mod tests {
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
}
