//! Mixtures of low-dimensional subspaces: their denoiser projects on each and weighs by a softmax, as attention does.

use super::covariance::{Covariance, orthonormal};
use super::mixture::{GaussianMixture, check_weights};
use super::noise::Noise;
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// `y = Σ w_k c_k U_kU_kᵀx`, `w = softmax_k(b_k + β_k‖U_kᵀx‖²)`, for each row x of n × d and any `U_k`, d × p_k.
///
/// The row `xᵀU_k` is what head k sees. With orthonormal `U_k`, `b_k = log π_k − (p_k/2) log(1 + α²λ_k/σ²)`, `β_k = α²λ_k/(2σ²(α²λ_k + σ²))` and `c_k = αλ_k/(α²λ_k + σ²)` it is the
/// denoiser of `Σ π_k N(0, λ_kU_kU_kᵀ)` ([`SubspaceMixture::denoise`]). With a common β and c it is the gradient of `(c/2β) log Σ exp(b_k + β‖U_kᵀx‖²)`; its Jacobian then is symmetric and
/// positive semidefinite. `4 n d Σp_k` flops. Errors: `Shape`, `NotFinite`.
///
/// Source: Yu et al., *White-Box Transformers via Sparse Rate Reduction*, NeurIPS 2023, and chapter 3 of *Learning Deep Representations of Data Distributions* (Buchanan, Pai, Wang, Ma, 2025).
pub fn attend_subspaces<S: Scalar>(x: &Matrix<S>, u: &[Matrix<S>], bias: &[S], beta: &[S], c: &[S]) -> Result<Matrix<S>> {
    let heads = Heads::new(x, u, bias, beta, c)?;
    heads.output(c)
}

/// The gradient of [`attend_subspaces`].
#[derive(Clone, Debug)]
pub struct SubspaceGradient<S> {
    /// In x.
    pub x: Matrix<S>,
    /// In each `U_k`.
    pub u: Vec<Matrix<S>>,
    /// In b.
    pub bias: Vec<S>,
    /// In β.
    pub beta: Vec<S>,
    /// In c.
    pub c: Vec<S>,
}

/// The gradient of [`attend_subspaces`] from the cotangent v of its rows.
///
/// With `a_k = U_kU_kᵀx`, `g_k = c_k v·a_k` and `e_k = w_k(g_k − Σ w_jg_j)`, the sensitivity of logit k: in b `e_k`, in β `e_k‖U_kᵀx‖²`, in c `w_k v·a_k`, in x `Σ w_kc_kU_kU_kᵀv + 2e_kβ_ka_k`, in `U_k`
/// `w_kc_k(v(xᵀU_k) + x(vᵀU_k)) + 2e_kβ_k x(xᵀU_k)`.
pub fn attend_subspaces_vjp<S: Scalar>(
    x: &Matrix<S>,
    u: &[Matrix<S>],
    bias: &[S],
    beta: &[S],
    c: &[S],
    v: &Matrix<S>,
) -> Result<SubspaceGradient<S>> {
    let heads = Heads::new(x, u, bias, beta, c)?;
    if v.shape() != x.shape() {
        return Err(Error::shape("cotangent", format!("{x:?}"), format!("{v:?}")));
    }
    let (n, count, two) = (x.rows(), u.len(), S::from_f64(2.0));
    let seen = u.iter().map(|u| v.matmul(u)).collect::<Result<Vec<_>>>()?;
    // v·a_k = (vᵀU_k)·(xᵀU_k).
    let along = Matrix::from_fn(n, count, |i, k| S::dot(seen[k].row(i), heads.codes[k].row(i)));
    let mut out = SubspaceGradient {
        x: Matrix::zeros(n, x.cols()),
        u: Vec::with_capacity(count),
        bias: vec![S::ZERO; count],
        beta: vec![S::ZERO; count],
        c: vec![S::ZERO; count],
    };
    let mut logits = Matrix::zeros(n, count);
    for i in 0..n {
        // The softmax of the sensitivities, taken from that of the heaviest head: the differences keep their digits.
        let top = (0..count).fold(0, |t, k| if heads.weights[(i, k)].value() > heads.weights[(i, t)].value() { k } else { t });
        let off: Vec<S> = (0..count).map(|k| c[k] * along[(i, k)] - c[top] * along[(i, top)]).collect();
        let mean = S::dot(heads.weights.row(i), &off);
        for k in 0..count {
            let w = heads.weights[(i, k)];
            let e = w * (off[k] - mean);
            logits[(i, k)] = e;
            out.bias[k] += e;
            out.beta[k] += e * S::dot(heads.codes[k].row(i), heads.codes[k].row(i));
            out.c[k] += w * along[(i, k)];
        }
    }
    for (k, u) in u.iter().enumerate() {
        let codes = &heads.codes[k];
        let at = |i: usize| (heads.weights[(i, k)] * c[k], two * logits[(i, k)] * beta[k]);
        // In x: (w c vᵀU + 2eβ xᵀU) Uᵀ; in U: v (w c xᵀU) + x (w c vᵀU + 2eβ xᵀU).
        let both = Matrix::from_fn(n, u.cols(), |i, j| at(i).0 * seen[k][(i, j)] + at(i).1 * codes[(i, j)]);
        let plain = Matrix::from_fn(n, u.cols(), |i, j| at(i).0 * codes[(i, j)]);
        out.x.accumulate(&both.matmul_t(u)?)?;
        out.u.push(v.t_matmul(&plain)?.add(&x.t_matmul(&both)?)?);
    }
    Ok(out)
}

