//! The one error type of the whole library.
//!
//! Every crate above re-exports it, so that `?` composes from a kernel up to a
//! training loop. Its variants name no layer, tape or file format: they say
//! what kind of thing was wrong, and the message says with what. A message
//! opens with the operation and ends with the shapes that it was given:
//!
//! ```text
//! conv2d: input has 3 channels, weight expects 4 (input [8, 3, 32, 32], weight [16, 4, 3, 3])
//! ```
//!
//! A cause is part of the message that it explains, and so no
//! [`source`](std::error::Error::source) besides: printed once, it is told once.

/// What a fallible call returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong, from a shape that does not fit to a file that lies.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Shapes that do not fit each other or the operation.
    #[error("{op}: {message}")]
    Shape {
        /// The operation that refused.
        op: &'static str,
        /// What did not fit, with the shapes.
        message: String,
    },
    /// An axis that the tensor does not have.
    #[error("{op}: axis {axis} is out of range for {}", ranked(*ndim))]
    Axis {
        /// The operation that refused.
        op: &'static str,
        /// The axis as given, negative ones count from the end.
        axis: isize,
        /// The number of axes that there are.
        ndim: usize,
    },
    /// An argument outside of what the operation accepts.
    #[error("{op}: {message}")]
    Value {
        /// The operation that refused.
        op: &'static str,
        /// The argument, its value, and what would be accepted.
        message: String,
    },
    /// A result larger than the address space, or than the allocator would give.
    #[error("{op}: a result of shape {shape:?} ({element} elements) does not fit into memory")]
    TooLarge {
        /// The operation that refused.
        op: &'static str,
        /// The shape of the result that would have been.
        shape: Vec<usize>,
        /// The name of its element type.
        element: &'static str,
    },
    /// One number was needed, another count was there.
    #[error("{op}: needs exactly one element, got shape {shape:?}")]
    NotScalar {
        /// The operation that refused.
        op: &'static str,
        /// The shape that it was given.
        shape: Vec<usize>,
    },
    /// The tape was already swept: what it had saved is gone.
    #[error(
        "{op}: this tape was consumed by an earlier backward; record the next step on a new tape"
    )]
    Consumed {
        /// The operation that refused.
        op: &'static str,
    },
    /// Variables of different tapes met in one operation.
    #[error("{op}: variables of different tapes cannot be mixed")]
    MixedTapes {
        /// The operation that refused.
        op: &'static str,
    },
    /// A gradient was asked for that does not exist.
    #[error("{op}: no gradient for {name}: the loss does not depend on it")]
    MissingGradient {
        /// The operation that refused.
        op: &'static str,
        /// The parameter or variable without a gradient.
        name: String,
    },
    /// An operation yielded NaN or infinity while anomalies were watched for.
    #[error("{op}: the result holds {found} (shape {shape:?})")]
    Anomaly {
        /// The operation, or the gradient of an operation.
        op: String,
        /// What was found first, and where.
        found: String,
        /// The shape of the result.
        shape: Vec<usize>,
    },
    /// An error on its way through a container, with the name of the layer it came from.
    #[error("in layer `{layer}`: {cause}")]
    InLayer {
        /// The dotted name of the layer.
        layer: String,
        /// What went wrong there.
        cause: Box<Self>,
    },
    /// The operating system refused a file.
    #[error("{path}: {cause}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file or buffer that is not what it should be.
    #[error("{what}: {message}")]
    Format {
        /// The file or the kind of data.
        what: String,
        /// What is wrong with it.
        message: String,
    },
}

impl Error {
    /// A [`Error::Shape`].
    pub fn shape(op: &'static str, message: impl Into<String>) -> Self {
        Self::Shape {
            op,
            message: message.into(),
        }
    }

    /// A [`Error::Value`].
    pub fn value(op: &'static str, message: impl Into<String>) -> Self {
        Self::Value {
            op,
            message: message.into(),
        }
    }

    /// A [`Error::Format`].
    pub fn format(what: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Format {
            what: what.into(),
            message: message.into(),
        }
    }

    /// The same error, seen from one container further out: nested names join
    /// into one dotted name.
    ///
    /// ```
    /// use wengert_tensor::Error;
    ///
    /// let error = Error::value("conv2d", "stride must be positive, got 0");
    /// let error = error.in_layer("conv1").in_layer("features");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "in layer `features.conv1`: conv2d: stride must be positive, got 0"
    /// );
    /// ```
    #[must_use]
    pub fn in_layer(self, name: &str) -> Self {
        match self {
            Self::InLayer { layer, cause } => Self::InLayer {
                layer: format!("{name}.{layer}"),
                cause,
            },
            other => Self::InLayer {
                layer: name.to_owned(),
                cause: Box::new(other),
            },
        }
    }
}

fn ranked(ndim: usize) -> String {
    match ndim {
        0 => "a tensor without axes".to_owned(),
        1 => "a tensor of 1 axis".to_owned(),
        n => format!("a tensor of {n} axes"),
    }
}
