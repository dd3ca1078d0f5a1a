//! What all normalisations share: elements in groups, each group brought to mean
//! 0 and variance 1, then scaled and shifted by a weight and a bias.
//!
//! ```text
//! x̂ = (x − mean) · r,    r = 1 / √(variance + eps),    y = x̂ · weight + bias
//! ```
//!
//! The norms differ in what a group is. A tensor is taken as *runs* of neighbours,
//! which are planes or rows, and a group is some of them:
//!
//! | | run | group | weight |
//! |---|---|---|---|
//! | `batch_norm` | a plane, of N · C | the N planes of a channel | one a channel |
//! | `instance_norm` | a plane | one plane | one a channel |
//! | `group_norm` | a plane | neighbouring channels of an image | one a channel |
//! | `layer_norm`, `rms_norm` | a row of the last axes | one row | (applied after) |
//!
//! **Accuracy.** Statistics are taken in two passes over stretches that stay in
//! the first cache ([`leaf`]), and put together in `f64`. What is subtracted from an
//! element is a number of its type that is close to the mean; the rest of the mean
//! goes into the bias. So values around 1e8 are normalised as well as others.
//!
//! **Cost.** Statistics read the operand once, the result reads it again; a gradient
//! reads operand and gradient twice: once for two sums, once for the result.

mod columns;
mod leaf;
mod loops;

use crate::element::Float;
use crate::error::{Error, Result};
use crate::loops::CHECKED;
use crate::scratch;
use crate::tensor::Tensor;
pub(crate) use loops::{gradient_loops, moments_loops, scale_loops, sums_loops};

/// Which elements are normalised together, and which of them share a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    /// The elements of a run.
    len: usize,
    /// The number of groups.
    groups: usize,
    /// The runs of a group.
    turns: usize,
    /// Whether the runs of a group lie `groups` apart; else they are neighbours.
    interleaved: bool,
    /// Run r has the weight r mod `channels`.
    channels: usize,
}

impl Groups {
    /// `groups` groups of neighbours, each `turns` runs of `len` elements.
    pub(crate) fn rows(groups: usize, turns: usize, len: usize, channels: usize) -> Self {
        Self {
            len,
            groups,
            turns,
            interleaved: false,
            channels,
        }
    }

    /// `[turns, channels, len]`, every channel a group.
    pub(crate) fn channels(turns: usize, channels: usize, len: usize) -> Self {
        Self {
            len,
            groups: channels,
            turns,
            interleaved: true,
            channels,
        }
    }

    /// The elements of a group.
    #[must_use]
    pub fn count(&self) -> usize {
        self.turns * self.len
    }

    /// A shape in which groups are an axis, with one size for every other axis.
    #[must_use]
    pub fn view(&self) -> Vec<usize> {
        if self.interleaved {
            vec![self.turns, self.groups, self.len]
        } else {
            vec![self.groups, self.count()]
        }
    }

    /// The axes of [`view`](Self::view) that a group extends along.
    #[must_use]
    pub fn axes(&self) -> &'static [isize] {
        if self.interleaved { &[0, 2] } else { &[1] }
    }

    /// Runs with numbers of their own: of a channel's runs one stands for all.
    fn entries(&self) -> usize {
        if self.interleaved {
            self.groups
        } else {
            self.groups * self.turns
        }
    }

    /// The group of an entry.
    fn group_of(&self, entry: usize) -> usize {
        if self.interleaved {
            entry
        } else {
            entry / self.turns
        }
    }
}

/// How a group's result depends on its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Its mean and variance are those of the elements.
    Centred,
    /// Its scale is; there is no mean.
    Scaled,
    /// Both were given.
    Fixed,
}

/// A normalisation with its statistics, which gradients need again.
#[derive(Clone, Debug)]
pub struct Standardization {
    op: &'static str,
    groups: Groups,
    kind: Kind,
    /// For each group its mean and 1 / √(variance + eps).
    statistics: Tensor<f64>,
}

