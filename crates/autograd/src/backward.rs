//! The sweep: the list, played backwards.
//!
//! Reverse mode asks of every entry how the loss changes with it, from the loss
//! (by 1) down to the leaves. An entry's gradient is complete when its turn
//! comes, because whatever used it stands above it in the list. It is handed to
//! the entry's rules, and what they return is added up at the inputs.
//!
//! Two forms of one sweep:
//!
//! - [`Var::backward`] is for training: it takes the list out of the tape, pops
//!   each entry after use, with all that it saved, and computes without
//!   recording. What remains is a value, [`Gradients`].
//! - [`grad`] is for gradients that are themselves differentiated: it leaves
//!   the tape in place and records, so its results can be used further on the
//!   same tape, and only computes what the inputs asked for depend on.
//!
//! A rule need not mention broadcasting: a gradient is summed back to its
//! input's shape here.

use tensor::{Error, Float, Result, Tensor};

use crate::gradients::Gradients;
use crate::record::{Edge, Node, Rule};
use crate::spare;
use crate::tape::Tape;
use crate::var::{Var, check_finite};

impl<T: Float> Var<T> {
    /// The gradient of this variable, a scalar, with respect to every leaf and
    /// parameter that it was computed from.
    ///
    /// Takes the loss, since the tape is consumed: read its value before, with
    /// [`item`](Var::item).
    ///
    /// # Errors
    /// [`Error::NotScalar`] if there is not exactly one element,
    /// [`Error::Consumed`] if the tape was swept before, [`Error::Value`] if the
    /// tape does not record or no leaf is reached; what a rule returns.
    pub fn backward(self) -> Result<Gradients<T>> {
        const OP: &str = "backward";
        let root = check_root(OP, &self)?;
        let tape = self.tape().clone();
        let scratch = tape.scratch();
        let seed = scratch.constant(self.value().ones_like());
        drop(self);

        let mut nodes = tape.consume();
        nodes.truncate(root + 1);
        let mut gradients = Gradients::new(tape.id());
        let mut pending = Pending::new(root, seed);
        for index in (0..nodes.len()).rev() {
            if let (Some(gradient), Some(node)) = (pending.pop(), nodes.get(index)) {
                if node.is_leaf {
                    gradients.insert(index, node.parameter, gradient.into_value());
                } else {
                    let edges = node.edges.iter().filter_map(|edge| {
                        let (input, rule) = (edge.index()?, edge.rule.as_ref()?);
                        Some((input, rule, &nodes.get(input)?.shape))
                    });
                    pending.pull(node.op.name, gradient, edges)?;
                }
            }
            // With all that it saved.
            nodes.truncate(index);
        }
        spare::put(nodes);
        pending.finish();
        Ok(gradients)
    }
}

/// The gradients of a scalar with respect to some variables, as variables on
/// the same tape: differentiable again, to any order.
///
/// ```
/// use tensor::Tensor;
/// use wengert_autograd::{Tape, grad};
///
/// // f = Σ x³ has the gradient 3x² and the second derivatives 6x.
/// let tape = Tape::new();
/// let x = tape.leaf(Tensor::from([1.0, 2.0]));
/// let f = x.mul(&x)?.mul(&x)?.sum()?;
/// let first = &grad(&f, &[&x])?[0];
/// assert_eq!(first.value(), &Tensor::from([3.0, 12.0]));
/// let second = &grad(&first.sum()?, &[&x])?[0];
/// assert_eq!(second.value(), &Tensor::from([6.0, 12.0]));
/// # Ok::<(), tensor::Error>(())
/// ```
///
/// The gradient of a piecewise linear function (ReLU, absolute value) does not
/// depend on its input: to differentiate it again, where PyTorch says 0, ask
/// [`grad_or_none`].
///
/// # Errors
/// As [`Var::backward`]; [`Error::MissingGradient`] for an input that the
/// output does not depend on; [`Error::MixedTapes`].
pub fn grad<T: Float>(output: &Var<T>, inputs: &[&Var<T>]) -> Result<Vec<Var<T>>> {
    grad_or_none(output, inputs)?
        .into_iter()
        .enumerate()
        .map(|(i, gradient)| {
            gradient.ok_or_else(|| Error::MissingGradient {
                op: "grad",
                name: format!("input {i} (shape {:?})", inputs[i].shape()),
            })
        })
        .collect()
}

