//! The convolutional layer.

use std::fmt;

use autograd::{Parameter, Var};
use rand::Rng;
use tensor::{Conv2dOptions, Error, Float, PadMode, Padding, Pair, Result, Window2d};

use super::pair;
use crate::init::{default_bias, default_weight};
use crate::module::Module;
use crate::visit;

/// Two-dimensional convolution (cross-correlation, as in every deep-learning
/// library): `torch.nn.Conv2d`.
///
/// ```text
/// y[n, o, i, j] = b[o] + Σ x[n, c, i·stride + u·dilation − padding, …] · w[o, c, u, v]
///                       c,u,v
/// ```
///
/// | | shape |
/// |---|---|
/// | input | `[N, in_channels, H, W]`, or `[in_channels, H, W]` |
/// | `weight` | `[out_channels, in_channels / groups, kh, kw]` |
/// | `bias` | `[out_channels]` |
/// | output | `[N, out_channels, H′, W′]` |
///
/// with H′ = ⌊(H + padding − dilation · (kh − 1) − 1) / stride⌋ + 1, padding of
/// both sides together; likewise W′.
///
/// ```
/// use autograd::Tape;
/// use tensor::{Tensor, random::Generator};
/// use wengert_nn::{Conv2d, Module};
///
/// let conv: Conv2d = Conv2d::builder(1, 6, (5, 3))
///     .padding((2, 1))
///     .stride(2)
///     .build(&mut Generator::new(0))?;
/// let x = Tape::inference().constant(Tensor::zeros([32, 1, 28, 28])?);
/// assert_eq!(conv.forward(&x)?.shape(), [32, 6, 14, 14]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Conv2d<T: Float = f32> {
    /// `[out_channels, in_channels / groups, kh, kw]`.
    pub weight: Parameter<T>,
    /// `[out_channels]`.
    pub bias: Option<Parameter<T>>,
    options: Conv2dOptions,
    padding_mode: PaddingMode,
    relu: bool,
}

/// What a [`Conv2d`] surrounds a plane with.
///
/// ```
/// use autograd::Tape;
/// use tensor::{Padding, Tensor, random::Generator};
/// use wengert_nn::{Conv2d, Module, PaddingMode};
///
/// let conv: Conv2d = Conv2d::builder(1, 6, 3)
///     .padding(Padding::Same)
///     .padding_mode(PaddingMode::Reflect)
///     .build(&mut Generator::new(0))?;
/// let x = Tape::inference().constant(Tensor::zeros([1, 1, 8, 8])?);
/// assert_eq!(conv.forward(&x)?.shape(), [1, 6, 8, 8]);
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PaddingMode {
    /// Zeros.
    #[default]
    Zeros,
    /// Its own elements, mirrored at the outermost ones:
    /// [`PadMode::Reflect`].
    Reflect,
    /// Its outermost elements again and again: [`PadMode::Replicate`].
    Replicate,
    /// Its elements from the other end: [`PadMode::Circular`].
    Circular,
}

/// The options of [`Conv2d`]; what is not set is PyTorch's default.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Conv2dBuilder {
    in_channels: usize,
    out_channels: usize,
    kernel: Pair,
    options: Conv2dOptions,
    padding_mode: PaddingMode,
    bias: bool,
    relu: bool,
}

impl Conv2d {
    /// A convolution from `in_channels` to `out_channels` planes with a kernel
    /// of `5` by 5 or `(5, 3)`: stride 1, no padding, a bias.
    pub fn builder(
        in_channels: usize,
        out_channels: usize,
        kernel: impl Into<Pair>,
    ) -> Conv2dBuilder {
        Conv2dBuilder {
            in_channels,
            out_channels,
            kernel: kernel.into(),
            options: Conv2dOptions::default(),
            padding_mode: PaddingMode::Zeros,
            bias: true,
            relu: false,
        }
    }
}

impl<T: Float> Conv2d<T> {
    /// Stride, padding, dilation and groups.
    #[must_use]
    pub fn options(&self) -> &Conv2dOptions {
        &self.options
    }

    /// What surrounds a plane.
    #[must_use]
    pub fn padding_mode(&self) -> PaddingMode {
        self.padding_mode
    }

    /// Whether the result is rectified.
    #[must_use]
    pub fn has_relu(&self) -> bool {
        self.relu
    }
}

