//! The line chart: series over a common axis, each named beside its end and told apart by dash and marker, not by colour alone.

use super::axis::Axis;
use super::figure::{BOLD, Figure, Label, TEXT, WIDTH, finite, nothing};
use super::svg::{Anchor, Canvas, fold, through, width, xy};
use crate::Result;

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stroke {
    /// A line with markers and its name beside it.
    #[default]
    Curve,
    /// Markers only: what is compared with a curve it should lie on.
    Points,
    /// A thin line: one of a crowd, or what points are compared with.
    Thin,
    /// A dashed line in grey with its name: a bound, a ceiling.
    Reference,
}

/// A series: a name and its points in drawing order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The name written beside it.
    pub name: String,
    /// (x, y), in the order in which they are joined.
    pub points: Vec<(f64, f64)>,
    /// How it is drawn.
    pub stroke: Stroke,
    /// Which of the six colours; `None`: the next one.
    pub colour: Option<usize>,
}

impl Series {
    /// A curve.
    pub fn curve(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Series {
        Series { name: name.into(), points: points.into_iter().collect(), ..Series::default() }
    }
    /// Markers without a line.
    pub fn points(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Series {
        Series { stroke: Stroke::Points, ..Series::curve(name, points) }
    }
    /// One thin line of a crowd in one colour.
    pub fn thin(colour: usize, points: impl IntoIterator<Item = (f64, f64)>) -> Series {
        Series { stroke: Stroke::Thin, colour: Some(colour), ..Series::curve("", points) }
    }
    /// The same, with a name beside its end.
    pub fn named(mut self, name: &str) -> Series {
        self.name = name.into();
        self
    }
    /// A bound.
    pub fn reference(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Series {
        Series { stroke: Stroke::Reference, ..Series::curve(name, points) }
    }
}

/// A chart of series over a common axis.
#[derive(Clone, Debug, PartialEq)]
pub struct LineChart {
    /// Its name, title and description.
    pub label: Label,
    /// Across.
    pub x: Axis,
    /// Up.
    pub y: Axis,
    /// The series, the most important first.
    pub series: Vec<Series>,
}

const HEIGHT: f64 = 280.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 44.0;
const DASHES: [&str; 6] = ["", "7 4", "2 3.5", "10 3 2 3", "5 2", "1 5"];
/// Twelve markers or fewer on a curve, however many points it has.
const MARKERS: usize = 12;

impl LineChart {
    /// The drawing. Errors: `Shape` without any point; `NotFinite`; `Domain` for a number not above 0 on a log axis.
    pub fn figure(&self) -> Result<Figure> {
        if self.series.iter().all(|s| s.points.is_empty()) {
            return Err(nothing(&self.label, "point"));
        }
        finite(&self.label, "points", self.series.iter().flat_map(|s| s.points.iter().flat_map(|&(x, y)| [x, y])))?;
        let names: Vec<Vec<String>> = self.series.iter().map(|s| fold(&s.name, TEXT, 80.0)).collect();
        let names_width = names.iter().flatten().map(|line| width(line, TEXT * BOLD)).fold(0.0, |w: f64, x| if x > w { x } else { w });
        let right = WIDTH - if names_width > 0.0 { names_width + 14.0 } else { 12.0 };

        let ys = || self.series.iter().flat_map(|s| s.points.iter().map(|p| p.1));
        let xs = || self.series.iter().flat_map(|s| s.points.iter().map(|p| p.0));
        let y = self.y.lay(&self.label, ys(), HEIGHT - BOTTOM, TOP, true)?;
        let left = y.widest(TEXT) + 10.0;
        let x = self.x.lay(&self.label, xs(), left + 6.0, right - 6.0, false)?;

        let mut canvas = Canvas::default();
        frame(&mut canvas, &Frame { x: &x, y: &y, left, right, top: TOP, bottom: HEIGHT - BOTTOM, labels: (&self.x.label, &self.y.label) });

        let mut labels = Vec::new();
        let mut next = 0;
        for (series, lines) in self.series.iter().zip(names) {
            let points: Vec<(f64, f64)> = series.points.iter().map(|&(px, py)| (x.at(px), y.at(py))).collect();
            let Some(&end) = points.last() else { continue };
            let index = series.colour.unwrap_or(next) % 6;
            let class = if series.stroke == Stroke::Reference { "neutral".to_string() } else { format!("s{index}") };
            canvas.open(&class);
            match series.stroke {
                Stroke::Thin => canvas.path(&through(&points), "thin", ""),
                Stroke::Reference => canvas.path(&through(&points), "thin", "stroke-dasharray=\"4 3\""),
                Stroke::Curve => {
                    let dash = if DASHES[index].is_empty() { String::new() } else { format!("stroke-dasharray=\"{}\"", DASHES[index]) };
                    canvas.path(&through(&points), "curve", &dash);
                }
                Stroke::Points => {}
            }
            if matches!(series.stroke, Stroke::Curve | Stroke::Points) {
                let every = if series.stroke == Stroke::Curve { points.len().div_ceil(MARKERS) } else { 1 };
                for &at in points.iter().rev().step_by(every).collect::<Vec<_>>().into_iter().rev() {
                    canvas.path(&marker(index, at), "mark", "");
                }
                next += 1;
            }
            canvas.close();
            if !lines.is_empty() {
                labels.push(EndLabel { class, lines, y: end.1 });
            }
        }
        place(&mut labels, TOP, HEIGHT - BOTTOM);
        for label in &labels {
            canvas.open(&label.class);
            for (i, line) in label.lines.iter().enumerate() {
                canvas.text(right + 6.0, label.y + 15.0 * i as f64 + 4.5, "own", Anchor::Start, line);
            }
            canvas.close();
        }
        Ok(Figure::new(&self.label, HEIGHT, canvas))
    }
}

/// The name beside the end of a curve; `y` is the middle of its first line.
struct EndLabel {
    class: String,
    lines: Vec<String>,
    y: f64,
}

/// Moves labels apart, in the order of their curves' ends, and keeps them inside.
fn place(labels: &mut [EndLabel], top: f64, bottom: f64) {
    for label in labels.iter_mut() {
        label.y -= 7.5 * (label.lines.len() - 1) as f64;
    }
    labels.sort_by(|a, b| a.y.total_cmp(&b.y));
    let mut free = top;
    for label in labels.iter_mut() {
        label.y = if label.y < free { free } else { label.y };
        free = label.y + 15.0 * label.lines.len() as f64 + 2.0;
    }
    let mut limit = bottom + 12.0;
    for label in labels.iter_mut().rev() {
        let highest = limit - 15.0 * label.lines.len() as f64;
        label.y = if label.y > highest { highest } else { label.y };
        limit = label.y - 2.0;
    }
}

/// A marker of its own shape for each of the six colours.
pub(super) fn marker(index: usize, (x, y): (f64, f64)) -> String {
    let at = |dx: f64, dy: f64| format!("{} {}", xy(x + dx), xy(y + dy));
    match index % 6 {
        0 => format!("M{}a3.8 3.8 0 1 0 7.6 0a3.8 3.8 0 1 0 -7.6 0z", at(-3.8, 0.0)),
        1 => format!("M{}h6.8v6.8h-6.8z", at(-3.4, -3.4)),
        2 => format!("M{}L{}L{}z", at(0.0, -4.6), at(4.4, 3.4), at(-4.4, 3.4)),
        3 => format!("M{}L{}L{}L{}z", at(0.0, -4.8), at(4.8, 0.0), at(0.0, 4.8), at(-4.8, 0.0)),
        4 => format!("M{}L{}L{}z", at(0.0, 4.6), at(4.4, -3.4), at(-4.4, -3.4)),
        _ => format!("M{}h2.4v3h3v2.4h-3v3h-2.4v-3h-3v-2.4h3z", at(-1.2, -4.2)),
    }
}

/// What lies around the data.
pub(super) struct Frame<'a> {
    pub x: &'a super::axis::Laid,
    pub y: &'a super::axis::Laid,
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    pub labels: (&'a str, &'a str),
}

/// Grid lines and round numbers at the left, round numbers below, what is measured at the ends.
pub(super) fn frame(canvas: &mut Canvas, f: &Frame) {
    canvas.text(2.0, f.top - 14.0, "quiet", Anchor::Start, f.labels.1);
    for (t, text) in &f.y.ticks {
        let y = f.y.at(*t);
        canvas.line((f.left, y), (f.right, y), "grid");
        canvas.text(f.left - 6.0, y + 4.5, "quiet", Anchor::End, text);
    }
    canvas.line((f.left, f.bottom), (f.right, f.bottom), "axis");
    for (t, text) in &f.x.ticks {
        let x = f.x.at(*t);
        canvas.line((x, f.bottom), (x, f.bottom + 4.0), "axis");
        canvas.text(x, f.bottom + 17.0, "quiet", Anchor::Middle, text);
    }
    canvas.text((f.left + f.right) / 2.0, f.bottom + 36.0, "quiet", Anchor::Middle, f.labels.0);
}
