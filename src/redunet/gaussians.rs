//! Three clouds on the sphere: the experiment in which one sees what ReduNet does.

use crate::linalg::Matrix;
use crate::scalar::Scalar;

/// `3m` points of R³ about the axes, with their classes. Class k, point i, `j = km + i + 1`:
/// `x = e_k + 0.1 √2 (sin(j² + φ), sin(√2 j² + 1 + φ), sin(√3 j² + 2 + φ))`, to length 1.
///
/// Three clouds of standard deviation 0.1 like those of the published experiment, but the same numbers everywhere: take another φ for test points. Rows sum to nothing near 0, so every row has a direction.
pub fn three_gaussians(m: usize, phase: f64) -> (Matrix<f64>, Vec<usize>) {
    let (two, three) = (2f64.sqrt(), 3f64.sqrt());
    let mut data = Vec::with_capacity(9 * m);
    for j in 1..=3 * m {
        let square = (j * j) as f64;
        let wave = [Scalar::sin(square + phase), Scalar::sin(two * square + 1.0 + phase), Scalar::sin(three * square + 2.0 + phase)];
        let mut x = wave.map(|w| 0.1 * two * w);
        x[(j - 1) / m] += 1.0;
        let norm = (x[0] * x[0] + x[1] * x[1] + x[2] * x[2]).sqrt();
        data.extend(x.map(|x| x / norm));
    }
    let z = Matrix::from_fn(3 * m, 3, |i, j| data[3 * i + j]);
    (z, (0..3 * m).map(|i| i / m).collect())
}
