//! The rates of the digits together and apart, and the closed forms they are held against.

use super::Samples;
use crate::Result;
use crate::coding::{Distortion, coding_rate};
use crate::linalg::Matrix;
use crate::reduction::RateReduction;
use crate::reduction::optimum::{Profile, optimum};
use crate::scalar::Scalar;

/// Rates in nats a sample.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// `R(Z)`: all samples by one code.
    pub together: f64,
    /// `R_c = Σ_k γ_k R(Z_k)`: each class by a code of its own.
    pub apart: f64,
    /// `ΔR = R − R_c`.
    pub gain: f64,
}

impl Rates {
    /// The rates of the rows of `z` at distortion ε².
    pub fn new(samples: &Samples, z: &Matrix<f64>, eps2: f64) -> Result<Rates> {
        let rates = RateReduction::new(Distortion::Eps2(eps2));
        let classes = &samples.membership;
        Ok(Rates { together: rates.rate(z)?, apart: rates.conditional(z, classes)?, gain: rates.value(z, classes)? })
    }
}

/// `R(Z_k)` of each class.
pub fn class_rates(samples: &Samples, z: &Matrix<f64>, eps2: f64) -> Result<Vec<f64>> {
    samples.split(z)?.iter().map(|class| coding_rate(class, Distortion::Eps2(eps2))).collect()
}

/// `γ_k = n_k / n`.
pub fn shares(samples: &Samples) -> Vec<f64> {
    samples.classes.iter().map(|rows| rows.len() as f64 / samples.labels.len() as f64).collect()
}

/// `h(r) = (r/2) [ln(1 + dγ/(ε² r)) − γ ln(1 + d/(ε² r))]`: what the class of `own` rows of length 1 among `n` adds to ΔR when it is orthogonal to the
/// others and has r equal singular values.
pub fn orthogonal_gain(own: usize, n: usize, d: usize, eps2: f64, rank: usize) -> Result<f64> {
    if rank == 0 {
        return Ok(0.0);
    }
    let u = (d * own) as f64 / (n * rank) as f64 / eps2;
    Ok(Profile::of_class(own, n)?.value(u) * rank as f64 / 2.0)
}

/// The greatest rate of n rows of length 1 in d dimensions: all `q = min(n, d)` singular values equal, `(q/2) ln(1 + d/(ε² q))`.
pub fn greatest_rate(n: usize, d: usize, eps2: f64) -> f64 {
    let q = if n < d { n as f64 } else { d as f64 };
    q / 2.0 * Scalar::log1p(d as f64 / (eps2 * q))
}

/// A number that ΔR of rows of length 1 never exceeds, whatever their directions: the smaller of the bound of [`optimum`] and the greatest R less the least
/// R_c, `½ ln(1 + d/ε²)`, which classes on lines have.
pub fn ceiling(samples: &Samples, d: usize, eps2: f64) -> Result<f64> {
    let counts: Vec<usize> = samples.classes.iter().map(Vec::len).collect();
    let apart = optimum(&counts, d, None, Distortion::Eps2(eps2))?.bound;
    let within = greatest_rate(samples.labels.len(), d, eps2) - 0.5 * Scalar::log1p(d as f64 / eps2);
    Ok(if apart < within { apart } else { within })
}

/// The greatest `Σ_k h_k(r_k)` with `Σ_k r_k ≤ d`: the best that orthogonal classes can do in d dimensions. One class after the other, with the best
/// value for each number of dimensions used so far.
pub fn best_orthogonal(samples: &Samples, d: usize, eps2: f64) -> Result<f64> {
    let mut best = vec![0.0; d + 1];
    for rows in samples.classes.iter() {
        let gains = (0..=d).map(|r| orthogonal_gain(rows.len(), samples.labels.len(), d, eps2, r)).collect::<Result<Vec<_>>>()?;
        let with = |used: usize| (0..=used).map(|r| best[used - r] + gains[r]).fold(0.0, |m: f64, v| if v > m { v } else { m });
        best = (0..=d).map(with).collect();
    }
    Ok(best[d])
}
