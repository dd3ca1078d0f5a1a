//! When an answer is the expected one.

use wengert::Element;

use super::value::AnyTensor;

/// How far a number may be off: atol + rtol · |want|.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tolerance {
    /// Relative to what is expected.
    pub(crate) rtol: f64,
    /// In any case.
    pub(crate) atol: f64,
}

impl Tolerance {
    /// Whether `got` is `want`: NaN equals NaN, and an infinity itself.
    #[must_use]
    pub(crate) fn accepts(self, got: f64, want: f64) -> bool {
        if want.is_nan() || want.is_infinite() || !got.is_finite() {
            return got == want || (got.is_nan() && want.is_nan());
        }
        (got - want).abs() <= self.atol + self.rtol * want.abs()
    }
}

/// Compares types, shapes and elements; integers and truth values must be
/// equal.
///
/// # Errors
/// What differs, with `what` in front.
pub(crate) fn compare(
    what: &str,
    got: &AnyTensor,
    want: &AnyTensor,
    tolerance: Tolerance,
) -> Result<(), String> {
    use AnyTensor::{Bool, F32, F64, I64};
    let difference = match (got, want) {
        (F64(got), F64(want)) => differs(
            got.shape(),
            want.shape(),
            got.as_slice(),
            want.as_slice(),
            |a, b| tolerance.accepts(a, b),
        ),
        (F32(got), F32(want)) => differs(
            got.shape(),
            want.shape(),
            got.as_slice(),
            want.as_slice(),
            |a, b| tolerance.accepts(a.into(), b.into()),
        ),
        (I64(got), I64(want)) => differs(
            got.shape(),
            want.shape(),
            got.as_slice(),
            want.as_slice(),
            |a, b| a == b,
        ),
        (Bool(got), Bool(want)) => differs(
            got.shape(),
            want.shape(),
            got.as_slice(),
            want.as_slice(),
            |a, b| a == b,
        ),
        _ => Some(format!(
            "has type {}, expected {}",
            got.type_name(),
            want.type_name()
        )),
    };
    difference.map_or(Ok(()), |difference| Err(format!("{what} {difference}")))
}

fn differs<E: Element>(
    got_shape: &[usize],
    want_shape: &[usize],
    got: &[E],
    want: &[E],
    accepts: impl Fn(E, E) -> bool,
) -> Option<String> {
    if got_shape != want_shape {
        return Some(format!("has shape {got_shape:?}, expected {want_shape:?}"));
    }
    let pairs = || got.iter().zip(want).enumerate();
    let (at, (a, b)) = pairs().find(|(_, (a, b))| !accepts(**a, **b))?;
    let count = pairs().filter(|(_, (a, b))| !accepts(**a, **b)).count();
    Some(format!(
        "differs in {count} of {} elements: element {at} is {a:?}, expected {b:?} (shape {got_shape:?})",
        got.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wengert::Tensor;

    const TOLERANCE: Tolerance = Tolerance {
        rtol: 1e-3,
        atol: 1e-6,
    };

    #[test]
    fn tolerance_is_relative_to_what_is_expected() {
        let ok = |got, want| TOLERANCE.accepts(got, want);
        assert!(ok(1000.9, 1000.0) && !ok(1001.1, 1000.0));
        assert!(ok(5e-7, 0.0) && !ok(2e-6, 0.0));
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        assert!(ok(inf, inf) && ok(nan, nan));
        for (got, want) in [
            (inf, -inf),
            (1.0, inf),
            (inf, 1.0),
            (nan, 1.0),
            (1.0, nan),
            (nan, inf),
        ] {
            assert!(!ok(got, want), "{got} {want}");
        }
    }

    #[test]
    fn types_shapes_and_elements_must_agree() {
        let same = |got: AnyTensor, want: AnyTensor| compare("x", &got, &want, TOLERANCE);
        let f64s = |x: [f64; 2]| AnyTensor::F64(Tensor::from(x));
        assert_eq!(same(f64s([1.0, 2.0]), f64s([1.0, 2.0001])), Ok(()));
        let why = same(f64s([1.0, 2.0]), f64s([1.0, 3.0])).unwrap_err();
        assert_eq!(
            why,
            "x differs in 1 of 2 elements: element 1 is 2.0, expected 3.0 (shape [2])"
        );
        let column = AnyTensor::F64(Tensor::from([[1.0], [2.0]]));
        assert!(
            same(f64s([1.0, 2.0]), column)
                .unwrap_err()
                .contains("shape")
        );
        let ints = AnyTensor::I64(Tensor::from([1, 2]));
        assert!(
            same(ints.clone(), f64s([1.0, 2.0]))
                .unwrap_err()
                .contains("type")
        );
        assert!(same(ints, AnyTensor::I64(Tensor::from([1, 3]))).is_err());
    }
}
