//! What all optimisers have in common: groups of parameters with their options,
//! what is remembered of each parameter, the checks before a step, and the state
//! that is saved.
//!
//! An optimiser is a [`Rule`], the options and the formula for one tensor; the
//! macro `optimizer!` makes a type and a builder of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use autograd::Gradients;
use tensor::{Error, Float, Result, Tensor};

use super::{OptimizerState, check_gradients};
use crate::module::Visit;

/// The options of an optimiser, and its formula.
pub(super) trait Rule: Copy + fmt::Debug {
    /// What may be remembered of a parameter: tensors, by PyTorch's names.
    const SLOTS: &'static [&'static str];

    /// Refuses options with which nothing of type `T` can descend.
    fn check<T: Float>(&self, op: &'static str) -> Result<()>;

    /// The learning rate.
    fn lr(&self) -> f64;

    /// Sets it.
    fn set_lr(&mut self, lr: f64);

    /// The momentum, if there can be one.
    fn momentum(&self) -> Option<f64> {
        None
    }

    /// Sets it.
    fn set_momentum(&mut self, _: f64) {}

    /// Whether a parameter that has moved has this slot's tensor for certain: a
    /// state without it is no state of this optimiser.
    fn needs(&self, slot: &str) -> bool;

    /// Moves a parameter, for the `memory.step`-th time.
    fn step<T: Float>(
        &self,
        p: &mut Tensor<T>,
        g: &Tensor<T>,
        memory: &mut Memory<T>,
    ) -> Result<()>;
}

/// What is remembered of one parameter.
#[derive(Clone, Debug)]
pub(super) struct Memory<T: Float> {
    /// How often it has moved.
    pub(super) step: u64,
    /// Tensors of its shape, in the order of [`Rule::SLOTS`].
    pub(super) slots: [Option<Tensor<T>>; 3],
}

impl<T: Float> Default for Memory<T> {
    fn default() -> Self {
        Self {
            step: 0,
            slots: [None, None, None],
        }
    }
}

/// A slot's tensor, zeros of the shape of `like` at first.
pub(super) fn zeros<'a, T: Float>(
    slot: &'a mut Option<Tensor<T>>,
    like: &Tensor<T>,
) -> &'a mut Tensor<T> {
    slot.get_or_insert_with(|| like.zeros_like())
}

/// Whether a parameter, by its dotted name, is in a group.
type Selector = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Which parameters have options of their own, and how these differ.
#[derive(Clone)]
pub(super) struct Group<R> {
    pub(super) selects: Selector,
    pub(super) change: Arc<dyn Fn(&mut R) + Send + Sync>,
}

/// What a builder collects.
#[derive(Clone)]
pub(super) struct Plan<R> {
    pub(super) rule: R,
    pub(super) groups: Vec<Group<R>>,
    pub(super) allow_missing: bool,
}

impl<R: fmt::Debug> fmt::Debug for Plan<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} and {} groups", self.rule, self.groups.len())
    }
}

/// The common part of an optimiser.
#[derive(Clone)]
pub(super) struct Engine<R, T: Float> {
    op: &'static str,
    /// Those of each group, the first for parameters that are in no other.
    rules: Vec<R>,
    /// Those of the groups after the first.
    selectors: Vec<Selector>,
    allow_missing: bool,
    /// By the parameter's dotted name, as a checkpoint holds them.
    memory: BTreeMap<String, Memory<T>>,
    /// Whether the memory came from a checkpoint and was not used yet.
    restored: bool,
}

impl<R: fmt::Debug, T: Float> fmt::Debug for Engine<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.op)
            .field("groups", &self.rules)
            .field("parameters", &self.memory.keys())
            .finish_non_exhaustive()
    }
}

impl<R: Rule, T: Float> Engine<R, T> {
    pub(super) fn new(op: &'static str, plan: Plan<R>) -> Result<Self> {
        let mut rules = vec![plan.rule];
        for group in &plan.groups {
            let mut rule = plan.rule;
            (group.change)(&mut rule);
            rules.push(rule);
        }
        rules.iter().try_for_each(|rule| rule.check::<T>(op))?;
        Ok(Self {
            op,
            rules,
            selectors: plan.groups.into_iter().map(|group| group.selects).collect(),
            allow_missing: plan.allow_missing,
            memory: BTreeMap::new(),
            restored: false,
        })
    }

