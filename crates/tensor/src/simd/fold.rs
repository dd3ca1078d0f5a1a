//! Stretches of elements into one number each: the leaves of a reduction's tree.
//!
//! ```text
//! lane i = ((unit · x_i) · x_{i+16}) · x_{i+32} …      i = 0 … 15
//! leaf   = lanes joined in halves: i with i + 8, i + 4, i + 2, i + 1
//! ```
//!
//! Sixteen lanes are one, two or four registers. An addition takes some cycles
//! and can begin every half: so up to four leaves are gone through side by side.
//! That changes nothing of what is joined to what: the bits are the same by any
//! instructions.
//!
//! **Cost.** An element is read once; the joins hide behind that.

use super::{InstructionSet, Kernel, Lanes, Vector, run};
use crate::element::Number;
use crate::ops::elementwise::{larger, smaller};
use crate::ops::fold::Fold;

/// Independent partial sums of a stretch.
const LANES: usize = 16;
/// The longest stretch that is not halved further.
pub(crate) const LEAF: usize = 32 * LANES;

/// An associative operation with its neutral element.
pub(crate) trait Monoid<T: Number> {
    /// Its name.
    const FOLD: Fold;
    /// What changes nothing.
    fn unit() -> T;
    /// Both into one.
    fn join(a: T, b: T) -> T;
}

/// The operation on vectors.
pub(crate) trait VectorMonoid<T: Lanes + Number>: Monoid<T> {
    /// Both into one, lane by lane.
    fn join_lanes<V: Vector<T>>(a: V, b: V) -> V;
}

/// Addition and 0.
#[derive(Clone, Copy)]
pub(crate) struct Addition;

impl<T: Number> Monoid<T> for Addition {
    const FOLD: Fold = Fold::Sum;
    #[inline(always)]
    fn unit() -> T {
        T::ZERO
    }
    #[inline(always)]
    fn join(a: T, b: T) -> T {
        a.plus(b)
    }
}

impl<T: Lanes + Number> VectorMonoid<T> for Addition {
    #[inline(always)]
    fn join_lanes<V: Vector<T>>(a: V, b: V) -> V {
        a.add(b)
    }
}

/// The larger of two (NaN is the largest) and −∞.
#[derive(Clone, Copy)]
pub(crate) struct Largest;

impl<T: Number> Monoid<T> for Largest {
    const FOLD: Fold = Fold::Largest;
    #[inline(always)]
    fn unit() -> T {
        T::of(f64::NEG_INFINITY)
    }
    #[inline(always)]
    fn join(a: T, b: T) -> T {
        larger(a, b)
    }
}

impl<T: Lanes + Number> VectorMonoid<T> for Largest {
    #[inline(always)]
    fn join_lanes<V: Vector<T>>(a: V, b: V) -> V {
        // (Of two zeros the second one, as `larger` has it.)
        b.largest(a)
    }
}

/// The smaller of two (NaN is the smallest) and ∞.
#[derive(Clone, Copy)]
pub(crate) struct Smallest;

impl<T: Number> Monoid<T> for Smallest {
    const FOLD: Fold = Fold::Smallest;
    #[inline(always)]
    fn unit() -> T {
        T::of(f64::INFINITY)
    }
    #[inline(always)]
    fn join(a: T, b: T) -> T {
        smaller(a, b)
    }
}

impl<T: Lanes + Number> VectorMonoid<T> for Smallest {
    #[inline(always)]
    fn join_lanes<V: Vector<T>>(a: V, b: V) -> V {
        V::select(V::either(b.exceeds(a), a.unordered(a)), a, b)
    }
}

/// The trees of an element type, by vectors where it has some. Sealed with
/// [`Number`](crate::Number).
pub trait Trees: Sized {
    /// What at most four stretches fold to.
    #[doc(hidden)]
    fn small_tree(what: Fold, x: &[Self]) -> Self;
    /// Joins rows of `len` elements, at most four stretches, to one element each.
    #[doc(hidden)]
    fn fold_rows(what: Fold, x: &[Self], len: usize, out: &mut [Self]);
}

