//! Dropout (Srivastava et al., 2014).

use std::fmt;

use autograd::Var;
use tensor::{Error, Float, Result};

use super::without_parameters;
use crate::module::Module;

/// In training, each element becomes 0 with probability p, and the others grow
/// by 1 / (1 − p), so that the expected value stays; in inference nothing
/// happens: `torch.nn.Dropout`.
///
/// The tape says which of both it is, and has the random generator: training
/// with dropout needs `Tape::new().with_rng(&mut rng)`.
///
/// ```
/// use autograd::Tape;
/// use tensor::{Tensor, random::Generator};
/// use wengert_nn::{Dropout, Module};
///
/// let dropout = Dropout::new(0.5)?;
/// let x: Tensor = Tensor::ones([1000])?;
/// let kept = dropout.forward(&Tape::inference().constant(x.clone()))?;
/// assert_eq!(kept.value(), &x);
///
/// let tape = Tape::new().with_rng(&mut Generator::new(0));
/// let y = dropout.forward(&tape.constant(x.clone()))?;
/// assert!(y.value().iter().all(|&y| y == 0.0 || y == 2.0));
/// assert!(dropout.forward(&Tape::new().constant(x)).is_err()); // no generator
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    p: f64,
}

impl Dropout {
    /// Dropout with this probability.
    ///
    /// # Errors
    /// [`Error::Value`] unless 0 ≤ p ≤ 1.
    pub fn new(p: f64) -> Result<Self> {
        check("dropout", p)?;
        Ok(Self { p })
    }

    /// The probability.
    #[must_use]
    pub fn p(&self) -> f64 {
        self.p
    }
}

/// As [`Dropout`], whole channels at a time: `torch.nn.Dropout2d`. Neighbours in a
/// plane say nearly the same; what one of them lost the others would still tell.
///
/// | | shape |
/// |---|---|
/// | input | `[N, C, H, W]` (or any `[N, C, …]`, also with three axes) |
/// | output | as the input |
///
/// ```
/// use autograd::Tape;
/// use tensor::{Tensor, random::Generator};
/// use wengert_nn::{Dropout2d, Module};
///
/// let dropout = Dropout2d::new(0.5)?;
/// let tape = Tape::new().with_rng(&mut Generator::new(0));
/// let y = dropout.forward(&tape.constant(Tensor::<f32>::ones([4, 8, 2, 2])?))?;
/// for plane in y.value().as_slice().chunks(4) {
///     assert!(plane == [0.0; 4] || plane == [2.0; 4]);
/// }
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout2d {
    p: f64,
}

impl Dropout2d {
    /// Dropout of channels with this probability.
    ///
    /// # Errors
    /// [`Error::Value`] unless 0 ≤ p ≤ 1.
    pub fn new(p: f64) -> Result<Self> {
        check("dropout2d", p)?;
        Ok(Self { p })
    }

    /// The probability.
    #[must_use]
    pub fn p(&self) -> f64 {
        self.p
    }
}

fn check(op: &'static str, p: f64) -> Result<()> {
    if (0.0..=1.0).contains(&p) {
        return Ok(());
    }
    Err(Error::value(
        op,
        format!("the probability must lie in [0, 1], got {p}"),
    ))
}

without_parameters!(Dropout, Dropout2d);

impl<T: Float> Module<T> for Dropout {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        input.dropout(self.p)
    }
}

impl<T: Float> Module<T> for Dropout2d {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        input.dropout2d(self.p)
    }
}

impl fmt::Display for Dropout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dropout(p={})", self.p)
    }
}

impl fmt::Display for Dropout2d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dropout2d(p={})", self.p)
    }
}
