//! A sheet of white paper: rectangles and text at pixel positions.

use std::path::Path;

use anyhow::Context;
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea, Rectangle, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, FontTransform, IntoFont, RGBColor, TextStyle};

use super::color::{FAINT, INK, PAPER};
use crate::Result;

/// White space around the picture.
pub(super) const MARGIN: i32 = 24;
/// Heights of letters, in pixels.
pub(super) const TITLE: i32 = 17;
pub(super) const TEXT: i32 = 13;
pub(super) const SMALL: i32 = 11;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(super) struct Canvas<'a> {
    path: &'a Path,
    pub(super) area: Area<'a>,
}

/// How a text stands: its height in pixels, its colour, and which of its
/// points is put at the given position.
#[derive(Clone, Copy)]
pub(super) struct Font {
    pub(super) size: i32,
    pub(super) color: RGBColor,
    pub(super) bold: bool,
    pub(super) h: HPos,
    pub(super) v: VPos,
    /// Reads upwards instead of from left to right.
    pub(super) upwards: bool,
}

pub(super) const BODY: Font = Font {
    size: TEXT,
    color: INK,
    bold: false,
    h: HPos::Center,
    v: VPos::Center,
    upwards: false,
};
pub(super) const NOTE: Font = Font {
    size: SMALL,
    color: FAINT,
    ..BODY
};

impl Font {
    pub(super) fn style(self) -> TextStyle<'static> {
        // The backend divides the size it is given by 1.24.
        let mut font = ("sans-serif", f64::from(self.size) * 1.24).into_font();
        if self.bold {
            font = font.style(FontStyle::Bold);
        }
        if self.upwards {
            font = font.transform(FontTransform::Rotate270);
        }
        TextStyle {
            color: self.color.to_backend_color(),
            ..TextStyle::from(font).pos(Pos::new(self.h, self.v))
        }
    }
}

impl<'a> Canvas<'a> {
    /// A white sheet of this size, with a title at its top left.
    pub(super) fn new(path: &'a Path, (width, height): (i32, i32), title: &str) -> Result<Self> {
        let size = (width.max(1) as u32, height.max(1) as u32);
        let area = SVGBackend::new(path, size).into_drawing_area();
        area.fill(&PAPER)?;
        let canvas = Self { path, area };
        canvas.text(
            title,
            (MARGIN, MARGIN),
            Font {
                size: TITLE,
                bold: true,
                h: HPos::Left,
                v: VPos::Top,
                ..BODY
            },
        )?;
        Ok(canvas)
    }

    pub(super) fn text(&self, text: &str, at: (i32, i32), font: Font) -> Result {
        if !text.is_empty() {
            self.area.draw_text(text, &font.style(), at)?;
        }
        Ok(())
    }

    pub(super) fn fill(&self, from: (i32, i32), to: (i32, i32), color: RGBColor) -> Result {
        self.area
            .draw(&Rectangle::new([from, to], color.filled()))?;
        Ok(())
    }

    pub(super) fn frame(&self, from: (i32, i32), to: (i32, i32), color: RGBColor) -> Result {
        self.area
            .draw(&Rectangle::new([from, to], color.stroke_width(1)))?;
        Ok(())
    }

    /// Writes the file.
    pub(super) fn save(self) -> Result {
        self.area
            .present()
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// The height that a title takes, with the space below it.
pub(super) fn title_height(title: &str) -> i32 {
    if title.is_empty() { 0 } else { TITLE + 18 }
}

/// About how wide a text will be: a guess on the safe side.
pub(super) fn text_width(text: &str, size: i32) -> i32 {
    (text.chars().count() as f64 * f64::from(size) * 0.62).ceil() as i32
}

/// A number as short as it can be read: `12`, `0.25`, `1e-5`.
pub(super) fn short(x: f64) -> String {
    if x == 0.0 || (1e-3..1e5).contains(&x.abs()) {
        rounded(x, 3)
    } else {
        format!("{x:.0e}")
    }
}

/// A number with at most this many decimals.
pub(super) fn rounded(x: f64, decimals: usize) -> String {
    let text = format!("{x:.decimals$}");
    let short = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    if short == "-0" { "0" } else { short }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (12.0, "12"),
            (100.0, "100"),
            (0.1 + 0.2, "0.3"),
            (-0.25, "-0.25"),
            (1e-5, "1e-5"),
            (2e7, "2e7"),
            (-0.000_04, "-4e-5"),
            (99_999.0, "99999"),
            (f64::NAN, "NaN"),
        ];
        for (x, text) in cases {
            assert_eq!(short(x), text);
        }
        assert_eq!(rounded(1200.0, 0), "1200");
        assert_eq!(rounded(0.999_25, 6), "0.99925");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let path = Path::new("/nowhere/at/all.svg");
        let canvas = Canvas::new(path, (10, 10), "").unwrap();
        let error = canvas.save().unwrap_err().to_string();
        assert_eq!(error, "cannot write /nowhere/at/all.svg");
    }
}
