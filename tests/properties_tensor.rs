//! Random shapes, axes, slices and indices, thrown at every operation on
//! tensors. Whether there is a result, and its shape, is worked out here once
//! more, as the documentation has it: an operation may refuse neither more nor
//! less, and must never panic. (Convolution and pooling: `properties_conv`.)

use proptest::prelude::*;
use wengert::random::{Generator, permutation, shuffle};
use wengert::{
    AdagradOptions, AdamOptions, Approximate, CrossEntropyOptions, Element, Result, RmsPropOptions,
    Rounding, SgdOptions, Tensor,
};
use wengert_tests::draw::{Draw, draw};
use wengert_tests::expected::*;

/// One operation on a draw: the answer that it gives, and the expected one.
type Row = (&'static str, fn(&Draw) -> (Shape, Shape));

/// A linear layer, rectified or not, with a weight and a bias that sometimes fit.
fn linear(d: &Draw, relu: bool) -> (Shape, Shape) {
    let features = d.shape.last().copied().unwrap_or(1).min(9);
    let weight = [d.sizes[0].min(6), features];
    let bias = d.tensor(&[weight[0] + usize::from(d.seed.is_multiple_of(5))], 6);
    let fits = d.shape.last() == Some(&features);
    let fits = fits && (!d.flags[0] || bias.len() == weight[0]);
    let mut shape = d.shape.clone();
    shape.pop();
    shape.push(weight[0]);
    let (x, weight, bias) = (d.x(), d.tensor(&weight, 5), d.flags[0].then_some(&bias));
    let answer = if relu {
        x.linear_relu(&weight, bias)
    } else {
        x.linear(&weight, bias)
    };
    (of(answer), held(shape).filter(|_| fits))
}

/// The input's shape, for a gradient of that shape.
fn equal(d: &Draw) -> Shape {
    same(d).filter(|_| d.shape == d.partner)
}

/// The input's shape, for slopes of one axis at most: one, or one a channel.
fn prelu(d: &Draw, weight: &[usize]) -> Shape {
    let slopes = weight.iter().product::<usize>();
    let fits = slopes == 1 || d.shape.get(1) == Some(&slopes);
    same(d).filter(|_| weight.len() < 2 && fits)
}

fn approximate(d: &Draw) -> Approximate {
    if d.flags[0] {
        Approximate::Tanh
    } else {
        Approximate::None
    }
}

fn of<T: Element>(answer: Result<Tensor<T>>) -> Shape {
    answer.ok().map(|x| x.shape().to_vec())
}

fn last_of(pieces: Result<Vec<Tensor<f64>>>) -> Shape {
    let pieces = pieces.ok()?;
    Some([&[pieces.len()], pieces.last()?.shape()].concat())
}

// ---------------------------------------------------------------- operations

const OPERATIONS: &[Row] = &[
    ("neg", |d| (of(Ok(d.x().neg())), same(d))),
    ("abs", |d| (of(Ok(d.x().abs())), same(d))),
    ("sign", |d| (of(Ok(d.x().sign())), same(d))),
    ("square", |d| (of(Ok(d.x().square())), same(d))),
    ("relu", |d| (of(Ok(d.x().relu())), same(d))),
    ("clamp", |d| (of(Ok(d.x().clamp(d.number, 1.0))), same(d))),
    ("clamp_min", |d| {
        (of(Ok(d.x().clamp_min(d.number))), same(d))
    }),
    ("clamp_max", |d| {
        (of(Ok(d.x().clamp_max(d.number))), same(d))
    }),
    ("exp", |d| (of(Ok(d.x().exp())), same(d))),
    ("log", |d| (of(Ok(d.x().log())), same(d))),
    ("sqrt", |d| (of(Ok(d.x().sqrt())), same(d))),
    ("powf", |d| (of(Ok(d.x().powf(d.number))), same(d))),
    ("powi", |d| {
        (of(Ok(d.x().powi(d.positions[0] as i32))), same(d))
    }),
    ("sigmoid", |d| (of(Ok(d.x().sigmoid())), same(d))),
    ("tanh", |d| (of(Ok(d.x().tanh())), same(d))),
    ("relu6", |d| (of(Ok(d.x().relu6())), same(d))),
    ("hardtanh", |d| {
        let answer = d.x().hardtanh(d.number, 1.0);
        (
            of(answer),
            same(d).filter(|_| d.number <= 1.0 || d.number.is_nan()),
        )
    }),
    ("leaky_relu", |d| {
        (of(Ok(d.x().leaky_relu(d.number))), same(d))
    }),
    ("prelu", |d| (of(d.x().prelu(&d.y())), prelu(d, &d.partner))),
    ("prelu", |d| {
        let weight = [d.shape.get(1).map_or(1, |&channels| channels.min(9))];
        let answer = d.x().prelu(&d.tensor(&weight, 5));
        (of(answer), prelu(d, &weight))
    }),
    ("hardsigmoid", |d| (of(Ok(d.x().hardsigmoid())), same(d))),
    ("hardswish", |d| (of(Ok(d.x().hardswish())), same(d))),
    ("softsign", |d| (of(Ok(d.x().softsign())), same(d))),
    ("elu", |d| (of(Ok(d.x().elu(d.number))), same(d))),
    ("selu", |d| (of(Ok(d.x().selu())), same(d))),
    ("celu", |d| {
        let fits = d.number != 0.0;
        (of(d.x().celu(d.number)), same(d).filter(|_| fits))
    }),
    ("gelu", |d| (of(Ok(d.x().gelu(approximate(d)))), same(d))),
    ("silu", |d| (of(Ok(d.x().silu())), same(d))),
    ("mish", |d| (of(Ok(d.x().mish())), same(d))),
    ("softplus", |d| {
        (of(Ok(d.x().softplus(d.number, 20.0))), same(d))
    }),
    ("logsigmoid", |d| (of(Ok(d.x().logsigmoid())), same(d))),
    ("erf", |d| (of(Ok(d.x().erf())), same(d))),
    ("relu6_backward", |d| {
        (of(d.x().relu6_backward(d.y())), equal(d))
    }),
    ("hardtanh_backward", |d| {
        (of(d.x().hardtanh_backward(d.y(), -1.0, 1.0)), equal(d))
    }),
    ("leaky_relu_backward", |d| {
        (of(d.x().leaky_relu_backward(d.y(), d.number)), equal(d))
    }),
    ("hardsigmoid_backward", |d| {
        (of(d.x().hardsigmoid_backward(d.y())), equal(d))
    }),
    ("hardswish_backward", |d| {
        (of(d.x().hardswish_backward(d.y())), equal(d))
    }),
    ("softsign_backward", |d| {
        (of(d.x().softsign_backward(d.y())), equal(d))
    }),
    ("elu_backward", |d| {
        (of(d.x().elu_backward(d.y(), d.number)), equal(d))
    }),
    ("selu_backward", |d| {
        (of(d.x().selu_backward(d.y())), equal(d))
    }),
    ("celu_backward", |d| {
        (of(d.x().celu_backward(d.y(), 0.5)), equal(d))
    }),
    ("gelu_backward", |d| {
        (of(d.x().gelu_backward(d.y(), approximate(d))), equal(d))
    }),
    ("silu_backward", |d| {
        (of(d.x().silu_backward(d.y())), equal(d))
    }),
    ("mish_backward", |d| {
        (of(d.x().mish_backward(d.y())), equal(d))
    }),
    ("softplus_backward", |d| {
        (of(d.x().softplus_backward(d.y(), 1.0, d.number)), equal(d))
    }),
    ("logsigmoid_backward", |d| {
        (of(d.x().logsigmoid_backward(d.y())), equal(d))
    }),
    ("erf_backward", |d| {
        (of(d.x().erf_backward(d.y())), equal(d))
    }),
    ("add_scalar", |d| {
        (of(Ok(d.x().add_scalar(d.number))), same(d))
    }),
    ("mul_scalar", |d| {
        (of(Ok(d.x().mul_scalar(d.number))), same(d))
    }),
    ("add", |d| (of(d.x().add(&d.y())), both(d))),
    ("sub", |d| (of(d.x().sub(&d.y())), both(d))),
    ("mul", |d| (of(d.x().mul(&d.y())), both(d))),
    ("div", |d| (of(d.x().div(&d.y())), both(d))),
    ("pow", |d| (of(d.x().pow(&d.y())), both(d))),
    ("maximum", |d| (of(d.x().maximum(&d.y())), both(d))),
    ("minimum", |d| (of(d.x().minimum(&d.y())), both(d))),
    ("clamp_between", |d| {
        let limits = d.tensor(&d.partner, 5);
        (of(d.x().clamp_between(&d.y(), &limits)), both(d))
    }),
    ("div_rounded", |d| {
        (of(d.x().div_rounded(&d.y(), Rounding::Floor)), both(d))
    }),
    ("integers", |d| {
        (of(d.x().cast::<i64>().add(&d.y().cast())), both(d))
    }),
    ("eq_to", |d| (of(d.x().eq_to(&d.y())), both_masks(d))),
    ("ne", |d| (of(d.x().ne(&d.y())), both_masks(d))),
    ("lt", |d| (of(d.x().lt(&d.y())), both_masks(d))),
    ("le", |d| (of(d.x().le(&d.y())), both_masks(d))),
    ("gt", |d| (of(d.x().gt(&d.y())), both_masks(d))),
    ("ge", |d| (of(d.x().ge(&d.y())), both_masks(d))),
    ("and", |d| {
        (of(d.mask(&d.shape).and(&d.mask(&d.partner))), both_masks(d))
    }),
    ("or", |d| {
        (of(d.mask(&d.shape).or(&d.mask(&d.partner))), both_masks(d))
    }),
    ("not", |d| (of(Ok(d.mask(&d.shape).not())), same(d))),
    ("relu_backward", |d| {
        (of(d.x().relu_backward(&d.y())), both(d))
    }),
    ("masked_fill", |d| {
        (of(d.x().masked_fill(&d.mask(&d.partner), 0.0)), both(d))
    }),
    ("where_", |d| {
        (of(d.mask(&d.partner).where_(&d.x(), &d.y())), both(d))
    }),
    ("reshape", |d| {
        (
            of(d.x().reshape(d.reshape())),
            reshaped(&d.shape, &d.reshape()),
        )
    }),
    ("view", |d| {
        (
            of(d.x().view(d.reshape())),
            reshaped(&d.shape, &d.reshape()),
        )
    }),
    ("reshape_to", |d| {
        let to: Vec<isize> = d.partner.iter().map(|&n| n as isize).collect();
        (of(d.x().reshape_to(&d.partner)), reshaped(&d.shape, &to))
    }),
    ("flatten", |d| {
        (of(d.x().flatten(d.axes[0], d.axes[1])), flattened(d))
    }),
    ("squeeze", |d| {
        let squeezed = named_wrapped(&d.some_axes(), d.shape.len()).map(|named| {
            let kept = d
                .shape
                .iter()
                .zip(named)
                .filter(|(size, named)| **size != 1 || !named);
            kept.map(|(&size, _)| size).collect()
        });
        (of(d.x().squeeze(d.some_axes())), squeezed)
    }),
    ("squeeze_all", |d| {
        let squeezed = d.shape.iter().copied().filter(|&size| size != 1).collect();
        (of(Ok(d.x().squeeze_all())), Some(squeezed))
    }),
    ("unsqueeze", |d| {
        let unsqueezed = axis(d.axes[0], d.shape.len() + 1).map(|at| {
            let mut shape = d.shape.clone();
            shape.insert(at, 1);
            shape
        });
        (of(d.x().unsqueeze(d.axes[0])), unsqueezed)
    }),
    ("permute", |d| {
        let order = d.order();
        let is_order = named(&order, d.shape.len()).filter(|named| !named.contains(&false));
        let permuted = is_order.and_then(|_| {
            let sizes = order
                .iter()
                .map(|&a| axis(a, d.shape.len()).map(|a| d.shape[a]));
            sizes.collect()
        });
        (of(d.x().permute(order)), permuted)
    }),
    ("transpose", |d| {
        let ndim = d.shape.len();
        let swapped = wrapped(d.axes[0], ndim)
            .zip(wrapped(d.axes[1], ndim))
            .map(|(a, b)| {
                let mut shape = d.shape.clone();
                if a != b {
                    shape.swap(a, b);
                }
                shape
            });
        (of(d.x().transpose(d.axes[0], d.axes[1])), swapped)
    }),
    ("t", |d| {
        let mut shape = d.shape.clone();
        shape.reverse();
        (of(d.x().t()), Some(shape).filter(|shape| shape.len() <= 2))
    }),
    ("expand", |d| {
        let fits = both(d).filter(|joint| *joint == d.shape);
        (of(d.y().expand(&d.shape)), fits)
    }),
    ("expand", |d| {
        let to = [&d.sizes[..1], &d.shape].concat();
        (of(d.x().expand(&to)), held(to))
    }),
    ("expand", |d| {
        let to = [&[d.positions[0]], &vec![-1; d.shape.len()][..]].concat();
        let fits = usize::try_from(d.positions[0]).ok();
        let fits = fits.and_then(|n| held([&[n], &d.shape[..]].concat()));
        (of(d.x().expand(to)), fits)
    }),
    ("flip", |d| {
        let fits = named_wrapped(&d.some_axes(), d.shape.len()).map(|_| d.shape.clone());
        (of(d.x().flip(d.some_axes())), fits)
    }),
    ("cat", |d| {
        let shapes = [&d.shape[..], &d.partner, &d.shape];
        (
            of(Tensor::cat(&[&d.x(), &d.y(), &d.x()], d.axes[0])),
            joined(&shapes, d.axes[0]),
        )
    }),
    ("stack", |d| {
        let fits = axis(d.axes[0], d.shape.len() + 1).filter(|_| d.shape == d.partner);
        let stacked = fits.and_then(|at| {
            let mut shape = d.shape.clone();
            shape.insert(at, 2);
            held(shape)
        });
        (of(Tensor::stack(&[&d.x(), &d.y()], d.axes[0])), stacked)
    }),
    ("split", |d| {
        (
            last_of(d.x().split(d.sizes[0], d.axes[0])),
            pieces(d, d.sizes[0]),
        )
    }),
    ("split_with_sizes", |d| {
        let sizes = [d.sizes[0], d.size_of_axis().saturating_sub(d.sizes[0])];
        let fits = axis(d.axes[0], d.shape.len()).filter(|&at| d.sizes[0] <= d.shape[at]);
        let expected = fits.map(|at| {
            let mut shape = d.shape.clone();
            shape[at] = sizes[1];
            [&[2], &shape[..]].concat()
        });
        (last_of(d.x().split_with_sizes(&sizes, d.axes[0])), expected)
    }),
    ("chunk", |d| {
        let n = d.sizes[0];
        let len = axis(d.axes[0], d.shape.len()).map_or(0, |at| d.shape[at]);
        let expected = if n == 0 {
            None
        } else {
            pieces(d, len.div_ceil(n))
        };
        (last_of(d.x().chunk(n, d.axes[0])), expected)
    }),
    ("slice", |d| {
        (of(d.x().slice(d.slices())), sliced(&d.shape, &d.slices()))
    }),
    ("slice_fill", |d| {
        let mut x = d.x();
        let done = x.slice_fill(d.slices(), 7.0).map(|()| x);
        (
            of(done),
            sliced(&d.shape, &d.slices()).map(|_| d.shape.clone()),
        )
    }),
    ("slice_assign", |d| {
        let part = sliced(&d.shape, &d.slices());
        let fits = part.filter(|part| broadcast(part, &d.partner).as_ref() == Some(part));
        let mut x = d.x();
        let done = x.slice_assign(d.slices(), &d.y()).map(|()| x);
        (of(done), fits.map(|_| d.shape.clone()))
    }),
    ("unslice", |d| {
        let fits = sliced(&d.partner, &d.slices()).filter(|part| *part == d.shape);
        let fits = fits.and_then(|_| held(d.partner.clone()));
        (of(d.x().unslice(&d.partner, d.slices())), fits)
    }),
    ("narrow", |d| {
        (
            of(d.x().narrow(d.axes[0], d.positions[0], d.sizes[0])),
            narrowed(d),
        )
    }),
    ("select", |d| {
        let at = axis(d.axes[0], d.shape.len());
        let selected = at.and_then(|at| {
            axis(d.positions[0], d.shape[at])?;
            let mut shape = d.shape.clone();
            shape.remove(at);
            Some(shape)
        });
        (of(d.x().select(d.axes[0], d.positions[0])), selected)
    }),
    ("pad", |d| (of(d.x().pad(&d.amounts(), 1.0)), padded(d))),
    ("index_select", |d| {
        let index = d.indices(&[d.sizes[0].min(9)], d.size_of_axis());
        let at = wrapped(d.axes[0], d.shape.len());
        let at = at.filter(|&at| in_range(&index, line(&d.shape)[at]));
        let selected = at.and_then(|at| {
            let mut shape = d.shape.clone();
            match shape.get_mut(at) {
                Some(along) => *along = index.len(),
                None if index.len() != 1 => return None,
                None => {}
            }
            held(shape)
        });
        (of(d.x().index_select(d.axes[0], &index)), selected)
    }),
    ("index_add", |d| {
        let index = d.indices(&[d.sizes[0].min(9)], d.size_of_axis());
        let at = wrapped(d.axes[0], d.shape.len());
        let fits = at.filter(|&at| {
            let mut shape = line(&d.shape).to_vec();
            let size = std::mem::replace(&mut shape[at], index.len());
            let source = if d.shape.is_empty() {
                line(&d.partner)
            } else {
                &d.partner
            };
            in_range(&index, size) && shape == source && (!d.shape.is_empty() || index.len() == 1)
        });
        let sums = d.x().index_add(d.axes[0], &index, &d.y());
        (of(sums), fits.map(|_| d.shape.clone()))
    }),
    ("index_by", |d| {
        let index = d.indices(&d.partner, d.shape.first().copied().unwrap_or(1));
        // Negative ones count from the end.
        let size = d.shape.first().copied();
        let fits = size.filter(|&n| index.iter().all(|&i| i >= -(n as i64) && i < n as i64));
        let indexed = fits.and_then(|_| held([index.shape(), &d.shape[1..]].concat()));
        (of(d.x().index_by(&[Some(&index)])), indexed)
    }),
    ("nonzero", |d| {
        let mask = d.mask(&d.shape);
        let count = mask.iter().filter(|&&holds| holds).count();
        (of(mask.nonzero()), Some(vec![count, d.shape.len()]))
    }),
    ("gather", |d| {
        let index = d.indices(&d.partner, d.size_of_axis());
        let at = wrapped(d.axes[0], d.shape.len());
        let at = at.filter(|&at| covers(line(&d.shape), line(index.shape()), Some(at)));
        let at = at.filter(|&at| in_range(&index, line(&d.shape)[at]));
        (
            of(d.x().gather(d.axes[0], &index)),
            at.map(|_| index.shape().to_vec()),
        )
    }),
    ("scatter_add", |d| {
        let index = d.indices(&d.partner, d.size_of_axis());
        let at = wrapped(d.axes[0], d.shape.len());
        let at = at.filter(|&at| covers(line(&d.shape), line(index.shape()), Some(at)));
        let at = at.filter(|&at| in_range(&index, line(&d.shape)[at]));
        let sums = d.x().scatter_add(d.axes[0], &index, &d.y());
        (of(sums), at.map(|_| d.shape.clone()))
    }),
    ("one_hot", |d| {
        let labels = d.indices(&d.shape, 4);
        let fits = in_range(&labels, d.sizes[0]);
        let shape = [labels.shape(), &d.sizes[..1]].concat();
        (
            of(labels.one_hot::<f64>(d.sizes[0])),
            held(shape).filter(|_| fits),
        )
    }),
    ("sum", |d| (of(Ok(d.x().sum())), Some(vec![]))),
    ("sum_axes", |d| {
        (of(d.x().sum_axes(d.some_axes(), d.flags[0])), sum(d))
    }),
    ("sum_to", |d| {
        let fits = both(d).filter(|joint| *joint == d.shape);
        (
            of(d.x().sum_to(&d.partner)),
            fits.and_then(|_| held(d.partner.clone())),
        )
    }),
    ("mean", |d| (of(Ok(d.x().mean())), Some(vec![]))),
    ("mean_axes", |d| {
        (of(d.x().mean_axes(d.some_axes(), d.flags[0])), sum(d))
    }),
    ("var", |d| (of(Ok(d.x().var())), Some(vec![]))),
    ("var_axes", |d| {
        let variance = d.x().var_axes(d.some_axes(), d.number, d.flags[0]);
        (of(variance), sum(d).filter(|_| !d.number.is_nan()))
    }),
    ("std", |d| (of(Ok(d.x().std())), Some(vec![]))),
    ("std_axes", |d| {
        let deviation = d.x().std_axes(d.some_axes(), d.number, d.flags[0]);
        (of(deviation), sum(d).filter(|_| !d.number.is_nan()))
    }),
    ("norm", |d| {
        let fits = !d.number.is_nan() && (!d.x().is_empty() || (0.0..1e9).contains(&d.number));
        (of(d.x().norm(d.number)), fits.then(Vec::new))
    }),
    ("vector_norm", |d| {
        let fits = !d.number.is_nan() && (!d.x().is_empty() || (0.0..1e9).contains(&d.number));
        (of(d.x().vector_norm(d.number)), fits.then(Vec::new))
    }),
    ("vector_norm_axes", |d| {
        let answer = d.x().vector_norm_axes(2.0, d.some_axes(), d.flags[0]);
        (of(answer), sum(d))
    }),
    ("norm_axes", |d| {
        let of_nothing = (0.0..1e9).contains(&d.number);
        let norm = if of_nothing { sum(d) } else { choice(d) };
        let norm = norm.filter(|_| !d.number.is_nan());
        (
            of(d.x().norm_axes(d.number, d.some_axes(), d.flags[0])),
            norm,
        )
    }),
    ("amax", |d| {
        (of(d.x().amax()), (!d.x().is_empty()).then(Vec::new))
    }),
    ("amax_axes", |d| {
        (of(d.x().amax_axes(d.some_axes(), d.flags[0])), choice(d))
    }),
    ("amin", |d| {
        (of(d.x().amin()), (!d.x().is_empty()).then(Vec::new))
    }),
    ("amin_axes", |d| {
        (of(d.x().amin_axes(d.some_axes(), d.flags[0])), choice(d))
    }),
    ("argmax", |d| {
        (of(d.x().argmax()), (!d.x().is_empty()).then(Vec::new))
    }),
    ("argmax_axis", |d| {
        (of(d.x().argmax_axis(d.axes[0], d.flags[0])), arg(d))
    }),
    ("argmin", |d| {
        (of(d.x().argmin()), (!d.x().is_empty()).then(Vec::new))
    }),
    ("argmin_axis", |d| {
        (of(d.x().argmin_axis(d.axes[0], d.flags[0])), arg(d))
    }),
    ("softmax", |d| {
        (
            of(d.x().softmax(d.axes[0])),
            axis(d.axes[0], d.shape.len().max(1)).map(|_| d.shape.clone()),
        )
    }),
    ("softmin", |d| {
        (
            of(d.x().softmin(d.axes[0])),
            axis(d.axes[0], d.shape.len().max(1)).map(|_| d.shape.clone()),
        )
    }),
    ("log_softmax", |d| {
        (
            of(d.x().log_softmax(d.axes[0])),
            axis(d.axes[0], d.shape.len().max(1)).map(|_| d.shape.clone()),
        )
    }),
    ("logsumexp", |d| {
        (of(d.x().logsumexp(d.some_axes(), d.flags[0])), sum(d))
    }),
    ("matmul", |d| {
        (
            of(d.x().matmul(&d.y())),
            product(&d.shape, &d.partner, [false; 2]),
        )
    }),
    ("mm", |d| {
        let matrices = d.shape.len() == 2 && d.partner.len() == 2;
        let joint = product(&d.shape, &d.partner, [false; 2]);
        (of(d.x().mm(&d.y())), joint.filter(|_| matrices))
    }),
    ("bmm", |d| {
        let batches = d.shape.len() == 3 && d.partner.len() == 3;
        let fits = batches && d.shape[0] == d.partner[0];
        let joint = product(&d.shape, &d.partner, [false; 2]);
        (of(d.x().bmm(&d.y())), joint.filter(|_| fits))
    }),
    ("matmul_with", |d| {
        let transpose = [d.flags[0], d.flags[1]];
        let answer = d.x().matmul_with(&d.y(), d.flags[0], d.flags[1]);
        (of(answer), product(&d.shape, &d.partner, transpose))
    }),
    ("linear", |d| linear(d, false)),
    ("linear_relu", |d| linear(d, true)),
    ("cross_entropy", |d| {
        let (labels, fits) = labels(d);
        let options = CrossEntropyOptions::default().ignore_index(-7);
        let answer = d.x().cross_entropy(&labels, options);
        (of(answer), fits.then(Vec::new))
    }),
    ("cross_entropy_grad", |d| {
        let (labels, fits) = labels(d);
        let per_label = d.tensor(labels.shape(), 7);
        (
            of(d.x().cross_entropy_grad(&labels, &per_label, -100)),
            fits.then(|| d.shape.clone()),
        )
    }),
    ("add_assign", |d| {
        let mut x = d.x();
        let done = x.add_assign(&d.y()).map(|()| x);
        (of(done), same(d).filter(|shape| *shape == d.partner))
    }),
    ("add_scaled", |d| {
        let mut x = d.x();
        let done = x.add_scaled(d.number, &d.y()).map(|()| x);
        (of(done), same(d).filter(|shape| *shape == d.partner))
    }),
    ("relu_backward_assign", |d| {
        let mut x = d.x();
        let done = x.relu_backward_assign(&d.y()).map(|()| x);
        (of(done), same(d).filter(|shape| *shape == d.partner))
    }),
    ("sgd_step", |d| {
        let mut x = d.x();
        let done = x.sgd_step(&d.y(), &step(d)).map(|()| x);
        (
            of(done),
            same(d).filter(|shape| *shape == d.partner && is_rate(d.number)),
        )
    }),
    ("sgd_momentum_step", |d| {
        let (mut x, mut velocity) = (d.x(), d.x());
        let done = x
            .sgd_momentum_step(&mut velocity, &d.y(), &step(d))
            .map(|()| x);
        (
            of(done),
            same(d).filter(|shape| *shape == d.partner && is_rate(d.number)),
        )
    }),
    ("adam_step", |d| {
        let [mut x, mut m, mut v, mut w] = [(); 4].map(|()| d.x());
        let (options, step) = (adam(d), d.sizes[0] as u64);
        let largest = options.amsgrad.then_some(&mut w);
        let done = x.adam_step([&mut m, &mut v], largest, &d.y(), step, &options);
        let fits = is_rate(d.number) && step > 0;
        assert_eq!(options.check::<f64>("adam").is_ok(), is_rate(d.number));
        (
            of(done.map(|()| x)),
            same(d).filter(|shape| *shape == d.partner && fits),
        )
    }),
    ("rmsprop_step", |d| {
        let [mut x, mut s, mut m, mut b] = [(); 4].map(|()| d.x());
        let options = rmsprop(d);
        let more = [
            options.centered.then_some(&mut m),
            (options.momentum > 0.0).then_some(&mut b),
        ];
        let done = x.rmsprop_step(&mut s, more, &d.y(), &options);
        (
            of(done.map(|()| x)),
            same(d).filter(|shape| *shape == d.partner && is_rate(d.number)),
        )
    }),
    ("adagrad_step", |d| {
        let (mut x, mut s) = (d.x(), d.x());
        let step = d.sizes[0] as u64;
        let done = x.adagrad_step(&mut s, &d.y(), step, &adagrad(d));
        let fits = is_rate(d.number) && step > 0;
        (
            of(done.map(|()| x)),
            same(d).filter(|shape| *shape == d.partner && fits),
        )
    }),
    ("zeros", |d| {
        (
            of(Tensor::<f64>::zeros(&d.sizes[..3])),
            held(d.sizes[..3].to_vec()),
        )
    }),
    ("ones", |d| {
        (
            of(Tensor::<i64>::ones(&d.sizes[..3])),
            held(d.sizes[..3].to_vec()),
        )
    }),
    ("full", |d| {
        (
            of(Tensor::<f64>::full(&d.sizes[..2], 1.0)),
            held(d.sizes[..2].to_vec()),
        )
    }),
    ("from_fn", |d| {
        (
            of(Tensor::<f64>::from_fn(&d.sizes[..2], |i| i[0] as f64)),
            held(d.sizes[..2].to_vec()),
        )
    }),
    ("from_vec", |d| {
        let fits = d.sizes[..2]
            .iter()
            .fold(1u128, |n, &m| n.saturating_mul(m as u128))
            == 4;
        (
            of(Tensor::from_vec(&d.sizes[..2], vec![0.0; 4])),
            fits.then(|| d.sizes[..2].to_vec()),
        )
    }),
    ("eye", |d| {
        (
            of(Tensor::<f64>::eye(d.sizes[0])),
            held(vec![d.sizes[0]; 2]),
        )
    }),
    ("linspace", |d| {
        (
            of(Tensor::<f64>::linspace(0.0, 1.0, d.sizes[0])),
            held(vec![d.sizes[0]]),
        )
    }),
    ("rand", |d| {
        (
            of(Tensor::<f64>::rand(&d.sizes[..2], &mut rng(d))),
            held(d.sizes[..2].to_vec()),
        )
    }),
    ("randn", |d| {
        (
            of(Tensor::<f64>::randn(&d.sizes[..2], &mut rng(d))),
            held(d.sizes[..2].to_vec()),
        )
    }),
    ("uniform", |d| {
        let fits = d.number.is_finite() && d.number <= 1.0;
        let answer = Tensor::<f64>::uniform(&d.sizes[..2], d.number, 1.0, &mut rng(d));
        (of(answer), held(d.sizes[..2].to_vec()).filter(|_| fits))
    }),
    ("normal", |d| {
        let answer = Tensor::<f64>::normal(&d.sizes[..2], 0.0, d.number, &mut rng(d));
        (
            of(answer),
            held(d.sizes[..2].to_vec()).filter(|_| is_rate(d.number)),
        )
    }),
    ("bernoulli", |d| {
        let fits = (0.0..=1.0).contains(&d.number);
        let answer = Tensor::bernoulli(&d.sizes[..2], d.number, &mut rng(d));
        (
            of(answer),
            held_of(1, d.sizes[..2].to_vec()).filter(|_| fits),
        )
    }),
    ("randperm", |d| {
        (
            of(Tensor::randperm(d.sizes[0], &mut rng(d))),
            held(vec![d.sizes[0]]),
        )
    }),
    ("permutation", |d| {
        let answer = permutation(d.sizes[0], &mut rng(d)).ok();
        (
            answer.map(|order| vec![order.len()]),
            held(vec![d.sizes[0]]),
        )
    }),
];

fn rng(d: &Draw) -> Generator {
    Generator::new(d.seed)
}

fn is_rate(x: f64) -> bool {
    x.is_finite() && x >= 0.0
}

/// Options of each optimiser, whose rate and decay may be none.
fn step(d: &Draw) -> SgdOptions {
    SgdOptions {
        lr: d.number,
        momentum: 0.9,
        dampening: 0.5,
        weight_decay: 0.1,
        nesterov: d.flags[0],
        maximize: d.flags[1],
    }
}

fn adam(d: &Draw) -> AdamOptions {
    AdamOptions {
        lr: d.number,
        amsgrad: d.flags[0],
        decoupled_weight_decay: d.flags[1],
        weight_decay: 0.1,
        ..AdamOptions::default()
    }
}

fn rmsprop(d: &Draw) -> RmsPropOptions {
    RmsPropOptions {
        lr: d.number,
        centered: d.flags[0],
        momentum: if d.flags[1] { 0.9 } else { 0.0 },
        ..RmsPropOptions::default()
    }
}

fn adagrad(d: &Draw) -> AdagradOptions {
    AdagradOptions {
        lr_decay: d.number,
        maximize: d.flags[0],
        ..AdagradOptions::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_operation_answers(d in draw()) {
        for (name, row) in OPERATIONS {
            let (answer, expected) = row(&d);
            prop_assert_eq!(answer, expected, "{}", name);
        }
    }

    /// What takes and gives other things than tensors.
    #[test]
    fn every_question_is_answered(d in draw()) {
        let (x, y) = (d.x(), d.y());
        let index: Vec<usize> = d.positions.iter().map(|&i| i as usize).collect();
        let index = &index[..d.seed as usize % 7];
        let inside = index.len() == x.ndim() && index.iter().zip(x.shape()).all(|(i, n)| i < n);
        prop_assert_eq!(x.get(index).is_some(), inside);
        let mut changed = x.clone();
        prop_assert_eq!(changed.set(index, 9.0).is_ok(), inside);
        prop_assert_eq!(changed.get(index), inside.then_some(9.0));
        prop_assert_eq!(x.item().is_ok(), x.len() == 1);
        prop_assert_eq!(x.all_close(&y, 0.0, d.number), x.shape() == y.shape() && x.iter().zip(&y).all(|(a, b)| a == b || (a - b).abs() <= d.number));
        prop_assert_eq!(x.mul_scalar(2.0).map(|x| x / 2.0), x.clone());
        prop_assert!(x.to_string().starts_with("tensor("));
        let printed = format!("{x:?} {:.1} {}", x.cast::<f32>(), d.mask(&d.shape));
        prop_assert!(printed.starts_with("Tensor<f64>["));
        let zeros = x.zeros_like();
        prop_assert_eq!(zeros.shape(), x.shape());
        prop_assert_eq!(x.ones_like().sum().item().unwrap(), x.len() as f64);
        let mut items = x.to_vec();
        shuffle(&mut items, &mut rng(&d));
        prop_assert_eq!(items.len(), x.len());
        let mask = d.mask(&d.shape);
        prop_assert_eq!(mask.any(), !mask.not().all());
        let mut filled = y;
        filled.fill(1.5);
        filled.map_in_place(|x| x * 2.0);
        prop_assert!(filled.eq_scalar(3.0).all());
        filled.mul_scalar_assign(-2.0);
        filled.clamp_assign(-4.0, 4.0);
        prop_assert!(filled.eq_scalar(-4.0).all());
        let norm = x.norm_f64(d.number);
        prop_assert_eq!(norm.is_ok(), !d.number.is_nan());
        if let (Ok(norm), Ok(same)) = (norm, x.norm(d.number)) {
            let same = same.item().unwrap();
            prop_assert!(norm == same || (norm - same).abs() <= 1e-9 * norm.abs(), "{} {}", norm, same);
        }
    }

    #[test]
    fn ranges_have_the_length_that_they_say(start in -9i64..9, end in -9i64..9, step in -4i64..4) {
        let expected: Vec<i64> = match step {
            0 => vec![],
            step => (0..).map(|i| start + i * step).take_while(|&x| if step > 0 { x < end } else { x > end }).collect(),
        };
        let refused = step == 0 || (end - start) * step < 0;
        let answer = Tensor::arange(start, end, step).ok().map(|x| x.to_vec());
        prop_assert_eq!(&answer, &(!refused).then(|| expected.clone()));
        let floats = Tensor::arange(start as f64, end as f64, step as f64).ok();
        prop_assert_eq!(floats.map(|x| x.cast::<i64>().to_vec()), answer);
    }
}
