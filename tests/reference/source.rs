//! Where cases come from: a folder of files, each a head and its cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use wengert::Float;

use super::call::Stop;
use super::compare::Tolerance;
use super::value::{AnyTensor, Arg, Tensors, read_tensors};

/// The JSON files of a folder: those that its `index.json` lists, or else all
/// within it, in order.
///
/// # Errors
/// If the folder cannot be read.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut listed = BTreeSet::new();
    if let Ok(text) = fs::read_to_string(folder.join("index.json"))
        && let Ok(index) = serde_json::from_str(&text)
    {
        collect_names(&index, &mut |name| {
            let path = folder.join(name);
            if name.ends_with(".json") && path.is_file() {
                listed.insert(path);
            }
        });
    }
    if listed.is_empty() {
        walk(folder, &mut listed)?;
    }
    Ok(listed.into_iter().collect())
}

/// Every string of an index, whatever its layout: keys and values.
fn collect_names(value: &Value, found: &mut dyn FnMut(&str)) {
    match value {
        Value::String(name) => found(name),
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, found)),
        Value::Object(fields) => {
            for (key, value) in fields {
                found(key);
                collect_names(value, found);
            }
        }
        _ => {}
    }
}

fn walk(folder: &Path, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "json") {
            found.insert(path);
        }
    }
    Ok(())
}

/// A file of cases.
#[derive(Debug)]
pub(crate) struct CaseFile {
    /// The name of its source.
    pub(crate) source: String,
    /// Where it stands, and the files that its cases name.
    pub(crate) folder: PathBuf,
    head: Value,
    tensors: Tensors,
}

impl CaseFile {
    /// Reads a file; `None` if it is JSON, but of something else.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, String> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        let head: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        match head.get("format").and_then(Value::as_str) {
            None => return Ok(None),
            Some("reference-cases/1") => {}
            Some(other) => return Err(format!("unknown format `{other}`")),
        }
        let text = |field: &str| head.get(field).and_then(Value::as_str);
        let source = text("source").ok_or("the head names no source")?.to_owned();
        let folder = path.parent().unwrap_or(Path::new("."));
        let tensors = match text("tensors") {
            Some(name) => read_tensors(&folder.join(name))?,
            None => Tensors::new(),
        };
        if !head.get("cases").is_some_and(Value::is_array) {
            return Err("the file holds no `cases`".into());
        }
        Ok(Some(Self {
            source,
            folder: folder.to_owned(),
            head,
            tensors,
        }))
    }

    /// Its cases.
    pub(crate) fn cases(&self) -> impl Iterator<Item = Case<'_>> {
        let cases = self.head.get("cases").and_then(Value::as_array);
        cases
            .into_iter()
            .flatten()
            .map(|fields| Case { file: self, fields })
    }
}

/// One case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'a> {
    /// The file it stands in.
    pub(crate) file: &'a CaseFile,
    fields: &'a Value,
}

