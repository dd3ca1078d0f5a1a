//! Dropout: a random mask of zeros and a common factor.
//!
//! The mask has one number for each element, or, for images, one for each channel:
//! neighbours in a plane say nearly the same, so that zeros here and there would
//! take little away. Its gradient is the same mask.

use tensor::{Error, Float, Result, Tensor};

use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// On a training tape, each element is 0 with probability `p`, else
    /// multiplied by 1 / (1 − p); on a tape in inference mode, the variable
    /// itself: `torch.nn.functional.dropout`. The mask is drawn from the tape's
    /// generator; p = 0 and p = 1 need none.
    ///
    /// # Errors
    /// [`Error::Value`] unless 0 ≤ p ≤ 1, or if a mask must be drawn and the
    /// tape has no generator; as [`Var::record`].
    pub fn dropout(&self, p: f64) -> Result<Self> {
        self.masked("dropout", p, |shape| Ok(shape.to_vec()))
    }

    /// As [`dropout`](Self::dropout), whole channels at a time: each of the planes
    /// `[n, c]` of an input `[N, C, …]` is 0 with probability `p`:
    /// `torch.nn.functional.dropout2d`. (As PyTorch 2.15 has it, an input of three axes
    /// is `[N, C, L]` and not one image.)
    ///
    /// ```
    /// use tensor::{Tensor, random::Generator};
    /// use wengert_autograd::Tape;
    ///
    /// let tape = Tape::new().with_rng(&mut Generator::new(0));
    /// let x = tape.constant(Tensor::<f32>::ones([2, 8, 3, 3])?);
    /// let y = x.dropout2d(0.5)?;
    /// for plane in y.value().as_slice().chunks(9) {
    ///     assert!(plane == [0.0; 9] || plane == [2.0; 9]);
    /// }
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`dropout`](Self::dropout), and [`Error::Shape`] if a mask must be drawn and
    /// there are less than two axes.
    pub fn dropout2d(&self, p: f64) -> Result<Self> {
        const OP: &str = "dropout2d";
        self.masked(OP, p, |shape| {
            if shape.len() < 2 {
                return Err(Error::shape(
                    OP,
                    format!("needs an input [N, C, …], got shape {shape:?}"),
                ));
            }
            let mut mask = vec![1; shape.len()];
            mask[..2].copy_from_slice(&shape[..2]);
            Ok(mask)
        })
    }

    /// The variable times a random mask of the shape that `mask_shape` makes of its own.
    fn masked(
        &self,
        op: &'static str,
        p: f64,
        mask_shape: impl Fn(&[usize]) -> Result<Vec<usize>>,
    ) -> Result<Self> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::value(
                op,
                format!("the probability must lie in [0, 1], got {p}"),
            ));
        }
        if !self.tape().is_training() || p == 0.0 {
            return Ok(self.clone());
        }
        let kept = if p == 1.0 {
            Tensor::zeros(self.shape())?
        } else {
            let shape = mask_shape(self.shape())?;
            self.tape()
                .draw(op, |rng| Tensor::bernoulli(&shape, 1.0 - p, rng))?
        };
        let factor = if p == 1.0 { 0.0 } else { 1.0 / (1.0 - p) };
        let mask: Tensor<T> = kept.cast::<T>().mul_scalar(T::of(factor));
        let value = self.value().mul(&mask)?;
        Self::record(
            op,
            value,
            [(self, pull(move |g| g.mul(&g.constant(mask.clone()))))],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradcheck::Gradcheck;
    use crate::tape::Tape;
    use tensor::random::Generator;

    #[test]
    fn the_gradient_passes_where_the_value_passed() {
        let tape = Tape::new().with_rng(&mut Generator::new(1));
        let x = tape.leaf(Tensor::<f64>::ones([4, 50]).unwrap());
        let y = x.dropout(0.25).unwrap();
        let kept = y.value().iter().filter(|&&y| y != 0.0).count();
        assert!((130..170).contains(&kept), "{kept}");
        let value = y.value().clone();
        let grads = y.sum().unwrap().backward().unwrap();
        assert_eq!(grads.get(&x), Some(&value));
    }

    #[test]
    fn channels_drop_as_a_whole() {
        for shape in [&[16, 8][..], &[16, 8, 5], &[16, 8, 2, 3], &[16, 8, 2, 1, 3]] {
            let tape = Tape::new().with_rng(&mut Generator::new(1));
            let x = tape.leaf(Tensor::<f64>::ones(shape).unwrap());
            let y = x.dropout2d(0.25).unwrap();
            let plane: usize = shape[2..].iter().product();
            let planes = y.value().as_slice().chunks(plane);
            assert!(planes.clone().all(|p| p.iter().all(|x| *x == p[0])));
            let kept = planes.filter(|p| p[0] != 0.0).count();
            assert!((80..112).contains(&kept), "{kept} of 128");
            let value = y.value().clone();
            let grads = y.sum().unwrap().backward().unwrap();
            assert_eq!(grads.get(&x), Some(&value));
        }
        // Linear in its input, with a mask that does not change.
        let x = [Tensor::from([[[1.0, 2.0], [3.0, -1.0]]])];
        let check = Gradcheck::default();
        check
            .check(|x| x[0].dropout2d(1.0)?.add(&x[0].square()?), &x)
            .unwrap();
    }

    #[test]
    fn each_call_draws_a_new_mask_and_each_seed_the_same() {
        let run = |seed| {
            let tape = Tape::new().with_rng(&mut Generator::new(seed));
            let x = tape.constant(Tensor::<f32>::ones([64]).unwrap());
            (
                x.dropout(0.5).unwrap().into_value(),
                x.dropout(0.5).unwrap().into_value(),
            )
        };
        assert_ne!(run(1).0, run(1).1);
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn certain_outcomes_need_no_generator() {
        let x = Tape::new().leaf(Tensor::from([1.0, 2.0]));
        assert_eq!(x.dropout(0.0).unwrap().value(), x.value());
        assert_eq!(x.dropout(1.0).unwrap().value(), &Tensor::from([0.0, 0.0]));
        assert_eq!(x.dropout2d(0.0).unwrap().value(), x.value());
        assert_eq!(x.dropout2d(1.0).unwrap().value(), &Tensor::from([0.0, 0.0]));
        let error = x.dropout(0.5).unwrap_err().to_string();
        assert!(error.contains("generator"), "{error}");
        assert!(x.dropout(-0.1).is_err() && x.dropout(f64::NAN).is_err());
        let error = x.dropout2d(0.5).unwrap_err().to_string();
        assert!(error.starts_with("dropout2d: needs an input"), "{error}");
        let error = x.dropout2d(1.5).unwrap_err().to_string();
        assert!(error.starts_with("dropout2d: the probability"), "{error}");
    }
}
