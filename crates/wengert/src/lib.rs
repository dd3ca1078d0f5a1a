//! `wengert` trains small convolutional networks on a CPU, in code that one
//! person can read in an afternoon.
//!
//! It is named after the Wengert list, the tape that reverse-mode
//! differentiation plays backwards (R. E. Wengert, 1964). This crate is the
//! published face: it re-exports the parts and adds nothing.
//!
//! | part | what it is |
//! |---|---|
//! | [`tensor`] | values and loops: storage, arithmetic, convolution, pooling |
//! | [`autograd`] | who came from whom: the tape, variables, gradients of any order |
//! | [`nn`] | layers, losses, optimisers, summaries |
//! | [`data`] | datasets, mini-batches, the handwritten digits |
//!
//! # Learning an edge detector
//!
//! ```
//! use wengert::prelude::*;
//!
//! // An image with a black bar, and the edges that [1, −1] finds in it.
//! let mut image: Tensor = Tensor::ones([6, 8])?;
//! image.slice_fill((.., 2..6), 0.0)?;
//! let edges = image.corr2d(&Tensor::from([[1.0, -1.0]]))?;
//!
//! // A kernel that starts out random learns to find them.
//! let rng = &mut Generator::new(0);
//! let mut conv: Conv2d = Conv2d::builder(1, 1, (1, 2)).build(rng)?;
//! let mut sgd = Sgd::new(0.01)?;
//! for _ in 0..1000 {
//!     let tape = Tape::new();
//!     let predicted = conv.forward(&tape.constant(image.reshape([1, 1, 6, 8])?))?;
//!     let target = edges.reshape([1, 1, 6, 7])?;
//!     let loss = predicted.mse_loss(&tape.constant(target), Reduction::Sum)?;
//!     sgd.step(&mut conv, &loss.backward()?)?;
//! }
//! let learned = conv.weight.value();
//! assert!(learned.all_close(&Tensor::from([[[[1.0, -1.0]]]]), 0.0, 1e-4));
//! # Ok::<(), wengert::Error>(())
//! ```

pub use autograd;
pub use data;
pub use nn;
pub use tensor;

pub use autograd::*;
pub use nn::*;
pub use tensor::*;

/// What most programs need: `use wengert::prelude::*;`.
pub mod prelude {
    pub use autograd::{Gradients, Parameter, Tape, Var, grad};
    #[cfg(feature = "digits")]
    pub use data::digits;
    pub use data::{Dataset, Normalization};
    // Layers.
    pub use nn::{
        AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, BatchNorm1d, BatchNorm2d, CircularPad2d,
        ConstantPad2d, Conv2d, ConvTranspose2d, Dropout, Dropout2d, Flatten, Fold, GroupNorm,
        InstanceNorm1d, InstanceNorm2d, LayerNorm, Linear, MaxPool2d, Module, PaddingMode,
        ReflectionPad2d, Relu, ReplicationPad2d, RmsNorm, Sequential, Sigmoid, Tanh, Unflatten,
        Unfold, Upsample, Visit, ZeroPad2d, accuracy, summary,
    };
    // Losses.
    pub use nn::{
        BceLoss, BceWithLogitsLoss, CrossEntropyLoss, HuberLoss, KlDivLoss, L1Loss, MseLoss,
        NllLoss, SmoothL1Loss,
    };
    // Optimisers and schedules.
    pub use nn::{
        Adagrad, Adam, AdamW, ChainedScheduler, CosineAnnealingLr, CosineAnnealingWarmRestarts,
        ExponentialLr, LinearLr, MultiStepLr, OneCycleLr, Optimizer, Rates, ReduceLrOnPlateau,
        RmsProp, Scheduler, SequentialLr, Sgd, StepLr,
    };
    // Checkpoints.
    pub use nn::StateDict;
    #[cfg(feature = "safetensors")]
    pub use nn::{Progress, TrainingCheckpoint};
    pub use tensor::random::Generator;
    pub use tensor::{
        AvgPool2dOptions, BatchNormOptions, Conv2dOptions, CrossEntropyOptions, Error,
        KlDivOptions, MaxPool2dOptions, NllLossOptions, Padding, Reduction, Result, RunningStats,
        Tensor,
    };
}
