//! The loops of `tensor` by themselves, without a tape.
//!
//! Sizes are those of small networks: a batch of feature maps, the matrices of
//! a fully connected layer. `just bench-ops sum`, or `cargo bench -p
//! wengert-benches --bench tensor_ops -- sum`, runs those whose name contains
//! `sum`.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use wengert_benches::normal;

fn main() {
    divan::main();
}

/// One read of every element.
#[divan::bench(args = [1_000, 100_000, 10_000_000])]
fn sum(bencher: Bencher<'_, '_>, n: usize) {
    let x = normal([n]);
    bencher
        .counter(BytesCount::of_many::<f32>(n))
        .bench_local(|| black_box(&x).sum());
}

/// A bias added to a batch of feature maps: broadcast, read, write.
#[divan::bench(args = [1, 64])]
fn add_bias(bencher: Bencher<'_, '_>, batch: usize) {
    let (maps, bias) = (normal([batch, 16, 28, 28]), normal([16, 1, 1]));
    bencher
        .counter(ItemsCount::new(maps.len()))
        .bench_local(|| black_box(&maps).add(black_box(&bias)));
}

/// The product of two square matrices: n³ multiply-adds.
#[divan::bench(args = [16, 128, 512])]
fn matmul(bencher: Bencher<'_, '_>, n: usize) {
    let (a, b) = (normal([n, n]), normal([n, n]));
    bencher
        .counter(ItemsCount::new(n * n * n))
        .bench_local(|| black_box(&a).matmul(black_box(&b)));
}
