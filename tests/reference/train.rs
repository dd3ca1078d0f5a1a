//! A case that trains a network for some steps: losses, rates, gradients and
//! parameters along the way.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde_json::Value as Json;
use wengert::{
    ClipNorm, Float, Gradients, Module, Optimizer, Result as LibraryResult, Scheduler, Tape,
    Tensor, Var, Visit, Visitor, VisitorMut,
};

use super::Registry;
use super::call::{Call, Stop};
use super::compare::{Tolerance, compare};
use super::layers::Built;
use super::optimizers;
use super::schedulers;
use super::source::{Case, entries, field};
use super::state;
use super::value::{AnyTensor, Arg};

/// What `rounding_driven` parameters are compared at.
const LOOSE: Tolerance = Tolerance {
    rtol: 1e-5,
    atol: 1e-5,
};

/// Runs the case.
///
/// # Errors
/// Unless the run goes as the case expects.
pub(crate) fn run<T: Float>(registry: &Registry<T>, case: &Case<'_>) -> Result<(), Stop> {
    let name = case.text("net").unwrap_or_default();
    let (mut net, loss) = build(registry, case, field(case.head("architectures"), name))?;
    let loss = loss.ok_or_else(|| Stop::failed("the architecture has no loss"))?;
    state::load(&mut net, &case.tensors(field(case.head("initial"), name))?)?;
    let mut optimizer = optimizer(case)?;
    let mut scheduler = scheduler::<T>(case)?;
    if let Some(scheduler) = &mut scheduler {
        scheduler.start(&mut *optimizer)?;
    }
    let clip = Clip::read(case)?;
    let (batches, labels) = (batches(case, "x")?, batches(case, "y")?);
    let steps = case.head("steps").as_u64().unwrap_or_default();
    let expected = Expected {
        case,
        tolerance: case.tolerance()?,
    };

    for t in 0..steps as usize {
        let tape = Tape::new();
        let at = t % batches.len().max(1);
        let (Some(x), Some(y)) = (batches.get(at), labels.get(at)) else {
            return Err(Stop::failed("the head holds no batches"));
        };
        let logits = net.forward(&tape.constant(floats(x)?))?;
        let value = call_loss(&loss, &logits, y)?;
        let observed = value.item()?.as_f64();
        expected.number("losses", t, observed)?;
        expected.rates(t, &*optimizer)?;
        let mut gradients = value.backward()?;
        if t == 0 {
            expected.gradients(&net, &gradients)?;
        }
        if let Some(norm) = clip.apply(&mut gradients)? {
            expected.number("total_norms_before_clip", t, norm)?;
        }
        optimizer.step(&mut net, &gradients)?;
        if let Some(scheduler) = &mut scheduler {
            // Only those that reduce on plateaus listen.
            scheduler.observe(observed);
            scheduler.step(&mut *optimizer)?;
        }
        expected.parameters(t + 1, &net)?;
    }
    let Some(x) = batches.first() else {
        return Ok(());
    };
    let logits = net.forward(&Tape::inference().constant(floats(x)?))?;
    expected.tensor(
        "eval_logits_batch0",
        &AnyTensor::from(logits.value()),
        case.field("eval_logits_batch0"),
    )
}

// ---------------------------------------------------------------- the network

/// Layers in a row, under the names of the case.
#[derive(Clone)]
pub(crate) struct Net<T: Float> {
    layers: Vec<(String, Box<dyn Module<T>>)>,
}

impl<T: Float> Visit<T> for Net<T> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, T>) {
        for (name, layer) in &self.layers {
            visitor.field(name, &**layer);
        }
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, T>) {
        for (name, layer) in &mut self.layers {
            visitor.field(name, &mut **layer);
        }
    }
}

impl<T: Float> Display for Net<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layers
            .iter()
            .try_for_each(|(name, layer)| writeln!(f, "({name}): {layer}"))
    }
}

impl<T: Float> Module<T> for Net<T> {
    fn forward(&self, input: &Var<T>) -> LibraryResult<Var<T>> {
        self.layers
            .iter()
            .try_fold(input.clone(), |x, (_, layer)| layer.forward(&x))
    }
}

