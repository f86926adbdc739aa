//! How alike the atoms are, and what sparsity is then surely recovered.

use super::lasso::positive;
use crate::linalg::{Matrix, spd_solve};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The mutual coherence `μ = max_{i≠j} |a_i·a_j| / (‖a_i‖‖a_j‖)` of atoms as rows; 0 for a single one. `m²d` flops. Errors: `Shape` without atoms; `NotFinite`; `Domain` (`ZeroAtom`).
///
/// Source: Donoho and Huo, *Uncertainty principles and ideal atomic decomposition*, IEEE Trans. Inform. Theory 47, 2001.
pub fn coherence<S: Scalar>(a: &Matrix<S>) -> Result<S> {
    if a.rows() == 0 || a.cols() == 0 {
        return Err(Error::shape("a", "at least one atom of at least one feature", format!("{a:?}")).named("EmptyInput"));
    }
    a.check_finite("a")?;
    let gram = a.gram_rows();
    let norms: Vec<S> = gram.diagonal().into_iter().map(S::sqrt).collect();
    for (j, &norm) in norms.iter().enumerate() {
        positive(&format!("the length of atom {j}"), norm).map_err(|e| e.named("ZeroAtom"))?;
    }
    let mut largest = S::ZERO;
    for i in 0..a.rows() {
        for j in 0..i {
            largest = largest.max(gram[(i, j)].abs() / (norms[i] * norms[j]));
        }
    }
    Ok(largest)
}

/// No m atoms in d dimensions are less coherent than `√((m − d)/(d(m − 1)))`; 0 for `m ≤ d`. Attained by the simplex, `m = d + 1`. Source: Welch, IEEE Trans. Inform. Theory 20, 1974.
pub fn welch_bound<S: Scalar>(m: usize, d: usize) -> S {
    if m <= d || d == 0 { S::ZERO } else { (S::from_usize(m - d) / (S::from_usize(d) * S::from_usize(m - 1))).sqrt() }
}

/// The greatest k with `k < ½(1 + 1/μ)`: every code of at most k atoms is the sparsest of its signal and is found by ℓ¹ minimisation and by orthogonal matching pursuit. `None`: no
/// limit, the atoms are orthogonal. Sufficient, not necessary. Errors: `Domain` for `μ < 0`.
///
/// Source: Donoho and Elad, PNAS 100, 2003; Gribonval and Nielsen, IEEE Trans. Inform. Theory 49, 2003; Tropp, IEEE Trans. Inform. Theory 50, 2004.
pub fn recoverable_sparsity(mu: f64) -> Result<Option<usize>> {
    if !(mu >= 0.0 && mu.is_finite()) {
        return Err(Error::domain("mu", "a finite number from 0 on", mu.to_string()).named("InvalidParameter"));
    }
    Ok((mu > 0.0).then(|| (0.5 * (1.0 + 1.0 / mu)).ceil() as usize - 1))
}

/// Tropp's `max_{j∉S} ‖a_jA_S⁺‖₁`. Below 1, codes on S are found exactly by orthogonal matching pursuit and by ℓ¹ minimisation, and the LASSO at any λ uses no atom outside S, with
/// `‖z* − z₀‖_∞ ≤ λ max_j Σ_i |(A_SA_Sᵀ)⁻¹_ij|`. At most `kμ/(1 − (k − 1)μ)` for unit atoms. Errors: `Shape` for an atom that is not there or named twice;
/// `NotPositiveDefinite` if the atoms of S are dependent.
///
/// Source: Tropp, IEEE Trans. Inform. Theory 50, 2004, Theorem 3.1, and 52, 2006, Theorem 8.
pub fn exact_recovery_coefficient<S: Scalar>(a: &Matrix<S>, support: &[usize]) -> Result<S> {
    a.check_finite("a")?;
    if let Some((k, _)) = support.iter().enumerate().find(|(k, j)| support[..*k].contains(j)) {
        return Err(Error::shape(format!("support[{k}]"), "each atom once", support[k].to_string()));
    }
    let on = a.select_rows(support)?;
    if support.is_empty() {
        return Ok(S::ZERO);
    }
    let weights = spd_solve(&on.gram_rows(), &on.matmul_t(a)?)?;
    let outside = (0..a.rows()).filter(|j| !support.contains(j));
    Ok(outside.fold(S::ZERO, |worst, j| {
        let column: Vec<S> = weights.col(j).into_iter().map(|w| w.abs()).collect();
        worst.max(S::sum(&column))
    }))
}