impl Conv2dBuilder {
    /// How far the window moves.
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.options = self.options.stride(stride);
        self
    }

    /// How many rows and columns surround a plane: a number, a pair, or [`Padding::Same`].
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.options = self.options.padding(padding);
        self
    }

    /// What the padding is made of.
    pub fn padding_mode(mut self, mode: PaddingMode) -> Self {
        self.padding_mode = mode;
        self
    }

    /// How far the taps of the kernel lie apart.
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        self.options = self.options.dilation(dilation);
        self
    }

    /// Into how many independent groups the channels are split; as many as
    /// channels make a depthwise convolution.
    pub fn groups(mut self, groups: usize) -> Self {
        self.options = self.options.groups(groups);
        self
    }

    /// Whether there is a bias.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Rectifies the result as it is stored: the layer followed by a
    /// [`Relu`](crate::Relu), without room for what is between them. Names and
    /// initial weights are those of the layer without it.
    pub fn relu(mut self) -> Self {
        self.relu = true;
        self
    }

    /// The layer, initialised as PyTorch does: weight and bias uniform on
    /// ±1/√(in_channels / groups · kh · kw).
    ///
    /// # Errors
    /// [`Error::Value`] for no channels, groups that do not divide them, a
    /// kernel, stride or dilation of 0, or padding `Same` with a stride;
    /// [`Error::TooLarge`].
    pub fn build<T: Float, R: Rng + ?Sized>(self, rng: &mut R) -> Result<Conv2d<T>> {
        const OP: &str = "conv2d";
        let Self {
            in_channels,
            out_channels,
            kernel,
            options,
            padding_mode,
            bias,
            relu,
        } = self;
        if in_channels == 0 || out_channels == 0 {
            return Err(Error::value(
                OP,
                format!(
                    "needs at least one channel on each side, got {in_channels} to {out_channels}"
                ),
            ));
        }
        let groups = options.groups;
        if groups == 0
            || !in_channels.is_multiple_of(groups)
            || !out_channels.is_multiple_of(groups)
        {
            return Err(Error::value(
                OP,
                format!(
                    "{groups} groups do not divide {in_channels} input and {out_channels} output channels"
                ),
            ));
        }
        Window2d::new(
            OP,
            kernel,
            options.stride,
            options.padding,
            options.dilation,
        )?;
        let shape = [out_channels, in_channels / groups, kernel.0[0], kernel.0[1]];
        let weight = Parameter::new(default_weight(OP, &shape, rng)?);
        let bias = if bias {
            Some(Parameter::new(default_bias(&shape, rng)?))
        } else {
            None
        };
        Ok(Conv2d {
            weight,
            bias,
            options,
            padding_mode,
            relu,
        })
    }
}

visit!(Conv2d<T> { weight, bias });

impl<T: Float> Module<T> for Conv2d<T> {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        let tape = input.tape();
        let (input, options) = &self.padded(input)?;
        let bias = self.bias.as_ref().map(|bias| tape.parameter(bias));
        let weight = tape.parameter(&self.weight);
        if self.relu {
            input.conv2d_relu(&weight, bias.as_ref(), options)
        } else {
            input.conv2d(&weight, bias.as_ref(), options)
        }
    }
}

impl<T: Float> Conv2d<T> {
    /// The input with its margin, unless that is of zeros, and the options of the
    /// convolution of it.
    fn padded(&self, input: &Var<T>) -> Result<(Var<T>, Conv2dOptions)> {
        let options = self.options;
        let mode = match self.padding_mode {
            PaddingMode::Zeros => return Ok((input.clone(), options)),
            PaddingMode::Reflect => PadMode::Reflect,
            PaddingMode::Replicate => PadMode::Replicate,
            PaddingMode::Circular => PadMode::Circular,
        };
        let &[.., height, width] = self.weight.shape() else {
            return Ok((input.clone(), options));
        };
        let (kernel, stride) = ([height, width], options.stride);
        let window = Window2d::new("conv2d", kernel, stride, options.padding, options.dilation)?;
        // More than there can be is refused as too much.
        let amount = |n: usize| isize::try_from(n).unwrap_or(isize::MAX);
        let sides = [1, 0].map(|axis| {
            let (before, after) = (window.padding_before[axis], window.padding_after[axis]);
            (amount(before), amount(after))
        });
        if sides == [(0, 0); 2] {
            return Ok((input.clone(), options));
        }
        Ok((input.pad(&sides, mode)?, options.padding(0)))
    }
}

impl<T: Float> fmt::Display for Conv2d<T> {
    /// As PyTorch, and `relu=True`: options at their defaults are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &[out_channels, group_channels, height, width] = self.weight.shape() else {
            return write!(f, "Conv2d(weight={:?})", self.weight.shape());
        };
        let options = &self.options;
        write!(
            f,
            "Conv2d({}, {out_channels}, kernel_size={}, stride={}",
            group_channels.saturating_mul(options.groups),
            pair([height, width]),
            pair(options.stride)
        )?;
        match options.padding {
            Padding::Same => write!(f, ", padding=same")?,
            Padding::Explicit { before, after } if before != after => {
                write!(
                    f,
                    ", padding={} before, {} after",
                    pair(before),
                    pair(after)
                )?;
            }
            Padding::Explicit { before: [0, 0], .. } => {}
            Padding::Explicit { before, .. } => write!(f, ", padding={}", pair(before))?,
        }
        if options.dilation != [1, 1] {
            write!(f, ", dilation={}", pair(options.dilation))?;
        }
        if options.groups != 1 {
            write!(f, ", groups={}", options.groups)?;
        }
        if self.bias.is_none() {
            write!(f, ", bias=False")?;
        }
        match self.padding_mode {
            PaddingMode::Zeros => {}
            PaddingMode::Reflect => write!(f, ", padding_mode=reflect")?,
            PaddingMode::Replicate => write!(f, ", padding_mode=replicate")?,
            PaddingMode::Circular => write!(f, ", padding_mode=circular")?,
        }
        if self.relu {
            write!(f, ", relu=True")?;
        }
        write!(f, ")")
    }
}
