//! What the machine can do at most: fused multiply-adds, and copies.
//!
//! Both are measured on every thread at once, each with data of its own and
//! without handing work around, so that the sum is the ceiling of a perfect
//! program. The slowest thread counts.
//!
//! - `limit/fma`: twelve independent sums in the widest registers that the
//!   processor has, and nothing else. (The `pulp` crate chooses the instruction
//!   set, independently of the library that is measured.)
//! - `limit/copy/…`: `copy_from_slice`. Bytes are counted as read and written.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

use anyhow::{Result, anyhow};
use pulp::{Arch, Simd, WithSimd};
use wengert_benches::{Timing, Unit};

use crate::case::{Case, Context};

/// The name of the multiply-add ceiling.
pub(crate) const FMA: &str = "limit/fma";

/// Multiply-adds that each of the sums receives in one run: some 0.1 ms.
const ROUNDS: usize = 80_000;

/// Bytes read and written by the copies: inside the second-level cache, inside
/// the third, and outside of both.
const COPIES: [(&str, usize); 3] = [("L2", 480 << 10), ("L3", 4 << 20), ("DRAM", 192 << 20)];

pub(crate) fn cases(context: &Context) -> Vec<Case> {
    let work = context.threads as f64 * Fma::flops();
    let mut cases = vec![Case {
        name: FMA.to_owned(),
        work,
        unit: Unit::Ns,
        measure: Box::new(|context| {
            on_every_thread(context, || {
                let arch = Arch::new();
                move || {
                    black_box(arch.dispatch(Fma));
                }
            })
        }),
    }];
    for (level, bytes) in COPIES {
        // Caches of the first two levels are each core's own.
        let all = match level {
            "L2" => bytes * context.threads,
            _ if context.smoke => 1 << 16,
            _ => bytes,
        };
        cases.push(copy(format!("limit/copy/{level}"), all as f64));
    }
    cases
}

/// A copy that reads and writes as many bytes as a case does.
pub(crate) fn copy_beside(case: &str, bytes: f64) -> Case {
    copy(format!("limit/copy/{case}"), bytes)
}

fn copy(name: String, bytes: f64) -> Case {
    Case {
        name,
        work: bytes,
        unit: Unit::Ns,
        measure: Box::new(move |context| {
            let floats = bytes as usize / 8 / context.threads;
            on_every_thread(context, move || {
                let source = vec![1.0f32; floats];
                let mut target = vec![0.0f32; floats];
                move || {
                    target.copy_from_slice(black_box(&source));
                    black_box(&mut target);
                }
            })
        }),
    }
}

/// Runs the same on every thread at once; returns the slowest thread's median.
fn on_every_thread<R: FnMut()>(
    context: &Context,
    start: impl Fn() -> R + Send + Sync,
) -> Result<Timing> {
    let begin = Barrier::new(context.threads);
    let measure = || {
        let mut run = start();
        begin.wait();
        context.budget.median(|| {
            run();
            Ok(())
        })
    };
    let timings: Vec<Result<Timing>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..context.threads).map(|_| scope.spawn(measure)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("a thread panicked"))?)
            .collect()
    });
    let timings = timings.into_iter().collect::<Result<Vec<_>>>()?;
    timings
        .into_iter()
        .max_by(|a, b| a.ns.total_cmp(&b.ns))
        .ok_or_else(|| anyhow!("no thread was asked for"))
}

/// Multiply-adds, as many as fit.
#[derive(Clone, Copy)]
struct Fma;

/// As many chains as hide the latency of a multiply-add, with registers to spare.
const CHAINS: usize = 12;

impl Fma {
    /// Operations of one run.
    fn flops() -> f64 {
        struct Lanes;
        impl WithSimd for Lanes {
            type Output = usize;
            fn with_simd<S: Simd>(self, _: S) -> usize {
                S::F32_LANES
            }
        }
        (2 * CHAINS * ROUNDS * Arch::new().dispatch(Lanes)) as f64
    }
}

impl WithSimd for Fma {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        // Unknown to the compiler, which would compute the result by itself.
        let scale = simd.splat_f32s(black_box(0.99));
        let shift = simd.splat_f32s(black_box(0.001));
        let mut sums = [simd.splat_f32s(1.0); CHAINS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, scale, shift);
            }
        }
        // No closures: they would not be compiled for the instruction set.
        let mut total = 0.0;
        for sum in sums {
            total += simd.reduce_sum_f32s(sum);
        }
        total
    }
}
