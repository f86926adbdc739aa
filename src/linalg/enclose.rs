//! Rigorous enclosures for balls. Interval elimination loses digits with every pivot; here the factor is computed in double-double,
//! taken as exact, and what it leaves over is enclosed.

use super::definition;
use crate::scalar::{Ball, Bulk, DoubleDouble, Part, Scalar, View};
use crate::{Error, Result};

/// Midpoints.
fn middle(a: &[Ball]) -> Vec<DoubleDouble> {
    a.iter().map(|x| x.mid()).collect()
}
fn exact(a: &[DoubleDouble]) -> Vec<Ball> {
    a.iter().map(|&x| Ball::new(x, 0.0)).collect()
}
/// The full matrix whose lower triangle is given.
fn symmetric(a: &[Ball], n: usize) -> Vec<Ball> {
    let mut full = a.to_vec();
    super::matrix::mirror(&mut full, n);
    full
}

/// `W A Wᵀ` for symmetric `A`, lower triangle and mirrored.
fn congruence(w: &[Ball], a: &[Ball], n: usize) -> Vec<Ball> {
    let (mut wa, mut out) = (vec![Ball::ZERO; n * n], vec![Ball::ZERO; n * n]);
    Ball::product(View::new(w, n, n), View::new(a, n, n), &mut wa, Part::Full);
    Ball::product(View::new(&wa, n, n), View::new(w, n, n).t(), &mut out, Part::Lower);
    super::matrix::mirror(&mut out, n);
    out
}

/// The inverse of a lower-triangular matrix, approximately.
fn approximate_inverse(l: &[DoubleDouble], n: usize) -> Result<Vec<DoubleDouble>> {
    let mut w = vec![DoubleDouble::ZERO; n * n];
    for i in 0..n {
        w[i * n + i] = DoubleDouble::ONE;
    }
    DoubleDouble::solve_lower(l, n, &mut w, n)?;
    Ok(w)
}

/// `Σ x²`, rounded up.
fn norm_squared(x: impl Iterator<Item = Ball>) -> f64 {
    x.fold(0.0, |sum, x| (sum + (x.magnitude() * x.magnitude()).next_up()).next_up())
}
/// `√x`, rounded up.
fn root_up(x: f64) -> f64 {
    x.sqrt().next_up()
}

/// `log det(I + F) = tr F + ρ` with `|ρ| ≤ ‖F‖_F² / (2(1 − ‖F‖_F))`: for each eigenvalue `|ln(1+λ) − λ| ≤ λ²/(2(1−|λ|))`.
fn log_det_near_identity(trace: Ball, squared: f64) -> Result<Ball> {
    let norm = root_up(squared);
    if !(norm < 0.5) {
        return Err(Error::undecided(
            "log-determinant",
            "an enclosure narrow enough to prove the matrix positive definite",
            format!("a residual of {norm:.1e}"),
        ));
    }
    Ok(trace.widen((squared / (2.0 * (1.0 - norm)).next_down()).next_up()))
}

/// Decides by interval elimination why a factor could not be had: surely not positive definite, or undecided.
fn refuse(a: &[Ball], n: usize, reason: Error) -> Error {
    match definition::cholesky(&mut a.to_vec(), n) {
        Err(error) => error,
        Ok(()) => reason,
    }
}

/// `log det A = −2 Σ ln w_jj + log det(I + E)`, `E = W A Wᵀ − I`, for `W ≈ L⁻¹` taken as exact.
pub(super) fn log_det(a: &[Ball], n: usize) -> Result<Ball> {
    let (a, mut l) = (symmetric(a, n), middle(a));
    DoubleDouble::cholesky(&mut l, n).map_err(|e| refuse(&a, n, e))?;
    let w = exact(&approximate_inverse(&l, n)?);
    let e = residual(&w, &a, n);
    let logs: Vec<Ball> = (0..n).map(|j| Scalar::ln(w[j * n + j])).collect();
    let trace = Ball::sum(&(0..n).map(|j| e[j * n + j]).collect::<Vec<_>>());
    let near = log_det_near_identity(trace, norm_squared(e.into_iter())).map_err(|e| refuse(&a, n, e))?;
    Ok(near - Ball::sum(&logs) * Ball::from_f64(2.0))
}

/// `W A Wᵀ − I`.
fn residual(w: &[Ball], a: &[Ball], n: usize) -> Vec<Ball> {
    let mut e = congruence(w, a, n);
    for j in 0..n {
        e[j * n + j] -= Ball::ONE;
    }
    e
}

