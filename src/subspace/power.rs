//! Leading eigenvectors by multiplication alone.

use crate::linalg::{Matrix, Qr, frobenius_norm};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// A unit vector and what is known of it.
#[derive(Clone, Debug)]
pub struct PowerIterate<S> {
    /// A unit vector.
    pub v: Vec<S>,
    /// The Rayleigh quotient `ρ = vᵀMv`.
    pub rho: S,
    /// `‖Mv − ρv‖`: some eigenvalue of a symmetric `M` lies within this of ρ.
    pub residual: S,
}

fn unit<S: Scalar>(name: &str, y: &[S]) -> Result<(Vec<S>, S)> {
    let norm = frobenius_norm(&Matrix::new(1, y.len(), y.to_vec())?)?;
    match norm.sign() {
        Some(std::cmp::Ordering::Greater) => Ok((y.iter().map(|&y| y / norm).collect(), norm)),
        None => Err(Error::undecided(name, "a vector surely not 0", norm.to_ball().to_text())),
        _ => Err(Error::domain(name, "a vector that is not 0", "0").named("Breakdown")),
    }
}
fn times<S: Scalar>(m: &Matrix<S>, v: &[S]) -> Vec<S> {
    (0..m.rows()).map(|i| S::dot(m.row(i), v)).collect()
}
fn check<S: Scalar>(m: &Matrix<S>, v: &[S]) -> Result<()> {
    let d = m.check_square("m")?;
    m.check_finite("m")?;
    if v.len() != d || d == 0 {
        return Err(Error::shape("v", format!("{d} numbers, at least one"), v.len().to_string()).named("ShapeMismatch"));
    }
    Matrix::new(1, d, v.to_vec())?.check_finite("v")
}

/// `v ← Mv/‖Mv‖`, `steps` times from `v/‖v‖`, for symmetric `M` (`d × d`).
///
/// For positive semidefinite `M` with `λ₁ > λ₂`: `tan∠(v, w₁)` falls at least by `λ₂/λ₁` a step, ρ never falls, `0 ≤ λ₁ − ρ ≤ (λ₁ − λ_d) sin²∠`. A start orthogonal to `w₁` stays so in exact
/// arithmetic. `2d²` flops a step. Errors: `Shape`, `NotFinite`; `Domain` (`Breakdown`) for a zero start or one in the kernel.
///
/// Source: von Mises and Pollaczek-Geiringer, ZAMM 9, 1929; Golub and Van Loan, *Matrix Computations*, 2013, §8.2.
pub fn power_iteration<S: Scalar>(m: &Matrix<S>, v: &[S], steps: usize) -> Result<PowerIterate<S>> {
    check(m, v)?;
    let mut v = unit("v", v)?.0;
    for k in 0..steps {
        v = unit(&format!("Mv at step {}", k + 1), &times(m, &v))?.0;
    }
    let y = times(m, &v);
    let rho = S::dot(&v, &y);
    let rest: Vec<S> = y.iter().zip(&v).map(|(&y, &v)| y - rho * v).collect();
    Ok(PowerIterate { residual: frobenius_norm(&Matrix::new(1, v.len(), rest)?)?, v, rho })
}

/// The gradients of [`power_iteration`].
#[derive(Clone, Debug)]
pub struct PowerGradient<S> {
    /// With respect to the matrix, symmetrised.
    pub m: Matrix<S>,
    /// With respect to the start.
    pub v: Vec<S>,
}

