//! What padding, unfolding, adaptive pooling, interpolation, running sums and
//! triangles answer to bad input: the tensor and the variable alike.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use wengert::{
    AdaptiveSize, InterpolateOptions, Lookup, PadMode, Tape, Tensor, UnfoldOptions, Var,
    adaptive_window,
};
use wengert_tests::refused;

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape).unwrap()
}

fn var(shape: &[usize]) -> Var {
    Tape::new().leaf(zeros(shape))
}

#[test]
fn margins_that_do_not_fit() {
    let (x, v) = (zeros(&[1, 2, 3]), var(&[1, 2, 3]));
    let (mirror, around) = (PadMode::Reflect, PadMode::Circular);
    for mode in [mirror, around, PadMode::Replicate] {
        refused! {
            x.pad(&[], mode) => "pad", "one to three pairs", "[1, 2, 3]", "[]";
            x.pad(&[(1, 1); 3], mode) => "pad", "one to three pairs", "[1, 2, 3]";
            v.pad(&[(1, 1); 4], mode) => "pad", "one to three pairs", "[1, 2, 3]";
            zeros(&[1, 2, 3, 4]).pad(&[(1, 1)], mode) => "pad", "one or two axes more", "[1, 2, 3, 4]";
            zeros(&[3]).pad(&[(1, 1)], mode) => "pad", "one or two axes more", "[3]";
            x.pad(&[(-2, -2)], mode) => "pad", "more is cropped", "[1, 2, 3]", "[(-2, -2)]";
            v.pad(&[(isize::MIN, isize::MIN)], mode) => "pad", "more is cropped", "[1, 2, 3]";
            Lookup::pad(&[3], &[(1, 1)], mode) => "pad", "[3]", "[(1, 1)]";
        }
        assert!(x.pad(&[(isize::MAX, isize::MAX)], mode).is_err());
    }
    refused! {
        x.pad(&[(3, 0)], mirror) => "pad", "shorter than its axis", "[1, 2, 3]", "[(3, 0)]";
        v.pad(&[(0, 0), (0, 2)], mirror) => "pad", "shorter than its axis", "[(0, 0), (0, 2)]";
        x.pad(&[(isize::MAX, 0)], mirror) => "pad", "shorter than its axis";
        x.pad(&[(4, 0)], around) => "pad", "longer than what it goes around", "[1, 2, 3]";
        v.pad(&[(-1, 3)], around) => "pad", "longer than what it goes around", "[(-1, 3)]";
        x.pad(&[(0, isize::MAX)], PadMode::Replicate) => "pad", "does not fit into memory";
        zeros(&[1, 0, 3]).pad(&[(1, 1)], mirror) => "pad", "only the batch may be empty", "[1, 0, 3]";
        zeros(&[1, 2, 0]).pad(&[(1, 1)], PadMode::Replicate) => "pad", "only the batch may be empty", "[1, 2, 0]";
        zeros(&[2, 0]).pad(&[(1, 1)], around) => "pad", "longer than what it goes around", "[2, 0]";
    }
    // Far out, and yet there is something: the first element, twice.
    let far = x.pad(&[(isize::MAX, isize::MIN)], PadMode::Replicate);
    assert_eq!(far.unwrap().shape(), [1, 2, 2]);
    let far = x.pad(&[(isize::MIN, isize::MAX)], PadMode::Replicate);
    assert_eq!(far.unwrap().shape(), [1, 2, 2]);
    let lookup = Lookup::pad(&[1, 2, 3], &[(1, 1)], mirror).unwrap();
    refused! {
        lookup.look_up("pad", &zeros(&[1, 2, 5])) => "pad", "[1, 2, 3]", "[1, 2, 5]";
        lookup.add_back("pad", &x) => "pad", "[1, 2, 5]", "[1, 2, 3]";
    }
    assert!(lookup.positions(usize::MAX).is_empty());
    assert_eq!(lookup.shift(usize::MAX), 0);
}

