//! Probabilistic principal components: a Gaussian whose covariance is low rank plus noise.

use crate::linalg::{Cholesky, Eigen, Matrix, log_det, spd_inverse, spd_solve, spd_solve_rows, top_k_projector, top_k_projector_vjp};
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// Errors: `Shape`, `NotFinite`; `Domain` unless `σ² > 0`.
fn check<S: Scalar>(s: &Matrix<S>, w: &Matrix<S>, sigma2: S) -> Result<usize> {
    let d = s.check_square("s")?;
    if d == 0 || w.rows() != d {
        return Err(Error::shape("w", format!("{d} × k, d at least 1"), format!("{w:?}")).named("ShapeMismatch"));
    }
    s.check_finite("s")?;
    w.check_finite("w")?;
    match sigma2.sign() {
        Some(Ordering::Greater) if sigma2.is_finite() => Ok(d),
        None => Err(Error::undecided("sigma2", "a number surely above 0", sigma2.to_ball().to_text())),
        _ => Err(Error::domain("sigma2", "a finite number above 0", sigma2.value().to_string()).named("InvalidParameter")),
    }
}
/// `C = WWᵀ + σ²I`.
fn covariance<S: Scalar>(w: &Matrix<S>, sigma2: S) -> Matrix<S> {
    let mut c = w.gram_rows();
    for i in 0..c.rows() {
        c[(i, i)] += sigma2;
    }
    c
}

/// The mean log-likelihood in nats a sample of centred data with covariance `S` (divisor n) under `x = zWᵀ + ε`, `z ~ N(0, I_k)`, `ε ~ N(0, σ²I_d)`:
/// `ℓ = −½(d ln 2π + ln det C + tr(C⁻¹S))`, `C = WWᵀ + σ²I`. `w`: `d × k`, any k. `d³/3 + 2d³` flops. Errors: `Shape`, `NotFinite`; `Domain` unless `σ² > 0`.
///
/// Source: Tipping and Bishop, *Probabilistic Principal Component Analysis*, JRSS-B 61, 1999, eq. 4. scikit-learn's `PCA.score` uses the covariance with n − 1.
pub fn log_likelihood<S: Scalar>(s: &Matrix<S>, w: &Matrix<S>, sigma2: S) -> Result<S> {
    let d = check(s, w, sigma2)?;
    let c = covariance(w, sigma2);
    let two_pi = (S::pi() * S::from_f64(2.0)).ln();
    Ok((S::from_usize(d) * two_pi + log_det(&c)? + spd_solve(&c, s)?.trace()) * S::from_f64(-0.5))
}
/// The gradients of [`log_likelihood`].
#[derive(Clone, Debug)]
pub struct LikelihoodGradient<S> {
    /// With respect to the covariance of the data: `−½C⁻¹`.
    pub s: Matrix<S>,
    /// With respect to W: `(C⁻¹SC⁻¹ − C⁻¹)W`.
    pub w: Matrix<S>,
    /// With respect to σ²: `½ tr(C⁻¹SC⁻¹ − C⁻¹)`.
    pub sigma2: S,
}
/// The gradients: `dℓ = ½ tr((C⁻¹SC⁻¹ − C⁻¹) dC) − ½ tr(C⁻¹ dS)` with `dC = dW Wᵀ + W dWᵀ + dσ² I`.
pub fn log_likelihood_gradient<S: Scalar>(s: &Matrix<S>, w: &Matrix<S>, sigma2: S) -> Result<LikelihoodGradient<S>> {
    check(s, w, sigma2)?;
    let c = covariance(w, sigma2);
    let inverse = spd_inverse(&c)?;
    let pull = spd_solve_rows(&c, &spd_solve(&c, s)?)?.sub(&inverse)?;
    let half = S::from_f64(0.5);
    Ok(LikelihoodGradient { s: inverse.scale(-half), w: pull.matmul(w)?, sigma2: pull.trace() * half })
}

fn check_rank<S: Scalar>(s: &Matrix<S>, k: usize) -> Result<usize> {
    let d = s.check_square("s")?;
    s.check_finite("s")?;
    if k >= d {
        return Err(Error::domain("k", format!("less than the {d} features"), k.to_string()).named("InvalidRank"));
    }
    Ok(d)
}

/// The covariance `C = PSP + σ²(I − P)` of greatest likelihood, and `σ²`, the mean of the `d − k` smallest eigenvalues of `S`; `P` projects on the other k. Unlike W, both are unique.
/// Errors: `Shape`, `NotFinite`; `Domain` (`InvalidRank`) unless `k < d`; `Domain` (`SpectralGapTooSmall`), `Undecided` where `λ_k = λ_{k+1}`.
///
/// Source: Tipping and Bishop, JRSS-B 61, 1999, eqs. 7 and 8.
pub fn ml_covariance<S: Scalar>(s: &Matrix<S>, k: usize) -> Result<(Matrix<S>, S)> {
    let d = check_rank(s, k)?;
    let p = top_k_projector(s, k)?;
    let q = Matrix::identity(d).sub(&p)?;
    let sigma2 = q.dot(s)? / S::from_usize(d - k);
    Ok((p.matmul(s)?.matmul(&p)?.symmetrised()?.add(&q.scale(sigma2))?, sigma2))
}
/// The gradient of [`ml_covariance`] in `S`, symmetrised. With `t = σ̄² + tr(C̄(I − P))`: `S̄ = PC̄P + t(I − P)/(d − k)`, `P̄ = C̄PS + SPC̄ − σ²C̄ − tS/(d − k)`, and `P̄` goes through the projector. `c_bar` is
/// used by its symmetric part.
pub fn ml_covariance_vjp<S: Scalar>(s: &Matrix<S>, k: usize, c_bar: &Matrix<S>, sigma2_bar: S) -> Result<Matrix<S>> {
    let d = check_rank(s, k)?;
    let (p, bar) = (top_k_projector(s, k)?, c_bar.symmetrised()?);
    let q = Matrix::identity(d).sub(&p)?;
    let share = S::ONE / S::from_usize(d - k);
    let sigma2 = q.dot(s)? * share;
    let t = (sigma2_bar + bar.dot(&q)?) * share;
    let turned = bar.matmul(&p)?.matmul(s)?;
    let p_bar = turned.add(&turned.transpose())?.sub(&bar.scale(sigma2))?.sub(&s.scale(t))?;
    let direct = p.matmul(&bar)?.matmul(&p)?.symmetrised()?.add(&q.scale(t))?;
    direct.add(&top_k_projector_vjp(s, k, &p_bar)?)
}

