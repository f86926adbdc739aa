//! Orthogonal dictionaries from fourth moments: matching, stretching, projection; independent components.

use crate::learn::same_shape;
use crate::linalg::{Matrix, frobenius_norm, polar, polar_vjp};
use crate::scalar::Scalar;
use crate::{Error, Result};

fn check<S: Scalar>(x: &Matrix<S>, w: &Matrix<S>) -> Result<()> {
    if x.rows() == 0 || x.cols() == 0 {
        return Err(Error::shape("x", "at least one sample of at least one feature", format!("{x:?}")).named("EmptyInput"));
    }
    x.check_finite("x")?;
    w.check_finite("w")?;
    match w.rows() == x.cols() {
        true => Ok(()),
        false => Err(Error::shape("w", format!("{} × k", x.cols()), format!("{w:?}")).named("ShapeMismatch")),
    }
}
fn cube<S: Scalar>(z: S) -> S {
    z.square() * z
}

/// `g(W) = ¼‖XW‖₄⁴ = ¼ Σ z_ij⁴`, `Z = XW`, in which sparse directions stand out: over orthogonal `W` (`d × d`, atoms as columns) and data `X = Z₀Uᵀ` with independent sparse codes, the maxima are
/// the signed permutations of U. `2nd²` flops. Errors: `Shape`, `NotFinite`.
///
/// Source: Zhai, Yang, Liao, Wright and Ma, *Complete Dictionary Learning via ℓ⁴-Norm Maximization over the Orthogonal Group*, JMLR 21, 2020, eq. 7; theirs is `A = Wᵀ`, `Y = Xᵀ`.
pub fn l4_objective<S: Scalar>(x: &Matrix<S>, w: &Matrix<S>) -> Result<S> {
    check(x, w)?;
    let squares = x.matmul(w)?.map(S::square);
    Ok(squares.frobenius_squared() * S::from_f64(0.25))
}
/// The gradients of [`l4_objective`] in X and W: `Z^{∘3}Wᵀ` and `XᵀZ^{∘3}`.
pub fn l4_objective_gradient<S: Scalar>(x: &Matrix<S>, w: &Matrix<S>) -> Result<(Matrix<S>, Matrix<S>)> {
    check(x, w)?;
    let cubed = x.matmul(w)?.map(cube);
    Ok((cubed.matmul_t(w)?, x.t_matmul(&cubed)?))
}

/// `M = Xᵀ(XW)^{∘3}/n − shift · W`.
fn stretched<S: Scalar>(x: &Matrix<S>, w: &Matrix<S>, shift: S) -> Result<Matrix<S>> {
    check(x, w)?;
    let n = S::from_usize(x.rows());
    x.t_matmul(&x.matmul(w)?.map(cube))?.zip(w, |m, w| m / n - shift * w)
}

/// One step of matching, stretching and projection: `W⁺ = polar(Xᵀ(XW)^{∘3})`. `4nd²` flops and an SVD of `d × d`.
///
/// g never falls along it. Near a solution the order depends on the data: on `X = Uᵀ` itself (nothing random) it is cubic, `tan θ⁺ = tan³θ` in the plane; on independent codes of unit
/// variance and kurtosis κ the map is that of `κQ^{∘3} + 3Q`, `Q = UᵀW`, and converges linearly with ratio `3/(3 + κ)`, for Bernoulli–Gaussian codes the density θ. For `κ < 0` the dictionary repels.
/// Errors: `Shape`, `NotFinite`; `Domain` (`RankDeficient`) where the stretched matrix has not full rank.
///
/// Source: Zhai et al., JMLR 21, 2020, Algorithm 1; the monograph calls the rate superlinear, which holds in the deterministic case only.
pub fn msp_step<S: Scalar>(x: &Matrix<S>, w: &Matrix<S>) -> Result<Matrix<S>> {
    polar(&stretched(x, w, S::ZERO)?)
}
/// One step of symmetric FastICA with the cubic nonlinearity on whitened data: `W⁺ = polar(Xᵀ(XW)^{∘3}/n − 3W)`, the shift that [`msp_step`] lacks for cubic convergence on random codes: the map of
/// `κQ^{∘3}`. The shift is right for whitened data only ([`check_white`]). Errors: as [`msp_step`].
///
/// Source: Hyvärinen and Oja, *A Fast Fixed-Point Algorithm for Independent Component Analysis*, Neural Computation 9, 1997; symmetric form: Hyvärinen, IEEE Trans. Neural Netw. 10, 1999.
pub fn fastica_step<S: Scalar>(x: &Matrix<S>, w: &Matrix<S>) -> Result<Matrix<S>> {
    polar(&stretched(x, w, S::from_f64(3.0))?)
}
/// Errors: `Domain` (`NotWhitened`) unless `‖XᵀX/n − I‖_F ≤ √u d`.
pub fn check_white<S: Scalar>(x: &Matrix<S>) -> Result<()> {
    let n = S::from_usize(x.rows());
    let off = x.gram_cols().map(|s| s / n).sub(&Matrix::identity(x.cols()))?.map(|s| S::from_f64(s.value())).frobenius_squared().value();
    match off.sqrt() <= S::UNIT_ROUNDOFF.sqrt() * x.cols() as f64 {
        true => Ok(()),
        false => Err(Error::domain("x", "second moment XᵀX/n = I", format!("‖XᵀX/n − I‖_F = {:.3e}", off.sqrt())).named("NotWhitened")),
    }
}
/// The gradients of [`msp_step`] (shift 0) and [`fastica_step`] (shift 3) in X and W. With `M̄` from the polar factor: `Z̄ = 3Z^{∘2}∘(XM̄)/n`, `X̄ = Z^{∘3}M̄ᵀ/n + Z̄Wᵀ`, `W̄ = XᵀZ̄ − shift M̄`.
pub fn polar_step_vjp<S: Scalar>(x: &Matrix<S>, w: &Matrix<S>, shift: S, bar: &Matrix<S>) -> Result<(Matrix<S>, Matrix<S>)> {
    let m = stretched(x, w, shift)?;
    same_shape("cotangent", &m, bar)?;
    let m_bar = polar_vjp(&m, bar)?;
    let z = x.matmul(w)?;
    let n = S::from_usize(x.rows());
    let z_bar = z.zip(&x.matmul(&m_bar)?, |z, m| z.square() * m * S::from_f64(3.0) / n)?;
    let x_bar = z.map(|z| cube(z) / n).matmul_t(&m_bar)?.add(&z_bar.matmul_t(w)?)?;
    Ok((x_bar, x.t_matmul(&z_bar)?.sub(&m_bar.scale(shift))?))
}

