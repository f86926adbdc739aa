//! A low-rank matrix from some of its entries.

use super::threshold::singular_value_threshold;
use crate::linalg::{Matrix, nuclear_norm, spectral_norm};
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// A completed matrix and what it lacks.
#[derive(Clone, Debug)]
pub struct Completion<S> {
    /// The matrix.
    pub x: Matrix<S>,
    /// [`soft_impute`]: the duality gap, an upper bound of `P(x) − P*`. [`singular_value_completion`]: `‖P_Ω(x − y)‖_F`, how far the data are from met.
    pub gap: S,
    /// Steps made.
    pub steps: usize,
    /// The gap fell to what was asked.
    pub converged: bool,
}

fn check<S: Scalar>(y: &Matrix<S>, mask: &[bool]) -> Result<()> {
    if mask.len() != y.rows() * y.cols() {
        return Err(Error::shape("mask", format!("{} entries", y.rows() * y.cols()), mask.len().to_string()).named("ShapeMismatch"));
    }
    if !mask.contains(&true) {
        return Err(Error::shape("mask", "at least one entry that is known", "none").named("EmptyInput"));
    }
    y.check_finite("y")
}
/// The rows and columns of which nothing is known: no method can restore them.
pub fn unobserved(rows: usize, cols: usize, mask: &[bool]) -> Result<(Vec<usize>, Vec<usize>)> {
    if mask.len() != rows * cols {
        return Err(Error::shape("mask", format!("{} entries", rows * cols), mask.len().to_string()).named("ShapeMismatch"));
    }
    let row = (0..rows).filter(|i| (0..cols).all(|j| !mask[i * cols + j])).collect();
    let col = (0..cols).filter(|j| (0..rows).all(|i| !mask[i * cols + j])).collect();
    Ok((row, col))
}
/// `P_Ω(y) + P_Ω^⊥(x)`.
fn merged<S: Scalar>(y: &Matrix<S>, x: &Matrix<S>, mask: &[bool]) -> Matrix<S> {
    let cols = y.cols();
    Matrix::from_fn(y.rows(), cols, |i, j| if mask[i * cols + j] { y[(i, j)] } else { x[(i, j)] })
}
fn known<S: Scalar>(y: &Matrix<S>, mask: &[bool]) -> Matrix<S> {
    merged(y, &Matrix::zeros(y.rows(), y.cols()), mask)
}
fn check_tolerance(tolerance: f64) -> Result<()> {
    match tolerance >= 0.0 && tolerance.is_finite() {
        true => Ok(()),
        false => Err(Error::domain("tolerance", "a finite number from 0 on", tolerance.to_string()).named("InvalidParameter")),
    }
}

/// Minimises `P(X) = ½‖P_Ω(X − Y)‖_F² + λ‖X‖_*` by `X ← D_λ(P_Ω(Y) + P_Ω^⊥(X))` from 0, until the duality gap is at most `tolerance · ½‖P_Ω Y‖²` or `most` steps are made. P never rises and
/// `P(X_k) − P* ≤ ‖X*‖²/(2k)`; `X* = 0` exactly for `λ ≥ ‖P_Ω Y‖₂`. The gap: with `R = P_Ω(Y − X)`, `Θ = min(1, λ/‖R‖₂)R`, it is `P(X) − ⟨Θ, Y⟩ + ½‖Θ‖²`. `mask` is row-major, true where `y` is known.
/// Two SVDs a step. Errors: `Shape`, `NotFinite`; `Domain` unless `λ > 0`.
///
/// Source: Mazumder, Hastie and Tibshirani, *Spectral regularization algorithms for learning large incomplete matrices*, JMLR 11, 2010.
pub fn soft_impute<S: Scalar>(y: &Matrix<S>, mask: &[bool], lambda: S, tolerance: f64, most: usize) -> Result<Completion<S>> {
    check(y, mask)?;
    check_tolerance(tolerance)?;
    let target = tolerance * 0.5 * known(y, mask).frobenius_squared().value();
    let mut x = Matrix::zeros(y.rows(), y.cols());
    let mut steps = 0;
    loop {
        let due = steps == most || steps % (1 + steps / 16) == 0;
        if due {
            let gap = gap(y, mask, lambda, &x)?;
            let converged = gap.value() <= target;
            if converged || steps == most {
                return Ok(Completion { x, gap, steps, converged });
            }
        }
        x = singular_value_threshold(&merged(y, &x, mask), lambda)?;
        steps += 1;
    }
}
/// The duality gap of [`soft_impute`] at `x`.
fn gap<S: Scalar>(y: &Matrix<S>, mask: &[bool], lambda: S, x: &Matrix<S>) -> Result<S> {
    let r = known(&y.sub(x)?, mask);
    let norm = spectral_norm(&r)?;
    let theta = r.scale(lambda / lambda.max(norm));
    let half = S::from_f64(0.5);
    let primal = r.frobenius_squared() * half + lambda * nuclear_norm(x)?;
    Ok(primal - theta.dot(&known(y, mask))? + theta.frobenius_squared() * half)
}

