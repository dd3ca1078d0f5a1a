//! A square of numbers, turned over in registers.

use crate::simd::Vector;

/// The most lanes that a vector has.
pub(crate) const MOST_LANES: usize = 16;

/// Transposes the square whose rows are the first [`Vector::LANES`] vectors of
/// `square`: number j of vector i becomes number i of vector j.
///
/// A perfect shuffle of the rows, halves interleaved as one shuffles cards,
/// moves one bit of "which vector" to "which lane"; after log2(LANES) of them
/// the two have changed places. Sixteen vectors of sixteen take 64 permutations,
/// a quarter of one for each number that is moved.
#[inline(always)]
pub(crate) fn transpose<T, V: Vector<T>>(square: &mut [V; MOST_LANES]) {
    unroll!(round < V::LANES.ilog2() as usize, 4, {
        let _ = round;
        let before = *square;
        unroll!(i < V::LANES / 2, 8, {
            let (first, second) = before[i].interleave(before[i + V::LANES / 2]);
            square[2 * i] = first;
            square[2 * i + 1] = second;
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Element;
    use crate::simd::{InstructionSet, Kernel, Lanes, run};

    struct Square;

    impl<T: Lanes> Kernel<T> for Square {
        type Output = Vec<f64>;

        #[inline(always)]
        fn run<V: Vector<T>>(self) -> Vec<f64> {
            let lanes = V::LANES;
            let mut numbers: Vec<T> = (0..lanes * lanes).map(|i| T::of(i as f64)).collect();
            let mut square = [V::zero(); MOST_LANES];
            for (row, numbers) in square.iter_mut().zip(numbers.chunks_exact(lanes)) {
                // SAFETY: the chunk holds a vector.
                *row = unsafe { V::load(numbers.as_ptr()) };
            }
            transpose(&mut square);
            for (row, numbers) in square.iter().zip(numbers.chunks_exact_mut(lanes)) {
                // SAFETY: the chunk holds a vector.
                unsafe { row.store(numbers.as_mut_ptr()) };
            }
            numbers.into_iter().map(Element::as_f64).collect()
        }
    }

    #[test]
    fn rows_become_columns() {
        for set in InstructionSet::available() {
            for found in [run::<f32, _>(set, Square), run::<f64, _>(set, Square)] {
                let lanes = found.len().isqrt();
                for (i, found) in found.iter().enumerate() {
                    assert_eq!(*found, (i % lanes * lanes + i / lanes) as f64);
                }
            }
        }
    }
}
