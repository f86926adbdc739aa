//! Symmetric positive definite matrices: the Cholesky factor, log-determinants, solves.

use super::matrix::{Matrix, mirror};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The lower Cholesky factor `L` of `A = L Lᵀ`, with positive diagonal.
///
/// Only the lower triangle of `A` is read. No jitter is added: the first pivot that is not positive is an error that carries its index and
/// value. Cost `n³/3` flops. Backward error (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, Theorem 10.3): `L Lᵀ = A + ΔA`
/// with `|ΔA_ij| ≤ γ_{n+1}/(1 − γ_{n+1}) √(a_ii a_jj)`.
#[derive(Clone, Debug)]
pub struct Cholesky<S> {
    l: Matrix<S>,
}

impl<S: Scalar> Cholesky<S> {
    /// Factors `A`. Errors: `Shape` unless square; `NotPositiveDefinite` with the pivot; `Undecided` for a ball around zero.
    pub fn new(a: &Matrix<S>) -> Result<Self> {
        let n = a.check_square("matrix")?;
        let mut l = a.clone();
        S::cholesky(l.data_mut(), n)?;
        Ok(Cholesky { l })
    }
    /// The factor.
    pub fn l(&self) -> &Matrix<S> {
        &self.l
    }
    /// `A⁻¹ B` by two triangular solves, `2n²m` flops.
    pub fn solve(&self, b: &Matrix<S>) -> Result<Matrix<S>> {
        let n = self.l.rows();
        if b.rows() != n {
            return Err(Error::shape("right-hand side", format!("{n} rows"), format!("{b:?}")));
        }
        let (mut x, m) = (b.clone(), b.cols());
        S::solve_cholesky(self.l.data(), n, x.data_mut(), m)?;
        Ok(x)
    }
    /// `log det A = 2 Σ ln l_jj`, over 16 lanes.
    pub fn log_det(&self) -> S {
        let logs: Vec<S> = self.l.diagonal().into_iter().map(S::ln).collect();
        S::sum(&logs) * S::from_f64(2.0)
    }
    /// `A⁻¹`, symmetric to the bit.
    pub fn inverse(&self) -> Result<Matrix<S>> {
        let n = self.l.rows();
        let mut inverse = self.solve(&Matrix::identity(n))?;
        mirror(inverse.data_mut(), n);
        Ok(inverse)
    }
    /// The gradient of `ℓ(L(A))` from `L̄ = ∂ℓ/∂L`: `Ā = sym(L⁻ᵀ Φ(Lᵀ L̄) L⁻¹)`, `Φ` = lower triangle with halved diagonal
    /// (Murray, *Differentiation of the Cholesky decomposition*, 2016, equation 10). It is the gradient under symmetric perturbations.
    pub fn vjp(&self, l_bar: &Matrix<S>) -> Result<Matrix<S>> {
        let n = self.l.rows();
        if l_bar.shape() != [n, n] {
            return Err(Error::shape("cotangent", format!("{n} × {n}"), format!("{l_bar:?}")));
        }
        let lower = Matrix::from_fn(n, n, |i, j| if j <= i { l_bar[(i, j)] } else { S::ZERO });
        let mut phi = self.l.t_matmul(&lower)?;
        for i in 0..n {
            phi[(i, i)] *= S::from_f64(0.5);
            for j in i + 1..n {
                phi[(i, j)] = S::ZERO;
            }
        }
        S::solve_lower_t(self.l.data(), n, phi.data_mut(), n)?;
        let mut right = phi.transpose();
        S::solve_lower_t(self.l.data(), n, right.data_mut(), n)?;
        right.symmetrised()
    }
}

/// `log det A` of a symmetric positive definite matrix (its lower triangle); 0 for the empty matrix. `n³/3` flops.
///
/// Error to first order (Higham 2002, §10.1): `|δ| ≤ n(n+1)u / λ_min(H) + n u Σ|2 ln l_jj|` with `H` the matrix scaled to unit diagonal. A ball
/// is enclosed by the residual of an approximate factor, not by interval elimination.
pub fn log_det<S: Scalar>(a: &Matrix<S>) -> Result<S> {
    S::log_det(a.data(), a.check_square("matrix")?)
}

/// Gradient of [`log_det`]: `Ā = c̄ A⁻¹`.
pub fn log_det_vjp<S: Scalar>(a: &Matrix<S>, cotangent: S) -> Result<Matrix<S>> {
    Ok(spd_inverse(a)?.scale(cotangent))
}

/// `log det(I + M)` for positive semidefinite `M` (its lower triangle), accurate relative to its own size when `M` is tiny. `n³/3` flops.
///
/// `I + M = L D Lᵀ` with unit-lower `L`, and the pivots are kept less one (see [`super::definition::excess_pivots`]): the value is
/// `Σ log1p(s_j)`. Every rate of the crate goes through here. Error: `|δ| ≤ √n (n+1) u (n + tr M) + n u · value`, and of the order of
/// `u · value` when `tr M ≪ 1`.
pub fn log_det_i_plus<S: Scalar>(m: &Matrix<S>) -> Result<S> {
    S::log_det_i_plus(m.data(), m.check_square("matrix")?)
}

