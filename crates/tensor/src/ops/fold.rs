//! Many elements into one: the walk and the order of every reduction.
//!
//! **Accuracy.** Added one after the other, a million `f32` values leave three
//! or four correct digits. Here a sum is a tree: stretches of [`LEAF`] elements
//! are added in [`LANES`] independent lanes (which is also what vectorises),
//! the stretches in pairs, the pairs in pairs. The error grows with the depth
//! of the tree, not with the number of elements.
//!
//! **Determinism.** The shape of the tree follows from the shape of the tensor.
//! Large branches go to different threads; that does not change what is added to
//! what.
//!
//! **Any axes.** A tensor is walked as a nest of runs, outermost first: axes
//! that are kept and axes that are folded, neighbours of a kind merged. Summing
//! `[N, C, H, W]` to `[C]` is three runs: fold N, keep C, fold H·W.
//!
//! **Cost.** One pass over the operand, by vectors. Along rows a stretch is a
//! vector's work; down columns every column is a lane, and the columns are taken
//! in tiles whose sums stay in the first cache.

use crate::element::Number;
use crate::error::Result;
use crate::loops::{CHECKED, Folds};
use crate::shape::{self, Axes};
use crate::simd::fold::{Addition, LEAF, Largest, Monoid, Smallest, split};
use crate::tensor::Tensor;
use crate::{par, scratch, simd};

/// The most rows that are added one after the other.
const ROWS: usize = 32;
/// Elements of input that make one piece of shared work.
const PIECE: usize = 1 << 14;
/// So many branches of a large tree are shared out.
const BRANCHES: usize = 32;
/// The longest stretch that is not shared out.
const SHARED: usize = 8 * LEAF * BRANCHES;
/// Sums that are gathered side by side: they fit the first cache.
const TILE: usize = 1 << 9;
/// Neighbours that are read before the next turn: memory likes long runs.
const RUN: usize = 1 << 12;

/// One level of the walk over the operand.
#[derive(Clone, Copy, Debug)]
pub struct Run {
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

/// What many elements become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Their sum: 0 of none.
    Sum,
    /// The largest, NaN if there is one: −∞ of none.
    Largest,
    /// The smallest, NaN if there is one: ∞ of none.
    Smallest,
}

impl Fold {
    /// What `x` folds to.
    pub(crate) fn all<T: Folds>(self, x: &[T]) -> T {
        T::fold(CHECKED, self, x)
    }

    /// `x` folded along these axes.
    pub(crate) fn along<T: Number>(self, x: &Tensor<T>, plan: &Plan) -> Result<Tensor<T>> {
        let mut out = Tensor::arbitrary(plan.op, &plan.shape)?;
        T::fold_along(CHECKED, self, &plan.runs, x.as_slice(), out.as_mut_slice());
        Ok(out)
    }
}

/// What all of `x` folds to.
pub(crate) fn fold_loops<T: Number>(what: Fold, x: &[T]) -> T {
    match what {
        Fold::Sum => fold::<T, Addition>(x),
        Fold::Largest => fold::<T, Largest>(x),
        Fold::Smallest => fold::<T, Smallest>(x),
    }
}

/// Writes to `out` what `x` folds to along `runs`.
pub(crate) fn along_loops<T: Number>(what: Fold, runs: &[Run], x: &[T], out: &mut [T]) {
    fn along<T: Number, M: Monoid<T>>(runs: &[Run], x: &[T], out: &mut [T]) {
        out.fill(M::unit());
        if !x.is_empty() {
            fold_into::<T, M>(runs, x, out);
        }
    }
    match what {
        Fold::Sum => along::<T, Addition>(runs, x, out),
        Fold::Largest => along::<T, Largest>(runs, x, out),
        Fold::Smallest => along::<T, Smallest>(runs, x, out),
    }
}

/// All of `x`.
fn fold<T: Number, M: Monoid<T>>(x: &[T]) -> T {
    if x.len() <= 4 * LEAF {
        return T::small_tree(M::FOLD, x);
    }
    if x.len() <= SHARED {
        let (left, right) = split(x);
        return M::join(fold::<T, M>(left), fold::<T, M>(right));
    }
    // The branches that the first five halvings leave.
    let (mut branches, mut count) = ([x; BRANCHES], 1);
    while count < BRANCHES {
        for i in (0..count).rev() {
            (branches[2 * i], branches[2 * i + 1]) = split(branches[i]);
        }
        count *= 2;
    }
    let mut sums = [M::unit(); BRANCHES];
    let tasks = branches.iter().zip(&mut sums);
    par::for_each_item(tasks, x.len(), |(branch, sum)| *sum = fold::<T, M>(branch));
    while count > 1 {
        count /= 2;
        for i in 0..count {
            sums[i] = M::join(sums[2 * i], sums[2 * i + 1]);
        }
    }
    sums[0]
}

