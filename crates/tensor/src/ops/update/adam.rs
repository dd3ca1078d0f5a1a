//! Adam (Kingma and Ba, 2015), AMSGrad (Reddi et al., 2018) and AdamW
//! (Loshchilov and Hutter, 2019).

use super::super::elementwise::larger;
use super::sweep::sweep;
use super::{check_rate, check_step, same_shape};
use crate::element::Float;
use crate::error::{Error, Result};
use crate::loops::CHECKED;
use crate::tensor::Tensor;

/// The numbers of Adam, as `torch.optim.Adam` names them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamOptions {
    /// The learning rate.
    pub lr: f64,
    /// What share of each moment is kept: of the mean of the gradient, and of
    /// that of its square.
    pub betas: (f64, f64),
    /// What keeps the divisor from 0.
    pub eps: f64,
    /// The L2 penalty that is added to the gradient; or, if it is decoupled, what
    /// share of `lr` the parameter shrinks by.
    pub weight_decay: f64,
    /// Whether the largest second moment so far is divided by.
    pub amsgrad: bool,
    /// Whether to ascend.
    pub maximize: bool,
    /// Whether the decay passes the moments by, as in AdamW.
    pub decoupled_weight_decay: bool,
}

impl Default for AdamOptions {
    /// PyTorch's of Adam.
    fn default() -> Self {
        Self {
            lr: 1e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            amsgrad: false,
            maximize: false,
            decoupled_weight_decay: false,
        }
    }
}

impl AdamOptions {
    /// Refuses numbers with which nothing of type `T` can descend, for the
    /// operation `op`.
    ///
    /// # Errors
    /// [`Error::Value`] for a number that is negative or not finite, and for a β
    /// outside of `[0, 1)`.
    pub fn check<T: Float>(&self, op: &'static str) -> Result<()> {
        check_rate::<T>(op, "the learning rate", self.lr)?;
        check_rate::<T>(op, "eps", self.eps)?;
        check_rate::<T>(op, "weight decay", self.weight_decay)?;
        for (name, beta) in [("β₁", self.betas.0), ("β₂", self.betas.1)] {
            if !(0.0..1.0).contains(&beta) {
                let message = format!("{name} must lie in [0, 1), got {beta}");
                return Err(Error::value(op, message));
            }
        }
        Ok(())
    }
}

impl<T: Float> Tensor<T> {
    /// One step of Adam, the `step`-th of this parameter, in one sweep over
    /// parameter, gradient and moments:
    ///
    /// ```text
    /// g ← g + decay · p                         (or, decoupled, p ← p − lr · decay · p)
    /// m ← m + (1 − β₁) · (g − m)
    /// v ← β₂ · v + (1 − β₂) · g²
    /// w ← max(w, v) with amsgrad, v without
    /// p ← p − lr / (1 − β₁ᵗ) · m / (√w / √(1 − β₂ᵗ) + eps)
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ; [`Error::Value`] as
    /// [`AdamOptions::check`], if `step` is 0, or if there is a w without amsgrad
    /// or none with it.
    pub fn adam_step(
        &mut self,
        [m, v]: [&mut Self; 2],
        w: Option<&mut Self>,
        gradient: &Self,
        step: u64,
        options: &AdamOptions,
    ) -> Result<()> {
        const OP: &str = "adam_step";
        options.check::<T>(OP)?;
        check_step(OP, step)?;
        same_shape(OP, self, gradient)?;
        same_shape(OP, m, gradient)?;
        same_shape(OP, v, gradient)?;
        if w.is_some() != options.amsgrad {
            let message = "amsgrad, and only that, needs the largest second moment";
            return Err(Error::value(OP, message));
        }
        let w = match w {
            None => None,
            Some(w) => {
                same_shape(OP, w, gradient)?;
                Some(w.as_mut_slice())
            }
        };
        let targets = [self.as_mut_slice(), m.as_mut_slice(), v.as_mut_slice()];
        T::adam_sweep(CHECKED, options, step, targets, w, gradient.as_slice());
        Ok(())
    }
}

