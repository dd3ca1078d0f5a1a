//! Numbers over the steps of a run, as lines.

use std::path::Path;

use anyhow::ensure;
use plotters::chart::ChartBuilder;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::{Circle, IntoLogRange, PathElement, Ranged};
use plotters::series::LineSeries;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, ShapeStyle};

use super::canvas::{
    BODY, Canvas, Font, MARGIN, NOTE, SMALL, TEXT, rounded, short, text_width, title_height,
};
use super::color::{FAINT, LINES, RULE};
use crate::Result;

const SIZE: (i32, i32) = (760, 420);
/// Series of at most this many values mark each of them.
const MARKED: usize = 32;

/// Draws one line for each named series of values, whose first value stands at
/// 1: the first step, or epoch. With `log_y`, the vertical axis is logarithmic
/// if the values span it, and shows only what is positive; no axis shows NaN or
/// infinity. Where there is nothing to show, the line has a gap.
///
/// ```
/// use wengert_examples::figure::line_chart;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("loss.svg");
/// let loss = [5.7, 1.4, 0.37, 0.1];
/// line_chart(&path, "Learning", "step", "loss", &[("loss", &loss)], true)?;
/// # Ok::<(), anyhow::Error>(())
/// ```
///
/// # Errors
/// If there is nothing to draw, or the file cannot be written.
pub fn line_chart(
    path: impl AsRef<Path>,
    title: &str,
    x_label: &str,
    y_label: &str,
    series: &[(impl AsRef<str>, impl AsRef<[f64]>)],
    log_y: bool,
) -> Result {
    let series: Vec<(&str, &[f64])> = series
        .iter()
        .map(|(name, values)| (name.as_ref(), values.as_ref()))
        .collect();
    let shown = |y: f64| y.is_finite() && (!log_y || y > 0.0);
    let values = series.iter().flat_map(|(_, values)| values.iter().copied());
    let (low, high) = values
        .filter(|&y| shown(y))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| {
            (low.min(y), high.max(y))
        });
    ensure!(low <= high, "figure `{title}`: no values to draw");
    let chart = Chart {
        canvas: Canvas::new(path.as_ref(), SIZE, title)?,
        title,
        x_label,
        y_label,
        series: &series,
    };
    // A logarithmic axis has its ticks at powers of ten. With fewer than two
    // of them in range it would not tell its scale, and is not needed.
    let (from, to) = (low / 1.5, high * 1.5);
    if log_y && to.log10().floor() - from.log10().ceil() >= 1.0 {
        let power = |y: f64| (y.log10() - y.log10().round()).abs() < 1e-9;
        let tick = |y| if power(y) { short(y) } else { String::new() };
        chart.draw((from..to).log_scale(), 1, tick, shown)?;
    } else {
        let room = match 0.05 * (high - low) {
            room if room > 0.0 => room.max(1e-6 * low.abs().max(high.abs())),
            _ if low == 0.0 => 0.5,
            _ => 0.1 * low.abs(),
        };
        let (from, to) = (low - room, high + room);
        let decimals = 2.0 - (to - from).log10();
        let tick = |y| match decimals {
            -4.0..8.0 => rounded(y, decimals.ceil().max(0.0) as usize),
            _ => format!("{y:.1e}"),
        };
        chart.draw(from..to, 0, tick, shown)?;
    }
    chart.canvas.save()
}

struct Chart<'a> {
    canvas: Canvas<'a>,
    title: &'a str,
    x_label: &'a str,
    y_label: &'a str,
    series: &'a [(&'a str, &'a [f64])],
}

impl Chart<'_> {
    fn draw<Y>(
        &self,
        y_axis: Y,
        lines_between_ticks: usize,
        tick: impl Fn(f64) -> String,
        shown: impl Fn(f64) -> bool,
    ) -> Result
    where
        Y: AsRangedCoord<Value = f64>,
        Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let steps = self
            .series
            .iter()
            .map(|(_, values)| values.len())
            .max()
            .unwrap_or(0);
        // A single step needs an axis too.
        let x_axis = 1..steps.max(2);
        let top = MARGIN + title_height(self.title) + self.legend()?;
        let mut chart = ChartBuilder::on(&self.canvas.area)
            .margin(MARGIN)
            .margin_top(top)
            .x_label_area_size(2 * TEXT + 18)
            .y_label_area_size(TEXT + 50)
            .build_cartesian_2d(x_axis, y_axis)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(RULE.mix(0.5))
            .bold_line_style(RULE)
            .axis_style(FAINT)
            .x_desc(self.x_label)
            .y_desc(self.y_label)
            .axis_desc_style(BODY.style())
            .label_style(NOTE.style())
            .y_max_light_lines(lines_between_ticks)
            .y_label_formatter(&|&y| tick(y))
            .draw()?;
        for (i, (_, values)) in self.series.iter().enumerate() {
            let color = LINES[i % LINES.len()];
            let points = values.iter().enumerate().map(|(i, &y)| (i + 1, y));
            let points: Vec<(usize, f64)> = points.collect();
            for run in points.split(|&(_, y)| !shown(y)) {
                chart.draw_series(LineSeries::new(run.iter().copied(), color.stroke_width(2)))?;
                // A run of one value has no line, and would not be seen.
                if steps <= MARKED || run.len() == 1 {
                    let mark = |&point| Circle::new(point, 3, color.filled());
                    chart.draw_series(run.iter().map(mark))?;
                }
            }
        }
        Ok(())
    }

    /// The names of the lines, in a row below the title; one line needs none.
    /// Returns the height it takes.
    fn legend(&self) -> Result<i32> {
        if self.series.len() < 2 {
            return Ok(0);
        }
        let (mut x, y) = (MARGIN, MARGIN + title_height(self.title) + SMALL / 2);
        for (i, (name, _)) in self.series.iter().enumerate() {
            let style: ShapeStyle = LINES[i % LINES.len()].stroke_width(2);
            self.canvas
                .area
                .draw(&PathElement::new([(x, y), (x + 18, y)], style))?;
            let font = Font {
                h: HPos::Left,
                ..BODY
            };
            self.canvas.text(name, (x + 25, y), font)?;
            x += 25 + text_width(name, TEXT) + 18;
        }
        Ok(TEXT + 12)
    }
}
