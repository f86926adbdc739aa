//! The solution for all λ at once: it is piecewise linear.

use super::active::{Support, codes_on};
use super::lasso::{Codes, Lasso, positive};
use super::solve::support_of;
use crate::linalg::{Matrix, spd_solve};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// A λ at which an atom enters or leaves, and the codes there.
#[derive(Clone, Debug)]
pub struct Knot<S> {
    /// λ.
    pub lambda: S,
    /// The codes at this λ.
    pub z: Vec<S>,
}

/// The codes of one sample for all λ: 0 above the first knot, linear between knots.
#[derive(Clone, Debug)]
pub struct Path<S> {
    /// From `λ_max` down.
    pub knots: Vec<Knot<S>>,
}

impl<S: Scalar> Lasso<S> {
    /// The path of one sample from `λ_max` down to `least` (the λ of the problem plays no part). On a stretch with support S and signs s the codes are
    /// `z_S = (xA_Sᵀ − λs)(A_SA_Sᵀ)⁻¹ = p − λq`; it ends where a code reaches 0 (`λ = p_j/q_j`) or a correlation `c_j = α + λβ` off the support reaches ±λ (`λ = α/(±1 − β)`).
    /// A stretch costs about `md + k³/3` flops. Decisions are made on values. Errors: `Shape` unless `x` is one row; `Domain` unless `least > 0`; `NotPositiveDefinite` where the active atoms become
    /// dependent; `NotConverged` after `64 + 16(m + d)` knots.
    ///
    /// Source: Osborne, Presnell and Turlach, IMA J. Numer. Anal. 20, 2000; Efron, Hastie, Johnstone and Tibshirani, *Least angle regression*, Ann. Statist. 32, 2004.
    pub fn path(&self, x: &Matrix<S>, least: S) -> Result<Path<S>> {
        self.check_data(x)?;
        positive("least λ", least)?;
        if x.rows() != 1 {
            return Err(Error::shape("x", "one sample", format!("{x:?}")));
        }
        let (m, x, a) = (self.a.rows(), x.row(0), &self.a);
        let on_sample: Vec<S> = (0..m).map(|j| S::dot(a.row(j), x)).collect();
        let first =
            (0..m).fold(0, |b, j| if self.codes.excess(on_sample[j]).value() > self.codes.excess(on_sample[b]).value() { j } else { b });
        let mut lambda = self.codes.excess(on_sample[first]);
        let mut knots = vec![Knot { lambda, z: vec![S::ZERO; m] }];
        if lambda.value() <= least.value() {
            return Ok(Path { knots });
        }
        let mut support: Support = vec![(first, if on_sample[first].value() < 0.0 { -1.0 } else { 1.0 })];
        // What just changed stands exactly on its boundary and must not be seen to cross it.
        let mut changed = first;
        for _ in 0..64 + 16 * (m + a.cols()) {
            let p = codes_on(x, a, S::ZERO, &support)?;
            let basis = a.select_rows(&support.iter().map(|&(j, _)| j).collect::<Vec<_>>())?;
            let signs = support.iter().map(|&(_, s)| S::from_f64(s)).collect();
            let q = if support.is_empty() {
                vec![]
            } else {
                spd_solve(&basis.gram_rows(), &Matrix::new(support.len(), 1, signs)?)?.into_data()
            };
            let fit = |codes: &[S]| -> Vec<S> { (0..x.len()).map(|f| S::dot(codes, &basis.col(f))).collect() };
            let (fit_p, fit_q) = (fit(&p), fit(&q));
            let rest: Vec<S> = x.iter().zip(&fit_p).map(|(&x, &f)| x - f).collect();
            let mut next: Option<(S, usize, f64)> = None;
            let mut consider = |at: S, j: usize, sign: f64| {
                let below = at.value() < lambda.value() && at.value() > 0.0;
                if below && next.is_none_or(|(best, _, _)| at.value() > best.value()) {
                    next = Some((at, j, sign));
                }
            };
            for j in 0..m {
                match support.iter().position(|&(k, _)| k == j) {
                    Some(_) if j == changed => {}
                    Some(k) => consider(p[k] / q[k], j, 0.0),
                    None => {
                        let (alpha, beta) = (S::dot(a.row(j), &rest), S::dot(a.row(j), &fit_q));
                        let ends: &[f64] = if self.codes == Codes::Signed { &[1.0, -1.0] } else { &[1.0] };
                        for &sign in ends {
                            let left_here = j == changed && knots.len() > 1 && sign_left(&knots, j) == sign;
                            if !left_here {
                                consider(alpha / (S::from_f64(sign) - beta), j, sign);
                            }
                        }
                    }
                }
            }
            let (at, event) = match next {
                Some((at, j, sign)) if at.value() > least.value() => (at, Some((j, sign))),
                _ => (least, None),
            };
            let mut z = vec![S::ZERO; m];
            for (k, &(j, _)) in support.iter().enumerate() {
                if event != Some((j, 0.0)) {
                    z[j] = p[k] - at * q[k];
                }
            }
            knots.push(Knot { lambda: at, z });
            let Some((j, sign)) = event else { return Ok(Path { knots }) };
            match support.iter().position(|&(k, _)| k == j) {
                Some(k) => drop(support.remove(k)),
                None => support.push((j, sign)),
            }
            (lambda, changed) = (at, j);
        }
        Err(Error::not_converged("path", "an end of the knots", format!("{} of them", knots.len())))
    }
}

/// The sign with which atom j last stood in the support.
fn sign_left<S: Scalar>(knots: &[Knot<S>], j: usize) -> f64 {
    knots.iter().rev().find_map(|k| support_of(&k.z).ok()?.into_iter().find(|&(i, _)| i == j)).map_or(0.0, |(_, s)| s)
}

impl<S: Scalar> Path<S> {
    /// The codes at λ: 0 above the first knot, between knots by interpolation. Errors: `Domain` below the last knot.
    pub fn at(&self, lambda: S) -> Result<Vec<S>> {
        let below = self.knots.iter().position(|k| k.lambda.value() <= lambda.value());
        match below {
            Some(0) => Ok(self.knots[0].z.iter().map(|_| S::ZERO).collect()),
            Some(i) => {
                let (above, below) = (&self.knots[i - 1], &self.knots[i]);
                let t = (above.lambda - lambda) / (above.lambda - below.lambda);
                Ok(above.z.iter().zip(&below.z).map(|(&a, &b)| a + t * (b - a)).collect())
            }
            None => Err(Error::domain("λ", "at least the last knot of the path", lambda.value().to_string())),
        }
    }
}
