//! Softmax, its logarithm, and the logarithm of a sum of exponentials, row by row.

use crate::linalg::Matrix;
use crate::linalg::definition::{dot, sum};
use crate::linalg::dispatch::{Isa, Kernel};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The greatest entry of a row that is not empty.
#[inline(always)]
fn greatest<S: Scalar>(row: &[S]) -> S {
    row[1..].iter().fold(row[0], |m, &x| m.max(x))
}
fn not_empty<S: Scalar>(x: &Matrix<S>) -> Result<()> {
    if x.cols() == 0 && x.rows() > 0 { Err(Error::shape("x", "at least one column", format!("{x:?}")).named("EmptyInput")) } else { Ok(()) }
}

/// One row that is not empty, in place. What may be called from within a kernel.
#[inline(always)]
pub(crate) fn softmax_row<S: Scalar>(row: &mut [S]) {
    let m = greatest(row);
    for x in row.iter_mut() {
        *x = (*x - m).exp();
    }
    let total = sum(row);
    for x in row.iter_mut() {
        *x /= total;
    }
}
/// `ȳ ← y ∘ (ȳ − Σ_l ȳ_l y_l)` for one row `y` of a softmax.
#[inline(always)]
pub(crate) fn softmax_row_vjp<S: Scalar>(y: &[S], y_bar: &mut [S]) {
    let mean = dot(y, y_bar);
    for (g, &y) in y_bar.iter_mut().zip(y) {
        *g = y * (*g - mean);
    }
}

struct Forward<'a, S>(&'a mut Matrix<S>);
impl<S: Scalar> Kernel for Forward<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for i in 0..self.0.rows() {
            softmax_row(self.0.row_mut(i));
        }
    }
}
struct Backward<'a, S>(&'a Matrix<S>, &'a mut Matrix<S>);
impl<S: Scalar> Kernel for Backward<'_, S> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for i in 0..self.0.rows() {
            softmax_row_vjp(self.0.row(i), self.1.row_mut(i));
        }
    }
}

/// `y_ij = exp(x_ij − m_i) / Σ_l exp(x_il − m_i)`, `m_i` the greatest entry of row i. `x`: n × m, any finite reals. Errors: `Shape` for empty rows.
/// About 25 n m flops. Laws: rows sum to 1; adding a number to a row changes nothing; equal entries give 1/m.
pub fn softmax<S: Scalar>(x: &Matrix<S>) -> Result<Matrix<S>> {
    not_empty(x)?;
    let mut y = x.clone();
    Isa::detect().run(Forward(&mut y));
    Ok(y)
}

/// Gradient of [`softmax`] from its result `y`: `x̄ = y ∘ (ȳ − Σ_l ȳ_l y_l)`, row by row.
pub fn softmax_vjp<S: Scalar>(y: &Matrix<S>, y_bar: &Matrix<S>) -> Result<Matrix<S>> {
    super::same_shape("cotangent", y, y_bar)?;
    let mut x_bar = y_bar.clone();
    Isa::detect().run(Backward(y, &mut x_bar));
    Ok(x_bar)
}

/// `m_i + ln Σ_l exp(x_il − m_i)` for each row; with one column, the entry itself. Gradient: the softmax times the cotangent of the row.
pub fn log_sum_exp<S: Scalar>(x: &Matrix<S>) -> Result<Vec<S>> {
    not_empty(x)?;
    (0..x.rows())
        .map(|i| {
            let m = greatest(x.row(i));
            let exps: Vec<S> = x.row(i).iter().map(|&x| (x - m).exp()).collect();
            Ok(m + S::sum(&exps).ln())
        })
        .collect()
}

/// `x_ij − log_sum_exp(x_i)`. Gradient: `x̄ = ȳ − softmax(x) Σ_l ȳ_l`.
pub fn log_softmax<S: Scalar>(x: &Matrix<S>) -> Result<Matrix<S>> {
    let lse = log_sum_exp(x)?;
    Ok(Matrix::from_fn(x.rows(), x.cols(), |i, j| x[(i, j)] - lse[i]))
}
