//! Derivatives three ways: a dual number against central differences in double-double, the VJP against the dual number, and the VJP in balls around it.

use crate::matrices::{Double, gaussian};
use white_box::linalg::Matrix;
use white_box::random::Rng;
use white_box::scalar::{Ball, Dual, Scalar};

/// A function of a matrix, with its VJP.
pub trait Differentiable {
    const NAME: &'static str;
    /// Whether it is a function of symmetric matrices, moved in symmetric directions.
    const SYMMETRIC: bool;
    /// Balls of its gradient are narrow; otherwise they only hold what they must.
    const NARROW: bool = true;
    fn value<S: Scalar>(&self, a: &Matrix<S>) -> Vec<S>;
    fn vjp<S: Scalar>(&self, a: &Matrix<S>, cotangent: &[S]) -> Matrix<S>;
}

/// `difficulty` bounds `‖f^(k)‖ ‖A‖^k / (k! ‖f′‖ ‖A‖)` by `difficulty^{k−1}`: how fast the function bends, the inverse of a relative gap or of a
/// relative distance to singularity. From it follow the truncation `difficulty² h²` of a difference with step `h‖A‖`, and the growth of rounding.
pub fn check<F: Differentiable>(f: &F, a: &Matrix<Double>, difficulty: f64, rng: &mut Rng) {
    let [m, n] = a.shape();
    let mut direction: Matrix<Double> = gaussian(m, n, rng);
    if F::SYMMETRIC {
        direction = direction.symmetrised().unwrap();
    }
    let along = |t: f64| f.value(&a.add(&direction.scale(Double::from_f64(t))).unwrap());
    let dual = f.value(&Matrix::from_fn(m, n, |i, j| Dual::new(a[(i, j)], direction[(i, j)])));
    let tangent: Vec<Double> = dual.iter().map(|x| x.tangent).collect();
    let length = |x: &[Double]| x.iter().map(|x| x.value().powi(2)).sum::<f64>().sqrt();

    // The values of the dual number are those of its base.
    assert!(along(0.0).iter().zip(&dual).all(|(x, y)| *x == y.value), "{}: value of the dual number", F::NAME);

    let relative = a.frobenius_squared().value().sqrt() / direction.frobenius_squared().value().sqrt();
    let h = 2f64.powi(-32) * relative / difficulty;
    let (ahead, behind) = (along(h), along(-h));
    let quotient: Vec<Double> = ahead.iter().zip(&behind).map(|(&x, &y)| (x - y) / Double::from_f64(2.0 * h)).collect();
    let error = length(&tangent.iter().zip(&quotient).map(|(&x, &y)| x - y).collect::<Vec<_>>());
    // Truncation 2⁻⁶⁴ relative to the derivative; rounding u ‖f‖ difficulty / h.
    let values: Vec<Double> = dual.iter().map(|x| x.value).collect();
    let size = (m * n) as f64;
    let bound = size * (2f64.powi(-64) * length(&tangent) + Double::UNIT_ROUNDOFF * difficulty * length(&values) / h) * 8.0;
    assert!(error <= bound, "{}: dual number off the difference quotient by {error:.2e}, bound {bound:.2e}", F::NAME);
    assert!(bound <= 1e-9 * length(&tangent), "{}: a bound of {bound:.1e} says nothing about {:.1e}", F::NAME, length(&tangent));

    // ⟨cotangent, tangent⟩ = ⟨vjp, direction⟩.
    let cotangent: Vec<Double> = gaussian::<Double>(1, tangent.len(), rng).into_data();
    let pulled = f.vjp(a, &cotangent);
    let (left, right) = (dot(&cotangent, &tangent), dot(pulled.data(), direction.data()));
    let scale = length(&cotangent) * length(&tangent) + length(pulled.data()) * length(direction.data());
    let bound = 64.0 * size * Double::UNIT_ROUNDOFF * difficulty * scale;
    assert!(
        (left - right).value().abs() <= bound,
        "{}: adjoint identity off by {:.2e}, bound {bound:.2e}",
        F::NAME,
        (left - right).value()
    );

    // Balls: around it, and tight.
    let balls = f.vjp::<Ball>(&a.cast(), &cotangent.iter().map(|x| x.to_ball()).collect::<Vec<_>>());
    for (x, y) in balls.data().iter().zip(pulled.data()) {
        let gap = (*x - y.to_ball()).mignitude();
        assert!(gap <= bound, "{}: the ball {x:?} is {gap:.1e} off {y:?}", F::NAME);
        let limit = 1e4 * size * Double::UNIT_ROUNDOFF * difficulty * difficulty * length(pulled.data());
        assert!(!F::NARROW || x.rad() <= limit, "{}: radius {:.1e}, more than {limit:.1e}", F::NAME, x.rad());
    }
}
fn dot(x: &[Double], y: &[Double]) -> Double {
    x.iter().zip(y).fold(Double::ZERO, |sum, (&x, &y)| sum + x * y)
}
