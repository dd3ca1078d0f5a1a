//! Enlarging and shrinking by the nearest element.
//!
//! ```text
//! y[…, i, j] = x[…, ⌊i · sh⌋, ⌊j · sw⌋]        s = 1 / factor, or input / output
//! ```
//!
//! Which s it is matters where a factor does not divide evenly. Given a factor of
//! 0.7, an axis of 5 shrinks to ⌊3.5⌋ = 3 elements: with s = 1 / 0.7 they are 0, 1
//! and 2, with s = 5 / 3 they are 0, 1 and 3. A factor that was given is used as it
//! is, unless it is to be recomputed from the sizes. As in PyTorch s is an `f32`,
//! and of images an axis that keeps its size or doubles repeats each element as
//! often, whatever the factor.
//!
//! An element may be repeated; the adjoint adds up what its copies received
//! (`lookup.rs`).
//!
//! **Cost.** One pass over the result; rows that repeat are copied whole.

use crate::element::Element;
use crate::error::{Error, Result};
use crate::ops::lookup::Lookup;
use crate::tensor::Tensor;

/// To which size [`Tensor::interpolate`] brings the planes of its input.
///
/// ```
/// use wengert_tensor::InterpolateOptions;
///
/// let doubled = InterpolateOptions::scale_factor([2.0]);
/// assert_eq!(doubled.output_size(&[1, 3, 14, 14])?, [28, 28]);
/// let sized = InterpolateOptions::size([32, 48]);
/// assert_eq!(sized.output_size(&[1, 3, 14, 14])?, [32, 48]);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct InterpolateOptions {
    target: Target,
    recompute_scale_factor: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Target {
    Size(Vec<usize>),
    Factor(Vec<f64>),
}

const OP: &str = "interpolate";

impl InterpolateOptions {
    /// To this size: one for each spatial axis, or a single one for all.
    #[must_use]
    pub fn size(size: impl AsRef<[usize]>) -> Self {
        Self {
            target: Target::Size(size.as_ref().to_vec()),
            recompute_scale_factor: false,
        }
    }

    /// To ⌊input · factor⌋ elements: one factor for each spatial axis, or a single
    /// one for all.
    #[must_use]
    pub fn scale_factor(factor: impl AsRef<[f64]>) -> Self {
        Self {
            target: Target::Factor(factor.as_ref().to_vec()),
            recompute_scale_factor: false,
        }
    }

    /// Whether the sizes, once computed, take the place of the factor: input /
    /// output is then the step from one element to the next. It needs a factor.
    #[must_use]
    pub fn recompute_scale_factor(mut self, recompute: bool) -> Self {
        self.recompute_scale_factor = recompute;
        self
    }

    /// The size that was given, if it was: one for each spatial axis or for all.
    #[must_use]
    pub fn given_size(&self) -> Option<&[usize]> {
        match &self.target {
            Target::Size(size) => Some(size),
            Target::Factor(_) => None,
        }
    }

    /// The factor that was given, if it was: one for each spatial axis or for all.
    #[must_use]
    pub fn given_scale_factor(&self) -> Option<&[f64]> {
        match &self.target {
            Target::Size(_) => None,
            Target::Factor(factor) => Some(factor),
        }
    }

    /// The spatial size of the result for an input `[N, C, L]`, `[N, C, H, W]` or
    /// `[N, C, D, H, W]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of axes, no channels, an axis without
    /// elements, before or after, or sizes or factors that are not as many as
    /// spatial axes; [`Error::Value`] for a factor that is not positive, and to
    /// recompute it where there is none.
    pub fn output_size(&self, input: &[usize]) -> Result<Vec<usize>> {
        let refuse = |why: &str| Err(Error::shape(OP, format!("{why}, got {input:?}")));
        let spatial = match input {
            [_, _, spatial @ ..] if (1..=3).contains(&spatial.len()) => spatial,
            _ => return refuse("the input must have axes [N, C] and one to three more"),
        };
        if input[1..].contains(&0) {
            return refuse("only the batch may be empty");
        }
        let given = match &self.target {
            Target::Size(size) => size.len(),
            Target::Factor(factor) => factor.len(),
        };
        if given != 1 && given != spatial.len() {
            return refuse(&format!(
                "{given} sizes or factors are not one for each spatial axis"
            ));
        }
        if self.recompute_scale_factor && self.given_size().is_some() {
            return Err(Error::value(
                OP,
                "there is no scale factor to recompute, but a size",
            ));
        }
        let size = |(axis, &len): (usize, &usize)| match &self.target {
            Target::Size(size) => Ok(size[axis.min(given - 1)]),
            Target::Factor(factor) => {
                let factor = factor[axis.min(given - 1)];
                if factor > 0.0 && factor.is_finite() {
                    // `as` ends at the largest size, which no memory holds.
                    return Ok((len as f64 * factor).floor() as usize);
                }
                Err(Error::value(
                    OP,
                    format!("a scale factor must be positive and finite, got {factor}"),
                ))
            }
        };
        let output = spatial.iter().enumerate().map(size);
        let output = output.collect::<Result<Vec<usize>>>()?;
        if output.contains(&0) {
            return refuse(&format!("nothing would be left, but {output:?}"));
        }
        Ok(output)
    }