/// The network that an architecture lists, and its loss if it names one.
///
/// # Errors
/// If the library has no such layers.
pub(crate) fn build<T: Float>(
    registry: &Registry<T>,
    case: &Case<'_>,
    architecture: &Json,
) -> Result<(Net<T>, Option<Built<T>>), Stop> {
    let mut net = Net { layers: Vec::new() };
    let mut loss = None;
    for (i, entry) in architecture.as_array().into_iter().flatten().enumerate() {
        let mut ctor = case.args(entry)?;
        let name = match ctor.remove("name") {
            Some(Arg::Text(name)) => name,
            _ => format!("layer{i}"),
        };
        let Some(Arg::Text(kind)) = ctor.remove("layer").or_else(|| ctor.remove("loss")) else {
            return Err(Stop::failed(format!(
                "layer {i} is neither a layer nor a loss"
            )));
        };
        let call = Call::new(Tape::new(), ctor, BTreeMap::new(), [].into());
        let built = registry.layer(&kind)?(&call)?;
        call.check_used()?;
        match built {
            Built::Module(module) => net.layers.push((name, module)),
            built @ Built::Loss(_) => loss = Some(built),
        }
    }
    Ok((net, loss))
}

fn call_loss<T: Float>(
    loss: &Built<T>,
    logits: &Var<T>,
    labels: &AnyTensor,
) -> Result<Var<T>, Stop> {
    let inputs = BTreeMap::from([
        ("input0".to_owned(), Arg::Var(logits.clone())),
        ("input1".to_owned(), Arg::Tensor(labels.clone())),
    ]);
    let call = Call::new(logits.tape().clone(), inputs, BTreeMap::new(), [].into());
    match loss.forward(&call)?.pop() {
        Some(super::call::Value::Var(value)) => Ok(value),
        _ => Err(Stop::failed("the loss is not on the tape")),
    }
}

// ---------------------------------------------------------------- the run

fn optimizer<T: Float>(case: &Case<'_>) -> Result<Box<dyn Optimizer<T>>, Stop> {
    let spec = case.field("optimizer");
    let name = field(spec, "name").as_str().unwrap_or_default();
    let builders: BTreeMap<_, _> = optimizers::builders::<T>().into_iter().collect();
    let build = builders.get(name);
    let build = build.ok_or_else(|| Stop::unsupported(format!("no optimiser `{name}`")))?;
    let call = Call::new(
        Tape::new(),
        case.args(field(spec, "args"))?,
        BTreeMap::new(),
        [].into(),
    );
    let optimizer = build(&call, optimizers::groups(case, spec)?)?;
    call.check_used()?;
    Ok(optimizer)
}

fn scheduler<T: Float>(case: &Case<'_>) -> Result<Option<Box<dyn Scheduler>>, Stop> {
    match case.field("scheduler") {
        Json::Null => Ok(None),
        spec => schedulers::build::<T>(case, spec).map(Some),
    }
}

enum Clip {
    None,
    Norm(ClipNorm),
    Value(f64),
}

impl Clip {
    fn read(case: &Case<'_>) -> Result<Self, Stop> {
        let clip = case.field("clip");
        let (norm, value) = (field(clip, "norm"), field(clip, "value"));
        let args = case.args::<f64>(if norm.is_null() { value } else { norm })?;
        let call = Call::new(Tape::new(), args, BTreeMap::new(), [].into());
        let limit = |name: &str| {
            let limit = call.number_or_none(name)?;
            limit.ok_or_else(|| Stop::failed(format!("the clip has no `{name}`")))
        };
        let read = if !norm.is_null() {
            let clip = ClipNorm::new(limit("max_norm")?)
                .norm_type(call.number("norm_type", 2.0)?)
                .error_if_nonfinite(call.flag("error_if_nonfinite", false)?);
            Self::Norm(clip)
        } else if !value.is_null() {
            Self::Value(limit("clip_value")?)
        } else {
            Self::None
        };
        call.check_used()?;
        Ok(read)
    }

    /// Clips; the norm before, if it is by norm.
    fn apply<T: Float>(&self, gradients: &mut Gradients<T>) -> Result<Option<f64>, Stop> {
        match *self {
            Self::None => Ok(None),
            Self::Norm(clip) => Ok(Some(gradients.clip_norm(clip)?)),
            Self::Value(limit) => {
                gradients.clip_value(limit)?;
                Ok(None)
            }
        }
    }
}

