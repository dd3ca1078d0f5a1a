//! Vector instructions: the micro-kernels, and the only `unsafe` of the library.
//!
//! A processor that multiplies and adds sixteen numbers in one instruction does
//! so only if it is asked to. The compiler may not ask on its own: a binary
//! must run on processors that have less. So the widest instruction set is
//! looked for when the program runs ([`InstructionSet::best`]), and a plain
//! `cargo build --release` is the fast build.
//!
//! **Written once.** A kernel is a struct that holds its arguments and
//! implements [`Kernel`]; its body is generic over [`Vector`], "so many numbers
//! in a register". [`run`] compiles it for each instruction set and calls the
//! one that is wanted:
//!
//! | set | numbers in a register (f32, f64) | registers |
//! |---|---|---|
//! | AVX-512 | 16, 8 | 32 |
//! | AVX2 with FMA | 8, 4 | 16 |
//! | portable: arrays, which the compiler makes the best of | 4, 4 | 16 |
//!
//! A loop that the compiler turns into vector code by itself needs no kernel:
//! [`wide`] compiles a closure for each instruction set.
//!
//! **The same result, nearly.** FMA rounds once where the portable kernels
//! round twice, and wider vectors sum in another order: levels agree within a
//! few roundings for each addition, not bit for bit. `WENGERT_SIMD=portable`
//! (or `avx2`, `avx512`) in the environment chooses one, for tests and for bits
//! that must be the same on different machines.
//!
//! **What is unsafe.** Loads and stores through pointers, whose bounds a kernel
//! checks once for a whole tile, and the call into code compiled for an
//! instruction set, which [`run`] makes only where that set was found. The
//! vector types are named by [`run`] alone, so that their methods, which are
//! safe to call, never run on a processor without them.

#![allow(unsafe_code)]
// `Float` names the vector types, so they are public; no one outside can name them.
#![allow(unreachable_pub)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod compare;
mod places;
pub(crate) mod pool;
mod portable;
#[macro_use]
mod unroll;
pub(crate) mod conv_channels;
pub(crate) mod conv_columns;
pub(crate) mod conv_depthwise;
pub(crate) mod conv_pointwise;
pub(crate) mod conv_rows;
pub(crate) mod fold;
pub(crate) mod gemm;
mod vector;
mod winograd;

// Weight gradients.
pub(crate) mod conv_weight_inner;
pub(crate) mod conv_weight_outer;
pub(crate) mod conv_weight_pairs;

use std::fmt;
use std::sync::OnceLock;

pub use vector::{Lanes, Vector};
pub(crate) use winograd::{FILTERS, Filters, PLACES, Plan, Winograd};

/// A set of vector instructions that a kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum InstructionSet {
    /// What every processor of the platform has.
    Portable,
    /// 256-bit vectors and fused multiply-add: x86-64 since about 2013.
    Avx2,
    /// 512-bit vectors: x86-64 servers since 2017, Zen 4 and later.
    Avx512,
}

impl InstructionSet {
    const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The one that runs: the widest that this processor has, or the one that
    /// `WENGERT_SIMD` names (`portable`, `avx2`, `avx512`), if it has that; any
    /// other value counts as none. Looked up once.
    ///
    /// ```
    /// use wengert_tensor::InstructionSet;
    ///
    /// let set = InstructionSet::best();
    /// assert!(InstructionSet::available().any(|available| available == set));
    /// ```
    #[must_use]
    pub fn best() -> Self {
        static BEST: OnceLock<InstructionSet> = OnceLock::new();
        *BEST.get_or_init(|| {
            let wanted = std::env::var("WENGERT_SIMD").unwrap_or_default();
            let named =
                Self::available().find(|set| set.to_string() == wanted.trim().to_lowercase());
            named.unwrap_or(Self::widest())
        })
    }

    /// The widest that this processor has.
    fn widest() -> Self {
        static WIDEST: OnceLock<InstructionSet> = OnceLock::new();
        *WIDEST.get_or_init(|| Self::available().last().unwrap_or(Self::Portable))
    }

