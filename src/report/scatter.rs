//! Points and arrows in the plane: clouds by class, fields of a score.

use super::axis::Axis;
use super::figure::{BOLD, Figure, Label, TEXT, WIDTH, finite, nothing};
use super::line::{Frame, frame, marker};
use super::svg::{Anchor, Canvas, through, width};
use crate::{Error, Result};

/// A cloud of points that share a name, a colour and a marker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cloud {
    /// Its name, in the key above the drawing; empty: none.
    pub name: String,
    /// The points.
    pub points: Vec<(f64, f64)>,
    /// Arrows from each point, `(dx, dy)`; empty: none. Drawn instead of markers.
    pub arrows: Vec<(f64, f64)>,
}

/// A chart of clouds over two axes of equal scale, so that circles are circles.
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    /// Its name, title and description.
    pub label: Label,
    /// What is measured across.
    pub x: String,
    /// What is measured upwards.
    pub y: String,
    /// The clouds.
    pub clouds: Vec<Cloud>,
}

impl Scatter {
    /// The drawing. Errors: `Shape` without any point, or with arrows for only some points; `NotFinite`.
    pub fn figure(&self) -> Result<Figure> {
        for cloud in &self.clouds {
            if !cloud.arrows.is_empty() && cloud.arrows.len() != cloud.points.len() {
                let at = format!("figure {}, {}", self.label.name, cloud.name);
                return Err(Error::shape(at, format!("{} arrows", cloud.points.len()), cloud.arrows.len().to_string()));
            }
            finite(&self.label, &cloud.name, cloud.points.iter().chain(&cloud.arrows).flat_map(|&(x, y)| [x, y]))?;
        }
        let ends = |cloud: &Cloud| -> Vec<(f64, f64)> {
            let tips = cloud.points.iter().zip(&cloud.arrows).map(|(p, a)| (p.0 + a.0, p.1 + a.1));
            cloud.points.iter().copied().chain(tips).collect()
        };
        let all: Vec<(f64, f64)> = self.clouds.iter().flat_map(ends).collect();
        let &(x0, y0) = all.first().ok_or_else(|| nothing(&self.label, "point"))?;
        let (mut low, mut high) = ((x0, y0), (x0, y0));
        for &(x, y) in &all {
            low = (if x < low.0 { x } else { low.0 }, if y < low.1 { y } else { low.1 });
            high = (if x > high.0 { x } else { high.0 }, if y > high.1 { y } else { high.1 });
        }
        // A square window around the middle, a twentieth wider than the widest extent.
        let extent = if high.0 - low.0 > high.1 - low.1 { high.0 - low.0 } else { high.1 - low.1 };
        let half = if extent > 0.0 { extent * 0.525 } else { 1.0 };
        let window = |a: f64, b: f64| [(a + b) / 2.0 - half, (a + b) / 2.0 + half];

        let named: Vec<usize> = (0..self.clouds.len()).filter(|&i| !self.clouds[i].name.is_empty()).collect();
        let lines = key_lines(&named.iter().map(|&i| width(&self.clouds[i].name, TEXT * BOLD) + 30.0).collect::<Vec<_>>());
        let top = 30.0 + 20.0 * lines.iter().map(|&(row, _)| row + 1.0).fold(0.0, |m, x| if x > m { x } else { m });
        let (left, side) = (46.0, WIDTH - 58.0);
        let x = Axis::linear(&self.x).lay(&self.label, window(low.0, high.0).into_iter(), left, left + side, false)?;
        let y = Axis::linear(&self.y).lay(&self.label, window(low.1, high.1).into_iter(), top + side, top, false)?;

        let mut canvas = Canvas::default();
        frame(&mut canvas, &Frame { x: &x, y: &y, left, right: left + side, top, bottom: top + side, labels: (&self.x, &self.y) });
        for (&i, (row, at)) in named.iter().zip(lines) {
            canvas.open(&format!("s{}", i % 6));
            canvas.path(&marker(i, (at + 8.0, 10.0 + 20.0 * row)), "mark", "");
            canvas.text(at + 18.0, 14.5 + 20.0 * row, "own", Anchor::Start, &self.clouds[i].name);
            canvas.close();
        }
        for (i, cloud) in self.clouds.iter().enumerate() {
            canvas.open(&format!("s{}", i % 6));
            for (j, p) in cloud.points.iter().enumerate() {
                let from = (x.at(p.0), y.at(p.1));
                match cloud.arrows.get(j) {
                    None => canvas.path(&marker(i, from), "mark", ""),
                    Some(a) => arrow(&mut canvas, from, (x.at(p.0 + a.0), y.at(p.1 + a.1))),
                }
            }
            canvas.close();
        }
        Ok(Figure::new(&self.label, top + side + 44.0, canvas))
    }
}

/// Row and place of each entry of a key that is as wide as the figure.
fn key_lines(widths: &[f64]) -> Vec<(f64, f64)> {
    let (mut row, mut at) = (0.0, 0.0);
    let place = |&w: &f64| {
        if at > 0.0 && at + w > WIDTH {
            (row, at) = (row + 1.0, 0.0);
        }
        at += w;
        (row, at - w)
    };
    widths.iter().map(place).collect()
}

/// A shaft with a head of fixed size; only the head where the arrow is shorter than it.
fn arrow(canvas: &mut Canvas, from: (f64, f64), to: (f64, f64)) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = (dx * dx + dy * dy).sqrt();
    if length < 0.05 {
        return canvas.rect((from.0 - 0.8, from.1 - 0.8), (1.6, 1.6), "solid");
    }
    let (ux, uy) = (dx / length, dy / length);
    let back = |s: f64, t: f64| (to.0 - s * ux - t * uy, to.1 - s * uy + t * ux);
    canvas.path(&through(&[from, back(if length < 4.0 { length } else { 4.0 }, 0.0)]), "thin", "");
    canvas.path(&format!("{}z", through(&[to, back(5.0, 2.3), back(5.0, -2.3)])), "solid", "");
}
