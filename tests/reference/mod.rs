//! The reference runner: calls whose answers are known, as data.
//!
//! A reference case is one call with its inputs, arguments, expected outputs
//! and expected gradients, computed by another library. The runner reads a
//! folder of them, makes each call through the public interface of `wengert`,
//! and says which answers differ. It knows no operation itself: each has an
//! adapter of a line or two, in files by kind: `ops`, `layers`, `optimizers`, `onnx`.
//!
//! Three rules keep it honest. A case is *unsupported* only where no public
//! call can express it, with the reason; a call that exists and errs, panics or
//! differs has failed. The tolerance is the case's. And an argument that an
//! adapter did not look at makes the case unsupported, so that none is ignored in
//! silence.
//!
//! # The format
//!
//! `<source>/<name>.json` beside `<source>/<name>.safetensors`. The JSON holds
//! a head (`format`, `source`, `name`, `tensors`, and `signature`: the
//! parameters in order, `[name]` or `[name, default]`) and `cases`. A value is
//! a number (`2` an integer, `2.0` a float), a string, a truth value, `null`, a
//! list, `{"tensor": "NAME"}`, `{"float": "inf"}`, or within an index
//! `{"slice": [start, stop, step]}` and `{"ellipsis": true}`.
//!
//! | kind of case | fields | file |
//! |---|---|---|
//! | a call | `op`, `args`, `outputs`; `cotangents`, `grads`, `second_order`, `mutated`, or `error` | `functional.rs` |
//! | a module | `module`, `ctor`, `state`, `training`, `inputs`, `outputs`, `state_after`, … | `module_case.rs` |
//! | an ONNX node | `op` = `onnx.…`, `opset`, `args`, `attrs`; `torch_steps`, `torch_outputs` | `onnx` |
//! | a training run | `op` = `train`, `net`, `optimizer`, `scheduler`, `clip`, `losses`, `params_after`, … | `train.rs` |
//! | a file to load | `file`, `model` or `architecture` | `checkpoints.rs` |
//!
//! `grads` maps a role (a parameter; for a list `tensors.0`, …) to the gradient
//! of Σᵢ ⟨cotangentᵢ, outputᵢ⟩, `null` for none or zero. With g the gradients
//! and v the directions of `second_order`, its `grads` are those of
//! Σ ⟨gᵣ, vᵣ⟩. Numbers agree if |got − want| ≤ atol + rtol · |want|; NaN equals
//! NaN, and an infinity itself.

mod arguments;
mod call;
mod checkpoints;
mod compare;
mod functional;
mod layers;
mod module_case;
mod onnx;
mod ops;
mod optimizers;
pub mod report;
mod schedulers;
mod source;
mod state;
mod train;
mod value;

use std::collections::BTreeMap;
use std::path::Path;

use wengert::Float;

use call::{Adapter, Stop};
use report::{Report, Verdict};
use source::{Case, CaseFile};

/// Which cases to run: all, or those of one source, of one operation.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The name of a source.
    pub source: Option<String>,
    /// The name of an operation or module.
    pub op: Option<String>,
}

/// Runs the cases of a folder, and hands each verdict to `tell` as it falls.
///
/// # Errors
/// If the folder cannot be read. A file of cases that cannot be read counts as
/// a failed case instead.
pub fn run(
    folder: &Path,
    filter: &Filter,
    tell: &mut dyn FnMut(&str, &Verdict),
) -> std::io::Result<Report> {
    let registries = (Registry::<f32>::new(), Registry::<f64>::new());
    let mut report = Report::default();
    let wanted = |want: &Option<String>, name: &str| want.as_ref().is_none_or(|w| w == name);
    for path in source::files(folder)? {
        let file = match CaseFile::read(&path) {
            Ok(Some(file)) => file,
            Ok(None) => continue,
            Err(why) => {
                let verdict = Verdict::Failed(why);
                tell(&path.display().to_string(), &verdict);
                report.count(&path.display().to_string(), "", &verdict);
                continue;
            }
        };
        if !wanted(&filter.source, &file.source) {
            continue;
        }
        for case in file.cases() {
            if !wanted(&filter.op, case.op()) {
                continue;
            }
            let verdict = match case.dtype() {
                "f64" => judge(&registries.1, &case),
                "f32" => judge(&registries.0, &case),
                other => Verdict::Failed(format!("unknown dtype `{other}`")),
            };
            tell(&case.name(), &verdict);
            report.count(&file.source, case.op(), &verdict);
        }
    }
    Ok(report)
}

/// All adapters, for one element type.
struct Registry<T: Float> {
    ops: BTreeMap<&'static str, Adapter<T>>,
    layers: BTreeMap<&'static str, layers::Builder<T>>,
    operators: BTreeMap<&'static str, Adapter<T>>,
}

impl<T: Float> Registry<T> {
    fn new() -> Self {
        Self {
            ops: ops::adapters().into_iter().collect(),
            layers: layers::builders().into_iter().collect(),
            operators: onnx::adapters().into_iter().collect(),
        }
    }

    /// The adapter of an operation.
    fn op(&self, name: &str) -> Result<Adapter<T>, Stop> {
        let found = self.ops.get(name).copied();
        found.ok_or_else(|| Stop::unsupported(format!("no operation `{name}`")))
    }

    /// The adapter of an operator of ONNX.
    fn operator(&self, name: &str) -> Result<Adapter<T>, Stop> {
        let found = self.operators.get(name).copied();
        found.ok_or_else(|| Stop::unsupported(format!("no operator `{name}`")))
    }

    /// The builder of a layer.
    fn layer(&self, name: &str) -> Result<layers::Builder<T>, Stop> {
        let found = self.layers.get(name).copied();
        found.ok_or_else(|| Stop::unsupported(format!("no layer `{name}`")))
    }
}

/// Runs one case. A panic is a failure.
fn judge<T: Float>(registry: &Registry<T>, case: &Case<'_>) -> Verdict {
    if case.expects_error() && case.has_tag("static_type") {
        return Verdict::Unsupported("the types rule this call out".into());
    }
    let run = match () {
        () if case.has("module") => module_case::run,
        () if case.has("file") => checkpoints::run,
        () if case.op() == "train" => train::run,
        () if case.op().starts_with("onnx.") => onnx::run,
        () => functional::run,
    };
    match report::catch_panic(|| run(registry, case)) {
        Ok(Ok(())) => Verdict::Passed,
        Ok(Err(Stop::Unsupported(why))) => Verdict::Unsupported(why),
        // A framework may refuse what these tags mark, and may accept it.
        Ok(Err(Stop::Refused(_))) if case.is_lenient() => Verdict::Passed,
        Ok(Err(Stop::Refused(error))) => Verdict::Failed(format!("refused: {error}")),
        Ok(Err(Stop::Failed(why))) => Verdict::Failed(why),
        Err(panic) => Verdict::Failed(format!("panicked: {panic}")),
    }
}
