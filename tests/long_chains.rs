//! Long computations, and what becomes of them: nothing recurses on the length
//! of a tape, and nothing keeps one alive.

use std::sync::{Arc, Weak};

use wengert::prelude::*;
use wengert::{grad_or_none, pull};

/// Operations in a chain.
const LENGTH: usize = 100_000;

/// Runs `work` on a thread whose stack would not hold one frame of a recursion
/// for each operation.
fn on_a_small_stack(work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    let thread = std::thread::Builder::new()
        .stack_size(512 << 10)
        .spawn(work);
    match thread.map(std::thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => Err(Error::value("spawn", error.to_string())),
    }
}

/// x, a hundred thousand operations later: near x, and with a slope near 1.
fn chain(x: &Var<f64>) -> Result<Var<f64>> {
    let mut y = x.clone();
    for i in 0..LENGTH {
        y = match i % 4 {
            0 => y.mul_scalar(1.0 + 1e-9)?,
            1 => y.add(x)?,
            2 => y.sub(x)?,
            _ => y.add_scalar(1e-9)?,
        };
    }
    Ok(y)
}

#[test]
fn a_long_chain_is_swept() -> Result<()> {
    on_a_small_stack(|| {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from([0.5, 1.0]));
        let y = chain(&x)?;
        assert_eq!(tape.len(), 1 + LENGTH);
        let grads = y.sum()?.backward()?;
        let slope = (1.0 + 1e-9f64).powi(LENGTH as i32 / 4);
        let gradient = grads.get(&x).cloned().unwrap_or_else(|| x.value().clone());
        assert!(
            gradient.all_close(&Tensor::full([2], slope)?, 1e-3, 0.0),
            "{gradient:?}"
        );
        assert!(tape.is_empty());
        Ok(())
    })
}

#[test]
fn a_long_chain_is_dropped_unswept() -> Result<()> {
    on_a_small_stack(|| {
        let tape = Tape::new();
        let y = chain(&tape.leaf(Tensor::scalar(1.0)))?;
        drop(tape);
        drop(y);
        Ok(())
    })
}

#[test]
fn a_long_chain_is_differentiated_twice() -> Result<()> {
    on_a_small_stack(|| {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::scalar(2.0));
        let y = chain(&x)?.square()?;
        let first = &grad(&y, &[&x])?[0];
        let second = &grad(first, &[&x])?[0];
        // y = (c x + d)², with c and 1 alike to four digits.
        assert!((first.item()? - 4.0).abs() < 1e-2, "{first:?}");
        assert!((second.item()? - 2.0).abs() < 1e-2, "{second:?}");
        Ok(())
    })
}

#[test]
fn a_long_tape_is_printed() -> Result<()> {
    on_a_small_stack(|| {
        let tape = Tape::new();
        let y = chain(&tape.leaf(Tensor::scalar(1.0)))?;
        assert_eq!(tape.to_string().lines().count(), 1 + LENGTH);
        assert!(tape.to_dot().lines().count() > 2 * LENGTH);
        assert_eq!(tape.entries().len(), tape.len());
        assert!(format!("{tape:?} {y:?}").len() < 200);
        Ok(())
    })
}

#[test]
fn one_leaf_has_many_uses() -> Result<()> {
    on_a_small_stack(|| {
        let tape = Tape::new();
        let p: Parameter<f64> = Parameter::new(Tensor::scalar(1.0));
        let parts = (0..LENGTH).map(|_| Ok(tape.parameter(&p)));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        assert_eq!(tape.len(), 1, "one leaf, however often it is asked for");
        let sum = Var::stack(&parts.iter().collect::<Vec<_>>(), 0)?.sum()?;
        drop(parts);
        let grads = sum.backward()?;
        assert_eq!(grads.get(&p), Some(&Tensor::scalar(LENGTH as f64)));
        Ok(())
    })
}

// ---------------------------------------------------------------- what is freed

