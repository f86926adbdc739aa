//! The derivation of a layer, rung by rung: the laws of every rung, the surprising ones too, and how far each operator is from the best denoiser of tokens whose law is known.

#[path = "derivation/mixture.rs"]
mod mixture;
#[path = "derivation/rungs.rs"]
mod rungs;
#[path = "derivation/sparse.rs"]
mod sparse;

use white_box::Result;
use white_box::linalg::Matrix;
use white_box::random::{Rng, haar_orthogonal};

const U: f64 = f64::EPSILON / 2.0;

/// K orthonormal bases of width p that together are complete.
fn complete(k: usize, p: usize, rng: &mut Rng) -> Result<Vec<Matrix<f64>>> {
    let q = haar_orthogonal(k * p, rng)?;
    (0..k).map(|i| q.select_cols(i * p, p)).collect()
}

fn norm(m: &Matrix<f64>) -> f64 {
    m.frobenius_squared().sqrt()
}

/// Mean and standard error of the mean.
fn mean(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (mean, (x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n * (n - 1.0))).sqrt())
}

/// A mean of independent draws lies within five standard errors of what it is held against, and of what may be missing there.
fn agrees(what: &str, draws: &[f64], known: f64, missing: f64) {
    let (mean, error) = mean(draws);
    assert!((mean - known).abs() <= 5.0 * error + missing, "{what}: {mean} ± {error}, known {known}, missing {missing}");
}
