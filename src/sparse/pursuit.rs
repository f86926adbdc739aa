//! Greedy coding.

use super::active::codes_on;
use super::lasso::{Codes, Lasso};
use crate::linalg::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// At most `k` atoms a sample, each time the one most correlated with what is left (relative to its length), all codes refitted by least squares. Stops early where the residual is 0 or nothing
/// correlates. `z`: `n × m`. About `k(md + k³/3)` flops a sample. Decisions are made on values. Errors: `Shape`, `NotFinite`; `Domain` for `k > d`;
/// `NotPositiveDefinite` where chosen atoms are dependent.
///
/// Source: Pati, Rezaiifar and Krishnaprasad, Asilomar 1993; recovery: Tropp, IEEE Trans. Inform. Theory 50, 2004.
pub fn orthogonal_matching_pursuit<S: Scalar>(x: &Matrix<S>, a: &Matrix<S>, k: usize) -> Result<Matrix<S>> {
    let problem = Lasso::new(a.clone(), S::ZERO, Codes::Signed)?;
    problem.check_data(x)?;
    if k > a.cols() {
        return Err(Error::domain("k", format!("at most the {} features", a.cols()), k.to_string()).named("InvalidParameter"));
    }
    let norms: Vec<f64> = (0..a.rows()).map(|j| S::dot(a.row(j), a.row(j)).sqrt().value()).collect();
    let mut z = Matrix::zeros(x.rows(), a.rows());
    for i in 0..x.rows() {
        let mut support: Vec<(usize, f64)> = Vec::new();
        let mut rest = x.row(i).to_vec();
        let length = S::dot(&rest, &rest).sqrt().value();
        while support.len() < k {
            let score = |j: usize| (S::dot(a.row(j), &rest).value() / norms[j]).abs();
            let free = (0..a.rows()).filter(|&j| norms[j] > 0.0 && !support.iter().any(|&(s, _)| s == j));
            let best = free.fold(None, |b: Option<(usize, f64)>, j| if b.is_none_or(|b| score(j) > b.1) { Some((j, score(j))) } else { b });
            // Below rounding nothing is left to explain.
            let Some((j, _)) = best.filter(|b| b.1 > 8.0 * (a.cols() as f64) * S::UNIT_ROUNDOFF * length) else { break };
            support.push((j, 0.0));
            let codes = codes_on(x.row(i), a, S::ZERO, &support)?;
            z.row_mut(i).fill(S::ZERO);
            rest = x.row(i).to_vec();
            for (&(j, _), &code) in support.iter().zip(&codes) {
                z[(i, j)] = code;
                rest.iter_mut().zip(a.row(j)).for_each(|(r, &a)| *r -= code * a);
            }
        }
    }
    Ok(z)
}