/// The gradient of vector and Rayleigh quotient. `ρ = vᵀMv`: `M̄ = ρ̄vvᵀ`, `v̄ += 2ρ̄Mv`. A step `v⁺ = y/r`, `y = Mv`, `r = ‖y‖`: `ȳ = (v̄⁺ − v⁺⟨v⁺, v̄⁺⟩)/r`, `M̄ += sym(ȳvᵀ)`, `v̄ = Mȳ`.
pub fn power_iteration_vjp<S: Scalar>(m: &Matrix<S>, v: &[S], steps: usize, v_bar: &[S], rho_bar: S) -> Result<PowerGradient<S>> {
    check(m, v)?;
    if v_bar.len() != v.len() {
        return Err(Error::shape("cotangent", format!("{} numbers", v.len()), v_bar.len().to_string()).named("ShapeMismatch"));
    }
    let mut trace = vec![unit("v", v)?];
    for _ in 0..steps {
        let y = times(m, &trace[trace.len() - 1].0);
        trace.push(unit("Mv", &y)?);
    }
    let d = v.len();
    let last = &trace[steps].0;
    let mut m_bar = Matrix::from_fn(d, d, |i, j| rho_bar * last[i] * last[j]);
    let mut bar: Vec<S> = times(m, last).iter().zip(v_bar).map(|(&y, &b)| b + S::from_f64(2.0) * rho_bar * y).collect();
    let through = |bar: &[S], (v, r): &(Vec<S>, S)| -> Vec<S> {
        let along = S::dot(v, bar);
        bar.iter().zip(v).map(|(&b, &v)| (b - v * along) / *r).collect()
    };
    for k in (1..=steps).rev() {
        let y_bar = through(&bar, &trace[k]);
        let before = &trace[k - 1].0;
        let half = S::from_f64(0.5);
        for i in 0..d {
            for j in 0..d {
                m_bar[(i, j)] += half * (y_bar[i] * before[j] + y_bar[j] * before[i]);
            }
        }
        bar = times(m, &y_bar);
    }
    Ok(PowerGradient { m: m_bar, v: through(&bar, &trace[0]) })
}

/// A basis and what is known of it.
#[derive(Clone, Debug)]
pub struct OrthogonalIterate<S> {
    /// `d × k`, orthonormal columns.
    pub basis: Matrix<S>,
    /// `‖MV − V(VᵀMV)‖_F`: for symmetric `M` there are k eigenvalues within this of those of `VᵀMV`.
    pub residual: S,
}

/// `V ← qr(MV).Q`, `steps` times from `qr(V)`: the tangent of the largest angle to the k leading eigenvectors falls at least by `λ_{k+1}/λ_k` a step for positive semidefinite `M`.
/// `2d²k + 4dk²` flops a step. Errors: `Shape`, `NotFinite`; `Domain` (`Breakdown`) where `MV` loses rank.
///
/// Source: Golub and Van Loan, *Matrix Computations*, 2013, §8.2.4; the residual bound: Kahan, 1967 (Parlett, *The Symmetric Eigenvalue Problem*, Theorem 11.5.1).
pub fn orthogonal_iteration<S: Scalar>(m: &Matrix<S>, v: &Matrix<S>, steps: usize) -> Result<OrthogonalIterate<S>> {
    let d = m.check_square("m")?;
    m.check_finite("m")?;
    if v.rows() != d || v.cols() > d || v.cols() == 0 {
        return Err(Error::shape("v", format!("{d} × k, 1 ≤ k ≤ {d}"), format!("{v:?}")).named("ShapeMismatch"));
    }
    let orthonormal =
        |y: &Matrix<S>, step: usize| -> Result<Matrix<S>> {
            let qr = Qr::new(y)?;
            match qr.deficient_column() {
                None => Ok(qr.q),
                Some(j) => Err(Error::domain(format!("column {j} at step {step}"), "columns that are independent", "a dependent one")
                    .named("Breakdown")),
            }
        };
    let mut basis = orthonormal(v, 0)?;
    for k in 0..steps {
        basis = orthonormal(&m.matmul(&basis)?, k + 1)?;
    }
    let y = m.matmul(&basis)?;
    let rest = y.sub(&basis.matmul(&basis.t_matmul(&y)?)?)?;
    Ok(OrthogonalIterate { residual: frobenius_norm(&rest)?, basis })
}
