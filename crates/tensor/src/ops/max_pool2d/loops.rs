//! Which kernel finds the maxima, and how the work is shared out.
//!
//! Windows of 2 × 2 side by side, and of 3 × 3 one or two apart, read the plane as
//! it is.
//! Others read a padded
//! copy in scratch, its columns sorted so that a stride is none
//! ([`SortedColumns`]): a copy inside the first-level cache, for most planes.
//! The gradient of small windows is gathered from such copies, too.
//! Where that would take too much memory, or a place does not fit a byte, the
//! answer is no.

use crate::element::Float;
use crate::ops::pool2d::Pool2dGeometry;
use crate::simd::pool::{
    GatherTap, GatherWindows, MaxPairs, MaxThrees, MaxWindows, Rows, ScatterPairs, ScatterThrees,
    SortedColumns,
};
use crate::simd::{InstructionSet, run};
use crate::{par, scratch};

/// As many elements as the widest vector has.
const WIDEST: usize = 16;

/// The largest copy of a plane.
const LARGEST_COPY: usize = 1 << 22;

/// How the copy of a plane lies.
#[derive(Clone, Copy, Debug)]
struct Sorted {
    rows: Rows,
    columns: SortedColumns,
}

impl Sorted {
    fn new(geometry: &Pool2dGeometry) -> Option<Self> {
        let window = &geometry.window;
        let [height, width] = geometry.input;
        window.kernel[0]
            .checked_mul(window.kernel[1])
            .filter(|&taps| taps <= 256)?;
        let last_tap = (window.kernel[1] - 1).checked_mul(window.dilation[1])?;
        let phase = geometry.output[1].checked_add(last_tap / window.stride[1])?;
        let row = phase.checked_mul(window.stride[1])?;
        row.checked_mul(height)
            .filter(|&elements| elements <= LARGEST_COPY)?;
        // The products that `Rows` computes.
        geometry.output[0].checked_mul(window.stride[0])?;
        window.kernel[0].checked_mul(window.dilation[0])?;
        Some(Self {
            rows: Rows {
                input: height,
                kernel: window.kernel[0],
                stride: window.stride[0],
                dilation: window.dilation[0],
                before: window.padding_before[0],
            },
            columns: SortedColumns {
                width,
                used: width.min(row.saturating_sub(window.padding_before[1])),
                before: window.padding_before[1],
                stride: window.stride[1],
                phase,
            },
        })
    }
}

/// The maxima, and their places in their windows if `at` is not empty; false
/// if no kernel is made for such windows.
pub(crate) fn forward_loops<T: Float>(
    geometry: &Pool2dGeometry,
    x: &[T],
    y: &mut [T],
    at: &mut [u8],
) -> bool {
    forward_with(InstructionSet::best(), geometry, x, y, at)
}

pub(super) fn forward_with<T: Float>(
    set: InstructionSet,
    geometry: &Pool2dGeometry,
    x: &[T],
    y: &mut [T],
    at: &mut [u8],
) -> bool {
    if let Some(pairs) = geometry.pairs() {
        in_pieces(geometry, x, y, at, |x, y, at| {
            run(set, MaxPairs { pairs, x, y, at });
        });
        return true;
    }
    if let Some(threes) = geometry.threes() {
        in_pieces(geometry, x, y, at, |x, y, at| {
            run(set, MaxThrees { threes, x, y, at });
        });
        return true;
    }
    let Some(sorted) = Sorted::new(geometry) else {
        return false;
    };
    in_pieces(geometry, x, y, at, |x, y, at| {
        by_windows(set, geometry, &sorted, x, y, at);
    });
    true
}

/// Calls `f` for several planes at a time.
fn in_pieces<T: Float>(
    geometry: &Pool2dGeometry,
    x: &[T],
    y: &mut [T],
    at: &mut [u8],
    f: impl Fn(&[T], &mut [T], &mut [u8]) + Send + Sync,
) {
    let [input, output] = geometry.planes().map(|n| n * geometry.planes_at_once());
    let mut places = at.chunks_mut(output);
    let pieces = x
        .chunks(input)
        .zip(y.chunks_mut(output))
        .map(|(x, y)| (x, y, places.next().unwrap_or_default()));
    par::for_each_item(pieces, geometry.cost(), |(x, y, at)| f(x, y, at));
}

