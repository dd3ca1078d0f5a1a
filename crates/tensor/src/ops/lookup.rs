//! Elements looked up axis by axis, and its adjoint.
//!
//! ```text
//! y[…, i, j] = x[…, rows[i], columns[j]]
//! ```
//!
//! That is what a mirrored margin and an image enlarged by repetition have in
//! common: along each of the last axes, a list of positions says where to read.
//! A position may be read often or never, so the adjoint adds what comes back.
//! Which positions those are is all that the operations differ in; they are in
//! the files of their names.
//!
//! **Cost.** One pass over the result. The longest stretch of neighbours in a
//! row is copied at once, and so is a row that repeats the one above it.

use std::ops::Range;
use std::sync::Arc;

use crate::element::{Element, Number};
use crate::error::{Error, Result};
use crate::par;
use crate::shape::{numel, too_large};
use crate::simd::wide;
use crate::tensor::Tensor;

/// The most axes along which positions are looked up.
const AXES: usize = 3;

/// For each of the last axes of a tensor, the positions that are read. Clones
/// share them.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    input: Vec<usize>,
    output: Vec<usize>,
    /// How many axes are not looked up along.
    outer: usize,
    /// The last axes, as many as [`AXES`] by leading ones of size 1.
    axes: [Arc<Positions>; AXES],
}

/// The positions along one axis.
#[derive(Debug, Default, PartialEq)]
struct Positions {
    /// The size of the axis that is read.
    size: usize,
    from: Vec<usize>,
    /// The longest stretch that reads neighbours.
    stretch: Range<usize>,
}

impl Positions {
    fn new(size: usize, from: Vec<usize>) -> Self {
        let (mut stretch, mut start) = (0..0, 0);
        for end in 1..=from.len() {
            if from.get(end).is_some_and(|&next| next == from[end - 1] + 1) {
                continue;
            }
            if end - start > stretch.len() {
                stretch = start..end;
            }
            start = end;
        }
        Self {
            size,
            from,
            stretch,
        }
    }
}

impl Lookup {
    /// For a tensor of this shape: so many positions along each of the last
    /// axes, where place `i` of the k-th of them reads `position(k, i)`, which
    /// is below the axis's size.
    pub(crate) fn new<T: Element>(
        op: &'static str,
        input: &[usize],
        sizes: &[usize],
        position: impl Fn(usize, usize) -> usize,
    ) -> Result<Self> {
        let outer = input.len().saturating_sub(sizes.len());
        let output = [&input[..outer], sizes].concat();
        // No list is longer than a result that exists; one without elements
        // needs no lists, and they may be longer than any memory.
        let mut axes: [Arc<Positions>; AXES] = Default::default();
        if numel::<T>(op, &output)? > 0 {
            let missing = AXES - sizes.len().min(AXES);
            for (k, axis) in axes.iter_mut().enumerate() {
                let positions = match k.checked_sub(missing) {
                    None => Positions::new(1, vec![0]),
                    Some(k) => {
                        let mut from = Vec::new();
                        let refused = |_| too_large::<T>(op, &output);
                        from.try_reserve_exact(sizes[k]).map_err(refused)?;
                        from.extend((0..sizes[k]).map(|i| position(k, i)));
                        Positions::new(input[outer + k], from)
                    }
                };
                *axis = Arc::new(positions);
            }
        }
        Ok(Self {
            input: input.to_vec(),
            output,
            outer,
            axes,
        })
    }

    /// The shape of what is looked up.
    #[must_use]
    pub fn output_shape(&self) -> &[usize] {
        &self.output
    }

    /// For each place along the height (0) or the width (1) of the result, the
    /// position that it reads; nothing if those are all the same.
    #[must_use]
    pub fn positions(&self, axis: usize) -> &[usize] {
        self.plane(axis).map_or(&[], |axis| &axis.from)
    }

    /// How far, on the longest stretch of neighbours along the height (0) or the
    /// width (1), positions are ahead of the places that read them.
    #[must_use]
    pub fn shift(&self, axis: usize) -> isize {
        let ahead = |axis: &Positions| {
            let start = axis.stretch.start;
            Some(axis.from.get(start)?.wrapping_sub(start) as isize)
        };
        self.plane(axis).and_then(ahead).unwrap_or(0)
    }

