//! Where elements live: counted memory that comes from a pool and returns to it.
//!
//! A training step makes the same tensors as the step before. Were each of them
//! fresh memory, most of its cost would be the system's: pages handed over one
//! by one, each of them zeroed first. So the last tensor that lets go of some
//! memory puts it aside, and the next result of the same size takes it from
//! there: a step in steady state asks the system for nothing.
//!
//! - **A pool belongs to a thread and an element type.** Nothing is locked. What
//!   another thread drops is freed, for the pool that it came from has taken
//!   fresh memory since: if one thread made batches and another one trained with
//!   them, they would pile up.
//! - **It is bounded** ([`MOST_BYTES`], [`MOST_BUFFERS`]): what has lain there
//!   longest is given back to the system.
//! - **What comes from outside does not enter it.** A caller's `Vec` is freed
//!   when the last tensor drops it: otherwise a loop that brings a new batch
//!   with every step would leave one behind with every step.
//! - **Memory is always initialised.** A recycled vector keeps its length, and
//!   its old elements are *arbitrary*: operations that write every element of
//!   their result start from those and save a sweep.
//!
//! **Cost.** Taking and returning are a search through what lies idle, newest
//! first, which ends at once where a program repeats itself; the count, too, is
//! recycled with its elements.

use std::cell::RefCell;
use std::collections::{TryReserveError, VecDeque};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// The idle bytes that a pool keeps at most: twice what a step of a small
/// network on 128 images of 32 × 32 lets go of.
const MOST_BYTES: usize = 256 << 20;

/// The idle buffers that a pool keeps at most.
const MOST_BUFFERS: usize = 4096;

/// A type whose memory is recycled: that of every element, and bytes. Sealed
/// with [`Element`](crate::Element).
pub trait Pooled: Copy + Default + 'static {
    /// Calls `f` with this thread's pool; not at all while the thread ends.
    #[doc(hidden)]
    fn with_pool<R>(f: impl FnOnce(&mut Pool<Self>) -> R) -> Option<R>;
}

macro_rules! pooled {
    ($($t:ty),+) => {$(
        impl Pooled for $t {
            #[inline]
            fn with_pool<R>(f: impl FnOnce(&mut Pool<Self>) -> R) -> Option<R> {
                thread_local! {
                    static POOL: RefCell<Pool<$t>> = const { RefCell::new(Pool::new()) };
                }
                POOL.try_with(|pool| f(&mut pool.borrow_mut())).ok()
            }
        }
    )+};
}
pooled!(f32, f64, i64, bool, u8);

/// Idle memory of one element type.
#[derive(Debug)]
pub struct Pool<T> {
    /// Sizes in elements and their buffers, oldest first.
    idle: VecDeque<(usize, Arc<Buffer<T>>)>,
    bytes: usize,
}

impl<T> Pool<T> {
    const fn new() -> Self {
        Self {
            idle: VecDeque::new(),
            bytes: 0,
        }
    }

    /// The buffer of `len` elements that was returned last.
    fn take(&mut self, len: usize) -> Option<Arc<Buffer<T>>> {
        let found = self.idle.iter().rposition(|&(size, _)| size == len)?;
        let (_, buffer) = self.idle.remove(found)?;
        self.bytes -= buffer.bytes();
        Some(buffer)
    }

    /// What tells this pool from those of the other threads. (A later thread's may
    /// lie where that of an ended one did: it takes back what that one left.)
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Takes back what came from here.
    fn put(&mut self, buffer: Arc<Buffer<T>>) {
        if buffer.home != self.address() {
            return;
        }
        self.bytes += buffer.bytes();
        self.idle.push_back((buffer.len(), buffer));
        while self.bytes > MOST_BYTES || self.idle.len() > MOST_BUFFERS {
            let Some((_, oldest)) = self.idle.pop_front() else {
                break;
            };
            self.bytes -= oldest.bytes();
        }
    }
}

/// A vector, and the address of the pool that wants it back: 0 if none does.
#[derive(Debug)]
pub(crate) struct Buffer<T> {
    elements: Vec<T>,
    home: usize,
}

impl<T> Buffer<T> {
    fn bytes(&self) -> usize {
        self.elements.capacity() * size_of::<T>()
    }
}

impl<T: Pooled> Buffer<T> {
    /// Room for `len` elements, and none there yet.
    pub(crate) fn with_room(len: usize) -> Result<Self, TryReserveError> {
        let found = T::with_pool(|pool| (pool.take(len), pool.address()));
        let (idle, home) = found.unwrap_or_default();
        if let Some(mut buffer) = idle.and_then(Arc::into_inner) {
            buffer.clear();
            return Ok(buffer);
        }
        let mut elements = Vec::new();
        elements.try_reserve_exact(len)?;
        Ok(Self { elements, home })
    }
}

