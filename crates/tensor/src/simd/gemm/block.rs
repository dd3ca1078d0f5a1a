//! Parts of matrices: of operands, which may lie in either orientation, and of
//! the result, which is cut among threads.

use std::marker::PhantomData;
use std::ops::Range;

/// A matrix, or a part of one, that is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, T> {
    data: &'a [T],
    shape: [usize; 2],
    strides: [usize; 2],
}

impl<'a, T> Matrix<'a, T> {
    /// A row-major matrix; with `transposed`, one whose columns lie like rows.
    ///
    /// # Panics
    /// If `data` is too short.
    pub(crate) fn new(data: &'a [T], [rows, columns]: [usize; 2], transposed: bool) -> Self {
        assert!(
            rows.checked_mul(columns)
                .is_some_and(|len| len <= data.len())
        );
        Self {
            data,
            shape: [rows, columns],
            strides: if transposed { [1, rows] } else { [columns, 1] },
        }
    }

    /// These rows and columns of it.
    ///
    /// # Panics
    /// If it has fewer.
    pub(crate) fn part(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.shape[0]);
        assert!(columns.start <= columns.end && columns.end <= self.shape[1]);
        let offset = rows.start * self.strides[0] + columns.start * self.strides[1];
        Self {
            data: self.data.get(offset..).unwrap_or_default(),
            shape: [rows.len(), columns.len()],
            strides: self.strides,
        }
    }

    /// Rows and columns.
    pub(crate) fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// From a row to the next and from a column to the next. One of them is 1.
    pub(super) fn strides(&self) -> [usize; 2] {
        self.strides
    }

    /// Where an element lies. All of the matrix from there on may be read; with
    /// a row or column past the last one, nothing.
    #[inline(always)]
    pub(super) fn at(&self, row: usize, column: usize) -> *const T {
        let [down, right] = self.strides;
        self.data.as_ptr().wrapping_add(row * down + column * right)
    }
}

/// A part of the row-major result that its holder alone may write.
#[derive(Debug)]
pub(crate) struct Block<'a, T> {
    data: *mut T,
    shape: [usize; 2],
    stride: usize,
    whole: PhantomData<&'a mut [T]>,
}

// SAFETY: a block is an exclusive borrow of its elements, as `&mut [T]` is, and
// blocks of one result have no element in common.
unsafe impl<T: Send> Send for Block<'_, T> {}

impl<'a, T> Block<'a, T> {
    /// All of a result.
    ///
    /// # Panics
    /// If `data` is too short.
    pub(crate) fn new(data: &'a mut [T], [rows, columns]: [usize; 2]) -> Self {
        assert!(
            rows.checked_mul(columns)
                .is_some_and(|len| len <= data.len())
        );
        Self {
            data: data.as_mut_ptr(),
            shape: [rows, columns],
            stride: columns,
            whole: PhantomData,
        }
    }

    /// The rows before this one, and those from it on.
    ///
    /// # Panics
    /// If there is no such row.
    pub(crate) fn split_rows(self, row: usize) -> (Self, Self) {
        let [rows, columns] = self.shape;
        assert!(row <= rows);
        let below = Self {
            data: self.data.wrapping_add(row * self.stride),
            shape: [rows - row, columns],
            ..self
        };
        let above = Self {
            shape: [row, columns],
            ..self
        };
        (above, below)
    }

    /// The columns before this one, and those from it on.
    ///
    /// # Panics
    /// If there is no such column.
    pub(crate) fn split_columns(self, column: usize) -> (Self, Self) {
        let [rows, columns] = self.shape;
        assert!(column <= columns);
        let right = Self {
            data: self.data.wrapping_add(column),
            shape: [rows, columns - column],
            ..self
        };
        let left = Self {
            shape: [rows, column],
            ..self
        };
        (left, right)
    }

    /// Rows and columns.
    pub(crate) fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// From a row to the next.
    pub(in crate::simd) fn stride(&self) -> usize {
        self.stride
    }

    /// Where an element lies. All of the block from there on may be read and
    /// written.
    #[inline(always)]
    pub(in crate::simd) fn at(&mut self, row: usize, column: usize) -> *mut T {
        self.data.wrapping_add(row * self.stride + column)
    }
}
