//! The orthogonal polar factor.

use super::invert::inverse;
use super::matrix::Matrix;
use super::singular::{singular_map, singular_map_vjp};
use super::spectral::SpectralFunction;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// 1 on x > 0.
struct Unit;
impl SpectralFunction for Unit {
    const NAME: &'static str = "sign";
    fn value<S: Scalar>(&self, _: S) -> S {
        S::ONE
    }
    fn slope<S: Scalar>(&self, _: S) -> S {
        S::ZERO
    }
    fn curvature<S: Scalar>(&self, _: S) -> S {
        S::ZERO
    }
    fn divided<S: Scalar>(&self, _: S, _: S) -> S {
        S::ZERO
    }
}

/// The orthogonal polar factor `P = U Vᵀ = M (MᵀM)^(−½)`: of all matrices with orthonormal columns (rows, for `m < n`) the nearest to `M`, in every unitarily
/// invariant norm; `‖M − P‖_F² = Σ(σ_i − 1)²` (Fan & Hoffman, Proc. AMS 6, 1955).
///
/// It is the matrix with `PᵀP = I` and `PᵀM` symmetric positive semidefinite, and it is unique for full rank. Its condition number is `2/(σ_n + σ_{n−1})` for a square
/// matrix, `1/σ_n` for a tall one. A ball is enclosed by that bound from a nearby matrix whose factor is known.
///
/// Errors: `NotFinite`; `Domain` (`RankDeficient`) if `σ_n ≤ max(m, n) u σ₁`, for a ball `Undecided` if `σ_n` may be 0: a completion would be arbitrary.
pub fn polar<S: Scalar>(m: &Matrix<S>) -> Result<Matrix<S>> {
    singular_map(m, &Unit)
}

/// The gradient of [`polar`]: with `N = Uᵀ P̄ V`, `Ā = U [(N − Nᵀ)_ij/(σ_i + σ_j)] Vᵀ + (I − UUᵀ) P̄ V Σ⁻¹ Vᵀ`. No gap between singular values enters: it is
/// smooth wherever the rank is full. Errors as [`polar`].
pub fn polar_vjp<S: Scalar>(m: &Matrix<S>, cotangent: &Matrix<S>) -> Result<Matrix<S>> {
    singular_map_vjp(m, &Unit, cotangent)
}

/// The symmetric factor `H = sym(PᵀM)` of `M = P H`, for `P` from [`polar`].
pub fn symmetric_factor<S: Scalar>(p: &Matrix<S>, m: &Matrix<S>) -> Result<Matrix<S>> {
    p.t_matmul(m)?.symmetrised()
}

/// [`polar`] of a square matrix without a decomposition: Newton's iteration `X ← ½(γX + γ⁻¹X⁻ᵀ)` from `X = M`, scaled by `γ = √(‖X⁻¹‖_F/‖X‖_F)` until it comes
/// close (Higham, SIAM J. Sci. Stat. Comput. 7, 1986). Every step is differentiable and the limit is quadratic, so dual numbers follow, one step behind.
/// A ball is better served by [`polar`].
///
/// Errors: `Shape` unless square; `NotFinite`; `Domain` (`SingularMatrix`); `NotConverged` after 100 steps.
pub fn polar_newton<S: Scalar>(m: &Matrix<S>) -> Result<Matrix<S>> {
    let n = m.check_square("matrix")?;
    m.check_finite("matrix")?;
    let (mut x, mut previous) = (m.clone(), f64::INFINITY);
    let half = S::from_f64(0.5);
    for _ in 0..100 {
        let y = inverse(&x)?.transpose();
        let gamma = if previous > 0.1 { (y.frobenius_squared() / x.frobenius_squared()).sqrt().sqrt() } else { S::ONE };
        let next = x.zip(&y, |x, y| (x * gamma + y / gamma) * half)?;
        let step = next.sub(&x)?.map(|d| d.value()).frobenius_squared().sqrt();
        x = next;
        // The error is about step²/2 now: below rounding once step is below its root; the derivative of a dual number needs the step after that.
        if step <= S::UNIT_ROUNDOFF.sqrt() * n as f64 && previous <= S::UNIT_ROUNDOFF.sqrt().sqrt() * n as f64 {
            let y = inverse(&x)?.transpose();
            return x.zip(&y, |x, y| (x + y) * half);
        }
        previous = step;
    }
    Err(Error::not_converged("polar factor", "Newton's iteration to settle within 100 steps", format!("a step of {previous:.1e}")))
}
