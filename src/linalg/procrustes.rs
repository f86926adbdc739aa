//! Orthogonal Procrustes: the rotation that best carries one set of rows onto another.

use super::invert::Lu;
use super::matrix::Matrix;
use super::polar::{polar, polar_vjp};
use super::spectral_bounds as bounds;
use super::svd::Svd;
use crate::scalar::{Ball, Implicit, Scalar};
use crate::{Error, Result};
use std::cmp::Ordering;

/// The orthogonal `Q` (`d × d`) that minimises `‖X Q − Y‖_F` for `X`, `Y` of `n × d`: the polar factor of `XᵀY` (Schönemann, Psychometrika 31, 1966).
///
/// The minimum is `‖X‖_F² + ‖Y‖_F² − 2‖XᵀY‖_*`. SciPy's `orthogonal_procrustes` returns the same `Q` and `‖XᵀY‖_*` as its scale. Errors: `Shape`; those of [`polar`], for `Q` is
/// unique only if `XᵀY` has full rank.
pub fn procrustes<S: Scalar>(x: &Matrix<S>, y: &Matrix<S>) -> Result<Matrix<S>> {
    polar(&x.t_matmul(y)?)
}

/// The gradients of [`procrustes`] in `X` and `Y`: with `C̄` that of the polar factor of `C = XᵀY`, `X̄ = Y C̄ᵀ`, `Ȳ = X C̄`.
pub fn procrustes_vjp<S: Scalar>(x: &Matrix<S>, y: &Matrix<S>, cotangent: &Matrix<S>) -> Result<(Matrix<S>, Matrix<S>)> {
    let c_bar = polar_vjp(&x.t_matmul(y)?, cotangent)?;
    Ok((y.matmul_t(&c_bar)?, x.matmul(&c_bar)?))
}

/// The same over rotations, `det Q = 1`: `Q = U diag(1, …, 1, s) Vᵀ` with `s = det(UVᵀ)` (Kabsch, Acta Cryst. A 32, 1976; Umeyama, IEEE TPAMI 13, 1991).
///
/// The minimum is `‖X‖_F² + ‖Y‖_F² − 2(σ₁ + … + σ_{d−1} + s σ_d)`. Errors: `Shape`, `NotFinite`; `Domain` (`RankDeficient`), for a ball `Undecided`, unless
/// `σ_{d−1} + s σ_d > d u σ₁`, for then `Q` is not unique. Rank d − 1 is enough.
pub fn procrustes_rotation<S: Scalar>(x: &Matrix<S>, y: &Matrix<S>) -> Result<Matrix<S>> {
    let c = x.t_matmul(y)?;
    let n = c.check_square("XᵀY")?;
    c.check_finite("XᵀY")?;
    Matrix::new(n, n, S::implicit(&Nearest { n }, &[c.data()])?.swap_remove(0))
}

/// The gradients of [`procrustes_rotation`] in `X` and `Y`: as [`procrustes_vjp`] with the last singular value given the sign s.
pub fn procrustes_rotation_vjp<S: Scalar>(x: &Matrix<S>, y: &Matrix<S>, cotangent: &Matrix<S>) -> Result<(Matrix<S>, Matrix<S>)> {
    let c = x.t_matmul(y)?;
    if cotangent.shape() != c.shape() {
        return Err(Error::shape("cotangent", format!("{c:?}"), format!("{cotangent:?}")));
    }
    let c_bar = Nearest { n: c.check_square("XᵀY")? }.derivative(&c, cotangent)?;
    Ok((y.matmul_t(&c_bar)?, x.matmul(&c_bar)?))
}

/// `Û · polar(ÛᵀU)`: the basis of the span of `Û` that is nearest to `U`. For comparing bases that are determined only up to a rotation.
/// Errors: `Shape`; those of [`polar`], if the spans have orthogonal directions.
pub fn align<S: Scalar>(estimate: &Matrix<S>, reference: &Matrix<S>) -> Result<Matrix<S>> {
    estimate.matmul(&procrustes(estimate, reference)?)
}

