//! Transposed convolution: the adjoint of a convolution, as a layer.
//!
//! A convolution with stride 2 halves an image; its adjoint doubles one, which
//! is what decoders and generators want. So there are no loops here:
//! `conv_transpose2d` is [`Tensor::conv2d_input`] with the size of the result
//! worked out,
//!
//! ```text
//! output = (input − 1) · stride + dilation · (kernel − 1) + 1 − before − after + output_padding
//! ```
//!
//! Several sizes have the same convolution, up to `stride − 1` rows being
//! dropped; `output_padding` says how many of them are meant. PyTorch allows as
//! many as the dilation too, which may reach a whole stride. That is the same as
//! a zero more in the input, and is computed so.

use super::conv2d::{Conv2dGeometry, Conv2dOptions, check_bias, input_gradient};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::shape::numel;
use crate::tensor::Tensor;
use crate::window::{Padding, Pair, Window2d};

/// How a transposed convolution slides: the options of the convolution that it
/// is the adjoint of, and the rows and columns that that one would drop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConvTranspose2dOptions {
    /// Stride, padding, dilation and groups of the convolution. Padding crops
    /// the result here.
    pub convolution: Conv2dOptions,
    /// Rows below and columns to the right that are added to the result.
    pub output_padding: [usize; 2],
}

impl ConvTranspose2dOptions {
    /// Sets the stride.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.convolution = self.convolution.stride(stride);
        self
    }

    /// Sets the padding: what is cropped from the result.
    #[must_use]
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.convolution = self.convolution.padding(padding);
        self
    }

    /// Sets the dilation.
    #[must_use]
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        self.convolution = self.convolution.dilation(dilation);
        self
    }

    /// Sets the number of groups.
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.convolution = self.convolution.groups(groups);
        self
    }

    /// Sets the output padding.
    #[must_use]
    pub fn output_padding(mut self, output_padding: impl Into<Pair>) -> Self {
        Pair(self.output_padding) = output_padding.into();
        self
    }
}

/// A checked transposed convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConvTranspose2dGeometry {
    /// Rows below and columns to the right by which the input is extended with
    /// zeros: none unless the output padding reaches a stride.
    pub appended: [usize; 2],
    /// The convolution that this is the adjoint of: from the result here to the
    /// (extended) input here.
    pub convolution: Conv2dGeometry,
}

impl ConvTranspose2dGeometry {
    /// The transposed convolution of an input `[N, C, H, W]`, or `[C, H, W]`,
    /// with a weight `[C, out / groups, kh, kw]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for a wrong number of axes, channels that do not fit the
    /// weight or the groups, an output or an image without elements;
    /// [`Error::Value`] for a stride, dilation, number of groups or kernel size
    /// of 0, an output padding that is neither below the stride nor below the
    /// dilation, and sizes that overflow.
    pub fn new(
        input: &[usize],
        weight: &[usize],
        options: &ConvTranspose2dOptions,
    ) -> Result<Self> {
        const OP: &str = "conv_transpose2d";
        let refuse = |what: &str| {
            Err(Error::shape(
                OP,
                format!("{what} (input {input:?}, weight {weight:?})"),
            ))
        };
        let (batch, channels, size) = match *input {
            [c, h, w] => (None, c, [h, w]),
            [n, c, h, w] => (Some(n), c, [h, w]),
            _ => return refuse("the input must have axes [N, C, H, W] or [C, H, W]"),
        };
        let &[expected, per_group, kernel_h, kernel_w] = weight else {
            return refuse("the weight must have axes [in, out / groups, kh, kw]");
        };
        let Conv2dOptions {
            stride,
            padding,
            dilation,
            groups,
        } = options.convolution;
        if groups == 0 {
            return Err(Error::value(OP, "groups must be positive, got 0"));
        }
        if channels != expected {
            return refuse(&format!(
                "input has {channels} channels, weight expects {expected}"
            ));
        }
        if channels == 0 || per_group == 0 || size.contains(&0) {
            return refuse("only the batch may be empty");
        }
        if !channels.is_multiple_of(groups) {
            return refuse(&format!(
                "{channels} input channels do not divide into {groups} groups"
            ));
        }
        let window = Window2d::new(OP, [kernel_h, kernel_w], stride, padding, dilation)?;
        let mut appended = [0; 2];
        let mut output = [0; 2];
        for axis in 0..2 {
            let extra = options.output_padding[axis];
            if extra >= stride[axis].max(dilation[axis]) {
                return Err(Error::value(
                    OP,
                    format!(
                        "output padding must be below the stride {stride:?} or the dilation \
                         {dilation:?}, got {:?}",
                        options.output_padding
                    ),
                ));
            }
            appended[axis] = extra / stride[axis];
            output[axis] = size[axis]
                .checked_add(appended[axis])
                .and_then(|size| (size - 1).checked_mul(stride[axis]))
                .and_then(|last| last.checked_add(window.extent()[axis]))
                .and_then(|end| end.checked_add(extra % stride[axis]))
                .filter(|&end| isize::try_from(end).is_ok())
                .ok_or_else(|| {
                    Error::value(
                        OP,
                        format!(
                            "stride {stride:?} makes the output larger than an address space \
                             (input {input:?}, weight {weight:?})"
                        ),
                    )
                })?
                .saturating_sub(window.padding_before[axis])
                .saturating_sub(window.padding_after[axis]);
        }
        if output.contains(&0) {
            return refuse(&format!(
                "padding {:?} before and {:?} after leaves nothing of the output",
                window.padding_before, window.padding_after
            ));
        }
        let Some(in_channels) = per_group.checked_mul(groups) else {
            return refuse("there are more output channels than an address space has");
        };
        Ok(Self {
            appended,
            convolution: Conv2dGeometry {
                batch,
                groups,
                in_channels,
                out_channels: channels,
                input: output,
                output: [0, 1].map(|axis| size[axis] + appended[axis]),
                window,
            },
        })
    }

