//! Softmax, its logarithm, and the logarithm of a sum of exponentials, row by row.

use crate::linalg::Matrix;
use crate::linalg::dispatch::Isa;
use crate::linalg::kernel::plain;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The greatest entry of a row that is not empty.
fn greatest<S: Scalar>(row: &[S]) -> S {
    row[1..].iter().fold(row[0], |m, &x| m.max(x))
}
fn not_empty<S: Scalar>(x: &Matrix<S>) -> Result<()> {
    if x.cols() == 0 && x.rows() > 0 { Err(Error::shape("x", "at least one column", format!("{x:?}")).named("EmptyInput")) } else { Ok(()) }
}

/// `y_ij = exp(x_ij − m_i) / Σ_l exp(x_il − m_i)`, `m_i` the greatest entry of row i. `x`: n × m, any finite reals. Errors: `Shape` for empty rows.
/// About 25 n m flops. Laws: rows sum to 1; adding a number to a row changes nothing; equal entries give 1/m.
pub fn softmax<S: Scalar>(x: &Matrix<S>) -> Result<Matrix<S>> {
    not_empty(x)?;
    let mut y = x.clone();
    S::softmax_rows(y.data_mut(), x.cols());
    Ok(y)
}

/// Gradient of [`softmax`] from its result `y`: `x̄ = y ∘ (ȳ − Σ_l ȳ_l y_l)`, row by row, from ȳ less its entry at the greatest weight.
pub fn softmax_vjp<S: Scalar>(y: &Matrix<S>, y_bar: &Matrix<S>) -> Result<Matrix<S>> {
    super::same_shape("cotangent", y, y_bar)?;
    let mut x_bar = y_bar.clone();
    plain::centre_rows(Isa::detect(), y.data(), x_bar.data_mut(), y.cols());
    S::softmax_rows_vjp(y.data(), x_bar.data_mut(), y.cols());
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
