//! Layers in a row.

use std::fmt::{self, Display};

use autograd::Var;
use tensor::{Error, Float, Result};

use crate::module::{Module, Visit, Visitor, VisitorMut, write_tree};

/// Modules, each fed by the one before: `torch.nn.Sequential`.
///
/// Children are named by their position, as PyTorch does, or by
/// [`add_named`](Self::add_named). An error says which child it came from.
///
/// ```
/// use autograd::Tape;
/// use tensor::{Tensor, random::Generator};
/// use wengert_nn::{Conv2d, Flatten, Linear, MaxPool2d, Module, Relu, Sequential};
///
/// let rng = &mut Generator::new(0);
/// let model: Sequential = Sequential::new()
///     .add(Conv2d::builder(1, 8, 3).padding(1).build(rng)?)
///     .add(Relu)
///     .add(MaxPool2d::new(2))
///     .add(Flatten::new())
///     .add(Linear::builder(8 * 4 * 4, 10).build(rng)?);
/// let x = Tape::inference().constant(Tensor::zeros([32, 1, 8, 8])?);
/// assert_eq!(model.forward(&x)?.shape(), [32, 10]);
///
/// let x = Tape::inference().constant(Tensor::zeros([32, 1, 9, 12])?);
/// let error = model.forward(&x).unwrap_err().to_string();
/// assert!(error.starts_with("in layer `4`: linear: "), "{error}");
/// # Ok::<(), tensor::Error>(())
/// ```
#[derive(Clone)]
pub struct Sequential<T: Float = f32> {
    children: Vec<(String, Box<dyn Module<T>>)>,
}

impl<T: Float> Sequential<T> {
    /// No layers: the identity.
    #[must_use]
    pub fn new() -> Self {
        Self {
            children: Vec::new(),
        }
    }

    /// The same with one more layer, named by its position.
    #[must_use]
    #[allow(clippy::should_implement_trait)] // a layer more is no sum
    pub fn add(mut self, module: impl Module<T> + 'static) -> Self {
        let name = self.children.len().to_string();
        self.children.push((name, Box::new(module)));
        self
    }

    /// The same with one more layer of this name.
    ///
    /// # Errors
    /// [`Error::Value`] if the name is empty, holds a dot, is a number, or is
    /// taken: names must tell parameters apart.
    pub fn add_named(mut self, name: &str, module: impl Module<T> + 'static) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Error::value(
                "add_named",
                format!("the name `{name}` {why}"),
            ))
        };
        if name.is_empty() || name.contains('.') {
            return refuse("must have letters and no dot");
        }
        if name.bytes().all(|b| b.is_ascii_digit()) {
            return refuse("is a position; use `add`");
        }
        if self.children.iter().any(|(taken, _)| taken == name) {
            return refuse("is taken");
        }
        self.children.push((name.to_owned(), Box::new(module)));
        Ok(self)
    }

    /// The number of layers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.children.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    /// The layer at a position.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&dyn Module<T>> {
        self.children.get(index).map(|(_, child)| &**child)
    }

    /// The outputs of every layer in turn, for looking at feature maps: the
    /// last is what [`forward`](Module::forward) returns.
    ///
    /// # Errors
    /// As [`forward`](Module::forward).
    pub fn forward_all(&self, input: &Var<T>) -> Result<Vec<Var<T>>> {
        let mut outputs: Vec<Var<T>> = Vec::with_capacity(self.len());
        for (name, child) in &self.children {
            let output = child.forward(outputs.last().unwrap_or(input));
            outputs.push(output.map_err(|error| error.in_layer(name))?);
        }
        Ok(outputs)
    }
}

impl<T: Float> Default for Sequential<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Float> Module<T> for Sequential<T> {
    fn forward(&self, input: &Var<T>) -> Result<Var<T>> {
        let mut x = input.clone();
        for (name, child) in &self.children {
            x = child.forward(&x).map_err(|error| error.in_layer(name))?;
        }
        Ok(x)
    }
}

impl<T: Float> Visit<T> for Sequential<T> {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a, T>) {
        for (name, child) in &self.children {
            visitor.field(name, &**child);
        }
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a, T>) {
        for (name, child) in &mut self.children {
            visitor.field(name, &mut **child);
        }
    }
}

impl<T: Float> Display for Sequential<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let children: Vec<(&str, &dyn Display)> = self
            .children
            .iter()
            .map(|(name, child)| (name.as_str(), child as &dyn Display))
            .collect();
        write_tree(f, "Sequential", &children)
    }
}

impl<T: Float> fmt::Debug for Sequential<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}
