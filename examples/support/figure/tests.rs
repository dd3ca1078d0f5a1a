//! Pictures read back as text: what they say, and that no two texts collide.

use std::path::Path;

use wengert::Tensor;

use super::*;
use crate::Result;

/// What a drawing function writes, checked for collisions.
fn drawn(draw: impl Fn(&Path) -> Result) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("figure.svg");
    draw(&path).unwrap();
    let svg = std::fs::read_to_string(path).unwrap();
    check_layout(&svg);
    svg
}

fn refusal(draw: impl Fn(&Path) -> Result) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("figure.svg");
    draw(&path).unwrap_err().to_string()
}

/// The texts of a picture, in the order in which they were drawn.
fn texts(svg: &str) -> Vec<String> {
    svg.split("<text ")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(">\n")?.1.split_once('\n')?.0))
        .map(|text| text.replace("&lt;", "<").replace("&gt;", ">"))
        .collect()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split_once('"')?.0)
}

/// Every text lies on the sheet and touches no other, if letters are 0.58 em
/// wide on average, which is more than common sans-serif fonts take.
fn check_layout(svg: &str) {
    let number = |tag: &str, name: &str| attribute(tag, name).unwrap().parse::<f64>().unwrap();
    let (sheet_width, sheet_height) = (number(svg, "width"), number(svg, "height"));
    let mut boxes: Vec<(String, [f64; 4])> = Vec::new();
    for (tag, text) in svg.split("<text").skip(1).zip(texts(svg)) {
        let (x, y, size) = (number(tag, "x"), number(tag, "y"), number(tag, "font-size"));
        let length = text.chars().count() as f64 * size * 0.58;
        let before = match attribute(tag, "text-anchor") {
            Some("start") => 0.0,
            Some("middle") => length / 2.0,
            _ => length,
        };
        // Where the baseline is; letters reach 0.75 em above and 0.2 below it.
        let base = match attribute(tag, "dy") {
            Some("0.76em") => 0.76 * size,
            Some("0.5ex") => 0.26 * size,
            _ => -0.26 * size,
        };
        let (up, down) = (base - 0.75 * size, base + 0.2 * size);
        let corners = if tag.contains("rotate(270") {
            [x + up, y - (length - before), x + down, y + before]
        } else {
            [x - before, y + up, x + length - before, y + down]
        };
        let [x0, y0, x1, y1] = corners;
        assert!(
            x0 >= 0.0 && y0 >= 0.0 && x1 <= sheet_width && y1 <= sheet_height,
            "`{text}` leaves the sheet: {corners:?} on {sheet_width} × {sheet_height}"
        );
        for (other, [a0, b0, a1, b1]) in &boxes {
            assert!(
                x1 <= *a0 || *a1 <= x0 || y1 <= *b0 || *b1 <= y0,
                "`{text}` and `{other}` collide: {corners:?}, {:?}",
                [a0, b0, a1, b1]
            );
        }
        boxes.push((text, corners));
    }
}

#[test]
fn few_cells_say_their_values() {
    let image = Tensor::<f32>::ones([2, 3]).unwrap();
    let kernel = Tensor::from([[0.9259, -0.9145]]);
    let svg = drawn(|path| {
        let panels = [
            Panel::new("image", &image, Colors::Grey)?,
            Panel::new("kernel <1 × 2>", &kernel, Colors::Diverging)?,
        ];
        heatmap_grid(path, "Edges", &panels)
    });
    assert_eq!(
        texts(&svg),
        [
            "Edges",
            "image",
            "1",
            "1",
            "1",
            "1",
            "1",
            "1",
            "kernel <1 × 2>",
            "0.926",
            "-0.914"
        ]
    );
}

#[test]
fn many_cells_say_their_range_and_runs_are_joined() {
    let maps = Tensor::<f32>::from_fn([1, 7, 12, 12], |i| {
        if i[3] < 6 { -1.0 } else { i[1] as f32 / 4.0 }
    })
    .unwrap();
    let panels = Panel::planes("map", &maps, Colors::Diverging).unwrap();
    assert_eq!(panels.len(), 7);
    let svg = drawn(|path| heatmap_grid(path, "", &panels));
    let range = "-1.5 … 1.5";
    assert_eq!(texts(&svg)[..2], ["map 1", range]);
    assert_eq!(texts(&svg).iter().filter(|text| *text == range).count(), 7);
    // Two runs a row, a frame a panel, the paper.
    assert_eq!(svg.matches("<rect").count(), 7 * (12 * 2 + 1) + 1);
    // A third of the way from the second blue to the third.
    assert!(svg.contains("fill=\"#5DA4CC\""), "{svg}");
}