/// Gradient of [`log_det_i_plus`]: `M̄ = c̄ (I + M)⁻¹`.
pub fn log_det_i_plus_vjp<S: Scalar>(m: &Matrix<S>, cotangent: S) -> Result<Matrix<S>> {
    Ok(spd_inverse(&plus_identity(m)?)?.scale(cotangent))
}

/// `I + M`.
pub fn plus_identity<S: Scalar>(m: &Matrix<S>) -> Result<Matrix<S>> {
    let mut a = m.clone();
    for i in 0..m.check_square("matrix")? {
        a[(i, i)] = S::ONE + a[(i, i)];
    }
    Ok(a)
}

/// `A⁻¹ B` for symmetric positive definite `A`. `n³/3 + 2n²m` flops. Backward stable: `(A + ΔA) X = B`, `|ΔA| ≤ γ_{3n+1} |L||Lᵀ|` column by column
/// (Higham 2002, Theorem 10.4). A ball is enclosed by its residual.
pub fn spd_solve<S: Scalar>(a: &Matrix<S>, b: &Matrix<S>) -> Result<Matrix<S>> {
    let n = a.check_square("matrix")?;
    if b.rows() != n {
        return Err(Error::shape("right-hand side", format!("{n} rows"), format!("{b:?}")));
    }
    Matrix::new(n, b.cols(), S::spd_solve(a.data(), n, b.data(), b.cols())?)
}

/// `B A⁻¹` for symmetric positive definite `A`: the right-hand sides are the rows of `B`. The bits of `spd_solve(a, bᵀ)ᵀ`, without the transposes.
pub fn spd_solve_rows<S: Scalar>(a: &Matrix<S>, b: &Matrix<S>) -> Result<Matrix<S>> {
    let n = fits_rows(a, b)?;
    Matrix::new(b.rows(), n, S::spd_solve_rows(a.data(), n, b.data())?)
}

/// [`log_det_i_plus`] of `M` and `(I + M)⁻¹ B`, from one factorisation. `n³/3 + 2n²m` flops.
pub fn log_det_i_plus_solve<S: Scalar>(m: &Matrix<S>, b: &Matrix<S>) -> Result<(S, Matrix<S>)> {
    let n = m.check_square("matrix")?;
    if b.rows() != n {
        return Err(Error::shape("right-hand side", format!("{n} rows"), format!("{b:?}")));
    }
    let (value, x) = S::log_det_i_plus_solve(m.data(), n, b.data(), b.cols())?;
    Ok((value, Matrix::new(n, b.cols(), x)?))
}

/// [`log_det_i_plus`] of `M` and `B (I + M)⁻¹`, from one factorisation. `n³/3 + 2n²` flops a row of `B`.
pub fn log_det_i_plus_solve_rows<S: Scalar>(m: &Matrix<S>, b: &Matrix<S>) -> Result<(S, Matrix<S>)> {
    let n = fits_rows(m, b)?;
    let (value, x) = S::log_det_i_plus_solve_rows(m.data(), n, b.data())?;
    Ok((value, Matrix::new(b.rows(), n, x)?))
}

/// The size of a square matrix that can be divided by on the right of `b`.
fn fits_rows<S: Scalar>(a: &Matrix<S>, b: &Matrix<S>) -> Result<usize> {
    let n = a.check_square("matrix")?;
    if b.cols() == n { Ok(n) } else { Err(Error::shape("right-hand side", format!("{n} columns"), format!("{b:?}"))) }
}

/// Gradient of [`spd_solve`] with solution `x` and cotangent `x̄`: `B̄ = A⁻¹ x̄`, `Ā = −sym(B̄ xᵀ)`.
pub fn spd_solve_vjp<S: Scalar>(a: &Matrix<S>, x: &Matrix<S>, x_bar: &Matrix<S>) -> Result<(Matrix<S>, Matrix<S>)> {
    let b_bar = spd_solve(a, x_bar)?;
    let a_bar = b_bar.matmul_t(x)?.symmetrised()?.scale(-S::ONE);
    Ok((a_bar, b_bar))
}

/// `A⁻¹` of a symmetric positive definite matrix, symmetric to the bit. `7n³/3` flops; prefer [`spd_solve`].
pub fn spd_inverse<S: Scalar>(a: &Matrix<S>) -> Result<Matrix<S>> {
    let n = a.check_square("matrix")?;
    let mut inverse = spd_solve(a, &Matrix::identity(n))?;
    mirror(inverse.data_mut(), n);
    Ok(inverse)
}
