//! The arithmetic of the crate in its shortest form: these functions *are* the definition. Double-double, balls and dual numbers run
//! them; the kernels of `f32` and `f64` are other orders of the same independent chains and equal them to the bit.

mod heads;

pub use heads::{attention, attention_vjp, centre_rows};

use crate::scalar::{Function, Part, Scalar, View};
use crate::{Error, Result};
use std::cmp::Ordering;

/// First law: `c[i][j]` continues as one chain of fused multiply-adds in increasing k.
#[inline(always)]
pub fn product<S: Scalar>(a: View<S>, b: View<S>, c: &mut [S], part: Part) {
    for i in 0..a.rows {
        let row = &mut c[i * b.cols..(i + 1) * b.cols];
        let wanted = if part == Part::Lower { i + 1 } else { b.cols };
        for k in 0..a.cols {
            let factor = a.at(i, k);
            for (j, c) in row[..wanted].iter_mut().enumerate() {
                *c = factor.mul_add(b.at(k, j), *c);
            }
        }
    }
}

/// Second law: lane l of 16 sums the elements i ≡ l mod 16 from +0, then the lanes fold +8, +4, +2, +1.
#[inline(always)]
pub fn sum<S: Scalar>(x: &[S]) -> S {
    let mut lanes = [S::ZERO; 16];
    for (i, &x) in x.iter().enumerate() {
        lanes[i % 16] += x;
    }
    fold(lanes)
}

/// Second law for `Σ x_i y_i`, a fused multiply-add a step.
#[inline(always)]
pub fn dot<S: Scalar>(x: &[S], y: &[S]) -> S {
    let mut lanes = [S::ZERO; 16];
    for (i, (&x, &y)) in x.iter().zip(y).enumerate() {
        lanes[i % 16] = x.mul_add(y, lanes[i % 16]);
    }
    fold(lanes)
}

/// 16 lanes to one: +8, +4, +2, +1.
#[inline(always)]
pub fn fold<S: Scalar>(mut lanes: [S; 16]) -> S {
    for half in [8, 4, 2, 1] {
        for l in 0..half {
            lanes[l] += lanes[l + half];
        }
    }
    lanes[0]
}

/// `x ← f(x)`, element by element.
#[inline(always)]
pub fn map<S: Scalar>(f: Function, x: &mut [S]) {
    for x in x {
        *x = f.of(*x);
    }
}

/// Softmax of one row: `y_j = e_j / Σ e`, `e_j = exp(x_j − s)`, the sum over 16 lanes. The shift `s` cancels, so any exact number near the
/// greatest entry serves: it is the greatest value as an f64. A NaN or `+∞` anywhere, or `−∞` everywhere, makes the whole row NaN.
#[inline(always)]
pub fn softmax<S: Scalar>(row: &mut [S]) {
    let mut greatest = f64::NEG_INFINITY;
    for x in &*row {
        if x.value() > greatest {
            greatest = x.value();
        }
    }
    let shift = S::from_f64(greatest);
    for x in &mut *row {
        *x = (*x - shift).exp();
    }
    let total = sum(row);
    for x in row {
        *x /= total;
    }
}

/// [`softmax`] of every row of `cols` numbers.
#[inline(always)]
pub fn softmax_rows<S: Scalar>(x: &mut [S], cols: usize) {
    for row in x.chunks_exact_mut(cols.max(1)) {
        softmax(row);
    }
}

/// Gradient of [`softmax`] from its result `y`, in place of the cotangent: `x̄_j = y_j (ȳ_j − Σ y ȳ)`, the inner product over 16 lanes.
#[inline(always)]
pub fn softmax_vjp<S: Scalar>(y: &[S], y_bar: &mut [S]) {
    let mean = dot(y, y_bar);
    for (g, &y) in y_bar.iter_mut().zip(y) {
        *g = y * (*g - mean);
    }
}