/// Calls a generic expression for the operation that `what` names.
macro_rules! for_fold {
    ($what:expr, $monoid:ident => $body:expr) => {
        match $what {
            Fold::Sum => {
                use self::Addition as $monoid;
                $body
            }
            Fold::Largest => {
                use self::Largest as $monoid;
                $body
            }
            Fold::Smallest => {
                use self::Smallest as $monoid;
                $body
            }
        }
    };
}

macro_rules! trees {
    ($t:ty) => {
        impl Trees for $t {
            fn small_tree(what: Fold, x: &[Self]) -> Self {
                for_fold!(what, M => run(InstructionSet::best(), Tree::<Self, M>(x, M)))
            }
            fn fold_rows(what: Fold, x: &[Self], len: usize, out: &mut [Self]) {
                for_fold!(what, M => run(InstructionSet::best(), Rows::<Self, M>(x, len, out, M)));
            }
        }
    };
}
trees!(f32);
trees!(f64);

impl Trees for i64 {
    fn small_tree(what: Fold, x: &[Self]) -> Self {
        // Integers may be joined in any order.
        for_fold!(what, M => super::wide(|| x.iter().fold(M::unit(), |a, &b| M::join(a, b))))
    }
    fn fold_rows(what: Fold, x: &[Self], len: usize, out: &mut [Self]) {
        for_fold!(what, M => for (x, out) in x.chunks(len).zip(out) {
            *out = M::join(*out, x.iter().fold(M::unit(), |a, &b| M::join(a, b)));
        });
    }
}

/// A tree of at most four stretches.
struct Tree<'a, T, M>(&'a [T], M);

impl<T: Lanes + Number, M: VectorMonoid<T>> Kernel<T> for Tree<'_, T, M> {
    type Output = T;

    #[inline(always)]
    fn run<V: Vector<T>>(self) -> T {
        tree::<T, M, V>(self.0)
    }
}

/// Rows of one length, each of which is joined to one element.
struct Rows<'a, T, M>(&'a [T], usize, &'a mut [T], M);

impl<T: Lanes + Number, M: VectorMonoid<T>> Kernel<T> for Rows<'_, T, M> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        for (x, out) in self.0.chunks(self.1).zip(self.2) {
            *out = M::join(*out, tree::<T, M, V>(x));
        }
    }
}

/// What at most four stretches fold to.
#[inline(always)]
fn tree<T: Lanes + Number, M: VectorMonoid<T>, V: Vector<T>>(x: &[T]) -> T {
    if x.len() <= LEAF {
        return leaf::<T, M, V>(x);
    }
    let (left, right) = split(x);
    // Four leaves' lanes and what is read, in registers.
    let roomy = 4 * LANES / V::LANES <= V::REGISTERS / 2;
    if roomy && left.len() > LEAF && right.len() > LEAF {
        let ((a, b), (c, d)) = (split(left), split(right));
        let [a, b, c, d] = leaves::<T, M, V, 4>([a, b, c, d]);
        return M::join(M::join(a, b), M::join(c, d));
    }
    if left.len() <= LEAF && right.len() <= LEAF {
        let [left, right] = leaves::<T, M, V, 2>([left, right]);
        return M::join(left, right);
    }
    let mut sides = [M::unit(); 2];
    for (sum, side) in sides.iter_mut().zip([left, right]) {
        *sum = if side.len() <= LEAF {
            leaf::<T, M, V>(side)
        } else {
            let (left, right) = split(side);
            let [left, right] = leaves::<T, M, V, 2>([left, right]);
            M::join(left, right)
        };
    }
    M::join(sides[0], sides[1])
}

/// The halves of what is longer than a leaf.
#[inline(always)]
pub(crate) fn split<T>(x: &[T]) -> (&[T], &[T]) {
    x.split_at((x.len() / 2).next_multiple_of(LANES))
}

/// What a stretch folds to.
#[inline(always)]
pub(crate) fn leaf<T: Lanes + Number, M: VectorMonoid<T>, V: Vector<T>>(x: &[T]) -> T {
    leaves::<T, M, V, 1>([x])[0]
}

