//! What tensors answer to bad sizes, axes and shapes: an error that names the
//! operation, the offending value and the shapes. Never a panic, an abort, a
//! loop without end or a silent wrong answer.
//!
//! Parts and arithmetic are in `bad_input_operations`, convolution and pooling
//! in `bad_input_conv`. That no function is forgotten is checked by
//! `bad_input_coverage`.

#![allow(clippy::unwrap_used)] // of what the tests build, not of what they test

use wengert::random::{Generator, permutation};
use wengert::{Result, Tensor, par, shape};
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
        par::set_threads(0) => "set_threads", "1..=1024", "got 0";
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
            shape::wrap_axis("axis", axis, 2) => "axis", says;
            shape::wrap_axes("axes", &[0, axis], 2) => "axes", says;
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
        x.relu_backward(&y) => "relu_backward", both;
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