    /// The shape of the output, `[N, out, H, W]` or `[out, H, W]`.
    #[must_use]
    pub fn output_shape(&self) -> Vec<usize> {
        self.convolution.input_shape()
    }
}

impl<T: Float> Tensor<T> {
    /// The transposed convolution of images `[N, C, H, W]`, or one image
    /// `[C, H, W]`, with a weight `[C, out / groups, kh, kw]`, plus a bias
    /// `[out]`.
    ///
    /// ```
    /// use wengert_tensor::{ConvTranspose2dOptions, Tensor};
    ///
    /// let image = Tensor::<f32>::from([[[1.0, 2.0]]]);
    /// let weight = Tensor::from([[[[1.0, 10.0]]]]);
    /// let options = ConvTranspose2dOptions::default().stride((1, 2));
    /// let y = image.conv_transpose2d(&weight, None, &options)?;
    /// assert_eq!(y, Tensor::from([[[1.0, 10.0, 2.0, 20.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`ConvTranspose2dGeometry::new`]; [`Error::Shape`] if the bias
    /// does not have one element for each output channel; [`Error::TooLarge`].
    pub fn conv_transpose2d(
        &self,
        weight: &Self,
        bias: Option<&Self>,
        options: &ConvTranspose2dOptions,
    ) -> Result<Self> {
        const OP: &str = "conv_transpose2d";
        let geometry = ConvTranspose2dGeometry::new(self.shape(), weight.shape(), options)?;
        let channels = geometry.convolution.in_channels;
        if let Some(bias) = bias {
            check_bias(OP, bias.shape(), channels, self.shape(), weight.shape())?;
        }
        let [rows, columns] = geometry.appended.map(usize::cast_signed);
        let input = if geometry.appended == [0, 0] {
            self.clone()
        } else {
            numel::<T>(OP, &geometry.convolution.output_shape())?;
            self.pad(&[(0, columns), (0, rows)], T::ZERO)?
        };
        let mut output = input_gradient(OP, &geometry.convolution, &input, weight)?;
        if let Some(bias) = bias {
            let [plane, _] = geometry.convolution.planes();
            let planes = output.as_mut_slice().chunks_exact_mut(plane);
            for (plane, &b) in planes.zip(bias.iter().cycle()) {
                plane.iter_mut().for_each(|y| *y += b);
            }
        }
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use proptest::prelude::*;

    /// Every input element puts a kernel, times itself, into the output.
    fn naive(
        x: &Tensor<f64>,
        w: &Tensor<f64>,
        options: &ConvTranspose2dOptions,
        padding: [usize; 2],
    ) -> Tensor<f64> {
        let geometry = ConvTranspose2dGeometry::new(x.shape(), w.shape(), options).unwrap();
        let mut y = Tensor::<f64>::zeros(geometry.output_shape()).unwrap();
        let shape = y.shape().to_vec();
        let groups = options.convolution.groups;
        let Conv2dOptions {
            stride, dilation, ..
        } = options.convolution;
        let [n, channels, height, width] = x.shape()[..] else {
            unreachable!()
        };
        let [_, per_group, kh, kw] = w.shape()[..] else {
            unreachable!()
        };
        let grid = |rows, columns| (0..rows).flat_map(move |r| (0..columns).map(move |c| (r, c)));
        for (n, c) in grid(n, channels) {
            let group = c / (channels / groups);
            for (o, (p, q)) in
                (0..per_group).flat_map(|o| grid(height, width).map(move |at| (o, at)))
            {
                for (i, j) in grid(kh, kw) {
                    let row = (p * stride[0] + i * dilation[0]).wrapping_sub(padding[0]);
                    let column = (q * stride[1] + j * dilation[1]).wrapping_sub(padding[1]);
                    if row < shape[2] && column < shape[3] {
                        let at = [n, group * per_group + o, row, column];
                        let product = x.get([n, c, p, q]).unwrap() * w.get([c, o, i, j]).unwrap();
                        y.set(at, y.get(at).unwrap() + product).unwrap();
                    }
                }
            }
        }
        y
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(
            batch in 0usize..3,
            groups in 1usize..3,
            per_group in prop::array::uniform2(1usize..3),
            size in prop::array::uniform2(1usize..5),
            kernel in prop::array::uniform2(1usize..4),
            stride in prop::array::uniform2(1usize..4),
            padding in prop::array::uniform2(0usize..3),
            dilation in prop::array::uniform2(1usize..4),
            output_padding in prop::array::uniform2(0usize..3),
        ) {
            let extra = [0, 1].map(|axis| output_padding[axis].min(stride[axis].max(dilation[axis]) - 1));
            let options = ConvTranspose2dOptions::default()
                .stride(stride).padding(padding).dilation(dilation).groups(groups).output_padding(extra);
            let mut generator = Generator::new(4);
            let x = Tensor::randn([batch, groups * per_group[0], size[0], size[1]], &mut generator).unwrap();
            let w = Tensor::randn([groups * per_group[0], per_group[1], kernel[0], kernel[1]], &mut generator).unwrap();
            let bias = Tensor::randn([groups * per_group[1]], &mut generator).unwrap();
            // PyTorch's formula, in signed arithmetic.
            let expected = [0, 1].map(|axis| {
                let [n, k, s, p, d, e] = [size, kernel, stride, padding, dilation, extra]
                    .map(|pair| pair[axis] as isize);
                (n - 1) * s - 2 * p + d * (k - 1) + e + 1
            });
            match x.conv_transpose2d(&w, None, &options) {
                Err(_) => prop_assert!(expected[0] <= 0 || expected[1] <= 0),
                Ok(y) => {
                    let size = [y.shape()[2] as isize, y.shape()[3] as isize];
                    prop_assert_eq!(size, expected);
                    let sum = naive(&x, &w, &options, padding);
                    prop_assert!(y.all_close(&sum, 1e-12, 1e-12));
                    let with_bias = x.conv_transpose2d(&w, Some(&bias), &options).unwrap();
                    let column = bias.reshape([-1, 1, 1]).unwrap();
                    prop_assert!(with_bias.all_close(&(sum + column).unwrap(), 1e-12, 1e-12));
                }
            }
        }
    }

    /// F.conv_transpose2d(torch.ones(1, 2, 2), torch.ones(1, 1, 2, 2), stride=2, output_padding=1)
    #[test]
    fn output_padding_adds_zeros_after_as_pytorch() {
        let options = ConvTranspose2dOptions::default()
            .stride(2)
            .output_padding(1);
        let x = Tensor::<f32>::ones([1, 2, 2]).unwrap();
        let w = Tensor::ones([1, 1, 2, 2]).unwrap();
        let y = x.conv_transpose2d(&w, None, &options).unwrap();
        let row = [1.0, 1.0, 1.0, 1.0, 0.0];
        assert_eq!(y, Tensor::from([[row, row, row, row, [0.0; 5]]]));
    }

    #[test]
    fn refusals_name_what_does_not_fit() {
        let refusal = |input: &[usize], weight: &[usize], options: ConvTranspose2dOptions| {
            let geometry = ConvTranspose2dGeometry::new(input, weight, &options);
            geometry.unwrap_err().to_string()
        };
        let plain = ConvTranspose2dOptions::default();
        assert_eq!(
            refusal(
                &[1, 1, 2, 2],
                &[1, 1, 2, 2],
                plain.stride((3, 1)).output_padding((2, 1))
            ),
            "conv_transpose2d: output padding must be below the stride [3, 1] or the dilation \
             [1, 1], got [2, 1]"
        );
        assert_eq!(
            refusal(&[1, 1, 1], &[1, 1, 2, 2], plain.padding(1)),
            "conv_transpose2d: padding [1, 1] before and [1, 1] after leaves nothing of the output \
             (input [1, 1, 1], weight [1, 1, 2, 2])"
        );
        for (input, weight) in [
            (&[3, 2, 2][..], &[2, 1, 1, 1][..]),
            (&[3, 2, 2], &[3, 1, 1]),
            (&[2, 2], &[2, 1, 1, 1]),
            (&[0, 2, 2], &[0, 1, 1, 1]),
            (&[1, 0, 2], &[1, 1, 1, 1]),
            (&[1, 2, 2], &[1, 0, 1, 1]),
            (&[1, 2, 2], &[1, 1, 0, 1]),
        ] {
            refusal(input, weight, plain);
        }
        refusal(&[3, 2, 2], &[3, 1, 1, 1], plain.groups(2));
        refusal(&[3, 2, 2], &[3, 1, 1, 1], plain.groups(0));
        refusal(&[3, 2, 2], &[3, 1, 1, 1], plain.stride(usize::MAX));
        let far = plain.dilation(usize::MAX).output_padding(usize::MAX - 1);
        refusal(&[3, 2, 2], &[3, 1, 1, 1], far);
    }
}
