//! The heat map: a matrix as shades, with the numbers in the cells where they fit.

use super::figure::{Figure, Label, TEXT, WIDTH, finite, nothing};
use super::number::Digits;
use super::raster::{self, SHADES};
use super::svg::{Anchor, Canvas, width};
use crate::linalg::Matrix;
use crate::{Error, Result};

/// A matrix as shades: no ink at 0, full ink at the largest magnitude (or at `full`), one colour above zero, another below.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// Its name, title and description.
    pub label: Label,
    /// The matrix.
    pub values: Matrix<f64>,
    /// The names of groups of rows, and how many rows each has; lines separate them. Empty: none.
    pub rows: Vec<(String, usize)>,
    /// The same for columns.
    pub cols: Vec<(String, usize)>,
    /// The magnitude that gets full ink, so that two maps can be compared; `None`: the largest.
    pub full: Option<f64>,
    /// What the shades measure.
    pub measure: String,
    /// Writes each number into its cell with so many digits; for at most twelve columns.
    pub numbers: Option<Digits>,
}

impl HeatMap {
    /// The drawing. Errors: `Shape` for an empty matrix, groups that do not add up to it, or numbers in more than twelve columns; `NotFinite`;
    /// `Domain` for an entry beyond `full`.
    pub fn figure(&self) -> Result<Figure> {
        let [n, m] = self.values.shape();
        if n == 0 || m == 0 {
            return Err(nothing(&self.label, "row and column"));
        }
        let at = || format!("figure {}", self.label.name);
        finite(&self.label, "values", self.values.data().iter().copied())?;
        for (groups, count, what) in [(&self.rows, n, "rows"), (&self.cols, m, "columns")] {
            let sum = groups.iter().fold(0usize, |s, g| s.saturating_add(g.1));
            if !groups.is_empty() && sum != count {
                return Err(Error::shape(at(), format!("groups of {count} {what} in all"), sum.to_string()));
            }
        }
        if self.numbers.is_some() && m > 12 {
            return Err(Error::shape(at(), "at most twelve columns of numbers", m.to_string()));
        }
        let largest = raster::largest(self.values.data().iter().copied());
        let full = self.full.unwrap_or(largest);
        if !(full >= largest || self.full.is_none()) {
            return Err(Error::domain(at(), format!("numbers up to {full}"), largest.to_string()));
        }

        let left = self.rows.iter().map(|(name, _)| width(name, TEXT)).fold(0.0, |w: f64, x| if x > w { x } else { w }) + 8.0;
        let top = if self.cols.is_empty() { 4.0 } else { 22.0 };
        let cell = (WIDTH - left - 4.0) / m as f64;
        let cell = if cell > 34.0 { 34.0 } else { cell };
        let left = (WIDTH - 4.0 + left - cell * m as f64) / 2.0;
        let (right, bottom) = (left + cell * m as f64, top + cell * n as f64);

        let mut canvas = Canvas::default();
        raster::draw(&mut canvas, &self.values, full, (left, top), cell, ["s0", "s1"]);
        let mut from = 0;
        for (name, count) in &self.rows {
            let (a, b) = (top + cell * from as f64, top + cell * (from + count) as f64);
            canvas.line((left, a), (right, a), "grid");
            canvas.text(left - 6.0, (a + b) / 2.0 + 4.5, "", Anchor::End, name);
            from += count;
        }
        let mut from = 0;
        for (name, count) in &self.cols {
            let (a, b) = (left + cell * from as f64, left + cell * (from + count) as f64);
            canvas.line((a, top), (a, bottom), "grid");
            canvas.text((a + b) / 2.0, top - 7.0, "", Anchor::Middle, name);
            from += count;
        }
        canvas.rect((left, top), (right - left, bottom - top), "frame");
        if let Some(digits) = self.numbers {
            let texts = self.values.data().iter().map(|&x| digits.print(x)).collect::<Vec<_>>();
            let widest = texts.iter().map(|t| width(t, 11.0)).fold(0.0, |w: f64, x| if x > w { x } else { w });
            let size = if widest > cell - 5.0 { "tiny" } else { "small" };
            for (at, text) in texts.iter().enumerate() {
                let (i, j) = (at / m, at % m);
                let over = if raster::shade(self.values[(i, j)], full) * 2 > SHADES { " over" } else { "" };
                let (x, y) = (left + cell * (j as f64 + 0.5), top + cell * (i as f64 + 0.5) + 4.0);
                canvas.text(x, y, &format!("{size}{over}"), Anchor::Middle, text);
            }
        }
        key(&mut canvas, full, self.values.data().iter().any(|&x| x < 0.0), (left, bottom + 14.0), &self.measure);
        Ok(Figure::new(&self.label, bottom + 46.0, canvas))
    }
}

/// The shades from the least to the most, with their numbers.
pub(super) fn key(canvas: &mut Canvas, full: f64, signed: bool, at: (f64, f64), measure: &str) {
    const STEPS: usize = 8;
    let from = if signed { -(STEPS as i64) } else { 0 };
    let scale = Matrix::from_fn(1, (STEPS as i64 - from) as usize + 1, |_, j| (from + j as i64) as f64 / STEPS as f64);
    raster::draw(canvas, &scale, 1.0, at, 10.0, ["s0", "s1"]);
    let wide = 10.0 * scale.cols() as f64;
    canvas.rect(at, (wide, 10.0), "frame");
    let text = |x: f64| Digits::Significant(2).print(x);
    canvas.text(at.0, at.1 + 24.0, "small quiet", Anchor::Start, &text(if signed { -full } else { 0.0 }));
    canvas.text(at.0 + wide, at.1 + 24.0, "small quiet", Anchor::End, &text(full));
    canvas.text(at.0 + wide + 10.0, at.1 + 9.5, "quiet", Anchor::Start, measure);
}
