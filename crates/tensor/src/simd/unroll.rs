//! A loop that is no loop in the machine's code.

/// Repeats a block for i = 0, 1, … below a constant of at most 32, with `i` a
/// constant each time. `unroll!(i < N, 4, { … })` is for an N of at most 4, and
/// `8` and `16` likewise: inside of another one, where 32 times 32 would be much to
/// compile.
///
/// Accumulators live in registers only if the compiler sees every index into
/// their array as a constant. A `for` loop leaves it the choice, and for tiles
/// of more than sixteen vectors it chooses memory, which costs a factor of
/// three to six.
macro_rules! unroll {
    ($i:ident < $count:expr, 4, $body:block) => {
        unroll!(@ $i, $count, $body, 0 1 2 3)
    };
    ($i:ident < $count:expr, 8, $body:block) => {
        unroll!(@ $i, $count, $body, 0 1 2 3 4 5 6 7)
    };
    ($i:ident < $count:expr, 16, $body:block) => {
        unroll!(@ $i, $count, $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
    ($i:ident < $count:expr, $body:block) => {
        unroll!(@ $i, $count, $body,
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
            16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31)
    };
    (@ $i:ident, $count:expr, $body:block, $($k:literal)*) => {
        $(
            #[allow(unused_comparisons, unconditional_panic, clippy::absurd_extreme_comparisons)]
            if $k < $count {
                let $i: usize = $k;
                $body
            }
        )*
    };
}
