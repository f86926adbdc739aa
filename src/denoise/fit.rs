//! Fitting a mixture to samples by expectation and maximisation.

use super::covariance::Covariance;
use super::mixture::GaussianMixture;
use super::noise::Noise;
use crate::linalg::{Eigen, Matrix};
use crate::random::Rng;
use crate::scalar::{Bulk, Scalar};
use crate::{Error, Result};

/// How a mixture is fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitOptions {
    /// Components.
    pub components: usize,
    /// No direction of a component has less variance than this, above 0: else a component may shrink onto a sample, where the likelihood is infinite.
    pub floor: f64,
    /// Steps at most.
    pub steps: usize,
    /// Stops when a step raises the mean log-likelihood by less.
    pub tolerance: f64,
}

/// A fitted mixture.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The mixture.
    pub mixture: GaussianMixture<f64>,
    /// The mean log-likelihood before each step, and at the end: it never falls.
    pub likelihood: Vec<f64>,
    /// The last step raised it by less than the tolerance.
    pub converged: bool,
}

/// Expectation and maximisation (Dempster, Laird and Rubin, JRSS B 39, 1977) from a start by k-means++ (Arthur and Vassilvitskii, SODA 2007).
///
/// The covariances maximise the likelihood among those with eigenvalues from `floor` on: the weighted scatter with its smaller eigenvalues raised to the floor, which keeps every step an ascent.
/// `n K d²` flops a step. Errors: `Shape` (`EmptyInput`) for fewer samples than components; `NotFinite`; `Domain` (`InvalidParameter`) for bad options.
pub fn fit_mixture(x: &Matrix<f64>, options: FitOptions, rng: &mut Rng) -> Result<Fit> {
    let [n, d] = x.shape();
    let k = options.components;
    if k == 0 || n < k || d == 0 {
        return Err(Error::shape(
            "x",
            format!("at least {} rows and a column", if k == 0 { 1 } else { k }),
            format!("{x:?}, {k} components"),
        )
        .named("EmptyInput"));
    }
    if !(options.floor > 0.0 && options.floor.is_finite() && options.tolerance >= 0.0) {
        let found = format!("floor {}, tolerance {}", options.floor, options.tolerance);
        return Err(Error::domain("options", "a floor above 0 and a tolerance from 0 on", found).named("InvalidParameter"));
    }
    x.check_finite("x")?;
    let mut r = Matrix::zeros(n, k);
    for (i, c) in start(x, k, rng).into_iter().enumerate() {
        r[(i, c)] = 1.0;
    }
    let mut mixture = maximise(x, &r, options.floor)?;
    let clean = Noise { alpha: 1.0, sigma: 0.0 };
    let (mut likelihood, mut converged) = (Vec::new(), false);
    for step in 0..=options.steps {
        let e = mixture.at(clean)?.evaluate(x)?;
        let now = f64::sum(&e.log_density) / n as f64;
        converged = likelihood.last().is_some_and(|last| now - last < options.tolerance);
        likelihood.push(now);
        if converged || step == options.steps {
            break;
        }
        mixture = maximise(x, &e.responsibilities, options.floor)?;
    }
    Ok(Fit { mixture, likelihood, converged })
}

/// The nearest of k seeds to each row, the seeds drawn one after the other in proportion to the squared distance from those before.
fn start(x: &Matrix<f64>, k: usize, rng: &mut Rng) -> Vec<usize> {
    let n = x.rows();
    let square = |i: usize, j: usize| {
        let off: Vec<f64> = x.row(i).iter().zip(x.row(j)).map(|(a, b)| a - b).collect();
        f64::dot(&off, &off)
    };
    let mut seeds = vec![rng.below(n)];
    let (mut away, mut nearest): (Vec<f64>, Vec<usize>) = ((0..n).map(|i| square(i, seeds[0])).collect(), vec![0; n]);
    while seeds.len() < k {
        let (mut left, mut next) = (rng.uniform() * f64::sum(&away), rng.below(n));
        for (i, &a) in away.iter().enumerate() {
            left -= a;
            if left < 0.0 {
                next = i;
                break;
            }
        }
        for i in 0..n {
            let a = square(i, next);
            if a < away[i] || i == next {
                (away[i], nearest[i]) = (a, seeds.len());
            }
        }
        seeds.push(next);
    }
    nearest
}

fn maximise(x: &Matrix<f64>, r: &Matrix<f64>, floor: f64) -> Result<GaussianMixture<f64>> {
    let ([n, d], k) = (x.shape(), r.cols());
    let (mut weights, mut means, mut covariances) = (Vec::new(), Matrix::zeros(k, d), Vec::new());
    for c in 0..k {
        let own = r.col(c);
        let mass = f64::sum(&own);
        weights.push(mass / n as f64);
        if !(mass > 0.0) {
            covariances.push(Covariance::Full(Matrix::identity(d).scale(floor)));
            continue;
        }
        let mean: Vec<f64> = (0..d).map(|j| f64::dot(&own, &x.col(j)) / mass).collect();
        let rows = Matrix::from_fn(n, d, |i, j| (own[i] / mass).sqrt() * (x[(i, j)] - mean[j]));
        let eigen = Eigen::new(&rows.gram_cols())?;
        let raised: Vec<f64> = eigen.values.iter().map(|&l| Scalar::max(l, floor)).collect();
        covariances.push(Covariance::Full(eigen.compose(&raised)?));
        means.row_mut(c).copy_from_slice(&mean);
    }
    let total = f64::sum(&weights);
    GaussianMixture::new(weights.iter().map(|w| w / total).collect(), means, covariances)
}
