//! The floats of 16 bits, which files hold and tensors do not.

/// The value of IEEE 754's `binary16`, exactly.
pub(super) fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10 & 0x1f);
    let fraction = u32::from(bits & 0x3ff);
    match exponent {
        // Subnormal: fraction · 2⁻²⁴.
        0 => {
            let magnitude = fraction as f32 / 16_777_216.0;
            f32::from_bits(magnitude.to_bits() | sign)
        }
        // Infinity or NaN.
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        // The bias is 15 there, 127 here.
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// The value of a `bfloat16`, exactly: the upper half of an `f32`.
pub(super) fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_have_the_value_that_they_should() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5), // the least normal number
            (0x0001, 5.960_464_5e-8), // the least of all
            (0x83ff, -6.097_555e-5),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(f16_to_f32(bits), value, "{bits:#06x}");
        }
        assert_eq!(f16_to_f32(0x8000).to_bits(), (-0.0f32).to_bits());
        assert!(f16_to_f32(0x7e00).is_nan() && f16_to_f32(0xfc01).is_nan());
        assert_eq!(bf16_to_f32(0x3f80), 1.0);
        assert_eq!(bf16_to_f32(0xc040), -3.0);
        assert!(bf16_to_f32(0x7fc0).is_nan());
    }

    #[test]
    fn halves_are_ordered_as_their_bits() {
        let finite = (0..=0x7c00u16).map(f16_to_f32).collect::<Vec<_>>();
        assert!(finite.windows(2).all(|pair| pair[0] < pair[1]));
        let negative = (0x8000..=0xfc00u16).map(f16_to_f32);
        assert!(negative.zip(&finite).all(|(a, b)| a == -b));
    }
}
