//! Data whose sparse codes are known: drawn, or with exact moments and nothing drawn.

use crate::linalg::Matrix;
use crate::random::Rng;
use crate::scalar::Scalar;
use crate::{Error, Result};

/// Every combination of these values in d coordinates, one a row: the distribution of independent coordinates, each uniform on the values, without sampling error. `values.len()ᵈ` rows.
///
/// Kurtosis at unit variance: `[2, −2, 0 × 6]` gives 1, `[√3, −√3, 0 × 4]` gives 0 (as a Gaussian: no dictionary can be found), `[1, −1]` gives −2. Errors: `Unsupported` above 2²⁰ rows.
pub fn factorial_design<S: Scalar>(values: &[S], d: usize) -> Result<Matrix<S>> {
    let rows = (0..d).try_fold(1usize, |n, _| n.checked_mul(values.len()).filter(|&n| n <= 1 << 20));
    let rows = rows.ok_or_else(|| Error::unsupported("design", "at most 2^20 rows", format!("{}^{d}", values.len())))?;
    Ok(Matrix::from_fn(rows, d, |i, j| values[(i / values.len().max(1).pow(j as u32)) % values.len().max(1)]))
}

/// `n × d` independent numbers, each 0 with probability `1 − θ`, else Gaussian of variance `1/θ`: unit variance, kurtosis `3(1 − θ)/θ`, `dθ` nonzeros a row on average.
/// Errors: `Domain` unless `0 < θ ≤ 1`.
pub fn bernoulli_gaussian(n: usize, d: usize, theta: f64, rng: &mut Rng) -> Result<Matrix<f64>> {
    if !(theta > 0.0 && theta <= 1.0) {
        return Err(Error::domain("theta", "a probability above 0", theta.to_string()).named("InvalidParameter"));
    }
    let deviation = theta.sqrt().recip();
    Ok(Matrix::from_fn(n, d, |_, _| if rng.chance(theta) { rng.gaussian() * deviation } else { 0.0 }))
}

/// `m` atoms in d dimensions, uniform on the sphere.
pub fn random_atoms(m: usize, d: usize, rng: &mut Rng) -> Matrix<f64> {
    let mut a = crate::random::gaussian_matrix(m, d, rng);
    for i in 0..m {
        let norm = a.row(i).iter().map(|x| x * x).sum::<f64>().sqrt();
        a.row_mut(i).iter_mut().for_each(|x| *x /= norm);
    }
    a
}

/// m samples of the data scaled to length 1, drawn without repetition; random directions where too few are not 0. A usual start of dictionary learning.
pub fn atoms_from_samples(x: &Matrix<f64>, m: usize, rng: &mut Rng) -> Result<Matrix<f64>> {
    x.check_finite("x")?;
    let order = crate::random::permutation(x.rows(), rng);
    let mut atoms = random_atoms(m, x.cols(), rng);
    let lengths = order.iter().map(|&i| (i, x.row(i).iter().map(|x| x * x).sum::<f64>().sqrt())).filter(|&(_, l)| l > 0.0);
    for (j, (i, length)) in lengths.take(m).enumerate() {
        let unit: Vec<f64> = x.row(i).iter().map(|x| x / length).collect();
        atoms.row_mut(j).copy_from_slice(&unit);
    }
    Ok(atoms)
}
