//! Sampling by denoising, step by step: DDIM, the ancestral sampler and all between; what they do to a Gaussian, exactly; the adjoint.

use super::mixture::GaussianMixture;
use super::noise::{Noise, Schedule};
use super::sphere::Sphere;
use crate::linalg::Matrix;
use crate::random::Rng;
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// A map from noised rows to `E[x | x_t]`, exact or learned.
pub trait Denoiser<S> {
    /// The denoised rows.
    fn denoise(&self, noise: Noise<S>, x: &Matrix<S>) -> Result<Matrix<S>>;
    /// `Dx̄ v` of each row; the exact Jacobian is symmetric. Errors: `Unsupported` where there is none.
    fn pull(&self, noise: Noise<S>, x: &Matrix<S>, v: &Matrix<S>) -> Result<Matrix<S>> {
        let _ = (noise, x, v);
        Err(Error::unsupported("denoiser", "one with a Jacobian", "one without"))
    }
}

impl<S: Scalar> Denoiser<S> for GaussianMixture<S> {
    fn denoise(&self, noise: Noise<S>, x: &Matrix<S>) -> Result<Matrix<S>> {
        Ok(self.at(noise)?.evaluate(x)?.denoised)
    }
    fn pull(&self, noise: Noise<S>, x: &Matrix<S>, v: &Matrix<S>) -> Result<Matrix<S>> {
        let noised = self.at(noise)?;
        let jacobians = noised.denoiser_jacobian(&noised.evaluate(x)?)?;
        Ok(Matrix::from_fn(x.rows(), x.cols(), |i, j| S::dot(jacobians[i].row(j), v.row(i))))
    }
}
impl<S: Scalar> Denoiser<S> for Sphere<S> {
    fn denoise(&self, noise: Noise<S>, x: &Matrix<S>) -> Result<Matrix<S>> {
        Ok(Sphere::denoise(self, noise, x)?.denoised)
    }
    fn pull(&self, noise: Noise<S>, x: &Matrix<S>, v: &Matrix<S>) -> Result<Matrix<S>> {
        let y = Sphere::denoise(self, noise, x)?;
        Ok(self.denoise_vjp(noise, x, &y, v, &vec![S::ZERO; x.rows()])?.x)
    }
}

/// How times are spread, from `t_0` (least noise) to `t_L` (most).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spacing {
    /// `t_ℓ = Tℓ/L`.
    Uniform,
    /// `t_ℓ ∝ e^{cℓ/L} − 1`: finer where the noise is small. c > 0.
    Exponential(f64),
    /// `t_ℓ = t_min (T/t_min)^{ℓ/L}`.
    Geometric(f64),
    /// Equal angles: `t_ℓ = tan(φℓ/L)` with `tan φ = T` for `Exploding`, `sin(φℓ/L)` for `Preserving`, `φℓ/L` for `Angle`. The best for a Gaussian of unit variance.
    Angle,
}

/// `L + 1` noise levels of a schedule up to time T, least noise first. Errors: `Shape` (`EmptyInput`) for L = 0; `Domain` (`NonMonotoneSchedule`) for a T outside the schedule or a bad spacing.
pub fn levels(schedule: Schedule, spacing: Spacing, steps: usize, end: f64) -> Result<Vec<Noise<f64>>> {
    let wrong =
        |found: String| Error::domain("spacing", "times that increase strictly, within the schedule", found).named("NonMonotoneSchedule");
    if steps == 0 {
        return Err(Error::shape("steps", "at least one", "0").named("EmptyInput"));
    }
    let last = if schedule == Schedule::Angle { std::f64::consts::FRAC_PI_2 } else { 1.0 };
    if !(end > 0.0 && end.is_finite() && (schedule == Schedule::Exploding || end <= last)) {
        return Err(wrong(format!("an end of {end}")));
    }
    let angle = |t: f64| match schedule {
        // asin and atan by their integrals' inverses: a few Newton steps from a rough start.
        Schedule::Exploding => newton(t, |p: f64| (Scalar::sin(p) - t * Scalar::cos(p), Scalar::cos(p) + t * Scalar::sin(p))),
        Schedule::Preserving if t == 1.0 => std::f64::consts::FRAC_PI_2,
        Schedule::Preserving => newton(t / ((1.0 - t) * (1.0 + t)).sqrt(), |p: f64| (Scalar::sin(p) - t, Scalar::cos(p))),
        _ => t,
    };
    let at = |l: usize| -> Result<f64> {
        let share = l as f64 / steps as f64;
        Ok(match spacing {
            _ if l == steps && !matches!((spacing, schedule), (Spacing::Angle, Schedule::Flow)) => end,
            Spacing::Uniform => end * share,
            Spacing::Exponential(c) if c > 0.0 && c < 700.0 => end * Scalar::expm1(c * share) / Scalar::expm1(c),
            Spacing::Geometric(least) if least > 0.0 && least < end => least * Scalar::exp(share * Scalar::ln(end / least)),
            Spacing::Angle if schedule != Schedule::Flow => {
                let p = angle(end) * share;
                match schedule {
                    Schedule::Exploding => Scalar::sin(p) / Scalar::cos(p),
                    Schedule::Preserving => Scalar::sin(p),
                    _ => p,
                }
            }
            other => return Err(wrong(format!("{other:?} with {schedule:?}"))),
        })
    };
    let mut out = Vec::with_capacity(steps + 1);
    for l in 0..=steps {
        out.push(schedule.at(at(l)?)?);
    }
    check(&out)?;
    Ok(out)
}
/// A root of a smooth function from a start at the right order, for angles in [0, π/2).
fn newton(start: f64, f: impl Fn(f64) -> (f64, f64)) -> f64 {
    let mut p = if start > 1.5 { 1.5 } else { start };
    for _ in 0..60 {
        let (value, slope) = f(p);
        let next = p - value / slope;
        if next == p || !next.is_finite() {
            break;
        }
        p = if next < 0.0 {
            0.5 * p
        } else if next > std::f64::consts::FRAC_PI_2 {
            0.5 * (p + std::f64::consts::FRAC_PI_2)
        } else {
            next
        };
    }
    p
}

