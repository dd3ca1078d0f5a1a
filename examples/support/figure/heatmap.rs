//! Tensors as coloured cells, several side by side.
//!
//! A cell is as large in one panel as in the next, so that the sizes of
//! feature maps compare as they are. Where the panels of a figure have few
//! cells together, each cell says its value; elsewhere a note below each panel
//! says what its darkest and brightest colour stand for.
//!
//! **Cost.** One SVG element for each run of equal cells: made for the images
//! and kernels of small networks, not for photographs.

use std::path::Path;

use anyhow::{bail, ensure};
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};
use wengert::{Element, Tensor};

use super::canvas::{
    BODY, Canvas, Font, MARGIN, NOTE, SMALL, TEXT, TITLE, short, text_width, title_height,
};
use super::color::{BLUE_WHITE_RED, FRAME, GREY, RULE, text_on};
use crate::Result;

/// How values become colours. NaN is magenta in either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colors {
    /// From black at the lowest value to white at the highest: images.
    Grey,
    /// From blue at −m over white at 0 to red at m, where m is the largest
    /// magnitude: kernels, gradients, anything with a sign.
    Diverging,
}

/// One tensor of a figure.
#[derive(Clone, Debug)]
pub struct Panel {
    title: String,
    columns: usize,
    values: Vec<f64>,
    colors: Colors,
    limits: (f64, f64),
}

impl Panel {
    /// A panel of a matrix: two axes, or more if the others have size 1.
    ///
    /// # Errors
    /// If the tensor is not such a one, or has no elements.
    pub fn new<T: Element>(
        title: impl Into<String>,
        tensor: &Tensor<T>,
        colors: Colors,
    ) -> Result<Self> {
        let title = title.into();
        let mut planes = Self::planes(title.clone(), tensor, colors)?;
        match (planes.pop(), planes.is_empty()) {
            (Some(panel), true) => Ok(Self { title, ..panel }),
            _ => bail!("panel `{title}`: not a matrix (shape {:?})", tensor.shape()),
        }
    }

    /// A panel for each matrix of the last two axes: the planes of an image,
    /// the kernels of a convolution. They are numbered from 1 and colour equal
    /// values equally.
    ///
    /// # Errors
    /// If the tensor has fewer than two axes, or no elements.
    pub fn planes<T: Element>(
        title: impl Into<String>,
        tensor: &Tensor<T>,
        colors: Colors,
    ) -> Result<Vec<Self>> {
        let (title, shape) = (title.into(), tensor.shape());
        let &[.., rows, columns] = shape else {
            bail!("panel `{title}`: not a matrix (shape {shape:?})");
        };
        ensure!(
            !tensor.is_empty(),
            "panel `{title}`: no elements (shape {shape:?})"
        );
        let values: Vec<f64> = tensor.iter().map(|x| x.as_f64()).collect();
        let limits = limits(&values, colors);
        Ok(values
            .chunks(rows * columns)
            .enumerate()
            .map(|(i, plane)| Self {
                title: format!("{title} {}", i + 1).trim_start().to_owned(),
                columns,
                values: plane.to_vec(),
                colors,
                limits,
            })
            .collect())
    }

    /// The values at which the colours end, so that several panels compare.
    #[must_use]
    pub fn limits(mut self, low: f64, high: f64) -> Self {
        self.limits = (low, high);
        self
    }

    fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    fn color(&self, value: f64) -> RGBColor {
        let (low, high) = self.limits;
        let part = if high > low || value.is_nan() {
            (value - low) / (high - low)
        } else {
            0.5
        };
        match self.colors {
            Colors::Grey => GREY.at(part),
            Colors::Diverging => BLUE_WHITE_RED.at(part),
        }
    }

    fn range(&self) -> String {
        format!("{} … {}", short(self.limits.0), short(self.limits.1))
    }
}

fn limits(values: &[f64], colors: Colors) -> (f64, f64) {
    let finite = values.iter().copied().filter(|x| x.is_finite());
    match colors {
        Colors::Grey => {
            let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
                (low.min(x), high.max(x))
            });
            (low, high)
        }
        Colors::Diverging => {
            let most = finite.fold(0.0, |most: f64, x| most.max(x.abs()));
            (-most, most)
        }
    }
}

/// With at most this many cells in a figure, every cell says its value.
const LABELLED_CELLS: usize = 128;
/// No figure is wider, unless a single panel is.
const WIDTH: i32 = 940;
const GAP: i32 = 26;
const PANEL_TITLE: i32 = TEXT + 9;
const PANEL_NOTE: i32 = SMALL + 9;