/// As [`grad`], with `None` for an input that the output does not depend on:
/// PyTorch's `allow_unused`.
///
/// # Errors
/// As [`Var::backward`]; [`Error::MixedTapes`].
pub fn grad_or_none<T: Float>(output: &Var<T>, inputs: &[&Var<T>]) -> Result<Vec<Option<Var<T>>>> {
    const OP: &str = "grad";
    let tape = output.tape();
    if inputs.iter().any(|input| !input.tape().is_same(tape)) {
        return Err(Error::MixedTapes { op: OP });
    }
    let root = match check_root(OP, output) {
        // A constant is a function of nothing: every gradient is missing.
        Err(Error::Value { .. }) if tape.is_live() => return Ok(vec![None; inputs.len()]),
        other => other?,
    };

    let wanted = |index: usize| inputs.iter().any(|input| input.index() == Some(index));
    let needed = reaches(tape, root, &wanted);
    let mut found: Vec<Option<Var<T>>> = vec![None; inputs.len()];
    let mut pending = Pending::new(root, output.constant(output.value().ones_like()));
    for index in (0..=root).rev() {
        let Some(gradient) = pending.pop() else {
            continue;
        };
        for (slot, input) in found.iter_mut().zip(inputs) {
            if input.index() == Some(index) {
                *slot = Some(gradient.clone());
            }
        }
        // Out of the list before any rule runs: rules record.
        let step = tape.with_node(index, |node| (node.op.name, node.edges.clone()));
        let Some((op, edges)) = step else { continue };
        let edges = edges.iter().filter_map(|edge| {
            let (input, rule) = (edge.index().filter(|&i| needed[i])?, edge.rule.as_ref()?);
            Some((
                input,
                rule,
                tape.with_node(input, |node| node.shape.clone())?,
            ))
        });
        pending.pull(op, gradient, edges)?;
    }
    pending.finish();
    Ok(found)
}

/// The entry to sweep from.
fn check_root<T: Float>(op: &'static str, output: &Var<T>) -> Result<usize> {
    let tape = output.tape();
    tape.check_live(op)?;
    if output.value().len() != 1 {
        return Err(Error::NotScalar {
            op,
            shape: output.shape().to_vec(),
        });
    }
    if !tape.is_recording() {
        return Err(Error::value(
            op,
            "this tape records nothing; make the forward pass on Tape::new()",
        ));
    }
    output
        .index()
        .ok_or_else(|| Error::value(op, "the output depends on no leaf and no parameter"))
}

/// For each entry up to `root`, whether a wanted one is below it.
fn reaches<T: Float>(tape: &Tape<T>, root: usize, wanted: &dyn Fn(usize) -> bool) -> Vec<bool> {
    let mut reaches = Vec::with_capacity(root + 1);
    for index in 0..=root {
        let below = |node: &Node<T>| {
            let mut inputs = node.edges.iter().filter_map(Edge::index);
            inputs.any(|input| reaches[input])
        };
        let reached = wanted(index) || tape.with_node(index, below).unwrap_or_default();
        reaches.push(reached);
    }
    reaches
}

