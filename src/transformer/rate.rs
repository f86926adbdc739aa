//! The objective: the coding rate against learned subspaces, and sparse rate reduction.

use super::projections;
use crate::coding::{Distortion, coding_rate, coding_rate_gradient};
use crate::learn::relu_derivative;
use crate::linalg::{Matrix, spd_solve};
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// The gradient of [`subspace_coding_rate`].
#[derive(Clone, Debug)]
pub struct SubspaceRateGradient<S> {
    /// `∂R^c/∂Z`, n × d.
    pub z: Matrix<S>,
    /// `∂R^c/∂U_k`, d × p_k.
    pub u: Vec<Matrix<S>>,
    /// `∂R^c/∂ε²`.
    pub eps2: S,
}

/// `R^c(Z | U_1 … U_K) = Σ_k R(Z U_k) = ½ Σ_k log det(I_p + a_k U_kᵀZᵀZU_k)`, `a_k = p_k/(nε²)`: nats a token to code the tokens in each of K learned subspaces.
///
/// `z`: n × d, one token a row; `u`: K bases d × p_k, which need not be orthonormal. Each term is the [`coding_rate`] of the projected tokens, with the head
/// dimension p in its constant, not d. Value ≥ 0, and 0 only if every `Z U_k` is. Cost `2ndKp + K(np·min(n,p) + min(n,p)³/3)` flops.
/// Errors: `Shape`, `Domain` for ε ≤ 0.
///
/// Source: Yu, Buchanan, Pai, Chu, Wu, Tong, Haeffele and Ma, *White-Box Transformers via Sparse Rate Reduction*, NeurIPS 2023.
pub fn subspace_coding_rate<S: Scalar>(z: &Matrix<S>, u: &[Matrix<S>], distortion: Distortion<S>) -> Result<S> {
    let rates = projections(z, u)?.iter().map(|a| coding_rate(a, distortion)).collect::<Result<Vec<S>>>()?;
    Ok(S::sum(&rates))
}

/// The gradient of [`subspace_coding_rate`]: with `G_k = A_k (I/a_k + A_kᵀA_k)⁻¹ = ∂R/∂A_k` and `A_k = Z U_k`,
/// `∂R^c/∂Z = Σ_k G_k U_kᵀ`, `∂R^c/∂U_k = Zᵀ G_k`, `∂R^c/∂ε² = −Σ_k ⟨A_k, G_k⟩/(2ε²)`. `d(Z U_k) = dZ U_k + Z dU_k`.
pub fn subspace_coding_rate_gradient<S: Scalar>(
    z: &Matrix<S>,
    u: &[Matrix<S>],
    distortion: Distortion<S>,
) -> Result<SubspaceRateGradient<S>> {
    let mut gradient = SubspaceRateGradient { z: Matrix::zeros(z.rows(), z.cols()), u: Vec::with_capacity(u.len()), eps2: S::ZERO };
    let squared = distortion.squared()?;
    for (a, u) in projections(z, u)?.iter().zip(u) {
        let g = head_gradient(a, a, S::from_usize(a.cols()) / (S::from_usize(a.rows()) * squared))?;
        gradient.eps2 -= a.dot(&g)? / (S::from_f64(2.0) * squared);
        gradient.z.accumulate(&g.matmul_t(u)?)?;
        gradient.u.push(z.t_matmul(&g)?);
    }
    Ok(gradient)
}

/// `B (I/c + AᵀA)⁻¹` if A has at least as many rows as columns, else `(I/c + AAᵀ)⁻¹ B`; the same for B = A, where it is the gradient of the rate of A. With the
/// constant at the identity, derivatives in it do not cancel.
pub(super) fn head_gradient<S: Scalar>(a: &Matrix<S>, b: &Matrix<S>, c: S) -> Result<Matrix<S>> {
    let columns = a.cols() <= a.rows();
    let mut gram = if columns { a.gram_cols() } else { a.gram_rows() };
    for i in 0..gram.rows() {
        gram[(i, i)] = c.recip() + gram[(i, i)];
    }
    if columns { Matrix::new(b.rows(), b.cols(), S::spd_solve_rows(gram.data(), gram.rows(), b.data())?) } else { spd_solve(&gram, b) }
}

/// How sparsity is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sparsity {
    /// `‖Z‖_0`, the number of entries that are not exactly 0. Its derivative is 0 almost everywhere.
    Zero,
    /// `‖Z‖_1 = Σ |z_ij|`, the convex relaxation.
    One,
}

