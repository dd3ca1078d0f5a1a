//! What all normalisations share: their gradients, differentiable to any order.
//!
//! With x̂ = (x − mean) · r and r = 1 / √(variance + eps), the derivative of x̂ with
//! respect to x is a symmetric operation on each group,
//!
//! ```text
//! J g = r · (g − mean(g) − x̂ · mean(g · x̂)),
//! ```
//!
//! so the gradient of x̂ is J again, and J is linear in g. Its derivative with
//! respect to x, against a gradient v, is made of the same pieces:
//!
//! ```text
//! ∂⟨v, J g⟩/∂x = −r · (x̂ · mean(v · J g) + J v · mean(g · x̂) + J g · mean(v · x̂))
//! ∂r/∂x        = −r² · x̂ / n
//! ```
//!
//! (An RMS norm has no mean to subtract; the rest is the same.) So derivatives of
//! every order stay within x̂, J and r.
//!
//! **Cost.** Where nothing records, as in `backward`, weight, bias and input share
//! two sums: operand and gradient are read twice, and one result is written.

use std::sync::{Arc, OnceLock};

use tensor::{Float, Result, Standardization, Tensor};

use crate::record::{OpInfo, pull};
use crate::var::{Saved, Var};

/// x̂ · weight + bias, one of each for every channel, and its rules.
pub(super) fn normalized<T: Float>(
    op: impl Into<OpInfo>,
    x: &Var<T>,
    weight: Option<&Var<T>>,
    bias: Option<&Var<T>>,
    plan: &Standardization,
) -> Result<Var<T>> {
    let [w, b] = [weight, bias].map(|v| v.map(Var::value));
    let value = plan.normalize(x.value(), w, b)?;
    let shared = Shared {
        x: x.save(),
        plan: plan.clone(),
        sums: Arc::default(),
    };
    let of_x = x.wanted(|| {
        let (shared, weight) = (shared.clone(), weight.map(Var::save));
        pull(move |g| {
            let weight = weight.as_ref().map(|weight| weight.on(g));
            let sums = shared.sums(g)?;
            input_gradient(&shared.x.on(g), g, weight.as_ref(), &shared.plan, &sums)
        })
    });
    let of_weight = weight.map(|weight| {
        let rule = weight.wanted(|| {
            let shared = shared.clone();
            pull(move |g| weight_gradient(&shared.x.on(g), g, &shared.plan, &shared.sums(g)?))
        });
        (weight, rule)
    });
    let of_bias = bias.map(|bias| {
        let rule = bias.wanted(|| {
            let shared = shared.clone();
            pull(move |g| bias_gradient(g, &shared.plan, &shared.sums(g)?))
        });
        (bias, rule)
    });
    let inputs = [(x, of_x)].into_iter().chain(of_weight).chain(of_bias);
    Var::record_wanted(op.into(), value, inputs)
}

/// What the rules of one entry have in common.
#[derive(Clone)]
struct Shared<T: Float> {
    x: Saved<T>,
    plan: Standardization,
    /// The sums of the one gradient that `backward` brings: made by the first rule
    /// that needs them, since they are half of the work.
    sums: Arc<OnceLock<Tensor<f64>>>,
}

impl<T: Float> Shared<T> {
    fn sums(&self, g: &Var<T>) -> Result<Tensor<f64>> {
        let sums = || self.plan.gradient_sums(self.x.value(), g.value());
        if g.tape().is_recording() {
            // `grad` may come again, with another gradient.
            return sums();
        }
        match self.sums.get() {
            Some(sums) => Ok(sums.clone()),
            None => {
                let sums = sums()?;
                Ok(self.sums.get_or_init(|| sums).clone())
            }
        }
    }
}

/// J (g · weight), from the sums of g.
fn input_gradient<T: Float>(
    x: &Var<T>,
    g: &Var<T>,
    weight: Option<&Var<T>>,
    plan: &Standardization,
    sums: &Tensor<f64>,
) -> Result<Var<T>> {
    const OP: &str = "normalize_input";
    let value = plan.input_gradient(x.value(), g.value(), weight.map(Var::value), sums)?;
    if !x.tape().is_recording() {
        return Var::unrecorded(OP, value, [x, g]);
    }
    let saved = Saveds {
        x: x.save(),
        g: g.save(),
        weight: weight.map(Var::save),
        y: x.tape().save_output(&value),
    };
    let of_x = x.wanted(|| {
        let (saved, plan) = (saved.clone(), plan.clone());
        pull(move |v| {
            if plan.is_fixed() {
                return Ok(v.constant(v.value().zeros_like()));
            }
            let g = saved.times_weight(&saved.g.on(v))?;
            bent(&saved.x.on(v), &g, &saved.y.on(v), v, &plan)
        })
    });
    let of_g = {
        let (saved, plan) = (saved.clone(), plan.clone());
        pull(move |v| saved.times_weight(&jacobian(&saved.x.on(v), v, &plan)?))
    };
    let of_weight = weight.map(|weight| {
        let plan = plan.clone();
        let rule = pull(move |v| {
            let along = jacobian(&saved.x.on(v), v, &plan)?;
            let spread = spread(v.shape());
            let sums = saved.g.on(v).mul(&along)?.sum_to(&spread)?;
            sums.reshape_to(&spread[..1])
        });
        (weight, Some(rule))
    });
    let inputs = [(x, of_x), (g, Some(of_g))].into_iter().chain(of_weight);
    Var::record_wanted(OP.into(), value, inputs)
}