/// [`softmax_vjp`] of every row of `cols` numbers.
#[inline(always)]
pub fn softmax_rows_vjp<S: Scalar>(y: &[S], y_bar: &mut [S], cols: usize) {
    for (y, y_bar) in y.chunks_exact(cols.max(1)).zip(y_bar.chunks_exact_mut(cols.max(1))) {
        softmax_vjp(y, y_bar);
    }
}

/// `x̂ = (x − μ) r` of one row in place, and `r = 1/√(v + ε)`: `μ = Σ x / d`, `v = Σ (x − μ)² / d`, both sums over 16 lanes.
#[inline(always)]
pub fn standardise<S: Scalar>(x: &mut [S], eps: S) -> S {
    let d = S::from_usize(x.len());
    let mean = sum(x) / d;
    for x in &mut *x {
        *x -= mean;
    }
    let r = S::ONE / (dot(x, x) / d + eps).sqrt();
    for x in x {
        *x *= r;
    }
    r
}

/// [`standardise`] of every row of `cols` numbers, `r` of row i in `r[i]`.
#[inline(always)]
pub fn standardise_rows<S: Scalar>(x: &mut [S], cols: usize, eps: S, r: &mut [S]) {
    for (x, r) in x.chunks_exact_mut(cols.max(1)).zip(r) {
        *r = standardise(x, eps);
    }
}

/// Gradient of [`standardise`] from its results, in place of the cotangent `h`: `x̄ = r (h − Σ h / d − x̂ Σ h x̂ / d)`, the sums over 16 lanes.
#[inline(always)]
pub fn standardise_vjp<S: Scalar>(hat: &[S], r: S, h: &mut [S]) {
    let d = S::from_usize(h.len());
    let (mean, along) = (sum(h) / d, dot(h, hat) / d);
    for (h, &hat) in h.iter_mut().zip(hat) {
        *h = r * (*h - mean - hat * along);
    }
}

/// [`standardise_vjp`] of every row of `cols` numbers.
#[inline(always)]
pub fn standardise_rows_vjp<S: Scalar>(hat: &[S], r: &[S], h: &mut [S], cols: usize) {
    for ((hat, &r), h) in hat.chunks_exact(cols.max(1)).zip(r).zip(h.chunks_exact_mut(cols.max(1))) {
        standardise_vjp(hat, r, h);
    }
}

/// `A = L Lᵀ`, in place. Reads the lower triangle, clears the upper:
/// `l_jj = √(a_jj − Σ_{k<j} l_jk²)`, `l_ij = (a_ij − Σ_{k<j} l_ik l_jk) / l_jj`, each sum one chain in increasing k.
#[inline(always)]
pub fn cholesky<S: Scalar>(a: &mut [S], n: usize) -> Result<()> {
    for j in 0..n {
        for k in 0..j {
            let factor = -a[j * n + k];
            for i in j..n {
                a[i * n + j] = a[i * n + k].mul_add(factor, a[i * n + j]);
            }
        }
        let pivot = a[j * n + j];
        check_pivot(pivot, j)?;
        let root = pivot.sqrt();
        a[j * n + j] = root;
        for i in j + 1..n {
            a[i * n + j] /= root;
            a[j * n + i] = S::ZERO;
        }
    }
    Ok(())
}

/// The pivots of `I + M = L D Lᵀ` less one: `s_j = m_jj − Σ_{k<j} l_jk² δ_k`, `δ_j = 1 + s_j`, `l_ij = (m_ij − Σ_{k<j} l_ik l_jk δ_k) / δ_j`.
/// The 1 meets the small number only in `δ_j`, so that `Σ ln(1 + s_j)` keeps its relative accuracy for tiny `M`. The strict lower
/// triangle of `m` becomes that of the unit-lower `L`, the diagonal becomes `s`.
#[inline(always)]
pub fn excess_pivots<S: Scalar>(m: &mut [S], n: usize) -> Result<()> {
    for j in 0..n {
        for k in 0..j {
            let factor = -(m[j * n + k] * (S::ONE + m[k * n + k]));
            for i in j..n {
                m[i * n + j] = m[i * n + k].mul_add(factor, m[i * n + j]);
            }
        }
        let pivot = S::ONE + m[j * n + j];
        check_pivot(pivot, j)?;
        for i in j + 1..n {
            m[i * n + j] /= pivot;
        }
    }
    Ok(())
}