/// Each column of `Û` times the sign of its inner product with that of `U` (+1 at 0): for bases determined only up to signs. Errors: `Shape`; `Undecided` for a
/// ball around 0.
pub fn align_signs<S: Scalar>(estimate: &Matrix<S>, reference: &Matrix<S>) -> Result<Matrix<S>> {
    if estimate.shape() != reference.shape() {
        return Err(Error::shape("reference", format!("{estimate:?}"), format!("{reference:?}")));
    }
    let signs = (0..estimate.cols()).map(|j| match S::dot(&estimate.col(j), &reference.col(j)).sign() {
        Some(Ordering::Less) => Ok(-S::ONE),
        Some(_) => Ok(S::ONE),
        None => Err(Error::undecided(format!("column {j}"), "an inner product of one sign", "one around 0")),
    });
    let signs = signs.collect::<Result<Vec<S>>>()?;
    Ok(Matrix::from_fn(estimate.rows(), estimate.cols(), |i, j| estimate[(i, j)] * signs[j]))
}

/// The rotation nearest to a square matrix, as each number type carries it out.
struct Nearest {
    n: usize,
}
/// `C = U diag(σ) Vᵀ` with `det(UVᵀ) = 1`: the last singular value takes the sign of the determinant, the last column of `U` with it.
fn signed<S: Scalar>(mut svd: Svd<S>) -> Result<Svd<S>> {
    let n = svd.sigma.len();
    if n > 0 && Lu::new(&svd.u.matmul_t(&svd.v)?)?.determinant().value() < 0.0 {
        svd.sigma[n - 1] = -svd.sigma[n - 1];
        (0..n).for_each(|i| svd.u[(i, n - 1)] = -svd.u[(i, n - 1)]);
    }
    let (gap, largest) = match n {
        0 | 1 => (1.0, 0.0),
        _ => ((svd.sigma[n - 2] + svd.sigma[n - 1]).value(), svd.sigma[0].value()),
    };
    if gap > n as f64 * S::UNIT_ROUNDOFF * largest {
        Ok(svd)
    } else {
        Err(Error::domain("singular values", "two last ones whose signed sum is above rounding", format!("{gap:e}")).named("RankDeficient"))
    }
}
impl Nearest {
    /// `U [(N − Nᵀ)_ij/(σ_i + σ_j)] Vᵀ`, `N = Uᵀ M V`, its own transpose.
    fn derivative<S: Scalar>(&self, c: &Matrix<S>, m: &Matrix<S>) -> Result<Matrix<S>> {
        let Svd { u, sigma, v } = signed(Svd::new(c)?)?;
        let n = u.t_matmul(m)?.matmul(&v)?;
        let turn = |i: usize, j: usize| (n[(i, j)] - n[(j, i)]) / (sigma[i] + sigma[j]);
        u.matmul(&Matrix::from_fn(self.n, self.n, |i, j| if i == j { S::ZERO } else { turn(i, j) }))?.matmul_t(&v)
    }
}
impl Implicit for Nearest {
    fn compute<S: Scalar>(&self, inputs: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let Svd { u, v, .. } = signed(Svd::new(&Matrix::new(self.n, self.n, inputs[0].to_vec())?)?)?;
        Ok(vec![u.matmul_t(&v)?.into_data()])
    }
    fn tangent<S: Scalar>(&self, inputs: &[&[S]], _: &[Vec<S>], directions: &[&[S]]) -> Result<Vec<Vec<S>>> {
        let [c, dc] = [inputs[0], directions[0]].map(|x| Matrix::new(self.n, self.n, x.to_vec()));
        Ok(vec![self.derivative(&c?, &dc?)?.into_data()])
    }
    fn enclose(&self, inputs: &[&[Ball]]) -> Result<Vec<Vec<Ball>>> {
        Ok(vec![bounds::enclose_rotation(&Matrix::new(self.n, self.n, inputs[0].to_vec())?, signed)?.into_data()])
    }
}
