//! Numbers as shades: ink on the surface in proportion to magnitude, in one colour above zero and another below.

use super::svg::Canvas;
use crate::linalg::Matrix;
use std::fmt::Write;

/// Shades between nothing and full ink. Digits of 16 grey levels fall on every second one exactly.
pub(super) const SHADES: usize = 32;

/// The shade of `x` where `full` is full ink, rounded to the nearest of [`SHADES`].
pub(super) fn shade(x: f64, full: f64) -> usize {
    // A chart passes the largest magnitude as `full`: the quotient is at most 1.
    (x.abs() / full * SHADES as f64).round() as usize
}

/// Draws a matrix at (x, y), each entry a square of side `cell`: one path a shade and sign, runs of equal shade joined.
pub(super) fn draw(canvas: &mut Canvas, values: &Matrix<f64>, full: f64, at: (f64, f64), cell: f64, colours: [&str; 2]) {
    canvas.open_cells(at.0, at.1, cell);
    for (negative, colour) in [false, true].into_iter().zip(colours) {
        let mut paths = vec![String::new(); SHADES + 1];
        for i in 0..values.rows() {
            let level = |j: usize| match values[(i, j)] {
                x if (x < 0.0) == negative => shade(x, full),
                _ => 0,
            };
            let mut j = 0;
            while j < values.cols() {
                let (start, s) = (j, level(j));
                while j < values.cols() && level(j) == s {
                    j += 1;
                }
                if s > 0 {
                    let run = j - start;
                    let _ = write!(paths[s], "M{start} {i}h{run}v1h-{run}z");
                }
            }
        }
        if paths.iter().any(|p| !p.is_empty()) {
            canvas.open(colour);
            for (s, path) in paths.iter().enumerate().filter(|(_, p)| !p.is_empty()) {
                canvas.path(path, "", &opacity(s));
            }
            canvas.close();
        }
    }
    canvas.close();
}

/// The attribute that gives a shape a shade.
pub(super) fn opacity(shade: usize) -> String {
    format!("fill-opacity=\"{:.3}\"", shade as f64 / SHADES as f64)
}

/// The largest magnitude, or 1 where all is zero.
pub(super) fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    let most = values.into_iter().fold(0.0, |m: f64, x| if x.abs() > m { x.abs() } else { m });
    if most > 0.0 { most } else { 1.0 }
}