#[test]
fn limits_nan_and_constants_have_colors() {
    let nan = Tensor::from([[f64::NAN, f64::INFINITY, 0.0, 2.0]]);
    let panel = Panel::new("x", &nan, Colors::Grey).unwrap();
    let svg = drawn(|path| heatmap_grid(path, "", std::slice::from_ref(&panel)));
    for color in ["#FF00FF", "#FFFFFF", "#000000"] {
        assert!(
            svg.contains(&format!("fill=\"{color}\"")),
            "{color} in {svg}"
        );
    }
    let wide = panel.limits(0.0, 4.0);
    let svg = drawn(|path| heatmap_grid(path, "", std::slice::from_ref(&wide)));
    assert!(svg.contains("fill=\"#808080\""), "{svg}");
    // Nothing finite at all, and nothing but one value.
    for tensor in [Tensor::from([[f64::NAN]]), Tensor::from([[3.0]])] {
        let panel = Panel::new("x", &tensor, Colors::Diverging).unwrap();
        drawn(|path| heatmap_grid(path, "", std::slice::from_ref(&panel)));
    }
}

#[test]
fn only_matrices_are_panels() {
    let new = |t: Tensor<f32>| Panel::new("k", &t, Colors::Grey).map(|_| ());
    assert!(new(Tensor::ones([1, 1, 2, 2]).unwrap()).is_ok());
    assert!(new(Tensor::ones([2, 2, 2]).unwrap()).is_err());
    assert_eq!(
        new(Tensor::ones([3]).unwrap()).unwrap_err().to_string(),
        "panel `k`: not a matrix (shape [3])"
    );
    assert!(new(Tensor::ones([0, 2]).unwrap()).is_err());
    assert!(new(Tensor::ones([2, 0]).unwrap()).is_err());
    assert_eq!(
        refusal(|path| heatmap_grid(path, "t", &[])),
        "figure `t`: no panels"
    );
}

#[test]
fn lines_break_where_there_is_nothing_to_show() {
    let values = [1.0, 0.1, 0.0, f64::NAN, 0.01, f64::INFINITY, 0.5, 0.4];
    let series = [("loss", &values[..])];
    let svg = drawn(|path| line_chart(path, "Loss", "step", "loss", &series, true));
    assert_eq!(svg.matches("<circle").count(), 5, "{svg}");
    // Zero is a value on a linear axis.
    let svg = drawn(|path| line_chart(path, "Loss", "step", "loss", &series, false));
    assert_eq!(svg.matches("<circle").count(), 6, "{svg}");
    let nothing = [("a", &[f64::NAN][..]), ("b", &[][..])];
    assert_eq!(
        refusal(|path| line_chart(path, "t", "x", "y", &nothing, false)),
        "figure `t`: no values to draw"
    );
}

#[test]
fn lines_of_every_length_have_axes() {
    let decay: Vec<f64> = (0..1000).map(|i| 5.7 * 0.98_f64.powi(i)).collect();
    let rise: Vec<f64> = (0..500).map(|i| 1.0 - 0.99_f64.powi(i)).collect();
    for log in [false, true] {
        for n in [1, 2, 20, 1000] {
            let series = [
                ("training loss", &decay[..n]),
                ("accuracy", &rise[..n.min(500)]),
            ];
            drawn(|path| line_chart(path, "Run", "epoch", "value", &series, log));
        }
        let flat = [("constant", &[2.0, 2.0, 2.0][..])];
        drawn(|path| line_chart(path, "Run", "epoch", "value", &flat, log));
        let huge = [("huge", &[1e-12, 1e12][..])];
        drawn(|path| line_chart(path, "Run", "epoch", "value", &huge, log));
    }
}

#[test]
fn confusion_counts_and_shares() {
    let svg =
        drawn(|path| confusion_matrix(path, "Pets", &[[48, 2], [0, 0]], &["cat", "chinchilla"]));
    let expected = [
        "Pets",
        "predicted class",
        "correct",
        "true class",
        "cat",
        "cat",
        "48",
        "2",
        "96.0%",
        "chinchilla",
        "chinchilla",
    ];
    assert_eq!(texts(&svg), expected);
    assert_eq!(
        refusal(|path| confusion_matrix(path, "t", &[vec![1, 2], vec![3]], &["a", "b"])),
        "figure `t`: 2 classes need 2 rows of 2 counts"
    );
    let none: [[usize; 0]; 0] = [];
    let names: [&str; 0] = [];
    assert_eq!(
        refusal(|path| confusion_matrix(path, "t", &none, &names)),
        "figure `t`: no classes"
    );
}
