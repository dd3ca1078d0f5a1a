//! Layers: one layer, one file.

mod activation;
mod adaptive_pool2d;
mod avg_pool2d;
mod batch_norm;
mod conv2d;
mod conv_transpose2d;
mod dropout;
mod flatten;
mod group_norm;
mod instance_norm;
mod layer_norm;
mod linear;
mod max_pool2d;
mod pad;
mod prelu;
mod sequential;
mod softmax;
mod unfold;
mod upsample;

pub use activation::{
    Celu, Elu, Gelu, Hardsigmoid, Hardswish, Hardtanh, Identity, LeakyRelu, LogSigmoid, Mish, Relu,
    Relu6, Selu, Sigmoid, Silu, Softplus, Softsign, Tanh,
};
pub use adaptive_pool2d::{AdaptiveAvgPool2d, AdaptiveMaxPool2d};
pub use avg_pool2d::AvgPool2d;
pub use batch_norm::{BatchNorm, BatchNorm1d, BatchNorm2d, BatchNormBuilder};
pub use conv_transpose2d::{ConvTranspose2d, ConvTranspose2dBuilder};
pub use conv2d::{Conv2d, Conv2dBuilder, PaddingMode};
pub use dropout::{Dropout, Dropout2d};
pub use flatten::{Flatten, Unflatten};
pub use group_norm::{GroupNorm, GroupNormBuilder};
pub use instance_norm::{InstanceNorm, InstanceNorm1d, InstanceNorm2d, InstanceNormBuilder};
pub use layer_norm::{LayerNorm, LayerNormBuilder, RmsNorm, RmsNormBuilder};
pub use linear::{Linear, LinearBuilder};
pub use max_pool2d::MaxPool2d;
pub use pad::{
    CircularPad2d, ConstantPad2d, Margins, ReflectionPad2d, ReplicationPad2d, ZeroPad2d,
};
pub use prelu::Prelu;
pub use sequential::Sequential;
pub use softmax::{LogSoftmax, Softmax, Softmax2d, Softmin};
pub use unfold::{Fold, Unfold};
pub use upsample::Upsample;

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

/// A number as Python prints it: `0.1`, `1e-05`.
fn python(x: f64) -> String {
    let text = format!("{x:?}");
    match text.split_once("e-") {
        Some((digits, exponent)) if exponent.len() == 1 => format!("{digits}e-0{exponent}"),
        _ => text,
    }
}

/// Sizes as Python prints them: `(3,)`, `(3, 5)`.
fn tuple(sizes: &[usize]) -> String {
    let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    match sizes.as_slice() {
        [one] => format!("({one},)"),
        sizes => format!("({})", sizes.join(", ")),
    }
}
