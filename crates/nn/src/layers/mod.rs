//! Layers: one layer, one file.

mod activation;
mod avg_pool2d;
mod conv2d;
mod dropout;
mod flatten;
mod linear;
mod max_pool2d;
mod sequential;

pub use activation::{Relu, Sigmoid, Tanh};
pub use avg_pool2d::AvgPool2d;
pub use conv2d::{Conv2d, Conv2dBuilder};
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use linear::{Linear, LinearBuilder};
pub use max_pool2d::MaxPool2d;
pub use sequential::Sequential;

/// Implements [`Visit`](crate::Visit) for a layer that has nothing to visit.
macro_rules! without_parameters {
    ($($layer:ident),+) => {$(
        impl<T: tensor::Float> $crate::Visit<T> for $layer {
            fn visit<'a>(&'a self, _: &mut $crate::Visitor<'a, T>) {}
            fn visit_mut<'a>(&'a mut self, _: &mut $crate::VisitorMut<'a, T>) {}
        }
    )+};
}
pub(crate) use without_parameters;

/// A pair as PyTorch prints it: `(3, 5)`.
fn pair([height, width]: [usize; 2]) -> String {
    format!("({height}, {width})")
}

/// A truth value as PyTorch prints it.
fn truth(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}
