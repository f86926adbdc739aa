//! Noise levels, and the schedules along which they change.

use crate::scalar::Scalar;
use crate::{Error, Result};

/// `x_t = α x + σ g`, `g` standard Gaussian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise<S> {
    /// What is left of the signal, from 0 on.
    pub alpha: S,
    /// The standard deviation of the noise in each coordinate, from 0 on.
    pub sigma: S,
}

impl<S: Scalar> Noise<S> {
    /// Errors: `NotFinite`; `Domain` (`InvalidScale`) for α < 0, (`InvalidNoiseLevel`) for σ < 0 or for α = σ = 0.
    pub fn new(alpha: S, sigma: S) -> Result<Self> {
        if !alpha.is_finite() || !sigma.is_finite() {
            let found = format!("{} and {}", alpha.value(), sigma.value());
            return Err(Error::not_finite("alpha and sigma", "finite numbers", found).named("NonFinite"));
        }
        if alpha.value() < 0.0 {
            return Err(Error::domain("alpha", "a number from 0 on", alpha.value().to_string()).named("InvalidScale"));
        }
        if sigma.value() < 0.0 || (sigma.value() == 0.0 && alpha.value() == 0.0) {
            let found = format!("{} with alpha = {}", sigma.value(), alpha.value());
            return Err(Error::domain("sigma", "a number from 0 on, above 0 where alpha is 0", found).named("InvalidNoiseLevel"));
        }
        Ok(Noise { alpha, sigma })
    }
    /// Noise without shrinking: α = 1.
    pub fn exploding(sigma: S) -> Result<Self> {
        Noise::new(S::ONE, sigma)
    }
    /// This noise and then another: `x ↦ α₂(α₁ x + σ₁ g₁) + σ₂ g₂`, which in law is `(α₂α₁, √(α₂²σ₁² + σ₂²))`.
    pub fn then(self, later: Noise<S>) -> Noise<S> {
        let sigma = ((later.alpha * self.sigma).square() + later.sigma.square()).sqrt();
        Noise { alpha: later.alpha * self.alpha, sigma }
    }
    /// α²/σ², the signal-to-noise ratio of a source of unit variance.
    pub fn snr(self) -> S {
        (self.alpha / self.sigma).square()
    }
    /// Errors: `Domain` (`InvalidNoiseLevel`) for σ = 0, where there is no density, no score, nothing to denoise.
    pub(super) fn positive(self) -> Result<Self> {
        if self.sigma.value() > 0.0 {
            Ok(self)
        } else {
            Err(Error::domain("sigma", "a number above 0", self.sigma.value().to_string()).named("InvalidNoiseLevel"))
        }
    }
    /// Errors: `Domain` (`InvalidScale`) for α = 0, where `x_t` says nothing of `x`.
    pub(super) fn informative(self) -> Result<Self> {
        if self.alpha.value() > 0.0 {
            Ok(self)
        } else {
            Err(Error::domain("alpha", "a number above 0", self.alpha.value().to_string()).named("InvalidScale"))
        }
    }
}

/// How α and σ depend on time.
///
/// | schedule | α | σ | time |
/// |---|---|---|---|
/// | `Exploding` | 1 | t | from 0 |
/// | `Preserving` | √(1 − t²) | t | 0 to 1 |
/// | `Angle` | cos t | sin t | 0 to π/2; the same curve |
/// | `Flow` | 1 − t | t | 0 to 1; α² + σ² is not 1 |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// The variance grows without bound.
    Exploding,
    /// The variance of a source of unit variance stays 1.
    Preserving,
    /// The same, by its angle.
    Angle,
    /// The straight line from data to noise (flow matching).
    Flow,
}

impl Schedule {
    /// The noise level at time t. Errors: `Domain` (`InvalidNoiseLevel`) for a time outside the schedule's range.
    pub fn at<S: Scalar>(self, t: S) -> Result<Noise<S>> {
        self.check(t)?;
        let one = S::ONE;
        match self {
            Schedule::Exploding => Noise::new(one, t),
            // √(1 − t²) without the cancellation near t = 1.
            Schedule::Preserving => Noise::new(((one - t) * (one + t)).sqrt(), t),
            Schedule::Angle => {
                // cos(π/2) as a float is not 0, but it is not below either.
                Noise::new(t.cos(), t.sin())
            }
            Schedule::Flow => Noise::new(one - t, t),
        }
    }
    /// `(α′, σ′)`, the derivatives in time. Errors: as [`Schedule::at`]; not finite for `Preserving` at t = 1, where the slope of α is infinite.
    pub fn rates<S: Scalar>(self, t: S) -> Result<(S, S)> {
        self.check(t)?;
        Ok(match self {
            Schedule::Exploding => (S::ZERO, S::ONE),
            Schedule::Preserving => (-t / ((S::ONE - t) * (S::ONE + t)).sqrt(), S::ONE),
            Schedule::Angle => (-t.sin(), t.cos()),
            Schedule::Flow => (-S::ONE, S::ONE),
        })
    }
    fn check<S: Scalar>(self, t: S) -> Result<()> {
        let end = match self {
            Schedule::Exploding => f64::MAX,
            Schedule::Angle => std::f64::consts::FRAC_PI_2,
            _ => 1.0,
        };
        if t.value() >= 0.0 && t.value() <= end {
            return Ok(());
        }
        Err(Error::domain("t", format!("a time from 0 to {end}"), t.value().to_string()).named("InvalidNoiseLevel"))
    }
}
