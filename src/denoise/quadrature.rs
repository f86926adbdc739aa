//! Gaussian quadrature, from the eigenvalues of the recurrence of its polynomials.

use crate::linalg::{Eigen, Matrix};
use crate::{Error, Result};

/// Nodes and weights.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where the integrand is taken, ascending.
    pub nodes: Vec<f64>,
    /// What each value counts; the sum is 1.
    pub weights: Vec<f64>,
}

/// The rule whose orthonormal polynomials satisfy `b_{k+1} p_{k+1} = x p_k − b_k p_{k−1}`: eigenvalues of the tridiagonal matrix of b, squares of the first entries of its vectors
/// (Golub and Welsch, Math. Comp. 23, 1969).
fn rule(count: usize, b: impl Fn(usize) -> f64) -> Result<Rule> {
    if !(1..=512).contains(&count) {
        return Err(Error::domain("nodes", "a number from 1 to 512", count.to_string()).named("InvalidParameter"));
    }
    let jacobi = Matrix::from_fn(count, count, |i, j| if i.abs_diff(j) == 1 { b(if i > j { i } else { j }) } else { 0.0 });
    let eigen = Eigen::new(&jacobi)?;
    // The rule is symmetric; its rounding is made so.
    let at = |i: usize| (eigen.values[count - 1 - i], eigen.vectors[(0, count - 1 - i)] * eigen.vectors[(0, count - 1 - i)]);
    let nodes = (0..count).map(|i| 0.5 * (at(i).0 - at(count - 1 - i).0)).collect();
    Ok(Rule { nodes, weights: (0..count).map(|i| 0.5 * (at(i).1 + at(count - 1 - i).1)).collect() })
}

/// `E f(z) ≈ Σ w f(node)` for standard Gaussian z, exact for polynomials of degree below `2·count`. The least weights have lost their relative accuracy; they are below rounding.
pub fn gauss_hermite(count: usize) -> Result<Rule> {
    rule(count, |k| (k as f64).sqrt())
}

/// The mean of f over [−1, 1], exact for polynomials of degree below `2·count`.
pub fn gauss_legendre(count: usize) -> Result<Rule> {
    rule(count, |k| k as f64 / (4.0 * (k * k) as f64 - 1.0).sqrt())
}
