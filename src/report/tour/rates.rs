//! The rates of the digits together and apart, and the closed forms they are held against.

use super::Samples;
use crate::Result;
use crate::coding::{Distortion, coding_rate};
use crate::linalg::Matrix;
use crate::reduction::RateReduction;
use crate::scalar::{Bulk, Scalar};

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

/// `h(r) = (r/2) [ln(1 + dγ/(ε² r)) − γ ln(1 + d/(ε² r))]`: what a class of unit rows and share γ adds to ΔR when it is orthogonal to the others and has r
/// equal singular values.
pub fn orthogonal_gain(d: usize, share: f64, eps2: f64, rank: usize) -> f64 {
    if rank == 0 {
        return 0.0;
    }
    let (r, s) = (rank as f64, d as f64 / (eps2 * rank as f64));
    r / 2.0 * (Scalar::log1p(share * s) - share * Scalar::log1p(s))
}

/// The greatest rate of n rows of length 1 in d dimensions: all `q = min(n, d)` singular values equal, `(q/2) ln(1 + d/(ε² q))`.
pub fn greatest_rate(n: usize, d: usize, eps2: f64) -> f64 {
    let q = if n < d { n as f64 } else { d as f64 };
    q / 2.0 * Scalar::log1p(d as f64 / (eps2 * q))
}

/// A number that ΔR of rows of length 1 never exceeds, whatever their directions: the smaller of `Σ_k max_r h_k(r)`, 1 ≤ r ≤ min(n_k, d) (Yu et al.,
/// NeurIPS 2020, with the ranks made exact), and the greatest R less the least R_c, `½ ln(1 + d/ε²)`, which a class on one line has.
pub fn ceiling(samples: &Samples, d: usize, eps2: f64) -> f64 {
    let best = |(rows, share): (&Vec<usize>, f64)| {
        let most = if rows.len() < d { rows.len() } else { d };
        (1..=most).map(|r| orthogonal_gain(d, share, eps2, r)).fold(0.0, |m: f64, h| if h > m { h } else { m })
    };
    let terms: Vec<f64> = samples.classes.iter().zip(shares(samples)).map(best).collect();
    let apart = f64::sum(&terms);
    let within = greatest_rate(samples.labels.len(), d, eps2) - 0.5 * Scalar::log1p(d as f64 / eps2);
    if apart < within { apart } else { within }
}
