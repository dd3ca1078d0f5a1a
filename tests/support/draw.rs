//! Random arguments: mostly such as make sense, now and then such as do not.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use wengert::random::Generator;
use wengert::{Slice, Tensor};

/// An axis that is vast, yet no more than an empty tensor can have.
pub const VAST: usize = 1 << 50;

/// What a call is drawn from. Operations take of it what they need.
#[derive(Clone, Debug)]
pub struct Draw {
    /// A shape: up to five axes of up to five positions.
    pub shape: Vec<usize>,
    /// Another, which often, but not always, broadcasts with it.
    pub partner: Vec<usize>,
    /// Decides all values.
    pub seed: u64,
    /// Axes, some of which there are.
    pub axes: Vec<isize>,
    /// Sizes, small but for a few.
    pub sizes: Vec<usize>,
    /// Positions, which may be negative or far out.
    pub positions: Vec<isize>,
    /// Numbers with a meaning for norms, powers and probabilities.
    pub number: f64,
    /// Choices.
    pub flags: [bool; 4],
}

/// A draw.
pub fn draw() -> impl Strategy<Value = Draw> {
    let far = select(vec![usize::MAX, isize::MAX as usize, 1 << 62, VAST]);
    let number = [0.0, 0.5, 1.0, 2.0, 3.0, -1.0, -2.5];
    let odd = [f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let shapes = shape().prop_flat_map(|shape| (Just(shape.clone()), partner(shape)));
    (
        shapes,
        any::<u64>(),
        vec(axis(), 3),
        vec(prop_oneof![15 => 0usize..6, 1 => far], 6),
        vec(position(), 6),
        prop_oneof![6 => select(number.to_vec()), 1 => select(odd.to_vec())],
        any::<[bool; 4]>(),
    )
        .prop_map(
            |((shape, partner), seed, axes, sizes, positions, number, flags)| Draw {
                shape,
                partner,
                seed,
                axes,
                sizes,
                positions,
                number,
                flags,
            },
        )
}

/// A shape: now and then without elements, then rarely with a vast axis.
pub fn shape() -> impl Strategy<Value = Vec<usize>> {
    let usual = vec(
        prop_oneof![2 => Just(1usize), 10 => 2usize..6, 1 => Just(0)],
        0..6,
    );
    let vast = vec(1usize..4, 0..4).prop_map(|mut shape| {
        shape.insert(shape.len() / 2, 0);
        shape.push(VAST);
        shape
    });
    // Six axes of five positions would take long, and show nothing more.
    let small = usual.prop_map(|mut shape| {
        while shape.iter().product::<usize>() > 500 {
            shape.pop();
        }
        shape
    });
    prop_oneof![30 => small, 1 => vast.clone(), 1 => vast.prop_map(|mut shape| {
        shape.reverse();
        shape
    })]
}

/// A shape that often broadcasts with this one.
fn partner(shape: Vec<usize>) -> impl Strategy<Value = Vec<usize>> {
    let flattened = vec(any::<bool>(), shape.len());
    let leading = 0..=shape.len();
    let same = Just(shape.clone());
    let mut reversed = shape.clone();
    reversed.reverse();
    let broadcast = (flattened, leading).prop_map(move |(flattened, leading)| {
        let sizes = shape.iter().zip(flattened);
        let sizes = sizes.map(|(&size, flat)| if flat { 1 } else { size });
        let sizes: Vec<usize> = sizes.skip(leading).collect();
        // Without the axis of size 0, a vast one is more than there is.
        let is_held = sizes.contains(&0) || !sizes.contains(&VAST);
        if is_held { sizes } else { vec![] }
    });
    prop_oneof![3 => same, 4 => broadcast, 1 => Just(reversed), 2 => self::shape()]
}

fn axis() -> impl Strategy<Value = isize> {
    prop_oneof![
        12 => -3isize..3,
        2 => -7isize..7,
        1 => select(vec![isize::MIN, isize::MAX]),
    ]
}

fn position() -> impl Strategy<Value = isize> {
    prop_oneof![
        12 => -2isize..5,
        2 => -9isize..9,
        1 => select(vec![isize::MIN, isize::MAX, -(VAST as isize), VAST as isize]),
    ]
}

impl Draw {
    /// Random values from 0.5 to 1.5, away from every kink and pole, in this
    /// shape.
    pub fn tensor(&self, shape: &[usize], which: u64) -> Tensor<f64> {
        let mut rng = Generator::new(self.seed).stream(which);
        Tensor::uniform(shape, 0.5, 1.5, &mut rng).unwrap_or_else(|_| Tensor::scalar(1.0))
    }

    /// A tensor of [`shape`](Self::shape).
    pub fn x(&self) -> Tensor<f64> {
        self.tensor(&self.shape, 0)
    }

    /// A tensor of [`partner`](Self::partner).
    pub fn y(&self) -> Tensor<f64> {
        self.tensor(&self.partner, 1)
    }

    /// A random mask of this shape.
    pub fn mask(&self, shape: &[usize]) -> Tensor<bool> {
        self.tensor(shape, 2).gt_scalar(1.0)
    }

    /// Indices below `bound`, as many as the shape has places; if the fourth
    /// flag and the seed want it, a few are not.
    pub fn indices(&self, shape: &[usize], bound: usize) -> Tensor<i64> {
        let bound = bound.clamp(1, 9) as f64;
        let stray = if self.flags[3] && self.seed.is_multiple_of(4) {
            1.5
        } else {
            0.0
        };
        let spread = |x: f64| ((x - 0.5) * (bound + stray) - stray / 2.0).floor() as i64;
        self.tensor(shape, 3).map(spread)
    }

    /// The size of the first drawn axis, or 1 if there is no such axis.
    pub fn size_of_axis(&self) -> usize {
        let ndim = self.shape.len();
        let at = wengert::shape::axis("draw", self.axes[0], ndim);
        at.map_or(1, |at| self.shape[at])
    }

    /// The first one, two or three drawn axes, or none.
    pub fn some_axes(&self) -> Vec<isize> {
        self.axes[..self.seed as usize % 4].to_vec()
    }

    /// An order of the axes, mostly a permutation.
    pub fn order(&self) -> Vec<isize> {
        let ndim = self.shape.len();
        let order = Generator::new(self.seed)
            .permutation(ndim)
            .unwrap_or_default();
        let mut order: Vec<isize> = order.into_iter().map(|axis| axis as isize).collect();
        if self.flags[3] && !order.is_empty() {
            order[0] = self.axes[0];
        }
        order
    }

    /// A slice of up to three axes.
    pub fn slices(&self) -> Vec<Slice> {
        let slice = |i: usize| {
            let (start, end) = (self.positions[2 * i], self.positions[2 * i + 1]);
            match (self.seed >> (2 * i)) % 4 {
                0 => Slice::from(..),
                1 => Slice::Index(start),
                2 => Slice::from(start..end),
                _ => Slice::from(start..).step(self.sizes[i]),
            }
        };
        (0..self.shape.len().min(self.seed as usize % 4))
            .map(slice)
            .collect()
    }

    /// Pairs of amounts to pad by, for up to two axes.
    pub fn amounts(&self) -> Vec<(isize, isize)> {
        let pairs = self.positions.chunks(2).map(|pair| (pair[0], pair[1]));
        pairs.take(self.seed as usize % 3).collect()
    }

    /// The drawn shape with one size made −1, one size altered, or neither.
    pub fn reshape(&self) -> Vec<isize> {
        let mut shape: Vec<isize> = self
            .order()
            .iter()
            .filter_map(|&axis| {
                let at = wengert::shape::axis("draw", axis, self.shape.len()).ok()?;
                Some(self.shape[at] as isize)
            })
            .collect();
        if let Some(last) = shape.last_mut() {
            match self.seed % 3 {
                0 => *last = -1,
                1 if self.flags[2] => *last = self.positions[0],
                _ => {}
            }
        }
        shape
    }
}
