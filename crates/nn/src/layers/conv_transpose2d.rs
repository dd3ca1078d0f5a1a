//! The transposed convolutional layer.

use std::fmt;

use autograd::{Parameter, Var};
use rand::Rng;
use tensor::shape::numel;
use tensor::{ConvTranspose2dOptions, Error, Float, Padding, Pair, Result, Tensor, Window2d};

use super::pair;
use crate::init::{default_weight, fans};
use crate::module::Module;
use crate::visit;

/// Two-dimensional transposed convolution, which enlarges an image by as much as
/// a [`Conv2d`](crate::Conv2d) of the same options shrinks it:
/// `torch.nn.ConvTranspose2d`.
///
/// | | shape |
/// |---|---|
/// | input | `[N, in_channels, H, W]`, or `[in_channels, H, W]` |
/// | `weight` | `[in_channels, out_channels / groups, kh, kw]` |
/// | `bias` | `[out_channels]` |
/// | output | `[N, out_channels, H′, W′]` |
///
/// with H′ = (H − 1) · stride − 2 · padding + dilation · (kh − 1) + 1 +
/// output_padding; likewise W′.
///
/// ```
/// use autograd::Tape;
/// use tensor::{Tensor, random::Generator};
/// use wengert_nn::{ConvTranspose2d, Module};
///
/// let double: ConvTranspose2d = ConvTranspose2d::builder(16, 8, 3)
///     .stride(2)
///     .padding(1)
///     .output_padding(1)
///     .build(&mut Generator::new(0))?;
/// let x = Tape::inference().constant(Tensor::zeros([4, 16, 7, 7])?);
/// assert_eq!(double.forward(&x)?.shape(), [4, 8, 14, 14]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConvTranspose2d<T: Float = f32> {
    /// `[in_channels, out_channels / groups, kh, kw]`.
    pub weight: Parameter<T>,
    /// `[out_channels]`.
    pub bias: Option<Parameter<T>>,
    options: ConvTranspose2dOptions,
}

/// The options of [`ConvTranspose2d`]; what is not set is PyTorch's default.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct ConvTranspose2dBuilder {
    in_channels: usize,
    out_channels: usize,
    kernel: Pair,
    options: ConvTranspose2dOptions,
    bias: bool,
}

impl ConvTranspose2d {
    /// A transposed convolution from `in_channels` to `out_channels` planes with a
    /// kernel of `5` by 5 or `(5, 3)`: stride 1, no padding, a bias.
    pub fn builder(
        in_channels: usize,
        out_channels: usize,
        kernel: impl Into<Pair>,
    ) -> ConvTranspose2dBuilder {
        ConvTranspose2dBuilder {
            in_channels,
            out_channels,
            kernel: kernel.into(),
            options: ConvTranspose2dOptions::default(),
            bias: true,
        }
    }
}

impl<T: Float> ConvTranspose2d<T> {
    /// Stride, padding, output padding, dilation and groups.
    #[must_use]
    pub fn options(&self) -> &ConvTranspose2dOptions {
        &self.options
    }
}

impl ConvTranspose2dBuilder {
    /// How far apart the window puts down what it makes of neighbours.
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.options = self.options.stride(stride);
        self
    }

    /// How many rows and columns are cropped from each side of the result.
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        self.options = self.options.padding(padding);
        self
    }

    /// How many rows below and columns to the right the result has more: fewer
    /// than the stride or the dilation.
    pub fn output_padding(mut self, output_padding: impl Into<Pair>) -> Self {
        self.options = self.options.output_padding(output_padding);
        self
    }

    /// How far the taps of the kernel lie apart.
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        self.options = self.options.dilation(dilation);
        self
    }

    /// Into how many independent groups the channels are split.
    pub fn groups(mut self, groups: usize) -> Self {
        self.options = self.options.groups(groups);
        self
    }

    /// Whether there is a bias.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// The layer, initialised as PyTorch does: weight and bias uniform on
    /// ±1/√(out_channels / groups · kh · kw).
    ///
    /// # Errors
    /// [`Error::Value`] for no channels, groups that do not divide them, a
    /// kernel, stride or dilation of 0, or an output padding that is neither
    /// below the stride nor below the dilation; [`Error::TooLarge`].
    pub fn build<T: Float, R: Rng + ?Sized>(self, rng: &mut R) -> Result<ConvTranspose2d<T>> {
        const OP: &str = "conv_transpose2d";
        let Self {
            in_channels,
            out_channels,
            kernel,
            options,
            bias,
        } = self;
        let convolution = options.convolution;
        let groups = convolution.groups;
        let divides = |channels: usize| channels > 0 && channels.is_multiple_of(groups);
        if groups == 0 || !divides(in_channels) || !divides(out_channels) {
            return Err(Error::value(
                OP,
                format!(
                    "{groups} groups do not divide {in_channels} input and {out_channels} output channels"
                ),
            ));
        }
        let (stride, dilation) = (convolution.stride, convolution.dilation);
        Window2d::new(OP, kernel, stride, Padding::default(), dilation)?;
        let added = options.output_padding;
        if (0..2).any(|axis| added[axis] >= stride[axis].max(dilation[axis])) {
            return Err(Error::value(
                OP,
                format!(
                    "output padding must be below the stride {stride:?} or the dilation \
                     {dilation:?}, got {added:?}"
                ),
            ));
        }
        let shape = [in_channels, out_channels / groups, kernel.0[0], kernel.0[1]];
        numel::<T>(OP, &[out_channels])?;
        let weight = Parameter::new(default_weight(OP, &shape, rng)?);
        let bias = if bias {
            let bound = 1.0 / (fans(&shape)?.0 as f64).sqrt();
            let drawn = Tensor::uniform([out_channels], -bound, bound, rng)?;
            Some(Parameter::new(drawn))
        } else {
            None
        };
        Ok(ConvTranspose2d {
            weight,
            bias,
            options,
        })
    }
}

visit!(ConvTranspose2d<T> { weight, bias });

impl<T: Float> Module<T> for ConvTranspose2d<T> {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        let tape = input.tape();
        let bias = self.bias.as_ref().map(|bias| tape.parameter(bias));
        let weight = tape.parameter(&self.weight);
        input.conv_transpose2d(&weight, bias.as_ref(), &self.options)
    }
}

impl<T: Float> fmt::Display for ConvTranspose2d<T> {
    /// As PyTorch: options at their defaults are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &[in_channels, group_channels, height, width] = self.weight.shape() else {
            return write!(f, "ConvTranspose2d(weight={:?})", self.weight.shape());
        };
        let options = &self.options.convolution;
        write!(
            f,
            "ConvTranspose2d({in_channels}, {}, kernel_size={}, stride={}",
            group_channels.saturating_mul(options.groups),
            pair([height, width]),
            pair(options.stride)
        )?;
        if let Padding::Explicit { before, .. } = options.padding
            && before != [0, 0]
        {
            write!(f, ", padding={}", pair(before))?;
        }
        if options.dilation != [1, 1] {
            write!(f, ", dilation={}", pair(options.dilation))?;
        }
        if self.options.output_padding != [0, 0] {
            write!(f, ", output_padding={}", pair(self.options.output_padding))?;
        }
        if options.groups != 1 {
            write!(f, ", groups={}", options.groups)?;
        }
        if self.bias.is_none() {
            write!(f, ", bias=False")?;
        }
        write!(f, ")")
    }
}