    /// Those that this processor has, the narrowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|set| set.is_available())
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("bmi2")
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_available(self) -> bool {
        self == Self::Portable
    }
}

impl fmt::Display for InstructionSet {
    /// The name that `WENGERT_SIMD` knows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        })
    }
}

/// Asks for the cache line of an element that will be read or written soon. The
/// address may be any, it is not accessed.
#[inline(always)]
fn prefetch<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every processor of this architecture has the instruction, and
        // it does nothing where there is no such address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Something to compute with vectors of `T`, whichever they are.
///
/// Mark `run` as `#[inline(always)]`, and every function that it calls with
/// vectors: what is not inlined is compiled without the instruction set.
pub(crate) trait Kernel<T: Lanes> {
    /// What it yields.
    type Output;

    /// The computation.
    fn run<V: Vector<T>>(self) -> Self::Output;
}

/// Runs a kernel, compiled for `set`, or for the widest set below it that this
/// processor has.
#[inline]
pub(crate) fn run<T: Lanes, K: Kernel<T>>(set: InstructionSet, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        match set.min(InstructionSet::widest()) {
            // SAFETY: the processor has the instructions.
            InstructionSet::Avx512 => return unsafe { avx512::run(kernel) },
            // SAFETY: the processor has the instructions.
            InstructionSet::Avx2 => return unsafe { avx2::run(kernel) },
            InstructionSet::Portable => {}
        }
    }
    let _ = set;
    kernel.run::<T::Portable>()
}

/// Runs a closure, compiled for [`InstructionSet::best`]: for loops that the
/// compiler vectorises by itself. No sum changes its order by that, and no
/// multiplication and addition are fused: the bits do not depend on the set.
///
/// The closure's loop must be in its own body or in what is inlined into it, and
/// it must be short: the compiler inlines it here, or it does not see the set.
/// Longer ones are a [`Kernel`].
#[inline]
pub(crate) fn wide<R>(f: impl FnOnce() -> R) -> R {
    compiled_for(InstructionSet::best(), f)
}

