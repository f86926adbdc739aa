//! Covariances of the components of a mixture: full, low rank plus noise, or no spread at all.

use super::Noise;
use crate::linalg::{Cholesky, Eigen, Matrix};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// A positive semidefinite d × d matrix; singular ones, 0 included, are legal.
#[derive(Clone, Debug, PartialEq)]
pub enum Covariance<S> {
    /// Any.
    Full(Matrix<S>),
    /// `U diag(λ) Uᵀ + τ² I`: p directions and noise of the same size in all.
    LowRank {
        /// d × p with orthonormal columns, `p ≤ d`.
        u: Matrix<S>,
        /// The p variances along the columns, from 0 on.
        lambda: Vec<S>,
        /// τ², from 0 on.
        tau2: S,
    },
}

impl<S: Scalar> Covariance<S> {
    /// d.
    pub fn dim(&self) -> usize {
        match self {
            Covariance::Full(a) => a.rows(),
            Covariance::LowRank { u, .. } => u.rows(),
        }
    }
    /// Holds the matrix against its definition. Errors: `Shape`, `NotFinite`; `Domain` (`NotSymmetric`) unless symmetric to the bit, (`NotPsd`) for an eigenvalue below
    /// what rounding explains, (`NotOrthonormal`) if `UᵀU` differs from I by more than 10⁻¹⁰ (or 64 d u).
    pub fn check(&self) -> Result<()> {
        match self {
            Covariance::Full(a) => {
                let n = a.check_square("covariance")?;
                a.check_finite("covariance")?;
                for i in 0..n {
                    for j in 0..i {
                        if a[(i, j)].value() != a[(j, i)].value() {
                            let found = format!("{} and {}", a[(i, j)].value(), a[(j, i)].value());
                            return Err(Error::domain(format!("covariance[{i}, {j}]"), "the entry across the diagonal", found)
                                .named("NotSymmetric"));
                        }
                    }
                }
                let values = Eigen::new(&a.map(|x| x.value()))?.values;
                let (largest, least) = (values.first().copied().unwrap_or(0.0), values.last().copied().unwrap_or(0.0));
                let allowed = 32.0 * n as f64 * S::UNIT_ROUNDOFF.max(f64::UNIT_ROUNDOFF) * largest.abs().max(least.abs());
                if least < -allowed {
                    return Err(Error::domain("covariance", "eigenvalues from 0 on", format!("{least:e}")).named("NotPsd"));
                }
                Ok(())
            }
            Covariance::LowRank { u, lambda, tau2 } => {
                if lambda.len() != u.cols() || u.cols() > u.rows() {
                    let found = format!("{u:?} and {} variances", lambda.len());
                    return Err(Error::shape("low-rank covariance", "d × p with p ≤ d, and p variances", found));
                }
                u.check_finite("u")?;
                if let Some(x) = lambda.iter().chain([tau2]).find(|x| !x.is_finite() || x.value() < 0.0) {
                    return Err(Error::domain("lambda and tau2", "finite numbers from 0 on", x.value().to_string()).named("NotPsd"));
                }
                orthonormal(u)
            }
        }
    }
    /// The matrix itself.
    pub fn dense(&self) -> Result<Matrix<S>> {
        match self {
            Covariance::Full(a) => Ok(a.clone()),
            Covariance::LowRank { u, lambda, tau2 } => {
                let mut a = Matrix::from_fn(u.rows(), u.cols(), |i, j| u[(i, j)] * lambda[j]).matmul_t(u)?.symmetrised()?;
                (0..u.rows()).for_each(|i| a[(i, i)] += *tau2);
                Ok(a)
            }
        }
    }
    /// `α² Σ + σ² I`.
    pub fn noised(&self, noise: Noise<S>) -> Self {
        let (a2, s2) = (noise.alpha.square(), noise.sigma.square());
        match self {
            Covariance::Full(a) => {
                let mut m = a.scale(a2);
                (0..m.rows()).for_each(|i| m[(i, i)] += s2);
                Covariance::Full(m)
            }
            Covariance::LowRank { u, lambda, tau2 } => {
                let lambda = lambda.iter().map(|&l| l * a2).collect();
                Covariance::LowRank { u: u.clone(), lambda, tau2: *tau2 * a2 + s2 }
            }
        }
    }
    /// `X Σ` for rows X.
    pub fn apply_rows(&self, x: &Matrix<S>) -> Result<Matrix<S>> {
        match self {
            Covariance::Full(a) => x.matmul(a),
            Covariance::LowRank { u, lambda, tau2 } => {
                let mut codes = x.matmul(u)?;
                for i in 0..codes.rows() {
                    codes.row_mut(i).iter_mut().zip(lambda).for_each(|(c, &l)| *c *= l);
                }
                codes.matmul_t(u)?.add(&x.scale(*tau2))
            }
        }
    }
    /// The trace.
    pub fn trace(&self) -> S {
        match self {
            Covariance::Full(a) => a.trace(),
            Covariance::LowRank { u, lambda, tau2 } => S::sum(lambda) + *tau2 * S::from_usize(u.rows()),
        }
    }
    /// What inverts it. Errors: `NotPositiveDefinite` where it is singular.
    pub(super) fn factor(&self) -> Result<Factor<S>> {
        match self {
            Covariance::Full(a) => {
                let cholesky = Cholesky::new(a)?;
                let log_det = cholesky.log_det();
                Ok(Factor { parts: Parts::Full(cholesky), log_det })
            }
            Covariance::LowRank { u, lambda, tau2 } => {
                let scales: Vec<S> = lambda.iter().map(|&l| l + *tau2).collect();
                let floor = u.rows() - u.cols();
                if scales.iter().any(|a| !(a.value() > 0.0)) || (floor > 0 && !(tau2.value() > 0.0)) {
                    let found = format!("tau2 = {}", tau2.value());
                    return Err(Error::not_positive_definite("low-rank covariance", "some variance in every direction", found));
                }
                let logs: Vec<S> = scales.iter().map(|a| a.ln()).collect();
                let rest = if floor > 0 { S::from_usize(floor) * tau2.ln() } else { S::ZERO };
                Ok(Factor { log_det: S::sum(&logs) + rest, parts: Parts::LowRank { u: u.clone(), scales, q: *tau2 } })
            }
        }
    }
}

