//! Winograd's convolution of 3 × 3 taps, four outputs of a tile at a time.
//!
//! An output tile of 2 × 2 pixels needs an input tile of 4 × 4, and 36
//! multiplications by the definition. Transformed, it needs 16:
//!
//! ```text
//! Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A
//!
//!      ⎡1  0 −1  0⎤        ⎡ 1   0   0⎤
//! Bᵀ = ⎢0  1  1  0⎥    G = ⎢½   ½   ½⎥    Aᵀ = ⎡1 1  1  0⎤
//!      ⎢0 −1  1  0⎥        ⎢½  −½   ½⎥         ⎣0 1 −1 −1⎦
//!      ⎣0  1  0 −1⎦        ⎣ 0   0   1⎦
//! ```
//!
//! Each of the 16 places e of a transformed tile is a matrix product of its own
//! over the channels. So for a block of tiles that the cache holds:
//!
//! ```text
//! for each channel c                                   input transform
//!     h[r] = row r of x[c], times B                    vectors over the tiles of a row
//!     v[e, c, tiles] = Bᵀ times four rows of h         vectors over all tiles
//! for each eight output channels o
//!     for each e, for each three vectors of tiles      m: 8 × 3 vectors in registers
//!         for each channel c
//!             m[e, o, tiles] += u[e, o, c] · v[e, c, tiles]
//!     y[o] = Aᵀ m A, plus bias, rectified              output transform
//! ```
//!
//! The tiles of a block are numbered through, row after row and image after
//! image, so that vectors are full however narrow the image is. Rows are
//! written as whole vectors: what hangs over the end of one is overwritten by
//! the next.

use super::{Kernel, Vector};
use crate::element::Float;

/// Output channels whose weights lie side by side, and whose products are
/// computed together.
pub(crate) const FILTERS: usize = 8;
/// Places of a transformed tile.
const PLACES: usize = 16;
/// The most numbers that a vector holds, on any instruction set.
const MOST_LANES: usize = 16;

/// The sizes of a convolution, and how it is cut into blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Input and output channels.
    pub(crate) channels: [usize; 2],
    /// Height and width of an input plane.
    pub(crate) source: [usize; 2],
    /// Height and width of an output plane.
    pub(crate) target: [usize; 2],
    /// Rows and columns of zeros before the input; negative where the first
    /// rows are not read.
    pub(crate) before: [isize; 2],
    /// Tiles in a block, a multiple of [`MOST_LANES`].
    pub(crate) block: usize,
}

impl Plan {
    /// Rows and columns of tiles in a plane.
    pub(crate) fn tiles(&self) -> [usize; 2] {
        self.target.map(|size| size.div_ceil(2))
    }

    /// Elements of the transformed weights of so many output channels.
    pub(crate) fn filters_len(&self, outs: usize) -> usize {
        outs.next_multiple_of(FILTERS) * PLACES * self.channels[0]
    }

    /// From one place of the transformed input to the next. What hangs over the
    /// last channel has room, and the places fall on different lines of the cache.
    fn input_step(&self) -> usize {
        self.channels[0] * self.block + MOST_LANES
    }

    /// From one place of the products to the next.
    fn product_step(&self) -> usize {
        FILTERS * self.block + MOST_LANES
    }

    /// Elements of one of the eight arrays of transformed rows.
    fn line(&self) -> usize {
        let [tiles_h, tiles_w] = self.tiles();
        // A block may start and end within a row, and needs one row more.
        let rows = (self.block.div_ceil(tiles_w) + 1).min(tiles_h) + 1;
        (rows * tiles_w).next_multiple_of(MOST_LANES) + 2 * MOST_LANES
    }

    /// Elements of the four buffers: transformed rows, transformed input,
    /// products, output rows.
    fn buffers(&self) -> [usize; 4] {
        [
            8 * self.line(),
            PLACES * self.input_step(),
            PLACES * self.product_step(),
            4 * self.block,
        ]
    }

    /// Elements of working memory.
    pub(crate) fn scratch_len(&self) -> usize {
        self.buffers().iter().sum()
    }
}

/// Some images, or some output channels of one.
pub(crate) struct Winograd<'a, T> {
    pub(crate) plan: &'a Plan,
    /// Whole images, `[images, C, H, W]`.
    pub(crate) source: &'a [T],
    /// Transformed weights, `[O / 8, 16, C, 8]`, zero for what is no channel.
    pub(crate) filters: &'a [T],
    /// A number for each output channel.
    pub(crate) bias: Option<&'a [T]>,
    /// Whether negative results become zero.
    pub(crate) relu: bool,
    /// [`Plan::scratch_len`] elements, whatever they are.
    pub(crate) scratch: &'a mut [T],
    /// `[images, O, H, W]`, every element of which is written.
    pub(crate) target: &'a mut [T],
    /// How many images.
    pub(crate) images: usize,
}

