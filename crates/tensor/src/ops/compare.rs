//! Questions about elements, answered as masks, and choices made by masks.
//!
//! A comparison yields a `Tensor<bool>`, a byte an element; masks combine with
//! [`and`](Tensor::and), [`or`](Tensor::or) and [`not`](Tensor::not), and choose
//! with [`where_`](Tensor::where_) and [`masked_fill`](Tensor::masked_fill). A
//! choice is not a multiplication by 0 or 1: what was not chosen does not
//! matter, be it NaN or infinite.
//!
//! As everywhere in IEEE arithmetic, NaN is neither less than, equal to, nor
//! greater than anything, so that `x.ne(&x)` finds it.
//!
//! **Cost.** One pass over the operands and one over the result.

use super::elementwise::{map, zip};
use crate::element::Element;
use crate::error::Result;
use crate::shape::{allocate, broadcast, broadcast_strides, for_each_row, nest};
use crate::tensor::Tensor;

/// `name(&rhs)` between tensors and `name_scalar(rhs)` with one value.
macro_rules! comparisons {
    ($($name:ident, $scalar:ident, $sign:literal, $op:tt;)+) => {
        impl<T: Element> Tensor<T> {$(
            #[doc = concat!("Where `self ", $sign, " rhs`, broadcast.")]
            ///
            /// # Errors
            /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
            pub fn $name(&self, rhs: &Self) -> Result<Tensor<bool>> {
                zip(stringify!($name), self, rhs, |x, y| x $op y)
            }

            #[doc = concat!("Where `self ", $sign, " rhs`, for one value.")]
            #[must_use]
            pub fn $scalar(&self, rhs: T) -> Tensor<bool> {
                map(self, |x| x $op rhs)
            }
        )+}
    };
}
comparisons! {
    eq_to, eq_scalar, "=", ==;
    ne, ne_scalar, "≠", !=;
    lt, lt_scalar, "<", <;
    le, le_scalar, "≤", <=;
    gt, gt_scalar, ">", >;
    ge, ge_scalar, "≥", >=;
}

impl<T: Element> Tensor<T> {
    /// `value` where the mask holds, `self` elsewhere, broadcast.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Tensor::from([1.0, f64::NAN, 3.0]);
    /// let clean = x.masked_fill(&x.ne(&x)?, 0.0)?;
    /// assert_eq!(clean.to_vec(), [1.0, 0.0, 3.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn masked_fill(&self, mask: &Tensor<bool>, value: T) -> Result<Self> {
        zip(
            "masked_fill",
            self,
            mask,
            |x, hit| if hit { value } else { x },
        )
    }
}

