//! Unitarily invariant norms: functions of the singular values.
//!
//! `‖A‖₂ ≤ ‖A‖_F ≤ ‖A‖_* ≤ √rank ‖A‖_F`; `|⟨A, B⟩| ≤ ‖A‖_* ‖B‖₂`; `‖CD‖_* ≤ ½(‖C‖_F² + ‖D‖_F²)`. The best approximation of rank k, in each of these norms, is the truncated
//! SVD (Eckart & Young, Psychometrika 1, 1936; Mirsky, Q. J. Math. 11, 1960).

use super::matrix::Matrix;
use super::scaling::{normalised, power};
use super::singular::{singular_sum, singular_sum_gradient};
use super::spectral::SpectralFunction;
use super::svd::{Svd, enclose_singular_values};
use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};
use std::cmp::Ordering;

/// `‖A‖_F = √Σ a_ij²`, free of overflow and underflow. Errors: `NotFinite`.
pub fn frobenius_norm<S: Scalar>(a: &Matrix<S>) -> Result<S> {
    a.check_finite("matrix")?;
    let (scaled, e) = normalised(a);
    let squared = scaled.frobenius_squared();
    // At 0 there is a kink: the value 0 with derivative 0.
    Ok(if squared.sign() == Some(Ordering::Equal) { S::ZERO } else { squared.sqrt() * power(e) })
}

/// The gradient of [`frobenius_norm`], `A/‖A‖_F`; 0 at 0.
pub fn frobenius_norm_gradient<S: Scalar>(a: &Matrix<S>) -> Result<Matrix<S>> {
    let norm = frobenius_norm(a)?;
    Ok(if norm.sign() == Some(Ordering::Equal) { a.scale(S::ZERO) } else { a.map(|x| x / norm) })
}

/// `‖A‖₂ = σ₁`; 0 for an empty matrix. Where `σ₁ = σ₂`, a dual number takes the derivative of the first, as [`Scalar::max`] does. Errors: those of [`Svd::new`].
pub fn spectral_norm<S: Scalar>(a: &Matrix<S>) -> Result<S> {
    Ok(Svd::new(a)?.sigma.first().copied().unwrap_or(S::ZERO))
}

/// The gradient of [`spectral_norm`], `u₁v₁ᵀ`. Errors: `Domain` (`SpectralGapTooSmall`) unless `σ₁ > σ₂` by more than `max(m, n) u σ₁`; `Shape` for an empty matrix.
pub fn spectral_norm_gradient<S: Scalar>(a: &Matrix<S>) -> Result<Matrix<S>> {
    let svd = Svd::new(a)?;
    match svd.sigma.len() {
        0 => Err(Error::shape("matrix", "at least one element", format!("{a:?}")).named("EmptyInput")),
        k if k > 1 && svd.tied(0, 1) || svd.rank() == 0 => {
            Err(Error::domain("singular values 0 and 1", "a gap above rounding", format!("a largest one of {:e}", svd.sigma[0].value()))
                .named("SpectralGapTooSmall"))
        }
        _ => svd.u.select_cols(0, 1)?.matmul_t(&svd.v.select_cols(0, 1)?),
    }
}

/// `‖A‖_* = Σσ_i`, the largest `⟨A, Y⟩` over `‖Y‖₂ ≤ 1`. Errors: those of [`Svd::new`].
pub fn nuclear_norm<S: Scalar>(a: &Matrix<S>) -> Result<S> {
    schatten_norm(a, 1.0)
}

/// A gradient of [`nuclear_norm`]: `U Vᵀ` over the σ that can be told from 0. At full rank it is the gradient, the polar factor; else the subgradient of least
/// norm, of all `UVᵀ + Y` with `UᵀY = 0`, `YV = 0`, `‖Y‖₂ ≤ 1`.
pub fn nuclear_norm_gradient<S: Scalar>(a: &Matrix<S>) -> Result<Matrix<S>> {
    singular_sum_gradient(a, &Power { p: 1.0, unit: 1.0 })
}

