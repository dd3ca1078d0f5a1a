//! Working memory that outlives a call.
//!
//! A convolution copies an image to its padding, packs weights or adds up partial
//! sums, in memory that it wants again for the next image. Fresh memory of that
//! size can cost more than the work done in it: the system hands it over page by
//! page, each one zeroed. So every thread keeps what it used last, unless it is
//! so large ([`MOST_BYTES`]) that the work surely takes longer.
//!
//! A buffer in use is taken out of its thread's store. A thread that waits for
//! others may be given a second piece of work meanwhile, and that piece finds
//! the store without it and takes another one.

use std::any::Any;
use std::cell::RefCell;

/// The largest buffer that is kept.
const MOST_BYTES: usize = 64 << 20;

thread_local! {
    /// One `Vec<T>` for each element type and depth of nesting.
    static STORE: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with a buffer of `len` elements whose values are arbitrary.
pub(crate) fn with<T: Copy + Default + 'static, R>(len: usize, f: impl FnOnce(&mut [T]) -> R) -> R {
    let kept = with_store(|store| {
        let found = store.iter().rposition(|buffer| buffer.is::<Vec<T>>())?;
        store.swap_remove(found).downcast::<Vec<T>>().ok()
    });
    // The box stays around its vector, so that keeping it allocates nothing.
    let mut buffer = kept.flatten().unwrap_or_default();
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
    let result = f(&mut buffer[..len]);
    if size_of_val(&buffer[..]) <= MOST_BYTES {
        with_store(|store| store.push(buffer));
    }
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

    #[test]
    fn what_is_very_large_is_not_kept() {
        let kept = || with_store(|store| store.len());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                with::<u8, _>(MOST_BYTES + 1, |buffer| assert_eq!(buffer[MOST_BYTES], 0));
                assert_eq!(kept(), Some(0));
                with::<u8, _>(MOST_BYTES, |_| ());
                assert_eq!(kept(), Some(1));
            });
        });
    }

    /// Values that are local to a thread go one after the other when it ends, and
    /// the last of them may still compute.
    #[test]
    fn a_thread_that_ends_has_fresh_memory() {
        use crate::{Conv2dOptions, Tensor};
        use std::sync::mpsc::Sender;

        struct Last(RefCell<Option<Sender<f32>>>);
        impl Drop for Last {
            fn drop(&mut self) {
                let x = Tensor::<f32>::ones([4, 16, 20, 20]).unwrap();
                let w = Tensor::ones([16, 16, 3, 3]).unwrap();
                let y = x.conv2d(&w, None, &Conv2dOptions::default()).unwrap();
                let sender = self.0.take().unwrap();
                sender.send(y.as_slice()[0]).unwrap();
            }
        }
        thread_local! {
            static LAST: Last = const { Last(RefCell::new(None)) };
        }
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            // Made before the library's, and so dropped after them.
            LAST.with(|last| last.0.replace(Some(sender)));
            with::<f32, _>(1, |_| ());
            let _ = Tensor::<f32>::ones([300]).unwrap().sum();
        });
        thread.join().unwrap();
        let sum = receiver.recv().unwrap();
        assert!((sum - 144.0).abs() < 1e-3);
    }
}
