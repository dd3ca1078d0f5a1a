//! Convolution with vectors over the pixels of several rows ([`ConvStrips`]): few
//! output channels, a kernel of 3 or 5 rows, stride 1.
//!
//! The input gradient is a convolution of the output's gradient with the kernel
//! turned by 180 degrees and the channels exchanged: the same weights, read from
//! the last one on.
//!
//! **Cost.** The multiply-adds of the definition, less those with the padding
//! above and below; no copy, no scratch memory.
//!
//! The unit of work is an image (or one of its groups), or an output channel of
//! it if there are few images.

use super::Epilogue;
use super::direct::part;
use super::geometry::Conv2dGeometry;
use crate::element::Float;
use crate::par;
use crate::simd::conv_strips::{ConvStrips, Weights};
use crate::simd::{self, InstructionSet};

/// Images (and groups) that are pieces enough by themselves.
const MANY: usize = 4;

/// y = b + x ⋆ w.
pub(super) fn forward<T: Float>(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
) {
    let ([ins, outs], [rows, columns]) = (geometry.group_channels(), geometry.window.kernel);
    let weights = |group: usize, o: usize| Weights {
        all: w,
        first: (group * outs + o) * ins * rows * columns,
        steps: [ins * rows * columns, rows * columns, columns, 1].map(usize::cast_signed),
    };
    let strips = Strips {
        set,
        geometry,
        channels: [ins, outs],
        planes: [geometry.input, geometry.output],
        before: geometry.window.padding_before,
    };
    strips.run(x, weights, epilogue, y);
}

/// x = the adjoint applied to g.
pub(super) fn input<T: Float>(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    g: &[T],
    w: &[T],
    x: &mut [T],
) {
    let ([ins, outs], [rows, columns]) = (geometry.group_channels(), geometry.window.kernel);
    let taps = rows * columns;
    let weights = |group: usize, c: usize| Weights {
        all: w,
        first: (group * outs * ins + c) * taps + taps - 1,
        steps: [
            taps.cast_signed(),
            (ins * taps).cast_signed(),
            -columns.cast_signed(),
            -1,
        ],
    };
    let before = geometry.window.padding_before;
    let strips = Strips {
        set,
        geometry,
        channels: [outs, ins],
        planes: [geometry.output, geometry.input],
        before: [rows - 1 - before[0], columns - 1 - before[1]],
    };
    let epilogue = Epilogue {
        bias: None,
        relu: false,
    };
    strips.run(g, weights, epilogue, x);
}

/// A convolution or an input gradient, ready to run.
struct Strips<'a> {
    set: InstructionSet,
    geometry: &'a Conv2dGeometry,
    /// Channels of a group: those summed over and those found.
    channels: [usize; 2],
    /// Height and width of the source and of the result.
    planes: [[usize; 2]; 2],
    before: [usize; 2],
}

impl Strips<'_> {
    /// `weights(group, o)` are those for the result's channels from o on.
    fn run<'w, T: Float>(
        &self,
        source: &[T],
        weights: impl Fn(usize, usize) -> Weights<'w, T> + Sync,
        epilogue: Epilogue<'_, T>,
        result: &mut [T],
    ) {
        let groups = self.geometry.groups;
        let [ins, outs] = self.channels;
        let [input, output] = self.planes;
        let many = self.geometry.images() * groups >= MANY;
        let (run, runs) = if many { (outs, 1) } else { (1, outs) };
        let piece = run * output[0] * output[1];
        par::for_each_piece(result, piece, self.geometry.cost(), |i, y| {
            let (image, o) = (i / runs, i % runs * run);
            let group = image % groups;
            let first = group * outs + o;
            let kernel = ConvStrips {
                x: part(source, image, ins * input[0] * input[1]),
                channels: ins,
                input,
                weights: weights(group, o),
                kernel: self.geometry.window.kernel,
                before: self.before,
                bias: epilogue.bias.map(|bias| &bias[first..first + run]),
                relu: epilogue.relu,
                y,
                output,
            };
            simd::run(self.set, kernel);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Conv2dKernel, Conv2dOptions, oracle};

    fn check(input: [usize; 4], weight: [usize; 4], options: &Conv2dOptions) {
        oracle::check(Conv2dKernel::Strips, input, weight, options);
    }

    #[test]
    fn every_width_and_height() {
        let plain = Conv2dOptions::default();
        for size in 1..=40 {
            check([1, 2, 3, size], [2, 2, 3, 3], &plain.padding(1));
            check([1, 1, 5, size + 4], [1, 1, 5, 5], &plain);
            check([1, 2, size, 5], [1, 2, 5, 4], &plain.padding((2, 1)));
            check([1, 1, size + 2, 20], [2, 1, 3, 2], &plain);
        }
    }

    #[test]
    fn every_padding_and_number_of_channels() {
        let plain = Conv2dOptions::default();
        for (down, across) in (0..5).flat_map(|down| (0..5).map(move |across| (down, across))) {
            check([2, 1, 6, 17], [1, 1, 5, 5], &plain.padding((down, across)));
            check(
                [5, 2, 1, 7],
                [2, 1, 5, 7],
                &plain.groups(2).padding((4, across + 2)),
            );
        }
        for channels in 1..=9 {
            check([1, channels, 4, 9], [2, channels, 3, 3], &plain.padding(1));
            check([1, 2, 4, 9], [channels, 2, 3, 3], &plain.padding(2));
        }
    }

    #[test]
    fn groups_empty_batches_and_kernels_of_one_column() {
        let plain = Conv2dOptions::default();
        check(
            [2, 4, 9, 11],
            [6, 2, 3, 3],
            &plain.groups(2).padding((2, 1)),
        );
        check([3, 4, 9, 18], [4, 1, 5, 5], &plain.groups(4).padding(2));
        check([0, 2, 9, 9], [5, 2, 3, 3], &plain);
        check([1, 2, 40, 1], [5, 2, 3, 1], &plain);
        check([4, 1, 5, 33], [1, 1, 5, 33], &plain);
    }
}
