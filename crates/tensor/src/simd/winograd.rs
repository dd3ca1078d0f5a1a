//! Winograd's convolution of 3 × 3 taps, sixteen outputs of a tile at a time.
//!
//! An output tile of 4 × 4 pixels needs an input tile of 6 × 6, and 144
//! multiplications by the definition. Transformed, it needs 36:
//!
//! ```text
//! Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A
//! ```
//!
//! A convolution is a product of polynomials. One of degree 5 is known by its
//! values at five points and its leading coefficient: G and Aᵀ evaluate at 0,
//! ±a and ±b, Bᵀ comes from interpolation. With s = a² + b² and t = a² b²:
//!
//! ```text
//!      ⎡t   0   −s   0  1 0⎤      ⎡1/t              ⎤
//!      ⎢0 −ab²  −b²  a  1 0⎥      ⎢1/α  a/α   a²/α  ⎥        ⎡1 1  1  1  1 0⎤
//! Bᵀ = ⎢0  ab²  −b² −a  1 0⎥  G = ⎢1/α −a/α   a²/α  ⎥  Aᵀ =  ⎢0 a −a  b −b 0⎥
//!      ⎢0 −a²b  −a²  b  1 0⎥      ⎢1/β  b/β   b²/β  ⎥        ⎢0 a² a² b² b² 0⎥
//!      ⎢0  a²b  −a² −b  1 0⎥      ⎢1/β −b/β   b²/β  ⎥        ⎣0 a³ −a³ b³ −b³ 1⎦
//!      ⎣0  t    0   −s  0 1⎦      ⎣            1    ⎦
//!
//! α = 2 a² (a² − b²)      β = 2 b² (b² − a²)
//! ```
//!
//! The points decide how much rounding costs. With a = 1 and b = 2, as the
//! paper has it, errors are four to ten times those of the definition; with
//! a = ¾ and b = 1½ they are two to three times those, and every constant is exact.
//!
//! Each of the 36 places e of a transformed tile is a matrix product of its own
//! over the channels. So for a block of tiles that the cache holds:
//!
//! ```text
//! for each channel c                                   input transform
//!     h[i] = Bᵀ times six rows of x[c]                 vectors over the pixels of a row
//!     v[e, c, tiles] = h[i] times B                    vectors over all tiles
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

mod filters;

pub(crate) use filters::Filters;

use super::{Kernel, Vector};
use crate::element::Float;