/// A pivot must be surely positive and finite.
pub fn check_pivot<S: Scalar>(pivot: S, j: usize) -> Result<()> {
    let at = || format!("pivot {j}");
    if !pivot.is_finite() {
        return Err(match S::NAME {
            "ball" => Error::undecided(at(), "a positive number", "an enclosure that is the whole line"),
            _ => Error::not_finite(at(), "a positive number", pivot.value().to_string()),
        });
    }
    match pivot.sign() {
        Some(Ordering::Greater) => Ok(()),
        Some(_) => Err(Error::not_positive_definite(at(), "a positive number", format!("{:e}", pivot.value()))),
        None => Err(Error::undecided(at(), "a positive number", format!("an enclosure around zero, {:?}", pivot.to_ball()))),
    }
}

/// `L X = B` in place: row i of X is `(b_i − Σ_{k<i} l_ik x_k) / l_ii`, one chain in increasing k.
#[inline(always)]
pub fn solve_lower<S: Scalar>(l: &[S], n: usize, b: &mut [S], m: usize) -> Result<()> {
    for i in 0..n {
        let (done, rest) = b.split_at_mut(i * m);
        let row = &mut rest[..m];
        for k in 0..i {
            let factor = -l[i * n + k];
            for (x, &y) in row.iter_mut().zip(&done[k * m..(k + 1) * m]) {
                *x = factor.mul_add(y, *x);
            }
        }
        divide_row(row, l[i * n + i], i)?;
    }
    Ok(())
}

/// `Lᵀ X = B` in place: row i of X is `(b_i − Σ_{k>i} l_ki x_k) / l_ii`, one chain in *decreasing* k, the order in which the rows are found.
#[inline(always)]
pub fn solve_lower_t<S: Scalar>(l: &[S], n: usize, b: &mut [S], m: usize) -> Result<()> {
    for i in (0..n).rev() {
        let (head, done) = b.split_at_mut((i + 1) * m);
        let row = &mut head[i * m..];
        for k in (i + 1..n).rev() {
            let factor = -l[k * n + i];
            for (x, &y) in row.iter_mut().zip(&done[(k - i - 1) * m..(k - i) * m]) {
                *x = factor.mul_add(y, *x);
            }
        }
        divide_row(row, l[i * n + i], i)?;
    }
    Ok(())
}

/// Rows that are solved together: their chains are independent, and one alone would wait for each of its steps.
const TOGETHER: usize = 8;

/// `X Lᵀ = B` in place: [`solve_lower`] with the right-hand sides in the rows of `B`.
#[inline(always)]
pub fn solve_lower_rows<S: Scalar>(l: &[S], n: usize, b: &mut [S]) -> Result<()> {
    for rows in b.chunks_mut((TOGETHER * n).max(1)) {
        for i in 0..n {
            for k in 0..i {
                subtract_column(rows, n, i, k, l[i * n + k]);
            }
            divide_column(rows, n, i, l[i * n + i])?;
        }
    }
    Ok(())
}

/// `X L = B` in place: [`solve_lower_t`] with the right-hand sides in the rows of `B`.
#[inline(always)]
pub fn solve_lower_t_rows<S: Scalar>(l: &[S], n: usize, b: &mut [S]) -> Result<()> {
    for rows in b.chunks_mut((TOGETHER * n).max(1)) {
        for i in (0..n).rev() {
            for k in (i + 1..n).rev() {
                subtract_column(rows, n, i, k, l[k * n + i]);
            }
            divide_column(rows, n, i, l[i * n + i])?;
        }
    }
    Ok(())
}

