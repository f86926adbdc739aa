//! What the expansion term can be: collapsed, spread to the ceiling, or in between; and when collapse is escaped.

use crate::scalar::Scalar;
use crate::{Error, Result};

/// The legal range of the rate `½ log det(I + s WᵀW)` of unit rows, `s = p/(mNε²)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExpansionRange<S> {
    /// s.
    pub scale: S,
    /// `γ = (p + Nm)/(pNm)`, the official factor of the rate in the loss.
    pub gamma: S,
    /// All rows equal up to sign: `½ log(1 + p/(Wε²))`, W = N, or 1 where covariances are summed.
    pub collapsed: S,
    /// All singular values equal: `(r/2) log(1 + sM/r)`, `r = min(M, p)`, M the rows that enter one covariance.
    pub ceiling: S,
    /// r.
    pub rank: usize,
    /// The largest condition number of `I + s WᵀW`, reached at collapse: `1 + p/(Wε²)`.
    pub condition: S,
}

impl<S: Scalar> ExpansionRange<S> {
    /// For m rows a process, p features, N processes, ε². Errors: `Domain` for a size of 0 or more than 2⁵³ rows.
    pub fn new(m: usize, p: usize, processes: usize, summed: bool, eps2: S) -> Result<Self> {
        let all = m.checked_mul(processes).filter(|&n| n > 0 && n < 1 << 53 && p > 0);
        let Some(all) = all else {
            return Err(Error::domain("sizes", "rows, features and processes from 1 on", format!("m = {m}, p = {p}, N = {processes}"))
                .named("EmptyInput"));
        };
        crate::coding::Distortion::Eps2(eps2).squared()?;
        let (rows, divided) = if summed { (all, 1) } else { (m, processes) };
        let (width, half) = (S::from_usize(p), S::from_f64(0.5));
        let scale = width / (S::from_usize(all) * eps2);
        let rank = rows.min(p);
        let r = S::from_usize(rank);
        let top = width / (S::from_usize(divided) * eps2);
        Ok(ExpansionRange {
            scale,
            gamma: width.recip() + S::from_usize(all).recip(),
            collapsed: top.log1p() * half,
            ceiling: r * half * (scale * S::from_usize(rows) / r).log1p(),
            rank,
            condition: S::ONE + top,
        })
    }
    /// Where a value of the loss's expansion term (γ times the rate) stands between 0 and the ceiling: 1 at the ceiling.
    pub fn share(&self, expansion: S) -> S {
        expansion / (self.gamma * self.ceiling)
    }
    /// The smallest and largest loss at coefficient 1: `−1 − γ · ceiling` and 1.
    pub fn loss(&self) -> (S, S) {
        (-(S::ONE + self.gamma * self.ceiling), S::ONE)
    }
}

/// The second variation of the loss at full collapse (all features equal to one unit vector), along moves of one global student view that average to 0 over the batch, per unit of squared length.
///
/// Collapse is a critical point for every setting. `coeff (T − 1)/((TV − T)m) − (γ/T) s²m/(1 + sm)` when the student alone is expanded, the second term `(γ/T) s (¼ − ½/(1 + sm))` when its mean with the teacher is:
/// negative means that the loss falls and collapse is escaped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Collapse<S> {
    /// What agreement adds: it resists.
    pub agreement: S,
    /// What expansion takes away: it repels if positive. With the teacher's mean it is so only for `p > Nε²`.
    pub expansion: S,
}

impl<S: Scalar> Collapse<S> {
    /// For V views of which T are global, m rows a process, p features, N processes. Errors: `Domain` unless `1 ≤ T ≤ V`, `V ≥ 2` and the sizes are not 0.
    pub fn new(views: usize, global: usize, m: usize, p: usize, processes: usize, mean_expansion: bool, coeff: S, eps2: S) -> Result<Self> {
        if global == 0 || views < global || views < 2 {
            return Err(Error::domain("views", "1 ≤ T ≤ V and V ≥ 2", format!("V = {views}, T = {global}")));
        }
        let range = ExpansionRange::new(m, p, processes, false, eps2)?;
        let (t, rows) = (S::from_usize(global), S::from_usize(m));
        let (s, sm) = (range.scale, range.scale * rows);
        let agreement = coeff * S::from_usize(global - 1) / (S::from_usize(global * views - global) * rows);
        let curvature = if mean_expansion { s * (S::from_f64(0.25) - S::from_f64(0.5) / (S::ONE + sm)) } else { s * sm / (S::ONE + sm) };
        Ok(Collapse { agreement, expansion: range.gamma / t * curvature })
    }
    /// The second variation.
    pub fn curvature(&self) -> S {
        self.agreement - self.expansion
    }
}