    /// The options of a parameter: of the first group that it is in.
    fn rule(&self, name: &str) -> &R {
        let group = self.selectors.iter().position(|selects| selects(name));
        &self.rules[group.map_or(0, |group| group + 1)]
    }

    pub(super) fn step(
        &mut self,
        model: &mut dyn Visit<T>,
        gradients: &Gradients<T>,
    ) -> Result<()> {
        check_gradients(self.op, model, gradients, self.allow_missing)?;
        self.check_memory(model)?;
        self.restored = false;
        for (name, parameter) in model.named_parameters_mut() {
            if parameter.is_frozen() {
                continue;
            }
            let Some(gradient) = gradients.get(&parameter.id()) else {
                continue;
            };
            let rule = *self.rule(&name);
            // The name moves into the map once, not at every step.
            let memory = match self.memory.get_mut(&name) {
                Some(memory) => memory,
                None => self.memory.entry(name).or_default(),
            };
            memory.step = memory.step.saturating_add(1);
            rule.step(parameter.value_mut(), gradient, memory)?;
        }
        Ok(())
    }

    /// Refuses a model that is not the one whose memory this is.
    fn check_memory(&self, model: &dyn Visit<T>) -> Result<()> {
        let parameters = model.named_parameters();
        for (name, parameter) in &parameters {
            let memory = self.memory.get(name);
            for (slot, tensor) in memory.into_iter().flat_map(named) {
                if tensor.shape() != parameter.shape() {
                    return Err(Error::shape(
                        self.op,
                        format!(
                            "parameter `{name}` has shape {:?}, its `{}` {:?}",
                            parameter.shape(),
                            R::SLOTS[slot],
                            tensor.shape()
                        ),
                    ));
                }
            }
        }
        if self.restored {
            let names: BTreeSet<_> = parameters.iter().map(|(name, _)| name).collect();
            if let Some(name) = self.memory.keys().find(|name| !names.contains(name)) {
                let message = format!(
                    "the state that was loaded is of a parameter `{name}`, which the model does not have"
                );
                return Err(Error::value(self.op, message));
            }
        }
        Ok(())
    }

    // ------------------------------------------------------------ rates

    pub(super) fn lrs(&self) -> Vec<f64> {
        self.rules.iter().map(Rule::lr).collect()
    }

    pub(super) fn set_lrs(&mut self, lrs: &[f64]) -> Result<()> {
        self.rules = self.changed("learning rates", lrs, R::set_lr)?;
        Ok(())
    }

    pub(super) fn momenta(&self) -> Option<Vec<f64>> {
        self.rules.iter().map(Rule::momentum).collect()
    }

    pub(super) fn set_momenta(&mut self, momenta: &[f64]) -> Result<()> {
        if self.momenta().is_none() {
            return Err(Error::value(self.op, "has no momentum to set"));
        }
        self.rules = self.changed("momenta", momenta, R::set_momentum)?;
        Ok(())
    }

    /// The rules after a change to each.
    fn changed(&self, what: &str, values: &[f64], set: impl Fn(&mut R, f64)) -> Result<Vec<R>> {
        if values.len() != self.rules.len() {
            let (groups, got) = (self.rules.len(), values.len());
            let message = format!("{groups} groups of parameters need as many {what}, got {got}");
            return Err(Error::value(self.op, message));
        }
        let mut rules = self.rules.clone();
        for (rule, &value) in rules.iter_mut().zip(values) {
            set(rule, value);
            rule.check::<T>(self.op)?;
        }
        Ok(rules)
    }

    // ------------------------------------------------------------ state

