//! Principal components of tokens: which parts of the images are alike.

use crate::linalg::{Eigen, Matrix};
use crate::scalar::Scalar;
use crate::{Error, Result};

/// The greatest principal components of many tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenPca<S> {
    /// d × k, orthonormal columns; the entry of largest magnitude of each is positive.
    pub axes: Matrix<S>,
    /// The variance along each, descending.
    pub variances: Vec<S>,
    /// n × k: the centred tokens along the axes.
    pub scores: Matrix<S>,
}

impl<S: Scalar> TokenPca<S> {
    /// Of the rows of `x` (n × d), for `k ≤ d` components, by the eigenvectors of the covariance (divided by n). Errors: `Shape`.
    ///
    /// The official script takes the keys of the last layer (in CRATE the projections), without the class token, of several images together, four components, and paints the last three of them.
    pub fn new(x: &Matrix<S>, k: usize) -> Result<Self> {
        let [n, d] = x.shape();
        if n == 0 || k == 0 || k > d {
            return Err(Error::shape("x", format!("at least one row, and at least {k} ≥ 1 columns"), format!("{x:?}")));
        }
        let share = S::from_usize(n).recip();
        let mean: Vec<S> = (0..d).map(|j| S::sum(&x.col(j)) * share).collect();
        let centred = Matrix::from_fn(n, d, |i, j| x[(i, j)] - mean[j]);
        let eigen = Eigen::new(&centred.gram_cols().scale(share))?;
        let mut axes = eigen.vectors.select_cols(0, k)?;
        for j in 0..k {
            let largest = axes.col(j).into_iter().fold(S::ZERO, |m, x| if x.value().abs() > m.value().abs() { x } else { m });
            if largest.value() < 0.0 {
                (0..d).for_each(|i| axes[(i, j)] = -axes[(i, j)]);
            }
        }
        Ok(TokenPca { scores: centred.matmul(&axes)?, variances: eigen.values[..k].to_vec(), axes })
    }
}
