//! The bar chart: lying bars from zero, each with its number at the end; groups told apart by filling.

use super::axis::Axis;
use super::figure::{BOLD, Figure, Label, TEXT, WIDTH, finite, nothing};
use super::number::Digits;
use super::svg::{Anchor, Canvas, width, xy};
use crate::{Error, Result};

/// A chart of bars.
#[derive(Clone, Debug, PartialEq)]
pub struct BarChart {
    /// Its name, title and description.
    pub label: Label,
    /// What the bars measure, with its unit. A bar always begins at 0.
    pub measure: String,
    /// What each row of bars is about, from the top.
    pub rows: Vec<String>,
    /// The groups, at most three: a name and a bar for each row.
    pub groups: Vec<(String, Vec<f64>)>,
    /// How many digits the numbers at the bars show.
    pub digits: Digits,
}

impl BarChart {
    /// The drawing. Errors: `Shape` without rows, with no or more than three groups, or with a group of another length; `NotFinite`.
    pub fn figure(&self) -> Result<Figure> {
        if self.rows.is_empty() {
            return Err(nothing(&self.label, "row"));
        }
        let at = || format!("figure {}", self.label.name);
        if !(1..=3).contains(&self.groups.len()) {
            return Err(Error::shape(at(), "one to three groups", self.groups.len().to_string()));
        }
        for (name, values) in &self.groups {
            if values.len() != self.rows.len() {
                return Err(Error::shape(format!("{}, {name}", at()), format!("{} bars", self.rows.len()), values.len().to_string()));
            }
            finite(&self.label, name, values.iter().copied())?;
        }
        let count = self.groups.len() as f64;
        let thickness = if self.groups.len() == 1 { 15.0 } else { 12.0 };
        let pitch = thickness * count + 8.0;
        let top = if self.groups.len() > 1 { 34.0 } else { 10.0 };
        let bottom = top + pitch * self.rows.len() as f64;

        let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0, |w: f64, x| if x > w { x } else { w });
        let shown = |x: f64| self.digits.print(x);
        let left = widest(&mut self.rows.iter().map(|r| width(r, TEXT))) + 8.0;
        let numbers = widest(&mut self.groups.iter().flat_map(|g| g.1.iter().map(|&x| width(&shown(x), 11.0))));
        let values = self.groups.iter().flat_map(|g| g.1.iter().copied());
        let x = Axis::linear(&self.measure).including(0.0).lay(&self.label, values, left, WIDTH - numbers - 8.0, false)?;

        let mut canvas = Canvas::default();
        for (t, text) in &x.ticks {
            canvas.line((x.at(*t), top), (x.at(*t), bottom), "grid");
            canvas.text(x.at(*t), bottom + 17.0, "quiet", Anchor::Middle, text);
        }
        for (g, (name, values)) in self.groups.iter().enumerate() {
            canvas.open(&format!("s{g}"));
            if self.groups.len() > 1 {
                let at = left + self.groups[..g].iter().map(|(n, _)| width(n, TEXT * BOLD) + 40.0).sum::<f64>();
                bar(&mut canvas, g, (at, 8.0), (20.0, 11.0));
                canvas.text(at + 26.0, 18.0, "own", Anchor::Start, name);
            }
            for (i, &value) in values.iter().enumerate() {
                let y = top + 4.0 + pitch * i as f64 + thickness * g as f64;
                let (a, b) = (x.at(0.0), x.at(value));
                let (from, to) = if a < b { (a, b) } else { (b, a) };
                bar(&mut canvas, g, (from, y + 0.5), (to - from, thickness - 1.0));
            }
            canvas.close();
            for (i, &value) in values.iter().enumerate() {
                let y = top + 4.0 + pitch * i as f64 + thickness * g as f64;
                let end = if x.at(value) > x.at(0.0) { x.at(value) } else { x.at(0.0) };
                canvas.text(end + 5.0, y + thickness / 2.0 + 4.0, "small", Anchor::Start, &shown(value));
            }
        }
        for (i, row) in self.rows.iter().enumerate() {
            canvas.text(left - 6.0, top + pitch * (i as f64 + 0.5) + 4.5, "", Anchor::End, row);
        }
        canvas.line((x.at(0.0), top), (x.at(0.0), bottom), "axis");
        canvas.text((left + WIDTH - numbers) / 2.0, bottom + 36.0, "quiet", Anchor::Middle, &self.measure);
        Ok(Figure::new(&self.label, bottom + 44.0, canvas))
    }
}

/// The first group is full, the second hatched, the third an outline.
fn bar(canvas: &mut Canvas, group: usize, at: (f64, f64), size: (f64, f64)) {
    canvas.rect(at, size, if group == 0 { "solid" } else { "outline" });
    if group == 1 {
        let mut strokes = String::new();
        let (w, h) = size;
        let mut x = 4.0;
        while x < w + h {
            // From the foot to the right and up, cut at both ends of the bar.
            let (x0, x1) = (if x - h > 0.0 { x - h } else { 0.0 }, if x < w { x } else { w });
            strokes.push_str(&format!("M{} {}L{} {}", xy(at.0 + x0), xy(at.1 + x - x0), xy(at.0 + x1), xy(at.1 + x - x1)));
            x += 5.0;
        }
        canvas.path(&strokes, "hatch", "");
    }
}
