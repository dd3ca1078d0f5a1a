//! Threads: the only file that knows of them.
//!
//! **The same bits on any number of threads.** Work is cut into pieces whose
//! number depends on the size of the work alone, each piece is computed by one
//! thread, and sums over pieces are added in one fixed order. How many threads
//! there are decides only who does what.
//!
//! **The caller works too.** It takes pieces like everyone else, so a worker
//! that is slow to wake up costs nothing but its help; and it waits for the last
//! piece without going to sleep.
//!
//! **Workers stay awake for a while.** A training step is a chain of short
//! loops, and waking a thread takes longer than most of them. So a worker that
//! has run out of pieces looks for the next ones for 200 µs before it sleeps.
//!
//! **Small work stays home.** Handing work over has its price even then. Below
//! [`SMALL`] the pieces run on the calling thread, one after the
//! other.
//!
//! The number of threads is `RAYON_NUM_THREADS`, or one for each core;
//! [`set_threads`] chooses it for the program, [`with_threads`] for one call.
//! The threads themselves are rayon's; those that a number was asked of once stay
//! for the next time, asleep.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder, Yield};

use crate::error::{Error, Result};

/// Work, in units of 0.1 ns of one thread, below which it is not shared out:
/// about five microseconds.
pub const SMALL: usize = 48 << 10;

/// The most threads that [`with_threads`] starts: more than any machine has
/// cores, and few enough that a slip does not stall it.
pub const MOST_THREADS: usize = 1024;

/// How long a worker looks for work before it sleeps: meant to be longer than
/// what lies between two loops of a training step.
const AWAKE: Duration = Duration::from_micros(200);

/// The work of so many multiply-adds in a vector kernel, in units of 0.1 ns.
pub(crate) const fn multiply_adds(count: usize) -> usize {
    count / 8
}

// ---------------------------------------------------------------- how many

/// A number of threads: the caller and workers.
#[derive(Clone)]
struct Team {
    threads: usize,
    /// One thread less than there are, and none for one.
    workers: Option<Arc<ThreadPool>>,
}

impl Team {
    /// The team of this size: there is one, however often it is asked for.
    fn of(op: &'static str, threads: usize) -> Result<Self> {
        static TEAMS: Mutex<Vec<Team>> = Mutex::new(Vec::new());
        if !(1..=MOST_THREADS).contains(&threads) {
            return Err(Error::value(
                op,
                format!("the number of threads must lie in 1..={MOST_THREADS}, got {threads}"),
            ));
        }
        let mut teams = lock(&TEAMS);
        if let Some(team) = teams.iter().find(|team| team.threads == threads) {
            return Ok(team.clone());
        }
        let workers = match threads {
            1 => None,
            _ => {
                let builder = ThreadPoolBuilder::new().num_threads(threads - 1);
                let builder = builder.thread_name(|i| format!("wengert-{i}"));
                let pool = builder.start_handler(|_| ROLE.set(Role::Worker)).build();
                let refused = |error| Error::value(op, format!("{threads} threads: {error}"));
                Some(Arc::new(pool.map_err(refused)?))
            }
        };
        let team = Self { threads, workers };
        teams.push(team.clone());
        Ok(team)
    }

    /// The team that works for this thread.
    fn current() -> Option<Self> {
        thread_local! {
            /// The last team that was not chosen by `with_threads`.
            static LAST: RefCell<Option<Team>> = const { RefCell::new(None) };
        }
        if let Some(team) = chosen(Clone::clone) {
            return Some(team);
        }
        let threads = everywhere().load(Ordering::Relaxed);
        let last = LAST.try_with(|last| {
            let mut last = last.borrow_mut();
            if last.as_ref().is_none_or(|last| last.threads != threads) {
                // If the system starts no threads, the caller works alone.
                *last = Self::of("threads", threads).ok();
            }
            last.clone()
        });
        // And so it does while its thread ends.
        last.ok().flatten()
    }
}

thread_local! {
    /// The team that [`with_threads`] chose for what this thread is doing.
    static CHOSEN: RefCell<Option<Team>> = const { RefCell::new(None) };
    /// What comes up in a piece of work is not shared out again.
    static ROLE: Cell<Role> = const { Cell::new(Role::Other) };
}

/// What a thread is doing.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// A worker of a team, always.
    Worker,
    /// A caller, while it does its share.
    Caller,
    /// Anything else.
    Other,
}