/// A run of tiles of one image in a block.
#[derive(Clone, Copy)]
struct Run {
    image: usize,
    /// The first tile in the image, and in the block.
    from: usize,
    at: usize,
    /// How many tiles.
    len: usize,
}

/// Calls `f` for the runs of tiles `from..to`, for planes of `plane` tiles.
#[inline(always)]
fn each_run(from: usize, to: usize, plane: usize, mut f: impl FnMut(Run)) {
    let mut tile = from;
    while tile < to {
        let image = tile / plane;
        let len = ((image + 1) * plane).min(to) - tile;
        f(Run {
            image,
            from: tile % plane,
            at: tile - from,
            len,
        });
        tile += len;
    }
}

impl<T: Float> Kernel<T> for Winograd<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let plan = self.plan;
        let [ins, outs] = plan.channels;
        let [source_plane, target_plane] = [plan.source, plan.target].map(|[h, w]| h * w);
        assert!(V::LANES <= MOST_LANES && plan.block.is_multiple_of(MOST_LANES));
        assert!(self.source.len() >= self.images * ins * source_plane);
        assert!(self.target.len() >= self.images * outs * target_plane);
        assert!(self.filters.len() >= plan.filters_len(outs));
        assert!(self.bias.is_none_or(|bias| bias.len() >= outs));
        let [rows, input, products, _] = plan.buffers();
        let (rows, rest) = self.scratch.split_at_mut(rows);
        let (input, rest) = rest.split_at_mut(input);
        let (products, lines) = rest.split_at_mut(products);
        let [tiles_h, tiles_w] = plan.tiles();
        let plane = tiles_h * tiles_w;
        let total = self.images * plane;
        for from in (0..total).step_by(plan.block) {
            let to = (from + plan.block).min(total);
            for c in 0..ins {
                each_run(from, to, plane, |run| {
                    let x = &self.source[(run.image * ins + c) * source_plane..][..source_plane];
                    let v = &mut input[c * plan.block + run.at..];
                    input_rows::<T, V>(plan, run, x, rows);
                    input_columns::<T, V>(plan, run, rows, v);
                });
            }
            let vectors = (to - from).div_ceil(V::LANES);
            for first in (0..outs).step_by(FILTERS) {
                let filters = &self.filters[plan.filters_len(first)..];
                for e in 0..PLACES {
                    let u = &filters[e * ins * FILTERS..][..ins * FILTERS];
                    let v = &input[e * plan.input_step()..];
                    let m = &mut products[e * plan.product_step()..];
                    product::<T, V>(plan, vectors, u, v, m);
                }
                for o in first..(first + FILTERS).min(outs) {
                    let m = &products[(o - first) * plan.block..];
                    let bias = self.bias.map_or(T::ZERO, |bias| bias[o]);
                    output_tiles::<T, V>(plan, vectors, m, bias, self.relu, lines);
                    each_run(from, to, plane, |run| {
                        let at = (run.image * outs + o) * target_plane;
                        let y = &mut self.target[at..][..target_plane];
                        output_rows::<T, V>(plan, run, lines, y);
                    });
                }
            }
        }
    }
}