/// The terms of sparse rate reduction.
#[derive(Clone, Copy, Debug)]
pub struct SparseRateReduction<S> {
    /// `R − R^c − λ‖Z‖`.
    pub value: S,
    /// `R(Z)`.
    pub rate: S,
    /// `R^c(Z | U)`.
    pub subspace_rate: S,
    /// `‖Z‖`.
    pub norm: S,
}

/// `R(Z; ε) − R^c(Z | U; ε) − λ‖Z‖`, to be maximised: tokens that together span much, each subspace little, with few non-zeros. `‖·‖` counts or sums the
/// entries, see [`Sparsity`]; `λ ≥ 0`. The difference `R − R^c` may be negative: the bases are learned, not a partition.
/// Errors: `Shape`; `Domain` for ε ≤ 0, λ < 0; `Undecided` where a ball cannot tell whether an entry is 0.
///
/// Source: Yu et al., NeurIPS 2023: with ℓ⁰ as stated, with ℓ¹ as optimised.
pub fn sparse_rate_reduction<S: Scalar>(
    z: &Matrix<S>,
    u: &[Matrix<S>],
    distortion: Distortion<S>,
    lambda: S,
    sparsity: Sparsity,
) -> Result<SparseRateReduction<S>> {
    non_negative("lambda", lambda)?;
    let (rate, subspace_rate) = (coding_rate(z, distortion)?, subspace_coding_rate(z, u, distortion)?);
    let norm = sparsity_norm(z, sparsity)?;
    Ok(SparseRateReduction { value: rate - subspace_rate - lambda * norm, rate, subspace_rate, norm })
}

/// The gradient of [`sparse_rate_reduction`].
#[derive(Clone, Debug)]
pub struct SparseRateReductionGradient<S> {
    /// With respect to Z.
    pub z: Matrix<S>,
    /// With respect to the bases.
    pub u: Vec<Matrix<S>>,
    /// With respect to ε².
    pub eps2: S,
    /// With respect to λ.
    pub lambda: S,
}

/// `∂R/∂Z − ∂R^c/∂Z − λ sgn(Z)`, `sgn(0) = 0` (without the last term for ℓ⁰); `−∂R^c/∂U_k`; `−‖Z‖` for λ.
pub fn sparse_rate_reduction_gradient<S: Scalar>(
    z: &Matrix<S>,
    u: &[Matrix<S>],
    distortion: Distortion<S>,
    lambda: S,
    sparsity: Sparsity,
) -> Result<SparseRateReductionGradient<S>> {
    non_negative("lambda", lambda)?;
    let (rate, apart) = (coding_rate_gradient(z, distortion)?, subspace_coding_rate_gradient(z, u, distortion)?);
    let z_bar = rate.z.sub(&apart.z)?.sub(&sparsity_gradient(z, sparsity).scale(lambda))?;
    let u = apart.u.iter().map(|u| u.scale(-S::ONE)).collect();
    Ok(SparseRateReductionGradient { z: z_bar, u, eps2: rate.eps2 - apart.eps2, lambda: -sparsity_norm(z, sparsity)? })
}

/// `sgn(Z)`, 0 at 0, for ℓ¹; 0 for ℓ⁰.
pub fn sparsity_gradient<S: Scalar>(z: &Matrix<S>, sparsity: Sparsity) -> Matrix<S> {
    z.map(|x| if sparsity == Sparsity::One { relu_derivative(x) - relu_derivative(-x) } else { S::ZERO })
}

/// `‖Z‖_1` or `‖Z‖_0`. Errors: `Undecided` where a ball cannot tell whether an entry is 0.
pub fn sparsity_norm<S: Scalar>(z: &Matrix<S>, sparsity: Sparsity) -> Result<S> {
    let mut terms = Vec::with_capacity(z.data().len());
    for (k, &x) in z.data().iter().enumerate() {
        terms.push(match (sparsity, x.sign()) {
            (Sparsity::One, _) => x.abs(),
            (Sparsity::Zero, Some(Ordering::Equal)) => S::ZERO,
            (Sparsity::Zero, Some(_)) => S::ONE,
            (Sparsity::Zero, None) => {
                return Err(Error::undecided(
                    format!("z[{}, {}]", k / z.cols(), k % z.cols()),
                    "a number that is 0 or is not",
                    "an enclosure around 0",
                ));
            }
        });
    }
    Ok(S::sum(&terms))
}

/// Errors: `Domain` unless `x ≥ 0` and finite.
pub(super) fn non_negative<S: Scalar>(name: &str, x: S) -> Result<()> {
    if x.value() >= 0.0 && x.is_finite() {
        Ok(())
    } else {
        Err(Error::domain(name, "a finite number from 0 on", x.value().to_string()).named("Negative"))
    }
}
