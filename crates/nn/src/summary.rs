//! A model at a glance: what each operation yields, holds, costs and sees.
//!
//! [`summary`] runs one forward pass on a tape that records in inference mode
//! and reads the tape: no module needs to know about it, and whatever a
//! forward pass does, residual connections included, is listed as it happened.
//! A row finds its layer's name through the identity of the parameters that it
//! used.
//!
//! **Receptive field.** Which inputs can an output element depend on? For one
//! axis that is an interval. Output i of an operation sees
//!
//! ```text
//! start + i · step  …  start + i · step + size − 1
//! ```
//!
//! of the model's input, where the input itself has start 0, size 1, step 1,
//! and a window of extent e, stride s and leading padding p makes of it
//!
//! ```text
//! start ← start − p · step,   size ← size + (e − 1) · step,   step ← step · s.
//! ```
//!
//! Where branches meet, the interval is the smallest that holds both. An
//! operation without a window keeps the field if it keeps the plane's size, and
//! sees the whole plane if it does not (flattening, global pooling) or says so
//! (matrix products). Inside its interval a field has holes where taps or windows
//! lie apart: under a dilated kernel, and where a stride exceeds its kernel. At
//! the border an element sees less: [`Field::inputs`] is exact there too.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use autograd::{Entry, ParameterId, Tape};
use tensor::shape::numel;
use tensor::{Error, Float, Lookup, Result, Tensor, Window2d};

use crate::module::{Module, Slot, Visitor};

/// What a model does to an input of this shape, operation by operation.
///
/// ```
/// use tensor::random::Generator;
/// use wengert_nn::{Conv2d, MaxPool2d, Relu, Sequential, summary};
///
/// let rng = &mut Generator::new(0);
/// let model: Sequential = Sequential::new()
///     .add(Conv2d::builder(1, 6, 5).padding(2).build(rng)?)
///     .add(Relu)
///     .add(MaxPool2d::new(2));
/// let summary = summary(&model, [1, 1, 28, 28])?;
/// println!("{summary}");
/// assert_eq!(summary.parameters, 156);
/// assert_eq!(summary.multiply_adds, 28 * 28 * 6 * 25);
/// let pooled = &summary.rows[2];
/// assert_eq!(pooled.output, [1, 6, 14, 14]);
/// assert_eq!(pooled.field.as_ref().map(|field| field.size), Some([6, 6]));
/// # Ok::<(), tensor::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] for an input without elements, of which nothing could be
/// seen; [`Error::TooLarge`]; those of the forward pass.
pub fn summary<T: Float>(
    model: &(impl Module<T> + ?Sized),
    input: impl AsRef<[usize]>,
) -> Result<Summary> {
    const OP: &str = "summary";
    let input = input.as_ref();
    if numel::<T>(OP, input)? == 0 {
        return Err(Error::shape(
            OP,
            format!("the input must have elements, got shape {input:?}"),
        ));
    }
    tensor::shape::numel::<T>(OP, input)?;
    let tape = Tape::new().eval().track_frozen();
    let x = tape.leaf(Tensor::<T>::zeros(input)?);
    model.forward(&x)?;

    let mut names = BTreeMap::new();
    for (name, parameter) in model.named_parameters() {
        names.insert(parameter.id(), (name, parameter.value().len()));
    }
    let entries = tape.entries();
    let mut fields: Vec<Option<Field>> = Vec::with_capacity(entries.len());
    let mut rows = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        // The input is the tape's first entry.
        let field = match index {
            0 => Some(Field::input(plane(&entry.shape))),
            _ => field_of(entry, &entries, &fields),
        };
        fields.push(field);
        if entry.inputs.is_empty() {
            continue;
        }
        let mut row = Row {
            layer: String::new(),
            op: entry.op.name,
            output: entry.shape.clone(),
            parameters: 0,
            multiply_adds: entry.op.multiply_adds,
            field: fields[index].clone(),
        };
        for id in parameters_of(entry, &entries) {
            // Taken out of the map, so that a shared parameter counts once.
            if let Some((name, len)) = names.get_mut(&id) {
                row.layer = name
                    .rsplit_once('.')
                    .map_or(name.as_str(), |(layer, _)| layer)
                    .to_owned();
                row.parameters += std::mem::take(len);
            }
        }
        rows.push(row);
    }
    let total = |of: fn(&Row) -> u64| rows.iter().map(of).fold(0, u64::saturating_add);
    let mut visitor = Visitor::default();
    model.visit(&mut visitor);
    let buffers = visitor
        .into_slots()
        .into_iter()
        .map(|(_, slot)| match slot {
            Slot::Buffer(buffer) => buffer.len(),
            Slot::Counter(counter) => counter.len(),
            Slot::Parameter(_) => 0,
        });
    Ok(Summary {
        input: input.to_vec(),
        buffers: buffers.sum(),
        parameters: total(|row| row.parameters as u64) as usize,
        multiply_adds: total(|row| row.multiply_adds),
        rows,
    })
}

