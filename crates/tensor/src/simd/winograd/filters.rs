//! The weights of Winograd's convolution, transformed.
//!
//! ```text
//! for each vector of pairs of an input channel c and one of eight output channels o
//!     taps[9] = w[o, c]                                    (turned by 180 degrees for the adjoint)
//!     for each column of taps: six numbers of three        G w
//!     for each of the six rows: six numbers of three       (G w) Gᵀ
//!     u[e, c, o] = the 36 numbers                          (a store for each place e)
//! ```
//!
//! Done once a call, whatever the number of images: small batches of many
//! channels spend much of their time here.

use super::{FILTERS, MOST_LANES, PLACES, POINTS, Plan, WIDE};
use crate::element::Float;
use crate::simd::{Kernel, Vector};

/// Taps of a kernel.
const TAPS: usize = 9;

/// Arguments of the kernel: at most eight output channels, all input channels.
pub(crate) struct Filters<'a, T> {
    pub(crate) plan: &'a Plan,
    /// The taps of the first output channel and the first input channel, and
    /// what follows them.
    pub(crate) weights: &'a [T],
    /// From the taps of an output channel to those of the next one, and from
    /// those of an input channel.
    pub(crate) steps: [usize; 2],
    /// How many output channels.
    pub(crate) count: usize,
    /// Whether kernels are turned by 180 degrees.
    pub(crate) turned: bool,
    /// `[36, C, 8]` with [`Plan::filters_step`] from place to place: zero for
    /// what is no channel.
    pub(crate) filters: &'a mut [T],
}

impl<T: Float> Kernel<T> for Filters<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let step = self.plan.filters_step();
        let pairs = self.plan.channels[0] * FILTERS;
        // What the pointers below rely on: a vector may hang over the last pair.
        assert!(V::LANES <= MOST_LANES && pairs + MOST_LANES <= step);
        assert!(self.filters.len() >= PLACES * step);
        let mut taps = [[T::ZERO; MOST_LANES]; TAPS];
        for first in (0..pairs).step_by(V::LANES) {
            for lane in 0..V::LANES.min(pairs - first) {
                let (c, o) = ((first + lane) / FILTERS, (first + lane) % FILTERS);
                if o < self.count {
                    let w = &self.weights[o * self.steps[0] + c * self.steps[1]..][..TAPS];
                    for (k, tap) in taps.iter_mut().enumerate() {
                        tap[lane] = w[if self.turned { TAPS - 1 - k } else { k }];
                    }
                } else {
                    taps.iter_mut().for_each(|tap| tap[lane] = T::ZERO);
                }
            }
            // SAFETY: a vector is at most so long.
            let tap = |k: usize| unsafe { V::load(taps[k].as_ptr()) };
            let columns = [
                to_points::<T, V>([tap(0), tap(3), tap(6)]),
                to_points::<T, V>([tap(1), tap(4), tap(7)]),
                to_points::<T, V>([tap(2), tap(5), tap(8)]),
            ];
            unroll!(i < WIDE, 8, {
                let row = to_points::<T, V>([columns[0][i], columns[1][i], columns[2][i]]);
                unroll!(j < WIDE, 8, {
                    let at = (WIDE * i + j) * step + first;
                    // SAFETY: pairs of this place, and the room behind the last.
                    unsafe { row[j].store(self.filters.as_mut_ptr().add(at)) };
                });
            });
        }
    }
}

/// G: from three numbers six.
#[inline(always)]
fn to_points<T: Float, V: Vector<T>>([first, middle, last]: [V; 3]) -> [V; WIDE] {
    let [a, b] = POINTS;
    let by = |factor: f64| V::splat(T::of(factor));
    let (outer_a, inner_a) = (last.mul_add(by(a * a), first), middle.mul(by(a)));
    let (outer_b, inner_b) = (last.mul_add(by(b * b), first), middle.mul(by(b)));
    let at_a = by(0.5 / (a * a * (a * a - b * b)));
    let at_b = by(0.5 / (b * b * (b * b - a * a)));
    [
        first.mul(by(1.0 / (a * a * b * b))),
        outer_a.add(inner_a).mul(at_a),
        outer_a.sub(inner_a).mul(at_a),
        outer_b.add(inner_b).mul(at_b),
        outer_b.sub(inner_b).mul(at_b),
        last,
    ]
}
