//! Random tensors, and the generator that makes runs repeatable.
//!
//! Nothing here is global: every function draws from the generator that it is
//! handed, any [`rand::Rng`] will do, and the same generator in the same state
//! yields the same tensor. [`Generator`] is the library's own: ChaCha with
//! eight rounds, whose stream is fixed by its specification and so the same on
//! every platform and in every release, and whose whole state is three numbers
//! that a checkpoint can hold.

use rand::{Rng, RngExt, SeedableRng, rand_core};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, StandardUniform};

use crate::element::{Element, Float};
use crate::error::{Error, Result};
use crate::shape::allocate;
use crate::tensor::Tensor;

/// Element types that can be drawn: the bridge to `rand`'s distributions.
pub trait Sample: Sized {
    /// One draw from [0, 1).
    fn standard_uniform<R: Rng + ?Sized>(rng: &mut R) -> Self;
    /// One draw from the normal distribution with mean 0 and deviation 1.
    fn standard_normal<R: Rng + ?Sized>(rng: &mut R) -> Self;
}

macro_rules! sample {
    ($t:ty) => {
        impl Sample for $t {
            #[inline]
            fn standard_uniform<R: Rng + ?Sized>(rng: &mut R) -> Self {
                StandardUniform.sample(rng)
            }
            #[inline]
            fn standard_normal<R: Rng + ?Sized>(rng: &mut R) -> Self {
                StandardNormal.sample(rng)
            }
        }
    };
}
sample!(f32);
sample!(f64);

/// A seedable generator whose state can be saved and restored.
///
/// ```
/// use wengert_tensor::{Tensor, random::Generator};
///
/// let mut generator = Generator::new(7);
/// let _ = Tensor::<f32>::rand([2, 3], &mut generator)?;
/// let saved = generator.state();
/// let a = Tensor::<f32>::rand([4], &mut generator)?;
/// let b = Tensor::<f32>::rand([4], &mut Generator::from_state(&saved))?;
/// assert_eq!(a, b);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    rng: ChaCha8Rng,
}

/// The whole state of a [`Generator`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratorState {
    /// The key of the cipher.
    pub seed: [u8; 32],
    /// Which of the 2⁶⁴ independent streams of that key.
    pub stream: u64,
    /// How many 32-bit words of the stream were drawn.
    pub position: u128,
}

impl Generator {
    /// The generator of this seed, at the start of its stream.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// A generator seeded by one draw from another.
    pub fn from_rng<R: Rng + ?Sized>(rng: &mut R) -> Self {
        Self::new(rng.next_u64())
    }

    /// The same seed on another of its independent streams, from its start:
    /// one for each worker or purpose, none correlated with the others.
    #[must_use]
    pub fn stream(&self, stream: u64) -> Self {
        let mut rng = self.rng.clone();
        rng.set_stream(stream);
        rng.set_word_pos(0);
        Self { rng }
    }

    /// What [`from_state`](Self::from_state) needs to go on from here.
    #[must_use]
    pub fn state(&self) -> GeneratorState {
        GeneratorState {
            seed: self.rng.get_seed(),
            stream: self.rng.get_stream(),
            position: self.rng.get_word_pos(),
        }
    }

    /// The generator that was saved.
    #[must_use]
    pub fn from_state(state: &GeneratorState) -> Self {
        let mut rng = ChaCha8Rng::from_seed(state.seed);
        rng.set_stream(state.stream);
        rng.set_word_pos(state.position);
        Self { rng }
    }

    /// The numbers 0 … n−1 in random order.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn permutation(&mut self, n: usize) -> Result<Vec<usize>> {
        permutation(n, self)
    }
}

impl rand_core::TryRng for Generator {
    type Error = rand_core::Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.rng.try_next_u32()
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.rng.try_next_u64()
    }

    #[inline]
    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
        self.rng.try_fill_bytes(dst)
    }
}

/// The numbers 0 … n−1 in random order.
///
/// # Errors
/// [`Error::TooLarge`].
pub fn permutation<R: Rng + ?Sized>(n: usize, rng: &mut R) -> Result<Vec<usize>> {
    let mut order = Vec::new();
    order.try_reserve_exact(n).map_err(|_| Error::TooLarge {
        op: "permutation",
        shape: vec![n],
        element: "usize",
    })?;
    order.extend(0..n);
    shuffle(&mut order, rng);
    Ok(order)
}

/// Puts the items in random order (Fisher–Yates).
pub fn shuffle<X, R: Rng + ?Sized>(items: &mut [X], rng: &mut R) {
    for i in (1..items.len()).rev() {
        // Drawn as u64, so that 32-bit platforms see the same stream.
        let j = rng.random_range(0..=i as u64) as usize;
        items.swap(i, j);
    }
}

impl<T: Float> Tensor<T> {
    /// Independent draws from the uniform distribution on [0, 1).
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn rand<R: Rng + ?Sized>(shape: impl AsRef<[usize]>, rng: &mut R) -> Result<Self> {
        draw("rand", shape.as_ref(), || T::standard_uniform(rng))
    }

    /// Independent draws from the uniform distribution on [low, high).
    ///
    /// # Errors
    /// [`Error::Value`] unless `low <= high` and both and their distance are
    /// finite numbers of this type, [`Error::TooLarge`].
    pub fn uniform<R: Rng + ?Sized>(
        shape: impl AsRef<[usize]>,
        low: f64,
        high: f64,
        rng: &mut R,
    ) -> Result<Self> {
        let (start, width) = (T::of(low), T::of(high - low));
        if !(start.is_finite() && width.is_finite() && low <= high) {
            return Err(Error::value(
                "uniform",
                format!(
                    "needs bounds with low <= high that are finite as {}, and so their distance, \
                     got [{low}, {high})",
                    T::NAME
                ),
            ));
        }
        draw("uniform", shape.as_ref(), || {
            start + width * T::standard_uniform(rng)
        })
    }

