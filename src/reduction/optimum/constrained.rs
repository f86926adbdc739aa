//! The largest rate reduction under a norm constraint, in closed form.

use super::profile::Profile;
use crate::coding::Distortion;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The maximum of ΔR over all Z with `‖Z_k‖_F² = n_k` (unit rows are such) and `rank Z_k ≤ d_k`.
///
/// With `h_k(r) = (r/2) g_κ(dγ_k/(ε²r))`, the gain of a class whose energy is spread evenly over r directions, and `r_k* = argmax h_k(r)` over `1 ≤ r ≤ min(n_k, d_k, d)`:
/// if `Σ r_k* ≤ d`, then `max ΔR = Σ h_k(r_k*)`, attained exactly when the classes are orthogonal to each other and *all* nonzero singular values of class k are equal, `σ² = n_k/r_k*`.
///
/// That classes are orthogonal at the optimum is Theorem A.6 of Yu, Chan, You, Song and Ma, NeurIPS 2020; what it says of the ranks needs the correction made here, see [`published_condition`]. `h_k` is unimodal in r
/// with its peak at `dγ_k/(ε² u_tan)`, so that `r_k*` is one of the two integers beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimum<S> {
    /// `Σ h_k(r_k*)`: the maximum if [`attained`](Optimum::attained), an upper bound of it otherwise.
    pub value: S,
    /// `r_k*`; the smallest if several are as good.
    pub ranks: Vec<usize>,
    /// `σ² = n_k/r_k*` of each class.
    pub energies: Vec<S>,
    /// There is room for the classes side by side: `Σ r_k* ≤ d`.
    pub attained: bool,
    /// `UB = Σ_k max_{r ≤ min(n_k, d)} h_k(r)`: no Z with `‖Z_k‖² ≤ n_k` has a larger ΔR, whatever the ranks and whether or not there is room.
    pub bound: S,
    /// `UB_c = ½ Σ_k (dγ_k/ε²) g'(u_tan) ≥ UB`, without the integers.
    pub loose_bound: S,
}

pub(super) fn check(counts: &[usize], d: usize, ranks: Option<&[usize]>) -> Result<usize> {
    if counts.is_empty() || d == 0 {
        return Err(Error::shape("counts", "at least one class, in at least one dimension", format!("{} classes, d = {d}", counts.len()))
            .named("EmptyInput"));
    }
    if let Some(k) = counts.iter().position(|&n| n == 0) {
        return Err(Error::domain(format!("counts[{k}]"), "at least one sample", "0").named("EmptyClass"));
    }
    if let Some(ranks) = ranks {
        if ranks.len() != counts.len() {
            return Err(Error::shape("ranks", format!("{}, one a class", counts.len()), ranks.len().to_string()));
        }
        if let Some(k) = ranks.iter().position(|&r| r == 0) {
            return Err(Error::domain(format!("ranks[{k}]"), "at least 1", "0"));
        }
    }
    counts.iter().try_fold(0usize, |sum, &n| sum.checked_add(n)).ok_or_else(|| Error::domain("counts", "a sum below 2⁶⁴", "more"))
}

/// `h(r)`; 0 for the only class.
fn spread<S: Scalar>(profile: Option<&Profile<S>>, energy: S, r: usize) -> S {
    let r = S::from_usize(r);
    profile.map_or(S::ZERO, |p| p.value(energy / r) * r * S::from_f64(0.5))
}

/// The best of the ranks beside the peak, within `1 ..= most`, and its gain.
fn best<S: Scalar>(profile: Option<&Profile<S>>, energy: S, peak: f64, most: usize) -> (usize, S) {
    let near = (peak.floor().max(1.0) as usize).min(most);
    let (mut rank, mut gain) = (near.saturating_sub(1).max(1), spread(profile, energy, near.saturating_sub(1).max(1)));
    for r in [near, near + 1, near + 2] {
        let other = spread(profile, energy, r);
        if r <= most && r > rank {
            // The value is the greater of the two whichever rank is named; a tie names the smaller.
            if other.value() > gain.value() {
                rank = r;
            }
            gain = gain.max(other);
        }
    }
    (rank, gain)
}

