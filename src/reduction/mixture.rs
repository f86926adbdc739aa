//! The rates of a whole population: a mixture of Gaussians on subspaces.

use super::membership::Class;
use super::parts::Parts;
use super::source::Source;
use crate::coding::Distortion;
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The rates of a mixture in which component k has weight `γ_k`, mean 0 and second moment `Σ_k = F_kᵀ F_k`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MixtureRates<S> {
    /// `R = ½ log det(I + (d/ε²) Σ γ_k Σ_k)`.
    pub rate: S,
    /// `R^c = Σ γ_k ½ log det(I + (d/ε²) Σ_k)`.
    pub conditional: S,
    /// `ΔR = R − R^c`.
    pub reduction: S,
}

/// The gradient with respect to weights, factors and ε².
#[derive(Clone, Debug)]
pub struct MixtureGradient<S> {
    /// In `γ_k`, the others fixed.
    pub weights: Vec<S>,
    /// In `F_k`.
    pub factors: Vec<Matrix<S>>,
    /// In ε².
    pub eps2: S,
}

fn check<S: Scalar>(weights: &[S], factors: &[Matrix<S>]) -> Result<usize> {
    let d = factors.first().map_or(0, Matrix::cols);
    if d == 0 || factors.iter().any(|f| f.cols() != d) || weights.len() != factors.len() {
        let found = format!("{} weights and {:?}", weights.len(), factors);
        return Err(Error::shape("factors", "one r × d matrix a component, d at least 1, and one weight", found));
    }
    let sum = S::sum(weights).value();
    if !((sum - 1.0).abs() <= 1e-6) || weights.iter().any(|w| w.value() < 0.0) {
        return Err(Error::domain("weights", "numbers from 0 on with sum 1", format!("sum {sum}")).named("NotOnSimplex"));
    }
    Ok(d)
}

/// The rows `√γ_k F_k` of all components, whose scatter is the second moment of the mixture.
fn stacked<S: Scalar>(weights: &[S], factors: &[Matrix<S>], d: usize) -> Matrix<S> {
    let rows = factors.iter().map(Matrix::rows).sum();
    let mut out = Matrix::zeros(rows, d);
    let mut at = 0;
    for (f, w) in factors.iter().zip(weights) {
        let root = w.sqrt();
        for i in 0..f.rows() {
            for (o, &x) in out.row_mut(at + i).iter_mut().zip(f.row(i)) {
                *o = x * root;
            }
        }
        at += f.rows();
    }
    out
}

/// The mixture as a rate reduction of the stacked rows, its shares given instead of counted. Components of weight 0 take no part.
fn parts<S: Scalar>(weights: &[S], factors: &[Matrix<S>], distortion: Distortion<S>) -> Result<Parts<S>> {
    let d = check(weights, factors)?;
    let (z, eps2) = (stacked(weights, factors, d), distortion.squared()?);
    let alpha = S::from_usize(d) / eps2;
    let (mut classes, mut at) = (Vec::new(), 0);
    for (label, (f, &w)) in factors.iter().zip(weights).enumerate() {
        let class = Class { label, rows: (at..at + f.rows()).collect(), weights: None, mass: w };
        at += f.rows();
        if w != S::ZERO {
            classes.push((Source::of_class(&z, &class, alpha / w)?, w, class));
        }
    }
    let (totals, lack) = (vec![S::ONE; z.rows()], S::ONE - S::sum(weights));
    Parts::from_sources(Source { z, weights: None, alpha }, classes, totals, lack, eps2)
}

/// Rates of a population, of which those of n samples are estimates: the second moments of the samples converge to `Σ_k` like `1/√n`, so do R, R^c and ΔR; where a sample's second moments equal `Σ_k` exactly, so do its rates.
///
/// `factors[k]` is `r_k × d`: rows `√λ_j u_j` for a Gaussian with variances `λ_j` along orthonormal `u_j`. A component whose mean μ is not 0 has `μ` as one more row, since rates are of second moments about 0, not of covariances.
/// `K r³ + (Σr)²d` flops on the smaller sides. Errors: `Shape`, `Domain` (`NotOnSimplex`, `InvalidDistortion`).
///
/// Source: Ma, Derksen, Hong and Wright, TPAMI 2007; Yu et al., NeurIPS 2020.
pub fn mixture_rates<S: Scalar>(weights: &[S], factors: &[Matrix<S>], distortion: Distortion<S>) -> Result<MixtureRates<S>> {
    let parts = parts(weights, factors, distortion)?;
    Ok(MixtureRates { rate: parts.rate()?, conditional: parts.conditional_rate()?, reduction: parts.reduction()? })
}

/// The gradient of `c · (R, R^c, ΔR)`.
///
/// With `M = I + (d/ε²)Σ`: `∂R/∂F_k = (d/ε²) γ_k F_k M⁻¹`, `∂R^c/∂F_k = (d/ε²) γ_k F_k M_k⁻¹`; `∂R/∂γ_k = (d/2ε²) ⟨F_k, F_k M⁻¹⟩`, `∂R^c/∂γ_k = ½ log det M_k`; in ε² by the scale of all factors,
/// `−(1/2ε²) Σ ⟨F_k, ∂/∂F_k⟩`.
pub fn mixture_rates_vjp<S: Scalar>(
    weights: &[S],
    factors: &[Matrix<S>],
    distortion: Distortion<S>,
    c: &MixtureRates<S>,
) -> Result<MixtureGradient<S>> {
    let parts = parts(weights, factors, distortion)?;
    let (whole, alpha, half) = (&parts.whole, parts.whole.alpha, S::from_f64(0.5));
    let each = whole.whitened(&parts.whole_moment)?.scale(alpha * c.rate);
    let each = each.add(&parts.conditional_gradient()?.scale(c.conditional))?.add(&parts.value_and_gradient()?.1.scale(c.reduction))?;
    let eps2 = -(whole.z.dot(&each)? / (parts.eps2 * S::from_f64(2.0)));
    let mut out = MixtureGradient { weights: Vec::new(), factors: Vec::new(), eps2 };
    let (mut at, by_rate, by_conditional) = (0, (c.rate + c.reduction) * half, (c.conditional - c.reduction) * half);
    for (f, &w) in factors.iter().zip(weights) {
        let (own, root) = (Source { z: f.clone(), weights: None, alpha }, w.sqrt());
        let through = whole.quadratic(&parts.whole_moment, f)?;
        out.weights.push(by_rate * alpha * S::sum(&through) + by_conditional * own.moment()?.log_det()?);
        out.factors.push(Matrix::from_fn(f.rows(), f.cols(), |i, j| each[(at + i, j)] * root));
        at += f.rows();
    }
    Ok(out)
}
