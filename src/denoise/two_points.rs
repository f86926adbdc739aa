//! Two points on a line: the smallest denoiser, the hyperbolic tangent.

use super::Noise;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// What is known of `x = ±a` at `x_t`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoPoints<S> {
    /// `x̄ = a tanh(αa x_t/σ² + ½ log(π₊/π₋))`.
    pub denoised: S,
    /// `x̄′ = (αa²/σ²) sech²`.
    pub slope: S,
    /// `Cov(x | x_t) = a² sech²`.
    pub covariance: S,
    /// `log p_t`.
    pub log_density: S,
    /// `(log p_t)′`.
    pub score: S,
}

/// The denoiser of a source that is `a` with probability `plus` and `−a` else. In R^d the points `±a e` with a unit vector e have the same answers for `⟨x_t, e⟩`.
///
/// `log p_t = −(x² + α²a²)/(2σ²) − ½ log 2πσ² + log(π₊e^z + π₋e^{−z})`, `z = αa x_t/σ²`. With equal weights it is odd, and 0 at 0 for every noise. Errors: `Domain` for `a ≤ 0`, `plus` outside (0, 1),
/// σ = 0; `NotFinite`.
pub fn two_points<S: Scalar>(a: S, plus: S, noise: Noise<S>, x: S) -> Result<TwoPoints<S>> {
    let noise = Noise::new(noise.alpha, noise.sigma)?.positive()?;
    if !(a.value() > 0.0 && a.is_finite()) {
        return Err(Error::domain("a", "a finite number above 0", a.value().to_string()).named("InvalidParameter"));
    }
    if !(plus.value() > 0.0 && plus.value() < 1.0) {
        return Err(Error::domain("plus", "a probability between 0 and 1", plus.value().to_string()).named("NegativeWeight"));
    }
    if !x.is_finite() {
        return Err(Error::not_finite("x", "a finite number", x.value().to_string()).named("NonFinite"));
    }
    let (two, s2) = (S::from_f64(2.0), noise.sigma.square());
    let minus = S::ONE - plus;
    let shift = noise.alpha * a;
    let tilt = shift * x / s2 + (plus / minus).ln() / two;
    // With e = e^{−2|tilt|}: 1 − tanh² = 4e/(1 + e)², which keeps its digits where tanh saturates.
    let e = (-(tilt.abs() * two)).exp();
    let sech2 = S::from_f64(4.0) * e / (S::ONE + e).square();
    let denoised = a * tilt.tanh();
    // log(π₊e^z + π₋e^{−z}) = log cosh(tilt) + log 2 + ½ log π₊π₋; |tilt| and the square are taken together where the tilt is large.
    let log_cosh = tilt.abs() + e.log1p() - two.ln();
    let log_mass = two.ln() + (plus * minus).ln() / two;
    let log_density = log_cosh + log_mass - (x.square() + shift.square()) / (two * s2) - (two * S::pi() * s2).ln() / two;
    Ok(TwoPoints {
        denoised,
        slope: shift * a / s2 * sech2,
        covariance: a.square() * sech2,
        log_density,
        score: (noise.alpha * denoised - x) / s2,
    })
}