/// h = d B: the rows that a run of tiles reads, transformed along the row.
///
/// Even rows and odd ones are kept apart, and each of the four columns of a
/// transformed tile: `rows[odd][column][tile]`, tiles numbered from the first
/// of the run's first row of tiles.
#[inline(always)]
fn input_rows<T: Float, V: Vector<T>>(plan: &Plan, run: Run, x: &[T], rows: &mut [T]) {
    let [height, width] = plan.source;
    let [_, tiles_w] = plan.tiles();
    let (first, last) = (run.from / tiles_w, (run.from + run.len - 1) / tiles_w);
    // Of a single row, only the tiles of the run.
    let columns = if first == last {
        run.from % tiles_w..run.from % tiles_w + run.len
    } else {
        0..tiles_w
    };
    let line = plan.line();
    assert!(rows.len() >= 8 * line && x.len() >= height * width);
    assert!((last - first + 1) * tiles_w + columns.end + V::LANES <= line);
    // From the right to the left, downwards: what hangs over the end of a row
    // is overwritten.
    for q in columns.step_by(V::LANES).rev() {
        // The first pixel of the vector's first tile, and where the row begins and ends.
        let left = 2 * q as isize - plan.before[1];
        let lanes = |skip: usize| {
            let left = left + skip as isize;
            let clamp = |at: isize| at.clamp(0, V::LANES as isize) as usize;
            (left, clamp(-left), clamp(width as isize - left))
        };
        let four = [0, V::LANES, 2, 2 + V::LANES].map(lanes);
        for r in 2 * first..2 * last + 4 {
            let at = (r / 2 - first) * tiles_w + q;
            let row = r as isize - plan.before[0];
            let h = if row < 0 || row >= height as isize {
                [V::zero(); 4]
            } else {
                let x = x.as_ptr().wrapping_offset(row * width as isize);
                // SAFETY: the lanes from the beginning of the row to its end are read.
                let [a, b, c, d] = four.map(|(left, start, end)| unsafe {
                    V::load_between(x.wrapping_offset(left), start, end)
                });
                let ((d0, d1), (d2, d3)) = (a.deinterleave(b), c.deinterleave(d));
                [d0.sub(d2), d1.add(d2), d2.sub(d1), d1.sub(d3)]
            };
            for (j, h) in h.into_iter().enumerate() {
                // SAFETY: `at` plus a vector is within the array, as was asserted.
                unsafe { h.store(rows.as_mut_ptr().add((r % 2 * 4 + j) * line + at)) };
            }
        }
    }
}

/// v = Bᵀ h, into `v[e · step + tile]`.
#[inline(always)]
fn input_columns<T: Float, V: Vector<T>>(plan: &Plan, run: Run, rows: &[T], v: &mut [T]) {
    let [_, tiles_w] = plan.tiles();
    let (line, step) = (plan.line(), plan.input_step());
    let from = run.from % tiles_w;
    let padded = run.len.next_multiple_of(V::LANES);
    assert!(from + tiles_w + padded <= line && rows.len() >= 8 * line);
    assert!(v.len() >= (PLACES - 1) * step + padded);
    for t in (0..run.len).step_by(V::LANES) {
        unroll!(j < 4, 4, {
            // SAFETY: both are long enough, as was asserted.
            unsafe {
                let even = rows.as_ptr().add(j * line + from + t);
                let odd = rows.as_ptr().add((4 + j) * line + from + t);
                let (h0, h1) = (V::load(even), V::load(odd));
                let (h2, h3) = (V::load(even.add(tiles_w)), V::load(odd.add(tiles_w)));
                let v = v.as_mut_ptr().add(j * step + t);
                h0.sub(h2).store(v);
                h1.add(h2).store(v.add(4 * step));
                h2.sub(h1).store(v.add(8 * step));
                h1.sub(h3).store(v.add(12 * step));
            }
        });
    }
}

/// m = u · v for one place, eight output channels and all tiles.
#[inline(always)]
fn product<T: Float, V: Vector<T>>(plan: &Plan, vectors: usize, u: &[T], v: &[T], m: &mut [T]) {
    let [ins, _] = plan.channels;
    assert!(vectors * V::LANES <= plan.block && u.len() >= ins * FILTERS);
    assert!(v.len() >= ins * plan.block && m.len() >= FILTERS * plan.block);
    let mut at = 0;
    while at < vectors {
        let width = match vectors - at {
            1 => 1,
            2 | 4 => 2,
            _ => 3,
        };
        let t = at * V::LANES;
        // SAFETY: `width` vectors from `t` on are within a block, and the
        // slices hold all channels of one.
        unsafe {
            let (u, v, m) = (u.as_ptr(), v.as_ptr().add(t), m.as_mut_ptr().add(t));
            match width {
                1 => product_of::<T, V, 1>(plan, u, v, m),
                2 => product_of::<T, V, 2>(plan, u, v, m),
                _ => product_of::<T, V, 3>(plan, u, v, m),
            }
        }
        at += width;
    }
}

/// The product of `WIDTH` vectors of tiles, all eight channels at once or, with
/// few registers, four and four.
///
/// # Safety
/// `u` holds eight numbers for each input channel, `v` and `m` vectors at every
/// `plan.block` elements, as many as there are input channels and eight.
#[inline(always)]
unsafe fn product_of<T: Float, V: Vector<T>, const WIDTH: usize>(
    plan: &Plan,
    u: *const T,
    v: *const T,
    m: *mut T,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if V::REGISTERS >= 32 {
            register_tile::<T, V, FILTERS, WIDTH>(plan, u, v, m);
        } else {
            register_tile::<T, V, 4, WIDTH>(plan, u, v, m);
            register_tile::<T, V, 4, WIDTH>(plan, u.add(4), v, m.add(4 * plan.block));
        }
    }
}