/// Draws the panels side by side, in as many rows as they need.
///
/// ```
/// use wengert_examples::figure::{Colors, Panel, heatmap_grid};
/// use wengert::Tensor;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("kernel.svg");
/// let kernel: Tensor = Tensor::from([[1.0, -1.0]]);
/// heatmap_grid(&path, "Kernel", &[Panel::new("K", &kernel, Colors::Diverging)?])?;
/// # Ok::<(), anyhow::Error>(())
/// ```
///
/// # Errors
/// If there is no panel, or the file cannot be written.
pub fn heatmap_grid(path: impl AsRef<Path>, title: &str, panels: &[Panel]) -> Result {
    ensure!(!panels.is_empty(), "figure `{title}`: no panels");
    let layout = Layout::of(panels);
    let sizes: Vec<(i32, i32)> = panels.iter().map(|panel| layout.size(panel)).collect();
    // As many panels in each line of panels as in the next, if possible; and
    // below one another they begin at the same place.
    let widest = sizes.iter().map(|size| size.0).max().unwrap_or(0);
    let fit = ((WIDTH - 2 * MARGIN + GAP) / (widest + GAP)).max(1) as usize;
    let per_line = panels.len().div_ceil(panels.len().div_ceil(fit));
    let widths = (0..per_line).map(|c| sizes.iter().skip(c).step_by(per_line).map(|size| size.0));
    let heights = sizes
        .chunks(per_line)
        .map(|line| line.iter().map(|size| size.1));
    let (lefts, right) = positions(MARGIN, widths);
    let (tops, bottom) = positions(MARGIN + title_height(title), heights);

    let width = right.max(MARGIN + text_width(title, TITLE)) + MARGIN;
    let canvas = Canvas::new(path.as_ref(), (width, bottom + MARGIN), title)?;
    for (line, &top) in panels.chunks(per_line).zip(&tops) {
        for (panel, &left) in line.iter().zip(&lefts) {
            layout.draw(&canvas, panel, (left, top))?;
        }
    }
    canvas.save()
}

/// Where each of some groups of lengths begins, one after the other with a gap
/// between, when each takes the longest of its group; and where the last ends.
fn positions(
    start: i32,
    groups: impl Iterator<Item = impl Iterator<Item = i32>>,
) -> (Vec<i32>, i32) {
    let mut end = start - GAP;
    let starts = groups.map(|lengths| {
        let start = end + GAP;
        end = start + lengths.max().unwrap_or(0);
        start
    });
    (starts.collect(), end)
}

/// What all panels of a figure have in common.
struct Layout {
    /// The side of a cell, in pixels.
    cell: i32,
    /// Whether the cells say their values.
    labelled: bool,
}

impl Layout {
    fn of(panels: &[Panel]) -> Self {
        let cells: usize = panels.iter().map(|panel| panel.values.len()).sum();
        let labelled = cells <= LABELLED_CELLS;
        let cell = if labelled {
            let values = panels.iter().flat_map(|panel| &panel.values);
            let labels = values.map(|&x| text_width(&short(x), TEXT) + 8);
            labels.max().unwrap_or(0).max(38)
        } else {
            let sides = panels.iter().map(|panel| panel.rows().max(panel.columns));
            (150 / sides.max().unwrap_or(1).max(1) as i32).clamp(2, 24)
        };
        Self { cell, labelled }
    }

    /// The width and height of a panel with its title and note.
    fn size(&self, panel: &Panel) -> (i32, i32) {
        let (note_width, note_height) = if self.labelled {
            (0, 0)
        } else {
            (text_width(&panel.range(), SMALL), PANEL_NOTE)
        };
        let width = panel.columns as i32 * self.cell;
        let height = panel.rows() as i32 * self.cell;
        (
            width.max(text_width(&panel.title, TEXT)).max(note_width),
            PANEL_TITLE + height + note_height,
        )
    }

    fn draw(&self, canvas: &Canvas<'_>, panel: &Panel, (x, y): (i32, i32)) -> Result {
        let cell = self.cell;
        let left_top = Font {
            h: HPos::Left,
            v: VPos::Top,
            ..BODY
        };
        canvas.text(&panel.title, (x, y), left_top)?;
        let top = y + PANEL_TITLE;
        let (right, bottom) = (
            x + panel.columns as i32 * cell,
            top + panel.rows() as i32 * cell,
        );
        for (i, row) in panel.values.chunks(panel.columns).enumerate() {
            let y = top + i as i32 * cell;
            let mut column = 0;
            for run in row.chunk_by(|&a, &b| panel.color(a) == panel.color(b)) {
                // One pixel too many to the right and below, which the next cell
                // covers: a scaled picture shows no seams.
                let from = x + column * cell;
                column += run.len() as i32;
                let to = (x + column * cell + 1).min(right);
                canvas.fill(
                    (from, y),
                    (to, (y + cell + 1).min(bottom)),
                    panel.color(run[0]),
                )?;
            }
        }
        if self.labelled {
            for (i, &value) in panel.values.iter().enumerate() {
                let x = x + (i % panel.columns) as i32 * cell;
                let y = top + (i / panel.columns) as i32 * cell;
                canvas.frame((x, y), (x + cell, y + cell), RULE)?;
                let font = Font {
                    color: text_on(panel.color(value)),
                    ..BODY
                };
                canvas.text(&short(value), (x + cell / 2, y + cell / 2), font)?;
            }
        } else {
            let note = Font {
                h: HPos::Left,
                v: VPos::Top,
                ..NOTE
            };
            canvas.text(&panel.range(), (x, bottom + 6), note)?;
        }
        canvas.frame((x, top), (right, bottom), FRAME)
    }
}
