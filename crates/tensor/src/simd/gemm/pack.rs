//! Panels of b: `depth` rows of `width` columns, whole vectors, one after the
//! other. Columns beyond b's are zero; their sums are not stored.

use super::Vector;
use crate::element::Float;

/// Packs rows that are contiguous, `step` elements apart.
///
/// # Safety
/// At `from` there are so many rows (`depth`) and columns; at `to` there is
/// room for as many rows of `width`, which is a multiple of the lanes.
#[inline(always)]
pub(super) unsafe fn rows<T: Float, V: Vector<T>>(
    from: *const T,
    step: usize,
    [depth, columns]: [usize; 2],
    to: *mut T,
    width: usize,
) {
    for l in 0..depth {
        let mut j = 0;
        while j < width {
            // SAFETY: the caller's promise; no more than the columns are read.
            unsafe {
                let from = from.add(l * step + j);
                let row = if columns - j >= V::LANES {
                    V::load(from)
                } else {
                    V::load_first(from, columns - j)
                };
                row.store(to.add(l * width + j));
            }
            j += V::LANES;
        }
    }
}

/// Packs rows whose columns are contiguous, `step` elements apart: squares of
/// a vector's lanes are transposed in registers.
///
/// # Safety
/// As for [`rows`].
#[inline(always)]
pub(in crate::simd) unsafe fn columns<T: Float, V: Vector<T>>(
    from: *const T,
    step: usize,
    [depth, columns]: [usize; 2],
    to: *mut T,
    width: usize,
) {
    let mut j = 0;
    while j < width {
        let here = (columns - j).min(V::LANES);
        let mut l = 0;
        while l < depth {
            let left = (depth - l).min(V::LANES);
            let mut square = [V::zero(); 16];
            // SAFETY: the caller's promise; no more than the columns and the
            // depth are read, no more than the depth is written.
            unsafe {
                let from = from.add(j * step + l);
                let to = to.add(l * width + j);
                if here == V::LANES && left == V::LANES {
                    unroll!(i < V::LANES, {
                        square[i] = V::load(from.add(i * step));
                    });
                } else {
                    unroll!(i < V::LANES, {
                        if i < here {
                            square[i] = V::load_first(from.add(i * step), left);
                        }
                    });
                }
                let square = transposed::<T, V>(square);
                if left == V::LANES {
                    unroll!(i < V::LANES, {
                        square[i].store(to.add(i * width));
                    });
                } else {
                    unroll!(i < V::LANES, {
                        if i < left {
                            square[i].store(to.add(i * width));
                        }
                    });
                }
            }
            l += V::LANES;
        }
        j += V::LANES;
    }
}

/// The transpose of as many vectors as they have lanes. To interleave row i
/// with row i + LANES / 2, for every i, rotates the bits of all places (row,
/// then lane) by one; as often as a lane's number has bits, and rows and lanes
/// are exchanged.
#[inline(always)]
fn transposed<T: Float, V: Vector<T>>(mut square: [V; 16]) -> [V; 16] {
    unroll!(round < 4, 4, {
        if 1 << round < V::LANES {
            let mut next = square;
            unroll!(i < V::LANES / 2, 8, {
                let (even, odd) = square[i].interleave(square[i + V::LANES / 2]);
                next[2 * i] = even;
                next[2 * i + 1] = odd;
            });
            square = next;
        }
    });
    square
}
