//! The rate–distortion function of a Gaussian, by reverse water-filling, and the coding rate beside it.

use super::Distortion;
use crate::linalg::{Eigen, Matrix};
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// How a Gaussian with given variances is best described with mean squared error ε² in all.
#[derive(Clone, Debug, PartialEq)]
pub struct WaterFilling<S> {
    /// `R = ½ Σ log⁺(λ_i/θ)`, nats a sample.
    pub rate: S,
    /// The water level θ with `Σ min(θ, λ_i) = ε²`; the greatest variance where ε² covers them all.
    pub level: S,
    /// `min(θ, λ_i)`: the error in each direction.
    pub distortions: Vec<S>,
    /// The directions above water.
    active: Vec<bool>,
    dry: usize,
}

/// `R(D) = min I(x; x̂)` over `E‖x − x̂‖² ≤ D = ε²` for `x ~ N(0, diag λ)`.
///
/// Exact, without iteration: in ascending order each variance that is under water lowers what is left for the others. `d log d` flops. Errors: `Shape` (`EmptyInput`); `Domain` for λ < 0 or ε ≤ 0;
/// `NotFinite`; `Undecided` for balls that cannot tell which directions are under water.
///
/// Source: Kolmogorov 1956; Cover and Thomas, *Elements of Information Theory*, 2006, theorem 10.3.3.
pub fn gaussian_rate_distortion<S: Scalar>(lambda: &[S], distortion: Distortion<S>) -> Result<WaterFilling<S>> {
    let eps2 = distortion.squared()?;
    check(lambda)?;
    let mut order: Vec<usize> = (0..lambda.len()).collect();
    order.sort_by(|&i, &j| lambda[i].value().total_cmp(&lambda[j].value()));
    let undecided = || Error::undecided("lambda", "variances that are surely above or below the water level", "balls that overlap it");
    let at_most = |a: S, b: S| match (a - b).sign() {
        Some(sign) => Ok(sign != Ordering::Greater),
        None => Err(undecided()),
    };
    let mut left = eps2;
    for (i, &at) in order.iter().enumerate() {
        let dry = lambda.len() - i;
        let level = left / S::from_usize(dry);
        if at_most(level, lambda[at])? {
            let mut out = WaterFilling { rate: S::ZERO, level, distortions: lambda.to_vec(), active: vec![false; lambda.len()], dry };
            let mut logs = Vec::with_capacity(dry);
            for &k in &order[i..] {
                // Above water by the order; where balls overlap the order proves nothing.
                if k != at && !at_most(level, lambda[k])? {
                    return Err(undecided());
                }
                out.active[k] = true;
                out.distortions[k] = level;
                logs.push(((lambda[k] - level) / level).log1p());
            }
            out.rate = S::sum(&logs) * S::from_f64(0.5);
            return Ok(out);
        }
        left -= lambda[at];
    }
    let top = order[order.len() - 1];
    let mut active = vec![false; lambda.len()];
    active[top] = true;
    Ok(WaterFilling { rate: S::ZERO, level: lambda[top], distortions: lambda.to_vec(), active, dry: 0 })
}

impl<S: Scalar> WaterFilling<S> {
    /// The gradient of `r̄ R + l̄ θ` in λ and in ε²: `∂R/∂λ_i = 1/(2λ_i)` above water, `1/(2θ)` below; `∂R/∂ε² = −1/(2θ)`; `θ = (ε² − Σ_{below} λ_i)/#above`. Where ε² covers all, R stays 0.
    pub fn vjp(&self, lambda: &[S], rate_bar: S, level_bar: S) -> (Vec<S>, S) {
        if self.dry == 0 {
            return (self.active.iter().map(|&top| if top { level_bar } else { S::ZERO }).collect(), S::ZERO);
        }
        let (half, share) = (rate_bar * S::from_f64(0.5), level_bar / S::from_usize(self.dry));
        let each = |(&l, &active): (&S, &bool)| if active { half / l } else { half / self.level - share };
        (lambda.iter().zip(&self.active).map(each).collect(), share - half / self.level)
    }
}

fn check<S: Scalar>(lambda: &[S]) -> Result<()> {
    if lambda.is_empty() {
        return Err(Error::shape("lambda", "at least one variance", "none").named("EmptyInput"));
    }
    match lambda.iter().position(|l| !(l.value() >= 0.0 && l.is_finite())) {
        None => Ok(()),
        Some(i) => Err(Error::domain(format!("lambda[{i}]"), "a finite variance from 0 on", lambda[i].value().to_string()).named("NotPsd")),
    }
}

/// [`gaussian_rate_distortion`] of a covariance, and its gradient `½ V diag(1/max(λ, θ)) Vᵀ` (0 where ε² covers the whole variance).
pub fn gaussian_rate_distortion_of<S: Scalar>(covariance: &Matrix<S>, distortion: Distortion<S>) -> Result<(S, Matrix<S>)> {
    let eigen = Eigen::new(covariance)?;
    // Rounding may leave a variance of 0 slightly below it.
    let unit = S::UNIT_ROUNDOFF * 64.0 * eigen.values.len() as f64 * eigen.values.first().map_or(0.0, |l| l.value().abs());
    let lambda: Vec<S> = eigen.values.iter().map(|&l| if l.value() < 0.0 && l.value() >= -unit { S::ZERO } else { l }).collect();
    let filling = gaussian_rate_distortion(&lambda, distortion)?;
    let (slopes, _) = filling.vjp(&lambda, S::ONE, S::ZERO);
    Ok((filling.rate, eigen.compose(&slopes)?))
}

/// `CR_ε = ½ Σ log(1 + dλ_i/ε²)`, the coding rate of a Gaussian with these variances: the information that noise of variance ε²/d in each coordinate leaves, never below `R(ε²)` and never more than `(d/2) log 2` above.
pub fn gaussian_coding_rate<S: Scalar>(lambda: &[S], distortion: Distortion<S>) -> Result<S> {
    let eps2 = distortion.squared()?;
    check(lambda)?;
    let scale = S::from_usize(lambda.len()) / eps2;
    let logs: Vec<S> = lambda.iter().map(|&l| (l * scale).log1p()).collect();
    Ok(S::sum(&logs) * S::from_f64(0.5))
}

/// `Σ λ_iθ₀/(λ_i + θ₀)`, `θ₀ = ε²/d`: the error that the noise of the coding rate leaves after a Wiener decoder, at most `min(ε², Σλ)`.
pub fn wiener_distortion<S: Scalar>(lambda: &[S], distortion: Distortion<S>) -> Result<S> {
    let noise = distortion.squared()? / S::from_usize(lambda.len().max(1));
    check(lambda)?;
    let terms: Vec<S> = lambda.iter().map(|&l| l * noise / (l + noise)).collect();
    Ok(S::sum(&terms))
}

/// `h − (d/2) log(2πeε²/d)`: no source with differential entropy h in R^d has a smaller rate (Shannon 1959); Gaussians with ε² ≤ dλ_min attain it.
pub fn shannon_lower_bound<S: Scalar>(entropy: S, d: usize, distortion: Distortion<S>) -> Result<S> {
    let (d, eps2) = (S::from_usize(d), distortion.squared()?);
    Ok(entropy - d * S::from_f64(0.5) * (S::ONE + (S::from_f64(2.0) * S::pi() * eps2 / d).ln()))
}