/// The mean and the biased variance of every group, alternately.
pub(crate) fn moments<T: Float>(
    op: &'static str,
    x: &Tensor<T>,
    groups: &Groups,
    centred: bool,
) -> Result<Tensor<f64>> {
    let mut moments = Tensor::arbitrary(op, &[groups.groups, 2])?;
    T::norm_moments(
        CHECKED,
        groups,
        centred,
        x.as_slice(),
        moments.as_mut_slice(),
    );
    Ok(moments)
}

impl Standardization {
    /// By the elements' own mean and variance, which are given, as
    /// [`moments`] finds them.
    pub(crate) fn centred(
        op: &'static str,
        groups: Groups,
        moments: &Tensor<f64>,
        eps: f64,
    ) -> Self {
        Self::new(op, groups, Kind::Centred, moments, eps)
    }

    /// By the elements' mean square alone.
    pub(crate) fn scaled(
        op: &'static str,
        groups: Groups,
        moments: &Tensor<f64>,
        eps: f64,
    ) -> Self {
        Self::new(op, groups, Kind::Scaled, moments, eps)
    }

    /// By a mean and a variance for each channel that do not depend on the elements.
    pub(crate) fn fixed<T: Float>(
        op: &'static str,
        groups: Groups,
        mean: &Tensor<T>,
        var: &Tensor<T>,
        eps: f64,
    ) -> Result<Self> {
        let mut moments = Tensor::arbitrary(op, &[groups.groups, 2])?;
        let pairs = moments.as_mut_slice().chunks_exact_mut(2);
        for (pair, (mean, var)) in pairs.zip(mean.iter().zip(var)) {
            pair.copy_from_slice(&[mean.as_f64(), var.as_f64()]);
        }
        Ok(Self::new(op, groups, Kind::Fixed, &moments, eps))
    }

    /// Of a tensor without elements.
    pub(crate) fn nothing(op: &'static str, groups: Groups, eps: f64) -> Result<Self> {
        let moments = Tensor::filled(op, &[groups.groups, 2], 0.0)?;
        Ok(Self::new(op, groups, Kind::Centred, &moments, eps))
    }

    fn new(op: &'static str, groups: Groups, kind: Kind, moments: &Tensor<f64>, eps: f64) -> Self {
        let mut statistics = moments.clone();
        for pair in statistics.as_mut_slice().chunks_exact_mut(2) {
            pair[1] = 1.0 / (pair[1] + eps).sqrt();
        }
        Self {
            op,
            groups,
            kind,
            statistics,
        }
    }

