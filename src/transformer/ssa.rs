//! Subspace self-attention: one head.

use super::attention::Heads;
use super::projections;
use super::rate::non_negative;
use crate::Result;
use crate::learn::same_shape;
use crate::linalg::Matrix;
use crate::scalar::Scalar;

/// What [`ssa`] computes on its way.
#[derive(Clone, Debug)]
pub struct Ssa<S> {
    /// `A = Z U`, n × p.
    pub projected: Matrix<S>,
    /// `W = softmax_row(scale · A Aᵀ)`, n × n: row i is what token i attends to.
    pub attention: Matrix<S>,
    /// `O = W A`, n × p.
    pub y: Matrix<S>,
}

/// The gradients of [`ssa`].
#[derive(Clone, Debug)]
pub struct SsaGradient<S> {
    /// With respect to Z.
    pub z: Matrix<S>,
    /// With respect to U.
    pub u: Matrix<S>,
    /// With respect to the scale.
    pub scale: S,
}

fn head<S: Scalar>(n: usize, p: usize, scale: S) -> Heads<S> {
    Heads { tokens: n, heads: 1, width: p, at: [0; 3], scale, causal: false }
}

/// `A = Z U`, `W = softmax_row(scale · A Aᵀ)`, `O = W A`: the tokens, seen in one subspace, each replaced by an average of those it resembles there. One
/// projection is query, key and value.
///
/// `z`: n × d, one token a row; `u`: d × p; `scale ≥ 0`, 1 in the paper, `1/√p` in the official code (0 is mean pooling). Result n × p, each row in the convex hull
/// of the rows of A. Cost `2ndp + 4n²p` flops. Errors: `Shape`, `Domain` for scale < 0, `NotFinite` where the correlations overflow.
///
/// Source: Yu et al., *White-Box Transformers via Sparse Rate Reduction*, NeurIPS 2023.
pub fn ssa<S: Scalar>(z: &Matrix<S>, u: &Matrix<S>, scale: S) -> Result<Ssa<S>> {
    non_negative("scale", scale)?;
    let projected = projections(z, std::slice::from_ref(u))?.swap_remove(0);
    let (mut weights, mut y) = (Vec::new(), Matrix::default());
    head(z.rows(), u.cols(), scale).forward(&projected, &mut weights, &mut y);
    finite(&y)?;
    Ok(Ssa { projected, attention: Matrix::new(z.rows(), z.rows(), weights)?, y })
}

/// Errors: `NotFinite` if an output overflowed. A ball says so by itself, as `Undecided`.
pub(super) fn finite<S: Scalar>(y: &Matrix<S>) -> Result<()> {
    if S::NAME == "ball" { Ok(()) } else { y.check_finite("y") }
}

/// Gradient of [`ssa`]: `W̄ = Ō Aᵀ`, `S̄ = W ∘ (W̄ − rowsum(W̄ ∘ W))`, `Ā = Wᵀ Ō + scale (S̄ + S̄ᵀ) A`; `Z̄ = Ā Uᵀ`, `Ū = Zᵀ Ā`, `scale̅ = ⟨S̄, A Aᵀ⟩`.
pub fn ssa_vjp<S: Scalar>(z: &Matrix<S>, u: &Matrix<S>, scale: S, y_bar: &Matrix<S>) -> Result<SsaGradient<S>> {
    let Ssa { projected, attention, y } = ssa(z, u, scale)?;
    same_shape("cotangent", &y, y_bar)?;
    let mut a_bar = Matrix::zeros(y.rows(), y.cols());
    head(z.rows(), u.cols(), scale).backward(&projected, attention.data(), y_bar, &mut a_bar);
    let logits_bar = crate::learn::softmax_vjp(&attention, &y_bar.matmul_t(&projected)?)?;
    Ok(SsaGradient { z: a_bar.matmul_t(u)?, u: z.t_matmul(&a_bar)?, scale: logits_bar.dot(&projected.gram_rows())? })
}
