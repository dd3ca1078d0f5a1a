//! Normalisation within one image: over its last axes, or over groups of channels.
//!
//! | | value y |
//! |---|---|
//! | `layer_norm` | (x − mean) / √(var + eps) · weight + bias, over the last axes |
//! | `rms_norm` | x / √(mean x² + eps) · weight, over the last axes |
//! | `group_norm` | as `layer_norm`, over some channels and their planes |
//!
//! The rules are told in `normalize.rs`. Weight and bias of the first two, one for
//! each element of a row, are a multiplication and an addition of their own.

use tensor::{Float, Result, Standardization};

use super::normalize::normalized;
use crate::record::OpInfo;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// Brings every row of the last axes, whose sizes are `normalized_shape`, to mean
    /// 0 and variance 1, then scales and shifts its elements by `weight` and `bias`,
    /// which have that shape: `torch.nn.functional.layer_norm`.
    ///
    /// ```
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([[1.0, 3.0], [20.0, 10.0]]));
    /// let y = x.layer_norm([2], None, None, 1e-5)?;
    /// assert!(y.value().all_close(&Tensor::from([[-1.0, 1.0], [1.0, -1.0]]), 0.0, 1e-5));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::layer_norm`](tensor::Tensor::layer_norm) and [`Var::record`].
    pub fn layer_norm(
        &self,
        normalized_shape: impl AsRef<[usize]>,
        weight: Option<&Self>,
        bias: Option<&Self>,
        eps: f64,
    ) -> Result<Self> {
        let shape = normalized_shape.as_ref();
        let affine = [
            ("weight", weight.map(Self::value)),
            ("bias", bias.map(Self::value)),
        ];
        let plan = Standardization::of_rows(self.value(), shape, &affine, eps, true)?;
        let mut y = normalized(spanning("layer_norm"), self, None, None, &plan)?;
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
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([[3.0, -3.0]]));
    /// let y = x.rms_norm([2], None, None)?;
    /// assert!(y.value().all_close(&Tensor::from([[1.0, -1.0]]), 1e-12, 0.0));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::rms_norm`](tensor::Tensor::rms_norm) and [`Var::record`].
    pub fn rms_norm(
        &self,
        normalized_shape: impl AsRef<[usize]>,
        weight: Option<&Self>,
        eps: Option<f64>,
    ) -> Result<Self> {
        let shape = normalized_shape.as_ref();
        let eps = eps.unwrap_or_else(|| T::epsilon().as_f64());
        let affine = [("weight", weight.map(Self::value))];
        let plan = Standardization::of_rows(self.value(), shape, &affine, eps, false)?;
        let y = normalized(spanning("rms_norm"), self, None, None, &plan)?;
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
    /// use tensor::Tensor;
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([[[1.0], [3.0], [20.0], [10.0]]]));
    /// let y = x.group_norm(2, None, None, 1e-5)?;
    /// let want = Tensor::from([[[-1.0], [1.0], [1.0], [-1.0]]]);
    /// assert!(y.value().all_close(&want, 0.0, 1e-5));
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::group_norm`](tensor::Tensor::group_norm) and [`Var::record`].
    pub fn group_norm(
        &self,
        groups: usize,
        weight: Option<&Self>,
        bias: Option<&Self>,
        eps: f64,
    ) -> Result<Self> {
        let plan = Standardization::of_channel_groups(self.value(), groups, eps)?;
        normalized(spanning("group_norm"), self, weight, bias, &plan)
    }
}

/// What such an operation says of itself: an element depends on all of its group.
fn spanning(op: &'static str) -> OpInfo {
    OpInfo::from(op).spanning_plane()
}