/// Calls `f` with so many numbers and so many bytes of scratch.
fn with_two<T: Float>(numbers: usize, bytes: usize, f: impl FnOnce(&mut [T], &mut [u8])) {
    scratch::with(numbers, |numbers| {
        scratch::with(bytes, |bytes| f(numbers, bytes));
    });
}

/// A few planes by way of their copies.
fn by_windows<T: Float>(
    set: InstructionSet,
    geometry: &Pool2dGeometry,
    sorted: &Sorted,
    x: &[T],
    y: &mut [T],
    at: &mut [u8],
) {
    let height = geometry.input[0];
    let [in_plane, out_plane] = geometry.planes();
    let q_count = geometry.output[1];
    let window = &geometry.window;
    let (stride, before) = (window.stride[1], window.padding_before[1]);
    let mut offsets = [0; 256];
    for (j, offset) in offsets.iter_mut().enumerate().take(window.kernel[1]) {
        let column = j * window.dilation[1];
        *offset = column % stride * sorted.columns.phase + column / stride;
    }
    let offsets = &offsets[..window.kernel[1]];
    let copy_len = height * sorted.columns.row() + WIDEST;
    let rows_len = height * MaxWindows::<T>::pitch(q_count, WIDEST);
    with_two(
        copy_len + rows_len,
        rows_len + q_count + WIDEST,
        |numbers: &mut [T], bytes| {
            let (copy, values) = numbers.split_at_mut(copy_len);
            let (taps, first) = bytes.split_at_mut(rows_len);
            copy.fill(T::neg_infinity());
            for (q, first) in first.iter_mut().enumerate() {
                let missed = before.saturating_sub(q.saturating_mul(stride));
                *first = missed.div_ceil(window.dilation[1]) as u8;
            }
            let mut places = at.chunks_exact_mut(out_plane);
            for (x, y) in x.chunks_exact(in_plane).zip(y.chunks_exact_mut(out_plane)) {
                let kernel = MaxWindows {
                    output: geometry.output,
                    x,
                    columns: sorted.columns,
                    copy,
                    values,
                    taps,
                    rows: sorted.rows,
                    offsets,
                    first,
                    y,
                    at: places.next().unwrap_or_default(),
                };
                run(set, kernel);
            }
        },
    );
}

/// `g` added at its places in an `x` of zeros. Writes every element of `x`.
pub(crate) fn scatter_loops<T: Float>(geometry: &Pool2dGeometry, g: &[T], at: &[u8], x: &mut [T]) {
    scatter_with(InstructionSet::best(), geometry, g, at, x);
}

pub(super) fn scatter_with<T: Float>(
    set: InstructionSet,
    geometry: &Pool2dGeometry,
    g: &[T],
    at: &[u8],
    x: &mut [T],
) {
    let planes = geometry.planes_at_once();
    let [input, output] = geometry.planes().map(|n| n * planes);
    let [in_plane, out_plane] = geometry.planes();
    par::for_each_piece(x, input, geometry.cost(), |piece, x| {
        let run_of = piece * output..g.len().min((piece + 1) * output);
        let (g, at) = (&g[run_of.clone()], &at[run_of]);
        if let Some(pairs) = geometry.pairs() {
            run(set, ScatterPairs { pairs, g, at, x });
            return;
        }
        if let Some(threes) = geometry.threes() {
            run(set, ScatterThrees { threes, g, at, x });
            return;
        }
        if by_gathering(set, geometry, g, at, x) {
            return;
        }
        x.fill(T::ZERO);
        let planes = g.chunks_exact(out_plane).zip(at.chunks_exact(out_plane));
        for (x, (g, at)) in x.chunks_exact_mut(in_plane).zip(planes) {
            for_each_place(geometry, at, |o, index| x[index] += g[o]);
        }
    });
}

/// The most taps of windows whose gradient is gathered.
const GATHERED: usize = 25;

