//! Rate reduction without cancellation: a mean of Kullback–Leibler divergences.
//!
//! `ΔR = Σ_k γ_k KL(N(0, M_k) ‖ N(0, M))` when the weights of each sample sum to 1, and each divergence is `½ (tr X − log det(I + X))`,
//! `X = L⁻¹ (M_k − M) L⁻ᵀ`, `M = L Lᵀ`. The pivots of `I + X` less one give it as a sum of terms that are never negative, so that a rate reduction far below
//! the rate itself (small samples, classes that hardly differ) keeps its digits.

use super::parts::Parts;
use super::source::Side;
use crate::Result;
use crate::linalg::{Cholesky, Matrix, definition::check_pivot, plus_identity};
use crate::scalar::Scalar;

/// `½ Σ_k γ_k (tr X_k − log det(I + X_k))` plus what weights that do not sum to 1 contribute:
/// `½ (1 − Γ)(log det M − α Σ_i q_i) + ½ α Σ_i (1 − t_i) q_i`, `Γ = Σ γ_k`, `t_i` the weight of sample i, `q_i = z_iᵀ M⁻¹ z_i`.
/// `None` where P was too large to be formed, or where a pivot of `I + X` is below 1/8: there X has an eigenvalue near −1 and an error of u in X weighs 1/pivot, but the divergence is no longer small either.
pub(super) fn by_divergences<S: Scalar>(parts: &Parts<S>) -> Result<Option<S>> {
    let Some(p) = parts.whole_moment.product() else { return Ok(None) };
    let mut sum = S::ZERO;
    if parts.whole_moment.side == Side::Features {
        let factor = Cholesky::new(&plus_identity(p)?)?;
        for piece in &parts.classes {
            let own = match (piece.moment.product(), piece.moment.side) {
                (None, _) => return Ok(None),
                (Some(own), Side::Features) => own.clone(),
                (Some(_), Side::Samples) => piece.source.scatter()?.scale(piece.source.alpha),
            };
            let (d, mut x) = (p.rows(), own.sub(p)?);
            S::solve_lower(factor.l().data(), d, x.data_mut(), d)?;
            S::solve_lower_rows(factor.l().data(), d, x.data_mut())?;
            let Some(divergence) = trace_less_log_det(&mut x)? else { return Ok(None) };
            sum = piece.gamma.mul_add(divergence, sum);
        }
    } else {
        // M⁻¹ (M_k − M) has the eigenvalues of Δ_k F, F = W⁻¹ αK, with Δ_k = diag(Π_ik/γ_k − 1).
        let shrinkage = parts.whole_moment.solve(p)?;
        for piece in &parts.classes {
            let mut delta = vec![-S::ONE; p.rows()];
            for (i, &row) in piece.class.rows.iter().enumerate() {
                delta[row] += piece.class.weights.as_ref().map_or(S::ONE, |w| w[i]) / piece.gamma;
            }
            let mut x = Matrix::from_fn(p.rows(), p.rows(), |i, j| delta[i] * shrinkage[(i, j)]);
            let Some(divergence) = trace_less_log_det(&mut x)? else { return Ok(None) };
            sum = piece.gamma.mul_add(divergence, sum);
        }
    }
    let half = S::from_f64(0.5);
    let lacking: Vec<S> = parts.totals.iter().map(|&t| S::ONE - t).collect();
    if parts.lack != S::ZERO || lacking.iter().any(|&l| l != S::ZERO) {
        let form = parts.whole.quadratic(&parts.whole_moment, &parts.whole.z)?;
        let alpha = parts.whole.alpha;
        sum += parts.lack * (parts.whole_moment.log_det()? - alpha * S::sum(&form)) + alpha * S::dot(&lacking, &form);
    }
    Ok(Some(sum * half))
}

/// `tr X − log det(I + X) = Σ_j (s_j − log(1 + s_j)) + (x_jj − s_j)`, where `1 + s_j` are the pivots of `I + X = L U`, whose leading minors must be positive.
/// For symmetric X both terms are never negative. `None` at a pivot below 1/8. Destroys X. `2n³/3` flops.
fn trace_less_log_det<S: Scalar>(x: &mut Matrix<S>) -> Result<Option<S>> {
    let n = x.rows();
    let mut terms = Vec::with_capacity(n);
    let mut gaps = vec![S::ZERO; n];
    for j in 0..n {
        let excess = x[(j, j)];
        let pivot = S::ONE + excess;
        check_pivot(pivot, j)?;
        if pivot.value() < 0.125 {
            return Ok(None);
        }
        terms.push(excess_less_log(excess) + gaps[j]);
        let (above, below) = x.data_mut().split_at_mut((j + 1) * n);
        let pivot_row = &above[j * n..];
        for i in j + 1..n {
            let row = &mut below[(i - j - 1) * n..(i - j) * n];
            let factor = row[j] / pivot;
            gaps[i] = factor.mul_add(pivot_row[i], gaps[i]);
            for c in j + 1..n {
                row[c] = (-factor).mul_add(pivot_row[c], row[c]);
            }
        }
    }
    Ok(Some(S::sum(&terms)))
}

/// `s − log(1 + s)`, relative to its own size: with `t = s/(2 + s)`, `log(1 + s) = 2 (t + t³/3 + t⁵/5 + …)` and `s − 2t = s t`.
fn excess_less_log<S: Scalar>(s: S) -> S {
    if s.value().abs() > 0.125 {
        return s - s.log1p();
    }
    let t = s / (S::from_f64(2.0) + s);
    let square = t.square();
    // |t| < 1/15: fourteen terms leave less than 2⁻¹¹⁰ of the sum.
    let tail = (1..15).rev().fold(S::ZERO, |sum, m| sum.mul_add(square, S::from_usize(2 * m + 1).recip()));
    t * (s - S::from_f64(2.0) * square * tail)
}