/// The identity, with a rule that holds something; it is gone when that is.
fn watched(x: &Var) -> Result<(Var, Weak<()>)> {
    let held = Arc::new(());
    let watch = Arc::downgrade(&held);
    let rule = pull(move |g: &Var| {
        let _held = &held;
        Ok(g.clone())
    });
    let y = Var::record("watched", x.value().clone(), [(x, rule)])?;
    Ok((y, watch))
}

fn is_freed(watch: &Weak<()>) -> bool {
    watch.strong_count() == 0
}

#[test]
fn a_tape_that_is_never_swept_is_freed() -> Result<()> {
    let tape = Tape::new();
    let x = tape.leaf(Tensor::from([1.0, 2.0]));
    // Rules of every kind: that save inputs, their own output, and nothing.
    let (y, watch) = watched(&x.exp()?.mul(&x)?.tanh()?.sum()?)?;
    let z = y.add_scalar(1.0)?;
    drop(tape);
    drop(y);
    assert!(!is_freed(&watch), "a variable keeps its tape");
    drop(x);
    drop(z);
    assert!(is_freed(&watch));
    Ok(())
}

#[test]
fn a_tape_with_gradients_of_gradients_is_freed() -> Result<()> {
    let tape = Tape::new();
    let x = tape.leaf(Tensor::from([1.0, 2.0]));
    let (y, watch) = watched(&x.exp()?.mul(&x.sigmoid()?)?)?;
    let first = grad(&y.square()?.sum()?, &[&x])?;
    let second = grad(&first[0].square()?.sum()?, &[&x])?;
    let unused = grad_or_none(&second[0].sum()?, &[&x])?;
    assert!(unused[0].is_some());
    drop((tape, x, y, first, second, unused));
    assert!(is_freed(&watch));
    Ok(())
}

#[test]
fn a_sweep_frees_what_was_saved() -> Result<()> {
    let tape = Tape::new();
    let x = tape.leaf(Tensor::from([1.0, 2.0]));
    let (y, watch) = watched(&x)?;
    let grads = y.sum()?.backward()?;
    assert!(
        is_freed(&watch),
        "although tape and variables are still there"
    );
    assert_eq!(
        (tape.len(), x.shape(), y.shape(), grads.len()),
        (0, &[2][..], &[2][..], 1)
    );

    // A sweep that fails has used the tape up as well.
    let tape = Tape::new();
    let x = tape.leaf(Tensor::scalar(1.0));
    let (y, watch) = watched(&x)?;
    let failing = pull(|_: &Var| Err(Error::value("mine", "not today")));
    let z = Var::record("mine", y.value().clone(), [(&y, failing)])?;
    assert!(z.backward().is_err());
    assert!(is_freed(&watch));
    Ok(())
}

#[test]
fn what_wants_no_gradient_saves_nothing() -> Result<()> {
    let tape = Tape::new();
    let (_y, watch) = watched(&tape.constant(Tensor::scalar(1.0)))?;
    assert!(is_freed(&watch));
    let inference = Tape::inference();
    let (_y, watch) = watched(&inference.leaf(Tensor::scalar(1.0)))?;
    assert!(is_freed(&watch));
    assert!(tape.is_empty() && inference.is_empty());
    Ok(())
}

#[test]
fn a_sweep_lets_go_of_parameters() -> Result<()> {
    let mut p: Parameter = Parameter::new(Tensor::ones([1000])?);
    let address = |p: &Parameter| p.value().as_slice().as_ptr();
    let before = address(&p);

    let loss = Tape::new().parameter(&p).square()?.sum()?;
    let grads = loss.backward()?;
    p.value_mut().fill(2.0);
    assert_eq!(address(&p), before, "written in place");
    drop(grads);

    // A tape that still holds the value keeps it: the write goes to a copy.
    let tape = Tape::new();
    let square = tape.parameter(&p).square()?;
    p.value_mut().fill(3.0);
    assert_ne!(address(&p), before);
    let grads = square.sum()?.backward()?;
    assert_eq!(grads.get(&p), Some(&Tensor::full([1000], 4.0)?));
    Ok(())
}
