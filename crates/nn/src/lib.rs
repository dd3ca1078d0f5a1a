//! Layers, losses, optimisers: names for arrangements of operations.
//!
//! There are no gradient rules here and no loops over elements; those are
//! `wengert-autograd`'s and `wengert-tensor`'s. What is here is plain data: a
//! layer is a struct with [`Parameter`](autograd::Parameter)s, a model is a
//! struct of layers, and `&mut` is what updates it.
//!
//! | part | what there is |
//! |---|---|
//! | modules | [`Module`], [`Visit`], [`module!`], [`visit!`] |
//! | layers | [`Conv2d`], [`Linear`], [`MaxPool2d`], [`AvgPool2d`], [`Dropout`], [`Flatten`], [`Sequential`] |
//! | activations | [`Relu`], [`Relu6`], [`LeakyRelu`], [`Prelu`], [`Elu`], [`Selu`], [`Celu`], [`Gelu`], [`Silu`], [`Mish`], [`Hardswish`], [`Hardsigmoid`], [`Hardtanh`], [`Sigmoid`], [`LogSigmoid`], [`Tanh`], [`Softplus`], [`Softsign`], [`Softmax`], [`Softmin`], [`LogSoftmax`], [`Softmax2d`], [`Identity`] |
//! | layers | [`Conv2d`], [`Linear`], [`MaxPool2d`], [`AvgPool2d`], [`Relu`], [`Sigmoid`], [`Tanh`], [`Dropout`], [`Flatten`], [`Sequential`] |
//! | normalisation | [`BatchNorm2d`], [`BatchNorm1d`], [`InstanceNorm2d`], [`InstanceNorm1d`], [`GroupNorm`], [`LayerNorm`], [`RmsNorm`], [`Dropout2d`] |
//! | spatial layers | [`ConvTranspose2d`], [`AdaptiveAvgPool2d`], [`AdaptiveMaxPool2d`], [`ZeroPad2d`], [`ConstantPad2d`], [`ReflectionPad2d`], [`ReplicationPad2d`], [`CircularPad2d`], [`Upsample`], [`Unfold`], [`Fold`], [`Unflatten`] |
//! | losses and metrics | [`CrossEntropyLoss`], [`MseLoss`], [`accuracy`], [`confusion_matrix`] |
//! | losses | [`CrossEntropyLoss`], [`NllLoss`], [`MseLoss`], [`L1Loss`], [`SmoothL1Loss`], [`HuberLoss`], [`KlDivLoss`], [`BceLoss`], [`BceWithLogitsLoss`] |
//! | metrics | [`accuracy`], [`confusion_matrix`] |
//! | optimisers | [`Optimizer`], [`Sgd`] |
//! | checkpoints | [`StateDict`], [`Visit::state_dict`], [`Visit::load_state_dict`] |
//! | optimisers | [`Optimizer`], [`Sgd`], [`Adam`], [`AdamW`], [`RmsProp`], [`Adagrad`] |
//! | schedules | [`Scheduler`], [`StepLr`], [`CosineAnnealingLr`], [`OneCycleLr`], [`SequentialLr`], … |
//! | before training | [`init`], [`summary()`] |
//!
//! ```
//! use autograd::Tape;
//! use tensor::{Reduction, Tensor, random::Generator};
//! use wengert_nn::{Conv2d, Flatten, Linear, MaxPool2d, Module, Optimizer, Relu, Sequential, Sgd};
//!
//! let rng = &mut Generator::new(0);
//! let mut model: Sequential = Sequential::new()
//!     .add(Conv2d::builder(1, 4, 3).padding(1).build(rng)?)
//!     .add(Relu)
//!     .add(MaxPool2d::new(2))
//!     .add(Flatten::new())
//!     .add(Linear::builder(4 * 4 * 4, 2).build(rng)?);
//! let mut sgd = Sgd::builder(0.1).momentum(0.9).build()?;
//!
//! // Bright images are of class 1, dark ones of class 0.
//! let bright = Tensor::uniform([16, 1, 8, 8], 0.5, 1.0, rng)?;
//! let dark = Tensor::uniform([16, 1, 8, 8], 0.0, 0.5, rng)?;
//! let images = Tensor::cat(&[&bright, &dark], 0)?;
//! let labels = Tensor::cat(&[&Tensor::ones([16])?, &Tensor::zeros([16])?], 0)?;
//! let mut losses = Vec::new();
//! for _ in 0..20 {
//!     let tape = Tape::new();
//!     let logits = model.forward(&tape.constant(images.clone()))?;
//!     let loss = logits.cross_entropy(&labels, Reduction::Mean)?;
//!     losses.push(loss.item()?);
//!     sgd.step(&mut model, &loss.backward()?)?;
//! }
//! assert!(losses[19] < 0.5 * losses[0]);
//! # Ok::<(), tensor::Error>(())
//! ```

mod checkpoint;
pub mod init;
mod layers;
mod loss;
mod module;
mod optim;
mod running;
mod summary;

pub use checkpoint::*;
pub use layers::*;
pub use loss::*;
pub use module::{CloneModule, Module, Slot, SlotMut, Visit, Visitor, VisitorMut, write_tree};
pub use optim::*;
pub use summary::{Row, Summary, summary};
pub use tensor::Float;