/// The batches of the head: one for each position of the leading axis, or a
/// list of tensors.
fn batches(case: &Case<'_>, name: &str) -> Result<Vec<AnyTensor>, Stop> {
    let value = field(case.head("data"), name);
    if let Some(items) = value.as_array() {
        return items.iter().map(|item| case.tensor(item)).collect();
    }
    fn rows<E: wengert::Element>(x: &Tensor<E>) -> LibraryResult<Vec<Tensor<E>>> {
        let count = x.shape().first().copied().unwrap_or_default();
        (0..count as isize).map(|i| x.select(0, i)).collect()
    }
    Ok(match case.tensor(value)? {
        AnyTensor::F64(x) => rows(&x)?.into_iter().map(AnyTensor::F64).collect(),
        AnyTensor::F32(x) => rows(&x)?.into_iter().map(AnyTensor::F32).collect(),
        AnyTensor::I64(x) => rows(&x)?.into_iter().map(AnyTensor::I64).collect(),
        AnyTensor::Bool(x) => rows(&x)?.into_iter().map(AnyTensor::Bool).collect(),
    })
}

fn floats<T: Float>(tensor: &AnyTensor) -> Result<Tensor<T>, Stop> {
    let name = tensor.type_name();
    tensor
        .float()
        .ok_or_else(|| Stop::failed(format!("a batch holds {name}, not {}", T::NAME)))
}

// ---------------------------------------------------------------- comparing

struct Expected<'a> {
    case: &'a Case<'a>,
    tolerance: Tolerance,
}

impl Expected<'_> {
    /// Number `t` of a list, if the case has such a list.
    fn number(&self, list: &str, t: usize, got: f64) -> Result<(), Stop> {
        let Some(numbers) = self.case.field(list).as_array() else {
            return Ok(());
        };
        let want = numbers.get(t).and_then(Json::as_f64);
        let want = want.ok_or_else(|| Stop::failed(format!("`{list}` has no number {t}")))?;
        if self.tolerance.accepts(got, want) {
            return Ok(());
        }
        Err(Stop::failed(format!(
            "{list}[{t}] is {got}, expected {want}"
        )))
    }

    /// The rates that step `t` is taken with: of the first group, of each group
    /// if the case tells them apart, and the momentum.
    fn rates<T: Float>(&self, t: usize, optimizer: &dyn Optimizer<T>) -> Result<(), Stop> {
        self.number("lrs", t, optimizer.lr())?;
        for (group, lr) in optimizer.lrs().into_iter().enumerate() {
            self.number(&format!("lrs_group{group}"), t, lr)?;
        }
        let momentum = optimizer
            .momenta()
            .and_then(|momenta| momenta.first().copied());
        self.number("cycled_momentum", t, momentum.unwrap_or(f64::NAN))
    }

    fn tensor(&self, what: &str, got: &AnyTensor, want: &Json) -> Result<(), Stop> {
        if want.is_null() {
            return Ok(());
        }
        let want = self.case.tensor(want)?;
        compare(what, got, &want, self.tolerance).map_err(Stop::Failed)
    }

    fn gradients<T: Float>(&self, net: &Net<T>, gradients: &Gradients<T>) -> Result<(), Stop> {
        let found = net
            .named_parameters()
            .into_iter()
            .filter_map(|(name, parameter)| {
                Some((name, AnyTensor::from(gradients.get(parameter)?)))
            });
        let found = found.collect();
        self.named(
            "gradient after the first step",
            &found,
            self.case.field("grads_step1"),
        )
    }

    fn parameters<T: Float>(&self, steps: usize, net: &Net<T>) -> Result<(), Stop> {
        let expected = field(self.case.field("params_after"), &steps.to_string());
        self.named(
            &format!("value after {steps} steps"),
            &state::read(net),
            expected,
        )
    }

    fn named(
        &self,
        what: &str,
        got: &BTreeMap<String, AnyTensor>,
        expected: &Json,
    ) -> Result<(), Stop> {
        let loose = self.case.field("rounding_driven").as_array();
        for (name, want) in entries(expected) {
            let driven = loose.is_some_and(|names| names.iter().any(|n| n.as_str() == Some(name)));
            let tolerance = if driven { LOOSE } else { self.tolerance };
            let got = got
                .get(name)
                .ok_or_else(|| Stop::failed(format!("no {what} of `{name}`")))?;
            let what = format!("{what} of {name}");
            compare(&what, got, &self.case.tensor(want)?, tolerance).map_err(Stop::Failed)?;
        }
        Ok(())
    }
}
