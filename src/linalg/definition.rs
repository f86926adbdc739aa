//! The arithmetic of the crate in its shortest form: these functions *are* the definition. Double-double, balls and dual numbers run
//! them; the kernels of `f32` and `f64` are other orders of the same independent chains and equal them to the bit.

use crate::scalar::{Part, Scalar, View};
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

#[inline(always)]
fn divide_row<S: Scalar>(row: &mut [S], diagonal: S, i: usize) -> Result<()> {
    if diagonal.sign() == Some(Ordering::Equal) {
        return Err(Error::domain(format!("diagonal {i}"), "a number other than 0", "0").named("SingularMatrix"));
    }
    for x in row {
        *x /= diagonal;
    }
    Ok(())
}