/// Which step [`learn_orthogonal`] repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// [`msp_step`].
    Msp,
    /// [`fastica_step`].
    FastIca,
}
/// Where a repetition stopped.
#[derive(Clone, Debug)]
pub struct Orthogonal<S> {
    /// `d × d`, atoms as columns.
    pub w: Matrix<S>,
    /// Steps made.
    pub steps: usize,
    /// `‖W⁺ − W‖_F` of the last step, columns compared up to sign.
    pub moved: S,
    /// It fell to what was asked.
    pub converged: bool,
}
/// Repeats a step from `start` until it moves W by at most `tolerance` or `most` are made. FastICA flips the sign of a column with negative kurtosis at every step: columns are compared up to sign.
/// Errors: those of the step; for FastICA also those of [`check_white`].
pub fn learn_orthogonal<S: Scalar>(
    rotation: Rotation,
    x: &Matrix<S>,
    start: &Matrix<S>,
    tolerance: f64,
    most: usize,
) -> Result<Orthogonal<S>> {
    if rotation == Rotation::FastIca {
        check_white(x)?;
    }
    let (mut w, mut moved) = (start.clone(), S::ZERO);
    for steps in 0..most {
        let next = match rotation {
            Rotation::Msp => msp_step(x, &w)?,
            Rotation::FastIca => fastica_step(x, &w)?,
        };
        moved = frobenius_norm(&crate::linalg::align_signs(&next, &w)?.sub(&w)?)?;
        w = next;
        if moved.value() <= tolerance {
            return Ok(Orthogonal { w, steps: steps + 1, moved, converged: true });
        }
    }
    Ok(Orthogonal { w, steps: most, moved, converged: false })
}

/// `kurt(y) = (1/n)Σy⁴ − 3((1/n)Σy²)²`: 0 for a Gaussian, `3(1 − θ)/θ` for Bernoulli–Gaussian numbers of unit variance; additive over independent sums. Errors: `Shape` without numbers.
pub fn kurtosis<S: Scalar>(y: &[S]) -> Result<S> {
    if y.is_empty() {
        return Err(Error::shape("y", "at least one number", "none").named("EmptyInput"));
    }
    let n = S::from_usize(y.len());
    let squares: Vec<S> = y.iter().map(|y| y.square()).collect();
    let second = S::sum(&squares) / n;
    Ok(S::dot(&squares, &squares) / n - S::from_f64(3.0) * second.square())
}
/// The gradient of [`kurtosis`]: `(4y³ − 12 m₂ y)/n`, `m₂` the mean square.
pub fn kurtosis_gradient<S: Scalar>(y: &[S]) -> Result<Vec<S>> {
    kurtosis(y)?;
    let n = S::from_usize(y.len());
    let (four, twelve) = (S::from_f64(4.0), S::from_f64(12.0) * S::dot(y, y) / n);
    Ok(y.iter().map(|&y| (four * cube(y) - twelve * y) / n).collect())
}

/// `X(XᵀX/n)^{−½} = √n polar(X)`, whose second moment is I. What it multiplies by is free up to a rotation on the left; this is the symmetric choice. Errors: `NotFinite`; `Domain` (`RankDeficient`).
pub fn whiten<S: Scalar>(x: &Matrix<S>) -> Result<Matrix<S>> {
    if x.rows() < x.cols() {
        return Err(Error::shape("x", format!("at least {} samples", x.cols()), format!("{x:?}")).named("RankDeficient"));
    }
    Ok(polar(x)?.scale(S::from_usize(x.rows()).sqrt()))
}
