//! Pooling. What PyTorch's poolings do not have (margins that differ, dilated
//! averages) is composed of what they have.

use wengert::{
    AvgPool2dOptions, Conv2dOptions, Float, MaxPool2dOptions, Result as Answer, Tensor, Var,
};

use crate::reference::call::{Adapter, Call, Outputs, Stop, one};
use crate::reference::value::Arg;

pub(super) fn adapters<T: Float>() -> Vec<(&'static str, Adapter<T>)> {
    vec![
        ("AveragePool", average),
        ("GlobalAveragePool", |c| {
            let x = c.var("X")?;
            let axes: Vec<isize> = (2..x.ndim() as isize).collect();
            one(x.mean_axes(axes, true)?)
        }),
        ("GlobalMaxPool", |c| {
            let x = c.var("X")?;
            let axes: Vec<isize> = (2..x.ndim() as isize).collect();
            one(x.amax_axes(axes, true)?)
        }),
        ("MaxPool", maximum),
    ]
}

/// Windows over planes; of lines, planes of one row are made.
pub(super) struct Windows {
    is_line: bool,
    input: [usize; 2],
    kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) dilation: [usize; 2],
    pub(super) before: [usize; 2],
    pub(super) after: [usize; 2],
    ceil: bool,
}

impl Windows {
    /// The windows over an input of this shape; of a convolution the kernel's
    /// sizes are those of its weight.
    pub(super) fn read<T: Float>(
        c: &Call<T>,
        input: &[usize],
        weight: Option<&[usize]>,
    ) -> Result<Self, Stop> {
        let (is_line, input) = match *input {
            [_, _, length] => (true, [1, length]),
            [_, _, height, width] => (false, [height, width]),
            _ => return Err(Stop::unsupported("windows over lines and planes only")),
        };
        let mut windows = Self {
            is_line,
            input,
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            before: [0, 0],
            after: [0, 0],
            ceil: c.int_or_none("ceil_mode")? == Some(1),
        };
        windows.kernel = match (c.get("kernel_shape"), weight) {
            (Some(_), _) => windows.sizes(c, "kernel_shape", 1)?,
            (None, Some(&[length])) => [1, length],
            (None, Some(&[height, width])) => [height, width],
            _ => return Err(Stop::unsupported("a kernel without sizes")),
        };
        windows.stride = windows.sizes(c, "strides", 1)?;
        windows.dilation = windows.sizes(c, "dilations", 1)?;
        let pads = c.axes_or_none("pads")?.unwrap_or_default();
        match (c.text("auto_pad", "NOTSET")?, &*pads) {
            ("VALID", _) | ("NOTSET", []) => {}
            ("NOTSET", &[left, right]) => {
                windows.before[1] = size(left)?;
                windows.after[1] = size(right)?;
            }
            ("NOTSET", &[top, left, bottom, right]) => {
                windows.before = [size(top)?, size(left)?];
                windows.after = [size(bottom)?, size(right)?];
            }
            (mode @ ("SAME_UPPER" | "SAME_LOWER"), _) => windows.keep_size(mode == "SAME_UPPER"),
            (mode, pads) => {
                return Err(Stop::unsupported(format!("auto_pad {mode}, pads {pads:?}")));
            }
        }
        Ok(windows)
    }

    /// One number for each axis of the plane.
    pub(super) fn sizes<T: Float>(
        &self,
        c: &Call<T>,
        name: &str,
        default: usize,
    ) -> Result<[usize; 2], Stop> {
        match c.get(name) {
            None => Ok([default, default]),
            Some(Arg::List(_)) => match *c.sizes(name)? {
                [length] if self.is_line => Ok([default, length]),
                [height, width] if !self.is_line => Ok([height, width]),
                ref other => Err(Stop::unsupported(format!("{name} {other:?}"))),
            },
            Some(other) => Err(Stop::unsupported(format!("{name} {}", other.describe()))),
        }
    }

    /// As much margin as keeps the plane's size, divided by the stride and
    /// rounded up.
    fn keep_size(&mut self, extra_after: bool) {
        for axis in 0..2 {
            let steps = self.input[axis].div_ceil(self.stride[axis]).max(1) - 1;
            let needs = steps * self.stride[axis] + self.extent(axis);
            let total = needs.saturating_sub(self.input[axis]);
            let (small, large) = (total / 2, total.div_ceil(2));
            (self.before[axis], self.after[axis]) = if extra_after {
                (small, large)
            } else {
                (large, small)
            };
        }
    }

    /// How far a window reaches.
    fn extent(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }

    /// How many windows: rounded up, none may start in the margin after.
    fn count(&self, axis: usize) -> usize {
        let all = self.before[axis] + self.input[axis] + self.after[axis];
        let Some(room) = all.checked_sub(self.extent(axis)) else {
            return 0;
        };
        let stride = self.stride[axis];
        if !self.ceil {
            return room / stride + 1;
        }
        let count = room.div_ceil(stride) + 1;
        let starts_outside = (count - 1) * stride >= self.before[axis] + self.input[axis];
        count - usize::from(starts_outside)
    }

    /// What the last windows reach past the margin after.
    fn overhang(&self, axis: usize) -> usize {
        let reach = self.count(axis).saturating_sub(1) * self.stride[axis] + self.extent(axis);
        reach.saturating_sub(self.before[axis] + self.input[axis] + self.after[axis])
    }

