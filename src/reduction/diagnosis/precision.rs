//! Can a Gram matrix that was rounded to a narrow format lose positive definiteness?

use crate::Result;
use crate::data::half::{bf16_from_f64, bf16_to_f64, f16_from_f64, f16_to_f64};
use crate::linalg::{Eigen, Matrix};

/// A format a Gram matrix may be kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// IEEE binary32.
    F32,
    /// IEEE binary16.
    F16,
    /// bfloat16.
    BF16,
}

impl Format {
    /// Widest first.
    pub const ALL: [Format; 3] = [Format::F32, Format::F16, Format::BF16];
    /// `f32`, `f16`, `bf16`.
    pub fn name(self) -> &'static str {
        ["f32", "f16", "bf16"][self as usize]
    }
    /// u.
    pub fn unit_roundoff(self) -> f64 {
        [2f64.powi(-24), 2f64.powi(-11), 2f64.powi(-8)][self as usize]
    }
    fn round(self, x: f64) -> f64 {
        match self {
            Format::F32 => f64::from(x as f32),
            Format::F16 => f16_to_f64(f16_from_f64(x)),
            Format::BF16 => bf16_to_f64(bf16_from_f64(x)),
        }
    }
}

/// The margin of a Gram matrix in a format.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Headroom {
    /// The format.
    pub format: Format,
    /// `1/(2uα‖G‖_F)`: above 1 no rounding of G and of αG to the format can make `I + αG` indefinite. Infinite for G = 0.
    pub headroom: f64,
}

impl Headroom {
    /// Is positive definiteness certain?
    pub fn certified(&self) -> bool {
        self.headroom > 1.0
    }
}

/// The margin of each format for `α‖G‖_F`, `G = ZᵀZ` or `ZZᵀ`, which have the same norm.
///
/// Rounding each number of G and of αG moves αG by at most `2u|αG|` number by number (to first order in u), so by at most `2uα‖G‖_F` in norm, while every eigenvalue of `I + αG` is at least 1. Rounding the
/// features before the product is harmless: the Gram matrix of rounded features is still semidefinite. For unit rows `α‖G‖_F ≤ d/ε²`, so that `d/ε² < 1/(2u)` suffices: 128 for bf16, 1024 for f16, 2²³ for f32.
pub fn headroom(alpha_gram: f64) -> [Headroom; 3] {
    Format::ALL.map(|format| Headroom { format, headroom: 1.0 / (2.0 * format.unit_roundoff() * alpha_gram) })
}

/// The smallest eigenvalue of `I + fl(α fl(G))` with both roundings in the format: it should be at least 1. `None` if a number overflows. `O(m³)` for an m × m Gram matrix. Errors: `NotConverged`.
pub fn smallest_pivot(gram: &Matrix<f64>, alpha: f64, format: Format) -> Result<Option<f64>> {
    let one = |i: usize, j: usize| if i == j { 1.0 } else { 0.0 };
    let rounded = Matrix::from_fn(gram.rows(), gram.cols(), |i, j| format.round(alpha * format.round(gram[(i, j)])) + one(i, j));
    if !rounded.data().iter().all(|x| x.is_finite()) {
        return Ok(None);
    }
    Ok(Eigen::new(&rounded)?.values.iter().copied().reduce(|a, b| if b < a { b } else { a }))
}
