//! What tensors answer to bad input: an error that names the operation, the
//! offending value and the shapes. Never a panic, an abort, a loop without end
//! or a silent wrong answer.
//!
//! Convolution and pooling have a file of their own. That no function is
//! forgotten is checked by `bad_input_coverage`.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test
#![allow(clippy::reversed_empty_ranges)] // they are bad input

use wengert::random::{Generator, permutation};
use wengert::{Result, SgdStep, Slice, Tensor, par, shape};
use wengert_tests::refused;

/// Sizes that no memory can hold, with what shares their shape.
const HUGE: [usize; 3] = [usize::MAX, isize::MAX as usize, 1 << 62];

/// Axes that a tensor of two axes does not have.
const BAD_AXES: [isize; 4] = [2, -3, isize::MAX, isize::MIN];

fn rng() -> Generator {
    Generator::new(0)
}

/// [[0, 1, 2], [3, 4, 5]].
fn matrix() -> Tensor {
    Tensor::from([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
}

/// No elements, but axes whose sizes alone would fill any memory.
fn vast_and_empty() -> Result<Tensor> {
    Tensor::zeros([0, 1 << 60])
}

// ---------------------------------------------------------------- making

#[test]
fn sizes_that_no_memory_can_hold() {
    let rng = &mut rng();
    for size in HUGE {
        let says = format!("[{size}, 3]");
        refused! {
            Tensor::<f32>::zeros([size, 3]) => "zeros", says, "f32", "does not fit into memory";
            Tensor::<f64>::ones([size, 3]) => "ones", says, "f64", "does not fit into memory";
            Tensor::<i64>::full([size, 3], 7) => "full", says, "i64", "does not fit into memory";
            Tensor::<bool>::zeros([size, 3]) => "zeros", says, "bool", "does not fit into memory";
            Tensor::<f32>::from_vec([size, 3], vec![]) => "from_vec", says, "does not fit into memory";
            Tensor::<f32>::from_fn([size, 3], |_| 0.0) => "from_fn", says, "does not fit into memory";
            Tensor::<f32>::rand([size, 3], rng) => "rand", says, "does not fit into memory";
            Tensor::<f32>::uniform([size, 3], 0.0, 1.0, rng) => "uniform", says, "does not fit into memory";
            Tensor::<f32>::randn([size, 3], rng) => "randn", says, "does not fit into memory";
            Tensor::<f32>::normal([size, 3], 0.0, 1.0, rng) => "normal", says, "does not fit into memory";
            Tensor::bernoulli([size, 3], 0.5, rng) => "bernoulli", says, "does not fit into memory";
            // A size of 0 beside it does not excuse it.
            Tensor::<f32>::zeros([size, 3, 0]) => "zeros", format!("[{size}, 3, 0]");
            Tensor::<f32>::zeros([0, size, 3]) => "zeros", format!("[0, {size}, 3]");
            Tensor::<f32>::from_vec([size, 0, 3], vec![]) => "from_vec", format!("[{size}, 0, 3]");
            shape::numel::<f32>("numel", &[size, 3]) => "numel", says, "does not fit into memory";

            Tensor::<f32>::eye(size) => "eye", format!("[{size}, {size}]"), "does not fit into memory";
            Tensor::<i64>::randperm(size, rng) => "randperm", format!("[{size}]");
            permutation(size, rng) => "permutation", format!("[{size}]");
            rng.permutation(size) => "permutation", format!("[{size}]");
            Tensor::<f32>::linspace(0.0, 1.0, size) => "linspace", format!("[{size}]");
            Tensor::from([0, 1]).one_hot::<f32>(size) => "one_hot", format!("[2, {size}]");
        }
    }
}

#[test]
fn elements_that_do_not_fill_the_shape() {
    refused! {
        Tensor::from_vec([2, 2], vec![1.0, 2.0, 3.0]) => "from_vec", "3 elements", "[2, 2]";
        Tensor::from_vec([0], vec![1]) => "from_vec", "1 elements", "[0]";
        Tensor::from_vec([], Vec::<f32>::new()) => "from_vec", "0 elements", "[]";
    }
}

#[test]
fn ranges_that_do_not_arrive() {
    refused! {
        Tensor::arange(0, 4, 0) => "arange", "step must not be zero", "step 0";
        Tensor::arange(0.0, 4.0, 0.0) => "arange", "step must not be zero";
        Tensor::arange(0, 4, -1) => "arange", "away from the end", "start 0", "end 4", "step -1";
        Tensor::arange(4.0, 0.0, 0.5) => "arange", "away from the end", "step 0.5";
        Tensor::arange(f32::NAN, 1.0, 0.5) => "arange", "finite", "start NaN";
        Tensor::arange(0.0, f64::INFINITY, 0.5) => "arange", "finite", "end inf";
        Tensor::arange(0.0, 1.0, f64::NAN) => "arange", "finite", "step NaN";
        Tensor::arange(0, i64::MAX, 1) => "arange", "does not fit into memory";
        Tensor::arange(i64::MIN, i64::MAX, 1) => "arange", "does not fit into memory";
        Tensor::arange(-f64::MAX, f64::MAX, 1.0) => "arange", "does not fit into memory";
        Tensor::arange(0.0, f32::MAX, f32::MIN_POSITIVE) => "arange", "does not fit into memory";
    }
    // Counted in integers: as floats the two bounds are equal.
    let last = 1i64 << 60;
    let x = Tensor::arange(last - 1, last + 1, 1).unwrap();
    assert_eq!(x.to_vec(), [last - 1, last]);
    let x = Tensor::arange(i64::MAX - 1, i64::MIN, i64::MIN + 2).unwrap();
    assert_eq!(x.to_vec(), [i64::MAX - 1, 0, i64::MIN + 2]);
}

#[test]
fn distributions_that_do_not_exist() {
    let rng = &mut rng();
    refused! {
        Tensor::<f32>::uniform([2], 1.0, 0.0, rng) => "uniform", "low <= high", "[1, 0)";
        Tensor::<f32>::uniform([2], f64::NAN, 0.0, rng) => "uniform", "finite", "NaN";
        Tensor::<f32>::uniform([2], 0.0, f64::INFINITY, rng) => "uniform", "finite", "inf";
        // Finite, but not as an f32, or not their distance.
        Tensor::<f32>::uniform([2], 0.0, 1e300, rng) => "uniform", "finite", "f32";
        Tensor::<f32>::uniform([2], -3e38, 3e38, rng) => "uniform", "finite", "f32";
        Tensor::<f64>::uniform([2], -f64::MAX, f64::MAX, rng) => "uniform", "finite", "f64";
        Tensor::<f32>::normal([2], 0.0, -1.0, rng) => "normal", "deviation >= 0", "0 and -1";
        Tensor::<f32>::normal([2], f64::NAN, 1.0, rng) => "normal", "finite", "NaN";
        Tensor::<f32>::normal([2], 0.0, f64::INFINITY, rng) => "normal", "inf";
        Tensor::<f32>::normal([2], 1e300, 1.0, rng) => "normal", "finite", "f32";
        Tensor::bernoulli([2], 1.5, rng) => "bernoulli", "[0, 1]", "1.5";
        Tensor::bernoulli([2], -0.1, rng) => "bernoulli", "[0, 1]", "-0.1";
        Tensor::bernoulli([2], f64::NAN, rng) => "bernoulli", "[0, 1]", "NaN";
    }
}

#[test]
fn threads_that_cannot_be_started() {
    refused! {
        par::with_threads(0, || ()) => "with_threads", "1..=1024", "got 0";
        par::with_threads(usize::MAX, || ()) => "with_threads", usize::MAX.to_string();
    }
}

// ---------------------------------------------------------------- looking

#[test]
fn elements_that_are_not_there() {
    let mut x = matrix();
    for index in [
        &[2, 0][..],
        &[0, 3],
        &[0],
        &[],
        &[0, 0, 0],
        &[usize::MAX, 0],
        &[0, usize::MAX],
    ] {
        assert_eq!(x.get(index), None, "{index:?}");
        refused! {
            x.set(index, 1.0) => "set", format!("{index:?}"), "[2, 3]";
        }
    }
    assert_eq!(x, matrix());
    let nothing = Tensor::<f32>::zeros([0]).unwrap();
    refused! {
        x.item() => "item", "exactly one element", "[2, 3]";
        nothing.item() => "item", "exactly one element", "[0]";
    }
}

// ---------------------------------------------------------------- axes

#[test]
fn axes_out_of_range() {
    let (x, y) = (matrix(), matrix());
    let index = Tensor::from([[0, 0]]);
    let list = Tensor::from([0]);
    for axis in BAD_AXES {
        let says = format!("axis {axis} is out of range for a tensor of 2 axes");
        refused! {
            shape::axis("axis", axis, 2) => "axis", says;
            shape::axes("axes", &[0, axis], 2) => "axes", says;
            x.flatten(axis, -1) => "flatten", says;
            x.flatten(0, axis) => "flatten", says;
            x.squeeze(axis) => "squeeze", says;
            x.squeeze([0, axis]) => "squeeze", says;
            x.permute([0, axis]) => "permute", says;
            x.transpose(axis, 0) => "transpose", says;
            x.transpose(0, axis) => "transpose", says;
            x.flip(axis) => "flip", says;
            x.flip([1, axis]) => "flip", says;
            Tensor::cat(&[&x, &y], axis) => "cat", says;
            x.split(1, axis) => "split", says;
            x.chunk(2, axis) => "chunk", says;
            x.narrow(axis, 0, 1) => "narrow", says;
            x.select(axis, 0) => "select", says;
            x.index_select(axis, &list) => "index_select", says;
            x.gather(axis, &index) => "gather", says;
            x.index_add(axis, &list, &y) => "index_add", says;
            x.scatter_add(axis, &index, &y) => "scatter_add", says;
            x.sum_axes(axis, false) => "sum", says;
            x.sum_axes([0, axis], true) => "sum", says;
            x.mean_axes(axis, false) => "mean", says;
            x.var_axes(axis, 1.0, false) => "var", says;
            x.std_axes(axis, 1.0, false) => "std", says;
            x.norm_axes(2.0, axis, false) => "norm", says;
            x.norm_axes(f64::INFINITY, axis, false) => "norm", says;
            x.amax_axes(axis, false) => "amax", says;
            x.amin_axes(axis, false) => "amin", says;
            x.argmax_axis(axis, false) => "argmax", says;
            x.argmin_axis(axis, false) => "argmin", says;
            x.softmax(axis) => "softmax", says;
            x.log_softmax(axis) => "log_softmax", says;
            x.logsumexp(axis, false) => "logsumexp", says;
            Tensor::<f32>::zeros([0, 3]).and_then(|x| x.logsumexp(axis, false)) => "logsumexp", says;
        }
    }
    // The result of these has one axis more than their operand.
    for axis in [3, -4, isize::MAX, isize::MIN] {
        let says = format!("axis {axis} is out of range for a tensor of 3 axes");
        refused! {
            x.unsqueeze(axis) => "unsqueeze", says;
            Tensor::stack(&[&x, &y], axis) => "stack", says;
        }
    }
    // Even where everything is skipped.
    let nothing = Tensor::<f32>::zeros([0]).unwrap();
    refused! {
        Tensor::cat(&[&nothing, &nothing], 1) => "cat", "axis 1 is out of range", "1 axis";
    }
}

#[test]
fn axes_named_twice() {
    let x = matrix();
    refused! {
        shape::axes("axes", &[1, -1], 2) => "axes", "twice", "[1, -1]";
        x.squeeze([0, -2]) => "squeeze", "twice", "[0, -2]";
        x.permute([1, 1]) => "permute", "twice", "[1, 1]";
        x.flip([0, 0]) => "flip", "twice", "[0, 0]";
        x.sum_axes([1, -1], false) => "sum", "twice", "[1, -1]";
        x.mean_axes([1, -1], false) => "mean", "twice", "[1, -1]";
        x.var_axes([1, -1], 1.0, false) => "var", "twice", "[1, -1]";
        x.std_axes([1, -1], 1.0, false) => "std", "twice", "[1, -1]";
        x.norm_axes(1.0, [1, -1], false) => "norm", "twice", "[1, -1]";
        x.amax_axes([1, -1], false) => "amax", "twice", "[1, -1]";
        x.amin_axes([1, -1], false) => "amin", "twice", "[1, -1]";
        x.logsumexp([1, -1], false) => "logsumexp", "twice", "[1, -1]";
    }
}

#[test]
fn too_few_or_too_many_axes() {
    let x = matrix();
    let cube = Tensor::<f32>::zeros([2, 2, 2]).unwrap();
    refused! {
        x.permute([0]) => "permute", "every axis", "[0]", "[2, 3]";
        x.permute([]) => "permute", "every axis", "[]", "[2, 3]";
        x.flatten(1, 0) => "flatten", "first axis 1", "last 0", "[2, 3]";
        cube.t() => "t", "at most 2 axes", "[2, 2, 2]";
    }
}

// ---------------------------------------------------------------- shapes

#[test]
fn shapes_that_do_not_broadcast() {
    let (x, y) = (matrix(), Tensor::from([1.0, 2.0]));
    let both = "shapes [2, 3] and [2] do not broadcast";
    let mask = x.gt_scalar(1.0);
    let other_mask = y.gt_scalar(1.0);
    refused! {
        shape::broadcast("broadcast", &[2, 3], &[2]) => "broadcast", both;
        x.add(&y) => "add", both;
        x.sub(&y) => "sub", both;
        x.mul(&y) => "mul", both;
        x.div(&y) => "div", both;
        &x + &y => "add", both;
        &x - &y => "sub", both;
        &x * &y => "mul", both;
        &x / &y => "div", both;
        x.pow(&y) => "pow", both;
        x.maximum(&y) => "maximum", both;
        x.minimum(&y) => "minimum", both;
        x.eq_to(&y) => "eq_to", both;
        x.ne(&y) => "ne", both;
        x.lt(&y) => "lt", both;
        x.le(&y) => "le", both;
        x.gt(&y) => "gt", both;
        x.ge(&y) => "ge", both;
        x.masked_fill(&other_mask, 0.0) => "masked_fill", both;
        mask.and(&other_mask) => "and", both;
        mask.or(&other_mask) => "or", both;
        mask.where_(&y, &x) => "where_", both;
        mask.where_(&x, &y) => "where_", both;
        other_mask.where_(&x, &x) => "where_", "[2]", "[2, 3]";
        x.expand([3, 3]) => "expand", "[2, 3]", "[3, 3]";
        x.expand([3]) => "expand", "[2, 3]", "[3]";
        x.expand([1, 3]) => "expand", "[2, 3]", "[1, 3]";
        x.sum_to([3, 3]) => "sum_to", "[3, 3]", "[2, 3]";
        x.sum_to([1, 2, 3]) => "sum_to", "[1, 2, 3]", "[2, 3]";
    }
}

#[test]
fn results_that_no_memory_can_hold() {
    let column = Tensor::<f32>::zeros([1 << 20, 1]).unwrap();
    let row = Tensor::<f32>::zeros([1, 1, 1 << 20]).unwrap();
    // 2⁶⁰ elements: more bytes than any address space in use.
    let vast = column.reshape([1 << 20, 1, 1]).unwrap();
    let flat = Tensor::<f32>::zeros([1, 1 << 20, 1]).unwrap();
    let sheet = Tensor::<f32>::zeros([1 << 20, 0]).unwrap();
    let empty = vast_and_empty().unwrap();
    let too_large = "does not fit into memory";
    for size in HUGE {
        refused! {
            column.expand([1 << 20, size]) => "expand", format!("[1048576, {size}]"), too_large;
            row.pad(&[(0, size as isize & isize::MAX)], 0.0) => "pad", too_large;
            Tensor::from([1.0]).unslice([size, 3], (0, 0..1)) => "unslice", format!("[{size}, 3]"), too_large;
        }
    }
    refused! {
        vast.add(&flat).and_then(|x| x.add(&row)) => "add", too_large;
        vast.pow(&flat) => "pow", too_large;
        vast.lt(&flat) => "lt", too_large;
        vast.gt_scalar(0.0).where_(&flat, &row) => "where_", "[1048576, 1048576, 1048576]", too_large;
        sheet.matmul(&sheet.t().unwrap()) => "matmul", "[1048576, 1048576]", too_large;
        sheet.linear(&sheet, None) => "linear", "[1048576, 1048576]", too_large;
        row.pad(&[(isize::MAX, isize::MAX)], 0.0) => "pad", too_large;
        row.pad(&[(0, 0), (0, isize::MAX)], 0.0) => "pad", too_large;
        // Empty, but its sums are not.
        empty.sum_axes(0, false) => "sum", "[1152921504606846976]", too_large;
        empty.mean_axes(0, true) => "mean", "[1, 1152921504606846976]", too_large;
        empty.var_axes(0, 1.0, false) => "var", too_large;
        empty.std_axes(0, 1.0, false) => "std", too_large;
        empty.norm_axes(2.0, 0, false) => "norm", too_large;
        empty.norm_axes(0.0, 0, false) => "norm", too_large;
        empty.norm_axes(3.0, 0, false) => "norm", too_large;
        empty.logsumexp(0, false) => "logsumexp", too_large;
        empty.sum_to([1, 1 << 60]) => "sum_to", too_large;
        empty.split(1, 1) => "split", "1152921504606846976 pieces", "[0, 1152921504606846976]";
        empty.chunk(usize::MAX, 1) => "chunk", "1152921504606846976 pieces", "[0, 1152921504606846976]";
    }
}

#[test]
fn vast_and_empty_tensors_take_no_time() {
    let x = vast_and_empty().unwrap();
    let t = x.t().unwrap();
    assert_eq!(t.shape(), [1 << 60, 0]);
    assert_eq!(Tensor::cat(&[&t, &t], 1).unwrap().shape(), [1 << 60, 0]);
    assert_eq!(Tensor::cat(&[&t, &t], -1).unwrap().shape(), [1 << 60, 0]);
    assert_eq!(
        t.matmul(&Tensor::zeros([0, 0]).unwrap()).unwrap().shape(),
        [1 << 60, 0]
    );
    let weight = Tensor::zeros([0, 0]).unwrap();
    let bias = Tensor::zeros([0]).unwrap();
    assert_eq!(
        t.linear(&weight, Some(&bias)).unwrap().shape(),
        [1 << 60, 0]
    );
    let (a, b) = (
        t.reshape([1 << 58, 0, 4]).unwrap(),
        t.reshape([1 << 58, 4, 0]).unwrap(),
    );
    assert_eq!(a.matmul(&b).unwrap().shape(), [1 << 58, 0, 0]);
    assert_eq!(t.add(&t).unwrap().shape(), t.shape());
    assert_eq!(
        t.add(&Tensor::zeros([1, 1]).unwrap()).unwrap().shape(),
        t.shape()
    );
    let (sheet, empty) = (Tensor::<f32>::zeros([1, 2, 0]).unwrap(), [1 << 58, 2, 0]);
    assert_eq!(sheet.expand(empty).unwrap().shape(), empty);
    assert_eq!(t.softmax(0).unwrap().shape(), t.shape());
    assert_eq!(t.flip([0, 1]).unwrap().shape(), t.shape());
    assert_eq!(t.slice((5.., ..)).unwrap().shape(), [(1 << 60) - 5, 0]);
    assert_eq!(t.sum_axes(0, false).unwrap().shape(), [0]);
    assert_eq!(
        t.pad(&[(0, 0), (1, 1)], 0.0).unwrap().shape(),
        [(1 << 60) + 2, 0]
    );
    assert_eq!(t.split(1 << 59, 0).unwrap().len(), 2);
    assert!(t.to_string().contains("[]"));
}

#[test]
fn reshapes_that_do_not_fit() {
    let x = matrix();
    let nothing = Tensor::<f32>::zeros([0]).unwrap();
    refused! {
        x.reshape([4, 2]) => "reshape", "6 elements", "[4, 2]", "[2, 3]";
        x.reshape([]) => "reshape", "6 elements", "[]", "[2, 3]";
        x.reshape([4, -1]) => "reshape", "[2, 3]";
        x.reshape([-1, -1]) => "reshape", "only one size", "[2, 3]", "[-1, -1]";
        x.reshape([-2, 3]) => "reshape", "-1 or at least 0", "[-2, 3]";
        x.reshape([isize::MIN, 6]) => "reshape", "-1 or at least 0";
        x.reshape([0, -1]) => "reshape", "could be any size", "[0, -1]";
        nothing.reshape([0, -1]) => "reshape", "could be any size", "[0, -1]";
        x.reshape([isize::MAX, isize::MAX]) => "reshape", "does not fit into memory";
        x.reshape([isize::MAX, -1]) => "reshape", "9223372036854775807";
        x.reshape_to([usize::MAX, 2]) => "reshape", "does not fit into memory";
        // No elements, and still no tensor of that shape.
        nothing.reshape([0, isize::MAX, isize::MAX]) => "reshape", "[0, 9223372036854775807, 9223372036854775807]";
        nothing.reshape([isize::MAX, isize::MAX, 0]) => "reshape", "[9223372036854775807, 9223372036854775807, 0]";
        nothing.reshape_to([0, 1 << 62]) => "reshape", "[0, 4611686018427387904]";
    }
}

#[test]
fn lists_of_tensors_that_do_not_fit() {
    let x = matrix();
    let (wide, cube) = (
        Tensor::zeros([2, 4]).unwrap(),
        Tensor::zeros([2, 3, 1]).unwrap(),
    );
    refused! {
        Tensor::<f32>::cat(&[], 0) => "cat", "at least one tensor";
        Tensor::<f32>::stack(&[], 0) => "stack", "at least one tensor";
        Tensor::cat(&[&x, &wide], 0) => "cat", "tensor 1", "[2, 4]", "[2, 3]", "axis 0";
        Tensor::cat(&[&x, &x, &cube], 1) => "cat", "tensor 2", "[2, 3, 1]", "[2, 3]";
        Tensor::stack(&[&x, &wide], 0) => "stack", "tensor 1", "[2, 4]", "[2, 3]";
        x.split(0, 1) => "split", "size 0", "[2, 3]", "axis 1";
        x.chunk(0, 1) => "chunk", "got 0", "[2, 3]";
    }
}

// ---------------------------------------------------------------- parts

#[test]
fn slices_that_are_not_there() {
    let mut x = matrix();
    let value = Tensor::from([1.0, 2.0]);
    for index in [3, -4, isize::MAX, isize::MIN] {
        let says = format!("index {index} is out of range for axis 1 of size 3");
        refused! {
            x.slice((.., index)) => "slice", says, "[2, 3]";
            x.slice_fill((.., index), 0.0) => "slice_fill", says, "[2, 3]";
            x.slice_assign((.., index), &value) => "slice_assign", says, "[2, 3]";
            value.unslice([2, 3], (.., index)) => "unslice", says, "[2, 3]";
            x.select(1, index) => "select", says, "[2, 3]";
            x.narrow(1, index, 1) => "narrow", format!("1 positions from {index}"), "size 3", "[2, 3]";
        }
    }
    let nowhere = Slice::from(..).step(0);
    refused! {
        x.slice((.., .., ..)) => "slice", "3 slices for 2 axes", "[2, 3]";
        x.slice_fill((.., .., 1), 0.0) => "slice_fill", "3 slices for 2 axes", "[2, 3]";
        x.slice((nowhere,)) => "slice", "step", "got 0", "axis 0", "[2, 3]";
        x.slice_fill((nowhere,), 0.0) => "slice_fill", "step", "got 0";
        x.slice_assign((nowhere,), &value) => "slice_assign", "step", "got 0";
        value.unslice([2, 3], (nowhere,)) => "unslice", "step", "got 0";
        x.slice_assign((0,), &value) => "slice_assign", "[2]", "slice of shape [3]";
        x.slice_assign((.., 0), &matrix()) => "slice_assign", "[2, 3]", "slice of shape [2]";
        value.unslice([2, 3], (0,)) => "unslice", "the slice has shape [3], the tensor [2]", "[2, 3]";
        x.narrow(1, 2, 2) => "narrow", "2 positions from 2", "axis 1", "size 3", "[2, 3]";
        x.narrow(1, -1, 2) => "narrow", "2 positions from -1", "[2, 3]";
        x.narrow(1, 1, usize::MAX) => "narrow", "18446744073709551615 positions", "[2, 3]";
        x.narrow(0, isize::MIN, usize::MAX) => "narrow", "[2, 3]";
    }
    assert_eq!(x, matrix(), "a refused write leaves no trace");
    // Ranges are clipped, as in Python, whatever their bounds.
    let far = x
        .slice((isize::MIN..isize::MAX, isize::MAX..isize::MIN))
        .unwrap();
    assert_eq!(far.shape(), [2, 0]);
    let sparse = x.slice((Slice::from(..).step(usize::MAX),)).unwrap();
    assert_eq!(sparse.shape(), [1, 3]);
}

#[test]
fn margins_that_do_not_fit() {
    let x = matrix();
    refused! {
        x.pad(&[(0, 0); 3], 0.0) => "pad", "more pairs than axes", "[2, 3]";
        x.pad(&[(-2, -2)], 0.0) => "pad", "more is cropped", "[2, 3]", "[(-2, -2)]";
        x.pad(&[(isize::MIN, 0)], 0.0) => "pad", "more is cropped", "[2, 3]";
        x.pad(&[(0, 0), (isize::MIN, isize::MAX)], 0.0) => "pad", "more is cropped", "[2, 3]";
    }
}

#[test]
fn indices_out_of_range() {
    let x = matrix();
    for index in [3, -1, i64::MAX, i64::MIN] {
        let says = format!("index {index} at");
        let (list, table) = (Tensor::from([0, index]), Tensor::from([[0, 1], [2, index]]));
        refused! {
            x.index_select(1, &list) => "index_select", says, "[1]", "axis 1 of size 3";
            x.index_add(1, &list, &Tensor::zeros([2, 2]).unwrap()) => "index_add", says, "axis 1 of size 3";
            x.gather(1, &table) => "gather", says, "[1, 1]", "axis 1 of size 3";
            x.scatter_add(1, &table, &Tensor::zeros([2, 2]).unwrap()) => "scatter_add", says, "[1, 1]", "axis 1 of size 3";
            list.one_hot::<f32>(3) => "one_hot", format!("label {index} at [1]"), "3 classes";
        }
    }
    refused! {
        Tensor::from([0]).one_hot::<f32>(0) => "one_hot", "label 0", "0 classes";
    }
}

#[test]
fn indices_of_the_wrong_shape() {
    let x = matrix();
    let (list, table) = (Tensor::from([0, 1]), Tensor::from([[0, 1], [0, 1], [0, 1]]));
    let small = Tensor::from([[0.0]]);
    refused! {
        x.index_select(0, &table) => "index_select", "one axis", "[3, 2]";
        x.index_select(0, &Tensor::scalar(0)) => "index_select", "one axis", "[]";
        x.index_add(0, &table, &x) => "index_add", "one axis", "[3, 2]";
        x.index_add(0, &list, &small) => "index_add", "2 indices", "[2, 3]", "[1, 1]";
        x.gather(0, &list) => "gather", "index [2]", "[2, 3]";
        x.gather(1, &table) => "gather", "index [3, 2]", "[2, 3]", "axis 1";
        x.scatter_add(1, &table, &x) => "scatter_add", "index [3, 2]", "[2, 3]";
        x.scatter_add(0, &list, &x) => "scatter_add", "index [2]", "[2, 3]";
        x.scatter_add(0, &Tensor::from([[0, 0]]), &small) => "scatter_add", "index [1, 2]", "source [1, 1]";
    }
}

// ---------------------------------------------------------------- arithmetic

#[test]
fn extremes_of_nothing() {
    let x = Tensor::<f32>::zeros([2, 0]).unwrap();
    refused! {
        x.amax() => "amax", "nothing to choose from", "[2, 0]";
        x.amin() => "amin", "nothing to choose from", "[2, 0]";
        x.argmax() => "argmax", "nothing to choose from", "[2, 0]";
        x.argmin() => "argmin", "nothing to choose from", "[2, 0]";
        x.amax_axes(1, true) => "amax", "nothing to choose from", "[2, 0]";
        x.amin_axes([0, 1], false) => "amin", "nothing to choose from", "[2, 0]";
        x.argmax_axis(1, false) => "argmax", "nothing to choose from", "[2, 0]";
        x.argmin_axis(-1, true) => "argmin", "nothing to choose from", "[2, 0]";
        x.norm(f64::INFINITY) => "norm", "p = inf", "[2, 0]";
        x.norm(-1.0) => "norm", "p = -1", "[2, 0]";
        x.norm_axes(f64::NEG_INFINITY, 1, false) => "norm", "p = -inf", "[2, 0]";
    }
    // Where the result is empty as well there is nothing to choose.
    assert_eq!(x.amax_axes(0, false).unwrap().shape(), [0]);
    assert_eq!(x.argmin_axis(0, true).unwrap().shape(), [1, 0]);
}

#[test]
fn numbers_that_are_none() {
    let x = matrix();
    refused! {
        x.norm(f64::NAN) => "norm", "NaN";
        x.norm_axes(f64::NAN, 0, false) => "norm", "NaN";
        x.var_axes(0, f64::NAN, false) => "var", "correction", "NaN";
        x.std_axes(0, f64::NAN, false) => "std", "correction", "NaN";
    }
}

#[test]
fn products_that_do_not_fit() {
    let (x, y, v) = (matrix(), matrix(), Tensor::from([1.0, 2.0]));
    let scalar = Tensor::scalar(1.0);
    let cube = Tensor::zeros([4, 3, 2]).unwrap();
    let five = Tensor::zeros([5, 2, 3]).unwrap();
    refused! {
        x.matmul(&y) => "matmul", "inner sizes 3 and 2", "[2, 3] and [2, 3]";
        x.matmul(&v) => "matmul", "inner sizes 3 and 2", "[2, 3] and [2]";
        x.matmul(&scalar) => "matmul", "at least one axis", "[2, 3] and []";
        scalar.matmul(&x) => "matmul", "at least one axis", "[] and [2, 3]";
        cube.matmul(&five) => "matmul", "batches", "[4, 3, 2]", "[5, 2, 3]";
        x.matmul_with(&y, true, true) => "matmul", "inner sizes 2 and 3", "[2, 3] transposed and [2, 3] transposed";
        x.linear(&v, None) => "linear", "[out, in]", "[2]";
        x.linear(&cube, None) => "linear", "[out, in]", "[4, 3, 2]";
        scalar.linear(&x, None) => "linear", "at least one axis", "[]";
        v.linear(&x, None) => "linear", "2 features", "expects 3", "[2]", "[2, 3]";
        x.linear(&y, Some(&Tensor::zeros([3]).unwrap())) => "linear", "bias", "[2]", "[3]";
        x.linear(&y, Some(&scalar)) => "linear", "bias", "[2]", "[]";
    }
}

#[test]
fn labels_that_do_not_fit() {
    let scores = matrix();
    let one = Tensor::scalar(1.0);
    for label in [3, -1, i64::MAX, i64::MIN] {
        let labels = Tensor::from([0, label]);
        let says = format!("label {label} at [1] is out of range for 3 classes");
        refused! {
            scores.cross_entropy(&labels, wengert::Reduction::Mean) => "cross_entropy", says, "[2, 3]", "[2]";
            scores.cross_entropy_grad(&labels, &Tensor::from([1.0, 1.0]), -100) => "cross_entropy_grad", says;
        }
    }
    let labels = Tensor::from([0, 1]);
    let sum = wengert::Reduction::Sum;
    refused! {
        one.cross_entropy(&labels, sum) => "cross_entropy", "axis of classes", "[]";
        scores.cross_entropy(&Tensor::from([0, 1, 2]), sum) => "cross_entropy", "labels must have shape [2]", "[2, 3]", "[3]";
        scores.cross_entropy(&Tensor::scalar(0), sum) => "cross_entropy", "labels must have shape [2]", "labels []";
        Tensor::<f32>::zeros([2, 3, 4]).unwrap().cross_entropy(&labels, sum) => "cross_entropy", "labels must have shape [2, 4]";
        Tensor::<f32>::zeros([2, 0]).unwrap().cross_entropy(&labels, sum) => "cross_entropy", "label 0", "0 classes";
        scores.cross_entropy_grad(&labels, &one, -100) => "cross_entropy_grad", "labels [2]", "[]";
        scores.cross_entropy_grad(&labels, &scores, -100) => "cross_entropy_grad", "labels [2]", "[2, 3]";
    }
}

#[test]
fn updates_that_do_not_fit() {
    let mut x = matrix();
    let (mut velocity, other) = (x.zeros_like(), Tensor::from([0.0, 1.0, 2.0]));
    let step = SgdStep {
        lr: 0.1,
        momentum: 0.9,
        dampening: 0.0,
        weight_decay: 0.0,
        nesterov: false,
    };
    refused! {
        x.add_assign(&other) => "add_assign", "[2, 3]", "[3]";
        x.add_scaled(1.0, &other) => "add_scaled", "[2, 3]", "[3]";
        x.sgd_step(&other, &step) => "sgd_step", "[2, 3]", "[3]";
        x.sgd_momentum_step(&mut velocity, &other, &step) => "sgd_momentum_step", "[2, 3]", "[3]";
        x.sgd_momentum_step(&mut other.clone(), &matrix(), &step) => "sgd_momentum_step", "[2, 3]", "[3]";
    }
    for bad in [f64::NAN, f64::INFINITY, -0.1] {
        let says = format!("{bad}");
        let (lr, decay, momentum) = (
            SgdStep { lr: bad, ..step },
            SgdStep {
                weight_decay: bad,
                ..step
            },
            SgdStep {
                momentum: bad,
                ..step
            },
        );
        refused! {
            x.sgd_step(&matrix(), &lr) => "sgd_step", "learning rate", says;
            x.sgd_step(&matrix(), &decay) => "sgd_step", "weight decay", says;
            x.sgd_momentum_step(&mut velocity, &matrix(), &lr) => "sgd_momentum_step", "learning rate", says;
            x.sgd_momentum_step(&mut velocity, &matrix(), &momentum) => "sgd_momentum_step", "momentum", says;
        }
    }
    assert_eq!(x, matrix(), "a refused update leaves no trace");
}