/// # Safety
/// As [`product_of`], for `HEIGHT` of the eight channels.
#[inline(always)]
unsafe fn register_tile<T: Float, V: Vector<T>, const HEIGHT: usize, const WIDTH: usize>(
    plan: &Plan,
    u: *const T,
    v: *const T,
    m: *mut T,
) {
    let mut sums = [[V::zero(); WIDTH]; HEIGHT];
    let (mut u, mut v) = (u, v);
    for _ in 0..plan.channels[0] {
        // SAFETY: the caller's promise; the pointers end behind the last channel.
        unsafe {
            let mut tiles = [V::zero(); WIDTH];
            unroll!(j < WIDTH, 4, {
                tiles[j] = V::load(v.add(j * V::LANES));
            });
            unroll!(i < HEIGHT, 8, {
                let weight = V::splat(*u.add(i));
                unroll!(j < WIDTH, 4, {
                    sums[i][j] = weight.mul_add(tiles[j], sums[i][j]);
                });
            });
            u = u.add(FILTERS);
            v = v.wrapping_add(plan.block);
        }
    }
    unroll!(i < HEIGHT, 8, {
        unroll!(j < WIDTH, 4, {
            // SAFETY: the caller's promise.
            unsafe { sums[i][j].store(m.add(i * plan.block + j * V::LANES)) };
        });
    });
}

/// Aᵀ m A for one output channel: the upper pixels of all tiles of the block
/// into one line, the lower ones into the next.
#[inline(always)]
fn output_tiles<T: Float, V: Vector<T>>(
    plan: &Plan,
    vectors: usize,
    m: &[T],
    bias: T,
    relu: bool,
    lines: &mut [T],
) {
    let step = plan.product_step();
    assert!(m.len() >= (PLACES - 1) * step + vectors * V::LANES);
    assert!(vectors * V::LANES <= plan.block && lines.len() >= 4 * plan.block);
    let bias = V::splat(bias);
    for t in (0..vectors * V::LANES).step_by(V::LANES) {
        let mut upper = [V::zero(); 4];
        let mut lower = [V::zero(); 4];
        unroll!(j < 4, 4, {
            // SAFETY: the products have so many places, as was asserted.
            let [m0, m1, m2, m3] =
                [0, 4, 8, 12].map(|row| unsafe { V::load(m.as_ptr().add((row + j) * step + t)) });
            upper[j] = m0.add(m1).add(m2);
            lower[j] = m1.sub(m2).sub(m3);
        });
        for (i, [m0, m1, m2, m3]) in [upper, lower].into_iter().enumerate() {
            let even = m0.add(m1).add(m2).add(bias);
            let odd = m1.sub(m2).sub(m3).add(bias);
            let (even, odd) = if relu {
                (even.relu(), odd.relu())
            } else {
                (even, odd)
            };
            let (first, second) = even.interleave(odd);
            // SAFETY: there are two pixels for each tile of a block, twice.
            unsafe {
                let line = lines.as_mut_ptr().add(2 * (i * plan.block + t));
                first.store(line);
                second.store(line.add(V::LANES));
            }
        }
    }
}

/// Copies the pixels of a run of tiles from the block's two lines to the plane.
#[inline(always)]
fn output_rows<T: Float, V: Vector<T>>(plan: &Plan, run: Run, lines: &[T], y: &mut [T]) {
    let [height, width] = plan.target;
    let [_, tiles_w] = plan.tiles();
    let mut tile = run.from;
    while tile < run.from + run.len {
        let (p, q) = (tile / tiles_w, tile % tiles_w);
        let tiles = (tiles_w - q).min(run.from + run.len - tile);
        let pixels = (2 * tiles).min(width - 2 * q);
        let at = 2 * (run.at + tile - run.from);
        for i in 0..2.min(height - 2 * p) {
            let line = &lines[2 * i * plan.block + at..][..pixels];
            let row = &mut y[(2 * p + i) * width + 2 * q..][..pixels];
            copy::<T, V>(line, row);
        }
        tile += tiles;
    }
}

/// Copies a row.
#[inline(always)]
fn copy<T: Float, V: Vector<T>>(from: &[T], to: &mut [T]) {
    let len = from.len();
    assert_eq!(len, to.len());
    let mut i = 0;
    // SAFETY: every vector lies within both.
    unsafe {
        while i + V::LANES <= len {
            V::load(from.as_ptr().add(i)).store(to.as_mut_ptr().add(i));
            i += V::LANES;
        }
        V::load_first(from.as_ptr().add(i), len - i).store_first(to.as_mut_ptr().add(i), len - i);
    }
}
