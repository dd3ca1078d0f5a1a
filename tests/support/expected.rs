//! What shapes operations on tensors have, worked out once more from the
//! documentation, in wide arithmetic and without a thought of speed. `None` is
//! a refusal.

use wengert::{Slice, Tensor};

use crate::draw::Draw;

/// A shape, or none: what an operation answers, and what it should.
pub type Shape = Option<Vec<usize>>;

/// The shape, if a memory could hold a tensor of it, of eight bytes an element.
pub fn held(shape: Vec<usize>) -> Shape {
    held_of(8, shape)
}

/// As [`held`], of so many bytes an element.
pub fn held_of(bytes: u128, shape: Vec<usize>) -> Shape {
    let product = |n: u128, &size: &usize| n.saturating_mul(size as u128);
    let bytes = shape.iter().filter(|&&size| size > 0).fold(bytes, product);
    let len = shape.iter().fold(1, product);
    (bytes < 1 << 63 && len < 1 << 40).then_some(shape)
}

/// The axis of this number, negative ones counted from the end.
pub fn axis(axis: isize, ndim: usize) -> Option<usize> {
    let ndim = ndim as i128;
    let axis = axis as i128;
    let axis = if axis < 0 { axis + ndim } else { axis };
    (0..ndim).contains(&axis).then_some(axis as usize)
}

/// As [`axis`], where a tensor without axes counts as one of a single axis.
pub fn wrapped(axis: isize, ndim: usize) -> Option<usize> {
    self::axis(axis, ndim.max(1))
}

/// The shape, where a tensor without axes counts as one of a single axis.
pub fn line(shape: &[usize]) -> &[usize] {
    if shape.is_empty() { &[1] } else { shape }
}

/// As [`named`], where a tensor without axes counts as one of a single axis.
pub fn named_wrapped(axes: &[isize], ndim: usize) -> Option<Vec<bool>> {
    let mut is_named = named(axes, ndim.max(1))?;
    is_named.truncate(ndim);
    Some(is_named)
}

/// Which of the axes are named, if each exists and is named once.
pub fn named(axes: &[isize], ndim: usize) -> Option<Vec<bool>> {
    let mut is_named = vec![false; ndim];
    for &a in axes {
        let at = axis(a, ndim)?;
        if std::mem::replace(&mut is_named[at], true) {
            return None;
        }
    }
    Some(is_named)
}

/// What two shapes broadcast to.
pub fn broadcast(a: &[usize], b: &[usize]) -> Shape {
    held(joint(a, b)?)
}

/// As [`broadcast`], whether or not a memory could hold it.
pub fn joint(a: &[usize], b: &[usize]) -> Shape {
    let ndim = a.len().max(b.len());
    let size = |shape: &[usize], i: usize| match (i + shape.len()).checked_sub(ndim) {
        Some(i) => shape[i],
        None => 1,
    };
    let joint = |i| match (size(a, i), size(b, i)) {
        (m, n) if m == n || n == 1 => Some(m),
        (1, n) => Some(n),
        _ => None,
    };
    (0..ndim).map(joint).collect()
}

/// What a reduction leaves, and how many elements become one.
pub fn reduced(shape: &[usize], axes: &[isize], keepdim: bool) -> Option<(Vec<usize>, usize)> {
    let mut folds = named_wrapped(axes, shape.len())?;
    if axes.is_empty() {
        folds.fill(true);
    }
    let (mut left, mut count) = (Vec::new(), 1);
    for (&size, folds) in shape.iter().zip(folds) {
        match (folds, keepdim) {
            (false, _) => left.push(size),
            (true, true) => left.push(1),
            (true, false) => {}
        }
        if folds {
            count *= size;
        }
    }
    Some((held(left)?, count))
}

/// What a sum over the drawn axes leaves.
pub fn sum(d: &Draw) -> Shape {
    Some(reduced(&d.shape, &d.some_axes(), d.flags[0])?.0)
}

/// As a sum, but of nothing there is none.
pub fn choice(d: &Draw) -> Shape {
    let (shape, count) = reduced(&d.shape, &d.some_axes(), d.flags[0])?;
    (count > 0).then_some(shape)
}

/// As [`choice`], along the first drawn axis.
pub fn arg(d: &Draw) -> Shape {
    let (shape, count) = reduced(&d.shape, &d.axes[..1], d.flags[0])?;
    (count > 0).then_some(shape)
}

/// The positions that a slice takes of an axis, as Python's `range(n)[slice]`.
pub fn positions(slice: Slice, size: usize) -> Option<usize> {
    let clip = |bound: isize| {
        let bound = bound as i128;
        let bound = if bound < 0 {
            bound + size as i128
        } else {
            bound
        };
        bound.clamp(0, size as i128) as usize
    };
    match slice {
        Slice::Index(_) => None,
        Slice::Range { start, end, step } => {
            let (start, end) = (start.map_or(0, clip), end.map_or(size, clip));
            Some(end.saturating_sub(start).div_ceil(step))
        }
    }
}

/// What slices leave of a shape.
pub fn sliced(shape: &[usize], slices: &[Slice]) -> Shape {
    let mut left = Vec::new();
    for (i, &size) in shape.iter().enumerate() {
        match slices.get(i) {
            None => left.push(size),
            Some(&Slice::Index(at)) => {
                axis(at, size)?;
            }
            Some(Slice::Range { step: 0, .. }) => return None,
            Some(&slice) => left.push(positions(slice, size)?),
        }
    }
    (slices.len() <= shape.len()).then_some(left)
}

