//! Bringing channels to mean 0 and deviation 1.
//!
//! Networks train best on inputs around zero with a spread around one. Mean
//! and deviation belong to the training set: measured there once, they are
//! applied to everything that the network ever sees.
//!
//! **Cost.** Measuring is two passes in f64, the second around the mean of the
//! first, since the mean of the squares minus the square of the mean loses
//! every digit when the spread is small.

use tensor::{Error, Result, Tensor};

use crate::Dataset;

/// A mean and a standard deviation for each channel.
///
/// ```
/// use tensor::Tensor;
/// use wengert_data::Normalization;
///
/// let normalization = Normalization::new([0.5], [0.25])?;
/// let image = Tensor::from([[[0.0, 0.5, 1.0]]]);
/// assert_eq!(normalization.apply(&image)?.to_vec(), [-2.0, 0.0, 2.0]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Normalization {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Normalization {
    /// The given mean and deviation of each channel.
    ///
    /// # Errors
    /// [`Error::Value`] unless there are as many deviations as means, all are
    /// finite, and the deviations positive.
    pub fn new(mean: impl Into<Vec<f32>>, std: impl Into<Vec<f32>>) -> Result<Self> {
        const OP: &str = "normalization";
        let (mean, std) = (mean.into(), std.into());
        if mean.len() != std.len() {
            return Err(Error::value(
                OP,
                format!("{} means, but {} deviations", mean.len(), std.len()),
            ));
        }
        for (channel, (&mean, &std)) in mean.iter().zip(&std).enumerate() {
            if !(mean.is_finite() && std.is_finite() && std > 0.0) {
                return Err(Error::value(
                    OP,
                    format!(
                        "needs a finite mean and a positive deviation, \
                         got {mean} and {std} for channel {channel}"
                    ),
                ));
            }
        }
        Ok(Self { mean, std })
    }

    /// The mean and deviation of each channel over all pixels of all images.
    /// The deviation divides by the number of pixels, not by one less.
    ///
    /// A channel whose pixels are all equal has no spread to bring to 1: its
    /// deviation is taken as 1, so that it becomes 0 everywhere.
    ///
    /// # Errors
    /// [`Error::Value`] if there are no pixels, or some that are not finite.
    pub fn measure(dataset: &Dataset) -> Result<Self> {
        let [channels, height, width] = dataset.image_shape();
        let count = dataset.len() * height * width;
        if channels * count == 0 {
            return Err(Error::value(
                "normalization",
                format!(
                    "there are no pixels to measure (images {:?})",
                    dataset.images().shape()
                ),
            ));
        }
        let (mean, std): (Vec<_>, Vec<_>) = (0..channels)
            .map(|channel| mean_and_std(count, || pixels(dataset, channel)))
            .unzip();
        Self::new(mean, std)
    }

    /// The mean of each channel.
    #[must_use]
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The standard deviation of each channel.
    #[must_use]
    pub fn std(&self) -> &[f32] {
        &self.std
    }

    /// `(x − mean) / std`, channel by channel, of images `[…, C, H, W]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of channels than there are means.
    pub fn apply(&self, images: &Tensor) -> Result<Tensor> {
        let channels = self.mean.len();
        match images.shape() {
            [.., c, _, _] if *c == channels => {}
            shape => {
                return Err(Error::shape(
                    "normalization",
                    format!("images must be [..., {channels}, H, W], got {shape:?}"),
                ));
            }
        }
        let mean = Tensor::from_vec([channels, 1, 1], self.mean.clone())?;
        let std = Tensor::from_vec([channels, 1, 1], self.std.clone())?;
        (images - mean)? / std
    }
}

impl Dataset {
    /// The same examples with normalised images.
    ///
    /// # Errors
    /// [`Error::Shape`] if the images have another number of channels.
    pub fn normalize(&self, normalization: &Normalization) -> Result<Self> {
        let images = normalization.apply(self.images())?;
        Self::new(images, self.labels().clone(), self.classes())
    }
}