/// Asks the team that `with_threads` chose; none while the thread ends.
fn chosen<R>(ask: impl FnOnce(&Team) -> R) -> Option<R> {
    CHOSEN
        .try_with(|team| team.borrow().as_ref().map(ask))
        .ok()
        .flatten()
}

/// Puts another team in the place of the one that was chosen.
fn choose(team: Option<Team>) -> Option<Team> {
    CHOSEN
        .try_with(|chosen| chosen.replace(team))
        .ok()
        .flatten()
}

/// The number of threads where `with_threads` has not chosen another. More than
/// [`MOST_THREADS`] are that many.
fn everywhere() -> &'static AtomicUsize {
    static THREADS: OnceLock<AtomicUsize> = OnceLock::new();
    THREADS.get_or_init(|| {
        let named = std::env::var("RAYON_NUM_THREADS").ok();
        let named = named.and_then(|number| number.trim().parse().ok());
        let cores = || std::thread::available_parallelism().map_or(1, Into::into);
        let threads = named.filter(|&number| number > 0).unwrap_or_else(cores);
        AtomicUsize::new(threads.min(MOST_THREADS))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that is kept behind a lock here is ever half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on the program works with this many threads, wherever
/// [`with_threads`] does not say otherwise.
///
/// ```
/// use wengert_tensor::par;
///
/// par::set_threads(2)?;
/// assert_eq!(par::threads(), 2);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`with_threads`].
pub fn set_threads(threads: usize) -> Result<()> {
    Team::of("set_threads", threads)?;
    everywhere().store(threads, Ordering::Relaxed);
    Ok(())
}

/// Runs `work` with this many threads for everything the library does in it.
/// The calling thread is one of them; the others are started when a number is
/// first asked for, and kept.
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
pub fn with_threads<R>(threads: usize, work: impl FnOnce() -> R) -> Result<R> {
    /// Puts back what was chosen before, even if the work panics.
    struct Before(Option<Team>);
    impl Drop for Before {
        fn drop(&mut self) {
            choose(self.0.take());
        }
    }
    let team = Team::of("with_threads", threads)?;
    let _before = Before(choose(Some(team)));
    Ok(work())
}

/// The number of threads that work is shared among here.
#[must_use]
pub fn threads() -> usize {
    chosen(|team| team.threads).unwrap_or_else(|| everywhere().load(Ordering::Relaxed))
}

// ---------------------------------------------------------------- sharing out

/// Calls `f(i, piece)` for every `piece_len` elements of `out` (the last piece
/// may be shorter). `cost` estimates the whole, in units of 0.1 ns.
pub(crate) fn for_each_piece<T: Send>(
    out: &mut [T],
    piece_len: usize,
    cost: usize,
    f: impl Fn(usize, &mut [T]) + Sync,
) {
    let pieces = out.chunks_mut(piece_len.max(1)).enumerate();
    share(pieces, cost, |(i, piece)| f(i, piece));
}

/// Calls `f` with every item: for pieces that are not runs of one slice, such
/// as blocks of columns, or runs of two slices side by side. `cost` estimates
/// the whole, in units of 0.1 ns.
pub(crate) fn for_each_item<I: Send>(
    items: impl IntoIterator<Item = I, IntoIter: ExactSizeIterator + Send>,
    cost: usize,
    f: impl Fn(I) + Sync,
) {
    share(items.into_iter(), cost, f);
}

/// Calls `f` with every item, on whichever thread takes it.
fn share<I: Send>(
    items: impl ExactSizeIterator<Item = I> + Send,
    cost: usize,
    f: impl Fn(I) + Sync,
) {
    let count = items.len();
    let workers = if cost < SMALL || count <= 1 || ROLE.get() != Role::Other {
        None
    } else {
        Team::current().and_then(|team| team.workers)
    };
    let Some(workers) = workers else {
        return items.for_each(f);
    };
    // Taking a piece is a lock and a few additions; pieces take microseconds.
    let items = Mutex::new(items);
    let left = AtomicUsize::new(count);
    let take = || {
        let _whole = Whole(&left);
        loop {
            let item = lock(&items).next();
            let Some(item) = item else { break };
            let _piece = Piece(&left);
            f(item);
        }
    };
    workers.in_place_scope(|scope| {
        for _ in 0..workers.current_num_threads().min(count - 1) {
            scope.spawn(|_| take());
        }
        at_work(take);
        wait_for(&left);
    });
    stay_awake(&workers);
}

/// A piece that somebody has taken: done when it goes, even by a panic.
struct Piece<'a>(&'a AtomicUsize);

impl Drop for Piece<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// The share of one thread. If it ends by a panic, no one waits for pieces that
/// may never be taken.
struct Whole<'a>(&'a AtomicUsize);