/// What the drawn run of an axis leaves.
pub fn narrowed(d: &Draw) -> Shape {
    let at = axis(d.axes[0], d.shape.len())?;
    let (start, size) = (d.positions[0] as i128, d.shape[at] as i128);
    let start = if start < 0 { start + size } else { start };
    let fits = start >= 0 && start + d.sizes[0] as i128 <= size;
    let mut shape = d.shape.clone();
    shape[at] = d.sizes[0];
    fits.then_some(shape)
}

/// The shape with the drawn margins.
pub fn padded(d: &Draw) -> Shape {
    let amounts = d.amounts();
    let mut shape = d.shape.clone();
    let untouched = shape.len().checked_sub(amounts.len())?;
    for (size, &(before, after)) in shape[untouched..].iter_mut().rev().zip(&amounts) {
        let (before, after) = (before as i128, after as i128);
        if *size as i128 + before.min(0) + after.min(0) < 0 {
            return None;
        }
        *size = usize::try_from(*size as i128 + before + after).ok()?;
    }
    held(shape)
}

/// The shape that a tensor of one shape takes for another, with one −1.
pub fn reshaped(from: &[usize], to: &[isize]) -> Shape {
    let len = from.iter().product::<usize>() as i128;
    let sizes = to.iter().filter(|&&n| n != -1);
    let known = sizes.fold(1i128, |n, &size| n.saturating_mul(size as i128));
    let inferred = to.iter().filter(|&&n| n == -1).count();
    if inferred > 1 || to.iter().any(|&n| n < -1) || inferred == 1 && known == 0 {
        return None;
    }
    let fill = |&n: &isize| {
        if n == -1 {
            (len / known) as usize
        } else {
            n as usize
        }
    };
    let shape = held(to.iter().map(fill).collect())?;
    (shape.iter().product::<usize>() as i128 == len).then_some(shape)
}

/// The shape with the drawn axes made one.
pub fn flattened(d: &Draw) -> Shape {
    let ndim = d.shape.len().max(1);
    let (first, last) = (axis(d.axes[0], ndim)?, axis(d.axes[1], ndim)?);
    if first > last {
        return None;
    }
    if d.shape.is_empty() {
        return Some(vec![1]);
    }
    let joint = d.shape[first..=last].iter().product();
    Some([&d.shape[..first], &[joint], &d.shape[last + 1..]].concat())
}

/// The shapes one after the other along an axis.
pub fn joined(shapes: &[&[usize]], at: isize) -> Shape {
    let parts: Vec<_> = shapes.iter().filter(|shape| ***shape != [0]).collect();
    let Some(first) = parts.first() else {
        return axis(at, 1).map(|_| vec![0]);
    };
    let at = axis(at, first.len())?;
    let mut shape = first.to_vec();
    for part in &parts[1..] {
        let mut other = part.to_vec();
        *other.get_mut(at)? = shape[at];
        if other != shape {
            return None;
        }
        shape[at] += part[at];
    }
    held(shape)
}

/// The shape of the last piece, with the number of pieces before it.
pub fn pieces(d: &Draw, size: usize) -> Shape {
    let at = axis(d.axes[0], d.shape.len())?;
    let len = d.shape[at];
    let (count, last) = match (len, size) {
        (0, _) => (1, 0),
        (_, 0) => return None,
        (len, size) => (len.div_ceil(size), len - (len.div_ceil(size) - 1) * size),
    };
    let mut shape = d.shape.clone();
    shape[at] = last;
    // More pieces than that are more than memory holds.
    (count < 1 << 40).then(|| [&[count], &shape[..]].concat())
}

/// Whether all indices are below the size.
pub fn in_range(index: &Tensor<i64>, size: usize) -> bool {
    index
        .iter()
        .all(|&i| usize::try_from(i).is_ok_and(|i| i < size))
}

/// Whether every place of the index is one of the shape, but along one axis.
pub fn covers(shape: &[usize], index: &[usize], but: Option<usize>) -> bool {
    let mut sizes = shape.iter().zip(index).enumerate();
    shape.len() == index.len() && sizes.all(|(i, (n, m))| but == Some(i) || m <= n)
}

/// The shape of a matrix product.
pub fn product(a: &[usize], b: &[usize], transpose: [bool; 2]) -> Shape {
    let read = |shape: &[usize], is_left: bool, transpose: bool| {
        let (batch, mut matrix) = match shape {
            [] => return None,
            [n] if is_left => (vec![], [1, *n]),
            [n] => (vec![], [*n, 1]),
            [batch @ .., m, n] => (batch.to_vec(), [*m, *n]),
        };
        if transpose && shape.len() > 1 {
            matrix.reverse();
        }
        Some((batch, matrix))
    };
    let (batch_a, [m, k]) = read(a, true, transpose[0])?;
    let (batch_b, [k_too, n]) = read(b, false, transpose[1])?;
    let mut shape = joint(&batch_a, &batch_b)?;
    shape.extend((a.len() > 1).then_some(m));
    shape.extend((b.len() > 1).then_some(n));
    if k == k_too { held(shape) } else { None }
}

/// The drawn shape.
pub fn same(d: &Draw) -> Shape {
    Some(d.shape.clone())
}

/// What the two drawn shapes broadcast to.
pub fn both(d: &Draw) -> Shape {
    broadcast(&d.shape, &d.partner)
}

/// As [`both`], for masks.
pub fn both_masks(d: &Draw) -> Shape {
    held_of(1, joint(&d.shape, &d.partner)?)
}

/// Labels for the first operand as scores, and whether they are classes.
pub fn labels(d: &Draw) -> (Tensor<i64>, bool) {
    let mut shape = d.shape.clone();
    let classes = match shape.len() {
        0 => 0,
        1 => shape.remove(0),
        _ => shape.remove(1),
    };
    let labels = d.indices(&shape, classes);
    let fits = !d.shape.is_empty() && in_range(&labels, classes);
    (labels, fits)
}
