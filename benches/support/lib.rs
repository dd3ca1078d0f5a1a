//! Shared by the benchmarks: inputs that are the same in every run.

use tensor::Tensor;
use tensor::random::Generator;

/// Normal values, the same ones whenever the shape is the same.
///
/// # Panics
/// If there is no memory for them: a benchmark has nobody to tell.
pub fn normal(shape: impl AsRef<[usize]>) -> Tensor {
    Tensor::randn(shape, &mut Generator::new(0)).expect("inputs of benchmarks fit into memory")
}