/// The optimum for classes of `counts` samples in dimension d; `ranks` are the bounds `d_k`, absent for none. Errors: `Shape` for no class or `d = 0`, `Domain` for an empty class or a rank bound of 0.
pub fn optimum<S: Scalar>(counts: &[usize], d: usize, ranks: Option<&[usize]>, distortion: Distortion<S>) -> Result<Optimum<S>> {
    let n = check(counts, d, ranks)?;
    let ratio = S::from_usize(d) / distortion.squared()?;
    let mut out = Optimum { value: S::ZERO, ranks: Vec::new(), energies: Vec::new(), attained: true, bound: S::ZERO, loose_bound: S::ZERO };
    for (k, &own) in counts.iter().enumerate() {
        // α n_k = dγ_k/ε².
        let energy = ratio * (S::from_usize(own) / S::from_usize(n));
        let profile = if own < n { Some(Profile::of_class(own, n)?) } else { None };
        let tangent = profile.as_ref().map(Profile::tangent_point).transpose()?;
        let peak = tangent.as_ref().map_or(1.0, |t| (energy / t.u).value());
        let free = own.min(d);
        let (rank, gain) = best(profile.as_ref(), energy, peak, ranks.map_or(free, |r| free.min(r[k])));
        out.value += gain;
        out.ranks.push(rank);
        out.energies.push(S::from_usize(own) / S::from_usize(rank));
        out.bound += best(profile.as_ref(), energy, peak, free).1;
        out.loose_bound += tangent.map_or(S::ZERO, |t| energy * t.slope) * S::from_f64(0.5);
    }
    out.attained = out.ranks.iter().try_fold(0usize, |sum, &r| sum.checked_add(r)).is_some_and(|sum| sum <= d);
    Ok(out)
}

/// The derivatives of value, bound and loose bound in ε²: `∂h/∂ε² = −(r/2) u g'(u)/ε²` at `u = dγ_k/(ε²r)`, the rank standing still (an optimum moves its value to first order only through what it depends on directly);
/// `−UB_c/ε²` for the last, whose tangent points do not depend on ε.
pub fn optimum_eps2_slopes<S: Scalar>(counts: &[usize], d: usize, ranks: Option<&[usize]>, distortion: Distortion<S>) -> Result<[S; 3]> {
    let (n, eps2) = (check(counts, d, ranks)?, distortion.squared()?);
    let (here, free) = (optimum(counts, d, ranks, distortion)?, optimum(counts, d, None, distortion)?);
    let slope = |best: &Optimum<S>| -> Result<S> {
        let mut sum = S::ZERO;
        for (&own, &r) in counts.iter().zip(&best.ranks) {
            if own < n {
                let u = S::from_usize(d) / eps2 * (S::from_usize(own) / S::from_usize(n)) / S::from_usize(r);
                sum += S::from_usize(r) * u * Profile::of_class(own, n)?.slope(u);
            }
        }
        Ok(-(sum * S::from_f64(0.5) / eps2))
    };
    Ok([slope(&here)?, slope(&free)?, -(here.loose_bound / eps2)])
}

/// The condition of the published theorem for `rank Z_k = d_k`: `ε⁴ < c min_k (n_k/n) d²/d_k²`. Usually quoted with `c = 1`; the monograph leaves c open.
///
/// It is refuted for c = 1 by `d = 4`, two classes of 4 samples, `d_k = 2`, `ε² = 5/4`: `ε⁴ = 1.5625 < 2`, yet rank 2 gives ΔR = 0.22006 and rank 1 gives 0.23797, the maximum. No constant holds for all class sizes; for
/// `c = c(κ_k)` of [`super::TangentPoint`] it does.
pub fn published_condition(counts: &[usize], d: usize, ranks: &[usize], eps2: f64, c: f64) -> Result<bool> {
    let n = check(counts, d, Some(ranks))? as f64;
    let bound = |(&own, &r): (&usize, &usize)| own as f64 / n * (d * d) as f64 / (r * r) as f64;
    let least = counts.iter().zip(ranks).map(bound).fold(f64::INFINITY, |a, b| if b < a { b } else { a });
    Ok(eps2 * eps2 < c * least)
}
