//! What shrinkage does to numbers in noise, in closed form.

use super::lasso::non_negative;
use crate::Result;
use crate::scalar::Scalar;

/// The least of `½(v − z)² + λ|z|`: `v²/2` for `|v| ≤ λ`, else `λ|v| − λ²/2` (Huber, Ann. Math. Statist. 35, 1964). With orthonormal atoms that span the space,
/// `P* = Σ_j huber(c_j, λ)`, `c = xAᵀ`. Errors: `Domain` for `λ < 0`.
pub fn huber<S: Scalar>(v: S, lambda: S) -> Result<S> {
    non_negative("lambda", lambda)?;
    let kept = v.soft_threshold(lambda);
    let cut = v - kept;
    // ½ cut² + λ |kept|: one text for both branches.
    Ok(cut.square() * S::from_f64(0.5) + lambda * kept.abs())
}

/// The density and the distribution function of a standard Gaussian.
fn gaussian<S: Scalar>(x: S) -> (S, S) {
    let half = S::from_f64(0.5);
    ((-(x.square() * half)).exp() / (S::pi() * S::from_f64(2.0)).sqrt(), half * (-x * half.sqrt()).erfc())
}

/// The risk `E (S_λ(μ + g) − μ)²` of the soft threshold for a standard Gaussian g:
/// `1 + λ² + (μ² − λ² − 1)(Φ(λ − μ) − Φ(−λ − μ)) − (λ − μ)φ(λ + μ) − (λ + μ)φ(λ − μ)`. Errors: `Domain` for `λ < 0`.
///
/// Source: Donoho and Johnstone, *Ideal spatial adaptation by wavelet shrinkage*, Biometrika 81, 1994, appendix 2.
pub fn shrinkage_risk<S: Scalar>(mu: S, lambda: S) -> Result<S> {
    non_negative("lambda", lambda)?;
    let ((upper, above), (lower, below)) = (gaussian(lambda - mu), gaussian(-lambda - mu));
    let square = lambda.square();
    Ok(S::ONE + square + (mu.square() - square - S::ONE) * (above - below) - (lambda - mu) * lower - (lambda + mu) * upper)
}

/// Stein's unbiased estimate of the risk of the soft threshold on unit noise, `m − 2 #{|x_i| ≤ λ} + Σ min(x_i², λ²)`. The count is of values. Errors: `Domain` for `λ < 0`.
///
/// Source: Stein, Ann. Statist. 9, 1981; Donoho and Johnstone, J. Amer. Statist. Assoc. 90, 1995.
pub fn shrinkage_sure<S: Scalar>(x: &[S], lambda: S) -> Result<S> {
    non_negative("lambda", lambda)?;
    let small = x.iter().filter(|x| x.abs().value() <= lambda.value()).count();
    let clipped: Vec<S> = x.iter().map(|x| x.square().min(lambda.square())).collect();
    Ok(S::from_usize(x.len()) - S::from_usize(2 * small) + S::sum(&clipped))
}

/// `σ√(2 ln m)`, above which the largest of m Gaussians of deviation σ rarely lies. Errors: `Domain` for `σ < 0`.
///
/// Source: Donoho and Johnstone, Biometrika 81, 1994.
pub fn universal_threshold<S: Scalar>(sigma: S, m: usize) -> Result<S> {
    non_negative("sigma", sigma)?;
    Ok(sigma * (S::from_f64(2.0) * S::from_usize(m.max(1)).ln()).sqrt())
}