#[test]
fn columns_that_do_not_fit() {
    let plain = UnfoldOptions::new(2);
    let (x, v) = (zeros(&[1, 3, 3]), var(&[1, 3, 3]));
    let (y, w) = (zeros(&[4, 4]), var(&[4, 4]));
    for (options, says) in [
        (UnfoldOptions::new((0, 1)), "kernel size must be positive"),
        (plain.stride(0), "stride must be positive"),
        (plain.dilation((1, 0)), "dilation must be positive"),
        (UnfoldOptions::new(usize::MAX), "larger than"),
        (plain.dilation(usize::MAX), "larger than"),
        (plain.dilation(3), "larger than the padded input [3, 3]"),
        (plain.padding(usize::MAX), "padd"),
    ] {
        // What does not divide by the kernel's elements is told first.
        assert!(y.fold(3, &options).is_err() && w.fold(3, &options).is_err());
        let message = x.unfold(&options).unwrap_err().to_string();
        assert!(message.starts_with("unfold: "), "{message}");
        assert!(
            message.contains(says) || message.contains("address space"),
            "{message}"
        );
        assert!(v.unfold(&options).is_err());
    }
    refused! {
        zeros(&[3, 3]).unfold(&plain) => "unfold", "[N, C, H, W] or [C, H, W]", "[3, 3]";
        var(&[1, 1, 1, 3, 3]).unfold(&plain) => "unfold", "[1, 1, 1, 3, 3]";
        zeros(&[2, 0, 3, 3]).unfold(&plain) => "unfold", "only the batch may be empty", "[2, 0, 3, 3]";
        zeros(&[1, 0, 3]).unfold(&plain) => "unfold", "only the batch may be empty";
        x.unfold(&plain.padding(1 << 40)) => "unfold", "does not fit into memory";
        zeros(&[4]).fold(3, &plain) => "fold", "[C · kh · kw, L]", "[4]";
        var(&[1, 1, 4, 4]).fold(3, &plain) => "fold", "[1, 1, 4, 4]";
        zeros(&[6, 4]).fold(3, &plain) => "fold", "multiple of the kernel's elements", "[6, 4]", "[2, 2]";
        zeros(&[0, 4]).fold(3, &plain) => "fold", "multiple of the kernel's elements";
        y.fold((3, 4), &plain) => "fold", "2 · 3 windows", "[4, 4]", "[3, 4]";
        w.fold((0, 3), &plain) => "fold", "must not be empty", "[0, 3]";
        y.fold(usize::MAX, &plain) => "fold";
    }
    assert_eq!(y.fold(3, &plain).unwrap().shape(), [1, 3, 3]);
}

#[test]
fn windows_that_no_axis_has() {
    let (x, v) = (zeros(&[2, 3]), var(&[2, 3]));
    refused! {
        x.unfold_axis(2, 1, 1) => "unfold_axis", "axis 2";
        x.unfold_axis(isize::MIN, 1, 1) => "unfold_axis", "axis";
        v.unfold_axis(1, 4, 1) => "unfold_axis", "windows of 4 do not fit into axis 1", "[2, 3]";
        x.unfold_axis(1, usize::MAX, 1) => "unfold_axis", "do not fit", "[2, 3]";
        x.unfold_axis(0, 1, 0) => "unfold_axis", "step must be positive, got 0";
        x.fold_axis([3], 0, 1) => "fold_axis", "[1, 3]", "[2, 3]";
        v.fold_axis([2], 0, 1) => "fold_axis", "windows of 3", "[2]";
        x.fold_axis([4], 1, 1) => "fold_axis", "axis 1";
        v.fold_axis([4], 0, 0) => "fold_axis", "step must be positive";
        x.fold_axis([usize::MAX, 4], 0, 1) => "fold_axis", "does not fit into memory";
        zeros(&[]).fold_axis([4], 0, 1) => "fold_axis", "[5, 0]", "[]";
    }
}

