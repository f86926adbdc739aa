//! Rank-revealing Cholesky factorisation of a positive semidefinite matrix.

use super::matrix::Matrix;
use crate::scalar::Scalar;
use crate::{Error, Result};
use std::cmp::Ordering;

/// `A ≈ F Fᵀ` for positive semidefinite `A` (its lower triangle), with as many columns as the numerical rank: `F = Pᵀ L` with `L` lower trapezoidal and `P` the
/// permutation that brings the largest remaining diagonal element to each pivot.
///
/// It stops when no remaining diagonal element exceeds `n u max a_ii`, LAPACK's rule for `pstrf` (Higham, *Accuracy and Stability of Numerical Algorithms*,
/// 2002, §10.3; Hammarling, Higham & Lucas, 2007). `A − F Fᵀ` is what remains, of trace at most `n` times that, up to rounding. Which of two equal diagonal elements comes
/// first is decided by the lower index, for balls by midpoints; any choice is right. `n r²` flops.
#[derive(Clone, Debug)]
pub struct PivotedCholesky<S> {
    /// `n × r`; row `order[k]` has zeros after column k.
    pub factor: Matrix<S>,
    /// The pivots: first the rows chosen, in order, then the others.
    pub order: Vec<usize>,
}

impl<S: Scalar> PivotedCholesky<S> {
    /// Factors `A`. Errors: `Shape` unless square; `NotFinite`; `NotPositiveDefinite` if what remains has a diagonal element below minus the tolerance, or one
    /// off the diagonal above `n + 1` times it, so that `A` was not semidefinite; `Undecided` for a ball whose pivot, above the tolerance, may still be 0.
    pub fn new(a: &Matrix<S>) -> Result<Self> {
        let n = a.check_square("matrix")?;
        a.check_finite("matrix")?;
        // The remaining matrix, lower triangle; rows and columns stay where they are.
        let mut rest = a.clone();
        let mut left: Vec<usize> = (0..n).collect();
        let mut order = Vec::with_capacity(n);
        let mut columns: Vec<Vec<S>> = Vec::new();
        let largest = (0..n).map(|i| a[(i, i)].value()).fold(0.0, |m, x| if x > m { x } else { m });
        let tolerance = n as f64 * S::UNIT_ROUNDOFF * largest;
        while let Some(at) = (0..left.len()).reduce(|best, i| {
            let (x, y) = (rest[(left[i], left[i])], rest[(left[best], left[best])]);
            if (x - y).value() > 0.0 { i } else { best }
        }) {
            let p = left[at];
            let pivot = rest[(p, p)];
            if !(pivot.value() > tolerance) {
                break;
            }
            match pivot.sign() {
                Some(Ordering::Greater) => left.remove(at),
                _ => return Err(Error::undecided(format!("pivot {p}"), "a positive number", format!("{:?}", pivot.to_ball()))),
            };
            let root = pivot.sqrt();
            let mut column = vec![S::ZERO; n];
            column[p] = root;
            for &i in &left {
                column[i] = rest[(i.max(p), i.min(p))] / root;
            }
            for &i in &left {
                for &j in left.iter().take_while(|&&j| j <= i) {
                    rest[(i, j)] = (-column[i]).mul_add(column[j], rest[(i, j)]);
                }
            }
            order.push(p);
            columns.push(column);
        }
        for &i in &left {
            for &j in left.iter().take_while(|&&j| j <= i) {
                let x = rest[(i, j)].value();
                if if i == j { x < -tolerance } else { x.abs() > tolerance * (n + 1) as f64 } {
                    let expected = format!("a remainder within {tolerance:.1e}, as of a semidefinite matrix");
                    return Err(Error::not_positive_definite(
                        format!("element ({i}, {j}) after {} pivots", order.len()),
                        expected,
                        format!("{x:e}"),
                    ));
                }
            }
        }
        order.extend(left);
        let factor = Matrix::from_fn(n, columns.len(), |i, j| columns[j][i]);
        Ok(PivotedCholesky { factor, order })
    }
    /// The numerical rank.
    pub fn rank(&self) -> usize {
        self.factor.cols()
    }
}