impl Tensor<bool> {
    /// `a` where the mask holds, `b` elsewhere, all three broadcast.
    ///
    /// ```
    /// use wengert_tensor::Tensor;
    ///
    /// let x: Tensor = Tensor::from([-1.0, 2.0]);
    /// let leaky = x.gt_scalar(0.0).where_(&x, &(&x * 0.5))?;
    /// assert_eq!(leaky.to_vec(), [-0.5, 2.0]);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn where_<T: Element>(&self, a: &Tensor<T>, b: &Tensor<T>) -> Result<Tensor<T>> {
        const OP: &str = "where_";
        let shape = broadcast(OP, &broadcast(OP, self.shape(), a.shape())?, b.shape())?;
        let mut data = allocate(OP, &shape)?;
        let strides =
            [self.shape(), a.shape(), b.shape()].map(|own| broadcast_strides(own, &shape));
        let loops = nest(&shape, &strides);
        if let Some((&(len, steps), outer)) = loops.split_last() {
            let (mask, a, b) = (self.as_slice(), a.as_slice(), b.as_slice());
            for_each_row(outer, |at| {
                data.extend((0..len).map(|turn| {
                    let [m, i, j]: [usize; 3] = std::array::from_fn(|k| at[k] + turn * steps[k]);
                    if mask[m] { a[i] } else { b[j] }
                }));
            });
        }
        Ok(Tensor::from_parts(shape, data))
    }

    /// Where the mask does not hold.
    #[must_use]
    pub fn not(&self) -> Self {
        self.map(|x| !x)
    }

    /// Where both hold, broadcast.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn and(&self, rhs: &Self) -> Result<Self> {
        zip("and", self, rhs, |x, y| x && y)
    }

    /// Where at least one holds, broadcast.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the shapes do not broadcast.
    pub fn or(&self, rhs: &Self) -> Result<Self> {
        zip("or", self, rhs, |x, y| x || y)
    }

    /// Whether the mask holds anywhere; of nothing, no.
    #[must_use]
    pub fn any(&self) -> bool {
        self.iter().any(|&x| x)
    }

    /// Whether the mask holds everywhere; of nothing, yes.
    #[must_use]
    pub fn all(&self) -> bool {
        self.iter().all(|&x| x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comparisons_broadcast_and_nan_answers_no() {
        let column = Tensor::from([[1.0], [f64::NAN]]);
        let row = Tensor::from([0.0, 1.0, 2.0]);
        let ask = |f: fn(&Tensor<f64>, &Tensor<f64>) -> Result<Tensor<bool>>| {
            f(&column, &row).unwrap().to_vec()
        };
        let (yes, no) = (true, false);
        assert_eq!(ask(Tensor::lt), [no, no, yes, no, no, no]);
        assert_eq!(ask(Tensor::le), [no, yes, yes, no, no, no]);
        assert_eq!(ask(Tensor::gt), [yes, no, no, no, no, no]);
        assert_eq!(ask(Tensor::ge), [yes, yes, no, no, no, no]);
        assert_eq!(ask(Tensor::eq_to), [no, yes, no, no, no, no]);
        assert_eq!(ask(Tensor::ne), [yes, no, yes, yes, yes, yes]);
        assert!(column.lt(&Tensor::zeros([3, 3]).unwrap()).is_err());
    }

    #[test]
    fn scalar_forms_agree_with_the_tensor_forms() {
        let x = Tensor::from([[-1i64, 0], [1, 2]]);
        let one = Tensor::scalar(1);
        assert_eq!(x.eq_scalar(1), x.eq_to(&one).unwrap());
        assert_eq!(x.ne_scalar(1), x.ne(&one).unwrap());
        assert_eq!(x.lt_scalar(1), x.lt(&one).unwrap());
        assert_eq!(x.le_scalar(1), x.le(&one).unwrap());
        assert_eq!(x.gt_scalar(1), x.gt(&one).unwrap());
        assert_eq!(x.ge_scalar(1), x.ge(&one).unwrap());
    }

    #[test]
    fn masks_combine() {
        let a = Tensor::from([true, true, false, false]);
        let b = Tensor::from([true, false, true, false]);
        assert_eq!(a.and(&b).unwrap().to_vec(), [true, false, false, false]);
        assert_eq!(a.or(&b).unwrap().to_vec(), [true, true, true, false]);
        assert_eq!(a.not().to_vec(), [false, false, true, true]);
        assert!(a.any() && !a.all());
        let none = Tensor::<bool>::zeros([0]).unwrap();
        assert!(none.all() && !none.any());
        assert_eq!(a.eq_to(&b).unwrap().to_vec(), [true, false, false, true]);
    }

    proptest! {
        #[test]
        fn a_choice_broadcasts_all_three(
            shape in prop::collection::vec(0usize..4, 0..4),
            ones in prop::collection::vec(any::<(bool, bool, bool)>(), 4),
            cut in 0usize..4,
        ) {
            let reduced = |which: fn(&(bool, bool, bool)) -> bool| -> Vec<usize> {
                shape.iter().zip(&ones).map(|(&n, o)| if which(o) { 1 } else { n }).collect()
            };
            let mut k = 0i64;
            let mut counted = |s: &[usize]| Tensor::from_fn(s, |_| { k += 1; k }).unwrap();
            let a = counted(&reduced(|o| o.1));
            let b = counted(&reduced(|o| o.2)[cut.min(shape.len())..]);
            let mask = counted(&reduced(|o| o.0)).map(|k| k % 3 == 0);
            let joint = broadcast("test", mask.shape(), a.shape()).unwrap();
            let joint = broadcast("test", &joint, b.shape()).unwrap();
            let got = mask.where_(&a, &b).unwrap();
            prop_assert_eq!(got.shape(), &joint[..]);
            let (mask, a, b) =
                (mask.expand(&joint).unwrap(), a.expand(&joint).unwrap(), b.expand(&joint).unwrap());
            let want = mask.iter().zip(a.iter().zip(&b)).map(|(&m, (&x, &y))| if m { x } else { y });
            prop_assert_eq!(got.to_vec(), want.collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_was_not_chosen_does_not_matter() {
        let x = Tensor::from([f64::NAN, 2.0]);
        let mask = Tensor::from([true, false]);
        assert_eq!(x.masked_fill(&mask, 0.0).unwrap().to_vec(), [0.0, 2.0]);
        assert_eq!(
            mask.not()
                .where_(&x, &Tensor::scalar(1.0))
                .unwrap()
                .to_vec(),
            [1.0, 2.0]
        );
        assert!(x.masked_fill(&Tensor::from([true; 3]), 0.0).is_err());
        assert!(mask.where_(&x, &Tensor::from([1.0; 3])).is_err());
    }
}