    fn plane(&self, axis: usize) -> Option<&Positions> {
        let missing = AXES - (self.input.len() - self.outer).min(AXES);
        let axis = axis.checked_add(AXES - 2).filter(|&axis| axis >= missing)?;
        self.axes.get(axis).map(|axis| &**axis)
    }

    /// Elements of what is read, and of the result, for one index of the axes
    /// before the last ones.
    fn blocks(&self) -> [usize; 2] {
        let product = |of: fn(&Positions) -> usize| self.axes.iter().map(|axis| of(axis)).product();
        [product(|axis| axis.size), product(|axis| axis.from.len())]
    }

    /// Calls `f` with the first element of every row of a block of the result,
    /// and that of the row it reads.
    fn for_each_row(&self, mut f: impl FnMut(usize, usize)) {
        let [planes, rows, columns] = &self.axes;
        let mut to = 0;
        for plane in &planes.from {
            for row in &rows.from {
                f(to, (plane * rows.size + row) * columns.size);
                to += columns.from.len();
            }
        }
    }

    /// The elements that the positions name.
    ///
    /// # Errors
    /// [`Error::Shape`] for a tensor of another shape, [`Error::TooLarge`].
    pub fn look_up<T: Element>(&self, op: &'static str, x: &Tensor<T>) -> Result<Tensor<T>> {
        check(op, x.shape(), &self.input)?;
        let mut y = Tensor::arbitrary(op, &self.output)?;
        let ([from_block, to_block], cost) = (self.blocks(), y.len());
        let columns = &self.axes[AXES - 1];
        let (x, width) = (x.as_slice(), columns.from.len());
        par::for_each_piece(y.as_mut_slice(), to_block, cost, |i, y| {
            let x = &x[i * from_block..(i + 1) * from_block];
            let mut above = None;
            self.for_each_row(|to, from| {
                if above.replace(from) == Some(from) {
                    y.copy_within(to - width..to, to);
                    return;
                }
                let (row, from) = (&mut y[to..to + width], &x[from..from + columns.size]);
                let Range { start, end } = columns.stretch;
                let (edges, at) = ((0..start).chain(end..width), &columns.from);
                edges.for_each(|to| row[to] = from[at[to]]);
                row[start..end].copy_from_slice(&from[at[start]..][..end - start]);
            });
        });
        Ok(y)
    }

    /// The adjoint: every element added where it was read, in zeros.
    ///
    /// # Errors
    /// [`Error::Shape`] for a tensor of another shape than the result's,
    /// [`Error::TooLarge`].
    pub fn add_back<T: Number>(&self, op: &'static str, g: &Tensor<T>) -> Result<Tensor<T>> {
        check(op, g.shape(), &self.output)?;
        let mut x = Tensor::filled(op, &self.input, T::ZERO)?;
        let ([to_block, from_block], cost) = (self.blocks(), g.len());
        let columns = &self.axes[AXES - 1];
        let g = g.as_slice();
        if g.is_empty() {
            return Ok(x);
        }
        par::for_each_piece(x.as_mut_slice(), to_block, cost, |i, x| {
            let g = &g[i * from_block..(i + 1) * from_block];
            self.for_each_row(|from, to| {
                let (row, sums) = (&g[from..], &mut x[to..to + columns.size]);
                let add = |sum: &mut T, g: T| *sum = sum.plus(g);
                let Range { start, end } = columns.stretch;
                let edges = (0..start).chain(end..columns.from.len());
                edges.for_each(|from| add(&mut sums[columns.from[from]], row[from]));
                let sums = &mut sums[columns.from[start]..][..end - start];
                let pairs = sums.iter_mut().zip(&row[start..end]);
                wide(|| pairs.for_each(|(sum, &g)| add(sum, g)));
            });
        });
        Ok(x)
    }
}

fn check(op: &'static str, found: &[usize], wanted: &[usize]) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!("needs a tensor of shape {wanted:?}, got {found:?}"),
    ))
}