/// What every head sees, and how much it counts.
struct Heads<'a, S> {
    u: &'a [Matrix<S>],
    codes: Vec<Matrix<S>>,
    weights: Matrix<S>,
}
impl<'a, S: Scalar> Heads<'a, S> {
    fn new(x: &Matrix<S>, u: &'a [Matrix<S>], bias: &[S], beta: &[S], c: &[S]) -> Result<Self> {
        let (n, d, count) = (x.rows(), x.cols(), u.len());
        if count == 0 || d == 0 {
            return Err(Error::shape("u", "at least one subspace, in at least one dimension", format!("{count}")).named("EmptyInput"));
        }
        if [bias.len(), beta.len(), c.len()] != [count; 3] || u.iter().any(|u| u.rows() != d) {
            let found = format!("{u:?} with {}, {} and {}", bias.len(), beta.len(), c.len());
            return Err(Error::shape("u, bias, beta and c", format!("{count} matrices of {d} rows, {count} numbers each"), found)
                .named("ShapeMismatch"));
        }
        x.check_finite("x")?;
        let codes = u.iter().map(|u| x.matmul(u)).collect::<Result<Vec<_>>>()?;
        let mut weights = Matrix::from_fn(n, count, |i, k| bias[k] + beta[k] * S::dot(codes[k].row(i), codes[k].row(i)));
        S::softmax_rows(weights.data_mut(), count);
        Ok(Heads { u, codes, weights })
    }
    fn output(&self, c: &[S]) -> Result<Matrix<S>> {
        let mut y = Matrix::zeros(self.weights.rows(), self.u[0].rows());
        for (k, u) in self.u.iter().enumerate() {
            let codes = &self.codes[k];
            let scaled = Matrix::from_fn(codes.rows(), codes.cols(), |i, j| self.weights[(i, k)] * c[k] * codes[(i, j)]);
            y.accumulate(&scaled.matmul_t(u)?)?;
        }
        Ok(y)
    }
}

/// `Σ π_k N(0, λ_k U_kU_kᵀ)`, with orthonormal `U_k` of d × p_k.
#[derive(Clone, Debug)]
pub struct SubspaceMixture<S> {
    weights: Vec<S>,
    lambda: Vec<S>,
    u: Vec<Matrix<S>>,
}

impl<S: Scalar> SubspaceMixture<S> {
    /// Errors: `Shape` (`EmptyInput`); `Domain` (`NotOrthonormal`, those of weights, `NotPsd` for λ < 0).
    pub fn new(weights: Vec<S>, lambda: Vec<S>, u: Vec<Matrix<S>>) -> Result<Self> {
        let d = u.first().map_or(0, Matrix::rows);
        if d == 0 || weights.len() != u.len() || lambda.len() != u.len() || u.iter().any(|u| u.rows() != d || u.cols() > d) {
            let found = format!("{u:?}, {} weights, {} variances", weights.len(), lambda.len());
            return Err(Error::shape("subspaces", "one weight and one variance for each d × p matrix", found).named("EmptyInput"));
        }
        check_weights(&weights)?;
        u.iter().try_for_each(orthonormal)?;
        match lambda.iter().position(|l| !(l.value() >= 0.0 && l.is_finite())) {
            None => Ok(SubspaceMixture { weights, lambda, u }),
            Some(k) => {
                Err(Error::domain(format!("lambda[{k}]"), "a finite number from 0 on", lambda[k].value().to_string()).named("NotPsd"))
            }
        }
    }
    /// The biases b, the inverse temperatures β and the gains c of [`attend_subspaces`] at a noise level. Errors: `Domain` for σ = 0.
    pub fn heads(&self, noise: Noise<S>) -> Result<[Vec<S>; 3]> {
        let noise = Noise::new(noise.alpha, noise.sigma)?.positive()?;
        let (a, s2, half) = (noise.alpha, noise.sigma.square(), S::from_f64(0.5));
        let [mut bias, mut beta, mut c] = [const { Vec::new() }; 3];
        for ((&w, &l), u) in self.weights.iter().zip(&self.lambda).zip(&self.u) {
            let (signal, whole) = (a.square() * l, a.square() * l + s2);
            // A subspace of weight 0 takes no part: its logit is below all others.
            let log = if w == S::ZERO { S::from_f64(-1e30) } else { w.ln() };
            bias.push(log - S::from_usize(u.cols()) * half * (signal / s2).log1p());
            beta.push(signal / (S::from_f64(2.0) * s2 * whole));
            c.push(a * l / whole);
        }
        Ok([bias, beta, c])
    }
    /// `E[x | x_t]` of each row: see [`attend_subspaces`]. `(p_k/2) log(1 + α²λ_k/σ²)` in the bias is what the formula for subspaces of equal dimension may leave out.
    pub fn denoise(&self, noise: Noise<S>, x: &Matrix<S>) -> Result<Matrix<S>> {
        let [bias, beta, c] = self.heads(noise)?;
        attend_subspaces(x, &self.u, &bias, &beta, &c)
    }
    /// The same law as a mixture of Gaussians.
    pub fn mixture(&self) -> Result<GaussianMixture<S>> {
        let d = self.u[0].rows();
        let covariance = |(u, &l): (&Matrix<S>, &S)| Covariance::LowRank { u: u.clone(), lambda: vec![l; u.cols()], tau2: S::ZERO };
        GaussianMixture::new(
            self.weights.clone(),
            Matrix::zeros(self.u.len(), d),
            self.u.iter().zip(&self.lambda).map(covariance).collect(),
        )
    }
}
