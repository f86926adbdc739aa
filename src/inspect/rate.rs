//! The rate that the official script measures.

use crate::coding::{Distortion, coding_rate, coding_rate_gradient};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// Every row divided by its length, and the lengths. Errors: `Domain` for a row of zeros.
fn unit_rows<S: Scalar>(x: &Matrix<S>, k: usize) -> Result<(Matrix<S>, Vec<S>)> {
    let (mut unit, mut lengths) = (x.clone(), Vec::with_capacity(x.rows()));
    for i in 0..x.rows() {
        let length = S::dot(x.row(i), x.row(i)).sqrt();
        if !(length.value() > 0.0) {
            return Err(Error::domain(format!("heads[{k}], row {i}"), "a token that is not 0, since it is divided by its length", "0")
                .named("DegenerateNormalisation"));
        }
        unit.row_mut(i).iter_mut().for_each(|x| *x /= length);
        lengths.push(length);
    }
    Ok((unit, lengths))
}

/// `½ Σ_k log det(I_p + p/(mε²) X̂_kᵀX̂_k)`, the rows of each of the K heads `X_k` (m × p) first divided by their lengths: nats a token.
///
/// It lies between `(K/2) log(1 + p/ε²)`, where all tokens of a head are on one line, and `(Kr/2) log(1 + p/(rε²))`, `r = min(m, p)`, and does not depend on the lengths of the tokens, so that
/// layers can be compared. The official script (CRATE, `vis_utils/coding_rate.py`) calls it with `eps=0.01`, which is ε² = 0.01, on the projections `LN_1(Z^ℓ) U_k` that enter the attention, the class token
/// among them; not on `Z^{ℓ+½}`, as its description says. Cost `K(mp·min(m,p) + min(m,p)³/3)` flops.
///
/// Errors: `Shape` without heads or for empty ones; `Domain` for ε ≤ 0 and for a token of zeros, where the script divides 0 by 0.
pub fn layer_coding_rate<S: Scalar>(heads: &[Matrix<S>], distortion: Distortion<S>) -> Result<S> {
    if heads.is_empty() {
        return Err(Error::shape("heads", "at least one", "none").named("EmptyInput"));
    }
    let rates = heads.iter().enumerate().map(|(k, x)| coding_rate(&unit_rows(x, k)?.0, distortion)).collect::<Result<Vec<S>>>()?;
    Ok(S::sum(&rates))
}

/// The gradient of [`layer_coding_rate`] in every head and in ε². With `Ḡ` the gradient of the rate at the unit rows `x̂ = x/‖x‖`: `x̄ = (ḡ − x̂⟨x̂, ḡ⟩)/‖x‖`, the part of `ḡ` along the row being lost.
pub fn layer_coding_rate_gradient<S: Scalar>(heads: &[Matrix<S>], distortion: Distortion<S>) -> Result<(Vec<Matrix<S>>, S)> {
    let (mut all, mut eps2) = (Vec::with_capacity(heads.len()), S::ZERO);
    for (k, x) in heads.iter().enumerate() {
        let (unit, lengths) = unit_rows(x, k)?;
        let mut g = coding_rate_gradient(&unit, distortion)?;
        eps2 += g.eps2;
        for (i, &length) in lengths.iter().enumerate() {
            let along = S::dot(unit.row(i), g.z.row(i));
            g.z.row_mut(i).iter_mut().zip(unit.row(i)).for_each(|(g, &u)| *g = (*g - u * along) / length);
        }
        all.push(g.z);
    }
    Ok((all, eps2))
}
