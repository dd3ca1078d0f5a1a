//! Stretches of neighbours into one or two numbers each.
//!
//! ```text
//! m    = k + Σ (x − k) / n            k the first element: a constant's mean is exact
//! mean = m + Σ (x − m) / n            what the first pass lost
//! Σ (x − mean)² = Σ (x − m)² − (Σ (x − m))² / n
//! ```
//!
//! A sum runs in [`LANES`] lanes, which is what vectorises; they are joined in
//! halves. Nothing depends on the instruction set.

use crate::element::Float;

/// Independent partial sums.
const LANES: usize = 32;
/// The longest stretch: so many that its lanes are accurate, and that it stays in
/// the first cache for the second pass.
pub(super) const LEAF: usize = 1 << 10;

/// Σ f(x, y) of two slices of one length, for two functions at once.
#[inline(always)]
pub(super) fn two_sums<T: Float>(x: &[T], y: &[T], f: impl Fn(T, T) -> [T; 2]) -> [T; 2] {
    let (mut first, mut second) = ([T::ZERO; LANES], [T::ZERO; LANES]);
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in xs.iter().zip(ys) {
        for i in 0..LANES {
            let [a, b] = f(x[i], y[i]);
            first[i] += a;
            second[i] += b;
        }
    }
    for (i, (&x, &y)) in x_rest.iter().zip(y_rest).enumerate() {
        let [a, b] = f(x, y);
        first[i] += a;
        second[i] += b;
    }
    [joined(first), joined(second)]
}

#[inline(always)]
fn joined<T: Float>(mut lanes: [T; LANES]) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// The mean of a stretch that is not empty, and Σ (x − mean)².
#[inline(always)]
pub(super) fn moments<T: Float>(x: &[T]) -> [f64; 2] {
    let n = T::of(x.len() as f64);
    let k = origin(x[0]);
    let [sum, _] = two_sums(x, x, |x, _| [x - k, T::ZERO]);
    let m = k + sum / n;
    let [off, squares] = two_sums(x, x, |x, _| {
        let d = x - m;
        [d, d * d]
    });
    corrected(m, off, squares, n)
}

/// Where distances are measured from: an element, unless that is not finite.
#[inline(always)]
pub(super) fn origin<T: Float>(x: T) -> T {
    if x.is_finite() { x } else { T::ZERO }
}

/// Mean and Σ (x − mean)² from an approximate mean m, Σ (x − m) and Σ (x − m)².
#[inline(always)]
pub(super) fn corrected<T: Float>(m: T, off: T, squares: T, n: T) -> [f64; 2] {
    let shift = off / n;
    let squares = squares - off * shift;
    // NaN stays; a rounding error below 0 does not.
    let squares = if squares < T::ZERO { T::ZERO } else { squares };
    // Of an infinite mean nothing is lost.
    let shift = if shift.is_finite() { shift } else { T::ZERO };
    [m.as_f64() + shift.as_f64(), squares.as_f64()]
}

/// 0 and Σ x².
#[inline(always)]
pub(super) fn squares<T: Float>(x: &[T]) -> [f64; 2] {
    let [sum, _] = two_sums(x, x, |x, _| [x * x, T::ZERO]);
    [0.0, sum.as_f64()]
}

/// Mean and mean squared distance of a group from those of its parts, each with
/// its number of elements.
pub(super) fn merged(parts: impl Iterator<Item = (usize, [f64; 2])> + Clone) -> [f64; 2] {
    let first = parts.clone().next().map_or(0.0, |(_, [mean, _])| mean);
    let k = if first.is_finite() { first } else { 0.0 };
    let (mut n, mut off) = (0.0, 0.0);
    for (count, [mean, _]) in parts.clone() {
        n += count as f64;
        off += count as f64 * (mean - k);
    }
    let mean = k + off / n;
    let squares: f64 = parts
        .map(|(count, [part, squares])| {
            let d = part - mean;
            squares + count as f64 * (d * d)
        })
        .sum();
    [mean, squares / n]
}
