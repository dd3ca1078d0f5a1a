//! Threads: the only file that knows of them.
//!
//! **The same bits on any number of threads.** Work is cut into pieces whose
//! number depends on the size of the work alone, each piece is computed by one
//! thread, and results are handed back in order, so that a sum over pieces is
//! added in one fixed order. How many threads there are decides only who does
//! what.
//!
//! **Small work stays home.** Waking another thread costs microseconds, in
//! which one thread does some ten thousand multiplications. Below
//! [`SMALL`] operations the pieces run on the calling thread, one after the other.
//!
//! The number of threads is rayon's: `RAYON_NUM_THREADS`, or one for each core;
//! [`with_threads`] chooses it for one call.

use rayon::prelude::*;

use crate::error::{Error, Result};

/// Estimated scalar operations below which work is not shared out.
pub const SMALL: usize = 1 << 16;

/// The most threads that [`with_threads`] starts: more than any machine has
/// cores, and few enough that a slip does not stall it.
pub const MOST_THREADS: usize = 1024;

/// Runs `work` with this many threads for everything the library does in it.
///
/// ```
/// let answer = wengert_tensor::par::with_threads(1, || 6 * 7)?;
/// assert_eq!(answer, 42);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// [`Error::Value`] if `threads` is 0 or more than [`MOST_THREADS`], or the
/// system would not start them.
pub fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> Result<R> {
    const OP: &str = "with_threads";
    if !(1..=MOST_THREADS).contains(&threads) {
        return Err(Error::value(
            OP,
            format!("the number of threads must lie in 1..={MOST_THREADS}, got {threads}"),
        ));
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map(|pool| pool.install(work))
        .map_err(|error| Error::value(OP, format!("{threads} threads: {error}")))
}

/// The number of threads that work is shared among here.
#[must_use]
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// Calls `f(i, piece)` for every `piece_len` elements of `out` (the last piece
/// may be shorter). `cost` estimates the scalar operations of the whole.
pub(crate) fn for_each_piece<T: Send>(
    out: &mut [T],
    piece_len: usize,
    cost: usize,
    f: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    let piece_len = piece_len.max(1);
    if cost < SMALL || out.len() <= piece_len {
        out.chunks_mut(piece_len)
            .enumerate()
            .for_each(|(i, piece)| f(i, piece));
    } else {
        out.par_chunks_mut(piece_len)
            .enumerate()
            .for_each(|(i, piece)| f(i, piece));
    }
}

/// `f` of every item: for pieces that are not runs of one slice, such as blocks
/// of columns. `cost` estimates the scalar operations of the whole.
pub(crate) fn for_each_item<I: Send>(items: Vec<I>, cost: usize, f: impl Fn(I) + Send + Sync) {
    if cost < SMALL || items.len() <= 1 {
        items.into_iter().for_each(f);
    } else {
        items.into_par_iter().for_each(f);
    }
}

/// Both results, computed side by side if that is worth it. `cost` estimates
/// the scalar operations of the two together. A recursion that halves its work
/// shares it among any number of threads.
pub(crate) fn join<A: Send, B: Send>(
    cost: usize,
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    if cost < SMALL {
        (a(), b())
    } else {
        rayon::join(a, b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_same_on_any_number_of_threads() {
        let run = |threads| {
            with_threads(threads, || {
                let mut out = vec![0usize; 1000];
                for_each_piece(&mut out, 7, usize::MAX, |i, piece| piece.fill(i));
                out
            })
            .unwrap()
        };
        assert_eq!(run(1), run(4));
        assert!(with_threads(0, || ()).is_err());
        assert!(with_threads(MOST_THREADS + 1, || ()).is_err());
    }

    #[test]
    fn small_work_stays_on_the_calling_thread() {
        let here = std::thread::current().id();
        let me = || std::thread::current().id();
        let mut ids = [None; 8];
        for_each_piece(&mut ids, 1, SMALL - 1, |_, id| id[0] = Some(me()));
        assert_eq!(ids, [Some(here); 8]);
        assert_eq!(join(SMALL - 1, me, me), (here, here));
    }
}
