//! Pictures as SVG: [heat maps](heatmap_grid) of tensors, [lines](line_chart)
//! over the steps of a training run, a [confusion matrix](confusion_matrix).
//!
//! SVG names its fonts and leaves the drawing of letters to the viewer, so
//! nothing here asks the system for a font or for a C library, and the same
//! input gives the same file everywhere. The price: the width of a text can
//! only be estimated, and the layout leaves room for a wide font.

mod canvas;
mod chart;
mod color;
mod confusion;
mod heatmap;

pub use chart::line_chart;
pub use confusion::confusion_matrix;
pub use heatmap::{Colors, Panel, heatmap_grid};

#[cfg(test)]
mod tests;
