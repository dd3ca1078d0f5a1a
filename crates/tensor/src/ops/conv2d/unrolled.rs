//! The weight gradient as a matrix product.
//!
//! Every window of an image is unrolled into a column (im2col), so that
//!
//! ```text
//! weight [out, in·kh·kw] = gradient [out, pixels] · columns [in·kh·kw, pixels]ᵀ
//! ```
//!
//! for each image and group. The columns hold every pixel kh·kw times. Written
//! for a whole batch they would go out to memory and come back, which costs
//! more than the product; so they are made for a few output rows at a time,
//! into a buffer that stays in the cache. A kernel of one tap needs none of
//! that: its columns are the image.
//!
//! The unit of work is an image. The weight gradient, a sum over images, is
//! summed over a fixed number of runs of images and the runs are then added in
//! order.

use std::ops::Range;

use super::direct::part;
use super::geometry::Conv2dGeometry;
use crate::element::Float;
use crate::gemm::Operand;
use crate::{par, scratch};

/// Most partial sums of a weight gradient.
const RUNS: usize = 8;
/// Most elements in all partial sums of a weight gradient.
const RUNS_LIMIT: usize = 1 << 22;
/// Elements of unrolled windows that stay in the cache of one core.
const TILE: usize = 1 << 18;

/// w = Σ_n g[n] · columns(x[n])ᵀ.
pub(super) fn weight<T: Float>(geometry: &Conv2dGeometry, x: &[T], g: &[T], w: &mut [T]) {
    let sizes = Sizes::of(geometry);
    let rows = sizes.tile_rows();
    sum_over_images(geometry, w, |image, w| {
        sizes.with_buffers(rows, |columns, packed| {
            for (group, w) in w.chunks_exact_mut(sizes.weight).enumerate() {
                let i = image * geometry.groups + group;
                let (x, g) = (part(x, i, sizes.group_in), part(g, i, sizes.group_out));
                for tile in sizes.tiles(rows) {
                    let pixels = sizes.pixels(&tile);
                    let columns = &mut columns[..sizes.depth * pixels.len()];
                    unroll(geometry, x, &tile, columns);
                    let mnk = [sizes.outs, sizes.depth, pixels.len()];
                    let g = Operand::Plain(sizes.pack(g, &pixels, packed));
                    T::gemm(mnk, g, Operand::Transposed(columns), w, true);
                }
            }
        });
    });
}

/// w = Σ_n g[n] · x[n]ᵀ for a kernel of one tap at stride 1.
pub(super) fn weight_pointwise<T: Float>(geometry: &Conv2dGeometry, x: &[T], g: &[T], w: &mut [T]) {
    let sizes = Sizes::of(geometry);
    sum_over_images(geometry, w, |image, w| {
        for (group, w) in w.chunks_exact_mut(sizes.weight).enumerate() {
            let i = image * geometry.groups + group;
            let x = Operand::Transposed(part(x, i, sizes.group_in));
            let g = Operand::Plain(part(g, i, sizes.group_out));
            T::gemm([sizes.outs, sizes.depth, sizes.out_plane], g, x, w, true);
        }
    });
}

/// w = Σ `add(image)`, summed over runs of images side by side. How many runs
/// there are depends on the geometry alone.
fn sum_over_images<T: Float>(
    geometry: &Conv2dGeometry,
    w: &mut [T],
    add: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    let images = geometry.images();
    let runs = (RUNS_LIMIT / w.len().max(1)).clamp(1, RUNS);
    let run = images.div_ceil(runs).max(1);
    let partial = par::map_pieces(images.div_ceil(run), geometry.cost(), |i| {
        let mut partial = vec![T::ZERO; w.len()];
        for image in i * run..((i + 1) * run).min(images) {
            add(image, &mut partial);
        }
        partial
    });
    w.fill(T::ZERO);
    for partial in partial {
        w.iter_mut().zip(partial).for_each(|(w, part)| *w += part);
    }
}

/// The sizes that the products are made of.
struct Sizes {
    /// Output channels of a group: rows of the weight.
    outs: usize,
    /// Inputs of a window in a group, in · kh · kw: rows of the columns.
    depth: usize,
    /// Elements of a group's input, output and weight.
    group_in: usize,
    group_out: usize,
    weight: usize,
    /// Elements of an output plane, and its height and width.
    out_plane: usize,
    output: [usize; 2],
}

impl Sizes {
    fn of(geometry: &Conv2dGeometry) -> Self {
        let ([ins, outs], [in_plane, out_plane]) = (geometry.group_channels(), geometry.planes());
        let depth = ins * geometry.taps();
        Self {
            outs,
            depth,
            group_in: ins * in_plane,
            group_out: outs * out_plane,
            weight: outs * depth,
            out_plane,
            output: geometry.output,
        }
    }

    /// The output rows whose windows are unrolled at a time: as many as the
    /// cache holds, then evened out.
    fn tile_rows(&self) -> usize {
        let [height, width] = self.output;
        let fit = (TILE / (self.depth * width).max(1)).max(1);
        height.div_ceil(height.div_ceil(fit))
    }

    /// The output rows, `rows` at a time.
    fn tiles(&self, rows: usize) -> impl Iterator<Item = Range<usize>> {
        let height = self.output[0];
        (0..height)
            .step_by(rows.max(1))
            .map(move |start| start..(start + rows).min(height))
    }

    /// The pixels of a tile, in an output plane.
    fn pixels(&self, tile: &Range<usize>) -> Range<usize> {
        tile.start * self.output[1]..tile.end * self.output[1]
    }

    /// Calls `f` with room for the columns of a tile and for its output.
    fn with_buffers<T: Float>(&self, rows: usize, f: impl FnOnce(&mut [T], &mut [T])) {
        let pixels = rows * self.output[1];
        scratch::with((self.depth + self.outs) * pixels, |buffer| {
            let (columns, output) = buffer.split_at_mut(self.depth * pixels);
            f(columns, output);
        });
    }

    /// These pixels of every plane of a group's output as one matrix: the
    /// planes themselves if the pixels are all, else a copy in `buffer`.
    fn pack<'a, T: Float>(
        &self,
        group: &'a [T],
        pixels: &Range<usize>,
        buffer: &'a mut [T],
    ) -> &'a [T] {
        if pixels.len() == self.out_plane {
            return group;
        }
        let packed = &mut buffer[..self.outs * pixels.len()];
        let planes = group.chunks_exact(self.out_plane);
        for (line, plane) in packed.chunks_exact_mut(pixels.len()).zip(planes) {
            line.copy_from_slice(&plane[pixels.clone()]);
        }
        packed
    }
}

/// im2col: the windows of the output rows `tile`, one a column; padding is 0.
fn unroll<T: Float>(
    geometry: &Conv2dGeometry,
    group: &[T],
    tile: &Range<usize>,
    columns: &mut [T],
) {
    let window = &geometry.window;
    let [in_plane, _] = geometry.planes();
    let skipped = tile.start * geometry.output[1];
    let pixels = tile.len() * geometry.output[1];
    if window.padding_before != [0, 0] || window.padding_after != [0, 0] {
        columns.fill(T::ZERO);
    }
    let channels = columns.chunks_exact_mut(geometry.taps() * pixels);
    for (columns, plane) in channels.zip(group.chunks_exact(in_plane)) {
        let rows = tile.clone();
        window.for_each_line(geometry.input, geometry.output, rows, |tap, line, from| {
            let start = tap * pixels + line.start - skipped;
            let column = &mut columns[start..start + line.len()];
            window.zip_line(column, &plane[from..], |column, &x| *column = x);
        });
    }
}
