//! Products of rows with rows: b transposed, and few rows of a.
//!
//! ```text
//! for tiles of at most 4 rows   i
//!   for 4 rows of bᵀ            j       4 × 4 vectors of sums
//!     for vectors               l       8 loads, 16 multiply-adds
//!     the lanes of 4 sums at a time are added to 4 results
//! ```
//!
//! Nothing is packed, but every load serves few multiply-adds, and adding the
//! lanes is work that does not shrink with the inner length.

use super::{Product, Start, Vector};
use crate::element::Float;

/// Computes a product whose a is row-major and whose b is transposed.
#[inline(always)]
pub(super) fn run<T: Float, V: Vector<T>>(product: &mut Product<'_, T>) {
    let [m, n] = product.out.shape();
    let mut i = 0;
    while i < m {
        let rows = match m - i {
            4.. if V::REGISTERS >= 32 => 4,
            2.. => 2,
            _ => 1,
        };
        let mut j = 0;
        while j < n {
            match rows {
                4 => tile::<T, V, 4>(product, i, j),
                2 => tile::<T, V, 2>(product, i, j),
                _ => tile::<T, V, 1>(product, i, j),
            }
            j += 4;
        }
        i += rows;
    }
}

/// R rows and four columns of the result, or those of them that are there.
#[inline(always)]
fn tile<T: Float, V: Vector<T>, const R: usize>(product: &mut Product<'_, T>, i: usize, j: usize) {
    let ([_, n], k) = (product.out.shape(), product.a.shape()[1]);
    let columns = (n - j).min(4);
    let a = [0, 1, 2, 3].map(|r| product.a.at(i + r % R, 0));
    let b = [0, 1, 2, 3].map(|c| product.b.at(0, j + c.min(columns - 1)));
    let mut sums = [[V::zero(); 4]; R];
    // SAFETY: the rows are there, each of k elements, and those of the result.
    unsafe {
        let mut l = 0;
        while l + V::LANES <= k {
            let mut y = [V::zero(); 4];
            unroll!(c < 4, 4, {
                y[c] = V::load(b[c].add(l));
            });
            unroll!(r < R, 4, {
                let x = V::load(a[r].add(l));
                unroll!(c < 4, 4, {
                    sums[r][c] = x.mul_add(y[c], sums[r][c]);
                });
            });
            l += V::LANES;
        }
        if l < k {
            let mut y = [V::zero(); 4];
            unroll!(c < 4, 4, {
                y[c] = V::load_first(b[c].add(l), k - l);
            });
            unroll!(r < R, 4, {
                let x = V::load_first(a[r].add(l), k - l);
                unroll!(c < 4, 4, {
                    sums[r][c] = x.mul_add(y[c], sums[r][c]);
                });
            });
        }
        unroll!(r < R, 4, {
            let to = product.out.at(i + r, j);
            let sum = lanes_of_four::<T, V>(sums[r]);
            let sum = match product.start {
                Start::Zero => sum,
                Start::Out => sum.add(V::load_first(to, columns)),
                Start::Bias(bias) => sum.add(V::load_first(bias[j..].as_ptr(), columns)),
            };
            let sum = if product.relu { sum.relu() } else { sum };
            sum.store_first(to, columns);
        });
    }
}

/// The sums of the lanes of four vectors, in the first four lanes.
#[inline(always)]
fn lanes_of_four<T: Float, V: Vector<T>>([a, b, c, d]: [V; 4]) -> V {
    let add = |x: V, y: V| {
        let (even, odd) = x.deinterleave(y);
        even.add(odd)
    };
    // One pair of lanes added, in every vector; then two; then the rest.
    let mut sums = add(add(a, b), add(c, d));
    unroll!(round < 2, 4, {
        if 4 << round < V::LANES {
            sums = add(sums, sums);
        }
    });
    sums
}

/// The inner product of two slices of one length.
pub(crate) struct Dot<'a, T>(pub(crate) &'a [T], pub(crate) &'a [T]);

impl<T: Float> super::Kernel<T> for Dot<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<V: Vector<T>>(self) -> T {
        let k = self.0.len().min(self.1.len());
        let (a, b) = (self.0.as_ptr(), self.1.as_ptr());
        let mut sums = [V::zero(); 4];
        // SAFETY: every element read is one of the first k.
        unsafe {
            let mut l = 0;
            while l + 4 * V::LANES <= k {
                unroll!(v < 4, 4, {
                    let at = l + v * V::LANES;
                    sums[v] = V::load(a.add(at)).mul_add(V::load(b.add(at)), sums[v]);
                });
                l += 4 * V::LANES;
            }
            while l < k {
                let count = (k - l).min(V::LANES);
                let (x, y) = (
                    V::load_first(a.add(l), count),
                    V::load_first(b.add(l), count),
                );
                sums[0] = x.mul_add(y, sums[0]);
                l += V::LANES;
            }
        }
        let [a, b, c, d] = sums;
        a.add(c).add(b.add(d)).sum()
    }
}