/// `‖A‖_{S_p} = (Σσ_i^p)^{1/p}` for `1 ≤ p ≤ ∞`: nuclear, Frobenius and spectral norm at 1, 2, ∞. Errors: `Domain` (`InvalidParameter`) unless `p ≥ 1`; those of [`Svd::new`].
pub fn schatten_norm<S: Scalar>(a: &Matrix<S>, p: f64) -> Result<S> {
    check_exponent(p)?;
    if p == f64::INFINITY {
        return spectral_norm(a);
    }
    if p == 2.0 {
        return frobenius_norm(a);
    }
    let unit = largest(a)?;
    if unit == 0.0 {
        return Ok(S::ZERO);
    }
    // In units of the largest σ, so that no power over- or underflows where the norm does not.
    let sum = singular_sum(a, &Power { p, unit })?;
    Ok(if p == 1.0 { sum } else { (sum.ln() / S::from_f64(p)).exp() } * S::from_f64(unit))
}

/// A gradient of [`schatten_norm`]: `U diag((σ_i/‖A‖_{S_p})^{p−1}) Vᵀ`; for p = 1 that of [`nuclear_norm_gradient`], for p = ∞ of [`spectral_norm_gradient`]; 0 at 0.
pub fn schatten_norm_gradient<S: Scalar>(a: &Matrix<S>, p: f64) -> Result<Matrix<S>> {
    check_exponent(p)?;
    if p == f64::INFINITY {
        return spectral_norm_gradient(a);
    }
    if p == 1.0 {
        return nuclear_norm_gradient(a);
    }
    if p == 2.0 {
        return frobenius_norm_gradient(a);
    }
    let unit = largest(a)?;
    if unit == 0.0 {
        return Ok(a.scale(S::ZERO));
    }
    let norm = schatten_norm(a, p)? / S::from_f64(unit);
    // f′(σ) = p (σ/unit)^{p−1}/unit, of which (σ/‖A‖)^{p−1} is a multiple.
    let factor = S::from_f64(unit) / (S::from_f64(p) * ((norm.ln()) * S::from_f64(p - 1.0)).exp());
    Ok(singular_sum_gradient(a, &Power { p, unit })?.scale(factor))
}

fn check_exponent(p: f64) -> Result<()> {
    match p >= 1.0 {
        true => Ok(()),
        false => Err(Error::domain("p", "a number from 1 to infinity", p.to_string()).named("InvalidParameter")),
    }
}
/// About σ₁, as a constant. For a ball whose σ₁ may be 0, any positive number of its size.
fn largest<S: Scalar>(a: &Matrix<S>) -> Result<f64> {
    match S::NAME == Ball::NAME {
        true => Ok(enclose_singular_values(&a.cast())?.first().map_or(0.0, |s| s.upper())),
        false => Ok(spectral_norm(a)?.value()),
    }
}

/// `(x/unit)^p` on `x ≥ 0`, for `p ≥ 1`.
struct Power {
    p: f64,
    unit: f64,
}
impl Power {
    /// `x^q` for `x ≥ 0`: by multiplication for small whole q, else `e^{q ln x}`. A ball that reaches 0 gives all from 0 to the power of its upper end,
    /// or the whole line for negative q.
    fn power<S: Scalar>(x: S, q: f64) -> S {
        if q == q.trunc() && q.abs() <= 64.0 {
            return x.powi(q as i32);
        }
        match x.sign() {
            Some(Ordering::Equal) => {
                if q > 0.0 {
                    S::ZERO
                } else {
                    S::ONE / S::ZERO
                }
            }
            None if q < 0.0 => S::ONE / S::ZERO,
            None => {
                let end = Self::power(Ball::exact(x.to_ball().upper()), q) * Ball::exact(0.5);
                S::from_ball(end.hull(-end) + end)
            }
            Some(_) => (x.ln() * S::from_f64(q)).exp(),
        }
    }
}
impl SpectralFunction for Power {
    const NAME: &'static str = "power";
    fn value<S: Scalar>(&self, x: S) -> S {
        Self::power(x / S::from_f64(self.unit), self.p)
    }
    fn slope<S: Scalar>(&self, x: S) -> S {
        let unit = S::from_f64(self.unit);
        Self::power(x / unit, self.p - 1.0) * S::from_f64(self.p) / unit
    }
    fn curvature<S: Scalar>(&self, x: S) -> S {
        if self.p == 1.0 {
            return S::ZERO;
        }
        let unit = S::from_f64(self.unit);
        Self::power(x / unit, self.p - 2.0) * S::from_f64(self.p) * S::from_f64(self.p - 1.0) / unit.square()
    }
}
