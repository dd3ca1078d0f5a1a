//! The handwritten digits that come with the library.
//!
//! The files in `assets/` are idx files like MNIST's, read by the same reader;
//! `assets/README.md` says where they come from (E. Alpaydin and C. Kaynak,
//! <https://doi.org/10.24432/C50P49>, CC BY 4.0).

use tensor::Result;

use crate::Dataset;
use crate::idx::read_named;

const IMAGES: &[u8] = include_bytes!("../assets/digits-images-idx3-ubyte");
const LABELS: &[u8] = include_bytes!("../assets/digits-labels-idx1-ubyte");

/// The value of a pixel that is all ink.
const INK: u8 = 16;

/// 1,797 handwritten digits: images `[1797, 1, 8, 8]` and ten classes.
///
/// Pixels count the ink in a block of 4 × 4 of the scanned bitmap; these values
/// from 0 to 16 are scaled to [0, 1]. It is the set of scikit-learn's
/// `load_digits`, in its order: Optical Recognition of Handwritten Digits by
/// E. Alpaydin and C. Kaynak, <https://doi.org/10.24432/C50P49>, licensed under
/// [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/).
///
/// ```
/// let digits = wengert_data::digits()?;
/// let (image, label) = digits.get(0).unwrap();
/// assert_eq!(label, 0);
/// assert_eq!(image.as_slice()[..8], [0.0, 0.0, 0.3125, 0.8125, 0.5625, 0.0625, 0.0, 0.0]);
/// # Ok::<(), tensor::Error>(())
/// ```
///
/// # Errors
/// None but [`TooLarge`](tensor::Error::TooLarge), where half a megabyte is.
pub fn digits() -> Result<Dataset> {
    let images = read_named(IMAGES, "digits images")?.to_images(INK)?;
    let labels = read_named(LABELS, "digits labels")?.to_labels()?;
    Dataset::new(images, labels, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pixels as they were before they were scaled.
    fn ink() -> Vec<u64> {
        let digits = digits().unwrap();
        digits.images().iter().map(|x| (x * 16.0) as u64).collect()
    }

    #[test]
    fn counts_are_those_of_the_original() {
        let digits = digits().unwrap();
        assert_eq!(digits.images().shape(), [1797, 1, 8, 8]);
        assert_eq!(
            digits.class_counts().unwrap(),
            [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
        );
    }

    #[test]
    fn pixels_are_those_of_the_original() {
        let ink = ink();
        assert_eq!(ink.iter().sum::<u64>(), 561_718);
        let weighted = ink.iter().zip((0..251).cycle()).map(|(x, i)| x * i);
        assert_eq!(weighted.sum::<u64>(), 70_223_000);
        assert_eq!(ink.iter().max(), Some(&16));
    }

    #[test]
    #[rustfmt::skip]
    fn the_first_digit_is_scikit_learns() {
        assert_eq!(ink()[..64], [
            0, 0,  5, 13,  9,  1, 0, 0,
            0, 0, 13, 15, 10, 15, 5, 0,
            0, 3, 15,  2,  0, 11, 8, 0,
            0, 4, 12,  0,  0,  8, 8, 0,
            0, 5,  8,  0,  0,  9, 8, 0,
            0, 4, 11,  0,  1, 12, 7, 0,
            0, 2, 14,  5, 10, 12, 0, 0,
            0, 0,  6, 13, 10,  0, 0, 0,
        ]);
        let labels = digits().unwrap().labels().to_vec();
        assert_eq!(labels[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    }
}