/// Every pixel of a channel, of all images.
fn pixels(dataset: &Dataset, channel: usize) -> impl Iterator<Item = f64> {
    let [channels, height, width] = dataset.image_shape();
    let planes = dataset.images().as_slice().chunks_exact(height * width);
    planes
        .skip(channel)
        .step_by(channels)
        .flatten()
        .map(|&x| f64::from(x))
}

fn mean_and_std<I: Iterator<Item = f64>>(count: usize, pixels: impl Fn() -> I) -> (f32, f32) {
    let mean = pixels().sum::<f64>() / count as f64;
    let variance = pixels().map(|x| (x - mean).powi(2)).sum::<f64>() / count as f64;
    // Compared pixel by pixel: the mean of equal numbers may differ from them
    // in its last digit, and so leave a variance that is not quite 0.
    let first = pixels().next();
    let constant = pixels().all(|x| Some(x) == first);
    let std = if constant { 1.0 } else { variance.sqrt() };
    (mean as f32, std as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tensor::random::Generator;

    fn dataset(images: Tensor) -> Dataset {
        let labels = Tensor::zeros([images.shape()[0]]).unwrap();
        Dataset::new(images, labels, 1).unwrap()
    }

    #[test]
    fn measured_by_hand() {
        // Channel 0 holds 0, 2, 4, 6 (mean 3, variance 5), channel 1 their tenfold.
        let images = [
            [[[0.0, 2.0]], [[0.0, 20.0]]],
            [[[4.0, 6.0]], [[40.0, 60.0]]],
        ];
        let images = dataset(Tensor::from(images));
        let measured = Normalization::measure(&images).unwrap();
        assert_eq!(measured.mean(), [3.0, 30.0]);
        assert_eq!(measured.std(), [5f32.sqrt(), 500f32.sqrt()]);
    }

    #[test]
    fn afterwards_mean_is_0_and_deviation_1() {
        let rng = &mut Generator::new(1);
        let images = Tensor::normal([50, 3, 4, 5], 1000.0, 0.1, rng).unwrap();
        let images = dataset(images);
        let measured = Normalization::measure(&images).unwrap();
        let again = Normalization::measure(&images.normalize(&measured).unwrap()).unwrap();
        for channel in 0..3 {
            assert!(again.mean()[channel].abs() < 1e-3, "{again:?}");
            assert!((again.std()[channel] - 1.0).abs() < 1e-3, "{again:?}");
        }
    }

    #[test]
    fn a_constant_channel_becomes_zero() {
        let images = dataset(Tensor::full([7, 1, 3, 3], 0.1).unwrap());
        let measured = Normalization::measure(&images).unwrap();
        assert_eq!(measured.std(), [1.0]);
        let images = images.normalize(&measured).unwrap();
        assert!(images.images().iter().all(|&x| x == 0.0));
    }

    #[test]
    fn bad_numbers_are_errors() {
        assert!(Normalization::new([0.0], [1.0, 1.0]).is_err());
        for std in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(Normalization::new([0.0], [std]).is_err(), "{std}");
        }
        assert!(Normalization::new([f32::NAN], [1.0]).is_err());
        let nan = dataset(Tensor::full([1, 1, 1, 2], f32::NAN).unwrap());
        assert!(Normalization::measure(&nan).is_err());
        for empty in [[0, 1, 2, 2], [2, 0, 2, 2], [2, 1, 0, 2]] {
            let empty = dataset(Tensor::zeros(empty).unwrap());
            assert!(Normalization::measure(&empty).is_err());
        }
    }

    #[test]
    fn channels_must_match_rather_than_broadcast() {
        let rgb = Normalization::new([0.0; 3], [1.0; 3]).unwrap();
        let error = rgb.apply(&Tensor::zeros([2, 1, 4, 4]).unwrap());
        assert_eq!(
            error.unwrap_err().to_string(),
            "normalization: images must be [..., 3, H, W], got [2, 1, 4, 4]"
        );
        assert!(rgb.apply(&Tensor::zeros([4, 4]).unwrap()).is_err());
        assert!(rgb.apply(&Tensor::zeros([3, 4, 4]).unwrap()).is_ok());
    }
}
