//! The scalar profile: what one direction of one class contributes.

use crate::scalar::{Ball, Scalar};
use crate::{Error, Result};
use std::cmp::Ordering;

/// `g_κ(u) = log(1 + u) − log(1 + κu)/κ` for a class with `κ = n/n_k > 1`: when the classes are orthogonal, a direction of class k with squared singular value s contributes
/// `½ g_κ(αs)` to ΔR.
///
/// `g(0) = 0`, increasing, convex up to `u = κ^{-½}` and concave after: it pays to gather the energy of a class in few directions until each has passed the tangent point. `g'(u) = g'(v)` only for `v = u` and
/// `κuv = 1`. Source: Yu, Chan, You, Song and Ma, NeurIPS 2020, appendix; Wang, Liu, Pai, Yu, Zhu, Qu and Ma, ICML 2024.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile<S> {
    kappa: S,
    /// κ − 1, which carries the digits when κ is near 1.
    excess: S,
}

/// Where the line from the origin touches the profile: the root `u > κ^{-½}` of `g(u) = u g'(u)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TangentPoint<S> {
    /// `u_tan`. `u_tan √κ` falls to 2.16258… as κ → 1 and grows like `√log κ`.
    pub u: S,
    /// `g'(u_tan) = g(u_tan)/u_tan`, the steepest gain per unit of energy: above `λ = α g'(u_tan)` a penalty `(λ/2)‖Z‖²` leaves nothing but 0.
    pub slope: S,
    /// `1/(κ u_tan²)`, below 0.2139: a class has full rank d_k at the optimum if `ε⁴ ≤ c γ_k d²/d_k²`. No constant serves all κ: c → 0 as κ → ∞.
    pub c: S,
}

impl<S: Scalar> Profile<S> {
    /// Errors: `Domain` unless κ > 1.
    pub fn new(kappa: S) -> Result<Self> {
        Self::from_parts(kappa, kappa - S::ONE)
    }
    /// The class of `own` samples among `all`. Errors: `Domain` unless `0 < own < all`.
    pub fn of_class(own: usize, all: usize) -> Result<Self> {
        if own == 0 || own >= all {
            return Err(Error::domain("class size", format!("a number from 1 to below {all}"), own.to_string()));
        }
        Self::from_parts(S::from_usize(all) / S::from_usize(own), S::from_usize(all - own) / S::from_usize(own))
    }
    fn from_parts(kappa: S, excess: S) -> Result<Self> {
        match excess.sign() {
            Some(Ordering::Greater) if kappa.is_finite() => Ok(Profile { kappa, excess }),
            None => Err(Error::undecided("kappa", "a number above 1", format!("{:?}", kappa.to_ball()))),
            _ => Err(Error::domain("kappa", "a finite number above 1", kappa.value().to_string())),
        }
    }
    /// κ.
    pub fn kappa(&self) -> S {
        self.kappa
    }
    /// `g(u)`, as `(δ log(1 + u) − log(1 + δu/(1 + u)))/κ` with `δ = κ − 1`: no difference of nearly equal numbers as κ → 1.
    pub fn value(&self, u: S) -> S {
        (self.excess * u.log1p() - (self.excess * u / (S::ONE + u)).log1p()) / self.kappa
    }
    /// `g'(u) = (κ − 1)u / ((1 + u)(1 + κu))`.
    pub fn slope(&self, u: S) -> S {
        self.excess * u / ((S::ONE + u) * (S::ONE + self.kappa * u))
    }
    /// `g''(u) = (κ − 1)(1 − κu²) / ((1 + u)(1 + κu))²`.
    pub fn curvature(&self, u: S) -> S {
        self.excess * (S::ONE - self.kappa * u.square()) / ((S::ONE + u) * (S::ONE + self.kappa * u)).square()
    }
    /// `∂g/∂κ = (log(1 + κu) − κu/(1 + κu))/κ²`.
    pub fn by_kappa(&self, u: S) -> S {
        let ku = self.kappa * u;
        (ku.log1p() - ku / (S::ONE + ku)) / self.kappa.square()
    }
    /// `λ_loc/α = (√κ − 1)/(√κ + 1)`, the greatest slope of g, at `u = κ^{-½}`: under a larger penalty the class has no local maximum but 0.
    pub fn greatest_slope(&self) -> S {
        let root = self.kappa.sqrt();
        self.excess / (root + S::ONE).square()
    }
    /// `f(u) = g(u) − u g'(u)`, of which the tangent point is the root.
    fn gap(&self, u: S) -> S {
        self.value(u) - u * self.slope(u)
    }
    /// Bisection in f64, then Newton's iteration in the number itself, `f'(u) = −u g''(u)`. In a ball the last step is an interval Newton step, which proves the root inside.
    /// Errors: `Undecided` if it does not.
    pub fn tangent_point(&self) -> Result<TangentPoint<S>> {
        let coarse = Profile { kappa: self.kappa.value(), excess: self.excess.value() };
        let mut low = 1.0 / coarse.kappa.sqrt();
        let mut high = 2.0 * low;
        while coarse.gap(high) < 0.0 && high.is_finite() {
            high *= 2.0;
        }
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if coarse.gap(middle) < 0.0 { low = middle } else { high = middle }
        }
        let mut u = S::from_f64(high);
        let newton = |u: S, x: S| u + self.gap(u) / (x * self.curvature(x));
        for _ in 0..6 {
            let next = newton(u, u);
            u = S::from_ball(Ball::new(next.to_ball().mid(), 0.0));
        }
        let reach = (newton(u, u) - u).to_ball().magnitude() * 2.0 + u.value().abs() * S::UNIT_ROUNDOFF;
        let around = S::from_ball(u.to_ball().widen(reach));
        let u = newton(u, around);
        if around.to_ball().rad() > 0.0 && !around.to_ball().contains_ball(&u.to_ball()) {
            return Err(Error::undecided("tangent point", "an enclosure that proves the root", format!("{:?}", u.to_ball())));
        }
        Ok(TangentPoint { u, slope: self.slope(u), c: S::ONE / (self.kappa * u.square()) })
    }
}

impl<S: Scalar> TangentPoint<S> {
    /// `du_tan/dκ = −(∂f/∂κ)/(∂f/∂u)` and from it the derivatives of slope and c, as `(u, slope, c)`.
    ///
    /// `∂f/∂u = −u g''`, `∂f/∂κ = ∂g/∂κ − u ∂g'/∂κ`, `∂g'/∂κ = u/(1 + κu)²`.
    pub fn by_kappa(&self, profile: &Profile<S>) -> (S, S, S) {
        let u = self.u;
        let slope_by_kappa = u / (S::ONE + profile.kappa * u).square();
        let by_u = u * profile.curvature(u);
        let du = (profile.by_kappa(u) - u * slope_by_kappa) / by_u;
        let dc = -(self.c * (S::ONE / profile.kappa + S::from_f64(2.0) * du / u));
        (du, slope_by_kappa + profile.curvature(u) * du, dc)
    }
}