impl<'a> Case<'a> {
    /// The operation or module, or else the name of the file.
    #[must_use]
    pub(crate) fn op(&self) -> &'a str {
        let named = self.text("op").or(self.text("module"));
        named.or(self.head("name").as_str()).unwrap_or_default()
    }

    /// `source/op/id`.
    #[must_use]
    pub(crate) fn name(&self) -> String {
        let id = self.text("id").unwrap_or("?");
        format!("{}/{}/{id}", self.file.source, self.op())
    }

    /// The element type, of the case or of its whole file.
    #[must_use]
    pub(crate) fn dtype(&self) -> &'a str {
        self.text("dtype")
            .or(self.head("dtype").as_str())
            .unwrap_or("f32")
    }

    /// A field; `null` if there is none.
    #[must_use]
    pub(crate) fn field(&self, name: &str) -> &'a Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }

    /// A field of the head; `null` if there is none.
    #[must_use]
    pub(crate) fn head(&self, name: &str) -> &'a Value {
        self.file.head.get(name).unwrap_or(&Value::Null)
    }

    /// Whether there is such a field.
    #[must_use]
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.get(name).is_some()
    }

    /// A field that is a string.
    #[must_use]
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.field(name).as_str()
    }

    /// Whether the call must return an error.
    #[must_use]
    pub(crate) fn expects_error(&self) -> bool {
        self.text("expect") == Some("error")
    }

    /// Whether the case has this tag.
    #[must_use]
    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        self.tags().any(|found| found == tag)
    }

    fn tags(&self) -> impl Iterator<Item = &'a str> {
        let tags = self.field("tags").as_array();
        tags.into_iter().flatten().filter_map(Value::as_str)
    }

    /// Whether a library may answer as it sees fit: with the value or with an
    /// error.
    #[must_use]
    pub(crate) fn is_lenient(&self) -> bool {
        self.tags().any(|tag| {
            matches!(
                tag,
                "version_dependent" | "torch_limit" | "implementation_limit"
            ) || tag.starts_with("odd_")
        })
    }

    /// How far numbers may be off.
    ///
    /// # Errors
    /// If the case does not say.
    pub(crate) fn tolerance(&self) -> Result<Tolerance, Stop> {
        let number = |name: &str| self.field("tol").get(name).and_then(Value::as_f64);
        match (number("rtol"), number("atol")) {
            (Some(rtol), Some(atol)) => Ok(Tolerance { rtol, atol }),
            _ => Err(Stop::failed("the case has no `tol`")),
        }
    }

    /// A value as an argument.
    ///
    /// # Errors
    /// If it is malformed.
    pub(crate) fn arg<T: Float>(&self, value: &Value) -> Result<Arg<T>, Stop> {
        Arg::read(value, &self.file.tensors).map_err(Stop::Failed)
    }

    /// The values of an object as arguments, by name.
    ///
    /// # Errors
    /// If one is malformed.
    pub(crate) fn args<T: Float>(&self, object: &Value) -> Result<BTreeMap<String, Arg<T>>, Stop> {
        let fields = entries(object);
        fields
            .map(|(name, value)| Ok((name.clone(), self.arg(value)?)))
            .collect()
    }

    /// The defaults of the parameters, by name.
    ///
    /// # Errors
    /// If one is malformed.
    pub(crate) fn defaults<T: Float>(&self) -> Result<BTreeMap<String, Arg<T>>, Stop> {
        let signature = self.head("signature").as_array();
        let defaults = signature.into_iter().flatten().filter_map(|parameter| {
            let name = parameter.get(0)?.as_str()?.to_owned();
            Some((name, parameter.get(1)?))
        });
        defaults
            .map(|(name, value)| Ok((name, self.arg(value)?)))
            .collect()
    }

    /// A tensor that the case expects.
    ///
    /// # Errors
    /// If it is missing.
    pub(crate) fn tensor(&self, value: &Value) -> Result<AnyTensor, Stop> {
        match self.arg::<f64>(value)? {
            Arg::Tensor(tensor) => Ok(tensor),
            other => Err(Stop::failed(format!(
                "expected a tensor, the case has {}",
                other.describe()
            ))),
        }
    }

    /// The tensors of an object, by name; those that are `null` left out.
    ///
    /// # Errors
    /// If one is missing.
    pub(crate) fn tensors(&self, object: &Value) -> Result<BTreeMap<String, AnyTensor>, Stop> {
        let some = entries(object).filter(|(_, value)| !value.is_null());
        some.map(|(name, value)| Ok((name.clone(), self.tensor(value)?)))
            .collect()
    }
}

/// The fields of an object, none if it is something else.
pub(crate) fn entries(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flat_map(Map::iter)
}

/// A field of an object; `null` if there is none.
#[must_use]
pub(crate) fn field<'a>(object: &'a Value, name: &str) -> &'a Value {
    object.get(name).unwrap_or(&Value::Null)
}
