//! Working memory that outlives a call.
//!
//! A convolution unrolls windows into a buffer that is as large as the cache
//! and wanted again for the next image. Fresh memory of that size costs more
//! than the work done in it: the system hands it over page by page, each one
//! zeroed. So every thread keeps what it used last.
//!
//! A buffer in use is taken out of its thread's store. A thread that waits for
//! others may be given a second piece of work meanwhile, and that piece finds
//! the store without it and takes another one.

use std::any::Any;
use std::cell::RefCell;

thread_local! {
    /// One `Vec<T>` for each element type and depth of nesting.
    static STORE: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with a buffer of `len` elements whose values are arbitrary.
pub(crate) fn with<T: Copy + Default + 'static, R>(len: usize, f: impl FnOnce(&mut [T]) -> R) -> R {
    // The box stays around its vector, so that keeping it allocates nothing.
    #[allow(clippy::box_collection)]
    let kept: Option<Option<Box<Vec<T>>>> = with_store(|store| {
        let found = store.iter().rposition(|buffer| buffer.is::<Vec<T>>())?;
        store.swap_remove(found).downcast::<Vec<T>>().ok()
    });
    let mut buffer = kept.flatten().unwrap_or_default();
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
    let result = f(&mut buffer[..len]);
    with_store(|store| store.push(buffer));
    result
}

/// Calls `f` with this thread's store; not at all while the thread ends.
fn with_store<R>(f: impl FnOnce(&mut Vec<Box<dyn Any>>) -> R) -> Option<R> {
    STORE.try_with(|store| f(&mut store.borrow_mut())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_and_never_twice_at_once() {
        let at = with::<f32, _>(100, |outer| {
            let inner = with::<f32, _>(50, |inner| inner.as_ptr());
            assert_ne!(outer.as_ptr(), inner);
            outer.fill(1.0);
            outer.as_ptr()
        });
        assert_eq!(with::<f32, _>(10, |buffer| buffer.as_ptr()), at);
        assert_eq!(with::<f64, _>(10, |buffer| buffer.len()), 10);
    }
}