/// Errors: `Shape` (`EmptyInput`) below two levels; `Domain` (`NonMonotoneSchedule`) unless σ/α increases strictly and every level but the first has noise.
fn check<S: Scalar>(levels: &[Noise<S>]) -> Result<()> {
    if levels.len() < 2 {
        return Err(Error::shape("levels", "at least two", levels.len().to_string()).named("EmptyInput"));
    }
    for (l, pair) in levels.windows(2).enumerate() {
        let turn = pair[0].alpha * pair[1].sigma - pair[0].sigma * pair[1].alpha;
        if turn.sign() != Some(Ordering::Greater) || !(pair[1].sigma.value() > 0.0) {
            let found = format!("σ = {} and {} at {l} and {}", pair[0].sigma.value(), pair[1].sigma.value(), l + 1);
            return Err(Error::domain("levels", "a strictly increasing ratio σ/α", found).named("NonMonotoneSchedule"));
        }
    }
    Ok(())
}

/// `(σ_s/σ_t, α_s − σ_sα_t/σ_t)`: the step is `x_s = keep·x_t + gain·x̄`.
fn coefficients<S: Scalar>(to: Noise<S>, from: Noise<S>) -> (S, S) {
    let keep = to.sigma / from.sigma;
    (keep, to.alpha - keep * from.alpha)
}

/// One deterministic step `x_s = (σ_s/σ_t)x_t + (α_s − σ_sα_t/σ_t)x̄`, the mean of `x_s` given `x_t` if both have the same g; Euler's step of the probability flow in `ν = σ/α` for `x/α`.
pub fn ddim_step<S: Scalar>(denoiser: &impl Denoiser<S>, from: Noise<S>, to: Noise<S>, x: &Matrix<S>) -> Result<Matrix<S>> {
    let (keep, gain) = coefficients(to, from.positive()?);
    x.scale(keep).add(&denoiser.denoise(from, x)?.scale(gain))
}

/// All states of the deterministic sampler from `x_L` (most noise) down, the start included: `out[ℓ]` is at `levels[ℓ]`. With `σ_0 = 0`, `α_0 = 1` the result is the denoised `x_1` exactly.
///
/// Source: Song, Meng and Ermon, *Denoising Diffusion Implicit Models*, ICLR 2021, equation 12 with σ = 0.
pub fn ddim<S: Scalar>(denoiser: &impl Denoiser<S>, levels: &[Noise<S>], start: &Matrix<S>) -> Result<Vec<Matrix<S>>> {
    check(levels)?;
    let mut states = vec![start.clone()];
    for l in (1..levels.len()).rev() {
        let next = ddim_step(denoiser, levels[l], levels[l - 1], &states[states.len() - 1])?;
        states.push(next);
    }
    states.reverse();
    Ok(states)
}

/// The gradient of a loss on `out[0]` of [`ddim`] with respect to the start, from its gradient on `out[0]`: `g_ℓ = keep·g_{ℓ−1} + gain·Dx̄ g_{ℓ−1}`, since Dx̄ is symmetric.
pub fn ddim_adjoint<S: Scalar>(
    denoiser: &impl Denoiser<S>,
    levels: &[Noise<S>],
    states: &[Matrix<S>],
    gradient: &Matrix<S>,
) -> Result<Matrix<S>> {
    check(levels)?;
    if states.len() != levels.len() || states.iter().any(|s| s.shape() != gradient.shape()) {
        return Err(Error::shape("states", format!("{} states of the shape of the gradient", levels.len()), states.len().to_string()));
    }
    let mut g = gradient.clone();
    for l in 1..levels.len() {
        let (keep, gain) = coefficients(levels[l - 1], levels[l]);
        g = g.scale(keep).add(&denoiser.pull(levels[l], &states[l], &g)?.scale(gain))?;
    }
    Ok(g)
}

