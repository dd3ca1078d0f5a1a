//! Convolution with vectors over the pixels of a row ([`ConvRows`]), or over the
//! output channels of a pixel ([`ConvChannels`]): any number of channels, any
//! kernel, stride and dilation.
//!
//! Both kernels know taps as distances in a padded image
//! ([`padded`](super::padded)), so a stride or a dilation is but another table
//! of distances. The input gradient is a convolution too, of the output's
//! gradient with the kernel turned by 180 degrees and the channels exchanged;
//! at a stride of s, one for each of the s · s phases of the input.
//!
//! **Cost.** The multiply-adds of the definition at some nine tenths of what the
//! processor can do, one copy of the image, one of the weights.
//!
//! The unit of work is an image, or a run of its output channels if there are
//! few images.

use super::Epilogue;
use super::direct::part;
use super::geometry::Conv2dGeometry;
use super::padded::{Correlation, Layout};
use crate::element::Float;
use crate::simd::conv_channels::{self, ConvChannels, PackChannels};
use crate::simd::conv_rows::{self, ConvRows, Pack};
use crate::simd::{self, InstructionSet};
use crate::{par, scratch};

/// Images (and groups) that are pieces enough by themselves.
const MANY: usize = 4;

/// What the numbers of a vector are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vectors {
    /// Pixels of a row, for one output channel.
    Pixels,
    /// Output channels, for one pixel.
    Channels,
}

/// y = b + x ⋆ w.
pub(super) fn forward<T: Float>(
    set: InstructionSet,
    vectors: Vectors,
    geometry: &Conv2dGeometry,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
) {
    let correlation = Correlation::of(geometry);
    let [ins, outs] = geometry.group_channels();
    let layout = correlation.layout();
    let all = Part {
        start: [0, 0],
        output: geometry.output,
        distances: layout.taps.clone(),
        indices: (0..geometry.taps()).collect(),
    };
    let rows = Rows {
        set,
        vectors,
        geometry,
        channels: [ins, outs],
        correlation,
        layout,
        parts: vec![all],
        step: [1, 1],
        result: geometry.output,
    };
    let taps = geometry.taps();
    let weight = |group, o, c, tap| w[((group * outs + o) * ins + c) * taps + tap];
    rows.run(x, weight, epilogue, y);
}

/// x = the adjoint applied to g.
///
/// Row r of x gives to the output rows p for which p · s + i · d − before = r
/// for some tap i. Of the rows r = a + s · m of one phase a, these are
/// p = m + (a + before − i · d) / s, for the taps i for which that is whole.
pub(super) fn input<T: Float>(
    set: InstructionSet,
    vectors: Vectors,
    geometry: &Conv2dGeometry,
    g: &[T],
    w: &[T],
    x: &mut [T],
) {
    let window = &geometry.window;
    let step = window.stride;
    // The taps of each phase along an axis, each with its distance.
    let along = |axis: usize| -> Vec<Vec<(usize, isize)>> {
        let [kernel, stride, dilation, before] = [
            window.kernel[axis],
            step[axis],
            window.dilation[axis],
            window.padding_before[axis],
        ];
        let distance = |a: usize, i: usize| {
            let numerator = (a + before).cast_signed() - (i * dilation).cast_signed();
            let stride = stride.cast_signed();
            (numerator % stride == 0).then_some((i, numerator / stride))
        };
        (0..stride)
            .map(|a| (0..kernel).filter_map(|i| distance(a, i)).collect())
            .collect()
    };
    let (down, across) = (along(0), along(1));
    let least = |phases: &[Vec<(usize, isize)>]| {
        let all = phases.iter().flatten().map(|&(_, distance)| distance);
        all.min().unwrap_or(0).min(0).unsigned_abs()
    };
    let before = [least(&down), least(&across)];
    let size = |axis: usize, a: usize| geometry.input[axis].saturating_sub(a).div_ceil(step[axis]);
    // Taps of all phases, one after the other; those of a phase are a part.
    let (mut taps, mut parts) = (Vec::new(), Vec::new());
    for (a, rows) in down.iter().enumerate() {
        for (b, columns) in across.iter().enumerate() {
            let first = taps.len();
            let mut indices = Vec::with_capacity(rows.len() * columns.len());
            for &(i, row) in rows {
                for &(j, column) in columns {
                    let place = [
                        row + before[0].cast_signed(),
                        column + before[1].cast_signed(),
                    ];
                    taps.push(place.map(isize::cast_unsigned));
                    indices.push(i * window.kernel[1] + j);
                }
            }
            parts.push((first..taps.len(), indices, [a, b]));
        }
    }
    let correlation = Correlation {
        input: geometry.output,
        output: [size(0, 0), size(1, 0)],
        stride: [1, 1],
        before,
        taps,
    };
    let layout = correlation.layout();
    let parts = parts.into_iter().map(|(range, indices, start)| Part {
        start,
        output: [size(0, start[0]), size(1, start[1])],
        distances: layout.taps[range].to_vec(),
        indices,
    });
    let parts = parts.collect();
    let [ins, outs] = geometry.group_channels();
    let rows = Rows {
        set,
        vectors,
        geometry,
        channels: [outs, ins],
        correlation,
        layout,
        parts,
        step,
        result: geometry.input,
    };
    let taps = geometry.taps();
    let weight = |group, c, o, tap| w[((group * outs + o) * ins + c) * taps + tap];
    let epilogue = Epilogue {
        bias: None,
        relu: false,
    };
    rows.run(g, weight, epilogue, x);
}

