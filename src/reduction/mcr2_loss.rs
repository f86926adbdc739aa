//! The loss of the MCR² code, with its two weights.

use super::membership::Membership;
use super::rate_reduction::RateReduction;
use crate::coding::{Distortion, coding_rate, coding_rate_gradient};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// `loss = −g₂ R(Z; ε/√g₁) + R^c(Z | Π; ε)`, to be minimised.
///
/// `g₁` multiplies α in the first term only, `g₂` the term. With `g₁ = g₂ = 1` the loss is −ΔR, between −R and 0. With `g₁ g₂ = 1`, as in the self-supervised setting (20 and 0.05), small features feel the same expansion as in ΔR,
/// `g₂R(ε/√g₁) = ½α‖Z‖² + O(‖Z‖⁴)`, while large ones feel less; −loss may then be negative.
///
/// Source: Yu et al., NeurIPS 2020, §3.3 and appendix; official code `loss.py`, class `MaximalCodingRateReduction`, whose eps is ε².
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mcr2Loss<S> {
    /// ε.
    pub distortion: Distortion<S>,
    /// g₁ > 0.
    pub gam1: S,
    /// g₂.
    pub gam2: S,
    /// Added to every `n_k` in R^c (1e−8 in the code).
    pub guard: S,
}

/// The loss and its terms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mcr2Terms<S> {
    /// `R^c − g₂ · discriminative`.
    pub loss: S,
    /// `R(Z; ε/√g₁)`.
    pub discriminative: S,
    /// `R^c`.
    pub compressive: S,
}

/// The gradient of `Σ c · term`.
#[derive(Clone, Debug)]
pub struct Mcr2Gradient<S> {
    /// In the samples.
    pub z: Matrix<S>,
    /// In the weights Π, if they were asked for.
    pub pi: Option<Matrix<S>>,
    /// In ε².
    pub eps2: S,
    /// In g₁.
    pub gam1: S,
    /// In g₂.
    pub gam2: S,
}

impl<S: Scalar> Mcr2Loss<S> {
    /// `ε²/g₁`, under which the first term is a plain rate.
    fn narrowed(&self) -> Result<Distortion<S>> {
        match self.gam1.sign() {
            Some(Ordering::Greater) => Ok(Distortion::Eps2(self.distortion.squared()? / self.gam1)),
            _ => Err(Error::domain("gam1", "a number above 0", self.gam1.value().to_string())),
        }
    }
    /// The loss and its terms. Errors: those of the rates; `Domain` for `g₁ ≤ 0`.
    pub fn terms(&self, z: &Matrix<S>, membership: &Membership<S>) -> Result<Mcr2Terms<S>> {
        let discriminative = coding_rate(z, self.narrowed()?)?;
        let compressive = RateReduction::guarded(self.distortion, self.guard).conditional(z, membership)?;
        Ok(Mcr2Terms { loss: compressive - self.gam2 * discriminative, discriminative, compressive })
    }
    /// The gradient of `c.loss · loss + c.discriminative · R + c.compressive · R^c`; that of R in ε² and in `g₁` through `ε²/g₁`.
    pub fn vjp(&self, z: &Matrix<S>, membership: &Membership<S>, c: &Mcr2Terms<S>, with_pi: bool) -> Result<Mcr2Gradient<S>> {
        let rates = RateReduction::guarded(self.distortion, self.guard);
        let (expand, compress) = (coding_rate_gradient(z, self.narrowed()?)?, rates.conditional_gradient(z, membership)?);
        let (a, b) = (c.discriminative - c.loss * self.gam2, c.compressive + c.loss);
        let through = expand.eps2 / self.gam1;
        Ok(Mcr2Gradient {
            z: expand.z.zip(&compress.z, |x, y| a * x + b * y)?,
            pi: if with_pi { Some(rates.membership_gradient(z, membership)?.scale(b)) } else { None },
            eps2: a * through + b * compress.eps2,
            gam1: -(a * through * self.distortion.squared()? / self.gam1),
            gam2: -(c.loss * coding_rate(z, self.narrowed()?)?),
        })
    }
}