/// What a rule makes of a gradient, summed over broadcast axes to its input's
/// shape.
fn pulled<T: Float>(
    op: &'static str,
    rule: &Rule<T>,
    gradient: Var<T>,
    shape: &[usize],
    tape: &Tape<T>,
) -> Result<Var<T>> {
    let gradient = rule(gradient).map_err(|error| match error {
        // The step of the rule that did it says little without the rule.
        Error::Anomaly {
            op: step,
            found,
            shape,
        } => Error::Anomaly {
            op: format!("gradient of {op}, at {step}"),
            found,
            shape,
        },
        other => other,
    })?;
    if !gradient.tape().is_same(tape) {
        return Err(Error::MixedTapes { op });
    }
    if tape.detects_anomaly() {
        check_finite(gradient.value(), || format!("gradient of {op}"))?;
    }
    // One by one: slices would be compared by a call.
    let sizes = || gradient.shape().iter().zip(shape);
    if gradient.ndim() == shape.len() && sizes().all(|(a, b)| a == b) {
        return Ok(gradient);
    }
    gradient.sum_to(shape).map_err(|_| {
        Error::shape(
            op,
            format!(
                "a rule returned a gradient of shape {:?} for an input of shape {shape:?}",
                gradient.shape()
            ),
        )
    })
}

/// The gradients on their way down, one slot an entry.
struct Pending<T: Float> {
    slots: Vec<Option<Var<T>>>,
    /// Where they are computed.
    tape: Tape<T>,
}

impl<T: Float> Pending<T> {
    fn new(root: usize, seed: Var<T>) -> Self {
        let tape = seed.tape().clone();
        let mut slots = spare::take();
        slots.resize_with(root, || None);
        slots.push(Some(seed));
        Self { slots, tape }
    }

    /// Hands the gradient of an operation's result to the rules of its inputs,
    /// to the last of them for good.
    fn pull<'r, S: AsRef<[usize]>>(
        &mut self,
        op: &'static str,
        gradient: Var<T>,
        edges: impl Iterator<Item = (usize, &'r Rule<T>, S)>,
    ) -> Result<()> {
        let mut edges = edges.peekable();
        let mut gradient = Some(gradient);
        while let Some((input, rule, shape)) = edges.next() {
            let others = edges.peek().and_then(|_| gradient.clone());
            if let Some(gradient) = std::mem::replace(&mut gradient, others) {
                let contribution = pulled(op, rule, gradient, shape.as_ref(), &self.tape)?;
                self.add(input, contribution)?;
            }
        }
        Ok(())
    }

    /// Puts the list aside for the next sweep.
    fn finish(self) {
        spare::put(self.slots);
    }

    /// The complete gradient of the topmost entry.
    fn pop(&mut self) -> Option<Var<T>> {
        self.slots.pop().flatten()
    }

