//! Dropout: a random mask of zeros and a common factor.

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
        const OP: &str = "dropout";
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::value(
                OP,
                format!("the probability must lie in [0, 1], got {p}"),
            ));
        }
        if !self.tape().is_training() || p == 0.0 {
            return Ok(self.clone());
        }
        let kept = if p == 1.0 {
            Tensor::zeros(self.shape())?
        } else {
            self.tape()
                .draw(OP, |rng| Tensor::bernoulli(self.shape(), 1.0 - p, rng))?
        };
        let factor = if p == 1.0 { 0.0 } else { 1.0 / (1.0 - p) };
        let mask: Tensor<T> = kept.cast::<T>().mul_scalar(T::of(factor));
        let value = self.value().mul(&mask)?;
        Self::record(
            OP,
            value,
            [(self, pull(move |g| g.mul(&g.constant(mask.clone()))))],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert!(
            x.dropout(0.5)
                .unwrap_err()
                .to_string()
                .contains("generator")
        );
        assert!(x.dropout(-0.1).is_err() && x.dropout(f64::NAN).is_err());
    }
}
