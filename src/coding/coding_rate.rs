//! The lossy coding rate of one Gaussian-like source.

use super::{Distortion, augmented_factor, drowns, factor_log_det};
use crate::linalg::{Matrix, log_det_i_plus, log_det_i_plus_solve, log_det_i_plus_solve_rows};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The gradient of [`coding_rate`].
#[derive(Clone, Debug)]
pub struct CodingRateGradient<S> {
    /// `∂R/∂Z`, n × d.
    pub z: Matrix<S>,
    /// `∂R/∂ε²`.
    pub eps2: S,
}

/// `α = d / (n ε²)`, after the checks that every rate makes.
fn alpha<S: Scalar>(z: &Matrix<S>, distortion: Distortion<S>) -> Result<S> {
    if z.rows() == 0 || z.cols() == 0 {
        return Err(Error::shape("z", "at least one row and one column", format!("{z:?}")).named("EmptyInput"));
    }
    Ok(S::from_usize(z.cols()) / (S::from_usize(z.rows()) * distortion.squared()?))
}

/// `R(Z; ε) = ½ log det(I_d + α ZᵀZ) = ½ log det(I_n + α ZZᵀ)`, `α = d/(nε²)`: nats a sample to code zero-mean Gaussian-like rows to mean squared error ε².
///
/// `z`: n × d, one sample a row (the papers' `Z` is its transpose). The smaller of the two Gram matrices is factored, chosen by shape alone. Value ≥ 0,
/// and 0 only for Z = 0. Relative accuracy is kept for tiny Z; for
/// `α‖Z‖² > 1/√u` the factor comes from a QR factorisation of `[√α Z; I]` instead of a Gram matrix, which would drown the identity. Cost `n d min(n,d) + min(n,d)³/3` flops.
/// Errors: `Shape` for an empty Z, `Domain` for ε ≤ 0, `NotFinite`.
///
/// Source: Ma, Derksen, Hong and Wright, *Segmentation of Multivariate Mixed Data via Lossy Data Coding and Compression*, TPAMI 2007, equation 10;
/// Yu, Chan, You, Song and Ma, *Learning Diverse and Discriminative Representations via the Principle of Maximal Coding Rate Reduction*, NeurIPS 2020.
pub fn coding_rate<S: Scalar>(z: &Matrix<S>, distortion: Distortion<S>) -> Result<S> {
    let alpha = alpha(z, distortion)?;
    let m = smaller_gram(z).scale(alpha);
    if drowns(m.trace()) {
        return Ok(factor_log_det(&smaller_factor(z, alpha)?) * S::from_f64(0.5));
    }
    Ok(log_det_i_plus(&m)? * S::from_f64(0.5))
}

/// `ZᵀZ` if d ≤ n, else `ZZᵀ`.
fn smaller_gram<S: Scalar>(z: &Matrix<S>) -> Matrix<S> {
    if z.cols() <= z.rows() { z.gram_cols() } else { z.gram_rows() }
}

/// The factor of `I + αZᵀZ` or `I + αZZᵀ`, the smaller.
fn smaller_factor<S: Scalar>(z: &Matrix<S>, alpha: S) -> Result<Matrix<S>> {
    if z.cols() <= z.rows() { augmented_factor(z, alpha) } else { augmented_factor(&z.transpose(), alpha) }
}

/// Value and gradient from [`augmented_factor`].
fn drowned<S: Scalar>(z: &Matrix<S>, alpha: S, distortion: Distortion<S>) -> Result<(S, CodingRateGradient<S>)> {
    let l = smaller_factor(z, alpha)?;
    let (mut grad, m) = (z.scale(alpha), l.rows());
    if z.cols() <= z.rows() {
        S::solve_lower_rows(l.data(), m, grad.data_mut())?;
        S::solve_lower_t_rows(l.data(), m, grad.data_mut())?;
    } else {
        S::solve_lower(l.data(), m, grad.data_mut(), z.cols())?;
        S::solve_lower_t(l.data(), m, grad.data_mut(), z.cols())?;
    }
    let eps2 = -(z.dot(&grad)? / (distortion.squared()? * S::from_f64(2.0)));
    Ok((factor_log_det(&l) * S::from_f64(0.5), CodingRateGradient { z: grad, eps2 }))
}

/// The gradient of [`coding_rate`]: `∂R/∂Z = α Z (I + α ZᵀZ)⁻¹ = α (I + α ZZᵀ)⁻¹ Z`, and `∂R/∂ε² = −⟨Z, ∂R/∂Z⟩ / (2ε²)`.
///
/// `dR = ½ tr(M⁻¹ dM)` with `M = I + α ZᵀZ`, `dM = α (dZᵀZ + ZᵀdZ)`, so that `dR = α tr(M⁻¹ Zᵀ dZ)`. Both forms agree by the push-through identity. ε² enters
/// through α alone and `α ∂R/∂α = ½⟨Z, ∂R/∂Z⟩`, half the effective degrees of freedom `d − tr M⁻¹`.
pub fn coding_rate_gradient<S: Scalar>(z: &Matrix<S>, distortion: Distortion<S>) -> Result<CodingRateGradient<S>> {
    Ok(coding_rate_with_gradient(z, distortion)?.1)
}

/// [`coding_rate`] and [`coding_rate_gradient`] from one factorisation: `n d min(n,d) + min(n,d)³/3 + 2 n d min(n,d)` flops.
pub fn coding_rate_with_gradient<S: Scalar>(z: &Matrix<S>, distortion: Distortion<S>) -> Result<(S, CodingRateGradient<S>)> {
    let alpha = alpha(z, distortion)?;
    let mut m = smaller_gram(z);
    m.data_mut().iter_mut().for_each(|m| *m *= alpha);
    if drowns(m.trace()) {
        return drowned(z, alpha, distortion);
    }
    let (value, mut grad) = if z.cols() <= z.rows() { log_det_i_plus_solve_rows(&m, z)? } else { log_det_i_plus_solve(&m, z)? };
    grad.data_mut().iter_mut().for_each(|g| *g *= alpha);
    let eps2 = -(z.dot(&grad)? / (distortion.squared()? * S::from_f64(2.0)));
    Ok((value * S::from_f64(0.5), CodingRateGradient { z: grad, eps2 }))
}
