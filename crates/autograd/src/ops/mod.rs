//! The differentiable operations: one family, one file, named as its loops in
//! `tensor`. Formula, forward and rules stand together.

mod avg_pool2d;
mod compare;
mod conv2d;
mod conv_transpose2d;
mod corr2d;
mod dropout;
mod elementwise;
mod extrema;
mod index;
mod join;
mod layout;
mod loss;
mod matmul;
mod max_pool2d;
mod norm;
mod operators;
mod pad;
mod reduce;
mod slice;
mod softmax;
#[cfg(test)]
mod testing;
mod unary;