    /// Independent draws from the normal distribution with mean 0 and
    /// deviation 1.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn randn<R: Rng + ?Sized>(shape: impl AsRef<[usize]>, rng: &mut R) -> Result<Self> {
        draw("randn", shape.as_ref(), || T::standard_normal(rng))
    }

    /// Independent draws from the normal distribution with the given mean and
    /// standard deviation.
    ///
    /// # Errors
    /// [`Error::Value`] for a negative deviation, and unless both numbers are
    /// finite in this type, [`Error::TooLarge`].
    pub fn normal<R: Rng + ?Sized>(
        shape: impl AsRef<[usize]>,
        mean: f64,
        std: f64,
        rng: &mut R,
    ) -> Result<Self> {
        let (centre, scale) = (T::of(mean), T::of(std));
        if !(centre.is_finite() && scale.is_finite() && std >= 0.0) {
            return Err(Error::value(
                "normal",
                format!(
                    "needs a mean and a deviation >= 0 that are finite as {}, got {mean} and {std}",
                    T::NAME
                ),
            ));
        }
        draw("normal", shape.as_ref(), || {
            centre + scale * T::standard_normal(rng)
        })
    }
}

impl Tensor<bool> {
    /// Independent draws that are true with probability `p`.
    ///
    /// # Errors
    /// [`Error::Value`] unless 0 ≤ p ≤ 1, [`Error::TooLarge`].
    pub fn bernoulli<R: Rng + ?Sized>(
        shape: impl AsRef<[usize]>,
        p: f64,
        rng: &mut R,
    ) -> Result<Self> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::value(
                "bernoulli",
                format!("the probability must lie in [0, 1], got {p}"),
            ));
        }
        draw("bernoulli", shape.as_ref(), || {
            f64::standard_uniform(rng) < p
        })
    }
}

impl Tensor<i64> {
    /// The numbers 0 … n−1 in random order.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn randperm<R: Rng + ?Sized>(n: usize, rng: &mut R) -> Result<Self> {
        let mut data = allocate::<i64>("randperm", &[n])?;
        data.extend((0..n).map(|i| i as i64));
        shuffle(&mut data, rng);
        Ok(Self::from_parts([n], data))
    }
}

fn draw<T: Element>(
    op: &'static str,
    shape: &[usize],
    mut sample: impl FnMut() -> T,
) -> Result<Tensor<T>> {
    let mut data = allocate::<T>(op, shape)?;
    data.extend((0..shape.iter().product::<usize>()).map(|_| sample()));
    Ok(Tensor::from_parts(shape, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_independent_and_repeatable() {
        let g = Generator::new(1);
        let a = Tensor::<f64>::rand([8], &mut g.stream(1)).unwrap();
        let b = Tensor::<f64>::rand([8], &mut g.stream(2)).unwrap();
        assert_ne!(a, b);
        assert_eq!(a, Tensor::rand([8], &mut g.stream(1)).unwrap());
    }

    #[test]
    fn a_generators_stream_is_fixed() {
        // ChaCha8, seed 0 expanded by rand_core's PCG32: a change of these
        // words would change every seeded run of every user.
        let mut g = Generator::new(0);
        let words: Vec<u32> = (0..4).map(|_| g.next_u32()).collect();
        assert_eq!(
            words,
            [2_811_902_828, 3_045_455_719, 3_134_767_159, 2_001_118_559]
        );
    }

    #[test]
    fn moments_are_those_asked_for() {
        let x = Tensor::<f64>::normal([20_000], 3.0, 2.0, &mut Generator::new(3)).unwrap();
        let mean = x.iter().sum::<f64>() / 20_000.0;
        let var = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!((mean - 3.0).abs() < 0.06, "{mean}");
        assert!((var.sqrt() - 2.0).abs() < 0.05, "{var}");
        let heads = Tensor::bernoulli([20_000], 0.3, &mut Generator::new(3)).unwrap();
        let share = heads.iter().filter(|&&h| h).count() as f64 / 20_000.0;
        assert!((share - 0.3).abs() < 0.02, "{share}");
        let u = Tensor::<f32>::uniform([1000], -2.0, 5.0, &mut Generator::new(3)).unwrap();
        assert!(u.iter().all(|v| (-2.0..5.0).contains(v)));
    }

    #[test]
    fn a_permutation_holds_each_number_once() {
        let mut p = Generator::new(5).permutation(100).unwrap();
        assert_ne!(p, (0..100).collect::<Vec<_>>());
        p.sort_unstable();
        assert_eq!(p, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn bad_parameters_are_errors() {
        let g = &mut Generator::new(0);
        assert!(Tensor::<f32>::uniform([2], 1.0, 0.0, g).is_err());
        assert!(Tensor::<f32>::uniform([2], f64::NAN, 0.0, g).is_err());
        assert!(Tensor::<f32>::normal([2], 0.0, -1.0, g).is_err());
        assert!(Tensor::<f32>::rand([usize::MAX, 9], g).is_err());
        assert!(Tensor::bernoulli([2], 1.5, g).is_err());
        assert!(Tensor::bernoulli([2], f64::NAN, g).is_err());
        assert!(Tensor::<i64>::randperm(usize::MAX, g).is_err());
    }
}