/// `β̃² = (σ_s²/σ_t²)(σ_t² − (α_t/α_s)²σ_s²)`, the variance that the Markov process leaves open. Errors: `Domain` (`InvalidScale`) for α_s = 0, (`NonMonotoneSchedule`) where it would be negative.
fn open_variance<S: Scalar>(to: Noise<S>, from: Noise<S>) -> Result<S> {
    let ratio = from.alpha / to.informative()?.alpha;
    let left = from.sigma.square() - (ratio * to.sigma).square();
    if left.value() < 0.0 {
        return Err(Error::domain("levels", "a ratio σ/α that grows", left.value().to_string()).named("NonMonotoneSchedule"));
    }
    Ok((to.sigma / from.sigma).square() * left)
}

/// All states of the stochastic sampler: `x_s = α_s x̄ + √(σ_s² − η²β̃²) (x_t − α_tx̄)/σ_t + ηβ̃ z`. η = 0 is [`ddim`]; η = 1 is the ancestral sampler, whose law of `x_s` given x is the exact one. No noise is added on a last step to σ = 0.
///
/// Errors: those of [`ddim`]; `Domain` (`InvalidParameter`) for η outside [0, 1]. Source: Song, Meng and Ermon, ICLR 2021, equations 12 and 16; Ho, Jain and Abbeel, NeurIPS 2020, for η = 1.
pub fn stochastic(
    denoiser: &impl Denoiser<f64>,
    levels: &[Noise<f64>],
    start: &Matrix<f64>,
    eta: f64,
    rng: &mut Rng,
) -> Result<Vec<Matrix<f64>>> {
    check(levels)?;
    if !(0.0..=1.0).contains(&eta) {
        return Err(Error::domain("eta", "a number from 0 to 1", eta.to_string()).named("InvalidParameter"));
    }
    let mut states = vec![start.clone()];
    for l in (1..levels.len()).rev() {
        let (from, to, x) = (levels[l], levels[l - 1], &states[states.len() - 1]);
        let fresh = eta * eta * open_variance(to, from)?;
        let (mean, direction, noise) = (denoiser.denoise(from, x)?, (to.sigma * to.sigma - fresh).sqrt() / from.sigma, fresh.sqrt());
        let next = x.zip(&mean, |x, m| to.alpha * m + direction * (x - from.alpha * m))?;
        states.push(if noise > 0.0 { next.map(|x| noise.mul_add(rng.gaussian(), x)) } else { next });
    }
    states.reverse();
    Ok(states)
}

/// The factor of a step on a centred Gaussian direction of variance λ: `(α_sα_tλ + σ_sσ_t)/(α_t²λ + σ_t²) = √(c_s/c_t) cos(θ_t − θ_s)`, `c = α²λ + σ²`, θ the angle of `(α√λ, σ)`. The exact flow has `√(c_s/c_t)`: DDIM
/// loses the cosine.
pub fn ddim_multiplier<S: Scalar>(lambda: S, from: Noise<S>, to: Noise<S>) -> S {
    (to.alpha * from.alpha * lambda + to.sigma * from.sigma) / (from.alpha.square() * lambda + from.sigma.square())
}
/// The factor of the exact probability flow, `√(c_s/c_t)`.
pub fn flow_multiplier<S: Scalar>(lambda: S, from: Noise<S>, to: Noise<S>) -> S {
    let c = |n: Noise<S>| n.alpha.square() * lambda + n.sigma.square();
    (c(to) / c(from)).sqrt()
}
/// The standard deviation that the sampler ends with along a Gaussian direction of variance λ, from a start of deviation `start`: `v_s = m² v_t + η²β̃²`, `m = (α_sα_tλ + √(σ_s² − η²β̃²) σ_t)/c_t`. From the exact start `√c_L`
/// and η = 0: `√c_0 Π cos(θ_ℓ − θ_{ℓ−1})`, too small by a share of order 1/L, least for equal angles.
pub fn sampled_deviation<S: Scalar>(lambda: S, levels: &[Noise<S>], eta: S, start: S) -> Result<S> {
    check(levels)?;
    let mut variance = start.square();
    for l in (1..levels.len()).rev() {
        let (from, to) = (levels[l], levels[l - 1]);
        let fresh = if eta == S::ZERO { S::ZERO } else { eta.square() * open_variance(to, from)? };
        let direction = if eta == S::ZERO { to.sigma } else { (to.sigma.square() - fresh).sqrt() };
        let m = (to.alpha * from.alpha * lambda + direction * from.sigma) / (from.alpha.square() * lambda + from.sigma.square());
        variance = m.square() * variance + fresh;
    }
    Ok(variance.sqrt())
}