/// A sum over taps whose results lie a step apart: all of a forward
/// convolution, or one phase of an input gradient.
struct Part {
    /// Where the first result goes.
    start: [usize; 2],
    /// Rows and columns of results.
    output: [usize; 2],
    /// The distance of each tap in the padded image.
    distances: Vec<usize>,
    /// Which of the weight's taps each one is.
    indices: Vec<usize>,
}

/// A convolution or an input gradient, ready to run.
struct Rows<'a> {
    set: InstructionSet,
    vectors: Vectors,
    geometry: &'a Conv2dGeometry,
    /// Channels of a group: those summed over and those found.
    channels: [usize; 2],
    correlation: Correlation,
    layout: Layout,
    parts: Vec<Part>,
    /// From one result of a part to the next.
    step: [usize; 2],
    /// Height and width of the result.
    result: [usize; 2],
}

impl Rows<'_> {
    /// Channels that one piece of work finds: all of a group, or some of them
    /// if there are few images.
    fn run_of_channels(&self) -> usize {
        let pieces = self.geometry.images() * self.geometry.groups;
        let outs = self.channels[1];
        let wanted = MANY.div_ceil(pieces.max(1)).min(outs.div_ceil(8)).max(1);
        // Runs of one length, so that every piece is.
        let runs = (1..=wanted).rev().find(|runs| outs.is_multiple_of(*runs));
        outs / runs.unwrap_or(1)
    }

    /// Where the packed weights of each part begin, for one run of channels;
    /// and at last where they end.
    fn packed_parts(&self, run: usize) -> Vec<usize> {
        let ins = self.channels[0];
        let mut ends = vec![0];
        for part in &self.parts {
            let sizes = [run, ins, part.indices.len()];
            let len = match self.vectors {
                Vectors::Pixels => conv_rows::packed_len(sizes),
                Vectors::Channels => conv_channels::packed_len(sizes),
            };
            ends.push(ends[ends.len() - 1] + len);
        }
        ends
    }

    /// `weight(group, o, c, tap)` is what the source's channel c is multiplied
    /// with for the result's channel o.
    fn run<T: Float>(
        &self,
        source: &[T],
        weight: impl Fn(usize, usize, usize, usize) -> T + Sync,
        epilogue: Epilogue<'_, T>,
        result: &mut [T],
    ) {
        let groups = self.geometry.groups;
        let [ins, outs] = self.channels;
        let run = self.run_of_channels();
        let runs = outs / run;
        let starts = self.packed_parts(run);
        let packed_run = starts[self.parts.len()];
        let source_len = ins * self.correlation.input[0] * self.correlation.input[1];
        let plane = self.result[0] * self.result[1];
        scratch::with(groups * runs * packed_run, |packed| {
            for (i, packed) in packed.chunks_exact_mut(packed_run.max(1)).enumerate() {
                let (group, first) = (i / runs, i % runs * run);
                for (part, range) in self.parts.iter().zip(starts.windows(2)) {
                    let weight = |o, c, tap: usize| weight(group, first + o, c, part.indices[tap]);
                    let sizes = [run, ins, part.indices.len()];
                    let packed = &mut packed[range[0]..range[1]];
                    let pack = Pack {
                        sizes,
                        weight,
                        packed,
                    };
                    match self.vectors {
                        Vectors::Pixels => simd::run(self.set, pack),
                        Vectors::Channels => simd::run(self.set, PackChannels(pack)),
                    }
                }
            }
            let packed = &*packed;
            par::for_each_piece(result, run * plane, self.geometry.cost(), |i, result| {
                let (image, run_index) = (i / runs, i % runs);
                let first = image % groups * outs + run_index * run;
                let x = part(source, image, source_len);
                let w = part(packed, image % groups * runs + run_index, packed_run);
                let bias = epilogue.bias.map(|bias| &bias[first..first + run]);
                let epilogue = Epilogue { bias, ..epilogue };
                if self.layout.in_place {
                    self.image(x, w, &starts, epilogue, result);
                } else {
                    scratch::with(self.layout.len(ins), |padded| {
                        self.layout.fill(&self.correlation, x, padded);
                        self.image(padded, w, &starts, epilogue, result);
                    });
                }
            });
        });
    }

    /// All parts of one padded image.
    fn image<T: Float>(
        &self,
        x: &[T],
        w: &[T],
        starts: &[usize],
        epilogue: Epilogue<'_, T>,
        result: &mut [T],
    ) {
        for (part, range) in self.parts.iter().zip(starts.windows(2)) {
            let w = &w[range[0]..range[1]];
            if self.step == [1, 1] {
                self.sum(part, x, w, epilogue, result);
                continue;
            }
            let [height, width] = part.output;
            let plane = height * width;
            let channels = result.len() / (self.result[0] * self.result[1]);
            scratch::with(channels * plane, |found| {
                self.sum(part, x, w, epilogue, found);
                let planes = result.chunks_exact_mut(self.result[0] * self.result[1]);
                for (result, found) in planes.zip(found.chunks_exact(plane.max(1))) {
                    let lines = result.chunks_exact_mut(self.result[1]).skip(part.start[0]);
                    let lines = lines.step_by(self.step[0]);
                    for (line, found) in lines.zip(found.chunks_exact(width.max(1))) {
                        let line = line[part.start[1]..].iter_mut().step_by(self.step[1]);
                        line.zip(found).for_each(|(to, &from)| *to = from);
                    }
                }
            });
        }
    }

    /// The sums of one part, with the part's weights.
    fn sum<T: Float>(&self, part: &Part, x: &[T], w: &[T], epilogue: Epilogue<'_, T>, y: &mut [T]) {
        let kernel = ConvRows {
            x,
            plane: self.layout.plane,
            channels: self.channels[0],
            pitch: self.layout.pitch,
            taps: &part.distances,
            w,
            bias: epilogue.bias,
            relu: epilogue.relu,
            y,
            output: part.output,
        };
        match self.vectors {
            Vectors::Pixels => simd::run(self.set, kernel),
            Vectors::Channels => simd::run(self.set, ConvChannels(kernel)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Conv2dKernel, Conv2dOptions, oracle};

    fn check(input: [usize; 4], weight: [usize; 4], options: &Conv2dOptions) {
        oracle::check(Conv2dKernel::Rows, input, weight, options);
        oracle::check(Conv2dKernel::Channels, input, weight, options);
    }

    #[test]
    fn every_width() {
        for width in 1..=40 {
            let options = Conv2dOptions::default().padding(1);
            check([1, 2, 3, width], [9, 2, 3, 3], &options);
            check(
                [1, 1, 2, width + 4],
                [6, 1, 1, 5],
                &Conv2dOptions::default(),
            );
            check([2, 2, 2, width], [4, 2, 1, 1], &Conv2dOptions::default());
            check([1, 2, 5, width], [3, 2, 3, 3], &options.stride(2));
        }
    }

    #[test]
    fn every_number_of_channels() {
        for outs in 1..=40 {
            let options = Conv2dOptions::default().padding((1, 0));
            check([1, 3, 4, 9], [outs, 3, 3, 2], &options);
            check([2, 1, 4, 20], [2 * outs, 1, 2, 2], &options);
        }
    }

    #[test]
    fn strides_dilations_groups_and_wide_padding() {
        let plain = Conv2dOptions::default();
        for (input, weight, options) in [
            (
                [2, 4, 9, 11],
                [6, 2, 3, 3],
                plain.groups(2).stride((2, 3)).padding((2, 1)),
            ),
            (
                [1, 2, 12, 13],
                [3, 2, 3, 2],
                plain.dilation((2, 3)).padding(3),
            ),
            (
                [1, 2, 12, 13],
                [3, 2, 3, 2],
                plain.dilation((2, 3)).stride((3, 2)),
            ),
            // More padding than the kernel reaches, a kernel as large as the
            // image, strides longer than the kernel.
            ([1, 1, 3, 4], [2, 1, 2, 2], plain.padding((4, 5))),
            ([1, 2, 7, 5], [2, 2, 7, 5], plain),
            ([1, 2, 9, 9], [5, 2, 1, 1], plain.stride(3).padding(1)),
            ([0, 2, 9, 9], [5, 2, 3, 3], plain),
            ([1, 2, 40, 1], [5, 2, 3, 1], plain),
        ] {
            check(input, weight, &options);
        }
    }
}
