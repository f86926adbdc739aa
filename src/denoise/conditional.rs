//! Denoising with a measurement: the posterior of a mixture is a mixture.

use super::covariance::Covariance;
use super::mixture::GaussianMixture;
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

impl<S: Scalar> GaussianMixture<S> {
    /// The law of x given `y = A x + σ_n w`, and `log p(y)`: with `G_k = AΣ_kAᵀ + σ_n²I`, weights `∝ π_k N(y; Aμ_k, G_k)`, means `μ_k + Σ_kAᵀG_k⁻¹(y − Aμ_k)`, covariances `Σ_k − Σ_kAᵀG_k⁻¹AΣ_k`.
    ///
    /// Its denoiser is the conditional one: `E[x | x_t, y] = E[x | x_t] + (σ²/α) ∇ log p(y | x_t)`. `A`: m × d. `K(m d² + m³)` flops. Errors: `Shape`; `NotFinite`; `Domain` (`InvalidNoiseLevel`) for σ_n < 0, (`DegenerateDensity`) where
    /// σ_n = 0 and y has no density.
    ///
    /// Source: Chung et al., *Diffusion Posterior Sampling*, ICLR 2023, for the approximation `G ≈ σ_n²I` that this one needs not make; chapter 6 of *Learning Deep Representations of Data Distributions*.
    pub fn given(&self, a: &Matrix<S>, y: &[S], sigma: S) -> Result<(GaussianMixture<S>, S)> {
        let (m, d) = (a.rows(), self.dim());
        if a.cols() != d || y.len() != m || m == 0 {
            return Err(
                Error::shape("measurement", format!("m × {d} and m numbers"), format!("{a:?} and {}", y.len())).named("ShapeMismatch")
            );
        }
        a.check_finite("a")?;
        if !(sigma.value() >= 0.0) || y.iter().any(|y| !y.is_finite()) {
            return Err(
                Error::domain("sigma_n and y", "finite numbers, sigma_n from 0 on", sigma.value().to_string()).named("InvalidNoiseLevel")
            );
        }
        let (half, flat) = (S::from_f64(0.5), S::from_usize(m) * S::from_f64(0.5) * (S::pi() * S::from_f64(2.0)).ln());
        let (mut logs, mut means, mut covariances) = (Matrix::zeros(1, self.components()), self.means().clone(), Vec::new());
        for k in 0..self.components() {
            let dense = self.covariances()[k].dense()?;
            let through = a.matmul(&dense)?;
            let mut g = through.matmul_t(a)?.symmetrised()?;
            (0..m).for_each(|i| g[(i, i)] += sigma.square());
            let factor = Covariance::Full(g).factor().map_err(|e| match e {
                Error::NotPositiveDefinite(f) => {
                    Error::domain(format!("component {k}"), "a measurement with a density", f.found).named("DegenerateDensity")
                }
                other => other,
            })?;
            let off = Matrix::from_fn(1, m, |_, i| y[i] - S::dot(a.row(i), self.means().row(k)));
            let (squares, solved) = factor.divide_rows(&off)?;
            logs[(0, k)] = if self.weights()[k] == S::ZERO {
                S::from_f64(-1e300)
            } else {
                self.weights()[k].ln() - flat - half * (squares[0] + factor.log_det)
            };
            let moved = solved.matmul(&through)?;
            means.row_mut(k).iter_mut().zip(moved.row(0)).for_each(|(mu, &x)| *mu += x);
            // Σ − ΣAᵀG⁻¹AΣ.
            let gain = factor.divide_rows(&through.transpose())?.1;
            covariances.push(Covariance::Full(dense.sub(&gain.matmul(&through)?)?.symmetrised()?));
        }
        let evidence = crate::learn::log_sum_exp(&logs)?[0];
        let weights =
            (0..self.components()).map(|k| if self.weights()[k] == S::ZERO { S::ZERO } else { (logs[(0, k)] - evidence).exp() }).collect();
        Ok((GaussianMixture::new(weights, means, covariances)?, evidence))
    }
}

/// `(1 − γ) x̄ + γ x̄_c`: classifier-free guidance (Ho and Salimans, 2022). γ = 1 is the conditional denoiser, 0 the unconditional one; above 1 it is the denoiser of no law.
pub fn guided<S: Scalar>(unconditional: &Matrix<S>, conditional: &Matrix<S>, gamma: S) -> Result<Matrix<S>> {
    unconditional.zip(conditional, |u, c| u + gamma * (c - u))
}