impl Covariance<f64> {
    /// `F` with `F Fᵀ = Σ`, d × r: samples are `μ + F z`.
    pub fn root(&self) -> Result<Matrix<f64>> {
        match self {
            Covariance::Full(a) => {
                let eigen = Eigen::new(a)?;
                // What rounding leaves below zero belongs to a direction without spread.
                let roots: Vec<f64> = eigen.values.iter().map(|&l| if l > 0.0 { l.sqrt() } else { 0.0 }).collect();
                Ok(Matrix::from_fn(a.rows(), a.rows(), |i, j| eigen.vectors[(i, j)] * roots[j]))
            }
            Covariance::LowRank { u, lambda, tau2 } => {
                let (d, p, t) = (u.rows(), u.cols(), tau2.sqrt());
                let noisy = if t > 0.0 { d } else { 0 };
                Ok(Matrix::from_fn(d, p + noisy, |i, j| match j.checked_sub(p) {
                    None => u[(i, j)] * lambda[j].sqrt(),
                    Some(j) => {
                        if i == j {
                            t
                        } else {
                            0.0
                        }
                    }
                }))
            }
        }
    }
}

/// Errors: `Domain` (`NotOrthonormal`) unless `UᵀU = I` to 10⁻¹⁰, or to 64 d u in a coarser number.
pub(super) fn orthonormal<S: Scalar>(u: &Matrix<S>) -> Result<()> {
    let allowed = (64.0 * u.rows() as f64 * S::UNIT_ROUNDOFF).max(1e-10);
    let gram = u.map(|x| x.value()).gram_cols();
    for i in 0..gram.rows() {
        for j in 0..=i {
            let off = gram[(i, j)] - if i == j { 1.0 } else { 0.0 };
            if !(off.abs() <= allowed) {
                let at = format!("uᵀu[{i}, {j}]");
                return Err(Error::domain(at, "orthonormal columns", format!("{off:e} too much")).named("NotOrthonormal"));
            }
        }
    }
    Ok(())
}