/// The loop.
pub(crate) fn adam_loops<T: Float>(
    options: &AdamOptions,
    step: u64,
    [p, m, v]: [&mut [T]; 3],
    w: Option<&mut [T]>,
    g: &[T],
) {
    /// A place of Adam, beside the sweep: root, two quotients.
    const COST: usize = 8;
    let (beta1, beta2) = options.betas;
    let t = step as f64;
    let pace = options.lr / (1.0 - beta1.powf(t));
    let correction = (1.0 - beta2.powf(t)).sqrt();
    let [pace, correction, eps, decay] =
        [pace, correction, options.eps, options.weight_decay].map(T::of);
    let [fresh1, kept2, fresh2] = [1.0 - beta1, beta2, 1.0 - beta2].map(T::of);
    let decays = options.weight_decay != 0.0;
    let coupled = decays && !options.decoupled_weight_decay;
    let shrink = if decays && !coupled {
        T::of(1.0 - options.lr * options.weight_decay)
    } else {
        T::ONE
    };
    let maximize = options.maximize;
    let moments = move |p: T, m: T, v: T, g: T| {
        let g = if maximize { -g } else { g };
        let g = if coupled { g + decay * p } else { g };
        (lerp(m, g, fresh1), kept2 * v + fresh2 * g * g)
    };
    let moved = move |p: T, m: T, w: T| p * shrink - pace * m / (w.sqrt() / correction + eps);
    match w {
        None => sweep([p, m, v], g, COST, |[p, m, v], g| {
            let (m, v) = moments(p, m, v, g);
            [moved(p, m, v), m, v]
        }),
        Some(w) => sweep([p, m, v, w], g, COST, |[p, m, v, w], g| {
            let (m, v) = moments(p, m, v, g);
            let w = larger(w, v);
            [moved(p, m, w), m, v, w]
        }),
    }
}

/// From `a` to `b`, by the share `t` of the way: exact at both ends, as
/// PyTorch's `lerp`.
#[inline(always)]
pub(super) fn lerp<T: Float>(a: T, b: T, t: T) -> T {
    if t < T::of(0.5) {
        a + t * (b - a)
    } else {
        b - (b - a) * (T::ONE - t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameter and moments after steps with these gradients.
    fn run(options: &AdamOptions, gradients: &[f64]) -> [f64; 4] {
        let mut x = [
            Tensor::from([1.0]),
            Tensor::from([0.0]),
            Tensor::from([0.0]),
            Tensor::from([0.0]),
        ];
        for (i, &g) in gradients.iter().enumerate() {
            let [p, m, v, w] = &mut x;
            let w = options.amsgrad.then_some(w);
            p.adam_step([m, v], w, &Tensor::from([g]), i as u64 + 1, options)
                .unwrap();
        }
        x.map(|x| x.item().unwrap())
    }

    #[test]
    fn the_first_step_is_as_long_as_the_rate() {
        // Whatever the gradient: m = 0.1 g, v = 0.001 g², both corrected to g and g².
        for g in [1e-3, 5.0, -2e4] {
            let [p, m, v, _] = run(&AdamOptions::default(), &[g]);
            assert!((p - (1.0 - 1e-3 * g.signum())).abs() < 1e-8, "{p}");
            assert!((m - 0.1 * g).abs() < 1e-12 * g.abs());
            assert!((v - 0.001 * g * g).abs() < 1e-12 * g * g);
        }
    }

    #[test]
    fn amsgrad_keeps_the_largest() {
        let ams = AdamOptions {
            amsgrad: true,
            ..AdamOptions::default()
        };
        let [slow, _, v, w] = run(&ams, &[10.0, 0.0, 0.0]);
        assert!(w > v && (w - 0.1).abs() < 1e-12);
        let [fast, ..] = run(&AdamOptions::default(), &[10.0, 0.0, 0.0]);
        assert!(fast < slow);
    }

    #[test]
    fn decoupled_decay_passes_the_moments_by() {
        let decay = AdamOptions {
            lr: 0.1,
            weight_decay: 0.5,
            decoupled_weight_decay: true,
            ..AdamOptions::default()
        };
        let [p, m, ..] = run(&decay, &[0.0]);
        assert_eq!((p, m), (0.95, 0.0));
        let coupled = AdamOptions {
            decoupled_weight_decay: false,
            ..decay
        };
        let [p, m, ..] = run(&coupled, &[0.0]);
        assert!((p - 0.9).abs() < 1e-6 && (m - 0.05).abs() < 1e-12);
    }

    #[test]
    fn lerp_is_exact_at_the_ends() {
        assert_eq!(lerp(3.0, 0.1, 0.0), 3.0);
        assert_eq!(lerp(3.0, 0.1, 1.0), 0.1);
        assert_eq!(lerp(3.0f32, 5.0, 0.25), 3.5);
    }
}
