//! Matrices to test on. They are drawn in double-double, with all its digits, and rounded to the type under test.

use white_box::linalg::{Matrix, Qr};
use white_box::random::Rng;
use white_box::scalar::{DoubleDouble, Scalar};

pub type Double = DoubleDouble;

/// A standard Gaussian with noise in the trailing part.
pub fn draw(rng: &mut Rng) -> Double {
    DoubleDouble::from_sum(rng.gaussian(), rng.gaussian() * 2f64.powi(-55))
}
pub fn gaussian<S: Scalar>(m: usize, n: usize, rng: &mut Rng) -> Matrix<S> {
    Matrix::from_fn(m, n, |_, _| draw(rng)).cast()
}
pub fn symmetric<S: Scalar>(n: usize, rng: &mut Rng) -> Matrix<S> {
    gaussian::<S>(n, n, rng).symmetrised().unwrap()
}
/// Orthonormal columns, to the rounding of `S`.
pub fn orthonormal<S: Scalar>(m: usize, n: usize, rng: &mut Rng) -> Matrix<S> {
    Qr::new(&gaussian::<Double>(m, n, rng)).unwrap().q.cast()
}
/// `Q diag(λ) Qᵀ`, symmetric to the bit.
pub fn with_spectrum<S: Scalar>(values: &[f64], rng: &mut Rng) -> Matrix<S> {
    let q: Matrix<Double> = orthonormal(values.len(), values.len(), rng);
    let d = Matrix::from_fn(values.len(), values.len(), |i, j| q[(i, j)] * Double::from_f64(values[j]));
    d.matmul_t(&q).unwrap().symmetrised().unwrap().cast::<S>()
}
/// `U diag(σ) Vᵀ`.
pub fn with_singular_values<S: Scalar>(m: usize, n: usize, sigma: &[f64], rng: &mut Rng) -> Matrix<S> {
    let r = sigma.len();
    let (u, v): (Matrix<Double>, Matrix<Double>) = (orthonormal(m, r, rng), orthonormal(n, r, rng));
    Matrix::from_fn(m, r, |i, j| u[(i, j)] * Double::from_f64(sigma[j])).matmul_t(&v).unwrap().cast()
}
fn decade(rng: &mut Rng, range: f64) -> Double {
    Double::from_f64(10f64.powf(range * (2.0 * rng.uniform() - 1.0)))
}

/// The classes that the contracts are stated over, and the corners.
pub fn zoo<S: Scalar>(m: usize, n: usize, rng: &mut Rng) -> Vec<(&'static str, Matrix<S>)> {
    let plain: Matrix<Double> = gaussian(m, n, rng);
    let cols: Vec<Double> = (0..n).map(|_| decade(rng, 6.0)).collect();
    let rows: Vec<Double> = (0..m).map(|_| decade(rng, 6.0)).collect();
    let (x, y): (Vec<Double>, Vec<Double>) = ((0..m).map(|_| draw(rng)).collect(), (0..n).map(|_| draw(rng)).collect());
    let tiny = Double::from_f64(1e-9);
    let r = m.min(n);
    let low = with_singular_values(m, n, &(0..r).map(|i| if i < r.div_ceil(2) { 1.0 + i as f64 } else { 0.0 }).collect::<Vec<_>>(), rng);
    vec![
        ("well scaled", plain.cast()),
        ("columns scaled", Matrix::from_fn(m, n, |i, j| plain[(i, j)] * cols[j]).cast()),
        ("rows scaled", Matrix::from_fn(m, n, |i, j| plain[(i, j)] * rows[i]).cast()),
        ("near rank 1", Matrix::from_fn(m, n, |i, j| x[i] * y[j] + tiny * plain[(i, j)]).cast()),
        ("rank 1", Matrix::from_fn(m, n, |i, j| x[i] * y[j]).cast()),
        ("half the rank", low),
        ("equal columns", Matrix::from_fn(m, n, |i, _| plain[(i, 0)]).cast()),
        (
            "graded and dependent",
            Matrix::from_fn(m, n, |i, j| plain[(i, j / 2)] * Double::from_f64(2f64.powi(-40 * (j as i32 % 3)))).cast(),
        ),
        ("orthonormal", if m >= n { orthonormal(m, n, rng) } else { orthonormal::<S>(n, m, rng).transpose() }),
        ("identity", Matrix::from_fn(m, n, |i, j| if i == j { S::ONE } else { S::ZERO })),
        ("zero", Matrix::zeros(m, n)),
        ("one element", Matrix::from_fn(m, n, |i, j| if i == m - 1 && j == n / 2 { S::from_f64(-3.0) } else { S::ZERO })),
        ("tiny", plain.scale(Double::from_f64(2f64.powi(-100))).cast()),
        ("huge", plain.scale(Double::from_f64(2f64.powi(100))).cast()),
    ]
}
/// Symmetric matrices of all kinds.
pub fn symmetric_zoo<S: Scalar>(n: usize, rng: &mut Rng) -> Vec<(&'static str, Matrix<S>)> {
    let mut all: Vec<(&'static str, Matrix<S>)> =
        zoo::<S>(n, n, rng).into_iter().map(|(name, a)| (name, a.symmetrised().unwrap())).collect();
    let b: Matrix<Double> = gaussian(n, n, rng);
    let scale: Vec<Double> = (0..n).map(|_| decade(rng, 6.0)).collect();
    let gram = b.gram_cols();
    all.push(("graded positive definite", Matrix::from_fn(n, n, |i, j| gram[(i, j)] * scale[i] * scale[j]).cast()));
    all.push(("semidefinite", gaussian::<Double>(n, n.div_ceil(2), rng).gram_rows().cast()));
    all.push(("exchanges", Matrix::from_fn(n, n, |i, j| if i ^ 1 == j { S::ONE } else { S::ZERO })));
    all.push(("repeated", with_spectrum(&(0..n).map(|i| 1.0 + (i / 3) as f64).collect::<Vec<_>>(), rng)));
    all
}
