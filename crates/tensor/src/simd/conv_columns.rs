//! Columns of windows, added back to the image that the windows were of.
//!
//! ```text
//! for each CB channels c
//!     for each vector of pixels s of each row r of the image
//!         acc[CB] = 0                                      (registers)
//!         for each tap (i, j)
//!             acc[c][s] += columns[c, i, j][r + before − i·d, s + before − j·d]
//!                                                          (a load; zero where there is no such pixel)
//!         x[c, r, s] = acc[c][s]
//! ```
//!
//! Every pixel of the image is written once, and a tap is but a shift of the
//! vector that is read: the lanes that it shifts out of a row are masked.

use super::Kernel;
use super::vector::{Lanes, Vector};

/// Arguments of the kernel: one image.
#[derive(Debug)]
pub(crate) struct FoldColumns<'a, T> {
    /// A plane of output pixels for each channel and tap, `plane` apart.
    pub(crate) columns: &'a [T],
    pub(crate) plane: usize,
    pub(crate) output: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) dilation: [usize; 2],
    /// Zeros above and to the left of the image.
    pub(crate) before: [usize; 2],
    /// Planes of the image.
    pub(crate) x: &'a mut [T],
    pub(crate) input: [usize; 2],
}

impl<T: Lanes> Kernel<T> for FoldColumns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(mut self) {
        let [in_plane, out_plane, taps] =
            [self.input, self.output, self.kernel].map(|[a, b]| a * b);
        if in_plane == 0 || self.x.is_empty() {
            return;
        }
        let channels = self.x.len() / in_plane;
        // What the pointers below rely on.
        assert!(self.columns.len() >= (channels * taps - 1) * self.plane + out_plane);
        let mut c = 0;
        while c < channels {
            // SAFETY: channels that there are.
            c += unsafe {
                match channels - c {
                    1 => self.channels::<V, 1>(c),
                    2 => self.channels::<V, 2>(c),
                    3 => self.channels::<V, 3>(c),
                    4 | 5 | 8 => self.channels::<V, 4>(c),
                    _ => self.channels::<V, 6>(c),
                }
            };
        }
    }
}

impl<T: Lanes> FoldColumns<'_, T> {
    /// The planes of CB channels from c on, for which the masks are found once.
    /// Yields CB.
    ///
    /// # Safety
    /// x and the columns hold those channels.
    #[inline(always)]
    unsafe fn channels<V: Vector<T>, const CB: usize>(&mut self, c: usize) -> usize {
        let ([height, width], [out_h, out_w]) = (self.input, self.output);
        let [rows, across] = self.kernel;
        let channel = rows * across * self.plane;
        let columns = self.columns.as_ptr().wrapping_add(c * channel);
        let x = self.x.as_mut_ptr().wrapping_add(c * height * width);
        for r in 0..height {
            for s in (0..width).step_by(V::LANES) {
                let inside = V::LANES.min(width - s);
                let mut acc = [V::zero(); CB];
                for i in 0..rows {
                    let p = (r + self.before[0]).wrapping_sub(i * self.dilation[0]);
                    if p >= out_h {
                        continue;
                    }
                    for j in 0..across {
                        // Lane l is the output pixel l + shown − hidden of the row.
                        let (shown, hidden) = (s + self.before[1], j * self.dilation[1]);
                        let start = hidden.saturating_sub(shown);
                        let end = inside.min((out_w + hidden).saturating_sub(shown));
                        if start >= end {
                            continue;
                        }
                        let at = (i * across + j) * self.plane + p * out_w;
                        let from = columns.wrapping_add(at + shown).wrapping_sub(hidden);
                        unroll!(b < CB, 8, {
                            let from = from.wrapping_add(b * channel);
                            // SAFETY: these lanes are pixels of row p of the tap's plane.
                            let column = unsafe { V::load_between(from, start, end) };
                            acc[b] = acc[b].add(column);
                        });
                    }
                }
                unroll!(b < CB, 8, {
                    let to = x.wrapping_add((b * height + r) * width + s);
                    // SAFETY: pixels of row r.
                    unsafe { acc[b].store_first(to, inside) };
                });
            }
        }
        CB
    }
}
