//! Samplers of matrices: Gaussian, orthogonal, mixtures of subspaces.

use super::Rng;
use crate::linalg::Matrix;
use crate::{Error, Result};

/// A `rows × cols` matrix of independent standard Gaussians.
pub fn gaussian_matrix(rows: usize, cols: usize, rng: &mut Rng) -> Matrix<f64> {
    Matrix::from_fn(rows, cols, |_, _| rng.gaussian())
}

/// A random order of `0 .. n`, each with probability 1/n! (Fisher and Yates).
pub fn permutation(n: usize, rng: &mut Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, rng.below(i + 1));
    }
    order
}

/// `d × k` with orthonormal columns, Haar distributed: the Q of a Gaussian matrix whose R has a positive diagonal (Mezzadri, *How to generate
/// random matrices from the classical compact groups*, 2007). Errors: `Shape` if k > d.
pub fn orthonormal_frame(d: usize, k: usize, rng: &mut Rng) -> Result<Matrix<f64>> {
    if k > d {
        return Err(Error::shape("orthonormal frame", format!("at most {d} columns in dimension {d}"), k.to_string()));
    }
    let mut q = gaussian_matrix(d, k, rng);
    // Gram–Schmidt twice: as orthogonal as Householder, and the sign of R is positive by construction.
    for j in 0..k {
        for _ in 0..2 {
            for i in 0..j {
                let (a, b) = (q.col(i), q.col(j));
                let c = <f64 as crate::scalar::Bulk>::dot(&a, &b);
                for r in 0..d {
                    q[(r, j)] = (-c).mul_add(a[r], q[(r, j)]);
                }
            }
        }
        let column = q.col(j);
        let norm = <f64 as crate::scalar::Bulk>::dot(&column, &column).sqrt();
        for r in 0..d {
            q[(r, j)] /= norm;
        }
    }
    Ok(q)
}

/// A `d × d` orthogonal matrix, Haar distributed.
pub fn haar_orthogonal(d: usize, rng: &mut Rng) -> Result<Matrix<f64>> {
    orthonormal_frame(d, d, rng)
}

/// Samples near a union of subspaces.
#[derive(Clone, Debug)]
pub struct SubspaceMixture {
    /// The samples, `n × d`.
    pub x: Matrix<f64>,
    /// The subspace of each sample.
    pub labels: Vec<usize>,
    /// An orthonormal basis of each subspace, `d × r_k`.
    pub bases: Vec<Matrix<f64>>,
}

/// `counts[k]` samples `U_k g + σ e` with `U_k` a random orthonormal `d × ranks[k]`, `g` and `e` standard Gaussian. With `orthogonal` the subspaces are
/// orthogonal to each other, which needs `Σ ranks ≤ d`. Errors: `Shape` where the ranks do not fit, `Domain` for σ < 0.
pub fn subspace_mixture(
    d: usize,
    counts: &[usize],
    ranks: &[usize],
    sigma: f64,
    orthogonal: bool,
    rng: &mut Rng,
) -> Result<SubspaceMixture> {
    if counts.len() != ranks.len() {
        return Err(Error::shape("ranks", format!("{} of them, one a class", counts.len()), ranks.len().to_string()));
    }
    if !(sigma >= 0.0 && sigma.is_finite()) {
        return Err(Error::domain("sigma", "a finite number from 0 on", sigma.to_string()));
    }
    let bases = if orthogonal {
        let frame = orthonormal_frame(d, ranks.iter().sum(), rng)?;
        let mut from = 0;
        let cut = |&r: &usize| {
            from += r;
            frame.select_cols(from - r, r)
        };
        ranks.iter().map(cut).collect::<Result<Vec<_>>>()?
    } else {
        ranks.iter().map(|&r| orthonormal_frame(d, r, rng)).collect::<Result<Vec<_>>>()?
    };
    let (mut data, mut labels) = (Vec::new(), Vec::new());
    for (k, u) in bases.iter().enumerate() {
        let codes = gaussian_matrix(counts[k], ranks[k], rng);
        let clean = codes.matmul_t(u)?;
        data.extend(clean.data().iter().map(|&x| sigma.mul_add(rng.gaussian(), x)));
        labels.extend(std::iter::repeat_n(k, counts[k]));
    }
    Ok(SubspaceMixture { x: Matrix::new(labels.len(), d, data)?, labels, bases })
}