    /// Adds one contribution: the first moves in, later ones are added, in
    /// place where nothing records and nothing shares the sum.
    fn add(&mut self, index: usize, contribution: Var<T>) -> Result<()> {
        let Some(slot) = self.slots.get_mut(index) else {
            return Ok(());
        };
        *slot = Some(match slot.take() {
            None => contribution,
            Some(sum) if sum.is_tracked() || contribution.is_tracked() => sum.add(&contribution)?,
            Some(sum) => {
                let mut total: Tensor<T> = sum.into_value();
                total.add_assign(contribution.value())?;
                self.tape.constant(total)
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::Parameter;
    use crate::record::{pull, pull_owned};

    fn leaf(values: &[f64]) -> Var<f64> {
        Tape::new().leaf(Tensor::from(values.to_vec()))
    }

    #[test]
    fn contributions_add_up_where_a_value_is_used_twice() {
        let x = leaf(&[3.0]);
        let y = x.mul(&x).unwrap(); // x², used twice below
        let loss = y.add(&y).unwrap().mul(&y).unwrap(); // 2x⁴
        let grads = loss.backward().unwrap();
        assert_eq!(grads.get(&x), Some(&Tensor::from([8.0 * 27.0])));
    }

    /// The last input's rule holds the only handle on a gradient; the others'
    /// rules, and a gradient that was used before, find it as it was.
    #[test]
    fn a_gradient_is_handed_over_for_good_to_the_last_rule_alone() {
        let clear = || {
            pull_owned(|g: Var<f64>| {
                let tape = g.tape().clone();
                let mut value = g.into_value();
                value.fill(0.0);
                Ok(tape.constant(value))
            })
        };
        let tape = Tape::new();
        let [a, b] = [1.0, 2.0].map(|x| tape.leaf(Tensor::from([x])));
        let pass = pull(|g: &Var<f64>| Ok(g.clone()));
        let inputs = [(&a, clear()), (&b, pass.clone()), (&b, clear())];
        let y = Var::record("mine", Tensor::from([0.0]), inputs).unwrap();
        // Above it, the same gradient is a's too.
        let loss = y.add(&a).unwrap().sum().unwrap();
        let grads = loss.backward().unwrap();
        assert_eq!(grads.get(&a), Some(&Tensor::from([1.0])));
        assert_eq!(grads.get(&b), Some(&Tensor::from([1.0])));
    }

    #[test]
    fn gradients_are_summed_over_broadcast_axes() {
        let tape = Tape::new();
        let a = tape.leaf(Tensor::from([[1.0], [2.0]]));
        let b = tape.leaf(Tensor::from([10.0, 20.0, 30.0]));
        let grads = a.mul(&b).unwrap().sum().unwrap().backward().unwrap();
        assert_eq!(grads.get(&a), Some(&Tensor::from([[60.0], [60.0]])));
        assert_eq!(grads.get(&b), Some(&Tensor::from([3.0, 3.0, 3.0])));
    }

    #[test]
    fn a_long_chain_sweeps_and_drops_without_recursion() {
        let x = leaf(&[1.0]);
        let mut y = x.clone();
        for _ in 0..400_000 {
            y = y.mul_scalar(1.0).unwrap();
        }
        let second = grad(&y, &[&x]).unwrap();
        assert_eq!(second[0].value(), &Tensor::from([1.0]));
        let grads = y.backward().unwrap();
        assert_eq!(grads.get(&x), Some(&Tensor::from([1.0])));
        let mut y = leaf(&[1.0]);
        for _ in 0..400_000 {
            y = y.mul_scalar(1.0).unwrap();
        }
        drop(y); // never swept, freed all the same
    }

    #[test]
    fn higher_orders_of_a_power() {
        // PyTorch: d²/dx² (x³)² at 2 is 30 · 2⁴ = 480.
        let x = leaf(&[2.0]);
        let cube = x.mul(&x).unwrap().mul(&x).unwrap();
        let y = cube.mul(&cube).unwrap().sum().unwrap();
        let first = &grad(&y, &[&x]).unwrap()[0];
        let second = &grad(&first.sum().unwrap(), &[&x]).unwrap()[0];
        assert_eq!(second.value(), &Tensor::from([480.0]));
        // The tape is still there: the third, by an ordinary backward.
        let third = second.sum().unwrap().backward().unwrap();
        assert_eq!(third.get(&x), Some(&Tensor::from([960.0])));
    }

    #[test]
    fn gradients_of_intermediate_values() {
        let x = leaf(&[2.0]);
        let y = x.mul(&x).unwrap();
        let z = y.mul_scalar(5.0).unwrap();
        let grads = grad(&z, &[&y, &x, &z]).unwrap();
        let values: Vec<_> = grads.iter().map(|g| g.item().unwrap()).collect();
        assert_eq!(values, [5.0, 20.0, 1.0]);
    }

    #[test]
    fn what_is_not_reached_is_named_or_none() {
        let tape = Tape::new();
        let (x, unused) = (
            tape.leaf(Tensor::scalar(2.0)),
            tape.leaf(Tensor::scalar(3.0)),
        );
        let y = x.mul(&x).unwrap();
        let error = grad(&y, &[&x, &unused]).unwrap_err();
        assert!(matches!(error, Error::MissingGradient { .. }), "{error}");
        assert!(grad_or_none(&y, &[&unused]).unwrap()[0].is_none());
        assert!(grad_or_none(&y.detach(), &[&x]).unwrap()[0].is_none());
        let grads = y.backward().unwrap();
        assert!(grads.get(&unused).is_none());
        assert_eq!(grads.len(), 1);
    }

    #[test]
    fn misuse_is_an_error_each() {
        let x = leaf(&[1.0, 2.0]);
        assert!(matches!(x.clone().backward(), Err(Error::NotScalar { .. })));
        assert!(matches!(grad(&x, &[&x]), Err(Error::NotScalar { .. })));

        let y = x.sum().unwrap();
        y.clone().backward().unwrap();
        assert!(matches!(
            y.clone().backward(),
            Err(Error::Consumed { op: "backward" })
        ));
        assert!(matches!(x.mul(&x), Err(Error::Consumed { op: "mul" })));
        assert!(matches!(
            grad(&y, &[&x]),
            Err(Error::Consumed { op: "grad" })
        ));
        assert!(!x.tape().leaf(Tensor::scalar(1.0)).is_tracked());

        let (a, b) = (leaf(&[1.0]), leaf(&[1.0]));
        assert!(matches!(a.mul(&b), Err(Error::MixedTapes { op: "mul" })));
        assert!(matches!(a.mul(&b.detach()), Err(Error::MixedTapes { .. })));
        assert!(matches!(grad(&a, &[&b]), Err(Error::MixedTapes { .. })));

        let constant = Tape::<f64>::new().constant(Tensor::scalar(1.0));
        assert!(matches!(constant.backward(), Err(Error::Value { .. })));
        let silent = Tape::<f64>::inference().leaf(Tensor::scalar(1.0));
        assert!(matches!(silent.backward(), Err(Error::Value { .. })));
        let none: [(&Var<f64>, _); 0] = [];
        assert!(Var::record("nothing", Tensor::scalar(1.0), none).is_err());
    }

    #[test]
    fn a_rule_of_the_wrong_shape_is_named() {
        let x = leaf(&[1.0, 2.0]);
        let rule = pull(|g: &Var<f64>| Ok(g.constant(Tensor::from([1.0, 2.0, 3.0]))));
        let y = Var::record("odd", Tensor::scalar(1.0), [(&x, rule)]).unwrap();
        let message = y.backward().unwrap_err().to_string();
        assert!(
            message.starts_with("odd: a rule returned a gradient of shape [3]"),
            "{message}"
        );
    }

    #[test]
    fn a_parameter_overwritten_after_forward_leaves_the_old_value_to_the_gradient() {
        let mut w = Parameter::new(Tensor::from([3.0]));
        let tape = Tape::new();
        let v = tape.parameter(&w);
        let loss = v.mul(&v).unwrap().sum().unwrap();
        w.value_mut().fill(100.0);
        assert_eq!(tape.parameter(&w).value(), &Tensor::from([3.0]));
        assert_eq!(loss.backward().unwrap().get(&w), Some(&Tensor::from([6.0])));
    }

    #[test]
    fn the_sweep_releases_parameters_so_that_updates_are_in_place() {
        let mut w = Parameter::new(Tensor::from([3.0, 4.0]));
        let at = w.value().as_slice().as_ptr();
        let tape = Tape::new();
        let loss = {
            let v = tape.parameter(&w);
            v.mul(&v).unwrap().sum().unwrap()
        };
        let grads = loss.backward().unwrap();
        let gradient = grads.get(&w).unwrap();
        w.value_mut().add_scaled(-0.5, gradient).unwrap();
        assert_eq!(w.value(), &Tensor::from([0.0, 0.0]));
        assert_eq!(w.value().as_slice().as_ptr(), at);
    }

    #[test]
    fn anomalies_are_named_forward_and_backward() {
        let tape = Tape::new().detect_anomaly();
        let x = tape.leaf(Tensor::from([1.0, f64::INFINITY]));
        let error = x.mul_scalar(2.0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "mul_scalar: the result holds inf at element 1 (shape [2])"
        );

        let x = tape.leaf(Tensor::from([1.0]));
        let rule = pull(|g: &Var<f64>| Ok(g.constant(Tensor::from([f64::NAN]))));
        let y = Var::record("odd", Tensor::from([1.0]), [(&x, rule)]).unwrap();
        let error = y.backward().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("gradient of odd: the result holds NaN"),
            "{error}"
        );
    }
}