/// A fitted model: W up to a rotation of its columns, and σ².
#[derive(Clone, Debug)]
pub struct ProbabilisticPca<S> {
    /// `d × k`.
    pub w: Matrix<S>,
    /// σ².
    pub sigma2: S,
}

impl<S: Scalar> ProbabilisticPca<S> {
    /// The model of greatest likelihood for a covariance `S` with divisor n: `σ²` the mean of the discarded eigenvalues, `W = U_k(Λ_k − σ²I)^½`. Errors: as [`ml_covariance`];
    /// `Domain` (`DegenerateLikelihood`) for `σ² = 0`: the likelihood is then unbounded.
    pub fn fit(s: &Matrix<S>, k: usize) -> Result<Self> {
        let d = check_rank(s, k)?;
        let eigen = Eigen::new(s)?;
        let noise = 40.0 * d as f64 * S::UNIT_ROUNDOFF * eigen.values[0].value().abs();
        if k > 0 && !((eigen.values[k - 1] - eigen.values[k]).value() > noise) {
            let found = format!("{:e} and {:e}", eigen.values[k - 1].value(), eigen.values[k].value());
            return Err(Error::domain(format!("eigenvalues {k} and {}", k + 1), "a gap above rounding", found).named("SpectralGapTooSmall"));
        }
        let sigma2 = S::sum(&eigen.values[k..]) / S::from_usize(d - k);
        if !(sigma2.value() > noise) {
            return Err(Error::domain("σ²", "a noise above rounding", format!("{:e}", sigma2.value())).named("DegenerateLikelihood"));
        }
        let w = Matrix::from_fn(d, k, |i, j| eigen.vectors[(i, j)] * (eigen.values[j] - sigma2).sqrt());
        Ok(ProbabilisticPca { w, sigma2 })
    }
    /// `M = WᵀW + σ²I_k`.
    fn m(&self) -> Result<Matrix<S>> {
        let mut m = self.w.gram_cols();
        (0..m.rows()).for_each(|i| m[(i, i)] += self.sigma2);
        Ok(m)
    }
    /// The posterior mean of the codes of centred rows, `XWM⁻¹`. The posterior covariance is `σ²M⁻¹` for each.
    pub fn encode(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        check(&Matrix::identity(x.cols()), &self.w, self.sigma2)?;
        if self.w.cols() == 0 {
            return Ok(Matrix::zeros(x.rows(), 0));
        }
        spd_solve_rows(&self.m()?, &x.matmul(&self.w)?)
    }
    /// The posterior mean of the signal, `XWM⁻¹Wᵀ`: shrunk by `(λ_i − σ²)/λ_i` along each direction, the Wiener filter of the fitted covariance.
    pub fn denoise(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        self.encode(x)?.matmul_t(&self.w)
    }
    /// The least-squares reconstruction from the posterior codes, `zM(WᵀW)⁻¹Wᵀ`: not shrunk, the projection of ordinary PCA. Errors: `NotPositiveDefinite` where W lacks rank.
    pub fn project(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        if self.w.cols() == 0 {
            return Ok(Matrix::zeros(x.rows(), x.cols()));
        }
        Cholesky::new(&self.w.gram_cols())?;
        spd_solve_rows(&self.w.gram_cols(), &self.encode(x)?.matmul(&self.m()?)?)?.matmul_t(&self.w)
    }
}

/// One EM step: `W⁺ = SW(σ²I + M⁻¹WᵀSW)⁻¹`, `σ²⁺ = tr(S − SWM⁻¹W⁺ᵀ)/d`. The likelihood never falls; the ML solution stays. `2d²k + 4dk²` flops. Errors: `Shape`, `NotFinite`, `Domain`;
/// `Domain` (`SingularMatrix`) where `SW` vanishes.
///
/// Source: Tipping and Bishop, JRSS-B 61, 1999, eqs. 29 and 30.
pub fn em_step<S: Scalar>(s: &Matrix<S>, model: &ProbabilisticPca<S>) -> Result<ProbabilisticPca<S>> {
    let d = check(s, &model.w, model.sigma2)?;
    let k = model.w.cols();
    if k == 0 {
        return Ok(ProbabilisticPca { w: model.w.clone(), sigma2: s.trace() / S::from_usize(d) });
    }
    let m = model.m()?;
    let sw = s.matmul(&model.w)?;
    let mut inner = spd_solve(&m, &model.w.t_matmul(&sw)?)?;
    (0..k).for_each(|i| inner[(i, i)] += model.sigma2);
    // X K = SW as Kᵀ Xᵀ = (SW)ᵀ.
    let w = crate::linalg::solve(&inner.transpose(), &sw.transpose())?.transpose();
    let explained = spd_solve_rows(&m, &sw)?.dot(&w)?;
    Ok(ProbabilisticPca { w, sigma2: (s.trace() - explained) / S::from_usize(d) })
}
