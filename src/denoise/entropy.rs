//! Differential entropy: of one Gaussian in closed form, of mixtures between certified bounds.

use super::covariance::Covariance;
use super::mixture::GaussianMixture;
use crate::linalg::{Matrix, log_det};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// `h = (d/2)(1 + log 2π) + ½ log det Σ`, nats. `None` for a singular covariance: there is no density, and h counts as −∞.
pub fn gaussian_entropy<S: Scalar>(covariance: &Covariance<S>) -> Result<Option<S>> {
    covariance.check()?;
    let half = S::from_f64(0.5);
    let flat = half * S::from_usize(covariance.dim()) * (S::ONE + (S::pi() * S::from_f64(2.0)).ln());
    match covariance.factor() {
        Ok(factor) => Ok(Some(flat + half * factor.log_det)),
        Err(Error::NotPositiveDefinite(_)) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Bounds of the entropy of a mixture. Which is the best depends on the mixture: the interval takes them all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EntropyBounds<S> {
    /// From below: `Σ π_k h_k`; by the overlaps `−Σ π_i log Σ π_j N(μ_i; μ_j, Σ_i + Σ_j)`; `Σ π_k h_k − Σ π_i log Σ π_j e^{−B_ij}`, B the Bhattacharyya distance.
    pub lower: [S; 3],
    /// From above: `Σ π_k h_k + H(π)`; `Σ π_k h_k − Σ π_i log Σ π_j e^{−KL_ij}`; the Gaussian of the same covariance.
    pub upper: [S; 3],
}

impl<S: Scalar> EntropyBounds<S> {
    /// The best lower and the best upper bound.
    pub fn interval(&self) -> (S, S) {
        (self.lower[0].max(self.lower[1]).max(self.lower[2]), self.upper[0].min(self.upper[1]).min(self.upper[2]))
    }
}

/// Certified bounds of the entropy of a mixture; in balls they are proved. `K² d³` flops. Errors: `Domain` (`DegenerateDensity`) for a singular covariance of positive weight.
///
/// Source: Huber, Bailey, Durrant-Whyte and Hanebeck, *On Entropy Approximation for Gaussian Mixture Random Vectors*, 2008 (overlaps); Kolchinsky and Tracey, *Estimating Mixture Entropy with Pairwise
/// Distances*, Entropy 19, 2017 (both distances).
pub fn entropy_bounds<S: Scalar>(mixture: &GaussianMixture<S>) -> Result<EntropyBounds<S>> {
    let live: Vec<usize> = (0..mixture.components()).filter(|&k| mixture.weights()[k] != S::ZERO).collect();
    let (d, half, quarter) = (mixture.dim(), S::from_f64(0.5), S::from_f64(0.25));
    let weights: Vec<S> = live.iter().map(|&k| mixture.weights()[k]).collect();
    let logs: Vec<S> = weights.iter().map(|w| w.ln()).collect();
    let dense = live.iter().map(|&k| mixture.covariances()[k].dense()).collect::<Result<Vec<_>>>()?;
    let degenerate = |e: Error| match e {
        Error::NotPositiveDefinite(f) => Error::domain("mixture", "nonsingular covariances", f.found).named("DegenerateDensity"),
        other => other,
    };
    let dets = dense.iter().map(|a| log_det(a).map_err(degenerate)).collect::<Result<Vec<_>>>()?;
    let two_pi = (S::pi() * S::from_f64(2.0)).ln() * S::from_usize(d) * half;
    let flat = two_pi + S::from_usize(d) * half;
    let own: Vec<S> = weights.iter().zip(&dets).map(|(&w, &det)| w * (flat + half * det)).collect();
    let own = S::sum(&own);
    let count = live.len();
    let (mut overlap, mut bhattacharyya, mut divergence) =
        (Matrix::zeros(count, count), Matrix::zeros(count, count), Matrix::zeros(count, count));
    for i in 0..count {
        for j in 0..count {
            let delta = Matrix::from_fn(1, d, |_, a| mixture.means()[(live[i], a)] - mixture.means()[(live[j], a)]);
            let sum = Covariance::Full(dense[i].add(&dense[j])?).factor().map_err(degenerate)?;
            let square = sum.divide_rows(&delta)?.0[0];
            overlap[(i, j)] = logs[j] - two_pi - half * (sum.log_det + square);
            // With M̄ = (M_i + M_j)/2: log det M̄ = log det(M_i + M_j) − d log 2, δᵀM̄⁻¹δ = 2 δᵀ(M_i + M_j)⁻¹δ.
            let middle = sum.log_det - S::from_usize(d) * S::from_f64(2.0).ln();
            bhattacharyya[(i, j)] = logs[j] - quarter * square - half * (middle - half * (dets[i] + dets[j]));
            let other = Covariance::Full(dense[j].clone()).factor().map_err(degenerate)?;
            let ratio = other.divide_rows(&dense[i])?.1.trace();
            let kl = half * (ratio + other.divide_rows(&delta)?.0[0] - S::from_usize(d) + dets[j] - dets[i]);
            divergence[(i, j)] = logs[j] - if i == j { S::ZERO } else { kl };
        }
    }
    let through = |m: &Matrix<S>| -> Result<S> {
        let sums = crate::learn::log_sum_exp(m)?;
        Ok(S::dot(&weights, &sums))
    };
    let gaussian = flat + half * log_det(&mixture.covariance()?)?;
    Ok(EntropyBounds {
        lower: [own, -through(&overlap)?, own - through(&bhattacharyya)?],
        upper: [own - S::dot(&weights, &logs), own - through(&divergence)?, gaussian],
    })
}
