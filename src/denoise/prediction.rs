//! The five things a denoising network may be asked to predict, and the way from each to each.

use super::noise::{Noise, Schedule};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// What is predicted from `x_t = αx + σg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// x.
    Clean,
    /// g.
    Noise,
    /// The score `(αx − x_t)/σ² = −g/σ`, in the mean `∇ log p_t`.
    Score,
    /// `v = αg − σx` (Salimans and Ho, ICLR 2022): the velocity in the angle of the schedule `Angle`.
    V,
    /// `u = α′x + σ′g`, the velocity in time; `g − x` for `Flow`.
    Velocity,
}

impl Target {
    /// All five.
    pub const ALL: [Target; 5] = [Target::Clean, Target::Noise, Target::Score, Target::V, Target::Velocity];
}

/// A time of a schedule, where predictions can be turned into each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment<S> {
    /// α and σ.
    pub noise: Noise<S>,
    /// α′ and σ′.
    pub rates: (S, S),
}

impl<S: Scalar> Moment<S> {
    /// At time t. Errors: those of [`Schedule::at`].
    pub fn new(schedule: Schedule, t: S) -> Result<Self> {
        Ok(Moment { noise: schedule.at(t)?, rates: schedule.rates(t)? })
    }
    /// `ασ′ − σα′`: how fast the ratio σ/α changes, times α².
    fn turn(&self) -> S {
        self.noise.alpha * self.rates.1 - self.noise.sigma * self.rates.0
    }
    /// The clean prediction behind another, number by number.
    ///
    /// From the noise `(x_t − σε)/α`, the score `(x_t + σ²s)/α`, v `(αx_t − σv)/(α² + σ²)`, the velocity `(σ′x_t − σu)/(ασ′ − σα′)`. Errors: `Shape`; `Domain` (`InvalidScale`) from noise or score at α = 0.
    pub fn to_clean(&self, from: Target, prediction: &[S], x_t: &[S]) -> Result<Vec<S>> {
        let Noise { alpha, sigma } = self.noise;
        let (x, scale, by) = match from {
            Target::Clean => (S::ZERO, S::ONE, S::ONE),
            Target::Noise => (S::ONE, -sigma, self.noise.informative()?.alpha),
            Target::Score => (S::ONE, sigma.square(), self.noise.informative()?.alpha),
            Target::V => (alpha, -sigma, alpha.square() + sigma.square()),
            Target::Velocity => (self.rates.1, -sigma, self.moving()?),
        };
        self.combine(prediction, x_t, scale / by, x / by)
    }
    /// Another prediction of the clean one, number by number.
    ///
    /// Noise `(x_t − αx̂)/σ`, score `(αx̂ − x_t)/σ²`, v `(αx_t − (α² + σ²)x̂)/σ`, velocity `(σ′x_t − (ασ′ − σα′)x̂)/σ`. Errors: `Shape`; `Domain` (`InvalidNoiseLevel`) at σ = 0 for all but the clean one.
    pub fn from_clean(&self, to: Target, clean: &[S], x_t: &[S]) -> Result<Vec<S>> {
        if to == Target::Clean {
            return self.combine(clean, x_t, S::ONE, S::ZERO);
        }
        let Noise { alpha, sigma } = self.noise.positive()?;
        let (scale, x, by) = match to {
            Target::Clean => (S::ONE, S::ZERO, S::ONE),
            Target::Noise => (-alpha, S::ONE, sigma),
            Target::Score => (alpha, -S::ONE, sigma.square()),
            Target::V => (-(alpha.square() + sigma.square()), alpha, sigma),
            Target::Velocity => (-self.turn(), self.rates.1, sigma),
        };
        self.combine(clean, x_t, scale / by, x / by)
    }
    /// The factor f with `‖target − prediction‖² = f ‖x − x̂‖²`: 1, `(α/σ)²`, `α²/σ⁴`, `((α² + σ²)/σ)²`, `((ασ′ − σα′)/σ)²`.
    pub fn loss_factor(&self, target: Target) -> Result<S> {
        if target == Target::Clean {
            return Ok(S::ONE);
        }
        let Noise { alpha, sigma } = self.noise.positive()?;
        Ok(match target {
            Target::Clean => S::ONE,
            Target::Noise => alpha / sigma,
            Target::Score => alpha / sigma.square(),
            Target::V => (alpha.square() + sigma.square()) / sigma,
            Target::Velocity => self.turn() / sigma,
        }
        .square())
    }
    fn moving(&self) -> Result<S> {
        let turn = self.turn();
        if turn.value() > 0.0 {
            Ok(turn)
        } else {
            Err(Error::domain("schedule", "a ratio σ/α that grows", turn.value().to_string()).named("InvalidScale"))
        }
    }
    fn combine(&self, y: &[S], x_t: &[S], scale: S, x: S) -> Result<Vec<S>> {
        if y.len() != x_t.len() {
            return Err(
                Error::shape("prediction", format!("{} numbers, as many as x_t", x_t.len()), y.len().to_string()).named("ShapeMismatch")
            );
        }
        Ok(y.iter().zip(x_t).map(|(&y, &x_t)| scale * y + x * x_t).collect())
    }
}
