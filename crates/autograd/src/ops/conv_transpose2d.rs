//! Transposed convolution.
//!
//! y = `conv2d_input(x, w)` + b, so that the gradient of x is `conv2d(g, w)`
//! and that of w is `conv2d_weight(g, x)`: the family of `conv2d`, read the
//! other way.

use tensor::shape::numel;
use tensor::{ConvTranspose2dGeometry, ConvTranspose2dOptions, Float, Result};

use super::conv2d::sum_of_channels;
use crate::record::{OpInfo, pull};
use crate::var::Var;

impl<T: Float> Var<T> {
    /// The transposed convolution of images `[N, C, H, W]`, or one image
    /// `[C, H, W]`, with a weight `[C, out / groups, kh, kw]`, plus a bias
    /// `[out]`: [`Tensor::conv_transpose2d`](tensor::Tensor::conv_transpose2d).
    ///
    /// # Errors
    /// As [`Tensor::conv_transpose2d`](tensor::Tensor::conv_transpose2d) and
    /// [`Var::record`].
    pub fn conv_transpose2d(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        options: &ConvTranspose2dOptions,
    ) -> Result<Self> {
        let geometry = ConvTranspose2dGeometry::new(self.shape(), weight.shape(), options)?;
        if geometry.appended != [0, 0] {
            // Output padding of a whole stride is a zero more in the input.
            numel::<T>("conv_transpose2d", &geometry.convolution.output_shape())?;
            let [rows, columns] = geometry.appended.map(usize::cast_signed);
            let stride = options.convolution.stride;
            let rest = [0, 1].map(|axis| options.output_padding[axis] % stride[axis]);
            return self
                .pad(&[(0, columns), (0, rows)], T::ZERO)?
                .conv_transpose2d(weight, bias, &options.output_padding(rest));
        }
        let bias_value = bias.map(Self::value);
        let value = self
            .value()
            .conv_transpose2d(weight.value(), bias_value, options)?;
        let multiply_adds = geometry.convolution.multiply_adds();
        let op = OpInfo::from("conv_transpose2d").with_multiply_adds(multiply_adds);
        let (x, w, options) = (self.save(), weight.save(), options.convolution);
        let weight_shape = geometry.convolution.weight_shape();
        let of_input = pull(move |g| g.conv2d(&w.on(g), None, &options));
        let of_weight = pull(move |g| g.conv2d_weight(&x.on(g), weight_shape, &options));
        let of_bias = bias.map(|bias| (bias, pull(sum_of_channels)));
        Self::record(
            op,
            value,
            [(self, of_input), (weight, of_weight)]
                .into_iter()
                .chain(of_bias),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{check_squared, random};

    #[test]
    fn gradients_are_right_to_second_order() {
        let plain = ConvTranspose2dOptions::default();
        for (x, w, options) in [
            (&[1, 2, 2, 3][..], [2, 3, 2, 2], plain),
            (
                &[1, 2, 2],
                [1, 1, 2, 3],
                plain.stride(2).output_padding((1, 0)),
            ),
            (
                &[1, 1, 2, 2],
                [1, 2, 3, 3],
                plain.stride(2).padding(1).output_padding(1),
            ),
            (&[4, 2, 2], [4, 1, 2, 2], plain.groups(2).dilation(2)),
            // Output padding above the stride, which only dilation allows.
            (
                &[1, 2, 2],
                [1, 1, 2, 2],
                plain.stride((1, 2)).dilation(4).output_padding(3),
            ),
        ] {
            let outs = w[1] * options.convolution.groups;
            let inputs = [random(x), random(&w), random(&[outs])];
            check_squared(
                |v| v[0].conv_transpose2d(&v[1], Some(&v[2]), &options),
                &inputs,
            );
        }
    }
}