/// Output channels whose weights lie side by side, and whose products are
/// computed together.
pub(crate) const FILTERS: usize = 8;
/// Rows and columns of a tile of the output.
pub(crate) const TILE: usize = 4;
/// Rows and columns of a tile of the input, and of a transformed one.
const WIDE: usize = TILE + 2;
/// Places of a transformed tile.
pub(crate) const PLACES: usize = WIDE * WIDE;
/// The points a and b of the interpolation; their negatives and 0 are the others.
const POINTS: [f64; 2] = [0.75, 1.5];
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
        self.target.map(|size| size.div_ceil(TILE))
    }

    /// Elements of the transformed weights of so many output channels.
    pub(crate) fn filters_len(&self, outs: usize) -> usize {
        outs.div_ceil(FILTERS) * PLACES * self.filters_step()
    }

    /// From one place of eight transformed weights to the next. So much more
    /// than their number that the places fall on different lines of the cache.
    pub(crate) fn filters_step(&self) -> usize {
        self.channels[0] * FILTERS + MOST_LANES
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

    /// Elements of one of the twelve arrays of transformed rows.
    fn line(&self) -> usize {
        let [tiles_h, tiles_w] = self.tiles();
        // A block may start and end within a row.
        let rows = (self.block.div_ceil(tiles_w) + 1).min(tiles_h);
        TILE * (rows * tiles_w + MOST_LANES) + MOST_LANES
    }

    /// Elements of the four buffers: transformed rows, transformed input,
    /// products, output rows.
    fn buffers(&self) -> [usize; 4] {
        [
            2 * WIDE * self.line(),
            PLACES * self.input_step(),
            PLACES * self.product_step(),
            TILE * TILE * self.block,
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
    /// Transformed weights, `[O / 8, 36, C, 8]` with [`Plan::filters_step`]
    /// from place to place, zero for what is no channel.
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
                    let u = &filters[e * plan.filters_step()..][..ins * FILTERS];
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

/// Bᵀ d: from six numbers six.
#[inline(always)]
fn to_points<T: Float, V: Vector<T>>([d0, d1, d2, d3, d4, d5]: [V; WIDE]) -> [V; WIDE] {
    let [a, b] = POINTS;
    let by = |factor: f64| V::splat(T::of(factor));
    let (minus_sum, product) = (by(-(a * a + b * b)), by(a * a * b * b));
    let (even_a, odd_a) = (d2.mul_add(by(-b * b), d4), d1.mul_add(by(-b * b), d3));
    let (even_b, odd_b) = (d2.mul_add(by(-a * a), d4), d1.mul_add(by(-a * a), d3));
    [
        d0.mul_add(product, d2.mul_add(minus_sum, d4)),
        odd_a.mul_add(by(a), even_a),
        odd_a.mul_add(by(-a), even_a),
        odd_b.mul_add(by(b), even_b),
        odd_b.mul_add(by(-b), even_b),
        d1.mul_add(product, d3.mul_add(minus_sum, d5)),
    ]
}

/// Aᵀ m: from six numbers four.
#[inline(always)]
fn from_points<T: Float, V: Vector<T>>([m0, m1, m2, m3, m4, m5]: [V; WIDE]) -> [V; TILE] {
    let [a, b] = POINTS;
    let by = |factor: f64| V::splat(T::of(factor));
    let (sum_a, difference_a) = (m1.add(m2), m1.sub(m2));
    let (sum_b, difference_b) = (m3.add(m4), m3.sub(m4));
    [
        m0.add(sum_a).add(sum_b),
        difference_a.mul_add(by(a), difference_b.mul(by(b))),
        sum_a.mul_add(by(a * a), sum_b.mul(by(b * b))),
        difference_a.mul_add(by(a * a * a), difference_b.mul_add(by(b * b * b), m5)),
    ]
}

/// h = Bᵀ d: the rows that a run of tiles reads, transformed across.
///
/// A line of the result is as long as its tiles, four pixels each, so that the
/// next one follows without a gap: `rows[later][i][pixel]`, from the beginning
/// of the first row of tiles. The two pixels that a tile reads beyond its four
/// are the first ones of the same line four pixels later.
#[inline(always)]
fn input_rows<T: Float, V: Vector<T>>(plan: &Plan, run: Run, x: &[T], rows: &mut [T]) {
    let [height, width] = plan.source;
    let [_, tiles_w] = plan.tiles();
    let (first, last) = (run.from / tiles_w, (run.from + run.len - 1) / tiles_w);
    // Of a single row, only the tiles of the run.
    let columns = if first == last {
        let from = run.from % tiles_w;
        TILE * from..TILE * (from + run.len)
    } else {
        0..TILE * tiles_w
    };
    let line = plan.line();
    assert!(rows.len() >= 2 * WIDE * line && x.len() >= height * width);
    assert!(TILE * (last - first) * tiles_w + columns.end + V::LANES <= line);
    // From the right to the left, downwards: what hangs over the end of a row
    // is overwritten.
    for s in columns.step_by(V::LANES).rev() {
        for later in 0..2 {
            let left = (s + TILE * later) as isize - plan.before[1];
            let clamp = |at: isize| at.clamp(0, V::LANES as isize) as usize;
            let (start, end) = (clamp(-left), clamp(width as isize - left));
            for p in first..=last {
                let mut d = [V::zero(); WIDE];
                unroll!(i < WIDE, 8, {
                    let row = (TILE * p + i) as isize - plan.before[0];
                    if row >= 0 && row < height as isize {
                        let at = row * width as isize + left;
                        // SAFETY: the lanes from the beginning of the row to its end are read.
                        d[i] =
                            unsafe { V::load_between(x.as_ptr().wrapping_offset(at), start, end) };
                    }
                });
                let h = to_points(d);
                let at = TILE * (p - first) * tiles_w + s;
                unroll!(i < WIDE, 8, {
                    // SAFETY: `at` plus a vector is within the array, as was asserted.
                    unsafe { h[i].store(rows.as_mut_ptr().add((later * WIDE + i) * line + at)) };
                });
            }
        }
    }
}

/// v = h B, into `v[e · step + tile]`.
#[inline(always)]
fn input_columns<T: Float, V: Vector<T>>(plan: &Plan, run: Run, rows: &[T], v: &mut [T]) {
    let [_, tiles_w] = plan.tiles();
    let (line, step) = (plan.line(), plan.input_step());
    let from = TILE * (run.from % tiles_w);
    let padded = run.len.next_multiple_of(V::LANES);
    assert!(from + TILE * padded <= line && rows.len() >= 2 * WIDE * line);
    assert!(v.len() >= (PLACES - 1) * step + padded);
    for t in (0..run.len).step_by(V::LANES) {
        for i in 0..WIDE {
            // SAFETY: both are long enough, as was asserted.
            unsafe {
                let now = rows.as_ptr().add(i * line + from + TILE * t);
                let [d0, d1, d2, d3] = part_by_four::<T, V>(now);
                let [d4, d5, _, _] = part_by_four::<T, V>(now.add(WIDE * line));
                let places = to_points([d0, d1, d2, d3, d4, d5]);
                unroll!(j < WIDE, 8, {
                    places[j].store(v.as_mut_ptr().add((i * WIDE + j) * step + t));
                });
            }
        }
    }
}

/// Of four vectors, the numbers at places 0, 4, …, those at 1, 5, …, and so on.
///
/// # Safety
/// Four vectors can be read at `from`.
#[inline(always)]
unsafe fn part_by_four<T: Float, V: Vector<T>>(from: *const T) -> [V; TILE] {
    // SAFETY: the caller's promise.
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| unsafe { V::load(from.add(i * V::LANES)) });
    let ((even0, odd0), (even1, odd1)) = (a.deinterleave(b), c.deinterleave(d));
    let ((d0, d2), (d1, d3)) = (even0.deinterleave(even1), odd0.deinterleave(odd1));
    [d0, d1, d2, d3]
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

/// Aᵀ m A for one output channel: the first row of pixels of all tiles of the
/// block into one line, the second into the next, and so on.
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
    assert!(vectors * V::LANES <= plan.block && lines.len() >= TILE * TILE * plan.block);
    let bias = V::splat(bias);
    for t in (0..vectors * V::LANES).step_by(V::LANES) {
        let mut rows = [[V::zero(); WIDE]; TILE];
        unroll!(j < WIDE, 8, {
            let mut column = [V::zero(); WIDE];
            unroll!(i < WIDE, 8, {
                // SAFETY: the products have so many places, as was asserted.
                column[i] = unsafe { V::load(m.as_ptr().add((i * WIDE + j) * step + t)) };
            });
            let column = from_points(column);
            unroll!(i < TILE, 4, {
                rows[i][j] = column[i];
            });
        });
        unroll!(i < TILE, 4, {
            let pixels = from_points(rows[i]).map(|y| y.add(bias));
            let [y0, y1, y2, y3] = if relu { pixels.map(V::relu) } else { pixels };
            let ((even0, even1), (odd0, odd1)) = (y0.interleave(y2), y1.interleave(y3));
            let ((a, b), (c, d)) = (even0.interleave(odd0), even1.interleave(odd1));
            // SAFETY: there are four pixels for each tile of a block, four times.
            unsafe {
                let line = lines.as_mut_ptr().add(TILE * (i * plan.block + t));
                a.store(line);
                b.store(line.add(V::LANES));
                c.store(line.add(2 * V::LANES));
                d.store(line.add(3 * V::LANES));
            }
        });
    }
}

/// Copies the pixels of a run of tiles from the block's four lines to the plane.
#[inline(always)]
fn output_rows<T: Float, V: Vector<T>>(plan: &Plan, run: Run, lines: &[T], y: &mut [T]) {
    let [height, width] = plan.target;
    let [_, tiles_w] = plan.tiles();
    let mut tile = run.from;
    while tile < run.from + run.len {
        let (p, q) = (tile / tiles_w, tile % tiles_w);
        let tiles = (tiles_w - q).min(run.from + run.len - tile);
        let pixels = (TILE * tiles).min(width - TILE * q);
        let at = TILE * (run.at + tile - run.from);
        for i in 0..TILE.min(height - TILE * p) {
            let line = &lines[TILE * i * plan.block + at..][..pixels];
            let row = &mut y[(TILE * p + i) * width + TILE * q..][..pixels];
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