impl<T> From<Vec<T>> for Buffer<T> {
    /// A caller's vector.
    fn from(elements: Vec<T>) -> Self {
        Self { elements, home: 0 }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = Vec<T>;
    fn deref(&self) -> &Vec<T> {
        &self.elements
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.elements
    }
}

/// Whether this is the only owner: then nobody else can make another one. Only
/// a question; to write, [`Arc::get_mut`] asks again, with the locked
/// instructions that it takes to see what other threads wrote.
fn is_sole<T>(buffer: &Arc<Buffer<T>>) -> bool {
    // There are no weak owners.
    Arc::strong_count(buffer) == 1
}

/// A buffer that several tensors may share. A clone counts one up.
#[derive(Clone, Debug)]
pub(crate) struct Storage<T: Pooled> {
    /// `None` only while it is taken apart, or if there are no elements.
    buffer: Option<Arc<Buffer<T>>>,
}

impl<T: Pooled> Storage<T> {
    /// `len` elements of arbitrary values.
    pub(crate) fn arbitrary(len: usize) -> Result<Self, TryReserveError> {
        if len == 0 {
            return Ok(Self { buffer: None });
        }
        let buffer = match T::with_pool(|pool| pool.take(len)).flatten() {
            Some(idle) => idle,
            None => {
                let mut buffer = Buffer::with_room(len)?;
                buffer.resize(len, T::default());
                Arc::new(buffer)
            }
        };
        Ok(Self {
            buffer: Some(buffer),
        })
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[T] {
        self.buffer.as_deref().map_or(&[], |buffer| buffer)
    }

    /// Whether something else shares the elements.
    #[inline]
    pub(crate) fn is_shared(&self) -> bool {
        self.buffer.as_ref().is_some_and(|buffer| !is_sole(buffer))
    }

    /// The elements to write to, unless something else shares them.
    #[inline]
    pub(crate) fn as_mut_slice(&mut self) -> Option<&mut [T]> {
        match &mut self.buffer {
            None => Some(&mut []),
            Some(buffer) => Arc::get_mut(buffer).map(|buffer| buffer.as_mut_slice()),
        }
    }

    /// The vector itself, unless something else shares it.
    pub(crate) fn into_vec(mut self) -> Result<Vec<T>, Self> {
        match self.buffer.take().map(Arc::try_unwrap) {
            None => Ok(Vec::new()),
            Some(Ok(buffer)) => Ok(buffer.elements),
            Some(Err(shared)) => Err(Self {
                buffer: Some(shared),
            }),
        }
    }
}

impl<T: Pooled> From<Buffer<T>> for Storage<T> {
    fn from(buffer: Buffer<T>) -> Self {
        Self {
            buffer: (!buffer.is_empty()).then(|| Arc::new(buffer)),
        }
    }
}

impl<T: Pooled> Drop for Storage<T> {
    fn drop(&mut self) {
        let Some(buffer) = self.buffer.take() else {
            return;
        };
        // (Where two threads drop the last two owners at once, neither may be
        // the last here: the memory is freed then, and not recycled.)
        if buffer.home != 0 && is_sole(&buffer) {
            T::with_pool(|pool| pool.put(buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs on a thread, and so with pools, of its own.
    fn afresh(test: impl FnOnce() + Send) {
        std::thread::scope(|scope| {
            scope.spawn(test);
        });
    }

    fn at(storage: &Storage<f32>) -> *const f32 {
        storage.as_slice().as_ptr()
    }

    #[test]
    fn the_last_owner_returns_the_memory() {
        afresh(|| {
            let first = Storage::<f32>::arbitrary(100).unwrap();
            let (place, other) = (at(&first), first.clone());
            drop(first);
            assert_ne!(at(&Storage::arbitrary(100).unwrap()), place);
            drop(other);
            assert_ne!(at(&Storage::arbitrary(101).unwrap()), place);
            let mut again = Storage::arbitrary(100).unwrap();
            assert_eq!(at(&again), place);
            assert_eq!(again.as_mut_slice().unwrap().len(), 100);
            drop(again);
            let room = Buffer::<f32>::with_room(100).unwrap();
            assert_eq!((room.as_ptr(), room.len()), (place, 0));
        });
    }

    #[test]
    fn a_vector_from_outside_is_freed() {
        afresh(|| {
            drop(Storage::from(Buffer::from(vec![1.0f32; 10])));
            assert_eq!(f32::with_pool(|pool| pool.idle.len()), Some(0));
        });
    }

    #[test]
    fn what_another_thread_drops_is_freed() {
        afresh(|| {
            let storage = Storage::<f32>::arbitrary(10).unwrap();
            afresh(move || {
                drop(storage);
                assert_eq!(f32::with_pool(|pool| pool.idle.len()), Some(0));
            });
            assert_eq!(f32::with_pool(|pool| pool.idle.len()), Some(0));
        });
    }

    #[test]
    fn a_pool_is_bounded() {
        afresh(|| {
            let many: Vec<_> = (0..2 * MOST_BUFFERS)
                .map(|_| Storage::<u8>::arbitrary(1))
                .collect();
            drop(many);
            u8::with_pool(|pool| {
                for _ in 0..3 {
                    let elements = Vec::with_capacity(MOST_BYTES / 2 - 1);
                    let home = pool.address();
                    pool.put(Arc::new(Buffer { elements, home }));
                }
                assert!(pool.idle.len() <= MOST_BUFFERS);
                assert_eq!(
                    pool.bytes,
                    pool.idle
                        .iter()
                        .map(|(_, buffer)| buffer.bytes())
                        .sum::<usize>()
                );
                assert!(pool.bytes <= MOST_BYTES);
            });
        });
    }

    #[test]
    fn no_elements_need_no_memory() {
        let mut none = Storage::<f32>::arbitrary(0).unwrap();
        assert!(none.as_slice().is_empty());
        assert_eq!(none.as_mut_slice(), Some(&mut [][..]));
        assert_eq!(none.into_vec().ok(), Some(Vec::new()));
        assert!(Storage::<f64>::arbitrary(usize::MAX / 8).is_err());
    }
}
