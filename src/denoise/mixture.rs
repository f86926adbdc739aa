//! Mixtures of Gaussians.

use super::covariance::Covariance;
use super::noise::Noise;
use super::noised::Noised;
use crate::linalg::Matrix;
use crate::random::Rng;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// `Σ π_k N(μ_k, Σ_k)`. Covariances may be singular, even 0: a point.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianMixture<S> {
    weights: Vec<S>,
    means: Matrix<S>,
    covariances: Vec<Covariance<S>>,
}

impl<S: Scalar> GaussianMixture<S> {
    /// K weights with sum 1, K means (K × d), K covariances.
    ///
    /// Errors: `Shape` (`EmptyInput` without a component or a dimension); `NotFinite`; `Domain` (`NegativeWeight`, `AllWeightsZero`, `WeightsNotNormalised` if the sum misses 1 by more than
    /// K · 10⁻⁹ or K · 8u); those of [`Covariance::check`].
    pub fn new(weights: Vec<S>, means: Matrix<S>, covariances: Vec<Covariance<S>>) -> Result<Self> {
        let [k, d] = means.shape();
        if k == 0 || d == 0 {
            return Err(Error::shape("mixture", "at least one component and one dimension", format!("{means:?}")).named("EmptyInput"));
        }
        if weights.len() != k || covariances.len() != k || covariances.iter().any(|c| c.dim() != d) {
            let found = format!("{} weights, {} covariances", weights.len(), covariances.len());
            return Err(Error::shape("mixture", format!("{k} weights and {k} covariances of {d} × {d}"), found).named("ShapeMismatch"));
        }
        check_weights(&weights)?;
        means.check_finite("means")?;
        for (i, c) in covariances.iter().enumerate() {
            c.check().map_err(|e| e.within(&format!("component {i}")))?;
        }
        Ok(GaussianMixture { weights, means, covariances })
    }
    /// The weights π.
    pub fn weights(&self) -> &[S] {
        &self.weights
    }
    /// The means, one a row.
    pub fn means(&self) -> &Matrix<S> {
        &self.means
    }
    /// The covariances.
    pub fn covariances(&self) -> &[Covariance<S>] {
        &self.covariances
    }
    /// d.
    pub fn dim(&self) -> usize {
        self.means.cols()
    }
    /// K.
    pub fn components(&self) -> usize {
        self.weights.len()
    }
    /// `E x = Σ π_k μ_k`.
    pub fn mean(&self) -> Vec<S> {
        (0..self.dim()).map(|j| S::dot(&self.weights, &self.means.col(j))).collect()
    }
    /// `Cov x = Σ π_k (Σ_k + (μ_k − m)(μ_k − m)ᵀ)`.
    pub fn covariance(&self) -> Result<Matrix<S>> {
        let m = self.mean();
        let centred = Matrix::from_fn(self.components(), self.dim(), |k, j| self.means[(k, j)] - m[j]);
        let weighted = Matrix::from_fn(self.components(), self.dim(), |k, j| centred[(k, j)] * self.weights[k]);
        let mut out = weighted.t_matmul(&centred)?.symmetrised()?;
        for (c, &w) in self.covariances.iter().zip(&self.weights) {
            out.accumulate(&c.dense()?.scale(w))?;
        }
        Ok(out)
    }
    /// The exact law of `x_t = αx + σg`: means `αμ_k`, covariances `α²Σ_k + σ²I`, the same weights. Noise upon noise is noise: `noised(a).noised(b) = noised(a.then(b))`.
    pub fn noised(&self, noise: Noise<S>) -> Self {
        GaussianMixture {
            weights: self.weights.clone(),
            means: self.means.scale(noise.alpha),
            covariances: self.covariances.iter().map(|c| c.noised(noise)).collect(),
        }
    }
    /// This mixture seen through noise, ready for questions: one factorisation a component, `K d³/3` flops (low rank: none).
    ///
    /// Errors: those of [`Noise::new`]; `Domain` (`DegenerateDensity`) where σ = 0 and a component of positive weight has a singular covariance, since then the whole mixture has no density.
    pub fn at(&self, noise: Noise<S>) -> Result<Noised<'_, S>> {
        Noised::new(self, noise)
    }
    /// `log p(x)` of each row, without noise. Errors as [`GaussianMixture::at`].
    pub fn log_density(&self, x: &Matrix<S>) -> Result<Vec<S>> {
        Ok(self.at(Noise { alpha: S::ONE, sigma: S::ZERO })?.evaluate(x)?.log_density)
    }
}

impl GaussianMixture<f64> {
    /// n samples, one a row, and the component of each: `k` by its weight, then `μ_k + F_k z` with `F_k F_kᵀ = Σ_k`. The same generator gives the same samples.
    pub fn sample(&self, n: usize, rng: &mut Rng) -> Result<(Matrix<f64>, Vec<usize>)> {
        let roots = self.covariances.iter().map(Covariance::root).collect::<Result<Vec<_>>>()?;
        let last = self.weights.iter().rposition(|&w| w > 0.0).unwrap_or(0);
        let (mut x, mut labels) = (Matrix::zeros(n, self.dim()), Vec::with_capacity(n));
        for i in 0..n {
            let (u, mut sum) = (rng.uniform(), 0.0);
            let k = self.weights.iter().position(|w| {
                sum += w;
                u < sum
            });
            let k = k.unwrap_or(last);
            let z: Vec<f64> = (0..roots[k].cols()).map(|_| rng.gaussian()).collect();
            for (j, x) in x.row_mut(i).iter_mut().enumerate() {
                *x = self.means[(k, j)] + <f64 as crate::scalar::Bulk>::dot(roots[k].row(j), &z);
            }
            labels.push(k);
        }
        Ok((x, labels))
    }
}

/// Weights of components: see [`GaussianMixture::new`].
pub(super) fn check_weights<S: Scalar>(weights: &[S]) -> Result<()> {
    if let Some(i) = weights.iter().position(|w| !w.is_finite()) {
        return Err(Error::not_finite(format!("weights[{i}]"), "a finite number", weights[i].value().to_string()).named("NonFinite"));
    }
    if let Some(i) = weights.iter().position(|w| w.value() < 0.0) {
        return Err(Error::domain(format!("weights[{i}]"), "a number from 0 on", weights[i].value().to_string()).named("NegativeWeight"));
    }
    let sum = S::sum(weights).value();
    if sum == 0.0 {
        return Err(Error::domain("weights", "at least one above 0", "zeros").named("AllWeightsZero"));
    }
    let allowed = weights.len() as f64 * (8.0 * S::UNIT_ROUNDOFF).max(1e-9);
    if !((sum - 1.0).abs() <= allowed) {
        return Err(Error::domain("weights", "numbers with sum 1", format!("sum {sum}")).named("WeightsNotNormalised"));
    }
    Ok(())
}