    pub(super) fn state(&self) -> OptimizerState<T> {
        let mut state = OptimizerState::new(self.op);
        for (name, memory) in &self.memory {
            state.counters.insert(format!("{name}.step"), memory.step);
            for (slot, tensor) in named(memory) {
                let entry = format!("{name}.{}", R::SLOTS[slot]);
                state.tensors.insert(entry, tensor.clone());
            }
        }
        for (group, rule) in self.rules.iter().enumerate() {
            state.numbers.insert(format!("group{group}.lr"), rule.lr());
            if let Some(momentum) = rule.momentum() {
                state
                    .numbers
                    .insert(format!("group{group}.momentum"), momentum);
            }
        }
        state
    }

    pub(super) fn load_state(&mut self, state: &OptimizerState<T>) -> Result<()> {
        let op = self.op;
        state.check_kind(op, op)?;
        let rules = self.rules_of(state)?;
        let mut memory: BTreeMap<String, Memory<T>> = BTreeMap::new();
        for (entry, &step) in &state.counters {
            let Some(name) = entry.strip_suffix(".step") else {
                return Err(unknown(op, entry));
            };
            memory.entry(name.to_owned()).or_default().step = step;
        }
        for (entry, tensor) in &state.tensors {
            let (name, slot) = entry.rsplit_once('.').unwrap_or(("", entry));
            let slot = R::SLOTS.iter().position(|&known| known == slot);
            let (Some(slot), Some(memory)) = (slot, memory.get_mut(name)) else {
                return Err(unknown(op, entry));
            };
            memory.slots[slot] = Some(tensor.clone());
        }
        for (name, memory) in &memory {
            let mut shapes = named(memory).map(|(_, tensor)| tensor.shape());
            let first = shapes.next();
            if let Some(other) = shapes.find(|&shape| Some(shape) != first) {
                let message = format!(
                    "what the state holds of `{name}` has shapes {:?} and {other:?}",
                    first.unwrap_or_default()
                );
                return Err(Error::shape(op, message));
            }
            let rule = self.rule(name);
            let missing =
                |&(slot, name): &(usize, &&str)| rule.needs(name) && memory.slots[slot].is_none();
            if let Some((_, slot)) = R::SLOTS.iter().enumerate().find(missing) {
                return Err(Error::value(
                    op,
                    format!("the state has no `{name}.{slot}`"),
                ));
            }
        }
        (self.rules, self.memory, self.restored) = (rules, memory, true);
        Ok(())
    }

    /// The rules, with the rates of a state.
    fn rules_of(&self, state: &OptimizerState<T>) -> Result<Vec<R>> {
        let op = self.op;
        let mut rules = self.rules.clone();
        let mut taken = 0;
        for (group, rule) in rules.iter_mut().enumerate() {
            rule.set_lr(state.number(op, &format!("group{group}.lr"))?);
            taken += 1;
            if rule.momentum().is_some() {
                rule.set_momentum(state.number(op, &format!("group{group}.momentum"))?);
                taken += 1;
            }
            rule.check::<T>(op)?;
        }
        if state.numbers.len() > taken {
            let groups = self.rules.len();
            let names: Vec<_> = state.numbers.keys().collect();
            let message =
                format!("the state is not one of {groups} groups of parameters: it has {names:?}");
            return Err(Error::value(op, message));
        }
        Ok(rules)
    }
}

fn unknown(op: &'static str, entry: &str) -> Error {
    Error::value(
        op,
        format!("the state has `{entry}`, which it has no use for"),
    )
}

/// The tensors of a memory that there are, with the numbers of their slots.
fn named<T: Float>(memory: &Memory<T>) -> impl Iterator<Item = (usize, &Tensor<T>)> {
    let slots = memory.slots.iter().enumerate();
    slots.filter_map(|(slot, tensor)| Some((slot, tensor.as_ref()?)))
}