/// Column i less `factor` times column k.
#[inline(always)]
fn subtract_column<S: Scalar>(rows: &mut [S], n: usize, i: usize, k: usize, factor: S) {
    for x in rows.chunks_exact_mut(n) {
        x[i] = (-factor).mul_add(x[k], x[i]);
    }
}

#[inline(always)]
fn divide_column<S: Scalar>(rows: &mut [S], n: usize, i: usize, diagonal: S) -> Result<()> {
    check_diagonal(diagonal, i)?;
    for x in rows.chunks_exact_mut(n) {
        x[i] /= diagonal;
    }
    Ok(())
}

/// `L Lᵀ X = B` in place: [`solve_lower`], then [`solve_lower_t`].
#[inline(always)]
pub fn solve_cholesky<S: Scalar>(l: &[S], n: usize, b: &mut [S], m: usize) -> Result<()> {
    solve_lower(l, n, b, m)?;
    solve_lower_t(l, n, b, m)
}

/// `X L Lᵀ = B` in place: [`solve_lower_rows`], then [`solve_lower_t_rows`].
#[inline(always)]
pub fn solve_cholesky_rows<S: Scalar>(l: &[S], n: usize, b: &mut [S]) -> Result<()> {
    solve_lower_rows(l, n, b)?;
    solve_lower_t_rows(l, n, b)
}

/// `(I + M) X = B` in place, from the `L` and `s` that [`excess_pivots`] makes of `M`: `L Y = B` in increasing k, `y_i / (1 + s_i)`,
/// `Lᵀ X = Y` in decreasing k.
#[inline(always)]
pub fn solve_excess<S: Scalar>(l: &[S], n: usize, b: &mut [S], m: usize) {
    for i in 0..n {
        for k in 0..i {
            subtract_row(b, m, i, k, l[i * n + k]);
        }
    }
    for i in (0..n).rev() {
        for x in &mut b[i * m..(i + 1) * m] {
            *x /= S::ONE + l[i * n + i];
        }
        for k in (i + 1..n).rev() {
            subtract_row(b, m, i, k, l[k * n + i]);
        }
    }
}

/// Row i of `B` less `factor` times row k.
#[inline(always)]
fn subtract_row<S: Scalar>(b: &mut [S], m: usize, i: usize, k: usize, factor: S) {
    for j in 0..m {
        b[i * m + j] = (-factor).mul_add(b[k * m + j], b[i * m + j]);
    }
}

/// `X (I + M) = B` in place: [`solve_excess`] with the right-hand sides in the rows of `B`.
#[inline(always)]
pub fn solve_excess_rows<S: Scalar>(l: &[S], n: usize, b: &mut [S]) {
    for rows in b.chunks_mut((TOGETHER * n).max(1)) {
        for i in 0..n {
            for k in 0..i {
                subtract_column(rows, n, i, k, l[i * n + k]);
            }
        }
        for i in (0..n).rev() {
            for x in rows.chunks_exact_mut(n) {
                x[i] /= S::ONE + l[i * n + i];
            }
            for k in (i + 1..n).rev() {
                subtract_column(rows, n, i, k, l[k * n + i]);
            }
        }
    }
}

#[inline(always)]
fn divide_row<S: Scalar>(row: &mut [S], diagonal: S, i: usize) -> Result<()> {
    check_diagonal(diagonal, i)?;
    for x in row {
        *x /= diagonal;
    }
    Ok(())
}

#[inline(always)]
fn check_diagonal<S: Scalar>(diagonal: S, i: usize) -> Result<()> {
    if diagonal.sign() == Some(Ordering::Equal) {
        return Err(Error::domain(format!("diagonal {i}"), "a number other than 0", "0").named("SingularMatrix"));
    }
    Ok(())
}