/// What the rules of a gradient speak of.
#[derive(Clone)]
struct Saveds<T: Float> {
    x: Saved<T>,
    g: Saved<T>,
    weight: Option<Saved<T>>,
    y: Saved<T>,
}

impl<T: Float> Saveds<T> {
    fn times_weight(&self, var: &Var<T>) -> Result<Var<T>> {
        match &self.weight {
            Some(weight) => var.mul(&weight.on(var).reshape_to(spread(var.shape()))?),
            None => Ok(var.clone()),
        }
    }
}

/// Σ g · x̂ for each channel, which is linear in g.
fn weight_gradient<T: Float>(
    x: &Var<T>,
    g: &Var<T>,
    plan: &Standardization,
    sums: &Tensor<f64>,
) -> Result<Var<T>> {
    const OP: &str = "normalize_weight";
    let [value, _] = plan.affine_gradients(sums)?;
    if !x.tape().is_recording() {
        return Var::unrecorded(OP, value, [x, g]);
    }
    let of_x = x.wanted(|| {
        let (x, g, plan) = (x.save(), g.save(), plan.clone());
        pull(move |v| {
            let (x, g) = (x.on(v), g.on(v));
            let sums = plan.gradient_sums(x.value(), g.value())?;
            input_gradient(&x, &g, Some(v), &plan, &sums)
        })
    });
    let of_g = {
        let (x, plan) = (x.save(), plan.clone());
        pull(move |v| normalized("normalize", &x.on(v), Some(v), None, &plan))
    };
    Var::record_wanted(OP.into(), value, [(x, of_x), (g, Some(of_g))])
}

/// Σ g for each channel.
fn bias_gradient<T: Float>(
    g: &Var<T>,
    plan: &Standardization,
    sums: &Tensor<f64>,
) -> Result<Var<T>> {
    let [_, value] = plan.affine_gradients(sums)?;
    let shape = g.shape().to_vec();
    let rule = pull(move |v: &Var<T>| v.reshape_to(spread(&shape))?.expand(&shape));
    Var::record("normalize_bias", value, [(g, rule)])
}

/// The shape in which one number for each channel broadcasts over `[N, C, …]`.
fn spread(shape: &[usize]) -> Vec<usize> {
    let mut spread = vec![1; shape.len().saturating_sub(1).max(1)];
    spread[0] = shape.get(1).copied().unwrap_or(0);
    spread
}

/// x̂.
fn standardized<T: Float>(x: &Var<T>, plan: &Standardization) -> Result<Var<T>> {
    normalized("normalize", x, None, None, plan)
}

/// J g.
fn jacobian<T: Float>(x: &Var<T>, g: &Var<T>, plan: &Standardization) -> Result<Var<T>> {
    let sums = plan.gradient_sums(x.value(), g.value())?;
    input_gradient(x, g, None, plan, &sums)
}

/// ∂⟨v, J g⟩/∂x, for y = J g.
fn bent<T: Float>(
    x: &Var<T>,
    g: &Var<T>,
    y: &Var<T>,
    v: &Var<T>,
    plan: &Standardization,
) -> Result<Var<T>> {
    let (groups, shape) = (plan.groups(), v.shape());
    // With the groups as an axis.
    let view = groups.view();
    let viewed = |var: &Var<T>| var.reshape_to(&view);
    let (x, g, y, v) = (viewed(x)?, viewed(g)?, viewed(y)?, viewed(v)?);
    let mean = |a: &Var<T>, b: &Var<T>| a.mul(b)?.mean_axes(groups.axes(), true);
    let standard = standardized(&x, plan)?;
    let along_x = standard.mul(&mean(&v, &y)?)?;
    let along_v = jacobian(&x, &v, plan)?.mul(&mean(&g, &standard)?)?;
    let along_y = y.mul(&mean(&v, &standard)?)?;
    let sum = along_x.add(&along_v)?.add(&along_y)?;
    let r = reciprocal_deviation(&x, plan)?;
    sum.mul(&r)?.neg()?.reshape_to(shape)
}

/// r, of an x in the shape of [`Groups::view`](tensor::NormGroups::view).
fn reciprocal_deviation<T: Float>(x: &Var<T>, plan: &Standardization) -> Result<Var<T>> {
    let value = plan.reciprocal_deviation()?;
    let (saved, y, plan) = (x.save(), x.tape().save_output(&value), plan.clone());
    let rule = pull(move |g: &Var<T>| {
        let slope = y.on(g).square()?.mul(g)?;
        let n = T::of(plan.groups().count() as f64);
        let slope = slope.mul_scalar(-T::ONE / n)?;
        standardized(&saved.on(g), &plan)?.mul(&slope)
    });
    Var::record("reciprocal_deviation", value, [(x, rule)])
}

#[cfg(test)]
mod tests;