/// An invertible covariance M, ready to be divided by.
#[derive(Clone, Debug)]
pub(super) struct Factor<S> {
    parts: Parts<S>,
    pub log_det: S,
}
#[derive(Clone, Debug)]
enum Parts<S> {
    Full(Cholesky<S>),
    /// `M = U diag(a) Uᵀ + q (I − UUᵀ)`.
    LowRank {
        u: Matrix<S>,
        scales: Vec<S>,
        q: S,
    },
}

impl<S: Scalar> Factor<S> {
    /// `δ M⁻¹ δᵀ` of each row δ, and the rows `δ M⁻¹`.
    pub fn divide_rows(&self, delta: &Matrix<S>) -> Result<(Vec<S>, Matrix<S>)> {
        let n = delta.rows();
        match &self.parts {
            Parts::Full(cholesky) => {
                let (mut rows, d) = (delta.clone(), delta.cols());
                S::solve_lower_rows(cholesky.l().data(), d, rows.data_mut())?;
                let squares = (0..n).map(|i| S::dot(rows.row(i), rows.row(i))).collect();
                S::solve_lower_t_rows(cholesky.l().data(), d, rows.data_mut())?;
                Ok((squares, rows))
            }
            Parts::LowRank { u, scales, q } => {
                let codes = delta.matmul(u)?;
                // The part outside the subspace by subtraction of vectors, not of squares: nothing cancels in its length.
                let outside = delta.sub(&codes.matmul_t(u)?)?;
                let mut squares = Vec::with_capacity(n);
                let mut scaled = codes.clone();
                for i in 0..n {
                    scaled.row_mut(i).iter_mut().zip(scales).for_each(|(c, &a)| *c /= a);
                    let off = if u.rows() > u.cols() { S::dot(outside.row(i), outside.row(i)) / *q } else { S::ZERO };
                    squares.push(S::dot(codes.row(i), scaled.row(i)) + off);
                }
                let inside = scaled.matmul_t(u)?;
                Ok((squares, if u.rows() > u.cols() { outside.map(|x| x / *q).add(&inside)? } else { inside }))
            }
        }
    }
    /// `δ M⁻¹ Σ` of each row, for the Σ of which M is the noised form, given `δ M⁻¹`. Low rank: the gain in each direction, so that no part outside the subspace is divided by the noise and multiplied back.
    pub fn gain_rows(&self, source: &Covariance<S>, delta: &Matrix<S>, divided: &Matrix<S>) -> Result<Matrix<S>> {
        match (&self.parts, source) {
            (Parts::LowRank { u, scales, q }, Covariance::LowRank { lambda, tau2, .. }) => {
                let codes = delta.matmul(u)?;
                let outside = delta.sub(&codes.matmul_t(u)?)?;
                let mut kept = codes;
                for i in 0..kept.rows() {
                    for (j, c) in kept.row_mut(i).iter_mut().enumerate() {
                        *c *= (lambda[j] + *tau2) / scales[j];
                    }
                }
                let inside = kept.matmul_t(u)?;
                if *tau2 == S::ZERO { Ok(inside) } else { outside.scale(*tau2 / *q).add(&inside) }
            }
            _ => source.apply_rows(divided),
        }
    }
    /// `M⁻¹`, symmetric to the bit.
    pub fn inverse(&self) -> Result<Matrix<S>> {
        match &self.parts {
            Parts::Full(cholesky) => cholesky.inverse(),
            Parts::LowRank { u, .. } => self.divide_rows(&Matrix::identity(u.rows()))?.1.symmetrised(),
        }
    }
}