impl Drop for Whole<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(0, Ordering::Release);
        }
    }
}

/// Runs the caller's share.
fn at_work(share: impl FnOnce()) {
    /// The end of it, even by a panic.
    struct Done;
    impl Drop for Done {
        fn drop(&mut self) {
            ROLE.set(Role::Other);
        }
    }
    ROLE.set(Role::Caller);
    let _done = Done;
    share();
}

/// Waits, awake, until no piece is left; then a moment more, in which the worker
/// that had the last one reports to rayon, which would put the caller to sleep.
fn wait_for(left: &AtomicUsize) {
    let mut turns = 0u32;
    while left.load(Ordering::Acquire) as isize > 0 {
        std::hint::spin_loop();
        turns += 1;
        // More threads than cores: the one that is waited for may need this one's.
        if turns.is_multiple_of(1 << 12) {
            std::thread::yield_now();
        }
    }
    for _ in 0..32 {
        std::hint::spin_loop();
    }
}

/// Has every worker look for work until there has been none for [`AWAKE`].
fn stay_awake(workers: &ThreadPool) {
    thread_local! {
        static LOOKING: Cell<bool> = const { Cell::new(false) };
    }
    for _ in 0..workers.current_num_threads() {
        // One that is looking already finds this as a piece of work, and is done
        // with it at once.
        workers.spawn(|| {
            if LOOKING.replace(true) {
                return;
            }
            let mut last = Instant::now();
            while last.elapsed() < AWAKE {
                if rayon::yield_now() == Some(Yield::Executed) {
                    last = Instant::now();
                } else {
                    std::hint::spin_loop();
                }
            }
            LOOKING.set(false);
        });
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
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(7));
        assert!(with_threads(0, || ()).is_err());
        assert!(with_threads(MOST_THREADS + 1, || ()).is_err());
        assert!(set_threads(0).is_err());
    }

    #[test]
    fn small_work_stays_on_the_calling_thread() {
        let here = std::thread::current().id();
        let me = || std::thread::current().id();
        let mut ids = [None; 8];
        for_each_piece(&mut ids, 1, SMALL - 1, |_, id| id[0] = Some(me()));
        assert_eq!(ids, [Some(here); 8]);
    }

    #[test]
    fn threads_that_are_not_ours_do_not_help() {
        let me = || std::thread::current().id();
        // Each piece takes long enough for others to come.
        let who = |threads| {
            let ids = Mutex::new(std::collections::HashSet::new());
            let slow = |_| {
                std::thread::sleep(Duration::from_millis(10));
                lock(&ids).insert(me());
            };
            with_threads(threads, || for_each_item(0..4, usize::MAX, slow)).unwrap();
            ids.into_inner().unwrap()
        };
        let foreign = ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let (here, ids) = foreign.install(|| (me(), who(1)));
        assert_eq!(ids, [here].into());
        // Nor do ours, within a piece.
        at_work(|| assert_eq!(who(3), [me()].into()));
    }

    #[test]
    fn work_is_shared_and_work_in_work_is_not() {
        let me = || std::thread::current().id();
        let ids = Mutex::new(std::collections::HashSet::new());
        with_threads(3, || {
            // A piece that waits for the others, so that three threads must come.
            let together = std::sync::Barrier::new(3);
            for_each_item(0..3, usize::MAX, |_| {
                together.wait();
                let here = me();
                lock(&ids).insert(here);
                for_each_item(0..3, usize::MAX, |_| assert_eq!(me(), here));
            });
        })
        .unwrap();
        assert_eq!(lock(&ids).len(), 3);
    }

    #[test]
    fn a_panic_in_a_piece_reaches_the_caller() {
        for threads in [1, 2, 7] {
            let run = |bad: usize| {
                std::panic::catch_unwind(|| {
                    with_threads(threads, || {
                        for_each_item(0..64, usize::MAX, |i: usize| assert_ne!(i, bad));
                    })
                    .unwrap();
                })
            };
            assert!(run(63).is_err());
            assert!(run(0).is_err());
            // And the threads work on.
            assert!(run(64).is_ok());
        }
    }

    #[test]
    fn a_choice_ends_with_the_call() {
        let before = threads();
        with_threads(5, || {
            assert_eq!(threads(), 5);
            with_threads(2, || assert_eq!(threads(), 2)).unwrap();
            assert_eq!(threads(), 5);
        })
        .unwrap();
        assert_eq!(threads(), before);
    }
}
