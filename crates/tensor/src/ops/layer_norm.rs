//! Normalisation within one image: over its last axes, or over groups of its
//! channels. No statistics are kept, and training and inference are the same.
//!
//! | | over | formula |
//! |---|---|---|
//! | `layer_norm` | the last axes | (x − mean) / √(var + eps) · weight + bias |
//! | `rms_norm` | the last axes | x / √(mean x² + eps) · weight |
//! | `group_norm` | some channels and their planes | as `layer_norm` |
//!
//! **Cost.** The operand is read twice, the result written once (`normalize.rs`); a
//! weight or bias of the last axes is one pass more each.

use super::normalize::{Groups, Standardization, moments};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

impl Standardization {
    /// The plan of a layer norm; of an RMS norm if it is not `centred`.
    ///
    /// # Errors
    /// As [`Tensor::layer_norm`].
    #[doc(hidden)]
    pub fn of_rows<T: Float>(
        x: &Tensor<T>,
        normalized_shape: &[usize],
        affine: &[(&str, Option<&Tensor<T>>)],
        eps: f64,
        centred: bool,
    ) -> Result<Self> {
        let op = if centred { "layer_norm" } else { "rms_norm" };
        if normalized_shape.is_empty() {
            return Err(Error::value(
                op,
                "the normalised shape must name at least one axis",
            ));
        }
        let shape = x.shape();
        if !shape.ends_with(normalized_shape) {
            return Err(Error::shape(
                op,
                format!("the input's shape {shape:?} does not end in {normalized_shape:?}"),
            ));
        }
        for (what, tensor) in affine {
            if let Some(tensor) = tensor.filter(|t| t.shape() != normalized_shape) {
                return Err(Error::shape(
                    op,
                    format!(
                        "the {what} must have the normalised shape {normalized_shape:?}, got {:?}",
                        tensor.shape()
                    ),
                ));
            }
        }
        let len: usize = normalized_shape.iter().product();
        let rows = x.len().checked_div(len).unwrap_or(0);
        let groups = Groups::rows(rows, 1, len, 1);
        if x.is_empty() {
            return Self::nothing(op, groups, eps);
        }
        let moments = moments(op, x, &groups, centred)?;
        Ok(if centred {
            Self::centred(op, groups, &moments, eps)
        } else {
            Self::scaled(op, groups, &moments, eps)
        })
    }

    /// The plan of a group norm.
    ///
    /// # Errors
    /// As [`Tensor::group_norm`].
    #[doc(hidden)]
    pub fn of_channel_groups<T: Float>(x: &Tensor<T>, groups: usize, eps: f64) -> Result<Self> {
        const OP: &str = "group_norm";
        let shape = x.shape();
        let [images, channels, plane @ ..] = shape else {
            return Err(Error::shape(
                OP,
                format!("needs an input [N, C, …], got shape {shape:?}"),
            ));
        };
        if groups == 0 {
            return Err(Error::value(OP, "needs at least one group"));
        }
        let len: usize = plane.iter().product();
        if *channels == 0 || len == 0 {
            return Err(Error::shape(
                OP,
                format!(
                    "needs at least one channel and one element in its plane, got shape {shape:?}"
                ),
            ));
        }
        if !channels.is_multiple_of(groups) {
            return Err(Error::shape(
                OP,
                format!("{groups} groups do not divide {channels} channels (shape {shape:?})"),
            ));
        }
        if x.is_empty() {
            return Self::nothing(OP, Groups::rows(0, 1, len, *channels), eps);
        }
        // As PyTorch has it: the whole batch counts here.
        if images * (channels / groups) * len == 1 {
            return Err(Error::shape(
                OP,
                format!("needs more than one value for each group, got shape {shape:?}"),
            ));
        }
        let plan = Groups::rows(images * groups, channels / groups, len, *channels);
        let moments = moments(OP, x, &plan, true)?;
        Ok(Self::centred(OP, plan, &moments, eps))
    }
}

impl<T: Float> Tensor<T> {
    /// Brings every row of the last axes, whose sizes are `normalized_shape`, to mean
    /// 0 and variance 1, then scales and shifts its elements by `weight` and `bias`,
    /// which have that shape: `torch.nn.functional.layer_norm`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([[1.0, 3.0], [20.0, 10.0]]);
    /// let y = x.layer_norm([2], None, None, 1e-5)?;
    /// assert!(y.all_close(&Tensor::from([[-1.0, 1.0], [1.0, -1.0]]), 0.0, 1e-5));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] if no axis is named; [`Error::Shape`] if the shape does not end
    /// in `normalized_shape`, or if a weight or bias does not have that shape.
    pub fn layer_norm(
        &self,
        normalized_shape: impl AsRef<[usize]>,
        weight: Option<&Self>,
        bias: Option<&Self>,
        eps: f64,
    ) -> Result<Self> {
        let affine = [("weight", weight), ("bias", bias)];
        let plan = Standardization::of_rows(self, normalized_shape.as_ref(), &affine, eps, true)?;
        let mut y = plan.normalize(self, None, None)?;
        if let Some(weight) = weight {
            y = y.mul(weight)?;
        }
        if let Some(bias) = bias {
            y = y.add(bias)?;
        }
        Ok(y)
    }

    /// Divides every row of the last axes, whose sizes are `normalized_shape`, by the
    /// root of its mean square plus `eps`, then scales its elements by `weight`:
    /// `torch.nn.functional.rms_norm`. Without an `eps` it is that of the element
    /// type, the distance from 1 to the next number.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let y = Tensor::from([[3.0, -3.0], [0.0, 0.0]]).rms_norm([2], None, None)?;
    /// assert!(y.all_close(&Tensor::from([[1.0, -1.0], [0.0, 0.0]]), 1e-12, 0.0));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`layer_norm`](Self::layer_norm).
    pub fn rms_norm(
        &self,
        normalized_shape: impl AsRef<[usize]>,
        weight: Option<&Self>,
        eps: Option<f64>,
    ) -> Result<Self> {
        let eps = eps.unwrap_or_else(|| T::epsilon().as_f64());
        let affine = [("weight", weight)];
        let plan = Standardization::of_rows(self, normalized_shape.as_ref(), &affine, eps, false)?;
        let y = plan.normalize(self, None, None)?;
        match weight {
            Some(weight) => y.mul(weight),
            None => Ok(y),
        }
    }

    /// Brings every group of neighbouring channels of every image of `[N, C, …]` to
    /// mean 0 and variance 1, then scales each channel by its `weight` and adds its
    /// `bias`, each `[C]`: `torch.nn.functional.group_norm`.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([[[1.0], [3.0], [20.0], [10.0]]]);
    /// let y = x.group_norm(2, None, None, 1e-5)?;
    /// assert!(y.all_close(&Tensor::from([[[-1.0], [1.0], [1.0], [-1.0]]]), 0.0, 1e-5));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] for no groups; [`Error::Shape`] for less than two axes, no
    /// channels, empty planes, groups that do not divide the channels, one value in
    /// all of a batch's group, or a weight or bias that is not `[C]`.
    pub fn group_norm(
        &self,
        groups: usize,
        weight: Option<&Self>,
        bias: Option<&Self>,
        eps: f64,
    ) -> Result<Self> {
        let plan = Standardization::of_channel_groups(self, groups, eps)?;
        plan.normalize(self, weight, bias)
    }
}