    /// Whether PyTorch's poolings have these margins.
    fn has_even_margins(&self) -> bool {
        self.before == self.after && (0..2).all(|axis| 2 * self.before[axis] <= self.kernel[axis])
    }

    /// The margins as pairs from the last axis on.
    fn margins(&self) -> [(isize, isize); 2] {
        [1, 0].map(|axis| (self.before[axis] as isize, self.after[axis] as isize))
    }

    /// Beyond the margins, so much that every window lies within.
    fn overhangs(&self) -> [(isize, isize); 2] {
        [1, 0].map(|axis| (0, self.overhang(axis) as isize))
    }

    /// A line as a plane of one row.
    pub(super) fn plane<T: Float>(&self, x: &Var<T>) -> Answer<Var<T>> {
        if self.is_line {
            x.unsqueeze(2)
        } else {
            Ok(x.clone())
        }
    }

    /// A plane of one row as a line.
    pub(super) fn line<T: Float>(&self, x: &Var<T>) -> Answer<Var<T>> {
        if self.is_line {
            x.squeeze(2)
        } else {
            Ok(x.clone())
        }
    }

    /// The sums over all windows of planes that have their margins.
    fn sums<T: Float>(&self, x: &Var<T>) -> Answer<Var<T>> {
        let x = x.pad(&self.overhangs(), T::ZERO)?;
        let &[n, channels, height, width] = x.shape() else {
            return Ok(x);
        };
        let ones = x.constant(Tensor::ones([1, 1, self.kernel[0], self.kernel[1]])?);
        let options = Conv2dOptions::default()
            .stride(self.stride)
            .dilation(self.dilation);
        let planes = x.reshape_to([n * channels, 1, height, width])?;
        let sums = planes.conv2d(&ones, None, &options)?;
        let size = [self.count(0), self.count(1)];
        let sums = sums.narrow(2, 0, size[0])?.narrow(3, 0, size[1])?;
        sums.reshape_to([n, channels, size[0], size[1]])
    }
}

fn size(pad: isize) -> Result<usize, Stop> {
    usize::try_from(pad).map_err(|_| Stop::unsupported(format!("a margin of {pad}")))
}

/// Margins are not counted unless the model says so.
fn average<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let x = c.var("X")?;
    let windows = Windows::read(c, x.shape(), None)?;
    let counted = c.int_or_none("count_include_pad")? == Some(1);
    let x = windows.plane(&x)?;
    if windows.dilation == [1, 1] && windows.has_even_margins() {
        let options = AvgPool2dOptions::new(windows.kernel)
            .stride(windows.stride)
            .padding(windows.before)
            .ceil_mode(windows.ceil)
            .count_include_pad(counted);
        return one(windows.line(&x.avg_pool2d(&options)?)?);
    }
    let plane = x.constant(Tensor::ones([1, 1, windows.input[0], windows.input[1]])?);
    let counts = plane.pad(&windows.margins(), if counted { T::ONE } else { T::ZERO })?;
    let sums = windows.sums(&x.pad(&windows.margins(), T::ZERO)?)?;
    one(windows.line(&sums.div(&windows.sums(&counts)?)?)?)
}

/// Places count through the whole tensor, column by column if the model says so.
fn maximum<T: Float>(c: &Call<T>) -> Result<Outputs<T>, Stop> {
    let x = c.var("X")?;
    let windows = Windows::read(c, x.shape(), None)?;
    let by_columns = c.int_or_none("storage_order")? == Some(1);
    let x = windows.plane(&x)?;
    let options = MaxPool2dOptions::new(windows.kernel)
        .stride(windows.stride)
        .dilation(windows.dilation);
    let (y, at) = if windows.has_even_margins() {
        x.max_pool2d_with_indices(&options.padding(windows.before).ceil_mode(windows.ceil))?
    } else {
        let margins = x.pad(&windows.margins(), T::neg_infinity())?;
        let all = margins.pad(&windows.overhangs(), T::neg_infinity())?;
        let (y, at) = all.max_pool2d_with_indices(&options)?;
        let [rows, columns] = [windows.count(0), windows.count(1)];
        let y = y.narrow(2, 0, rows)?.narrow(3, 0, columns)?;
        let at = at.narrow(2, 0, rows)?.narrow(3, 0, columns)?;
        // Back to the plane without margins.
        let width = all.shape()[3] as i64;
        let [top, left] = windows.before.map(|margin| margin as i64);
        let own = windows.input[1] as i64;
        (y, at.map(|i| (i / width - top) * own + i % width - left))
    };
    let [height, width] = windows.input.map(|size| size as i64);
    let in_order = |i: i64| {
        if by_columns {
            i % width * height + i / width
        } else {
            i
        }
    };
    let first = Tensor::from_fn([x.shape()[0], x.shape()[1], 1, 1], |index| {
        (index[0] * x.shape()[1] + index[1]) as i64 * height * width
    })?;
    let at = at.map(in_order).add(&first)?;
    let at = if windows.is_line { at.squeeze(2)? } else { at };
    Ok(vec![windows.line(&y)?.into(), at.into()])
}