/// As [`scatter_with`], for some planes: a vector of elements at a time, each
/// from the windows that it may have won; false if windows are so large or so
/// far apart that it is better to go through the windows.
fn by_gathering<T: Float>(
    set: InstructionSet,
    geometry: &Pool2dGeometry,
    g: &[T],
    at: &[u8],
    x: &mut [T],
) -> bool {
    let window = &geometry.window;
    let (stride, across) = (window.stride[0], window.kernel[1]);
    let (dilation, before) = (window.dilation[1], window.padding_before[1]);
    // Small numbers all: `Sorted` has checked the products.
    if window.stride[1] != stride
        || stride > 2
        || window.kernel[0].saturating_mul(across) > GATHERED
        || window.dilation.iter().any(|&d| d > geometry.input[1])
    {
        return false;
    }
    let lead = ((across - 1) * dilation).div_ceil(stride);
    let width = geometry.output[1].max(geometry.input[1].div_ceil(stride));
    let pitch = lead + width + before.div_ceil(stride) + WIDEST;
    let len = geometry.output[0].saturating_mul(pitch);
    if len > LARGEST_COPY {
        return false;
    }
    let mut taps = [[GatherTap::default(); GATHERED]; 2];
    let mut counts = [0; 2];
    for j in (0..across).rev() {
        for e in 0..stride {
            // Column e of the input is tap j of window (e + before − j·d) / s,
            // if that is whole; `lead` more windows keep it positive.
            let shifted = e + before + lead * stride - j * dilation;
            if shifted.is_multiple_of(stride) {
                let start = shifted / stride;
                taps[e][counts[e]] = GatherTap { tap: j, start };
                counts[e] += 1;
            }
        }
    }
    let lists = [&taps[0][..counts[0]], &taps[1][..counts[1]]];
    with_two(len, len, |values: &mut [T], places| {
        values.fill(T::ZERO);
        places.fill(u8::MAX);
        let kernel = GatherWindows {
            input: geometry.input,
            output: geometry.output,
            kernel: window.kernel,
            dilation: window.dilation[0],
            before: window.padding_before[0],
            taps: &lists[..stride],
            lead,
            pitch,
            values,
            places,
            g,
            at,
            x,
        };
        run(set, kernel);
    });
    true
}

/// The elements at the places. Writes every element of `y`.
pub(crate) fn gather_loops<T: Float>(geometry: &Pool2dGeometry, x: &[T], at: &[u8], y: &mut [T]) {
    let [in_plane, out_plane] = geometry.planes();
    par::for_each_piece(y, out_plane, geometry.cost(), |plane, y| {
        let x = &x[plane * in_plane..(plane + 1) * in_plane];
        let at = &at[plane * out_plane..(plane + 1) * out_plane];
        for_each_place(geometry, at, |o, index| y[o] = x[index]);
    });
}

/// Calls `f(o, index)` for every window of a plane: its index in the output,
/// and that of its winner in the input.
#[inline]
pub(super) fn for_each_place(
    geometry: &Pool2dGeometry,
    at: &[u8],
    mut f: impl FnMut(usize, usize),
) {
    let window = &geometry.window;
    let width = geometry.input[1];
    // Where each tap is, from the first of its window on, which may lie
    // outside of the plane: such sums wrap and come back.
    let mut taps = [0usize; 256];
    for (tap, offset) in taps.iter_mut().enumerate() {
        let (i, j) = (tap / window.kernel[1], tap % window.kernel[1]);
        let row = i.wrapping_mul(window.dilation[0]).wrapping_mul(width);
        *offset = row.wrapping_add(j.wrapping_mul(window.dilation[1]));
    }
    let above = window.padding_before[0] * width + window.padding_before[1];
    for (p, row) in at.chunks_exact(geometry.output[1]).enumerate() {
        let mut start = (p * window.stride[0] * width).wrapping_sub(above);
        for (q, &tap) in row.iter().enumerate() {
            let index = start.wrapping_add(taps[usize::from(tap)]);
            f(p * geometry.output[1] + q, index);
            start = start.wrapping_add(window.stride[1]);
        }
    }
}

#[cfg(test)]
mod tests;
