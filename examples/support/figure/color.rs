//! Colours: numbers to paint, by interpolation between a few given stops.
//!
//! The scales are Cynthia Brewer's (colorbrewer2.org), which keep equal steps
//! of value equal steps to the eye, and the lines are Okabe and Ito's, which
//! stay apart for colour-blind readers.

use plotters::style::RGBColor;

const fn rgb(hex: u32) -> RGBColor {
    RGBColor((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

pub(super) const INK: RGBColor = rgb(0x22_22_22);
pub(super) const FAINT: RGBColor = rgb(0x76_76_76);
pub(super) const RULE: RGBColor = rgb(0xe2_e2_e2);
pub(super) const FRAME: RGBColor = rgb(0xb0_b0_b0);
pub(super) const PAPER: RGBColor = rgb(0xff_ff_ff);
/// A cell that holds no number must not pass for one that does.
pub(super) const NAN: RGBColor = rgb(0xff_00_ff);

/// The colours of lines, in the order in which they are used.
pub(super) const LINES: [RGBColor; 6] = [
    rgb(0x00_72_b2),
    rgb(0xd5_5e_00),
    rgb(0x00_9e_73),
    rgb(0xcc_79_a7),
    rgb(0xe6_9f_00),
    rgb(0x56_b4_e9),
];

/// A path through colour space, from the lowest value to the highest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale(&'static [RGBColor]);

pub(super) const GREY: Scale = Scale(&[rgb(0x00_00_00), rgb(0xff_ff_ff)]);

pub(super) const BLUE_WHITE_RED: Scale = Scale(&[
    rgb(0x21_66_ac),
    rgb(0x43_93_c3),
    rgb(0x92_c5_de),
    rgb(0xd1_e5_f0),
    rgb(0xf7_f7_f7),
    rgb(0xfd_db_c7),
    rgb(0xf4_a5_82),
    rgb(0xd6_60_4d),
    rgb(0xb2_18_2b),
]);

pub(super) const BLUES: Scale = Scale(&[
    rgb(0xf7_fb_ff),
    rgb(0xc6_db_ef),
    rgb(0x6b_ae_d6),
    rgb(0x21_71_b5),
]);

pub(super) const ORANGES: Scale = Scale(&[
    rgb(0xfe_e6_ce),
    rgb(0xfd_ae_6b),
    rgb(0xf1_69_13),
    rgb(0xa6_36_03),
]);

impl Scale {
    /// The colour at `t`, 0 for the lowest and 1 for the highest; values
    /// outside are drawn as the nearest end.
    pub(super) fn at(self, t: f64) -> RGBColor {
        if t.is_nan() {
            return NAN;
        }
        let along = t.clamp(0.0, 1.0) * (self.0.len() - 1) as f64;
        let i = (along as usize).min(self.0.len() - 2);
        let (from, to, part) = (self.0[i], self.0[i + 1], along - i as f64);
        let mix = |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))).round();
        RGBColor(
            mix(from.0, to.0) as u8,
            mix(from.1, to.1) as u8,
            mix(from.2, to.2) as u8,
        )
    }
}

/// Black or white, whichever reads better on this ground.
pub(super) fn text_on(ground: RGBColor) -> RGBColor {
    let luma =
        0.299 * f64::from(ground.0) + 0.587 * f64::from(ground.1) + 0.114 * f64::from(ground.2);
    if luma > 140.0 { INK } else { PAPER }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_meet_their_stops_and_clamp() {
        assert_eq!(GREY.at(0.5), rgb(0x80_80_80));
        assert_eq!(BLUE_WHITE_RED.at(0.5), rgb(0xf7_f7_f7));
        assert_eq!(BLUE_WHITE_RED.at(-3.0), rgb(0x21_66_ac));
        assert_eq!(BLUE_WHITE_RED.at(f64::INFINITY), rgb(0xb2_18_2b));
        assert_eq!(BLUES.at(1.0), rgb(0x21_71_b5));
        assert_eq!(GREY.at(f64::NAN), NAN);
        assert_eq!((text_on(GREY.at(0.0)), text_on(GREY.at(1.0))), (PAPER, INK));
    }
}
