//! Lengths, zeros and repetitions of rows.

use crate::linalg::Matrix;
use crate::scalar::{Bulk, Scalar};

/// What the rows of a feature matrix are like.
#[derive(Clone, Debug, PartialEq)]
pub struct RowFacts {
    /// The length of each row.
    pub lengths: Vec<f64>,
    /// The mean length.
    pub mean: f64,
    /// The least and the greatest length.
    pub range: (f64, f64),
    /// Rows of zeros: they have no direction, and code that divides by the length makes NaN of them.
    pub zero: usize,
    /// Rows shorter than 1e−12 that are not zero.
    pub tiny: usize,
    /// Rows that repeat an earlier one exactly.
    pub repeated: usize,
    /// The narrowest format whose rounding explains how far the lengths are from 1, if any does: f64, f32, f16 or bf16.
    pub unit: Option<&'static str>,
}

impl RowFacts {
    /// `O(nd)` and a sort of the rows.
    pub fn of(z: &Matrix<f64>) -> RowFacts {
        let lengths: Vec<f64> = (0..z.rows()).map(|i| Scalar::sqrt(f64::dot(z.row(i), z.row(i)))).collect();
        let mut order: Vec<usize> = (0..z.rows()).collect();
        // −0 and 0 are the same number.
        let key = |i: usize| z.row(i).iter().map(|&x| if x == 0.0 { 0 } else { x.to_bits() });
        order.sort_unstable_by(|&a, &b| key(a).cmp(key(b)));
        let repeated = order.windows(2).filter(|w| key(w[0]).eq(key(w[1]))).count();
        let range = lengths
            .iter()
            .fold((f64::INFINITY, 0.0), |(lo, hi): (f64, f64), &x| (if x < lo { x } else { lo }, if x > hi { x } else { hi }));
        let zero = lengths.iter().filter(|&&x| x == 0.0).count();
        let off = if 1.0 - range.0 > range.1 - 1.0 { 1.0 - range.0 } else { range.1 - 1.0 };
        // Each number rounded once moves a length by at most u; the division before it by a few more.
        let formats = [("f64", 2f64.powi(-53)), ("f32", 2f64.powi(-24)), ("f16", 2f64.powi(-11)), ("bf16", 2f64.powi(-8))];
        let slack = |u: f64| u * (4.0 + if u < 1e-6 { (z.cols() as f64).sqrt() } else { 0.0 });
        RowFacts {
            mean: f64::sum(&lengths) / z.rows() as f64,
            zero,
            tiny: lengths.iter().filter(|&&x| x < 1e-12).count() - zero,
            repeated,
            unit: formats.iter().find(|(_, u)| off <= slack(*u)).map(|(name, _)| *name),
            range,
            lengths,
        }
    }
}
