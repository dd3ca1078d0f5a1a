//! Which class was taken for which.
//!
//! Right answers outnumber mistakes by far in a network that works, and on one
//! scale the mistakes, which the table is there to show, would all look white.
//! So the diagonal is blue, by the share of its class, and the rest orange, by
//! the largest mistake.

use std::path::Path;

use anyhow::ensure;
use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{
    BODY, Canvas, Font, MARGIN, NOTE, SMALL, TEXT, TITLE, text_width, title_height,
};
use super::color::{BLUES, FRAME, ORANGES, PAPER, RULE, text_on};
use crate::Result;

const CELL: i32 = 42;
const GAP: i32 = 10;

/// Draws a table of counts: a row for each true class, a column for each
/// answer, and at the right the share of each class that was answered
/// correctly.
///
/// ```
/// use wengert_examples::figure::confusion_matrix;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("confusion.svg");
/// confusion_matrix(&path, "Cats and dogs", &[[48, 2], [5, 45]], &["cat", "dog"])?;
/// # Ok::<(), anyhow::Error>(())
/// ```
///
/// # Errors
/// If there are no classes, if the table is not square with one row for each
/// name, or the file cannot be written.
pub fn confusion_matrix(
    path: impl AsRef<Path>,
    title: &str,
    counts: &[impl AsRef<[usize]>],
    names: &[impl AsRef<str>],
) -> Result {
    let path = path.as_ref();
    let n = names.len();
    ensure!(n > 0, "figure `{title}`: no classes");
    ensure!(
        counts.len() == n && counts.iter().all(|row| row.as_ref().len() == n),
        "figure `{title}`: {n} classes need {n} rows of {n} counts"
    );
    let mistakes = counts.iter().enumerate().flat_map(|(i, row)| {
        let row = row.as_ref().iter().enumerate();
        row.filter(move |&(j, _)| i != j).map(|(_, &count)| count)
    });
    let most_mistaken = mistakes.max().unwrap_or(0);

    let name_width = names
        .iter()
        .map(|name| text_width(name.as_ref(), TEXT))
        .max()
        .unwrap_or(0);
    // Names that are wider than a column are written upwards.
    let upwards = name_width > CELL;
    let name_height = if upwards { name_width } else { TEXT };
    let left = MARGIN + SMALL + GAP + name_width + GAP;
    let top = MARGIN + title_height(title) + SMALL + GAP + name_height + GAP;
    let size = n as i32 * CELL;
    let share_width = text_width("100.0%", TEXT) + GAP;
    let width = (left + size + share_width).max(MARGIN + text_width(title, TITLE)) + MARGIN;
    let canvas = Canvas::new(path, (width, top + size + MARGIN), title)?;

    let middle = |i: usize| i as i32 * CELL + CELL / 2;
    let note_y = MARGIN + title_height(title) + SMALL / 2;
    canvas.text("predicted class", (left + size / 2, note_y), NOTE)?;
    canvas.text(
        "correct",
        (
            left + size + share_width / 2 + GAP / 2,
            top - GAP - TEXT / 2,
        ),
        NOTE,
    )?;
    let upwards_note = Font {
        upwards: true,
        ..NOTE
    };
    canvas.text(
        "true class",
        (MARGIN + SMALL / 2, top + size / 2),
        upwards_note,
    )?;

    for (i, (name, row)) in names.iter().zip(counts).enumerate() {
        let (name, row) = (name.as_ref(), row.as_ref());
        let right_aligned = Font {
            h: HPos::Right,
            ..BODY
        };
        canvas.text(name, (left - GAP, top + middle(i)), right_aligned)?;
        let above = if upwards {
            Font {
                h: HPos::Left,
                upwards,
                ..BODY
            }
        } else {
            Font {
                v: VPos::Bottom,
                ..BODY
            }
        };
        canvas.text(name, (left + middle(i), top - GAP), above)?;

        let total: usize = row.iter().sum();
        for (j, &count) in row.iter().enumerate() {
            let (x, y) = (left + j as i32 * CELL, top + i as i32 * CELL);
            let ground = match (i == j, count) {
                (_, 0) => PAPER,
                (true, _) => BLUES.at(count as f64 / total as f64),
                (false, _) => ORANGES.at(count as f64 / most_mistaken as f64),
            };
            canvas.fill((x, y), (x + CELL, y + CELL), ground)?;
            canvas.frame((x, y), (x + CELL, y + CELL), RULE)?;
            if count > 0 {
                let font = Font {
                    color: text_on(ground),
                    ..BODY
                };
                canvas.text(&count.to_string(), (x + CELL / 2, y + CELL / 2), font)?;
            }
        }
        if total > 0 {
            let share = format!("{:.1}%", 100.0 * row[i] as f64 / total as f64);
            let at = (left + size + share_width, top + middle(i));
            canvas.text(&share, at, right_aligned)?;
        }
    }
    canvas.frame((left, top), (left + size, top + size), FRAME)?;
    canvas.save()
}
