//! Convolution with few results in each group: depthwise, and the input
//! gradient of few channels.
//!
//! The kernel ([`Depthwise`]) reads the images where they are, so nothing is
//! prepared but a row of zeros. The input gradient at stride 1 is a convolution
//! too, of the output's gradient with the kernel turned by 180 degrees and the
//! channels exchanged.
//!
//! The unit of work is a run of planes of the result.

use super::Epilogue;
use super::geometry::Conv2dGeometry;
use crate::element::Float;
use crate::simd::conv_depthwise::{Depthwise, Planes};
use crate::simd::{self, InstructionSet};
use crate::{par, scratch};

/// Pieces that large work is cut into.
const PIECES: usize = 32;
/// Work that is worth a piece, as [`par`] counts it.
const PIECE: usize = par::multiply_adds(1 << 18);

/// y = b + x ⋆ w.
pub(super) fn forward<T: Float>(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    x: &[T],
    w: &[T],
    epilogue: Epilogue<'_, T>,
    y: &mut [T],
) {
    let window = &geometry.window;
    let all = Planes {
        x,
        input: geometry.input,
        channels: geometry.group_channels(),
        groups: geometry.groups,
        w,
        kernel: window.kernel,
        stride: window.stride,
        before: window.padding_before,
        bias: epilogue.bias,
        relu: epilogue.relu,
        output: geometry.output,
    };
    run(set, geometry, all, y);
}

/// x = the adjoint applied to g, at a stride of 1 and with no more padding than
/// the kernel reaches.
pub(super) fn input<T: Float>(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    g: &[T],
    w: &[T],
    x: &mut [T],
) {
    let window = &geometry.window;
    let ([ins, outs], taps) = (geometry.group_channels(), geometry.taps());
    scratch::with(w.len(), |turned| {
        let channels = (0..geometry.groups).flat_map(|group| {
            (0..ins).flat_map(move |c| (0..outs).map(move |o| (group * outs + o) * ins + c))
        });
        for (turned, channel) in turned.chunks_exact_mut(taps).zip(channels) {
            let w = &w[channel * taps..][..taps];
            turned
                .iter_mut()
                .zip(w.iter().rev())
                .for_each(|(to, &w)| *to = w);
        }
        let turned = &*turned;
        let all = Planes {
            x: g,
            input: geometry.output,
            channels: [outs, ins],
            groups: geometry.groups,
            w: turned,
            kernel: window.kernel,
            stride: [1, 1],
            before: [0, 1].map(|axis| window.kernel[axis] - 1 - window.padding_before[axis]),
            bias: None,
            relu: false,
            output: geometry.input,
        };
        run(set, geometry, all, x);
    });
}

/// Runs the kernel on runs of planes of the result.
fn run<T: Float>(
    set: InstructionSet,
    geometry: &Conv2dGeometry,
    all: Planes<'_, T>,
    result: &mut [T],
) {
    let plane = all.output[0] * all.output[1];
    let planes = result.len() / plane.max(1);
    let pieces = (geometry.cost() / PIECE).clamp(1, PIECES);
    let run = planes.div_ceil(pieces);
    par::for_each_piece(result, run * plane, geometry.cost(), |i, y| {
        scratch::with(all.input[1], |zeros| {
            zeros.fill(T::ZERO);
            let first = i * run;
            let kernel = Depthwise {
                all,
                zeros,
                y,
                first,
            };
            simd::run(set, kernel);
        });
    });
}

#[cfg(test)]
mod tests {
    use super::super::oracle::{check, check_forward};
    use crate::window::Padding;
    use crate::{Conv2dGeometry, Conv2dKernel, Conv2dOptions};

    const KERNEL: Conv2dKernel = Conv2dKernel::Depthwise;

    #[test]
    fn every_width() {
        for width in 1..=40 {
            for size in [3, 5, 7] {
                let plain = Conv2dOptions::default();
                let padded = plain.padding(size / 2).groups(2);
                check(KERNEL, [1, 2, 5, width], [2, 1, size, size], &padded);
                check(KERNEL, [1, 1, 9, width + 2], [1, 1, size, 3], &plain);
                let (padded, plain) = (padded.stride(2), plain.stride(2));
                check_forward(KERNEL, [1, 2, 5, width], [2, 1, size, size], &padded);
                check_forward(KERNEL, [1, 1, 9, width + 2], [1, 1, size, 3], &plain);
            }
        }
    }

    #[test]
    fn every_height_and_every_number_of_channels() {
        let options = Conv2dOptions::default().padding((1, 0));
        for height in 1..=36 {
            let two = options.groups(2);
            check(KERNEL, [1, 2, height, 5], [2, 1, 3, 3], &two);
            check_forward(KERNEL, [1, 2, height, 5], [2, 1, 3, 2], &two.stride(2));
        }
        for (ins, outs) in (1..=4).flat_map(|ins| (1..=4).map(move |outs| (ins, outs))) {
            let (input, weight) = ([2, 3 * ins, 6, 17], [3 * outs, ins, 3, 3]);
            check(KERNEL, input, weight, &options.groups(3));
        }
    }

    #[test]
    fn any_padding_and_work_in_pieces() {
        let plain = Conv2dOptions::default();
        for (down, across) in (0..5).flat_map(|down| (0..5).map(move |across| (down, across))) {
            let padded = plain.padding((down, across));
            check(KERNEL, [2, 1, 6, 17], [1, 1, 5, 5], &padded);
        }
        let uneven = Padding::Explicit {
            before: [2, 0],
            after: [1, 3],
        };
        let uneven = plain.groups(4).padding(uneven);
        check(KERNEL, [2, 4, 9, 11], [4, 1, 3, 4], &uneven);
        let far = plain.padding((9, 40));
        check_forward(KERNEL, [1, 1, 3, 4], [2, 1, 3, 2], &far);
        check_forward(KERNEL, [1, 1, 3, 4], [2, 1, 3, 2], &far.stride(2));
        check(KERNEL, [1, 1, 7, 5], [1, 1, 7, 5], &plain);
        check(KERNEL, [4, 1, 5, 33], [1, 1, 5, 33], &plain);
        check(KERNEL, [1, 2, 40, 1], [5, 2, 3, 1], &plain);
        check(KERNEL, [0, 3, 6, 6], [3, 1, 3, 3], &plain.groups(3));
        let many = plain.groups(30).padding(2);
        check(KERNEL, [5, 30, 33, 32], [60, 1, 5, 5], &many);
    }

    #[test]
    fn runs_where_there_are_few_results() {
        let kernels = |weight: [usize; 4], groups| {
            let options = Conv2dOptions::default().padding(1).groups(groups);
            let geometry = Conv2dGeometry::new(&[8, 32, 32, 32], &weight, &options).unwrap();
            [geometry.forward_kernel(), geometry.input_kernel()]
        };
        assert_eq!(kernels([32, 1, 3, 3], 32), [Conv2dKernel::Depthwise; 2]);
        assert_eq!(kernels([64, 1, 3, 3], 32), [Conv2dKernel::Depthwise; 2]);
        assert_eq!(kernels([32, 32, 3, 3], 1), [Conv2dKernel::Winograd; 2]);
        assert_eq!(kernels([32, 1, 2, 2], 32), [Conv2dKernel::Rows; 2]);
    }
}