    /// The groups.
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Whether the statistics do not depend on the elements.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.kind == Kind::Fixed
    }

    /// 1 / √(variance + eps) of every group, which broadcasts against
    /// [`Groups::view`].
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn reciprocal_deviation<T: Float>(&self) -> Result<Tensor<T>> {
        let groups = self.groups.groups;
        let shape: &[usize] = if self.groups.interleaved {
            &[1, groups, 1]
        } else {
            &[groups, 1]
        };
        let mut r = Tensor::arbitrary(self.op, shape)?;
        let pairs = self.statistics.as_slice().chunks_exact(2);
        for (r, pair) in r.as_mut_slice().iter_mut().zip(pairs) {
            *r = T::of(pair[1]);
        }
        Ok(r)
    }

    /// x̂ · weight + bias, in the shape of x.
    ///
    /// # Errors
    /// [`Error::Shape`] for a tensor of another size, or a weight or bias that is
    /// not one for each channel.
    pub fn normalize<T: Float>(
        &self,
        x: &Tensor<T>,
        weight: Option<&Tensor<T>>,
        bias: Option<&Tensor<T>>,
    ) -> Result<Tensor<T>> {
        self.check(x)?;
        self.check_channels("weight", weight)?;
        self.check_channels("bias", bias)?;
        let mut y = Tensor::arbitrary_as(self.op, x)?;
        scratch::with(4 * self.groups.entries(), |lines: &mut [T]| {
            for (entry, line) in lines.chunks_exact_mut(4).enumerate() {
                let [weight, bias] = [(weight, 1.0), (bias, 0.0)].map(|(t, default)| {
                    t.map_or(default, |t| {
                        t.as_slice()[entry % self.groups.channels].as_f64()
                    })
                });
                let At { near, rest, r } = self.at::<T>(entry);
                let slope = r * weight;
                let shift = if rest == 0.0 { 0.0 } else { rest * slope };
                line.copy_from_slice(&[near, T::ZERO, T::of(slope), T::of(bias - shift)]);
            }
            T::norm_scale(CHECKED, &self.groups, lines, x.as_slice(), y.as_mut_slice());
        });
        Ok(y)
    }

    /// Σ g and Σ g · x̂ of every entry: what the gradients of weight, bias and
    /// input are made of.
    ///
    /// # Errors
    /// [`Error::Shape`] for tensors of another size.
    pub fn gradient_sums<T: Float>(&self, x: &Tensor<T>, g: &Tensor<T>) -> Result<Tensor<f64>> {
        self.check(x)?;
        self.check(g)?;
        let entries = self.groups.entries();
        let mut sums = Tensor::arbitrary(self.op, &[entries, 2])?;
        scratch::with(entries, |near: &mut [T]| {
            for (entry, near) in near.iter_mut().enumerate() {
                *near = self.at::<T>(entry).near;
            }
            T::norm_sums(
                CHECKED,
                &self.groups,
                near,
                x.as_slice(),
                g.as_slice(),
                sums.as_mut_slice(),
            );
        });
        for (entry, sums) in sums.as_mut_slice().chunks_exact_mut(2).enumerate() {
            let At { rest, r, .. } = self.at::<T>(entry);
            sums[1] = r * (sums[1] - rest * sums[0]);
        }
        Ok(sums)
    }

    /// The gradient of the weight, Σ g · x̂ for each channel, and of the bias, Σ g.
    ///
    /// # Errors
    /// [`Error::Shape`] for what are not the [`gradient_sums`](Self::gradient_sums).
    pub fn affine_gradients<T: Float>(&self, sums: &Tensor<f64>) -> Result<[Tensor<T>; 2]> {
        self.check_sums(sums)?;
        let channels = self.groups.channels;
        let of = |which: usize| {
            let mut total = Tensor::<f64>::filled(self.op, &[channels], 0.0)?;
            let out = total.as_mut_slice();
            for (entry, pair) in sums.as_slice().chunks_exact(2).enumerate() {
                out[entry % channels] += pair[which];
            }
            Ok(total.cast())
        };
        Ok([of(1)?, of(0)?])
    }

    /// The gradient of the input,
    ///
    /// ```text
    /// r · (g · weight − mean(g · weight) − x̂ · mean(g · weight · x̂)),
    /// ```
    ///
    /// the means over the group; without those that the statistics do not follow.
    ///
    /// # Errors
    /// [`Error::Shape`] for tensors of another size.
    pub fn input_gradient<T: Float>(
        &self,
        x: &Tensor<T>,
        g: &Tensor<T>,
        weight: Option<&Tensor<T>>,
        sums: &Tensor<f64>,
    ) -> Result<Tensor<T>> {
        self.check(x)?;
        self.check(g)?;
        self.check_sums(sums)?;
        self.check_channels("weight", weight)?;
        let mut out = Tensor::arbitrary_as(self.op, x)?;
        let weight = |entry: usize| {
            weight.map_or(1.0, |w| w.as_slice()[entry % self.groups.channels].as_f64())
        };
        let entries = self.groups.entries();
        if self.is_fixed() {
            // The input does not come into it, be it NaN.
            scratch::with(4 * entries, |lines: &mut [T]| {
                for (entry, line) in lines.chunks_exact_mut(4).enumerate() {
                    let slope = self.at::<T>(entry).r * weight(entry);
                    line.copy_from_slice(&[T::ZERO, T::ZERO, T::of(slope), T::ZERO]);
                }
                let (g, out) = (g.as_slice(), out.as_mut_slice());
                T::norm_scale(CHECKED, &self.groups, lines, g, out);
            });
            return Ok(out);
        }
        // Entries of one group are neighbours.
        let alike = entries / self.groups.groups.max(1);
        let sums = sums.as_slice();
        scratch::with(4 * entries, |lines: &mut [T]| {
            for group in 0..self.groups.groups {
                let members = group * alike..(group + 1) * alike;
                let mut means = [0.0; 2];
                for entry in members.clone() {
                    means[0] += weight(entry) * sums[2 * entry];
                    means[1] += weight(entry) * sums[2 * entry + 1];
                }
                let [mean, along] = means.map(|sum| sum / self.groups.count() as f64);
                for entry in members {
                    let At { near, rest, r } = self.at::<T>(entry);
                    let slope = -r * r * along;
                    let shift = match self.kind {
                        Kind::Scaled => 0.0,
                        _ => r * r * along * rest - r * mean,
                    };
                    let numbers = [r * weight(entry), slope, shift].map(T::of);
                    lines[4 * entry] = near;
                    lines[4 * entry + 1..4 * entry + 4].copy_from_slice(&numbers);
                }
            }
            let operands = [x.as_slice(), g.as_slice()];
            T::norm_gradient(CHECKED, &self.groups, lines, operands, out.as_mut_slice());
        });
        Ok(out)
    }

    /// What an entry's elements are measured from.
    fn at<T: Float>(&self, entry: usize) -> At<T> {
        let group = self.groups.group_of(entry);
        let pair = &self.statistics.as_slice()[2 * group..][..2];
        let near = T::of(pair[0]);
        At {
            near,
            rest: pair[0] - near.as_f64(),
            r: pair[1],
        }
    }

    fn check<T: Float>(&self, x: &Tensor<T>) -> Result<()> {
        let want = self.groups.groups * self.groups.count();
        if x.len() == want {
            return Ok(());
        }
        Err(Error::shape(
            self.op,
            format!("{want} elements are normalised, got shape {:?}", x.shape()),
        ))
    }

    fn check_sums(&self, sums: &Tensor<f64>) -> Result<()> {
        let want = [self.groups.entries(), 2];
        if sums.shape() == want {
            return Ok(());
        }
        Err(Error::shape(
            self.op,
            format!("sums of shape {:?}, expected {want:?}", sums.shape()),
        ))
    }

    fn check_channels<T: Float>(&self, what: &str, t: Option<&Tensor<T>>) -> Result<()> {
        match t {
            Some(_) if self.groups.channels == 0 => Err(Error::shape(
                self.op,
                format!("a {what} needs at least one channel, the input has none"),
            )),
            Some(t) => one_for_each(self.op, what, t, self.groups.channels),
            None => Ok(()),
        }
    }
}

/// A mean in two parts, and the scale.
struct At<T> {
    /// The mean as the elements' type has it.
    near: T,
    /// What that lacks.
    rest: f64,
    /// 1 / √(variance + eps).
    r: f64,
}

/// # Errors
/// [`Error::Shape`] unless a tensor has one number for each channel.
pub(crate) fn one_for_each<T: Float>(
    op: &'static str,
    what: &str,
    t: &Tensor<T>,
    channels: usize,
) -> Result<()> {
    if t.shape() == [channels] {
        return Ok(());
    }
    Err(Error::shape(
        op,
        format!(
            "the {what} must have shape [{channels}], one number for each channel, got {:?}",
            t.shape()
        ),
    ))
}

#[cfg(test)]
mod tests;