/// What several stretches of nearly the same length fold to.
#[inline(always)]
fn leaves<T: Lanes + Number, M: VectorMonoid<T>, V: Vector<T>, const N: usize>(
    x: [&[T]; N],
) -> [T; N] {
    let mut sums = [[V::splat(M::unit()); 4]; N];
    let common = x.iter().map(|x| x.len()).min().unwrap_or(0) / LANES * LANES;
    for at in (0..common).step_by(LANES) {
        unroll!(n < N, 4, {
            unroll!(i < LANES / V::LANES, 4, {
                // SAFETY: at + 16 ≤ common, which no slice is shorter than.
                let more = unsafe { V::load(x[n].as_ptr().add(at + i * V::LANES)) };
                sums[n][i] = M::join_lanes(sums[n][i], more);
            });
        });
    }
    let mut result = [M::unit(); N];
    unroll!(n < N, 4, {
        let mut lanes = [M::unit(); LANES];
        unroll!(i < LANES / V::LANES, 4, {
            // SAFETY: the registers together are the sixteen lanes.
            unsafe { sums[n][i].store(lanes.as_mut_ptr().add(i * V::LANES)) };
        });
        for rest in x[n][common..].chunks(LANES) {
            for (lane, &x) in lanes.iter_mut().zip(rest) {
                *lane = M::join(*lane, x);
            }
        }
        unroll!(k < 4, 4, {
            let width = LANES >> (k + 1);
            for i in 0..width {
                lanes[i] = M::join(lanes[i], lanes[i + width]);
            }
        });
        result[n] = lanes[0];
    });
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The leaf as it is drawn above, by `join` alone.
    fn drawn<T: Number, M: Monoid<T>>(x: &[T]) -> T {
        let lane = |i| x.iter().skip(i).step_by(LANES);
        let mut lanes: Vec<T> = (0..LANES)
            .map(|i| lane(i).fold(M::unit(), |a, &b| M::join(a, b)))
            .collect();
        while lanes.len() > 1 {
            let half = lanes.split_off(lanes.len() / 2);
            lanes = lanes
                .iter()
                .zip(half)
                .map(|(&a, b)| M::join(a, b))
                .collect();
        }
        lanes[0]
    }

    /// The tree as it is told.
    fn told<T: Number, M: Monoid<T>>(x: &[T]) -> T {
        if x.len() <= LEAF {
            return drawn::<T, M>(x);
        }
        let (left, right) = split(x);
        M::join(told::<T, M>(left), told::<T, M>(right))
    }

    fn check<T: Lanes + Number, M: VectorMonoid<T> + Copy>(it: M) {
        let number = |i: usize| ((i * 7919) % 1009) as f64 / 16.0 - 31.0;
        let odd = [1.0, 0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let long = [511, 512, 513, 600, 1023, 1024, 1025, 1055, 1500, 2047, 2048];
        for len in (0..=40usize).chain(long) {
            for place in [None, Some(len / 2), len.checked_sub(1)] {
                for value in odd {
                    let mut x: Vec<T> = (0..len).map(|i| T::of(number(i) * 1.1)).collect();
                    if let Some(x) = place.and_then(|place| x.get_mut(place)) {
                        *x = T::of(value);
                    }
                    // Both zeros, which are equal, at the extreme.
                    if value == 0.0 {
                        for (i, x) in x.iter_mut().enumerate() {
                            *x = T::of(if i * i % 7 < 3 { 0.0 } else { -0.0 });
                        }
                    }
                    let want = format!("{:?}", told::<T, M>(&x));
                    for set in InstructionSet::available() {
                        let got = run(set, Tree::<T, M>(&x, it));
                        // As it is printed, for == cannot tell the zeros apart.
                        let got = format!("{got:?}");
                        assert_eq!(got, want, "{set}, {len}, {value}");
                        if len > 0 {
                            let mut out = [M::unit(); 1];
                            run(set, Rows::<T, M>(&x, len, &mut out, it));
                            let got = format!("{:?}", out[0]);
                            assert_eq!(got, want, "{set}, {len}, {value}: a row");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_length_by_any_instructions() {
        check::<f32, Addition>(Addition);
        check::<f64, Addition>(Addition);
        check::<f32, Largest>(Largest);
        check::<f64, Largest>(Largest);
        check::<f32, Smallest>(Smallest);
        check::<f64, Smallest>(Smallest);
    }
}
