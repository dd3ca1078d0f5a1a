//! Clamping between limits that are tensors themselves.
//!
//! | | value y | gradient of x | of min | of max |
//! |---|---|---|---|---|
//! | `clamp_between` | min(max(x, min), max) | g within the limits | g below | g above, or where the limits cross |
//!
//! Where x meets a limit, each of the two gets half of g; where it meets both,
//! x gets it. Where the limits cross, the upper one is the value. All of this,
//! and what a NaN among the three gets, is as in PyTorch.

use tensor::{Float, Result, Tensor};

use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// Each element no smaller than that of `min` and no larger than that of
    /// `max`, broadcast: `torch.clamp` with tensors for limits. (With a single
    /// limit it is [`maximum`](Self::maximum) or [`minimum`](Self::minimum).)
    ///
    /// # Errors
    /// If the shapes do not broadcast; as [`Var::record`].
    pub fn clamp_between(&self, min: &Self, max: &Self) -> Result<Self> {
        let (x, low, high) = (self.value(), min.value(), max.value());
        let value = x.clamp_between(low, high)?;
        let (apart, crossed) = (low.lt(high)?, low.gt(high)?);
        let ordered = low.le(high)?;
        let (below, above) = (x.lt(low)?, x.gt(high)?);
        let (at_min, at_max) = (x.eq_to(low)?.and(&apart)?, x.eq_to(high)?.and(&apart)?);
        let outside = below.or(&above)?.or(&crossed)?;
        let inside = outside.not();
        let rule = |whole: Tensor<bool>, half: Tensor<bool>| {
            pull(move |g: &Self| {
                let share = half.map(|half| if half { T::of(0.5) } else { T::ONE });
                let none = whole.or(&half)?.not();
                g.mul(&g.constant(share))?.masked_fill(&none, T::ZERO)
            })
        };
        let to_x = rule(inside, at_min.or(&at_max)?);
        let to_min = rule(below.and(&ordered)?, at_min);
        let to_max = rule(above.and(&ordered)?.or(&crossed)?, at_max);
        Self::record(
            "clamp_between",
            value,
            [(self, to_x), (min, to_min), (max, to_max)],
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::gradcheck::gradcheck;
    use crate::ops::testing::{spaced, torch};
    use crate::tape::Tape;
    use tensor::Tensor;

    const NAN: f64 = f64::NAN;

    #[test]
    fn ties_crossed_limits_and_nan_of_torch() {
        // show(torch.clamp, [x], [min], [max])
        for (input, value, gradients) in [
            ([0.5, 0.0, 1.0], 0.5, [1.0, 0.0, 0.0]),
            ([1.0, 1.0, 2.0], 1.0, [0.5, 0.5, 0.0]),
            ([1.0, 0.0, 1.0], 1.0, [0.5, 0.0, 0.5]),
            ([1.0, 1.0, 1.0], 1.0, [1.0, 0.0, 0.0]),
            ([0.0, 1.0, 1.0], 1.0, [0.0, 1.0, 0.0]),
            ([2.0, 1.0, 1.0], 1.0, [0.0, 0.0, 1.0]),
            ([0.0, 2.0, 1.0], 1.0, [0.0, 0.0, 1.0]),
            ([2.0, 2.0, 1.0], 1.0, [0.0, 0.0, 1.0]),
            ([1.0, 2.0, 1.0], 1.0, [0.0, 0.0, 1.0]),
            ([NAN, 0.0, 1.0], NAN, [1.0, 0.0, 0.0]),
            ([0.0, NAN, 1.0], NAN, [1.0, 0.0, 0.0]),
            ([2.0, NAN, 1.0], NAN, [0.0, 0.0, 0.0]),
            ([0.0, 0.0, NAN], NAN, [1.0, 0.0, 0.0]),
            ([-3.0, -1.0, NAN], NAN, [0.0, 0.0, 0.0]),
            ([0.0, NAN, NAN], NAN, [1.0, 0.0, 0.0]),
        ] {
            torch(
                |x| x[0].clamp_between(&x[1], &x[2]),
                input.map(|x| Tensor::from([x])),
                [value],
                gradients.map(|g| Tensor::from([g])),
            );
        }
    }

    #[test]
    fn agrees_with_difference_quotients() {
        for [a, b, c] in [
            [&[2, 3][..], &[2, 3], &[2, 3]],
            [&[2, 3], &[3], &[2, 1]],
            [&[1], &[2, 2], &[]],
            [&[0], &[1], &[1]],
        ] {
            // No two of them meet.
            let limit = |shape, by| spaced(shape).map(move |x: f64| x + by);
            let inputs = [spaced(a), limit(b, -0.317), limit(c, 0.259)];
            gradcheck(|x| x[0].clamp_between(&x[1], &x[2])?.square(), &inputs).unwrap();
        }
    }

    #[test]
    fn shapes_that_do_not_broadcast_are_errors() {
        let tape = Tape::new();
        let (x, y) = (tape.leaf(spaced(&[2])), tape.leaf(spaced(&[3])));
        assert!(x.clamp_between(&y, &x).is_err() && x.clamp_between(&x, &y).is_err());
    }
}