/// With `I + M ≈ L D Lᵀ`, `W ≈ L⁻¹` exactly unit-lower (so that `det W = 1`), `N = W − I` and `D = I + diag(s)`:
/// `W (I + M) Wᵀ = D + G`, `G = W M Wᵀ + N + Nᵀ + N Nᵀ − diag(s)`, and `log det(I + M) = Σ log1p(s_j) + log det(I + D^{-½} G D^{-½})`.
/// Every term of `G` is of the size of `M`, so that the relative accuracy survives for tiny `M`.
pub(super) fn log_det_i_plus(m: &[Ball], n: usize) -> Result<Ball> {
    let (m, mut l) = (symmetric(m, n), middle(m));
    let plus_one = |m: &[Ball]| {
        let mut a = m.to_vec();
        for j in 0..n {
            a[j * n + j] += Ball::ONE;
        }
        a
    };
    definition::excess_pivots(&mut l, n).map_err(|e| refuse(&plus_one(&m), n, e))?;
    let s: Vec<DoubleDouble> = (0..n).map(|j| l[j * n + j]).collect();
    for i in 0..n {
        l[i * n + i] = DoubleDouble::ONE;
        l[i * n + i + 1..(i + 1) * n].fill(DoubleDouble::ZERO);
    }
    let w = exact(&approximate_inverse(&l, n)?);
    let mut strict = w.clone();
    for j in 0..n {
        strict[j * n + j] = Ball::ZERO;
    }
    let mut g = congruence(&w, &m, n);
    let view = View::new(&strict, n, n);
    Ball::product(view, view.t(), &mut g, Part::Full);
    for i in 0..n {
        for j in 0..i {
            g[i * n + j] += strict[i * n + j];
            g[j * n + i] += strict[i * n + j];
        }
        g[i * n + i] -= Ball::new(s[i], 0.0);
    }
    let d: Vec<Ball> = s.iter().map(|&s| Ball::ONE + Ball::new(s, 0.0)).collect();
    let trace = Ball::sum(&(0..n).map(|j| g[j * n + j] / d[j]).collect::<Vec<_>>());
    let squared = norm_squared((0..n * n).map(|k| g[k].square() / (d[k / n] * d[k % n])).map(root_ball));
    let near = log_det_near_identity(trace, squared).map_err(|e| refuse(&plus_one(&m), n, e))?;
    let logs: Vec<Ball> = s.iter().map(|&s| Ball::new(s, 0.0).log1p()).collect();
    Ok(Ball::sum(&logs) + near)
}

/// A point whose square is at least the ball `x ≥ 0`.
fn root_ball(x: Ball) -> Ball {
    Ball::exact(root_up(x.magnitude()))
}

/// With `W ≈ L⁻¹`, `E = W A Wᵀ − I`, `‖E‖ ≤ δ < 1` and the residual `R = B − A X̃`:
/// `X = X̃ + Wᵀ (I + E)⁻¹ W R = X̃ + Wᵀ Y − Wᵀ E (I + E)⁻¹ Y`, `Y = W R`, and the last term is at most `‖w_i‖ ‖y_j‖ δ/(1 − δ)` with `w_i` column i of `W`.
pub(super) fn spd_solve(a: &[Ball], n: usize, b: &[Ball], m: usize) -> Result<Vec<Ball>> {
    let (a, mut l) = (symmetric(a, n), middle(a));
    DoubleDouble::cholesky(&mut l, n).map_err(|e| refuse(&a, n, e))?;
    let w = exact(&approximate_inverse(&l, n)?);
    let delta = root_up(norm_squared(residual(&w, &a, n).into_iter()));
    if !(delta < 0.5) {
        let reason = Error::undecided(
            "solve",
            "an enclosure narrow enough to prove the matrix positive definite",
            format!("a residual of {delta:.1e}"),
        );
        return Err(refuse(&a, n, reason));
    }
    let mut x = middle(b);
    DoubleDouble::solve_lower(&l, n, &mut x, m)?;
    DoubleDouble::solve_lower_t(&l, n, &mut x, m)?;
    let negative: Vec<Ball> = x.iter().map(|&x| Ball::new(-x, 0.0)).collect();
    let (mut r, mut y, mut correction) = (b.to_vec(), vec![Ball::ZERO; n * m], exact(&x));
    Ball::product(View::new(&a, n, n), View::new(&negative, n, m), &mut r, Part::Full);
    Ball::product(View::new(&w, n, n), View::new(&r, n, m), &mut y, Part::Full);
    Ball::product(View::new(&w, n, n).t(), View::new(&y, n, m), &mut correction, Part::Full);
    let column = |v: &[Ball], width: usize, j: usize| root_up(norm_squared((0..n).map(|i| v[i * width + j])));
    let (w_norms, y_norms): (Vec<f64>, Vec<f64>) = ((0..n).map(|i| column(&w, n, i)).collect(), (0..m).map(|j| column(&y, m, j)).collect());
    let factor = (delta / (1.0 - delta).next_down()).next_up();
    for i in 0..n {
        for j in 0..m {
            correction[i * m + j] = correction[i * m + j].widen(((w_norms[i] * y_norms[j]).next_up() * factor).next_up());
        }
    }
    Ok(correction)
}
