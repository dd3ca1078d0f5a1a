//! Convolution by its definition.
//!
//! The loops over channels and taps are outside, the loop over a row of the
//! image is innermost: one weight against a run of pixels, without a test for
//! the border in its body. Nothing is copied and nothing allocated, which is
//! what small images want; with many channels the rows are read again and again.
//!
//! The unit of work is one plane of the result, written by one thread.

use super::Epilogue;
use super::geometry::Conv2dGeometry;
use crate::element::Float;
use crate::gemm::dot;
use crate::par;

/// Piece `i` of `data` cut into pieces of `len`.
pub(super) fn part<T>(data: &[T], i: usize, len: usize) -> &[T] {
    &data[i * len..(i + 1) * len]
}

/// The work, as [`par`] estimates it: a multiply-add of these loops costs some
/// eight times one of a vector kernel.
fn cost(geometry: &Conv2dGeometry) -> usize {
    geometry.cost().saturating_mul(8)
}

/// y = b + x ⋆ w.
pub(super) fn forward<T: Float>(
    geometry: &Conv2dGeometry,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
) {
    let ([ins, outs], [in_plane, out_plane]) = (geometry.group_channels(), geometry.planes());
    let (window, taps) = (&geometry.window, geometry.taps());
    par::for_each_piece(y, out_plane, cost(geometry), |i, y| {
        let (image, o) = (i / geometry.out_channels, i % geometry.out_channels);
        let first = image * geometry.in_channels + o / outs * ins;
        y.fill(epilogue.bias(o));
        for c in 0..ins {
            let x = part(x, first + c, in_plane);
            let w = part(w, o * ins + c, taps);
            let rows = 0..geometry.output[0];
            window.for_each_line(geometry.input, geometry.output, rows, |tap, line, from| {
                let w = w[tap];
                window.zip_line(&mut y[line], &x[from..], |y, &x| *y += w * x);
            });
        }
        epilogue.rectify(y);
    });
}

/// x = the adjoint applied to g: every output hands its gradient back to the
/// inputs that it read.
pub(super) fn input<T: Float>(geometry: &Conv2dGeometry, g: &[T], w: &[T], x: &mut [T]) {
    let ([ins, outs], [in_plane, out_plane]) = (geometry.group_channels(), geometry.planes());
    let (window, taps) = (&geometry.window, geometry.taps());
    par::for_each_piece(x, in_plane, cost(geometry), |i, x| {
        let (image, c) = (i / geometry.in_channels, i % geometry.in_channels);
        let first = c / ins * outs;
        x.fill(T::ZERO);
        for o in first..first + outs {
            let g = part(g, image * geometry.out_channels + o, out_plane);
            let w = part(w, o * ins + c % ins, taps);
            let rows = 0..geometry.output[0];
            window.for_each_line(geometry.input, geometry.output, rows, |tap, line, from| {
                let w = w[tap];
                window.zip_line(&g[line], &mut x[from..], |&g, x| *x += w * g);
            });
        }
    });
}

/// w[o, c] = Σ_n ⟨g[n, o], x[n, c] shifted by the tap⟩.
pub(super) fn weight<T: Float>(geometry: &Conv2dGeometry, x: &[T], g: &[T], w: &mut [T]) {
    let ([ins, outs], [in_plane, out_plane]) = (geometry.group_channels(), geometry.planes());
    let (window, taps) = (&geometry.window, geometry.taps());
    par::for_each_piece(w, taps, cost(geometry), |i, w| {
        let (o, c) = (i / ins, i % ins);
        w.fill(T::ZERO);
        for image in 0..geometry.images() {
            let x = part(
                x,
                image * geometry.in_channels + o / outs * ins + c,
                in_plane,
            );
            let g = part(g, image * geometry.out_channels + o, out_plane);
            let rows = 0..geometry.output[0];
            window.for_each_line(geometry.input, geometry.output, rows, |tap, line, from| {
                let g = &g[line];
                if window.stride[1] == 1 {
                    w[tap] += dot(g, &x[from..from + g.len()]);
                } else {
                    window.zip_line(g, &x[from..], |&g, &x| w[tap] += g * x);
                }
            });
        }
    });
}