/// The result of [`summary`]; prints as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The shape of the input.
    pub input: Vec<usize>,
    /// One row an operation, in the order of the forward pass.
    pub rows: Vec<Row>,
    /// The elements of all parameters used, each counted once.
    pub parameters: usize,
    /// The elements of all buffers: running statistics and their counts, which are
    /// kept and not trained.
    pub buffers: usize,
    /// The multiply-adds of the forward pass.
    pub multiply_adds: u64,
}

/// One operation of a forward pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The dotted name of the layer whose parameters it used; empty if none.
    pub layer: String,
    /// The operation.
    pub op: &'static str,
    /// The shape of its result.
    pub output: Vec<usize>,
    /// The elements of the parameters that it was the first to use.
    pub parameters: usize,
    /// Its multiplications with addition.
    pub multiply_adds: u64,
    /// What one element of its result sees of the input; `None` if it does not
    /// depend on it.
    pub field: Option<Field>,
}

/// A receptive field: height first, in rows and columns of the model's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where the field of the first output element starts; negative in padding.
    pub start: [isize; 2],
    /// How much it spans.
    pub size: [usize; 2],
    /// From the field of one output element to that of the next.
    pub step: [usize; 2],
    /// For each output row and each output column, the inputs that it sees.
    /// At the border these are fewer than `size`: padding, of whatever layer,
    /// is no input, and rows that a stride skipped are seen by nothing.
    seen: [Vec<Range<usize>>; 2],
}

impl Field {
    fn input(plane: [usize; 2]) -> Self {
        Self {
            start: [0; 2],
            size: [1; 2],
            step: [1; 2],
            seen: plane.map(|len| (0..len).map(|i| i..i + 1).collect()),
        }
    }

    /// All that any element of this field sees, from every element of a plane.
    fn whole(&self, output: [usize; 2]) -> Self {
        let hull = [0, 1].map(|axis| hull(&self.seen[axis]));
        Self {
            start: [0, 1].map(|axis| isize::try_from(hull[axis].start).unwrap_or(isize::MAX)),
            size: [0, 1].map(|axis| hull[axis].len()),
            step: [0; 2],
            seen: [0, 1].map(|axis| vec![hull[axis].clone(); output[axis]]),
        }
    }

    fn through(&self, window: &Window2d, output: [usize; 2]) -> Self {
        let extent = window.extent();
        let mut field = self.clone();
        for axis in 0..2 {
            let step = self.step[axis];
            let before = window.padding_before[axis].saturating_mul(step);
            field.start[axis] = self.start[axis].saturating_sub_unsigned(before);
            field.size[axis] = (extent[axis] - 1)
                .saturating_mul(step)
                .saturating_add(self.size[axis]);
            field.step[axis] = step.saturating_mul(window.stride[axis]);
            let below = &self.seen[axis];
            let sources = |o| {
                let indices = window.sources(axis, o, below.len());
                indices.map(|index| below[index].clone())
            };
            field.seen[axis] = (0..output[axis]).map(|o| hull(sources(o))).collect();
        }
        field
    }

    /// Of what is looked up: in a margin of the plane's own elements. There it is
    /// those elements' field; in the middle it moves like a padded one.
    fn looked_up(&self, lookup: &Lookup) -> Self {
        let mut field = self.clone();
        for axis in 0..2 {
            let positions = lookup.positions(axis);
            if positions.is_empty() {
                continue;
            }
            let step = isize::try_from(self.step[axis]).unwrap_or(isize::MAX);
            let moved = lookup.shift(axis).saturating_mul(step);
            field.start[axis] = self.start[axis].saturating_add(moved);
            let seen = |&at: &usize| self.seen[axis].get(at).cloned().unwrap_or(0..0);
            field.seen[axis] = positions.iter().map(seen).collect();
        }
        field
    }

