//! The negative log-likelihood, of what log-softmax made.
//!
//! | | value | gradient of the input |
//! |---|---|---|
//! | `nll_loss` | −w · x at the true class | −g · w at the true class, 0 elsewhere |
//!
//! It is linear. Its adjoint scatters, and the adjoint of that gathers.

use tensor::{Float, NllLossOptions, Reduction, Result, Tensor};

use crate::record::pull;
use crate::var::Var;

impl<T: Float> Var<T> {
    /// −w·x at the true class: `torch.nn.functional.nll_loss`, for logarithms of
    /// probabilities `[batch, classes, d₁, …]` and labels `[batch, d₁, …]`, or
    /// for one line `[classes]` and a label without axes. A [`Reduction`] will do
    /// for options.
    ///
    /// ```
    /// use tensor::{Reduction, Tensor};
    /// use wengert_autograd::Tape;
    ///
    /// let x = Tape::new().leaf(Tensor::from([[-1.0, -2.0], [-3.0, -4.0]]));
    /// let loss = x.log_softmax(1)?.nll_loss(&Tensor::from([0, 1]), Reduction::Mean)?;
    /// assert_eq!(loss.item()?, x.cross_entropy(&Tensor::from([0, 1]), Reduction::Mean)?.item()?);
    /// # Ok::<(), tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the labels do not fit the input or the weights the classes, or a label is
    /// no class and is not to be ignored; as [`Var::record`].
    pub fn nll_loss(
        &self,
        labels: &Tensor<i64>,
        options: impl Into<NllLossOptions<T>>,
    ) -> Result<Self> {
        let options = options.into();
        let value = self.value().nll_loss(labels, options.clone())?;
        let weights = options.position_weights(self.value(), labels)?;
        let (shape, labels) = (self.shape().to_vec(), labels.clone());
        let rule = pull(move |g: &Self| {
            let zeros = g.constant(Tensor::zeros(&shape)?);
            if zeros.value().is_empty() {
                return Ok(zeros);
            }
            let g = match options.reduction {
                Reduction::Mean => g.div_scalar(weights.sum().item()?)?,
                Reduction::Sum | Reduction::None => g.clone(),
            };
            // Nothing goes to an ignored position, though the mean be over nothing.
            let ignored = labels.eq_scalar(options.ignore_index);
            let each = g.mul(&g.constant(weights.neg()))?;
            let each = each.masked_fill(&ignored, T::ZERO)?;
            let axis = 1.min(shape.len() as isize - 1);
            let at = labels.masked_fill(&ignored, 0)?.unsqueeze(axis)?;
            zeros.scatter_add(axis, &at, &each.unsqueeze(axis)?)
        });
        Self::record("nll_loss", value, [(self, rule)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{check_linear, spaced, torch};
    use crate::tape::Tape;

    const ALL: [Reduction; 3] = [Reduction::Mean, Reduction::Sum, Reduction::None];

    #[test]
    fn weights_and_ignored_labels_of_torch() {
        // show(lambda x: F.nll_loss(x, torch.tensor([2, 0, -100]), weight=torch.tensor([1., 2., 3.])),
        //      [[1., 2., 4.], [0., -1., .5], [nan, 0., 0.]])
        let x = Tensor::from([[1.0, 2.0, 4.0], [0.0, -1.0, 0.5], [f64::NAN, 0.0, 0.0]]);
        let labels = Tensor::from([2, 0, -100]);
        torch(
            |x| {
                let options = NllLossOptions::default().weight(Tensor::from([1.0, 2.0, 3.0]));
                x[0].nll_loss(&labels, options)
            },
            [x],
            -3.0,
            [Tensor::from([
                [0.0, 0.0, -0.75],
                [-0.25, 0.0, 0.0],
                [0.0; 3],
            ])],
        );
    }

    #[test]
    fn agree_with_difference_quotients() {
        let labels = [
            (vec![3], Tensor::scalar(1)),
            (vec![4, 3], Tensor::from([2, 0, 0, -100])),
            (vec![2, 3, 2], Tensor::from([[2, 0], [-100, 1]])),
        ];
        for (shape, labels) in labels {
            let x = spaced(&shape);
            for reduction in ALL {
                let plain = NllLossOptions::from(reduction);
                let weighted = plain.clone().weight(Tensor::from([1.0, 0.5, 2.0]));
                for options in [plain, weighted.clone(), weighted.ignore_index(0)] {
                    let labels = match options.ignore_index {
                        0 => labels.map(|label: i64| label.max(0)),
                        _ => labels.clone(),
                    };
                    check_linear(&x, |x| x.nll_loss(&labels, options.clone()));
                }
            }
        }
    }

    #[test]
    fn nothing_that_counts() {
        let x = Tape::new().leaf(spaced(&[2, 3]));
        let loss = x
            .nll_loss(&Tensor::from([-100, -100]), Reduction::Mean)
            .unwrap();
        assert!(loss.item().unwrap().is_nan());
        assert_eq!(
            loss.backward().unwrap().get(&x),
            Some(&x.value().zeros_like())
        );
        let none = Tape::new().leaf(spaced(&[2, 0]));
        let loss = none
            .nll_loss(&Tensor::from([-100, -100]), Reduction::Sum)
            .unwrap();
        assert_eq!(loss.item().unwrap(), 0.0);
        assert_eq!(loss.backward().unwrap().get(&none), Some(none.value()));
        assert!(
            none.nll_loss(&Tensor::from([0, 0]), Reduction::Sum)
                .is_err()
        );
    }
}