/// Makes an optimiser and its builder of a [`Rule`]: types, constructors and
/// setters of the options that are listed, and the traits.
macro_rules! optimizer {
    (
        $(#[$doc:meta])*
        $name:ident = $op:literal, $rule:ident, $defaults:expr;
        $(#[$builder_doc:meta])*
        $builder:ident { $($(#[$set_doc:meta])* $option:ident: $type:ty,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<T: tensor::Float = f32> {
            engine: $crate::optim::groups::Engine<$rule, T>,
        }

        $(#[$builder_doc])*
        #[derive(Clone, Debug)]
        #[must_use]
        pub struct $builder {
            plan: $crate::optim::groups::Plan<$rule>,
        }

        impl<T: tensor::Float> $name<T> {
            /// The optimiser with PyTorch's defaults.
            ///
            /// # Errors
            /// [`Error::Value`](tensor::Error::Value) unless the rate is finite
            /// and not negative.
            pub fn new(lr: f64) -> tensor::Result<Self> {
                $name::builder(lr).build()
            }
        }

        impl $name {
            /// The optimiser with options, for any element type: that is decided
            /// by `build`.
            pub fn builder(lr: f64) -> $builder {
                let plan = $crate::optim::groups::Plan {
                    rule: $rule { lr, ..$defaults },
                    groups: Vec::new(),
                    allow_missing: false,
                };
                $builder { plan }
            }
        }

        impl $builder {
            $(
                $(#[$set_doc])*
                pub fn $option(mut self, $option: $type) -> Self {
                    self.plan.rule.$option = $option;
                    self
                }
            )*

            /// Gives the parameters whose dotted names `selects` picks options of
            /// their own: those of the others, changed by `change`. A parameter
            /// is in the first group that picks it.
            ///
            /// ```
            #[doc = concat!("use wengert_nn::{", stringify!($name), ", Rates};")]
            ///
            #[doc = concat!("let optimizer: ", stringify!($name), " = ", stringify!($name), "::builder(0.1)")]
            ///     .weight_decay(1e-4)
            ///     .group(|name| name.ends_with("bias"), |group| group.weight_decay = 0.0)
            ///     .group(|name| ["head.weight"].contains(&name), |group| group.lr = 0.01)
            ///     .build()?;
            /// assert_eq!(optimizer.lrs(), [0.1, 0.1, 0.01]);
            /// # Ok::<(), tensor::Error>(())
            /// ```
            pub fn group(
                mut self,
                selects: impl Fn(&str) -> bool + Send + Sync + 'static,
                change: impl Fn(&mut $rule) + Send + Sync + 'static,
            ) -> Self {
                let (selects, change) = (std::sync::Arc::new(selects), std::sync::Arc::new(change));
                self.plan.groups.push($crate::optim::groups::Group { selects, change });
                self
            }

            /// Whether a parameter without a gradient stays where it is instead of
            /// being an error.
            pub fn allow_missing(mut self, allow: bool) -> Self {
                self.plan.allow_missing = allow;
                self
            }

            /// The optimiser.
            ///
            /// # Errors
            /// [`Error::Value`](tensor::Error::Value) for an option, of a group
            /// too, that is negative, infinite or NaN, or that PyTorch refuses.
            pub fn build<T: tensor::Float>(self) -> tensor::Result<$name<T>> {
                let engine = $crate::optim::groups::Engine::new($op, self.plan)?;
                Ok($name { engine })
            }
        }

        impl<T: tensor::Float> $crate::Rates for $name<T> {
            fn lrs(&self) -> Vec<f64> {
                self.engine.lrs()
            }
            fn set_lrs(&mut self, lrs: &[f64]) -> tensor::Result<()> {
                self.engine.set_lrs(lrs)
            }
            fn momenta(&self) -> Option<Vec<f64>> {
                self.engine.momenta()
            }
            fn set_momenta(&mut self, momenta: &[f64]) -> tensor::Result<()> {
                self.engine.set_momenta(momenta)
            }
        }

        impl<T: tensor::Float> $crate::Optimizer<T> for $name<T> {
            fn step(
                &mut self,
                model: &mut dyn $crate::Visit<T>,
                gradients: &autograd::Gradients<T>,
            ) -> tensor::Result<()> {
                self.engine.step(model, gradients)
            }
            fn state(&self) -> $crate::OptimizerState<T> {
                self.engine.state()
            }
            fn load_state(&mut self, state: &$crate::OptimizerState<T>) -> tensor::Result<()> {
                self.engine.load_state(state)
            }
        }
    };
}
pub(super) use optimizer;

#[cfg(test)]
mod tests;