    /// The smallest field that holds both, if they move alike.
    fn union(self, other: &Self) -> Self {
        let mut field = self;
        if field.step != other.step {
            field = field.whole(other.seen.each_ref().map(Vec::len));
        }
        for axis in 0..2 {
            let start = field.start[axis].min(other.start[axis]);
            let end = |f: &Self| f.start[axis].saturating_add_unsigned(f.size[axis]);
            field.size[axis] = end(&field).max(end(other)).abs_diff(start);
            field.start[axis] = start;
            for (seen, more) in field.seen[axis].iter_mut().zip(&other.seen[axis]) {
                *seen = hull([&*seen, more]);
            }
        }
        field
    }

    /// The rows and columns of the input that the output element at this
    /// position sees: the smallest ranges that hold every input with a gradient,
    /// and, unless a dilation or a stride beyond the kernel leaves holes, just
    /// those (where no weight is zero). Empty for a position that there is not.
    #[must_use]
    pub fn inputs(&self, output: [usize; 2]) -> [Range<usize>; 2] {
        [0, 1].map(|axis| self.seen[axis].get(output[axis]).cloned().unwrap_or(0..0))
    }
}

/// The smallest range that holds all of these.
fn hull<R: std::borrow::Borrow<Range<usize>>>(ranges: impl IntoIterator<Item = R>) -> Range<usize> {
    let filled = ranges
        .into_iter()
        .map(|range| range.borrow().clone())
        .filter(|range| !range.is_empty());
    filled
        .reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
        .unwrap_or(0..0)
}

/// The last two axes; 1 for what is missing.
fn plane(shape: &[usize]) -> [usize; 2] {
    match shape {
        [.., height, width] => [*height, *width],
        [width] => [1, *width],
        [] => [1, 1],
    }
}

fn field_of(entry: &Entry, entries: &[Entry], fields: &[Option<Field>]) -> Option<Field> {
    let output = plane(&entry.shape);
    let inputs = entry.inputs.iter().flatten();
    let seen = inputs.filter_map(|&input| {
        let field = fields.get(input)?.as_ref()?;
        Some(match (&entry.op.window, &entry.op.lookup) {
            (Some(window), _) => field.through(window, output),
            (None, Some(lookup)) => field.looked_up(lookup),
            (None, None) if !entry.op.spans_plane && plane(&entries[input].shape) == output => {
                field.clone()
            }
            (None, None) => field.whole(output),
        })
    });
    seen.reduce(|field, other| field.union(&other))
}

fn parameters_of(entry: &Entry, entries: &[Entry]) -> Vec<ParameterId> {
    let inputs = entry.inputs.iter().flatten();
    inputs
        .filter_map(|&input| entries[input].parameter)
        .collect()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = vec![[
            "Layer".to_owned(),
            "Operation".to_owned(),
            "Output".to_owned(),
            "Parameters".to_owned(),
            "Multiply-adds".to_owned(),
            "Receptive field".to_owned(),
        ]];
        for row in &self.rows {
            table.push([
                row.layer.clone(),
                row.op.to_owned(),
                format!("{:?}", row.output),
                grouped(row.parameters as u64),
                grouped(row.multiply_adds),
                row.field.as_ref().map_or(String::new(), |field| {
                    let [height, width] = field.size;
                    match field.step {
                        [0, 0] => "whole input".to_owned(),
                        [down, right] if down == right => {
                            format!("{height} × {width}, step {down}")
                        }
                        [down, right] => format!("{height} × {width}, step {down} × {right}"),
                    }
                }),
            ]);
        }
        let width = |column: usize| {
            table
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: [usize; 6] = std::array::from_fn(width);
        let rule = "─".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1));
        writeln!(f, "Input {:?}", self.input)?;
        for (i, [layer, op, output, parameters, multiply_adds, field]) in table.iter().enumerate() {
            let [w0, w1, w2, w3, w4, _] = widths;
            let line = format!(
                "{layer:w0$}  {op:w1$}  {output:w2$}  {parameters:>w3$}  {multiply_adds:>w4$}  {field}"
            );
            writeln!(f, "{}", line.trim_end())?;
            if i == 0 {
                writeln!(f, "{rule}")?;
            }
        }
        writeln!(f, "{rule}")?;
        write!(f, "{} parameters, ", grouped(self.parameters as u64))?;
        if self.buffers > 0 {
            write!(f, "{} buffered numbers, ", grouped(self.buffers as u64))?;
        }
        write!(f, "{} multiply-adds", grouped(self.multiply_adds))
    }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