/// Joins `x` to `out`, element by element.
#[inline(always)]
fn join_all<T: Number, M: Monoid<T>>(out: &mut [T], x: &[T]) {
    for (sum, &x) in out.iter_mut().zip(x) {
        *sum = M::join(*sum, x);
    }
}

/// Joins into `out` what `x`, which is not empty, folds to along `runs`.
fn fold_into<T: Number, M: Monoid<T>>(runs: &[Run], x: &[T], out: &mut [T]) {
    let Some((&Run { inner, folded }, rest)) = runs.split_first() else {
        return join_all::<T, M>(out, x);
    };
    let turns = x.len() / inner;
    let Some((next, _)) = rest.split_first() else {
        if folded {
            out[0] = M::join(out[0], fold::<T, M>(x));
        } else {
            simd::wide(|| join_all::<T, M>(out, x));
        }
        return;
    };
    if folded {
        // What is kept inside is shared out: each piece goes through all turns.
        let kept = inner / next.inner;
        let size = out.len() / kept;
        let tile = (TILE / size).min(RUN / next.inner).max(1);
        par::for_each_piece(out, tile * size, x.len(), |i, out| {
            let turns = Turns {
                x: &x[i * tile * next.inner..],
                pitch: inner,
                width: out.len() / size * next.inner,
                count: turns,
            };
            turns.fold_into::<M>(rest, out);
        });
        return;
    }
    let size = out.len() / turns;
    let batch = (PIECE / inner).max(1);
    par::for_each_piece(out, batch * size, x.len(), |i, out| {
        let x = &x[i * batch * inner..];
        if rest.len() == 1 && inner <= 4 * LEAF {
            T::fold_rows(M::FOLD, x, inner, out);
        } else {
            let lines = x.chunks(inner).zip(out.chunks_mut(size));
            lines.for_each(|(x, out)| fold_into::<T, M>(rest, x, out));
        }
    });
}

/// Slices of `width` elements, `pitch` apart, that fall onto each other.
#[derive(Clone, Copy)]
struct Turns<'a, T> {
    x: &'a [T],
    pitch: usize,
    width: usize,
    count: usize,
}

impl<'a, T: Number> Turns<'a, T> {
    #[inline(always)]
    fn slice(&self, i: usize) -> &'a [T] {
        &self.x[i * self.pitch..][..self.width]
    }

    /// The upper half and the lower half.
    fn halves(self) -> (Self, Self) {
        let top = self.count / 2;
        let below = Self {
            x: &self.x[top * self.pitch..],
            count: self.count - top,
            ..self
        };
        (Self { count: top, ..self }, below)
    }

    /// Joins into `out` what each of them folds to along `runs`, [`ROWS`] in a row
    /// and longer ones in halves.
    fn fold_into<M: Monoid<T>>(self, runs: &[Run], out: &mut [T]) {
        let len = out.len();
        if self.count > BRANCHES * ROWS && self.count * self.width > SHARED {
            // The branches that the first five halvings leave.
            let (mut branches, mut count) = ([self; BRANCHES], 1);
            while count < BRANCHES {
                for i in (0..count).rev() {
                    (branches[2 * i], branches[2 * i + 1]) = branches[i].halves();
                }
                count *= 2;
            }
            return scratch::with(BRANCHES * len, |sums| {
                let tasks = branches.into_iter().zip(sums.chunks_mut(len));
                par::for_each_item(tasks, self.count * self.width, |(branch, sum)| {
                    sum.fill(M::unit());
                    branch.fold_into::<M>(runs, sum);
                });
                // Two branches are joined as two halves are: to nothing.
                while count > 2 {
                    count /= 2;
                    for i in 0..count {
                        for k in 0..len {
                            let (a, b) = (sums[2 * i * len + k], sums[(2 * i + 1) * len + k]);
                            sums[i * len + k] = M::join(M::join(M::unit(), a), b);
                        }
                    }
                }
                join_all::<T, M>(out, &sums[..len]);
                join_all::<T, M>(out, &sums[len..2 * len]);
            });
        }
        if self.count > ROWS {
            let (upper, lower) = self.halves();
            return scratch::with(2 * len, |halves| {
                halves.fill(M::unit());
                let (above, below) = halves.split_at_mut(len);
                upper.fold_into::<M>(runs, above);
                lower.fold_into::<M>(runs, below);
                simd::wide(|| {
                    join_all::<T, M>(out, above);
                    join_all::<T, M>(out, below);
                });
            });
        }
        if runs.len() == 1 {
            simd::wide(|| {
                for i in 0..self.count {
                    join_all::<T, M>(out, self.slice(i));
                }
            });
        } else {
            (0..self.count).for_each(|i| fold_into::<T, M>(runs, self.slice(i), out));
        }
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
        let named = shape::wrap_axes(op, &axes.to_axes(), shape.len())?;
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
mod tests;
