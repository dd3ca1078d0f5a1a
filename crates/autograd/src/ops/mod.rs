//! The differentiable operations: one family, one file, named as its loops in
//! `tensor`. Formula, forward and rules stand together.

mod activation;
mod adaptive_pool2d;
mod avg_pool2d;
mod batch_norm;
mod clamp_between;
mod compare;
mod conv2d;
mod conv_transpose2d;
mod corr2d;
mod cumsum;
mod div_rounded;
mod dropout;
mod elementwise;
mod extrema;
mod index;
mod index_by;
mod interpolate;
mod join;
mod layer_norm;
mod layout;
mod lookup;
mod loss;
mod matmul;
mod max_pool2d;
mod norm;
mod normalize;
mod operators;
mod pad;
mod reduce;
mod slice;
mod softmax;
#[cfg(test)]
mod testing;
mod triangle;
mod unary;
mod unfold;
mod unfold_axis;