#[test]
fn adaptive_poolings_that_do_not_fit() {
    let (x, v) = (zeros(&[1, 4, 4]), var(&[1, 4, 4]));
    let too_much = AdaptiveSize::from(usize::MAX);
    refused! {
        zeros(&[4, 4]).adaptive_avg_pool2d(2) => "adaptive_avg_pool2d", "[N, C, H, W] or [C, H, W]", "[4, 4]";
        var(&[1, 1, 1, 4, 4]).adaptive_avg_pool2d(2) => "adaptive_avg_pool2d", "[1, 1, 1, 4, 4]";
        zeros(&[1, 1, 0, 4]).adaptive_avg_pool2d(2) => "adaptive_avg_pool2d", "planes must not be empty", "[1, 1, 0, 4]";
        x.adaptive_avg_pool2d(too_much) => "adaptive_avg_pool2d", "does not fit into memory";
        zeros(&[4]).adaptive_max_pool2d(2) => "adaptive_max_pool2d", "[4]";
        var(&[1, 0, 4, 4]).adaptive_max_pool2d(2) => "adaptive_max_pool2d", "only the first axis may be empty", "[1, 0, 4, 4]";
        v.adaptive_max_pool2d((1 << 61, 4)) => "adaptive_max_pool2d", "does not fit into memory";
        zeros(&[1, 4, 0]).adaptive_max_pool2d_with_indices(2) => "adaptive_max_pool2d", "planes must not be empty";
        var(&[]).adaptive_max_pool2d_with_indices(2) => "adaptive_max_pool2d", "[]";
        x.adaptive_avg_pool2d_input([4, 4]) => "adaptive_avg_pool2d_input", "[4, 4]";
        v.adaptive_avg_pool2d_input([2, 4, 4]) => "adaptive_avg_pool2d_input", "[2, 4, 4]", "[1, 4, 4]";
        zeros(&[4]).adaptive_avg_pool2d_input([1, 4, 4]) => "adaptive_avg_pool2d_input", "[4]";
        x.adaptive_avg_pool2d_input([1, 1 << 62, 4]) => "adaptive_avg_pool2d_input", "does not fit into memory";
        adaptive_window("pool", &[4, 4], 2) => "pool", "[4, 4]";
    }
}

#[test]
fn sizes_that_nothing_has() {
    let (x, v) = (zeros(&[1, 1, 2, 3]), var(&[1, 1, 2, 3]));
    let size = |size: &[usize]| InterpolateOptions::size(size);
    let factor = |factor: &[f64]| InterpolateOptions::scale_factor(factor);
    refused! {
        x.interpolate(&size(&[0])) => "interpolate", "nothing would be left", "[1, 1, 2, 3]";
        v.interpolate(&size(&[])) => "interpolate", "0 sizes or factors", "[1, 1, 2, 3]";
        x.interpolate(&size(&[1, 1, 1])) => "interpolate", "3 sizes or factors";
        v.interpolate(&size(&[4]).recompute_scale_factor(true)) => "interpolate", "no scale factor to recompute";
        x.interpolate(&size(&[usize::MAX, 2])) => "interpolate", "does not fit into memory";
        x.interpolate(&factor(&[0.3])) => "interpolate", "nothing would be left", "[0, 0]";
        x.interpolate(&factor(&[0.0])) => "interpolate", "positive and finite, got 0";
        x.interpolate(&factor(&[-1.0, 1.0])) => "interpolate", "positive and finite, got -1";
        v.interpolate(&factor(&[f64::NAN])) => "interpolate", "positive and finite, got NaN";
        x.interpolate(&factor(&[f64::INFINITY])) => "interpolate", "positive and finite, got inf";
        x.interpolate(&factor(&[1e300])) => "interpolate", "does not fit into memory";
        zeros(&[2, 3]).interpolate(&size(&[2])) => "interpolate", "one to three more", "[2, 3]";
        zeros(&[1; 6]).interpolate(&size(&[2])) => "interpolate", "one to three more";
        zeros(&[1, 0, 3]).interpolate(&size(&[2])) => "interpolate", "only the batch may be empty", "[1, 0, 3]";
        size(&[2]).output_size(&[1, 1, 0]) => "interpolate", "only the batch may be empty", "[1, 1, 0]";
        size(&[2]).lookup::<f32>(&[3]) => "interpolate", "one to three more", "[3]";
    }
}

#[test]
fn sums_and_triangles_without_their_axes() {
    let (x, v) = (zeros(&[2, 3]), var(&[2, 3]));
    refused! {
        x.cumsum(2) => "cumsum", "axis 2";
        v.cumsum(-3) => "cumsum", "axis -3";
        zeros(&[]).cumsum(1) => "cumsum", "axis 1";
        x.cumsum_backwards(isize::MAX) => "cumsum_backwards", "axis";
        v.cumsum_backwards(isize::MIN) => "cumsum_backwards", "axis";
        zeros(&[3]).tril(0) => "tril", "at least two axes", "[3]";
        var(&[]).tril(0) => "tril", "at least two axes", "[]";
        zeros(&[]).triu(0) => "triu", "at least two axes";
        var(&[3]).triu(0) => "triu", "at least two axes", "[3]";
    }
}
