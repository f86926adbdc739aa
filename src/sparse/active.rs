//! Which atoms a solution uses, and with which signs: a finite search in f64.

use super::lasso::Codes;
use crate::linalg::{Matrix, spd_solve};
use crate::scalar::{Bulk, Scalar};
use crate::{Error, Result};

/// The atoms of a solution in ascending order, each with the sign of its code.
pub type Support = Vec<(usize, f64)>;

/// The support of a solution of `½‖x − zA‖² + λ‖z‖₁`, λ > 0.
///
/// An active-set descent (Osborne, Presnell and Turlach, IMA J. Numer. Anal. 20, 2000; Lee, Battle, Raina and Ng, *Efficient sparse coding algorithms*, NIPS 2006): the atom whose
/// correlation most exceeds λ enters with its sign; then the codes move towards the minimum over the active atoms with these signs, `z_S = (xA_Sᵀ − λs)(A_SA_Sᵀ)⁻¹`, as far as
/// the first code that would change its sign, which leaves. An atom in the span of the active ones enters along the kernel, where the fit stays and the norm falls. The objective falls at
/// every move, so no set returns. Correlations within rounding of λ count as not above it.
pub fn support(x: &[f64], a: &Matrix<f64>, lambda: f64, codes: Codes) -> Result<Support> {
    let [m, d] = a.shape();
    let norms: Vec<f64> = (0..m).map(|j| f64::dot(a.row(j), a.row(j)).sqrt()).collect();
    let length = f64::dot(x, x).sqrt();
    let u = 16.0 * (d + 8) as f64 * f64::UNIT_ROUNDOFF;
    let mut active: Vec<(usize, f64, f64)> = Vec::new();
    let mut refused = vec![false; m];
    let most = 64 + 16 * (m + d);
    for _ in 0..most {
        let residual = residual(x, a, &active);
        let size = length + active.iter().map(|&(j, _, z)| z.abs() * norms[j]).sum::<f64>();
        let mut entering: Option<(usize, f64, f64)> = None;
        for j in (0..m).filter(|&j| !refused[j] && !active.iter().any(|&(k, _, _)| k == j)) {
            let c = f64::dot(a.row(j), &residual);
            let excess = if codes == Codes::Signed { c.abs() } else { c } - lambda;
            if excess > u * size * norms[j] && entering.is_none_or(|(_, _, best)| excess > best) {
                entering = Some((j, if c < 0.0 { -1.0 } else { 1.0 }, excess));
            }
        }
        let Some((j, sign, _)) = entering else {
            let mut support: Support = active.iter().map(|&(j, s, _)| (j, s)).collect();
            support.sort_by_key(|&(j, _)| j);
            return Ok(support);
        };
        if enter(a, &mut active, j, sign, u) {
            refused[j] = true;
            continue;
        }
        // Towards the minimum over the active atoms, dropping whatever changes sign on the way.
        while !active.is_empty() {
            let Ok(target) = minimum(x, a, lambda, &active) else {
                return Err(Error::not_converged("lasso", "active atoms that are independent", format!("{} of {d}", active.len())));
            };
            let step = |k: usize| active[k].2 / (active[k].2 - target[k]);
            let blocking = (0..active.len()).filter(|&k| target[k] * active[k].1 <= 0.0).min_by(|&p, &q| step(p).total_cmp(&step(q)));
            let Some(k) = blocking else {
                active.iter_mut().zip(&target).for_each(|(entry, &z)| entry.2 = z);
                break;
            };
            let t = if active[k].2 == 0.0 { 0.0 } else { step(k) };
            active.iter_mut().zip(&target).for_each(|(entry, &z)| entry.2 += t * (z - entry.2));
            // What enters and leaves at once did so by rounding alone.
            refused[active[k].0] |= t == 0.0;
            active.remove(k);
        }
    }
    Err(Error::not_converged("lasso", format!("the active set to settle within {most} changes"), format!("{} active atoms", active.len())))
}

/// `x − zA`.
fn residual(x: &[f64], a: &Matrix<f64>, active: &[(usize, f64, f64)]) -> Vec<f64> {
    let mut r = x.to_vec();
    for &(j, _, z) in active {
        r.iter_mut().zip(a.row(j)).for_each(|(r, &a)| *r = (-z).mul_add(a, *r));
    }
    r
}

/// Adds atom j with code 0; where it lies in the span of the others, moves along the kernel until one of them leaves. True if it could not enter.
fn enter(a: &Matrix<f64>, active: &mut Vec<(usize, f64, f64)>, j: usize, sign: f64, u: f64) -> bool {
    let square = f64::dot(a.row(j), a.row(j));
    if !active.is_empty() {
        let rows: Vec<usize> = active.iter().map(|&(k, _, _)| k).collect();
        let Ok(basis) = a.select_rows(&rows) else { return true };
        let inner: Vec<f64> = (0..rows.len()).map(|k| f64::dot(basis.row(k), a.row(j))).collect();
        let Ok(w) = Matrix::new(rows.len(), 1, inner.clone()).and_then(|b| spd_solve(&basis.gram_rows(), &b)) else { return true };
        let distance = square - f64::dot(&inner, w.data());
        if distance <= 16.0 * u * square {
            // z_S − t sign w, z_j = t sign.
            let gone = |k: usize| {
                let slope = -sign * w.data()[k];
                if slope * active[k].1 < 0.0 { -active[k].2 / slope } else { f64::INFINITY }
            };
            let k = (0..active.len()).fold(0, |b, k| if gone(k) < gone(b) { k } else { b });
            let t = gone(k);
            if !(t > 0.0 && t < f64::INFINITY) {
                return true;
            }
            active.iter_mut().zip(w.data()).for_each(|(entry, &w)| entry.2 -= t * sign * w);
            active.remove(k);
            active.push((j, sign, sign * t));
            return false;
        }
    }
    active.push((j, sign, 0.0));
    false
}

/// `(xA_Sᵀ − λs)(A_SA_Sᵀ)⁻¹`.
fn minimum(x: &[f64], a: &Matrix<f64>, lambda: f64, active: &[(usize, f64, f64)]) -> Result<Vec<f64>> {
    let support: Support = active.iter().map(|&(j, s, _)| (j, s)).collect();
    codes_on(x, a, lambda, &support)
}

/// The codes on a support with these signs: `z_S = (xA_Sᵀ − λs)(A_SA_Sᵀ)⁻¹`. Errors: `NotPositiveDefinite` where the atoms are dependent.
pub fn codes_on<S: Scalar>(x: &[S], a: &Matrix<S>, lambda: S, support: &[(usize, f64)]) -> Result<Vec<S>> {
    if support.is_empty() {
        return Ok(Vec::new());
    }
    let basis = a.select_rows(&support.iter().map(|&(j, _)| j).collect::<Vec<_>>())?;
    let right = support.iter().enumerate().map(|(k, &(_, s))| S::dot(basis.row(k), x) - lambda * S::from_f64(s)).collect();
    Ok(spd_solve(&basis.gram_rows(), &Matrix::new(support.len(), 1, right)?)?.into_data())
}
