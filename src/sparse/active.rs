//! Which atoms a solution uses, and with which signs: a finite search in f64.

use super::lasso::Codes;
use crate::linalg::{Matrix, spd_solve};
use crate::scalar::{Bulk, Scalar};
use crate::{Error, Result};

/// The atoms of a solution in ascending order, each with the sign of its code.
pub type Support = Vec<(usize, f64)>;

/// A dictionary in f64 with its Gram matrix, for the searches of many samples.
pub struct Search {
    a: Matrix<f64>,
    gram: Matrix<f64>,
    lambda: f64,
    codes: Codes,
}

impl Search {
    /// For these atoms, λ > 0.
    pub fn new(a: Matrix<f64>, lambda: f64, codes: Codes) -> Search {
        Search { gram: a.gram_rows(), a, lambda, codes }
    }

    /// The support of a solution of `½‖x − zA‖² + λ‖z‖₁`.
    ///
    /// An active-set descent (Osborne, Presnell and Turlach, IMA J. Numer. Anal. 20, 2000; Lee, Battle, Raina and Ng, *Efficient sparse coding algorithms*, NIPS 2006): the atom whose
    /// correlation most exceeds λ enters with its sign; then the codes move towards the minimum over the active atoms with these signs, `z_S = (xA_Sᵀ − λs)(A_SA_Sᵀ)⁻¹`, as far as
    /// the first code that would change its sign, which leaves. An atom in the span of the active ones enters along the kernel, where the fit stays and the norm falls. The objective falls at
    /// every move, so no set returns. Correlations within rounding of λ count as not above it. `mk + k³/3` flops a move.
    pub fn support(&self, x: &[f64]) -> Result<Support> {
        let [m, d] = self.a.shape();
        let onto: Vec<f64> = (0..m).map(|j| f64::dot(self.a.row(j), x)).collect();
        let norms: Vec<f64> = (0..m).map(|j| self.gram[(j, j)].sqrt()).collect();
        let length = f64::dot(x, x).sqrt();
        let u = 16.0 * (d + 8) as f64 * f64::UNIT_ROUNDOFF;
        let mut active: Vec<(usize, f64, f64)> = Vec::new();
        let mut refused = vec![false; m];
        let most = 64 + 16 * (m + d);
        for _ in 0..most {
            let mut c = onto.clone();
            for &(j, _, z) in &active {
                c.iter_mut().zip(self.gram.row(j)).for_each(|(c, &g)| *c = (-z).mul_add(g, *c));
            }
            let size = length + active.iter().map(|&(j, _, z)| z.abs() * norms[j]).sum::<f64>();
            let mut entering: Option<(usize, f64, f64)> = None;
            for j in (0..m).filter(|&j| !refused[j] && !active.iter().any(|&(k, _, _)| k == j)) {
                let excess = if self.codes == Codes::Signed { c[j].abs() } else { c[j] } - self.lambda;
                if excess > u * size * norms[j] && entering.is_none_or(|(_, _, best)| excess > best) {
                    entering = Some((j, if c[j] < 0.0 { -1.0 } else { 1.0 }, excess));
                }
            }
            let Some((j, sign, _)) = entering else {
                let mut support: Support = active.iter().map(|&(j, s, _)| (j, s)).collect();
                support.sort_by_key(|&(j, _)| j);
                return Ok(support);
            };
            if self.enter(&mut active, j, sign, u) {
                refused[j] = true;
                continue;
            }
            // Towards the minimum over the active atoms, dropping whatever changes sign on the way.
            while !active.is_empty() {
                let right = active.iter().map(|&(j, s, _)| onto[j] - self.lambda * s).collect();
                let Ok(target) = self.solve(&active, right) else {
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
        Err(Error::not_converged(
            "lasso",
            format!("the active set to settle within {most} changes"),
            format!("{} active atoms", active.len()),
        ))
    }

    /// `(A_SA_Sᵀ)⁻¹ b`.
    fn solve(&self, active: &[(usize, f64, f64)], b: Vec<f64>) -> Result<Vec<f64>> {
        let k = active.len();
        let gram = Matrix::from_fn(k, k, |p, q| self.gram[(active[p].0, active[q].0)]);
        Ok(spd_solve(&gram, &Matrix::new(k, 1, b)?)?.into_data())
    }

    /// Adds atom j with code 0; where it lies in the span of the others, moves along the kernel until one of them leaves. True if it could not enter.
    fn enter(&self, active: &mut Vec<(usize, f64, f64)>, j: usize, sign: f64, u: f64) -> bool {
        let square = self.gram[(j, j)];
        let inner: Vec<f64> = active.iter().map(|&(k, _, _)| self.gram[(k, j)]).collect();
        let Ok(w) = self.solve(active, inner.clone()) else { return true };
        if square - f64::dot(&inner, &w) <= 16.0 * u * square {
            // z_S − t sign w, z_j = t sign.
            let gone = |k: usize| {
                let slope = -sign * w[k];
                if slope * active[k].1 < 0.0 { -active[k].2 / slope } else { f64::INFINITY }
            };
            let k = (0..active.len()).fold(0, |b, k| if gone(k) < gone(b) { k } else { b });
            let t = if active.is_empty() { f64::INFINITY } else { gone(k) };
            if !(t > 0.0 && t < f64::INFINITY) {
                return true;
            }
            active.iter_mut().zip(&w).for_each(|(entry, &w)| entry.2 -= t * sign * w);
            active.remove(k);
            active.push((j, sign, sign * t));
            return false;
        }
        active.push((j, sign, 0.0));
        false
    }
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
