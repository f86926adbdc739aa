//! The singular values of features, and where they stand at a distortion.

use crate::Result;
use crate::coding::Distortion;
use crate::linalg::{Matrix, Qr, Svd};
use crate::scalar::{Bulk, Scalar};

/// The singular values of n × d features.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    /// Descending, `min(n, d)` of them.
    pub sigma: Vec<f64>,
    /// n.
    pub samples: usize,
    /// d.
    pub features: usize,
}

/// Where a spectrum stands at a distortion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// ε².
    pub eps2: f64,
    /// `α = d/(nε²)`.
    pub alpha: f64,
    /// `R = ½ Σ log(1 + ασ²)`.
    pub rate: f64,
    /// The least R of this energy, all of it in one direction: `½ log(1 + α‖Z‖²)`. For rows of length 1: `½ log(1 + d/ε²)`, full collapse.
    pub floor: f64,
    /// The greatest R of this energy: `(q/2) log(1 + α‖Z‖²/q)`, `q = min(n, d)`.
    pub ceiling: f64,
    /// Directions with `ασ² > 1`: those the distortion lets count.
    pub counting: usize,
    /// `Σ ασ²/(1 + ασ²)`, the effective number of directions; `−∂R/∂ log ε`.
    pub effective: f64,
    /// The condition number of `I + αZᵀZ`.
    pub condition: f64,
    /// Its bound `1 + α‖Z‖²`.
    pub condition_bound: f64,
    /// `α ‖ZᵀZ‖_F`.
    pub gram: f64,
}

impl Spectrum {
    /// By a QR factorisation and the singular values of its triangle: small ones keep their digits, as those of a Gram matrix would not. Errors: `NotFinite`, `NotConverged`.
    pub fn of(z: &Matrix<f64>) -> Result<Spectrum> {
        let tall = if z.rows() >= z.cols() { z.clone() } else { z.transpose() };
        let triangle = if tall.rows() > tall.cols() { Qr::new(&tall)?.r } else { tall };
        Ok(Spectrum { sigma: Svd::new(&triangle)?.sigma, samples: z.rows(), features: z.cols() })
    }
    /// Singular values above `max(n, d)` roundoffs of f64 of the greatest.
    pub fn rank(&self) -> usize {
        let most = if self.samples > self.features { self.samples } else { self.features };
        let least = self.sigma.first().copied().unwrap_or(0.0) * most as f64 * f64::UNIT_ROUNDOFF;
        self.sigma.iter().filter(|&&s| s > least).count()
    }
    /// `‖Z‖²`.
    pub fn energy(&self) -> f64 {
        f64::dot(&self.sigma, &self.sigma)
    }
    /// The share of the energy that lies in the first direction; 1: all rows on one line. 0 for Z = 0.
    pub fn top_share(&self) -> f64 {
        let energy = self.energy();
        if energy > 0.0 { self.sigma[0] * self.sigma[0] / energy } else { 0.0 }
    }
    /// What follows at ε². Errors: `Domain` for a distortion that is not above 0.
    pub fn at(&self, eps2: f64) -> Result<Standing> {
        let eps2 = Distortion::Eps2(eps2).squared()?;
        let alpha = self.features as f64 / (self.samples as f64 * eps2);
        let x: Vec<f64> = self.sigma.iter().map(|s| alpha * s * s).collect();
        let (energy, q) = (f64::sum(&x), self.sigma.len() as f64);
        let logs: Vec<f64> = x.iter().map(|&x| Scalar::log1p(x)).collect();
        let shares: Vec<f64> = x.iter().map(|x| x / (1.0 + x)).collect();
        // Where there are more features than samples, or a σ is 0, an eigenvalue of I + αZᵀZ is 1.
        let least = if self.samples < self.features { 0.0 } else { x.last().copied().unwrap_or(0.0) };
        Ok(Standing {
            eps2,
            alpha,
            rate: f64::sum(&logs) / 2.0,
            floor: Scalar::log1p(energy) / 2.0,
            ceiling: q / 2.0 * Scalar::log1p(energy / q),
            counting: x.iter().filter(|&&x| x > 1.0).count(),
            effective: f64::sum(&shares),
            condition: (1.0 + x.first().copied().unwrap_or(0.0)) / (1.0 + least),
            condition_bound: 1.0 + energy,
            gram: Scalar::sqrt(f64::dot(&x, &x)),
        })
    }
}