/// Minimises `τ‖X‖_* + ½‖X‖_F²` among the matrices that agree with `y` where it is known, by `X = D_τ(Y'), Y' ← Y' + δP_Ω(Y − X)` from 0; for large τ the matrix of least nuclear norm. Converges for
/// `0 < δ < 2`; the larger steps that the paper uses are not proven. Stops when `‖P_Ω(X − Y)‖_F ≤ tolerance ‖P_Ω Y‖_F` or after `most` steps. Errors: `Shape`, `NotFinite`; `Domain`
/// unless `τ > 0` and `0 < δ < 2`.
///
/// Source: Cai, Candès and Shen, SIAM J. Optim. 20, 2010, eq. 1.3.
pub fn singular_value_completion<S: Scalar>(
    y: &Matrix<S>,
    mask: &[bool],
    tau: S,
    delta: S,
    tolerance: f64,
    most: usize,
) -> Result<Completion<S>> {
    check(y, mask)?;
    check_tolerance(tolerance)?;
    if !(delta.value() > 0.0 && delta.value() < 2.0) {
        return Err(Error::domain("delta", "a number above 0 and below 2", delta.value().to_string()).named("InvalidParameter"));
    }
    let data = known(y, mask);
    let target = tolerance * data.frobenius_squared().sqrt().value();
    let mut dual = Matrix::zeros(y.rows(), y.cols());
    for steps in 0.. {
        let x = singular_value_threshold(&dual, tau)?;
        let missing = data.sub(&known(&x, mask))?;
        let gap = missing.frobenius_squared().sqrt();
        let converged = gap.value() <= target;
        if converged || steps == most {
            return Ok(Completion { x, gap, steps, converged });
        }
        dual = dual.add(&missing.scale(delta))?;
    }
    unreachable!("the loop returns after `most` steps")
}

/// The last entry of `[[a, b], [c, ?]]` of least nuclear norm: `bc/a` clipped to `±|a|`. It is the completion of rank one exactly if `|bc| ≤ a²`: of `(1, 2, 2)` it makes 1 (norm 4), not
/// the 4 of rank one (norm 5). From `‖M‖_*² = a² + b² + c² + x² + 2|ax − bc|`, whose slope in x is `2x ∓ 2a` on the two sides of the kink at `bc/a`.
/// Errors: `Domain` for `a = 0`.
pub fn complete_two_by_two<S: Scalar>(a: S, b: S, c: S) -> Result<S> {
    match a.sign() {
        Some(Ordering::Equal) => Err(Error::domain("a", "a number that is not 0", "0").named("InvalidParameter")),
        None => Err(Error::undecided("a", "a number surely not 0", a.to_ball().to_text())),
        _ => Ok((b * c / a).min(a.abs()).max(-a.abs())),
    }
}

/// The matrix of rank one with the known row `r` and column `c`: `x_ij = y_ic y_rj / y_rc`. Errors: `Shape`; `Domain` for `y_rc = 0`: the cross then does not determine it.
pub fn complete_cross<S: Scalar>(y: &Matrix<S>, r: usize, c: usize) -> Result<Matrix<S>> {
    if r >= y.rows() || c >= y.cols() {
        return Err(Error::shape("cross", format!("a row and a column of {y:?}"), format!("{r}, {c}")));
    }
    let pivot = y[(r, c)];
    match pivot.sign() {
        Some(Ordering::Equal) => Err(Error::domain(format!("y[{r}, {c}]"), "a number that is not 0", "0")),
        None => Err(Error::undecided(format!("y[{r}, {c}]"), "a number surely not 0", pivot.to_ball().to_text())),
        _ => Ok(Matrix::from_fn(y.rows(), y.cols(), |i, j| y[(i, c)] * y[(r, j)] / pivot)),
    }
}