    /// What each element of the result reads.
    ///
    /// # Errors
    /// As [`output_size`](Self::output_size); [`Error::TooLarge`].
    #[doc(hidden)]
    pub fn lookup<T: Element>(&self, input: &[usize]) -> Result<Lookup> {
        let output = self.output_size(input)?;
        let spatial = &input[2..];
        let steps = spatial.iter().zip(&output).enumerate();
        let steps = steps.map(|(axis, (&from, &to))| match &self.target {
            Target::Factor(factor) if !self.recompute_scale_factor => {
                (1.0 / factor[axis.min(factor.len() - 1)]) as f32
            }
            _ => from as f32 / to as f32,
        });
        let steps: Vec<f32> = steps.collect();
        let image = spatial.len() == 2;
        Lookup::new::<T>(OP, input, &output, |axis, i| {
            let (from, to) = (spatial[axis], output[axis]);
            match to {
                _ if image && to == from => i,
                _ if image && Some(to) == from.checked_mul(2) => i / 2,
                _ => ((i as f32 * steps[axis]).floor() as usize).min(from - 1),
            }
        })
    }
}

impl<T: Element> Tensor<T> {
    /// Images `[N, C, H, W]`, or `[N, C, L]`, or `[N, C, D, H, W]`, brought to
    /// another size by repeating elements or leaving some out:
    /// `torch.nn.functional.interpolate` with the mode `nearest`.
    ///
    /// ```
    /// use wengert_tensor::{InterpolateOptions, Tensor};
    ///
    /// let x = Tensor::from([[[[1, 2], [3, 4]]]]);
    /// let y = x.interpolate(&InterpolateOptions::scale_factor([1.0, 2.0]))?;
    /// assert_eq!(y, Tensor::from([[[[1, 1, 2, 2], [3, 3, 4, 4]]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`InterpolateOptions::output_size`]; [`Error::TooLarge`].
    pub fn interpolate(&self, options: &InterpolateOptions) -> Result<Self> {
        options.lookup::<T>(self.shape())?.look_up(OP, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: i64) -> Tensor<i64> {
        Tensor::arange(0, n, 1)
            .unwrap()
            .reshape([1, 1, -1])
            .unwrap()
    }

    fn positions(n: i64, options: &InterpolateOptions) -> Vec<i64> {
        row(n).interpolate(options).unwrap().to_vec()
    }

    /// F.interpolate(torch.arange(5.)[None, None], scale_factor=…, recompute_scale_factor=…)
    #[test]
    fn the_given_factor_counts_unless_it_is_recomputed_as_pytorch() {
        let shrunk = InterpolateOptions::scale_factor([0.7]);
        assert_eq!(positions(5, &shrunk), [0, 1, 2]);
        assert_eq!(
            positions(5, &shrunk.recompute_scale_factor(true)),
            [0, 1, 3]
        );
        assert_eq!(positions(5, &InterpolateOptions::size([3])), [0, 1, 3]);
        let grown = InterpolateOptions::scale_factor([1.7]);
        assert_eq!(positions(4, &grown), [0, 0, 1, 1, 2, 2]);
        assert_eq!(
            positions(4, &grown.recompute_scale_factor(true)),
            [0, 0, 1, 2, 2, 3]
        );
    }

    #[test]
    fn every_axis_by_itself() {
        let x = Tensor::arange(0i64, 8, 1)
            .unwrap()
            .reshape([1, 1, 2, 2, 2])
            .unwrap();
        let y = x.interpolate(&InterpolateOptions::size([2, 1, 3])).unwrap();
        assert_eq!(y.shape(), [1, 1, 2, 1, 3]);
        assert_eq!(y.to_vec(), [0, 0, 1, 4, 4, 5]);
    }

    /// F.interpolate(x, scale_factor=2.042768821945706) of seven elements, as the
    /// row of an image and by itself.
    #[test]
    fn images_double_evenly_as_in_pytorch() {
        let factor = 2.042_768_821_945_706;
        let image = row(7).unsqueeze(0).unwrap();
        let doubled = image.interpolate(&InterpolateOptions::scale_factor([1.0, factor]));
        let evenly: Vec<i64> = (0..14).map(|i| i / 2).collect();
        assert_eq!(doubled.unwrap().to_vec(), evenly);
        let alone = positions(7, &InterpolateOptions::scale_factor([factor]));
        assert_eq!(alone, [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6]);
    }

    #[test]
    fn refusals_say_why() {
        let message = |shape: &[usize], options: InterpolateOptions| {
            let x = Tensor::<f32>::zeros(shape).unwrap();
            x.interpolate(&options).unwrap_err().to_string()
        };
        let size = |size: &[usize]| InterpolateOptions::size(size);
        let factor = |factor: &[f64]| InterpolateOptions::scale_factor(factor);
        assert_eq!(
            message(&[1, 0, 4], size(&[2])),
            "interpolate: only the batch may be empty, got [1, 0, 4]"
        );
        assert_eq!(
            message(&[1, 1, 4], factor(&[f64::NAN])),
            "interpolate: a scale factor must be positive and finite, got NaN"
        );
        for shape in [&[4, 4][..], &[1, 1, 2, 2, 2, 2], &[1, 1, 0]] {
            message(shape, size(&[2]));
        }
        for options in [
            size(&[0]),
            size(&[2, 2]),
            size(&[]),
            size(&[2]).recompute_scale_factor(true),
            size(&[usize::MAX]),
            factor(&[0.1]),
            factor(&[1e300]),
            factor(&[-1.0]),
            factor(&[f64::INFINITY]),
        ] {
            message(&[1, 1, 4], options);
        }
        let none = Tensor::<f32>::zeros([0, 1, 4]).unwrap();
        let huge = none.interpolate(&size(&[1 << 50])).unwrap();
        assert_eq!(huge.shape(), [0, 1, 1 << 50]);
    }
}