/// As [`wide`], for the set that is named.
#[inline]
pub(crate) fn compiled_for<R>(set: InstructionSet, f: impl FnOnce() -> R) -> R {
    struct Call<F>(F);
    impl<R, F: FnOnce() -> R> Kernel<f32> for Call<F> {
        type Output = R;
        #[inline(always)]
        fn run<V: Vector<f32>>(self) -> R {
            (self.0)()
        }
    }
    run(set, Call(f))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every method of the vectors against plain arithmetic.
    struct Methods;

    impl<T: Lanes> Kernel<T> for Methods {
        type Output = usize;

        #[inline(always)]
        fn run<V: Vector<T>>(self) -> usize {
            let lanes = V::LANES;
            let x: Vec<T> = (0..lanes).map(|i| T::of(i as f64 - 2.5)).collect();
            let y: Vec<T> = (0..lanes).map(|i| T::of(3.0 - i as f64 * 0.5)).collect();
            let store = |v: V| {
                let mut out = vec![T::ZERO; lanes];
                // SAFETY: `out` holds a vector.
                unsafe { v.store(out.as_mut_ptr()) };
                out
            };
            // SAFETY: `x` and `y` hold a vector each.
            let (a, b) = unsafe { (V::load(x.as_ptr()), V::load(y.as_ptr())) };
            let check = |name: &str, v: V, f: fn(f64, f64) -> f64| {
                for ((got, &x), &y) in store(v).into_iter().zip(&x).zip(&y) {
                    let want = f(x.as_f64(), y.as_f64());
                    assert_eq!(got.as_f64(), want, "{name} of {lanes} lanes");
                }
            };
            check("splat", V::splat(T::of(7.0)), |_, _| 7.0);
            check("zero", V::zero(), |_, _| 0.0);
            check("add", a.add(b), |x, y| x + y);
            check("sub", a.sub(b), |x, y| x - y);
            check("mul", a.mul(b), |x, y| x * y);
            check("mul_add", a.mul_add(b, a), |x, y| x * y + x);
            check("relu", a.relu(), |x, _| if x > 0.0 { x } else { 0.0 });
            assert_eq!(
                a.sum().as_f64(),
                x.iter().map(|x| x.as_f64()).sum::<f64>(),
                "the halves of small numbers are exact"
            );
            let pair: Vec<T> = x.iter().chain(&y).copied().collect();
            let (even, odd) = a.deinterleave(b);
            let (even, odd) = (store(even), store(odd));
            for i in 0..lanes {
                assert_eq!([even[i], odd[i]], [pair[2 * i], pair[2 * i + 1]]);
            }
            let (first, second) = a.interleave(b);
            let mixed: Vec<T> = store(first).into_iter().chain(store(second)).collect();
            for i in 0..lanes {
                assert_eq!([mixed[2 * i], mixed[2 * i + 1]], [x[i], y[i]]);
            }
            let (behind, ahead) = (store(a.behind(y[0])), store(a.ahead(y[0])));
            for i in 1..lanes {
                assert_eq!([behind[i], ahead[i - 1]], [x[i - 1], x[i]]);
            }
            assert_eq!([behind[0], ahead[lanes - 1]], [y[0]; 2]);
            for (start, end) in (0..=lanes).flat_map(|end| (0..=end).map(move |start| (start, end)))
            {
                let mut kept = vec![T::of(9.0); lanes];
                // SAFETY: `kept` holds every lane.
                unsafe { a.store_range(kept.as_mut_ptr(), start, end) };
                for i in 0..lanes {
                    let inside = start <= i && i < end;
                    assert_eq!(kept[i], if inside { x[i] } else { T::of(9.0) });
                }
            }
            // NaN goes through a ReLU.
            let nan = store(V::splat(T::of(f64::NAN)).relu());
            assert!(nan.iter().all(|x| x.as_f64().is_nan()));
            for count in 0..=lanes {
                // SAFETY: `count` elements are read and written, both slices hold them.
                let (got, kept) = unsafe {
                    let part = V::load_first(x.as_ptr(), count);
                    let mut kept = vec![T::of(9.0); lanes];
                    part.store_first(kept.as_mut_ptr(), count);
                    (store(part), kept)
                };
                for i in 0..lanes {
                    let inside = i < count;
                    assert_eq!(got[i], if inside { x[i] } else { T::ZERO });
                    assert_eq!(kept[i], if inside { x[i] } else { T::of(9.0) });
                }
                for start in 0..=count {
                    // SAFETY: the lanes start..count are read, the slice holds them.
                    let part = store(unsafe { V::load_between(x.as_ptr(), start, count) });
                    for i in 0..lanes {
                        let inside = (start..count).contains(&i);
                        assert_eq!(part[i], if inside { x[i] } else { T::ZERO });
                    }
                }
            }
            lanes
        }
    }

    #[test]
    fn vectors_compute_what_numbers_do() {
        for set in InstructionSet::available() {
            let lanes = [run::<f32, _>(set, Methods), run::<f64, _>(set, Methods)];
            let expected = match set {
                InstructionSet::Portable => [4, 4],
                InstructionSet::Avx2 => [8, 4],
                InstructionSet::Avx512 => [16, 8],
            };
            assert_eq!(lanes, expected);
        }
    }

    #[test]
    fn the_unrolled_loop_is_a_loop() {
        let mut seen = Vec::new();
        unroll!(i < 5, {
            seen.push(i);
        });
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        unroll!(i < 0, {
            seen.push(i + 100);
        });
        assert_eq!(seen.len(), 5);
    }

    #[test]
    fn wide_code_computes_the_same() {
        let x: Vec<f32> = (0..100).map(|i| i as f32).collect();
        let y: Vec<f32> = wide(|| x.iter().map(|x| x * 2.0 + 1.0).collect());
        assert!(y.iter().zip(&x).all(|(y, x)| *y == x * 2.0 + 1.0));
    }
}
