//! A grid of small images: digits, directions, atoms, maps of attention.

use super::figure::{Figure, Label, TEXT, WIDTH, finite, nothing};
use super::raster;
use super::svg::{Anchor, Canvas, width};
use crate::linalg::Matrix;
use crate::{Error, Result};

/// An image: what is written below it (may be empty) and its pixels, rows from the top.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What is written below it.
    pub caption: String,
    /// Its pixels.
    pub pixels: Matrix<f64>,
}

impl Picture {
    /// An image of `height` rows from numbers that lie row after row. Errors: `Shape` unless they fill its rows.
    pub fn new(caption: &str, height: usize, pixels: &[f64]) -> Result<Picture> {
        let pixels = Matrix::new(height, pixels.len().checked_div(height).unwrap_or(0), pixels.to_vec())?;
        Ok(Picture { caption: caption.into(), pixels })
    }
}

/// What gets full ink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ink {
    /// The largest magnitude of all images: they can be compared.
    #[default]
    Common,
    /// The largest magnitude of each image: its form shows, its size does not.
    Each,
}

/// Rows of images of one size. Pixels above zero are in ink, those below in a second colour.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageGrid {
    /// Its name, title and description.
    pub label: Label,
    /// What is written at the left of a row, and its images.
    pub rows: Vec<(String, Vec<Picture>)>,
    /// What gets full ink.
    pub ink: Ink,
}

impl ImageGrid {
    /// The drawing. Errors: `Shape` without images, or for images of different sizes; `NotFinite`.
    pub fn figure(&self) -> Result<Figure> {
        let all = || self.rows.iter().flat_map(|(_, pictures)| pictures);
        let first = all().next().ok_or_else(|| nothing(&self.label, "image"))?;
        let [h, w] = first.pixels.shape();
        if h == 0 || w == 0 {
            return Err(nothing(&self.label, "pixel"));
        }
        for picture in all() {
            if picture.pixels.shape() != [h, w] {
                let at = format!("figure {}, {}", self.label.name, picture.caption);
                return Err(Error::shape(at, format!("{h} × {w} pixels"), format!("{:?}", picture.pixels)));
            }
            finite(&self.label, &picture.caption, picture.pixels.data().iter().copied())?;
        }
        let common = raster::largest(all().flat_map(|p| p.pixels.data().iter().copied()));
        let across = self.rows.iter().map(|(_, p)| p.len()).max().unwrap_or(1);
        let left = self.rows.iter().map(|(name, _)| width(name, TEXT)).fold(0.0, |a: f64, b| if b > a { b } else { a });
        let left = if left > 0.0 { left + 10.0 } else { 0.0 };
        let gap = 4.0;
        let room = ((WIDTH - left) / across as f64 - gap) / w as f64;
        let cell = if room > 8.0 { 8.0 } else { room };
        let (wide, tall) = (cell * w as f64, cell * h as f64);
        let left = (WIDTH + left - (wide + gap) * across as f64 + gap) / 2.0;

        let mut canvas = Canvas::default();
        let mut y = 2.0;
        for (name, pictures) in &self.rows {
            canvas.text(left - 10.0, y + tall / 2.0 + 4.5, "", Anchor::End, name);
            for (j, picture) in pictures.iter().enumerate() {
                let x = left + (wide + gap) * j as f64;
                let full = match self.ink {
                    Ink::Common => common,
                    Ink::Each => raster::largest(picture.pixels.data().iter().copied()),
                };
                raster::draw(&mut canvas, &picture.pixels, full, (x, y), cell, ["ink", "s1"]);
                canvas.rect((x, y), (wide, tall), "frame");
                canvas.text(x + wide / 2.0, y + tall + 13.0, "small quiet", Anchor::Middle, &picture.caption);
            }
            y += tall + gap + if pictures.iter().any(|p| !p.caption.is_empty()) { 14.0 } else { 0.0 };
        }
        Ok(Figure::new(&self.label, y, canvas))
    }
}
